//! Blobs: contents named by their SHA-256, as plain files. Outputs, diffs and state trees that are too large for
//! an event live here, with a retention of their own.
//!
//! A blob is written to a temporary file, synced, renamed to its name, and its directory synced: a name that is
//! there names a whole blob. A whole read verifies, and gives nothing that does not fit the name. A stream is what
//! lies on the disk: who takes it checks it against the name, and has [`BlobReader::verify`] to ask whose fault it is.
//! The clock is passed in.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use lab_proto::{Digest, Timestamp};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{RetentionPolicy, StoreError, disk};

const PART: usize = 64 * 1024;

/// Why a blob cannot be had or kept.
#[derive(Debug, Error)]
pub enum BlobError {
    /// It is not here: never was, or retention removed it.
    #[error("blob {0} is not in the store; it may have been trimmed")]
    Missing(Digest),
    /// The file's contents are not what its name says.
    #[error("blob {digest} is damaged: {} has the digest {found}; remove the file and fetch it anew", path.display())]
    Damaged {
        /// The name.
        digest: Digest,
        /// What the contents hash to.
        found: Digest,
        /// The file.
        path: PathBuf,
    },
    /// The file is shorter than it was when it was opened.
    #[error("blob {digest} is damaged: {} ends after {at} of {size} bytes; remove the file and fetch it anew", path.display())]
    Cut {
        /// The name.
        digest: Digest,
        /// Where it ends.
        at: u64,
        /// Where it ended.
        size: u64,
        /// The file.
        path: PathBuf,
    },
    /// Contents that were to have a given digest have another.
    #[error("the contents have the digest {found}, not {expected} as announced; nothing was kept")]
    Unexpected {
        /// What was announced.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// The blob is larger than the caller can take.
    #[error("blob {digest} has {size} bytes, more than the {limit} asked for; read it as a stream")]
    TooLarge {
        /// The name.
        digest: Digest,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The operating system said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A directory of blobs. Safe to use from several threads at once.
pub struct BlobStore {
    root: PathBuf,
    writes: AtomicU64,
}

/// What retention did to the blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobsTrimmed {
    /// How many blobs were removed.
    pub blobs: u64,
    /// What is left, in bytes on disk.
    pub bytes_left: u64,
}

impl BlobStore {
    /// Opens the blobs in a directory, or begins there. What an interrupted write left is removed.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self { root: root.to_owned(), writes: AtomicU64::new(0) };
        disk::create_dir(root)?;
        disk::remove_tree(&store.unfinished())?;
        disk::create_dir(&store.unfinished())?;
        Ok(store)
    }

    /// Keeps some bytes. Durable on return.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let mut writer = self.writer()?;
        writer.write(bytes)?;
        writer.finish()
    }

    /// Begins a blob whose contents come in parts.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn writer(&self) -> Result<BlobWriter<'_>, BlobError> {
        let path = self.unfinished().join(self.writes.fetch_add(1, Ordering::Relaxed).to_string());
        let file = File::create_new(&path).map_err(StoreError::io("create", &path))?;
        Ok(BlobWriter { store: self, file, path, hasher: Sha256::new(), size: 0 })
    }

    /// Tells whether a blob is here, without reading it.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.path_of(digest).is_file()
    }

    /// Opens a blob as a stream.
    ///
    /// # Errors
    /// When it is not here.
    pub fn reader(&self, digest: &Digest) -> Result<BlobReader, BlobError> {
        let path = self.path_of(digest);
        let file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(BlobError::Missing(*digest)),
            other => other.map_err(StoreError::io("open", &path))?,
        };
        let size = file.metadata().map_err(StoreError::io("read", &path))?.len();
        Ok(BlobReader { digest: *digest, path, file, size, at: 0 })
    }

    /// Reads a whole blob of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// When it is not here, larger, or damaged.
    pub fn get(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        let BlobReader { path, mut file, size, .. } = self.reader(digest)?;
        if size > limit {
            return Err(BlobError::TooLarge { digest: *digest, size, limit });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(StoreError::io("read", &path))?;
        let found = Digest::of(&bytes);
        if found == *digest { Ok(bytes) } else { Err(BlobError::Damaged { digest: *digest, found, path }) }
    }

    /// Removes blobs that were kept (last) longer ago than the policy's age, then the oldest while all take
    /// more than its bytes. Those that `pinned` names stay, whatever their age, and so do those kept after `asked`, when it
    /// was asked what is pinned: nobody may have named them yet.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn retain(
        &self,
        policy: &RetentionPolicy,
        (asked, now): (Timestamp, Timestamp),
        pinned: impl Fn(&Digest) -> bool,
    ) -> Result<BlobsTrimmed, StoreError> {
        let mut all = self.list()?;
        all.sort_unstable_by_key(|blob| (blob.kept, blob.digest));
        let mut left: u64 = all.iter().map(|blob| blob.bytes).sum();
        let mut removed = 0;
        for blob in all {
            let old = policy.max_age.is_some_and(|age| now.since(blob.kept) > age);
            let over = policy.max_bytes.is_some_and(|limit| left > limit);
            if (old || over) && blob.kept <= asked && !pinned(&blob.digest) {
                let path = self.path_of(&blob.digest);
                fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
                left -= blob.bytes;
                removed += 1;
            }
        }
        Ok(BlobsTrimmed { blobs: removed, bytes_left: left })
    }

    fn list(&self) -> Result<Vec<Kept>, StoreError> {
        let mut all = Vec::new();
        for file in disk::files_below(&self.root)? {
            let digits: String = file.chars().filter(|c| *c != '/').collect();
            let Ok(digest) = digits.parse::<Digest>() else { continue };
            let path = self.root.join(&file);
            let meta = fs::metadata(&path).map_err(StoreError::io("read", &path))?;
            let modified = meta.modified().map_err(StoreError::io("read", &path))?;
            let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
            let kept = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
            all.push(Kept { digest, kept, bytes: meta.blocks() * 512 });
        }
        Ok(all)
    }

    /// Names a blob's file: two digits of directory, so that none grows huge.
    fn path_of(&self, digest: &Digest) -> PathBuf {
        let digits = digest.to_string();
        self.root.join(&digits[..2]).join(&digits[2..])
    }

    fn unfinished(&self) -> PathBuf {
        self.root.join("unfinished")
    }

    /// Sets when a blob was kept last.
    #[cfg(test)]
    fn backdate(&self, digest: &Digest, kept: Timestamp) {
        let micros = u64::try_from(kept.as_micros()).expect("after 1970");
        let file = File::options().write(true).open(self.path_of(digest)).expect("is there");
        file.set_modified(UNIX_EPOCH + std::time::Duration::from_micros(micros)).expect("sets the time");
    }
}

struct Kept {
    digest: Digest,
    kept: Timestamp,
    bytes: u64,
}

/// A blob on its way into the store; dropped unfinished, it leaves nothing.
pub struct BlobWriter<'a> {
    store: &'a BlobStore,
    file: File,
    path: PathBuf,
    hasher: Sha256,
    size: u64,
}

impl BlobWriter<'_> {
    /// Adds the next part.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn write(&mut self, part: &[u8]) -> Result<(), BlobError> {
        self.file.write_all(part).map_err(StoreError::io("write", &self.path))?;
        self.hasher.update(part);
        self.size += part.len() as u64;
        Ok(())
    }

    /// Tells how many bytes came so far, for callers with a limit.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Keeps the blob under the digest of its contents. Durable on return.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn finish(self) -> Result<Digest, BlobError> {
        let digest = Digest::from_bytes(self.hasher.clone().finalize().into());
        let path = self.store.path_of(&digest);
        let dir = path.parent().expect("a blob lies in a directory of the store");
        if !dir.is_dir() {
            disk::create_dir(dir)?;
        }
        // Renaming over a blob that is there renews its age, and heals it if it was damaged.
        self.file.sync_all().map_err(StoreError::io("sync", &self.path))?;
        fs::rename(&self.path, &path).map_err(StoreError::io("rename", &self.path))?;
        disk::sync_dir(dir)?;
        Ok(digest)
    }

    /// Keeps the blob if its contents have the digest that was announced. Durable on return.
    ///
    /// # Errors
    /// When they have another one (nothing is kept), or when the disk failed.
    pub fn finish_as(self, expected: &Digest) -> Result<(), BlobError> {
        let found = Digest::from_bytes(self.hasher.clone().finalize().into());
        if found != *expected {
            return Err(BlobError::Unexpected { expected: *expected, found });
        }
        self.finish().map(|_| ())
    }
}

impl Drop for BlobWriter<'_> {
    fn drop(&mut self) {
        // After a rename there is nothing under this name any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// A blob as a stream of bytes, unverified.
#[derive(Debug)]
pub struct BlobReader {
    digest: Digest,
    path: PathBuf,
    file: File,
    size: u64,
    at: u64,
}

impl BlobReader {
    /// Tells how many bytes the blob has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Goes to an offset, from which the next part begins.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn seek(&mut self, offset: u64) -> Result<(), BlobError> {
        self.at = self.file.seek(SeekFrom::Start(offset)).map_err(StoreError::io("read", &self.path))?;
        Ok(())
    }

    /// Returns the next part; none after the last one.
    ///
    /// # Errors
    /// When the disk failed, or the file ends before the size that was told.
    pub fn next_part(&mut self) -> Result<Option<Vec<u8>>, BlobError> {
        let mut part = Vec::with_capacity(PART);
        let read = (&mut self.file).take(PART as u64).read_to_end(&mut part);
        let got = read.map_err(StoreError::io("read", &self.path))?;
        if got == 0 && self.at < self.size {
            let Self { digest, at, size, .. } = *self;
            return Err(BlobError::Cut { digest, at, size, path: self.path.clone() });
        }
        self.at += got as u64;
        Ok((got > 0).then_some(part))
    }

    /// Reads the whole blob, in constant memory, and compares it with its name.
    ///
    /// # Errors
    /// When the disk failed, or the contents are not what the name says.
    pub fn verify(self) -> Result<(), BlobError> {
        self.read(|_| true)
    }

    /// Hands the whole blob over, part by part, until it is not wanted any more; what was handed over is right when the answer is.
    ///
    /// # Errors
    /// When the disk failed, or the contents are not what the name says.
    pub fn read(mut self, mut wanted: impl FnMut(Vec<u8>) -> bool) -> Result<(), BlobError> {
        self.seek(0)?;
        let mut hasher = Sha256::new();
        while let Some(part) = self.next_part()? {
            hasher.update(&part);
            if !wanted(part) {
                return Ok(());
            }
        }
        let found = Digest::from_bytes(hasher.finalize().into());
        if found == self.digest {
            return Ok(());
        }
        Err(BlobError::Damaged { digest: self.digest, found, path: self.path })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn fresh() -> (BlobStore, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        (BlobStore::open(&dir.path().join("blobs")).expect("opens"), dir)
    }

    fn stream(store: &BlobStore, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        let mut reader = store.reader(digest)?;
        let mut all = Vec::new();
        while let Some(part) = reader.next_part()? {
            all.extend(part);
        }
        assert_eq!(all.len() as u64, reader.size());
        reader.verify()?;
        Ok(all)
    }

    #[test]
    fn contents_come_back_whole_and_as_a_stream() {
        let (store, dir) = fresh();
        let large = vec![7; 3 * PART + 1];
        let mut writer = store.writer().expect("begins");
        large.chunks(1000).for_each(|part| writer.write(part).expect("writes"));
        assert_eq!(writer.size(), large.len() as u64);
        let digest = writer.finish().expect("finishes");
        assert_eq!(digest, Digest::of(&large));
        let empty = store.put(b"").expect("puts");
        let store = BlobStore::open(&dir.path().join("blobs")).expect("opens again");
        assert!(store.contains(&digest) && store.contains(&empty));
        assert_eq!(stream(&store, &digest).expect("reads"), large);
        let mut rest = store.reader(&digest).expect("opens");
        rest.seek(large.len() as u64 - 2).expect("seeks");
        assert_eq!(rest.next_part().expect("reads"), Some(vec![7; 2]));
        assert_eq!(rest.next_part().expect("reads"), None);
        assert_eq!(store.get(&digest, u64::MAX).expect("reads"), large);
        assert!(stream(&store, &empty).expect("reads").is_empty());
        assert!(matches!(store.get(&digest, 10), Err(BlobError::TooLarge { limit: 10, .. })));
    }

    #[test]
    fn contents_that_are_not_what_was_announced_are_not_kept() {
        let (store, _dir) = fresh();
        let (announced, came) = (Digest::of(b"announced"), Digest::of(b"came"));
        let mut writer = store.writer().expect("begins");
        writer.write(b"came").expect("writes");
        let error = writer.finish_as(&announced).expect_err("refused");
        assert!(matches!(error, BlobError::Unexpected { found, .. } if found == came));
        assert!(!store.contains(&announced) && !store.contains(&came));
        assert!(matches!(store.get(&announced, 10), Err(BlobError::Missing(_))));
        assert!(disk::names(&store.unfinished()).expect("lists").is_empty(), "nothing is left behind");
    }

    #[test]
    fn damage_is_found_by_whole_reads_and_by_verifying_and_healed_by_keeping_anew() {
        let (store, _dir) = fresh();
        let digest = store.put(b"contents").expect("puts");
        fs::write(store.path_of(&digest), b"cOntents").expect("writes");
        assert!(matches!(store.get(&digest, 100), Err(BlobError::Damaged { .. })));
        assert!(matches!(stream(&store, &digest), Err(BlobError::Damaged { .. })));
        store.put(b"contents").expect("puts");
        assert_eq!(store.get(&digest, 100).expect("reads"), b"contents");
    }

    #[test]
    fn a_stream_of_a_blob_that_is_cut_short_meanwhile_does_not_end_well() {
        let (store, _dir) = fresh();
        let digest = store.put(&vec![7; 2 * PART]).expect("puts");
        let mut reader = store.reader(&digest).expect("opens");
        File::options()
            .write(true)
            .open(store.path_of(&digest))
            .expect("opens")
            .set_len(PART as u64)
            .expect("cuts");
        assert_eq!(reader.next_part().expect("reads").map(|part| part.len()), Some(PART));
        let error = reader.next_part().expect_err("it is not the end");
        assert!(
            matches!(error, BlobError::Cut { at, size, .. } if (at, size) == (PART as u64, 2 * PART as u64))
        );
    }

    #[test]
    fn an_interrupted_write_is_gone_after_opening() {
        let (store, dir) = fresh();
        let mut writer = store.writer().expect("begins");
        writer.write(b"half").expect("writes");
        std::mem::forget(writer);
        let store = BlobStore::open(&dir.path().join("blobs")).expect("opens");
        assert!(disk::names(&store.unfinished()).expect("lists").is_empty());
    }

    #[test]
    fn retention_removes_by_age_then_by_size_and_never_what_is_pinned() {
        let (store, _dir) = fresh();
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let blobs: Vec<Digest> = (1u8..=5).map(|n| store.put(&vec![n; 8192]).expect("puts")).collect();
        for (second, digest) in (1..).zip(&blobs) {
            store.backdate(digest, at(second));
        }
        let old = RetentionPolicy { max_age: Some(Duration::from_secs(2)), max_bytes: None };
        let trimmed = store.retain(&old, (at(5), at(5)), |digest| *digest == blobs[0]).expect("retains");
        let left = |store: &BlobStore| blobs.iter().map(|d| store.contains(d)).collect::<Vec<_>>();
        assert_eq!(left(&store), [true, false, true, true, true]);
        assert_eq!(
            (trimmed.blobs, trimmed.bytes_left),
            (1, store.list().expect("lists").iter().map(|b| b.bytes).sum())
        );
        let nothing = RetentionPolicy { max_age: Some(Duration::ZERO), max_bytes: Some(0) };
        store.retain(&nothing, (at(2), at(9)), |digest| *digest == blobs[0]).expect("retains");
        assert_eq!(left(&store), [true, false, true, true, true], "kept since it was asked what is pinned");
        let small = RetentionPolicy { max_age: None, max_bytes: Some(trimmed.bytes_left / 2) };
        let trimmed = store.retain(&small, (at(5), at(5)), |_| false).expect("retains");
        assert_eq!(left(&store), [false, false, false, true, true]);
        assert!(trimmed.bytes_left <= small.max_bytes.expect("set above"));
    }
}
