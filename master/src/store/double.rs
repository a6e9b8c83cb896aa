//! A double of a store: one in memory that refuses what a test says, or lets it wait.
//!
//! The crate's own tests and those of the whole server (tests/server) include it both, so that it is no part of the library.

use lab_proto::{Event, LogId, NewEvent, OutboxId, Position, Timestamp};

use super::memory::MemoryStore;
use super::{
    Appended, Bucket, Change, Entry, EventStore, KeyStore, ReadError, RetentionPolicy, StoreError, Trimmed,
};

/// What makes the double other than the store in memory behind it.
pub(crate) trait Behaviour: Send + Sync {
    /// Says whether these events are refused, whether they are asked about or appended.
    fn refuse(&self, _events: &[NewEvent]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Comes before every write, which happens when this is over.
    fn before_write(&self) {}
}

/// The double. It may outlive its server: closing it does nothing.
pub(crate) struct StoreDouble<B> {
    pub(crate) behaviour: B,
    inner: MemoryStore,
}

impl<B: Behaviour> StoreDouble<B> {
    pub(crate) fn new(behaviour: B) -> Self {
        Self { behaviour, inner: MemoryStore::new(LogId::from_u128(7)) }
    }
}

impl<B: Behaviour> EventStore for StoreDouble<B> {
    fn log_id(&self) -> LogId {
        self.inner.log_id()
    }

    fn head(&self) -> Position {
        self.inner.head()
    }

    fn floor(&self) -> Position {
        self.inner.floor()
    }

    fn check(&self, batch: &[NewEvent]) -> Result<(), StoreError> {
        self.behaviour.refuse(batch)?;
        self.inner.check(batch)
    }

    fn append(
        &self,
        batch: Vec<NewEvent>,
        marks: &[(OutboxId, u64)],
        stamp: Timestamp,
    ) -> Result<Appended, StoreError> {
        self.behaviour.before_write();
        self.behaviour.refuse(&batch)?;
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

impl<B: Behaviour> KeyStore for StoreDouble<B> {
    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(bucket, key)
    }

    fn scan_prefix(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        self.inner.scan_prefix(bucket, prefix)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.behaviour.before_write();
        self.inner.commit(changes)
    }
}
