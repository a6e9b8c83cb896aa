//! `salt.state`: states applied on minions; here, on this one.

use lab_proto::{Map, StateOutcome, Value};
use serde::Deserialize;

use super::super::support::{map, text_list};
use crate::function::{
    Applied, ApplyRequest, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError,
    StateFunction, Verdict,
};

/// The function.
pub(in crate::functions) struct State;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("tgt", Kind::Text, "Which minions."),
    ArgDoc::with_default("tgt_type", Kind::Text, "glob", "How the target is read."),
    ArgDoc::optional("sls", Kind::List, "Which SLS; a text with commas, or a list."),
    ArgDoc::with_default("highstate", Kind::Bool, "false", "Whether the highstate is applied instead."),
    ArgDoc::optional("test", Kind::Bool, "Whether nothing may be changed."),
    ArgDoc::optional("pillar", Kind::Map, "Pillar on top of the minion's own."),
    ArgDoc::optional("saltenv", Kind::Text, "The environment."),
    ArgDoc::optional(
        "exclude",
        Kind::Any,
        "What is left out: SLS, or {id: …}; a text with commas, or a list.",
    ),
    ArgDoc::optional("timeout", Kind::Float, "After how many seconds a minion counts as timed out."),
    ArgDoc::with_default("allow_fail", Kind::Int, "0", "How many minions may fail."),
    ArgDoc::with_default("expect_minions", Kind::Bool, "true", "Whether it fails when no minion matches."),
    ArgDoc::optional("fail_minions", Kind::Any, "Minions that may fail."),
    ArgDoc::with_default("concurrent", Kind::Bool, "false", "Not supported: one state run at a time."),
    ArgDoc::optional("batch", Kind::Text, "How many minions at a time."),
    ArgDoc::optional("fail", Kind::Int, "After how many failed minions no further batch goes."),
    ArgDoc::optional("subset", Kind::Int, "How many minions at most."),
    ArgDoc::with_default("queue", Kind::Bool, "false", "Accepted; runs queue."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Applies states on the minions that the target names. In a local run that is this minion, whatever the target.",
    ARGS,
    "set up all:\n  salt.state:\n    - tgt: '*'\n    - sls: common\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[expect(
        dead_code,
        reason = "required, as on the master; on a roster of one every target means this minion"
    )]
    tgt: Value,
    sls: Option<Value>,
    #[serde(default)]
    highstate: bool,
    test: Option<bool>,
    pillar: Option<Map>,
    saltenv: Option<String>,
    exclude: Option<Value>,
    #[serde(default)]
    allow_fail: i64,
    fail_minions: Option<Value>,
}

impl StateFunction for State {
    fn name(&self) -> &'static str {
        "salt.state"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let verdict = execute(call, true, ctx)?;
        Ok(Check { changes: verdict.changes, comment: verdict.comment })
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = execute(call, false, ctx)?;
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        execute(call, call.test, ctx).unwrap_or_else(Verdict::from)
    }
}

fn execute(call: &StateCall, test: bool, ctx: &JobCtx<'_>) -> Result<Verdict, StateError> {
    let args: Args = call.typed()?;
    let sls: Vec<String> = match &args.sls {
        Some(Value::Str(text)) => {
            text.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect()
        }
        Some(Value::Null) | None => Vec::new(),
        Some(other) => text_list(other),
    };
    if sls.is_empty() && !args.highstate {
        return Err(StateError::failed("no highstate or sls specified, no execution made"));
    }
    let sls = if args.highstate { Vec::new() } else { sls };
    let test = args.test.unwrap_or(test);
    let exclude = ApplyRequest::excludes(args.exclude.as_ref()).map_err(StateError::failed)?;
    let request = ApplyRequest { sls, test, pillar: args.pillar, saltenv: args.saltenv, exclude };
    let id = ctx.services.id();
    let outcome = match ctx.services.apply(&request, ctx) {
        Ok(outcome) => outcome,
        Err(e) => {
            let text = e.to_string();
            return Ok(Verdict::failed_with(
                map([(id, text.as_str().into())]),
                format!("run failed on minions: {id}\n{text}"),
            ));
        }
    };
    let forgiven = args.allow_fail > 0
        || args
            .fail_minions
            .as_ref()
            .is_some_and(|m| text_list(m).iter().flat_map(|t| t.split(',')).any(|t| t.trim() == id));
    let failed = outcome.results.iter().any(|r| r.outcome == StateOutcome::Failed);
    let changed: Vec<Value> = outcome
        .results
        .iter()
        .filter(|r| r.changed())
        .map(|r| {
            Value::from([("id", Value::from(r.id.as_str())), ("changes", Value::Map(r.changes.clone()))])
        })
        .collect();
    let changes = if changed.is_empty() { Map::new() } else { map([(id, Value::List(changed))]) };
    if failed && !forgiven {
        let bad: Vec<&str> = outcome
            .results
            .iter()
            .filter(|r| r.outcome == StateOutcome::Failed)
            .map(|r| r.id.as_str())
            .collect();
        return Ok(Verdict::failed_with(
            changes,
            format!("run failed on minions: {id} (states: {})", bad.join(", ")),
        ));
    }
    if test && !changes.is_empty() {
        return Ok(Verdict::would_change(changes, format!("states would change {id}")));
    }
    Ok(Verdict::ok(changes, "states ran successfully"))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn the_sls_and_the_dry_run_are_passed_on() {
        let bench = Bench::new(SimHost::new());
        let verdict = bench.run("s:\n  salt.state: [{tgt: '*'}, {sls: 'a, b'}, {test: true}]\n");
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        let request = bench.services.applied.lock().unwrap().remove(0);
        assert_eq!((request.sls, request.test), (vec!["a".to_owned(), "b".to_owned()], true));
        assert_eq!(bench.run("s:\n  salt.state: [{tgt: '*'}]\n").kind, VerdictKind::Failed);
        assert_eq!(bench.run("s:\n  salt.state: [{sls: a}]\n").kind, VerdictKind::Failed);
    }
}
