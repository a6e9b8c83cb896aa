//! `service.dead`: a service does not run.

use serde::Deserialize;

use super::{Wanted, changes, steps, take};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
    Watch,
};
use crate::host::ServiceStatus;

/// The function.
pub(in crate::functions) struct Dead;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("enable", Kind::Bool, "Whether it starts at boot; left alone when not given."),
    ArgDoc::optional("sig", Kind::Text, "Accepted; the service manager knows whether it runs."),
    ArgDoc::with_default("init_delay", Kind::Float, "0", "Accepted."),
    ArgDoc::with_default("no_block", Kind::Bool, "false", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a service from running. One that is not installed is fine.",
    ARGS,
    "nginx:\n  service.dead:\n    - enable: False\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    enable: Option<bool>,
}

impl StateFunction for Dead {
    fn name(&self) -> &'static str {
        "service.dead"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let Some(have) = ctx.host.service(&call.name)? else {
            return Ok(Check::holds(format!("the named service {} is not available", call.name)));
        };
        let steps = steps(have, wanted(call)?);
        if steps.is_empty() {
            return Ok(Check::holds(format!("the service {} is already dead", call.name)));
        }
        Ok(Check::differs(changes(&call.name, &steps), format!("service {} is set to be killed", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let gone = ServiceStatus { running: false, enabled: None, masked: false };
        let have = ctx.host.service(&call.name)?.unwrap_or(gone);
        take(&call.name, &steps(have, wanted(call)?), ctx)?;
        Ok(Applied::new(check.changes.clone(), format!("service {} was killed", call.name)))
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Dead {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.run(call, ctx)
    }
}

fn wanted(call: &StateCall) -> Result<Wanted, StateError> {
    let args: Args = call.typed()?;
    Ok(Wanted { running: Some(false), enabled: args.enable, masked: None })
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_running_service_is_stopped_and_an_unknown_one_is_fine() {
        let bench = Bench::new(SimHost::new().with_service("nginx", true, true));
        assert!(bench.run("nginx:\n  service.dead: []\n").changed());
        assert!(!bench.run("nginx:\n  service.dead: []\n").changed());
        assert_eq!(bench.run("none:\n  service.dead: []\n").kind, VerdictKind::Ok);
    }
}
