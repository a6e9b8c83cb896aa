//! `user.absent`: no such user.

use serde::Deserialize;

use super::super::support::map;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::AccountStep;

/// The function.
pub(in crate::functions) struct Absent;

const ARGS: &[ArgDoc] = &[
    ArgDoc::with_default("purge", Kind::Bool, "false", "Whether its home directory and mail go, too."),
    ArgDoc::with_default("force", Kind::Bool, "false", "Whether it is removed even while logged in."),
    ArgDoc::with_default("local", Kind::Bool, "false", "Accepted."),
];

static DOC: FunctionDoc =
    FunctionDoc::new("Removes a user.", ARGS, "guest:\n  user.absent:\n    - purge: True\n");

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    purge: bool,
    #[serde(default)]
    force: bool,
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "user.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let name = &call.name;
        if ctx.host.user(name)?.is_none() {
            return Ok(Check::holds(format!("user {name} is not present")));
        }
        Ok(Check::differs(map([(name, "removed".into())]), format!("user {name} is set for removal")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let Args { purge, force } = call.typed()?;
        ctx.host.account_step(&AccountStep::RemoveUser { name: call.name.clone(), purge, force })?;
        Ok(Applied::new(check.changes.clone(), format!("removed user {}", call.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_user_goes_once_and_its_files_on_request() {
        let host = SimHost::new()
            .with_user("bob", 1001)
            .with_file("/home/bob/f", "")
            .with_user("eve", 1002)
            .with_dir("/home/eve");
        let bench = Bench::new(host);
        assert!(bench.run("bob:\n  user.absent: []\n").changed());
        assert!(bench.host.text("/home/bob/f").is_some());
        assert!(!bench.run("bob:\n  user.absent: []\n").changed());
        assert!(bench.run("eve:\n  user.absent:\n    - purge: True\n").changed());
        assert!(!bench.host.tree().contains_key(std::path::Path::new("/home/eve")));
    }
}
