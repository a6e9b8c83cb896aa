//! A content that a file is to have: in memory, or in another file where it is too large for that.

use std::path::{Path, PathBuf};

use lab_proto::Digest;

use super::super::support::diff;
use super::source::LARGE;
use crate::function::StateError;
use crate::host::{FileMeta, Host, WriteOptions};

/// What is to be in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What is in another file of this machine.
    /// With the SHA-256 that it was found to have, where that was asked for.
    File { path: PathBuf, size: u64, sum: Option<Digest> },
}

impl Default for Content {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { size, .. } => *size,
        }
    }

    /// Tells whether a file has this content already.
    pub(super) fn is_at(&self, host: &dyn Host, path: &Path) -> Result<bool, StateError> {
        Ok(match self {
            Self::Bytes(bytes) => {
                host.stat(path)?.is_some_and(|meta| meta.size == bytes.len() as u64)
                    && host.read(path)? == *bytes
            }
            Self::File { size, sum: Some(sum), .. } => {
                host.stat(path)?.is_some_and(|meta| meta.is_file() && meta.size == *size)
                    && host.digest(path)? == *sum
            }
            Self::File { path: source, sum: None, .. } => host.same_content(source, path)?,
        })
    }

    /// Writes it to a file, in one step.
    pub(super) fn write(
        &self,
        host: &dyn Host,
        path: &Path,
        options: WriteOptions,
    ) -> Result<(), StateError> {
        match self {
            Self::Bytes(bytes) => host.write(path, bytes, options)?,
            Self::File { path: source, sum, .. } => host.copy(source, path, options, sum.as_ref())?,
        }
        Ok(())
    }

    /// Shows what it changes in a file that is there, if both are small enough for that.
    pub(super) fn difference(
        &self,
        host: &dyn Host,
        path: &Path,
        have: &FileMeta,
    ) -> Result<String, StateError> {
        Ok(match self {
            Self::Bytes(new) if have.size <= LARGE => diff(&host.read_known(path, have)?, new, path),
            _ => format!("{} bytes replaced by {}, too many to be shown", have.size, self.size()),
        })
    }

    /// Returns some bytes that tell it from others.
    pub(super) fn token(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => Digest::of(bytes).to_string().into_bytes(),
            Self::File { path, size, .. } => format!("{} {size}", path.display()).into_bytes(),
        }
    }
}
