//! The machine that this minion runs on: implements `lab_states::host::Host` with blocking system calls.
//!
//! Called from worker threads, never from the async runtime. Decides nothing: it answers and carries out single steps.

mod accounts;
mod archives;
mod commands;
mod files;
mod kernel;
mod mounts;
pub(crate) mod netwatch;
mod network;
mod packages;
mod remote;
mod services;
mod system;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use lab_states::host::{HostError, Output, PowerRequest};

pub(crate) use self::files::read_of_size;

thread_local! {
    /// The umask that a state asked for; a thread works on one at a time. The kernel's belongs to the whole process.
    static MASK: Cell<Option<u32>> = const { Cell::new(None) };
}

/// The machine that this process runs on.
#[derive(Debug)]
pub struct LinuxHost {
    umask: u32,
    power: Mutex<Option<PowerRequest>>,
    /// Variables that functions set or removed, for what is started later.
    env: Mutex<BTreeMap<String, Option<String>>>,
    /// When this process last read what package repositories offer.
    lists_read: Mutex<Option<Instant>>,
    /// What was read of the network ahead of time.
    ahead: network::Ahead,
}

impl LinuxHost {
    /// Opens the door to this machine. Reads the umask once, since asking for it later would change it for a moment.
    pub fn new() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            umask: umask_of(&status).unwrap_or(0o022),
            power: Mutex::new(None),
            env: Mutex::default(),
            lists_read: Mutex::new(None),
            ahead: network::Ahead::default(),
        }
    }

    /// Keeps the links that are read next, for the plan of a run that begins with this process. Not for a process that lives on.
    pub fn keep_links(&self) {
        self.ahead.begin();
    }

    /// Begins to read what else a network plan needs, because one is likely to come. Does nothing where no links are kept.
    pub fn expect_network_plan(&self) {
        self.ahead.read_on();
    }
}

impl Default for LinuxHost {
    fn default() -> Self {
        Self::new()
    }
}

fn umask_of(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|l| l.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

/// Reads a one-line file of the kernel, without its newline.
pub(crate) fn read_line(path: impl AsRef<Path>) -> std::io::Result<String> {
    std::fs::read_to_string(path).map(|s| s.trim_end().to_owned())
}

/// Turns a failed tool into an error in the tool's own words.
fn success(action: &'static str, place: &str, output: &Output) -> Result<(), HostError> {
    if output.exit.success() {
        return Ok(());
    }
    let said = [output.stderr_text(), output.stdout_text()].into_iter().find(|t| !t.is_empty());
    let code = output.exit.code();
    let text = said.map_or_else(|| format!("status {code}"), |said| format!("status {code}: {said}"));
    Err(HostError::other(action, place, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_umask_is_read_from_the_process_status() {
        assert_eq!(umask_of("Name:\tx\nUmask:\t0027\nState:\tR\n"), Some(0o027));
        assert_eq!(umask_of("Name:\tx\n"), None);
    }
}
