//! `environ.setenv`: variables for the commands that later states of the run start.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{map, text_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct SetEnv;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "value",
        Kind::Any,
        "The value, or a mapping of names to values; false empties a variable.",
    ),
    ArgDoc::with_default(
        "false_unsets",
        Kind::Bool,
        "false",
        "Whether false removes a variable; else it becomes empty.",
    ),
    ArgDoc::with_default("clear_all", Kind::Bool, "false", "Not supported: what a run inherits stays."),
    ArgDoc::optional("update_minion", Kind::Bool, "Accepted; a variable lasts as long as its run."),
    ArgDoc::optional("permanent", Kind::Any, "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Sets a variable, which the name says, for the commands that later states of this run start.",
    ARGS,
    "KUBECONFIG:\n  environ.setenv:\n    - value: /etc/kubernetes/admin.conf\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    value: Value,
    #[serde(default)]
    false_unsets: bool,
    #[serde(default)]
    clear_all: bool,
}

/// Returns the variables with what they are to be; `None` removes one.
fn wanted(call: &StateCall, args: &Args) -> Result<Vec<(String, Option<String>)>, StateError> {
    if args.clear_all {
        return Err(StateError::failed(
            "argument clear_all: not supported (name the variables that must go, with false)",
        ));
    }
    let all = match &args.value {
        Value::Map(entries) => entries.clone(),
        Value::List(_) | Value::Tuple(_) => {
            return Err(StateError::failed("environ value must be text, a mapping or false"));
        }
        one => map([(call.name.as_str(), one.clone())]),
    };
    all.iter()
        .map(|(name, value)| {
            let name = text_of(name);
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(StateError::failed(format!("{name:?} is no name of a variable")));
            }
            Ok((
                name,
                match value {
                    Value::Bool(false) if args.false_unsets => None,
                    Value::Bool(false) => Some(String::new()),
                    other => Some(text_of(other)),
                },
            ))
        })
        .collect()
}

fn differences(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Map, StateError> {
    let args: Args = call.typed()?;
    let mut changes = Map::new();
    for (name, value) in wanted(call, &args)? {
        if ctx.host.env(&name) != value {
            changes.insert(name.into(), value.into());
        }
    }
    Ok(changes)
}

impl StateFunction for SetEnv {
    fn name(&self) -> &'static str {
        "environ.setenv"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let changes = differences(call, ctx)?;
        if changes.is_empty() {
            return Ok(Check::holds("environ values are already set with the correct values"));
        }
        Ok(Check::differs(changes, "environ values will be changed"))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        for (name, value) in wanted(call, &args)? {
            ctx.host.set_env(&name, value.as_deref());
        }
        Ok(Applied::new(check.changes.clone(), "environ values were set"))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::System;
    use crate::host::sim::SimHost;

    #[test]
    fn variables_come_and_go() {
        let bench = Bench::new(SimHost::new());
        assert!(bench.run("A:\n  environ.setenv:\n    - value: 1\n").changed());
        assert_eq!(bench.host.env("A").as_deref(), Some("1"));
        let sls = "x:\n  environ.setenv:\n    - value: {A: false, B: b}\n    - false_unsets: True\n";
        assert_eq!(bench.run(sls).changes.len(), 2);
        assert!(!bench.run(sls).changed());
        assert_eq!((bench.host.env("A"), bench.host.env("B")), (None, Some("b".to_owned())));
        assert_eq!(bench.run("A=:\n  environ.setenv:\n    - value: x\n").kind, VerdictKind::Failed);
    }
}
