//! Orchestration: the durable executor of low chunks whose functions are steps over many minions.
//!
//! [`Engine`] is a plain value. The master's core (and the simulator) feeds it every event of the log in
//! order and the passing of time, and carries out the [`Effect`]s that it asks for. It reads no clock, makes no
//! random numbers, and holds nothing that the log, and the blobs that its start names, do not: [`Engine::replay`]
//! over the same events is the same engine. [`RunView`] folds the same events into what people see, live or long after.
//!
//! The rule that everything here serves: a step's entry, with where every awaited minion stood, is durable
//! before its job leaves; and a wait is a question to the log since that entry, not to the ear from now on.

mod action;
mod decide;
mod engine;
mod explain;
mod ledger;
mod pace;
mod plan;
mod reboot;
mod runs;
mod view;
mod wait;

#[cfg(test)]
mod tests;

use lab_proto::facts::MinionAt;
use lab_proto::job::StepRef;
use lab_proto::{Digest, JobSpec, Map, MinionId, NewEvent, RunId, StepId, Target, Timestamp};

pub(crate) use action::FUNCTIONS as STEP_FUNCTIONS;
pub use action::{Action, AssertSpec, BatchSize, Job, NestedRun, TestOutcome, WaitSpec};
pub use engine::{Engine, ReplayError, Start};
pub use explain::{ExplainedId, Explanation, Seen};
pub use lab_proto::facts::{RunOutcome, StepOutcome};
pub use plan::{Plan, PlanError, SinceSpec, Step};
pub use reboot::RebootVerdict;
pub use runs::Runs;
pub use view::{MinionView, RunView, StepView, TreeLine, TreeMark};

/// What the engine asks its shell to do. Effects are to be carried out in the order in which they come.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer with [`Engine::handle_resolved`]. Nothing from these minions may be appended between the answer
    /// and the `Append` that follows it in the same turn: the answer says where they stand at that place.
    Resolve(Ask),
    /// Keep these bytes as a blob before the next append.
    StoreBlob {
        /// Their name.
        digest: Digest,
        /// The encoded plan, or where minions stood.
        bytes: Vec<u8>,
    },
    /// Append this fact. It comes back through [`Engine::handle_event`] when it is durable.
    Append(Box<NewEvent>),
    /// Publish this job. The same jid may be asked for again after a restart: who has it already does not
    /// run it again.
    Publish {
        /// The job.
        job: Box<JobSpec>,
        /// Whom it addresses, resolved.
        minions: Vec<MinionId>,
    },
    /// Start this run, or find it when it exists.
    StartNested(Box<StartNested>),
    /// The run has ended and its end is durable.
    Finish(RunOutcome),
}

/// Reads a blob that an [`Effect::StoreBlob`] kept.
pub type Blobs<'a> = &'a dyn Fn(&Digest) -> Result<Vec<u8>, String>;

/// A question about minions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The step that is about to be entered; `None` is the run itself.
    pub step: Option<StepId>,
    /// Whom a job will address.
    pub target: Option<Target>,
    /// Whether only accepted minions are meant, and no ids that a list names besides: some of them are drawn.
    pub accepted: bool,
    /// Of whom it must be known where they stand, besides the target's.
    pub ids: Vec<MinionId>,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The minions that match the target, sorted; accepted ones, connected or not.
    pub targets: Vec<MinionId>,
    /// Where the targets and the asked ids stand. Ids that the master never saw may be left out.
    pub minions: Vec<MinionAt>,
}

/// A run that a step of another run is.
#[derive(Clone, Debug, PartialEq)]
pub struct StartNested {
    /// Its id, derived from the step.
    pub run: RunId,
    /// The orchestration's name.
    pub name: String,
    /// Pillar values that override.
    pub pillar: Map,
    /// Dry run.
    pub test: bool,
    /// The step that it is.
    pub parent: StepRef,
    /// The state tree that the run is pinned to.
    pub tree: Option<Digest>,
    /// Who asked.
    pub user: String,
}

/// When the engine wants to hear of the time, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// What it waits for until then.
    pub reason: String,
}
