//! Why an agent that runs ends by itself.

use std::path::PathBuf;

/// Why an agent ends that nobody told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Signals cannot be received.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
    /// What happens from now on could not be stored, and would be lost without a word.
    #[error(
        "the outbox in {} cannot be written any more, as the log says above; nothing that was stored is lost, and an agent that \
         starts again (the unit does so by itself) looks at what is there",
        dir.display()
    )]
    Outbox {
        /// Where it lies.
        dir: PathBuf,
    },
}
