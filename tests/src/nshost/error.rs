//! The one error of this library, and the small helpers that give an operating system error its context.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Requirement;

/// What went wrong with a lab, naming the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum NsError {
    /// The machine lacks something; each line says what to do.
    #[error("this machine cannot run namespaced hosts:\n{}", list(.0))]
    Machine(Vec<Requirement>),
    /// The helper binary was not found.
    #[error("no helper binary at {0} (build it with `cargo build -p lab-tests --bin lab-nshost`)")]
    NoHelper(PathBuf),
    /// A value of the lab's description is not usable.
    #[error("{what} {value:?} is not usable: {why}")]
    BadSpec {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        why: &'static str,
    },
    /// A system call or file operation failed.
    #[error("cannot {doing}")]
    Os {
        /// What was being done, in the imperative.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A command of the machine (ip, nft, tc) failed.
    #[error("`{command}` failed: {said}")]
    Tool {
        /// The command line.
        command: String,
        /// Its standard error.
        said: String,
    },
    /// The lab's own processes refused or failed.
    #[error("the lab says: {0}")]
    Lab(String),
    /// There is no such host in the lab.
    #[error("no host or place {name} in this lab (it has {known})")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The host has no running init to talk to.
    #[error("host {host} is down ({why}); boot it first")]
    Down {
        /// The host.
        host: String,
        /// How it went down.
        why: String,
    },
    /// A condition was not met in time.
    #[error("{what} did not happen within {waited:?}; last seen: {seen}")]
    Late {
        /// The condition.
        what: String,
        /// How long was waited.
        waited: Duration,
        /// The last state seen.
        seen: String,
    },
    /// A command run by a check ended badly.
    #[error("{place}: `{command}` ended with {status}: {said}")]
    Command {
        /// Where it ran.
        place: String,
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// Its standard error.
        said: String,
    },
}

fn list(missing: &[Requirement]) -> String {
    missing.iter().map(|m| format!("  - {m}\n")).collect()
}

/// Adds to an operating system error what was being done.
pub(super) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, NsError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, NsError> {
        self.map_err(|source| NsError::Os { doing: what(), source: source.into() })
    }
}

/// Renders an error and its sources on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}
