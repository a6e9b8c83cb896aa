//! `file.accumulated`: texts that several states gather for one file.

use lab_proto::Value;
use serde::Deserialize;

use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Accumulated;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("filename", Kind::Path, "The file: the name of the state that writes it."),
    ArgDoc::required("text", Kind::Any, "What is added: a text, or a list of texts; each comes once."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Adds texts to an accumulator of a file, which has the state's name. The file's template finds it as \
     `accumulator['NAME']`; file.blockreplace adds it to its content. The file's state has to wait for this one: name \
     it in require_in or watch_in.",
    ARGS,
    "/etc/issue:\n  file.managed:\n    - replace: False\n\nno smoking:\n  file.accumulated:\n    - name: rules\n    - filename: /etc/issue\n    - text: No smoking.\n    - require_in:\n      - file: /etc/issue\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    filename: String,
    text: Value,
}

impl StateFunction for Accumulated {
    fn name(&self) -> &'static str {
        "file.accumulated"
    }

    fn class(&self) -> Class {
        Class::Probe
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let Args { filename, text } = call.typed()?;
        if text == Value::Null {
            return Err(StateError::About {
                argument: "text",
                text: "no text supplied for the accumulator".to_owned(),
            });
        }
        if call.awaited_by.is_empty() {
            return Err(StateError::failed(format!(
                "orphaned accumulator {}: no file state waits for it (add require_in with `file: {filename}`)",
                call.name
            )));
        }
        Ok(Check::holds(format!("accumulator {} for file {filename} was charged", call.name)))
    }

    fn apply(&self, _: &StateCall, check: &Check, _: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(check.changes.clone(), check.comment.clone()))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn an_accumulator_that_nothing_waits_for_is_refused() {
        let bench = Bench::new(SimHost::new());
        let verdict = bench.run("acc:\n  file.accumulated: [{filename: /etc/f}, {text: x}]\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.contains("orphaned"), "{}", verdict.comment);
    }
}
