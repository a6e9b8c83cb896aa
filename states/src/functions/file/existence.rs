//! `file.exists` and `file.missing`: looks only, to be required by other states.

use super::super::support::path_of;
use crate::function::{Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction};

/// Fails unless something is at the path.
pub(in crate::functions) struct Exists;

/// Fails when something is at the path.
pub(in crate::functions) struct Missing;

static EXISTS: FunctionDoc = FunctionDoc::new(
    "Fails unless something is at the path. Changes nothing.",
    &[],
    "/etc:\n  file.exists: []\n",
);

static MISSING: FunctionDoc = FunctionDoc::new(
    "Fails when something is at the path. Changes nothing.",
    &[],
    "/etc/nologin:\n  file.missing: []\n",
);

impl StateFunction for Exists {
    fn name(&self) -> &'static str {
        "file.exists"
    }

    fn class(&self) -> Class {
        Class::Probe
    }

    fn doc(&self) -> &FunctionDoc {
        &EXISTS
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let path = path_of(call, ctx.host)?;
        match ctx.host.stat(&path)? {
            Some(_) => Ok(Check::holds(format!("path {} exists", path.display()))),
            None => Err(StateError::failed(format!("specified path {} does not exist", path.display()))),
        }
    }

    fn apply(&self, _: &StateCall, check: &Check, _: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(check.changes.clone(), check.comment.clone()))
    }
}

impl StateFunction for Missing {
    fn name(&self) -> &'static str {
        "file.missing"
    }

    fn class(&self) -> Class {
        Class::Probe
    }

    fn doc(&self) -> &FunctionDoc {
        &MISSING
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let path = path_of(call, ctx.host)?;
        match ctx.host.stat(&path)? {
            None => Ok(Check::holds(format!("path {} is missing", path.display()))),
            Some(_) => Err(StateError::failed(format!("specified path {} exists", path.display()))),
        }
    }

    fn apply(&self, _: &StateCall, check: &Check, _: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(check.changes.clone(), check.comment.clone()))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn they_look_and_change_nothing() {
        let bench = Bench::new(SimHost::new());
        assert_eq!(bench.run("/etc:\n  file.exists: []\n").kind, VerdictKind::Ok);
        assert_eq!(bench.run("/etc/x:\n  file.exists: []\n").kind, VerdictKind::Failed);
        assert_eq!(bench.run("/etc:\n  file.missing: []\n").kind, VerdictKind::Failed);
        assert_eq!(bench.host.writes(), 0);
    }
}
