//! What a store directory holds, found out without changing it; and the way out when that is not enough.
//!
//! Called once, when the store is opened. [`assess`] only reads (sled sees copies); a refusal leaves every
//! file as it was.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lab_proto::{LogId, OutboxId, Position};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::super::record::ChainHash;
use super::super::{Damage, Loss, StoreError, disk};
use super::head::{self, Checked, Head};
use super::index::{self, Floor, LogFacts};
use super::segment::{self, Loaded, Meta, Seal};

/// Where things are in a store directory.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) root: PathBuf,
    pub(super) head: PathBuf,
    pub(super) keys: PathBuf,
    pub(super) segments: PathBuf,
    pub(super) scratch: PathBuf,
}

impl Paths {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            head: root.join("head"),
            keys: root.join("keys"),
            segments: root.join("segments"),
            scratch: root.join("scratch"),
        }
    }
}

/// What was found, whole and chained.
pub(super) struct Found {
    pub(super) log_id: LogId,
    pub(super) facts: LogFacts,
    pub(super) floor: Floor,
    /// The segments that are kept, in order.
    pub(super) segments: Vec<Meta>,
    /// Those among them that need a (new) manifest, with the marks that they raise.
    pub(super) unsealed: Vec<(Meta, Vec<(OutboxId, u64)>)>,
    /// Directories that hold nothing: below the floor, or begun and never used.
    pub(super) garbage: Vec<PathBuf>,
    /// The number for the next segment.
    pub(super) next_segment: u64,
}

/// Returns the hash that the chain of a log begins with.
pub(super) fn genesis(log_id: LogId) -> ChainHash {
    Sha256::new()
        .chain_update(b"lab event log")
        .chain_update(log_id.as_u128().to_be_bytes())
        .finalize()
        .into()
}

/// Finds out what the directory holds; `None` when there is no store yet.
pub(super) fn assess(paths: &Paths) -> Result<Option<Found>, StoreError> {
    let numbers = segment_numbers(&paths.segments)?;
    let unknown = |reason: String| Damage { path: paths.head.clone(), reason, loss: Loss::Unknown };
    let head: Head = match head::read(&paths.head)? {
        Checked::Good(head) => head,
        Checked::Bad(reason) => return Err(unknown(reason).into()),
        Checked::Absent if numbers.is_empty() && !paths.keys.exists() => return Ok(None),
        Checked::Absent => return Err(unknown("the file is missing".to_owned()).into()),
    };
    let facts = index::check(&paths.keys, &paths.scratch, head.keys_generation)?
        .map_err(|reason| Damage { path: paths.keys.clone(), reason, loss: Loss::Keys })?;
    let start = Floor { seq: 0, hash: genesis(head.log_id), segment: 1 };
    let floor = facts.floor.clone().unwrap_or(start);
    let walk = Walk { paths, head: &head, numbers: &numbers };
    let Walked { segments, unsealed } = walk.from(&floor)?;
    let below = numbers.iter().filter(|n| **n < floor.segment);
    let beyond = numbers.iter().filter(|n| **n > head.segment);
    let garbage = below.chain(beyond).map(|n| paths.segments.join(segment::dir_name(*n))).collect();
    let next_segment = floor.segment.max(head.segment + 1);
    Ok(Some(Found { log_id: head.log_id, facts, floor, segments, unsealed, garbage, next_segment }))
}

/// One pass over the segments, from the floor to the head.
struct Walk<'a> {
    paths: &'a Paths,
    head: &'a Head,
    numbers: &'a BTreeSet<u64>,
}

#[derive(Default)]
struct Walked {
    segments: Vec<Meta>,
    unsealed: Vec<(Meta, Vec<(OutboxId, u64)>)>,
}

impl Walk<'_> {
    fn from(&self, floor: &Floor) -> Result<Walked, StoreError> {
        let mut walked = Walked::default();
        let (mut seq, mut hash) = (floor.seq, floor.hash);
        // A segment is named in the head file before its first record, so none beyond it holds any.
        for number in floor.segment..=self.head.segment {
            let begin = Meta::new(number, seq, hash);
            let meta = match self.look(begin)? {
                Look::Sealed(meta) => meta,
                Look::Read(loaded) => {
                    self.check_head_hash(&loaded)?;
                    let marks = loaded.marks().copied().collect();
                    walked.unsealed.push((loaded.meta.clone(), marks));
                    loaded.meta
                }
            };
            (seq, hash) = (meta.last_seq, meta.last_hash);
            walked.segments.push(meta);
        }
        if seq < self.head.seq {
            let path = self.paths.segments.join(segment::dir_name(self.head.segment));
            let reason = "it ends before the position that the head file names".to_owned();
            return Err(self.damage(path, reason, seq, self.head.seq));
        }
        Ok(walked)
    }

    fn look(&self, begin: Meta) -> Result<Look, StoreError> {
        let number = begin.number;
        let before = begin.before_seq;
        let dir = begin.dir(&self.paths.segments);
        if !self.numbers.contains(&number) {
            let end = self.end_of(number)?;
            return Err(self.damage(dir, "the directory is missing".to_owned(), before, end));
        }
        match segment::check_seal(&self.paths.segments, number)? {
            Seal::Intact(meta) if meta.before_seq == before && meta.before_hash == begin.before_hash => {
                Ok(Look::Sealed(meta))
            }
            Seal::Intact(meta) => {
                let reason = "its first record does not follow the segment before".to_owned();
                Err(self.damage(dir, reason, before, meta.before_seq.max(before + 1)))
            }
            Seal::Open => {
                let loaded = segment::load(&self.paths.segments, &self.paths.scratch, begin)?;
                let Some(hole) = loaded.hole.clone() else { return Ok(Look::Read(loaded)) };
                let end = self.end_of(number)?.max(hole.reaches);
                Err(self.damage(dir, hole.reason, loaded.meta.last_seq, end))
            }
            Seal::Broken { meta, path, reason } => {
                let loaded = segment::load(&self.paths.segments, &self.paths.scratch, begin)?;
                let whole = meta.as_ref().is_none_or(|meta| *meta == loaded.meta);
                if loaded.hole.is_none() && whole && loaded.meta.records > 0 {
                    warn!(file = %path.display(), reason, "every event of the segment is whole; sealing it anew");
                    return Ok(Look::Read(loaded));
                }
                let end = meta.map_or_else(|| self.end_of(number), |meta| Ok(meta.last_seq))?;
                Err(self.damage(path, reason, loaded.meta.last_seq, end))
            }
        }
    }

    /// Tells the last event that a segment must have had: where the next one begins, else the head.
    fn end_of(&self, number: u64) -> Result<u64, StoreError> {
        for next in self.numbers.iter().filter(|n| **n > number && **n <= self.head.segment) {
            if let Seal::Intact(meta) | Seal::Broken { meta: Some(meta), .. } =
                segment::check_seal(&self.paths.segments, *next)?
            {
                return Ok(meta.before_seq);
            }
        }
        Ok(self.head.seq)
    }

    fn check_head_hash(&self, loaded: &Loaded) -> Result<(), StoreError> {
        let at_head = |r: &&super::super::record::Record| r.header.last_seq() == self.head.seq;
        let mut there = loaded.records.iter().filter(at_head).peekable();
        if there.peek().is_none() || there.any(|r| r.hash() == self.head.hash) {
            return Ok(());
        }
        let path = loaded.meta.dir(&self.paths.segments);
        let reason = "its hash differs from the one in the head file".to_owned();
        Err(self.damage(path, reason, loaded.meta.before_seq, self.head.seq))
    }

    fn damage(&self, path: PathBuf, reason: String, after: u64, end: u64) -> StoreError {
        let after = Position { log_id: self.head.log_id, seq: after };
        let missing = end.saturating_sub(after.seq);
        let loss = if missing == 0 { Loss::Unknown } else { Loss::Events { missing, after } };
        Damage { path, reason, loss }.into()
    }
}

enum Look {
    Sealed(Meta),
    Read(Loaded),
}

/// Moves the damaged parts aside into `damaged-<n>/` and says where they went. The keys stay when they are
/// whole. The store is then as a new one, but for the keys.
pub(super) fn set_aside(paths: &Paths, damage: &Damage) -> Result<PathBuf, StoreError> {
    let names = disk::names(&paths.root)?;
    let aside = (1u64..).map(|n| format!("damaged-{n}")).find(|name| !names.contains(name));
    let aside = paths.root.join(aside.expect("the numbers do not run out"));
    disk::create_dir(&aside)?;
    disk::write_atomic(&aside.join("reason"), format!("{damage}\n").as_bytes())?;
    let keys_are_damaged =
        index::check(&paths.keys, &paths.scratch, 0)?.is_err() || damage.loss == Loss::Keys;
    let keys = keys_are_damaged.then_some(&paths.keys);
    for part in [&paths.segments, &paths.head].into_iter().chain(keys).filter(|part| part.exists()) {
        let name = part.file_name().expect("parts of the store have names");
        fs::rename(part, aside.join(name)).map_err(StoreError::io("move aside", part))?;
    }
    disk::sync_dir(&aside)?;
    disk::sync_dir(&paths.root)?;
    Ok(aside)
}

fn segment_numbers(segments: &Path) -> Result<BTreeSet<u64>, StoreError> {
    Ok(disk::names(segments)?.iter().filter_map(|name| name.parse().ok()).collect())
}
