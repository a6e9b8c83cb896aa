//! What readers see: the durable events, in memory for the newest segment, loaded on demand for older ones.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lab_proto::{Event, LogId, OutboxId, Position, Timestamp};

use super::super::memory::{check_position, raise_marks};
use super::super::record::{ChainHash, Record, RecordError};
use super::super::{Damage, Loss, ReadError, StoredEvent};
use super::index::Floor;
use super::recover::Paths;
use super::segment::{self, Meta};

/// How many sealed segments are kept in memory for readers.
const LOADED_SEGMENTS: usize = 2;

/// Records that readers share.
pub(super) type Records = Arc<Vec<Arc<Record>>>;

/// The state that a durable batch changes in one step.
pub(super) struct View {
    pub(super) log_id: LogId,
    pub(super) floor: Floor,
    pub(super) seq: u64,
    pub(super) hash: ChainHash,
    pub(super) marks: BTreeMap<OutboxId, u64>,
    /// Finished segments, oldest first.
    pub(super) segments: VecDeque<Finished>,
    /// The records of the segment that is being written.
    pub(super) current: Vec<Arc<Record>>,
    /// The number of the newest segment.
    pub(super) newest_segment: u64,
}

/// A segment that no more records go to.
pub(super) struct Finished {
    pub(super) meta: Meta,
    /// Its records, while it has no manifest yet.
    pub(super) held: Option<Records>,
}

impl View {
    pub(super) fn head(&self) -> Position {
        Position { log_id: self.log_id, seq: self.seq }
    }

    pub(super) fn floor(&self) -> Position {
        Position { log_id: self.log_id, seq: self.floor.seq }
    }

    /// Makes durable records visible.
    pub(super) fn publish(&mut self, records: Vec<Record>, marks: &[(OutboxId, u64)]) {
        raise_marks(&mut self.marks, marks);
        for record in records {
            self.seq = record.header.last_seq().max(self.seq);
            self.hash = record.hash();
            self.current.push(Arc::new(record));
        }
    }
}

/// Reads events for many readers at once. No lock is held while a segment is loaded but that segment's own.
pub(super) struct Reader {
    pub(super) paths: Paths,
    pub(super) view: Arc<RwLock<View>>,
    loaded: Mutex<VecDeque<(u64, Slot)>>,
}

type Slot = Arc<Mutex<Option<Records>>>;

/// Where a reader finds the next records.
enum Place {
    /// In memory.
    Here(Vec<Arc<Record>>),
    /// In a sealed segment.
    Sealed(Meta),
    /// Nowhere: the reader is at the head.
    End,
}

impl Reader {
    pub(super) fn new(paths: Paths, view: Arc<RwLock<View>>) -> Self {
        Self { paths, view, loaded: Mutex::new(VecDeque::new()) }
    }

    pub(super) fn read(&self, after: Position, limit: usize) -> Result<Vec<Event>, ReadError> {
        let take = |record: &Arc<Record>, at, room, out: &mut Vec<Event>| record.events_after(at, room, out);
        self.read_as(after, limit, true, take, |event| event.position).map(Option::unwrap_or_default)
    }

    /// Reads events as they are stored; without the disk unless `wait`, and then nothing where something would need it.
    pub(super) fn read_stored(
        &self,
        after: Position,
        limit: usize,
        wait: bool,
    ) -> Result<Option<Vec<StoredEvent>>, ReadError> {
        self.read_as(after, limit, wait, Record::stored_after, |event| event.position)
    }

    fn read_as<T>(
        &self,
        after: Position,
        limit: usize,
        wait: bool,
        take: impl Fn(&Arc<Record>, Position, usize, &mut Vec<T>) -> Result<(), RecordError>,
        place: impl Fn(&T) -> Position,
    ) -> Result<Option<Vec<T>>, ReadError> {
        let mut events = Vec::new();
        let mut at = after;
        while events.len() < limit {
            let wanted = limit - events.len();
            let records = match self.find(at, wanted)? {
                Place::End => break,
                Place::Here(records) => records,
                Place::Sealed(meta) if wait => pick(&self.load(&meta, at)?, at.seq, wanted),
                Place::Sealed(_) if events.is_empty() => return Ok(None),
                Place::Sealed(_) => break,
            };
            for record in &records {
                let room = limit - events.len();
                take(record, at, room, &mut events).map_err(|e| self.unreadable(at, e.to_string()))?;
            }
            let Some(last) = events.last() else { break };
            at = place(last);
        }
        Ok(Some(events))
    }

    pub(super) fn seek_time(&self, at: Timestamp) -> Result<Position, ReadError> {
        let first_in = |records: &[Arc<Record>]| {
            let found = records.iter().find(|r| r.header.count > 0 && r.header.stamp >= at);
            found.map(|r| r.header.first_seq - 1)
        };
        let (log_id, candidates) = {
            let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
            let late = view.segments.iter().filter(|s| s.meta.max_stamp.is_some_and(|newest| newest >= at));
            (view.log_id, late.map(|s| (s.meta.clone(), s.held.clone())).collect::<Vec<_>>())
        };
        for (meta, held) in candidates {
            let begin = Position { log_id, seq: meta.before_seq };
            let records = match held {
                Some(records) => records,
                None => self.load(&meta, begin)?,
            };
            if let Some(seq) = first_in(&records) {
                return Ok(Position { log_id, seq });
            }
        }
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Position { log_id, seq: first_in(&view.current).unwrap_or(view.seq) })
    }

    fn find(&self, after: Position, wanted: usize) -> Result<Place, ReadError> {
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        check_position(after, view.floor(), view.head())?;
        let at = view.segments.partition_point(|s| s.meta.last_seq <= after.seq);
        Ok(match view.segments.get(at) {
            Some(Finished { held: Some(records), .. }) => Place::Here(pick(records, after.seq, wanted)),
            Some(Finished { meta, held: None }) => Place::Sealed(meta.clone()),
            None if after.seq == view.seq => Place::End,
            None => Place::Here(pick(&view.current, after.seq, wanted)),
        })
    }

    /// Returns the records of a sealed segment, from memory if a reader was there lately.
    fn load(&self, meta: &Meta, at: Position) -> Result<Records, ReadError> {
        let slot = {
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            let known = loaded.iter().position(|(number, _)| *number == meta.number);
            let slot = known.and_then(|i| loaded.remove(i)).unwrap_or_default();
            let slot = (meta.number, slot.1);
            loaded.push_back(slot.clone());
            if loaded.len() > LOADED_SEGMENTS {
                loaded.pop_front();
            }
            slot.1
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(records) = &*slot {
            return Ok(records.clone());
        }
        let begin = Meta::new(meta.number, meta.before_seq, meta.before_hash);
        let loaded = segment::load(&self.paths.segments, &self.paths.scratch, begin);
        // Retention may have removed the segment since it was looked up; then that is the answer.
        let floor = self.view.read().unwrap_or_else(PoisonError::into_inner).floor();
        if at.seq < floor.seq {
            return Err(ReadError::Trimmed { floor });
        }
        let loaded = loaded?;
        let count = usize::try_from(meta.records).unwrap_or(usize::MAX);
        if loaded.records.get(..count).and_then(<[Record]>::last).map(Record::hash) != Some(meta.last_hash) {
            let reason = loaded.hole.map_or_else(|| "records are missing".to_owned(), |hole| hole.reason);
            let after = Position { log_id: at.log_id, seq: loaded.meta.last_seq };
            let missing = meta.last_seq.saturating_sub(after.seq);
            let path = meta.dir(&self.paths.segments);
            let loss = Loss::Events { missing, after };
            return Err(ReadError::Damaged(Box::new(Damage { path, reason, loss })));
        }
        let records: Records = Arc::new(loaded.records.into_iter().take(count).map(Arc::new).collect());
        *slot = Some(records.clone());
        Ok(records)
    }

    fn unreadable(&self, at: Position, reason: String) -> ReadError {
        let damage = Damage {
            path: self.paths.segments.clone(),
            reason,
            loss: Loss::Events { missing: 1, after: at },
        };
        ReadError::Damaged(Box::new(damage))
    }
}

/// Picks the records that hold the `wanted` events after `seq`.
fn pick(records: &[Arc<Record>], seq: u64, wanted: usize) -> Vec<Arc<Record>> {
    let from = records.partition_point(|r| r.header.last_seq() <= seq);
    let mut have = 0u64;
    let enough = |record: &&Arc<Record>| {
        let go_on = have < wanted as u64;
        have += (record.header.last_seq() + 1).saturating_sub(record.header.first_seq.max(seq + 1));
        go_on
    };
    records[from..].iter().take_while(enough).cloned().collect()
}
