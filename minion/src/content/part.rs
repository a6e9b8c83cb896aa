//! A file on its way into the cache, and who has it in hand.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use lab_proto::Digest;
use sha2::{Digest as _, Sha256};

use super::ContentError;

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
    pub(super) fn digest(&self) -> Digest {
        Digest::from_bytes(self.hasher.clone().finalize().into())
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

/// Returns which file a part is of, by its name.
pub(super) fn part_of(name: &str) -> Option<Digest> {
    name.strip_suffix(PART)?.parse().ok()
}

/// What came of fetching a file.
pub(super) type Outcome = Result<(), Arc<ContentError>>;

/// Set when it is known; not at all when whoever was at it panicked.
type Slot = Arc<OnceLock<Outcome>>;

/// What is being fetched, by all jobs: a part has one writer, and one that is being written is not for the broom.
#[derive(Debug, Default)]
pub(super) struct Claims {
    taken: Mutex<HashMap<Digest, Slot>>,
    given_back: Condvar,
}

/// The right to fetch a file, given back when it is dropped.
struct Claim<'a> {
    claims: &'a Claims,
    digest: Digest,
    outcome: Slot,
}

impl Claims {
    /// Fetches a file. While somebody is at it already, waits, and returns what came of that.
    pub(super) fn once(&self, digest: Digest, fetch: impl FnOnce() -> Result<(), ContentError>) -> Outcome {
        let claim = loop {
            match self.claim(digest) {
                Ok(claim) => break claim,
                Err(theirs) => {
                    if let Some(outcome) = theirs.get() {
                        return outcome.clone();
                    }
                }
            }
        };
        claim.outcome.get_or_init(|| fetch().map_err(Arc::new)).clone()
    }

    /// Takes a file in hand, or waits until whoever has it gives it back.
    fn claim(&self, digest: Digest) -> Result<Claim<'_>, Slot> {
        let mut taken = self.taken();
        let Some(theirs) = taken.get(&digest).cloned() else {
            let outcome = Slot::default();
            taken.insert(digest, outcome.clone());
            return Ok(Claim { claims: self, digest, outcome });
        };
        let at_it =
            |taken: &mut HashMap<_, Slot>| taken.get(&digest).is_some_and(|s| Arc::ptr_eq(s, &theirs));
        drop(self.given_back.wait_while(taken, at_it).unwrap_or_else(PoisonError::into_inner));
        Err(theirs)
    }

    /// Returns what is being fetched.
    pub(super) fn in_hand(&self) -> HashSet<Digest> {
        self.taken().keys().copied().collect()
    }

    /// Does something that must not happen while a file is fetched; none is begun meanwhile.
    pub(super) fn unless_taken<T>(&self, digest: Digest, act: impl FnOnce() -> T) -> Option<T> {
        let taken = self.taken();
        (!taken.contains_key(&digest)).then(act)
    }

    /// Returns how many wait for a file that is being fetched.
    #[cfg(test)]
    pub(super) fn waiting(&self, digest: Digest) -> usize {
        // One is in the map, and one has the claim.
        self.taken().get(&digest).map_or(0, |slot| Arc::strong_count(slot) - 2)
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Digest, Slot>> {
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
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
        let (fetched, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
        let fetch = || {
            fetched.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        std::thread::scope(|scope| {
            let first = claims.claim(one).ok().unwrap();
            let waits = scope.spawn(|| {
                claims.once(one, fetch).unwrap();
                ended.load(Ordering::SeqCst)
            });
            claims.once(two, fetch).unwrap();
            assert_eq!(claims.unless_taken(one, || ()), None);
            assert_eq!(claims.unless_taken(two, || ()), Some(()));
            ended.store(true, Ordering::SeqCst);
            // As after a panic: nobody knows what came of it.
            drop(first);
            assert!(waits.join().unwrap(), "the second came while the first had it");
        });
        assert_eq!(fetched.load(Ordering::SeqCst), 2);
        assert!(claims.in_hand().is_empty());
    }
}
