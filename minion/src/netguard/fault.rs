//! Faults on demand, for tests of the guard: the agent kills itself, and its guard if told so, at a named point.
//!
//! Dead code unless the agent was started with LAB_FAULTS=1 in its environment. The point is read from a file and taken
//! only once, so that the agent that comes after the crash runs undisturbed.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::journal::{Places, remove};
use crate::files;

/// Ends this process as a crash would, if that was asked for at this point.
pub(super) fn point(places: &Places, here: &str) {
    if std::env::var_os("LAB_FAULTS").is_none_or(|v| v != "1") {
        return;
    }
    let Ok(Some(text)) = files::read_if_any(&places.fault()) else { return };
    let text = String::from_utf8_lossy(&text);
    if text.trim().strip_prefix("pause:") == Some(here) {
        return pause(places);
    }
    let (asked, guard_too) = match text.trim().split_once('+') {
        Some((at, "guard")) => (at, true),
        _ => (text.trim(), false),
    };
    if asked != here {
        return;
    }
    if remove(&places.fault()).is_err() {
        return;
    }
    tracing::warn!(here, guard_too, "a test asked for a crash here");
    if guard_too && let Some(pid) = super::guard::pid(places) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    let _ = kill(Pid::this(), Signal::SIGKILL);
}

/// Stands still until the test takes its wish back.
fn pause(places: &Places) {
    let held = places.fault().with_extension("held");
    if files::write_atomically(&held, b"", 0o600).is_err() {
        return;
    }
    for _ in 0..6000 {
        if !places.fault().exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // The next pause begins anew.
    let _ = remove(&held);
}
