//! The master's process: started, killed, started again.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::Doing;
use super::{KubicError, LIMIT, Stop};
use crate::nshost::{Cmd, Lab, Running, Signal};

/// What is needed to start a master.
#[derive(Debug)]
pub(super) struct Master {
    binary: PathBuf,
    config: PathBuf,
    notify: PathBuf,
    running: Option<Running>,
    /// What the master runs under: `strace …`, say.
    wrapper: Vec<String>,
}

impl Master {
    pub(super) fn new(binary: PathBuf, config: PathBuf, dir: &Path, wrapper: Vec<String>) -> Self {
        Self { binary, config, notify: dir.join("notify"), running: None, wrapper }
    }

    /// Starts the master and returns when it says, as it says to systemd, that it is ready.
    pub(super) fn start(&mut self, lab: &Lab, stop: &Stop) -> Result<(), KubicError> {
        let doing = || "listen for the master's readiness".to_owned();
        if self.notify.exists() {
            std::fs::remove_file(&self.notify).doing(doing)?;
        }
        let socket = UnixDatagram::bind(&self.notify).doing(doing)?;
        socket.set_read_timeout(Some(Duration::from_millis(50))).doing(doing)?;
        let mut argv = self.wrapper.clone();
        argv.extend([text(&self.binary), "serve".to_owned(), "--config".to_owned(), text(&self.config)]);
        let command = Cmd::new(argv).env("NOTIFY_SOCKET", &text(&self.notify)).env("NO_COLOR", "1");
        let mut running = lab.master().spawn("lab-master", command)?;
        wait_ready(&socket, &mut running, stop)?;
        self.running = Some(running);
        Ok(())
    }

    pub(super) fn pid(&self) -> Option<i32> {
        self.running.as_ref().map(Running::pid)
    }

    /// Ends the master with a signal, and returns when it has ended.
    pub(super) fn end(&mut self, signal: Signal) -> Result<(), KubicError> {
        if let Some(running) = self.running.take() {
            running.end(signal)?;
        }
        Ok(())
    }

    /// Lets the process outlive this one; it ends with its lab.
    pub(super) fn forget(&mut self) {
        std::mem::forget(self.running.take());
    }
}

fn wait_ready(socket: &UnixDatagram, running: &mut Running, stop: &Stop) -> Result<(), KubicError> {
    let deadline = Instant::now() + LIMIT;
    let mut message = [0; 4096];
    while Instant::now() < deadline {
        // A timeout is an error here.
        let length = socket.recv(&mut message).unwrap_or(0);
        if message[..length].split(|b| *b == b'\n').any(|word| word == b"READY=1") {
            return Ok(());
        }
        if stop.is_stopped() {
            return Err(KubicError::Interrupted);
        }
        if let Some(status) = running.try_wait()? {
            let log = std::fs::read_to_string(running.log()).unwrap_or_default();
            let last = log.lines().rev().take(5).collect::<Vec<_>>().join(" / ");
            return Err(KubicError::Master(format!("{status}: {last}")));
        }
    }
    Err(KubicError::Master(format!("not ready after {LIMIT:?}")))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
