//! The time zone of the machine.

mod system;
mod zone;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use zone::{clock_is_local, zone};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(system::System));
}
