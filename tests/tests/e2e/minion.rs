//! A real `lab-minion serve` on the loopback: it runs nothing but what a test asks for, so it needs no host of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lab_minion::identity::{Credentials, Pki};
use lab_tests::alone::Alone;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::papers;

/// An agent and its directory, which is below its master's. Dropping it kills it.
pub(crate) struct Minion {
    id: String,
    master: String,
    dir: PathBuf,
    child: Option<Child>,
}

impl Minion {
    /// Prepares an agent that has not enrolled.
    pub(crate) fn new(master: &Alone, id: &str) -> Self {
        let dir = master.path("").join(format!("minion-{id}"));
        Self { id: id.to_owned(), master: master.address().to_string(), dir, child: None }
    }

    /// Enrols one with a token and starts it.
    pub(crate) fn start(master: &Alone, id: &str) -> Self {
        papers::minion(master, id);
        let mut minion = Self::new(master, id);
        minion.serve();
        minion
    }

    /// Copies its disk into another machine; that one is not started.
    pub(crate) fn cloned(&self) -> Self {
        let dir = self.dir.with_extension("clone");
        copy(&self.dir, &dir);
        Self { id: self.id.clone(), master: self.master.clone(), dir, child: None }
    }

    pub(crate) fn serve(&mut self) {
        std::fs::create_dir_all(&self.dir).expect("a directory");
        let log = std::fs::File::options().create(true).append(true).open(self.dir.join("log"));
        let log = log.expect("a log");
        // It must not outlive the test, however that ends.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .arg(lab_tests::kubic::binaries().expect("built").join("lab-minion"));
        command.args(["serve", "--id", &self.id, "--master", &self.master]);
        for (option, sub) in [("--config-dir", ""), ("--data-dir", "data"), ("--run-dir", "run")] {
            command.arg(option).arg(self.dir.join(sub));
        }
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("lab-minion starts"));
    }

    /// Ends it as a service manager does.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        kill(pid, Signal::SIGTERM).expect("it is there");
        child.wait().expect("it ends");
    }

    /// Ends it by SIGKILL: what it wrote stays with the kernel.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is there");
        child.wait().expect("it ends");
    }

    /// Its process id; `setpriv` has become it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Returns its certificate as it is stored.
    pub(crate) fn credentials(&self) -> Credentials {
        Pki::new(&self.dir).credentials().expect("readable").expect("enrolled")
    }

    /// Asks its socket to send an event, durably.
    pub(crate) fn say(&self, tag: &str) {
        assert!(self.try_say(tag), "{}", self.log());
    }

    /// As [`Self::say`], of an agent that may not listen yet.
    pub(crate) fn try_say(&self, tag: &str) -> bool {
        let mut command = Command::new(lab_tests::kubic::binaries().expect("built").join("lab-minion"));
        command.args(["event", "send", tag]).arg("--run-dir").arg(self.dir.join("run"));
        command.output().expect("lab-minion runs").status.success()
    }
}

impl Drop for Minion {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Gone already is fine.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Copies a directory as it is.
pub(crate) fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp runs");
    assert!(done.success(), "{} is copied", from.display());
}
