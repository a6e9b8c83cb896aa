//! `file.pruned`: no empty directory.

use std::path::Path;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{map, path_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
};
use crate::host::{FileMeta, Host};

/// The function.
pub(in crate::functions) struct Pruned;

const ARGS: &[ArgDoc] = &[
    ArgDoc::with_default(
        "recurse",
        Kind::Bool,
        "false",
        "Whether empty directories below it are removed, too.",
    ),
    ArgDoc::with_default(
        "ignore_errors",
        Kind::Bool,
        "false",
        "Whether one that is not empty is no failure.",
    ),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Removes a directory if it is empty; fails when it is not.",
    ARGS,
    "/srv/old:\n  file.pruned: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    recurse: bool,
    #[serde(default)]
    ignore_errors: bool,
}

impl StateFunction for Pruned {
    fn name(&self) -> &'static str {
        "file.pruned"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let _: Args = call.typed()?;
        let path = path_of(call, ctx.host)?;
        if !ctx.host.stat(&path)?.is_some_and(|m| m.is_dir()) {
            return Ok(Check::holds(format!("directory {} is not present", path.display())));
        }
        let changes = map([("deleted", path.display().to_string().into())]);
        Ok(Check::differs(changes, format!("directory {} is set for removal", path.display())))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = prune(call, ctx)?;
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let gone = |check: &Check| check.is_empty() || call.test;
        match self.check(call, ctx) {
            Ok(check) if gone(&check) => self.sequence(call, ctx).unwrap_or_else(Verdict::from),
            Ok(_) => prune(call, ctx).unwrap_or_else(Verdict::from),
            Err(e) => Verdict::from(e),
        }
    }
}

/// What was removed, and what was not.
#[derive(Default)]
struct Pruning {
    deleted: Vec<Value>,
    errors: Vec<Value>,
}

fn prune(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Verdict, StateError> {
    let args: Args = call.typed()?;
    let path = path_of(call, ctx.host)?;
    let mut done = Pruning::default();
    if args.recurse {
        done.below(ctx.host, &path)?;
    }
    done.remove(ctx.host, &path)?;
    let Pruning { deleted, errors } = done;
    if errors.is_empty() {
        return Ok(Verdict::ok(
            map([("deleted", Value::List(deleted))]),
            format!("removed directory {}", path.display()),
        ));
    }
    if args.ignore_errors {
        let changes = if deleted.is_empty() { Map::new() } else { map([("deleted", Value::List(deleted))]) };
        return Ok(Verdict::ok(changes, "some directories are not empty; that was to be ignored"));
    }
    let comment = format!("failed to remove directory {} (its content is in the way)", path.display());
    Ok(Verdict::failed_with(
        map([("deleted", Value::List(deleted)), ("errors", Value::List(errors))]),
        comment,
    ))
}

impl Pruning {
    /// Removes the empty directories below one, the innermost first.
    fn below(&mut self, host: &dyn Host, dir: &Path) -> Result<(), StateError> {
        for name in host.list(dir)? {
            let path = dir.join(name);
            if host.lstat(&path)?.is_some_and(|m: FileMeta| m.is_dir()) {
                self.below(host, &path)?;
                self.remove(host, &path)?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, host: &dyn Host, dir: &Path) -> Result<(), StateError> {
        let shown = Value::from(dir.display().to_string());
        if host.list(dir)?.is_empty() {
            host.remove_dir_all(dir)?;
            self.deleted.push(shown);
        } else {
            self.errors.push(Value::List(vec![shown, "the directory is not empty".into()]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn only_empty_directories_go() {
        let host = SimHost::new().with_dir("/srv/d/empty/deep").with_file("/srv/d/full/f", "x");
        let bench = Bench::new(host);
        let verdict = bench.run("/srv/d:\n  file.pruned:\n    - recurse: True\n");
        assert_eq!((verdict.kind, verdict.changed()), (VerdictKind::Failed, true));
        let tree = bench.host.tree();
        assert!(
            !tree.contains_key(Path::new("/srv/d/empty")) && tree.contains_key(Path::new("/srv/d/full/f"))
        );
        assert_eq!(bench.run("/srv/d/full:\n  file.pruned: []\n").kind, VerdictKind::Failed);
        assert!(!bench.run("/srv/none:\n  file.pruned: []\n").changed());
    }
}
