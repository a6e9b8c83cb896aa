//! The records, as they are encoded.

use lab_proto::event::Boot;
use lab_proto::facts::RunOutcome;
use lab_proto::ids::{MachineId, ProcessId};
use lab_proto::{
    Digest, EndState, Fingerprint, JobId, JobSpec, MinionId, OutboxId, RunId, Target, Timestamp, Value,
};
use serde::{Deserialize, Serialize};

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyState {
    /// Waits.
    Pending,
    /// Let in.
    Accepted,
    /// Shut out.
    Rejected,
    /// Was accepted until another key of the same minion took its place.
    Superseded,
}

impl KeyState {
    /// Names the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }
}

/// One key of one minion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Whose.
    pub id: MinionId,
    /// Which.
    pub fingerprint: Fingerprint,
    /// How it stands.
    pub state: KeyState,
    /// The request that it came with, DER: what is signed when it is accepted.
    pub csr: Vec<u8>,
    /// When it first came.
    pub since: Timestamp,
    /// When its state changed.
    pub changed: Timestamp,
    /// Who changed it.
    pub by: String,
    /// Where it came from.
    pub address: String,
    /// The machine that it came from.
    pub machine_id: Option<MachineId>,
}

/// A join token; its secret only as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    /// The public name.
    pub name: String,
    /// SHA-256 of the secret.
    pub hash: Digest,
    /// The ids it is good for.
    pub pattern: String,
    /// Until when.
    pub expires: Timestamp,
    /// How often it may still be used.
    pub uses_left: u32,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub by: String,
}

/// An operator's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperatorRecord {
    /// Whose.
    pub name: String,
    /// Which.
    pub fingerprint: Fingerprint,
    /// Since when.
    pub since: Timestamp,
    /// Who let it in.
    pub by: String,
}

/// An operator's key that was let in once and is shut out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RevokedRecord {
    /// The key as it was let in.
    pub operator: OperatorRecord,
    /// Since when it is shut out.
    pub at: Timestamp,
    /// Who shut it out.
    pub by: String,
}

/// What is known of a minion across restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionRecord {
    /// Which.
    pub id: MinionId,
    /// The boot that it was last seen with.
    pub boot: Boot,
    /// The agent process that it was last seen with.
    pub process: ProcessId,
    /// The machine.
    pub machine_id: MachineId,
    /// Its outbox.
    pub outbox: OutboxId,
    /// The agent's version.
    pub version: String,
    /// Where it came from.
    pub address: String,
    /// When its last link came up or went down.
    pub last_seen: Timestamp,
    /// The job that announced a reboot that has not been seen yet.
    pub reboot_by: Option<JobId>,
    /// Whether it said that it is ready, in this boot and process.
    pub ready: bool,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The job.
    pub spec: JobSpec,
    /// The log's head when it was submitted: its events come after.
    pub after: u64,
    /// How many minions it addressed.
    pub count: u64,
    /// At most so many at a time.
    pub batch: Option<u32>,
    /// Whether everyone is accounted for, and then whether all succeeded.
    pub done: Option<bool>,
}

/// How a job stands on one minion; `seq` finds the event that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRecord {
    /// The end, once there is one.
    pub end: Option<EndState>,
    /// Whether the function succeeded.
    pub success: bool,
    /// The exit code.
    pub retcode: i64,
    /// The number of the return or end event.
    pub seq: u64,
}

/// A mine value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MineRecord {
    /// The value.
    pub value: Value,
    /// Who may read it; `None` is everyone.
    pub allow: Option<Target>,
    /// Until when it is good.
    pub expires: Option<Timestamp>,
    /// When it was stored.
    pub at: Timestamp,
}

/// An orchestration run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    /// Which.
    pub run: RunId,
    /// Its orchestration file.
    pub name: String,
    /// Who started it.
    pub user: String,
    /// When.
    pub at: Timestamp,
    /// The log's head when it was started: its events come after.
    pub after: u64,
    /// Whether it ended, and then how.
    pub done: Option<RunEnd>,
}

/// How a run ended. In the store, failure and success are what a boolean was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RunEnd {
    Failed,
    Succeeded,
    TimedOut,
}

impl From<RunOutcome> for RunEnd {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Succeeded => Self::Succeeded,
            RunOutcome::Failed => Self::Failed,
            RunOutcome::TimedOut => Self::TimedOut,
        }
    }
}
