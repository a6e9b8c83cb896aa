//! The laws that state functions keep, each by its class, tried on the example of its own documentation.
//!
//! Declarative: the second run changes nothing; a dry run writes nothing and names the very things that the real run
//! changes. Action: the dry run writes nothing and says that it would run. Probe: nothing is ever written.

use std::sync::atomic::{AtomicBool, Ordering};

use lab_proto::{Map, Value};

use super::testing::Bench;
use crate::function::{Class, StateCall, Verdict, VerdictKind};
use crate::host::Command;
use crate::host::sim::{SimHost, SimReply};

/// The reviewed list: a new function is added here with the class that its author claims.
const CLASSES: &str = include_str!("classes.txt");

const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIFRXgrctv+tIs8anh+9H/QNscCqmHVQf1AtD5HwBqdW4";
const OTHER_KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIKHEPHcJXkLj0UBCGHbxJB1xMVpEXPAHDvgtXQpAcXNk";

/// A machine on which every example can be applied.
fn bench() -> Bench {
    let host = SimHost::new()
        .with_file("/etc/hosts", "127.0.0.1 localhost\n10.0.0.3 old-node\n")
        .with_file("/etc/hostname", "old\n")
        .with_file("/etc/issue", "Welcome\n")
        .with_file("/etc/application.conf", "a = 1\n")
        .with_dir("/srv")
        .with_dir("/srv/old")
        .with_dir("/etc/default")
        .with_service("nginx", false, false)
        .with_nic("eth0", "10.0.0.5/24", Some("10.0.0.1"))
        .with_nic("eth1", "10.1.0.5/24", None)
        .with_sysctl("net.ipv4.ip_forward", "0")
        .with_module("floppy")
        .with_file("/etc/fstab", "/dev/old /mnt/old ext4 defaults 0 0\n/swapfile none swap sw 0 0\n")
        .with_mount("/dev/old", "/mnt/old", "ext4", "rw")
        .with_file("/var/swapfile", "")
        .with_file("/usr/share/zoneinfo/Europe/Berlin", "zone")
        .with_url("http://10.0.0.1/healthz", 200, "ok", 0)
        .with_listener("cplane:6443", 0)
        .with_file("/etc/apt/sources.list", "deb http://old.example.net/debian bookworm main\n")
        .with_file("/root/.ssh/authorized_keys", format!("ssh-ed25519 {KEY} old\n"))
        .with_file("/etc/ssh/ssh_known_hosts", format!("git.example.net ssh-ed25519 {OTHER_KEY}\n"))
        .with_user("guest", 1400)
        .with_group("games", 60, &[])
        .with_package("curl", "7.70")
        .with_package("telnetd", "1")
        .with_offer("curl", &["7.70", "7.88"], &[])
        .with_offer("nginx", &["1.22"], &["libssl"])
        .with_offer("libssl", &["3.0"], &[])
        .with_script(|c| c.line().contains("script").then(SimReply::default))
        .with_file("/etc/lab/grains", "retired: 1\nold_roles: [kvm]\n")
        .with_file("/var/lib/cache/x.tmp", "")
        .with_script(locales())
        .with_script(git());
    Bench::new(host)
        .with_state_file("app.tar.gz", "simulated archive\nfile run x\n")
        .with_state_file("issue.patch", "--- issue\n+++ issue\n@@ -1 +1 @@\n-Welcome\n+Welcome home\n")
        .with_state_file("crontab", "1 * * * * true\n")
        .with_state_file("setup.sh", "#!/bin/sh\n")
        .with_state_file("tree/a.txt", "a\n")
}

/// Lists a further language once one was made.
fn locales() -> impl Fn(&Command) -> Option<SimReply> + Send + Sync {
    let made = AtomicBool::new(false);
    move |c| {
        if c.line().starts_with("localedef") {
            made.store(true, Ordering::SeqCst);
            return Some(SimReply::default());
        }
        let listed = if made.load(Ordering::SeqCst) { "C\nde_DE.utf8\n" } else { "C\n" };
        (c.line() == "locale -a").then(|| SimReply::ok(listed))
    }
}

/// A simulated git: one repository with one commit, which can be cloned to /opt/tools, and one setting.
fn git() -> impl Fn(&Command) -> Option<SimReply> + Send + Sync {
    const URL: &str = "https://git.lab.example/tools.git";
    const REFS: &str =
        "ref: refs/heads/main\tHEAD\nc0ffee\tHEAD\nc0ffee\trefs/heads/main\nc0ffee\trefs/tags/v1.0\n";
    let (detached, set) = (AtomicBool::new(false), AtomicBool::new(false));
    move |c| {
        let line = c.line();
        let (_, rest) = line.strip_prefix("git -c safe.directory=")?.split_once(' ')?;
        let yes = |it: bool, text: &str| if it { SimReply::ok(text) } else { SimReply::code(1) };
        Some(match rest.split(' ').collect::<Vec<_>>()[..] {
            ["ls-remote", ..] => SimReply::ok(REFS),
            ["clone", ..] => {
                SimReply { writes: vec![("/opt/tools/.git/HEAD".into(), Vec::new())], ..SimReply::default() }
            }
            ["rev-parse", ..] => SimReply::ok("c0ffee\n"),
            ["symbolic-ref", ..] => yes(!detached.load(Ordering::SeqCst), "main\n"),
            ["remote", "get-url", ..] => SimReply::ok(URL),
            ["checkout", "--quiet", "--detach", ..] => {
                detached.store(true, Ordering::SeqCst);
                SimReply::default()
            }
            ["status", ..] => SimReply::default(),
            ["config", _, "--null", "--get-all", ..] => yes(set.load(Ordering::SeqCst), "Lab\0"),
            ["config", _, "--replace-all", ..] => {
                set.store(true, Ordering::SeqCst);
                SimReply::default()
            }
            _ => return None,
        })
    }
}

fn outcome(verdict: &Verdict) -> String {
    format!("{:?}: {}", verdict.kind, verdict.comment)
}

/// Applies the states of an example that prepare the way for its last one, and returns that one.
fn prepared(bench: &Bench, example: &str, test: bool) -> StateCall {
    let mut calls = bench.calls(example, false);
    let mut last = calls.pop().expect("an example has a state");
    for call in calls {
        let verdict = bench.apply(&call);
        assert_ne!(verdict.kind, VerdictKind::Failed, "{}: {}", call.function, verdict.comment);
    }
    last.test = test;
    last
}

#[test]
fn the_class_of_every_function_is_the_reviewed_one() {
    let registry = super::builtin();
    let listed: String =
        registry.states().map(|f| format!("{:?} {}\n", f.class(), f.name()).to_lowercase()).collect();
    assert_eq!(
        listed, CLASSES,
        "functions and states/src/functions/classes.txt differ: review and adapt the list"
    );
}

#[test]
fn every_example_names_its_own_function_and_documented_arguments() {
    let bench = bench();
    for function in bench.registry.states() {
        let doc = function.doc();
        let call = bench.call(&doc.example, false);
        assert_eq!(call.function, function.name(), "the last state of the example is about the function");
        for key in call.args.keys() {
            assert!(doc.open || doc.knows(&key.to_string()), "{}: {key} is not documented", function.name());
        }
        for arg in doc.args.iter().filter(|a| a.required && a.name != "name") {
            assert!(
                call.args.contains_key(arg.name.as_ref()),
                "{}: the example lacks {}",
                function.name(),
                arg.name
            );
        }
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    for function in super::builtin().states() {
        let bench = bench();
        let call = prepared(&bench, &function.doc().example, true);
        let (before, writes) = (bench.host.tree(), bench.host.writes());
        bench.apply(&call);
        assert_eq!(bench.host.writes(), writes, "{} wrote in a dry run", function.name());
        assert_eq!(bench.host.tree(), before, "{}", function.name());
        assert!(bench.services.events.lock().unwrap().is_empty(), "{}", function.name());
    }
}

#[test]
fn declarative_functions_change_what_they_said_and_then_nothing() {
    for function in super::builtin().states().filter(|f| f.class() == Class::Declarative) {
        let (name, example) = (function.name(), &function.doc().example);
        let bench = bench();
        let dry = bench.apply(&prepared(&bench, example, true));
        let call = prepared(&bench, example, false);
        let first = bench.apply(&call);
        assert_eq!(first.kind, VerdictKind::Ok, "{name}: {}", outcome(&first));
        if first.changed() {
            assert_eq!(dry.kind, VerdictKind::WouldChange, "{name}: {}", outcome(&dry));
        } else {
            assert_eq!(dry.kind, VerdictKind::Ok, "{name}: {}", outcome(&dry));
        }
        let keys = |v: &Verdict| v.changes.keys().cloned().collect::<Vec<Value>>();
        assert_eq!(keys(&dry), keys(&first), "{name} changed other things than it said");
        let writes = bench.host.writes();
        let second = bench.apply(&call);
        assert_eq!(second.kind, VerdictKind::Ok, "{name}: {}", outcome(&second));
        assert!(!second.changed(), "{name} changed {} the second time", Value::Map(second.changes));
        assert_eq!(bench.host.writes(), writes, "{name} wrote the second time");
    }
}

#[test]
fn no_execution_function_drops_a_named_argument_that_it_does_not_have() {
    let bench = bench();
    let stranger = Map::from_iter([(Value::from("no_such_argument"), Value::from(1))]);
    let closed: Vec<_> =
        bench.registry.execs().filter(|f| !f.doc().open).map(|f| f.name().to_owned()).collect();
    assert!(closed.len() > 100, "{closed:?}");
    for name in closed {
        let said = bench.exec(&name, &[], &stranger).map_err(|e| e.to_string());
        assert!(said.as_ref().is_err_and(|e| e.contains("no_such_argument")), "{name}: {said:?}");
    }
}

#[test]
fn probes_change_nothing() {
    for function in super::builtin().states().filter(|f| f.class() == Class::Probe) {
        let bench = bench();
        let verdict = bench.apply(&prepared(&bench, &function.doc().example, false));
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}: {}", function.name(), outcome(&verdict));
        assert!(!verdict.changed() && bench.host.writes() == 0, "{}", function.name());
    }
}
