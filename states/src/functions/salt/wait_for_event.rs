//! `salt.wait_for_event`: waits until events came from all of these.

use lab_proto::Value;
use serde::Deserialize;

use super::super::support::{map, text_list};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
};

/// The function.
pub(in crate::functions) struct WaitForEvent;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("id_list", Kind::List, "The ids that are waited for."),
    ArgDoc::with_default("event_id", Kind::Text, "id", "Where in the event's data the id is."),
    ArgDoc::with_default("timeout", Kind::Float, "300", "After how many seconds it fails."),
    ArgDoc::with_default("node", Kind::Text, "master", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Waits until an event with this tag came from each of these ids. An event that came since the step before counts. \
     Needs the master's event log; a local run can only say what it would wait for.",
    ARGS,
    "salt/minion/*/start:\n  salt.wait_for_event:\n    - id_list: [cplane, worker]\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    id_list: Value,
}

impl StateFunction for WaitForEvent {
    fn name(&self) -> &'static str {
        "salt.wait_for_event"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let ids = text_list(&args.id_list);
        let comment = format!("would wait for event {} from {}", call.name, ids.join(", "));
        Ok(Check::differs(map([("waits_for", ids.into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, _ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Err(StateError::failed(format!(
            "cannot wait for event {}: a local run has no event log (use lab-master orchestrate)",
            call.name
        )))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let verdict = self.sequence(call, ctx).unwrap_or_else(Verdict::from);
        super::unforeseen(verdict)
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_dry_run_says_what_it_would_wait_for_and_a_local_one_refuses() {
        let bench = Bench::new(SimHost::new());
        let sls = "a/*:\n  salt.wait_for_event: [{id_list: [n1, n2]}]\n";
        assert_eq!(bench.dry(sls).kind, VerdictKind::WouldChange);
        assert!(bench.run(sls).comment.contains("lab-master orchestrate"));
        assert_eq!(bench.dry("a/*:\n  salt.wait_for_event: []\n").kind, VerdictKind::Failed);
    }
}
