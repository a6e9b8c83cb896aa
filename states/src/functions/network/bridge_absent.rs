//! `bridge.absent`: no bridge of that name.
//!
//! ```yaml
//! br-old:
//!   bridge.absent: []
//! ```

use serde::Deserialize;

use super::desired::{Absent, AbsentKind, Desired};
use super::transaction::{Transaction, check, run_one};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, Group, JobCtx, Kind, StateCall, StateError, StateFunction,
    Verdict,
};

const ARGS: &[ArgDoc] =
    &[ArgDoc::with_default("force", Kind::Bool, "false", "Also when it still has ports.")];

static DOC: FunctionDoc = FunctionDoc::new(
    "Removes a bridge. One that still has ports is only removed when told to.",
    ARGS,
    "br-old:\n  bridge.absent: []\n",
);

#[derive(Deserialize)]
struct Args {
    #[serde(default)]
    force: bool,
}

/// The function.
pub(super) struct BridgeAbsent;

/// Reads what a state asks for.
pub(super) fn desired(call: &StateCall) -> Result<Desired, StateError> {
    let Args { force } = call.typed()?;
    Ok(Desired::Absent(Absent { name: call.name.clone(), kind: AbsentKind::Bridge, force }))
}

impl StateFunction for BridgeAbsent {
    fn name(&self) -> &'static str {
        "bridge.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx)
    }

    fn apply(&self, call: &StateCall, _: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = run_one(call, ctx);
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    /// Plans, applies and reads back in one transaction.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        run_one(call, ctx)
    }

    fn group(&self) -> Option<&dyn Group> {
        Some(&Transaction)
    }
}
