//! Jobs: whom each addressed, how it stands on each of them, and when everyone is accounted for.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use lab_proto::ids::JobId;
use lab_proto::job::StepRef;
use lab_proto::v1::link::{JobState, JobsUp};
use lab_proto::value::{TooDeep, check_given_map};
use lab_proto::{Digest, EndState, Event, JobSpec, Map, MinionId, NewEvent, Target, Timestamp, Value};
use tracing::warn;

use super::{ConnId, Core, Effect, JobRecord, RowRecord, Timer, facts, records};

/// The largest job, in bytes when encoded: its event and its record must hold it.
const MAX_SPEC: usize = 48 * 1024;
/// The largest data of a job's first event, which names minions beside the arguments.
const MAX_JOB_EVENT: usize = lab_proto::event::MAX_OUTBOX_EVENT;

/// Why a job ends whose beginning is not known any more.
const GIVEN_UP: &str = "the log has not the job's beginning any more";

/// A job to be.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its id, when a step of a run chose it before.
    pub jid: Option<JobId>,
    /// The function.
    pub fun: String,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map,
    /// Whom it addresses, as asked.
    pub target: Target,
    /// Whom it addresses, matched.
    pub minions: Vec<MinionId>,
    /// How long a minion may take.
    pub timeout: Option<Duration>,
    /// The state tree.
    pub tree: Option<Digest>,
    /// Who asks.
    pub user: String,
    /// The step that it belongs to.
    pub step: Option<StepRef>,
    /// At most so many minions at a time.
    pub batch: Option<u32>,
}

/// A job that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It is too large.
    #[error(
        "the job's arguments have {0} bytes when encoded; at most {MAX_SPEC} fit, put large data into files"
    )]
    TooLarge(usize),
    /// It is nested too deep.
    #[error("the job's arguments are {0}")]
    TooDeep(#[from] TooDeep),
}

/// A job that cannot be killed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no job {0} is running; see `lab-master job list`")]
pub struct KillError(pub JobId);

/// How a job stands on one minion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// It waits for its turn in the batch.
    Waiting,
    /// The minion is not connected, but may be back before then.
    Absent {
        /// Offline from then on.
        until: Timestamp,
    },
    /// It was published.
    Published {
        /// Timed out from then on.
        deadline: Timestamp,
        /// When it went out first, by the real clock, as the minion was told.
        first: Timestamp,
        /// How many jobs are before it there, as far as the minion told.
        queued: Option<u32>,
    },
    /// The master decided its end; the event is on its way to the log.
    Ending,
    /// It ended.
    Ended(RowRecord),
}

/// What is told of a job that is not done.
#[derive(Clone, Debug)]
pub struct JobView {
    /// The job.
    pub record: JobRecord,
    /// How it stands.
    pub rows: Vec<(MinionId, Row)>,
}

#[derive(Debug)]
pub(super) struct Job {
    record: JobRecord,
    spec: Arc<JobSpec>,
    rows: IndexMap<MinionId, Row>,
    waiting: VecDeque<MinionId>,
    open: usize,
    /// Taken by this process: what was published, and to whom first when, is known.
    fresh: bool,
    /// The job as it went to those whose turn came last.
    turn: Option<Arc<JobSpec>>,
    /// Whether the event that starts the job is in the log; its record is written first and may stand alone.
    begun: bool,
    closing: bool,
    /// Who killed it: it is never published from then on, whoever comes back.
    killed: Option<String>,
    /// Returns that corrected a row after the job's last record was on its way: they correct the record.
    late: Vec<(MinionId, RowRecord)>,
}

impl Core {
    /// Takes a job: it is stored, then published. Returns its id and where its events begin.
    ///
    /// # Errors
    /// When it is too large or too deep.
    pub fn submit(&mut self, submission: Submission, now: Timestamp) -> Result<JobId, SubmitError> {
        let at = self.wall(now);
        let jid = submission.jid.unwrap_or_else(|| JobId::new(at, (self.random)()));
        if self.jobs.contains_key(&jid) {
            // A step that is entered again after a restart; its job is known and goes on.
            return Ok(jid);
        }
        let Submission { jid: _, fun, args, kwargs, target, minions, timeout, tree, user, step, batch } =
            submission;
        let timeout = timeout.unwrap_or(self.config.job_timeout);
        let spec = JobSpec {
            jid,
            fun,
            args,
            kwargs,
            target,
            timeout_micros: Some(u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX)),
            tree,
            user,
            step,
            at,
        };
        check_size(&spec, &minions)?;
        self.submit_spec(spec, minions, batch);
        Ok(jid)
    }

    /// Stores a job that fits and publishes it once it is durable.
    pub(super) fn submit_spec(&mut self, spec: JobSpec, minions: Vec<MinionId>, batch: Option<u32>) {
        let jid = spec.jid;
        if self.jobs.contains_key(&jid) {
            return;
        }
        let record = JobRecord {
            spec: spec.clone(),
            after: self.head.seq,
            count: minions.len() as u64,
            batch,
            done: None,
        };
        let rows = minions.iter().map(|m| (m, RowRecord::open()));
        let mut changes = records::put_job(&record, rows);
        changes.extend(self.told.drain(..).map(records::delete_closing));
        self.append_with(changes, vec![facts::job_new(&spec, &minions)]);
        let job = Job {
            record,
            spec: Arc::new(spec),
            open: minions.len(),
            waiting: minions.iter().cloned().collect(),
            rows: minions.into_iter().map(|m| (m, Row::Waiting)).collect(),
            fresh: true,
            turn: None,
            begun: false,
            closing: false,
            killed: None,
            late: Vec::new(),
        };
        self.jobs.insert(jid, job);
    }

    /// Ends a job: minions that run it are told, the others do not get it.
    ///
    /// # Errors
    /// When no such job is running.
    pub fn kill(&mut self, jid: JobId, by: &str) -> Result<(), KillError> {
        let job = self.jobs.get_mut(&jid).filter(|j| !j.closing).ok_or(KillError(jid))?;
        job.killed = Some(by.to_owned());
        job.waiting.clear();
        let (mut published, mut unborn) = (Vec::new(), Vec::new());
        for (minion, row) in &mut job.rows {
            match row {
                Row::Published { .. } => published.push(minion.clone()),
                Row::Waiting | Row::Absent { .. } => {
                    *row = Row::Ending;
                    unborn.push(minion.clone());
                }
                Row::Ending | Row::Ended(_) => {}
            }
        }
        self.append(facts::job_kill(jid, by));
        for minion in unborn {
            self.append(facts::job_end(
                jid,
                &minion,
                EndState::Killed,
                "killed before it was published there",
            ));
        }
        for conn in published.iter().filter_map(|m| self.job_link(m)).collect::<Vec<_>>() {
            self.effects.push_back(Effect::Kill { conn, jid, by: by.to_owned() });
        }
        Ok(())
    }

    /// Notes that a link's stream of jobs is registered, and publishes what its minion has not ended.
    pub fn jobs_registered(&mut self, conn: ConnId, now: Timestamp) {
        let Some(minion) = self.subscribe(conn) else { return };
        let jids: Vec<JobId> = self.jobs.keys().copied().collect();
        for jid in jids {
            let job = &self.jobs[&jid];
            if job.begun && matches!(job.rows.get(&minion), Some(Row::Absent { .. } | Row::Published { .. }))
            {
                if let Some(by) = job.killed.clone() {
                    self.effects.push_back(Effect::Kill { conn, jid, by });
                    continue;
                }
                self.publish(jid, &minion, now);
                self.arm_job(jid);
            }
        }
    }

    /// Takes a frame from a link's stream of jobs.
    pub fn jobs_up(&mut self, conn: ConnId, frame: JobsUp) {
        let Some(minion) = self.link_minion(conn) else { return };
        match frame {
            JobsUp::Progress { jid, progress } => {
                if self.jobs.get(&jid).is_some_and(|j| j.rows.contains_key(&minion)) {
                    self.effects.push_back(Effect::Progress { jid, minion, progress });
                }
            }
            JobsUp::State { jid, state } => self.job_state(jid, &minion, state),
        }
    }

    /// Returns the state trees of jobs that are not done.
    pub(super) fn open_trees(&self) -> impl Iterator<Item = Digest> {
        self.jobs.values().filter_map(|job| job.spec.tree)
    }

    /// Returns the jobs that are not done, oldest first.
    pub fn open_jobs(&self) -> impl Iterator<Item = JobView> {
        self.jobs.values().map(Job::view)
    }

    /// Returns a job that is not done.
    pub fn open_job(&self, jid: JobId) -> Option<JobView> {
        self.jobs.get(&jid).map(Job::view)
    }

    /// Changes the tables by an event; returns the job that it is about, if that is open.
    pub(super) fn fold_job_event(&mut self, event: &Event) -> Option<JobId> {
        let (jid, kind) = job_event(event)?;
        let Some(job) = self.jobs.get_mut(&jid) else {
            if let JobEvent::Ended(minion, row) = kind
                && event.origin.minion().is_some()
            {
                self.effects.push_back(Effect::LateReturn { jid, minion, row });
            }
            return None;
        };
        match kind {
            JobEvent::New => job.begun = true,
            JobEvent::Kill(by) => job.killed = Some(by),
            JobEvent::Ended(minion, row) => job.end(&minion, row, event.origin.minion().is_some()),
            JobEvent::Done => {
                if let Some(step) = job.spec.step.as_ref().filter(|s| self.run_records.contains_key(&s.run)) {
                    self.done_steps.entry(step.run).or_default().insert(jid);
                }
                let late = std::mem::take(&mut job.late);
                self.jobs.remove(&jid);
                self.told.push(jid);
                for (minion, row) in late {
                    self.effects.push_back(Effect::LateReturn { jid, minion, row });
                }
            }
        }
        Some(jid)
    }

    /// Goes on with a job after one of its events is in the log.
    pub(super) fn after_job_event(&mut self, jid: JobId, now: Timestamp) {
        self.fill(jid, now);
        self.close_if_done(jid);
    }

    pub(super) fn resume_jobs(&mut self, floor: u64, now: Timestamp) {
        self.sort_out_unbegun(floor);
        let until = now + self.config.reconnect_grace.max(self.config.reboot_patience);
        let jids: Vec<JobId> = self.jobs.keys().copied().collect();
        for jid in jids {
            if let Some(job) = self.jobs.get_mut(&jid) {
                // Rows that were published and rows that were not look the same from here: both are asked again,
                // and a minion that knows the jid does not run it twice. Rows are published in their order, so the
                // first ones of a batch are those that may have been; the others wait for their turn as before.
                let room = job.record.batch.filter(|_| job.killed.is_none());
                let mut room = room.map_or(usize::MAX, |b| b.max(1) as usize);
                job.waiting.clear();
                let open = |row: &Row| !matches!(row, Row::Ended(_) | Row::Ending);
                for (minion, row) in job.rows.iter_mut().filter(|(_, row)| open(row)) {
                    if room == 0 {
                        *row = Row::Waiting;
                        job.waiting.push_back(minion.clone());
                    } else {
                        room -= 1;
                        *row = Row::Absent { until };
                    }
                }
            }
            self.arm(until, Timer::Job(jid));
            self.close_if_done(jid);
        }
    }

    /// Removes or ends the jobs whose first event is not in the log. Where the log reaches back to it, that event never was, and
    /// the job was not acknowledged to anybody. Otherwise minions may be at work: the job is told to be lost there, which
    /// their returns correct.
    fn sort_out_unbegun(&mut self, floor: u64) {
        let whole = floor..=self.head.seq;
        let unbegun: Vec<JobId> = self.jobs.iter().filter(|(_, j)| !j.begun).map(|(jid, _)| *jid).collect();
        for jid in unbegun {
            let Some(job) = self.jobs.get_mut(&jid) else { continue };
            if whole.contains(&job.record.after) {
                self.forget_unborn(jid);
                continue;
            }
            warn!(%jid, fun = job.spec.fun, "the log has not the beginning of an unfinished job; it ends as lost");
            job.begun = true;
            let open: Vec<MinionId> = job
                .rows
                .iter()
                .filter(|(_, row)| !matches!(row, Row::Ended(_)))
                .map(|(m, _)| m.clone())
                .collect();
            for minion in open {
                job.rows.insert(minion.clone(), Row::Ending);
                self.effects.push_back(Effect::Write(super::Write {
                    events: vec![facts::job_end(jid, &minion, EndState::Lost, GIVEN_UP)],
                    ..super::Write::default()
                }));
            }
        }
    }

    /// Forgets a job whose first event is not in the log.
    pub(super) fn forget_unborn(&mut self, jid: JobId) -> Option<Arc<JobSpec>> {
        if self.jobs.get(&jid)?.begun {
            return None;
        }
        let job = self.jobs.remove(&jid)?;
        self.append_with(records::delete_job(&job.record), Vec::new());
        Some(job.spec)
    }

    pub(super) fn job_timeout(&mut self, jid: JobId, now: Timestamp) {
        let Some(job) = self.jobs.get_mut(&jid) else { return };
        let mut ends = Vec::new();
        let killed = job.killed.is_some();
        for (minion, row) in &mut job.rows {
            let end = match row {
                Row::Absent { until } if *until <= now && killed => {
                    (EndState::Killed, "killed while it was away")
                }
                Row::Absent { until } if *until <= now => (EndState::Offline, "it is not connected"),
                Row::Published { deadline, .. } if *deadline <= now => {
                    (EndState::TimedOut, "no return within the job's timeout")
                }
                _ => continue,
            };
            *row = Row::Ending;
            ends.push((minion.clone(), end));
        }
        for (minion, (state, why)) in ends {
            self.append(facts::job_end(jid, &minion, state, why));
        }
        self.arm_job(jid);
    }

    /// Ends the rows of a minion that is gone.
    pub(super) fn end_rows_of(&mut self, minion: &MinionId, state: EndState, why: &str) {
        let mut events = Vec::new();
        for (jid, job) in &mut self.jobs {
            if let Some(row @ (Row::Published { .. } | Row::Absent { .. })) = job.rows.get_mut(minion) {
                *row = Row::Ending;
                events.push(facts::job_end(*jid, minion, state, why));
            }
        }
        for event in events {
            self.append(event);
        }
    }

    fn job_state(&mut self, jid: JobId, minion: &MinionId, state: JobState) {
        let Some(job) = self.jobs.get_mut(&jid) else { return };
        let killed = job.killed.is_some();
        let Some(row) = job.rows.get_mut(minion) else { return };
        let Row::Published { queued, .. } = row else { return };
        match state {
            JobState::Queued(before) => *queued = Some(before),
            JobState::Running => *queued = Some(0),
            // The return is in the minion's outbox and comes as an event, or came before.
            JobState::Ended => {}
            JobState::Refused(reason) => {
                *row = Row::Ending;
                let end = if killed { EndState::Killed } else { EndState::Failed };
                self.append(facts::job_end(jid, minion, end, &reason));
            }
        }
    }

    /// Publishes to as many waiting minions as the batch allows.
    fn fill(&mut self, jid: JobId, now: Timestamp) {
        let Some(job) = self.jobs.get_mut(&jid).filter(|j| j.begun) else { return };
        let active = job.open - job.waiting.len().min(job.open);
        let room = job.record.batch.map_or(usize::MAX, |b| (b.max(1) as usize).saturating_sub(active));
        let next: Vec<MinionId> = job.waiting.drain(..room.min(job.waiting.len())).collect();
        if next.is_empty() {
            return;
        }
        for minion in next {
            self.start_row(jid, &minion, now);
        }
        self.arm_job(jid);
    }

    fn start_row(&mut self, jid: JobId, minion: &MinionId, now: Timestamp) {
        if self.job_link(minion).is_some() {
            return self.publish(jid, minion, now);
        }
        let until = self.may_be_back_until(minion, now);
        let Some(row) = self.jobs.get_mut(&jid).and_then(|j| j.rows.get_mut(minion)) else { return };
        match until {
            Some(until) => *row = Row::Absent { until },
            None => {
                *row = Row::Ending;
                let why = match self.roster.get(minion) {
                    Some(entry) if entry.lost => "it is lost: its heartbeats stopped before",
                    _ if self.accepted.contains(minion) => "it is not connected",
                    _ => "no minion of this name is accepted; see `lab-master key list`",
                };
                self.append(facts::job_end(jid, minion, EndState::Offline, why));
            }
        }
    }

    /// A minion that was here a moment ago, or before this master started, may be about to come back.
    fn may_be_back_until(&self, minion: &MinionId, now: Timestamp) -> Option<Timestamp> {
        let entry = self.roster.get(minion)?;
        if entry.lost {
            return None;
        }
        let since = entry.last_heard.max(if entry.conn.is_some() { now } else { self.started });
        let grace = since + self.config.reconnect_grace;
        let rebooting = entry.record.reboot_by.is_some().then_some(entry.away_until).flatten();
        Some(rebooting.map_or(grace, |t| grace.max(t))).filter(|until| *until > now)
    }

    fn publish(&mut self, jid: JobId, minion: &MinionId, now: Timestamp) {
        let Some(conn) = self.job_link(minion) else { return };
        let wall = self.wall(now);
        let Some(job) = self.jobs.get_mut(&jid) else { return };
        let timeout = job.spec.timeout_micros.map_or(self.config.job_timeout, Duration::from_micros);
        let first = match job.rows.get_mut(minion) {
            Some(Row::Published { first, .. }) => *first,
            Some(row) => {
                *row = Row::Published { deadline: now + timeout, first: wall, queued: None };
                wall
            }
            None => wall,
        };
        let job = job.as_of(first);
        self.effects.push_back(Effect::Publish { conn, minion: minion.clone(), job });
    }

    fn arm_job(&mut self, jid: JobId) {
        let Some(job) = self.jobs.get(&jid) else { return };
        let next = job.rows.values().filter_map(|row| match row {
            Row::Absent { until } => Some(*until),
            Row::Published { deadline, .. } => Some(*deadline),
            Row::Waiting | Row::Ending | Row::Ended(_) => None,
        });
        if let Some(at) = next.min() {
            self.arm(at, Timer::Job(jid));
        }
    }

    fn close_if_done(&mut self, jid: JobId) {
        let Some(job) = self.jobs.get_mut(&jid).filter(|j| j.open == 0 && !j.closing && j.begun) else {
            return;
        };
        job.closing = true;
        let ended: Vec<(&MinionId, RowRecord)> = job
            .rows
            .iter()
            .filter_map(|(m, row)| if let Row::Ended(r) = row { Some((m, r.clone())) } else { None })
            .collect();
        job.record.done = Some(ended.iter().all(|(_, r)| r.success));
        let event = last_event(&job.record, ended.iter().map(|(_, row)| row));
        let mut changes = records::put_job(&job.record, ended);
        changes.push(records::put_closing(jid));
        self.append_with(changes, vec![event]);
    }

    /// Appends the last event of a job that a former master closed without coming to tell it.
    pub(super) fn tell_done(&mut self, record: &JobRecord, rows: &[(MinionId, RowRecord)]) {
        let event = last_event(record, rows.iter().map(|(_, row)| row));
        self.append_with(Vec::new(), vec![event]);
        self.told.push(record.spec.jid);
    }
}

fn last_event<'a>(record: &JobRecord, rows: impl Iterator<Item = &'a RowRecord>) -> NewEvent {
    let mut counts: Vec<(EndState, u64)> = Vec::new();
    for end in rows.filter_map(|row| row.end) {
        match counts.iter_mut().find(|(e, _)| *e == end) {
            Some((_, n)) => *n += 1,
            None => counts.push((end, 1)),
        }
    }
    facts::job_done(&record.spec, record.done.unwrap_or(false), &counts)
}

impl Job {
    pub(super) fn restore(record: JobRecord, rows: Vec<(MinionId, RowRecord)>) -> Self {
        let rows: IndexMap<MinionId, Row> = rows.into_iter().map(|(m, _)| (m, Row::Waiting)).collect();
        Self {
            spec: Arc::new(record.spec.clone()),
            open: rows.len(),
            waiting: VecDeque::new(),
            rows,
            record,
            fresh: false,
            turn: None,
            begun: false,
            closing: false,
            killed: None,
            late: Vec::new(),
        }
    }

    fn end(&mut self, minion: &MinionId, end: RowRecord, is_return: bool) {
        let Some(row) = self.rows.get_mut(minion) else { return };
        match row {
            // A return corrects what the master had to guess; nothing corrects a return.
            Row::Ended(old) if is_return && old.end.is_some_and(is_guess) => {
                if self.closing {
                    self.late.push((minion.clone(), end.clone()));
                }
                *row = Row::Ended(end);
            }
            Row::Ended(_) => {}
            Row::Waiting | Row::Absent { .. } | Row::Published { .. } | Row::Ending => {
                *row = Row::Ended(end);
                self.open -= 1;
                self.waiting.retain(|m| m != minion);
            }
        }
    }

    pub(super) fn jid(&self) -> JobId {
        self.spec.jid
    }

    /// Returns the number after which its events come.
    pub(super) fn after(&self) -> u64 {
        self.record.after
    }

    /// Returns the job as it goes to a minion that it goes to first at this time of the real clock. One that comes in batches keeps its id for all
    /// of them; that a minion has it only now is told by `at`, or the minion could not tell it from a job that it forgot.
    fn as_of(&mut self, first: Timestamp) -> Arc<JobSpec> {
        if !self.fresh || self.record.batch.is_none() || first <= self.spec.at {
            return self.spec.clone();
        }
        match &self.turn {
            Some(turn) if turn.at == first => turn.clone(),
            _ => self.turn.insert(Arc::new(JobSpec { at: first, ..JobSpec::clone(&self.spec) })).clone(),
        }
    }

    fn view(&self) -> JobView {
        let rows = self.rows.iter().map(|(m, r)| (m.clone(), r.clone())).collect();
        JobView { record: self.record.clone(), rows }
    }
}

/// Refuses a job that is too large or too deep. Its first event must fit too: a job whose event the log refuses would neither
/// begin nor end.
pub(super) fn check_size(spec: &JobSpec, minions: &[MinionId]) -> Result<(), SubmitError> {
    spec.args.iter().try_for_each(Value::check_given)?;
    check_given_map(&spec.kwargs)?;
    let event = facts::job_new(spec, minions).data;
    let event = lab_proto::codec::encode(&event).map_or(usize::MAX, |b| b.len());
    if event > MAX_JOB_EVENT {
        return Err(SubmitError::TooLarge(event));
    }
    let size = lab_proto::codec::encode(spec).map_or(usize::MAX, |b| b.len());
    if size > MAX_SPEC {
        return Err(SubmitError::TooLarge(size));
    }
    Ok(())
}

impl RowRecord {
    fn open() -> Self {
        Self { end: None, success: false, retcode: 0, seq: 0 }
    }
}

/// Tells whether an end is the master's guess, which a late return corrects.
pub(crate) fn is_guess(end: EndState) -> bool {
    match end {
        EndState::TimedOut | EndState::Lost | EndState::Offline => true,
        EndState::Returned | EndState::Failed | EndState::Interrupted | EndState::Killed => false,
    }
}

enum JobEvent {
    New,
    Kill(String),
    Ended(MinionId, RowRecord),
    Done,
}

fn job_event(event: &Event) -> Option<(JobId, JobEvent)> {
    let mut parts = event.tag.parts();
    let head = (parts.next()?, parts.next()?);
    if !matches!(head, ("salt" | "lab", "job")) {
        return None;
    }
    let jid: JobId = parts.next()?.parse().ok()?;
    let kind = match (head.0, parts.next()?) {
        ("salt", "new") => JobEvent::New,
        ("lab", "done") => JobEvent::Done,
        ("lab", "kill") => JobEvent::Kill(event.data.get("by")?.as_str()?.to_owned()),
        ("salt", "ret") | ("lab", "end") => {
            let minion = MinionId::new(parts.next()?).ok()?;
            let data = &event.data;
            let end = EndState::named(data.get("state")?.as_str()?)?;
            let retcode = data.get("retcode").and_then(Value::as_int).and_then(|n| i64::try_from(n).ok());
            let row = RowRecord {
                end: Some(end),
                success: data.get("success").and_then(Value::as_bool).unwrap_or(false),
                retcode: retcode.unwrap_or(1),
                seq: event.position.seq,
            };
            JobEvent::Ended(minion, row)
        }
        _ => return None,
    };
    Some((jid, kind))
}
