//! The engine: takes events and time, gives effects. What it knows is the [`Ledger`]; what it holds beside it
//! is only which effects are on their way, and that is forgotten and asked anew when a run is resumed.

mod progress;

use std::collections::{BTreeSet, VecDeque};

use lab_proto::facts::{Fact, MinionAt, RunOutcome, RunResumed, RunStarted, StepEnded, StepOutcome};
use lab_proto::job::StepRef;
use lab_proto::{Digest, Event, JobId, Map, RunId, StepId, Timestamp};
use thiserror::Error;

use super::action::{Action, Job};
use super::decide::{self, Decision};
use super::explain::{self, Explanation};
use super::ledger::{Ledger, beginning};
use super::plan::{Plan, PlanError};
use super::{Ask, Blobs, Deadline, Effect, Resolution};
use crate::schedule::Scheduler;

/// A run that is to begin.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its id.
    pub run: RunId,
    /// The orchestration's name.
    pub name: String,
    /// Its compiled steps.
    pub plan: Plan,
    /// Pillar values that override.
    pub pillar: Map,
    /// The state tree that it is pinned to; `None` follows the tree.
    pub tree: Option<Digest>,
    /// Dry run: state steps run with `test=True`, nothing else is sent out.
    pub test: bool,
    /// Stop at the first step that fails.
    pub failhard: bool,
    /// Who asked.
    pub user: String,
    /// The step of another run that it is.
    pub parent: Option<StepRef>,
}

/// Why a run cannot be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// No `lab/run/<run>/started` among the events.
    #[error("there is no start of run {0} among the events")]
    NoStart(RunId),
    /// A blob that the run needs cannot be read, or is not what it should be.
    #[error("run {run} needs blob {digest}: {why}")]
    Blob {
        /// The run.
        run: RunId,
        /// The blob.
        digest: Digest,
        /// What is wrong with it.
        why: String,
    },
    /// The stored plan is not one (any more).
    #[error("the plan of run {run} does not compile: {first}")]
    Plan {
        /// The run.
        run: RunId,
        /// The first thing that is wrong.
        first: PlanError,
    },
}

/// One orchestration run.
#[derive(Clone, Debug)]
pub struct Engine {
    ledger: Ledger,
    start: Option<Box<Start>>,
    /// The blobs that the run needs to go on, from its beginning to its end.
    needs: Vec<Digest>,
    live: bool,
    /// The latest time that the run was looked at for: a deadline up to then is never asked for again, so that nothing may be looked
    /// at for a time before it.
    looked: Timestamp,
    /// Resumed, and that is not in the log yet: until then deadlines are those from before.
    resuming: bool,
    effects: VecDeque<Effect>,
    /// Made when the run's start is known; follows the ledger.
    scheduler: Option<Scheduler>,
    /// Steps that the scheduler has given out and that it was not told the end of.
    open: BTreeSet<usize>,
    asked: BTreeSet<usize>,
    /// Steps whose entry, or end, is on its way to the log.
    entering: BTreeSet<usize>,
    ending: BTreeSet<usize>,
    ending_run: bool,
    finished: bool,
    /// Batches whose jobs this engine has published.
    published: BTreeSet<(usize, usize)>,
    /// What this engine has stated of waits: step, id, number of the event.
    told: BTreeSet<(usize, String, u64)>,
}

impl Engine {
    /// Begins a run. Its first effect asks where the minions stand.
    pub fn start(start: Start) -> Self {
        let mut engine = Self::over(Ledger::new(start.run, start.plan.clone()));
        engine.needs = needed(start.plan.digest(), start.tree, None);
        engine.live = true;
        engine.start = Some(Box::new(start));
        engine.effects.push_back(Effect::Resolve(Ask {
            step: None,
            target: None,
            accepted: false,
            ids: engine.ledger.plan.awaited(),
        }));
        engine
    }

    /// Makes the engine that a run's events make, in the log's order, from its start on; events of no concern
    /// may be among them. It asks for nothing until [`Self::resume`].
    ///
    /// # Errors
    /// When the start is missing, a blob that it names cannot be read, or the plan does not compile.
    pub fn replay<'a>(
        run: RunId,
        events: impl IntoIterator<Item = &'a Event>,
        blobs: Blobs<'_>,
    ) -> Result<Self, ReplayError> {
        let mut events = events.into_iter();
        let (started, first) = find_start(run, &mut events)?;
        let needs = needed(started.plan, started.tree, started.stood);
        let unread = |digest: Digest| move |why: String| ReplayError::Blob { run, digest, why };
        let compiled = match started.chunks {
            Some(chunks) => Plan::compile(chunks),
            None => Plan::from_blob(&blobs(&started.plan).map_err(unread(started.plan))?),
        };
        let plan = compiled.map_err(|mut e| ReplayError::Plan { run, first: e.swap_remove(0) })?;
        let mut engine = Self::over(Ledger::new(run, plan));
        engine.needs = needs;
        if let Some(digest) = started.stood {
            let many = blobs(&digest).and_then(|bytes| MinionAt::many_from_blob(&bytes));
            engine.ledger.stood = Some(many.map_err(unread(digest))?);
        }
        for event in std::iter::once(first).chain(events) {
            engine.handle_event(event);
        }
        Ok(engine)
    }

    fn over(ledger: Ledger) -> Self {
        Self {
            ledger,
            start: None,
            needs: Vec::new(),
            live: false,
            looked: Timestamp::default(),
            resuming: false,
            effects: VecDeque::new(),
            scheduler: None,
            open: BTreeSet::new(),
            asked: BTreeSet::new(),
            entering: BTreeSet::new(),
            ending: BTreeSet::new(),
            ending_run: false,
            finished: false,
            published: BTreeSet::new(),
            told: BTreeSet::new(),
        }
    }

    /// Makes waits begin when they are reached, as Salt's do. For tests that show what that loses.
    #[cfg(feature = "simulation")]
    pub fn let_waits_begin_when_reached(&mut self) {
        self.ledger.waits_begin_when_reached = true;
    }

    /// Takes a replayed run up again: says so in the log, publishes what was entered and has not ended with
    /// the same jids, and goes on.
    pub fn resume(&mut self) {
        if self.live {
            return;
        }
        self.live = true;
        if let Some(ended) = &self.ledger.ended {
            self.finished = true;
            self.effects.push_back(Effect::Finish(ended.outcome));
            return;
        }
        self.effects.push_back(Effect::Append(Box::new(RunResumed { run: self.ledger.run }.event())));
        self.resuming = true;
        for at in 0..self.ledger.records.len() {
            self.launch(at);
        }
    }

    /// Takes the next event of the log.
    pub fn handle_event(&mut self, event: &Event) {
        let open = self.ledger.ended.is_none();
        if self.ledger.fold(event) && self.live && open {
            self.resuming &= event.tag != RunResumed { run: self.ledger.run }.tag();
            for at in std::mem::take(&mut self.entering) {
                if self.ledger.records[at].entered.as_ref().is_some_and(|e| e.whole) {
                    self.launch(at);
                } else {
                    self.entering.insert(at);
                }
            }
            self.advance(event.stamp);
        }
    }

    /// Takes the answer to an [`Effect::Resolve`].
    pub fn handle_resolved(&mut self, ask: &Ask, answer: Result<Resolution, String>) {
        let now = self.now();
        match &ask.step {
            None => self.begin_run(answer.unwrap_or_default()),
            Some(step) => {
                let Some(at) = self.ledger.plan.find(step).filter(|at| self.asked.remove(at)) else { return };
                match answer {
                    Ok(resolution) => self.enter(at, resolution),
                    Err(why) => self.end(at, Decision::plain(StepOutcome::Failed, why), now),
                }
            }
        }
    }

    /// Takes that the job of an entered step cannot be published: nothing will ever return, so the step fails at once.
    pub fn handle_unpublished(&mut self, step: &StepId, why: String) {
        let now = self.now();
        let open = |at: &usize| self.ledger.records[*at].ended.is_none();
        if let Some(at) = self.ledger.plan.find(step).filter(open).filter(|_| self.live) {
            self.end(at, Decision::plain(StepOutcome::Failed, why), now);
        }
    }

    /// Takes that the log does not hold an event of a step, which is too large for it: nothing more of it is on its way, so the
    /// step ends by an event that is small.
    pub fn handle_refused(&mut self, step: &StepId, why: &str) {
        let now = self.now();
        let open = |at: &usize| self.ledger.records[*at].ended.is_none();
        if let Some(at) = self.ledger.plan.find(step).filter(open).filter(|_| self.live) {
            self.entering.remove(&at);
            self.ending.remove(&at);
            self.end(at, Decision::plain(StepOutcome::Failed, beginning(why, 300)), now);
        }
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.live && self.ledger.ended.is_none() {
            self.advance(now);
        }
    }

    /// Takes how far stamps are ahead of a steady clock, in microseconds: what is under way has as much time as by that one.
    pub fn handle_pace(&mut self, stamp: Timestamp, ahead: i64) {
        self.ledger.pace.note(stamp, ahead);
    }

    /// Returns the next effect to carry out.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Returns when [`Self::handle_timeout`] is to be called, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        if !self.live || self.resuming || self.ledger.ended.is_some() {
            return None;
        }
        let deadline = |at: usize| {
            let step = &self.ledger.plan.steps()[at];
            let whole = decide::deadline(&self.ledger, at)
                .map(|at| Deadline { at, reason: format!("{} gives up", step.id) });
            let rows = &self.ledger.records[at].rows;
            // Asked for with each event: the rows are walked only when there is something to find.
            let lost =
                rows.rows.iter().take(if rows.lost > 0 { usize::MAX } else { 0 }).filter_map(|(id, row)| {
                    let at = decide::lost_until(&self.ledger, row)?;
                    Some(Deadline { at, reason: format!("{} counts {id} as lost", step.id) })
                });
            whole.into_iter().chain(lost.filter(|d| d.at > self.looked)).min()
        };
        self.running().filter(|at| !self.ending.contains(at)).filter_map(deadline).min()
    }

    /// Returns the run's id.
    pub fn run(&self) -> RunId {
        self.ledger.run
    }

    /// Returns the blobs that the run needs to go on, now and after a restart of its master.
    pub fn pinned(&self) -> &[Digest] {
        &self.needs
    }

    /// Returns the run's steps.
    pub fn plan(&self) -> &Plan {
        &self.ledger.plan
    }

    /// Returns how the run ended, when its end is durable.
    pub fn outcome(&self) -> Option<RunOutcome> {
        self.ledger.ended.as_ref().map(|e| e.outcome)
    }

    /// Returns what came of a step, when its end is durable.
    pub fn ended(&self, step: &StepId) -> Option<&StepEnded> {
        self.ledger.records[self.ledger.plan.find(step)?].ended.as_ref().map(|(fact, _)| fact)
    }

    /// Tells whether a run that a step of this one began has ended, by what is durable.
    pub fn nested_has_ended(&self, run: RunId) -> bool {
        self.ledger.records.iter().any(|r| r.nested.get(&run).is_some_and(Option::is_some))
    }

    /// Returns the jids of a step that was entered, the first batch first.
    pub fn jids(&self, step: &StepId) -> Vec<JobId> {
        let at = self.ledger.plan.find(step);
        at.map(|at| self.ledger.records[at].rows.batches.iter().map(|(jid, _)| *jid).collect())
            .unwrap_or_default()
    }

    /// Says what a step waited for, who came, who is missing, and what came near.
    pub fn explain(&self, step: &StepId) -> Option<Explanation> {
        Some(explain::explain(&self.ledger, self.ledger.plan.find(step)?))
    }

    /// Returns the latest time that it knows of: an event is heard of after its stamp, and the clock may have told a later one.
    fn now(&self) -> Timestamp {
        self.ledger.last.map_or_else(|| self.ledger.run.time(), |(_, stamp)| stamp).max(self.looked)
    }

    fn running(&self) -> impl Iterator<Item = usize> {
        let running = |at: &usize| {
            let record = &self.ledger.records[*at];
            record.entered.as_ref().is_some_and(|e| e.whole) && record.ended.is_none()
        };
        (0..self.ledger.records.len()).filter(running)
    }
}

impl Action {
    /// Returns the job of a step that addresses minions.
    pub fn job(&self) -> Option<&Job> {
        match self {
            Self::Function(job)
            | Self::State(job)
            | Self::Reboot(job)
            | Self::Ready(job)
            | Self::Assert(job, _) => Some(job),
            Self::Wait(_) | Self::Nested(_) | Self::Test(_) => None,
        }
    }
}

/// Lists the blobs of a run.
fn needed(plan: Digest, tree: Option<Digest>, stood: Option<Digest>) -> Vec<Digest> {
    [Some(plan), tree, stood].into_iter().flatten().collect()
}

fn find_start<'a>(
    run: RunId,
    events: &mut impl Iterator<Item = &'a Event>,
) -> Result<(RunStarted, &'a Event), ReplayError> {
    let tag = RunStarted::tag_for(run);
    let first = events.find(|e| e.tag == tag).ok_or(ReplayError::NoStart(run))?;
    match Fact::of(first) {
        Ok(Some(Fact::RunStarted(started))) => Ok((started, first)),
        _ => Err(ReplayError::NoStart(run)),
    }
}
