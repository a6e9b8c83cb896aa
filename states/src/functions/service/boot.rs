//! `service.enabled` and `service.disabled`: whether a service starts at boot.

use super::{Wanted, changes, steps, take, unknown};
use crate::function::{Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction};

/// Starts at boot.
pub(in crate::functions) struct Enabled;

/// Does not start at boot.
pub(in crate::functions) struct Disabled;

static ENABLED: FunctionDoc = FunctionDoc::new(
    "Lets a service start at boot; does not start it now.",
    &[],
    "nginx:\n  service.enabled: []\n",
);

static DISABLED: FunctionDoc = FunctionDoc::new(
    "Keeps a service from starting at boot; does not stop it now.",
    &[],
    "nginx:\n  service.disabled: []\n",
);

impl StateFunction for Enabled {
    fn name(&self) -> &'static str {
        "service.enabled"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ENABLED
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx, true)
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(call, check, ctx, true)
    }
}

impl StateFunction for Disabled {
    fn name(&self) -> &'static str {
        "service.disabled"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DISABLED
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx, false)
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(call, check, ctx, false)
    }
}

fn check(call: &StateCall, ctx: &JobCtx<'_>, enabled: bool) -> Result<Check, StateError> {
    let word = if enabled { "enabled" } else { "disabled" };
    let have = match ctx.host.service(&call.name)? {
        Some(have) => have,
        None if !enabled => {
            return Ok(Check::holds(format!("the named service {} is not available", call.name)));
        }
        None => return Err(unknown(&call.name, ctx)),
    };
    let steps = steps(have, Wanted { enabled: Some(enabled), ..Wanted::default() });
    if steps.is_empty() {
        return Ok(Check::holds(format!("the service {} is already {word}", call.name)));
    }
    Ok(Check::differs(changes(&call.name, &steps), format!("service {} set to be {word}", call.name)))
}

fn apply(call: &StateCall, check: &Check, ctx: &JobCtx<'_>, enabled: bool) -> Result<Applied, StateError> {
    let have = ctx.host.service(&call.name)?.ok_or_else(|| unknown(&call.name, ctx))?;
    take(&call.name, &steps(have, Wanted { enabled: Some(enabled), ..Wanted::default() }), ctx)?;
    Ok(Applied::new(check.changes.clone(), format!("service {} has been changed", call.name)))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn boot_is_set_once_either_way() {
        let bench = Bench::new(SimHost::new().with_service("nginx", true, false));
        assert!(bench.run("nginx:\n  service.enabled: []\n").changed());
        assert!(!bench.run("nginx:\n  service.enabled: []\n").changed());
        assert!(bench.run("nginx:\n  service.disabled: []\n").changed());
        assert_eq!(bench.run("none:\n  service.enabled: []\n").kind, VerdictKind::Failed);
        assert_eq!(bench.run("none:\n  service.disabled: []\n").kind, VerdictKind::Ok);
    }
}
