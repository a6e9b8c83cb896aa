//! Jobs: whom each addressed, how it stands on each of them, and when everyone is accounted for.

mod event;
mod restart;
mod submit;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use lab_proto::ids::JobId;
use lab_proto::v1::link::{JobState, JobsUp};
use lab_proto::{Digest, EndState, Event, MinionId, NewEvent, Timestamp};

use self::event::{JobEvent, job_event};
pub(super) use self::submit::check_size;
pub use self::submit::{Submission, SubmitError};
pub(super) use self::table::Job;
pub(crate) use self::table::is_guess;
pub use self::table::{JobView, Row};
use super::{ConnId, Core, Effect, JobRecord, RowRecord, Timer, facts, records};

/// A job that cannot be killed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no job {0} is running; see `lab-master job list`")]
pub struct KillError(pub JobId);

impl Core {
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
