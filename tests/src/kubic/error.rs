//! What can go wrong with a Kubic lab.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::nshost::NsError;

/// Why a Kubic lab does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum KubicError {
    /// The hosts.
    #[error(transparent)]
    Host(#[from] NsError),
    /// A binary is not there.
    #[error("{} is not there; build it with `cargo build --workspace --bins`, or say in LAB_BINARIES where it is", .0.display())]
    NoBinary(PathBuf),
    /// The operating system.
    #[error("cannot {doing}")]
    Os {
        /// What was tried.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// A command did not succeed.
    #[error("`{command}` ended with exit code {code}: {said}")]
    Command {
        /// The command line.
        command: String,
        /// Its exit code.
        code: i32,
        /// Its standard error.
        said: String,
    },
    /// Something did not happen.
    #[error("{what} did not come within {waited:?}; the last events were:\n{seen}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// The end of the log as the tail saw it.
        seen: String,
    },
    /// The master does not start.
    #[error("the master does not start: {0}")]
    Master(String),
    /// The owner was told to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Names what was tried when the operating system refuses.
pub(super) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, KubicError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, KubicError> {
        self.map_err(|source| KubicError::Os { doing: what(), source })
    }
}
