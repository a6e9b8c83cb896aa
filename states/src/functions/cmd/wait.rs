//! `cmd.wait`: a command that runs only when a watched state changed.

use std::sync::LazyLock;

use super::run::{IN_STATES, documented, execute};
use crate::function::{
    Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction, Verdict, Watch,
};

/// The function.
pub(in crate::functions) struct Wait;

static DOC: LazyLock<FunctionDoc> = LazyLock::new(|| {
    documented(
        "Runs a command only when a watched state changed. cmd.run with onchanges says the same.",
        &IN_STATES,
        "/etc/app.conf:\n  file.managed:\n    - contents: a=1\n\nread it again:\n  cmd.wait:\n    - name: 'true'\n    - watch:\n      - file: /etc/app.conf\n",
    )
});

impl StateFunction for Wait {
    fn name(&self) -> &'static str {
        "cmd.wait"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, _call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(Check::holds("nothing that it watches changed"))
    }

    fn apply(&self, _: &StateCall, check: &Check, _: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(check.changes.clone(), check.comment.clone()))
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Wait {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        execute(call, ctx).unwrap_or_else(Verdict::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn it_runs_when_fired_and_not_by_itself() {
        let bench = Bench::new(SimHost::new());
        let sls = "true:\n  cmd.wait: []\n";
        assert!(!bench.run(sls).changed());
        assert!(bench.host.commands().is_empty());
        assert!(bench.with_ctx(|ctx| Wait.fire(&bench.call(sls, false), ctx)).changed());
        assert_eq!(bench.host.commands().len(), 1);
    }
}
