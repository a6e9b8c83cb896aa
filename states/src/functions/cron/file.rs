//! `cron.file`: a user's whole table from a file.

use std::path::Path;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{diff, map};
use super::jobs::{USER, root};
use super::user::{read, write};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::file::fetch;

/// The function.
pub(in crate::functions) struct File;

const ARGS: &[ArgDoc] = &[
    USER,
    ArgDoc::optional("template", Kind::Text, "The template engine, jinja."),
    ArgDoc::optional("context", Kind::Map, "Variables of the template."),
    ArgDoc::optional("defaults", Kind::Map, "Variables of the template where context has none."),
    ArgDoc::with_default("replace", Kind::Bool, "true", "Whether a table that is there is replaced."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a user's whole table as a file, which the name says, has it.",
    ARGS,
    "salt://crontab:\n  cron.file:\n    - user: root\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default = "root")]
    user: String,
    template: Option<String>,
    context: Option<Map>,
    defaults: Option<Map>,
    #[serde(default = "yes")]
    replace: bool,
}

fn yes() -> bool {
    true
}

fn texts(call: &StateCall, args: &Args, ctx: &JobCtx<'_>) -> Result<(String, String), StateError> {
    let old = read(&args.user, ctx)?;
    if !args.replace && !old.is_empty() {
        return Ok((old.clone(), old));
    }
    let source = Value::from(call.name.as_str());
    let variables = (args.defaults.as_ref(), args.context.as_ref());
    let new = fetch(&source, args.template.as_deref(), variables, call, ctx)?;
    let new = String::from_utf8(new)
        .map_err(|_| StateError::failed(format!("{} is no text in UTF-8", call.name)))?;
    Ok((old, new))
}

impl StateFunction for File {
    fn name(&self) -> &'static str {
        "cron.file"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let (old, new) = texts(call, &args, ctx)?;
        if old == new {
            return Ok(Check::holds(format!("crontab for user {} is in the correct state", args.user)));
        }
        let name = format!("crontab of {}", args.user);
        let changes = map([("diff", diff(old.as_bytes(), new.as_bytes(), Path::new(&name)).into())]);
        Ok(Check::differs(changes, format!("crontab for user {} would be replaced", args.user)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let (_, new) = texts(call, &args, ctx)?;
        write(&args.user, &new, ctx)?;
        Ok(Applied::new(check.changes.clone(), format!("crontab for user {} was updated", args.user)))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn the_table_is_replaced_once() {
        let bench = Bench::new(SimHost::new()).with_state_file("tab", "1 * * * * {{ what }}\n");
        let sls = "salt://tab:\n  cron.file:\n    - template: jinja\n    - context: {what: run}\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/var/spool/cron/crontabs/root").as_deref(), Some("1 * * * * run\n"));
        assert!(!bench.run(sls).changed());
        assert!(!bench.run(&format!("{}    - replace: False\n", sls.replace("run", "other"))).changed());
    }
}
