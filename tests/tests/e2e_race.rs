//! The old race, on real hosts: one node has rebooted and is back before the other has finished its step. The wait that
//! is entered afterwards counts that reboot, every time.

mod e2e;

use e2e::orchestration::{assert_each_job_once, finish, returned, step};
use e2e::{kubic, lab_ends_without_a_trace, times};
use lab_proto::facts::Fact;
use lab_tests::kubic::{CPLANE, EventExt, LIMIT, WORKER};

#[test]
fn a_reboot_before_the_other_nodes_step_has_ended_is_never_missed() {
    let lab = kubic().hold_install(CPLANE).start().unwrap();
    let races = times("LAB_RACES", 3);
    for race in 1..=races {
        lab.uninstall().unwrap();
        let before = lab.tail().head();
        lab.run(&["orchestrate", "kubic", "--detach"]).unwrap();

        // The worker goes through its whole reboot while the control plane is held at the beginning of its step.
        let is_reboot = |e: &lab_proto::Event| e.is(&format!("lab/minion/{}/reboot", WORKER.id));
        let reboot = lab.tail().wait_after(before, "the worker's reboot", LIMIT, is_reboot).unwrap();
        let is_ready = |e: &lab_proto::Event| e.is(&format!("lab/minion/{}/ready", WORKER.id));
        let ready = lab.tail().wait_after(reboot.seq(), "the worker to be back", LIMIT, is_ready).unwrap();
        lab.let_go(&CPLANE).unwrap();
        let (run, ended) = finish(&lab, before);

        let events = lab.tail().events();
        let late = returned(&events, &step(&events, &run, "install_nodes").1, &CPLANE);
        let (wait, entered) = step(&events, &run, "wait_for_reboots");
        assert!(
            ready.seq() < late && late < wait,
            "the worst order: back {}, late {late}, wait {wait}",
            ready.seq()
        );
        let met = events.iter().find_map(|e| match e.fact() {
            Some(Fact::StepMet(met)) if met.run == run && met.id == WORKER.id => Some(met.by.seq),
            _ => None,
        });
        let met = met.expect("the wait saw the worker");
        assert!(met < wait, "the worker's boot at {met} came before the wait at {wait}, and counted");
        assert!(entered.since.is_some_and(|since| since.seq < met), "{entered:?}");
        assert_eq!(ended.outcome.exit_code(), 0, "{ended:?}");
        assert_each_job_once(&events);
        println!(
            "race {race} of {races}: worker back at {}, cplane's step ended at {late}, wait entered at {wait}: met",
            ready.seq()
        );
    }
    lab_ends_without_a_trace(lab);
}
