//! `test.check_pillar`: pillar has these keys, of these kinds.

use lab_proto::Value;
use serde::Deserialize;

use super::super::lookup::traverse;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct CheckPillar;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("present", Kind::List, "Keys that must be there."),
    ArgDoc::optional("boolean", Kind::List, "Keys with a truth value."),
    ArgDoc::optional("integer", Kind::List, "Keys with a whole number."),
    ArgDoc::optional("string", Kind::List, "Keys with a text."),
    ArgDoc::optional("listing", Kind::List, "Keys with a list."),
    ArgDoc::optional("dictionary", Kind::List, "Keys with a mapping."),
    ArgDoc::with_default("verbose", Kind::Bool, "false", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Fails unless pillar has these keys (a:b) with values of these kinds. Changes nothing.",
    ARGS,
    "settings:\n  test.check_pillar:\n    - dictionary: [example]\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    present: Vec<String>,
    #[serde(default)]
    boolean: Vec<String>,
    #[serde(default)]
    integer: Vec<String>,
    #[serde(default)]
    string: Vec<String>,
    #[serde(default)]
    listing: Vec<String>,
    #[serde(default)]
    dictionary: Vec<String>,
}

impl StateFunction for CheckPillar {
    fn name(&self) -> &'static str {
        "test.check_pillar"
    }

    fn class(&self) -> Class {
        Class::Probe
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let Args { present, boolean, integer, string, listing, dictionary } = call.typed()?;
        let kinds = [
            (present, ""),
            (boolean, "boolean"),
            (integer, "integer"),
            (string, "string"),
            (listing, "list"),
            (dictionary, "mapping"),
        ];
        if kinds.iter().all(|(keys, _)| keys.is_empty()) {
            return Err(StateError::failed("no key to check was given"));
        }
        let pillar = ctx.services.pillar();
        let mut wrong = Vec::new();
        for (keys, kind) in kinds {
            for key in keys {
                match traverse(&pillar, &key, ":") {
                    None => wrong.push(format!("pillar key {key:?} is missing")),
                    Some(value) if !kind.is_empty() && !is(value, kind) => {
                        wrong.push(format!("pillar key {key:?} is no {kind}"));
                    }
                    Some(_) => {}
                }
            }
        }
        if wrong.is_empty() {
            Ok(Check::holds("pillar is as it should be"))
        } else {
            Err(StateError::failed(wrong.join("\n")))
        }
    }

    fn apply(&self, _: &StateCall, check: &Check, _: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(check.changes.clone(), check.comment.clone()))
    }
}

/// Tells whether a value is of a kind; a boolean is an integer, as in Python.
fn is(value: &Value, kind: &str) -> bool {
    value.kind() == kind || kind == "integer" && value.kind() == "boolean"
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn missing_keys_and_wrong_kinds_are_named() {
        let bench = Bench::new(SimHost::new());
        let verdict = bench.run("x:\n  test.check_pillar:\n    - string: [example, none]\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(
            verdict.comment.contains("\"example\" is no string")
                && verdict.comment.contains("\"none\" is missing")
        );
    }
}
