//! The host's readiness checks: systemd's own opinion where it runs, else what the agent can see by itself.

use std::process::Command;

use tokio::sync::mpsc;

use super::Report;

/// Runs the checks on a thread of their own.
pub(super) fn start(reports: mpsc::Sender<Report>) {
    std::thread::spawn(move || {
        let _ = reports.blocking_send(Report::Checked(check()));
    });
}

fn check() -> Option<String> {
    if crate::systemd::runs() {
        let output = Command::new("systemctl").arg("is-system-running").output().ok()?;
        return systemd(String::from_utf8_lossy(&output.stdout).trim());
    }
    // Without an init system that knows, the agent being here and able to start processes is what can be said.
    Command::new("true").status().ok().filter(|s| s.success()).map(|_| "agent".to_owned())
}

/// Reads `systemctl is-system-running`: booting and stopping are not ready, failed units do not make it wait for ever.
fn systemd(state: &str) -> Option<String> {
    matches!(state, "running" | "degraded").then(|| format!("systemd: {state}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degraded_system_is_ready_and_a_booting_one_is_not() {
        assert_eq!(systemd("running").as_deref(), Some("systemd: running"));
        assert_eq!(systemd("degraded").as_deref(), Some("systemd: degraded"));
        for no in ["initializing", "starting", "maintenance", "stopping", "offline", "unknown", ""] {
            assert_eq!(systemd(no), None, "{no}");
        }
    }
}
