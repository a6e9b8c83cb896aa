//! Returns that come after their job was closed: they correct what the master had to guess in its record.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use lab_proto::{JobId, MinionId};

use crate::core::records::{self, RecordError};
use crate::core::{RowRecord, is_guess};
use crate::store::{Change, Store};

/// Rows as returns make them.
pub(super) type Late = Vec<(MinionId, RowRecord)>;

/// Late returns of closed jobs. The record of one job is corrected by one write at a time: each begins with the record
/// as the last one left it on the disk.
#[derive(Debug, Default)]
pub(super) struct Corrections {
    writing: HashMap<JobId, Late>,
}

impl Corrections {
    /// Takes a late return; gives what is to be written now.
    pub(super) fn late(&mut self, jid: JobId, minion: MinionId, row: RowRecord) -> Late {
        match self.writing.entry(jid) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push((minion, row));
                Vec::new()
            }
            Entry::Vacant(free) => {
                free.insert(Vec::new());
                vec![(minion, row)]
            }
        }
    }

    /// Takes that a job's write is durable; gives what came meanwhile and is to be written now.
    pub(super) fn written(&mut self, jid: JobId) -> Late {
        let late = self.writing.get_mut(&jid).map(std::mem::take).unwrap_or_default();
        if late.is_empty() {
            self.writing.remove(&jid);
        }
        late
    }
}

/// What corrects the record of a closed job, its rows and its own end, by returns that came afterwards.
pub(super) fn correction(store: &dyn Store, jid: JobId, late: Late) -> Result<Vec<Change>, RecordError> {
    let Some(mut record) = records::job(store, jid)? else { return Ok(Vec::new()) };
    let mut rows = records::job_rows(store, &record)?;
    let mut changed = false;
    for (minion, row) in late {
        let old = rows.iter_mut().find(|(m, _)| *m == minion).map(|(_, old)| old);
        if let Some(old) = old.filter(|old| old.end.is_none_or(is_guess)) {
            *old = row;
            changed = true;
        }
    }
    if !changed {
        return Ok(Vec::new());
    }
    // How the job ended follows from its rows: what corrects one may correct the whole.
    record.done = record.done.map(|_| rows.iter().all(|(_, row)| row.success));
    Ok(records::put_job(&record, rows.iter().map(|(m, r)| (m, r.clone()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_proto::{EndState, Timestamp};

    #[test]
    fn a_late_return_corrects_the_row_and_how_the_job_ended() {
        use crate::store::KeyStore;
        let store = crate::store::memory::MemoryStore::new(lab_proto::LogId::from_u128(1));
        let at = Timestamp::from_micros(5);
        let spec = lab_proto::JobSpec {
            jid: JobId::new(at, 1),
            fun: "test.ping".to_owned(),
            args: Vec::new(),
            kwargs: lab_proto::Map::new(),
            target: lab_proto::Target::glob("*"),
            timeout_micros: None,
            tree: None,
            user: "root".to_owned(),
            step: None,
            at,
        };
        let jid = spec.jid;
        let record = records::JobRecord { spec, after: 0, count: 2, batch: None, done: Some(false) };
        let ids = ["a", "b"].map(|id| MinionId::new(id).expect("valid"));
        let row =
            |end, success, seq| RowRecord { end: Some(end), success, retcode: i64::from(!success), seq };
        let rows = ids.iter().map(|id| (id, row(EndState::TimedOut, false, 3)));
        store.commit(records::put_job(&record, rows)).expect("kept");
        let done_after = |id: &MinionId, late| {
            let changes = correction(&store, jid, vec![(id.clone(), late)]).expect("readable");
            store.commit(changes).expect("kept");
            records::job(&store, jid).expect("readable").expect("there").done
        };
        assert_eq!(
            done_after(&ids[0], row(EndState::Returned, true, 7)),
            Some(false),
            "the other is missing"
        );
        assert_eq!(done_after(&ids[1], row(EndState::Returned, true, 8)), Some(true));
        assert_eq!(
            done_after(&ids[1], row(EndState::Failed, false, 9)),
            Some(true),
            "nothing corrects a return"
        );
    }

    #[test]
    fn one_job_is_corrected_by_one_write_at_a_time() {
        let jid = JobId::new(Timestamp::from_micros(5), 1);
        let id = |id: &str| MinionId::new(id).expect("valid");
        let row = RowRecord { end: Some(EndState::Returned), success: true, retcode: 0, seq: 7 };
        let ids = |late: Late| late.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        let mut corrections = Corrections::default();
        assert_eq!(ids(corrections.late(jid, id("a"), row.clone())), [id("a")]);
        assert_eq!(ids(corrections.late(jid, id("b"), row.clone())), [], "the first is being written");
        assert_eq!(ids(corrections.late(jid, id("c"), row.clone())), []);
        assert_eq!(ids(corrections.written(jid)), [id("b"), id("c")]);
        assert_eq!(ids(corrections.written(jid)), []);
        assert!(corrections.writing.is_empty(), "nothing is remembered");
    }
}
