//! `test.*`

use std::time::Duration;

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const TEXT: &[ArgDoc] = &[ArgDoc::required("text", Kind::Any, "What is returned.")];
const LENGTH: &[ArgDoc] = &[ArgDoc::required("length", Kind::Float, "How many seconds.")];

const ASSERTION: &[ArgDoc] = &[ArgDoc::required("assertion", Kind::Any, "What must hold.")];
const RETCODE: &[ArgDoc] = &[ArgDoc::with_default("code", Kind::Int, "42", "The status.")];
const RAISES: &[ArgDoc] = &[ArgDoc::with_default("message", Kind::Text, "it was told to", "What it says.")];
const SAYS: &[ArgDoc] = &[ArgDoc::with_default("text", Kind::Text, "it was told to", "What it says.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "test.ping",
        doc: FunctionDoc::new("Answers true.", &[], "lab-master run '*' test.ping"),
        body: |_| Ok(true.into()),
    },
    Exec {
        name: "test.true",
        doc: FunctionDoc::new("Returns true.", &[], "lab-minion call --local test.true"),
        body: |_| Ok(true.into()),
    },
    Exec {
        name: "test.false",
        doc: FunctionDoc::new("Returns false.", &[], "lab-minion call --local test.false"),
        body: |_| Ok(false.into()),
    },
    Exec {
        name: "test.echo",
        doc: FunctionDoc::new("Returns its argument.", TEXT, "lab-master run '*' test.echo hello"),
        body: echo,
    },
    Exec {
        name: "test.arg",
        doc: FunctionDoc::new("Returns its arguments.", &[], "lab-master run '*' test.arg 1 a=2").open(),
        body: arg,
    },
    Exec {
        name: "test.kwarg",
        doc: FunctionDoc::new("Returns its named arguments.", &[], "lab-master run '*' test.kwarg a=2")
            .open(),
        body: |call| Ok(arg(call)?.get("kwargs").cloned().unwrap_or_default()),
    },
    Exec {
        name: "test.arg_repr",
        doc: FunctionDoc::new(
            "Returns its arguments as Python prints them.",
            &[],
            "lab-master run '*' test.arg_repr 1 a=2",
        )
        .open(),
        body: arg_repr,
    },
    Exec {
        name: "test.assertion",
        doc: FunctionDoc::new(
            "Fails unless its argument holds.",
            ASSERTION,
            "lab-minion call --local test.assertion true",
        ),
        body: |call| {
            let holds = call.typed::<Assertion>()?.assertion.truthy();
            if holds { Ok(Value::Null) } else { Err(CallError::failed("the assertion does not hold")) }
        },
    },
    Exec {
        name: "test.retcode",
        doc: FunctionDoc::new(
            "Ends the job with an exit status.",
            RETCODE,
            "lab-master run '*' test.retcode 42",
        ),
        body: |call| {
            call.ctx.services.set_retcode(call.typed::<Retcode>()?.code.unwrap_or(42));
            Ok(true.into())
        },
    },
    Exec {
        name: "test.sleep",
        doc: FunctionDoc::new(
            "Waits, then answers true; a killed job ends it.",
            LENGTH,
            "lab-master run '*' test.sleep 5",
        ),
        body: sleep,
    },
    Exec {
        name: "test.version",
        doc: FunctionDoc::new("Returns the version of lab.", &[], "lab-master run '*' test.version"),
        body: |_| Ok(env!("CARGO_PKG_VERSION").into()),
    },
    Exec {
        name: "test.fail",
        doc: FunctionDoc::new("Fails with what it is told.", SAYS, "lab-minion call --local test.fail"),
        body: fail,
    },
    Exec {
        name: "test.exception",
        doc: FunctionDoc::new(
            "Fails with what it is told, as test.fail.",
            RAISES,
            "lab-minion call --local test.exception",
        ),
        body: fail,
    },
];

#[derive(Deserialize)]
struct Echo {
    text: Value,
}

fn echo(call: &Call<'_>) -> Result<Value, CallError> {
    Ok(call.typed::<Echo>()?.text)
}

#[expect(clippy::unnecessary_wraps, reason = "all bodies have one shape")]
fn arg(call: &Call<'_>) -> Result<Value, CallError> {
    let kwargs = call.kwargs.iter().filter(|(k, _)| !k.as_str().is_some_and(|k| k.starts_with("__")));
    let kwargs = Value::Map(kwargs.map(|(k, v)| (k.clone(), v.clone())).collect());
    Ok(Value::from([("args", Value::Tuple(call.args.to_vec())), ("kwargs", kwargs)]))
}

fn arg_repr(call: &Call<'_>) -> Result<Value, CallError> {
    let given = arg(call)?;
    let args = Value::Tuple(call.args.to_vec());
    let shown = |value: &Value| crate::render::python_literal(value).map_err(super::failed).map(Value::from);
    let kwargs = given.get("kwargs").cloned().unwrap_or_default();
    Ok(Value::from([("args", shown(&args)?), ("kwargs", shown(&kwargs)?)]))
}

#[derive(Deserialize)]
struct Assertion {
    assertion: Value,
}

#[derive(Deserialize)]
struct Retcode {
    code: Option<i64>,
}

#[derive(Deserialize)]
struct Sleep {
    length: f64,
}

fn sleep(call: &Call<'_>) -> Result<Value, CallError> {
    let Sleep { length } = call.typed()?;
    let time = Duration::try_from_secs_f64(length)
        .map_err(|_| CallError::failed(format!("argument length: {length} is no number of seconds")))?;
    if call.ctx.host.sleep(time, call.ctx) {
        return Ok(true.into());
    }
    Err(CallError::failed("the job was cancelled"))
}

#[derive(Deserialize)]
struct Fail {
    // As Salt's test.exception has it.
    #[serde(alias = "message")]
    text: Option<String>,
}

fn fail(call: &Call<'_>) -> Result<Value, CallError> {
    Err(CallError::failed(call.typed::<Fail>()?.text.unwrap_or_else(|| "it was told to".to_owned())))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};
    use std::time::Duration;

    #[test]
    fn arguments_come_back_and_sleep_sleeps() {
        let bench = Bench::new(SimHost::new());
        let exec = |name: &str, args: &[Value]| bench.exec(name, args, &Map::new());
        assert_eq!(exec("test.echo", &["x".into()]), Ok("x".into()));
        assert!(exec("test.echo", &[]).is_err());
        let shown = exec("test.arg_repr", &["x".into(), true.into()]).unwrap();
        assert_eq!(shown.get("args"), Some(&"('x', True)".into()));
        let boom = Map::from_iter([(Value::from("message"), Value::from("boom"))]);
        let raised = bench.exec("test.exception", &[], &boom);
        assert_eq!(raised.map_err(|e| e.to_string()), Err("boom".to_owned()));
        assert_eq!(exec("test.retcode", &[]), Ok(true.into()));
        assert!(
            exec("test.assertion", &[true.into()]).is_ok() && exec("test.assertion", &[0.into()]).is_err()
        );
        assert_eq!(exec("test.sleep", &[2.into()]), Ok(true.into()));
        assert!(exec("test.sleep", &[(-2).into()]).is_err());
        assert_eq!(bench.host.slept(), Duration::from_secs(2));
    }
}
