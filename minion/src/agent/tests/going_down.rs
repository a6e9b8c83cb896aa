//! When the machine goes down.

use super::*;

/// A bench with a job that returned, and wants the machine to reboot; the return is stored.
fn asked_to_reboot() -> Bench {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.finished(10, rebooting());
    bench.stored(10);
    bench
}

#[test]
fn a_reboot_waits_for_the_return_to_be_stored_and_acknowledged() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    let finished = bench.finished(10, rebooting());
    assert!(!went_down(&finished));
    assert!(!went_down(&bench.stored(10)), "the master does not have it yet");
    assert_eq!(bench.acked(0), []);
    let journal = bench.acked(1);
    assert!(
        matches!(journals(&journal), Some(Entry::RebootDone { .. })) && journal.len() == 1,
        "{journal:?}"
    );
    assert!(went_down(&bench.journalled(10)));
}

#[test]
fn a_master_that_is_away_does_not_hold_a_reboot_up() {
    let mut bench = asked_to_reboot();
    bench.agent.handle_link_lost();
    assert_eq!(bench.wake(29), []);
    bench.wake(1);
    assert!(went_down(&bench.journalled(10)));
}

#[test]
fn nothing_is_taken_while_the_machine_goes_down() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.publish(11, "state.apply");
    bench.journalled(11);
    bench.finished(10, rebooting());
    assert_eq!(bench.publish(12, "test.ping"), [], "the master keeps it for the next boot");
    assert_eq!(bench.stored(10), [], "and what waits is not started");
    assert_eq!(bench.publish(13, "test.ping"), []);
}

#[test]
fn a_failed_run_does_not_reboot_unless_it_is_forced() {
    for (forced, down) in [(false, false), (true, true)] {
        let mut bench = Bench::connected(beginning());
        let plain = job(10, "state.apply");
        bench.publish_spec(if forced { state_run(10, "force_reboot", true) } else { plain });
        bench.journalled(10);
        bench.finished(10, Finished { success: false, retcode: 2, ..rebooting() });
        bench.stored(10);
        bench.acked(1);
        assert_eq!(went_down(&bench.journalled(10)), down, "forced: {forced}");
    }
}

#[test]
fn the_worst_order_goes_down_once() {
    // The agent dies between the journal and the reboot; its successor in the next boot is asked for the job again.
    let mut bench = asked_to_reboot();
    bench.acked(1);
    let ledger = bench.agent.ledger.clone();
    assert!(ledger.reboot_done(jid(10)));
    let next = Beginning { ledger, boot: boot(3), old_boot: Some(boot(2).id), ..beginning() };
    let mut bench = Bench::new(next);
    assert_eq!(bench.effects(), []);
    bench.agent.handle_registered();
    bench.effects();
    let again = bench.publish(10, "state.apply");
    assert_eq!(told(&again), [JobState::Ended]);
    assert!(!went_down(&again));
}

#[test]
fn a_machine_that_refuses_to_go_down_takes_jobs_again_and_says_so() {
    let mut bench = asked_to_reboot();
    bench.acked(1);
    assert!(went_down(&bench.journalled(10)));
    bench.agent.handle_power_failed("systemctl: access denied");
    let effects = bench.effects();
    assert!(
        matches!(effects.as_slice(), [Effect::Say { tag, .. }] if tag.as_str().ends_with("reboot-failed"))
    );
    bench.running(11, "test.ping");
}
