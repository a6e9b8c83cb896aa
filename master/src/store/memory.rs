//! A store in memory: for tests, for the simulator, and as the model that the other stores are held against.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lab_proto::codec::CodecError;
use lab_proto::{Event, LogId, NewEvent, OutboxId, Position, Timestamp};

use super::{
    Appended, Bucket, Change, Damage, Entry, EventStore, KeyStore, Loss, ReadError, RetentionPolicy,
    StoreError, Trimmed, record,
};

/// A log with keys that ends with the process.
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// Begins an empty log.
    pub fn new(log_id: LogId) -> Self {
        Self { state: Mutex::new(State::new(log_id)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventStore for MemoryStore {
    fn log_id(&self) -> LogId {
        self.state().log_id
    }

    fn head(&self) -> Position {
        self.state().head()
    }

    fn floor(&self) -> Position {
        self.state().floor()
    }

    fn append(
        &self,
        batch: Vec<NewEvent>,
        marks: &[(OutboxId, u64)],
        stamp: Timestamp,
    ) -> Result<Appended, StoreError> {
        let mut state = self.state();
        state.check_open()?;
        let placed = state.place(batch, stamp)?;
        Ok(state.append(placed, marks))
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Event>, ReadError> {
        self.state().read(after, limit)
    }

    fn seek_time(&self, at: Timestamp) -> Result<Position, ReadError> {
        Ok(self.state().seek_time(at))
    }

    fn mark(&self, outbox: &OutboxId) -> Option<u64> {
        self.state().marks.get(outbox).copied()
    }

    fn retain(
        &self,
        policy: &RetentionPolicy,
        needed_after: Option<u64>,
        now: Timestamp,
    ) -> Result<Trimmed, StoreError> {
        let mut state = self.state();
        state.check_open()?;
        Ok(state.retain(policy, needed_after, now))
    }

    fn close(&self) -> Result<(), StoreError> {
        self.state().closed = true;
        Ok(())
    }
}

impl KeyStore for MemoryStore {
    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state().get(bucket, key))
    }

    fn scan_prefix(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        Ok(self.state().scan_prefix(bucket, prefix))
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut state = self.state();
        state.check_open()?;
        changes.iter().try_for_each(Change::check)?;
        state.commit(changes);
        Ok(())
    }
}

/// An event as the disk would hold it: what is given back is decoded from it.
#[derive(Clone)]
pub(super) struct Kept {
    stamp: Timestamp,
    bytes: Vec<u8>,
}

/// An event in its place with what is kept of it.
pub(super) type Placed = (Event, Kept);

/// The contents of a store, as plain data. The forgetful store's disk is one of these too.
pub(super) struct State {
    pub(super) log_id: LogId,
    pub(super) marks: BTreeMap<OutboxId, u64>,
    closed: bool,
    events: VecDeque<Kept>,
    floor: u64,
    keys: BTreeMap<(Bucket, Vec<u8>), Vec<u8>>,
}

impl State {
    pub(super) fn new(log_id: LogId) -> Self {
        Self {
            log_id,
            marks: BTreeMap::new(),
            closed: false,
            events: VecDeque::new(),
            floor: 0,
            keys: BTreeMap::new(),
        }
    }

    fn check_open(&self) -> Result<(), StoreError> {
        if self.closed { Err(StoreError::Closed) } else { Ok(()) }
    }

    fn at(&self, seq: u64) -> Position {
        Position { log_id: self.log_id, seq }
    }

    pub(super) fn head(&self) -> Position {
        self.at(self.floor + self.events.len() as u64)
    }

    pub(super) fn floor(&self) -> Position {
        self.at(self.floor)
    }

    /// Gives the events their places without adding them yet.
    pub(super) fn place(&self, batch: Vec<NewEvent>, stamp: Timestamp) -> Result<Vec<Placed>, StoreError> {
        let head = self.head().seq;
        let place = |(new, seq): (NewEvent, u64)| {
            let bytes = record::encode_event(&new)?;
            Ok((Event::place(new, self.at(seq), stamp), Kept { stamp, bytes }))
        };
        batch.into_iter().zip(head + 1..).map(place).collect()
    }

    pub(super) fn append(&mut self, placed: Vec<Placed>, marks: &[(OutboxId, u64)]) -> Appended {
        let (events, kept): (Vec<Event>, Vec<Kept>) = placed.into_iter().unzip();
        self.events.extend(kept);
        raise_marks(&mut self.marks, marks);
        let last = self.head();
        Appended { first: events.first().map_or(last, |e| e.position), last, events }
    }

    pub(super) fn read(&self, after: Position, limit: usize) -> Result<Vec<Event>, ReadError> {
        check_position(after, self.floor(), self.head())?;
        let skip = usize::try_from(after.seq - self.floor).unwrap_or(usize::MAX);
        let decode = |(kept, seq): (&Kept, u64)| {
            let new = NewEvent::decode_stored(&kept.bytes).map_err(|e| unreadable(self.at(seq - 1), &e))?;
            Ok(Event::place(new, self.at(seq), kept.stamp))
        };
        self.events.iter().skip(skip).take(limit).zip(after.seq + 1..).map(decode).collect()
    }

    pub(super) fn seek_time(&self, at: Timestamp) -> Position {
        let before = self.events.iter().take_while(|kept| kept.stamp < at).count();
        self.at(self.floor + before as u64)
    }

    pub(super) fn retain(
        &mut self,
        policy: &RetentionPolicy,
        needed_after: Option<u64>,
        now: Timestamp,
    ) -> Trimmed {
        let mut bytes: u64 = self.events.iter().map(Kept::size).sum();
        let mut gone = 0;
        while let Some(kept) = self.events.front() {
            let old = policy.max_age.is_some_and(|age| now.since(kept.stamp) > age);
            let over = policy.max_bytes.is_some_and(|limit| bytes > limit);
            let needed = needed_after.is_some_and(|seq| self.floor + gone + 1 > seq);
            if needed || !(old || over) {
                break;
            }
            bytes -= kept.size();
            gone += 1;
            self.events.pop_front();
        }
        self.floor += gone;
        Trimmed { floor: self.floor(), events: gone, bytes_left: bytes }
    }

    pub(super) fn get(&self, bucket: Bucket, key: &[u8]) -> Option<Vec<u8>> {
        self.keys.get(&(bucket, key.to_vec())).cloned()
    }

    pub(super) fn scan_prefix(&self, bucket: Bucket, prefix: &[u8]) -> Vec<Entry> {
        let from = self.keys.range((bucket, prefix.to_vec())..);
        let meant = from.take_while(|((b, key), _)| *b == bucket && key.starts_with(prefix));
        meant.map(|((_, key), value)| (key.clone(), value.clone())).collect()
    }

    pub(super) fn commit(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put { bucket, key, value } => self.keys.insert((bucket, key), value),
                Change::Delete { bucket, key } => self.keys.remove(&(bucket, key)),
            };
        }
    }
}

impl Kept {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Says of an event what the store on disk says of one that it cannot decode.
fn unreadable(after: Position, error: &CodecError) -> ReadError {
    let loss = Loss::Events { missing: 1, after };
    let damage = Damage { path: "(memory)".into(), reason: error.to_string(), loss };
    ReadError::Damaged(Box::new(damage))
}

/// Refuses positions after which no complete reading is possible.
pub(crate) fn check_position(asked: Position, floor: Position, head: Position) -> Result<(), ReadError> {
    if asked.log_id != head.log_id {
        return Err(ReadError::UnknownLog { asked: asked.log_id, ours: head.log_id });
    }
    if asked.seq < floor.seq {
        return Err(ReadError::Trimmed { floor });
    }
    if asked.seq > head.seq {
        return Err(ReadError::Ahead { asked, head });
    }
    Ok(())
}

/// Raises marks; a mark never falls.
pub(super) fn raise_marks(marks: &mut BTreeMap<OutboxId, u64>, raised: &[(OutboxId, u64)]) {
    for (outbox, counter) in raised {
        let mark = marks.entry(*outbox).or_default();
        *mark = (*mark).max(*counter);
    }
}
