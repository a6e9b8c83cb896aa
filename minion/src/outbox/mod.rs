//! The outbox: every event that this minion makes, durable before anyone is told, kept until the master has it.
//!
//! A directory of segments named by the number of their first event. Appending writes a batch and syncs it once;
//! only then do its callers hear that their events are stored. Whole segments go when the master has acknowledged
//! them, so nothing is ever rewritten, and the newest segment always stays: the numbers never go back.
//!
//! Owned by the disk thread ([`crate::disk`]); blocks, knows no async and no clock.

mod acked;
mod error;
mod segment;
mod sent;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use lab_proto::codec::{self, CodecError};
use lab_proto::event::{Boot, MAX_OUTBOX_EVENT, OutboxEvent};
use lab_proto::ids::OutboxId;
use lab_proto::{EventTag, Position, Timestamp, Value};
use serde::Serialize;

use acked::Acked;
pub use error::OutboxError;
use segment::{Reader, Segment, Tail};

use crate::files::{self, FileError};

/// When the newest segment is this large, the next batch begins a new one.
const SEGMENT_BYTES: u64 = 1 << 20;
/// When everything is acknowledged, a segment of this size is given back.
const SHRINK_BYTES: u64 = 64 << 10;

/// An event without its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The boot during which it was made.
    pub boot: Boot,
    /// The last master position that was known when it was made.
    pub seen: Option<Position>,
    /// When it was made.
    pub at: Timestamp,
    /// What kind of fact.
    pub tag: EventTag,
    /// The fact.
    pub data: Value,
}

/// An [`OutboxEvent`] that borrows its parts: its encoding is the same, byte for byte.
#[derive(Serialize)]
struct Numbered<'a> {
    counter: u64,
    boot: &'a Boot,
    seen: &'a Option<Position>,
    at: &'a Timestamp,
    tag: &'a EventTag,
    data: &'a Value,
}

impl Draft {
    fn of(event: OutboxEvent) -> Self {
        let OutboxEvent { counter: _, boot, seen, at, tag, data } = event;
        Self { boot, seen, at, tag, data }
    }

    fn numbered(&self, counter: u64) -> Numbered<'_> {
        let Self { boot, seen, at, tag, data } = self;
        Numbered { counter, boot, seen, at, tag, data }
    }

    /// Checks that the event is one that the log takes and that can be read back.
    ///
    /// # Errors
    /// When it is over [`MAX_OUTBOX_EVENT`] bytes, or nested too deep.
    pub fn check_size(&self) -> Result<usize, OutboxError> {
        let bytes = self.encoded(u64::MAX)?.len();
        if bytes > MAX_OUTBOX_EVENT {
            return Err(OutboxError::TooLarge { tag: self.tag.to_string(), bytes });
        }
        Ok(bytes)
    }

    fn encoded(&self, counter: u64) -> Result<Vec<u8>, OutboxError> {
        let tag = || self.tag.to_string();
        codec::encode(&self.numbered(counter)).map_err(|e| match e {
            CodecError::Oversized { got } => OutboxError::TooLarge { tag: tag(), bytes: got },
            source => OutboxError::Unencodable { tag: tag(), source },
        })
    }
}

/// The events of one minion that wait for the master.
#[derive(Debug)]
pub struct Outbox {
    dir: PathBuf,
    id: OutboxId,
    segments: VecDeque<Segment>,
    tail: Tail,
    head: u64,
    acked: u64,
    /// The same on the disk.
    kept: Acked,
    /// Up to which event this outbox may have been sent, by this agent or by an earlier one.
    sent: u64,
    /// Whether this agent has begun to send.
    sending: bool,
    limit: u64,
    reader: Option<Reader>,
}

impl Outbox {
    /// Opens the outbox of a directory, or begins one with the given id. `limit` is the most bytes that it may take.
    ///
    /// A torn tail is cut off: nobody was told that it was stored.
    ///
    /// # Errors
    /// When something that was stored is damaged or missing, or the directory cannot be used.
    pub fn open(dir: &Path, new_id: OutboxId, limit: u64) -> Result<Self, OutboxError> {
        finish_renewal(dir)?;
        files::make_dir(dir, 0o700)?;
        let mut segments = segment::list(dir)?;
        if segments.is_empty() {
            segments.push_back(segment::create(dir, new_id, 1)?);
        }
        let id = segments[0].id;
        let mut expected = segments[0].base;
        let count = segments.len();
        for (i, s) in segments.iter_mut().enumerate() {
            if s.id != id || s.base != expected {
                return Err(OutboxError::Hole { dir: dir.to_owned(), missing: expected, found: s.base });
            }
            s.check(i + 1 == count)?;
            expected = s.next();
        }
        let newest = segments.back().expect("there is at least one: made above");
        // The name of a segment that a killed agent had just made.
        files::sync_dir(dir)?;
        let tail = Tail::open(newest)?;
        let head = newest.next() - 1;
        let (mut kept, said) = Acked::open(dir, id);
        let acked = said.min(head).max(segments[0].base - 1);
        if said > head {
            // Or what is to come under these numbers would count as acknowledged.
            kept.lower(dir, acked)?;
        }
        Ok(Self {
            dir: dir.to_owned(),
            id,
            segments,
            tail,
            head,
            acked,
            kept,
            sent: sent::at_open(dir, head),
            sending: false,
            limit,
            reader: None,
        })
    }

    /// Returns the outbox's identity.
    pub fn id(&self) -> OutboxId {
        self.id
    }

    /// Returns the number of the newest event, 0 when there never was one.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Returns up to which event this outbox may have been sent; a master that has more has it from elsewhere.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns the number of the oldest event that is still here, or that will be.
    pub fn first(&self) -> u64 {
        self.segments.front().map_or(self.head + 1, |s| s.base)
    }

    /// Stores events in order and syncs them; returns the number of the last. On failure none of them is stored.
    ///
    /// # Errors
    /// When the disk is full or fails, or the outbox has reached its limit.
    pub fn append(&mut self, batch: &[&Draft]) -> Result<u64, OutboxError> {
        let mut bytes = Vec::new();
        for (number, draft) in (self.head + 1..).zip(batch) {
            crate::records::encode(&mut bytes, number, &draft.encoded(number)?);
        }
        let used: u64 = self.segments.iter().map(|s| s.bytes).sum();
        if used + bytes.len() as u64 > self.limit {
            return Err(OutboxError::Limit { dir: self.dir.clone(), limit: self.limit });
        }
        if self.tail.bytes() >= SEGMENT_BYTES {
            self.roll()?;
        }
        self.tail.append(&bytes)?;
        self.head += batch.len() as u64;
        let newest = self.segments.back_mut().expect("the newest segment always stays");
        newest.bytes = self.tail.bytes();
        newest.count += batch.len() as u64;
        Ok(self.head)
    }

    /// Reads events from a number on: as many as fit into `room` bytes, at least one if there is one, at most `most`.
    /// Each comes with its size.
    ///
    /// # Errors
    /// When they cannot be read, or are already gone.
    pub fn read(
        &mut self,
        from: u64,
        room: usize,
        most: usize,
    ) -> Result<Vec<(OutboxEvent, usize)>, OutboxError> {
        if from < self.first() {
            return Err(OutboxError::Gone { wanted: from, first: self.first() });
        }
        let mut out = Vec::new();
        let mut used = 0;
        let mut number = from;
        while number <= self.head && out.len() < most {
            let Some((event, bytes)) = self.read_one(number)? else { break };
            used += bytes;
            if used > room && !out.is_empty() {
                // The reader has moved past it; the next call begins anew.
                self.reader = None;
                break;
            }
            out.push((event, bytes));
            number += 1;
        }
        Ok(out)
    }

    /// Does as [`Self::read`] for what is then sent.
    ///
    /// # Errors
    /// As there, or when it cannot be noted that they are sent.
    pub fn read_to_send(
        &mut self,
        from: u64,
        room: usize,
        most: usize,
    ) -> Result<Vec<(OutboxEvent, usize)>, OutboxError> {
        if !self.sending {
            sent::begins(&self.dir)?;
            self.sending = true;
        }
        let part = self.read(from, room, most)?;
        if let Some((last, _)) = part.last() {
            self.sent = self.sent.max(last.counter);
        }
        Ok(part)
    }

    /// Tells whether acknowledging up to this number would make the outbox forget events.
    pub fn releases(&self, counter: u64) -> bool {
        let acked = self.acked.max(counter.min(self.head));
        let shrinks = acked == self.head && self.tail.bytes() >= SHRINK_BYTES;
        shrinks || (self.segments.len() > 1 && self.segments[0].next() <= acked + 1)
    }

    /// Notes that the master has everything up to this number; gives back the segments that are not needed.
    ///
    /// # Errors
    /// When a segment cannot be removed.
    pub fn acknowledge(&mut self, counter: u64) -> Result<(), OutboxError> {
        let acked = self.acked.max(counter.min(self.head));
        if acked > self.acked {
            self.acked = acked;
            self.kept.keep(acked);
        }
        if self.acked == self.head && self.tail.bytes() >= SHRINK_BYTES {
            self.roll()?;
        }
        while self.segments.len() > 1 && self.segments[0].next() <= self.acked + 1 {
            let old = self.segments.pop_front().expect("there is more than one");
            if self.reader.as_ref().is_some_and(|r| r.base() == old.base) {
                self.reader = None;
            }
            fs::remove_file(&old.path).map_err(FileError::at("remove", &old.path))?;
            // One by one, so that a crash never leaves a hole in the middle.
            files::sync_dir(&self.dir)?;
        }
        Ok(())
    }

    /// Begins a new outbox in place of this one, because the master's log and this one disagree about the past: it was
    /// restored from an old copy, another machine has it too, or the log is a new one. `mark` is up to where that log has this
    /// outbox. What it has of that from here, and what was acknowledged, is left behind; everything else is carried over under
    /// new numbers, and so is what this agent has sent if another one may have sent it, too.
    ///
    /// The new one is built beside this one and is durable before it takes its place; a crash leaves one of them, whole.
    ///
    /// # Errors
    /// When the disk does not take it, or an event cannot be read; this outbox then goes on as it is, unless the error is
    /// [fatal](OutboxError::is_fatal).
    pub fn renew(&mut self, new_id: OutboxId, mark: u64) -> Result<(), OutboxError> {
        let fresh = beside(&self.dir);
        if let Err(e) = self.carry_to(&fresh, new_id, mark) {
            // What is left is removed when the outbox is opened or renewed again.
            let _ = fs::remove_dir_all(&fresh);
            return Err(e);
        }
        let aside = free_name(&self.dir);
        fs::rename(&self.dir, &aside).map_err(FileError::at("set aside", &self.dir))?;
        let placed = files::sync_dir(parent(&self.dir))
            .and_then(|()| fs::rename(&fresh, &self.dir).map_err(FileError::at("rename", &fresh)));
        if let Err(e) = placed {
            let back = fs::rename(&aside, &self.dir).map_err(FileError::at("put back", &aside));
            return Err(back.map_or_else(|e| self.halfway(e.into()), |()| e.into()));
        }
        let synced = files::sync_dir(parent(&self.dir)).map_err(OutboxError::from);
        let opened = synced.and_then(|()| Self::open(&self.dir, new_id, self.limit));
        *self = opened.map_err(|e| self.halfway(e))?;
        Ok(())
    }

    /// Builds the outbox that is to follow this one in a directory of its own, durable with its name.
    fn carry_to(&mut self, dir: &Path, new_id: OutboxId, mark: u64) -> Result<(), OutboxError> {
        remove_tree(dir)?;
        let mut fresh = Self::open(dir, new_id, u64::MAX)?;
        let there = if self.sending && mark > self.sent {
            // Another machine has sent under the same numbers: which of them the log has from here is only known of what was
            // acknowledged to this agent. Twice is better than not at all.
            self.acked
        } else {
            mark.min(self.sent).max(self.acked)
        };
        let mut next = there + 1;
        while next <= self.head {
            let part = self.read(next, 1 << 20, 1024)?;
            let Some((last, _)) = part.last() else { break };
            next = last.counter + 1;
            let drafts: Vec<Draft> = part.into_iter().map(|(event, _)| Draft::of(event)).collect();
            fresh.append(&drafts.iter().collect::<Vec<_>>())?;
        }
        files::sync_dir(parent(dir))?;
        Ok(())
    }

    fn halfway(&self, source: OutboxError) -> OutboxError {
        OutboxError::Halfway { dir: self.dir.clone(), source: Box::new(source) }
    }

    fn roll(&mut self) -> Result<(), OutboxError> {
        let base = self.head + 1;
        let made = segment::create(&self.dir, self.id, base).and_then(|next| Ok((Tail::open(&next)?, next)));
        let (tail, next) = made.inspect_err(|_| {
            // Where the disk does not even tell, it may be there.
            if !matches!(segment::path(&self.dir, base).try_exists(), Ok(false)) {
                // What this segment took from here on would be missing before the one that is left there.
                self.tail.give_up();
            }
        })?;
        self.tail = tail;
        self.segments.push_back(next);
        Ok(())
    }

    fn read_one(&mut self, number: u64) -> Result<Option<(OutboxEvent, usize)>, OutboxError> {
        let Some(segment) = self.segments.iter().rev().find(|s| s.base <= number) else { return Ok(None) };
        if number >= segment.next() {
            return Ok(None);
        }
        if self.reader.as_ref().is_none_or(|r| r.base() != segment.base || r.next() != number) {
            self.reader = Some(Reader::seek(segment, number)?);
        }
        let reader = self.reader.as_mut().expect("set just above");
        let payload = match reader.read() {
            Ok(payload) => payload,
            Err(e) => {
                // It no longer stands where it says.
                self.reader = None;
                return Err(e);
            }
        };
        let event = OutboxEvent::decode_stored(payload)
            .map_err(|source| OutboxError::Undecodable { number, source })?;
        Ok(Some((event, payload.len())))
    }
}

/// Moves a damaged or disowned outbox out of the way, next to its place; nothing is deleted.
///
/// # Errors
/// When it cannot be renamed.
pub fn set_aside(dir: &Path) -> Result<Option<PathBuf>, OutboxError> {
    // Or what a renewal left would be taken for the outbox once its place is empty.
    remove_tree(&beside(dir))?;
    if !dir.exists() {
        return Ok(None);
    }
    let free = free_name(dir);
    fs::rename(dir, &free).map_err(FileError::at("set aside", dir))?;
    files::sync_dir(parent(dir))?;
    Ok(Some(free))
}

fn free_name(dir: &Path) -> PathBuf {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    (1u32..)
        .map(|n| dir.with_file_name(format!("{name}.old-{n}")))
        .find(|p| !p.exists())
        .expect("some number is free")
}

/// Brings a renewal that a crash cut short to its end. The outbox leaves its place only when the one beside it is complete.
fn finish_renewal(dir: &Path) -> Result<(), OutboxError> {
    let fresh = beside(dir);
    if dir.exists() {
        return remove_tree(&fresh);
    }
    if fresh.exists() {
        fs::rename(&fresh, dir).map_err(FileError::at("rename", &fresh))?;
        files::sync_dir(parent(dir))?;
    }
    Ok(())
}

/// Returns where the outbox that is to follow another one is built.
fn beside(dir: &Path) -> PathBuf {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    dir.with_file_name(format!("{name}.new"))
}

fn parent(dir: &Path) -> &Path {
    dir.parent().unwrap_or(Path::new("/"))
}

fn remove_tree(dir: &Path) -> Result<(), OutboxError> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(FileError::at("remove", dir)(e).into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
