//! How a run goes on: what its steps are asked, given, told and ended by.

use lab_proto::facts::{
    ENTERED_INLINE, MinionAt, NearMiss, RunEnded, RunOutcome, RunStarted, STOOD_INLINE, StepEnded,
    StepEntered, StepMet, StepOutcome,
};
use lab_proto::job::StepRef;
use lab_proto::{Digest, JobId, JobSpec, MinionId, RunId, StepId, Timestamp, Value};

use super::super::action::{Action, TestOutcome};
use super::super::decide::{self, Decision};
use super::super::ledger::{Record, beginning, derived};
use super::super::wait::NEAR;
use super::super::{Ask, Effect, Resolution, StartNested};
use super::{Engine, Start, needed};
use crate::schedule::{Poll, Step as Scheduled};

impl Engine {
    pub(super) fn begin_run(&mut self, resolution: Resolution) {
        let Some(start) = self.start.take() else { return };
        let Start { run, name, plan, pillar, tree, test, failhard, user, parent } = *start;
        let chunks = match plan.blob() {
            None => Some(plan.chunks().to_vec()),
            Some(bytes) => {
                self.effects.push_back(Effect::StoreBlob { digest: plan.digest(), bytes: bytes.to_vec() });
                None
            }
        };
        let mut minions = resolution.minions;
        let mut stood = None;
        let bytes = MinionAt::many_to_blob(&minions);
        if bytes.len() > STOOD_INLINE {
            let digest = Digest::of(&bytes);
            stood = Some(digest);
            self.ledger.stood = Some(std::mem::take(&mut minions));
            self.effects.push_back(Effect::StoreBlob { digest, bytes });
        }
        let plan = plan.digest();
        self.needs = needed(plan, tree, stood);
        let fact = RunStarted {
            run,
            name,
            plan,
            chunks,
            pillar,
            tree,
            test,
            failhard,
            user,
            parent,
            minions,
            stood,
        };
        self.effects.push_back(Effect::Append(Box::new(fact.event())));
    }

    /// Does everything that can be done now: tells what waits saw, ends what is over, begins what may begin. Time that went by
    /// for an earlier call is not taken back: an event may be heard of after the clock passed its stamp.
    pub(super) fn advance(&mut self, now: Timestamp) {
        if self.ledger.started.is_none() || self.finished || self.resuming {
            return;
        }
        if let Some(ended) = &self.ledger.ended {
            self.finished = true;
            self.effects.push_back(Effect::Finish(ended.outcome));
            return;
        }
        self.looked = self.looked.max(now);
        let now = self.looked;
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
        let job = step.action.job();
        let target = job.map(|job| job.target.clone());
        // An id that nobody has would take the place of one that somebody has.
        let accepted = job.is_some_and(|job| job.subset.is_some());
        // Where every awaited minion stands is recorded with every entry: any of them may be the one that a
        // later wait counts from.
        let ask = Ask { step: Some(step.id.clone()), target, accepted, ids: self.ledger.plan.awaited() };
        self.asked.insert(at);
        self.effects.push_back(Effect::Resolve(ask));
    }

    /// Asks for the step's entry to be made durable.
    pub(super) fn enter(&mut self, at: usize, resolution: Resolution) {
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
    pub(super) fn launch(&mut self, at: usize) {
        let record = &self.ledger.records[at];
        if record.ended.is_some() || !record.entered.as_ref().is_some_and(|e| e.whole) {
            return;
        }
        let step = &self.ledger.plan.steps()[at];
        if let (Action::Nested(runs), Some(started)) = (&step.action, &self.ledger.started) {
            // One that has ended is not begun again: it would be another run under the same name.
            let open = record.nested.iter().zip(runs).filter(|((_, ended), _)| ended.is_none());
            for ((run, _), nested) in open {
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
        let now = self.now();
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
        // A later batch is as young as its turn, however old the ids of the step are: minions ask for that.
        let entered = self.ledger.records[at].entered.as_ref().map_or(now, |e| e.stamp);
        let made = if n == 0 { entered } else { now.max(entered) };
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
            at: made,
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
    pub(super) fn end(&mut self, at: usize, decision: Decision, now: Timestamp) {
        if !self.ending.insert(at) {
            return;
        }
        let begun = self.ledger.records[at].entered.as_ref().map_or(now, |e| e.stamp);
        let Decision { outcome, reason, comment, addressed, succeeded, rows } = decision;
        // It may quote a target, or name the steps that failed: as long as somebody wrote them, and longer than an event.
        let comment = beginning(&comment, COMMENT);
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

fn of_test(outcome: TestOutcome, test: bool) -> Decision {
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

/// The longest comment of a step's end, in characters.
const COMMENT: usize = 2_000;

/// What the id of a nested run takes of an event, at most.
const NESTED: usize = 48;

/// Splits an entry whose lists are too long for one event.
fn in_parts(mut whole: StepEntered) -> Vec<StepEntered> {
    let (targets, minions) = (std::mem::take(&mut whole.targets), std::mem::take(&mut whole.minions));
    let (mut targets, mut minions) = (targets.into_iter().peekable(), minions.into_iter().peekable());
    let mut parts: Vec<StepEntered> = Vec::new();
    while parts.is_empty() || targets.peek().is_some() || minions.peek().is_some() {
        let mut part = StepEntered { more: true, ..whole.clone() };
        whole.nested.clear();
        let mut room = ENTERED_INLINE.saturating_sub(part.nested.len() * NESTED);
        while let Some(id) = targets.next_if(|id| taken(&mut room, id.as_str().len() + 4)) {
            part.targets.push(id);
        }
        while let Some(at) = minions.next_if(|at| taken(&mut room, at.encoded_len())) {
            part.minions.push(at);
        }
        parts.push(part);
    }
    parts.last_mut().expect("one at least").more = false;
    parts
}

/// Takes from what is left, if there is as much.
fn taken(room: &mut usize, size: usize) -> bool {
    let fits = size <= *room;
    *room -= if fits { size } else { 0 };
    fits
}
