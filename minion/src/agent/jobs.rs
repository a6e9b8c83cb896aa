//! The agent's jobs: what runs, what waits, what is being stopped.

use std::time::Duration;

use lab_proto::ids::JobId;
use lab_proto::link::Wake;
use lab_proto::v1::link::JobState;
use lab_proto::value::MAX_GIVEN;
use lab_proto::{EndState, JobReturn, JobSpec, Map, Timestamp, Value};
use lab_states::host::PowerRequest;

use super::{Agent, Effect};
use crate::journal::Entry;

/// Functions that run states: only one of them runs at a time.
const STATE_RUNS: [&str; 5] = ["state.apply", "state.sls", "state.highstate", "state.single", "state.test"];

/// Tells whether a function is a state run.
pub fn is_state_run(fun: &str) -> bool {
    STATE_RUNS.contains(&fun)
}

/// One job that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) spec: JobSpec,
    pub(super) pillar: Map,
    pub(super) phase: Phase,
    /// When it must be over, counted from when it came: the master counts the same, and time in the queue is time.
    pub(super) deadline: Option<Timestamp>,
    pub(super) power: Option<PowerRequest>,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    /// It was just taken.
    New,
    /// That it waits is on its way into the journal.
    Accepting,
    /// It does not want to wait as long as it would have to, and that it was taken is on its way into the journal.
    TurnedAway { why: String },
    /// It waits.
    Waiting,
    /// Its start is on its way into the journal.
    Starting,
    /// It was to be stopped before its function was called.
    StoppedEarly { end: EndState, why: String },
    /// Its function runs.
    Running { started: Timestamp, stopping: Option<Stopping> },
    /// Its return is on its way into the outbox.
    Storing,
}

/// A running job that shall stop.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stopping {
    pub(super) end: EndState,
    pub(super) why: String,
    pub(super) patience: Timestamp,
    /// Its return was already sent, because it does not stop.
    pub(super) reported: bool,
}

impl Stopping {
    /// Says why the job ended, with what it had returned by then.
    pub(super) fn value(&self, partial: Value) -> Value {
        let why = Value::from(self.why.as_str());
        match partial {
            Value::Null => why,
            partial => Value::from([("comment", why), ("partial", partial)]),
        }
    }
}

impl Job {
    pub(super) fn new(spec: JobSpec, pillar: Map, now: Timestamp) -> Self {
        let deadline = spec.timeout_micros.map(|micros| now + Duration::from_micros(micros));
        Self { spec, pillar, phase: Phase::New, deadline, power: None }
    }

    pub(super) fn is_state_run(&self) -> bool {
        is_state_run(&self.spec.fun)
    }

    /// Returns how many state runs may be before this one, which is no limit unless `queue` says so; Salt's default is False.
    fn patience_with(&self) -> usize {
        match self.spec.kwargs.get("queue") {
            Some(Value::Bool(false)) => 0,
            Some(Value::Int(most)) => usize::try_from((*most).max(0)).unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }

    /// Tells whether the job wants its reboot even when it fails.
    pub(super) fn forces_reboot(&self) -> bool {
        self.spec.kwargs.get("force_reboot").is_some_and(Value::truthy)
    }

    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        self.may_be_late() && self.deadline.is_some_and(|at| now >= at)
    }

    pub(super) fn is_stuck(&self, now: Timestamp) -> bool {
        match &self.phase {
            Phase::Running { stopping: Some(s), .. } => !s.reported && now >= s.patience,
            _ => false,
        }
    }

    pub(super) fn wake(&self) -> Option<Wake> {
        match &self.phase {
            Phase::Running { stopping: Some(s), .. } => {
                (!s.reported).then_some((s.patience, "a killed job does not stop"))
            }
            _ if self.may_be_late() => self.deadline.map(|at| (at, "a job's time is up")),
            _ => None,
        }
    }

    /// Tells whether the job's time counts: it waits or runs, and nothing ends it yet.
    fn may_be_late(&self) -> bool {
        match self.phase {
            Phase::New | Phase::Accepting | Phase::Waiting | Phase::Starting => true,
            Phase::Running { ref stopping, .. } => stopping.is_none(),
            Phase::TurnedAway { .. } | Phase::StoppedEarly { .. } | Phase::Storing => false,
        }
    }

    fn occupies_a_slot(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::StoppedEarly { .. } | Phase::Running { .. })
    }

    fn waits(&self) -> bool {
        matches!(self.phase, Phase::New | Phase::Accepting | Phase::Waiting)
    }
}

impl Agent {
    /// Says how a job stands; `None` while that is not durable yet.
    pub(super) fn state_of(&self, job: &Job) -> Option<JobState> {
        match job.phase {
            Phase::New
            | Phase::Accepting
            | Phase::TurnedAway { .. }
            | Phase::Starting
            | Phase::StoppedEarly { .. } => None,
            Phase::Running { .. } | Phase::Storing => Some(JobState::Running),
            Phase::Waiting => {
                let kind = job.is_state_run();
                let before = self.jobs.iter().take_while(|j| j.spec.jid != job.spec.jid);
                let ahead = before.filter(|j| j.is_state_run() == kind && (j.waits() || j.occupies_a_slot()));
                let ahead = u32::try_from(ahead.count()).unwrap_or(u32::MAX);
                // Functions wait only when all places are taken, whatever their number.
                Some(JobState::Queued(ahead.max(1)))
            }
        }
    }

    /// Finds the state run that keeps a new one from being taken: it does not want to wait that long.
    pub(super) fn keeps_out(&self, new: &Job) -> Option<String> {
        if !new.is_state_run() {
            return None;
        }
        let before: Vec<&Job> =
            self.jobs.iter().filter(|j| j.is_state_run() && (j.waits() || j.occupies_a_slot())).collect();
        let first = before.first().filter(|_| before.len() > new.patience_with().saturating_sub(1))?;
        let JobSpec { jid, fun, .. } = &first.spec;
        Some(format!(
            "{fun} runs or waits here already as job {jid}, and queue={} says not to wait for it",
            new.spec.kwargs.get("queue").map(|v| v.to_string()).unwrap_or_default()
        ))
    }

    /// Starts waiting jobs as far as there is room, in the order in which they came.
    pub(super) fn start_what_may(&mut self, now: Timestamp) {
        if self.is_going_down() {
            return;
        }
        for at in 0..self.jobs.len() {
            // A job whose acceptance is still on its way into the journal is looked at again when it is there.
            if !matches!(self.jobs[at].phase, Phase::New | Phase::Waiting) {
                continue;
            }
            let kind = self.jobs[at].is_state_run();
            let busy = self.jobs.iter().filter(|j| j.is_state_run() == kind && j.occupies_a_slot()).count();
            if busy < if kind { 1 } else { self.limits.parallel } {
                let JobSpec { jid, fun, .. } = &self.jobs[at].spec;
                let entry = Entry::Started { jid: *jid, fun: fun.clone(), at: now };
                let jid = *jid;
                self.jobs[at].phase = Phase::Starting;
                self.journal(jid, entry);
            }
        }
    }

    /// Calls the function of a job whose start is durable.
    pub(super) fn run(&mut self, at: usize, now: Timestamp) {
        let job = &mut self.jobs[at];
        let deadline = job.deadline;
        job.phase = Phase::Running { started: now, stopping: None };
        let jid = job.spec.jid;
        let pillar = std::mem::take(&mut job.pillar);
        self.effects.push_back(Effect::Run { job: Box::new(job.spec.clone()), pillar, deadline });
        self.tell(jid, JobState::Running);
    }

    /// Makes a job end.
    pub(super) fn stop(&mut self, jid: JobId, end: EndState, why: String, now: Timestamp) {
        let patience = now + self.limits.kill_patience;
        let Some(job) = self.jobs.iter_mut().find(|j| j.spec.jid == jid) else { return };
        match &mut job.phase {
            Phase::Running { stopping: stopping @ None, .. } => {
                *stopping = Some(Stopping { end, why, patience, reported: false });
                self.effects.push_back(Effect::Cancel(jid));
            }
            Phase::Waiting | Phase::New => self.never_ran(jid, end, why, now),
            Phase::Accepting | Phase::Starting => job.phase = Phase::StoppedEarly { end, why },
            Phase::Running { .. }
            | Phase::TurnedAway { .. }
            | Phase::StoppedEarly { .. }
            | Phase::Storing => {}
        }
    }

    /// Ends a job whose function was never called.
    pub(super) fn never_ran(&mut self, jid: JobId, end: EndState, why: String, now: Timestamp) {
        self.end(
            jid,
            end,
            false,
            1,
            Value::from(format!("{why}; the function was not called")),
            Duration::ZERO,
            now,
        );
    }

    /// Reports a job that was stopped and does not stop; its place stays taken until it does.
    pub(super) fn report_stuck(&mut self, jid: JobId, now: Timestamp) {
        let Some(job) = self.jobs.iter_mut().find(|j| j.spec.jid == jid) else { return };
        let Phase::Running { started, stopping: Some(stop), .. } = &mut job.phase else { return };
        stop.reported = true;
        let text = format!("{}; it does not stop and still runs in a thread of the agent", stop.why);
        let (end, duration) = (stop.end, now.since(*started));
        self.send_return(jid, end, false, 1, Value::from(text), duration, now);
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a return, each once")]
    pub(super) fn end(
        &mut self,
        jid: JobId,
        state: EndState,
        success: bool,
        retcode: i64,
        value: Value,
        duration: Duration,
        now: Timestamp,
    ) {
        self.set_phase(jid, Phase::Storing);
        self.send_return(jid, state, success, retcode, value, duration, now);
        self.start_what_may(now);
    }

    pub(super) fn drop_job(&mut self, jid: JobId, now: Timestamp) {
        self.jobs.retain(|j| j.spec.jid != jid);
        self.start_what_may(now);
        self.check_ready();
    }

    pub(super) fn set_phase(&mut self, jid: JobId, phase: Phase) {
        if let Some(job) = self.jobs.iter_mut().find(|j| j.spec.jid == jid) {
            job.phase = phase;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a return, each once")]
    fn send_return(
        &mut self,
        jid: JobId,
        state: EndState,
        success: bool,
        retcode: i64,
        value: Value,
        duration: Duration,
        now: Timestamp,
    ) {
        let Some(job) = self.jobs.iter().find(|j| j.spec.jid == jid) else { return };
        let (state, success, retcode, value) = match value.check_given() {
            Ok(()) => (state, success, retcode, value),
            // How each state went is near the surface and stays as it is; what one of them changed may lie deep.
            Err(_) if is_state_run(&job.spec.fun) => (state, success, retcode, value.cut(MAX_GIVEN)),
            Err(why) => {
                let text = format!("the function ran and ended, but what it returned is {why}");
                (EndState::Failed, false, 1, Value::from(text))
            }
        };
        let ret = JobReturn {
            jid,
            id: self.id.clone(),
            fun: job.spec.fun.clone(),
            state,
            success,
            retcode,
            value,
            duration_micros: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        };
        let end = Entry::Ended { jid, state, at: now };
        self.ledger.apply(end.clone());
        self.effects.push_back(Effect::Return { ret: Box::new(ret), end });
    }
}
