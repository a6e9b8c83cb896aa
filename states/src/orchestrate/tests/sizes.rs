//! What is too large for an event of the log.

use super::*;

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
