//! The environment of what a run starts.

mod setenv;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(setenv::SetEnv));
}
