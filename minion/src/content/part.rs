//! A file on its way into the cache, and who has it in hand.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use lab_proto::Digest;
use sha2::{Digest as _, Sha256};

/// The name of a part ends so.
pub(super) const PART: &str = ".part";

/// A file that is being fetched, hashed as it grows: it may be larger than memory.
pub(super) struct Part {
    file: File,
    hasher: Sha256,
    /// How many bytes are here.
    pub(super) size: u64,
}

impl Part {
    /// Opens what an earlier attempt left, or begins.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).create(true).append(true).open(path)?;
        let (hasher, size) = hash(&mut file)?;
        Ok(Self { file, hasher, size })
    }

    pub(super) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Returns the digest of what is here.
    pub(super) fn digest(self) -> Digest {
        Digest::from_bytes(self.hasher.finalize().into())
    }
}

pub(super) fn hash(file: &mut File) -> io::Result<(Sha256, u64)> {
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut chunk = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut chunk)?;
        if n == 0 {
            return Ok((hasher, size));
        }
        hasher.update(&chunk[..n]);
        size += n as u64;
    }
}

/// What is being fetched, by all jobs: a part has one writer, and one that is being written is not for the broom.
#[derive(Debug, Default)]
pub(super) struct Claims {
    taken: Mutex<HashSet<Digest>>,
    given_back: Condvar,
}

/// The right to fetch a file, given back when it is dropped.
pub(super) struct Claim<'a> {
    claims: &'a Claims,
    digest: Digest,
}

impl Claims {
    /// Waits until nobody else fetches a file, and takes it in hand.
    pub(super) fn claim(&self, digest: Digest) -> Claim<'_> {
        let mut taken = self
            .given_back
            .wait_while(self.taken(), |taken| taken.contains(&digest))
            .unwrap_or_else(PoisonError::into_inner);
        taken.insert(digest);
        Claim { claims: self, digest }
    }

    /// Returns what is being fetched; nothing is begun while this is held.
    pub(super) fn taken(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.claims.taken().remove(&self.digest);
        self.claims.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_part_that_was_left_is_taken_up_with_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.part");
        let mut part = Part::open(&path).unwrap();
        part.add(b"one ").unwrap();
        drop(part);
        let mut part = Part::open(&path).unwrap();
        assert_eq!(part.size, 4);
        part.add(b"two").unwrap();
        assert_eq!(part.size, 7);
        assert_eq!(part.digest(), Digest::of(b"one two"));
        assert_eq!(std::fs::read(&path).unwrap(), b"one two");
    }

    #[test]
    fn a_file_has_one_writer_and_others_do_not_wait_for_it() {
        let claims = Claims::default();
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let given_back = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let first = claims.claim(one);
            let waits = scope.spawn(|| {
                let _second = claims.claim(one);
                given_back.load(Ordering::SeqCst)
            });
            drop(claims.claim(two));
            given_back.store(true, Ordering::SeqCst);
            drop(first);
            assert!(waits.join().unwrap(), "the second came while the first had it");
        });
        assert!(claims.taken().is_empty());
    }
}
