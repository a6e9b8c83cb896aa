//! A job to be: what fits, and how it is stored before anybody hears of it.

use std::sync::Arc;
use std::time::Duration;

use lab_proto::job::StepRef;
use lab_proto::value::{TooDeep, check_given_map};
use lab_proto::{Digest, JobId, JobSpec, Map, MinionId, Target, Timestamp, Value};

use super::{Job, Row};
use crate::core::{Core, JobRecord, RowRecord, facts, records};

/// The largest job, in bytes when encoded: its event and its record must hold it.
const MAX_SPEC: usize = 48 * 1024;

/// The largest data of a job's first event, which names minions beside the arguments.
const MAX_JOB_EVENT: usize = lab_proto::event::MAX_OUTBOX_EVENT;

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
    pub(in crate::core) fn submit_spec(&mut self, spec: JobSpec, minions: Vec<MinionId>, batch: Option<u32>) {
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
}

/// Refuses a job that is too large or too deep. Its first event must fit too: a job whose event the log refuses would neither
/// begin nor end.
pub(in crate::core) fn check_size(spec: &JobSpec, minions: &[MinionId]) -> Result<(), SubmitError> {
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
