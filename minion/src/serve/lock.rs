//! One agent per data directory: two would run every job twice and take the outbox away from each other.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::boot::BootError;
use crate::files::FileError;

/// Holds the lock until dropped; the system drops it with the process, however that ends.
pub(super) struct Lock(#[expect(dead_code, reason = "held for its drop")] Flock<File>);

impl Lock {
    /// Takes the lock of a data directory, which exists.
    pub(super) fn take(data_dir: &Path) -> Result<Self, BootError> {
        let path = data_dir.join("lock");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = file.map_err(FileError::at("open", &path))?;
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        let locked = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        let mut file = locked.map_err(|(_, errno)| match errno {
            Errno::EWOULDBLOCK => BootError::InUse {
                data_dir: data_dir.to_owned(),
                holder: match holder.trim() {
                    "" => "another process".to_owned(),
                    pid => format!("process {pid}"),
                },
            },
            other => FileError::at("lock", &path)(other.into()).into(),
        })?;
        let written = file.set_len(0).and_then(|()| file.rewind());
        written
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(FileError::at("write", &path))?;
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_one_agents_and_free_again_when_that_ends() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Lock::take(dir.path()).expect("free");
        let refused = Lock::take(dir.path()).map(|_| ()).expect_err("taken").to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(first);
        Lock::take(dir.path()).expect("free again");
    }
}
