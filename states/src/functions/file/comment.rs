//! `file.comment`: lines that match become comments.

use serde::Deserialize;

use lab_proto::Value;

use super::super::support::{Pattern, lines_with_ends, path_of, search};
use super::edit::{Edit, backup_suffix, read_text};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Comment;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "regex",
        Kind::Text,
        "The regular expression; begin it with ^, or lines that are comments match again.",
    ),
    ArgDoc::with_default("char", Kind::Text, "'#'", "What a comment begins with."),
    ArgDoc::with_default("backup", Kind::Any, "'.bak'", "The suffix of the copy, or False."),
    ArgDoc::with_default("ignore_missing", Kind::Bool, "false", "Whether it is fine when nothing matches."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes comments of the lines that match. Keeps a copy with the suffix .bak beside the file.",
    ARGS,
    "/etc/fstab:\n  file.managed:\n    - contents: /swapfile none swap sw 0 0\n    - replace: False\n\nno swap:\n  file.comment:\n    - name: /etc/fstab\n    - regex: ^/swapfile\n    - backup: False\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    regex: String,
    #[serde(default = "hash")]
    char: String,
    backup: Option<Value>,
    #[serde(default)]
    ignore_missing: bool,
}

fn hash() -> String {
    "#".to_owned()
}

impl StateFunction for Comment {
    fn name(&self) -> &'static str {
        "file.comment"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(plan(call, ctx)?.check())
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        plan(call, ctx)?.apply(ctx.host)
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Edit, StateError> {
    let args: Args = call.typed()?;
    let path = path_of(call, ctx.host)?;
    let old = read_text(ctx.host, &path)?;
    let core = unanchored(&args.regex);
    let sign = fancy_regex::escape(&args.char);
    let mut new = old.clone();
    if search(&old, &format!(r"^(?!\s*{sign})\s*{core}"))? {
        let pattern = line_pattern(&args.regex)?;
        new.clear();
        for line in lines_with_ends(&old) {
            if pattern.is_prefix(line)? {
                new.push_str(&args.char);
            }
            new.push_str(line);
        }
        if !search(&new, &format!("{sign}{core}"))? {
            // As Salt has it, the pattern has to fit the beginning of a line to be commented.
            return Err(StateError::failed(format!(
                "expected commented lines not found: {core} fits no beginning of a line in {} (write the white space before it, too: ^\\s*…)",
                path.display()
            )));
        }
    } else if !search(&old, &format!("{sign}{core}"))? && !args.ignore_missing {
        return Err(StateError::failed(format!("{}: pattern {core} not found", path.display())));
    }
    let mut edit = Edit::new(path, Some(old), new);
    edit.backup = backup_suffix(args.backup.as_ref(), Some(".bak"));
    Ok(edit)
}

fn unanchored(regex: &str) -> &str {
    let core = regex.strip_prefix('^').unwrap_or(regex);
    core.strip_suffix('$').unwrap_or(core)
}

fn line_pattern(regex: &str) -> Result<Pattern, StateError> {
    let core = regex.trim_start_matches('^').trim_end_matches('$');
    let end = if regex.ends_with('$') { "$" } else { "" };
    Pattern::multiline(&format!("({core}){end}"))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn matching_lines_become_comments_once() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "swap a\n#swap b\nroot\n"));
        let sls = "/etc/f:\n  file.comment:\n    - regex: ^swap\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("#swap a\n#swap b\nroot\n"));
        assert!(!bench.run(sls).changed());
        assert_eq!(bench.run("/etc/f:\n  file.comment:\n    - regex: ^home\n").kind, VerdictKind::Failed);
    }
}
