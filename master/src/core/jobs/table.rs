//! How a job stands: on each of its minions, and as a whole.

use std::collections::VecDeque;
use std::sync::Arc;

use indexmap::IndexMap;
use lab_proto::{EndState, JobId, JobSpec, MinionId, Timestamp};

use crate::core::{JobRecord, RowRecord};

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
pub(in crate::core) struct Job {
    pub(super) record: JobRecord,
    pub(super) spec: Arc<JobSpec>,
    pub(super) rows: IndexMap<MinionId, Row>,
    pub(super) waiting: VecDeque<MinionId>,
    pub(super) open: usize,
    /// Taken by this process: what was published, and to whom first when, is known.
    pub(super) fresh: bool,
    /// The job as it went to those whose turn came last.
    pub(super) turn: Option<Arc<JobSpec>>,
    /// Whether the event that starts the job is in the log; its record is written first and may stand alone.
    pub(super) begun: bool,
    pub(super) closing: bool,
    /// Who killed it: it is never published from then on, whoever comes back.
    pub(super) killed: Option<String>,
    /// Returns that corrected a row after the job's last record was on its way: they correct the record.
    pub(super) late: Vec<(MinionId, RowRecord)>,
}

impl Job {
    pub(in crate::core) fn restore(record: JobRecord, rows: Vec<(MinionId, RowRecord)>) -> Self {
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

    pub(super) fn end(&mut self, minion: &MinionId, end: RowRecord, is_return: bool) {
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

    pub(in crate::core) fn jid(&self) -> JobId {
        self.spec.jid
    }

    /// Returns the number after which its events come.
    pub(in crate::core) fn after(&self) -> u64 {
        self.record.after
    }

    /// Returns the job as it goes to a minion that it goes to first at this time of the real clock. One that comes in batches
    /// keeps its id for all of them; that a minion has it only now is told by `at`, or the minion could not tell it from a job
    /// that it forgot.
    pub(super) fn as_of(&mut self, first: Timestamp) -> Arc<JobSpec> {
        if !self.fresh || self.record.batch.is_none() || first <= self.spec.at {
            return self.spec.clone();
        }
        match &self.turn {
            Some(turn) if turn.at == first => turn.clone(),
            _ => self.turn.insert(Arc::new(JobSpec { at: first, ..JobSpec::clone(&self.spec) })).clone(),
        }
    }

    pub(super) fn view(&self) -> JobView {
        let rows = self.rows.iter().map(|(m, r)| (m.clone(), r.clone())).collect();
        JobView { record: self.record.clone(), rows }
    }
}

impl RowRecord {
    pub(super) fn open() -> Self {
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
