//! Orchestration runs: feeds the engines every event and carries out what they ask for by the core's own means.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use lab_proto::facts::{MinionAt, RunEnded};
use lab_proto::{Digest, JobId, JobSpec, MinionId, RunId, StepId, Timestamp, Value};
use lab_states::orchestrate::{
    Ask, Effect as Wish, Engine, Explanation, Resolution, RunOutcome, Start, StartNested,
};

use super::jobs::check_size;
use super::{Core, Effect, RunRecord, SharedGrains, Write, facts, records, targets};

/// What a run asks for that needs files: the shell answers with the method named.
#[derive(Clone, Debug, PartialEq)]
pub enum RunErrand {
    /// Compile another orchestration and hand it to [`Core::start_run`], or tell [`Core::run_failed`].
    Compile(Box<StartNested>),
    /// Pin the state tree and hand the job to [`Core::publish_for_run`], or tell [`Core::step_unpublished`].
    Pin {
        /// The job.
        job: Box<JobSpec>,
        /// Whom it addresses.
        minions: Vec<MinionId>,
    },
}

/// What must stay of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needed {
    /// What comes after this number: what is begun from now on as well.
    pub(crate) after: u64,
    /// Who needs the oldest of it, if anybody does.
    pub(crate) by: Option<Unfinished>,
}

/// What is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// A job.
    Job(JobId),
    /// A run.
    Run(RunId),
}

impl std::fmt::Display for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Job(jid) => write!(f, "job {jid} (`lab-master job show {jid}`)"),
            Self::Run(run) => write!(f, "run {run} (`lab-master runs show {run}`)"),
        }
    }
}

impl Core {
    /// Begins a run, unless it is known or was the part of another one that has ended. The run's first event is on its way to
    /// the log after this.
    pub fn start_run(&mut self, start: Start, now: Timestamp) -> RunId {
        let run = start.run;
        let parent = start.parent.as_ref().and_then(|step| self.runs.get(step.run));
        let over = parent.is_some_and(|parent| parent.nested_has_ended(run));
        if over || self.is_known(run) {
            return run;
        }
        let record = RunRecord {
            run,
            name: start.name.clone(),
            user: start.user.clone(),
            at: self.wall(now),
            after: self.head.seq,
            done: None,
        };
        self.write(Write { changes: vec![records::put_run(&record)], ..Write::default() });
        self.run_records.insert(run, record);
        self.runs.add(Engine::start(start));
        self.drive_runs();
        run
    }

    /// Ends a run that cannot even begin, so that whoever waits for it knows.
    pub fn run_failed(&mut self, run: RunId) {
        if self.runs.get(run).is_some() {
            return;
        }
        let fact =
            RunEnded { run, outcome: RunOutcome::Failed, succeeded: 0, changed: 0, failed: 1, skipped: 0 };
        self.append(fact.event());
    }

    /// Publishes a job of a run whose tree was pinned meanwhile. One that is too large ends its step at once.
    pub fn publish_for_run(&mut self, job: JobSpec, minions: Vec<MinionId>) {
        match check_size(&job, &minions) {
            Ok(()) => self.submit_spec(job, minions, None),
            Err(e) => self.step_unpublished(&job, format!("the job was not published: {e}")),
        }
    }

    /// Ends the step of a job that cannot be published, so that nobody waits for its returns.
    pub fn step_unpublished(&mut self, job: &JobSpec, why: String) {
        let Some(step) = &job.step else { return };
        self.runs.handle_unpublished(step, why);
        self.drive_runs();
    }

    /// Takes that the store does not hold an event, which is too large for it: what waits for that event would wait for ever.
    pub fn event_refused(&mut self, tag: &str, why: &str) {
        let parts: Vec<&str> = tag.split('/').collect();
        match parts.as_slice() {
            ["lab", "run", run, "started"] => {
                let Ok(run) = run.parse() else { return };
                self.runs.remove(run);
                self.run_failed(run);
                self.finish_run(run, RunOutcome::Failed);
            }
            ["lab", "run", run, "step", step, "entered" | "ended"] => {
                if let (Ok(run), Ok(step)) = (run.parse(), StepId::new(*step)) {
                    self.runs.handle_refused(run, &step, why);
                    self.drive_runs();
                }
            }
            ["salt", "job", jid, "new"] => {
                let Some(job) = jid.parse().ok().and_then(|jid| self.forget_unborn(jid)) else { return };
                self.step_unpublished(&job, format!("the job was not published: {why}"));
            }
            _ => {}
        }
    }

    /// Takes up a run that the log has and that had not ended when the master stopped.
    pub(crate) fn resume_run(&mut self, mut engine: Engine, record: RunRecord) {
        engine.resume();
        self.run_records.insert(record.run, record);
        self.runs.add(engine);
        self.drive_runs();
    }

    /// Forgets a run whose start is not in the log though the log reaches back to it: it never was, and nobody was told of it.
    pub(crate) fn forget_unborn_run(&mut self, run: RunId) {
        self.append_with(vec![records::delete_run(run)], Vec::new());
    }

    /// Tells whether a run is under way here, or was given up.
    fn is_known(&self, run: RunId) -> bool {
        self.runs.get(run).is_some() || self.run_records.contains_key(&run) || self.given_up.contains(&run)
    }

    /// Ends a run that cannot be taken up: whoever follows it must be told. The event comes first; a master that ends between
    /// the two tells it once more.
    pub(crate) fn give_up_run(&mut self, mut record: RunRecord) {
        self.run_failed(record.run);
        self.given_up.insert(record.run);
        record.done = Some(RunOutcome::Failed.into());
        self.append_with(vec![records::put_run(&record)], Vec::new());
    }

    /// Returns the engine of an unfinished run, for the simulator to compare with its replay and to spoil.
    #[cfg(feature = "simulation")]
    pub fn engine(&mut self, run: RunId) -> Option<&mut Engine> {
        self.runs.get_mut(run)
    }

    /// Returns the blobs that unfinished runs and jobs need: state trees, plans of runs, and where minions stood at their start.
    pub fn pinned(&self) -> Vec<Digest> {
        let pinned: BTreeSet<Digest> = self.runs.pinned().chain(self.open_trees()).collect();
        pinned.into_iter().collect()
    }

    /// Returns the number after which the log is needed by what is not done, and what that is.
    pub(crate) fn needed_after(&self) -> Needed {
        let jobs = self.jobs.values().map(|j| (j.after(), Unfinished::Job(j.jid())));
        let runs = self.run_records.values().map(|r| (r.after, Unfinished::Run(r.run)));
        let oldest = jobs.chain(runs).min_by_key(|(after, _)| *after);
        Needed { after: oldest.map_or(self.head.seq, |(after, _)| after), by: oldest.map(|(_, by)| by) }
    }

    /// Says what a step of an unfinished run waits for.
    pub fn explain(&self, run: RunId, step: &lab_proto::StepId) -> Option<Explanation> {
        self.runs.get(run)?.explain(step)
    }

    pub(super) fn run_event(&mut self, event: &lab_proto::Event) {
        self.runs.handle_event(event);
        self.drive_runs();
    }

    pub(super) fn runs_timeout(&mut self, now: Timestamp) {
        let now = self.wall(now);
        if self.runs.poll_timeout().is_some_and(|d| d.at <= now) {
            self.runs.handle_timeout(now);
            self.drive_runs();
        }
    }

    /// Carries out what the runs ask for. An answer to `Resolve` and the append that follows it are one turn here:
    /// nothing can come between.
    pub(super) fn drive_runs(&mut self) {
        while let Some((run, wish)) = self.runs.poll_effect() {
            match wish {
                Wish::Resolve(ask) => {
                    let answer = self.resolve(&ask);
                    self.runs.handle_resolved(run, &ask, answer);
                }
                Wish::StoreBlob { digest, bytes } => {
                    self.write(Write { blobs: vec![(digest, bytes)], ..Write::default() });
                }
                Wish::Append(event) => self.append(*event),
                Wish::Publish { job, minions } => self.publish_step(job, minions),
                Wish::StartNested(nested) => {
                    if !self.is_known(nested.run) {
                        self.effects.push_back(Effect::Errand(RunErrand::Compile(nested)));
                    }
                }
                Wish::Finish(outcome) => self.finish_run(run, outcome),
            }
        }
    }

    fn publish_step(&mut self, job: Box<JobSpec>, minions: Vec<MinionId>) {
        let done = job.step.as_ref().and_then(|s| self.done_steps.get(&s.run));
        let known = self.jobs.contains_key(&job.jid) || done.is_some_and(|jids| jids.contains(&job.jid));
        if known {
            // Entered before a restart: its returns are in the log or on their way.
            return;
        }
        if job.tree.is_none() && super::uses_tree(&job.fun) {
            self.effects.push_back(Effect::Errand(RunErrand::Pin { job, minions }));
        } else {
            self.publish_for_run(*job, minions);
        }
    }

    fn finish_run(&mut self, run: RunId, outcome: RunOutcome) {
        self.done_steps.remove(&run);
        if let Some(mut record) = self.run_records.remove(&run) {
            record.done = Some(outcome.into());
            self.append_with(vec![records::put_run(&record)], Vec::new());
        }
    }

    fn resolve(&self, ask: &Ask) -> Result<Resolution, String> {
        let targets = match &ask.target {
            None => Vec::new(),
            Some(target) if targets::needs_pillar(target, &self.node_groups) => {
                return Err(format!(
                    "{} {:?} looks at pillar, which steps cannot; name the minions by id or grain",
                    target.kind, target.expr
                ));
            }
            Some(target) => {
                let candidates = self.candidates();
                let found = targets::select(target, &candidates, &self.node_groups, |_| Value::Null);
                let found = found.map_err(|e| e.to_string())?;
                if ask.accepted {
                    found
                } else {
                    targets::addressed(target, found, &candidates, &self.node_groups)?
                }
            }
        };
        let mut ids: Vec<&MinionId> = targets.iter().chain(&ask.ids).collect();
        ids.sort();
        ids.dedup();
        let minions = ids.into_iter().map(|id| self.stands(id)).collect();
        Ok(Resolution { targets, minions })
    }

    /// Returns the accepted minions with their last grains.
    pub fn candidates(&self) -> Vec<(MinionId, SharedGrains)> {
        let none: SharedGrains = std::sync::Arc::new(Value::map());
        let grains = |id| self.roster.get(id).map_or_else(|| none.clone(), |e| e.grains.clone());
        self.accepted.iter().map(|id| (id.clone(), grains(id))).collect()
    }

    fn stands(&self, id: &MinionId) -> MinionAt {
        let entry = self.roster.get(id);
        let connected = entry.is_some_and(|e| e.conn.is_some() && !e.lost);
        MinionAt {
            id: id.clone(),
            boot: entry.map(|e| e.record.boot),
            outbox: entry.map(|e| e.record.outbox),
            connected,
            ready: connected && entry.is_some_and(|e| e.record.ready),
        }
    }

    /// Appends that the master began or ends.
    pub fn lifecycle(&mut self, what: &str, version: &str) {
        self.append(facts::lifecycle(what, version));
    }
}
