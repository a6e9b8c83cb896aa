//! `file.directory`: a directory with this mode and owner, and on request all below it.

use std::path::{Path, PathBuf};

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{
    Mode, Owner, make_parents, map, missing_parents, path_of, perms, search, text_list,
};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
};
use crate::host::{FileKind, FileMeta, Host};

/// The function.
pub(in crate::functions) struct Directory;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("mode", Kind::Mode, "Permissions; also called dir_mode."),
    ArgDoc::optional("dir_mode", Kind::Mode, "Permissions."),
    ArgDoc::optional("file_mode", Kind::Mode, "Permissions of the files below, with recurse: [mode]."),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::optional(
        "recurse",
        Kind::List,
        "What is also set below: user, group, mode; ignore_files, ignore_dirs.",
    ),
    ArgDoc::optional("max_depth", Kind::Int, "How deep recurse goes; 1 is the directory's own entries."),
    ArgDoc::with_default(
        "makedirs",
        Kind::Bool,
        "false",
        "Whether missing directories above are made, with the same mode.",
    ),
    ArgDoc::with_default("force", Kind::Bool, "false", "Whether a file or link in the place is removed."),
    ArgDoc::optional("backupname", Kind::Path, "Where a file in the place is moved to."),
    ArgDoc::with_default("allow_symlink", Kind::Bool, "true", "Whether a link to a directory is right."),
    ArgDoc::with_default(
        "follow_symlinks",
        Kind::Bool,
        "false",
        "Whether the mode and owner of what such a link leads to are set.",
    ),
    ArgDoc::with_default("children_only", Kind::Bool, "false", "Whether only what is below is looked at."),
    ArgDoc::with_default(
        "clean",
        Kind::Bool,
        "false",
        "Whether what is below is removed, but for what file states that this one requires keep there.",
    ),
    ArgDoc::optional("exclude_pat", Kind::Any, "What clean leaves: a pattern, or a regular expression E@…."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a directory with this mode and owner; with `recurse` also what is below it.",
    ARGS,
    "/srv/app:\n  file.directory:\n    - mode: '0750'\n    - makedirs: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    mode: Option<Mode>,
    dir_mode: Option<Mode>,
    file_mode: Option<Mode>,
    user: Option<String>,
    group: Option<String>,
    #[serde(default)]
    recurse: Vec<String>,
    max_depth: Option<usize>,
    #[serde(default)]
    makedirs: bool,
    #[serde(default)]
    force: bool,
    backupname: Option<String>,
    #[serde(default = "yes")]
    allow_symlink: bool,
    #[serde(default)]
    follow_symlinks: bool,
    #[serde(default)]
    children_only: bool,
    #[serde(default)]
    clean: bool,
    exclude_pat: Option<Value>,
}

fn yes() -> bool {
    true
}

impl Args {
    fn directory_mode(&self) -> Option<Mode> {
        self.dir_mode.or(self.mode)
    }

    fn recurses(&self, what: &str) -> bool {
        self.recurse.iter().any(|w| w == what)
    }
}

impl StateFunction for Directory {
    fn name(&self) -> &'static str {
        "file.directory"
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
            return Ok(Check::holds(format!("the directory {} is in the correct state", call.name)));
        }
        Ok(Check::differs(changes, format!("the directory {} is set to be changed", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(go(call, ctx, true)?, format!("directory {} updated", call.name)))
    }

    /// Reports what would have been changed when there is no directory to make it in, as Salt does.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.sequence(call, ctx).unwrap_or_else(|e| {
            let known =
                call.typed::<Args>().map(|a| Owner::find(a.user.as_deref(), a.group.as_deref(), ctx.host));
            if !matches!(known, Ok(Ok(_))) {
                return Verdict::from(e);
            }
            let dry = StateCall { test: true, ..call.clone() };
            Verdict::failed_with(go(&dry, ctx, false).unwrap_or_default(), e.to_string())
        })
    }
}

/// Finds what differs, and sets it right when `apply` is given.
fn go(call: &StateCall, ctx: &JobCtx<'_>, apply: bool) -> Result<Map, StateError> {
    let args: Args = call.typed()?;
    if call.arg("recurse").is_some_and(|r| r.truthy() && r.as_list().is_none()) {
        let text = "\"recurse\" must be formed as a list of strings\n  write each word on a line of its own: `- mode`";
        return Err(StateError::About { argument: "recurse", text: text.to_owned() });
    }
    if let Some(word) = args
        .recurse
        .iter()
        .find(|w| !["user", "group", "mode", "ignore_files", "ignore_dirs", "silent"].contains(&w.as_str()))
    {
        return Err(StateError::failed(format!(
            "argument recurse: {word:?} is nothing that can be set below"
        )));
    }
    let host = ctx.host;
    let path = path_of(call, host)?;
    let owner = Owner::foreseen(args.user.as_deref(), args.group.as_deref(), call.test, host)?;
    let mut changes = clear_place(&args, &path, host, apply)?;
    let present = host.stat(&path)?.filter(FileMeta::is_dir);
    match present {
        Some(have) if changes.is_empty() => {
            // The mode and owner of what a link leads to are left alone unless the link is to be followed.
            let link = host.lstat(&path)?.is_some_and(|m| m.kind == FileKind::Symlink);
            if !args.children_only && (!link || args.follow_symlinks) {
                let own = perms(host, &path, &have, args.directory_mode(), owner, apply)?;
                note(&mut changes, &path, own);
            }
            if args.clean {
                let keeps: Vec<&Path> = call.keeps.iter().map(Path::new).collect();
                let mut removed = Vec::new();
                clean(&args, &path, &path, &keeps, (host, apply), &mut removed)?;
                if !removed.is_empty() {
                    changes.insert("removed".into(), Value::List(removed));
                }
            }
            if !args.recurse.is_empty() {
                let mut walk = Walk { args: &args, owner, host, apply, changes: &mut changes };
                walk.below(&path, 1)?;
            }
        }
        _ => {
            make(&args, &path, owner, call.test, host, apply)?;
            note(&mut changes, &path, map([("directory", "new".into())]));
        }
    }
    Ok(changes)
}

/// Takes away what stands in the place of the directory, if that is allowed.
fn clear_place(args: &Args, path: &Path, host: &dyn Host, apply: bool) -> Result<Map, StateError> {
    let Some(there) = host.lstat(path)? else { return Ok(Map::new()) };
    let link = there.kind == FileKind::Symlink;
    let leads_to_directory = host.stat(path)?.is_some_and(|m| m.is_dir());
    if !link && there.is_dir() || link && leads_to_directory && args.allow_symlink && !args.force {
        return Ok(Map::new());
    }
    if let Some(name) = &args.backupname {
        let target = Path::new(name);
        if host.lstat(target)?.is_some() && !args.force {
            return Err(StateError::failed(format!("something is already at the backup target {name}")));
        }
        if apply {
            host.rename(path, target)?;
        }
        return Ok(map([("backup", format!("{} renamed to {name}", path.display()).into())]));
    }
    if !args.force {
        let what = if link { "a symbolic link" } else { "a file" };
        return Err(StateError::failed(format!(
            "specified location {} exists and is {what} (add force: True to replace it)",
            path.display()
        )));
    }
    if apply {
        host.remove_file(path)?;
    }
    let what = if link { "symbolic link" } else { "file" };
    Ok(map([("forced", format!("{what} was forcibly replaced").into())]))
}

fn make(
    args: &Args,
    path: &Path,
    owner: Owner,
    test: bool,
    host: &dyn Host,
    apply: bool,
) -> Result<(), StateError> {
    let mode = args.directory_mode().map(|m| m.0);
    if !args.makedirs && !test && !missing_parents(host, path)?.is_empty() {
        return Err(StateError::failed(format!(
            "no directory to create {} in (add makedirs: True)",
            path.display()
        )));
    }
    if apply {
        make_parents(host, path, mode, owner)?;
        host.mkdir(path, mode)?;
        if owner.is_given() {
            host.chown(path, owner.uid, owner.gid)?;
        }
    }
    Ok(())
}

/// Removes what is below a directory, but for what is kept, leads there, or is below it.
fn clean(
    args: &Args,
    root: &Path,
    dir: &Path,
    keeps: &[&Path],
    (host, apply): (&dyn Host, bool),
    removed: &mut Vec<Value>,
) -> Result<(), StateError> {
    for name in host.list(dir)? {
        let path = dir.join(name);
        let Some(meta) = host.lstat(&path)? else { continue };
        let below_kept = |k: &&Path| path.starts_with(k) && *k != root && k.starts_with(root);
        let kept = keeps.iter().any(below_kept) || keeps.iter().any(|k| k.starts_with(&path));
        let below = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        if kept || excluded(args.exclude_pat.as_ref(), &below)? {
            if meta.is_dir() && !keeps.iter().any(|k| *k == path) {
                clean(args, root, &path, keeps, (host, apply), removed)?;
            }
            continue;
        }
        if apply {
            if meta.is_dir() { host.remove_dir_all(&path)? } else { host.remove_file(&path)? }
        }
        removed.push(path.display().to_string().into());
    }
    Ok(())
}

fn excluded(patterns: Option<&Value>, below: &str) -> Result<bool, StateError> {
    let Some(patterns) = patterns.filter(|p| p.truthy()) else { return Ok(false) };
    for pattern in text_list(patterns) {
        let hit = match pattern.strip_prefix("E@") {
            Some(regex) => search(below, regex)?,
            None => lab_proto::glob::matches(&pattern, below),
        };
        if hit {
            return Ok(true);
        }
    }
    Ok(false)
}

fn note(changes: &mut Map, path: &Path, found: Map) {
    if !found.is_empty() {
        changes.insert(path.display().to_string().into(), Value::Map(found));
    }
}

struct Walk<'a> {
    args: &'a Args,
    owner: Owner,
    host: &'a dyn Host,
    apply: bool,
    changes: &'a mut Map,
}

impl Walk<'_> {
    fn below(&mut self, dir: &Path, depth: usize) -> Result<(), StateError> {
        let Self { args, owner, host, apply, .. } = *self;
        let kept = |given: Option<u32>, what: &str| given.filter(|_| args.recurses(what));
        let owner = Owner { uid: kept(owner.uid, "user"), gid: kept(owner.gid, "group") };
        if args.max_depth.is_some_and(|most| depth > most) {
            return Ok(());
        }
        for name in host.list(dir)? {
            let path: PathBuf = dir.join(name);
            let Some(meta) = host.lstat(&path)? else { continue };
            if meta.kind == FileKind::Symlink {
                continue;
            }
            let (ignored, mode) = if meta.is_dir() {
                ("ignore_dirs", args.directory_mode())
            } else {
                ("ignore_files", args.file_mode.or(args.directory_mode()))
            };
            if !args.recurses(ignored) {
                let mode = mode.filter(|_| args.recurses("mode"));
                note(self.changes, &path, perms(host, &path, &meta, mode, owner, apply)?);
            }
            if meta.is_dir() {
                self.below(&path, depth + 1)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_file_in_the_place_is_refused_and_replaced_by_force() {
        let bench = Bench::new(SimHost::new().with_file("/srv/d", "x"));
        assert_eq!(bench.run("/srv/d:\n  file.directory: []\n").kind, VerdictKind::Failed);
        let forced = bench.run("/srv/d:\n  file.directory:\n    - force: True\n");
        assert_eq!(forced.kind, VerdictKind::Ok, "{}", forced.comment);
        assert_eq!(bench.host.tree()[Path::new("/srv/d")], "dir 0755 0:0");
    }

    #[test]
    fn recurse_sets_files_and_directories_below_but_follows_no_link() {
        let host = SimHost::new()
            .with_file("/srv/d/sub/f", "x")
            .with_symlink("/srv/d/l", "/etc")
            .with_user("app", 7);
        let bench = Bench::new(host);
        let verdict = bench.run(
            "/srv/d/:\n  file.directory:\n    - user: app\n    - dir_mode: '0750'\n    - file_mode: '0640'\n    - recurse: [user, mode]\n",
        );
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        let tree = bench.host.tree();
        assert_eq!(tree[Path::new("/srv/d/sub")], "dir 0750 7:0");
        assert_eq!(tree[Path::new("/srv/d/sub/f")], "file 0640 7:0 \"x\"");
        assert_eq!(tree[Path::new("/etc")], "dir 0755 0:0");
    }

    #[test]
    fn clean_removes_what_is_not_excluded_and_says_what() {
        let bench = Bench::new(SimHost::new().with_file("/srv/d/f", "x").with_file("/srv/d/keep", "x"));
        let sls = "/srv/d:\n  file.directory:\n    - clean: True\n    - exclude_pat: ke*\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/srv/d/f"), None);
        assert_eq!(bench.host.text("/srv/d/keep").as_deref(), Some("x"));
        assert!(!bench.run(sls).changed());
    }
}
