//! One boot of one host: makes its namespaces, waits for its cable, runs its init, and says how it ended.
//!
//! It stays between switch and init because only a fresh process can make a pid namespace for its child.

use std::io::{BufRead, stdin};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use super::super::NsError;
use super::super::error::Doing;
use super::{rootfs, say, this_binary};

/// How a host went down, as exit codes of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Rebooted,
    PoweredOff,
    Killed,
    InitFailed,
}

impl Ended {
    const ALL: [(Self, u8); 4] =
        [(Self::Rebooted, 60), (Self::PoweredOff, 61), (Self::Killed, 62), (Self::InitFailed, 63)];

    pub(super) fn from_code(code: i32) -> Self {
        let found = Self::ALL.into_iter().find(|(_, c)| i32::from(*c) == code);
        found.map_or(Self::InitFailed, |(ended, _)| ended)
    }

    fn code(self) -> u8 {
        Self::ALL.into_iter().find(|(e, _)| *e == self).map_or(63, |(_, code)| code)
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Rebooted => "rebooted",
            Self::PoweredOff => "powered off",
            Self::Killed => "power cut",
            Self::InitFailed => "its init failed",
        }
    }
}

pub(super) fn boot(plan: &Path) -> Result<ExitCode, NsError> {
    set_pdeathsig(Signal::SIGKILL).doing(|| "ask for a death signal".to_owned())?;
    let own = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWPID;
    unshare(own).doing(|| "make the host's namespaces".to_owned())?;
    rootfs::make_private()?;
    say("ready")?;
    stdin().lock().read_line(&mut String::new()).doing(|| "wait for the cable".to_owned())?;
    let mut init = Command::new(this_binary()?)
        .arg("init")
        .arg(plan)
        .stdin(Stdio::null())
        .spawn()
        .doing(|| "start the host's init".to_owned())?;
    say(&format!("init {}", init.id()))?;
    let status = init.wait().doing(|| "wait for the host's init".to_owned())?;
    // reboot(2) inside a pid namespace ends its init, to its parent's eyes, by SIGHUP or SIGINT.
    let ended = match status.signal().map(Signal::try_from) {
        Some(Ok(Signal::SIGHUP)) => Ended::Rebooted,
        Some(Ok(Signal::SIGINT)) => Ended::PoweredOff,
        Some(_) => Ended::Killed,
        None => Ended::InitFailed,
    };
    Ok(ExitCode::from(ended.code()))
}
