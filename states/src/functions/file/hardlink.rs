//! `file.hardlink`: another name of a file.

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::{Owner, absolute, make_parents, map, missing_parents, path_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Hardlink;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("target", Kind::Path, "The file that gets another name."),
    ArgDoc::with_default("force", Kind::Bool, "false", "Whether another file in the place is replaced."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
    ArgDoc::optional("user", Kind::Text, "The owner of directories that are made."),
    ArgDoc::optional("group", Kind::Text, "The group of directories that are made."),
    ArgDoc::optional("dir_mode", Kind::Mode, "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps another name of a file, on the same file system.",
    ARGS,
    "/etc/second-issue:\n  file.hardlink:\n    - target: /etc/issue\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    target: String,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    makedirs: bool,
    user: Option<String>,
    group: Option<String>,
}

impl StateFunction for Hardlink {
    fn name(&self) -> &'static str {
        "file.hardlink"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let (path, target) = (path_of(call, ctx.host)?, absolute(&args.target, ctx.host)?);
        let (place, aim) = (path.display(), target.display());
        let source = match ctx.host.lstat(&target)? {
            Some(meta) if !meta.is_dir() => Some(meta),
            Some(_) => return Err(StateError::failed(format!("unable to hard link from directory {aim}"))),
            // A state before this one may make it.
            None if call.test => None,
            None => {
                return Err(StateError::failed(format!(
                    "target {aim} for desired path {place} does not exist"
                )));
            }
        };
        match ctx.host.lstat(&path)? {
            Some(meta) if meta.is_dir() => {
                return Err(StateError::failed(format!("unable to hard link to directory {place}")));
            }
            Some(meta) if source.as_ref().is_some_and(|s| s.inode == meta.inode) => {
                return Ok(Check::holds(format!("target of hard link {place} is already pointing to {aim}")));
            }
            Some(_) if !args.force => {
                return Err(StateError::failed(format!(
                    "file exists where the hard link {place} should be (add force: True to replace it)"
                )));
            }
            Some(_) => {}
            None => {
                if !args.makedirs && !call.test && !missing_parents(ctx.host, &path)?.is_empty() {
                    return Err(StateError::failed(format!(
                        "directory for target {place} is not present (add makedirs: True)"
                    )));
                }
            }
        }
        let changes: Map = map([("new", place.to_string().into())]);
        Ok(Check::differs(changes, format!("hard link {place} to {aim} is set for creation")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let (path, target) = (path_of(call, ctx.host)?, absolute(&args.target, ctx.host)?);
        if ctx.host.lstat(&path)?.is_some() {
            ctx.host.remove_file(&path)?;
        }
        if args.makedirs {
            let owner = Owner::find(args.user.as_deref(), args.group.as_deref(), ctx.host)?;
            make_parents(ctx.host, &path, None, owner)?;
        }
        ctx.host.hard_link(&target, &path)?;
        let comment = format!("created new hard link {} -> {}", path.display(), target.display());
        Ok(Applied::new(check.changes.clone(), comment))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_name_is_added_once_and_another_file_is_replaced_by_force() {
        let bench = Bench::new(SimHost::new().with_file("/a", "x").with_file("/b", "y"));
        assert!(bench.run("/d/c:\n  file.hardlink:\n    - target: /a\n").comment.contains("makedirs: True"));
        let sls = "/d/c:\n  file.hardlink:\n    - target: /a\n    - makedirs: True\n";
        assert!(bench.run(sls).changed());
        assert!(!bench.run(sls).changed());
        let other = "/b:\n  file.hardlink:\n    - target: /a\n";
        assert!(bench.run(other).comment.contains("force: True"));
        assert!(bench.run(&format!("{other}    - force: True\n")).changed());
        assert!(!bench.run(other).changed());
        assert_eq!(bench.run("/e:\n  file.hardlink:\n    - target: /none\n").kind, VerdictKind::Failed);
    }
}
