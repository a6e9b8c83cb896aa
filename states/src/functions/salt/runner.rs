//! `salt.runner`: what runs on the master; a local run has none.

use crate::function::{Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction};
use crate::functions::support::map;

/// The function.
pub(in crate::functions) struct Runner;

static DOC: FunctionDoc = FunctionDoc::new(
    "Runs something on the master, state.orchestrate for one. A local run can only say what it would run.",
    &[],
    "state.orchestrate:\n  salt.runner:\n    - mods: nested\n",
)
.open();

impl StateFunction for Runner {
    fn name(&self) -> &'static str {
        "salt.runner"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let comment = format!("runner function {} would be executed", call.name);
        Ok(Check::differs(map([("runner", call.name.as_str().into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, _ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Err(StateError::failed(format!(
            "cannot run {}: a local run has no master (use lab-master orchestrate)",
            call.name
        )))
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
