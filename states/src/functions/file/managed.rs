//! `file.managed`: a file with this content, mode and owner.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use lab_proto::{Digest, Map, Value};
use serde::Deserialize;

use super::super::support::{
    Mode, Owner, SourceSum, SumNames, diff, encoded, join_lines, lines, make_parents, map, missing_parents,
    path_of, perms, text_list,
};
use super::content::Content;
use super::source::{self, LARGE, first_source};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::{Command, FileKind, FileMeta, Host, WriteOptions};

/// The function.
pub(in crate::functions) struct Managed;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional(
        "source",
        Kind::Any,
        "Where the content is: salt://path, an absolute path here, or a list of which the first that exists is taken. An \
         entry `- SOURCE: SUM` holds it to a sum of its own.",
    ),
    ArgDoc::optional(
        "source_hash",
        Kind::Text,
        "The sum that a source outside of the state tree must have: alone or as sha256=… (md5, sha1, the SHA-2 family), or \
         the path or URL of a file of sums.",
    ),
    ArgDoc::optional("source_hash_name", Kind::Text, "The name that the source has in a file of sums."),
    ArgDoc::optional("contents", Kind::Any, "The content itself: a text, or a list of lines."),
    ArgDoc::optional("contents_pillar", Kind::Any, "The pillar key (a:b) whose value is the content."),
    ArgDoc::optional("contents_grains", Kind::Any, "The grain whose value is the content."),
    ArgDoc::with_default("contents_newline", Kind::Bool, "true", "Whether contents end with a newline."),
    ArgDoc::with_default("allow_empty", Kind::Bool, "true", "Whether empty contents are right."),
    ArgDoc::optional("template", Kind::Text, "The template engine: jinja."),
    ArgDoc::optional("context", Kind::Map, "Variables of the template."),
    ArgDoc::optional("defaults", Kind::Map, "Variables of the template where context has none."),
    ArgDoc::optional("mode", Kind::Mode, "Permissions, or keep for those of the source."),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
    ArgDoc::optional(
        "dir_mode",
        Kind::Mode,
        "Permissions of those; those of the file with the right to enter.",
    ),
    ArgDoc::with_default("replace", Kind::Bool, "true", "Whether an existing content is replaced."),
    ArgDoc::with_default("create", Kind::Bool, "true", "Whether a missing file is made."),
    ArgDoc::optional("backup", Kind::Text, "minion: keep the old content in the minion's cache."),
    ArgDoc::with_default("show_changes", Kind::Bool, "true", "Whether the diff is reported."),
    ArgDoc::optional(
        "check_cmd",
        Kind::Text,
        "A command that is given the new content's path and must succeed before the file is replaced.",
    ),
    ArgDoc::with_default("tmp_dir", Kind::Path, "/tmp", "Where that path is."),
    ArgDoc::optional("tmp_ext", Kind::Text, "How that path ends."),
    ArgDoc::optional("umask", Kind::Mode, "The umask for a new file without a mode."),
    ArgDoc::with_default("skip_verify", Kind::Bool, "false", "Whether source_hash is not looked at."),
    ArgDoc::with_default(
        "follow_symlinks",
        Kind::Bool,
        "true",
        "Whether a link in the file's place is followed, not replaced.",
    ),
    ArgDoc::with_default(
        "encoding",
        Kind::Text,
        "utf-8",
        "The encoding of contents and of what a template gives: latin-1, utf-16, …",
    ),
    ArgDoc::with_default(
        "encoding_errors",
        Kind::Text,
        "strict",
        "What becomes of characters that it does not have: strict, ignore, replace, …",
    ),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a file with this content, mode and owner. The content comes from the state tree (`source`), from the SLS \
     (`contents`), or from pillar or grains; with `template: jinja` it is rendered first. Without any of these an \
     existing content is left alone.",
    ARGS,
    "/etc/motd:\n  file.managed:\n    - contents: Be nice.\n    - mode: '0644'\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    source: Option<Value>,
    source_hash: Option<String>,
    source_hash_name: Option<String>,
    contents: Option<Value>,
    contents_pillar: Option<Value>,
    contents_grains: Option<Value>,
    #[serde(default = "yes")]
    contents_newline: bool,
    #[serde(default = "yes")]
    allow_empty: bool,
    template: Option<String>,
    context: Option<Map>,
    defaults: Option<Map>,
    mode: Option<String>,
    user: Option<String>,
    group: Option<String>,
    #[serde(default)]
    makedirs: bool,
    dir_mode: Option<Mode>,
    #[serde(default = "yes")]
    replace: bool,
    #[serde(default = "yes")]
    create: bool,
    backup: Option<Value>,
    #[serde(default = "yes")]
    show_changes: bool,
    check_cmd: Option<Value>,
    tmp_dir: Option<String>,
    #[serde(default)]
    tmp_ext: String,
    umask: Option<Mode>,
    #[serde(default)]
    skip_verify: bool,
    #[serde(default = "yes")]
    follow_symlinks: bool,
    encoding: Option<String>,
    #[serde(default = "strict")]
    encoding_errors: String,
}

fn strict() -> String {
    "strict".to_owned()
}

fn yes() -> bool {
    true
}

/// What the file should be, beside what it is.
struct Plan {
    path: PathBuf,
    have: Option<FileMeta>,
    /// The present content, where it is small enough to be shown beside the new one.
    old: Option<Vec<u8>>,
    /// `None` leaves the content as it is.
    new: Option<Content>,
    differs: bool,
    mode: Option<Mode>,
    owner: Owner,
}

/// Either there is something to compare, or there is nothing to be done for a reason.
enum Outlook {
    Compare(Plan),
    Leave(String),
}

impl StateFunction for Managed {
    fn name(&self) -> &'static str {
        "file.managed"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let plan = match outlook(&args, call, ctx)? {
            Outlook::Compare(plan) => plan,
            Outlook::Leave(comment) => return Ok(Check::holds(comment)),
        };
        need_parent(&args, &plan, call.test, ctx.host)?;
        let changes = plan.changes(&args, ctx.host)?;
        let path = plan.path.display();
        if changes.is_empty() {
            return Ok(Check::holds(format!("file {path} is in the correct state")));
        }
        Ok(Check::differs(changes, format!("the file {path} is set to be changed")))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let Outlook::Compare(plan) = outlook(&args, call, ctx)? else { return Ok(Applied::default()) };
        let changes = plan.changes(&args, ctx.host)?;
        let path = &plan.path;
        let empty = Content::default();
        if plan.differs {
            let content = plan.new.as_ref().unwrap_or(&empty);
            try_out(&args, path, content, ctx)?;
            if args.makedirs {
                let mode = args.dir_mode.or(plan.mode.map(Mode::for_directory));
                make_parents(ctx.host, path, mode.map(|m| m.0), plan.owner)?;
            }
            keep_backup(&args, &plan, ctx)?;
            let options = WriteOptions {
                mode: plan.mode.map(|m| m.0),
                umask: args.umask.map(|m| m.0),
                uid: plan.owner.uid,
                gid: plan.owner.gid,
            };
            if !args.follow_symlinks && is_link(path, ctx.host)? {
                ctx.host.remove_file(path)?;
            }
            content.write(ctx.host, path, options)?;
        } else if let Some(have) = &plan.have {
            perms(ctx.host, path, have, plan.mode, plan.owner, true)?;
        }
        Ok(Applied::new(changes, format!("file {} updated", path.display())))
    }
}

impl Plan {
    fn changes(&self, args: &Args, host: &dyn Host) -> Result<Map, StateError> {
        let mut changes = Map::new();
        match &self.have {
            None => {
                changes.insert("diff".into(), "New file".into());
                if let Some(mode) = self.mode {
                    changes.insert("mode".into(), mode.to_string().into());
                }
            }
            Some(have) => {
                if self.differs {
                    let text = match (&self.old, &self.new) {
                        _ if !args.show_changes => "<show_changes=False>".to_owned(),
                        (Some(old), Some(Content::Bytes(new))) => diff(old, new, &self.path),
                        (_, Some(new)) => new.difference(host, &self.path, have)?,
                        (_, None) => String::new(),
                    };
                    changes.insert("diff".into(), text.into());
                }
                changes.extend(perms(host, &self.path, have, self.mode, self.owner, false)?);
            }
        }
        Ok(changes)
    }
}

fn outlook(args: &Args, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Outlook, StateError> {
    let path = path_of(call, ctx.host)?;
    let keep_mode = args.mode.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("keep"));
    let (contents, source) = exclusive(args, keep_mode)?;
    // A template may do anything, so what is there is read after it; without `create`, what is no file is not opened.
    let given = contents.is_some() || source.is_some();
    let compared = args.replace && args.create && args.template.is_none() && given;
    let seen = match (compared, args.follow_symlinks) {
        (true, follow) => ctx.host.stat_and_read(&path, LARGE, follow)?,
        (false, true) => ctx.host.stat(&path)?.map(|have| (have, None)),
        (false, false) => ctx.host.lstat(&path)?.map(|have| (have, None)),
    };
    // A link that is not followed is in the way of the file.
    let (have, content) = seen
        .filter(|(have, _)| have.kind != FileKind::Symlink)
        .map_or((None, None), |(have, old)| (Some(have), old));
    let owner = Owner::foreseen(args.user.as_deref(), args.group.as_deref(), call.test, ctx.host)?;
    if !args.create && !have.as_ref().is_some_and(FileMeta::is_file) {
        return Ok(Outlook::Leave(format!(
            "file {} is not present and is not set for creation",
            path.display()
        )));
    }
    if have.as_ref().is_some_and(FileMeta::is_dir) {
        return Err(StateError::failed(format!("specified target {} is a directory", path.display())));
    }
    let kept = have.is_some() && !(args.replace && given);
    // Salt replaces a pipe with a file, and writes into a device.
    if !kept && have.as_ref().is_some_and(|have| have.kind == FileKind::Special) {
        return Err(StateError::failed(format!(
            "specified target {} is not a regular file but a pipe, a socket or a device: remove it first (file.absent), \
             or say replace: False to set its mode and owner alone",
            path.display()
        )));
    }
    let mut mode = match &args.mode {
        Some(text) if !keep_mode => Some(parse_mode(text)?),
        _ => None,
    };
    let wanted = if kept {
        None
    } else if let Some(contents) = contents {
        Some(Content::Bytes(coded(args, inline(args, &contents, call, ctx)?)?))
    } else if let Some(source) = source {
        let (content, kept) = wanted_of(args, source, call, ctx)?;
        if keep_mode {
            mode = kept.map(Mode);
        }
        Some(content)
    } else {
        Some(Content::default())
    };
    let old = match (&have, &wanted) {
        (Some(meta), Some(Content::Bytes(_))) if meta.size <= LARGE => {
            Some(content.map_or_else(|| ctx.host.read_known(&path, meta), Ok)?)
        }
        _ => None,
    };
    let differs = match (&have, &wanted, &old) {
        (None, ..) => true,
        (_, None, _) => false,
        (_, Some(Content::Bytes(new)), Some(old)) => new != old,
        (_, Some(new), _) => !new.is_at(ctx.host, &path)?,
    };
    Ok(Outlook::Compare(Plan { path, have, old, new: wanted, differs, mode, owner }))
}

/// Returns the content that a source gives, and the source's permissions where they are to be kept.
fn wanted_of(
    args: &Args,
    source: &Value,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<(Content, Option<u32>), StateError> {
    let keep = args.mode.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("keep"));
    if args.template.is_none()
        && let Some(large) = source::large_source(source, call, ctx)?
    {
        let sum = match &large.sum {
            Some(own) => Some(own.clone()),
            None => sum_to_check(args, &large.name, call, ctx)?,
        };
        let sum = sum.map(|sum| sum.verify_file(&large.path, ctx)).transpose()?;
        let mode = if keep { large.mode(ctx) } else { None };
        return Ok((Content::File { path: large.path, size: large.size, sum }, mode));
    }
    let found = from_source(args, source, call, ctx)?;
    let mode = if keep { found.mode(ctx) } else { None };
    let content = if args.template.is_some() { coded(args, found.content)? } else { found.content };
    Ok((Content::Bytes(content), mode))
}

/// Returns the sum that a source must have. What comes from the state tree was verified on its way here.
fn sum_to_check(
    args: &Args,
    source: &str,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Option<SourceSum>, StateError> {
    let foreign = !source.starts_with("salt://");
    let hash = args.source_hash.as_deref().filter(|h| foreign && !h.is_empty() && !args.skip_verify);
    let names = SumNames { given: args.source_hash_name.as_deref(), file: &call.name, source };
    hash.map(|hash| SourceSum::find(hash, &names, &call.saltenv, ctx)).transpose()
}

fn is_link(path: &Path, host: &dyn Host) -> Result<bool, StateError> {
    Ok(host.lstat(path)?.is_some_and(|m| m.kind == FileKind::Symlink))
}

/// Writes a text in the encoding that is asked for.
fn coded(args: &Args, content: Vec<u8>) -> Result<Vec<u8>, StateError> {
    match (&args.encoding, std::str::from_utf8(&content)) {
        (Some(encoding), Ok(text)) => encoded(text, encoding, &args.encoding_errors),
        _ => Ok(content),
    }
}

/// Returns the variables of the template: what the state gives, what was gathered for it, and about itself.
fn context(args: &Args, own: Map, call: &StateCall) -> (Map, Map) {
    let (mut defaults, mut context) = (own, args.context.clone().unwrap_or_default());
    defaults.extend(args.defaults.clone().unwrap_or_default());
    if !call.accumulated.is_empty() {
        context.insert("accumulator".into(), Value::Map(call.accumulated.clone()));
    }
    (defaults, context)
}

/// Returns the one argument that names a content: either its value, or where it is to be had from.
fn exclusive(args: &Args, keep_mode: bool) -> Result<(Option<Contents<'_>>, Option<&Value>), StateError> {
    let given = [
        args.contents.as_ref().map(Contents::Here),
        args.contents_pillar.as_ref().map(Contents::Pillar),
        args.contents_grains.as_ref().map(Contents::Grains),
    ];
    let mut given = given.into_iter().flatten();
    let (contents, second) = (given.next(), given.next());
    let source = args.source.as_ref().filter(|s| s.truthy() || s.as_list().is_some());
    if second.is_some() {
        return Err(StateError::failed(
            "only one of contents, contents_pillar and contents_grains is permitted",
        ));
    }
    if contents.is_some() && source.is_some() {
        return Err(StateError::failed(
            "source cannot be used in combination with contents, contents_pillar or contents_grains",
        ));
    }
    if contents.is_some() && keep_mode {
        return Err(StateError::failed("mode: keep needs a source whose permissions can be kept"));
    }
    Ok((contents, source))
}

enum Contents<'a> {
    Here(&'a Value),
    Pillar(&'a Value),
    Grains(&'a Value),
}

fn inline(
    args: &Args,
    contents: &Contents<'_>,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Vec<u8>, StateError> {
    let value = match contents {
        Contents::Here(value) => Cow::Borrowed(*value),
        Contents::Pillar(keys) => Cow::Owned(looked_up("pillar", keys, &ctx.services.pillar())?),
        Contents::Grains(keys) => Cow::Owned(looked_up("grain", keys, &ctx.services.grains())?),
    };
    if !args.allow_empty && !value.truthy() {
        return Err(StateError::failed(
            "the contents are empty; set allow_empty to True if the file may be empty",
        ));
    }
    let mut text = match value.as_ref() {
        Value::Str(text) => join_lines(&lines(text)),
        other => {
            let parts = text_list(other);
            if parts.is_empty() {
                return Err(StateError::failed(
                    "the contents are a list with nothing in it; write '' for an empty file",
                ));
            }
            join_lines(&parts.iter().flat_map(|part| lines(part)).collect::<Vec<_>>())
        }
    };
    if !args.contents_newline {
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
    }
    if let Some(engine) = &args.template {
        let name = format!("contents of {}", call.id);
        let (defaults, context) = context(args, Map::new(), call);
        text = source::render(engine, &text, &name, Some(&defaults), Some(&context), call, ctx)?;
    }
    Ok(text.into_bytes())
}

fn looked_up(what: &str, keys: &Value, tree: &Value) -> Result<Value, StateError> {
    let one = |key: &str| {
        crate::functions::lookup::traverse(tree, key, ":")
            .cloned()
            .ok_or_else(|| StateError::failed(format!("{what} {key} does not exist")))
    };
    match keys {
        Value::List(_) => {
            let found: Result<Vec<Value>, StateError> = text_list(keys).iter().map(|key| one(key)).collect();
            Ok(Value::List(found?))
        }
        single => one(&super::super::support::text_of(single)),
    }
}

fn from_source(
    args: &Args,
    source: &Value,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<source::Found, StateError> {
    let mut found = first_source(source, call, ctx)?;
    if !found.held
        && let Some(sum) = sum_to_check(args, &found.name, call, ctx)?
    {
        sum.verify(&found.name, &found.content)?;
    }
    if let Some(engine) = &args.template {
        let text = std::str::from_utf8(&found.content).map_err(|_| {
            StateError::failed(format!("{} is no text in UTF-8, so it cannot be a template", found.name))
        })?;
        let given = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let own = map([
            ("name", call.name.as_str().into()),
            ("source", found.name.as_str().into()),
            ("user", given(&args.user)),
            ("group", given(&args.group)),
            ("mode", given(&args.mode)),
            ("attrs", Value::Null),
        ]);
        let (defaults, context) = context(args, own, call);
        let text = source::render(engine, text, &found.name, Some(&defaults), Some(&context), call, ctx)?;
        found.content = text.into_bytes();
    }
    Ok(found)
}

fn parse_mode(text: &str) -> Result<Mode, StateError> {
    let refused = || crate::function::from_map::<ModeOnly>(&map([("mode", text.into())]));
    Ok(Mode::parse(text).map_or_else(|| refused().map(|only| only.mode), Ok)?)
}

#[derive(Deserialize)]
struct ModeOnly {
    mode: Mode,
}

/// Refuses when the directory is missing and not to be made; a dry run may rely on a state before this one.
fn need_parent(args: &Args, plan: &Plan, test: bool, host: &dyn Host) -> Result<(), StateError> {
    if plan.have.is_some() || args.makedirs || test || missing_parents(host, &plan.path)?.is_empty() {
        return Ok(());
    }
    let dir = plan.path.parent().unwrap_or(&plan.path);
    Err(StateError::failed(format!(
        "the directory {} does not exist (add makedirs: True, or a file.directory state before this one)",
        dir.display()
    )))
}

/// Lets `check_cmd` look at the new content before anything is replaced.
fn try_out(args: &Args, path: &Path, content: &Content, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    let commands = args.check_cmd.as_ref().filter(|c| c.truthy()).map(text_list).unwrap_or_default();
    if commands.is_empty() {
        return Ok(());
    }
    let root = args.tmp_dir.as_deref().filter(|d| !d.is_empty()).unwrap_or("/tmp");
    let room = private_room(ctx.host, root, path, &content.token())?;
    let draft = room.join(format!("draft{}", args.tmp_ext));
    let closed = WriteOptions { mode: Some(0o600), ..WriteOptions::default() };
    let tried = content.write(ctx.host, &draft, closed).and_then(|()| {
        for line in &commands {
            let output = ctx.host.run(&Command::shell(format!("{line} {}", draft.display())), ctx)?;
            if !output.exit.success() {
                let said = [output.stderr_text(), output.stdout_text()].join("\n");
                return Err(StateError::failed(format!("check_cmd execution failed\n{}", said.trim())));
            }
        }
        Ok(())
    });
    ctx.host.remove_dir_all(&room)?;
    tried
}

/// Makes a directory that only root may enter; one that another has put there first is never used.
fn private_room(host: &dyn Host, root: &str, path: &Path, content: &[u8]) -> Result<PathBuf, StateError> {
    let digest = Digest::of(&[path.as_os_str().as_encoded_bytes(), content].concat()).to_string();
    let mut last = None;
    for attempt in 0..8 {
        let room = Path::new(root).join(format!(".lab-check-{}-{attempt}", &digest[..16]));
        match host.mkdir(&room, Some(0o700)) {
            Ok(()) => return Ok(room),
            Err(e) if e.cause == crate::host::Cause::Exists => last = Some(e),
            Err(e) => return Err(e.into()),
        }
    }
    Err(last.map_or_else(|| StateError::failed("no temporary directory can be made"), StateError::from))
}

fn keep_backup(args: &Args, plan: &Plan, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    let wanted = args.backup.as_ref().and_then(Value::as_str).is_some_and(|b| matches!(b, "minion" | "both"));
    if !wanted || plan.have.is_none() || plan.new.is_none() {
        return Ok(());
    }
    let opts = ctx.services.opts();
    let cache = opts.get("cachedir").and_then(Value::as_str).unwrap_or("/var/cache/lab/minion");
    let below = plan.path.strip_prefix("/").unwrap_or(&plan.path);
    let place = Path::new(cache).join("file_backup").join(below);
    make_parents(ctx.host, &place, Some(0o700), Owner::default())?;
    let mut name = place.into_os_string();
    name.push(format!("_{}", ctx.now().to_jid_digits()));
    let options = WriteOptions { mode: plan.have.as_ref().map(|m| m.mode), ..WriteOptions::default() };
    Ok(ctx.host.copy(&plan.path, Path::new(&name), options, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};
    use crate::host::{Files, Node};

    #[test]
    fn a_new_file_gets_content_mode_and_the_directories_above_it() {
        let bench = Bench::new(SimHost::new());
        let verdict = bench.run(
            "/srv/app/conf:\n  file.managed:\n    - contents: [a, b]\n    - mode: 0640\n    - makedirs: true\n",
        );
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        let tree = bench.host.tree();
        assert_eq!(tree[Path::new("/srv/app/conf")], "file 0640 0:0 \"a\\nb\\n\"");
        assert_eq!(tree[Path::new("/srv/app")], "dir 0750 0:0");
    }

    #[test]
    fn without_the_directory_it_fails_and_says_what_to_add() {
        let bench = Bench::new(SimHost::new());
        let verdict = bench.run("/srv/x:\n  file.managed:\n    - contents: a\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.contains("makedirs: True"), "{}", verdict.comment);
        assert_eq!(bench.host.writes(), 0);
    }

    #[test]
    fn a_refused_draft_leaves_the_old_file() {
        let reply = SimReply { code: 1, stderr: "bad line 1".to_owned(), ..SimReply::default() };
        let host = SimHost::new().with_file("/etc/sudoers", "old\n");
        let host = host.with_script(move |c| c.line().starts_with("visudo").then(|| reply.clone()));
        let bench = Bench::new(host);
        let verdict =
            bench.run("/etc/sudoers:\n  file.managed:\n    - contents: new\n    - check_cmd: visudo -cf\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.contains("bad line 1"), "{}", verdict.comment);
        assert_eq!(bench.host.text("/etc/sudoers").as_deref(), Some("old\n"));
        assert!(bench.host.list(Path::new("/tmp")).unwrap().is_empty());
    }

    #[test]
    fn sources_are_tried_in_order_and_verified() {
        let bench = Bench::new(SimHost::new()).with_state_file("b.txt", "from b");
        let verdict = bench.run("/etc/f:\n  file.managed:\n    - source: [salt://a.txt, salt://b.txt]\n");
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("from b"));
        let wrong = format!(
            "/etc/f:\n  file.managed:\n    - source: /etc/f\n    - source_hash: '{}'\n",
            "0".repeat(64)
        );
        assert_eq!(bench.run(&wrong).kind, VerdictKind::Failed);
    }

    #[test]
    fn what_is_no_regular_file_is_neither_read_nor_replaced() {
        for node in [Node::Fifo, Node::Char(10, 130), Node::Block(8, 0)] {
            let host = SimHost::new().with_file("/srv/content", "a\n");
            host.mknod(Path::new("/srv/f"), node, 0o644).unwrap();
            let bench = Bench::new(host);
            let before = bench.host.tree();
            for args in ["contents: a", "source: /srv/content", "contents: a\n    - template: jinja"] {
                let sls = format!("/srv/f:\n  file.managed:\n    - {args}\n");
                for verdict in [bench.run(&sls), bench.dry(&sls)] {
                    assert_eq!(verdict.kind, VerdictKind::Failed, "{node:?} {args}");
                    assert!(verdict.comment.contains("is not a regular file"), "{}", verdict.comment);
                    assert!(verdict.comment.contains("replace: False"), "{}", verdict.comment);
                }
            }
            assert_eq!(bench.host.tree(), before);
            let sls =
                "/srv/f:\n  file.managed:\n    - contents: a\n    - replace: false\n    - mode: '0600'\n";
            let verdict = bench.run(sls);
            assert_eq!(verdict.changes, map([("mode", "0600".into())]), "{}", verdict.comment);
        }
    }

    #[test]
    fn a_link_that_is_not_followed_is_replaced_whatever_it_leads_to() {
        let host = SimHost::new();
        host.mkdir(Path::new("/srv"), None).unwrap();
        host.symlink(Path::new("/dev/null"), Path::new("/srv/f")).unwrap();
        let bench = Bench::new(host.with_file("/dev/null", "other"));
        let verdict =
            bench.run("/srv/f:\n  file.managed:\n    - contents: a\n    - follow_symlinks: false\n");
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(verdict.changes["diff"], "New file".into());
        assert_eq!(bench.host.text("/dev/null").as_deref(), Some("other"));
        assert_eq!(bench.host.lstat(Path::new("/srv/f")).unwrap().unwrap().kind, FileKind::File);
    }

    #[test]
    fn only_the_mode_is_set_where_only_the_mode_differs() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "same\n"));
        let verdict = bench.run("/etc/f:\n  file.managed:\n    - contents: same\n    - mode: '0600'\n");
        assert_eq!(verdict.changes, map([("mode", "0600".into())]));
        assert_eq!(bench.host.writes(), 1);
    }
}
