//! `git.config_set` and `git.config_unset`: settings of a repository, or of an account.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{absolute, map, text_list};
use super::repo::Repo;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// Has this value.
pub(in crate::functions) struct Set;

/// Has none.
pub(in crate::functions) struct Unset;

const REPO: ArgDoc = ArgDoc::optional("repo", Kind::Path, "The repository; required, unless global is true.");
const USER: ArgDoc =
    ArgDoc::optional("user", Kind::Text, "The account that runs git, and whose settings global means.");
const GLOBAL: ArgDoc =
    ArgDoc::with_default("global", Kind::Bool, "false", "Whether it is the account's setting.");

const SET_ARGS: &[ArgDoc] = &[
    ArgDoc::optional("value", Kind::Text, "The value."),
    ArgDoc::optional("multivar", Kind::List, "Several values, in place of value."),
    REPO,
    USER,
    GLOBAL,
];

static SET: FunctionDoc = FunctionDoc::new(
    "Keeps a setting of git, whose key the name says.",
    SET_ARGS,
    "user.name:\n  git.config_set:\n    - value: Lab\n    - global: True\n",
);

const UNSET_ARGS: &[ArgDoc] = &[REPO, USER, GLOBAL];

static UNSET: FunctionDoc = FunctionDoc::new(
    "Removes a setting of git, whose key the name says.",
    UNSET_ARGS,
    "user.name:\n  git.config_unset:\n    - global: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    value: Option<String>,
    multivar: Option<Value>,
    repo: Option<String>,
    user: Option<String>,
    #[serde(default)]
    global: bool,
}

/// A setting, and how git is asked about it.
struct Setting<'a> {
    repo: Repo<'a>,
    global: bool,
    key: String,
}

impl<'a> Setting<'a> {
    fn of(call: &StateCall, args: &Args, ctx: &'a JobCtx<'a>) -> Result<Self, StateError> {
        let path = match (&args.repo, args.global) {
            (Some(path), false) => absolute(path, ctx.host)?,
            (None, true) => std::path::PathBuf::from("/"),
            (Some(_), true) => return Err(StateError::failed("argument repo: not with global: True")),
            (None, false) => {
                return Err(StateError::failed("argument repo is missing (or add global: True)"));
            }
        };
        let name = &call.name;
        if !name.contains('.') || name.starts_with(['-', '.']) || name.ends_with('.') {
            return Err(StateError::failed(format!("{name:?} is no setting of git like user.name")));
        }
        let repo = Repo::new(path, args.user.clone(), ctx);
        if !args.global && !repo.is_there()? {
            return Err(StateError::failed(format!("{} is no repository", repo.path.display())));
        }
        Ok(Self { repo, global: args.global, key: name.clone() })
    }

    fn argv<'b>(&self, more: &[&'b str]) -> Vec<&'b str> {
        let scope = if self.global { "--global" } else { "--local" };
        [&["config", scope], more].concat()
    }

    fn have(&self) -> Result<Vec<String>, StateError> {
        let key = self.key.as_str();
        let argv = self.argv(&["--null", "--get-all", key]);
        let found = if self.global { self.repo.ask_anywhere(&argv)? } else { self.repo.ask(&argv)? };
        Ok(found.unwrap_or_default().split_terminator('\0').map(str::to_owned).collect())
    }

    fn run(&self, more: &[&str]) -> Result<(), StateError> {
        let argv = self.argv(more);
        if self.global { self.repo.run_anywhere(&argv) } else { self.repo.run(&argv) }.map(drop)
    }
}

fn wanted(args: &Args) -> Result<Vec<String>, StateError> {
    match (&args.value, &args.multivar) {
        (Some(value), None) => Ok(vec![value.clone()]),
        (None, Some(values)) => Ok(text_list(values)),
        _ => Err(StateError::failed("exactly one of value and multivar must be given")),
    }
}

fn changes(call: &StateCall, old: &[String], new: &[String]) -> Map {
    let sides = Value::from([("old", Value::from(old.to_vec())), ("new", Value::from(new.to_vec()))]);
    map([(call.name.as_str(), sides)])
}

impl StateFunction for Set {
    fn name(&self) -> &'static str {
        "git.config_set"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &SET
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let (have, wanted) = (Setting::of(call, &args, ctx)?.have()?, wanted(&args)?);
        if have == wanted {
            return Ok(Check::holds(format!("{} is already set to {}", call.name, wanted.join(", "))));
        }
        Ok(Check::differs(
            changes(call, &have, &wanted),
            format!("{} would be set to {}", call.name, wanted.join(", ")),
        ))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let setting = Setting::of(call, &args, ctx)?;
        let key = setting.key.clone();
        let wanted = wanted(&args)?;
        let mut values = wanted.iter();
        if let Some(first) = values.next() {
            setting.run(&["--replace-all", &key, first])?;
        }
        for value in values {
            setting.run(&["--add", &key, value])?;
        }
        Ok(Applied::new(check.changes.clone(), format!("{key} was set to {}", wanted.join(", "))))
    }
}

impl StateFunction for Unset {
    fn name(&self) -> &'static str {
        "git.config_unset"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &UNSET
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let have = Setting::of(call, &call.typed()?, ctx)?.have()?;
        if have.is_empty() {
            return Ok(Check::holds(format!("{} is not set", call.name)));
        }
        Ok(Check::differs(changes(call, &have, &[]), format!("{} would be unset", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let setting = Setting::of(call, &call.typed()?, ctx)?;
        setting.run(&["--unset-all", &setting.key])?;
        Ok(Applied::new(check.changes.clone(), format!("{} was unset", call.name)))
    }
}
