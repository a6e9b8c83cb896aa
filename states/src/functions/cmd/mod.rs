//! Commands.

mod call;
mod run;
mod script;
mod wait;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use call::{CommandArgs, Ran};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(run::Run));
    registry.add_state(Arc::new(script::Script));
    registry.add_state(Arc::new(wait::WAIT));
    registry.add_state(Arc::new(wait::WATCH));
    registry.add_state(Arc::new(script::WAIT_SCRIPT));
}
