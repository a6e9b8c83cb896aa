//! The engine against a desk that does what a master would.

mod desk;

use lab_proto::facts::{Fact, MinionAt, NearReason, RunEnded, StartCause};
use lab_proto::{EndState, Event, EventTag, MinionId, NewEvent, RunId, Timestamp, Value};

use super::*;
use desk::*;

fn states(changed: bool) -> Value {
    let changes = if changed { Value::from([("new", "x")]) } else { Value::map() };
    Value::from([("s", Value::from([("result", Value::from(true)), ("changes", changes)]))])
}

#[test]
fn a_reboot_before_the_wait_is_reached_meets_it() {
    let mut desk = Desk::new(install_and_wait(), &["n1", "n2"]);
    desk.reboots("n1");
    desk.returns("install", "n1", true, states(true));
    desk.reboots("n2");
    desk.returns("install", "n2", true, states(true));
    assert_eq!(desk.outcome("install"), Some(StepOutcome::Changed));
    assert_eq!(desk.outcome("wait"), Some(StepOutcome::Unchanged));
    desk.returns("after", "n1", true, Value::from(true));
    desk.returns("after", "n2", true, Value::from(true));
    assert_eq!(desk.finished, Some(RunOutcome::Succeeded));
}

#[test]
fn waits_that_begin_when_reached_lose_that_reboot() {
    let mut desk = Desk::new(install_and_wait(), &["n1", "n2"]);
    desk.engine.let_waits_begin_when_reached();
    desk.reboots("n1");
    desk.returns("install", "n1", true, states(true));
    desk.reboots("n2");
    desk.returns("install", "n2", true, states(true));
    assert_eq!(desk.outcome("wait"), None);
    desk.passes(301);
    assert_eq!(desk.outcome("wait"), Some(StepOutcome::TimedOut));
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
fn a_resumed_wait_gets_time_for_minions_to_come_back() {
    let mut desk = Desk::new(install_and_wait(), &["n1", "n2"]);
    desk.returns("install", "n1", true, states(true));
    desk.returns("install", "n2", true, states(true));
    desk.now = t(1000);
    desk.restart();
    assert_eq!(desk.outcome("wait"), None);
    desk.reboots("n1");
    desk.reboots("n2");
    assert_eq!(desk.outcome("wait"), Some(StepOutcome::Unchanged));
}

#[test]
fn a_wait_says_who_is_missing_what_came_near_and_who_was_late() {
    let mut desk = Desk::new(install_and_wait(), &["n1", "n2"]);
    desk.returns("install", "n1", true, states(true));
    desk.returns("install", "n2", true, states(true));
    desk.reboots("n1");
    desk.starts("n2", StartCause::AgentRestart);
    desk.passes(301);
    assert_eq!(desk.outcome("wait"), Some(StepOutcome::TimedOut));
    assert!(desk.comment("wait").contains("no salt/minion/*/start event from n2; 1 came near"));
    desk.reboots("n2");
    let told = desk.engine.explain(&step("wait")).expect("known");
    assert!(told.ids[0].met.is_some());
    assert_eq!(told.ids[1].near[0].1, NearReason::AgentRestart);
    assert!(told.ids[1].late.is_some());
    let text = told.to_string();
    assert!(text.contains("since step install was entered"), "{text}");
    assert!(text.contains("the agent restarted, the host did not"), "{text}");
}

#[test]
fn steps_without_a_requisite_go_on_after_a_failed_wait_as_in_salt() {
    let mut desk = Desk::new(install_and_wait(), &["n1", "n2"]);
    desk.returns("install", "n1", false, states(true));
    desk.returns("install", "n2", true, states(true));
    assert_eq!(desk.outcome("install"), Some(StepOutcome::Failed));
    assert_eq!(desk.outcome("wait"), Some(StepOutcome::Blocked));
    assert_eq!(desk.jobs_of("after").len(), 1);
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
fn a_wait_counts_since_what_a_step_without_an_entry_requires() {
    let named = |args: Value, key: &str, state: &str, of: &str| {
        with(args, key, Value::from(vec![Value::from([(state, of)])]))
    };
    for skipped in ["test.nop", "salt.function"] {
        // One is never entered since it does nothing, the other since what it waits for to fail did not.
        let between = match skipped {
            "test.nop" => named(Value::map(), "require", "salt", "a"),
            _ => named(with(on_all(), "name", Value::from("test.ping")), "onfail", "salt", "a"),
        };
        let (state, _) = skipped.split_once('.').expect("module.function");
        let mut desk = Desk::new(
            vec![
                chunk("a", "salt.state", applies("node")),
                chunk("c", "salt.function", with(on_all(), "name", Value::from("test.ping"))),
                chunk("b", skipped, between),
                chunk("w", "salt.wait_for_event", named(starts_of(&["n1"]), "require", state, "b")),
            ],
            &["n1"],
        );
        desk.reboots("n1");
        desk.returns("a", "n1", true, states(true));
        desk.returns("c", "n1", true, Value::Null);
        assert_eq!(
            desk.outcome("w"),
            Some(StepOutcome::Unchanged),
            "behind {skipped}: {}",
            desk.comment("w")
        );
    }
}

#[test]
fn no_target_is_too_long_for_the_end_of_its_step() {
    let names: Vec<String> = (0..4_000).map(|n| format!("host-{n:04}.example.org")).collect();
    let listed =
        || with(with(on_all(), "tgt_type", Value::from("list")), "tgt", Value::from(names.join(",")));
    let chunks = || vec![chunk("s", "salt.state", with(listed(), "sls", Value::from("node")))];
    let function = || vec![chunk("s", "salt.function", with(listed(), "name", Value::from("test.ping")))];
    for (chunks, test) in [(chunks(), false), (function(), true)] {
        let desk = Desk::with_start(chunks, &["n1"], |start| start.test = test);
        assert!(desk.finished.is_some(), "the run is over");
        assert!(
            desk.comment("s").contains("host-0007") && desk.comment("s").ends_with('…'),
            "{}",
            desk.comment("s")
        );
        let end = desk.log.iter().find(|e| e.tag.as_str().ends_with("/s/ended")).expect("in the log");
        assert!(lab_proto::codec::encode(end).expect("encodes").len() < 10_000);
    }
}

#[test]
fn a_step_whose_event_the_log_refuses_fails_and_the_run_goes_on() {
    let mut desk = Desk::new(vec![chunk("s", "salt.function", on_all())], &["n1"]);
    desk.engine.handle_refused(&step("s"), "the event is too large");
    desk.work();
    assert_eq!(
        (desk.outcome("s"), desk.comment("s").as_str()),
        (Some(StepOutcome::Failed), "the event is too large")
    );
    assert_eq!(desk.finished, Some(RunOutcome::Failed));
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
fn lab_reboot_is_done_when_the_host_is_ready_in_another_boot() {
    let mut desk = Desk::new(vec![chunk("r", "lab.reboot", on_all())], &["n1"]);
    assert_eq!(desk.published[0].0.fun, "system.reboot");
    desk.ready("n1");
    desk.returns("r", "n1", true, Value::Null);
    assert_eq!(desk.outcome("r"), None);
    desk.reboots("n1");
    assert_eq!(desk.outcome("r"), None);
    desk.ready("n1");
    assert_eq!(desk.outcome("r"), Some(StepOutcome::Changed));
    let mut stays = Desk::new(vec![chunk("r", "lab.reboot", on_all())], &["n1"]);
    stays.starts("n1", StartCause::AgentRestart);
    stays.passes(901);
    assert_eq!(stays.outcome("r"), Some(StepOutcome::TimedOut));
    assert!(stays.comment("r").contains("only its agent was restarted"));
}

#[test]
fn lab_ready_takes_a_ready_minion_at_once_and_waits_for_others() {
    let mut desk = Desk::new(vec![chunk("r", "lab.ready", on_all())], &["n1"]);
    assert_eq!(desk.outcome("r"), Some(StepOutcome::Unchanged));
    desk.roster.get_mut(&id("n1")).expect("known").ready = false;
    let roster = desk.roster.clone();
    let mut waits = Desk::new(vec![chunk("w", "test.nop", Value::map())], &["n1"]);
    waits.roster = roster;
    waits.engine = Engine::start(start(8, vec![chunk("r", "lab.ready", on_all())]));
    waits.log.clear();
    waits.work();
    assert_eq!(waits.outcome("r"), None);
    waits.ready("n1");
    assert_eq!(waits.outcome("r"), Some(StepOutcome::Unchanged));
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
fn a_step_over_many_minions_is_entered_in_parts_that_each_fit_an_event() {
    let names: Vec<String> = (0..1000).map(|n| format!("host-{n:04}.example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut desk = Desk::new(vec![chunk("r", "lab.reboot", on_all())], &names);
    let parts: Vec<&Event> = desk.log.iter().filter(|e| e.tag.as_str().ends_with("/entered")).collect();
    assert_eq!(parts.len(), 4);
    let (mut targets, mut minions) = (Vec::new(), Vec::new());
    for (n, part) in parts.iter().enumerate() {
        assert!(lab_proto::codec::encode(*part).expect("encodes").len() <= lab_proto::event::MAX_EVENT);
        let Ok(Some(Fact::StepEntered(fact))) = Fact::of(part) else { panic!("{part:?} is no entry") };
        assert_eq!(fact.more, n < 3);
        targets.extend(fact.targets);
        minions.extend(fact.minions.into_iter().map(|m| m.id));
    }
    let all: Vec<_> = names.iter().map(|name| id(name)).collect();
    assert_eq!((&targets, &minions), (&all, &all));
    assert_eq!(desk.published[0].1.len(), 1000);
    desk.restart();
    assert_eq!(desk.published[1].1.len(), 1000);
}

#[test]
fn a_plan_too_large_for_an_event_travels_as_a_blob() {
    let padded = with(on_all(), "arg", Value::from("x".repeat(200_000)));
    let mut desk = Desk::new(vec![chunk("a", "salt.function", padded)], &["n1"]);
    assert_eq!(desk.blobs.keys().collect::<Vec<_>>(), [&desk.engine.plan().digest()]);
    assert_eq!(desk.replayed().expect("replays").plan(), desk.engine.plan());
    desk.blobs.clear();
    let lost = desk.replayed().expect_err("the plan is gone").to_string();
    assert!(lost.contains(&desk.engine.plan().digest().to_string()), "{lost}");
    assert!(lost.ends_with("it is gone"), "{lost}");
}

#[test]
fn where_a_thousand_awaited_minions_stood_travels_as_a_blob() {
    let names: Vec<String> = (0..1000).map(|n| format!("host-{n:04}.example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let waits = |args| chunk("wait", "salt.wait_for_event", with(args, "since", Value::from("run")));
    let all =
        vec![chunk("install", "salt.state", applies("node")), waits(requires(starts_of(&names), "install"))];
    let mut desk = Desk::new(all, &names);
    assert_eq!(desk.blobs.len(), 1, "the plan fits");
    for event in &desk.log {
        assert!(lab_proto::codec::encode(event).expect("encodes").len() <= lab_proto::event::MAX_EVENT);
    }
    assert!(desk.blobs.keys().all(|blob| desk.engine.pinned().contains(blob)));
    // The boot that a minion was in at the start does not meet the wait, another one does: before a restart and after.
    desk.starts(names[0], StartCause::Boot);
    desk.reboots(names[1]);
    desk.restart();
    desk.starts(names[2], StartCause::Boot);
    desk.reboots(names[3]);
    for name in &names {
        desk.returns("install", name, true, states(true));
    }
    let met = |n: usize| {
        desk.log.iter().any(|e| matches!(Fact::of(e), Ok(Some(Fact::StepMet(f))) if f.id == names[n]))
    };
    assert_eq!([met(0), met(1), met(2), met(3)], [false, true, false, true]);
    for name in names.iter().filter(|n| ![names[1], names[3]].contains(n)) {
        desk.reboots(name);
    }
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

#[test]
fn an_event_that_its_maker_sent_before_the_run_and_delivered_late_does_not_count() {
    let wait = Value::from([("name", Value::from("my/*")), ("id_list", Value::from(vec!["n1"]))]);
    let chunks =
        vec![chunk("a", "salt.function", on_all()), chunk("w", "salt.wait_for_event", requires(wait, "a"))];
    let mut desk = Desk::new(chunks, &["n1"]);
    desk.returns("a", "n1", true, Value::Null);
    let tag = EventTag::new("my/done").expect("valid");
    let data = Value::from([("id", "n1")]);
    desk.says_knowing("n1", tag.clone(), data.clone(), 0);
    assert_eq!(desk.outcome("w"), None);
    let near = desk.engine.explain(&step("w")).expect("known").ids[0].near[0].1;
    assert_eq!(near, NearReason::StaleOutbox);
    desk.says("n1", tag, data);
    assert_eq!(desk.outcome("w"), Some(StepOutcome::Unchanged));
}

#[test]
fn the_blobs_of_a_run_are_pinned_from_before_its_start_is_in_the_log() {
    let padded = with(on_all(), "arg", Value::from("x".repeat(200_000)));
    let names: Vec<String> = (0..1000).map(|n| format!("host-{n:04}.example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let waits = chunk("wait", "salt.wait_for_event", starts_of(&names));
    let mut engine = Engine::start(start(7, vec![chunk("a", "salt.function", padded), waits]));
    let Some(Effect::Resolve(ask)) = engine.poll_effect() else { panic!("it asks first") };
    let at =
        |id: &MinionId| MinionAt { id: id.clone(), boot: None, outbox: None, connected: false, ready: false };
    let minions = ask.ids.iter().map(at).collect();
    engine.handle_resolved(&ask, Ok(Resolution { targets: Vec::new(), minions }));
    let mut kept = Vec::new();
    while let Some(Effect::StoreBlob { digest, .. }) = engine.poll_effect() {
        kept.push(digest);
    }
    assert_eq!(kept.len(), 2, "the plan, and where minions stood");
    assert_eq!(engine.pinned(), kept);
}

#[test]
fn the_runs_that_a_step_begins_are_counted_where_an_entry_is_cut() {
    let names: Vec<String> = (0..350).map(|n| format!("host-{n:04}.example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let runner = |n: u32| {
        let mods = Value::from([("mods", Value::from(format!("orch.n{n}")))]);
        (
            Value::from(format!("n{n}")),
            Value::from([("name", Value::from("state.orchestrate")), ("kwarg", mods)]),
        )
    };
    let runners = Value::Map((0..500).map(runner).collect());
    let nested = chunk("many", "salt.parallel_runners", Value::from([("runners", runners)]));
    let waits = chunk("wait", "salt.wait_for_event", requires(starts_of(&names), "many"));
    let desk = Desk::new(vec![nested, waits], &names);
    assert_eq!(desk.nested.len(), 500);
    for event in &desk.log {
        assert!(lab_proto::codec::encode(event).expect("encodes").len() <= lab_proto::event::MAX_EVENT);
    }
}
