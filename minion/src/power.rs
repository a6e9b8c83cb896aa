//! Taking the machine down, in the way that this machine has.
//!
//! Called once, by the shell, at the very end of the reboot transaction. Decides nothing about whether.

use std::io;
use std::process::Command;
use std::time::Duration;

use lab_states::host::PowerRequest;
use nix::errno::Errno;
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, sync};

/// How long other processes get between SIGTERM and the end, where nothing else stops them.
const TERM_PATIENCE: Duration = Duration::from_secs(2);

/// Why the machine did not go down.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// The command could not be started.
    #[error("cannot run {command}")]
    Start {
        /// Which.
        command: String,
        /// What the system answered.
        source: io::Error,
    },
    /// The command failed.
    #[error("{command} ended with {status}: {said}")]
    Refused {
        /// Which.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its standard error.
        said: String,
    },
    /// The kernel refused.
    #[error("reboot(2) was refused")]
    Kernel(#[source] Errno),
}

/// Takes the machine down. Returns when that is under way; blocks until then.
///
/// # Errors
/// When every way is refused.
pub fn go_down(request: PowerRequest, configured: &[String]) -> Result<(), PowerError> {
    let what = match request {
        PowerRequest::Reboot => "reboot",
        PowerRequest::PowerOff => "poweroff",
    };
    if !configured.is_empty() {
        let argv: Vec<String> = configured.iter().map(|a| a.replace("{what}", what)).collect();
        return run(&argv[0], argv.get(1..).unwrap_or_default());
    }
    if crate::systemd::runs() {
        return run("systemctl", &["--no-block".to_owned(), what.to_owned()]);
    }
    // The system's own way stops its services in order.
    match run(what, &[]) {
        Err(PowerError::Start { source, .. }) if source.kind() == io::ErrorKind::NotFound => kernel(request),
        other => other,
    }
}

fn run(program: &str, arguments: &[String]) -> Result<(), PowerError> {
    let command =
        std::iter::once(program).chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    let output = match Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(source) => return Err(PowerError::Start { command, source }),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(PowerError::Refused { command, status: output.status, said })
}

/// Ends everyone, then asks the kernel; inside a pid namespace that ends the namespace's init.
fn kernel(request: PowerRequest) -> Result<(), PowerError> {
    // Everyone but pid 1 and us. Nobody left to signal is fine.
    let _ = kill(Pid::from_raw(-1), Signal::SIGTERM);
    std::thread::sleep(TERM_PATIENCE);
    sync();
    let mode = match request {
        PowerRequest::Reboot => RebootMode::RB_AUTOBOOT,
        PowerRequest::PowerOff => RebootMode::RB_POWER_OFF,
    };
    match reboot(mode) {
        Ok(never) => match never {},
        Err(e) => Err(PowerError::Kernel(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_command_is_told_what_is_wanted_and_its_refusal_is_passed_on() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let trace = dir.path().join("said");
        let double = |script: &str| vec!["/bin/sh".into(), "-c".into(), script.to_owned(), "{what}".into()];
        let script = format!("echo double: $0 > {}", trace.display());
        go_down(PowerRequest::PowerOff, &double(&script)).expect("the double agrees");
        assert_eq!(std::fs::read_to_string(&trace).expect("was written"), "double: poweroff\n");
        let error =
            go_down(PowerRequest::Reboot, &double("echo double: not now >&2; exit 3")).expect_err("refuses");
        assert!(error.to_string().contains("double: not now"), "{error}");
    }
}
