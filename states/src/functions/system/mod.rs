//! The machine as a whole.

mod hostname;
mod power;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(hostname::Hostname));
    registry.add_state(Arc::new(power::REBOOT));
    registry.add_state(Arc::new(power::SHUTDOWN));
}
