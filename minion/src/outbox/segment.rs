//! One file of the outbox: listing, checking, appending to the newest, reading in order.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use lab_proto::ids::OutboxId;

use super::OutboxError;
use crate::files::{self, FileError};
use crate::records::{self, FormatError, HEADER, Header, RECORD};

const MAGIC: [u8; 8] = *b"LABOUTB1";

/// A segment as it is known without reading its events.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) id: OutboxId,
    pub(super) base: u64,
    pub(super) count: u64,
    pub(super) bytes: u64,
}

impl Segment {
    /// Returns the number that follows its last event.
    pub(super) fn next(&self) -> u64 {
        self.base + self.count
    }

    /// Reads the whole segment and counts its events; cuts a torn tail off the newest, whose events are durable on return.
    pub(super) fn check(&mut self, newest: bool) -> Result<(), OutboxError> {
        let bytes = fs::read(&self.path).map_err(FileError::at("read", &self.path))?;
        let scan = records::scan(&bytes, self.base, newest)
            .map_err(|source| OutboxError::Damaged { path: self.path.clone(), source })?;
        if scan.torn > 0 {
            tracing::warn!(path = %self.path.display(), bytes = scan.torn, "cut a torn record off the outbox");
            let cut = OpenOptions::new().write(true).open(&self.path).and_then(|f| {
                f.set_len(scan.good as u64)?;
                f.sync_all()
            });
            cut.map_err(FileError::at("shorten", &self.path))?;
        } else if newest {
            // A killed agent may have written what it never synced: it is not to be sent before it is durable.
            File::open(&self.path).and_then(|f| f.sync_data()).map_err(FileError::at("sync", &self.path))?;
        }
        self.count = scan.offsets.len() as u64;
        self.bytes = scan.good as u64;
        Ok(())
    }
}

/// Lists the segments of a directory, oldest first, reading only their headers.
pub(super) fn list(dir: &Path) -> Result<VecDeque<Segment>, OutboxError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(FileError::at("list", dir))? {
        let path = entry.map_err(FileError::at("list", dir))?.path();
        if path.extension().is_none_or(|e| e != "seg") {
            continue;
        }
        let mut head = Vec::with_capacity(HEADER);
        File::open(&path)
            .and_then(|f| f.take(HEADER as u64).read_to_end(&mut head))
            .map_err(FileError::at("read", &path))?;
        let named = path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse::<u64>().ok());
        let header = Header::decode(&head, MAGIC).ok().filter(|h| named == Some(h.base));
        let header =
            header.ok_or(OutboxError::Damaged { path: path.clone(), source: FormatError::Header })?;
        let id = OutboxId::from_u128(header.id);
        found.push(Segment { path, id, base: header.base, count: 0, bytes: HEADER as u64 });
    }
    found.sort_by_key(|s| s.base);
    Ok(found.into())
}

/// Names the segment that begins with an event.
pub(super) fn path(dir: &Path, base: u64) -> PathBuf {
    dir.join(format!("{base:020}.seg"))
}

/// Makes an empty segment, durable with its name.
pub(super) fn create(dir: &Path, id: OutboxId, base: u64) -> Result<Segment, OutboxError> {
    let path = path(dir, base);
    let header = Header { magic: MAGIC, id: id.as_u128(), base }.encode();
    files::write_atomically(&path, &header, 0o600).map_err(|e| full_or_file(e, &path))?;
    Ok(Segment { path, id, base, count: 0, bytes: HEADER as u64 })
}

fn full_or_file(e: FileError, path: &Path) -> OutboxError {
    if is_full(&e.source) { OutboxError::Full { path: path.to_owned() } } else { OutboxError::File(e) }
}

fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The open end of the newest segment.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    path: PathBuf,
    bytes: u64,
    broken: bool,
}

impl Tail {
    pub(super) fn open(segment: &Segment) -> Result<Self, OutboxError> {
        let path = segment.path.clone();
        let open = || {
            let mut file = OpenOptions::new().write(true).custom_flags(nix::libc::O_CLOEXEC).open(&path)?;
            file.seek(SeekFrom::Start(segment.bytes))?;
            Ok(file)
        };
        let file = open().map_err(FileError::at("open", &segment.path))?;
        Ok(Self { file, path, bytes: segment.bytes, broken: false })
    }

    /// Returns how long the segment is.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes nothing any more.
    pub(super) fn give_up(&mut self) {
        self.broken = true;
    }

    /// Writes and syncs. What a failed write left is taken back, since its callers hear that it is not stored.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), OutboxError> {
        if self.broken {
            return Err(OutboxError::Broken { path: self.path.clone() });
        }
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        let Err(source) = written else {
            self.bytes += bytes.len() as u64;
            return Ok(());
        };
        let back = self.file.set_len(self.bytes);
        let back = back.and_then(|()| self.file.seek(SeekFrom::Start(self.bytes)).map(|_| ()));
        self.broken = back.and_then(|()| self.file.sync_all()).is_err();
        let path = self.path.clone();
        Err(if is_full(&source) { OutboxError::Full { path } } else { OutboxError::Write { path, source } })
    }
}

/// Reads the events of one segment in order.
#[derive(Debug)]
pub(super) struct Reader {
    file: io::BufReader<File>,
    path: PathBuf,
    base: u64,
    next: u64,
    /// The record that was read last; kept so that reading many allocates once.
    record: Vec<u8>,
}

impl Reader {
    /// Opens a segment before one of its events.
    pub(super) fn seek(segment: &Segment, number: u64) -> Result<Self, OutboxError> {
        let mut file = File::open(&segment.path).map_err(FileError::at("open", &segment.path))?;
        file.seek(SeekFrom::Start(HEADER as u64)).map_err(FileError::at("read", &segment.path))?;
        let file = io::BufReader::with_capacity(16 << 10, file);
        let (base, next) = (segment.base, segment.base);
        let mut reader = Self { file, path: segment.path.clone(), base, next, record: Vec::new() };
        while reader.next < number {
            reader.read()?;
        }
        Ok(reader)
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Returns the number of the event that is read next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Reads the next event's bytes. Each was checked when the outbox was opened or was written since; the checksum
    /// is looked at again, because disks rot.
    pub(super) fn read(&mut self) -> Result<&[u8], OutboxError> {
        let Self { file, path, base: _, next, record } = self;
        let damaged = |number| OutboxError::Damaged {
            path: path.clone(),
            source: FormatError::Damaged { number, offset: 0, follow: 0 },
        };
        record.resize(RECORD, 0);
        file.read_exact(record).map_err(FileError::at("read", path))?;
        let len = records::length_at(record).ok_or_else(|| damaged(*next))?;
        record.resize(RECORD + len, 0);
        file.read_exact(&mut record[RECORD..]).map_err(FileError::at("read", path))?;
        let payload = records::decode(record, *next).ok_or_else(|| damaged(*next))?;
        *next += 1;
        Ok(payload)
    }
}
