//! A network change as a value: what a run wants to do to the machine's network, and how it is taken back.
//!
//! The network states plan a change; the agent's guard (`lab-minion`) carries it out so that it cannot cut the host off:
//! it journals the change, applies it, asks the master over a new connection, and takes it back when there is no answer.
//! Here is what both agree on, and everything about it that can be decided without a machine: [`restore()`] takes a change
//! back from wherever it was left, and [`render`] writes what was made into the files that the next boot reads.

pub mod record;
pub mod render;
pub mod restore;
mod settle;

use std::time::Duration;

use lab_proto::Map;
use serde::{Deserialize, Serialize};

use crate::function::JobCtx;
use crate::host::{Host, NetSnapshot, NetStep};

pub use restore::{Restored, restore};
pub use settle::settle;

/// One step of a change, which of the run's states asked for it, and how it is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeStep {
    /// The place of the state among [`NetChange::calls`].
    pub owner: usize,
    /// What is done.
    pub step: NetStep,
    /// What undoes it, in this order; empty when nothing needs undoing.
    pub undo: Vec<NetStep>,
}

/// A network state of the run, so that what was committed can be planned again: to see drift, and after a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetCall {
    /// `module.function`.
    pub function: String,
    /// The name that the state is about.
    pub name: String,
    /// Its arguments.
    pub args: Map,
}

/// How a change is confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfirmBy {
    /// By whatever the agent's configuration says: an agent asks its master, a run without a master nobody.
    #[default]
    Configured,
    /// By two new handshakes with the master in a row.
    Master,
    /// By nothing but the kernel having done what it was asked for.
    Nothing,
    /// By a shell command that succeeds twice in a row.
    Command(String),
}

impl ConfirmBy {
    /// Reads what people write: `master`, `none`, or a command.
    pub fn parse(text: &str) -> Self {
        match text.trim() {
            "" | "default" => Self::Configured,
            "master" => Self::Master,
            "none" => Self::Nothing,
            command => Self::Command(command.to_owned()),
        }
    }

    /// Returns the word for it, or the command.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Configured => "default",
            Self::Master => "master",
            Self::Nothing => "none",
            Self::Command(command) => command,
        }
    }
}

/// How a change is to be made safe, as far as the run says; what it does not say is the agent's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// By what.
    pub by: ConfirmBy,
    /// Within which time.
    pub within: Option<Duration>,
    /// Whether to go on although it cannot be confirmed as things are.
    pub force: bool,
}

/// All network states of a run as one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetChange {
    /// What was asked for.
    pub calls: Vec<NetCall>,
    /// The machine before.
    pub before: NetSnapshot,
    /// What is done, in order.
    pub steps: Vec<ChangeStep>,
    /// What it may cut off, if anything.
    pub risk: Option<String>,
    /// How long the machine may need to be reachable again although all is well: a bridge that listens and learns.
    pub settle: Duration,
    /// How it is confirmed.
    pub confirm: Confirm,
}

/// Why a change is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct NetFailure {
    /// The step that is to blame, if one is.
    pub step: Option<usize>,
    /// What happened, and how the machine is now.
    pub text: String,
}

/// Reads the machine and tells what is still to be done for a change to be as it was wanted; an error when that cannot be
/// read or planned any more.
pub type Remaining<'a> = dyn Fn() -> Result<Vec<NetStep>, String> + 'a;

/// Carries out changes so that they cannot cut the host off.
pub trait NetGuard: Send + Sync {
    /// Carries a change out: all of it and confirmed, or nothing of it.
    ///
    /// # Errors
    /// When it was refused or taken back.
    fn carry_out(
        &self,
        change: &NetChange,
        remaining: &Remaining<'_>,
        ctx: &JobCtx<'_>,
    ) -> Result<String, NetFailure>;
}

/// Tells what is still to be done for states that were committed: their drift.
///
/// # Errors
/// When the machine cannot be read, or they cannot be planned any more.
pub fn healing(committed: &[NetCall], host: &dyn Host) -> Result<Vec<NetStep>, String> {
    crate::functions::network::healing(committed, host)
}

/// Collects what states that were committed need of the kernel besides links: modules and parameters.
///
/// # Errors
/// When they cannot be read any more.
pub fn kernel_wants(committed: &[NetCall], host: &dyn Host) -> Result<render::KernelWants, String> {
    crate::functions::network::kernel_wants(committed, host)
}

/// Brings back what was committed, as one change.
///
/// # Errors
/// When it was refused or taken back.
pub fn heal(committed: &[NetCall], ctx: &JobCtx<'_>) -> Result<(), String> {
    crate::functions::network::heal(committed, ctx)
}
