//! `module.run`: execution functions as a state; `module.wait`: only when a watched state changed.
//!
//! Two styles: `- test.echo: [text]` names functions as arguments; the older one names a single function by `name` and
//! gives its arguments beside it (`m_name` for an argument that is called name).

use std::sync::Arc;

use lab_proto::{Map, Value};

use super::super::support::{OnWatch, map};
use crate::function::{
    Applied, ArgDoc, CallError, Check, Class, ExecFunction, FunctionDoc, JobCtx, Kind, StateCall, StateError,
    StateFunction, Verdict, Watch, from_within,
};

/// Calls each time.
pub(in crate::functions) struct Run;

/// Calls when a watched state changed.
pub(in crate::functions) const WAIT: OnWatch =
    OnWatch { name: "module.wait", doc: || &WAIT_DOC, fire: |call, ctx| Run.run(call, ctx) };

/// The same under another name.
pub(in crate::functions) const WATCH: OnWatch = OnWatch { name: "module.watch", doc: || &WATCH_DOC, ..WAIT };

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("args", Kind::List, "Positional arguments, in the older style."),
    ArgDoc::optional("kwargs", Kind::Map, "Named arguments, in the older style."),
];

static RUN: FunctionDoc = FunctionDoc::new(
    "Calls execution functions: each argument is one, with its arguments as a list.",
    ARGS,
    "say it:\n  module.run:\n    - test.echo: [hello]\n",
)
.open();

static WAIT_DOC: FunctionDoc = FunctionDoc::new(
    "Calls execution functions only when a watched state changed.",
    ARGS,
    "changed:\n  test.succeed_with_changes: []\n\nsay it:\n  module.wait:\n    - test.echo: [hello]\n    - watch:\n      - test: changed\n",
)
.open();

static WATCH_DOC: FunctionDoc = FunctionDoc::new(
    "Another name of module.wait.",
    ARGS,
    "changed:\n  test.succeed_with_changes: []\n\nsay it:\n  module.watch:\n    - test.echo: [hello]\n    - watch:\n      - test: changed\n",
)
.open();

impl StateFunction for Run {
    fn name(&self) -> &'static str {
        "module.run"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &RUN
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let names: Vec<String> = planned(call, ctx)?.into_iter().map(|p| p.name).collect();
        let comment = format!("to be executed: {}", names.join(", "));
        Ok(Check::differs(map([("functions", names.into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = execute(call, ctx)?.verdict;
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        if call.test {
            return Verdict { name: called(call), ..self.sequence(call, ctx).unwrap_or_else(Verdict::from) };
        }
        match execute(call, ctx) {
            // A function that gives up in the midst of its work leaves the state its own name, as in Salt.
            Ok(Ran { verdict, gave_up: true }) => verdict,
            Ok(Ran { verdict, .. }) => Verdict { name: called(call), ..verdict },
            Err(error) => Verdict { name: called(call), ..Verdict::from(error) },
        }
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Run {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.run(call, ctx)
    }
}

/// One call that is to be made.
struct Planned {
    name: String,
    function: Arc<dyn ExecFunction>,
    args: Vec<Value>,
    kwargs: Map,
    older_style: bool,
}

/// Returns what the report calls a state in the newer style: its functions, as Salt prints them.
fn called(call: &StateCall) -> Option<String> {
    let names: Vec<String> = functions(call).map(|(name, _)| format!("'{name}'")).collect();
    (!names.is_empty()).then(|| format!("[{}]", names.join(", ")))
}

/// Lists the arguments that name functions. What has no dot beside them is the engine's (`creates`, say), as in Salt.
fn functions(call: &StateCall) -> impl Iterator<Item = (&Value, &Value)> {
    call.args.iter().filter(|(key, _)| key.as_str().is_some_and(|k| k.contains('.')))
}

fn planned(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Vec<Planned>, StateError> {
    let find = |name: &str| ctx.registry.exec(name).map_err(|e| StateError::from(CallError::from(e)));
    if functions(call).next().is_some() {
        let one = |(key, value): (&Value, &Value)| {
            // The same function may stand twice, told apart by what follows a colon.
            let name = key.to_string();
            let function = find(name.split(':').next().unwrap_or(&name))?;
            let (args, kwargs) = arguments(value);
            Ok(Planned { name, function, args, kwargs, older_style: false })
        };
        return functions(call).map(one).collect();
    }
    let function = find(&call.name)?;
    let (mut args, mut kwargs) = (Vec::new(), Map::new());
    for (key, value) in &call.args {
        match (key.as_str(), value) {
            (Some("args"), Value::List(list)) if !function.doc().knows("args") => {
                args.extend(list.iter().cloned())
            }
            (Some("kwargs"), Value::Map(map)) if !function.doc().knows("kwargs") => {
                kwargs.extend(map.clone())
            }
            (Some("returner" | "sfun"), _) => {}
            // `m_unless` is how a function's own argument of that name is written.
            (Some(key), _) if crate::run::is_engine_word(key) && !function.doc().knows(key) => {}
            (Some(key), value) => {
                kwargs.insert(key.strip_prefix("m_").unwrap_or(key).into(), value.clone());
            }
            (None, _) => {}
        }
    }
    Ok(vec![Planned { name: call.name.clone(), function, args, kwargs, older_style: true }])
}

/// Splits `[a, {key: b}]` into positional and named arguments.
fn arguments(value: &Value) -> (Vec<Value>, Map) {
    let (mut args, mut kwargs) = (Vec::new(), Map::new());
    match value {
        Value::Null => {}
        Value::List(items) => {
            for item in items {
                match item {
                    Value::Map(map) => kwargs.extend(map.clone()),
                    other => args.push(other.clone()),
                }
            }
        }
        Value::Map(map) => kwargs.extend(map.clone()),
        single => args.push(single.clone()),
    }
    (args, kwargs)
}

/// What came of the calls.
struct Ran {
    verdict: Verdict,
    /// Whether a function failed once it was called with what it takes.
    gave_up: bool,
}

fn execute(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Ran, StateError> {
    let (mut changes, mut comments, mut failed, mut gave_up) = (Map::new(), Vec::new(), false, false);
    for Planned { name, function, args, kwargs, older_style } in planned(call, ctx)? {
        let mut kwargs = kwargs;
        from_within(&name, &mut kwargs);
        match function.call(&args, &kwargs, ctx) {
            Ok(value) => {
                let good = succeeded(&value);
                failed |= !good;
                comments.push(format!("{name}: {}", if good { "executed" } else { "reported a failure" }));
                if older_style {
                    changes.insert("ret".into(), value);
                } else if good {
                    changes.insert(name.into(), value);
                }
            }
            Err(e) => {
                failed = true;
                gave_up |= !matches!(e, CallError::Args(_) | CallError::Unknown(_));
                comments.push(format!("{name} failed: {e}"));
                if gave_up {
                    break;
                }
            }
        }
    }
    let comment = comments.join(", ");
    let verdict = if failed { Verdict::failed_with(changes, comment) } else { Verdict::ok(changes, comment) };
    Ok(Ran { verdict, gave_up })
}

/// Tells whether a return says success: not `False`, and nowhere in it `result: False` or a `retcode` but 0.
fn succeeded(value: &Value) -> bool {
    match value {
        Value::Bool(b) => *b,
        Value::Map(map) => map.iter().all(|(key, value)| match (key.as_str(), value) {
            (Some("result"), Value::Bool(b)) => *b,
            (Some("retcode"), Value::Int(code)) => *code == 0,
            (_, inner @ Value::Map(_)) => succeeded(inner),
            _ => true,
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::Value;

    #[test]
    fn both_styles_call_the_function() {
        let bench = Bench::new(SimHost::new());
        let new = bench.run("x:\n  module.run:\n    - test.echo: [hello]\n    - test.ping: []\n");
        assert_eq!(new.changes.get("test.echo"), Some(&Value::from("hello")));
        assert_eq!(new.name.as_deref(), Some("['test.echo', 'test.ping']"));
        let old = bench.run("x:\n  module.run:\n    - name: test.echo\n    - text: hello\n");
        assert_eq!(old.changes.get("ret"), Some(&Value::from("hello")));
        let guarded =
            bench.run("x:\n  module.run:\n    - test.echo: [{text: hello}]\n    - creates: /nowhere\n");
        assert_eq!(guarded.changes.get("test.echo"), Some(&Value::from("hello")));
        assert_eq!(bench.dry("x:\n  module.run:\n    - test.ping: []\n").kind, VerdictKind::WouldChange);
    }

    #[test]
    fn words_of_the_engine_are_none_of_an_older_styles_function() {
        let bench = Bench::new(SimHost::new());
        let run = |function: &str, more: &str| {
            bench.run(&format!("x:\n  module.run:\n    - name: {function}\n{more}"))
        };
        let words = "    - creates: /nowhere\n    - unless: []\n    - retry: {attempts: 1}\n    - reload_modules: true\n";
        assert_eq!(run("test.ping", words).changes.get("ret"), Some(&Value::from(true)));
        let echoed = run("test.kwarg", "    - a: 1\n    - failhard: false\n    - m_failhard: mine\n");
        let own = Value::from([("a", Value::from(1)), ("failhard", Value::from("mine"))]);
        assert_eq!(echoed.changes.get("ret"), Some(&own), "what is escaped reaches it");
        let typo = run("test.echo", "    - text: hello\n    - txet: hello\n");
        assert_eq!(typo.kind, VerdictKind::Failed);
        assert!(typo.comment.contains("txet"), "{}", typo.comment);
    }

    #[test]
    fn unknown_functions_and_false_returns_fail() {
        let bench = Bench::new(SimHost::new());
        let unknown = bench.run("x:\n  module.run:\n    - test.pong: []\n");
        assert_eq!(unknown.kind, VerdictKind::Failed);
        assert!(unknown.comment.contains("did you mean test.ping"), "{}", unknown.comment);
        assert_eq!(bench.run("x:\n  module.run:\n    - test.false: []\n").kind, VerdictKind::Failed);
        assert_eq!(bench.run("x:\n  module.run:\n    - cmd.run_all: [exit 3]\n").kind, VerdictKind::Failed);
    }
}
