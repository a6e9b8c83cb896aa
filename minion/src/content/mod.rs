//! Files from the master: fetched by their hash, checked, kept on disk for the next run.
//!
//! A job names the root digest of its state tree. [`Store`] is the cache; [`Tree`] is one tree as a run sees it.
//! Used by worker threads; blocks.

mod tree;

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use lab_proto::Digest;
use sha2::{Digest as _, Sha256};

pub use tree::Tree;

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
    /// The tree's manifest is none.
    #[error("the state tree {tree} has no valid manifest")]
    Manifest {
        /// Which tree.
        tree: Digest,
        /// What is wrong.
        source: lab_proto::tree::ManifestError,
    },
}

/// The cache of blobs.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
    limit: u64,
    parallel: usize,
    queries: Queries,
}

impl Store {
    /// Opens the cache in a directory.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(dir: &Path, limit: u64, parallel: usize, queries: Queries) -> Result<Self, ContentError> {
        files::make_dir(dir, 0o700)?;
        Ok(Self { dir: dir.to_owned(), limit, parallel: parallel.max(1), queries })
    }

    /// Returns a blob, from the cache or from the master.
    ///
    /// # Errors
    /// When the master does not give it or it arrives damaged.
    pub fn get(&self, digest: Digest, what: &str) -> Result<Vec<u8>, ContentError> {
        let path = self.path(digest);
        if let Some(bytes) = files::read_if_any(&path)? {
            if Digest::of(&bytes) == digest {
                self.touch(&path);
                return Ok(bytes);
            }
            // A rotten copy is worth nothing; the master has a good one.
            tracing::warn!(path = %path.display(), "a cached file is damaged and is fetched again");
            fs::remove_file(&path).map_err(FileError::at("remove", &path))?;
        }
        self.fetch(digest, what)?;
        fs::read(&path).map_err(|e| FileError::at("read", &path)(e).into())
    }

    /// Puts a blob into the cache, in constant memory however large it is; returns where it lies.
    ///
    /// # Errors
    /// When the master does not give it or it arrives damaged.
    pub fn place(&self, digest: Digest, what: &str) -> Result<PathBuf, ContentError> {
        let path = self.path(digest);
        let found = File::open(&path).and_then(|mut file| hash(&mut file));
        match found.map(|(hasher, _)| Digest::from_bytes(hasher.finalize().into())) {
            Ok(found) if found == digest => {
                self.touch(&path);
                return Ok(path);
            }
            Ok(_) => {
                tracing::warn!(path = %path.display(), "a cached file is damaged and is fetched again");
                fs::remove_file(&path).map_err(FileError::at("remove", &path))?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(FileError::at("read", &path)(e).into()),
        }
        self.fetch(digest, what)?;
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
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(FileError::at("remove", &path)(e).into()),
        }
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
                self.fetch(*digest, what)?;
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
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(FileError::at("list", &self.dir))?.flatten() {
            if let Ok(meta) = entry.metadata() {
                all.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), entry.path()));
            }
        }
        let mut used: u64 = all.iter().map(|(_, size, _)| size).sum();
        all.sort();
        for (_, size, path) in all {
            if used <= self.limit {
                break;
            }
            if fs::remove_file(&path).is_ok() {
                used -= size;
            }
        }
        Ok(())
    }

    /// Asks the master, goes on where an earlier attempt broke off, checks, and puts the file in its place.
    fn fetch(&self, digest: Digest, what: &str) -> Result<(), ContentError> {
        let place = self.dir.join(format!("{digest}.part"));
        let failed = |source| ContentError::Fetch { what: what.to_owned(), source };
        let mut part = Part::open(&place).map_err(FileError::at("open", &place))?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let offset = part.size;
            let got = self.queries.get_blob((digest, offset), MAX_BLOB, &mut |bytes| part.add(bytes));
            if part.size > offset {
                // What gets on may break as often as it likes.
                attempt = 0;
            }
            match got {
                Ok(size) if part.size >= size => break,
                Ok(_) | Err(QueryError::Stream(_) | QueryError::Silent) if attempt < ATTEMPTS => {}
                Ok(_) => return Err(failed(QueryError::Silent)),
                Err(QueryError::Keep(source)) => return Err(FileError::at("write", &place)(source).into()),
                Err(source) => return Err(failed(source)),
            }
        }
        let got = Digest::from_bytes(part.hasher.finalize().into());
        if got != digest {
            fs::remove_file(&place).map_err(FileError::at("remove", &place))?;
            return Err(ContentError::Hash { what: what.to_owned(), got });
        }
        fs::rename(&place, self.path(digest)).map_err(FileError::at("rename", &place))?;
        Ok(())
    }

    /// Marks a blob as used; a cache that cannot is still a cache.
    fn touch(&self, path: &Path) {
        let _ = File::open(path).and_then(|f| f.set_modified(SystemTime::now()));
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(digest.to_string())
    }
}

/// A file that is being fetched, hashed as it grows: it may be larger than memory.
struct Part {
    file: File,
    hasher: Sha256,
    size: u64,
}

impl Part {
    /// Opens what an earlier attempt left, or begins.
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).create(true).append(true).open(path)?;
        let (hasher, size) = hash(&mut file)?;
        Ok(Self { file, hasher, size })
    }

    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }
}

fn hash(file: &mut File) -> io::Result<(Sha256, u64)> {
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

#[cfg(test)]
mod tests {
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
        assert_eq!(Digest::from_bytes(part.hasher.finalize().into()), Digest::of(b"one two"));
        assert_eq!(fs::read(&path).unwrap(), b"one two");
    }
}
