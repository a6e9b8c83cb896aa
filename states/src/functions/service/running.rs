//! `service.running`: a service runs, and on request starts at boot.

use serde::Deserialize;
use std::time::Duration;

use super::{Wanted, changes, steps, take, unknown};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
    Watch,
};
use crate::functions::support::map;
use crate::host::ServiceAction;

/// The function.
pub(in crate::functions) struct Running;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("enable", Kind::Bool, "Whether it starts at boot; left alone when not given."),
    ArgDoc::with_default(
        "reload",
        Kind::Bool,
        "false",
        "Whether a watched change reloads instead of restarting.",
    ),
    ArgDoc::with_default("full_restart", Kind::Bool, "false", "Accepted; a restart is always a full one."),
    ArgDoc::with_default("unmask", Kind::Bool, "false", "Whether a masked service is unmasked first."),
    ArgDoc::with_default(
        "unmask_runtime",
        Kind::Bool,
        "false",
        "Accepted; masks are taken away wherever they are.",
    ),
    ArgDoc::with_default("init_delay", Kind::Float, "0", "How many seconds to wait after starting it."),
    ArgDoc::optional("sig", Kind::Text, "Accepted; the service manager knows whether it runs."),
    ArgDoc::with_default("no_block", Kind::Bool, "false", "Accepted."),
    ArgDoc::optional("timeout", Kind::Int, "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a service running. When a watched state changed, a service that ran already is restarted (with `reload: \
     True` reloaded).",
    ARGS,
    "nginx:\n  service.running:\n    - enable: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    enable: Option<bool>,
    #[serde(default)]
    reload: bool,
    #[serde(default)]
    unmask: bool,
    #[serde(default)]
    init_delay: f64,
}

impl StateFunction for Running {
    fn name(&self) -> &'static str {
        "service.running"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let Some(have) = ctx.host.service(&call.name)? else {
            if call.test {
                let comment = format!(
                    "service {} is not present; if a state of this run makes it, it would be started",
                    call.name
                );
                return Ok(Check::differs(map([(&*call.name, "start".into())]), comment));
            }
            return Err(unknown(&call.name, ctx));
        };
        let masked = args.unmask.then_some(false);
        let steps = steps(have, Wanted { running: Some(true), enabled: args.enable, masked });
        if have.masked && masked.is_none() && !have.running {
            return Err(StateError::failed(format!("service {} is masked (add unmask: True)", call.name)));
        }
        if steps.is_empty() {
            return Ok(Check::holds(format!("the service {} is already running", call.name)));
        }
        Ok(Check::differs(changes(&call.name, &steps), format!("service {} is set to be started", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let have = ctx.host.service(&call.name)?.ok_or_else(|| unknown(&call.name, ctx))?;
        let masked = args.unmask.then_some(false);
        let steps = steps(have, Wanted { running: Some(true), enabled: args.enable, masked });
        take(&call.name, &steps, ctx)?;
        if let Ok(delay) = Duration::try_from_secs_f64(args.init_delay) {
            ctx.host.sleep(delay, ctx);
        }
        Ok(Applied::new(check.changes.clone(), format!("service {} has been started", call.name)))
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Running {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.again(call, ctx).unwrap_or_else(Verdict::from)
    }
}

impl Running {
    fn again(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Verdict, StateError> {
        let args: Args = call.typed()?;
        let Some(have) = ctx.host.service(&call.name)? else { return Ok(self.run(call, ctx)) };
        let action = match (have.running, args.reload) {
            (false, _) => ServiceAction::Start,
            (true, true) => ServiceAction::Reload,
            (true, false) => ServiceAction::Restart,
        };
        let changes = changes(&call.name, &[action]);
        if call.test {
            return Ok(Verdict::would_change(
                changes,
                format!("service {} is set to {}", call.name, action.as_str()),
            ));
        }
        ctx.host.service_act(&call.name, action)?;
        Ok(Verdict::ok(changes, format!("service {}: {} done", call.name, action.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::Services;
    use crate::host::sim::SimHost;

    #[test]
    fn it_is_started_and_enabled_once() {
        let bench = Bench::new(SimHost::new().with_service("nginx", false, false));
        let sls = "nginx:\n  service.running:\n    - enable: True\n";
        assert!(bench.run(sls).changed());
        assert!(!bench.run(sls).changed());
        assert_eq!(bench.run("none:\n  service.running: []\n").kind, VerdictKind::Failed);
    }

    #[test]
    fn a_watched_change_restarts_or_reloads_it() {
        let bench = Bench::new(SimHost::new().with_service("nginx", true, true));
        let fired = |sls: &str| bench.with_ctx(|ctx| Running.fire(&bench.call(sls, false), ctx)).changes;
        assert_eq!(fired("nginx:\n  service.running: []\n"), changes("nginx", &[ServiceAction::Restart]));
        assert_eq!(
            fired("nginx:\n  service.running: [{reload: true}]\n"),
            changes("nginx", &[ServiceAction::Reload])
        );
    }

    #[test]
    fn a_service_that_does_not_stay_up_is_a_failure() {
        // A script that is watched by nobody else: the service is masked behind the state's back.
        let bench = Bench::new(SimHost::new().with_service("nginx", false, false));
        bench.host.service_act("nginx", ServiceAction::Mask).unwrap();
        let verdict = bench.run("nginx:\n  service.running: []\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.contains("unmask: True"), "{}", verdict.comment);
    }
}
