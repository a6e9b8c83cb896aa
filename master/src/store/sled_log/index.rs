//! The small database beside the segments: the callers' keys, and what must outlive removed segments (the
//! floor, the outbox marks).
//!
//! A checksum over all entries changes with them in the same atomic batch, so that entries that sled lost are
//! noticed: it is the XOR of one hash per entry, which a change updates without reading the rest.

use std::path::Path;

use lab_proto::{OutboxId, codec};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::record::ChainHash;
use super::super::{Bucket, Change, Entry, StoreError};
use super::engine::{self, Database, Unit};

const SUM_KEY: &[u8] = b"\0sum";
const FLOOR_KEY: &[u8] = b"\0floor";
const MARK_PREFIX: &[u8] = b"\0mark";

/// The checksum over all entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    /// How many transactions there were.
    generation: u64,
    xor: [u8; 32],
}

impl Sum {
    fn toggle(&mut self, key: &[u8], value: &[u8]) {
        let size = (key.len() as u64).to_be_bytes();
        let hash = Sha256::new().chain_update(size).chain_update(key).chain_update(value).finalize();
        self.xor.iter_mut().zip(hash).for_each(|(x, h)| *x ^= h);
    }
}

/// Where the kept part of the log begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Floor {
    /// The last event that was removed.
    pub(super) seq: u64,
    /// The chain's hash there.
    pub(super) hash: ChainHash,
    /// The first segment that is kept.
    pub(super) segment: u64,
}

/// What the database says about the log.
#[derive(Clone, Debug, Default)]
pub(super) struct LogFacts {
    pub(super) generation: u64,
    pub(super) floor: Option<Floor>,
    pub(super) marks: Vec<(OutboxId, u64)>,
}

/// The database, open for writing.
pub(super) struct Index {
    database: Database,
    sum: Sum,
}

type RawChange = (Vec<u8>, Option<Vec<u8>>);

impl Index {
    /// Opens or creates the database in place.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let database = Database::open(dir, Unit::Large, true)?;
        let raw = database.run("read", |db| db.get(SUM_KEY))?;
        let sum = raw.and_then(|raw| codec::decode(&raw).ok()).unwrap_or_default();
        Ok(Self { database, sum })
    }

    pub(super) fn generation(&self) -> u64 {
        self.sum.generation
    }

    pub(super) fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.database.run("read", |db| db.get(row_key(bucket, key)))?;
        Ok(value.map(|v| v.to_vec()))
    }

    /// Returns a door to the rows: a long read must hold up no write.
    pub(super) fn rows(&self) -> Rows {
        Rows(self.database.reader())
    }

    pub(super) fn commit(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        let raw = changes.into_iter().map(|change| match change {
            Change::Put { bucket, key, value } => (row_key(bucket, &key), Some(value)),
            Change::Delete { bucket, key } => (row_key(bucket, &key), None),
        });
        self.apply(raw.collect())
    }

    /// Keeps marks beyond the segment that raised them. A mark that is already higher stays.
    pub(super) fn fold_marks<'a>(
        &mut self,
        marks: impl Iterator<Item = &'a (OutboxId, u64)>,
    ) -> Result<(), StoreError> {
        let mut highest = std::collections::BTreeMap::new();
        let raised: Vec<_> = marks.copied().collect();
        super::super::memory::raise_marks(&mut highest, &raised);
        let mut changes = Vec::new();
        for (outbox, counter) in highest {
            let key = mark_key(outbox);
            let old = self.database.run("read", |db| db.get(&key))?;
            if old.and_then(|raw| decode_mark(&raw)).is_none_or(|old| old < counter) {
                changes.push((key, Some(counter.to_be_bytes().to_vec())));
            }
        }
        if changes.is_empty() { Ok(()) } else { self.apply(changes) }
    }

    /// Records how far retention has come, before it removes anything.
    pub(super) fn set_floor(&mut self, floor: &Floor) -> Result<(), StoreError> {
        let value = codec::encode(floor).expect("a floor is small");
        self.apply(vec![(FLOOR_KEY.to_vec(), Some(value))])
    }

    /// Forgets everything about the log and keeps the callers' keys: a new log begins.
    pub(super) fn forget_log(&mut self) -> Result<(), StoreError> {
        let keys = self.database.run("read", |db| {
            db.scan_prefix(MARK_PREFIX)
                .keys()
                .map(|key| key.map(|k| k.to_vec()))
                .collect::<sled::Result<Vec<_>>>()
        })?;
        let removals = keys.into_iter().chain([FLOOR_KEY.to_vec()]).map(|key| (key, None));
        self.apply(removals.collect())
    }

    pub(super) fn close(self) -> Result<(), StoreError> {
        self.database.close()
    }

    fn apply(&mut self, changes: Vec<RawChange>) -> Result<(), StoreError> {
        let mut sum = self.sum.clone();
        sum.generation += 1;
        // Later changes of one key replace earlier ones, here as in sled's batch.
        let last: std::collections::BTreeMap<Vec<u8>, Option<Vec<u8>>> = changes.into_iter().collect();
        let mut batch = sled::Batch::default();
        for (key, value) in last {
            if let Some(old) = self.database.run("read", |db| db.get(&key))? {
                sum.toggle(&key, &old);
            }
            match value {
                Some(value) => {
                    sum.toggle(&key, &value);
                    batch.insert(key, value);
                }
                None => batch.remove(key),
            }
        }
        batch.insert(SUM_KEY, codec::encode(&sum).expect("a sum is small"));
        self.database.run("write", |db| db.apply_batch(batch))?;
        self.database.sync()?;
        self.sum = sum;
        Ok(())
    }
}

/// Reads rows beside whoever writes.
pub(super) struct Rows(engine::Reader);

impl Rows {
    pub(super) fn scan_prefix(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        let skip = row_key(bucket, b"").len();
        let from = row_key(bucket, prefix);
        self.0.run("read", |db| {
            db.scan_prefix(&from)
                .map(|row| row.map(|(key, value)| (key[skip..].to_vec(), value.to_vec())))
                .collect()
        })
    }
}

/// Checks a copy of the database: `Err` in the inner result says what is wrong with it.
pub(super) fn check(
    dir: &Path,
    scratch: &Path,
    at_least: u64,
) -> Result<Result<LogFacts, String>, StoreError> {
    if !dir.exists() {
        let fresh =
            if at_least == 0 { Ok(LogFacts::default()) } else { Err("the directory is missing".to_owned()) };
        return Ok(fresh);
    }
    let rows = engine::look_at_copy(dir, Unit::Large, scratch, |db| {
        db.iter()
            .map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())))
            .collect::<sled::Result<Vec<_>>>()
    });
    match rows {
        Ok(rows) => Ok(check_rows(rows, at_least)),
        Err(StoreError::Engine { reason, .. }) => Ok(Err(reason)),
        Err(other) => Err(other),
    }
}

fn check_rows(rows: Vec<Entry>, at_least: u64) -> Result<LogFacts, String> {
    let mut stored = Sum::default();
    let mut found = Sum::default();
    let mut facts = LogFacts::default();
    for (key, value) in rows {
        if key == SUM_KEY {
            stored = codec::decode(&value).map_err(|e| e.to_string())?;
            continue;
        }
        found.toggle(&key, &value);
        if key == FLOOR_KEY {
            facts.floor = Some(codec::decode(&value).map_err(|e| e.to_string())?);
        } else if let Some(outbox) = key.strip_prefix(MARK_PREFIX) {
            let id =
                <[u8; 16]>::try_from(outbox).map_err(|_| "an outbox mark has a malformed key".to_owned())?;
            let counter = decode_mark(&value).ok_or("an outbox mark has a malformed value")?;
            facts.marks.push((OutboxId::from_u128(u128::from_be_bytes(id)), counter));
        }
    }
    if stored.xor != found.xor {
        return Err("entries are missing or changed: the checksum over all entries is wrong".to_owned());
    }
    if stored.generation < at_least {
        return Err(format!("it has seen {} transactions, {at_least} were acknowledged", stored.generation));
    }
    facts.generation = stored.generation;
    Ok(facts)
}

fn row_key(bucket: Bucket, key: &[u8]) -> Vec<u8> {
    [bucket.as_str().as_bytes(), &[0], key].concat()
}

fn mark_key(outbox: OutboxId) -> Vec<u8> {
    [MARK_PREFIX, &outbox.as_u128().to_be_bytes()].concat()
}

fn decode_mark(raw: &[u8]) -> Option<u64> {
    <[u8; 8]>::try_from(raw).ok().map(u64::from_be_bytes)
}
