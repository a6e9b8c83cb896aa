//! The programs on a terminal: what a person sees who types the command, which no pipe shows.

use std::fs::File;
use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};

use lab_tests::kubic::binaries;
use nix::pty::openpty;

/// Runs a program with a terminal as its output and error channel. Returns how it ended and what it showed.
fn on_terminal(program: &str, args: &[&str]) -> (ExitStatus, String) {
    let pty = openpty(None, None).expect("a terminal");
    let mut command = Command::new(binaries().expect("they are built").join(program));
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(pty.slave.try_clone().expect("a second handle"))
        .stderr(pty.slave);
    let mut child = command.spawn().expect("it starts");
    // The reader meets the end of the terminal when its last other end is closed.
    drop(command);
    let mut shown = Vec::new();
    let mut screen = File::from(pty.master);
    let mut part = [0; 4096];
    while let Ok(n @ 1..) = screen.read(&mut part) {
        shown.extend_from_slice(&part[..n]);
    }
    (child.wait().expect("it ends"), String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn states_are_applied_on_a_terminal() {
    let tree = tempfile::tempdir().unwrap();
    std::fs::write(tree.path().join("a.sls"), "hello:\n  test.nop: []\n").unwrap();
    let states = tree.path().to_str().unwrap();
    let (status, shown) = on_terminal("lab-minion", &["apply", "--local", "--states", states, "a"]);
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(shown.contains("test.nop"), "{shown}");
}

#[test]
fn mistakes_are_told_on_a_terminal() {
    let nowhere = tempfile::tempdir().unwrap();
    let dir = nowhere.path().to_str().unwrap();
    for (program, args) in [
        ("lab-minion", &["serve", "--config-dir", dir, "--data-dir", dir, "--run-dir", dir][..]),
        ("lab-master", &["serve", "--config", "/nonexistent/master.toml"]),
        ("lab-master", &["--identity", "/nonexistent", "status"]),
    ] {
        let (status, shown) = on_terminal(program, args);
        let told = status.code().is_some_and(|c| c != 0 && c != 1 && c != 101);
        assert!(told && !shown.contains("panicked"), "{program} {args:?}: {status}: {shown}");
    }
}

/// Runs a program whose output nobody reads. Returns how it ended and what it said on its error channel.
fn without_reader(program: &str, args: &[&str]) -> (ExitStatus, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(binaries().expect("they are built").join(program));
    let ended = command.args(args).stdin(Stdio::null()).stdout(writer).output().expect("it starts");
    (ended.status, String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn a_run_of_states_is_finished_though_its_reader_leaves() {
    let tree = tempfile::tempdir().unwrap();
    let file = tree.path().join("made");
    let sls = format!("hello:\n  test.nop: []\n{}:\n  file.touch: []\n", file.display());
    std::fs::write(tree.path().join("a.sls"), sls).unwrap();
    let states = tree.path().to_str().unwrap();
    for format in [&[][..], &["--output", "json"]] {
        let _ = std::fs::remove_file(&file);
        let args = [&["apply", "--local", "--states", states, "a"], format].concat();
        let (status, said) = without_reader("lab-minion", &args);
        assert!(status.code() == Some(0) && !said.contains("panicked"), "{status}: {said}");
        assert!(file.exists(), "the states after the first line of output ran");
    }
}

#[test]
fn a_command_ends_quietly_when_its_reader_leaves() {
    let (status, said) = without_reader("lab-master", &["doc"]);
    assert_eq!((std::os::unix::process::ExitStatusExt::signal(&status), said.as_str()), (Some(13), ""));
}
