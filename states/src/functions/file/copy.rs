//! `file.copy`: a copy of a file or directory of this machine.

use std::path::Path;

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::{Mode, Owner, absolute, make_parents, map, missing_parents, path_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::{FileKind, FileMeta, Host, WriteOptions};

/// The function.
pub(in crate::functions) struct Copy;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("source", Kind::Path, "What is copied."),
    ArgDoc::with_default("force", Kind::Bool, "false", "Whether what is there is replaced, on every run."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
    ArgDoc::with_default(
        "preserve",
        Kind::Bool,
        "false",
        "Whether owner, group and mode are those of the source.",
    ),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::optional("mode", Kind::Mode, "Permissions; those of the source when not given."),
    ArgDoc::optional("dir_mode", Kind::Mode, "Permissions of directories that are made."),
    ArgDoc::with_default(
        "subdir",
        Kind::Bool,
        "false",
        "Whether it is copied into a directory that is there.",
    ),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Copies a file or a directory of this machine. What is there already is kept, unless by force.",
    ARGS,
    "/etc/hosts.orig:\n  file.copy:\n    - source: /etc/hosts\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    source: String,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    makedirs: bool,
    #[serde(default)]
    preserve: bool,
    user: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    dir_mode: Option<Mode>,
    #[serde(default)]
    subdir: bool,
}

impl StateFunction for Copy {
    fn name(&self) -> &'static str {
        "file.copy"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let changes = go(call, ctx, false)?;
        if changes.is_empty() {
            return Ok(Check::holds(format!("the target {} exists and will not be overwritten", call.name)));
        }
        Ok(Check::differs(changes, format!("{} is set to be copied", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(go(call, ctx, true)?, format!("copied to {}", call.name)))
    }
}

fn go(call: &StateCall, ctx: &JobCtx<'_>, apply: bool) -> Result<Map, StateError> {
    let args: Args = call.typed()?;
    let host = ctx.host;
    let source = absolute(&args.source, host)?;
    let mut path = path_of(call, host)?;
    let Some(from) = host.stat(&source)? else {
        return Err(StateError::failed(format!("source file {} is not present", source.display())));
    };
    let mut owner = Owner::find(args.user.as_deref(), args.group.as_deref(), host)?;
    if args.preserve {
        owner = Owner { uid: Some(from.uid), gid: Some(from.gid) };
    }
    if args.subdir && host.stat(&path)?.is_some_and(|m| m.is_dir()) {
        path = path.join(source.file_name().unwrap_or_default());
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
        let mode = args.mode.filter(|_| !args.preserve).unwrap_or(Mode(from.mode));
        make_parents(host, &path, Some(args.dir_mode.unwrap_or(mode.for_directory()).0), owner)?;
        if there.is_some_and(|m| m.is_dir()) {
            host.remove_dir_all(&path)?;
        }
        // A link as the source means what it leads to; links below it are copied as links.
        copy_tree(host, &source, from, &path, owner)?;
        if host.lstat(&path)?.is_some_and(|m| m.kind != FileKind::Symlink) {
            host.chmod(&path, mode.0)?;
        }
    }
    Ok(map([(path.display().to_string().as_str(), source.display().to_string().into())]))
}

fn copy_tree(
    host: &dyn Host,
    source: &Path,
    meta: FileMeta,
    path: &Path,
    owner: Owner,
) -> Result<(), StateError> {
    match meta.kind {
        FileKind::Symlink => host.symlink(&host.read_link(source)?, path)?,
        FileKind::Dir => {
            host.mkdir(path, Some(meta.mode))?;
            for name in host.list(source)? {
                let source = source.join(&name);
                if let Some(meta) = host.lstat(&source)? {
                    copy_tree(host, &source, meta, &path.join(&name), owner)?;
                }
            }
        }
        FileKind::File => {
            let options = WriteOptions { mode: Some(meta.mode), ..WriteOptions::default() };
            host.copy(source, path, options, None)?;
        }
        FileKind::Special => {
            return Err(StateError::failed(format!("{} is no file, directory or link", source.display())));
        }
    }
    if owner.is_given() {
        host.chown(path, owner.uid, owner.gid)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_tree_is_copied_once_and_again_by_force() {
        let bench = Bench::new(SimHost::new().with_file("/a/b/f", "x").with_symlink("/a/l", "b"));
        let sls = "/z/a:\n  file.copy:\n    - source: /a\n    - makedirs: True\n";
        assert_eq!(bench.run(sls).kind, VerdictKind::Ok);
        assert_eq!(bench.host.text("/z/a/b/f").as_deref(), Some("x"));
        assert!(!bench.run(sls).changed());
        bench.host.put_file("/a/b/f", "y", 0o644);
        assert!(bench.run(&format!("{sls}    - force: True\n")).changed());
        assert_eq!(bench.host.text("/z/a/b/f").as_deref(), Some("y"));
    }

    #[test]
    fn a_missing_source_is_an_error() {
        let verdict = Bench::new(SimHost::new()).run("/etc/z:\n  file.copy:\n    - source: /etc/none\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
    }
}
