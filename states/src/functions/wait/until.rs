//! `loop.until`: calls an execution function until a condition on its answer holds.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::map;
use super::patience::{Patience, Waited, seconds};
use crate::function::{
    Applied, ArgDoc, CallError, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError,
    StateFunction, Verdict,
};
use crate::render;

/// The function.
pub(in crate::functions) struct Until;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "condition",
        Kind::Text,
        "A Python expression over m_ret, the answer: `'flannel.1' in m_ret`, `m_ret['a'] == 1`, `len(m_ret) > 2`.",
    ),
    ArgDoc::optional("m_args", Kind::List, "Positional arguments of the function."),
    ArgDoc::optional("m_kwargs", Kind::Map, "Named arguments of the function."),
    ArgDoc::with_default("period", Kind::Float, "1", "Seconds between calls."),
    ArgDoc::with_default("timeout", Kind::Float, "60", "Seconds after which it fails."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Calls an execution function, which the name says, until a condition on its answer holds.",
    ARGS,
    "cmd.run:\n  loop.until:\n    - m_args: ['echo 2: flannel.1']\n    - condition: \"'flannel.1' in m_ret\"\n    - period: 1\n    - timeout: 300\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    condition: String,
    #[serde(default)]
    m_args: Vec<Value>,
    #[serde(default)]
    m_kwargs: Option<Map>,
    #[serde(default = "one")]
    period: f64,
    #[serde(default = "sixty")]
    timeout: f64,
}

fn one() -> f64 {
    1.0
}

fn sixty() -> f64 {
    60.0
}

impl StateFunction for Until {
    fn name(&self) -> &'static str {
        "loop.until"
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
        let would = map([("function", call.name.as_str().into())]);
        Ok(Check::differs(would, format!("the execution module {} will be run", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let function = ctx.registry.exec(&call.name).map_err(CallError::from)?;
        let kwargs = args.m_kwargs.unwrap_or_default();
        let mut last = Value::Null;
        let patience = Patience { period: args.period, timeout: args.timeout };
        let waited = patience.until(ctx, || {
            last = function.call(&args.m_args, &kwargs, ctx)?;
            let holds = render::condition(&args.condition, &[("m_ret", last.clone())])
                .map_err(|e| StateError::failed(format!("argument condition: {:?}: {e}", args.condition)))?;
            Ok(holds.then_some(()))
        })?;
        match waited {
            Waited::Met((), _) => {
                Ok(Applied::new(Map::new(), format!("condition {} was met", args.condition)))
            }
            Waited::TimedOut(attempts) => Err(StateError::failed(format!(
                "timed out while waiting for condition {} ({} was called {attempts} times in {} s, the last answer was {})",
                args.condition,
                call.name,
                args.timeout,
                short(&last)
            ))),
        }
    }

    /// Waiting changes nothing, so a real run reports no changes; a dry run says that it would call.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.sequence(call, ctx).unwrap_or_else(Verdict::from)
    }
}

/// Returns the beginning of a value's text.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};

    fn bench(after: u32) -> Bench {
        let calls = AtomicU32::new(0);
        Bench::new(SimHost::new().with_script(move |c| {
            c.line().ends_with("ip link").then(|| {
                let up = calls.fetch_add(1, Ordering::SeqCst) >= after;
                SimReply::ok(if up { "1: lo\n2: flannel.1\n" } else { "1: lo\n" })
            })
        }))
    }

    const SLS: &str = "wait:\n  loop.until:\n    - name: cmd.run\n    - m_args: [ip link]\n    - condition: \"'flannel.1' in m_ret\"\n    - period: 5\n    - timeout: 20\n";

    #[test]
    fn it_calls_until_the_condition_holds_and_no_longer() {
        let bench = bench(3);
        let verdict = bench.run(SLS);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert!(!verdict.changed());
        assert_eq!(bench.host.commands().len(), 4);
        assert_eq!(bench.host.slept(), Duration::from_secs(15));
    }

    #[test]
    fn it_gives_up_in_time_and_says_what_came() {
        let bench = bench(99);
        let verdict = bench.run(SLS);
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(
            verdict.comment.contains("called 5 times in 20 s, the last answer was \"1: lo\""),
            "{}",
            verdict.comment
        );
        assert_eq!(bench.host.slept(), Duration::from_secs(20));
    }

    #[test]
    fn unknown_functions_and_conditions_that_cannot_be_evaluated_fail_at_once() {
        let bench = bench(0);
        let bad = bench.run(&SLS.replace("' in m_ret", "' in m_rte"));
        assert!(bad.comment.contains("did you mean 'm_ret'?"), "{}", bad.comment);
        let bad = bench.run(&SLS.replace("name: cmd.run", "name: cmd.rnu"));
        assert!(bad.comment.contains("did you mean cmd.run?"), "{}", bad.comment);
        assert_eq!(bench.host.slept(), Duration::ZERO);
        assert_eq!(bench.dry(SLS).kind, VerdictKind::WouldChange);
    }
}
