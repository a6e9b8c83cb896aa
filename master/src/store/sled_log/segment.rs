//! One segment of the log: a sled database of its own, written once, then sealed and never written again.
//!
//! A sealed segment has a manifest with the hash of every file, so that it is checked without sled. It is read
//! by loading a copy once ([`load`]); the original stays as it was sealed.

use std::path::{Path, PathBuf};

use lab_proto::{OutboxId, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::record::{ChainHash, Record, RecordError};
use super::super::{StoreError, disk};
use super::engine::{self, Database, Unit};
use super::head::{self, Checked};

const MANIFEST: &str = "manifest";
/// A record is stored in rows of this size at most, the most that sled's small unit takes in its own file.
const CHUNK: usize = 8 * 1024;
/// The first byte of a row: whether the record goes on in the next one.
const GOES_ON: u8 = 0;
const ENDS: u8 = 1;

/// What is known about the contents of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// Segments are numbered from 1, without gaps.
    pub(super) number: u64,
    /// The number of the event before its first.
    pub(super) before_seq: u64,
    /// The chain's hash there.
    pub(super) before_hash: ChainHash,
    /// The number of its last event; `before_seq` while it has none.
    pub(super) last_seq: u64,
    /// The chain's hash there.
    pub(super) last_hash: ChainHash,
    /// How many records count; more may lie behind them that were never acknowledged.
    pub(super) records: u64,
    /// The bytes of those records.
    pub(super) bytes: u64,
    /// The stamp of its first record.
    pub(super) first_stamp: Option<Timestamp>,
    /// The newest stamp in it.
    pub(super) max_stamp: Option<Timestamp>,
}

impl Meta {
    /// Describes the empty segment that follows what is given.
    pub(super) fn new(number: u64, before_seq: u64, before_hash: ChainHash) -> Self {
        Self {
            number,
            before_seq,
            before_hash,
            last_seq: before_seq,
            last_hash: before_hash,
            records: 0,
            bytes: 0,
            first_stamp: None,
            max_stamp: None,
        }
    }

    /// Counts one more record.
    pub(super) fn add(&mut self, record: &Record) {
        self.last_seq = record.header.last_seq().max(self.last_seq);
        self.last_hash = record.hash();
        self.records += 1;
        self.bytes += record.bytes().len() as u64;
        self.first_stamp.get_or_insert(record.header.stamp);
        self.max_stamp = self.max_stamp.max(Some(record.header.stamp));
    }

    /// Returns the segment's directory.
    pub(super) fn dir(&self, segments: &Path) -> PathBuf {
        segments.join(dir_name(self.number))
    }
}

/// Names the directory of a segment; sorted by name they are sorted by number.
pub(super) fn dir_name(number: u64) -> String {
    format!("{number:010}")
}

/// A segment that is being written.
pub(super) struct Writer {
    pub(super) meta: Meta,
    database: Database,
}

impl Writer {
    /// Creates the segment's database, durable.
    pub(super) fn create(segments: &Path, meta: Meta) -> Result<Self, StoreError> {
        let database = Database::open(&meta.dir(segments), Unit::Small, false)?;
        Ok(Self { meta, database })
    }

    /// Writes records; they are durable on return.
    pub(super) fn write(&mut self, records: &[Record]) -> Result<(), StoreError> {
        for record in records {
            let last = record.bytes().len().div_ceil(CHUNK) - 1;
            for (at, chunk) in record.bytes().chunks(CHUNK).enumerate() {
                let mut value = Vec::with_capacity(1 + chunk.len());
                value.push(if at == last { ENDS } else { GOES_ON });
                value.extend_from_slice(chunk);
                self.database.run("write", |db| db.insert(row_key(self.meta.records, at), value))?;
            }
            self.meta.add(record);
        }
        self.database.sync()
    }

    /// Closes the database for good. The manifest is written by [`seal`] once nothing else depends on it.
    pub(super) fn finish(self) -> Result<Meta, StoreError> {
        self.database.close()?;
        Ok(self.meta)
    }
}

/// The file that tells what a sealed segment is.
#[derive(Serialize, Deserialize)]
struct Manifest {
    meta: Meta,
    files: Vec<FileSum>,
}

#[derive(Serialize, Deserialize)]
struct FileSum {
    name: String,
    size: u64,
    sha256: [u8; 32],
}

/// Writes the manifest over the files as they are, all durable.
pub(super) fn seal(segments: &Path, meta: &Meta) -> Result<(), StoreError> {
    let dir = meta.dir(segments);
    engine::sync_tree(&dir)?;
    let mut files = Vec::new();
    for name in disk::files_below(&dir)?.into_iter().filter(|name| name != MANIFEST) {
        let (size, sha256) = disk::digest(&dir.join(&name))?;
        files.push(FileSum { name, size, sha256 });
    }
    head::write(&dir.join(MANIFEST), &Manifest { meta: meta.clone(), files })
}

/// What a look at a segment's files without sled says.
pub(super) enum Seal {
    /// It was never sealed.
    Open,
    /// It is as it was sealed.
    Intact(Meta),
    /// It was sealed, and something changed since.
    Broken {
        /// What the manifest says, when that can be read.
        meta: Option<Meta>,
        /// The file that changed.
        path: PathBuf,
        /// How.
        reason: String,
    },
}

/// Compares a segment with its manifest, reading only.
pub(super) fn check_seal(segments: &Path, number: u64) -> Result<Seal, StoreError> {
    let dir = segments.join(dir_name(number));
    let path = dir.join(MANIFEST);
    let Manifest { meta, files } = match head::read::<Manifest>(&path)? {
        Checked::Absent => return Ok(Seal::Open),
        Checked::Bad(reason) => return Ok(Seal::Broken { meta: None, path, reason }),
        Checked::Good(manifest) => manifest,
    };
    for FileSum { name, size, sha256 } in files {
        let path = dir.join(name);
        let reason = if !path.exists() {
            "the file is missing".to_owned()
        } else {
            match disk::digest(&path)? {
                (now, sum) if now == size && sum == sha256 => continue,
                (now, _) if now != size => format!("the file has {now} bytes instead of {size}"),
                _ => "the file's contents changed since it was sealed".to_owned(),
            }
        };
        return Ok(Seal::Broken { meta: Some(meta), path, reason });
    }
    Ok(Seal::Intact(meta))
}

/// The readable part of a segment.
pub(super) struct Loaded {
    /// What of it is whole and chained, in complete batches.
    pub(super) meta: Meta,
    /// Its records.
    pub(super) records: Vec<Record>,
    /// Why it ends, when that is not simply the end.
    pub(super) hole: Option<Hole>,
}

/// A place where the chain breaks.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    /// What is wrong there.
    pub(super) reason: String,
    /// The highest event number that is written behind it.
    pub(super) reaches: u64,
}

impl Loaded {
    /// Collects the marks that the records raise.
    pub(super) fn marks(&self) -> impl Iterator<Item = &(OutboxId, u64)> {
        self.records.iter().flat_map(|record| &record.header.marks)
    }
}

/// Reads the segment that begins as `begin` says through a copy, as far as it is whole.
pub(super) fn load(segments: &Path, scratch: &Path, begin: Meta) -> Result<Loaded, StoreError> {
    let dir = begin.dir(segments);
    let rows = engine::look_at_copy(&dir, Unit::Small, scratch, |db| join_rows(db.iter()));
    let rows = match rows {
        Ok(rows) => rows,
        Err(StoreError::Engine { reason, .. }) => {
            let hole = Some(Hole { reason, reaches: begin.before_seq });
            return Ok(Loaded { meta: begin, records: Vec::new(), hole });
        }
        Err(other) => return Err(other),
    };
    chain_up(rows, begin, &dir)
}

/// Puts a record's rows together again. A last record whose end was never written is left out: its batch was
/// not acknowledged.
fn join_rows(rows: sled::Iter) -> sled::Result<Vec<(u64, Vec<u8>)>> {
    let mut records: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut open: Option<(u64, Vec<u8>)> = None;
    for row in rows {
        let (key, value) = row?;
        let number = key.first_chunk::<8>().map_or(u64::MAX, |n| u64::from_be_bytes(*n));
        let (flag, chunk) = value.split_first().map_or((ENDS, &value[..]), |(flag, chunk)| (*flag, chunk));
        // A record that another one follows counts, whole or not: the chain tells.
        records.extend(open.take_if(|(at, _)| *at != number));
        open.get_or_insert_with(|| (number, Vec::new())).1.extend_from_slice(chunk);
        if flag == ENDS {
            records.extend(open.take());
        }
    }
    Ok(records)
}

fn row_key(record: u64, chunk: usize) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&record.to_be_bytes());
    let chunk = u32::try_from(chunk).expect("a record has a handful of chunks");
    key[8..].copy_from_slice(&chunk.to_be_bytes());
    key
}

fn chain_up(rows: Vec<(u64, Vec<u8>)>, begin: Meta, dir: &Path) -> Result<Loaded, StoreError> {
    let mut whole = Loaded { meta: begin.clone(), records: Vec::new(), hole: None };
    let mut meta = begin;
    let mut batch: Vec<Record> = Vec::new();
    for (number, value) in rows {
        let row = Record::decode(value);
        if let Err(RecordError::Newer(found)) = row {
            let (found, known) = (u32::from(found), u32::from(super::super::record::FORMAT));
            return Err(StoreError::Newer { path: dir.to_owned(), found, known });
        }
        if let Some(hole) = &mut whole.hole {
            hole.reaches = row.map_or(hole.reaches, |r| r.header.last_seq().max(hole.reaches));
            continue;
        }
        let broken = match row {
            Err(e) => Some((e.to_string(), meta.last_seq)),
            Ok(record) if number != meta.records => {
                Some((format!("record {} is missing", meta.records), record.header.last_seq()))
            }
            Ok(record)
                if record.header.first_seq != meta.last_seq + 1 || !record.follows(&meta.last_hash) =>
            {
                Some((
                    format!("record {} does not follow the one before", meta.records),
                    record.header.last_seq(),
                ))
            }
            Ok(record) => {
                meta.add(&record);
                let ends = record.header.ends_batch;
                batch.push(record);
                if ends {
                    whole.meta = meta.clone();
                    whole.records.append(&mut batch);
                }
                None
            }
        };
        whole.hole = broken.map(|(reason, reaches)| Hole { reason, reaches });
    }
    Ok(whole)
}
