//! `lab-minion apply --local` as a process: how it ends when it is interrupted, what it leaves, and how much memory it takes.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lab_tests::kubic::binaries;
use lab_tests::nshost::{HostSpec, Lab};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");

fn minion() -> PathBuf {
    binaries().expect("they are built").join("lab-minion")
}

fn apply(tree: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(minion());
    command.args(["apply", "--local", "--states"]).arg(tree).arg("a").args(more);
    command
}

/// Lists the processes of a group that still do something.
fn alive(group: i32) -> Vec<String> {
    let stats = fs::read_dir("/proc")
        .expect("a /proc")
        .flatten()
        .filter_map(|e| fs::read_to_string(e.path().join("stat")).ok());
    let ours = |stat: &String| {
        // After the name in brackets: state, parent, group.
        let rest: Vec<&str> =
            stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
        rest.first() != Some(&"Z") && rest.get(2) == Some(&group.to_string().as_str())
    };
    stats.filter(ours).collect()
}

/// A command that says its process group and then runs for ever; asked to end, it leaves `polite` and ends with `code`.
fn long(tree: &Path, code: i32) -> String {
    let (pipe, polite) = (tree.join("pipe"), tree.join("polite"));
    mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    // The command is asked before it is killed: a program that we start has no signal blocked.
    format!(
        "trap 'touch {}; exit {code}' TERM; sleep 1000 & sleep 1000 & echo $$ > {}; wait",
        polite.display(),
        pipe.display()
    )
}

/// Makes a tree whose `a.sls` has such a command.
fn tree_of_long(code: i32) -> tempfile::TempDir {
    let tree = tempfile::tempdir().expect("a directory");
    let sls = format!("long:\n  cmd.run:\n    - name: {}\n", long(tree.path(), code));
    fs::write(tree.path().join("a.sls"), sls).expect("it is written");
    tree
}

/// How a run ended, what it printed and said, and what is left of its command.
struct Ended {
    status: ExitStatus,
    printed: String,
    said: String,
    left: Vec<String>,
}

/// Applies a state with such a command and one after it, and ends the run with a signal once it runs.
fn interrupted(signal: Signal, more: &[&str]) -> Ended {
    let tree = tree_of_long(0);
    let after = tree.path().join("after");
    let mut sls = fs::OpenOptions::new().append(true).open(tree.path().join("a.sls")).expect("there");
    write!(sls, "after:\n  file.managed:\n    - name: {}\n", after.display()).expect("it is written");
    let ended = end_by(&[signal], tree.path(), &mut apply(tree.path(), more));
    assert!(!after.exists(), "the state after it was begun");
    ended
}

/// Runs what runs a command that is [`long`], and ends it with signals, one after the other, once that runs.
fn end_by(signals: &[Signal], tree: &Path, command: &mut Command) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    let mut group = String::new();
    fs::File::open(tree.join("pipe"))
        .and_then(|mut f| f.read_to_string(&mut group))
        .expect("the command says its number");
    let group: i32 = group.trim().parse().expect("a number");
    assert!(!alive(group).is_empty(), "the command runs");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a number"));
    for signal in signals {
        kill(pid, *signal).expect("it runs");
    }
    let output = child.wait_with_output().expect("it ends");
    assert!(tree.join("polite").exists(), "the command was killed without being asked");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    Ended { status: output.status, printed, said, left: alive(group) }
}

#[test]
fn an_interrupted_run_ends_its_command_and_says_so() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let Ended { status, said, left, .. } = interrupted(signal, &[]);
        assert_eq!(status.code(), Some(15), "{said}");
        assert!(said.contains(signal.as_str()), "{said}");
        assert!(said.contains("interrupted: 1 state was begun, 1 was not"), "{said}");
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_run_that_is_interrupted_in_its_last_state_says_that_none_was_left() {
    for code in [1, 0] {
        let tree = tree_of_long(code);
        let Ended { status, said, .. } =
            end_by(&[Signal::SIGTERM], tree.path(), &mut apply(tree.path(), &[]));
        assert_eq!(status.code(), Some(15), "{said}");
        assert!(said.contains("interrupted: 1 state was begun, none was left"), "{said}");
    }
}

#[test]
fn a_call_that_is_interrupted_ends_its_command() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let tree = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(minion());
        command.args(["call", "--local", "cmd.run", &long(tree.path(), 0)]);
        let Ended { status, printed, said, left } = end_by(&[signal], tree.path(), &mut command);
        assert_eq!((status.code(), printed.as_str()), (Some(15), ""), "{said}");
        assert!(said.contains("interrupted: cmd.run did not come to its end"), "{said}");
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_run_that_is_to_ignore_the_end_of_its_terminal_goes_on() {
    let tree = tree_of_long(0);
    let apply = apply(tree.path(), &[]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(apply.get_program()).args(apply.get_args());
    let Ended { status, said, .. } = end_by(&[Signal::SIGHUP, Signal::SIGTERM], tree.path(), &mut command);
    assert_eq!(status.code(), Some(15), "{said}");
    assert!(said.contains("SIGTERM") && !said.contains("SIGHUP"), "{said}");
}

#[test]
fn an_interrupted_run_tells_in_json_what_was_done() {
    let Ended { status, printed, left, .. } = interrupted(Signal::SIGINT, &["--output", "json"]);
    assert_eq!(status.code(), Some(15));
    let told: serde_json::Value = serde_json::from_str(&printed).expect("one JSON object");
    assert_eq!(told["error"]["kind"], "interrupted");
    assert_eq!(told["results"][0]["result"], "failed", "{told}");
    assert!(left.is_empty(), "{left:?}");
}

/// Applies a `file.managed` of a source of so many bytes twice; returns the largest memory that any run so far took, in KiB.
fn peak_of_managing(size: u64) -> i64 {
    let tree = tempfile::tempdir().expect("a directory");
    let source = tree.path().join("image");
    fs::write(&source, b"begin").expect("it is written");
    fs::OpenOptions::new().write(true).open(&source).and_then(|f| f.set_len(size)).expect("it is written");
    let copy = tree.path().join("copy");
    let managed = format!("  file.managed:\n    - name: {}\n    - source: salt://image\n", copy.display());
    fs::write(tree.path().join("a.sls"), format!("image:\n{managed}    - check_cmd: test -s\n"))
        .expect("it is written");
    // The last run finds a file of the same size that differs in its first byte only.
    for (byte, expected) in [(None, "changed"), (None, "ok"), (Some(b'x'), "changed")] {
        if let Some(byte) = byte {
            fs::OpenOptions::new()
                .write(true)
                .open(&copy)
                .and_then(|mut f| f.write_all(&[byte]))
                .expect("it is written");
        }
        let output = apply(tree.path(), &["--output", "json"]).output().expect("it runs");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(told["results"][0]["result"], expected, "{told}");
    }
    assert_eq!(fs::metadata(&copy).expect("a copy").len(), size);
    getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system says").max_rss()
}

#[test]
fn the_memory_for_a_managed_file_does_not_grow_with_its_size() {
    let small = peak_of_managing(8 << 20);
    let large = peak_of_managing(256 << 20);
    println!("8 MiB: {small} KiB, 256 MiB: {large} KiB");
    assert!(large < small + (8 << 10), "8 MiB took {small} KiB, 256 MiB {large} KiB");
}

/// A change of the network has a guard, a process of its own that has the run's standard error and outlives it. It ends with the
/// change, long before its deadline: whoever reads the run's words to their end does not wait for it.
#[test]
fn the_words_of_a_run_that_changed_the_network_end_with_the_change() {
    let host = HostSpec::new("h1", "52:54:00:00:79:01", [10, 77, 0, 11]);
    let lab = Lab::builder().helper(HELPER).host(host).binaries(binaries().expect("they are built")).start();
    let lab = lab.unwrap_or_else(|e| panic!("the lab did not start: {e}"));
    let host = lab.host("h1").expect("it is there");
    let sls =
        "eggs:\n  veth.present:\n    - peer: spam\n    - addresses: [10.99.0.1/24]\n    - within: 3600\n";
    host.write("/srv/words/a.sls", sls).expect("written");
    let mut command = host.command();
    command.args(["lab-minion", "apply", "--local", "--states", "/srv/words", "a"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the host runs it");
    let (said, heard) = mpsc::channel();
    let reader = thread::spawn(move || said.send(child.wait_with_output()));
    // Of an hour; a guard that slept until then would keep the channel silent.
    let output = heard.recv_timeout(Duration::from_secs(120)).expect("the words end").expect("it ran");
    reader.join().expect("ends").expect("is heard");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let links = host.run(["ip", "-brief", "-4", "address"]).expect("it runs");
    assert!(links.lines().any(|l| l.starts_with("eggs") && l.contains("10.99.0.1/24")), "{links}");
}
