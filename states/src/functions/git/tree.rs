//! `git.latest`, `git.cloned` and `git.detached`: a working tree.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Owner, absolute, make_parents, map, text_list};
use super::repo::{Credentials, Repo};
use super::wanted::{Revision, find};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// Is at the newest commit of a branch.
pub(in crate::functions) struct Latest;

/// Is there.
pub(in crate::functions) struct Cloned;

/// Is at one commit, on no branch.
pub(in crate::functions) struct Detached;

const TARGET: ArgDoc = ArgDoc::required("target", Kind::Path, "The directory of the working tree.");
const USER: ArgDoc =
    ArgDoc::optional("user", Kind::Text, "The account that runs git, and whose the tree is.");
const IDENTITY: ArgDoc = ArgDoc::optional("identity", Kind::Any, "Private keys for ssh, as paths.");
const HTTPS_USER: ArgDoc = ArgDoc::optional("https_user", Kind::Text, "The account for https.");
const HTTPS_PASS: ArgDoc = ArgDoc::optional("https_pass", Kind::Text, "The password for https.");
const REMOTE: ArgDoc =
    ArgDoc::with_default("remote", Kind::Text, "origin", "What the other side is called in the tree.");
const FORCE_CLONE: ArgDoc = ArgDoc::with_default(
    "force_clone",
    Kind::Bool,
    "false",
    "Whether what is in the place, and is no tree of git's, is removed.",
);
const DEPTH: ArgDoc = ArgDoc::optional("depth", Kind::Int, "How many commits of history are fetched.");
const SUBMODULES: ArgDoc =
    ArgDoc::with_default("submodules", Kind::Bool, "false", "Whether submodules are kept, too.");

const LATEST_ARGS: &[ArgDoc] = &[
    TARGET,
    ArgDoc::with_default(
        "rev",
        Kind::Text,
        "HEAD",
        "A branch, a tag, or a commit's id in full; HEAD is the default branch.",
    ),
    ArgDoc::optional("branch", Kind::Text, "The local branch, where it is called otherwise than rev."),
    USER,
    REMOTE,
    FORCE_CLONE,
    ArgDoc::with_default(
        "force_reset",
        Kind::Any,
        "false",
        "Whether local commits and changes may be thrown away; remote-changes allows it only when the other side has something new.",
    ),
    ArgDoc::with_default(
        "force_checkout",
        Kind::Bool,
        "false",
        "Whether changed files may be lost when the branch is changed.",
    ),
    ArgDoc::with_default(
        "force_fetch",
        Kind::Bool,
        "false",
        "Whether branches that were rewritten are fetched.",
    ),
    ArgDoc::with_default(
        "update_head",
        Kind::Bool,
        "true",
        "Whether the tree moves; else new commits are only fetched.",
    ),
    SUBMODULES,
    DEPTH,
    IDENTITY,
    HTTPS_USER,
    HTTPS_PASS,
];

static LATEST: FunctionDoc = FunctionDoc::new(
    "Keeps a working tree of a repository, whose URL the name says, at the newest commit of a branch. Local work is never thrown away unless force_reset allows it.",
    LATEST_ARGS,
    "https://git.lab.example/tools.git:\n  git.latest:\n    - target: /opt/tools\n    - rev: main\n",
);

const CLONED_ARGS: &[ArgDoc] = &[
    TARGET,
    ArgDoc::optional("branch", Kind::Text, "The branch that is checked out."),
    USER,
    IDENTITY,
    HTTPS_USER,
    HTTPS_PASS,
];

static CLONED: FunctionDoc = FunctionDoc::new(
    "Clones a repository, whose URL the name says, where there is none yet; a clone that is there is not updated.",
    CLONED_ARGS,
    "https://git.lab.example/tools.git:\n  git.cloned:\n    - target: /opt/tools\n",
);

const DETACHED_ARGS: &[ArgDoc] = &[
    TARGET,
    ArgDoc::required("rev", Kind::Text, "A branch, a tag, or a commit's id in full."),
    USER,
    REMOTE,
    FORCE_CLONE,
    ArgDoc::with_default("force_checkout", Kind::Bool, "false", "Whether changed files may be lost."),
    SUBMODULES,
    IDENTITY,
    HTTPS_USER,
    HTTPS_PASS,
];

static DETACHED: FunctionDoc = FunctionDoc::new(
    "Keeps a working tree of a repository, whose URL the name says, at one commit, on no branch.",
    DETACHED_ARGS,
    "https://git.lab.example/tools.git:\n  git.detached:\n    - target: /opt/tools\n    - rev: v1.0\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    target: String,
    #[serde(default = "head")]
    rev: String,
    branch: Option<String>,
    user: Option<String>,
    #[serde(default = "origin")]
    remote: String,
    #[serde(default)]
    force_clone: bool,
    #[serde(default)]
    force_reset: Value,
    #[serde(default)]
    force_checkout: bool,
    #[serde(default)]
    force_fetch: bool,
    #[serde(default = "yes")]
    update_head: bool,
    #[serde(default)]
    submodules: bool,
    depth: Option<u32>,
    identity: Option<Value>,
    https_user: Option<String>,
    https_pass: Option<String>,
}

fn head() -> String {
    "HEAD".to_owned()
}

fn origin() -> String {
    "origin".to_owned()
}

fn yes() -> bool {
    true
}

impl Args {
    fn repo<'a>(&self, ctx: &'a JobCtx<'a>) -> Result<Repo<'a>, StateError> {
        for (name, value) in [("rev", &self.rev), ("remote", &self.remote)] {
            if value.starts_with('-') || value.is_empty() {
                return Err(StateError::failed(format!("argument {name}: {value:?} is none that git has")));
            }
        }
        if let Some(secret) = &self.https_pass {
            ctx.secrets.register(secret);
        }
        let mut repo = Repo::new(absolute(&self.target, ctx.host)?, self.user.clone(), ctx);
        repo.credentials = Credentials {
            identity: self.identity.as_ref().map(text_list).unwrap_or_default(),
            https_user: self.https_user.clone(),
            https_pass: self.https_pass.clone(),
        };
        Ok(repo)
    }

    /// Clones, into a place that is free or may be cleared.
    fn clone_to(
        &self,
        url: &str,
        checkout: Option<&str>,
        repo: &Repo<'_>,
        ctx: &JobCtx<'_>,
    ) -> Result<(), StateError> {
        let host = ctx.host;
        if is_occupied(repo, ctx)? {
            if !self.force_clone {
                return Err(StateError::failed(format!(
                    "{} is there and is no repository (add force_clone: True to remove it)",
                    repo.path.display()
                )));
            }
            if host.lstat(&repo.path)?.is_some_and(|m| m.is_dir()) {
                host.remove_dir_all(&repo.path)?;
            } else {
                host.remove_file(&repo.path)?;
            }
        }
        let owner = Owner::find(self.user.as_deref(), None, host)?;
        if host.stat(&repo.path)?.is_none() {
            make_parents(host, &repo.path, None, Owner::default())?;
            host.mkdir(&repo.path, None)?;
            if owner.is_given() {
                host.chown(&repo.path, owner.uid, owner.gid)?;
            }
        }
        let place = repo.path.display().to_string();
        let depth = self.depth.map(|d| format!("--depth={d}"));
        let mut argv = vec!["clone", "--quiet", "--origin", &self.remote];
        argv.extend(depth.as_deref());
        if let Some(branch) = checkout {
            argv.extend(["--branch", branch]);
        }
        argv.extend(["--", url, &place]);
        repo.run_anywhere(&argv)?;
        self.update_submodules(repo)
    }

    fn update_submodules(&self, repo: &Repo<'_>) -> Result<(), StateError> {
        if self.submodules {
            repo.run(&["submodule", "update", "--quiet", "--init", "--recursive"])?;
        }
        Ok(())
    }

    fn fetch(&self, url: &str, repo: &Repo<'_>) -> Result<(), StateError> {
        match repo.ask(&["remote", "get-url", &self.remote])? {
            Some(have) if have == url => {}
            Some(_) => drop(repo.run(&["remote", "set-url", &self.remote, url])?),
            None => drop(repo.run(&["remote", "add", &self.remote, url])?),
        }
        let depth = self.depth.map(|d| format!("--depth={d}"));
        let mut argv = vec!["fetch", "--quiet", "--tags"];
        if self.force_fetch {
            argv.push("--force");
        }
        argv.extend(depth.as_deref());
        argv.push(&self.remote);
        repo.run(&argv).map(drop)
    }

    /// Tells whether the tree follows another URL than the one asked for.
    fn moved(&self, url: &str, repo: &Repo<'_>) -> Result<Option<String>, StateError> {
        Ok(repo.ask(&["remote", "get-url", &self.remote])?.filter(|have| have != url))
    }
}

fn is_occupied(repo: &Repo<'_>, ctx: &JobCtx<'_>) -> Result<bool, StateError> {
    Ok(match ctx.host.lstat(&repo.path)? {
        None => false,
        Some(meta) if meta.is_dir() => !ctx.host.list(&repo.path)?.is_empty(),
        Some(_) => true,
    })
}

/// Where a working tree is.
#[derive(Debug, PartialEq, Eq)]
struct Position {
    id: String,
    branch: Option<String>,
}

fn position(repo: &Repo<'_>) -> Result<Position, StateError> {
    let id = repo.ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?.unwrap_or_default();
    Ok(Position { id, branch: repo.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"])? })
}

fn is_dirty(repo: &Repo<'_>) -> Result<bool, StateError> {
    Ok(repo.ask(&["status", "--porcelain", "--untracked-files=no"])?.is_some_and(|s| !s.is_empty()))
}

fn cloned(url: &str, target: &str) -> Map {
    map([("new", format!("{url} => {target}").into())])
}

fn revision_changes(old: &str, new: &str) -> Value {
    Value::from([("old", old), ("new", new)])
}

/// What there is to do for `git.latest` and `git.detached` in a tree that is there.
fn differences(
    have: &Position,
    wanted: &Revision,
    branch: Option<&str>,
    moved: Option<&str>,
    url: &str,
) -> Map {
    let mut changes = Map::new();
    if have.id != wanted.id {
        changes.insert("revision".into(), revision_changes(&have.id, &wanted.id));
    }
    if have.branch.as_deref() != branch {
        let name = |b: Option<&str>| b.unwrap_or("(no branch)").to_owned();
        changes.insert("local branch".into(), revision_changes(&name(have.branch.as_deref()), &name(branch)));
    }
    if let Some(old) = moved {
        changes.insert("remote".into(), revision_changes(old, url));
    }
    changes
}

impl Latest {
    /// The local branch that the tree is to be on; a tag or commit moves the branch that it is on.
    fn branch(args: &Args, wanted: &Revision, have: Option<&Position>) -> Option<String> {
        args.branch.clone().or_else(|| wanted.branch.clone()).or_else(|| have.and_then(|h| h.branch.clone()))
    }

    fn update(args: &Args, call: &StateCall, repo: &Repo<'_>, wanted: &Revision) -> Result<(), StateError> {
        args.fetch(&call.name, repo)?;
        let have = position(repo)?;
        let branch = Self::branch(args, wanted, Some(&have));
        if !args.update_head {
            return Ok(());
        }
        if let Some(branch) = branch.as_deref().filter(|b| have.branch.as_deref() != Some(b)) {
            let known =
                repo.ask(&["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")])?.is_some();
            let mut argv = vec!["checkout", "--quiet"];
            if args.force_checkout {
                argv.push("--force");
            }
            match known {
                true => argv.push(branch),
                false => argv.extend(["-b", branch, &wanted.id]),
            }
            repo.run(&argv)?;
        }
        let have = position(repo)?;
        if have.id == wanted.id {
            return args.update_submodules(repo);
        }
        if repo.ask(&["merge-base", "--is-ancestor", "HEAD", &wanted.id])?.is_some() && !is_dirty(repo)? {
            repo.run(&["merge", "--quiet", "--ff-only", &wanted.id])?;
        } else if allows_reset(&args.force_reset) {
            repo.run(&["reset", "--quiet", "--hard", &wanted.id])?;
        } else {
            return Err(StateError::failed(format!(
                "{} cannot be brought to {} without losing local commits or changes (keep them elsewhere, or add \
                 force_reset: True)",
                repo.path.display(),
                wanted.id
            )));
        }
        args.update_submodules(repo)
    }
}

/// Reads `force_reset`: true, or the text remote-changes.
fn allows_reset(argument: &Value) -> bool {
    match argument {
        Value::Str(text) => text == "remote-changes" || text.eq_ignore_ascii_case("true"),
        other => other.truthy(),
    }
}

impl StateFunction for Latest {
    fn name(&self) -> &'static str {
        "git.latest"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &LATEST
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let repo = args.repo(ctx)?;
        let wanted = find(&repo, &call.name, &args.rev)?;
        let place = repo.path.display().to_string();
        if !repo.is_there()? {
            let mut changes = cloned(&call.name, &place);
            changes.insert("revision".into(), revision_changes("", &wanted.id));
            return Ok(Check::differs(changes, format!("{} would be cloned to {place}", call.name)));
        }
        let have = position(&repo)?;
        let moved = args.moved(&call.name, &repo)?;
        let mut changes = if args.update_head {
            let branch = Self::branch(&args, &wanted, Some(&have));
            differences(&have, &wanted, branch.as_deref(), moved.as_deref(), &call.name)
        } else {
            Map::new()
        };
        if allows_reset(&args.force_reset) && !matches!(args.force_reset, Value::Str(_)) && is_dirty(&repo)? {
            changes.insert("forced update".into(), true.into());
        }
        if changes.is_empty() {
            return Ok(Check::holds(format!("repository {place} is up-to-date")));
        }
        Ok(Check::differs(changes, format!("repository {place} would be updated to {}", wanted.id)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let repo = args.repo(ctx)?;
        let wanted = find(&repo, &call.name, &args.rev)?;
        if repo.is_there()? {
            if check.changes.contains_key("forced update") {
                repo.run(&["reset", "--quiet", "--hard"])?;
            }
            Self::update(&args, call, &repo, &wanted)?;
        } else {
            let checkout = wanted.branch.as_deref().or(wanted.tag.as_deref());
            args.clone_to(&call.name, checkout, &repo, ctx)?;
            let have = position(&repo)?;
            match Self::branch(&args, &wanted, None) {
                Some(branch) if have.branch.as_deref() != Some(&branch) => {
                    repo.run(&["checkout", "--quiet", "-B", &branch, &wanted.id])?;
                }
                _ if have.id != wanted.id => drop(repo.run(&["reset", "--quiet", "--hard", &wanted.id])?),
                _ => {}
            }
        }
        Ok(Applied::new(check.changes.clone(), format!("{} is at {}", repo.path.display(), wanted.id)))
    }
}

impl StateFunction for Cloned {
    fn name(&self) -> &'static str {
        "git.cloned"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &CLONED
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let repo = args.repo(ctx)?;
        let place = repo.path.display().to_string();
        if !repo.is_there()? {
            if is_occupied(&repo, ctx)? {
                return Err(StateError::failed(format!(
                    "{place} is there and is no repository (move it away)"
                )));
            }
            return Ok(Check::differs(
                cloned(&call.name, &place),
                format!("{} would be cloned to {place}", call.name),
            ));
        }
        let have = position(&repo)?;
        match args.branch.as_deref().filter(|b| have.branch.as_deref() != Some(b)) {
            Some(branch) => {
                let old = have.branch.as_deref().unwrap_or("(no branch)");
                let changes = map([("branch", revision_changes(old, branch))]);
                Ok(Check::differs(changes, format!("branch would be changed to {branch}")))
            }
            None => Ok(Check::holds(format!("repository already exists at {place}"))),
        }
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let repo = args.repo(ctx)?;
        let place = repo.path.display().to_string();
        if !repo.is_there()? {
            args.clone_to(&call.name, args.branch.as_deref(), &repo, ctx)?;
            return Ok(Applied::new(check.changes.clone(), format!("{} cloned to {place}", call.name)));
        }
        let branch = args.branch.as_deref().unwrap_or_default();
        repo.run(&["checkout", "--quiet", branch, "--"])?;
        Ok(Applied::new(check.changes.clone(), format!("branch changed to {branch}")))
    }
}

impl StateFunction for Detached {
    fn name(&self) -> &'static str {
        "git.detached"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DETACHED
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let repo = args.repo(ctx)?;
        let wanted = find(&repo, &call.name, &args.rev)?;
        let place = repo.path.display().to_string();
        if !repo.is_there()? {
            let mut changes = cloned(&call.name, &place);
            changes.insert("HEAD".into(), revision_changes("", &wanted.id));
            return Ok(Check::differs(changes, format!("{} would be cloned to {place}", call.name)));
        }
        let have = position(&repo)?;
        let moved = args.moved(&call.name, &repo)?;
        let changes = differences(&have, &wanted, None, moved.as_deref(), &call.name);
        if changes.is_empty() {
            return Ok(Check::holds(format!("repository {place} is detached at {}", wanted.id)));
        }
        Ok(Check::differs(changes, format!("repository {place} would be detached at {}", wanted.id)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let repo = args.repo(ctx)?;
        let wanted = find(&repo, &call.name, &args.rev)?;
        if repo.is_there()? {
            args.fetch(&call.name, &repo)?;
        } else {
            args.clone_to(&call.name, None, &repo, ctx)?;
        }
        let mut argv = vec!["checkout", "--quiet", "--detach"];
        if args.force_checkout {
            argv.push("--force");
        }
        argv.push(&wanted.id);
        repo.run(&argv)?;
        args.update_submodules(&repo)?;
        Ok(Applied::new(
            check.changes.clone(),
            format!("{} is detached at {}", repo.path.display(), wanted.id),
        ))
    }
}
