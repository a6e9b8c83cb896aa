//! Groups.

mod absent;
mod present;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(absent::Absent));
    registry.add_state(Arc::new(present::Present));
}
