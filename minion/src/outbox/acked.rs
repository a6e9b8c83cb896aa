//! How far the master has acknowledged an outbox, kept so that the next agent knows what need not be told again.
//!
//! The file `acked` is one header of the record format whose base is that number. It is overwritten in place and not synced:
//! one that is lost or torn says less than is true, and then something is told twice, nothing too little. Only one that says
//! more than the outbox holds is mended durably, or not left at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use lab_proto::ids::OutboxId;

use crate::files::{self, FileError};
use crate::records::{HEADER, Header};

const NAME: &str = "acked";
const MAGIC: [u8; 8] = *b"LABACKD1";

/// The open file, where there is one.
#[derive(Debug)]
pub(super) struct Acked {
    file: Option<File>,
    id: OutboxId,
}

impl Acked {
    /// Opens the file; returns what it says of this outbox, 0 when it says nothing.
    pub(super) fn open(dir: &Path, id: OutboxId) -> (Self, u64) {
        let path = dir.join(NAME);
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options.mode(0o600).custom_flags(nix::libc::O_CLOEXEC).open(&path)
        };
        match open() {
            Ok(file) => {
                let counter = read(&file, id).unwrap_or(0);
                (Self { file: Some(file), id }, counter)
            }
            Err(e) => {
                tracing::warn!(path = %path.display(), error = %e, "what the master acknowledges is known to this agent only");
                (Self { file: None, id }, 0)
            }
        }
    }

    /// Keeps a number. Needs no space on the disk once there was one.
    pub(super) fn keep(&self, counter: u64) {
        if let Some(Err(e)) = self.file.as_ref().map(|file| self.write(file, counter)) {
            tracing::debug!(counter, error = %e, "an acknowledgement was not kept");
        }
    }

    /// Keeps a number in place of a larger one, which must not stay; if it cannot be, there is no file from here on.
    ///
    /// # Errors
    /// When the larger one stays.
    pub(super) fn lower(&mut self, dir: &Path, counter: u64) -> Result<(), FileError> {
        let lowered =
            self.file.as_ref().map(|file| self.write(file, counter).and_then(|()| file.sync_data()));
        let Some(Err(e)) = lowered else { return Ok(()) };
        let path = dir.join(NAME);
        tracing::warn!(path = %path.display(), error = %e, "what the master acknowledges is known to this agent only");
        self.file = None;
        fs::remove_file(&path).map_err(FileError::at("remove", &path))?;
        files::sync_dir(dir)
    }

    fn write(&self, file: &File, counter: u64) -> io::Result<()> {
        file.write_all_at(&Header { magic: MAGIC, id: self.id.as_u128(), base: counter }.encode(), 0)
    }
}

fn read(file: &File, id: OutboxId) -> io::Result<u64> {
    let mut bytes = [0; HEADER];
    file.read_exact_at(&mut bytes, 0)?;
    let header = Header::decode(&bytes, MAGIC).ok().filter(|h| h.id == id.as_u128());
    Ok(header.map_or(0, |h| h.base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_too_large_never_stays() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let id = OutboxId::from_u128(1);
        let says = || Acked::open(dir.path(), id).1;
        Acked::open(dir.path(), id).0.keep(9);
        assert_eq!(says(), 9);
        let (mut acked, _) = Acked::open(dir.path(), id);
        acked.lower(dir.path(), 4).expect("is kept");
        assert_eq!(says(), 4);
        // One that takes nothing any more.
        let file = File::open(dir.path().join(NAME)).expect("opens");
        let mut stuck = Acked { file: Some(file), id };
        stuck.lower(dir.path(), 3).expect("is removed");
        assert!(!dir.path().join(NAME).exists());
        let mut gone = Acked { file: Some(File::open(dir.path()).expect("opens")), id };
        gone.lower(dir.path(), 2).expect_err("there is nothing to remove");
    }
}
