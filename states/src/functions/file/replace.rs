//! `file.replace`: what a pattern matches in a file is replaced.

use lab_proto::Value;
use serde::Deserialize;

use super::super::support::{Pattern, join_lines, path_of, text_of};
use super::edit::{Edit, backup_suffix, read_if_present};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Replace;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("pattern", Kind::Text, "The regular expression, as Python has them."),
    ArgDoc::required("repl", Kind::Text, "The replacement; \\1 and \\g<name> stand for groups."),
    ArgDoc::with_default("count", Kind::Int, "0", "How many matches are replaced; 0 for all."),
    ArgDoc::with_default(
        "flags",
        Kind::Any,
        "['MULTILINE']",
        "Flags of the expression: names, or Python's number.",
    ),
    ArgDoc::with_default(
        "append_if_not_found",
        Kind::Bool,
        "false",
        "Whether the replacement is added at the end where nothing matches.",
    ),
    ArgDoc::with_default(
        "prepend_if_not_found",
        Kind::Bool,
        "false",
        "Whether it is added at the beginning.",
    ),
    ArgDoc::optional("not_found_content", Kind::Text, "What is added instead of the replacement."),
    ArgDoc::with_default("backup", Kind::Any, "'.bak'", "The suffix of the copy, or False."),
    ArgDoc::with_default("show_changes", Kind::Bool, "true", "Whether the diff is reported."),
    ArgDoc::with_default("ignore_if_missing", Kind::Bool, "false", "Whether a missing file is fine."),
    ArgDoc::with_default(
        "backslash_literal",
        Kind::Bool,
        "false",
        "Whether backslashes in repl stand for themselves.",
    ),
    ArgDoc::optional("bufsize", Kind::Any, "Accepted and not needed."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Replaces what a regular expression matches in a file. Run again it replaces again: write the pattern so that it \
     does not match what it made. Keeps a copy with the suffix .bak beside the file.",
    ARGS,
    "/etc/hostname:\n  file.replace:\n    - pattern: '^old$'\n    - repl: new\n    - ignore_if_missing: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    pattern: String,
    repl: Value,
    #[serde(default)]
    count: usize,
    flags: Option<Value>,
    #[serde(default)]
    append_if_not_found: bool,
    #[serde(default)]
    prepend_if_not_found: bool,
    not_found_content: Option<Value>,
    backup: Option<Value>,
    #[serde(default = "yes")]
    show_changes: bool,
    #[serde(default)]
    ignore_if_missing: bool,
    #[serde(default)]
    backslash_literal: bool,
}

fn yes() -> bool {
    true
}

impl StateFunction for Replace {
    fn name(&self) -> &'static str {
        "file.replace"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let missing = || Check::holds("no changes needed to be made: the file is missing");
        Ok(plan(call, ctx)?.map_or_else(missing, |edit| edit.check()))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        plan(call, ctx)?.map_or_else(|| Ok(Applied::default()), |edit| edit.apply(ctx.host))
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<Edit>, StateError> {
    let args: Args = call.typed()?;
    let path = path_of(call, ctx.host)?;
    let Some(old) = read_if_present(ctx.host, &path)? else {
        if args.ignore_if_missing {
            return Ok(None);
        }
        return Err(StateError::failed(format!("{}: file not found", path.display())));
    };
    if args.append_if_not_found && args.prepend_if_not_found {
        return Err(StateError::failed(
            "only one of append_if_not_found and prepend_if_not_found is permitted",
        ));
    }
    let repl = text_of(&args.repl);
    let pattern = Pattern::flagged(&args.pattern, args.flags.as_ref())?;
    let (mut new, matches) = if args.backslash_literal {
        pattern.replace(&old, args.count, |_, out| out.push_str(&repl))?
    } else {
        let template = pattern.template(&repl)?;
        pattern.replace(&old, args.count, |found, out| template.expand(found, out))?
    };
    let adds = args.append_if_not_found || args.prepend_if_not_found;
    if matches == 0 && adds {
        let content = args.not_found_content.as_ref().filter(|c| c.truthy()).map_or(repl, text_of);
        if !already_added(&content, &old, args.flags.as_ref())? {
            new = add(&args, &content, new);
        }
    }
    let mut edit = Edit::new(path, Some(old), new);
    edit.backup = backup_suffix(args.backup.as_ref(), Some(".bak"));
    edit.show_changes = args.show_changes;
    Ok(Some(edit))
}

fn already_added(content: &str, text: &str, flags: Option<&Value>) -> Result<bool, StateError> {
    let pattern = format!("^{}($|(?=\r\n))", fancy_regex::escape(content));
    Pattern::flagged(&pattern, flags)?.is_match(text)
}

fn add(args: &Args, content: &str, mut text: String) -> String {
    let content = join_lines(&[content]);
    if args.prepend_if_not_found {
        return content + &text;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text + &content
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn groups_are_kept_and_the_old_text_is_kept_beside_the_file() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "port = 80\nport = 81\n"));
        let verdict =
            bench.run("/etc/f:\n  file.replace:\n    - pattern: '^port = (\\d+)$'\n    - repl: 'port = 1\\1'\n    - count: 1\n");
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("port = 180\nport = 81\n"));
        assert_eq!(bench.host.text("/etc/f.bak").as_deref(), Some("port = 80\nport = 81\n"));
    }

    #[test]
    fn what_is_not_found_is_added_once() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "a"));
        let sls = "/etc/f:\n  file.replace:\n    - pattern: '^b=.*$'\n    - repl: b=1\n    - append_if_not_found: True\n    - backup: False\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("a\nb=1\n"));
        assert!(!bench.run(sls).changed());
    }
}
