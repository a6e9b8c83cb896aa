//! `salt.function`: an execution function called on minions; here, on this one.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{map, text_list, text_of};
use super::means_us;
use crate::function::{
    Applied, ArgDoc, CallError, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError,
    StateFunction, Verdict,
};

/// The function.
pub(in crate::functions) struct Function;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("tgt", Kind::Text, "Which minions."),
    ArgDoc::with_default("tgt_type", Kind::Text, "glob", "How the target is read."),
    ArgDoc::optional("arg", Kind::List, "Positional arguments."),
    ArgDoc::optional("kwarg", Kind::Map, "Named arguments."),
    ArgDoc::optional("timeout", Kind::Float, "After how many seconds a minion counts as timed out."),
    ArgDoc::with_default("expect_minions", Kind::Bool, "false", "Accepted."),
    ArgDoc::optional("fail_minions", Kind::Any, "Minions that may fail."),
    ArgDoc::optional("fail_function", Kind::Text, "Not supported."),
    ArgDoc::optional("batch", Kind::Text, "How many minions at a time."),
    ArgDoc::optional("fail", Kind::Int, "After how many failed minions no further batch goes."),
    ArgDoc::optional("subset", Kind::Int, "How many minions at most."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Calls an execution function on the minions that the target names. In a local run, on this minion if it is meant.",
    ARGS,
    "test.ping:\n  salt.function:\n    - tgt: '*'\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    tgt: Value,
    #[serde(default = "glob")]
    tgt_type: String,
    arg: Option<Value>,
    kwarg: Option<Map>,
    fail_minions: Option<Value>,
}

fn glob() -> String {
    "glob".to_owned()
}

impl StateFunction for Function {
    fn name(&self) -> &'static str {
        "salt.function"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let comment = format!("function {} would be executed on target {}", call.name, args.tgt);
        Ok(Check::differs(map([("function", call.name.as_str().into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = execute(call, ctx)?;
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        if call.test {
            return super::unforeseen(self.sequence(call, ctx).unwrap_or_else(Verdict::from));
        }
        execute(call, ctx).unwrap_or_else(Verdict::from)
    }
}

fn execute(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Verdict, StateError> {
    let args: Args = call.typed()?;
    let target = match &args.tgt {
        Value::List(_) => text_list(&args.tgt).join(","),
        other => text_of(other),
    };
    if !means_us(&target, &args.tgt_type, ctx) {
        return Err(StateError::failed(format!(
            "no minions matched {target}: a local run has only {}",
            ctx.services.id()
        )));
    }
    let positional = match &args.arg {
        Some(Value::List(list)) => list.clone(),
        Some(Value::Str(text)) => text.split_whitespace().map(Value::from).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(other) => vec![other.clone()],
    };
    let function = ctx.registry.exec(&call.name).map_err(CallError::from)?;
    let id = ctx.services.id();
    let forgiven = args.fail_minions.as_ref().is_some_and(|m| text_list(m).iter().any(|t| t == id));
    match function.call(&positional, &args.kwarg.unwrap_or_default(), ctx) {
        Ok(value) => {
            let bad = value == Value::Bool(false) && !forgiven;
            let changes = map([(id, value)]);
            let comment = format!("function {} ran on {id}", call.name);
            Ok(if bad { Verdict::failed_with(changes, comment) } else { Verdict::ok(changes, comment) })
        }
        Err(e) if forgiven => Ok(Verdict::ok(Map::new(), e.to_string())),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn only_a_target_that_means_us_is_met() {
        let bench = Bench::new(SimHost::new());
        assert_eq!(bench.run("test.ping:\n  salt.function: [{tgt: 's*'}]\n").kind, VerdictKind::Ok);
        assert_eq!(bench.run("test.ping:\n  salt.function: [{tgt: 'node*'}]\n").kind, VerdictKind::Failed);
        assert_eq!(
            bench.dry("test.ping:\n  salt.function: [{tgt: 'node*'}]\n").kind,
            VerdictKind::WouldChange
        );
    }
}
