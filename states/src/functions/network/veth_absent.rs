//! `veth.absent`: no virtual cable with an end of that name.
//!
//! ```yaml
//! veth-old:
//!   veth.absent: []
//! ```

use super::desired::{Absent, AbsentKind, Desired};
use super::transaction::{Transaction, check, run_one};
use crate::function::{
    Applied, Check, Class, FunctionDoc, Group, JobCtx, StateCall, StateError, StateFunction, Verdict,
};

static DOC: FunctionDoc =
    FunctionDoc::new("Removes a virtual cable, both ends.", &[], "veth-old:\n  veth.absent: []\n");

/// The function.
pub(super) struct VethAbsent;

/// Reads what a state asks for.
#[expect(clippy::unnecessary_wraps, reason = "one shape for all network states")]
pub(super) fn desired(call: &StateCall) -> Result<Desired, StateError> {
    Ok(Desired::Absent(Absent { name: call.name.clone(), kind: AbsentKind::Veth, force: false }))
}

impl StateFunction for VethAbsent {
    fn name(&self) -> &'static str {
        "veth.absent"
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
