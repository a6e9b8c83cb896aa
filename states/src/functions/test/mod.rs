//! Functions that pretend: for trying out requisites, and to say something in a run.

mod check_pillar;
mod pretend;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    for function in pretend::ALL {
        registry.add_state(Arc::new(function));
    }
    registry.add_state(Arc::new(check_pillar::CheckPillar));
}
