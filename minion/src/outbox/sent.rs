//! How far an outbox may have been sent, kept so that a copy of it that is put back later can be told from the outbox itself.
//!
//! The file `sent` says up to which event this outbox may have been sent. An agent writes it when it opens the outbox, and
//! removes it before it sends anything: from then on everything may have been sent, and the next agent writes where that ended.
//! A mark of the master above this number is about events that never left from here: the outbox was restored from an older
//! copy, or another machine has it too.

use std::fs;
use std::path::Path;

use super::OutboxError;
use crate::files::{self, FileError};

const NAME: &str = "sent";

/// Returns how far an outbox that was just opened may have been sent.
pub(super) fn at_open(dir: &Path, head: u64) -> u64 {
    let path = dir.join(NAME);
    let known = files::read_if_any(&path).ok().flatten();
    let known = known.and_then(|text| String::from_utf8(text).ok()?.trim().parse::<u64>().ok());
    if let Some(sent) = known {
        return sent.min(head);
    }
    if let Err(e) = files::write_atomically(&path, format!("{head}\n").as_bytes(), 0o600) {
        // The next agent then knows no better than that everything may have been sent.
        tracing::warn!(error = %crate::chain(&e), "cannot note how far the outbox was sent");
    }
    head
}

/// Notes that from now on everything may have been sent. Needs no space on the disk.
pub(super) fn begins(dir: &Path) -> Result<(), OutboxError> {
    let path = dir.join(NAME);
    match fs::remove_file(&path) {
        Ok(()) => Ok(files::sync_dir(dir)?),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(FileError::at("remove", &path)(e).into()),
    }
}
