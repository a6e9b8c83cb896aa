//! What an operator meets beside the usual: large returns, signals, a master that is away, a standard output that is full. Real
//! binaries on the loopback.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

mod e2e;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::minion::Minion;
use e2e::{answers, eventually};
use lab_tests::alone::Alone;
use lab_tests::kubic::binaries;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn lab() -> (Alone, Minion) {
    let master = Alone::start("", &[]).unwrap();
    let minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    (master, minion)
}

/// Makes a command of an operator, to be started beside the test; it does not outlive the test.
fn command(master: &Alone, args: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(binaries().unwrap().join("lab-master"));
    command.args(["--master", &master.address().to_string(), "--identity"]).arg(master.operator());
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The id of the newest job.
fn newest(master: &Alone) -> String {
    let jobs = master.run(&["--json", "job", "list", "--limit", "1"]).unwrap();
    serde_json::from_str::<serde_json::Value>(&jobs).unwrap()["jid"].as_str().unwrap().to_owned()
}

#[test]
fn a_return_that_is_too_large_for_its_event_is_shown_all_the_same() {
    let (master, _minion) = lab();
    let shown = master.run(&["run", "web1", "cmd.run", "seq 1 30000"]).unwrap();
    assert!(shown.contains("\n    30000\n") && !shown.contains("blob"), "{}", &shown[..200]);
    let jid = newest(&master);
    let whole = master.run(&["job", "return", &jid, "web1"]).unwrap();
    let want: Vec<String> = (1..=30_000).map(|n| n.to_string()).collect();
    assert_eq!(serde_json::from_str::<String>(&whole).unwrap(), want.join("\n"));
    assert!(master.run(&["job", "show", &jid]).unwrap().contains("30000"));
    // JSON is the log's own words.
    let told = master.run(&["--json", "job", "show", &jid]).unwrap();
    assert!(told.contains("\"blob\"") && told.len() < 2000, "{told}");
    let nobody = master.cli(&["job", "return", &jid, "web2"]).unwrap();
    assert_eq!(nobody.status.code(), Some(17), "{nobody:?}");

    // Many states, and one that fails: which, and why.
    let mut sls = "the one:\n  test.fail_without_changes:\n    - comment: here it is\n".to_owned();
    for n in 0..400 {
        sls.push_str(&format!("state {n}:\n  test.nop:\n    - comment: {}\n", "x".repeat(100)));
    }
    std::fs::write(master.path("states/many.sls"), sls).unwrap();
    let applied = master.cli(&["apply", "web1", "many"]).unwrap();
    assert_eq!(applied.status.code(), Some(10), "{}", applied.stderr);
    assert!(applied.stdout.contains("failed       test.fail_without_changes the one"), "{}", applied.stdout);
    assert!(applied.stdout.contains("401 states, 0 changed, 1 failed"), "{}", applied.stdout);
}

#[test]
fn who_interrupts_what_goes_on_is_told_how_to_find_it() {
    let (master, _minion) = lab();
    let _other = Minion::start(&master, "web2");
    eventually("both answer", || {
        master.cli(&["run", "*", "test.ping"]).is_ok_and(|out| out.stdout.contains("web2: true"))
    });
    // Ctrl-C detaches; to be ended is not what was wanted.
    for (signal, json, code) in
        [(Signal::SIGINT, false, 0), (Signal::SIGINT, true, 0), (Signal::SIGTERM, false, 15)]
    {
        // One returns at once, the other stays: the command is known to follow when the first line is there.
        let waits = format!(
            "mkdir {} 2>/dev/null || sleep 60",
            master.path(&format!("first-{json}-{code}")).display()
        );
        let flags: &[&str] = if json { &["--json"] } else { &[] };
        let mut child =
            command(&master, &[flags, &["run", "*", "cmd.run", &waits]].concat()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        out.next().unwrap().unwrap();
        let jid = newest(&master);
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        let last = out.map(Result::unwrap).last().unwrap();
        let ended = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{told}");
        assert!(told.contains(&format!("lab-master job show {jid}")), "{told}");
        if json {
            let last: serde_json::Value = serde_json::from_str(&last).unwrap();
            assert_eq!(last, serde_json::json!({ "jid": jid, "detached": true }));
        } else {
            assert_eq!(last, jid);
        }
        let killed = master.run(&["job", "kill", &jid[..jid.len() - 1]]).unwrap();
        assert!(killed.contains("killing"), "{killed}");
    }
    let detached = master.run(&["--json", "run", "web1", "test.ping", "--detach"]).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&detached).unwrap()["jid"], newest(&master));
}

#[test]
fn a_tail_to_the_head_ends_there_and_one_that_is_ended_says_so() {
    let master = Alone::start("", &[]).unwrap();
    for n in 0..3 {
        master.run(&["event", "send", "my/event", &format!("n={n}")]).unwrap();
    }
    let args = ["events", "--since", "start", "--until", "head", "--tag", "my/*"];
    let history = master.run(&args).unwrap();
    assert_eq!(history.lines().count(), 3, "{history}");
    // What happens later does not end it: nothing does.
    assert_eq!(master.run(&[&args[..], &["--follow"]].concat()).unwrap(), history);
    let ahead = master.cli(&["events", "--since", "99999"]).unwrap();
    assert_eq!(ahead.status.code(), Some(17), "{}", ahead.stderr);

    let mut child = command(&master, &["events", "--follow", "--since", "start"]).spawn().unwrap();
    // Open until the end: without a reader it would end by itself.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(15));
}

#[test]
fn a_replay_of_a_run_that_goes_on_says_so() {
    let master = Alone::start("", &[]).unwrap();
    let sls =
        "hold:\n  salt.wait_for_event:\n    - name: my/never\n    - id_list: [web1]\n    - timeout: 60\n";
    std::fs::create_dir_all(master.path("states/orch")).unwrap();
    std::fs::write(master.path("states/orch/hold.sls"), sls).unwrap();
    let run = master.run(&["orchestrate", "hold", "--detach"]).unwrap();
    let replayed = master.cli(&["orchestrate", "--replay", run.trim()]).unwrap();
    assert_eq!(replayed.status.code(), Some(0), "{}", replayed.stderr);
    let told = format!("the run goes on: `lab-master orchestrate --resume {}`", run.trim());
    assert!(replayed.stderr.contains(&told), "{}", replayed.stderr);
}

#[test]
fn a_tail_goes_on_after_its_master_was_away() {
    let mut master = Alone::start("", &[]).unwrap();
    let mut child = command(&master, &["events", "--follow", "--tag", "my/*"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
    // It begins at the head: what is sent before it is there it does not see.
    let mut sent = 0;
    let seen = std::thread::scope(|scope| {
        let first = scope.spawn(move || (lines.next().unwrap().unwrap(), lines));
        eventually("the tail is there", || {
            sent += 1;
            master.run(&["event", "send", "my/first", &format!("n={sent}")]).unwrap();
            first.is_finished()
        });
        first.join().unwrap()
    });
    let (first, mut lines) = seen;
    assert!(first.contains("my/first"), "{first}");
    master.kill();
    master.start_again(&[]).unwrap();
    master.run(&["event", "send", "my/last"]).unwrap();
    let away = talk.next().unwrap().unwrap();
    assert!(away.contains("looking for it until it is back"), "{away}");
    let last = lines.by_ref().map(Result::unwrap).find(|l| !l.contains("my/first")).unwrap();
    assert!(last.contains("my/last"), "{last}");
    let back = talk.next().unwrap().unwrap();
    assert!(back.contains("the master is back; going on after "), "{back}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_standard_output_does_not_take_is_told_and_no_secret_is_lost() {
    let (master, _minion) = lab();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for args in [&["events"][..], &["minion", "list"], &["--json", "run", "web1", "test.ping"], &["doc"]] {
        let ended = command(&master, args).stdout(full()).output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(21), "{args:?}: {told}");
        assert!(told.contains("cannot write to standard output"), "{args:?}: {told}");
    }
    let ended = command(&master, &["token", "create", "--id", "web9"]).stdout(full()).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(21), "{told}");
    assert!(told.contains("was revoked"), "{told}");
    assert!(!master.run(&["token", "list"]).unwrap().contains("web9"));

    // A run of states is finished all the same.
    let made = master.path("made");
    std::fs::write(master.path("states/made.sls"), format!("{}:\n  file.touch: []\n", made.display()))
        .unwrap();
    let states = master.path("states");
    for output in ["text", "json"] {
        let _ = std::fs::remove_file(&made);
        let mut apply = Command::new(binaries().unwrap().join("lab-minion"));
        apply.args(["apply", "--local", "--output", output, "--states"]).arg(&states).arg("made");
        let ended = apply.stdin(Stdio::null()).stdout(full()).output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(21), "{output}: {told}");
        assert!(made.exists(), "{output}");
    }
}

#[test]
fn what_makes_no_sense_or_is_not_there_has_its_code() {
    let (master, _minion) = lab();
    for (code, args) in [
        (2, &["run", "web1", "test.ping", "--subset", "0"][..]),
        (2, &["run", "web1", "test.ping", "--timeout", "0s"]),
        (2, &["run", "-G", "os", "test.ping"]),
        (2, &["event", "send", "my/event", "a=1", "a=2"]),
        (2, &["events", "--tag", ""]),
        (2, &["token", "create", "--pattern", "["]),
        (17, &["net", "history", "nope"]),
        (17, &["pillar", "web1", "--explain", "nope"]),
        (0, &["net", "history", "web1"]),
    ] {
        let ended = master.cli(args).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{args:?}: {ended:?}");
        assert!(code == 0 || ended.stderr.contains("error: "), "{args:?}: {ended:?}");
    }
    let sent = master.run(&["--json", "event", "send", "my/event", "a=1"]).unwrap();
    let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(sent["data"], serde_json::json!({ "a": 1 }));
}

#[test]
fn who_only_looks_makes_nothing_and_what_is_not_there_is_told() {
    let nowhere = tempfile::tempdir().unwrap();
    let dir = nowhere.path().join("nope");
    let minion = |args: &[&str], place: Option<&Path>| {
        let mut command = Command::new(binaries().unwrap().join("lab-minion"));
        let ended = command.args(args).args(place).stdin(Stdio::null()).output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    let (code, told) = minion(&["finger", "--id", "web1", "--config-dir"], Some(&dir));
    assert_eq!((code, dir.exists()), (Some(17), false), "{told}");
    let (code, told) = minion(&["apply", "--local", "x", "--states"], Some(&dir));
    assert!(code == Some(2) && told.contains("nope: there is no such directory"), "{told}");
}

#[test]
fn who_asks_to_be_let_in_is_told_what_to_compare_and_which_master_is_another_one() {
    let master = Alone::start("", &[]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let address = master.address().to_string();
    let minion = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(binaries().unwrap().join("lab-minion"));
        command.args(args).arg("--config-dir").arg(dir.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let data = dir.path().join("data").display().to_string();
    let ended = |args: &[&str]| {
        let ended = minion(args).output().unwrap();
        (ended.status.code(), [ended.stdout, ended.stderr].map(|b| String::from_utf8(b).unwrap()))
    };

    for asks in ["enrol", "serve"] {
        let (code, [_, told]) = ended(&[asks, "--data-dir", &data]);
        assert!(code == Some(2) && told.contains("no master is configured"), "{asks}: {code:?} {told}");
    }
    let other = lab_proto::Fingerprint::of(b"another CA").to_string();
    let here = ["--master", &address, "--data-dir", &data];
    let (code, [_, told]) = ended(&[&["enrol", "--fingerprint", &other], &here[..]].concat());
    assert_eq!(code, Some(17), "{told}");
    assert!(told.contains(&other) && told.contains("lab-master key finger"), "{told}");
    assert_eq!(told.matches(&address).count(), 1, "{told}");

    let mut waits = minion(&[&["enrol", "--id", "web7"], &here[..]].concat()).spawn().unwrap();
    eventually("it is pending", || master.run(&["key", "list"]).unwrap().contains("web7"));
    let ca = master.run(&["key", "finger"]).unwrap();
    eventually("it is what finger shows", || {
        let (_, [shown, _]) = ended(&["finger"]);
        let met = shown.lines().find_map(|l| l.strip_prefix("master "));
        shown.starts_with("web7 ") && met.is_some_and(|met| ca.contains(met))
    });
    waits.kill().unwrap();
    waits.wait().unwrap();
    // Nothing of it counts before it is accepted: a typing error does not name the machine for ever.
    assert!(!dir.path().join("enrolled.toml").exists());
}
