//! Asking the log about a run of `orchestrate kubic`.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_proto::facts::{Fact, RunEnded, StepEntered};
use lab_proto::{Event, JobId, MinionId, RunId};
use lab_tests::kubic::{EventExt, KubicLab, Node, run_ended};

/// How long a whole run may take on a busy machine.
pub(crate) const RUN_LIMIT: Duration = Duration::from_secs(300);

/// Waits for the end of the run that began after `before`.
pub(crate) fn finish(lab: &KubicLab, before: u64) -> (RunId, RunEnded) {
    let ended = lab.tail().wait_after(before, "the end of the run", RUN_LIMIT, |e| run_ended(e).is_some());
    let ended = ended.and_then(|e| run_ended(&e).ok_or(lab_tests::kubic::KubicError::Interrupted));
    let ended = ended.unwrap_or_else(|e| panic!("{e}"));
    (ended.run, ended)
}

/// Returns where and how a step of a run was entered.
pub(crate) fn step(events: &[Event], run: &RunId, id: &str) -> (u64, StepEntered) {
    let entered = events.iter().find_map(|e| match e.fact() {
        Some(Fact::StepEntered(fact)) if fact.run == *run && fact.step.as_str() == id => {
            Some((e.seq(), fact))
        }
        _ => None,
    });
    entered.unwrap_or_else(|| panic!("run {run} entered {id}"))
}

/// Returns where the return of a node to a step's job is in the log.
pub(crate) fn returned(events: &[Event], entered: &StepEntered, node: &Node) -> u64 {
    let of = |e: &Event| match e.fact() {
        Some(Fact::JobReturn(r)) => Some(r.jid) == entered.jid && r.id.as_str() == node.id,
        _ => false,
    };
    events.iter().find(|e| of(e)).map(EventExt::seq).unwrap_or_else(|| panic!("{} returned", node.host))
}

/// Every job has at most one return of each minion, and every minion at most one of each job.
pub(crate) fn assert_each_job_once(events: &[Event]) {
    let mut returns: BTreeMap<(JobId, MinionId), u32> = BTreeMap::new();
    for event in events {
        if let Some(Fact::JobReturn(back)) = event.fact() {
            *returns.entry((back.jid, back.id)).or_default() += 1;
        }
    }
    let twice: Vec<_> = returns.into_iter().filter(|(_, n)| *n > 1).collect();
    assert!(twice.is_empty(), "returned more than once: {twice:?}");
}
