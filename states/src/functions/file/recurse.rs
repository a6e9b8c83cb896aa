//! `file.recurse`: a folder of the state tree on this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lab_proto::{Map, Value, glob};
use serde::Deserialize;

use super::super::support::{
    Mode, Owner, make_parents, map, missing_parents, path_of, perms, text_list, text_of,
};
use super::content::Content;
use super::source::{LARGE, render};
use crate::function::{
    Applied, ArgDoc, Check, Class, FileEntry, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::support::search;
use crate::host::{FileKind, WriteOptions};

/// The function.
pub(in crate::functions) struct Recurse;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "source",
        Kind::Any,
        "The folder, salt://path, or a list of which the first that exists is taken.",
    ),
    ArgDoc::optional("file_mode", Kind::Any, "Permissions of the files, or keep for those of the source."),
    ArgDoc::optional("dir_mode", Kind::Mode, "Permissions of the directories."),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::optional("template", Kind::Text, "The template engine that the files are rendered with: jinja."),
    ArgDoc::optional("context", Kind::Map, "Variables of the templates."),
    ArgDoc::optional("defaults", Kind::Map, "Variables of the templates where context has none."),
    ArgDoc::optional(
        "include_pat",
        Kind::Any,
        "Which paths: a pattern, a regular expression E@…, or a list.",
    ),
    ArgDoc::optional("exclude_pat", Kind::Any, "Which paths not."),
    ArgDoc::optional("maxdepth", Kind::Int, "How deep."),
    ArgDoc::with_default("clean", Kind::Bool, "false", "Whether what the source has not is removed."),
    ArgDoc::with_default("include_empty", Kind::Bool, "false", "Whether empty folders are made."),
    ArgDoc::with_default("replace", Kind::Bool, "true", "Whether files that are there are replaced."),
    ArgDoc::with_default(
        "keep_symlinks",
        Kind::Bool,
        "false",
        "Whether links of the tree stay links, in place of what they point at.",
    ),
];
static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a folder of the state tree on this machine, with all below it.",
    ARGS,
    "/srv/tree:\n  file.recurse:\n    - source: salt://tree\n    - file_mode: '0640'\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    source: Value,
    file_mode: Option<Value>,
    dir_mode: Option<Mode>,
    user: Option<String>,
    group: Option<String>,
    template: Option<String>,
    context: Option<Map>,
    defaults: Option<Map>,
    include_pat: Option<Value>,
    exclude_pat: Option<Value>,
    maxdepth: Option<usize>,
    #[serde(default)]
    clean: bool,
    #[serde(default)]
    include_empty: bool,
    #[serde(default = "yes")]
    replace: bool,
    #[serde(default)]
    keep_symlinks: bool,
}

fn yes() -> bool {
    true
}

impl StateFunction for Recurse {
    fn name(&self) -> &'static str {
        "file.recurse"
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
        Ok(Check::differs(changes, format!("the directory {} is set to be updated", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(go(call, ctx, true)?, format!("recursively updated {}", call.name)))
    }
}

/// Finds what differs, and sets it right when `apply` is given.
fn go(call: &StateCall, ctx: &JobCtx<'_>, apply: bool) -> Result<Map, StateError> {
    let args: Args = call.typed()?;
    if call.arg("mode").is_some() {
        let text = "file.recurse takes no mode\n  use file_mode and dir_mode".to_owned();
        return Err(StateError::About { argument: "mode", text });
    }
    let root = path_of(call, ctx.host)?;
    if ctx.host.stat(&root)?.is_some_and(|m| !m.is_dir()) {
        return Err(StateError::failed(format!("the path {} exists and is not a directory", root.display())));
    }
    let owner = Owner::foreseen(args.user.as_deref(), args.group.as_deref(), call.test, ctx.host)?;
    let (folder, entries) = entries(&args, call, ctx)?;
    let mut work = Work { args: &args, call, ctx, owner, apply, changes: Map::new(), kept: BTreeSet::new() };
    work.directory(&root)?;
    for entry in &entries {
        let below = entry.path[folder.len()..].trim_start_matches('/');
        if wanted(&args, below)? {
            work.entry(entry, &root, below)?;
        }
    }
    if args.clean {
        work.clean(&root, &root)?;
    }
    Ok(work.changes)
}

/// Lists what is in the first of the sources that exists, with its folder.
fn entries(args: &Args, call: &StateCall, ctx: &JobCtx<'_>) -> Result<(String, Vec<FileEntry>), StateError> {
    let sources = text_list(&args.source);
    for source in &sources {
        let folder = source.strip_prefix("salt://").ok_or_else(|| {
            StateError::failed(format!(
                "source {source}: only folders of the state tree (salt://) can be kept"
            ))
        })?;
        let folder = folder.trim_matches('/');
        let found = ctx.services.list(folder, &call.saltenv)?;
        if !found.is_empty() {
            return Ok((folder.to_owned(), found));
        }
    }
    let what = sources.join(", ");
    Err(StateError::failed(format!("recurse failed: {what} is no folder of the state tree, or it is empty")))
}

fn wanted(args: &Args, below: &str) -> Result<bool, StateError> {
    if args.maxdepth.is_some_and(|most| below.matches('/').count() > most) {
        return Ok(false);
    }
    let included = args.include_pat.as_ref().map_or(Ok(true), |patterns| fits(patterns, below))?;
    Ok(included && !args.exclude_pat.as_ref().map_or(Ok(false), |patterns| fits(patterns, below))?)
}

/// Tells whether one of the patterns (`*.bak`, or `E@` and a regular expression) fits a path.
fn fits(patterns: &Value, below: &str) -> Result<bool, StateError> {
    for pattern in text_list(patterns) {
        let hit = match pattern.strip_prefix("E@") {
            Some(regex) => search(below, regex)?,
            None => glob::matches(&pattern, below),
        };
        if hit {
            return Ok(true);
        }
    }
    Ok(false)
}

struct Work<'a> {
    args: &'a Args,
    call: &'a StateCall,
    ctx: &'a JobCtx<'a>,
    owner: Owner,
    apply: bool,
    changes: Map,
    kept: BTreeSet<PathBuf>,
}

impl Work<'_> {
    fn note(&mut self, path: &Path, found: Map) {
        if !found.is_empty() {
            self.changes.insert(path.display().to_string().into(), Value::Map(found));
        }
    }

    fn directory(&mut self, path: &Path) -> Result<(), StateError> {
        let host = self.ctx.host;
        self.kept.insert(path.to_owned());
        match host.stat(path)? {
            Some(have) => {
                let found = perms(host, path, &have, self.args.dir_mode, self.owner, self.apply)?;
                self.note(path, found);
            }
            None => {
                if self.apply {
                    let mode = self.args.dir_mode.map(|m| m.0);
                    make_parents(host, path, mode, self.owner)?;
                    host.mkdir(path, mode)?;
                    if self.owner.is_given() {
                        host.chown(path, self.owner.uid, self.owner.gid)?;
                    }
                }
                self.note(path, map([("directory", "new".into())]));
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &FileEntry, root: &Path, below: &str) -> Result<(), StateError> {
        let path = root.join(below);
        if entry.directory {
            return if self.args.include_empty { self.directory(&path) } else { Ok(()) };
        }
        let parents: Vec<&Path> = path.ancestors().skip(1).take_while(|p| p.starts_with(root)).collect();
        for dir in parents.into_iter().rev() {
            if !self.kept.contains(dir) {
                self.directory(dir)?;
            }
        }
        self.kept.insert(path.clone());
        match entry.link.as_ref().filter(|_| self.args.keep_symlinks) {
            Some(target) => self.link(target, &path),
            None => self.file(entry, &path),
        }
    }

    fn link(&mut self, target: &str, path: &Path) -> Result<(), StateError> {
        let host = self.ctx.host;
        let found = match host.lstat(path)? {
            Some(meta) if meta.kind == FileKind::Symlink && host.read_link(path)? == Path::new(target) => {
                return Ok(());
            }
            Some(meta) if meta.is_dir() => {
                return Err(StateError::failed(format!("{} is in the way of a link", path.display())));
            }
            found => found,
        };
        if self.apply {
            if found.is_some() {
                host.remove_file(path)?;
            }
            host.symlink(Path::new(target), path)?;
        }
        self.note(path, map([("new", format!("link to {target}").into())]));
        Ok(())
    }

    fn file(&mut self, entry: &FileEntry, path: &Path) -> Result<(), StateError> {
        let Self { args, ctx, owner, apply, .. } = *self;
        let content = self.content(entry)?;
        let mode = self.file_mode(entry)?;
        let have = ctx.host.stat(path)?;
        if have.as_ref().is_some_and(|meta| !meta.is_file()) {
            return Err(StateError::failed(format!("{} is in the way of a file", path.display())));
        }
        let mut found = Map::new();
        match &have {
            None => {
                found.insert("diff".into(), "New file".into());
            }
            Some(have) if args.replace && !content.is_at(ctx.host, path)? => {
                found.insert("diff".into(), content.difference(ctx.host, path, have)?.into());
            }
            Some(_) => {}
        }
        if !found.is_empty() && apply {
            let mode = mode.map(|m| m.0);
            let options = WriteOptions { mode, umask: None, uid: owner.uid, gid: owner.gid };
            content.write(ctx.host, path, options)?;
        } else if let Some(have) = &have {
            found.extend(perms(ctx.host, path, have, mode, owner, apply)?);
        }
        self.note(path, found);
        Ok(())
    }

    /// Returns what is to be in a file; a large one stays where it lies.
    fn content(&self, entry: &FileEntry) -> Result<Content, StateError> {
        let Self { args, call, ctx, .. } = self;
        let Some(engine) = &args.template else {
            return match ctx.services.size(&entry.path, &call.saltenv)?.filter(|size| *size > LARGE) {
                Some(size) => {
                    let path = ctx.services.cache_file(&entry.path, &call.saltenv)?.into();
                    Ok(Content::File { path, size, sum: None })
                }
                None => Ok(Content::Bytes(ctx.services.file(&entry.path, &call.saltenv)?)),
            };
        };
        let name = format!("salt://{}", entry.path);
        let text = String::from_utf8(ctx.services.file(&entry.path, &call.saltenv)?).map_err(|_| {
            StateError::failed(format!("{name} is no text in UTF-8, so it cannot be a template"))
        })?;
        let rendered =
            render(engine, &text, &name, args.defaults.as_ref(), args.context.as_ref(), call, ctx)?;
        Ok(Content::Bytes(rendered.into_bytes()))
    }

    fn file_mode(&self, entry: &FileEntry) -> Result<Option<Mode>, StateError> {
        match self.args.file_mode.as_ref().filter(|m| m.truthy()) {
            None => Ok(None),
            Some(keep) if text_of(keep) == "keep" => Ok(Some(Mode(entry.mode))),
            Some(given) => {
                let bad = || {
                    StateError::failed(format!("argument file_mode: {given} are no permissions like '0644'"))
                };
                Mode::parse(&text_of(given)).ok_or_else(bad).map(Some)
            }
        }
    }

    /// Tells whether a path is none of this state's business: what `exclude_pat` fits stays as it is.
    fn excluded(&self, path: &Path, root: &Path) -> Result<bool, StateError> {
        let below = path.strip_prefix(root).unwrap_or(path).display().to_string();
        self.args.exclude_pat.as_ref().map_or(Ok(false), |patterns| fits(patterns, &below))
    }

    fn clean(&mut self, dir: &Path, root: &Path) -> Result<(), StateError> {
        let host = self.ctx.host;
        if !missing_parents(host, &dir.join("x"))?.is_empty() {
            return Ok(());
        }
        for name in host.list(dir)? {
            let path = dir.join(name);
            let Some(meta) = host.lstat(&path)? else { continue };
            let directory = meta.kind == FileKind::Dir;
            if self.kept.contains(&path) {
                if directory {
                    self.clean(&path, root)?;
                }
                continue;
            }
            if self.excluded(&path, root)? {
                continue;
            }
            if self.apply {
                if directory { host.remove_dir_all(&path)? } else { host.remove_file(&path)? }
            }
            self.note(&path, map([("removed", "removed due to clean".into())]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    fn bench() -> Bench {
        let host = SimHost::new().with_file("/srv/t/old", "x");
        Bench::new(host).with_state_file("tree/a.txt", "a").with_state_file("tree/sub/b.conf", "b {{ v }}")
    }

    #[test]
    fn the_folder_is_made_rendered_and_cleaned_once() {
        let bench = bench();
        let sls = "/srv/t:\n  file.recurse:\n    - source: salt://tree\n    - clean: True\n    - template: jinja\n    - context: {v: 7}\n    - file_mode: '0600'\n";
        let dry = bench.dry(sls);
        assert_eq!((dry.kind, bench.host.writes()), (VerdictKind::WouldChange, 0));
        let verdict = bench.run(sls);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(bench.host.text("/srv/t/sub/b.conf").as_deref(), Some("b 7"));
        assert_eq!(bench.host.text("/srv/t/old"), None);
        assert!(!bench.run(sls).changed());
    }

    #[test]
    fn patterns_choose_and_a_missing_folder_is_an_error() {
        let bench = bench();
        let run =
            |more: &str| bench.run(&format!("/srv/z:\n  file.recurse:\n    - source: salt://tree\n{more}"));
        assert!(run("    - include_pat: '*.txt'\n").changed());
        assert_eq!(bench.host.text("/srv/z/a.txt").as_deref(), Some("a"));
        assert_eq!(bench.host.text("/srv/z/sub/b.conf"), None);
        assert!(!run("    - exclude_pat: 'E@^sub/'\n").changed());
        assert_eq!(
            bench.run("/srv/y:\n  file.recurse:\n    - source: salt://none\n").kind,
            VerdictKind::Failed
        );
    }
}
