//! kill -9 of the master at random places of `orchestrate kubic`: every run goes on where it was and finishes.
//!
//! The witnesses are outside of the product: a file on each host to which each applied SLS appends its name, and each
//! minion's own outbox, which knows what was acknowledged to it.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

mod e2e;

use e2e::orchestration::{RUN_LIMIT, assert_each_job_once, finish, step};
use e2e::{Random, kubic, lab_ends_without_a_trace, times};
use lab_minion::outbox::Outbox;
use lab_proto::facts::Fact;
use lab_proto::{Event, OutboxId, RunId};
use lab_tests::kubic::{
    CPLANE, EventExt, KubicLab, LIMIT, Node, WORKER, run_ended, step_ended, step_entered,
};

const STEPS: [&str; 7] = [
    "synchronize_all",
    "install_nodes",
    "wait_for_reboots",
    "install_control_plane",
    "send_mine",
    "join_worker",
    "delete_mine",
];

/// How many events a step had, from its entry to its end.
fn events_of(events: &[Event], run: &RunId, id: &str) -> u64 {
    let (entered, _) = step(events, run, id);
    let end = events.iter().find(|e| step_ended(e).is_some_and(|s| s.run == *run && s.step.as_str() == id));
    end.map_or(0, |e| e.seq().saturating_sub(entered))
}

/// Returns in which step of a run a place in the log is.
fn step_at(events: &[Event], seq: u64) -> String {
    let entered = events.iter().filter(|e| e.seq() <= seq).filter_map(step_entered).next_back();
    entered.map_or_else(|| "before the first step".to_owned(), |fact| fact.step.to_string())
}

fn orchestrate(lab: &KubicLab) -> RunId {
    lab.run(&["orchestrate", "kubic", "--detach"]).unwrap().trim().parse().expect("a run id")
}

/// Each SLS was applied once on each host that it is for.
fn assert_witnesses(lab: &KubicLab) {
    assert_eq!(lab.witness(&CPLANE).unwrap(), ["node", "control_plane"], "on cplane");
    assert_eq!(lab.witness(&WORKER).unwrap(), ["node", "join"], "on worker");
}

/// What was acknowledged to a minion, by its own outbox, is in the log; and the log has all of the outbox, each once.
fn assert_nothing_lost(lab: &KubicLab, node: &Node) {
    let host = lab.host(node);
    // A copy: the agent goes on with the original.
    host.run(["sh", "-c", "rm -rf /root/outbox && cp -r /var/lib/lab-minion/outbox /root/outbox"]).unwrap();
    let outbox = Outbox::open(&host.upper("/root/outbox"), OutboxId::from_u128(1), u64::MAX).unwrap();
    let (id, acked, head) = (outbox.id(), outbox.first() - 1, outbox.head());
    let is_last = |e: &Event| e.origin.minion().is_some_and(|m| m.outbox_id == id && m.counter >= head);
    lab.tail().wait("the newest event of the outbox", LIMIT, is_last).unwrap();
    let events = lab.tail().events();
    let of_outbox = events.iter().filter_map(|e| e.origin.minion()).filter(|m| m.outbox_id == id);
    let counters: Vec<u64> = of_outbox.map(|m| m.counter).collect();
    assert!(acked <= head && counters.len() as u64 >= head, "{acked} acknowledged, {head} made");
    assert_eq!(counters, (1..=counters.len() as u64).collect::<Vec<_>>(), "each once and in order");
}

/// One run whose master is killed `offset` events after a step was entered. Returns the step in which that was.
fn kill_once(lab: &KubicLab, id: &str, offset: u64) -> String {
    lab.uninstall().unwrap();
    let before = lab.tail().head();
    // In the background: its own end would come after that of the first steps.
    let orchestrate = lab.cmd(&["orchestrate", "kubic", "--detach"]);
    let _orchestrate = lab.lab().master().spawn("orchestrate", orchestrate).unwrap();
    let is_entry = |e: &Event| step_entered(e).is_some_and(|s| s.step.as_str() == id);
    let entry = lab.tail().wait_after(before, id, RUN_LIMIT, is_entry).unwrap();
    let run = step_entered(&entry).unwrap().run;
    let place = entry.seq() + offset;
    lab.tail()
        .wait_after(before, "the place", RUN_LIMIT, |e| e.seq() >= place || run_ended(e).is_some())
        .unwrap();
    lab.kill_master().unwrap();
    lab.start_master().unwrap();
    let restart = |e: &Event| e.is("lab/master/started");
    let restart = lab.tail().wait_after(entry.seq(), "the master to be back", LIMIT, restart).unwrap();

    let (ended_run, ended) = finish(lab, before);
    let failed: Vec<_> =
        lab.tail().events().iter().filter(|e| e.seq() > before).filter_map(step_ended).collect();
    let failed: Vec<_> =
        failed.into_iter().filter(|s| !s.outcome.holds()).map(|s| (s.step, s.comment)).collect();
    assert_eq!((ended_run, ended.outcome.exit_code()), (run, 0), "{failed:?}");
    let attached = lab.cli(&["orchestrate", "--resume", &run.to_string()]).unwrap();
    assert_eq!(attached.status.code(), Some(0), "{attached:?}");
    assert_witnesses(lab);
    let events = lab.tail().events();
    assert_each_job_once(&events);
    step_at(&events, restart.seq())
}

#[test]
fn a_master_killed_anywhere_goes_on_with_its_runs_and_finishes_them() {
    let lab = kubic().witnesses().start().unwrap();
    // A run without a fault says how many events each step has.
    let calm = orchestrate(&lab);
    let (_, ended) = finish(&lab, 0);
    assert_eq!(ended.outcome.exit_code(), 0, "{ended:?}");
    assert_witnesses(&lab);
    let lengths = STEPS.map(|id| events_of(&lab.tail().events(), &calm, id));
    let mut random = Random::from_environment();
    let kills = times("LAB_KILLS", 1);
    println!("{kills} kills in each step; events per step {lengths:?}");

    for (id, length) in STEPS.into_iter().zip(lengths) {
        let (mut hit, mut late) = (0, 0);
        // A place is chosen, not met: the signal may come in a later step. After that the next place is sought earlier.
        for attempt in 1.. {
            assert!(attempt <= 5 * kills, "{hit} of {kills} kills were in {id}");
            let at = kill_once(&lab, id, random.below((length >> late).max(1)));
            println!("{id}: killed in {at}");
            if at == id {
                (hit, late) = (hit + 1, 0);
            } else {
                late += 1;
            }
            if hit == kills {
                break;
            }
        }
    }
    for node in [CPLANE, WORKER] {
        assert_nothing_lost(&lab, &node);
    }
    lab_ends_without_a_trace(lab);
}

/// An orchestration of orchestrations: two that end, the second beside one that waits for a word.
const OUTER: &str = "first:
  salt.runner:
    - name: state.orchestrate
    - mods: nested.first
beside:
  salt.parallel_runners:
    - runners:
        quick:
          - name: state.orchestrate
          - kwarg:
              mods: nested.quick
        slow:
          - name: state.orchestrate
          - kwarg:
              mods: nested.slow
    - require:
      - salt: first
";

/// Leaves its name on the control plane; `slow` does so once it has heard the word.
fn inner(name: &str) -> String {
    let wait = "word:\n  salt.wait_for_event:\n    - name: my/word\n    - id_list: [word]\n";
    let require = "    - require:\n      - salt: word\n";
    let leave = format!(
        "leave:\n  salt.function:\n    - name: cmd.run\n    - tgt: {}\n    - arg:\n      - echo {name} >> /root/nested\n",
        CPLANE.id
    );
    if name == "slow" { format!("{wait}{leave}{require}") } else { leave }
}

/// The names of the runs that began and those that ended, in the log's order.
fn begun_and_ended(events: &[Event]) -> (Vec<String>, Vec<String>) {
    let begun: Vec<_> = events
        .iter()
        .filter_map(|e| match e.fact() {
            Some(Fact::RunStarted(fact)) => Some((fact.run, fact.name)),
            _ => None,
        })
        .collect();
    let name = |run: RunId| begun.iter().find(|(r, _)| *r == run).map_or("?".to_owned(), |(_, n)| n.clone());
    let ended = events.iter().filter_map(run_ended).map(|end| name(end.run)).collect();
    (begun.iter().map(|(_, name)| name.clone()).collect(), ended)
}

#[test]
fn runs_within_a_run_that_ended_before_a_kill_are_not_begun_again() {
    let lab = kubic().start().unwrap();
    let states = lab.dir().join("states/nested");
    std::fs::create_dir_all(&states).unwrap();
    std::fs::write(states.join("outer.sls"), OUTER).unwrap();
    for name in ["first", "quick", "slow"] {
        std::fs::write(states.join(name).with_extension("sls"), inner(name)).unwrap();
    }
    let run: RunId = lab.run(&["orchestrate", "nested.outer", "--detach"]).unwrap().trim().parse().unwrap();
    let ended = |name: &'static str, all: usize| {
        lab.tail().wait(name, RUN_LIMIT, |e| run_ended(e).is_some()).unwrap();
        e2e::eventually("so many runs to end", || begun_and_ended(&lab.tail().events()).1.len() == all);
    };
    ended("the first two to end", 2);
    // Killed at once after that, and once more when the run was taken up.
    for _ in 0..times("LAB_KILLS", 2) {
        let killed_at = lab.tail().head();
        lab.kill_master().unwrap();
        lab.start_master().unwrap();
        let resumed = |e: &Event| matches!(e.fact(), Some(Fact::RunResumed(back)) if back.run == run);
        lab.tail().wait_after(killed_at, "the run to be taken up", LIMIT, resumed).unwrap();
    }
    assert_eq!(
        begun_and_ended(&lab.tail().events()).1.len(),
        2,
        "the slow one waits, and the outer one with it"
    );
    lab.run(&["event", "send", "my/word", "id=word"]).unwrap();
    let attached = lab.cli(&["orchestrate", "--resume", &run.to_string()]).unwrap();
    assert_eq!(attached.status.code(), Some(0), "{attached:?}");
    ended("all to end", 4);
    let events = lab.tail().events();
    let (mut begun, ended) = begun_and_ended(&events);
    begun.sort();
    assert_eq!(begun, ["nested.first", "nested.outer", "nested.quick", "nested.slow"], "each began once");
    assert_eq!(ended, ["nested.first", "nested.quick", "nested.slow", "nested.outer"], "each ended once");
    assert_each_job_once(&events);
    let left = lab.host(&CPLANE).run(["cat", "/root/nested"]).unwrap();
    assert_eq!(left, "first\nquick\nslow\n", "and left its name once");
    lab_ends_without_a_trace(lab);
}
