//! Jobs: who is asked to do what, and what came of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{Digest, JobId, MinionId, RunId, StepId};
use crate::time::Timestamp;
use crate::value::{Map, Value};

/// Which minions are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// How to read the expression.
    pub kind: TargetKind,
    /// The expression, in Salt's syntax for that kind.
    pub expr: String,
}

impl Target {
    /// Makes a target.
    pub fn new(kind: TargetKind, expr: impl Into<String>) -> Self {
        Self { kind, expr: expr.into() }
    }

    /// Makes a glob target.
    pub fn glob(expr: impl Into<String>) -> Self {
        Self::new(TargetKind::Glob, expr)
    }
}

/// How a target's expression is read; the names are Salt's `tgt_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// Shell wildcard on the id.
    #[default]
    Glob,
    /// Ids separated by commas.
    List,
    /// Regular expression on the id, anchored at the start.
    Pcre,
    /// `key:glob` on grains.
    Grain,
    /// `key:regex` on grains.
    GrainPcre,
    /// `key:glob` on pillar.
    Pillar,
    /// `key:regex` on pillar.
    PillarPcre,
    /// Everything joined by `and`, `or`, `not` and parentheses: `G@os:Debian and web*`.
    Compound,
    /// The name of a node group from the master's configuration.
    Nodegroup,
}

const TARGET_KINDS: [(&str, TargetKind); 9] = [
    ("glob", TargetKind::Glob),
    ("list", TargetKind::List),
    ("pcre", TargetKind::Pcre),
    ("grain", TargetKind::Grain),
    ("grain_pcre", TargetKind::GrainPcre),
    ("pillar", TargetKind::Pillar),
    ("pillar_pcre", TargetKind::PillarPcre),
    ("compound", TargetKind::Compound),
    ("nodegroup", TargetKind::Nodegroup),
];

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = TARGET_KINDS.iter().find(|(_, k)| k == self).map_or("?", |(n, _)| n);
        f.write_str(name)
    }
}

/// A `tgt_type` that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown target type {0:?}; known are glob, list, pcre, grain, grain_pcre, pillar, pillar_pcre, compound, nodegroup"
)]
pub struct UnknownTargetKind(pub String);

impl FromStr for TargetKind {
    type Err = UnknownTargetKind;
    fn from_str(s: &str) -> Result<Self, UnknownTargetKind> {
        TARGET_KINDS
            .iter()
            .find(|(n, _)| *n == s)
            .map(|(_, k)| *k)
            .ok_or_else(|| UnknownTargetKind(s.to_owned()))
    }
}

/// One job as it is stored, published and run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Its id.
    pub jid: JobId,
    /// The execution function, `test.ping`.
    pub fun: String,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map,
    /// Whom it addressed, as asked.
    pub target: Target,
    /// After how many microseconds a minion is counted as timed out.
    pub timeout_micros: Option<u64>,
    /// The state tree that the job works with: the digest of its manifest.
    pub tree: Option<Digest>,
    /// Who asked: an operator's name, or `run RUN`.
    pub user: String,
    /// The orchestration step that the job belongs to.
    pub step: Option<StepRef>,
    /// When it was submitted; as a minion gets it, no later than when it was published there first.
    pub at: Timestamp,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// The run.
    pub run: RunId,
    /// The step in it.
    pub step: StepId,
}

/// How a job ended on one minion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndState {
    /// The function ran and gave its return.
    Returned,
    /// The function could not be run or raised an error.
    Failed,
    /// The agent ended while the job ran; it is never repeated.
    Interrupted,
    /// `job kill` ended it.
    Killed,
    /// No return within the job's timeout.
    TimedOut,
    /// The minion's heartbeats stopped while the job ran; a late return corrects this.
    Lost,
    /// The minion was not connected when the job was published.
    Offline,
}

impl EndState {
    /// All of them.
    const ALL: [Self; 7] = [
        Self::Returned,
        Self::Failed,
        Self::Interrupted,
        Self::Killed,
        Self::TimedOut,
        Self::Lost,
        Self::Offline,
    ];

    /// Names the state as the CLI and events print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Killed => "killed",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
            Self::Offline => "offline",
        }
    }

    /// Returns the state of that name.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a minion says at the end of a job. It is the data of `salt/job/<jid>/ret/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReturn {
    /// The job.
    pub jid: JobId,
    /// The minion.
    pub id: MinionId,
    /// The function that ran.
    pub fun: String,
    /// How it ended.
    pub state: EndState,
    /// Whether the function succeeded: for state runs, whether no state failed.
    pub success: bool,
    /// Salt's exit code: 0 for success, 2 for failed states, else the function's.
    pub retcode: i64,
    /// What the function returned. When it was too large for an event: `{"blob": DIGEST, "size": BYTES}`.
    #[serde(rename = "return")]
    pub value: Value,
    /// How long it ran, in microseconds.
    pub duration_micros: u64,
}

/// What came of one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateOutcome {
    /// The state holds; whether something was changed for it, `changes` says.
    Ok,
    /// A dry run found that something would change.
    WouldChange,
    /// The state does not hold.
    Failed,
    /// The state was not tried; `reason` says why.
    Skipped,
}

/// The result of one state in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReturn {
    /// The ID declaration.
    pub id: String,
    /// `module.function`.
    pub state: String,
    /// The name that the state was about.
    pub name: String,
    /// The SLS that holds it.
    pub sls: String,
    /// What came of it.
    pub outcome: StateOutcome,
    /// Why it was skipped or blocked, in the words of the conformance cases (`onchanges`, `requisite_failed`, …).
    pub reason: Option<String>,
    /// What changed, or would; empty when nothing.
    pub changes: Map,
    /// A sentence for people.
    pub comment: String,
    /// The state's place in the run, from 0.
    pub run_num: u32,
    /// When it started.
    pub started: Timestamp,
    /// How long it took, in microseconds.
    pub duration_micros: u64,
}

impl StateReturn {
    /// Tells whether something was changed.
    pub fn changed(&self) -> bool {
        !self.changes.is_empty()
    }
}
