//! The documentation's example of every state function, applied on a namespaced host: the laws of its class hold there, too.
//!
//! tests/not-namespaced.txt lists, with reasons, what needs more than such a host is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lab_states::function::{Class, StateFunction};
use lab_states::functions::builtin;
use lab_tests::kubic::binaries;
use lab_tests::nshost::{Cmd, Host, HostSpec, Lab};
use serde_json::Value;

const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");
const LEFT_OUT: &str = include_str!("../not-namespaced.txt");

/// What the examples find on their machine.
const FILES: [(&str, &str); 7] = [
    ("/etc/hosts", "127.0.0.1 localhost\n10.0.0.3 old-node\n"),
    ("/etc/issue", "Welcome\n"),
    ("/etc/application.conf", "a = 1\n"),
    ("/etc/default/placeholder", "\n"),
    ("/srv/placeholder", "\n"),
    ("/srv/lab-states/setup.sh", "#!/bin/sh\n"),
    ("/srv/lab-states/tree/a.txt", "a\n"),
];

/// Functions (or whole modules) with the reason why they are left out.
fn left_out() -> BTreeMap<&'static str, &'static str> {
    let entry = |line: &'static str| line.split_once(' ').expect("a name, a blank and a reason");
    LEFT_OUT.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(entry).collect()
}

/// How the last state of a run ended.
#[derive(Debug)]
struct Row {
    result: String,
    changed: bool,
    #[expect(dead_code, reason = "printed when a law is broken")]
    comment: String,
    keys: BTreeSet<String>,
}

fn apply(host: &Host, name: &str, test: bool) -> Row {
    let mut words = vec!["lab-minion", "apply", "--local", "--states", "/srv/lab-states", "--output", "json"];
    if test {
        words.push("--test");
    }
    let sls = format!("examples.{}", name.replace('.', "_"));
    words.push(&sls);
    let output = host.exec(Cmd::new(words)).expect("the host runs it");
    let run: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{name}: {e}: {output:?}"));
    let row = run["results"].as_array().and_then(|rows| rows.iter().rfind(|r| r["state"] == name));
    let row = row.unwrap_or_else(|| panic!("{name} has no row: {run}"));
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Row {
        result: text("result"),
        changed: row["changed"] == true,
        comment: text("comment"),
        keys: row["changes"].as_object().map(|m| m.keys().cloned().collect()).unwrap_or_default(),
    }
}

/// All that a host's files are: names, sizes, times.
fn files(host: &Host) -> BTreeMap<String, String> {
    let list = "find /etc /srv /root /usr/local /opt /tmp /var -xdev -not -path '/var/log/*' -printf '%p\\t%y %s %m %T@ %l\\n' 2>/dev/null; true";
    let said = host.exec(Cmd::sh(list)).expect("the host runs it").stdout;
    said.lines().filter_map(|l| l.split_once('\t')).map(|(p, s)| (p.to_owned(), s.to_owned())).collect()
}

/// Tries one function; returns what breaks its laws.
fn laws(host: &Host, function: &dyn StateFunction) -> Vec<String> {
    let name = function.name();
    let mut broken = Vec::new();
    let mut hold = |ok: bool, law: &str, row: &Row| {
        if !ok {
            broken.push(format!("{name}: {law}: {row:?}"));
        }
    };
    let before = files(host);
    let dry = apply(host, name, true);
    let after = files(host);
    hold(before == after, &format!("a dry run wrote {:?}", difference(&before, &after)), &dry);
    let first = apply(host, name, false);
    match function.class() {
        Class::Declarative => {
            hold(matches!(first.result.as_str(), "ok" | "changed"), "the example does not apply", &first);
            let said = if first.changed { "would-change" } else { "ok" };
            hold(dry.result == said, "the dry run says something else than the run does", &dry);
            let second = apply(host, name, false);
            hold(second.result == "ok" && !second.changed, "it changes again the second time", &second);
            hold(dry.keys == first.keys || !first.changed, "it changed other things than it said", &first);
        }
        Class::Action => {
            let fails = name.starts_with("test.fail");
            hold(fails == (first.result == "failed"), "the example does not apply", &first);
        }
        Class::Probe => {
            let last = files(host);
            hold(first.result == "ok" && !first.changed, "a probe changed something", &first);
            hold(last == after, &format!("a probe wrote {:?}", difference(&after, &last)), &first);
        }
    }
    broken
}

fn difference(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    a.keys().chain(b.keys()).filter(|k| a.get(*k) != b.get(*k)).cloned().collect()
}

#[test]
fn the_example_of_every_function_that_can_run_in_a_namespaced_host_keeps_the_laws_of_its_class() {
    let registry = builtin();
    let left_out = left_out();
    let known =
        |name: &str| registry.states().any(|f| f.name() == name || f.name().starts_with(&format!("{name}.")));
    let stale: Vec<&&str> = left_out.keys().filter(|name| !known(name)).collect();
    assert!(stale.is_empty(), "tests/not-namespaced.txt names what there is not: {stale:?}");

    let spec = HostSpec::new("examples", "52:54:00:00:78:01", [10, 77, 0, 11]);
    let lab = Lab::builder().helper(HELPER).host(spec).binaries(binaries().expect("built"));
    let lab = lab.start().unwrap_or_else(|e| panic!("the lab did not start: {e}"));
    let host = lab.host("examples").expect("there");
    for (path, text) in FILES {
        host.write(path, text).expect("written");
    }
    // The examples' second network card.
    host.run(Cmd::sh("ip link add eth1 type veth peer name eth1-far; ip addr add 10.1.0.5/24 dev eth1; ip link set eth1 up")).expect("made");
    let (mut tried, mut broken) = (0, Vec::new());
    for function in registry.states() {
        let name = function.name();
        let module = name.split('.').next().unwrap_or(name);
        if left_out.contains_key(name) || left_out.contains_key(module) {
            continue;
        }
        let path = Path::new("/srv/lab-states/examples").join(format!("{}.sls", name.replace('.', "_")));
        host.write(&path.display().to_string(), &function.doc().example).expect("written");
        broken.extend(laws(&host, &**function));
        tried += 1;
    }
    let all = registry.states().count();
    assert!(broken.is_empty(), "{tried} of {all} tried\n{}", broken.join("\n"));
    assert!(tried * 3 >= all * 2, "only {tried} of {all} functions are tried");
}
