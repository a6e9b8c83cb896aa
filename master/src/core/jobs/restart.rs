//! Jobs that a former master left behind.

use std::sync::Arc;

use lab_proto::{EndState, JobId, JobSpec, MinionId, Timestamp};
use tracing::warn;

use super::{Row, last_event};
use crate::core::{Core, Effect, JobRecord, RowRecord, Timer, Write, facts, records};

/// Why a job ends whose beginning is not known any more.
const GIVEN_UP: &str = "the log has not the job's beginning any more";

impl Core {
    /// Goes on with every job that is not done; `floor` is the oldest place that the log still has.
    pub(in crate::core) fn resume_jobs(&mut self, floor: u64, now: Timestamp) {
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
                self.effects.push_back(Effect::Write(Write {
                    events: vec![facts::job_end(jid, &minion, EndState::Lost, GIVEN_UP)],
                    ..Write::default()
                }));
            }
        }
    }

    /// Forgets a job whose first event is not in the log.
    pub(in crate::core) fn forget_unborn(&mut self, jid: JobId) -> Option<Arc<JobSpec>> {
        if self.jobs.get(&jid)?.begun {
            return None;
        }
        let job = self.jobs.remove(&jid)?;
        self.append_with(records::delete_job(&job.record), Vec::new());
        Some(job.spec)
    }

    /// Appends the last event of a job that a former master closed without coming to tell it.
    pub(in crate::core) fn tell_done(&mut self, record: &JobRecord, rows: &[(MinionId, RowRecord)]) {
        let event = last_event(record, rows.iter().map(|(_, row)| row));
        self.append_with(Vec::new(), vec![event]);
        self.told.push(record.spec.jid);
    }
}
