//! What systemd is told, where it asked to be: ready, status, still alive, stopping.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Says that the agent is up. Being connected is not part of it: a master that is away must not fail the unit.
pub(super) fn ready() {
    say("READY=1");
}

/// Says that the agent ends.
pub(super) fn stopping() {
    say("STOPPING=1");
}

/// Says that the loop still turns.
pub(super) fn alive() {
    say("WATCHDOG=1");
}

/// Says how it stands, for `systemctl status`.
pub(super) fn status(text: &str) {
    say(&format!("STATUS={text}"));
}

/// Returns the beat that the watchdog wants, half of its patience.
pub(super) fn watchdog() -> Option<Interval> {
    let micros: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    let mut beat = interval(Duration::from_micros(micros / 2).max(Duration::from_millis(10)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(beat)
}

/// Waits for the next beat, for ever without a watchdog.
pub(super) async fn tick(beat: &mut Option<Interval>) {
    match beat {
        Some(beat) => drop(beat.tick().await),
        None => std::future::pending().await,
    }
}

fn say(what: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let send = || -> std::io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        let path = path.to_string_lossy().into_owned();
        match path.strip_prefix('@') {
            Some(name) => {
                use std::os::linux::net::SocketAddrExt;
                let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
                socket.send_to_addr(what.as_bytes(), &address).map(drop)
            }
            None => socket.send_to(what.as_bytes(), &path).map(drop),
        }
    };
    // A service manager that does not listen is no reason to stop working.
    if let Err(e) = send() {
        tracing::debug!(error = %e, "systemd was not told");
    }
}
