//! Why a configuration cannot be used.

use std::io;
use std::path::PathBuf;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// A text is not TOML.
    #[error("{origin}: {text}")]
    Syntax {
        /// Where it came from.
        origin: String,
        /// The parser's words, with line and column.
        text: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key {key}{}", hint.as_ref().map(|h| format!("; did you mean {h}?")).unwrap_or_default())]
    UnknownKey {
        /// Where it came from.
        origin: String,
        /// The key.
        key: String,
        /// The nearest known one.
        hint: Option<String>,
    },
    /// A setting of the command line without a value.
    #[error(
        "--set {0}: a setting is KEY=VALUE, like link.heartbeat=1s; `lab-master config show` prints all keys"
    )]
    Setting(String),
    /// A value that does not fit.
    #[error(
        "{origin}: {key} = {value} does not fit: {reason}; `lab-master config show` prints every value and where it comes from"
    )]
    Value {
        /// Where it came from.
        origin: String,
        /// The key.
        key: String,
        /// The value, as TOML.
        value: String,
        /// What does not fit.
        reason: String,
    },
    /// A value that fits and makes no sense.
    #[error(
        "{origin}: {key} = {value} makes no sense: {expected}; `lab-master config show` prints every value and where it \
         comes from"
    )]
    Nonsense {
        /// Where it came from.
        origin: String,
        /// The key.
        key: String,
        /// The value, as TOML.
        value: String,
        /// What would make sense.
        expected: String,
    },
}
