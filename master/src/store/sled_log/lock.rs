//! One process per store: an advisory lock on a file that tells who holds it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use super::super::StoreError;

/// Holds the lock until dropped; the system drops it with the process, however that ends.
pub(super) struct Lock(#[expect(dead_code, reason = "held for its drop")] Flock<File>);

impl Lock {
    /// Takes the lock of the store at `root`.
    pub(super) fn take(root: &Path) -> Result<Self, StoreError> {
        let path = root.join("lock");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(StoreError::io("open", &path))?;
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        let mut lock =
            Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
                nix::errno::Errno::EWOULDBLOCK => StoreError::Locked {
                    path: root.to_owned(),
                    holder: match holder.trim() {
                        "" => "another process".to_owned(),
                        pid => format!("process {pid}"),
                    },
                },
                other => StoreError::io("lock", &path)(other.into()),
            })?;
        let write = lock.set_len(0).and_then(|()| lock.rewind());
        write
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(StoreError::io("write", &path))?;
        Ok(Self(lock))
    }
}
