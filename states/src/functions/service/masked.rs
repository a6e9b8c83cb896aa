//! `service.masked` and `service.unmasked`: whether a service can be started at all.

use super::{Wanted, changes, steps, take};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::ServiceStatus;

/// Cannot be started.
pub(in crate::functions) struct Masked;

/// Can be started.
pub(in crate::functions) struct Unmasked;

const ARGS: &[ArgDoc] =
    &[ArgDoc::with_default("runtime", Kind::Bool, "false", "Accepted; masks hold across boots.")];

static MASKED: FunctionDoc = FunctionDoc::new(
    "Makes it impossible to start a service; does not stop one that runs.",
    ARGS,
    "nginx:\n  service.masked: []\n",
);

static UNMASKED: FunctionDoc =
    FunctionDoc::new("Makes it possible to start a service again.", ARGS, "nginx:\n  service.unmasked: []\n");

impl StateFunction for Masked {
    fn name(&self) -> &'static str {
        "service.masked"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &MASKED
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx, true)
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(call, check, ctx, true)
    }
}

impl StateFunction for Unmasked {
    fn name(&self) -> &'static str {
        "service.unmasked"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &UNMASKED
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx, false)
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(call, check, ctx, false)
    }
}

fn check(call: &StateCall, ctx: &JobCtx<'_>, masked: bool) -> Result<Check, StateError> {
    let word = if masked { "masked" } else { "unmasked" };
    let steps = steps(status(call, ctx)?, Wanted { masked: Some(masked), ..Wanted::default() });
    if steps.is_empty() {
        return Ok(Check::holds(format!("service {} is already {word}", call.name)));
    }
    Ok(Check::differs(changes(&call.name, &steps), format!("service {} would be {word}", call.name)))
}

fn apply(call: &StateCall, check: &Check, ctx: &JobCtx<'_>, masked: bool) -> Result<Applied, StateError> {
    take(&call.name, &steps(status(call, ctx)?, Wanted { masked: Some(masked), ..Wanted::default() }), ctx)?;
    Ok(Applied::new(check.changes.clone(), format!("service {} has been changed", call.name)))
}

/// A service that is not installed can be masked; it is not masked until then.
fn status(call: &StateCall, ctx: &JobCtx<'_>) -> Result<ServiceStatus, StateError> {
    let unknown = ServiceStatus { running: false, enabled: None, masked: false };
    Ok(ctx.host.service(&call.name)?.unwrap_or(unknown))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn masks_come_and_go_once() {
        let bench = Bench::new(SimHost::new().with_service("nginx", false, false));
        assert!(bench.run("nginx:\n  service.masked: []\n").changed());
        assert!(!bench.run("nginx:\n  service.masked: []\n").changed());
        assert!(bench.run("nginx:\n  service.unmasked: []\n").changed());
    }

    #[test]
    fn what_is_not_installed_can_be_masked_and_is_not_masked_before() {
        let bench = Bench::new(SimHost::new());
        assert!(!bench.run("none:\n  service.unmasked: []\n").changed());
        assert!(bench.run("none:\n  service.masked: []\n").changed());
        assert!(!bench.run("none:\n  service.masked: []\n").changed());
    }
}
