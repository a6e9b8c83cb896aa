//! The demo, interrupted: Ctrl-C at any moment leaves nothing of it on the machine.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

mod e2e;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab_tests::kubic::LIMIT;
use lab_tests::nshost::Traces;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

const DEMO: &str = env!("CARGO_BIN_EXE_lab-demo");

/// A demo that runs, in a process group and a directory of its own.
struct Demo {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
    tmp: tempfile::TempDir,
}

impl Demo {
    fn start() -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let mut command = Command::new(DEMO);
        command.env("TMPDIR", tmp.path()).env("NO_COLOR", "1").process_group(0);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        Self { child, lines: Box::new(lines), tmp }
    }

    /// Notes what it has made so far, as far as that can be seen from outside.
    fn traces(&self) -> Traces {
        let mut family = BTreeSet::from([self.child.id()]);
        while family.len() < extended(&mut family) {}
        let here = namespaces("self");
        let theirs = family.iter().flat_map(|pid| namespaces(&pid.to_string()));
        Traces {
            id: family.iter().find_map(|pid| mark(*pid)).unwrap_or_else(|| "none yet".to_owned()),
            dir: self.lab_dir().unwrap_or_else(|| self.tmp.path().join("none yet")),
            namespaces: theirs.filter(|ns| !here.contains(ns)).collect(),
            since: started(self.child.id()).unwrap(),
        }
    }

    fn lab_dir(&self) -> Option<PathBuf> {
        fs::read_dir(self.tmp.path()).unwrap().flatten().map(|entry| entry.path()).next()
    }
}

/// Adds the children of a family's members; returns how many members there are then.
fn extended(family: &mut BTreeSet<u32>) -> usize {
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let parent = stat(&process.path()).and_then(|fields| fields.get(1)?.parse().ok());
        if parent.is_some_and(|parent: u32| family.contains(&parent)) {
            family.insert(pid);
        }
    }
    family.len()
}

/// The fields of a process's stat after its name.
fn stat(process: &Path) -> Option<Vec<String>> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn started(pid: u32) -> Option<u64> {
    stat(Path::new(&format!("/proc/{pid}")))?.get(19)?.parse().ok()
}

fn namespaces(pid: &str) -> BTreeSet<String> {
    let links = fs::read_dir(format!("/proc/{pid}/ns")).into_iter().flatten().flatten();
    links.filter_map(|link| Some(fs::read_link(link.path()).ok()?.to_str()?.to_owned())).collect()
}

/// The lab that a process belongs to.
fn mark(pid: u32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let pairs = environment.split(|b| *b == 0).filter_map(|pair| std::str::from_utf8(pair).ok());
    let key = format!("{}=", lab_tests::nshost::MARKER);
    pairs.filter_map(|pair| pair.strip_prefix(&key)).map(str::to_owned).next()
}

#[test]
fn a_demo_that_is_interrupted_at_any_moment_leaves_nothing_behind() {
    // Lines of what it says: before its first host, while hosts start, at their enrolment, in the middle of the run.
    for moment in [1, 3, 8, 25, 60] {
        let mut demo = Demo::start();
        let said = demo.lines.by_ref().take(moment).count();
        assert_eq!(said, moment, "the demo said so much");
        let traces = demo.traces();
        println!("after {moment} lines: {} namespaces, {}", traces.namespaces.len(), traces.dir.display());

        killpg(Pid::from_raw(i32::try_from(demo.child.id()).unwrap()), Signal::SIGINT).unwrap();

        let rest: Vec<String> = demo.lines.by_ref().collect();
        let status = demo.child.wait().unwrap();
        assert_eq!(status.code(), Some(130), "it says that it was interrupted: {rest:#?}");
        let deadline = Instant::now() + LIMIT;
        loop {
            // The lab's keeper removes its directory a moment after the demo's end.
            let mut left = traces.leftovers();
            left.extend(demo.lab_dir().map(|dir| format!("directory {}", dir.display())));
            if left.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "left behind after {moment} lines: {left:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
