//! `file.symlink`: a symbolic link that points there.

use std::path::{Component, Path, PathBuf};

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::{Mode, Owner, make_parents, map, missing_parents, path_of, perms};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::{FileKind, Host};

/// The function.
pub(in crate::functions) struct Symlink;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "target",
        Kind::Text,
        "Where it points; a relative one starts from the link's directory.",
    ),
    ArgDoc::with_default(
        "force",
        Kind::Bool,
        "false",
        "Whether a file in the place is replaced; a directory never is.",
    ),
    ArgDoc::optional("backupname", Kind::Path, "Where what is in the place is moved to."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
    ArgDoc::optional("user", Kind::Text, "The owner of the link."),
    ArgDoc::optional("group", Kind::Text, "The group of the link."),
    ArgDoc::optional("mode", Kind::Mode, "Permissions of directories that are made."),
    ArgDoc::with_default("atomic", Kind::Bool, "false", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a symbolic link. A link that points elsewhere is replaced; a file or directory only by force.",
    ARGS,
    "/etc/localtime:\n  file.symlink:\n    - target: /usr/share/zoneinfo/UTC\n    - force: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    target: String,
    #[serde(default)]
    force: bool,
    backupname: Option<String>,
    #[serde(default)]
    makedirs: bool,
    user: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    #[serde(default)]
    atomic: bool,
}

impl StateFunction for Symlink {
    fn name(&self) -> &'static str {
        "file.symlink"
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
            return Ok(Check::holds(format!("symlink {} is present", call.name)));
        }
        Ok(Check::differs(changes, format!("symlink {} is set to be changed", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(go(call, ctx, true)?, format!("created symlink {}", call.name)))
    }
}

fn go(call: &StateCall, ctx: &JobCtx<'_>, apply: bool) -> Result<Map, StateError> {
    let args: Args = call.typed()?;
    let host = ctx.host;
    let path = path_of(call, host)?;
    let owner = Owner::foreseen(args.user.as_deref(), args.group.as_deref(), call.test, host)?;
    if !args.makedirs && !call.test && !missing_parents(host, &path)?.is_empty() {
        return Err(StateError::failed(format!(
            "the directory for the symlink {} is not present (add makedirs: True)",
            path.display()
        )));
    }
    let there = host.lstat(&path)?;
    if let (true, Some(meta)) = (call.test, &there)
        && meta.kind != FileKind::Symlink
    {
        return foreseen(&args, &path, meta.kind);
    }
    if let Some(meta) = &there {
        if meta.kind == FileKind::Symlink && tidy(&host.read_link(&path)?) == tidy(Path::new(&args.target)) {
            return perms(host, &path, meta, None, owner, apply);
        }
        make_room(&args, &path, meta.kind, host, apply)?;
    }
    if apply {
        if args.makedirs {
            make_parents(host, &path, args.mode.map(|m| m.0), owner)?;
        }
        host.symlink(Path::new(&args.target), &path)?;
        if owner.is_given() {
            host.chown(&path, owner.uid, owner.gid)?;
        }
    }
    let new = path.display().to_string();
    Ok(map([(if there.is_some() { "change" } else { "new" }, format!("{new} -> {}", args.target).into())]))
}

/// Says what a dry run reports of something else in the place: as in Salt, `force` alone decides, and a directory with
/// content shows only in the real run.
fn foreseen(args: &Args, path: &Path, kind: FileKind) -> Result<Map, StateError> {
    if !args.force {
        return Err(in_the_way(path, kind == FileKind::Dir));
    }
    Ok(map([("change", format!("{} is removed to make way for -> {}", path.display(), args.target).into())]))
}

fn in_the_way(path: &Path, directory: bool) -> StateError {
    let what = if directory { "directory" } else { "file" };
    let path = path.display();
    StateError::failed(format!(
        "{what} exists where the symlink {path} should be (force: True replaces a file)"
    ))
}

/// Writes a path without steps that lead nowhere: `./a`, `b/../a` and `a` are one.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidied.components().next_back(), Some(Component::Normal(_))) => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    tidied
}

fn make_room(
    args: &Args,
    path: &Path,
    kind: FileKind,
    host: &dyn Host,
    apply: bool,
) -> Result<(), StateError> {
    if kind == FileKind::Symlink {
        return if apply { Ok(host.remove_file(path)?) } else { Ok(()) };
    }
    if let Some(name) = &args.backupname {
        let given = Path::new(name);
        let target = if given.is_absolute() { given.to_owned() } else { path.with_file_name(given) };
        if host.lstat(&target)?.is_some() {
            if !args.force {
                return Err(StateError::failed(format!(
                    "something is already at the backup {} (force: True replaces it)",
                    target.display()
                )));
            }
            if apply {
                host.remove_file(&target)?;
            }
        }
        return if apply { Ok(host.rename(path, &target)?) } else { Ok(()) };
    }
    let directory = kind == FileKind::Dir;
    if !args.force && !args.atomic {
        return Err(in_the_way(path, directory));
    }
    if directory {
        return Err(StateError::failed(format!(
            "the directory {} is not replaced by a symlink (remove it with file.absent)",
            path.display()
        )));
    }
    if apply { Ok(host.remove_file(path)?) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use std::path::Path;

    #[test]
    fn a_link_elsewhere_is_replaced_a_file_only_by_force() {
        let host = SimHost::new().with_symlink("/srv/l", "/old").with_file("/srv/f", "x");
        let bench = Bench::new(host);
        assert!(bench.run("/srv/l:\n  file.symlink:\n    - target: /new\n").changed());
        assert_eq!(bench.host.tree()[Path::new("/srv/l")], "symlink /new 0:0");
        assert!(!bench.run("/srv/l:\n  file.symlink:\n    - target: /old/../new/.\n").changed());
        assert_eq!(bench.run("/srv/f:\n  file.symlink:\n    - target: /new\n").kind, VerdictKind::Failed);
        let forced = bench.run("/srv/f:\n  file.symlink:\n    - target: /new\n    - force: True\n");
        assert_eq!(forced.kind, VerdictKind::Ok, "{}", forced.comment);
    }

    #[test]
    fn a_directory_is_never_replaced() {
        let bench = Bench::new(SimHost::new().with_file("/srv/d/f", "x"));
        let verdict = bench.run("/srv/d:\n  file.symlink:\n    - target: /new\n    - force: True\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert_eq!(bench.host.text("/srv/d/f").as_deref(), Some("x"));
    }
}
