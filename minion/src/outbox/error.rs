//! What can go wrong with the outbox, and the way out of each.

use std::io;
use std::path::PathBuf;

use lab_proto::codec::CodecError;
use lab_proto::event::MAX_OUTBOX_EVENT;

use crate::files::FileError;
use crate::journal::JournalError;
use crate::records::FormatError;

/// Why an event could not be stored, read or given back.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The disk is full. Nothing was stored; what was stored before is whole.
    #[error("the disk that holds {} is full; the event is not stored, free some space and send it again", path.display())]
    Full {
        /// The segment.
        path: PathBuf,
    },
    /// Writing failed. Nothing was stored; what was stored before is whole.
    #[error("cannot write to {}; the event is not stored", path.display())]
    Write {
        /// The segment.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A failed write could not be taken back, so that nothing more can be promised until the agent starts again.
    #[error("a failed write to {} could not be taken back; restart the agent", path.display())]
    Broken {
        /// The segment.
        path: PathBuf,
    },
    /// The outbox takes as much room as it may.
    #[error(
        "the outbox in {} has reached its limit of {limit} bytes; bring the link to the master up or raise outbox.limit",
        dir.display()
    )]
    Limit {
        /// The directory.
        dir: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// An event is larger than the log takes.
    #[error(
        "the event {tag} has {bytes} bytes; at most {MAX_OUTBOX_EVENT} are allowed, send large data as a blob"
    )]
    TooLarge {
        /// Its tag.
        tag: String,
        /// Its size.
        bytes: usize,
    },
    /// An event holds a value that no reader takes.
    #[error("the event {tag} cannot be sent; flatten its data, or send it as a blob")]
    Unencodable {
        /// Its tag.
        tag: String,
        /// Why.
        source: CodecError,
    },
    /// A segment is damaged.
    #[error(
        "the outbox is damaged: {}; events that were stored are lost. `lab-minion serve --accept-loss` sets it aside and begins a new one",
        path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// How.
        source: FormatError,
    },
    /// A segment is missing.
    #[error(
        "the outbox in {} has a hole: event {missing} should come next, the next segment begins at {found}. `lab-minion serve --accept-loss` sets it aside and begins a new one",
        dir.display()
    )]
    Hole {
        /// The directory.
        dir: PathBuf,
        /// The first missing event.
        missing: u64,
        /// The next one that is there.
        found: u64,
    },
    /// An event was asked for that was already given back.
    #[error("event {wanted} is no longer in the outbox, which begins at {first}")]
    Gone {
        /// The event.
        wanted: u64,
        /// The oldest one here.
        first: u64,
    },
    /// A stored event has a good checksum but is not an event: another version wrote it.
    #[error("event {number} in the outbox was written by another version")]
    Undecodable {
        /// Its number.
        number: u64,
        /// The decoder's words.
        source: CodecError,
    },
    /// A new outbox took this one's place, and cannot be used.
    #[error("the outbox in {} was begun anew and cannot be used; restart the agent, nothing that was stored is lost", dir.display())]
    Halfway {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: Box<Self>,
    },
    /// The journal does not know yet what a new outbox would leave behind.
    #[error("the outbox is not begun anew before the journal is on the disk")]
    Journal(#[source] Box<JournalError>),
    /// The thread that owns the outbox has ended.
    #[error("the agent is shutting down")]
    Closed,
}

impl OutboxError {
    /// Tells whether the same event may be stored later without anyone repairing anything.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Limit { .. } | Self::Write { .. })
    }

    /// Tells whether nothing can be stored any more until the agent starts again.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Halfway { .. } | Self::Closed)
    }

    /// Tells whether only `--accept-loss` gets past this.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Hole { .. } | Self::Undecodable { .. })
    }
}
