//! The dead man's switch: a process of its own that takes a change back when its deadline has passed and nobody did.
//!
//! It needs the journal and the kernel, nothing else: no agent, no master, no renderer. It looks at the journal, so that
//! removing the journal is all it takes to disarm it, and nothing can be left behind that takes a good change back later.

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lab_proto::facts::RolledBackBy;
use lab_states::host::Network;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::journal::{Journal, Phase, Places, remove};
use super::machine::Fault;
use super::{recover, since_boot};
use crate::files;

/// How long after the deadline the agent may still be at it itself.
const GRACE: Duration = Duration::from_secs(3);
/// How often the journal is looked at where the kernel does not tell that it changed.
const LOOK: Duration = Duration::from_millis(250);
/// How long the agent, if it still lives, may hold the guard up.
const TURN: Duration = Duration::from_secs(30);
/// How long the guard may take to stand.
const START: Duration = Duration::from_secs(10);

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Armed {
    /// The change was decided without it.
    Disarmed,
    /// It took the change back.
    TookBack,
}

/// Starts the process that watches a change; returns when it stands.
pub(super) fn start(places: &Places, change: &str, run_dir: &Path, data_dir: &Path) -> io::Result<()> {
    remove(&places.armed()).map_err(io::Error::other)?;
    let mut command = if crate::systemd::runs() {
        under_systemd(change)?
    } else {
        // Whatever became of the file that this process was started from.
        Command::new("/proc/self/exe")
    };
    command.args(["net-rollback", change, "--run-dir"]).arg(run_dir).arg("--data-dir").arg(data_dir);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    // Reaped whenever it ends.
    std::thread::spawn(move || child.wait());
    let until = since_boot() + START;
    while !watches(places, change) {
        if since_boot() > until {
            return Err(io::Error::other(format!(
                "the process that watches the change did not start within {} s",
                START.as_secs()
            )));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// A unit of its own: what the agent's unit has in its group ends with it.
fn under_systemd(change: &str) -> io::Result<Command> {
    let mut command = Command::new("systemd-run");
    command.args(["--quiet", "--collect", "--property=Restart=on-failure", "--property=RestartSec=200ms"]);
    command.arg(format!("--unit=lab-net-rollback-{change}")).arg(program()?);
    Ok(command)
}

/// This program where systemd finds it: also after an upgrade, when the kernel says that what runs was deleted.
fn program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    let upgraded = path.to_str().and_then(|p| p.strip_suffix(" (deleted)")).map(PathBuf::from);
    Ok(upgraded.unwrap_or(path))
}

fn watches(places: &Places, change: &str) -> bool {
    armed(places).is_some_and(|(of, _)| of == change)
}

/// Returns the pid of the process that watches.
pub(super) fn pid(places: &Places) -> Option<i32> {
    armed(places).map(|(_, pid)| pid)
}

fn armed(places: &Places) -> Option<(String, i32)> {
    let bytes = files::read_if_any(&places.armed()).ok()??;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (change, pid) = text.trim().split_once(' ')?;
    Some((change.to_owned(), pid.parse().ok()?))
}

/// Watches a change until it is decided, or takes it back: the whole life of the process.
///
/// # Errors
/// When the journal cannot be read, or the result not be written.
pub fn watch(places: &Places, change: &str, network: &dyn Network) -> io::Result<Armed> {
    // Out of the agent's session, so that what ends the agent does not end its guard. A leader is out already.
    let _ = nix::unistd::setsid();
    let armed = format!("{change} {}\n", std::process::id());
    files::write_atomically(&places.armed(), armed.as_bytes(), 0o600).map_err(io::Error::other)?;
    let eye = Eye::open(places);
    loop {
        let Some(journal) = undecided(places, change)? else { return Ok(Armed::Disarmed) };
        let due = journal.deadline() + GRACE;
        if since_boot() < due {
            eye.rest(due);
            continue;
        }
        // One that does not let go is hanging: the host comes first.
        let _turn = places.turn(TURN).map_err(io::Error::other)?;
        let Some(mut journal) = undecided(places, change)? else { return Ok(Armed::Disarmed) };
        if since_boot() < journal.deadline() + GRACE {
            continue;
        }
        let fault =
            Fault::of("it was not confirmed in time, and the agent that made it did not take it back");
        recover::take_back(network, places, &mut journal, RolledBackBy::Guard, &fault)
            .map_err(io::Error::other)?;
        return Ok(Armed::TookBack);
    }
}

/// What wakes the guard when the journal is another one, or gone: whoever waits for the guard's end, as one does who reads what
/// `apply --local` says, waits no longer than the change takes.
struct Eye(Option<(Inotify, TimerFd)>);

impl Eye {
    /// Where the kernel tells nothing, the guard looks now and then.
    fn open(places: &Places) -> Self {
        let told = || {
            let eye = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
            let journal = places.change();
            let dir = journal.parent().unwrap_or(Path::new("/"));
            eye.add_watch(dir, AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_DELETE)?;
            // The clock of deadlines, which goes on while the machine sleeps.
            Ok((eye, TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_CLOEXEC)?))
        };
        Self(
            told().inspect_err(|error: &Errno| tracing::debug!(%error, "the journal is only looked at")).ok(),
        )
    }

    /// Waits until something happened where the journal is, or a time since boot has come.
    fn rest(&self, until: Duration) {
        let awaited = self.0.as_ref().and_then(|(eye, clock)| await_event(eye, clock, until).ok());
        if awaited.is_none() {
            std::thread::sleep(LOOK.min(until.saturating_sub(since_boot())));
        }
    }
}

fn await_event(eye: &Inotify, clock: &TimerFd, until: Duration) -> nix::Result<()> {
    let expiry = Expiration::OneShot(TimeSpec::from_duration(until));
    clock.set(expiry, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
    let mut awaited = [eye.as_fd(), clock.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    poll(&mut awaited, PollTimeout::NONE)?;
    let broken = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    if awaited.iter().any(|fd| fd.revents().is_some_and(|happened| happened.intersects(broken))) {
        return Err(Errno::EIO);
    }
    // What happened is not asked: the journal says.
    drain(|| eye.read_events())
}

/// Reads until there is nothing more. What cannot be read would wake the guard again at once, and for ever.
fn drain<T>(mut read: impl FnMut() -> nix::Result<T>) -> nix::Result<()> {
    loop {
        match read() {
            Ok(_) => {}
            Err(Errno::EAGAIN) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
}

fn undecided(places: &Places, change: &str) -> io::Result<Option<Journal>> {
    let journal = places.read_change().map_err(io::Error::other)?;
    Ok(journal.filter(|j| j.change == change && j.phase != Phase::RolledBack))
}

#[cfg(test)]
mod tests {
    use super::super::journal::tests::journal;
    use super::*;
    use lab_states::host::sim::SimHost;

    #[test]
    fn it_takes_back_what_nobody_confirmed_and_leaves_what_was_decided() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let places = Places::new(dir.path(), dir.path());
        let host = SimHost::new();
        let watched = || watch(&places, "a", &host).expect("watches");
        places.turn(Duration::ZERO).expect("makes the directory");
        assert_eq!(watched(), Armed::Disarmed, "there is no change");
        places.write_change(&journal("b")).expect("writes");
        assert_eq!(watched(), Armed::Disarmed, "it is another change");
        places.write_change(&journal("a")).expect("writes");
        assert_eq!(watched(), Armed::TookBack, "its deadline is long over");
        let after = places.read_change().expect("reads").expect("is there to be told");
        assert_eq!(after.report.map(|r| r.by), Some(RolledBackBy::Guard));
        assert_eq!(watched(), Armed::Disarmed, "it was taken back already");
    }

    #[test]
    fn it_is_woken_when_the_journal_is_replaced_or_gone() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let places = Places::new(dir.path(), dir.path());
        places.turn(Duration::ZERO).expect("makes the directory");
        let eye = Eye::open(&places);
        assert!(eye.0.is_some(), "the kernel tells");
        // Far from now: a wake-up that does not come is a test that does not end.
        let never = since_boot() + Duration::from_secs(3600);
        places.write_change(&journal("a")).expect("writes");
        eye.rest(never);
        places.forget_change().expect("removes");
        eye.rest(never);
        for eye in [eye, Eye(None)] {
            let soon = since_boot() + Duration::from_millis(1);
            eye.rest(soon);
            assert!(since_boot() >= soon, "its time has come");
        }
    }

    #[test]
    fn an_eye_that_cannot_be_read_is_not_taken_for_one_that_has_seen_all() {
        let drained = |last| {
            let mut answers = vec![Err(last), Ok(())];
            drain(move || answers.pop().expect("it ends"))
        };
        assert_eq!(drained(Errno::EAGAIN), Ok(()));
        assert_eq!(drained(Errno::EBADF), Err(Errno::EBADF));
    }
}
