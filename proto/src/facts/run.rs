//! Facts of orchestration runs and their steps. All are stated by the master.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::FactError;
use crate::codec;
use crate::event::{Boot, NewEvent};
use crate::ids::{Digest, JobId, MinionId, OutboxId, Position, RunId, StepId};
use crate::job::{EndState, StepRef};
use crate::tag::EventTag;
use crate::value::{Map, Value};

/// The most that the targets and the places of minions take of one [`StepEntered`], in encoded bytes; a step with more of them
/// is entered by several.
pub const ENTERED_INLINE: usize = 48 * 1024;
/// The largest plan that travels inside [`RunStarted`], in encoded bytes; a larger one is a blob.
pub const PLAN_INLINE: usize = 32 * 1024;

/// The most that the places of minions take of [`RunStarted`], in encoded bytes; more of them are in a blob.
pub const STOOD_INLINE: usize = 12 * 1024;

/// A run began. `lab/run/<run>/started`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run.
    pub run: RunId,
    /// The orchestration's name.
    pub name: String,
    /// The digest of the compiled plan; also of the blob that holds it when `chunks` is absent.
    pub plan: Digest,
    /// The low chunks, in order.
    #[serde(default)]
    pub chunks: Option<Vec<Value>>,
    /// Pillar values that override.
    #[serde(default)]
    pub pillar: Map,
    /// The state tree that the run is pinned to.
    pub tree: Option<Digest>,
    /// Dry run.
    pub test: bool,
    /// Stop at the first step that fails.
    pub failhard: bool,
    /// Who asked.
    pub user: String,
    /// The step of another run that this one is.
    pub parent: Option<StepRef>,
    /// Where the minions stood that waits with `since: run` ask about; empty when they are in a blob.
    pub minions: Vec<MinionAt>,
    /// The digest of the blob that holds them: see [`MinionAt::many_from_blob`].
    #[serde(default)]
    pub stood: Option<Digest>,
}

/// A run was taken up again after the master had been away. `lab/run/<run>/resumed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunResumed {
    /// The run.
    pub run: RunId,
}

/// A run ended. `lab/run/<run>/ended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// The run.
    pub run: RunId,
    /// How.
    pub outcome: RunOutcome,
    /// How many steps hold, changed or not.
    pub succeeded: u32,
    /// How many of these changed something.
    pub changed: u32,
    /// How many failed, timed out or were blocked by one that did.
    pub failed: u32,
    /// How many were skipped.
    pub skipped: u32,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// No step failed.
    Succeeded,
    /// A step failed.
    Failed,
    /// Steps failed, and all for want of time.
    TimedOut,
}

impl RunOutcome {
    /// Returns the exit code of the command that waited for the run.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Failed => 10,
            Self::TimedOut => 11,
        }
    }
}

/// Where a minion stood when a step was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionAt {
    /// The minion.
    pub id: MinionId,
    /// Its boot as the master knew it; absent when the minion was never seen.
    pub boot: Option<Boot>,
    /// Its outbox as the master knew it.
    pub outbox: Option<OutboxId>,
    /// Whether it was connected.
    pub connected: bool,
    /// Whether it was ready.
    pub ready: bool,
}

impl MinionAt {
    /// Returns how many bytes the place takes of a fact.
    ///
    /// # Panics
    /// Never: a place is far below the limit of a frame.
    pub fn encoded_len(&self) -> usize {
        codec::encode(&super::value_of(self)).expect("ids are short").len()
    }

    /// Returns the places of many minions as the bytes of a blob: a frame for each.
    ///
    /// # Panics
    /// Never: a place is far below the limit of a frame.
    pub fn many_to_blob(many: &[Self]) -> Vec<u8> {
        let frame = |at| codec::frame(&super::value_of(at)).expect("ids are short");
        many.iter().flat_map(frame).collect()
    }

    /// Reads the places of many minions from the bytes of their blob. That they are all there is vouched for by the blob's digest.
    ///
    /// # Errors
    /// When the bytes are no places, or end in the middle of one.
    pub fn many_from_blob(bytes: &[u8]) -> Result<Vec<Self>, String> {
        let mut buffer = codec::FrameBuffer::default();
        buffer.push(bytes);
        let mut many = Vec::new();
        while let Some(value) = buffer.next_frame::<Value>().map_err(|e| e.to_string())? {
            many.push(value.to_typed().map_err(|e| e.to_string())?);
        }
        match buffer.pending() {
            0 => Ok(many),
            left => Err(format!("{left} bytes are left after {} minions", many.len())),
        }
    }
}

/// A step began: durable before its job leaves. `lab/run/<run>/step/<step>/entered`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEntered {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepId,
    /// `salt.state` and the like.
    pub fun: String,
    /// The job that leaves when this is durable; those of further batches derive from it.
    pub jid: Option<JobId>,
    /// The runs that begin when this is durable.
    pub nested: Vec<RunId>,
    /// The minions that the step addresses or waits for.
    pub targets: Vec<MinionId>,
    /// Where minions stood: the targets' and those of later waits that ask "since this step".
    pub minions: Vec<MinionAt>,
    /// More targets or minions follow in another fact.
    pub more: bool,
    /// For a wait: the position after which events count.
    pub since: Option<Position>,
    /// The step gives up so many microseconds after this fact was appended.
    pub timeout_micros: Option<u64>,
}

/// A wait saw the event of one id. `lab/run/<run>/step/<step>/met`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepMet {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepId,
    /// Who was waited for.
    pub id: String,
    /// The event that met the wait.
    pub by: Position,
    /// Its tag.
    pub event: EventTag,
}

/// An event came near: right tag, right id, and yet it does not count. `lab/run/<run>/step/<step>/near`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearMiss {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepId,
    /// Who was waited for.
    pub id: String,
    /// The event.
    pub by: Position,
    /// Its tag.
    pub event: EventTag,
    /// Why it does not count.
    pub reason: NearReason,
}

/// Why an event with the right tag and id does not meet a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NearReason {
    /// It was appended before the position that the wait counts from.
    BeforeSince,
    /// It was delivered late: its maker did not yet know the position that the wait counts from.
    StaleOutbox,
    /// It speaks of the boot that the host was already in.
    SameBoot,
    /// It speaks of a boot before the one that the host was already in.
    OlderBoot,
    /// The agent restarted, the host did not.
    AgentRestart,
    /// Another wait of this run has taken it.
    Consumed,
}

impl fmt::Display for NearReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeSince => "it came before the position that the wait counts from",
            Self::StaleOutbox => {
                "it was made before the position that the wait counts from, and delivered late"
            }
            Self::SameBoot => "it speaks of the boot that the host was already in",
            Self::OlderBoot => "it speaks of a boot before the one that the host was already in",
            Self::AgentRestart => "the agent restarted, the host did not (restart_counts: True accepts that)",
            Self::Consumed => "another wait of this run has taken it",
        })
    }
}

/// A step ended. `lab/run/<run>/step/<step>/ended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnded {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepId,
    /// How.
    pub outcome: StepOutcome,
    /// Why it was skipped or blocked, in the words of the conformance cases.
    pub reason: Option<String>,
    /// A sentence for people.
    pub comment: String,
    /// The newest event that the decision looked at.
    pub seen: Option<Position>,
    /// From its entry to this decision, in microseconds.
    pub duration_micros: u64,
    /// How many minions were addressed.
    pub addressed: u32,
    /// How many of them did what was asked.
    pub succeeded: u32,
    /// The rows worth a word: failures first, then changes; cut when there are very many.
    pub rows: Vec<StepRow>,
}

/// What came of a step on one minion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRow {
    /// The minion.
    pub id: MinionId,
    /// How the job ended there; absent when it never did.
    pub state: Option<EndState>,
    /// Whether the minion did what was asked.
    pub success: bool,
    /// Whether it changed something (or, in a dry run, would).
    pub changed: bool,
    /// A few words.
    pub detail: String,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It holds and nothing had to be changed.
    Unchanged,
    /// It holds and something was changed.
    Changed,
    /// A dry run found that something would change.
    WouldChange,
    /// It failed.
    Failed,
    /// It failed for want of time.
    TimedOut,
    /// It was not tried, and that is no failure (`onchanges`, `onfail`, `unless` …).
    Skipped,
    /// It was not tried because a step that it needs failed.
    Blocked,
}

impl StepOutcome {
    /// Tells whether a step that requires this one may go on.
    pub fn holds(self) -> bool {
        match self {
            Self::Unchanged | Self::Changed | Self::WouldChange | Self::Skipped => true,
            Self::Failed | Self::TimedOut | Self::Blocked => false,
        }
    }

    /// Names the outcome as the command line prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::WouldChange => "would change",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Skipped => "skipped",
            Self::Blocked => "blocked",
        }
    }
}

macro_rules! run_tags {
    ($($t:ty => $what:literal),*) => { $(
        impl $t {
            /// Returns the fact's tag.
            pub fn tag(&self) -> EventTag {
                super::run_tag(self.run, $what)
            }
        }
    )* };
}
run_tags!(RunStarted => "started", RunResumed => "resumed", RunEnded => "ended");

macro_rules! step_tags {
    ($($t:ty => $what:literal),*) => { $(
        impl $t {
            /// Returns the fact's tag.
            pub fn tag(&self) -> EventTag {
                super::step_tag(self.run, &self.step, $what)
            }
        }
    )* };
}
step_tags!(StepEntered => "entered", StepMet => "met", NearMiss => "near", StepEnded => "ended");

super::master_fact!(RunResumed, RunEnded, StepEntered, StepMet, NearMiss, StepEnded);

impl RunStarted {
    /// Returns the tag by which a run's start is found.
    pub fn tag_for(run: RunId) -> EventTag {
        super::run_tag(run, "started")
    }

    /// Returns the fact as the data of its event. Chunks and pillar are kept as they are, keys that are no
    /// text included: a resumed run must work with the very same values.
    pub fn data(&self) -> Value {
        let bare = Self { chunks: None, pillar: Map::new(), ..self.clone() };
        let chunks = self.chunks.clone().map(Value::List).into();
        super::with_exact(
            super::value_of(&bare),
            [("chunks", chunks), ("pillar", self.pillar.clone().into())],
        )
    }

    /// Makes the event by which the master states this.
    pub fn event(&self) -> NewEvent {
        super::by_master(self.tag(), self.data())
    }

    pub(super) fn from_data(tag: &EventTag, data: &Value) -> Result<Self, FactError> {
        let (bare, [chunks, pillar]) = super::without_exact(tag, data, ["chunks", "pillar"])?;
        let mut fact: Self = super::typed(tag, &bare)?;
        fact.chunks = chunks.as_list().map(<[Value]>::to_vec);
        fact.pillar = pillar.as_map().cloned().unwrap_or_default();
        Ok(fact)
    }
}

impl RunEnded {
    /// Returns the tag by which a run's end is found.
    pub fn tag_for(run: RunId) -> EventTag {
        super::run_tag(run, "ended")
    }
}
