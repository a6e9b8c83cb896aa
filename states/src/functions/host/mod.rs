//! Names in `/etc/hosts`.

mod entries;
mod table;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(entries::Present));
    registry.add_state(Arc::new(entries::Absent));
}
