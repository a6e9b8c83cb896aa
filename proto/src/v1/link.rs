//! The link between a minion and its master.
//!
//! The minion opens every stream; the first frame on each is a [`StreamOpen`] that says what the stream is:
//!
//! - **control** (one, first): [`Hello`] → [`ToMinion::Welcome`] or `Refused`; then heartbeats both ways;
//! - **events** (one): [`EventBatch`] up, [`EventAck`] down; the outbox's contents, each event once;
//! - **jobs** (one): [`JobsDown`] and [`JobsUp`]; returns go through the outbox, not here;
//! - **query** (many, short): one [`Query`] up, one [`QueryReply`] down, then raw bytes for content.
//!
//! A connection whose first stream is a **probe** is no link: the master echoes the number and that is all. It shows
//! that a new handshake works now, and disturbs nothing that the minion's link has.

use serde::{Deserialize, Serialize};

use crate::event::{Boot, OutboxEvent};
use crate::ids::{Digest, JobId, MachineId, MinionId, OutboxId, Position, ProcessId};
use crate::job::{JobSpec, Target};
use crate::time::Timestamp;
use crate::value::{Map, Value};
use crate::version::{NoCommonVersion, VersionRange};

/// The most events in one [`EventBatch`].
pub const MAX_BATCH: usize = 1024;
/// The most event bytes that a minion may have sent and not yet seen acknowledged.
pub const MAX_UNACKED_BYTES: usize = 512 * 1024;
/// The largest blob that the master takes from a minion, in bytes.
pub const MAX_UPLOAD: u64 = 256 << 20;
/// The most boots that a hello lists.
pub const MAX_BOOTS: usize = 16;
/// The most streams that a minion may have open at a time: control, events, jobs, and questions.
pub const MAX_STREAMS: u32 = 14;
/// Bytes that a minion lets the master send ahead on one stream: one large frame.
pub const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes that it may send ahead altogether, and that the master keeps unacknowledged for one minion: as much as on all streams,
/// and more, or blobs that nobody reads would hold up jobs.
pub const WINDOW: u32 = (MAX_STREAMS + 2) * STREAM_WINDOW;
/// The largest datagram that a minion takes, and that the master tries where the way may carry it: jumbo frames do. Ten of them
/// fit what is handed to the kernel in one call, 65,507 bytes.
pub const MAX_DATAGRAM: u16 = 6_550;

/// The master ends a blob's stream with this code when its own copy is not what the name says: asking again does not help.
pub const RESET_DAMAGED: u32 = 1;
/// The master ends a blob's stream with this code when the minion did not take what was sent for a minute.
pub const RESET_UNREAD: u32 = 2;
/// The master ends a blob's stream with this code when its disk failed: asking again may help.
pub const RESET_UNREADABLE: u32 = 3;

/// The first frame of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamOpen {
    /// The control stream.
    Control(Hello),
    /// The stream of the outbox's events.
    Events {
        /// Which outbox.
        outbox_id: OutboxId,
    },
    /// The stream of jobs. Once the master has it, the minion counts as subscribed and is told so by
    /// [`JobsDown::Registered`].
    Jobs,
    /// A question.
    Query(Query),
    /// The only stream of a connection that is made to see whether one can be made. Answered by [`ProbeEcho`].
    Probe {
        /// Any number.
        nonce: u64,
    },
}

/// The answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeEcho {
    /// The number of the probe.
    pub nonce: u64,
}

/// What a minion says of itself when the link comes up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The versions that the minion speaks.
    pub versions: VersionRange,
    /// The minion's name; must be the certificate's.
    pub id: MinionId,
    /// The present boot.
    pub boot: Boot,
    /// When the machine booted, by its clock.
    pub booted_at: Timestamp,
    /// Earlier boots that the journal knows and the master may not, oldest first; at most [`MAX_BOOTS`].
    pub earlier_boots: Vec<Boot>,
    /// The machine.
    pub machine_id: MachineId,
    /// The agent's process: the same across reconnects, another after a restart of the agent.
    pub process: ProcessId,
    /// The outbox.
    pub outbox_id: OutboxId,
    /// The number of the newest event in the outbox, 0 when it never had one.
    pub outbox_head: u64,
    /// The agent's version, `0.1.0`.
    pub version: String,
    /// The minion's clock.
    pub now: Timestamp,
}

/// Control frames from the minion after its hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToMaster {
    /// A sign of life.
    Heartbeat {
        /// Counts up from 1 on each connection.
        number: u64,
        /// How many jobs run or wait.
        jobs: u32,
        /// A network change is pending for so long from now on, in microseconds: silence meanwhile is not *lost*. A length and no
        /// time, because no clock of the one end is the other's.
        change_pending_micros: Option<u64>,
    },
    /// The minion's grains, sent after the welcome and when they change.
    Grains(Map),
    /// A request for a fresh certificate for the same key: a PKCS#10 request, DER.
    Renew {
        /// The request.
        csr: Vec<u8>,
    },
    /// The minion is about to close, and why.
    Closing(CloseReason),
}

/// Control frames from the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToMinion {
    /// The link is up.
    Welcome(Welcome),
    /// The link is refused; the connection closes.
    Refused(LinkRefusal),
    /// Answers a heartbeat.
    HeartbeatAck {
        /// Its number.
        number: u64,
        /// The log's newest position: what the minion may claim to have seen.
        head: Position,
    },
    /// A fresh certificate, DER.
    Certificate(Vec<u8>),
    /// The master is about to close, and why.
    Closing(CloseReason),
}

/// The master's answer to a hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that both now speak.
    pub version: u16,
    /// The log's newest position.
    pub head: Position,
    /// The highest event number of this outbox that is durable here; 0 when none is.
    pub outbox_mark: u64,
    /// How often to send heartbeats, in microseconds.
    pub heartbeat_micros: u64,
    /// The master's real clock, by which it makes jobs. Not the steady one that it takes deadlines from.
    pub now: Timestamp,
}

/// Why a link is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum LinkRefusal {
    /// No common protocol version.
    #[error(transparent)]
    Version(NoCommonVersion),
    /// The hello names another minion than the certificate.
    #[error("the certificate is for {certificate}, the hello says {hello}")]
    WrongId {
        /// The certificate's name.
        certificate: MinionId,
        /// The hello's.
        hello: MinionId,
    },
    /// The key is not accepted (any more).
    #[error("the key is not accepted; see `lab-master key list`")]
    NotAccepted,
    /// The minion's outbox is behind what the master already has of it: it was restored from an old copy.
    #[error(
        "the outbox was rewound: it ends at {head}, but {mark} is already in the log; begin a new outbox"
    )]
    OutboxRewound {
        /// The hello's head.
        head: u64,
        /// The master's mark.
        mark: u64,
    },
    /// A frame came that does not belong there.
    #[error("protocol violation: {0}")]
    Violation(String),
}

/// Why a side closes a link that was up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseReason {
    /// The process ends.
    Shutdown,
    /// The machine reboots; the job that asked for it, if one did.
    Reboot(Option<JobId>),
    /// The key was rejected or deleted.
    KeyRevoked,
    /// A newer connection of the same minion took over.
    Superseded,
    /// The other side broke the protocol.
    Violation(String),
    /// The other side does not take what it is sent; it may come back at once. One that does not know this word comes back, too.
    Slow(String),
    /// The master could not write down what the link needs; it may come back. One that does not know this word comes back, too.
    NotRecorded(String),
}

impl CloseReason {
    /// Returns the QUIC application error code for the reason.
    pub fn code(&self) -> u32 {
        match self {
            Self::Shutdown => 0,
            Self::Reboot(_) => 1,
            Self::KeyRevoked => 2,
            Self::Superseded => 3,
            Self::Violation(_) => 4,
            // 5 is a refused hello.
            Self::Slow(_) => 6,
            Self::NotRecorded(_) => 7,
        }
    }
}

/// Events from the outbox, in order, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBatch {
    /// At most [`MAX_BATCH`] events.
    pub events: Vec<OutboxEvent>,
}

/// The master's answer to event batches; several batches may be answered by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventAck {
    /// Everything up to this number is durable.
    Durable {
        /// The number.
        counter: u64,
        /// The log's newest position.
        head: Position,
    },
    /// A batch began above the next expected number. The minion sends again from there.
    Gap {
        /// The next expected number.
        expected: u64,
    },
    /// An event was refused for ever (a tag that is not this minion's, over 64 KiB). It counts as taken, so that it does
    /// not block the outbox, and is named in the log.
    Refused {
        /// Its number.
        counter: u64,
        /// Why.
        reason: String,
    },
}

/// Job frames from the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobsDown {
    /// Run this, once per jid.
    Publish {
        /// The job.
        job: Box<JobSpec>,
        /// This minion's pillar, rendered for the job.
        pillar: Map,
    },
    /// End this job: its process group is killed.
    Kill {
        /// The job.
        jid: JobId,
        /// Who asked.
        by: String,
    },
    /// The first frame: the minion is subscribed, every job published from now on reaches it. Only then does the
    /// minion say that it has started.
    Registered,
}

/// Job frames from the minion. None of them is durable; returns come as events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobsUp {
    /// The answer to a publish, and what is told of every live job after a reconnect.
    State {
        /// The job.
        jid: JobId,
        /// How it stands.
        state: JobState,
    },
    /// Live output or live results.
    Progress {
        /// The job.
        jid: JobId,
        /// What there is to show.
        progress: Progress,
    },
}

/// How a job stands on a minion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// It waits for this many jobs before it.
    Queued(u32),
    /// It runs.
    Running,
    /// It ended earlier; its return is in the outbox or already acknowledged.
    Ended,
    /// It is refused: the queue is full.
    Refused(String),
}

/// What a running job shows. Bounded and lossy: the return is what counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Text from the command's standard output.
    Stdout(String),
    /// Text from the command's standard error.
    Stderr(String),
    /// A state began.
    StateStarted {
        /// Its ID declaration.
        id: String,
        /// `module.function`.
        state: String,
    },
    /// A state ended; a `StateReturn` without its diff.
    StateEnded(Value),
}

/// A question of a minion. The master answers only for this minion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// The bytes of a blob from an offset on. They follow the reply raw, up to the end of the stream, as they lie on the
    /// master's disk: nobody has verified them, the asker checks. Asked from the end on, the master verifies its copy: the
    /// stream is finished when it is whole, else reset with [`RESET_DAMAGED`].
    BlobGet {
        /// Which.
        digest: Digest,
        /// From where.
        offset: u64,
    },
    /// Offers a blob (a return or diff too large for an event). The bytes follow raw; the reply comes after them.
    BlobPut {
        /// Which.
        digest: Digest,
        /// How many bytes.
        size: u64,
    },
    /// This minion's pillar, rendered now.
    Pillar {
        /// Values that override, as `pillar=` on a job does.
        overrides: Map,
    },
    /// Mine values of other minions, as far as they may be read from here.
    MineGet {
        /// Whose.
        target: Target,
        /// Which function's or alias's value.
        function: String,
    },
    /// Stores a mine value.
    MineSend {
        /// Under this name.
        function: String,
        /// The value.
        value: Value,
        /// Who may read it; `None` is every minion, as in Salt.
        allow: Option<Target>,
        /// For how long, in seconds.
        ttl_seconds: Option<u64>,
    },
    /// Deletes a mine value, all when no name is given.
    MineDelete {
        /// Which.
        function: Option<String>,
    },
}

/// The answer to a [`Query`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryReply {
    /// The blob has this size; its bytes from the asked offset on follow raw.
    Blob {
        /// The whole size.
        size: u64,
    },
    /// The blob, mine value or deletion is durable.
    Stored,
    /// A value.
    Value(Value),
    /// There is no such thing, or it may not be read from here.
    NotFound(String),
    /// The question failed, and what to do.
    Failed(String),
}
