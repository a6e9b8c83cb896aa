//! Faults on the minions' side: an agent killed in the middle of a job, a partition during a reboot, a full disk; and a
//! remote operator, for whom nothing is different.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

mod e2e;

use std::time::Instant;

use e2e::{kubic, lab_ends_without_a_trace, sorted};
use lab_proto::facts::Fact;
use lab_proto::{EndState, Event};
use lab_tests::kubic::{CPLANE, EventExt, KubicLab, LIMIT, Node, WORKER, run_ended};
use lab_tests::nshost::{Cmd, Host, Signal};

/// A job that leaves a line when it begins and another when it ends, which is later than any test.
const LONG: &str = "echo began >> /root/witness; sleep 600; echo ended >> /root/witness";

fn eventually(what: &str, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !met() {
        assert!(Instant::now() < deadline, "{what} within {LIMIT:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn witness(host: &Host) -> String {
    host.exec(["cat", "/root/witness"]).unwrap().stdout
}

fn return_of(node: &Node) -> impl Fn(&Event) -> bool {
    move |event| matches!(event.fact(), Some(Fact::JobReturn(r)) if r.id.as_str() == node.id)
}

/// The master's log has every event of an outbox exactly once and in order, without a hole.
fn assert_dense(lab: &KubicLab, node: &Node) {
    let events = lab.tail().events();
    let of_node = events.iter().filter_map(|e| e.origin.minion()).filter(|m| m.id.as_str() == node.id);
    let counters: Vec<u64> = of_node.map(|m| m.counter).collect();
    assert_eq!(counters, (1..=counters.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_job_whose_agent_is_killed_is_interrupted_and_never_repeated() {
    let lab = kubic().start().unwrap();
    let host = lab.host(&WORKER);
    let before = lab.tail().head();
    lab.run(&["run", WORKER.id, "cmd.run", LONG, "--detach"]).unwrap();
    eventually("the job begins", || witness(&host) == "began\n");

    host.kill_service("lab-minion", Signal::SIGKILL).unwrap();

    let event = lab.tail().wait_after(before, "the return", LIMIT, return_of(&WORKER)).unwrap();
    let Some(Fact::JobReturn(back)) = event.fact() else { unreachable!("waited for a return") };
    assert_eq!((back.state, back.success), (EndState::Interrupted, false));
    // The agent is back and takes work; the job does not begin again.
    assert_eq!(lab.run(&["run", WORKER.id, "test.ping"]).unwrap(), format!("{}: true\n", WORKER.id));
    assert_eq!(witness(&host), "began\n");
    let shown = lab.run(&["job", "show", &back.jid.to_string()]).unwrap();
    assert!(shown.contains("interrupted"), "{shown}");
    assert_dense(&lab, &WORKER);
    lab_ends_without_a_trace(lab);
}

#[test]
fn an_agent_that_is_told_to_end_takes_the_commands_of_its_jobs_along() {
    const COMMAND: &str = "echo began >> /root/witness; exec sleep 613";
    let lab = kubic().start().unwrap();
    let host = lab.host(&WORKER);
    // By hand: a service's other processes end with it anyway.
    host.stop_service("lab-minion").unwrap();
    eventually("the service has ended", || host.service_pid("lab-minion").unwrap().is_none());
    let agent = host.spawn("agent by hand", ["lab-minion", "serve"]).unwrap();
    eventually("the agent answers", || lab.run(&["run", WORKER.id, "test.ping"]).is_ok());
    let job = lab.run(&["run", WORKER.id, "cmd.run", COMMAND, "--detach"]).unwrap();
    let works = || host.exec(["pgrep", "-fx", "sleep 613"]).unwrap().status.success();
    eventually("the command runs", works);

    assert_eq!(agent.end(Signal::SIGTERM).unwrap().code(), Some(0));

    assert!(!works(), "the command works on behind a job that counts as interrupted");
    let again = host.spawn("agent again", ["lab-minion", "serve"]).unwrap();
    let ended = || lab.run(&["job", "show", job.trim()]).is_ok_and(|shown| shown.contains("interrupted"));
    eventually("the job is known to be interrupted", ended);
    assert_eq!(witness(&host), "began\n");
    assert_eq!(again.end(Signal::SIGINT).unwrap().code(), Some(0));
    lab_ends_without_a_trace(lab);
}

#[test]
fn an_orchestration_says_that_its_job_was_interrupted_and_by_what() {
    let lab = kubic().start().unwrap();
    let sls = format!(
        "long_work:\n  salt.function:\n    - name: cmd.run\n    - tgt: '{}'\n    - arg:\n      - {LONG}\n\
         after_it:\n  salt.function:\n    - name: test.ping\n    - tgt: '*'\n    - require:\n      - salt: long_work\n",
        WORKER.id
    );
    std::fs::write(lab.dir().join("states/orch/long.sls"), sls).unwrap();
    let host = lab.host(&WORKER);
    let before = lab.tail().head();
    lab.run(&["orchestrate", "long", "--detach"]).unwrap();
    eventually("the job begins", || witness(&host) == "began\n");

    host.kill_service("lab-minion", Signal::SIGKILL).unwrap();

    let ended =
        lab.tail().wait_after(before, "the end of the run", LIMIT, |e| run_ended(e).is_some()).unwrap();
    let run = run_ended(&ended).unwrap().run.to_string();
    let shown = lab.run(&["runs", "show", &run]).unwrap();
    assert!(shown.contains("interrupted") && shown.contains("failed"), "{shown}");
    let explained = lab.run(&["runs", "explain", &run, "long_work"]).unwrap();
    assert!(explained.contains("interrupted"), "{explained}");
    assert_eq!(witness(&host), "began\n");
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_reboot_behind_a_partition_counts_when_the_host_is_heard_again() {
    let lab = kubic().start().unwrap();
    let host = lab.host(&WORKER);
    let before = lab.tail().head();
    host.hold_boot(true).unwrap();
    lab.run(&["orchestrate", "kubic", "--detach"]).unwrap();
    host.wait_down(LIMIT).unwrap();

    host.partition().unwrap();
    host.hold_boot(false).unwrap();
    host.wait_boots(2, LIMIT).unwrap();
    // The control plane is long back, and the run still waits for the one that cannot be heard.
    let met = |node: Node| move |e: &Event| matches!(e.fact(), Some(Fact::StepMet(m)) if m.id == node.id);
    lab.tail().wait_after(before, "the wait to see cplane", LIMIT, met(CPLANE)).unwrap();
    assert!(!lab.tail().events().iter().any(met(WORKER)));
    host.heal().unwrap();

    let ended =
        lab.tail().wait_after(before, "the end of the run", LIMIT, |e| run_ended(e).is_some()).unwrap();
    assert_eq!(run_ended(&ended).unwrap().outcome.exit_code(), 0, "{ended:?}");
    assert_dense(&lab, &WORKER);
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_full_disk_is_said_and_loses_no_event() {
    let lab = kubic().start().unwrap();
    let host = lab.host(&WORKER);
    // Larger than the slack of any file that is there already.
    let pad = format!("pad={}", "x".repeat(20_000));
    let send = |n: u32| {
        host.exec(Cmd::new(["lab-minion", "event", "send", "site/test", &format!("n={n}"), &pad])).unwrap()
    };
    assert!(send(1).status.success());
    host.fill_disk().unwrap();

    let refused = send(2);
    // A job is answered all the same, once there is room for its return.
    let job = lab.run(&["run", WORKER.id, "test.echo", &"y".repeat(20_000), "--detach"]).unwrap();
    host.free_disk().unwrap();
    let taken = send(3);

    assert!(!refused.status.success() && refused.stderr.contains("full"), "{refused:?}");
    assert!(taken.status.success(), "{taken:?}");
    let sent = |e: &Event| e.is("site/test").then(|| e.data.get("n").map(ToString::to_string)).flatten();
    lab.tail().wait("the third event", LIMIT, |e| sent(e).as_deref() == Some("3")).unwrap();
    let jid = job.trim().to_owned();
    lab.tail().wait("the job's end", LIMIT, |e| e.is(&format!("lab/job/{jid}/done"))).unwrap();
    let seen: Vec<String> = lab.tail().events().iter().filter_map(sent).collect();
    assert_eq!(seen, ["1", "3"], "what was taken is there, what was refused is not");
    assert_dense(&lab, &WORKER);
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_remote_operator_sees_and_does_what_the_local_one_does() {
    let lab = kubic().outside().start().unwrap();
    let identity = lab.dir().join("alice").display().to_string();
    lab.run(&["operator", "issue", "alice", "--out", &identity]).unwrap();
    let outside = lab.lab().outside().unwrap();
    let remote = |args: &[&str]| outside.run(lab.cmd_as(&identity, args)).unwrap();

    assert_eq!(remote(&["key", "list"]), lab.run(&["key", "list"]).unwrap());
    assert_eq!(
        sorted(&remote(&["run", "*", "test.ping"])),
        sorted(&lab.run(&["run", "*", "test.ping"]).unwrap())
    );
    remote(&["event", "send", "site/from/outside", "n=1"]);
    let event = lab.tail().wait("alice's event", LIMIT, |e| e.is("site/from/outside")).unwrap();
    assert!(format!("{:?}", event.origin).contains("alice"), "{:?}", event.origin);
    lab_ends_without_a_trace(lab);
}
