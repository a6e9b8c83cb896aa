//! Events.

mod send;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(send::Send));
}
