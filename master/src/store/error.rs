//! What a store can answer instead of what was asked.

use std::fmt;
use std::path::{Path, PathBuf};

use lab_proto::{LogId, Position};
use thiserror::Error;

/// Why a store cannot be opened or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the store open.
    #[error("store {} is in use by {holder}; one master per store: stop that one first", path.display())]
    Locked {
        /// The store.
        path: PathBuf,
        /// The process that holds it, as far as its lock file tells.
        holder: String,
    },
    /// A newer version wrote the store.
    #[error("{} has format {found}, this version reads up to {known}; upgrade lab-master", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// Acknowledged data is missing or unreadable. Nothing was changed.
    #[error("{0}")]
    Damaged(Box<Damage>),
    /// One event of a batch is over the limit; nothing of the batch was written.
    #[error("event {tag} is {got} bytes when encoded, the limit is {limit}; put large data into a blob")]
    EventTooLarge {
        /// The event's tag.
        tag: String,
        /// Its size.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// An event holds a value that no reader takes; nothing of the batch was written.
    #[error("event {tag} would not be readable in the log; flatten its data, or put it into a blob")]
    EventUnreadable {
        /// The event's tag.
        tag: String,
        /// Why.
        source: lab_proto::codec::CodecError,
    },
    /// A value is over the limit; nothing of the transaction was written.
    #[error("a value for {bucket} has {got} bytes, the limit is {limit}; put large data into a blob")]
    ValueTooLarge {
        /// The bucket.
        bucket: &'static str,
        /// Its size.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// The operating system said no.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database engine said no, or panicked.
    #[error("cannot {doing} {}: {reason}", path.display())]
    Engine {
        /// What was tried.
        doing: &'static str,
        /// Which database.
        path: PathBuf,
        /// What the engine said.
        reason: String,
    },
    /// An earlier write failed, so what is on disk is unknown until the store is opened again.
    #[error(
        "the store refuses to go on after an error ({reason}); restart the master to check what is on disk"
    )]
    Failed {
        /// The earlier error.
        reason: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The simulated machine went down (simulation only).
    #[error("simulated crash: the machine went down at this point")]
    Crashed,
}

impl StoreError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

impl From<Damage> for StoreError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(Box::new(damage))
    }
}

/// What is known about damage: place, extent, way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file or directory that is not as it was left.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// What is lost.
    pub loss: Loss,
}

/// What is lost with some damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Events that were acknowledged.
    Events {
        /// How many at least.
        missing: u64,
        /// The last position before the first of them.
        after: Position,
    },
    /// Some or all entries beside the log: accepted keys, tokens, outbox marks.
    Keys,
    /// How much was there cannot be told.
    Unknown,
}

impl Damage {
    /// Says what is damaged and lost, without the way out: for where that was taken.
    pub fn what(&self) -> String {
        let Self { path, reason, loss } = self;
        format!("store damaged: {loss} ({}: {reason})", path.display())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. ", self.what())?;
        f.write_str(
            "Nothing was changed. Restore a backup, or start once with --accept-loss: \
             it moves the damaged log aside and begins a new log id",
        )?;
        if matches!(self.loss, Loss::Keys) {
            f.write_str(" with no accepted keys, so that every minion must enrol again")?;
        }
        Ok(())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events { missing, after } => {
                write!(f, "{missing} acknowledged events missing after {after}")
            }
            Self::Keys => f.write_str("accepted keys, tokens or outbox marks are missing"),
            Self::Unknown => f.write_str("an unknown number of acknowledged events is missing"),
        }
    }
}

/// Why a read gives no events.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Retention has removed what follows the position.
    #[error("the log was trimmed: events up to {floor} are gone; go on from there")]
    Trimmed {
        /// The earliest position after which reading is complete.
        floor: Position,
    },
    /// The position belongs to another log.
    #[error(
        "position is of log {asked}, this log is {ours}; history was replaced, start over from its beginning"
    )]
    UnknownLog {
        /// The log that was asked for.
        asked: LogId,
        /// The log that is here.
        ours: LogId,
    },
    /// The position is above the head: whoever knows it saw events that are not here.
    #[error("position {asked} is above the head {head} of the log: acknowledged events are missing here")]
    Ahead {
        /// The position asked for.
        asked: Position,
        /// The last event here.
        head: Position,
    },
    /// What is there cannot be trusted.
    #[error("{0}")]
    Damaged(Box<Damage>),
    /// The store cannot be read at all.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(damage) => Self::Damaged(damage),
            other => Self::Store(other),
        }
    }
}
