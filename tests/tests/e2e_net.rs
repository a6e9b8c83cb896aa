//! Network changes that cannot cut a host off, end to end: every fault is healed without a hand on the host, the host can be
//! reached again, and the log says what happened. `LAB_NET_ROUNDS=100` draws faults at random.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests; rounds are printed")]

mod e2e;
#[path = "e2e_net/ground.rs"]
mod ground;

use e2e::{Random, kubic, lab_ends_without_a_trace, times};
use ground::*;
use lab_proto::Event;
use lab_proto::facts::{DriftAction, Fact, LinkChange, NetRolledBack, RolledBackBy};
use lab_tests::kubic::{CPLANE, EventExt, KubicLab, LIMIT, WORKER};

/// The move of the management address to a bridge: what the guides walk over to the machine for.
const MOVE: &str = "br0:\n  bridge.present:\n    - ports: [eth0]\n    - take_over: eth0\n    - stp: True\n    - forward_delay: 4\n";
/// The master's own address on the host: everything for the master stays at home.
const CLASH: &str = "br1:\n  bridge.present:\n    - addresses: [10.77.0.1/24]\n";
/// An address of another machine that nobody on the host has heard of, on its card and on a bridge that takes the card over.
const SILENT: [&str; 2] = [
    "10.77.0.66/24:\n  address.present:\n    - link: eth0\n",
    "br0:\n  bridge.present:\n    - ports: [eth0]\n    - take_over: eth0\n    - addresses: [10.77.0.66/24]\n",
];
/// A network that is not there, closer than the one where the master is.
const CLOSER: &str = "br1:\n  bridge.present:\n    - addresses: [10.77.0.2/30]\n";
/// The address on a bridge of the other card, which leads nowhere: see [`other_card`].
const WRONG_PORT: &str = "br0:\n  bridge.present:\n    - ports: [eth1]\n    - addresses: [10.77.0.12/24]\n\
                          10.77.0.12/24:\n  address.absent:\n    - link: eth0\n";
/// A gateway that nobody is.
const WRONG_GATEWAY: &str = "default:\n  route.present:\n    - via: 10.77.0.99\n";

#[test]
fn a_good_change_is_committed_written_down_and_can_be_taken_back_by_one_word() {
    let lab = lab();
    let host = host(&lab);
    let before = network(&host);
    let position = lab.tail().head();

    let (ok, said) = apply(&lab, MOVE);
    assert!(ok, "{said}");
    let by = wait_fact(&lab, position, "the announcement", |f| {
        if let Fact::NetPending(f) = f { Some(f.confirm) } else { None }
    });
    assert_eq!(by, "master");
    let fact = committed(&lab, position);
    assert!(fact.steps.iter().any(|s| s.contains("eth0: port of br0")), "{fact:?}");
    assert!(
        network(&host).iter().any(|l| l.starts_with("br0 UP") && l.contains("10.77.0.12")),
        "{:?}",
        network(&host)
    );
    assert_reachable(&lab);
    let (ok, said) = apply(&lab, MOVE);
    assert!(ok, "{said}");
    assert_eq!(verdicts(&lab), (1, 1), "a second run changes nothing");
    let history = lab.run(&["net", "history", WORKER.id]).unwrap();
    assert!(history.contains("committed") && history.contains(&fact.change), "{history}");
    assert_eq!(lab.run(&["net", "pending"]).unwrap().lines().count(), 1, "only the head of the table");

    let position = lab.tail().head();
    let said = lab.run(&["net", "rollback", WORKER.id]).unwrap();
    assert!(said.contains(&fact.change), "{said}");
    assert_eq!(committed(&lab, position).reverts, Some(fact.change));
    assert_eq!(network(&host), before);
    assert_reachable(&lab);
    assert_never_lost(&lab);
    lab_ends_without_a_trace(lab);
}

#[test]
fn parameters_of_the_network_are_written_down_for_the_next_boot_and_taken_back_with_their_change() {
    let lab = lab();
    let host = host(&lab);
    let forwards = || host.read("/proc/sys/net/ipv4/ip_forward").unwrap().trim().to_owned();
    let file = || host.exec(["cat", "/etc/sysctl.d/90-lab-net.conf"]).unwrap().stdout;
    assert_eq!((forwards(), file()), ("0".to_owned(), String::new()));
    let (ok, said) = apply(&lab, "lab:\n  net.config:\n    - sysctl: {net.ipv4.ip_forward: 1}\n");
    assert!(ok, "{said}");
    assert_eq!(forwards(), "1");
    assert!(file().ends_with("\nnet.ipv4.ip_forward = 1\n"), "{}", file());
    lab.run(&["net", "rollback", WORKER.id]).unwrap();
    assert_eq!((forwards(), file()), ("0".to_owned(), String::new()));
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_change_that_cuts_the_host_off_is_taken_back_by_the_host() {
    let lab = lab();
    let host = host(&lab);
    other_card(&host);
    for (what, sls) in
        [("closer network", CLOSER), ("wrong port", WRONG_PORT), ("wrong port again", WRONG_PORT)]
    {
        let (before, position) = (network(&host), lab.tail().head());
        start(&lab, sls);
        let fact = rolled_back(&lab, position);
        assert_eq!(fact.by, RolledBackBy::Agent, "{what}: {fact:?}");
        assert!(fact.reason.contains("could not be reached in time"), "{what}: {fact:?}");
        assert_eq!((fact.reachable, fact.left.as_slice()), (Some(true), [].as_slice()), "{what}: {fact:?}");
        assert_eq!(network(&host), before, "{what}");
        assert_reachable(&lab);
    }
    assert_never_lost(&lab);
    let history = lab.run(&["net", "history", WORKER.id]).unwrap();
    assert_eq!(history.matches("rolled-back").count(), 3, "{history}");
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_wrong_gateway_is_taken_back_by_the_host_whose_master_is_behind_it() {
    let lab = lab();
    let host = host(&lab);
    behind_the_gateway(&lab);
    let (before, position) = (network(&host), lab.tail().head());
    start(&lab, WRONG_GATEWAY);
    let fact = rolled_back(&lab, position);
    assert_eq!(fact.by, RolledBackBy::Agent, "{fact:?}");
    assert!(fact.reason.contains("could not be reached in time"), "{fact:?}");
    assert_eq!((fact.reachable, fact.left.as_slice()), (Some(true), [].as_slice()), "{fact:?}");
    assert_eq!(network(&host), before);
    assert!(before.iter().any(|l| l.starts_with("default via 10.77.0.1 ")), "{before:?}");
    assert_reachable(&lab);
    assert_never_lost(&lab);
    lab_ends_without_a_trace(lab);
}

#[test]
fn an_address_that_a_neighbour_has_is_refused_before_anything_is_done() {
    let lab = lab();
    let before = network(&host(&lab));
    let (ok, said) = apply(&lab, CLASH);
    assert!(!ok && said.contains("10.77.0.1/24 is in use by another machine"), "{said}");
    assert_eq!(network(&host(&lab)), before);
    assert_eq!(verdicts(&lab), (0, 0), "it never became a change");
    lab_ends_without_a_trace(lab);
}

#[test]
fn an_address_whose_owner_was_silent_until_now_is_refused_before_anything_is_done() {
    let lab = lab();
    let host = host(&lab);
    let address = |what: &str| {
        lab.lab().master().run(["ip", "address", what, "10.77.0.66/24", "dev", "eth0"]).unwrap();
    };
    address("add");
    let before = network(&host);
    for sls in SILENT {
        assert_eq!(host.run(["ip", "neighbour", "show", "10.77.0.66"]).unwrap(), "", "it was not heard of");
        let (ok, said) = apply(&lab, sls);
        assert!(!ok && said.contains("10.77.0.66/24 is in use by another machine"), "{said}");
        assert!(said.contains("nettest.sls:"), "it says where: {said}");
        assert_eq!(network(&host), before);
    }
    assert_eq!(verdicts(&lab), (0, 0), "it never became a change");
    address("del");
    let (ok, said) = apply(&lab, SILENT[0]);
    assert!(ok, "nobody has it any more: {said}");
    assert_reachable(&lab);
    lab_ends_without_a_trace(lab);
}

#[test]
fn without_a_way_to_the_master_nothing_is_touched() {
    let lab = lab();
    let host = host(&lab);
    let before = network(&host);
    let position = lab.tail().head();
    let wait =
        "wait:\n  cmd.run:\n    - name: touch /root/began; until [ -e /root/go ]; do sleep 0.05; done\n";
    let ended = || {
        std::fs::read_to_string(host.log_dir().join("lab-minion.log")).unwrap().matches("job ended").count()
    };
    start(&lab, &format!("{wait}{MOVE}    - require:\n      - cmd: wait\n"));
    eventually("the run to begin", || host.exec(["test", "-e", "/root/began"]).unwrap().status.success());
    host.partition().unwrap();
    host.write("/root/go", "").unwrap();
    eventually("the run to end", || ended() > 0);
    assert_eq!(network(&host), before);
    host.heal().unwrap();
    let reason = wait_fact(&lab, position, "the refusal", |f| {
        if let Fact::NetRefused(f) = f { Some(f.reason) } else { None }
    });
    assert!(reason.contains("nothing was changed") && reason.contains("confirm: none"), "{reason}");
    assert_eq!(verdicts(&lab), (0, 0));
    assert_reachable(&lab);
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_change_whose_master_dies_meanwhile_is_taken_back_and_told_when_there_is_one_again() {
    let lab = lab();
    let host = host(&lab);
    let before = network(&host);
    let position = lab.tail().head();
    held_at(&lab, MOVE, "verify");
    lab.kill_master().unwrap();
    go_on(&host);
    eventually("the change to be taken back", || network(&host) == before);
    lab.start_master().unwrap();
    assert_eq!(rolled_back(&lab, position).by, RolledBackBy::Agent);
    assert_reachable(&lab);
    lab_ends_without_a_trace(lab);
}

#[test]
fn an_agent_killed_at_any_point_leaves_the_old_network_or_the_new_one_and_says_which() {
    let lab = lab();
    let host = host(&lab);
    let before = network(&host);
    let mut points: Vec<String> =
        ["arm", "verify", "probe", "persist-journal", "persist", "hand-over", "commit", "archived"]
            .map(str::to_owned)
            .to_vec();
    // The move has seven steps and one for each neighbour; a point behind the last one is never reached.
    points.splice(1..1, (0..11).map(|n| format!("step:{n}")));
    let mut killed_at_steps = 0;
    for point in points {
        let position = lab.tail().head();
        fault(&host, &point);
        start(&lab, MOVE);
        match verdict(&lab, position) {
            Verdict::RolledBack(fact) => {
                assert_eq!(fact.by, RolledBackBy::Recovery, "{point}: {fact:?}");
                assert_eq!(fact.left, Vec::<String>::new(), "{point}");
                killed_at_steps += u8::from(point.starts_with("step:"));
            }
            Verdict::Committed => {
                assert!(point == "archived" || point.starts_with("step:"), "{point}");
                assert_reachable(&lab);
                go_on(&host);
                lab.run(&["net", "rollback", WORKER.id]).unwrap();
            }
        }
        assert_eq!(network(&host), before, "killed after {point}");
        assert_reachable(&lab);
    }
    assert!(killed_at_steps >= 7, "only {killed_at_steps} steps were cut");
    assert_never_lost(&lab);
    lab_ends_without_a_trace(lab);
}

enum Verdict {
    Committed,
    RolledBack(NetRolledBack),
}

fn verdict(lab: &KubicLab, after: u64) -> Verdict {
    wait_fact(lab, after, "a verdict", |f| match f {
        Fact::NetCommitted(_) => Some(Verdict::Committed),
        Fact::NetRolledBack(f) => Some(Verdict::RolledBack(f)),
        _ => None,
    })
}

#[test]
fn with_the_agent_gone_its_guard_takes_the_change_back_and_with_both_gone_the_next_agent() {
    let lab = lab();
    let host = host(&lab);
    let before = network(&host);

    let position = lab.tail().head();
    held_at(&lab, MOVE, "verify");
    host.stop_service("lab-minion").unwrap();
    eventually("the guard to take it back", || network(&host) == before);
    go_on(&host);
    host.add_service(agent()).unwrap();
    let fact = rolled_back(&lab, position);
    assert_eq!((fact.by, fact.reachable), (RolledBackBy::Guard, Some(true)), "{fact:?}");
    assert_reachable(&lab);

    for point in ["step:3+guard", "verify+guard", "persist+guard"] {
        let position = lab.tail().head();
        fault(&host, point);
        start(&lab, MOVE);
        assert_eq!(rolled_back(&lab, position).by, RolledBackBy::Recovery, "{point}");
        assert_eq!(network(&host), before, "{point}");
        assert_reachable(&lab);
    }
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_bridge_that_listens_for_half_a_minute_is_waited_for_and_the_host_is_not_lost() {
    let lab = lab();
    let host = host(&lab);
    // The bridge is there first, with its protocol on: a port of it must listen and learn.
    let (ok, said) = apply(&lab, "br0:\n  bridge.present:\n    - stp: True\n    - forward_delay: 15\n");
    assert!(ok, "{said}");
    let position = lab.tail().head();
    start(
        &lab,
        "br0:\n  bridge.present:\n    - ports: [eth0]\n    - take_over: eth0\n    - stp: True\n    - forward_delay: 15\n",
    );
    let change = committed(&lab, position);
    assert!(change.duration_micros > 25_000_000, "{change:?}");
    assert_reachable(&lab);
    assert!(network(&host).iter().any(|l| l.starts_with("br0 UP") && l.contains("10.77.0.12")));
    assert_never_lost(&lab);
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_power_cut_leaves_what_was_committed_and_the_files_of_before_otherwise() {
    let lab = lab();
    let host = host(&lab);
    // Before the agent, as packaging/lab-net-restore.service does it.
    host.write("/etc/rc.local", "#!/bin/sh\n/opt/lab/bin/lab-minion net-restore\n").unwrap();
    host.run(["chmod", "755", "/etc/rc.local"]).unwrap();
    let netplan = "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [10.77.0.12/24]\n";
    host.write("/etc/netplan/50-cloud-init.yaml", netplan).unwrap();
    let read =
        || host.exec(["cat", "/etc/netplan/50-cloud-init.yaml", "/etc/netplan/90-lab.yaml"]).unwrap().stdout;

    for (point, by_boot) in [("verify", false), ("persist", true)] {
        let position = lab.tail().head();
        held_at(&lab, MOVE, point);
        host.cut_power().unwrap();
        host.boot().unwrap();
        if by_boot {
            assert_eq!(rolled_back(&lab, position).by, RolledBackBy::Boot);
        }
        lab.tail()
            .wait_after(position, "the worker to be ready", LIMIT, |e| {
                e.is(&format!("lab/minion/{}/ready", WORKER.id))
            })
            .unwrap();
        assert_eq!(read(), netplan, "cut at {point}");
        assert_reachable(&lab);
    }
    let position = lab.tail().head();
    let (ok, said) = apply(&lab, MOVE);
    assert!(ok, "{said}");
    assert_eq!(committed(&lab, position).reverts, None);
    host.cut_power().unwrap();
    host.boot().unwrap();
    assert!(read().contains("br0") && read().contains("#lab#"), "{}", read());
    lab_ends_without_a_trace(lab);
}

#[test]
fn what_others_change_is_told_with_the_steps_that_heal_it_and_late_bridges_are_told_too() {
    let lab = lab();
    let host = host(&lab);
    let (ok, said) = apply(&lab, "br7:\n  bridge.present:\n    - addresses: [10.99.7.1/24]\n");
    assert!(ok, "{said}");
    let drift = |after: u64, action: DriftAction| {
        wait_fact(&lab, after, "the drift", |f| match f {
            Fact::NetDrift(f) if f.action == action => Some(f.healing),
            _ => None,
        })
    };
    let position = lab.tail().head();
    host.run(["ip", "address", "del", "10.99.7.1/24", "dev", "br7"]).unwrap();
    assert_eq!(drift(position, DriftAction::Reported), ["br7: add address 10.99.7.1/24"]);
    host.run(["ip", "address", "add", "10.99.7.1/24", "dev", "br7"]).unwrap();
    assert_eq!(drift(position, DriftAction::Gone), Vec::<String>::new());

    let position = lab.tail().head();
    host.run(["ip", "link", "add", "brq-late", "type", "bridge"]).unwrap();
    let link =
        wait_fact(
            &lab,
            position,
            "the late bridge",
            |f| if let Fact::NetLink(f) = f { Some(f) } else { None },
        );
    assert_eq!(
        (link.name.as_str(), link.what, link.kind.as_str()),
        ("brq-late", LinkChange::Appeared, "bridge")
    );
    let changes =
        lab.tail().events().iter().filter(|e| e.is(&format!("lab/net/{}/link/br7", WORKER.id))).count();
    assert_eq!(changes, 0, "our own links are told by their changes");
    lab_ends_without_a_trace(lab);
}

#[test]
fn what_others_change_is_healed_as_a_guarded_change_where_that_is_wished() {
    let lab = kubic().minion_settings("[net]\nwithin = \"5s\"\nheal = \"guarded\"\n").start().unwrap();
    let host = host(&lab);
    let (ok, said) = apply(&lab, "br7:\n  bridge.present:\n    - addresses: [10.99.7.1/24]\n");
    assert!(ok, "{said}");
    let there = network(&host);
    let position = lab.tail().head();
    host.run(["ip", "address", "del", "10.99.7.1/24", "dev", "br7"]).unwrap();
    // The way back is a change like any other: announced, confirmed by the master, written down.
    let change = committed(&lab, position);
    assert_eq!(change.steps, ["br7: add address 10.99.7.1/24"]);
    let told =
        wait_fact(&lab, position, "the drift", |f| if let Fact::NetDrift(f) = f { Some(f) } else { None });
    assert_eq!((told.action, told.healing), (DriftAction::Healed, change.steps));
    assert_eq!(network(&host), there);
    assert_eq!(verdicts(&lab), (2, 2));
    // Whoever changes it again at once is told of, and not fought.
    let position = lab.tail().head();
    host.run(["ip", "address", "del", "10.99.7.1/24", "dev", "br7"]).unwrap();
    let told =
        wait_fact(&lab, position, "the drift", |f| if let Fact::NetDrift(f) = f { Some(f) } else { None });
    assert_eq!(told.action, DriftAction::Reported);
    assert!(told.reason.is_some_and(|r| r.contains("a moment ago")));
    lab_ends_without_a_trace(lab);
}

#[test]
fn random_faults_leave_the_old_network_or_the_new_one() {
    let rounds = times("LAB_NET_ROUNDS", 4);
    let mut random = Random::from_environment();
    let lab = lab();
    let host = host(&lab);
    other_card(&host);
    let before = network(&host);
    let points = [
        "arm",
        "step:0",
        "step:1",
        "step:2",
        "step:3",
        "step:4",
        "step:5",
        "step:6",
        "verify",
        "probe",
        "persist",
        "hand-over",
        "commit",
        "archived",
        "none",
    ];
    for round in 1..=rounds {
        // As many good ones as bad ones.
        let sls = [MOVE, MOVE, WRONG_PORT, CLOSER][usize::try_from(random.below(4)).unwrap()];
        let point = points[usize::try_from(random.below(points.len() as u64)).unwrap()];
        let guard = if random.below(2) == 0 { "+guard" } else { "" };
        println!("round {round}: {point}{guard}: {}", sls.lines().collect::<String>());
        let position = lab.tail().head();
        fault(&host, &format!("{point}{guard}"));
        start(&lab, sls);
        let kept = matches!(verdict(&lab, position), Verdict::Committed);
        assert_reachable(&lab);
        go_on(&host);
        if kept {
            assert_eq!(sls, MOVE, "only that one is good");
            lab.run(&["net", "rollback", WORKER.id]).unwrap();
        }
        assert_eq!(network(&host), before, "round {round}");
    }
    let (pending, decided) = verdicts(&lab);
    assert_eq!(pending, decided, "every change that began has one end");
    assert_never_lost(&lab);
    lab_ends_without_a_trace(lab);
}

const WAVE: &str = "networks:\n  salt.state:\n    - tgt: '*'\n    - sls: nettest\n    - batch: 1\n    - fail: 1\n\
                    addresses:\n  salt.function:\n    - name: mine.send\n    - tgt: '*'\n    - arg: [network.ip_addrs]\n    - require: [{salt: networks}]\n\
                    all reach all:\n  salt.function:\n    - name: net.matrix\n    - tgt: '*'\n    - kwarg: {peers: '*', planes: [10.77.0.0/24]}\n    \
                    - require: [{salt: addresses}]\n";

#[test]
fn a_wave_moves_host_after_host_and_its_gate_shows_that_all_reach_all() {
    let lab = lab();
    write_sls(&lab, "nettest", MOVE);
    std::fs::write(lab.dir().join("states/orch/wave.sls"), WAVE).unwrap();
    for round in 1..=2 {
        let said = lab.run(&["orchestrate", "wave"]).unwrap();
        assert!(said.contains("all_reach_all"), "{said}");
        let events = lab.tail().events();
        for node in [CPLANE, WORKER] {
            let count = |what: &str| events.iter().filter(|e| e.is(&format!("lab/{what}"))).count();
            assert_eq!(
                count(&format!("net/{}/committed", node.id)),
                1,
                "round {round}: a second run changes nothing"
            );
            assert_eq!(count(&format!("minion/{}/connected", node.id)), 1, "{} keeps its session", node.host);
            assert_eq!(count(&format!("minion/{}/lost", node.id)), 0);
        }
        let at = |node: &str, what: &str| events.iter().position(|e| e.is(&format!("lab/net/{node}/{what}")));
        let (mut first, mut second) = ((CPLANE.id, WORKER.id), (WORKER.id, CPLANE.id));
        if at(first.0, "pending") > at(first.1, "pending") {
            std::mem::swap(&mut first, &mut second);
        }
        assert!(at(first.0, "committed") < at(first.1, "pending"), "one at a time");
    }
    // What does not work is named by pair and network.
    lab.host(&CPLANE).isolate().unwrap();
    let output = lab.cli(&["run", WORKER.id, "net.matrix", "*"]).unwrap();
    let named = format!("{} -> {} (10.77.0.11) on 10.77.0.0/24: no answer", WORKER.id, CPLANE.id);
    assert_eq!(output.status.code(), Some(10));
    assert!(format!("{}{}", output.stdout, output.stderr).contains(&named), "{named}: {output:?}");
    lab.host(&CPLANE).heal().unwrap();
    lab_ends_without_a_trace(lab);
}

#[test]
fn a_wave_stops_at_the_first_host_that_takes_its_change_back() {
    let lab = lab();
    write_sls(&lab, "nettest", CLOSER);
    std::fs::write(lab.dir().join("states/orch/wave.sls"), WAVE).unwrap();
    let output = lab.cli(&["orchestrate", "wave"]).unwrap();
    assert_eq!(output.status.code(), Some(10), "{output:?}");
    let all = format!("{}{}", output.stdout, output.stderr);
    assert!(all.contains("was not tried"), "{all}");
    let pending = |e: &&Event| matches!(e.fact(), Some(Fact::NetPending(_)));
    assert_eq!(lab.tail().events().iter().filter(pending).count(), 1, "only one host was touched");
    lab_ends_without_a_trace(lab);
}
