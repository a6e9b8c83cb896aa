//! `file.line`: one line of a file inserted, ensured, replaced or deleted.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Mode, Owner, Pattern, lines_with_ends, path_of, perms, text_of};
use super::edit::{Edit, read_if_present};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::WriteOptions;

/// The function.
pub(in crate::functions) struct Line;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("mode", Kind::Text, "insert, ensure, replace or delete."),
    ArgDoc::optional("content", Kind::Text, "The line."),
    ArgDoc::optional(
        "match",
        Kind::Text,
        "The line to replace or delete: a part of it, or a regular expression.",
    ),
    ArgDoc::optional("before", Kind::Text, "The line before which it belongs."),
    ArgDoc::optional("after", Kind::Text, "The line after which it belongs."),
    ArgDoc::optional("location", Kind::Text, "start or end, for insert."),
    ArgDoc::with_default("indent", Kind::Bool, "true", "Whether the line is indented like its neighbour."),
    ArgDoc::with_default("create", Kind::Bool, "false", "Whether a missing file is made."),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::optional("file_mode", Kind::Mode, "Permissions."),
    ArgDoc::with_default("show_changes", Kind::Bool, "true", "Whether the diff is reported."),
    ArgDoc::with_default("backup", Kind::Bool, "false", "Whether the old text is kept beside the file."),
    ArgDoc::with_default("quiet", Kind::Bool, "false", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Changes one line of a file. `insert` adds it on every run where its place allows that; `ensure` adds it once; \
     `replace` and `delete` work on the line that `match` finds. For whole blocks use file.blockreplace.",
    ARGS,
    "/etc/default/app:\n  file.line:\n    - mode: insert\n    - location: start\n    - content: DEBUG=0\n    - create: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    mode: Option<String>,
    content: Option<Value>,
    r#match: Option<Value>,
    before: Option<Value>,
    after: Option<Value>,
    location: Option<String>,
    #[serde(default = "yes")]
    indent: bool,
    #[serde(default)]
    create: bool,
    user: Option<String>,
    group: Option<String>,
    file_mode: Option<Mode>,
    #[serde(default = "yes")]
    show_changes: bool,
    #[serde(default)]
    backup: bool,
}

fn yes() -> bool {
    true
}

impl StateFunction for Line {
    fn name(&self) -> &'static str {
        "file.line"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let (args, edit) = plan(call, ctx)?;
        let permissions = permissions(&args, &edit, ctx, false)?;
        let mut check = edit.check();
        if !permissions.is_empty() && check.changes.is_empty() {
            let path = edit.path.display();
            return Ok(Check::differs(permissions, format!("mode or owner of {path} would be changed")));
        }
        check.changes.extend(permissions);
        Ok(check)
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let (args, edit) = plan(call, ctx)?;
        let mut applied = edit.apply(ctx.host)?;
        applied.changes.extend(permissions(&args, &edit, ctx, true)?);
        if edit.old.is_none() {
            let owner = Owner::find(args.user.as_deref(), args.group.as_deref(), ctx.host)?;
            let mode = args.file_mode.map(|m| m.0);
            let options = WriteOptions { mode, umask: None, uid: owner.uid, gid: owner.gid };
            ctx.host.write(&edit.path, edit.new.as_bytes(), options)?;
        }
        Ok(applied)
    }
}

/// What of a file that is there has another owner or mode than it was given.
fn permissions(args: &Args, edit: &Edit, ctx: &JobCtx<'_>, apply: bool) -> Result<Map, StateError> {
    let Some(have) = ctx.host.stat(&edit.path)?.filter(|_| edit.old.is_some()) else { return Ok(Map::new()) };
    let owner = Owner::find(args.user.as_deref(), args.group.as_deref(), ctx.host)?;
    perms(ctx.host, &edit.path, &have, args.file_mode, owner, apply)
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Args, Edit), StateError> {
    let args: Args = call.typed()?;
    let path = path_of(call, ctx.host)?;
    let old = read_if_present(ctx.host, &path)?;
    if old.is_none() && !args.create {
        return Err(StateError::failed(format!(
            "{}: file not found (add create: True to make it)",
            path.display()
        )));
    }
    let new = edited(&args, old.as_deref().unwrap_or_default())?;
    let mut edit = Edit::new(path, old, new);
    edit.show_changes = args.show_changes;
    if args.backup {
        edit.backup = Some(format!(".{}", ctx.now().to_jid_digits()));
    }
    Ok((args, edit))
}

/// Returns the text with its line in place.
///
/// The list has an empty line at its end where the text ends with a newline, and `location: end` inserts behind that
/// empty line. So it leaves a blank line and no final newline, which looks wrong and is what Salt does.
fn edited(args: &Args, text: &str) -> Result<String, StateError> {
    let mode = args.mode.as_deref().map(str::to_lowercase);
    let mode =
        mode.ok_or_else(|| StateError::failed("mode was not defined: insert, ensure, replace or delete"))?;
    let content = args.content.as_ref().map(text_of);
    if content.is_none() && mode != "delete" {
        return Err(StateError::failed("content can only be left out in mode delete"));
    }
    let content = content.unwrap_or_default();
    let mut lines: Vec<String> = lines_with_ends(text).into_iter().map(str::to_owned).collect();
    if lines.last().is_some_and(|l| l.ends_with(['\n', '\r'])) {
        lines.push(String::new());
    }
    let wanted = args.r#match.as_ref().filter(|m| m.truthy()).map(text_of);
    let (before, after) =
        one_will_do(place(&lines, args.before.as_ref())?, place(&lines, args.after.as_ref())?);
    let wanted = match wanted {
        Some(wanted) => Some(wanted),
        None if args.before.is_none() && args.after.is_none() => Some(content.clone()),
        None => None,
    };
    match mode.as_str() {
        _ if text.is_empty() && (mode == "delete" || mode == "replace") => lines.clear(),
        "delete" | "replace" => {
            // Nothing that is to be found is nothing that is found.
            let Some(wanted) = wanted.filter(|w| !w.is_empty()) else { return Ok(text.to_owned()) };
            let Some(found) = first_match(&lines, &wanted)? else { return Ok(text.to_owned()) };
            if mode == "delete" {
                let line = lines[found].clone();
                lines.retain(|l| *l != line);
            } else {
                lines[found] = indented(&lines[found], &content, args.indent);
            }
        }
        "insert" => insert(args, &mut lines, &content, before, after)?,
        "ensure" => ensure(args, &mut lines, &content, before, after)?,
        other => {
            return Err(StateError::failed(format!(
                "unknown mode {other:?}: insert, ensure, replace or delete"
            )));
        }
    }
    Ok(with_ends(lines))
}

/// Where the line named by `before` or `after` stands; the outer `None` when there was no such argument.
type Place = Option<Vec<usize>>;

fn place(lines: &[String], argument: Option<&Value>) -> Result<Place, StateError> {
    argument.map(|a| matches(lines, &text_of(a))).transpose()
}

/// Of two places the one that no line matches counts as not given, as in Salt.
fn one_will_do(before: Place, after: Place) -> (Place, Place) {
    match (before, after) {
        (Some(before), after @ Some(_)) if before.is_empty() => (None, after),
        (before @ Some(_), Some(after)) if after.is_empty() => (before, None),
        both => both,
    }
}

fn first_match(lines: &[String], wanted: &str) -> Result<Option<usize>, StateError> {
    Ok(matches(lines, wanted)?.first().copied())
}

/// Finds the lines that contain a pattern, or else that text.
fn matches(lines: &[String], wanted: &str) -> Result<Vec<usize>, StateError> {
    let wanted = wanted.trim_end_matches(['\n', '\r']);
    let pattern = Pattern::multiline(wanted);
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let hit = match &pattern {
            Ok(pattern) => pattern.is_match(line)?,
            Err(_) => false,
        };
        if hit || line.contains(wanted) {
            found.push(index);
        }
    }
    Ok(found)
}

fn only(place: &[usize], what: &str) -> Result<usize, StateError> {
    match place {
        [one] => Ok(*one),
        [] => Err(StateError::failed(format!(
            "unable to find expected content before/after: no line matches {what:?}"
        ))),
        many => Err(StateError::failed(format!("{} lines match {what:?}, but one was expected", many.len()))),
    }
}

fn insert(
    args: &Args,
    lines: &mut Vec<String>,
    content: &str,
    before: Place,
    after: Place,
) -> Result<(), StateError> {
    match args.location.as_deref() {
        Some("end") => {
            let line =
                lines.last().map_or_else(|| content.to_owned(), |last| indented(last, content, args.indent));
            lines.push(line);
            return Ok(());
        }
        Some("start") => {
            let line = with_end_of(lines.first().map(String::as_str), content);
            lines.insert(0, line);
            return Ok(());
        }
        Some(other) => {
            return Err(StateError::failed(format!("argument location: {other:?} is neither start nor end")));
        }
        None => {}
    }
    let same = |line: Option<&String>| line.is_some_and(|l| bare(l) == bare(content));
    match (before, after) {
        (Some(before), Some(after)) => {
            only(&after, "after")?;
            let at = only(&before, "before")?;
            let line = indented(&lines[at], content, args.indent);
            lines.insert(at, line);
        }
        (None, Some(after)) => {
            let at = only(&after, "after")?;
            if !same(lines.get(at + 1)) {
                let line = indented(&lines[at], content, args.indent);
                lines.insert(at + 1, line);
            }
        }
        (Some(before), None) => {
            let at = only(&before, "before")?;
            if at == 0 || !same(lines.get(at - 1)) {
                let line = indented(&lines[at], content, args.indent);
                lines.insert(at, line);
            }
        }
        (None, None) => {
            return Err(StateError::failed("mode insert needs location, before or after"));
        }
    }
    Ok(())
}

fn ensure(
    args: &Args,
    lines: &mut Vec<String>,
    content: &str,
    before: Place,
    after: Place,
) -> Result<(), StateError> {
    let same = |line: Option<&String>| line.is_some_and(|l| bare(l) == bare(content));
    match (before, after) {
        (Some(before), Some(after)) => {
            let (after, before) = (only(&after, "after")?, only(&before, "before")?);
            if lines.iter().any(|l| bare(l).trim_start() == content) {
                return Ok(());
            }
            let line = indented(&lines[after], content, args.indent);
            if after + 1 == before {
                lines.insert(before, line);
            } else if after + 2 == before {
                lines[after + 1] = line;
            } else {
                return Err(StateError::failed(
                    "found more than one line between the boundaries before and after",
                ));
            }
        }
        (Some(before), None) => {
            let at = only(&before, "before")?;
            if at == 0 || !same(lines.get(at - 1)) {
                let neighbour = lines[at.saturating_sub(1)].clone();
                lines.insert(at, indented(&neighbour, content, args.indent));
            }
        }
        (None, Some(after)) => {
            let at = only(&after, "after")?;
            if !same(lines.get(at + 1)) {
                let line = indented(&lines[at], content, args.indent);
                lines.insert(at + 1, line);
            }
        }
        (None, None) => return Err(StateError::failed("mode ensure needs before, after or both")),
    }
    Ok(())
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

fn end_of(line: &str) -> &str {
    &line[bare(line).len()..]
}

fn with_end_of(neighbour: Option<&str>, line: &str) -> String {
    let end = neighbour.map(end_of).filter(|e| !e.is_empty()).unwrap_or("\n");
    format!("{}{end}", line.trim_end())
}

fn indented(neighbour: &str, line: &str, indent: bool) -> String {
    if !indent {
        return line.to_owned();
    }
    let white = neighbour.len() - neighbour.trim_start_matches([' ', '\t']).len();
    format!("{}{}", &neighbour[..white], line.trim_start())
}

/// Gives every line but the last the end of a neighbour, and drops the empty line at the end.
fn with_ends(mut lines: Vec<String>) -> String {
    for index in 0..lines.len().saturating_sub(1) {
        if end_of(&lines[index]).is_empty() {
            let neighbour = if index > 0 { index - 1 } else { 1 };
            lines[index] = with_end_of(lines.get(neighbour).map(String::as_str), &lines[index]);
        }
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    fn edited(text: &str, args: &str) -> (VerdictKind, String) {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", text));
        let verdict = bench.run(&format!("/etc/f:\n  file.line: [{args}]\n"));
        (verdict.kind, bench.host.text("/etc/f").unwrap_or_default())
    }

    #[test]
    fn ensure_adds_once_between_its_neighbours() {
        let args = "{mode: ensure}, {content: b}, {after: a}, {before: c}";
        assert_eq!(edited("a\nc\n", args), (VerdictKind::Ok, "a\nb\nc\n".to_owned()));
        assert_eq!(edited("a\nb\nc\n", args), (VerdictKind::Ok, "a\nb\nc\n".to_owned()));
        assert_eq!(edited("a\nx\ny\nc\n", args).0, VerdictKind::Failed);
    }

    #[test]
    fn another_mode_alone_is_a_change_that_writes_nothing_anew() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "a\n"));
        let verdict = bench.run(
            "/etc/f:\n  file.line: [{mode: replace}, {match: zzz}, {content: y}, {file_mode: '0600'}, {backup: true}]\n",
        );
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert!(
            !verdict.changes.contains_key("diff") && verdict.changes.contains_key("mode"),
            "{:?}",
            verdict.changes
        );
        let tree = bench.host.tree();
        let copies = tree.keys().filter(|path| path.to_string_lossy().starts_with("/etc/f."));
        assert_eq!(copies.count(), 0, "nothing of the old text is to be kept");
    }

    #[test]
    fn the_line_takes_the_indent_and_the_end_of_its_neighbour() {
        let args = "{mode: insert}, {content: new}, {after: key}";
        assert_eq!(edited("  key\r\nz\r\n", args).1, "  key\r\n  new\r\nz\r\n");
    }

    #[test]
    fn replace_and_delete_work_on_the_matching_line() {
        assert_eq!(edited("a=1\nb=2\n", "{mode: replace}, {match: '^b='}, {content: b=3}").1, "a=1\nb=3\n");
        assert_eq!(edited("a=1\nb=2\n", "{mode: delete}, {match: b=}").1, "a=1\n");
        assert_eq!(edited("a=1\nb=2\n", "{mode: delete}").1, "a=1\nb=2\n");
        assert_eq!(edited("a=1\n", "{mode: replace}, {match: zzz}, {content: y}").1, "a=1\n");
    }
}
