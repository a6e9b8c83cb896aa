//! Network changes that cannot cut the host off.
//!
//! A change is tried in the kernel only, confirmed by a new handshake with the master, written down for the next boot,
//! handed over to whatever owns the network cards, confirmed again, and only then kept. In any other case it is taken back:
//! by the agent, by a process that watches it, by the agent's next start, or by the next boot.
//!
//! [`machine`] decides, [`carry`] does; [`journal`] is what all four read.

mod carry;
mod fault;
mod guard;
pub mod journal;
pub mod machine;
pub mod persist;
pub mod probe;
mod recover;
mod revert;
mod untold;

use std::path::PathBuf;
use std::time::Duration;

use lab_proto::{EventTag, MinionId, Value};

pub use carry::Guard;
pub use guard::{Armed, watch};
pub use recover::{Verdict, at_boot, at_start, make_own_links, report};
pub use revert::{history, revert};

use crate::config::NetSettings;
use probe::Prober;

/// What the guard needs to know of its agent.
pub struct Setup {
    /// The minion.
    pub id: MinionId,
    /// Where journals of this boot live.
    pub run_dir: PathBuf,
    /// Where journals live that must survive a boot.
    pub data_dir: PathBuf,
    /// What the configuration says.
    pub settings: NetSettings,
    /// Asks the master; nothing when there is none.
    pub prober: Option<Prober>,
    /// Tells the world.
    pub voice: Box<dyn Voice>,
}

/// How the guard makes itself heard.
pub trait Voice: Send + Sync {
    /// States an event.
    fn event(&self, tag: EventTag, data: Value);

    /// Says how long silence is to be excused from now on; nothing when that is over.
    fn pending(&self, excuse: Option<Duration>);

    /// Says that the way to the master is a new one: a link that does not answer over it is dialled again.
    fn path_changed(&self);

    /// Says that the network is not what it was, so that those who watch it compare with the present one.
    fn settled(&self);
}

/// A run without a master: nobody to tell.
pub struct Mute;

impl Voice for Mute {
    fn event(&self, tag: EventTag, data: Value) {
        tracing::info!(%tag, %data, "not sent: there is no master");
    }

    fn pending(&self, _: Option<Duration>) {}

    fn path_changed(&self) {}

    fn settled(&self) {}
}

/// Returns the time since the boot, sleep included: what deadlines are kept in.
pub(crate) fn since_boot() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}
