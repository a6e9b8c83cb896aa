//! Modules of the kernel: loaded now, and named in a file that loads them at boot.
//!
//! [`modules`] holds plain reads and steps without a state around them, so that other families can make modules part of
//! a larger change.

mod modules;
mod states;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use modules::{available, is_there, loaded, plain};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(states::Present));
    registry.add_state(Arc::new(states::Absent));
}
