//! The enrolment door: one bidirectional stream, the minion speaks first.

use serde::{Deserialize, Serialize};

use crate::ids::{Fingerprint, MachineId, MinionId};
use crate::time::Timestamp;
use crate::value::Map;
use crate::version::{NoCommonVersion, VersionRange};

/// The largest CSR that is looked at, in bytes.
pub const MAX_CSR: usize = 4096;
/// The largest request, in bytes as a frame; a stranger's longer one is not read.
pub const MAX_REQUEST: usize = 32 * 1024;
/// The largest set of grains that an enrolment may carry, in bytes when encoded.
pub const MAX_GRAINS: usize = 16 * 1024;

/// What a minion asks of the door. A minion whose certificate has expired asks the same way: the CSR's
/// signature proves that it holds the accepted key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The versions that the minion speaks.
    pub versions: VersionRange,
    /// The name it wants.
    pub id: MinionId,
    /// A PKCS#10 request, DER, signed by the minion's key.
    pub csr: Vec<u8>,
    /// A join token.
    pub token: Option<String>,
    /// Grains that an autosign policy may look at.
    pub grains: Map,
    /// The machine's id, to tell a rebuilt machine from a second one.
    pub machine_id: Option<MachineId>,
    /// The minion's clock, so that skew can be reported with both times.
    pub now: Timestamp,
}

/// What the door answers. After `Pending` the stream stays open and another answer may follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnrolReply {
    /// The key is recorded and waits for `lab-master key accept`.
    Pending {
        /// The fingerprint to compare.
        fingerprint: Fingerprint,
    },
    /// The key is accepted.
    Accepted {
        /// The minion's certificate, DER.
        certificate: Vec<u8>,
        /// The master's CA certificate, DER.
        ca: Vec<u8>,
        /// The master's clock.
        now: Timestamp,
    },
    /// The door stays shut.
    Refused(EnrolRefusal),
}

/// Why the door stays shut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum EnrolRefusal {
    /// An operator rejected the key.
    #[error("the key {fingerprint} was rejected; `lab-master key accept` lets it in again")]
    Rejected {
        /// Which key.
        fingerprint: Fingerprint,
    },
    /// Another key is accepted under this id.
    #[error(
        "another key ({accepted}) holds this id or waits for it; delete it on the master with `lab-master key delete` \
         or enrol with a fresh token, which supersedes it"
    )]
    IdTaken {
        /// The key that is accepted, or that waited first.
        accepted: Fingerprint,
    },
    /// The token is unknown, used up, expired, or bound to another id.
    #[error(
        "the join token is not valid for this id: {reason}; make a new one with `lab-master token create`"
    )]
    BadToken {
        /// Which of these.
        reason: String,
    },
    /// The request is malformed.
    #[error("the request was not understood: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// Too many requests; try later.
    #[error("too many enrolment requests; try again in {retry_after_seconds} s")]
    Busy {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// No common protocol version.
    #[error(transparent)]
    Version(NoCommonVersion),
    /// The key is accepted for somebody else: two machines must not share one, as the clones of a disk do.
    #[error(
        "the key {fingerprint} is accepted for {holder} already, and {id} must have one of its own (a cloned disk?): \
         on the clone, stop the agent, remove its data directory and its key (`pki` in its configuration directory), and enrol it \
         anew; or delete the other with `lab-master key delete`"
    )]
    KeyInUse {
        /// Which key.
        fingerprint: Fingerprint,
        /// Who asked with it.
        id: MinionId,
        /// Whose it is, like `minion web1`.
        holder: String,
    },
}
