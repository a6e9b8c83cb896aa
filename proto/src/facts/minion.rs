//! Facts of minions: booted, ready, connected, gone.

use serde::{Deserialize, Serialize};

use super::{minion_tag, tag_of};
use crate::event::Boot;
use crate::ids::{BootId, JobId, MachineId, MinionId, ProcessId};
use crate::tag::EventTag;
use crate::time::Timestamp;

/// An agent started. `salt/minion/<id>/start`, stated by the minion once per agent process, after its job
/// stream is registered; never on a reconnect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionStart {
    /// The minion.
    pub id: MinionId,
    /// The present boot.
    pub boot_id: BootId,
    /// The boot that the agent's journal knew before.
    pub old_boot_id: Option<BootId>,
    /// What made the agent start.
    pub cause: StartCause,
    /// The machine came up by kexec, without its firmware.
    #[serde(default)]
    pub kexec: bool,
}

/// What made an agent start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartCause {
    /// The machine booted.
    Boot,
    /// Only the agent was started again.
    AgentRestart,
}

/// A minion is ready: connected, accepted, job stream registered, queue idle, and the host's readiness
/// checks passed. `lab/minion/<id>/ready`, stated by the minion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionReady {
    /// The minion.
    pub id: MinionId,
    /// The boot that it is ready in.
    pub boot_id: BootId,
    /// Which readiness checks ran: `systemd: running`, `systemd: degraded`, `agent`.
    pub checks: String,
}

/// A minion came back with another boot. `lab/minion/<id>/reboot`, stated by the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionReboot {
    /// The minion.
    pub id: MinionId,
    /// The boot that the master knew.
    pub old: BootId,
    /// The boot that it is in now.
    pub new: BootId,
    /// All boots after the old one, the new one last; more than one is more than one reboot.
    #[serde(default)]
    pub boots: Vec<BootId>,
    /// The job that had asked for it.
    #[serde(default)]
    pub requested_by: Option<JobId>,
    /// When the machine booted, by its own clock.
    #[serde(default)]
    pub booted_at: Option<Timestamp>,
}

/// A minion's link came up. `lab/minion/<id>/connected`, stated by the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionConnected {
    /// The minion.
    pub id: MinionId,
    /// From where.
    pub address: String,
    /// The boot that it is in.
    pub boot_id: BootId,
    /// That boot's number.
    #[serde(rename = "boot")]
    pub boot_number: u64,
    /// The agent's process.
    pub process: ProcessId,
    /// The machine.
    pub machine_id: MachineId,
    /// The agent's version.
    pub version: String,
    /// Another agent process than before, in the same boot.
    pub agent_restarted: bool,
}

impl MinionConnected {
    /// Returns the boot that the minion is in.
    pub fn boot(&self) -> Boot {
        Boot { id: self.boot_id, number: self.boot_number }
    }
}

/// A minion's link went down. `lab/minion/<id>/disconnected`, stated by the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionDisconnected {
    /// The minion.
    pub id: MinionId,
    /// The boot that it was in.
    pub boot_id: BootId,
    /// `shutdown`, `reboot`, `superseded`, `key revoked`, or what the transport said.
    pub reason: String,
    /// The job that made it go down, if it said so.
    #[serde(default)]
    pub jid: Option<JobId>,
}

/// A minion's heartbeats stopped. `lab/minion/<id>/lost`, stated by the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionLost {
    /// The minion.
    pub id: MinionId,
    /// When it was last heard of.
    pub last_heard: Timestamp,
}

/// A lost minion gave a sign of life on the same link. `lab/minion/<id>/found`, stated by the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionFound {
    /// The minion.
    pub id: MinionId,
}

impl MinionStart {
    /// Returns the fact's tag.
    pub fn tag(&self) -> EventTag {
        tag_of(format!("salt/minion/{}/start", self.id))
    }
}

macro_rules! minion_tags {
    ($($t:ty => $what:literal),*) => { $(
        impl $t {
            /// Returns the fact's tag.
            pub fn tag(&self) -> EventTag {
                minion_tag(&self.id, $what)
            }
        }
    )* };
}
minion_tags!(
    MinionReady => "ready", MinionReboot => "reboot", MinionConnected => "connected",
    MinionDisconnected => "disconnected", MinionLost => "lost", MinionFound => "found"
);
super::master_fact!(MinionReboot, MinionConnected, MinionDisconnected, MinionLost, MinionFound);

macro_rules! minion_data {
    ($($t:ty),*) => { $(
        impl $t {
            /// Returns the fact as the data of its event; the outbox makes the event.
            pub fn data(&self) -> crate::value::Value {
                super::value_of(self)
            }
        }
    )* };
}
minion_data!(MinionStart, MinionReady);
