//! Where the master keeps what it must not forget: the event log, the keys beside it, blobs by hash.
//!
//! The server calls [`EventStore::append`] from one dedicated writer thread (group commit is the caller's
//! batching) and the rest from blocking readers; nothing here is async. An append that returned is durable, so
//! the caller may make its events visible and acknowledge them. Nothing here knows what an event means.
//!
//! Positions are ordered within one log and nothing more: a caller must not count on their being dense.

pub mod blob;
#[cfg(test)]
mod contract;
mod disk;
#[cfg(test)]
pub(crate) mod double;
mod error;
#[cfg(any(test, feature = "simulation"))]
pub mod forgetful;
pub mod memory;
mod record;
pub mod sled_log;
mod stored;

use std::time::Duration;

use lab_proto::{Event, LogId, NewEvent, OutboxId, Position, Timestamp};

pub use self::error::{Damage, Loss, ReadError, StoreError};
pub use self::stored::StoredEvent;

/// The largest value of a [`KeyStore`], in bytes; what is larger belongs into the [`blob`] store.
pub const MAX_KEY_VALUE: usize = 64 * 1024;

/// The durable log of events.
pub trait EventStore: Send + Sync {
    /// Returns the identity of the log; a new one begins when history was lost and that was accepted.
    fn log_id(&self) -> LogId;

    /// Returns the position of the last durable event; `seq` 0 in an empty log.
    fn head(&self) -> Position;

    /// Returns the position that retention has reached: reading after it, or after any later one, is complete.
    fn floor(&self) -> Position;

    /// Tells whether an append of these events would be refused; appends nothing, and costs little.
    ///
    /// # Errors
    /// Exactly when [`EventStore::append`] would refuse one of them for what it is.
    fn check(&self, batch: &[NewEvent]) -> Result<(), StoreError> {
        batch.iter().try_for_each(record::check_event)
    }

    /// Appends the events and raises the outbox marks, all or nothing. Durable on return. An empty batch with
    /// marks is fine.
    ///
    /// # Errors
    /// When an event is too large (nothing was written, the store goes on), or when the disk failed: what
    /// happened to the batch is then unknown, and the store refuses everything until it is opened again.
    fn append(
        &self,
        batch: Vec<NewEvent>,
        marks: &[(OutboxId, u64)],
        stamp: Timestamp,
    ) -> Result<Appended, StoreError>;

    /// Reads up to `limit` events that follow `after`, in order; none when there are none yet.
    ///
    /// # Errors
    /// When the position is below the floor, of another log, or above the head; or when the log is damaged.
    fn read(&self, after: Position, limit: usize) -> Result<Vec<Event>, ReadError>;

    /// Reads as [`EventStore::read`] does, and leaves the events as they are stored.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    fn read_stored(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, ReadError> {
        Ok(self.read(after, limit)?.into_iter().map(StoredEvent::of).collect())
    }

    /// Reads as [`EventStore::read_stored`] does what needs no disk; `None` when something does before anything was found.
    /// Never blocks for long.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    fn read_at_hand(&self, after: Position, limit: usize) -> Result<Option<Vec<StoredEvent>>, ReadError> {
        self.read_stored(after, limit).map(Some)
    }

    /// Finds the position after which the first event stamped `at` or later comes; the head if there is none.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn seek_time(&self, at: Timestamp) -> Result<Position, ReadError>;

    /// Returns the highest counter taken from an outbox; `None` for one never seen. Outlives retention.
    fn mark(&self, outbox: &OutboxId) -> Option<u64>;

    /// Removes old events as far as the policy asks and the store's granularity allows. The newest events
    /// stay, and so do all outbox marks, and every event whose number is above `needed_after`, whatever the policy says.
    ///
    /// # Errors
    /// When the disk failed.
    fn retain(
        &self,
        policy: &RetentionPolicy,
        needed_after: Option<u64>,
        now: Timestamp,
    ) -> Result<Trimmed, StoreError>;

    /// Makes everything durable and refuses later writes. A second call does nothing.
    ///
    /// # Errors
    /// When the disk failed.
    fn close(&self) -> Result<(), StoreError>;
}

/// A key with its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Small typed state beside the log: keys, tokens, roster, indexes. Callers encode values with the proto codec.
pub trait KeyStore: Send + Sync {
    /// Returns one value.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Returns all entries of a bucket in the order of their keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn scan(&self, bucket: Bucket) -> Result<Vec<Entry>, StoreError> {
        self.scan_prefix(bucket, b"")
    }

    /// Returns the entries of a bucket whose keys begin so, in the order of their keys. Nobody waits for it: changes that are
    /// made meanwhile may be among them or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn scan_prefix(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<Entry>, StoreError>;

    /// Makes all changes or none, in order. Durable on return.
    ///
    /// # Errors
    /// When a value is over [`MAX_KEY_VALUE`] (nothing was changed), or when the disk failed.
    fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError>;

    /// Sets one value. Durable on return.
    ///
    /// # Errors
    /// As [`KeyStore::commit`].
    fn put(&self, bucket: Bucket, key: &[u8], value: Vec<u8>) -> Result<(), StoreError> {
        self.commit(vec![Change::Put { bucket, key: key.to_vec(), value }])
    }

    /// Removes one value if it is there. Durable on return.
    ///
    /// # Errors
    /// As [`KeyStore::commit`].
    fn delete(&self, bucket: Bucket, key: &[u8]) -> Result<(), StoreError> {
        self.commit(vec![Change::Delete { bucket, key: key.to_vec() }])
    }
}

/// What the server holds: a log with its keys.
pub trait Store: EventStore + KeyStore {}
impl<T: EventStore + KeyStore> Store for T {}

/// A name space of a [`KeyStore`]. Each user declares its own as a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(&'static str);

impl Bucket {
    /// Names a bucket.
    ///
    /// # Panics
    /// At compile time, as a rule: when the name is empty or has anything but lower case letters and dashes.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty(), "a bucket has a name");
        let mut i = 0;
        while i < bytes.len() {
            assert!(bytes[i].is_ascii_lowercase() || bytes[i] == b'-', "bucket names are a-z and dashes");
            i += 1;
        }
        Self(name)
    }

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// One change of a [`KeyStore`] transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets a value.
    Put {
        /// Where.
        bucket: Bucket,
        /// Under which key.
        key: Vec<u8>,
        /// The value, at most [`MAX_KEY_VALUE`] bytes.
        value: Vec<u8>,
    },
    /// Removes a value if it is there.
    Delete {
        /// Where.
        bucket: Bucket,
        /// Under which key.
        key: Vec<u8>,
    },
}

impl Change {
    /// Refuses a value that no store takes.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Put { bucket, value, .. } if value.len() > MAX_KEY_VALUE => {
                Err(StoreError::ValueTooLarge {
                    bucket: bucket.as_str(),
                    got: value.len(),
                    limit: MAX_KEY_VALUE,
                })
            }
            Self::Put { .. } | Self::Delete { .. } => Ok(()),
        }
    }
}

/// What an append made of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of the first event; the head when the batch was empty.
    pub first: Position,
    /// The position of the last event, which is the new head.
    pub last: Position,
    /// The events in their places.
    pub events: Vec<Event>,
}

/// How much history is kept. `None` is without limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Events older than this may go.
    pub max_age: Option<Duration>,
    /// While the log takes more than this on disk, the oldest events go.
    pub max_bytes: Option<u64>,
}

/// What retention did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trimmed {
    /// The floor afterwards.
    pub floor: Position,
    /// How many events were removed.
    pub events: u64,
    /// What the log takes on disk afterwards, in bytes.
    pub bytes_left: u64,
}

/// Decodes a stored record with all its events, and tells how many there are: the door for fuzzing.
///
/// # Errors
/// When the bytes are no record.
#[cfg(any(test, feature = "simulation"))]
pub fn decode_record(bytes: &[u8]) -> Result<usize, String> {
    let record = record::Record::decode(bytes.to_vec()).map_err(|e| e.to_string())?;
    let before = Position { log_id: LogId::from_u128(0), seq: 0 };
    let mut events = Vec::new();
    record.events_after(before, usize::MAX, &mut events).map_err(|e| e.to_string())?;
    Ok(events.len())
}
