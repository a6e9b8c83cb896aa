//! The lab of the tests of network changes, and what they ask of it.

use std::time::{Duration, Instant};

use lab_proto::Event;
use lab_proto::facts::{Fact, NetCommitted, NetRolledBack};
use lab_tests::kubic::{EventExt, KubicLab, LIMIT, WORKER};
use lab_tests::nshost::{Cmd, Host, Service, Signal};

use super::e2e::kubic;

/// How long the hosts of these tests give a change.
const WITHIN: &str = "[net]\nwithin = \"5s\"\n";

/// Where the master is besides, for hosts that are to reach it by their gateway: see [`behind_the_gateway`].
const FAR: &str = "10.78.0.1";

pub(crate) fn lab() -> KubicLab {
    kubic().minion_env("LAB_FAULTS", "1").minion_settings(WITHIN).start().unwrap()
}

pub(crate) fn host(lab: &KubicLab) -> Host {
    lab.host(&WORKER)
}

pub(crate) fn write_sls(lab: &KubicLab, name: &str, text: &str) {
    std::fs::write(lab.dir().join(format!("states/{name}.sls")), text).unwrap();
}

/// Starts a job that applies an SLS, and does not wait for it.
pub(crate) fn start(lab: &KubicLab, sls: &str) {
    write_sls(lab, "nettest", sls);
    lab.run(&["apply", WORKER.id, "nettest", "--detach"]).unwrap();
}

/// Applies an SLS; returns whether it succeeded and what was said.
pub(crate) fn apply(lab: &KubicLab, sls: &str) -> (bool, String) {
    write_sls(lab, "nettest", sls);
    let output = lab.cli(&["apply", WORKER.id, "nettest"]).unwrap();
    (output.status.code() == Some(0), format!("{}{}", output.stdout, output.stderr))
}

/// What the kernel has, as far as a change could leave traces in it.
pub(crate) fn network(host: &Host) -> Vec<String> {
    let script = "ip -br link | sed 's/@[^ ]*//'; ip -br address | sed 's/@[^ ]*//; s/fe80[^ ]*//g'; ip route; ip rule";
    let text = host.run(Cmd::sh(script)).unwrap();
    let mut lines: Vec<String> =
        text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    lines.sort();
    lines
}

pub(crate) fn wait_fact<T>(lab: &KubicLab, after: u64, what: &str, pick: impl Fn(Fact) -> Option<T>) -> T {
    let of = |e: &Event| e.fact().and_then(&pick);
    let event = lab.tail().wait_after(after, what, LIMIT, |e| of(e).is_some()).unwrap();
    of(&event).unwrap()
}

pub(crate) fn rolled_back(lab: &KubicLab, after: u64) -> NetRolledBack {
    wait_fact(lab, after, "the change to be taken back", |f| match f {
        Fact::NetRolledBack(f) if f.id.as_str() == WORKER.id => Some(f),
        _ => None,
    })
}

pub(crate) fn committed(lab: &KubicLab, after: u64) -> NetCommitted {
    wait_fact(lab, after, "the change to be committed", |f| match f {
        Fact::NetCommitted(f) if f.id.as_str() == WORKER.id => Some(f),
        _ => None,
    })
}

pub(crate) fn eventually(what: &str, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !met() {
        assert!(Instant::now() < deadline, "{what} within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn fault(host: &Host, at: &str) {
    host.write("/run/lab-minion/net/fault", at).unwrap();
}

/// Lets a change run into a pause, and returns when it stands there.
pub(crate) fn held_at(lab: &KubicLab, sls: &str, at: &str) {
    let host = host(lab);
    fault(&host, &format!("pause:{at}"));
    start(lab, sls);
    eventually("the change to stand still", || {
        host.exec(["test", "-e", "/run/lab-minion/net/fault.held"]).unwrap().status.success()
    });
}

pub(crate) fn go_on(host: &Host) {
    host.run(["rm", "-f", "/run/lab-minion/net/fault"]).unwrap();
}

pub(crate) fn assert_reachable(lab: &KubicLab) {
    assert_eq!(lab.run(&["run", WORKER.id, "test.ping"]).unwrap(), format!("{}: true\n", WORKER.id));
}

/// Gives a host a second card whose cable ends in nothing that answers.
pub(crate) fn other_card(host: &Host) {
    let script =
        "ip link add eth1 type veth peer name nowhere && ip link set nowhere up && ip link set eth1 up";
    host.run(Cmd::sh(script)).unwrap();
    eventually("the other card to carry", || {
        host.run(["ip", "link", "show", "eth1"]).unwrap().contains("LOWER_UP")
    });
}

pub(crate) fn agent() -> Service {
    Service::new("lab-minion", ["lab-minion", "serve"]).env("LAB_FAULTS", "1")
}

/// Lets a host reach its master by its gateway and by nothing else.
pub(crate) fn behind_the_gateway(lab: &KubicLab) {
    let host = host(lab);
    lab.lab().master().run(["ip", "address", "add", &format!("{FAR}/32"), "dev", "lo"]).unwrap();
    let config = host.read("/etc/lab/minion.toml").unwrap();
    host.write("/etc/lab/minion.toml", &config.replace("10.77.0.1\"", &format!("{FAR}\""))).unwrap();
    let position = lab.tail().head();
    // It is started anew, and reads where the master is.
    host.kill_service("lab-minion", Signal::SIGKILL).unwrap();
    let connected = format!("lab/minion/{}/connected", WORKER.id);
    lab.tail().wait_after(position, "the worker by its gateway", LIMIT, |e| e.is(&connected)).unwrap();
}

/// The master never took the host for lost: whatever happened, happened within what it was told to expect.
pub(crate) fn assert_never_lost(lab: &KubicLab) {
    let lost = format!("lab/minion/{}/lost", WORKER.id);
    assert!(!lab.tail().events().iter().any(|e| e.is(&lost)), "the worker was taken for lost");
}

pub(crate) fn verdicts(lab: &KubicLab) -> (usize, usize) {
    let events = lab.tail().events();
    let count = |what: &str| events.iter().filter(|e| e.is(&format!("lab/net/{}/{what}", WORKER.id))).count();
    (count("pending"), count("committed") + count("rolled-back"))
}
