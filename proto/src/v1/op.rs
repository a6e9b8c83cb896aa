//! The operators' door: one bidirectional stream per request, the client speaks first.
//!
//! Lists and details come as [`OpReply::Data`] with the same shape that `--json` prints. Everything that
//! happens over time comes as the log's own events, so that a live view and a replay are one thing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::event::Event;
use crate::ids::{JobId, MinionId, Position, RunId};
use crate::job::Target;
use crate::tag::{EventTag, TagPattern};
use crate::time::Timestamp;
use crate::v1::link::Progress;
use crate::value::{Map, Value};
use crate::version::VersionRange;

/// The first and only frame of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpOpen {
    /// The versions that the client speaks.
    pub versions: VersionRange,
    /// What it wants.
    pub request: OpRequest,
}

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpRequest {
    /// How the master is.
    Status,
    /// Keys.
    Key(KeyRequest),
    /// Join tokens.
    Token(TokenRequest),
    /// A certificate for another operator.
    OperatorIssue {
        /// The new operator's name.
        name: String,
        /// A PKCS#10 request, DER: the private key never crosses the wire.
        csr: Vec<u8>,
    },
    /// Events, past and present.
    Events(EventQuery),
    /// Appends an event.
    EventSend {
        /// Its tag.
        tag: EventTag,
        /// Its data.
        data: Value,
    },
    /// Runs a function on minions and follows it to its end.
    Run(RunRequest),
    /// Jobs that were.
    Job(JobRequest),
    /// Minions.
    MinionList,
    /// One minion.
    MinionShow {
        /// Which.
        id: MinionId,
    },
    /// Starts an orchestration, or shows what it would do.
    Orchestrate(OrchestrateRequest),
    /// Orchestration runs.
    Runs(RunsRequest),
    /// Rendered pillar of minions.
    Pillar {
        /// Whose.
        target: Target,
        /// A key path joined by `:`; everything when absent.
        key: Option<String>,
    },
    /// Last known grains of minions.
    Grains {
        /// Whose.
        target: Target,
        /// A key path joined by `:`; everything when absent.
        key: Option<String>,
    },
    /// Mine values.
    Mine {
        /// Whose.
        target: Target,
        /// Which; all names when absent.
        function: Option<String>,
    },
    /// The operators.
    OperatorList,
    /// Shuts an operator out and closes its connections.
    OperatorRevoke {
        /// Whose keys, all of them.
        name: String,
    },
    /// Rendered pillar of minions, with its secrets or with its layers.
    PillarShow {
        /// Whose.
        target: Target,
        /// A key path joined by `:`; everything when absent.
        key: Option<String>,
        /// Tells the layers that have the key, and which of them won.
        explain: bool,
        /// Shows secrets.
        reveal: bool,
    },
}

impl OpRequest {
    /// Names the request for logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Key(_) => "key",
            Self::Token(_) => "token",
            Self::OperatorIssue { .. } => "operator issue",
            Self::Events(_) => "events",
            Self::EventSend { .. } => "event send",
            Self::Run(_) => "run",
            Self::Job(_) => "job",
            Self::MinionList => "minion list",
            Self::MinionShow { .. } => "minion show",
            Self::Orchestrate(_) => "orchestrate",
            Self::Runs(_) => "runs",
            Self::Pillar { .. } => "pillar",
            Self::Grains { .. } => "grains",
            Self::Mine { .. } => "mine",
            Self::OperatorList => "operator list",
            Self::OperatorRevoke { .. } => "operator revoke",
            Self::PillarShow { .. } => "pillar show",
        }
    }
}

/// What to do with keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyRequest {
    /// All keys with their states.
    List,
    /// One minion's keys.
    Show {
        /// Whose.
        id: MinionId,
    },
    /// Lets a pending or rejected key in.
    Accept {
        /// A glob on ids.
        pattern: String,
    },
    /// Shuts a key out and closes its connection.
    Reject {
        /// A glob on ids.
        pattern: String,
    },
    /// Forgets a key and closes its connection.
    Delete {
        /// A glob on ids.
        pattern: String,
    },
    /// The fingerprints of the CA and of keys.
    Finger {
        /// A glob on ids; only the CA when absent.
        pattern: Option<String>,
    },
}

/// What to do with join tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenRequest {
    /// Makes one.
    Create {
        /// The ids it is good for, as a glob.
        pattern: String,
        /// For how long.
        ttl: Duration,
        /// How often it may be used.
        uses: u32,
    },
    /// All tokens that still work, without their secrets.
    List,
    /// Ends one.
    Revoke {
        /// Its public name, or a glob over the patterns that tokens are bound to.
        name: String,
    },
}

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQuery {
    /// Where to begin.
    pub since: Since,
    /// Where to end; with `follow` absent, the present head.
    pub until: Option<Until>,
    /// Any of these; empty is all.
    pub tags: Vec<TagPattern>,
    /// From or about this minion.
    pub minion: Option<MinionId>,
    /// At most so many.
    pub limit: Option<u64>,
    /// Goes on with what happens next.
    pub follow: bool,
}

/// Where a tail begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Since {
    /// With the oldest event that is kept.
    Start,
    /// With the next event that happens.
    Head,
    /// After this position.
    After(Position),
    /// After this number in the present log.
    AfterSeq(u64),
    /// With the first event appended at or after this time.
    Time(Timestamp),
}

/// Where a tail ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// With this number in the present log.
    Seq(u64),
    /// Before the first event appended after this time.
    Time(Timestamp),
}

/// A function for minions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// Whom.
    pub target: Target,
    /// What, `test.ping`.
    pub fun: String,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map,
    /// How long a minion may take.
    pub timeout: Option<Duration>,
    /// Only so many of the matching minions, picked at random.
    pub subset: Option<u32>,
    /// At most so many at a time.
    pub batch: Option<Batch>,
    /// Prints the job id and leaves.
    pub detach: bool,
}

/// The size of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Batch {
    /// So many minions.
    Count(u32),
    /// So many per hundred of those that match; at least one.
    Percent(u8),
}

/// What to do with jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobRequest {
    /// The newest jobs.
    List {
        /// At most so many.
        limit: u32,
    },
    /// One job with every minion's end state and return.
    Show {
        /// A unique beginning of its id.
        jid: String,
    },
    /// Ends a job on every minion where it still runs.
    Kill {
        /// Its id.
        jid: JobId,
    },
    /// What a minion returned, whole: also a return that was too large for its event.
    Return {
        /// A unique beginning of the job's id.
        jid: String,
        /// Whose.
        id: MinionId,
    },
}

/// An orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrchestrateRequest {
    /// Its name: `kubic` finds `orch/kubic.sls`, `orch.kubic` or `kubic.sls`.
    pub name: String,
    /// Pillar values that override.
    pub pillar: Map,
    /// Only shows the compiled steps.
    pub show: bool,
    /// Dry run: state steps run with `test=True`, nothing else is sent out.
    pub test: bool,
    /// Fetches files as they are when each step begins instead of pinning them at the start.
    pub follow_tree: bool,
}

/// What to do with orchestration runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunsRequest {
    /// The newest runs.
    List {
        /// At most so many.
        limit: u32,
    },
    /// One run's steps.
    Show {
        /// A unique beginning of its id.
        run: String,
    },
    /// What a step waited for, what came near, who was late.
    Explain {
        /// A unique beginning of the run's id.
        run: String,
        /// The step.
        step: String,
    },
    /// Follows a run to its end, from its first event; resumes it when the master left it unfinished.
    Attach {
        /// A unique beginning of its id.
        run: String,
    },
    /// The events of a finished run, from first to last.
    Replay {
        /// A unique beginning of its id.
        run: String,
    },
}

/// What comes back, in this order: `Accepted` or `Refused`; then any number of the others; then `End`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpReply {
    /// The request is being worked on.
    Accepted {
        /// The version that both now speak.
        version: u16,
    },
    /// The request is refused, or failed half-way.
    Refused(OpRefusal),
    /// One answer of a list or show request.
    Data(Value),
    /// A job was published for these minions; those not connected are listed apart.
    Job {
        /// The job.
        jid: JobId,
        /// Everyone addressed.
        minions: Vec<MinionId>,
    },
    /// An orchestration run began or was found.
    Run {
        /// The run.
        run: RunId,
    },
    /// Events from the log.
    Events(Vec<Event>),
    /// The reader asked for events that are no longer kept; it goes on at `floor`.
    Trimmed {
        /// The oldest position kept.
        floor: Position,
    },
    /// What a running job shows; not durable.
    Progress {
        /// The job.
        jid: JobId,
        /// Where.
        minion: MinionId,
        /// What.
        progress: Progress,
    },
    /// That is all.
    End,
    /// A minion's return as JSON of so many bytes follows in [`Self::Part`]s. `End` after them says that they are what was returned.
    Return {
        /// How many bytes.
        size: u64,
    },
    /// The next bytes of a return.
    Part(Vec<u8>),
    /// What the master is about before it can answer, for people; comes again while that lasts.
    Note(String),
}

impl OpReply {
    /// Makes the frame of [`Self::Events`] from so many events that lie encoded one behind the other.
    ///
    /// # Errors
    /// When the frame would be too large.
    pub fn events_frame(count: usize, events: &[u8]) -> Result<Vec<u8>, CodecError> {
        let mut head = codec::encode(&Self::Events(Vec::new()))?;
        // An empty list is nothing but its length, the last byte; the real length takes its place.
        head.pop();
        codec::encode_onto(&count, &mut head)?;
        codec::frame_of(&[&head, events])
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{text}")]
pub struct OpRefusal {
    /// What kind, which decides the exit code.
    pub kind: RefusalKind,
    /// What, where, and the way out.
    pub text: String,
}

/// Kinds of refusal and their exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// A bug in the master.
    Internal,
    /// The request makes no sense.
    Usage,
    /// A state file, pillar or orchestration does not compile.
    DoesNotCompile,
    /// No common protocol version.
    Versions,
    /// The target matches no minion.
    NoTarget,
    /// Not allowed, or there is no such thing.
    Refused,
    /// The store is damaged.
    StoreDamaged,
}

impl RefusalKind {
    /// Returns the exit code of a command that is refused so.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::DoesNotCompile => 13,
            Self::Versions => 14,
            Self::NoTarget => 16,
            Self::Refused => 17,
            Self::StoreDamaged => 18,
        }
    }
}
