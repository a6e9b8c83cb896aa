//! `file.uncomment`: comments that match become lines again.

use lab_proto::Value;
use serde::Deserialize;

use super::super::support::{Pattern, lines_with_ends, path_of, search};
use super::edit::{Edit, backup_suffix, read_text};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Uncomment;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("regex", Kind::Text, "The regular expression for the line without its comment sign."),
    ArgDoc::with_default("char", Kind::Text, "'#'", "What a comment begins with."),
    ArgDoc::with_default("backup", Kind::Any, "'.bak'", "The suffix of the copy, or False."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes lines of the comments that match. Keeps a copy with the suffix .bak beside the file.",
    ARGS,
    "/etc/sysctl.conf:\n  file.managed:\n    - contents: '#net.ipv4.ip_forward=1'\n    - replace: False\n\nforward:\n  file.uncomment:\n    - name: /etc/sysctl.conf\n    - regex: net.ipv4.ip_forward=1\n    - backup: False\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    regex: String,
    #[serde(default = "hash")]
    char: String,
    backup: Option<Value>,
}

fn hash() -> String {
    "#".to_owned()
}

impl StateFunction for Uncomment {
    fn name(&self) -> &'static str {
        "file.uncomment"
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
    let core = args.regex.trim_start_matches('^');
    let sign = fancy_regex::escape(&args.char);
    let mut new = old.clone();
    if search(&old, &format!("{sign}[ \t]*{core}"))? {
        let end = if args.regex.ends_with('$') { "$" } else { "" };
        let pattern = Pattern::multiline(&format!(r"{sign}\s*({}){end}", core.trim_end_matches('$')))?;
        new.clear();
        for line in lines_with_ends(&old) {
            let bare = line.trim_start_matches(|c| args.char.contains(c));
            new.push_str(if pattern.is_prefix(line)? { bare } else { line });
        }
    } else if !search(&old, &format!("^[ \t]*{core}"))? {
        return Err(StateError::failed(format!("{}: pattern {core} not found", path.display())));
    }
    let mut edit = Edit::new(path, Some(old), new);
    edit.backup = backup_suffix(args.backup.as_ref(), Some(".bak"));
    Ok(edit)
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn comments_become_lines_once() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "##a=1\n# b\n"));
        let sls = "/etc/f:\n  file.uncomment:\n    - regex: b\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("##a=1\n b\n"));
        assert!(!bench.run(sls).changed());
        assert_eq!(bench.run("/etc/f:\n  file.uncomment:\n    - regex: c\n").kind, VerdictKind::Failed);
    }
}
