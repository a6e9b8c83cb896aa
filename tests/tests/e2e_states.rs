//! The example's states on a real host: what a dry run promises, what a run does, what a second run leaves alone.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

mod e2e;

use std::collections::BTreeSet;

use e2e::{kubic, lab_ends_without_a_trace};
use lab_proto::facts::Fact;
use lab_proto::{JobReturn, Value};
use lab_tests::kubic::{CPLANE, EventExt, KubicLab, LIMIT, Node, WORKER, parse_line};

/// Applies an SLS to one node and returns what came back.
fn apply(lab: &KubicLab, node: &Node, sls: &str, options: &[&str]) -> JobReturn {
    let output = lab.cli(&[&["--json", "apply", node.id, sls], options].concat()).unwrap();
    let facts = output.stdout.lines().map(|l| parse_line(l).unwrap().fact());
    let mut returns = facts.filter_map(|f| if let Some(Fact::JobReturn(r)) = f { Some(r) } else { None });
    returns.next().unwrap_or_else(|| panic!("no return: {output:?}"))
}

/// The names, as `file.managed /etc/motd`, of the states that are picked by outcome and by whether they changed anything.
fn named(back: &JobReturn, pick: impl Fn(&str, bool) -> bool) -> BTreeSet<String> {
    let Value::Map(rows) = &back.value else { panic!("no state rows: {}", back.value) };
    let outcome = |row: &Value| row.get("outcome").map(ToString::to_string).unwrap_or_default();
    rows.iter()
        .filter(|(_, row)| pick(&outcome(row), row.get("changes").is_some_and(Value::truthy)))
        .map(|(key, _)| match key.to_string().split("_|-").collect::<Vec<_>>()[..] {
            [module, _, name, function] => format!("{module}.{function} {name}"),
            _ => panic!("{key} is no state's key"),
        })
        .collect()
}

#[test]
fn a_dry_run_of_the_node_names_what_the_run_then_does_and_the_second_run_does_nothing() {
    let lab = kubic().start().unwrap();
    let before = lab.tail().head();

    let dry = apply(&lab, &WORKER, "kubic.node", &["--test"]);
    assert!(lab.host(&WORKER).exec(["test", "-e", "/etc/kubic"]).unwrap().status.code() != Some(0));
    let real = apply(&lab, &WORKER, "kubic.node", &[]);
    // The last of its states reboots the host, once the return is safe.
    lab.tail()
        .wait_after(before, "the worker's reboot", LIMIT, |e| {
            e.is(&format!("lab/minion/{}/reboot", WORKER.id))
        })
        .unwrap();
    lab.host(&WORKER).wait_boots(2, LIMIT).unwrap();
    lab.tail()
        .wait_after(before, "the worker to be ready again", LIMIT, |e| {
            e.is(&format!("lab/minion/{}/ready", WORKER.id))
        })
        .unwrap();
    let second = apply(&lab, &WORKER, "kubic.node", &[]);

    assert!(dry.success && real.success && second.success, "{dry:?}\n{real:?}\n{second:?}");
    let would = named(&dry, |outcome, _| outcome == "would_change");
    let did = named(&real, |_, changed| changed);
    assert_eq!(would, did, "the dry run names exactly what the run changes");
    assert!(
        did.contains("bridge.present br0") && did.contains("file.managed /etc/kubic/installed"),
        "{did:?}"
    );
    assert_eq!(named(&second, |_, _| true), BTreeSet::new(), "an installed node has nothing to do");
    lab_ends_without_a_trace(lab);
}

#[test]
fn the_management_address_moves_to_the_bridge_without_a_new_connection() {
    let lab = kubic().start().unwrap();
    let links = |what: &str| {
        let tag = format!("lab/minion/{}/{what}", CPLANE.id);
        lab.tail().events().iter().filter(|e| e.is(&tag)).count()
    };
    assert_eq!(links("connected"), 1);

    let first = apply(&lab, &CPLANE, "kubic.network", &[]);
    let said = lab.run(&["run", CPLANE.id, "test.ping"]).unwrap();
    let second = apply(&lab, &CPLANE, "kubic.network", &[]);

    assert!(first.success && named(&first, |_, changed| changed).contains("bridge.present br0"), "{first:?}");
    assert_eq!(said, format!("{}: true\n", CPLANE.id));
    assert_eq!(named(&second, |_, changed| changed), BTreeSet::new());
    let addresses = lab.host(&CPLANE).run(["ip", "-4", "-brief", "address"]).unwrap();
    let line = |link: &str| addresses.lines().find(|l| l.starts_with(link)).unwrap_or_default().to_owned();
    assert!(line("br0").contains("10.77.0.11/24") && !line("eth0").contains("10.77"), "{addresses}");
    assert_eq!(links("connected"), 1, "the link that was there before is the one that is there now");
    assert_eq!(links("disconnected") + links("lost"), 0);
    lab_ends_without_a_trace(lab);
}

#[test]
fn the_master_shows_which_sls_a_minion_would_run() {
    let lab = kubic().start().unwrap();
    // This lab has no top file: said so, with what to do.
    let top = lab.cli(&["show", WORKER.id, "--top"]).unwrap();
    let parts = lab.run(&["--json", "show", WORKER.id, "kubic.node", "--sls"]).unwrap();
    assert_eq!(top.status.code(), Some(13), "{top:?}");
    assert!(top.stdout.contains("write a top.sls"), "{top:?}");
    assert!(parts.contains("kubic.node"), "{parts}");
    let refused = lab.cli(&["show", WORKER.id, "kubic.nodes", "--sls"]).unwrap();
    assert_ne!(refused.status.code(), Some(0), "{refused:?}");
    lab_ends_without_a_trace(lab);
}
