//! Execution functions as states.

mod run;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(run::Run));
    registry.add_state(Arc::new(run::WAIT));
    registry.add_state(Arc::new(run::WATCH));
}
