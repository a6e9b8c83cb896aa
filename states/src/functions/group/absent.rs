//! `group.absent`: no such group.

use super::super::support::map;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::AccountStep;

/// The function.
pub(in crate::functions) struct Absent;

const ARGS: &[ArgDoc] = &[ArgDoc::with_default("local", Kind::Bool, "false", "Accepted.")];

static DOC: FunctionDoc = FunctionDoc::new(
    "Removes a group. The main group of a user cannot be removed.",
    ARGS,
    "games:\n  group.absent: []\n",
);

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "group.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let name = &call.name;
        if ctx.host.group(name)?.is_none() {
            return Ok(Check::holds("group not present"));
        }
        Ok(Check::differs(map([(name, "removed".into())]), format!("group {name} is set for removal")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        ctx.host.account_step(&AccountStep::RemoveGroup { name: call.name.clone() })?;
        Ok(Applied::new(check.changes.clone(), format!("removed group {}", call.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_group_goes_once_unless_it_is_somebodys_main_group() {
        let bench = Bench::new(SimHost::new().with_group("games", 60, &[]).with_user("bob", 1001));
        assert!(bench.run("games:\n  group.absent: []\n").changed());
        assert!(!bench.run("games:\n  group.absent: []\n").changed());
        assert_eq!(bench.run("bob:\n  group.absent: []\n").kind, VerdictKind::Failed);
    }
}
