//! A store in memory whose writes wait when a test says so: a double of a slow disk. It outlives its server.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use lab_master::store::memory::MemoryStore;
use lab_master::store::{
    Appended, Bucket, Change, Entry, EventStore, KeyStore, ReadError, RetentionPolicy, StoreError, Trimmed,
};
use lab_proto::{Event, LogId, NewEvent, OutboxId, Position, Timestamp};

pub(crate) struct GatedStore {
    inner: MemoryStore,
    gate: Mutex<Gate>,
    moved: Condvar,
}

struct Gate {
    /// How many more writes may pass; `None` lets all pass.
    left: Option<usize>,
    waiting: bool,
}

impl GatedStore {
    pub(crate) fn new() -> Self {
        Self {
            inner: MemoryStore::new(LogId::from_u128(7)),
            gate: Mutex::new(Gate { left: None, waiting: false }),
            moved: Condvar::new(),
        }
    }

    /// Lets so many more writes pass and no others.
    pub(crate) fn let_pass(&self, writes: usize) {
        self.gate.lock().expect("no panic").left = Some(writes);
        self.moved.notify_all();
    }

    pub(crate) fn open(&self) {
        self.gate.lock().expect("no panic").left = None;
        self.moved.notify_all();
    }

    /// Waits until a write waits.
    pub(crate) fn wait_until_held(&self) {
        let gate = self.gate.lock().expect("no panic");
        let held = |g: &mut Gate| !(g.waiting && g.left == Some(0));
        let (gate, late) =
            self.moved.wait_timeout_while(gate, Duration::from_secs(20), held).expect("no panic");
        drop(gate);
        assert!(!late.timed_out(), "no write came");
    }

    fn pass(&self) {
        let mut gate = self.gate.lock().expect("no panic");
        while gate.left == Some(0) {
            gate.waiting = true;
            self.moved.notify_all();
            gate = self.moved.wait(gate).expect("no panic");
        }
        gate.waiting = false;
        gate.left = gate.left.map(|n| n - 1);
    }
}

impl EventStore for GatedStore {
    fn log_id(&self) -> LogId {
        self.inner.log_id()
    }

    fn head(&self) -> Position {
        self.inner.head()
    }

    fn floor(&self) -> Position {
        self.inner.floor()
    }

    fn append(
        &self,
        batch: Vec<NewEvent>,
        marks: &[(OutboxId, u64)],
        stamp: Timestamp,
    ) -> Result<Appended, StoreError> {
        self.pass();
        self.inner.append(batch, marks, stamp)
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Event>, ReadError> {
        self.inner.read(after, limit)
    }

    fn seek_time(&self, at: Timestamp) -> Result<Position, ReadError> {
        self.inner.seek_time(at)
    }

    fn mark(&self, outbox: &OutboxId) -> Option<u64> {
        self.inner.mark(outbox)
    }

    fn retain(
        &self,
        policy: &RetentionPolicy,
        needed_after: Option<u64>,
        now: Timestamp,
    ) -> Result<Trimmed, StoreError> {
        self.inner.retain(policy, needed_after, now)
    }

    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl KeyStore for GatedStore {
    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(bucket, key)
    }

    fn scan_prefix(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        self.inner.scan_prefix(bucket, prefix)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.pass();
        self.inner.commit(changes)
    }
}
