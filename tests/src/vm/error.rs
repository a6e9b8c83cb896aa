//! The one error of the virtual machines.

use std::io;
use std::path::PathBuf;

/// Why a virtual machine could not be run; a machine that ran and says no is an outcome, no error.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// Something that the machine is made of is missing.
    #[error("{what} is missing; {remedy}")]
    Missing {
        /// What.
        what: String,
        /// Where it comes from.
        remedy: &'static str,
    },
    /// A case's directory makes no sense.
    #[error("{}: {why}", path.display())]
    BadCase {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file or process operation failed.
    #[error("cannot {doing}")]
    Os {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program that makes the image failed.
    #[error("`{command}` failed: {said}")]
    Program {
        /// The command line.
        command: String,
        /// The end of what it said.
        said: String,
    },
}

impl VmError {
    /// Gives an operating system's error its context; for `map_err`.
    pub(super) fn os(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Os { doing, source }
    }
}
