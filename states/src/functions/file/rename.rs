//! `file.rename`: what was there is here.

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::{Owner, absolute, make_parents, map, missing_parents, path_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Rename;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("source", Kind::Path, "The old place."),
    ArgDoc::with_default("force", Kind::Bool, "false", "Whether what is in the new place is replaced."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Moves a file or directory, if it is still in its old place.",
    ARGS,
    "/etc/app.conf:\n  file.rename:\n    - source: /etc/application.conf\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    source: String,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    makedirs: bool,
}

impl StateFunction for Rename {
    fn name(&self) -> &'static str {
        "file.rename"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let changes = go(call, ctx, false)?;
        if changes.is_empty() {
            return Ok(Check::holds(format!("nothing to be moved to {}", call.name)));
        }
        Ok(Check::differs(changes, format!("a file is set to be moved to {}", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(go(call, ctx, true)?, format!("moved to {}", call.name)))
    }
}

fn go(call: &StateCall, ctx: &JobCtx<'_>, apply: bool) -> Result<Map, StateError> {
    let args: Args = call.typed()?;
    let host = ctx.host;
    let (source, path) = (absolute(&args.source, host)?, path_of(call, host)?);
    if host.lstat(&source)?.is_none() {
        return Ok(Map::new());
    }
    let there = host.lstat(&path)?;
    if there.is_some() && !args.force {
        return Ok(Map::new());
    }
    if !args.makedirs && !call.test && !missing_parents(host, &path)?.is_empty() {
        return Err(StateError::failed(format!(
            "the target directory of {} is not present (add makedirs: True)",
            path.display()
        )));
    }
    if apply {
        match there {
            Some(meta) if meta.is_dir() => host.remove_dir_all(&path)?,
            Some(_) => host.remove_file(&path)?,
            None => drop(make_parents(host, &path, None, Owner::default())?),
        }
        host.rename(&source, &path)?;
    }
    Ok(map([(path.display().to_string().as_str(), source.display().to_string().into())]))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn it_moves_once_and_replaces_only_by_force() {
        let bench = Bench::new(SimHost::new().with_file("/etc/a", "x").with_file("/etc/b", "y"));
        let sls = "/etc/b:\n  file.rename:\n    - source: /etc/a\n";
        assert!(!bench.run(sls).changed());
        let forced = format!("{sls}    - force: True\n");
        assert!(bench.run(&forced).changed());
        assert_eq!(bench.host.text("/etc/b").as_deref(), Some("x"));
        assert!(!bench.run(&forced).changed());
    }
}
