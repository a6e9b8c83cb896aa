//! The language of the machine, and the languages that it knows.

mod files;
mod present;
mod system;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use files::{available, same, system_locale};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(present::Present));
    registry.add_state(Arc::new(system::System));
}
