//! `file.keyvalue`: keys with values in a file of lines.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{lines, path_of, text_of};
use super::edit::{Edit, read_if_present};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct KeyValue;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("key", Kind::Text, "The key, with value."),
    ArgDoc::optional("value", Kind::Text, "Its value."),
    ArgDoc::optional("key_values", Kind::Map, "Several keys with their values, in place of key and value."),
    ArgDoc::with_default("separator", Kind::Text, "'='", "What stands between key and value."),
    ArgDoc::with_default(
        "append_if_not_found",
        Kind::Bool,
        "false",
        "Whether a missing key is added at the end.",
    ),
    ArgDoc::with_default(
        "prepend_if_not_found",
        Kind::Bool,
        "false",
        "Whether a missing key is added at the beginning.",
    ),
    ArgDoc::with_default("show_changes", Kind::Bool, "true", "Whether the differences are reported."),
    ArgDoc::with_default("ignore_if_missing", Kind::Bool, "false", "Whether a missing file is no error."),
    ArgDoc::with_default("create_if_missing", Kind::Bool, "false", "Whether a missing file is made."),
    ArgDoc::with_default("count", Kind::Int, "1", "In how many lines a key may be; -1 for all of them."),
    ArgDoc::optional(
        "uncomment",
        Kind::Text,
        "Characters that make a line a comment, which are taken away from it: '# '.",
    ),
    ArgDoc::with_default("key_ignore_case", Kind::Bool, "false", "Whether the case of keys does not matter."),
    ArgDoc::with_default(
        "value_ignore_case",
        Kind::Bool,
        "false",
        "Whether the case of values does not matter.",
    ),
    ArgDoc::with_default("search_only", Kind::Bool, "false", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps keys at values in a file of lines like `key = value`; further lines of a key are removed.",
    ARGS,
    "/etc/application.conf:\n  file.keyvalue:\n    - key: b\n    - value: 2\n    - separator: ' = '\n    - append_if_not_found: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    key: Option<String>,
    value: Option<Value>,
    key_values: Option<Map>,
    #[serde(default = "equals")]
    separator: String,
    #[serde(default)]
    append_if_not_found: bool,
    #[serde(default)]
    prepend_if_not_found: bool,
    #[serde(default = "yes")]
    show_changes: bool,
    #[serde(default)]
    ignore_if_missing: bool,
    #[serde(default)]
    create_if_missing: bool,
    #[serde(default = "one")]
    count: i64,
    uncomment: Option<String>,
    #[serde(default)]
    key_ignore_case: bool,
    #[serde(default)]
    value_ignore_case: bool,
}

fn equals() -> String {
    "=".to_owned()
}

fn yes() -> bool {
    true
}

fn one() -> i64 {
    1
}

/// One key, and in how many lines more it may be.
struct Wanted {
    key: String,
    value: String,
    left: i64,
}

impl Args {
    fn wanted(&self) -> Result<Vec<Wanted>, StateError> {
        let one = |key: String, value: &Value| Wanted { key, value: text_of(value), left: self.count };
        match (&self.key, &self.value, &self.key_values) {
            (Some(key), Some(value), None) => Ok(vec![one(key.clone(), value)]),
            (None, None, Some(all)) if !all.is_empty() => {
                Ok(all.iter().map(|(k, v)| one(text_of(k), v)).collect())
            }
            (Some(_), Some(_), Some(_)) => {
                Err(StateError::failed("file.keyvalue can not combine key_values with key and value"))
            }
            _ => Err(StateError::failed("key and value, or key_values, must be given")),
        }
    }

    fn same(&self, a: &str, b: &str, ignore_case: bool) -> bool {
        a == b || ignore_case && a.to_lowercase() == b.to_lowercase()
    }

    /// Returns the text as it should be.
    fn edited(&self, text: &str) -> Result<String, StateError> {
        let mut wanted = self.wanted()?;
        let mut out: Vec<String> = Vec::new();
        for line in lines(text) {
            out.extend(self.line(line, &mut wanted));
        }
        let missing =
            wanted.iter().filter(|w| w.left > 0).map(|w| format!("{}{}{}", w.key, self.separator, w.value));
        if self.append_if_not_found || self.create_if_missing && text.is_empty() {
            out.extend(missing.collect::<Vec<_>>());
        } else if self.prepend_if_not_found {
            for line in missing.collect::<Vec<_>>() {
                out.insert(0, line);
            }
        }
        let ends = text.is_empty() || text.ends_with('\n') || out.len() != lines(text).len();
        let mut new = out.join("\n");
        if ends && !out.is_empty() {
            new.push('\n');
        }
        Ok(new)
    }

    /// Returns what becomes of a line: itself, another one, or nothing.
    fn line(&self, line: &str, wanted: &mut [Wanted]) -> Option<String> {
        let unchanged = || Some(line.to_owned());
        let bare = match &self.uncomment {
            Some(set) => line.trim_start_matches(|c| set.contains(c)),
            None => line.trim_start(),
        };
        let was_comment = self.uncomment.is_some() && bare.len() < line.len();
        let work = if was_comment { bare } else { line };
        let Some((key, value)) = work.split_once(&self.separator) else { return unchanged() };
        let Some(want) = wanted.iter_mut().find(|w| self.same(key, &w.key, self.key_ignore_case)) else {
            return unchanged();
        };
        let matches = self.same(value.trim(), want.value.trim(), self.value_ignore_case);
        let change = match (was_comment, want.left) {
            // A comment comes to life when it is still needed, and is left alone when not.
            (true, 0) => false,
            (true, left) => left > 0 || !matches,
            // A key that was there often enough goes.
            (false, 0) => true,
            (false, _) => !matches,
        };
        if !change {
            want.left -= i64::from(want.left > 0);
            return unchanged();
        }
        if want.left == 0 {
            return None;
        }
        want.left -= i64::from(want.left > 0);
        Some(format!("{key}{}{}", self.separator, want.value))
    }
}

fn edit(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<Edit>, StateError> {
    let args: Args = call.typed()?;
    if args.separator.is_empty() {
        return Err(StateError::failed("argument separator: it must not be empty"));
    }
    args.wanted()?;
    let path = path_of(call, ctx.host)?;
    let old = read_if_present(ctx.host, &path)?;
    if old.is_none() && !args.create_if_missing {
        if args.ignore_if_missing {
            return Ok(None);
        }
        return Err(StateError::failed(format!(
            "unable to open {} (add create_if_missing: True)",
            path.display()
        )));
    }
    let new = args.edited(old.as_deref().unwrap_or_default())?;
    let mut edit = Edit::new(path, old, new);
    edit.show_changes = args.show_changes;
    Ok(Some(edit))
}

impl StateFunction for KeyValue {
    fn name(&self) -> &'static str {
        "file.keyvalue"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(edit(call, ctx)?
            .map_or_else(|| Check::holds(format!("unable to open {}", call.name)), |e| e.check()))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        match edit(call, ctx)? {
            Some(edit) => edit.apply(ctx.host),
            None => Ok(Applied::new(check.changes.clone(), check.comment.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    fn edit(text: &str, more: &str) -> String {
        let bench = Bench::new(SimHost::new().with_file("/f", text));
        let sls = format!("/f:\n  file.keyvalue:\n{more}");
        let verdict = bench.run(&sls);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert!(!bench.run(&sls).changed(), "{more}");
        bench.host.text("/f").unwrap()
    }

    #[test]
    fn keys_are_set_uncommented_added_and_made_single() {
        let one = "    - key: a\n    - value: 2\n";
        assert_eq!(edit("a=1\nb=1\na=3\n", one), "a=2\nb=1\n");
        assert_eq!(edit("aa=1\n", &format!("{one}    - append_if_not_found: True\n")), "aa=1\na=2\n");
        assert_eq!(edit("aa=1\n", &format!("{one}    - prepend_if_not_found: True\n")), "a=2\naa=1\n");
        assert_eq!(edit("# a=2\nb=1", &format!("{one}    - uncomment: '# '\n")), "a=2\nb=1");
        assert_eq!(edit("a=1\na=1\n", &format!("{one}    - count: -1\n")), "a=2\na=2\n");
        let ssh = "    - key: PermitRootLogin\n    - value: 'no'\n    - separator: ' '\n    - uncomment: '# '\n    - key_ignore_case: True\n";
        assert_eq!(edit("#permitrootlogin yes\n# a comment\n", ssh), "permitrootlogin no\n# a comment\n");
        assert_eq!(edit("x=1\ny=2\n", "    - key_values: {x: 5, y: 2}\n"), "x=5\ny=2\n");
    }

    #[test]
    fn a_missing_file_is_an_error_unless_it_may_be_missing_or_made() {
        let bench = Bench::new(SimHost::new());
        let sls = "/f:\n  file.keyvalue:\n    - key: a\n    - value: 2\n";
        assert_eq!(bench.run(sls).kind, VerdictKind::Failed);
        assert!(!bench.run(&format!("{sls}    - ignore_if_missing: True\n")).changed());
        assert!(bench.run(&format!("{sls}    - create_if_missing: True\n")).changed());
        assert_eq!(bench.host.text("/f").as_deref(), Some("a=2\n"));
        assert_eq!(bench.run("/f:\n  file.keyvalue:\n    - key: a\n").kind, VerdictKind::Failed);
    }
}
