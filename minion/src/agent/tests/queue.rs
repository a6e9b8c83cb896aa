//! Who waits for whom, and who is not taken.

use super::*;

#[test]
fn state_runs_go_one_by_one_and_the_others_are_told_their_place() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    let queued = bench.publish(11, "state.apply");
    assert!(matches!(journals(&queued), Some(Entry::Accepted { .. })), "{queued:?}");
    assert_eq!(told(&bench.journalled(11)), [JobState::Queued(1)]);
    bench.publish(12, "state.highstate");
    assert_eq!(told(&bench.journalled(12)), [JobState::Queued(2)]);
    bench.running(13, "test.ping");
    let next = bench.finished(10, ended("done"));
    assert!(matches!(next.last(), Some(Effect::Journal { jid: j, .. }) if *j == jid(11)), "{next:?}");
}

#[test]
fn a_state_run_that_does_not_want_to_wait_is_not_taken_while_another_goes_on() {
    let mut bench = Bench::connected(beginning());
    bench.publish_spec(state_run(10, "queue", false));
    assert!(bench.journalled(10).iter().any(|e| matches!(e, Effect::Run { .. })), "nothing is before it");
    bench.publish_spec(state_run(11, "queue", false));
    let effects = bench.journalled(11);
    assert_eq!(returns(&effects), [(jid(11), EndState::Failed)]);
    assert!(format!("{effects:?}").contains(&jid(10).to_string()), "it names the other: {effects:?}");
    bench.stored(11);
    bench.publish_spec(state_run(12, "queue", 2));
    assert_eq!(told(&bench.journalled(12)), [JobState::Queued(1)]);
    bench.publish_spec(state_run(13, "queue", 2));
    assert_eq!(returns(&bench.journalled(13)), [(jid(13), EndState::Failed)]);
    bench.stored(13);
    bench.publish_spec(state_run(14, "queue", true));
    assert_eq!(told(&bench.journalled(14)), [JobState::Queued(2)]);
}

/// Writes to the disk's ledger what these effects ask for, as the shell does.
fn written(ledger: &mut Ledger, effects: &[Effect]) {
    for effect in effects {
        match effect {
            Effect::Journal { entries, .. } => entries.iter().for_each(|e| ledger.apply(e.clone())),
            Effect::Return { end, .. } => ledger.apply(end.clone()),
            _ => {}
        }
    }
}

#[test]
fn a_job_that_was_turned_away_does_not_run_when_it_comes_again() {
    let mut bench = Bench::connected(beginning());
    let turned_away = JobSpec { at: Timestamp::from_micros(99), ..state_run(11, "queue", false) };
    let mut disk = Ledger::default();
    written(&mut disk, &bench.publish(10, "state.apply"));
    bench.journalled(10);
    written(&mut disk, &bench.publish_spec(turned_away.clone()));
    assert_eq!(disk.unfinished().count(), 2, "the disk knows of it before it is returned");
    let effects = bench.journalled(11);
    assert_eq!(returns(&effects), [(jid(11), EndState::Failed)]);
    written(&mut disk, &effects);
    bench.stored(11);
    // The link breaks before the master has the return, and what kept the job out has ended meanwhile.
    bench.agent.handle_link_lost();
    written(&mut disk, &bench.finished(10, ended("done")));
    bench.stored(10);
    bench.agent.handle_registered();
    bench.effects();
    let again = bench.publish_spec(turned_away.clone());
    assert!(matches!(again.as_slice(), [Effect::Tell(_)]), "{again:?}");
    assert_eq!(told(&again), [JobState::Ended]);
    assert_eq!(disk.made(jid(11)), Some(turned_away.at), "it is not forgotten before its time either");
    let mut bench = Bench::connected(Beginning { ledger: disk, ..beginning() });
    assert_eq!(told(&bench.publish_spec(turned_away)), [JobState::Ended], "nor after a restart");
}

#[test]
fn a_job_that_could_not_be_journalled_does_not_run_after_a_restart_either() {
    let mut bench = Bench::connected(beginning());
    bench.publish(10, "test.ping");
    bench.agent.handle_journal_failed(jid(10), "the disk is full", bench.now());
    // There is room again for its end.
    let mut disk = Ledger::default();
    written(&mut disk, &bench.effects());
    let mut bench = Bench::connected(Beginning { ledger: disk, ..beginning() });
    assert_eq!(told(&bench.publish(10, "test.ping")), [JobState::Ended]);
}

#[test]
fn who_was_turned_away_keeps_nobody_else_out_nor_up() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.publish_spec(state_run(11, "queue", false));
    // Its disk is slow.
    bench.publish_spec(state_run(12, "queue", 2));
    assert_eq!(told(&bench.journalled(12)), [JobState::Queued(1)], "one is before it, and no more");
    bench.agent.handle_kill(jid(11), "root", bench.now());
    let next = bench.finished(10, ended("done"));
    assert!(matches!(next.last(), Some(Effect::Journal { jid: j, .. }) if *j == jid(12)), "{next:?}");
    assert_eq!(returns(&bench.journalled(11)), [(jid(11), EndState::Failed)]);
}

#[test]
fn functions_run_side_by_side_up_to_the_limit() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "test.sleep");
    bench.running(11, "test.sleep");
    bench.publish(12, "test.sleep");
    assert!(matches!(told(&bench.journalled(12)).as_slice(), [JobState::Queued(_)]));
}

#[test]
fn a_full_queue_refuses_with_a_reason() {
    let mut bench = Bench::connected(beginning());
    for n in 10..15 {
        bench.publish(n, "state.apply");
    }
    assert!(matches!(told(&bench.publish(15, "state.apply")).as_slice(), [JobState::Refused(_)]));
}

#[test]
fn a_killed_job_in_the_queue_never_runs() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.publish(11, "state.apply");
    bench.journalled(11);
    let now = bench.now();
    bench.agent.handle_kill(jid(11), "root", now);
    assert_eq!(returns(&bench.effects()), [(jid(11), EndState::Killed)]);
    bench.stored(11);
    bench.finished(10, ended("done"));
    assert_eq!(bench.stored(10), []);
}

#[test]
fn a_job_killed_on_its_way_into_the_journal_never_runs() {
    let mut bench = Bench::connected(beginning());
    bench.publish(10, "test.sleep");
    let now = bench.now();
    bench.agent.handle_kill(jid(10), "root", now);
    assert_eq!(bench.effects(), []);
    assert_eq!(returns(&bench.journalled(10)), [(jid(10), EndState::Killed)]);
}

#[test]
fn a_job_whose_time_ran_out_while_it_waited_never_runs() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    let timed = |n| JobSpec { timeout_micros: Some(3_000_000), ..job(n, "state.apply") };
    for n in [11, 12] {
        bench.publish_spec(timed(n));
        bench.journalled(n);
    }
    assert_eq!(bench.agent.poll_timeout().map(|(at, _)| at), Some(Timestamp::from_micros(3_000_000)));
    let effects = bench.wake(3);
    assert_eq!(returns(&effects), [(jid(11), EndState::TimedOut), (jid(12), EndState::TimedOut)]);
    let values: Vec<&Value> = effects
        .iter()
        .filter_map(|e| if let Effect::Return { ret, .. } = e { Some(&ret.value) } else { None })
        .collect();
    assert_eq!(values, [&Value::from("its time was up; the function was not called"); 2]);
    bench.stored(11);
    bench.stored(12);
    bench.finished(10, ended("done"));
    assert_eq!(bench.stored(10), [], "nothing is left to run");
}

#[test]
fn time_in_the_queue_counts_once_the_job_runs_and_while_its_start_is_journalled() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    for n in [11, 12] {
        bench.publish_spec(JobSpec { timeout_micros: Some(5_000_000), ..job(n, "state.apply") });
        bench.journalled(n);
    }
    bench.now = 2;
    bench.finished(10, ended("done"));
    let run = bench.journalled(11);
    let deadline = Some(Timestamp::from_micros(5_000_000));
    assert!(run.iter().any(|e| matches!(e, Effect::Run { deadline: d, .. } if *d == deadline)), "{run:?}");
    bench.now = 4;
    bench.finished(11, ended("done"));
    // The disk is slow, and the answer comes before the agent is woken.
    bench.now = 6;
    assert_eq!(returns(&bench.journalled(12)), [(jid(12), EndState::TimedOut)]);
}
