//! What can go wrong at the door: which thing was tried, at which place, and what the machine answered.

use std::fmt;
use std::io;
use std::path::Path;

/// A step that the machine refused: `cannot write /etc/motd: permission denied`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} {place}: {cause}")]
pub struct HostError {
    /// What was tried, as a verb: `read`, `start service`.
    pub action: &'static str,
    /// At which path, service, link or command.
    pub place: String,
    /// What the machine answered.
    pub cause: Cause,
}

/// The machine's answer, in the distinctions that functions act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is nothing of that name.
    NotFound,
    /// There is something of that name already.
    Exists,
    /// This user may not do that.
    Denied,
    /// A directory stands where something else was expected.
    IsDirectory,
    /// Something else stands where a directory was expected.
    NotDirectory,
    /// The directory still has entries.
    NotEmpty,
    /// This machine cannot do that; the text says why and what would help.
    Unsupported(String),
    /// It took longer than allowed.
    TimedOut,
    /// The job was cancelled.
    Cancelled,
    /// Any other answer of the operating system or of a tool, in its own words.
    Other(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file, directory or object",
            Self::Exists => "it exists already",
            Self::Denied => "permission denied",
            Self::IsDirectory => "it is a directory",
            Self::NotDirectory => "it is not a directory",
            Self::NotEmpty => "the directory is not empty",
            Self::TimedOut => "it took too long",
            Self::Cancelled => "the job was cancelled",
            Self::Unsupported(text) | Self::Other(text) => text,
        })
    }
}

impl From<&io::Error> for Cause {
    fn from(e: &io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::AlreadyExists => Self::Exists,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::IsADirectory => Self::IsDirectory,
            io::ErrorKind::NotADirectory => Self::NotDirectory,
            io::ErrorKind::DirectoryNotEmpty => Self::NotEmpty,
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Other(e.to_string()),
        }
    }
}

impl HostError {
    /// Makes an error.
    pub fn new(action: &'static str, place: impl Into<String>, cause: Cause) -> Self {
        Self { action, place: place.into(), cause }
    }

    /// Makes an error about a path.
    pub fn at(action: &'static str, path: &Path, cause: Cause) -> Self {
        Self::new(action, path.display().to_string(), cause)
    }

    /// Makes an error from what the operating system said about a path.
    pub fn io(action: &'static str, path: &Path, e: &io::Error) -> Self {
        Self::at(action, path, Cause::from(e))
    }

    /// Makes an error in the machine's own words.
    pub fn other(action: &'static str, place: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(action, place, Cause::Other(text.into()))
    }

    /// Tells whether the thing simply is not there.
    pub fn is_not_found(&self) -> bool {
        self.cause == Cause::NotFound
    }
}
