//! Files from the master: fetched by their hash, checked, kept on disk for the next run.
//!
//! A job names the root digest of its state tree. [`Store`] is the cache; [`Tree`] is one tree as a run sees it.
//! Used by worker threads; blocks.
//!
//! What lies here is not synced before it has its name: a power cut may leave a file that is short or empty. It is a cache,
//! and every take hashes again: such a file is rotten, and is fetched anew.

mod part;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::HashSet;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use lab_proto::Digest;
use sha2::Digest as _;

pub use tree::Tree;

use self::part::{Claims, PART, Part, hash, part_of};
use crate::files::{self, FileError};
use crate::link::{Queries, QueryError};

/// The largest single file that is fetched.
const MAX_BLOB: u64 = 4 << 30;
/// How often a broken fetch goes on where it broke off.
const ATTEMPTS: u32 = 4;

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The cache cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The master did not give it.
    #[error("cannot fetch {what} from the master")]
    Fetch {
        /// Which.
        what: String,
        /// Why.
        source: QueryError,
    },
    /// What came is not what was asked for.
    #[error("{what} arrived damaged: its hash is {got}")]
    Hash {
        /// Which.
        what: String,
        /// The hash of what came.
        got: Digest,
    },
    /// What came is not what was asked for, and the master does not say whether its own copy is.
    #[error(
        "{what} is damaged: its hash is {got}, and it is not known whether the master's own copy is whole"
    )]
    Unknown {
        /// Which.
        what: String,
        /// The hash of what came.
        got: Digest,
        /// Why not.
        source: QueryError,
    },
    /// Another job fetched it meanwhile, or tried to.
    #[error(transparent)]
    Shared(#[from] Arc<Self>),
    /// The tree's manifest is none.
    #[error("the state tree {tree} has no valid manifest")]
    Manifest {
        /// Which tree.
        tree: Digest,
        /// What is wrong.
        source: lab_proto::tree::ManifestError,
    },
}

/// Where blobs come from.
trait Source: Debug + Send + Sync {
    /// As [`Queries::get_blob`].
    fn get_blob(&self, from: (Digest, u64), limit: u64, keep: Keep<'_>) -> Result<u64, QueryError>;
    /// As [`Queries::verify_blob`].
    fn verify_blob(&self, digest: Digest) -> Result<(), QueryError>;
}

/// Takes the parts of a blob.
type Keep<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

impl Source for Queries {
    fn get_blob(&self, from: (Digest, u64), limit: u64, keep: Keep<'_>) -> Result<u64, QueryError> {
        Self::get_blob(self, from, limit, keep)
    }

    fn verify_blob(&self, digest: Digest) -> Result<(), QueryError> {
        Self::verify_blob(self, digest)
    }
}

/// The cache of blobs.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
    limit: u64,
    parallel: usize,
    source: Arc<dyn Source>,
    claims: Arc<Claims>,
}

impl Store {
    /// Opens the cache in a directory.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(dir: &Path, limit: u64, parallel: usize, queries: Queries) -> Result<Self, ContentError> {
        Self::over(dir, limit, parallel, Arc::new(queries))
    }

    fn over(dir: &Path, limit: u64, parallel: usize, source: Arc<dyn Source>) -> Result<Self, ContentError> {
        files::make_dir(dir, 0o700)?;
        Ok(Self { dir: dir.to_owned(), limit, parallel: parallel.max(1), source, claims: Arc::default() })
    }

    /// Returns a blob, from the cache or from the master.
    ///
    /// # Errors
    /// When the master does not give it or it arrives damaged.
    pub fn get(&self, digest: Digest, what: &str) -> Result<Vec<u8>, ContentError> {
        let path = self.path(digest);
        if let Some(bytes) = files::read_if_any(&path)?.filter(|bytes| Digest::of(bytes) == digest) {
            self.touch(&path);
            return Ok(bytes);
        }
        self.obtain(digest, what)?;
        fs::read(&path).map_err(|e| FileError::at("read", &path)(e).into())
    }

    /// Puts a blob into the cache, in constant memory however large it is; returns where it lies.
    ///
    /// # Errors
    /// When the master does not give it or it arrives damaged.
    pub fn place(&self, digest: Digest, what: &str) -> Result<PathBuf, ContentError> {
        let path = self.path(digest);
        if digest_of(&path)? == Some(digest) {
            self.touch(&path);
        } else {
            self.obtain(digest, what)?;
        }
        Ok(path)
    }

    /// Tells whether a blob is here.
    pub fn holds(&self, digest: Digest) -> bool {
        self.path(digest).exists()
    }

    /// Removes a blob; tells whether it was here.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, digest: Digest) -> Result<bool, ContentError> {
        Ok(remove_if_any(&self.path(digest))?)
    }

    /// Fetches several blobs side by side; those that are here already cost nothing.
    ///
    /// # Errors
    /// That of the first that could not be had.
    pub fn prefetch(&self, wanted: &[(Digest, String)]) -> Result<(), ContentError> {
        // Files of equal content are one blob: it must not be fetched twice at the same time.
        let mut seen = HashSet::new();
        let missing: Vec<_> = wanted
            .iter()
            .filter(|(digest, _)| seen.insert(*digest) && !self.path(*digest).exists())
            .collect();
        let next = AtomicUsize::new(0);
        let fetch_some = || {
            while let Some((digest, what)) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.obtain(*digest, what)?;
            }
            Ok(())
        };
        let threads = self.parallel.min(missing.len());
        std::thread::scope(|scope| {
            let running: Vec<_> = (1..threads).map(|_| scope.spawn(fetch_some)).collect();
            let own = fetch_some();
            running.into_iter().fold(own, |result, thread| {
                result.and(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        })
    }

    /// Forgets what was used least recently until the cache keeps to its limit.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn shrink(&self) -> Result<(), ContentError> {
        let in_hand = self.claims.in_hand();
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(FileError::at("list", &self.dir))?.flatten() {
            let part = entry.file_name().to_str().and_then(part_of);
            let being_written = part.is_some_and(|digest| in_hand.contains(&digest));
            if let (false, Ok(meta)) = (being_written, entry.metadata()) {
                let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                all.push((used, meta.len(), entry.path(), part));
            }
        }
        let mut used: u64 = all.iter().map(|(_, size, ..)| size).sum();
        all.sort();
        for (_, size, path, part) in all {
            if used <= self.limit {
                break;
            }
            let remove = || fs::remove_file(&path).is_ok();
            // Somebody may have taken it up since it was listed.
            if part.map_or_else(remove, |digest| self.claims.unless_taken(digest, remove) == Some(true)) {
                used -= size;
            }
        }
        Ok(())
    }

    /// Has a blob that was missing or rotten put in its place. Of the jobs that want one at a time, one does it; the others
    /// wait, and fare as it does.
    fn obtain(&self, digest: Digest, what: &str) -> Result<(), ContentError> {
        let done = self.claims.once(digest, || {
            let path = self.path(digest);
            match digest_of(&path)? {
                // Another job was quicker.
                Some(found) if found == digest => return Ok(()),
                Some(_) => {
                    tracing::warn!(path = %path.display(), "a cached file is damaged and is fetched again");
                    remove_if_any(&path)?;
                }
                None => {}
            }
            self.fetch(digest, what)
        });
        Ok(done?)
    }

    /// Goes on where an earlier attempt broke off, checks, and puts the file in its place.
    fn fetch(&self, digest: Digest, what: &str) -> Result<(), ContentError> {
        let place = self.dir.join(format!("{digest}{PART}"));
        loop {
            let mut part = Part::open(&place).map_err(FileError::at("open", &place))?;
            let begun_before = part.size > 0;
            if part.digest() != digest {
                self.fill(&mut part, digest, what)?;
            }
            let got = part.digest();
            if got == digest {
                return Ok(fs::rename(&place, self.path(digest)).map_err(FileError::at("rename", &place))?);
            }
            fs::remove_file(&place).map_err(FileError::at("remove", &place))?;
            if !begun_before {
                return Err(self.blame(digest, what, got));
            }
            tracing::warn!(
                what,
                "it does not fit its hash: what an earlier attempt left of it is damaged, or the master's copy is; \
                 it is fetched from its start"
            );
        }
    }

    /// Fetches what is missing of a part.
    fn fill(&self, part: &mut Part, digest: Digest, what: &str) -> Result<(), ContentError> {
        let failed = |source| ContentError::Fetch { what: what.to_owned(), source };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let offset = part.size;
            let got = self.source.get_blob((digest, offset), MAX_BLOB, &mut |bytes| part.add(bytes));
            if part.size > offset {
                // What gets on may break as often as it likes.
                attempt = 0;
            }
            match got {
                Ok(size) if part.size >= size => return Ok(()),
                Ok(_) | Err(QueryError::Stream(_) | QueryError::Silent | QueryError::Unreadable)
                    if attempt < ATTEMPTS => {}
                Ok(_) => return Err(failed(QueryError::Silent)),
                Err(QueryError::Keep(source)) => {
                    let place = self.dir.join(format!("{digest}{PART}"));
                    return Err(FileError::at("write", &place)(source).into());
                }
                Err(source) => return Err(failed(source)),
            }
        }
    }

    /// Says whose fault it is that a file came whole and is another, as far as the master tells.
    fn blame(&self, digest: Digest, what: &str, got: Digest) -> ContentError {
        let what = what.to_owned();
        match self.source.verify_blob(digest) {
            Ok(()) => ContentError::Hash { what, got },
            Err(source @ QueryError::Damaged) => ContentError::Fetch { what, source },
            Err(source) => ContentError::Unknown { what, got, source },
        }
    }

    /// Marks a blob as used; a cache that cannot is still a cache.
    fn touch(&self, path: &Path) {
        let _ = File::open(path).and_then(|f| f.set_modified(SystemTime::now()));
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(digest.to_string())
    }
}

/// Returns the digest of a file, if there is one.
fn digest_of(path: &Path) -> Result<Option<Digest>, FileError> {
    match File::open(path).and_then(|mut file| hash(&mut file)) {
        Ok((hasher, _)) => Ok(Some(Digest::from_bytes(hasher.finalize().into()))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FileError::at("read", path)(e)),
    }
}

/// Removes a file; tells whether there was one.
fn remove_if_any(path: &Path) -> Result<bool, FileError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(FileError::at("remove", path)(e)),
    }
}
