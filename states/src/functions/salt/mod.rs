//! Steps of an orchestration when they are applied locally: they act on a roster of one, this minion.
//!
//! On the master the orchestration engine carries these steps out; these functions are not used there.

mod function;
mod runner;
mod state;
mod wait_for_event;

use std::sync::Arc;

use lab_proto::glob;

use crate::function::{JobCtx, Registry, Verdict, VerdictKind};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(function::Function));
    registry.add_state(Arc::new(runner::RUNNER));
    registry.add_state(Arc::new(runner::WHEEL));
    registry.add_state(Arc::new(state::State));
    registry.add_state(Arc::new(wait_for_event::WaitForEvent));
}

/// Takes the changes out of a dry run's verdict: nobody knows what another machine would do, so that nothing is to count
/// on it (`onchanges`, say).
fn unforeseen(mut verdict: Verdict) -> Verdict {
    if verdict.kind == VerdictKind::WouldChange {
        verdict.changes.clear();
    }
    verdict
}

/// Tells whether a target means this minion. Kinds that need the master's knowledge of others are taken as matched:
/// on a roster of one there is nobody else that they could mean.
fn means_us(target: &str, kind: &str, ctx: &JobCtx<'_>) -> bool {
    let id = ctx.services.id();
    match kind {
        "glob" => glob::matches(target, id),
        "list" => target.split(',').any(|t| t.trim() == id),
        _ => true,
    }
}
