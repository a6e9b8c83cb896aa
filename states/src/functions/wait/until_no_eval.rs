//! `loop.until_no_eval`: calls an execution function until its answer compares with what is expected.

use std::cmp::Ordering;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{map, text_of};
use super::patience::{Patience, Waited, pause, seconds};
use super::until::short;
use crate::function::{
    Applied, ArgDoc, CallError, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::nearest::nearest;

/// The function.
pub(in crate::functions) struct UntilNoEval;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("expected", Kind::Any, "What the answer is compared with."),
    ArgDoc::with_default(
        "compare_operator",
        Kind::Text,
        "eq",
        "eq, ne, lt, le, gt, ge, contains (the answer contains it), data.subdict_match, or an execution function that takes both.",
    ),
    ArgDoc::with_default("timeout", Kind::Float, "60", "Seconds after which it fails, without init_wait."),
    ArgDoc::with_default("period", Kind::Float, "1", "Seconds between calls."),
    ArgDoc::with_default("init_wait", Kind::Float, "0", "Seconds before the first call."),
    ArgDoc::optional("args", Kind::List, "Positional arguments of the function."),
    ArgDoc::optional("kwargs", Kind::Map, "Named arguments of the function."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Calls an execution function, which the name says, until its answer compares with what is expected.",
    ARGS,
    "test.echo:\n  loop.until_no_eval:\n    - args: [up]\n    - expected: up\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    expected: Value,
    #[serde(default = "eq")]
    compare_operator: String,
    #[serde(default = "sixty")]
    timeout: f64,
    #[serde(default = "one")]
    period: f64,
    #[serde(default)]
    init_wait: f64,
    #[serde(default)]
    args: Vec<Value>,
    #[serde(default)]
    kwargs: Option<Map>,
}

fn eq() -> String {
    "eq".to_owned()
}

fn one() -> f64 {
    1.0
}

fn sixty() -> f64 {
    60.0
}

const OPERATORS: [&str; 8] = ["eq", "ne", "lt", "le", "gt", "ge", "contains", "data.subdict_match"];

impl StateFunction for UntilNoEval {
    fn name(&self) -> &'static str {
        "loop.until_no_eval"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        ctx.registry.exec(&call.name).map_err(CallError::from)?;
        seconds("period", args.period)?;
        seconds("timeout", args.timeout)?;
        let operator = args.compare_operator.as_str();
        if !OPERATORS.contains(&operator) && ctx.registry.exec(operator).is_err() {
            let near =
                nearest(operator, OPERATORS).map(|n| format!(" (did you mean {n}?)")).unwrap_or_default();
            return Err(StateError::failed(format!("invalid operator {operator:?} supplied{near}")));
        }
        let comment = format!("would have waited for {:?} to produce {}", call.name, short(&args.expected));
        Ok(Check::differs(map([("function", call.name.as_str().into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let function = ctx.registry.exec(&call.name).map_err(CallError::from)?;
        let kwargs = args.kwargs.unwrap_or_default();
        pause(ctx, seconds("init_wait", args.init_wait)?)?;
        let mut last = Value::Null;
        let patience = Patience { period: args.period, timeout: args.timeout };
        let waited = patience.until(ctx, || {
            last = function.call(&args.args, &kwargs, ctx)?;
            Ok(compare(&args.compare_operator, &last, &args.expected, ctx)?.then_some(()))
        })?;
        match waited {
            Waited::Met((), attempts) => Ok(Applied::new(
                Map::new(),
                format!("call provided the expected results in {attempts} attempts"),
            )),
            Waited::TimedOut(attempts) => Err(StateError::failed(format!(
                "call did not produce the expected result after {attempts} attempts (the last answer was {})",
                short(&last)
            ))),
        }
    }
}

fn compare(operator: &str, have: &Value, expected: &Value, ctx: &JobCtx<'_>) -> Result<bool, StateError> {
    let order = || {
        order(have, expected).ok_or_else(|| {
            let (a, b) = (have.kind(), expected.kind());
            StateError::failed(format!("argument compare_operator: {operator} cannot order a {a} and a {b}"))
        })
    };
    Ok(match operator {
        "eq" => have == expected || order_of_numbers(have, expected) == Some(Ordering::Equal),
        "ne" => have != expected && order_of_numbers(have, expected) != Some(Ordering::Equal),
        "lt" => order()?.is_lt(),
        "le" => order()?.is_le(),
        "gt" => order()?.is_gt(),
        "ge" => order()?.is_ge(),
        "contains" => contains(have, expected),
        "data.subdict_match" => subdict_match(have, &text_of(expected)),
        name => {
            let function = ctx.registry.exec(name).map_err(CallError::from)?;
            function.call(&[have.clone(), expected.clone()], &Map::new(), ctx)?.truthy()
        }
    })
}

fn order_of_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "Python compares a float with a whole number this way, too"
    )]
    let number = |v: &Value| match v {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        _ => None,
    };
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::List(a) | Value::Tuple(a), Value::List(b) | Value::Tuple(b)) => {
            for (a, b) in a.iter().zip(b) {
                match order(a, b)? {
                    Ordering::Equal => {}
                    other => return Some(other),
                }
            }
            Some(a.len().cmp(&b.len()))
        }
        _ => order_of_numbers(a, b),
    }
}

fn contains(have: &Value, expected: &Value) -> bool {
    match have {
        Value::Str(text) => text.contains(&text_of(expected)),
        Value::List(items) | Value::Tuple(items) => items.contains(expected),
        Value::Map(entries) => entries.contains_key(expected),
        _ => false,
    }
}

/// Follows `a:b:VALUE`, where the last part is compared (a pattern, as everywhere in targeting).
fn subdict_match(have: &Value, path: &str) -> bool {
    let parts: Vec<&str> = path.split(':').collect();
    (1..parts.len()).any(|at| {
        let (key, pattern) = (parts[..at].join(":"), parts[at..].join(":"));
        crate::functions::lookup::traverse(have, &key, ":").is_some_and(|found| match found {
            Value::List(items) | Value::Tuple(items) => {
                items.iter().any(|i| lab_proto::glob::matches(&pattern, &text_of(i)))
            }
            one => lab_proto::glob::matches(&pattern, &text_of(one)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn answers_are_compared_by_the_operator_that_is_named() {
        let bench = Bench::new(SimHost::new());
        let run = |answer: &str, operator: &str, expected: &str| {
            bench.run(&format!(
                "test.echo:\n  loop.until_no_eval:\n    - args: [{answer}]\n    - compare_operator: {operator}\n    - expected: {expected}\n    - timeout: 3\n"
            ))
        };
        for (answer, operator, expected) in [
            ("up", "eq", "up"),
            ("1", "eq", "1.0"),
            ("3", "gt", "2"),
            ("b", "ge", "a"),
            ("'some text'", "contains", "text"),
            ("[1, 2]", "contains", "2"),
            ("[{state: InService}]", "data.subdict_match", "'0:state:InService'"),
        ] {
            let verdict = run(answer, operator, expected);
            assert_eq!(verdict.kind, VerdictKind::Ok, "{answer} {operator} {expected}: {}", verdict.comment);
        }
        let failed = run("down", "eq", "up");
        assert!(failed.comment.contains("after 4 attempts"), "{}", failed.comment);
        assert!(run("x", "lt", "1").comment.contains("cannot order"));
        assert!(run("x", "eqq", "1").comment.contains("invalid operator"));
    }

    #[test]
    fn numbers_are_equal_whatever_their_kind() {
        assert!(order_of_numbers(&Value::from(true), &Value::from(1)).is_some_and(Ordering::is_eq));
        assert_eq!(order(&Value::from(vec![1, 2]), &Value::from(vec![1, 3])), Some(Ordering::Less));
    }
}
