//! Files from the master: fetched by their hash, checked, kept on disk for the next run.
//!
//! A job names the root digest of its state tree. [`Store`] is the cache; [`Tree`] is one tree as a run sees it.
//! Used by worker threads; blocks.

mod part;
mod tree;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use lab_proto::Digest;
use sha2::Digest as _;

pub use tree::Tree;

use self::part::{Claims, PART, Part, hash};
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
    claims: Arc<Claims>,
}

impl Store {
    /// Opens the cache in a directory.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(dir: &Path, limit: u64, parallel: usize, queries: Queries) -> Result<Self, ContentError> {
        files::make_dir(dir, 0o700)?;
        Ok(Self { dir: dir.to_owned(), limit, parallel: parallel.max(1), queries, claims: Arc::default() })
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
        let taken = self.claims.taken();
        let in_hand: HashSet<_> = taken.iter().map(|digest| format!("{digest}{PART}")).collect();
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(FileError::at("list", &self.dir))?.flatten() {
            let being_written = entry.file_name().to_str().is_some_and(|name| in_hand.contains(name));
            if let (false, Ok(meta)) = (being_written, entry.metadata()) {
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
        let _claim = self.claims.claim(digest);
        if self.holds(digest) {
            // Another job fetched it while this one waited.
            return Ok(());
        }
        let place = self.dir.join(format!("{digest}{PART}"));
        loop {
            let mut part = Part::open(&place).map_err(FileError::at("open", &place))?;
            let begun_before = part.size > 0;
            self.fill(&mut part, digest, what)?;
            let (size, got) = (part.size, part.digest());
            if got == digest {
                return Ok(fs::rename(&place, self.path(digest)).map_err(FileError::at("rename", &place))?);
            }
            fs::remove_file(&place).map_err(FileError::at("remove", &place))?;
            if !begun_before {
                return Err(self.blame(digest, size, what, got));
            }
            tracing::warn!(
                what,
                "what an earlier attempt left of it is damaged; it is fetched from its start"
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
            let got = self.queries.get_blob((digest, offset), MAX_BLOB, &mut |bytes| part.add(bytes));
            if part.size > offset {
                // What gets on may break as often as it likes.
                attempt = 0;
            }
            match got {
                Ok(size) if part.size >= size => return Ok(()),
                Ok(_) | Err(QueryError::Stream(_) | QueryError::Silent) if attempt < ATTEMPTS => {}
                Ok(_) => return Err(failed(QueryError::Silent)),
                Err(QueryError::Keep(source)) => {
                    let place = self.dir.join(format!("{digest}{PART}"));
                    return Err(FileError::at("write", &place)(source).into());
                }
                Err(source) => return Err(failed(source)),
            }
        }
    }

    /// Says whose fault it is that a file came whole and is another: asked for what comes after its end, the master looks
    /// at its own copy.
    fn blame(&self, digest: Digest, size: u64, what: &str, got: Digest) -> ContentError {
        let what = what.to_owned();
        match self.queries.get_blob((digest, size), MAX_BLOB, &mut |_| Ok(())) {
            Err(source @ QueryError::Damaged) => ContentError::Fetch { what, source },
            _ => ContentError::Hash { what, got },
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
