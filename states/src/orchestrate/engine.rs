//! The engine: takes events and time, gives effects. What it knows is the [`Ledger`]; what it holds beside it
//! is only which effects are on their way, and that is forgotten and asked anew when a run is resumed.

use std::collections::{BTreeSet, VecDeque};

use lab_proto::facts::{
    ENTERED_TARGETS, Fact, MinionAt, NearMiss, RunEnded, RunOutcome, RunResumed, RunStarted, StepEnded,
    StepEntered, StepMet, StepOutcome,
};
use lab_proto::job::StepRef;
use lab_proto::{Digest, Event, JobId, JobSpec, Map, MinionId, RunId, StepId, Timestamp, Value};
use thiserror::Error;

use super::action::{Action, Job};
use super::decide::{self, Decision};
use super::explain::{self, Explanation};
use super::ledger::{Ledger, Record, derived};
use super::plan::{Plan, PlanError};
use super::wait::NEAR;
use super::{Ask, Deadline, Effect, Resolution, StartNested};
use crate::schedule::{Poll, Scheduler, Step as Scheduled};

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
    /// The plan is in a blob; read it and use [`Engine::replay_with`].
    #[error("the plan of run {run} is in blob {plan}, which is to be read first")]
    PlanInBlob {
        /// The run.
        run: RunId,
        /// The blob.
        plan: Digest,
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
    live: bool,
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
        engine.live = true;
        engine.start = Some(Box::new(start));
        engine.effects.push_back(Effect::Resolve(Ask {
            step: None,
            target: None,
            ids: engine.ledger.plan.awaited(),
        }));
        engine
    }

    /// Makes the engine that a run's events make, in the log's order, from its start on; events of no concern
    /// may be among them. It asks for nothing until [`Self::resume`].
    ///
    /// # Errors
    /// When the start is missing, or its plan is in a blob or does not compile.
    pub fn replay<'a>(run: RunId, events: impl IntoIterator<Item = &'a Event>) -> Result<Self, ReplayError> {
        let mut events = events.into_iter();
        let (started, first) = find_start(run, &mut events)?;
        let Some(chunks) = started.chunks else {
            return Err(ReplayError::PlanInBlob { run, plan: started.plan });
        };
        let plan =
            Plan::compile(chunks).map_err(|mut e| ReplayError::Plan { run, first: e.swap_remove(0) })?;
        Ok(Self::fold_all(run, plan, std::iter::once(first).chain(events)))
    }

    /// As [`Self::replay`], with a plan that was read from its blob.
    ///
    /// # Errors
    /// When the start is missing.
    pub fn replay_with<'a>(
        run: RunId,
        plan: Plan,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Self, ReplayError> {
        let mut events = events.into_iter();
        let (_, first) = find_start(run, &mut events)?;
        Ok(Self::fold_all(run, plan, std::iter::once(first).chain(events)))
    }

    fn fold_all<'a>(run: RunId, plan: Plan, events: impl Iterator<Item = &'a Event>) -> Self {
        let mut engine = Self::over(Ledger::new(run, plan));
        for event in events {
            engine.handle_event(event);
        }
        engine
    }

    fn over(ledger: Ledger) -> Self {
        Self {
            ledger,
            start: None,
            live: false,
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

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.live && self.ledger.ended.is_none() {
            self.advance(now);
        }
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
            let lost = self.ledger.records[at].rows.rows.iter().filter_map(|(id, row)| {
                let at = decide::lost_until(&self.ledger, row)?;
                Some(Deadline { at, reason: format!("{} counts {id} as lost", step.id) })
            });
            let now = self.now();
            whole.into_iter().chain(lost.filter(move |d| d.at > now)).min()
        };
        self.running().filter(|at| !self.ending.contains(at)).filter_map(deadline).min()
    }

    /// Returns the run's id.
    pub fn run(&self) -> RunId {
        self.ledger.run
    }

    /// Returns the blobs that the run needs to go on, now and after a restart of its master.
    pub fn pinned(&self) -> Vec<Digest> {
        let (tree, plan) = match (&self.ledger.started, &self.start) {
            (Some(started), _) => (started.fact.tree, started.fact.plan),
            (None, Some(start)) => (start.tree, start.plan.digest()),
            (None, None) => return Vec::new(),
        };
        tree.into_iter().chain([plan]).collect()
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

    fn now(&self) -> Timestamp {
        self.ledger.last.map_or_else(|| self.ledger.run.time(), |(_, stamp)| stamp)
    }

    fn running(&self) -> impl Iterator<Item = usize> {
        let running = |at: &usize| {
            let record = &self.ledger.records[*at];
            record.entered.as_ref().is_some_and(|e| e.whole) && record.ended.is_none()
        };
        (0..self.ledger.records.len()).filter(running)
    }

    fn begin_run(&mut self, resolution: Resolution) {
        let Some(start) = self.start.take() else { return };
        let Start { run, name, plan, pillar, tree, test, failhard, user, parent } = *start;
        let chunks = match plan.blob() {
            None => Some(plan.chunks().to_vec()),
            Some(bytes) => {
                self.effects.push_back(Effect::StoreBlob { digest: plan.digest(), bytes: bytes.to_vec() });
                None
            }
        };
        let minions = resolution.minions;
        let plan = plan.digest();
        let fact =
            RunStarted { run, name, plan, chunks, pillar, tree, test, failhard, user, parent, minions };
        self.effects.push_back(Effect::Append(Box::new(fact.event())));
    }

    /// Does everything that can be done now: tells what waits saw, ends what is over, begins what may begin.
    fn advance(&mut self, now: Timestamp) {
        if self.ledger.started.is_none() || self.finished || self.resuming {
            return;
        }
        if let Some(ended) = &self.ledger.ended {
            self.finished = true;
            self.effects.push_back(Effect::Finish(ended.outcome));
            return;
        }
        let running: Vec<usize> = self.running().collect();
        for at in running {
            self.tell(at);
            self.publish_next(at, now);
            if !self.ending.contains(&at)
                && let Some(decision) = decide::decide(&self.ledger, at, now)
            {
                self.end(at, decision, now);
            }
        }
        self.begin_steps(now);
    }

    /// Begins and settles steps as the scheduler has them, as far as they go now.
    fn begin_steps(&mut self, now: Timestamp) {
        let mut scheduler = self.scheduler.take().unwrap_or_else(|| decide::scheduler(&self.ledger));
        for at in std::mem::take(&mut self.open) {
            match &self.ledger.records[at].ended {
                Some((ended, _)) => scheduler.finish(at, decide::weigh(ended.outcome)),
                None => _ = self.open.insert(at),
            }
        }
        let done = loop {
            match scheduler.poll() {
                // What the log has of a step, its entry or end, is not done again after a restart.
                Poll::Next(Scheduled::Run { node, .. }) => match &self.ledger.records[node] {
                    Record { ended: Some((ended, _)), .. } => {
                        scheduler.finish(node, decide::weigh(ended.outcome))
                    }
                    record => {
                        let entered = record.entered.as_ref().is_some_and(|e| e.whole);
                        self.open.insert(node);
                        if !entered {
                            self.begin_step(node, now);
                        }
                    }
                },
                Poll::Next(Scheduled::Settle { node, reason }) => {
                    if self.ledger.records[node].ended.is_none() {
                        self.end(node, decide::settled(&self.ledger.plan, &reason), now);
                    }
                }
                Poll::Next(Scheduled::Rehearse { .. }) => {
                    unreachable!("a plan has no prereq: refused by `Plan`")
                }
                Poll::Waiting => break false,
                Poll::Done => break true,
            }
        };
        self.scheduler = Some(scheduler);
        if done && self.ending.iter().all(|at| self.ledger.records[*at].ended.is_some()) {
            self.end_run();
        }
    }

    fn begin_step(&mut self, at: usize, now: Timestamp) {
        let step = &self.ledger.plan.steps()[at];
        let test = self.ledger.started.as_ref().is_some_and(|s| s.fact.test);
        let would = |what: &str| Decision::plain(StepOutcome::WouldChange, what);
        let at_once = match &step.action {
            Action::Test(outcome) => Some(of_test(*outcome, test)),
            Action::Function(job) if test => {
                Some(would(&format!("would run {} on {}", job.fun, job.target.expr)))
            }
            Action::Assert(job, _) if test => {
                Some(would(&format!("would ask {} for {}", job.target.expr, job.fun)))
            }
            Action::Reboot(job) if test => Some(would(&format!("would reboot {}", job.target.expr))),
            Action::Ready(job) if test => Some(would(&format!("would wait for {}", job.target.expr))),
            Action::Wait(spec) if test => Some(would(&format!("would wait for {}", spec.tag))),
            _ => None,
        };
        if let Some(decision) = at_once {
            self.end(at, decision, now);
            return;
        }
        let target = step.action.job().map(|job| job.target.clone());
        // Where every awaited minion stands is recorded with every entry: any of them may be the one that a
        // later wait counts from.
        let ask = Ask { step: Some(step.id.clone()), target, ids: self.ledger.plan.awaited() };
        self.asked.insert(at);
        self.effects.push_back(Effect::Resolve(ask));
    }

    /// Asks for the step's entry to be made durable.
    fn enter(&mut self, at: usize, resolution: Resolution) {
        let step = &self.ledger.plan.steps()[at];
        let run = self.ledger.run;
        let now = self.now();
        let targets = match &step.action {
            Action::Wait(spec) => spec.ids.iter().filter_map(|id| MinionId::new(id.as_str()).ok()).collect(),
            action => subset(run, &step.id, resolution.targets, action.job().and_then(|j| j.subset)),
        };
        if let Some(job) = step.action.job().filter(|_| targets.is_empty()) {
            let outcome = if job.expect_minions { StepOutcome::Failed } else { StepOutcome::Unchanged };
            let comment = format!("no accepted minion matches {} ({})", job.target.expr, job.target.kind);
            self.end(at, Decision::plain(outcome, comment), now);
            return;
        }
        let nested = match &step.action {
            Action::Nested(runs) => {
                (0..runs.len()).map(|n| RunId::new(now, derived(run, step.id.as_str(), n))).collect()
            }
            _ => Vec::new(),
        };
        let publishes = !matches!(step.action, Action::Ready(_));
        let jid = step
            .action
            .job()
            .filter(|_| publishes)
            .map(|_| JobId::new(now, derived(run, step.id.as_str(), 0)));
        let fact = StepEntered {
            run,
            step: step.id.clone(),
            fun: step.fun.clone(),
            jid,
            nested,
            targets,
            minions: self.recorded(&step.action, resolution.minions),
            more: false,
            since: self
                .ledger
                .mark(at)
                .map(|m| m.position)
                .filter(|_| matches!(step.action, Action::Wait(_))),
            timeout_micros: step.timeout.and_then(|t| u64::try_from(t.as_micros()).ok()),
        };
        self.entering.insert(at);
        self.effects.extend(in_parts(fact).into_iter().map(|part| Effect::Append(Box::new(part.event()))));
    }

    /// Keeps of where minions stand what some step will ask for.
    fn recorded(&self, action: &Action, minions: Vec<MinionAt>) -> Vec<MinionAt> {
        let all = matches!(action, Action::Reboot(_) | Action::Ready(_));
        let awaited = self.ledger.plan.awaited();
        minions.into_iter().filter(|m| all || awaited.binary_search(&m.id).is_ok()).collect()
    }

    /// Sends out what an entered step is about. Nothing leaves before its entry is durable.
    fn launch(&mut self, at: usize) {
        let record = &self.ledger.records[at];
        let Some(entered) = record.entered.as_ref().filter(|e| e.whole && record.ended.is_none()) else {
            return;
        };
        let step = &self.ledger.plan.steps()[at];
        if let (Action::Nested(runs), Some(started)) = (&step.action, &self.ledger.started) {
            for (run, nested) in record.nested.keys().zip(runs) {
                self.effects.push_back(Effect::StartNested(Box::new(StartNested {
                    run: *run,
                    name: nested.name.clone(),
                    pillar: nested.pillar.clone(),
                    test: started.fact.test,
                    parent: StepRef { run: self.ledger.run, step: step.id.clone() },
                    tree: started.fact.tree,
                    user: started.fact.user.clone(),
                })));
            }
        }
        let now = entered.stamp;
        self.publish_next(at, now);
    }

    /// Publishes the first batch that is not over, unless that was done.
    fn publish_next(&mut self, at: usize, now: Timestamp) {
        let rows = &self.ledger.records[at].rows;
        let over = |ids: &[MinionId]| ids.iter().all(|id| decide::is_over(&self.ledger, at, id, now));
        let Some(n) = rows.batches.iter().position(|(_, ids)| !over(ids)) else { return };
        let stopped = decide::stopped_at(&self.ledger, at, now).is_some_and(|stop| n >= stop);
        if stopped || self.published.contains(&(at, n)) {
            return;
        }
        let (jid, minions) = rows.batches[n].clone();
        let step = &self.ledger.plan.steps()[at];
        let (Some(job), Some(started)) = (step.action.job(), &self.ledger.started) else { return };
        let mut kwargs = job.kwargs.clone();
        if matches!(step.action, Action::State(_)) && (job.test || started.fact.test) {
            kwargs.insert(Value::from("test"), Value::from(true));
        }
        let spec = JobSpec {
            jid,
            fun: job.fun.clone(),
            args: job.args.clone(),
            kwargs,
            target: job.target.clone(),
            timeout_micros: step.timeout.and_then(|t| u64::try_from(t.as_micros()).ok()),
            tree: started.fact.tree,
            user: format!("run {}", self.ledger.run),
            step: Some(StepRef { run: self.ledger.run, step: step.id.clone() }),
            at: now,
        };
        self.published.insert((at, n));
        self.effects.push_back(Effect::Publish { job: Box::new(spec), minions });
    }

    /// States what a wait saw, once.
    fn tell(&mut self, at: usize) {
        let record = &self.ledger.records[at];
        let (Some(waiting), run) = (&record.waiting, self.ledger.run) else { return };
        let step = &self.ledger.plan.steps()[at].id;
        let mut facts = Vec::new();
        for (id, asked) in waiting.ids() {
            let told = record.told_near.iter().filter(|(i, _)| i == id).count();
            // A wait beside a restarting agent must not fill the log.
            for (near, reason) in asked.near.iter().take(NEAR.saturating_sub(told)) {
                let in_log = record.told_near.iter().any(|(i, p)| i == id && *p == near.position);
                if !in_log && self.told.insert((at, id.to_owned(), near.position.seq)) {
                    let (by, event) = (near.position, near.tag.clone());
                    let (step, id, reason) = (step.clone(), id.to_owned(), *reason);
                    facts.push(NearMiss { run, step, id, by, event, reason }.event());
                }
            }
            if let Some(met) = &asked.met
                && !record.told_met.iter().any(|i| i == id)
                && self.told.insert((at, id.to_owned(), met.position.seq))
            {
                let (by, event) = (met.position, met.tag.clone());
                facts.push(StepMet { run, step: step.clone(), id: id.to_owned(), by, event }.event());
            }
        }
        self.effects.extend(facts.into_iter().map(|f| Effect::Append(Box::new(f))));
    }

    /// Asks for the step's end to be made durable.
    fn end(&mut self, at: usize, decision: Decision, now: Timestamp) {
        if !self.ending.insert(at) {
            return;
        }
        let begun = self.ledger.records[at].entered.as_ref().map_or(now, |e| e.stamp);
        let Decision { outcome, reason, comment, addressed, succeeded, rows } = decision;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let fact = StepEnded {
            run: self.ledger.run,
            step: self.ledger.plan.steps()[at].id.clone(),
            outcome,
            reason,
            comment,
            seen: self.ledger.last.map(|(position, _)| position),
            duration_micros: u64::try_from(now.since(begun).as_micros()).unwrap_or(u64::MAX),
            addressed: count(addressed),
            succeeded: count(succeeded),
            rows,
        };
        self.effects.push_back(Effect::Append(Box::new(fact.event())));
    }

    fn end_run(&mut self) {
        if std::mem::replace(&mut self.ending_run, true) {
            return;
        }
        let outcomes: Vec<StepOutcome> =
            self.ledger.records.iter().filter_map(|r| r.ended.as_ref().map(|(e, _)| e.outcome)).collect();
        let count = |which: &dyn Fn(&StepOutcome) -> bool| {
            u32::try_from(outcomes.iter().filter(|o| which(o)).count()).unwrap_or(u32::MAX)
        };
        let skipped = count(&|o| *o == StepOutcome::Skipped);
        let failed = count(&|o| !o.holds());
        let broken = count(&|o| *o == StepOutcome::Failed);
        let fact = RunEnded {
            run: self.ledger.run,
            outcome: match (failed, broken) {
                (0, _) => RunOutcome::Succeeded,
                (_, 0) => RunOutcome::TimedOut,
                _ => RunOutcome::Failed,
            },
            succeeded: count(&|o| o.holds()) - skipped,
            changed: count(&|o| matches!(o, StepOutcome::Changed | StepOutcome::WouldChange)),
            failed,
            skipped,
        };
        self.effects.push_back(Effect::Append(Box::new(fact.event())));
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

fn of_test(outcome: super::action::TestOutcome, test: bool) -> Decision {
    match (outcome.succeed, outcome.changes, test) {
        (_, true, true) => Decision::plain(StepOutcome::WouldChange, "would say that it changed something"),
        (false, ..) => Decision::plain(StepOutcome::Failed, "fails on purpose"),
        (true, true, false) => Decision::plain(StepOutcome::Changed, "says that it changed something"),
        (true, false, _) => Decision::plain(StepOutcome::Unchanged, "does nothing"),
    }
}

/// Picks so many of the minions, the same ones whenever it is asked for the same step of the same run.
fn subset(run: RunId, step: &StepId, mut ids: Vec<MinionId>, size: Option<usize>) -> Vec<MinionId> {
    if let Some(size) = size {
        ids.sort_by_cached_key(|id| {
            Digest::of(format!("{run}/{step}/{id}").as_bytes()).as_bytes().to_owned()
        });
        ids.truncate(size);
    }
    ids.sort();
    ids
}

/// Splits an entry whose lists are too long for one event.
fn in_parts(whole: StepEntered) -> Vec<StepEntered> {
    let parts = whole.targets.len().max(whole.minions.len()).div_ceil(ENTERED_TARGETS).max(1);
    let cut = |n: usize| n * ENTERED_TARGETS;
    (0..parts)
        .map(|n| StepEntered {
            targets: whole.targets.iter().skip(cut(n)).take(ENTERED_TARGETS).cloned().collect(),
            minions: whole.minions.iter().skip(cut(n)).take(ENTERED_TARGETS).cloned().collect(),
            nested: if n == 0 { whole.nested.clone() } else { Vec::new() },
            more: n + 1 < parts,
            ..whole.clone()
        })
        .collect()
}
