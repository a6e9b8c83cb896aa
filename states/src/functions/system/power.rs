//! `system.reboot` and `system.shutdown` as states: recorded, and done by the agent after the run.

use super::super::support::map;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
    Watch,
};
use crate::host::PowerRequest;

/// One of the two.
pub(in crate::functions) struct Power {
    name: &'static str,
    request: PowerRequest,
    doc: &'static FunctionDoc,
}

const ARGS: &[ArgDoc] = &[ArgDoc::optional("message", Kind::Text, "Why, for the log.")];

static REBOOT_DOC: FunctionDoc = FunctionDoc::new(
    "Boots the machine again once the other states of this run are done and their results are safe. A run with a \
     failed state does not reboot.",
    ARGS,
    "into the new kernel:\n  system.reboot: []\n",
);

static SHUTDOWN_DOC: FunctionDoc = FunctionDoc::new(
    "Switches the machine off once the other states of this run are done and their results are safe.",
    ARGS,
    "good night:\n  system.shutdown: []\n",
);

pub(super) const REBOOT: Power =
    Power { name: "system.reboot", request: PowerRequest::Reboot, doc: &REBOOT_DOC };
pub(super) const SHUTDOWN: Power =
    Power { name: "system.shutdown", request: PowerRequest::PowerOff, doc: &SHUTDOWN_DOC };

impl StateFunction for Power {
    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        self.doc
    }

    fn check(&self, _call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let what = if self.request == PowerRequest::Reboot { "reboot" } else { "power off" };
        Ok(Check::differs(map([("requested", what.into())]), format!("{what} would be requested")))
    }

    fn apply(&self, _: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        ctx.host.request_power(self.request)?;
        Ok(Applied::new(check.changes.clone(), "requested; it happens when this run is over"))
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Power {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.run(call, ctx)
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use crate::host::{PowerRequest, System};

    #[test]
    fn a_reboot_is_recorded_and_a_shutdown_after_it_refused() {
        let bench = Bench::new(SimHost::new());
        assert_eq!(bench.dry("x:\n  system.reboot: []\n").kind, VerdictKind::WouldChange);
        assert_eq!(bench.host.power_request(), None);
        assert_eq!(bench.run("x:\n  system.reboot: []\n").kind, VerdictKind::Ok);
        assert_eq!(bench.host.power_request(), Some(PowerRequest::Reboot));
        assert_eq!(bench.run("x:\n  system.shutdown: []\n").kind, VerdictKind::Failed);
    }
}
