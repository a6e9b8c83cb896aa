//! Judgement: what a step's end means for others, is it over, and how. Pure functions of the ledger and the time.

use std::collections::BTreeSet;
use std::time::Duration;

use lab_proto::facts::{StepOutcome, StepRow};
use lab_proto::{EndState, MinionId, Timestamp};

use super::action::{Action, Job};
use super::ledger::{Entered, Ledger, Record, Row};
use super::plan::{Plan, Step};
use super::reboot::{RebootVerdict, Watch};
use crate::schedule::{Node, Outcome, Reason, Scheduler, Verdict};

/// How long a *lost* minion may still bring its return before the step counts on losing it.
const LOST_GRACE: Duration = Duration::from_secs(120);
/// What a resumed run gives its open steps at least, so that minions can come back to the master.
const RESUME_GRACE: Duration = Duration::from_secs(60);
/// The most rows that a step's end lists, and the most bytes of them: an event that is too large would never be.
const MOST_ROWS: usize = 100;
const MOST_BYTES: usize = 40 * 1024;
/// What a row takes beside its texts, about.
const ROW_AROUND: usize = 16;

/// What came of a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decision {
    pub(super) outcome: StepOutcome,
    pub(super) reason: Option<String>,
    pub(super) comment: String,
    pub(super) addressed: usize,
    pub(super) succeeded: usize,
    pub(super) rows: Vec<StepRow>,
}

impl Decision {
    pub(super) fn plain(outcome: StepOutcome, comment: impl Into<String>) -> Self {
        Self { outcome, reason: None, comment: comment.into(), addressed: 0, succeeded: 0, rows: Vec::new() }
    }
}

/// Lays a plan out for the scheduler.
pub(super) fn scheduler(ledger: &Ledger) -> Scheduler {
    let started = ledger.started.as_ref().map(|s| &s.fact);
    let all = started.is_some_and(|s| s.failhard);
    let node = |step: &Step| Node {
        needs: step.requisites.clone(),
        missing: false,
        failhard: all || step.failhard,
        parallel: step.parallel,
    };
    Scheduler::new(ledger.plan.steps().iter().map(node).collect(), started.is_some_and(|s| s.test))
}

/// Says what a step's end means for others.
pub(super) fn weigh(outcome: StepOutcome) -> Outcome {
    match outcome {
        StepOutcome::Unchanged | StepOutcome::Skipped => Outcome::ran(Verdict::Holds, false),
        StepOutcome::Changed => Outcome::ran(Verdict::Holds, true),
        StepOutcome::WouldChange => Outcome::ran(Verdict::WouldChange, true),
        StepOutcome::Failed | StepOutcome::TimedOut | StepOutcome::Blocked => {
            Outcome::ran(Verdict::Failed, false)
        }
    }
}

/// Says why a step is not tried.
pub(super) fn settled(plan: &Plan, reason: &Reason) -> Decision {
    let names = |nodes: &[usize]| {
        let names: Vec<&str> = nodes.iter().map(|n| plan.steps()[*n].label.as_str()).collect();
        names.join(", ")
    };
    let (word, comment) = match reason {
        Reason::RequisiteFailed(nodes) => {
            ("requisite_failed", format!("not tried: it needs {}, which failed", names(nodes)))
        }
        Reason::Recursive(nodes) => {
            ("recursive", format!("not tried: it waits for itself by way of {}", names(nodes)))
        }
        Reason::Halted => (
            "requisite_failed",
            "not tried: a failure ended the run while this waited for another step".to_owned(),
        ),
        Reason::Missing => {
            ("requisite_missing", "not tried: something that it needs does not exist".to_owned())
        }
        Reason::Onchanges => {
            ("onchanges", "not needed: nothing that its onchanges name has changed".to_owned())
        }
        Reason::Onfail => ("onfail", "not needed: nothing that its onfail name has failed".to_owned()),
        Reason::Prereq | Reason::RehearsalStands(_) => {
            ("prereq", "not needed: nothing is about to change".to_owned())
        }
    };
    let outcome = if reason.is_blocked() { StepOutcome::Blocked } else { StepOutcome::Skipped };
    Decision { reason: Some(word.to_owned()), ..Decision::plain(outcome, comment) }
}

/// Returns when an entered step gives up.
pub(super) fn deadline(ledger: &Ledger, at: usize) -> Option<Timestamp> {
    let entered = ledger.records[at].entered.as_ref()?;
    let timeout = ledger.plan.steps()[at].timeout?;
    Some(due(ledger, entered.stamp, timeout))
}

/// Returns when so much time is over since a stamp. A run that was away gives everything that was under way then a little time
/// from its return on.
fn due(ledger: &Ledger, begun: Timestamp, span: Duration) -> Timestamp {
    let until = ledger.pace.after(begun, span);
    match ledger.resumed {
        Some((_, resumed)) if resumed > begun => {
            until.max(ledger.pace.after(resumed, span.min(RESUME_GRACE)))
        }
        _ => until,
    }
}

/// Returns until when a lost minion's return is awaited.
pub(super) fn lost_until(ledger: &Ledger, row: &Row) -> Option<Timestamp> {
    let end = row.end.as_ref().filter(|e| e.state == EndState::Lost)?;
    Some(due(ledger, end.at, LOST_GRACE))
}

/// Tells whether nothing more is to come for a row.
pub(super) fn is_final(ledger: &Ledger, row: &Row, now: Timestamp) -> bool {
    row.end.is_some() && lost_until(ledger, row).is_none_or(|until| until <= now)
}

/// Tells whether a minion has done its part, so that the next batch may go.
pub(super) fn is_over(ledger: &Ledger, at: usize, id: &MinionId, now: Timestamp) -> bool {
    let record = &ledger.records[at];
    let Some(row) = record.rows.rows.get(id) else { return true };
    match &record.watch {
        None => is_final(ledger, row, now),
        Some(watch) => {
            watch.reboot(id).is_none_or(|v| v.done() || refused(ledger, id, row, v, now).is_some())
        }
    }
}

/// Returns the first batch that is not tried any more, because before it as many minions failed as end a wave.
pub(super) fn stopped_at(ledger: &Ledger, at: usize, now: Timestamp) -> Option<usize> {
    let most = ledger.plan.steps()[at].action.job()?.stop_after?;
    let rows = &ledger.records[at].rows;
    let mut failed = 0;
    for (n, (_, ids)) in rows.batches.iter().enumerate() {
        if failed >= most {
            return Some(n);
        }
        if !ids.iter().all(|id| is_over(ledger, at, id, now)) {
            return None;
        }
        let bad =
            |id: &&MinionId| rows.rows.get(*id).and_then(|r| r.end.as_ref()).is_some_and(|e| !e.success);
        failed += ids.iter().filter(bad).count();
    }
    None
}

/// Returns the minions of the batches that are not tried any more.
fn untried(ledger: &Ledger, at: usize, now: Timestamp) -> BTreeSet<&MinionId> {
    let from = stopped_at(ledger, at, now);
    let batches = &ledger.records[at].rows.batches;
    from.map(|n| batches[n..].iter().flat_map(|(_, ids)| ids).collect()).unwrap_or_default()
}

/// Judges an entered step: over, or not yet.
pub(super) fn decide(ledger: &Ledger, at: usize, now: Timestamp) -> Option<Decision> {
    let step = &ledger.plan.steps()[at];
    let record = &ledger.records[at];
    let entered = record.entered.as_ref().filter(|e| e.whole)?;
    let out_of_time = deadline(ledger, at).is_some_and(|d| d <= now);
    match &step.action {
        Action::Function(job) | Action::State(job) | Action::Assert(job, _) => {
            let untried = untried(ledger, at, now);
            let over = |(id, r): (&MinionId, &Row)| untried.contains(id) || is_final(ledger, r, now);
            let done = record.rows.rows.iter().all(over);
            (done || out_of_time).then(|| of_job(ledger, step, job, record, &untried, now))
        }
        Action::Wait(_) => of_wait(record, step, out_of_time),
        Action::Nested(_) => of_nested(record, out_of_time),
        Action::Reboot(job) => of_reboot(ledger, record, job, now, out_of_time),
        Action::Ready(_) => of_ready(record, entered, out_of_time),
        Action::Test(_) => None,
    }
}

fn of_job(
    ledger: &Ledger,
    step: &Step,
    job: &Job,
    record: &Record,
    untried: &BTreeSet<&MinionId>,
    now: Timestamp,
) -> Decision {
    let of = |(id, row): (&MinionId, &Row)| match untried.contains(id) {
        true => not_tried(id),
        false => of_row(id, row, !is_final(ledger, row, now)),
    };
    let rows: Vec<StepRow> = record.rows.rows.iter().map(of).collect();
    let mut tolerated = job.allow_fail;
    let mut failed = Vec::new();
    for row in rows.iter().filter(|r| !r.success) {
        let absent =
            !record.rows.rows.get(&row.id).is_some_and(|r| r.end.as_ref().is_some_and(|e| e.returned));
        if job.fail_minions.contains(&row.id) || (absent && !job.expect_minions) {
            continue;
        }
        if tolerated > 0 {
            tolerated -= 1;
            continue;
        }
        failed.push(row);
    }
    let changed = rows.iter().any(|r| r.changed);
    let test = job.test || ledger.started.as_ref().is_some_and(|s| s.fact.test);
    let late = |r: &&StepRow| matches!(r.state, None | Some(EndState::TimedOut)) && !untried.contains(&r.id);
    let outcome = match () {
        () if !failed.is_empty() && failed.iter().all(late) => StepOutcome::TimedOut,
        () if !failed.is_empty() => StepOutcome::Failed,
        () if matches!(step.action, Action::Assert(..)) => StepOutcome::Unchanged,
        () if changed && test => StepOutcome::WouldChange,
        () if changed => StepOutcome::Changed,
        () => StepOutcome::Unchanged,
    };
    let succeeded = rows.iter().filter(|r| r.success).count();
    let comment = if failed.is_empty() {
        format!("{} done on {succeeded} of {}", job.fun, minions(rows.len()))
    } else {
        let told: Vec<String> = failed.iter().take(3).map(|r| format!("{} {}", r.id, r.detail)).collect();
        let more = if failed.len() > 3 { format!("; and {} more", failed.len() - 3) } else { String::new() };
        format!(
            "{} failed on {} of {}: {}{more}",
            job.fun,
            failed.len(),
            minions(rows.len()),
            told.join("; ")
        )
    };
    Decision { outcome, reason: None, comment, addressed: rows.len(), succeeded, rows: worth_a_word(rows) }
}

fn not_tried(id: &MinionId) -> StepRow {
    let detail = "was not tried: the wave was stopped by failures before it".to_owned();
    StepRow { id: id.clone(), state: None, success: false, changed: false, detail }
}

fn of_row(id: &MinionId, row: &Row, open: bool) -> StepRow {
    let Some(end) = row.end.as_ref() else {
        let detail = "did not return in time; the job may still run there".to_owned();
        return StepRow { id: id.clone(), state: None, success: false, changed: false, detail };
    };
    let changed = match &end.summary {
        Some(sum) => sum.changed > 0,
        None => end.success,
    };
    let detail = match (end.state, &end.summary) {
        (EndState::Returned, Some(sum)) if sum.failed > 0 => {
            format!("returned: {} of {} states failed, {} changed", sum.failed, sum.total, sum.changed)
        }
        (EndState::Returned, Some(sum)) => format!("returned: {} states, {} changed", sum.total, sum.changed),
        (EndState::Returned, None) if end.success => "returned".to_owned(),
        (EndState::Returned, None) => format!("failed (exit code {}): {}", end.retcode, end.why),
        (EndState::Failed, _) => format!("failed: {}", end.why),
        (EndState::Interrupted, _) => {
            "was interrupted: its agent stopped while the job ran, and the job is not repeated; see what it left \
             there, then run the orchestration again"
                .to_owned()
        }
        (EndState::Killed, _) => "was killed".to_owned(),
        (EndState::TimedOut, _) => "timed out; the job may still run there".to_owned(),
        (EndState::Lost, _) => {
            let still = if open { ", its return is still awaited" } else { "" };
            format!("was lost: its heartbeats stopped while the job ran{still}")
        }
        (EndState::Offline, _) => "was not connected".to_owned(),
    };
    StepRow { id: id.clone(), state: Some(end.state), success: end.success, changed, detail }
}

fn of_wait(record: &Record, step: &Step, out_of_time: bool) -> Option<Decision> {
    let waiting = record.waiting.as_ref()?;
    let addressed = waiting.ids().count();
    let missing = waiting.missing();
    let succeeded = addressed - missing.len();
    if missing.is_empty() {
        let comment = format!("all {addressed} events seen");
        return Some(Decision { addressed, succeeded, ..Decision::plain(StepOutcome::Unchanged, comment) });
    }
    if !out_of_time {
        return None;
    }
    let near: usize = waiting.ids().filter(|(_, a)| a.met.is_none()).map(|(_, a)| a.near.len()).sum();
    let hint = match near {
        0 => String::new(),
        n => format!("; {n} came near, `lab-master runs explain RUN {}` says why they do not count", step.id),
    };
    let comment = format!("no {} event from {}{hint}", step.name, listed(&missing));
    Some(Decision { addressed, succeeded, ..Decision::plain(StepOutcome::TimedOut, comment) })
}

fn of_nested(record: &Record, out_of_time: bool) -> Option<Decision> {
    let ends: Vec<_> = record.nested.values().flatten().collect();
    let addressed = record.nested.len();
    let succeeded = ends.iter().filter(|e| e.outcome.exit_code() == 0).count();
    let decision =
        |outcome, comment| Some(Decision { addressed, succeeded, ..Decision::plain(outcome, comment) });
    if ends.len() < addressed {
        let open = addressed - ends.len();
        let comment = format!("{open} of {addressed} nested runs did not end in time; they go on");
        return if out_of_time { decision(StepOutcome::TimedOut, comment) } else { None };
    }
    let bad: Vec<String> = record
        .nested
        .iter()
        .filter(|(_, e)| e.as_ref().is_some_and(|e| e.outcome.exit_code() != 0))
        .map(|(run, _)| run.to_string())
        .collect();
    if !bad.is_empty() {
        let comment = format!("nested run {} failed; see `lab-master runs show`", bad.join(", "));
        return decision(StepOutcome::Failed, comment);
    }
    let changed = ends.iter().any(|e| e.changed > 0);
    let outcome = if changed { StepOutcome::Changed } else { StepOutcome::Unchanged };
    decision(outcome, format!("{addressed} nested runs succeeded"))
}

fn of_reboot(
    ledger: &Ledger,
    record: &Record,
    job: &Job,
    now: Timestamp,
    out_of_time: bool,
) -> Option<Decision> {
    let watch: &Watch = record.watch.as_ref()?;
    let mut rows = Vec::new();
    let mut open = false;
    for (id, verdict) in watch.reboots() {
        let refused = record.rows.rows.get(id).and_then(|row| refused(ledger, id, row, verdict, now));
        open |= !verdict.done() && refused.is_none();
        rows.push(refused.unwrap_or_else(|| StepRow {
            id: id.clone(),
            state: None,
            success: verdict.done(),
            changed: verdict.done(),
            detail: verdict.to_string(),
        }));
    }
    if open && !out_of_time {
        return None;
    }
    let failed: Vec<&StepRow> = rows.iter().filter(|r| !r.success).collect();
    let succeeded = rows.len() - failed.len();
    let tolerated = failed.iter().filter(|r| !job.fail_minions.contains(&r.id)).count() <= job.allow_fail;
    let outcome = match () {
        () if tolerated => StepOutcome::Changed,
        () if failed.iter().any(|r| r.state.is_some()) => StepOutcome::Failed,
        () => StepOutcome::TimedOut,
    };
    let told: Vec<String> = rows.iter().take(4).map(|r| format!("{} {}", r.id, r.detail)).collect();
    let comment = told.join("; ");
    Some(Decision {
        outcome,
        reason: None,
        comment,
        addressed: rows.len(),
        succeeded,
        rows: worth_a_word(rows),
    })
}

/// Returns the row of a host that will not reboot because its job failed.
fn refused(
    ledger: &Ledger,
    id: &MinionId,
    row: &Row,
    verdict: RebootVerdict,
    now: Timestamp,
) -> Option<StepRow> {
    let end = row.end.as_ref().filter(|_| verdict == RebootVerdict::StayedUp)?;
    let last_word = is_final(ledger, row, now) && !end.success && end.state != EndState::Interrupted;
    last_word.then(|| of_row(id, row, false))
}

fn of_ready(record: &Record, entered: &Entered, out_of_time: bool) -> Option<Decision> {
    let missing: Vec<&str> =
        record.watch.as_ref()?.ready().filter(|(_, ready)| !ready).map(|(id, _)| id.as_str()).collect();
    let addressed = entered.targets.len();
    let succeeded = addressed - missing.len();
    let (outcome, comment) = match missing.as_slice() {
        [] => (StepOutcome::Unchanged, format!("{} ready", minions(addressed))),
        _ if !out_of_time => return None,
        missing => (StepOutcome::TimedOut, format!("not ready in time: {}", listed(missing))),
    };
    Some(Decision { addressed, succeeded, ..Decision::plain(outcome, comment) })
}

/// Puts failures first, then changes, and cuts what no event could hold.
fn worth_a_word(mut rows: Vec<StepRow>) -> Vec<StepRow> {
    rows.sort_by_key(|r| (r.success, !r.changed));
    rows.truncate(MOST_ROWS);
    let mut bytes = 0;
    rows.retain(|row| {
        bytes += row.id.as_str().len() + row.detail.len() + ROW_AROUND;
        bytes <= MOST_BYTES
    });
    rows
}

fn minions(n: usize) -> String {
    if n == 1 { "1 minion".to_owned() } else { format!("{n} minions") }
}

fn listed(ids: &[&str]) -> String {
    const MOST: usize = 8;
    match ids.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{} and {more} more", ids[..MOST].join(", ")),
        _ => ids.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_steps_end_fit_into_an_event_whatever_minions_said() {
        let row = |n: usize| StepRow {
            id: MinionId::new(format!("{n:0>250}")).expect("valid"),
            state: Some(EndState::Failed),
            success: n.is_multiple_of(2),
            changed: false,
            detail: format!("failed: {}", "語".repeat(300)),
        };
        let rows = worth_a_word((0..500).map(row).collect());
        let bytes = lab_proto::codec::encode(&rows).expect("encodes").len();
        assert!(bytes <= MOST_BYTES && rows.len() > 20, "{} rows, {bytes} bytes", rows.len());
        assert!(rows.iter().all(|r| !r.success), "failures come first");
    }
}
