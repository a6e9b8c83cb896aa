//! `test.nop`, `test.succeed_with_changes` and their kin: a verdict without touching anything.
//!
//! They share one shape, so they share one file.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{map, text_list, text_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
    Watch,
};

/// One function that pretends.
pub(in crate::functions) struct Pretend {
    name: &'static str,
    doc: &'static FunctionDoc,
    verdict: fn(&StateCall) -> Result<Verdict, StateError>,
}

const COMMENT: ArgDoc = ArgDoc::optional("comment", Kind::Text, "The comment of the result.");

const NOP_ARGS: &[ArgDoc] = &[COMMENT];

static NOP: FunctionDoc = FunctionDoc::new("Does nothing.", NOP_ARGS, "nothing:\n  test.nop: []\n").open();
const SUCCEED_ARGS: &[ArgDoc] = &[COMMENT];

static SUCCEED: FunctionDoc = FunctionDoc::new(
    "Succeeds without changes.",
    SUCCEED_ARGS,
    "fine:\n  test.succeed_without_changes: []\n",
)
.open();
const SUCCEED_CHANGED_ARGS: &[ArgDoc] = &[COMMENT];

static SUCCEED_CHANGED: FunctionDoc = FunctionDoc::new(
    "Succeeds and pretends changes.",
    SUCCEED_CHANGED_ARGS,
    "changed:\n  test.succeed_with_changes: []\n",
)
.open();
const FAIL_ARGS: &[ArgDoc] = &[COMMENT];

static FAIL: FunctionDoc =
    FunctionDoc::new("Fails without changes.", FAIL_ARGS, "bad:\n  test.fail_without_changes: []\n").open();
const FAIL_CHANGED_ARGS: &[ArgDoc] = &[COMMENT];

static FAIL_CHANGED: FunctionDoc = FunctionDoc::new(
    "Fails and pretends changes.",
    FAIL_CHANGED_ARGS,
    "worse:\n  test.fail_with_changes: []\n",
)
.open();
const CONFIGURABLE_ARGS: &[ArgDoc] = &[
    ArgDoc::with_default("changes", Kind::Bool, "true", "Whether it pretends changes."),
    ArgDoc::with_default("result", Kind::Bool, "true", "Whether it succeeds."),
    ArgDoc::optional("comment", Kind::Text, "The comment of the result."),
    ArgDoc::optional("warnings", Kind::List, "Warnings of the result."),
    ArgDoc::with_default(
        "allow_test_mode_failure",
        Kind::Bool,
        "false",
        "Whether it fails in a dry run, too.",
    ),
];

static CONFIGURABLE: FunctionDoc = FunctionDoc::new(
    "Ends as its arguments say.",
    CONFIGURABLE_ARGS,
    "as told:\n  test.configurable_test_state:\n    - changes: False\n    - result: True\n",
);
const NOTIFICATION_ARGS: &[ArgDoc] = &[ArgDoc::required("text", Kind::Text, "What it says.")];

static NOTIFICATION: FunctionDoc = FunctionDoc::new(
    "Says something in the run's report.",
    NOTIFICATION_ARGS,
    "done:\n  test.show_notification:\n    - text: Remember to feed the cat.\n",
);

/// All of them.
pub(super) const ALL: [Pretend; 7] = [
    Pretend { name: "test.nop", doc: &NOP, verdict: succeed },
    Pretend { name: "test.succeed_without_changes", doc: &SUCCEED, verdict: succeed },
    Pretend { name: "test.succeed_with_changes", doc: &SUCCEED_CHANGED, verdict: succeed_with_changes },
    Pretend { name: "test.fail_without_changes", doc: &FAIL, verdict: fail },
    Pretend { name: "test.fail_with_changes", doc: &FAIL_CHANGED, verdict: fail_with_changes },
    Pretend { name: "test.configurable_test_state", doc: &CONFIGURABLE, verdict: configurable },
    Pretend { name: "test.show_notification", doc: &NOTIFICATION, verdict: notification },
];

impl StateFunction for Pretend {
    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        self.doc
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let verdict = (self.verdict)(call)?;
        Ok(Check { changes: verdict.changes, comment: verdict.comment })
    }

    fn apply(&self, _: &StateCall, check: &Check, _: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(check.changes.clone(), check.comment.clone()))
    }

    fn run(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Verdict {
        (self.verdict)(call).unwrap_or_else(Verdict::from)
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Pretend {
    fn fire(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Verdict {
        let given = call.arg("changes").and_then(Value::as_map).cloned();
        let changes = given.unwrap_or_else(|| map([("watch", "a watched state changed".into())]));
        let comment = comment(call, "Watch statement fired.");
        match call.arg("result").and_then(Value::as_bool) {
            Some(false) => Verdict::failed_with(changes, comment),
            _ => Verdict::ok(changes, comment),
        }
    }
}

fn comment(call: &StateCall, default: &str) -> String {
    call.arg("comment").and_then(Value::as_str).unwrap_or(default).to_owned()
}

fn pretended() -> Map {
    let change = Value::from([("old", "Unchanged"), ("new", "Something pretended to change")]);
    map([("testing", change)])
}

#[expect(clippy::unnecessary_wraps, reason = "all of them have one shape")]
fn succeed(call: &StateCall) -> Result<Verdict, StateError> {
    Ok(Verdict::unchanged(comment(call, "Success!")))
}

#[expect(clippy::unnecessary_wraps, reason = "all of them have one shape")]
fn succeed_with_changes(call: &StateCall) -> Result<Verdict, StateError> {
    if call.test {
        let comment = "if we weren't testing, this would be successful with changes";
        return Ok(Verdict::would_change(pretended(), comment));
    }
    Ok(Verdict::ok(pretended(), comment(call, "Success!")))
}

#[expect(clippy::unnecessary_wraps, reason = "all of them have one shape")]
fn fail(call: &StateCall) -> Result<Verdict, StateError> {
    if call.test {
        return Ok(Verdict::failed("if we weren't testing, this would be a failure"));
    }
    Ok(Verdict::failed(comment(call, "Failure!")))
}

#[expect(clippy::unnecessary_wraps, reason = "all of them have one shape")]
fn fail_with_changes(call: &StateCall) -> Result<Verdict, StateError> {
    if call.test {
        let comment = "if we weren't testing, this would be failed with changes";
        return Ok(Verdict::would_change(pretended(), comment));
    }
    Ok(Verdict::failed_with(pretended(), comment(call, "Failure!")))
}

#[derive(Debug, Deserialize)]
struct Configurable {
    changes: Option<Value>,
    result: Option<Value>,
    comment: Option<Value>,
    warnings: Option<Value>,
    #[serde(default)]
    allow_test_mode_failure: bool,
}

fn configurable(call: &StateCall) -> Result<Verdict, StateError> {
    let args: Configurable = call.typed()?;
    let flag = |name: &str, value: Option<&Value>| match value {
        None => Ok(true),
        Some(Value::Bool(b)) => Ok(*b),
        Some(other) => Err(StateError::failed(format!(
            "argument {name}: must be True or False, not {other} (chance is not supported: a run can be repeated)"
        ))),
    };
    let changes = if flag("changes", args.changes.as_ref())? { pretended() } else { Map::new() };
    // Nothing at all in the place of a result is no result either.
    let result = flag("result", call.arg("result").or(args.result.as_ref()))?;
    let said = args.comment.as_ref().map(text_of).unwrap_or_default();
    let mut verdict = match (call.test, result) {
        (true, false) if args.allow_test_mode_failure => Verdict::failed_with(changes, said),
        (true, _) => {
            let comment = if said.is_empty() { "This is a test".to_owned() } else { said };
            if changes.is_empty() {
                Verdict::unchanged(comment)
            } else {
                Verdict::would_change(changes, comment)
            }
        }
        (false, true) => Verdict::ok(changes, said),
        (false, false) => Verdict::failed_with(changes, said),
    };
    verdict.warnings = args.warnings.as_ref().map(text_list).unwrap_or_default();
    Ok(verdict)
}

#[derive(Debug, Deserialize)]
struct Notification {
    text: String,
}

fn notification(call: &StateCall) -> Result<Verdict, StateError> {
    let args: Notification = call.typed()?;
    if args.text.is_empty() {
        return Err(StateError::failed("argument text: it is empty: write what is to be said"));
    }
    Ok(Verdict::unchanged(args.text))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn they_end_as_they_are_called() {
        let bench = Bench::new(SimHost::new());
        let end = |function: &str, args: &str| {
            let verdict = bench.run(&format!("x:\n  test.{function}: [{args}]\n"));
            (verdict.kind, verdict.changed())
        };
        assert_eq!(end("nop", ""), (VerdictKind::Ok, false));
        assert_eq!(end("succeed_with_changes", ""), (VerdictKind::Ok, true));
        assert_eq!(end("fail_with_changes", ""), (VerdictKind::Failed, true));
        assert_eq!(end("configurable_test_state", "{changes: false}"), (VerdictKind::Ok, false));
        assert_eq!(end("configurable_test_state", "{result: false}"), (VerdictKind::Failed, true));
        assert_eq!(end("configurable_test_state", "{result: Random}"), (VerdictKind::Failed, false));
        assert_eq!(end("show_notification", ""), (VerdictKind::Failed, false));
    }
}
