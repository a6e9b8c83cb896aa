//! `salt.runner` and `salt.wheel`: what runs on the master; a local run has none.

use crate::function::{
    Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction, Verdict,
};
use crate::functions::support::map;

/// One of the two.
pub(in crate::functions) struct Runner {
    name: &'static str,
    doc: &'static FunctionDoc,
}

/// Runs a runner.
pub(super) const RUNNER: Runner = Runner { name: "salt.runner", doc: &DOC };
/// Calls a wheel function.
pub(super) const WHEEL: Runner = Runner { name: "salt.wheel", doc: &WHEEL_DOC };

static WHEEL_DOC: FunctionDoc = FunctionDoc::new(
    "Changes something of the master, its keys for one. A local run can only say what it would do.",
    &[],
    "key.list_all:\n  salt.wheel: []\n",
)
.open();

static DOC: FunctionDoc = FunctionDoc::new(
    "Runs something on the master, state.orchestrate for one. A local run can only say what it would run.",
    &[],
    "state.orchestrate:\n  salt.runner:\n    - mods: nested\n",
)
.open();

impl StateFunction for Runner {
    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        self.doc
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let comment = format!("{} function {} would be executed", self.name, call.name);
        Ok(Check::differs(map([("runner", call.name.as_str().into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, _ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Err(StateError::failed(format!(
            "cannot run {}: a local run has no master (use lab-master orchestrate)",
            call.name
        )))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let verdict = self.sequence(call, ctx).unwrap_or_else(Verdict::from);
        super::unforeseen(verdict)
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_local_run_refuses_it() {
        let bench = Bench::new(SimHost::new());
        assert_eq!(bench.dry("x:\n  salt.runner: []\n").kind, VerdictKind::WouldChange);
        assert_eq!(bench.run("x:\n  salt.runner: []\n").kind, VerdictKind::Failed);
    }
}
