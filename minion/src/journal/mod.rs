//! The journal: what this agent must remember across restarts. Boots that it saw, jobs that it took, reboots that it
//! carried out. It is what makes a job run at most once per jid.
//!
//! [`Ledger`] is the memory as a value, rebuilt by folding [`Entry`]s; [`Journal`] is the file. A job is *started*
//! durably before its function runs; how it ended is written after its return is durable in the outbox.
//! Owned by the disk thread; blocks.

mod ledger;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use lab_proto::codec::{self, CodecError};

pub use ledger::{Entry, JobRecord, Known, Ledger, Stage};

use crate::files::{self, FileError};
use crate::records::{self, FormatError, HEADER, Header, RECORD};

const MAGIC: [u8; 8] = *b"LABJOUR1";
/// A file larger than this is written anew without what is forgotten.
const REWRITE_BYTES: u64 = 512 << 10;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something that was stored is gone.
    #[error(
        "the journal {} is damaged; which jobs ran is no longer known. `lab-minion serve --accept-loss` sets it aside and refuses every job from before now",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How.
        source: FormatError,
    },
    /// A record has a good checksum but another version wrote it.
    #[error("record {number} of the journal {} was written by another version", path.display())]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// Which.
        number: u64,
        /// The decoder's words.
        source: CodecError,
    },
    /// Writing failed; the journal is as it was before.
    #[error("cannot write to the journal {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A failed write could not be taken back.
    #[error("a failed write to the journal {} could not be taken back; restart the agent", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
}

impl JournalError {
    /// Tells whether only `--accept-loss` gets past this.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Undecodable { .. })
    }
}

/// The journal's file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
    next: u64,
    ledger: Ledger,
    dirty: bool,
    /// Whether syncing failed: a later one that does not fail says nothing of what was written before.
    doubtful: bool,
    broken: bool,
}

impl Journal {
    /// Opens the journal at a path, or begins one.
    ///
    /// # Errors
    /// When it is damaged or cannot be used.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        if !path.exists() {
            files::write_atomically(path, &header(1), 0o600)?;
        }
        let mut bytes = Vec::new();
        let mut file =
            OpenOptions::new().read(true).write(true).open(path).map_err(FileError::at("open", path))?;
        file.read_to_end(&mut bytes).map_err(FileError::at("read", path))?;
        let damaged = |source| JournalError::Damaged { path: path.to_owned(), source };
        let base = Header::decode(&bytes, MAGIC).map_err(damaged)?.base;
        let scan = records::scan(&bytes, base, true).map_err(damaged)?;
        let mut ledger = Ledger::default();
        for (number, at) in (base..).zip(&scan.offsets) {
            let payload = records::decode(&bytes[*at..], number).expect("scan just checked it");
            let entry = codec::decode(payload).map_err(|source| JournalError::Undecodable {
                path: path.to_owned(),
                number,
                source,
            })?;
            ledger.apply(entry);
        }
        if scan.torn > 0 {
            tracing::warn!(path = %path.display(), bytes = scan.torn, "cut a torn record off the journal");
            file.set_len(scan.good as u64)
                .and_then(|()| file.sync_all())
                .map_err(FileError::at("shorten", path))?;
        } else {
            // A killed agent may have written what it never synced; what is known from here on is durable.
            file.sync_data().map_err(FileError::at("sync", path))?;
        }
        files::sync_dir(path.parent().unwrap_or(Path::new("/")))?;
        file.seek(SeekFrom::Start(scan.good as u64)).map_err(FileError::at("read", path))?;
        let next = base + scan.offsets.len() as u64;
        let bytes = scan.good as u64;
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes,
            next,
            ledger,
            dirty: false,
            doubtful: false,
            broken: false,
        })
    }

    /// Returns what is remembered.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Writes entries; `sync` makes them durable before this returns, else they are durable with the next that are.
    ///
    /// # Errors
    /// When the disk is full or fails; none of them is written then.
    pub fn append(&mut self, entries: &[Entry], sync: bool) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken { path: self.path.clone() });
        }
        if sync && self.doubtful {
            self.rewrite()?;
        }
        let mut bytes = Vec::with_capacity(entries.len() * (RECORD + 64));
        for (number, entry) in (self.next..).zip(entries) {
            let payload =
                codec::encode(entry).expect("entries are small: ids, numbers and a function's name");
            records::encode(&mut bytes, number, &payload);
        }
        let written = self.file.write_all(&bytes);
        let written = written.and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        if let Err(source) = written {
            let back = self.file.set_len(self.bytes);
            let back = back.and_then(|()| self.file.seek(SeekFrom::Start(self.bytes)).map(|_| ()));
            self.broken = back.is_err();
            self.doubtful |= self.dirty;
            return Err(JournalError::Write { path: self.path.clone(), source });
        }
        self.dirty = !sync;
        self.bytes += bytes.len() as u64;
        self.next += entries.len() as u64;
        for entry in entries {
            self.ledger.apply(entry.clone());
        }
        if self.bytes > REWRITE_BYTES { self.rewrite() } else { Ok(()) }
    }

    /// Makes everything durable that was written without it.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if self.doubtful {
            return self.rewrite();
        }
        if self.dirty
            && let Err(source) = self.file.sync_data()
        {
            self.doubtful = true;
            return Err(JournalError::Write { path: self.path.clone(), source });
        }
        self.dirty = false;
        Ok(())
    }

    /// Writes only what is remembered into a new file, then puts it in the place of the old one.
    fn rewrite(&mut self) -> Result<(), JournalError> {
        let entries = self.ledger.entries();
        let mut bytes = header(self.next).to_vec();
        for (number, entry) in (self.next..).zip(&entries) {
            let payload = codec::encode(entry).expect("entries are small");
            records::encode(&mut bytes, number, &payload);
        }
        files::write_atomically(&self.path, &bytes, 0o600)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .map_err(FileError::at("open", &self.path))?;
        file.seek(SeekFrom::End(0)).map_err(FileError::at("read", &self.path))?;
        self.next += entries.len() as u64;
        self.bytes = bytes.len() as u64;
        self.file = file;
        (self.dirty, self.doubtful) = (false, false);
        Ok(())
    }

    /// Lets the next sync fail, of what was written before; a test double.
    #[cfg(test)]
    pub(crate) fn fail_next_sync(&mut self) {
        // A device that takes everything and syncs nothing.
        self.file = OpenOptions::new().write(true).open("/dev/null").expect("opens");
        self.dirty = true;
    }
}

/// Moves a damaged journal out of the way; the next one begins with the promise to take no older job.
///
/// # Errors
/// When it cannot be renamed.
pub fn set_aside(path: &Path) -> Result<Option<PathBuf>, FileError> {
    if !path.exists() {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1u32..)
        .map(|n| path.with_file_name(format!("{name}.old-{n}")))
        .find(|p| !p.exists())
        .expect("some number is free");
    fs::rename(path, &free).map_err(FileError::at("set aside", path))?;
    files::sync_dir(path.parent().unwrap_or(Path::new("/")))?;
    Ok(Some(free))
}

fn header(base: u64) -> [u8; HEADER] {
    Header { magic: MAGIC, id: 0, base }.encode()
}

#[cfg(test)]
mod tests;
