//! `file.tidied`: removes what is old, large or of a name from below a directory.

use std::path::{Path, PathBuf};

use lab_proto::Value;
use serde::Deserialize;

use super::super::support::{Pattern, map, path_of, text_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::{FileKind, FileMeta};

/// The function.
pub(in crate::functions) struct Tidied;

const ARGS: &[ArgDoc] = &[
    ArgDoc::with_default("age", Kind::Int, "0", "From how many days on something counts as old."),
    ArgDoc::with_default("size", Kind::Any, "0", "From how many bytes on something counts as large: 10m."),
    ArgDoc::optional(
        "matches",
        Kind::List,
        "Regular expressions that the beginning of a name must fit one of; all names.",
    ),
    ArgDoc::optional("exclude", Kind::List, "Regular expressions of names that stay."),
    ArgDoc::with_default(
        "full_path_match",
        Kind::Bool,
        "false",
        "Whether the whole path is matched, not the name.",
    ),
    ArgDoc::with_default("rmdirs", Kind::Bool, "false", "Whether directories are removed, with all in them."),
    ArgDoc::with_default("rmlinks", Kind::Bool, "true", "Whether symbolic links are removed."),
    ArgDoc::with_default(
        "followlinks",
        Kind::Bool,
        "false",
        "Not supported: links to directories are not entered.",
    ),
    ArgDoc::with_default(
        "time_comparison",
        Kind::Text,
        "mtime",
        "Only mtime: when the content was last changed.",
    ),
    ArgDoc::with_default(
        "age_size_logical_operator",
        Kind::Text,
        "OR",
        "Whether old OR large is enough, or both (AND).",
    ),
    ArgDoc::optional("age_size_only", Kind::Text, "age or size: the other one is not looked at."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Removes files from below a directory, by age, size and name.",
    ARGS,
    "/var/lib/cache:\n  file.tidied:\n    - matches: ['.*\\.tmp$']\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    age: i64,
    size: Option<Value>,
    #[serde(default)]
    matches: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    full_path_match: bool,
    #[serde(default)]
    rmdirs: bool,
    #[serde(default = "yes")]
    rmlinks: bool,
    #[serde(default)]
    followlinks: bool,
    #[serde(default)]
    age_size_logical_operator: Operator,
    age_size_only: Option<Only>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
enum Operator {
    #[default]
    #[serde(rename = "OR")]
    Or,
    #[serde(rename = "AND")]
    And,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Only {
    Age,
    Size,
}

fn yes() -> bool {
    true
}

/// Reads a number of bytes: `1024`, `10k`, `5 MB`, `1GiB`; powers of 1024, as Salt counts.
fn bytes(value: &Value) -> Result<u64, StateError> {
    let text = text_of(value).trim().to_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = text[digits.len()..].trim().trim_end_matches('b').trim_end_matches('i');
    let power = ["", "k", "m", "g", "t", "p"].iter().position(|u| *u == unit);
    let found = digits.parse::<u64>().ok().zip(power).and_then(|(n, p)| n.checked_mul(1 << (10 * p)));
    found.ok_or_else(|| StateError::failed(format!("argument size: {text:?} is no number of bytes like 10m")))
}

/// What is removed, and why not the rest.
struct Rules<'a> {
    args: &'a Args,
    size: u64,
    matches: Vec<Pattern>,
    exclude: Vec<Pattern>,
    today: i64,
}

impl<'a> Rules<'a> {
    fn of(args: &'a Args, ctx: &JobCtx<'_>) -> Result<Self, StateError> {
        if args.followlinks {
            return Err(StateError::failed(
                "argument followlinks: not supported (tidy what the links lead to by its own name)",
            ));
        }
        let compiled = |all: &[String]| -> Result<Vec<Pattern>, StateError> {
            all.iter().map(|p| Pattern::flagged(p, Some(&Value::from(0)))).collect()
        };
        Ok(Self {
            args,
            size: args.size.as_ref().map_or(Ok(0), bytes)?,
            matches: compiled(&args.matches)?,
            exclude: compiled(&args.exclude)?,
            today: day(ctx.now().as_micros() / 1_000_000),
        })
    }

    fn removes(&self, path: &Path, meta: &FileMeta) -> Result<bool, StateError> {
        let allowed = match meta.kind {
            FileKind::Symlink => self.args.rmlinks,
            FileKind::Dir => self.args.rmdirs,
            FileKind::File | FileKind::Special => true,
        };
        let old = (self.today - day(meta.mtime)).abs() >= self.args.age;
        let size = if meta.kind == FileKind::File { meta.size } else { 0 };
        let large = size >= self.size;
        let counts = match (self.args.age_size_only, self.args.age_size_logical_operator) {
            (Some(Only::Age), _) => old,
            (Some(Only::Size), _) => large,
            (None, Operator::And) => old && large,
            (None, Operator::Or) => old || large,
        };
        if !allowed || !counts {
            return Ok(false);
        }
        let whole = path.display().to_string();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let text = if self.args.full_path_match { &whole } else { &name };
        let any = |all: &[Pattern]| -> Result<bool, StateError> {
            for pattern in all {
                if pattern.is_prefix(text)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok((self.matches.is_empty() || any(&self.matches)?) && !any(&self.exclude)?)
    }

    /// Collects what is removed, the innermost first.
    fn collect(&self, dir: &Path, ctx: &JobCtx<'_>, found: &mut Vec<PathBuf>) -> Result<(), StateError> {
        for name in ctx.host.list(dir)? {
            let path = dir.join(name);
            let Some(meta) = ctx.host.lstat(&path)? else { continue };
            if meta.is_dir() {
                self.collect(&path, ctx, found)?;
            }
            if self.removes(&path, &meta)? {
                found.push(path);
            }
        }
        Ok(())
    }
}

fn day(seconds: i64) -> i64 {
    seconds.div_euclid(86400)
}

fn found(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Vec<PathBuf>, StateError> {
    let args: Args = call.typed()?;
    let root = path_of(call, ctx.host)?;
    if !ctx.host.stat(&root)?.is_some_and(|m| m.is_dir()) {
        return Err(StateError::failed(format!("{} does not exist or is not a directory", root.display())));
    }
    let mut found = Vec::new();
    Rules::of(&args, ctx)?.collect(&root, ctx, &mut found)?;
    Ok(found)
}

impl StateFunction for Tidied {
    fn name(&self) -> &'static str {
        "file.tidied"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let found = found(call, ctx)?;
        if found.is_empty() {
            return Ok(Check::holds(format!("nothing to remove from directory {}", call.name)));
        }
        let names: Vec<String> = found.iter().map(|p| p.display().to_string()).collect();
        Ok(Check::differs(map([("removed", names.into())]), format!("{} is set for tidy", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let found = found(call, ctx)?;
        for path in &found {
            match ctx.host.lstat(path)? {
                // It went with its directory.
                None => {}
                Some(meta) if meta.is_dir() => ctx.host.remove_dir_all(path)?,
                Some(_) => ctx.host.remove_file(path)?,
            }
        }
        let count = found.len();
        Ok(Applied::new(
            check.changes.clone(),
            format!("removed {count} files or directories from {}", call.name),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    fn bench() -> Bench {
        let host = SimHost::new()
            .with_file("/c/old.tmp", "x".repeat(2048))
            .with_file("/c/new.tmp", "x")
            .with_file("/c/sub/keep.txt", "x")
            .with_file("/c/sub/a.tmp", "x")
            .with_symlink("/c/link.tmp", "/etc");
        // The clock of the bench stands at the 11,574th day.
        host.touch(Path::new("/c/old.tmp"), Some(0)).unwrap();
        Bench::new(host)
    }

    use crate::host::Files;

    #[test]
    fn names_age_and_size_decide() {
        let run = |more: &str| {
            let bench = bench();
            let sls = format!("/c:\n  file.tidied:\n{more}");
            let dry = bench.dry(&sls);
            let verdict = bench.run(&sls);
            assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
            assert_eq!(dry.changes, verdict.changes);
            assert!(!bench.run(&sls).changed());
            let removed = verdict.changes.get("removed").and_then(Value::as_list).map(<[Value]>::to_vec);
            removed.unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            run(
                "    - age: 30\n    - age_size_only: age\n    - matches: ['.*tmp']\n    - exclude: ['link']\n"
            ),
            ["/c/old.tmp"]
        );
        assert_eq!(
            run("    - size: 1k\n    - age: 9999\n    - age_size_logical_operator: AND\n"),
            ["/c/old.tmp"]
        );
        assert_eq!(
            run("    - matches: ['.*\\.tmp$']\n    - rmlinks: False\n"),
            ["/c/new.tmp", "/c/old.tmp", "/c/sub/a.tmp"]
        );
        assert_eq!(run("    - matches: [sub]\n    - rmdirs: True\n"), ["/c/sub"]);
        assert!(run("    - matches: [tmp]\n").is_empty(), "a match is at the beginning");
    }

    #[test]
    fn sizes_have_units_and_a_missing_directory_is_an_error() {
        assert_eq!(bytes(&Value::from("5 MB")).unwrap(), 5 << 20);
        assert_eq!(bytes(&Value::from("1GiB")).unwrap(), 1 << 30);
        assert!(bytes(&Value::from("many")).is_err());
        assert!(bench().run("/none:\n  file.tidied: []\n").comment.contains("does not exist"));
    }
}
