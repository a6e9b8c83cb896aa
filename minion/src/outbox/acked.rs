//! How far the master has acknowledged an outbox, kept so that the next agent knows what need not be told again.
//!
//! The file `acked` is one header of the record format whose base is that number. It is overwritten in place and never synced:
//! one that is lost or torn says less than is true, and then something is told twice, nothing too little.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use lab_proto::ids::OutboxId;

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
        let header = Header { magic: MAGIC, id: self.id.as_u128(), base: counter }.encode();
        if let Some(Err(e)) = self.file.as_ref().map(|file| file.write_all_at(&header, 0)) {
            tracing::debug!(counter, error = %e, "an acknowledgement was not kept");
        }
    }
}

fn read(file: &File, id: OutboxId) -> io::Result<u64> {
    let mut bytes = [0; HEADER];
    file.read_exact_at(&mut bytes, 0)?;
    let header = Header::decode(&bytes, MAGIC).ok().filter(|h| h.id == id.as_u128());
    Ok(header.map_or(0, |h| h.base))
}
