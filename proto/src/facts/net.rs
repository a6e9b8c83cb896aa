//! Facts of a minion's network: changes that are tried, kept or taken back, and what others change.

use serde::{Deserialize, Serialize};

use super::tag_of;
use crate::ids::MinionId;
use crate::tag::EventTag;
use crate::time::Timestamp;

/// The most lines that a list in one of these facts has; what is more is counted in its last line.
pub const MAX_LINES: usize = 200;

/// A network change is about to be made, and taken back unless it is confirmed in time. `lab/net/<id>/pending`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetPending {
    /// The minion.
    pub id: MinionId,
    /// The change.
    pub change: String,
    /// Until when it must be confirmed; until then, silence of the minion is not *lost*.
    pub until: Timestamp,
    /// What is done, step by step.
    pub steps: Vec<String>,
    /// What the change may cut off, if the plan says so.
    pub risk: Option<String>,
    /// How it is confirmed: `master`, `none`, or the command that must succeed.
    pub confirm: String,
}

/// A network change was confirmed and will outlive a reboot. `lab/net/<id>/committed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetCommitted {
    /// The minion.
    pub id: MinionId,
    /// The change.
    pub change: String,
    /// What was done, step by step.
    pub steps: Vec<String>,
    /// The files that were written for the next boot.
    pub files: Vec<String>,
    /// The change that this one took back by an operator's wish.
    #[serde(default)]
    pub reverts: Option<String>,
    /// From the first step to here, in microseconds.
    pub duration_micros: u64,
}

/// A network change was taken back. `lab/net/<id>/rolled-back`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetRolledBack {
    /// The minion.
    pub id: MinionId,
    /// The change.
    pub change: String,
    /// Who took it back.
    pub by: RolledBackBy,
    /// Why, for people.
    pub reason: String,
    /// The step that failed, if one did.
    pub step: Option<String>,
    /// What the kernel said to it.
    pub error: Option<String>,
    /// What was undone.
    pub undone: Vec<String>,
    /// What could not be undone, or was found changed by others.
    pub left: Vec<String>,
    /// Whether the master could be reached afterwards; not known when nobody tried.
    pub reachable: Option<bool>,
}

/// Who took a network change back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RolledBackBy {
    /// The agent that made it.
    Agent,
    /// The process that watched the agent.
    Guard,
    /// The next start of the agent, in the same boot.
    Recovery,
    /// The next boot: a cut between writing files and the end of the change.
    Boot,
}

/// A network change was refused before anything was touched. `lab/net/<id>/refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetRefused {
    /// The minion.
    pub id: MinionId,
    /// Why: the master cannot be reached as things are, or another change is pending.
    pub reason: String,
    /// What would have been done.
    pub steps: Vec<String>,
}

/// The network is not any more what was committed. `lab/net/<id>/drift`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetDrift {
    /// The minion.
    pub id: MinionId,
    /// The steps that would bring it back.
    pub healing: Vec<String>,
    /// What was done about it.
    pub action: DriftAction,
    /// Why nothing or not everything was done.
    pub reason: Option<String>,
}

/// What was done about a drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftAction {
    /// It was told, no more.
    Reported,
    /// The steps were taken.
    Healed,
    /// The network is as it was committed again, without our doing.
    Gone,
}

/// A link came, went, or changed its master. `lab/net/<id>/link/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetLink {
    /// The minion.
    pub id: MinionId,
    /// The link.
    pub name: String,
    /// What happened.
    pub what: LinkChange,
    /// The kernel's name for its kind.
    pub kind: String,
    /// The bridge or bond that it is a port of.
    pub master: Option<String>,
    /// Whether it is switched on.
    pub up: bool,
}

/// What happened to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkChange {
    /// It is there now, and was not before.
    Appeared,
    /// It is another bridge's port now, or none any more.
    Moved,
    /// It was switched on or off.
    Switched,
    /// It is there no more.
    Gone,
}

/// Shortens a list for an event.
pub fn lines(all: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = all.into_iter().collect();
    if lines.len() > MAX_LINES {
        let more = lines.len() - (MAX_LINES - 1);
        lines.truncate(MAX_LINES - 1);
        lines.push(format!("… and {more} more"));
    }
    lines
}

macro_rules! net_tags {
    ($($t:ty => $what:literal),*) => { $(
        impl $t {
            /// Returns the fact's tag.
            pub fn tag(&self) -> EventTag {
                tag_of(format!("lab/net/{}/{}", self.id, $what))
            }

            /// Returns the fact as the data of its event; the outbox makes the event.
            pub fn data(&self) -> crate::value::Value {
                super::value_of(self)
            }
        }
    )* };
}
net_tags!(
    NetPending => "pending", NetCommitted => "committed", NetRolledBack => "rolled-back",
    NetRefused => "refused", NetDrift => "drift"
);

impl NetLink {
    /// Returns the fact's tag. White space cannot be in a tag and is possible in a link's name.
    pub fn tag(&self) -> EventTag {
        let name = self.name.replace(|c: char| c.is_whitespace() || c.is_control() || c == '/', "_");
        tag_of(format!("lab/net/{}/link/{name}", self.id))
    }

    /// Returns the fact as the data of its event; the outbox makes the event.
    pub fn data(&self) -> crate::value::Value {
        super::value_of(self)
    }
}
