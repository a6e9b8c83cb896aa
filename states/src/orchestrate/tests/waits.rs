//! What waits count, and what they say.

use super::*;

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
