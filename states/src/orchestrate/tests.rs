//! The engine against a desk that does what a master would.

mod desk;
mod sizes;
mod waits;

use lab_proto::facts::{Fact, MinionAt, NearReason, RunEnded, StartCause};
use lab_proto::{EndState, Event, EventTag, MinionId, NewEvent, RunId, Timestamp, Value};

use super::*;
use desk::*;

fn states(changed: bool) -> Value {
    let changes = if changed { Value::from([("new", "x")]) } else { Value::map() };
    Value::from([("s", Value::from([("result", Value::from(true)), ("changes", changes)]))])
}

#[test]
fn a_jobs_entry_is_in_the_log_before_it_leaves() {
    let desk = Desk::new(install_and_wait(), &["n1"]);
    let tags: Vec<&str> =
        desk.log.iter().map(|e| e.tag.as_str().rsplit('/').next().expect("parts")).collect();
    assert_eq!(tags, ["started", "entered"]);
    assert_eq!(desk.published.len(), 1);
    assert_eq!(desk.published[0].0.kwargs.get("mods"), Some(&Value::from(vec!["node"])));
}

#[test]
fn a_resumed_run_publishes_with_the_same_jid_and_ends_as_it_would_have() {
    let mut desk = Desk::new(install_and_wait(), &["n1", "n2"]);
    desk.returns("install", "n1", true, states(true));
    desk.restart();
    let jobs = desk.jobs_of("install");
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[0].0.jid, jobs[1].0.jid);
    desk.returns("install", "n2", true, states(true));
    desk.reboots("n1");
    desk.restart();
    desk.reboots("n2");
    desk.restart();
    desk.returns("after", "n1", true, Value::Null);
    desk.restart();
    desk.returns("after", "n2", true, Value::Null);
    assert_eq!(desk.finished, Some(RunOutcome::Succeeded));
    let entries = desk.log.iter().filter(|e| e.tag.as_str().ends_with("/entered")).count();
    assert_eq!(entries, 3, "each step is entered once");
}

#[test]
fn failhard_ends_the_run_at_the_first_failure() {
    let mut desk = Desk::with_start(install_and_wait(), &["n1"], |s| s.failhard = true);
    desk.returns("install", "n1", false, states(false));
    assert_eq!(desk.finished, Some(RunOutcome::Failed));
    assert!(desk.jobs_of("after").is_empty());
}

#[test]
fn an_empty_sls_is_a_success_and_a_rendering_error_is_not() {
    let chunks = || vec![chunk("a", "salt.state", applies("x"))];
    let mut empty = Desk::new(chunks(), &["n1"]);
    empty.returns("a", "n1", false, Value::map());
    assert_eq!(empty.outcome("a"), Some(StepOutcome::Unchanged));
    let mut broken = Desk::new(chunks(), &["n1"]);
    broken.returns("a", "n1", false, Value::from(vec!["Rendering SLS failed"]));
    assert_eq!(broken.outcome("a"), Some(StepOutcome::Failed));
    assert!(broken.comment("a").contains("Rendering SLS failed"));
}

#[test]
fn a_minion_that_never_answers_is_a_failure_and_nobody_at_all_too() {
    let chunks = || vec![chunk("a", "salt.function", with(on_all(), "timeout", Value::from(10)))];
    let mut silent = Desk::new(chunks(), &["n1", "n2"]);
    silent.returns("a", "n1", true, Value::Null);
    silent.passes(11);
    assert_eq!(silent.outcome("a"), Some(StepOutcome::TimedOut));
    assert_eq!(silent.finished, Some(RunOutcome::TimedOut));
    assert!(silent.comment("a").contains("n2 did not return in time"), "{}", silent.comment("a"));
    let nobody = Desk::new(chunks(), &[]);
    assert_eq!(nobody.outcome("a"), Some(StepOutcome::Failed));
}

#[test]
fn failures_are_forgiven_as_far_as_the_step_says() {
    let forgiving = |key: &str, value: Value| {
        let mut desk =
            Desk::new(vec![chunk("a", "salt.function", with(on_all(), key, value))], &["n1", "n2"]);
        desk.returns("a", "n1", true, Value::Null);
        desk.ends("a", "n2", EndState::Offline);
        desk.outcome("a")
    };
    assert_eq!(forgiving("arg", Value::Null), Some(StepOutcome::Failed));
    assert_eq!(forgiving("allow_fail", Value::from(1)), Some(StepOutcome::Changed));
    assert_eq!(forgiving("fail_minions", Value::from("n2")), Some(StepOutcome::Changed));
    assert_eq!(forgiving("expect_minions", Value::from(false)), Some(StepOutcome::Changed));
}

#[test]
fn a_late_return_corrects_a_lost_row_and_a_lost_minion_is_given_up_in_the_end() {
    let chunks = || vec![chunk("a", "salt.function", on_all())];
    let mut back = Desk::new(chunks(), &["n1"]);
    back.ends("a", "n1", EndState::Lost);
    assert_eq!(back.outcome("a"), None);
    back.returns("a", "n1", true, Value::Null);
    assert_eq!(back.outcome("a"), Some(StepOutcome::Changed));
    let mut gone = Desk::new(chunks(), &["n1"]);
    gone.ends("a", "n1", EndState::Lost);
    let deadline = gone.engine.poll_timeout().expect("waits").at;
    gone.passes(deadline.since(gone.now).as_secs());
    assert_eq!(gone.outcome("a"), Some(StepOutcome::Failed));
    assert!(gone.comment("a").contains("its heartbeats stopped"));
}

#[test]
fn an_interrupted_job_is_told_with_what_to_do() {
    let mut desk = Desk::new(vec![chunk("a", "salt.function", on_all())], &["n1"]);
    desk.ends("a", "n1", EndState::Interrupted);
    assert_eq!(desk.outcome("a"), Some(StepOutcome::Failed));
    assert!(desk.comment("a").contains("is not repeated; see what it left there"), "{}", desk.comment("a"));
}

#[test]
fn batches_go_one_after_the_other_each_with_a_jid_of_its_own() {
    let args = with(on_all(), "batch", Value::from(2));
    let mut desk = Desk::new(vec![chunk("a", "salt.function", args)], &["n1", "n2", "n3"]);
    assert_eq!(desk.published.len(), 1);
    desk.returns("a", "n1", true, Value::Null);
    assert_eq!(desk.published.len(), 1);
    desk.returns("a", "n2", true, Value::Null);
    assert_eq!(desk.published[1].1, [id("n3")]);
    assert_ne!(desk.published[0].0.jid, desk.published[1].0.jid);
    desk.restart();
    assert_eq!(desk.published[1].0.jid, desk.published[2].0.jid);
    desk.returns("a", "n3", true, Value::Null);
    assert_eq!(desk.finished, Some(RunOutcome::Succeeded));
}

#[test]
fn a_wave_stops_at_the_failures_that_it_was_told_to_stop_at() {
    let wave = with(with(on_all(), "batch", Value::from(1)), "fail", Value::from(1));
    let chunks = vec![
        chunk("wave", "salt.function", wave),
        chunk("gate", "salt.function", requires(on_all(), "wave")),
    ];
    let mut desk = Desk::new(chunks, &["n1", "n2", "n3"]);
    desk.returns("wave", "n1", true, Value::Null);
    desk.returns("wave", "n2", false, Value::from("taken back"));
    desk.restart();
    let n3 = id("n3");
    let left_alone = desk.jobs_of("wave").iter().all(|(_, ids)| !ids.contains(&n3));
    assert!(left_alone, "n3 is left alone, also by a master that comes back");
    assert_eq!(desk.outcome("wave"), Some(StepOutcome::Failed));
    assert!(desk.comment("wave").contains("n3 was not tried"), "{}", desk.comment("wave"));
    assert_eq!(desk.outcome("gate"), Some(StepOutcome::Blocked));
}

#[test]
fn a_subset_is_the_same_whenever_it_is_drawn() {
    let args = || vec![chunk("a", "salt.function", with(on_all(), "subset", Value::from(2)))];
    let draw = || Desk::new(args(), &["n1", "n2", "n3", "n4"]).published[0].1.clone();
    assert_eq!(draw().len(), 2);
    assert_eq!(draw(), draw());
}

#[test]
fn onchanges_and_onfail_choose_the_steps_that_run() {
    let on = |kind: &str| with(on_all(), kind, Value::from(vec![Value::from([("salt", "a")])]));
    let chunks = || {
        vec![
            chunk("a", "salt.state", applies("x")),
            chunk("changed", "salt.function", on("onchanges")),
            chunk("rescue", "salt.function", on("onfail")),
        ]
    };
    let mut same = Desk::new(chunks(), &["n1"]);
    same.returns("a", "n1", true, states(false));
    assert_eq!(same.outcome("changed"), Some(StepOutcome::Skipped));
    assert_eq!(same.outcome("rescue"), Some(StepOutcome::Skipped));
    assert_eq!(same.finished, Some(RunOutcome::Succeeded));
    let mut failed = Desk::new(chunks(), &["n1"]);
    failed.returns("a", "n1", false, states(true));
    assert_eq!(failed.outcome("changed"), Some(StepOutcome::Blocked));
    assert_eq!(failed.jobs_of("rescue").len(), 1);
}

#[test]
fn parallel_steps_are_under_way_together_and_a_requisite_awaits_them() {
    let mut desk = Desk::new(
        vec![
            chunk("a", "salt.function", with(on_all(), "parallel", Value::from(true))),
            chunk("b", "salt.function", on_all()),
            chunk("c", "salt.function", requires(on_all(), "a")),
        ],
        &["n1"],
    );
    assert_eq!((desk.jobs_of("a").len(), desk.jobs_of("b").len()), (1, 1));
    desk.returns("b", "n1", true, Value::Null);
    assert!(desk.jobs_of("c").is_empty());
    desk.returns("a", "n1", true, Value::Null);
    assert_eq!(desk.jobs_of("c").len(), 1);
}

#[test]
fn a_nested_run_is_a_step_and_keeps_its_id_over_a_restart() {
    let args = Value::from([("name", "state.orchestrate"), ("mods", "orch.inner")]);
    let mut desk = Desk::new(vec![chunk("inner", "salt.runner", args)], &["n1"]);
    desk.restart();
    assert_eq!(desk.nested.len(), 2);
    assert_eq!(desk.nested[0], desk.nested[1]);
    assert_eq!(desk.nested[0].name, "orch.inner");
    let end = RunEnded {
        run: desk.nested[0].run,
        outcome: RunOutcome::Succeeded,
        succeeded: 3,
        changed: 1,
        failed: 0,
        skipped: 0,
    };
    desk.append(end.event());
    desk.work();
    assert_eq!(desk.outcome("inner"), Some(StepOutcome::Changed));
    assert_eq!(desk.finished, Some(RunOutcome::Succeeded));
}

#[test]
fn a_lost_minion_that_was_waited_for_wakes_the_engine_once() {
    let mut desk = Desk::new(vec![chunk("s", "salt.function", on_all())], &["n1", "n2"]);
    desk.ends("s", "n1", EndState::Lost);
    let until = desk.engine.poll_timeout().expect("it waits for the lost one");
    assert!(until.reason.contains("n1"), "{}", until.reason);
    // The other one works on and on; no event comes.
    for _ in 0..3 {
        desk.passes(120);
        assert!(desk.engine.poll_timeout().is_none_or(|d| d.at > desk.now), "it asks for what was");
    }
    desk.returns("s", "n2", true, Value::Null);
    assert_eq!(desk.outcome("s"), Some(StepOutcome::Failed));
}

#[test]
fn an_event_that_is_heard_of_after_the_clock_passed_its_stamp_is_judged_by_the_clock() {
    let mut desk = Desk::new(vec![chunk("s", "salt.function", on_all())], &["n1", "n2"]);
    desk.ends("s", "n1", EndState::Lost);
    desk.passes(120);
    // It was stamped when it was begun to be written, and the disk took its time.
    desk.now = Timestamp::from_micros(desk.now.as_micros() - 2_000);
    desk.returns("s", "n2", true, Value::Null);
    assert_eq!(desk.outcome("s"), Some(StepOutcome::Failed), "asks for {:?}", desk.engine.poll_timeout());
    let args = with(on_all(), "batch", Value::from(2));
    let mut desk = Desk::new(vec![chunk("s", "salt.function", args)], &["n1", "n2", "n3"]);
    desk.ends("s", "n1", EndState::Lost);
    desk.passes(120);
    desk.now = Timestamp::from_micros(desk.now.as_micros() - 2_000);
    desk.returns("s", "n2", true, Value::Null);
    assert_eq!(desk.published.last().expect("published").1, [id("n3")]);
}

#[test]
fn a_deadline_that_passes_before_a_run_is_resumed_is_looked_at_then() {
    let mut desk = Desk::new(vec![chunk("s", "salt.function", on_all())], &["n1"]);
    desk.ends("s", "n1", EndState::Lost);
    desk.engine = desk.replayed().expect("replays");
    desk.engine.resume();
    // Another run's deadline is due while the log does not have yet that this one goes on.
    desk.engine.handle_timeout(t(1000));
    desk.work();
    assert_eq!(desk.outcome("s"), None);
    let until = desk.engine.poll_timeout().expect("nobody has looked at it").at;
    desk.passes(until.since(desk.now).as_secs());
    assert_eq!(desk.outcome("s"), Some(StepOutcome::Failed));
}

#[test]
fn a_nested_run_that_has_ended_is_not_begun_again_after_a_restart() {
    let runner = |name: &str| {
        let mods = Value::from([("mods", name)]);
        (Value::from(name), Value::from([("name", Value::from("state.orchestrate")), ("kwarg", mods)]))
    };
    let runners = Value::Map(["orch.a", "orch.b"].map(runner).into_iter().collect());
    let both = chunk("both", "salt.parallel_runners", Value::from([("runners", runners)]));
    let mut desk = Desk::new(vec![both], &["n1"]);
    let [a, b] = desk.nested.clone().try_into().expect("two runs");
    desk.append(ended(a.run));
    desk.nested.clear();
    desk.restart();
    assert_eq!(desk.nested, std::slice::from_ref(&b), "only what has not ended");
    assert!(desk.engine.nested_has_ended(a.run) && !desk.engine.nested_has_ended(b.run));
    // The last one ends, and the master goes before the step's own end is in the log.
    desk.append(ended(b.run));
    desk.nested.clear();
    desk.restart();
    assert_eq!(desk.nested, [], "nothing is left to do");
    assert_eq!(desk.finished, Some(RunOutcome::Succeeded));
}

fn ended(run: RunId) -> NewEvent {
    let outcome = RunOutcome::Succeeded;
    RunEnded { run, outcome, succeeded: 1, changed: 0, failed: 0, skipped: 0 }.event()
}

#[test]
fn lab_assert_holds_every_return_against_what_is_wanted() {
    let args = || {
        Value::from([
            ("tgt", Value::from("*")),
            ("function", Value::from("test.ping")),
            ("equals", Value::from(true)),
        ])
    };
    let mut desk = Desk::new(vec![chunk("a", "lab.assert", args())], &["n1"]);
    desk.returns("a", "n1", true, Value::from(true));
    assert_eq!(desk.outcome("a"), Some(StepOutcome::Unchanged));
    let mut wrong = Desk::new(vec![chunk("a", "lab.assert", args())], &["n1"]);
    wrong.returns("a", "n1", true, Value::from(false));
    assert_eq!(wrong.outcome("a"), Some(StepOutcome::Failed));
    assert!(wrong.comment("a").contains("it returned false"), "{}", wrong.comment("a"));
}

#[test]
fn a_dry_run_sends_out_state_steps_with_test_and_nothing_else() {
    let mut desk = Desk::with_start(install_and_wait(), &["n1"], |s| s.test = true);
    assert_eq!(desk.published[0].0.kwargs.get("test"), Some(&Value::from(true)));
    let row = Value::from([("result", Value::Null), ("changes", Value::map())]);
    desk.returns("install", "n1", true, Value::from([("s", row)]));
    assert_eq!(desk.outcome("install"), Some(StepOutcome::WouldChange));
    assert_eq!(desk.outcome("wait"), Some(StepOutcome::WouldChange));
    assert_eq!(desk.outcome("after"), Some(StepOutcome::WouldChange));
    assert_eq!(desk.published.len(), 1);
    assert_eq!(desk.finished, Some(RunOutcome::Succeeded));
}

#[test]
fn a_finished_run_replays_to_the_same_lines_and_the_same_tree() {
    let mut live = RunView::new(RunId::new(t(0), 7));
    let mut desk = Desk::new(install_and_wait(), &["n1", "n2"]);
    let mut shown = 0;
    let mut lines = Vec::new();
    let mut show = |desk: &Desk, live: &mut RunView| {
        for event in &desk.log[shown..] {
            lines.extend(live.apply(event));
        }
        shown = desk.log.len();
    };
    for minion in ["n1", "n2"] {
        desk.reboots(minion);
        desk.returns("install", minion, true, states(true));
        show(&desk, &mut live);
    }
    for minion in ["n1", "n2"] {
        desk.returns("after", minion, true, Value::Null);
        show(&desk, &mut live);
    }
    let mut again = RunView::new(RunId::new(t(0), 7));
    let replayed: Vec<String> = desk.log.iter().flat_map(|e| again.apply(e)).collect();
    assert_eq!(lines, replayed);
    assert_eq!(live.tree(None), again.tree(None));
    assert_eq!(live.tree(None).len(), 3);
    assert_eq!(lines[0], "05:19:40  run 20261121051940000000_0000000000000007 of x started by root");
    assert!(lines.iter().any(|l| l.ends_with("wait  n1 seen")), "{lines:?}");
    assert!(lines.last().expect("lines").contains("succeeded in 0 ms: 3 steps hold (2 changed), 0 failed"));
}
