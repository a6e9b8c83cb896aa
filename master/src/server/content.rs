//! What minions fetch by hash: state trees, uploaded returns, compiled plans.
//!
//! A tree is pinned by copying what is new of it into the blob store: a job that names a digest works with exactly the
//! files that were there then, whatever happens to the roots meanwhile.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lab_proto::tree::Manifest;
use lab_proto::{Digest, Timestamp};
use tokio::sync::Notify;

use super::wall_time;
use crate::content::{Reading, ScanError, Scanner};
use crate::store::blob::{BlobError, BlobReader, BlobStore, BlobsTrimmed};
use crate::store::{RetentionPolicy, StoreError};

/// A file that changes while it is copied is read again so often.
const ATTEMPTS: usize = 3;
/// Bytes that are read and written at a time: for larger writes the kernel looks for larger pieces of free memory.
const PART: usize = 64 * 1024;
/// The largest blob that is looked at as a manifest.
const MAX_MANIFEST: u64 = 256 << 20;
/// Pinned trees whose manifests are kept in memory.
const KEPT_TREES: usize = 8;

/// The roots and the blobs. Everything here blocks; call it from blocking threads.
pub(crate) struct Content {
    roots: Vec<PathBuf>,
    blobs: BlobStore,
    scanner: Mutex<Scanner>,
    /// What the scanner, or a pin, is reading.
    reading: Arc<Reading>,
    /// Told when a pin met files that the next one has to hash again.
    unsettled: Notify,
    trees: Mutex<BTreeMap<Digest, Arc<Manifest>>>,
}

/// A tree that cannot be pinned or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the files below {0} change faster than they can be read; try again")]
    Restless(String),
    #[error("the manifest of tree {tree} is damaged")]
    Manifest {
        tree: Digest,
        #[source]
        source: lab_proto::tree::ManifestError,
    },
}

impl Content {
    pub(crate) fn open(data: &Path, roots: Vec<PathBuf>) -> Result<Self, StoreError> {
        let blobs = BlobStore::open(&data.join("blobs"))?;
        let (reading, unsettled, trees): (Arc<Reading>, _, _) = Default::default();
        let scanner = Mutex::new(Scanner::new(reading.clone()));
        Ok(Self { roots, blobs, scanner, reading, unsettled, trees })
    }

    /// Returns the blobs.
    pub(crate) fn blobs(&self) -> &BlobStore {
        &self.blobs
    }

    /// Pins the tree as it is now.
    pub(crate) fn pin(&self) -> Result<(Digest, Arc<Manifest>), ContentError> {
        self.pin_at(wall_time)
    }

    /// Says what is being read of the roots, for whoever waits for a pin.
    pub(crate) fn reading(&self) -> Option<String> {
        let (files, bytes) = self.reading.so_far()?;
        let mib = bytes >> 20;
        Some(format!(
            "the state tree is read, since much of it is new or has changed: {mib} MiB of {files} files so far"
        ))
    }

    fn pin_at(&self, now: fn() -> Timestamp) -> Result<(Digest, Arc<Manifest>), ContentError> {
        let mut scanner = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
        let pinned = self.pin_with(&mut scanner, now);
        self.reading.ends();
        pinned
    }

    fn pin_with(
        &self,
        scanner: &mut Scanner,
        now: fn() -> Timestamp,
    ) -> Result<(Digest, Arc<Manifest>), ContentError> {
        for _ in 0..ATTEMPTS {
            let scan = scanner.scan(&self.roots, now())?;
            if !scan.settled {
                self.unsettled.notify_one();
            }
            if let Some(known) = self.known(&scan.digest) {
                return Ok((scan.digest, known));
            }
            let mut settled = true;
            for (digest, path) in scan.sources.iter().filter(|(d, _)| !self.blobs.contains(d)) {
                settled &= self.copy(digest, path)?;
            }
            if settled {
                self.blobs.put(&scan.manifest.to_bytes())?;
                let manifest = Arc::new(scan.manifest);
                self.remember(scan.digest, manifest.clone());
                return Ok((scan.digest, manifest));
            }
        }
        let roots: Vec<String> = self.roots.iter().map(|r| r.display().to_string()).collect();
        Err(ContentError::Restless(roots.join(", ")))
    }

    /// Waits for a pin that met files which had changed a moment before: the next one has to hash them again.
    pub(crate) async fn unsettled(&self) {
        self.unsettled.notified().await;
    }

    /// Hashes what the next pin would, so that no job waits for it.
    pub(crate) fn settle(&self) -> Result<(), ContentError> {
        let mut scanner = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
        let scanned = scanner.scan(&self.roots, wall_time());
        self.reading.ends();
        scanned?;
        Ok(())
    }

    /// Returns the manifest of a pinned tree.
    pub(crate) fn manifest(&self, tree: &Digest) -> Result<Arc<Manifest>, ContentError> {
        if let Some(known) = self.known(tree) {
            return Ok(known);
        }
        let bytes = self.blobs.get(tree, u64::MAX)?;
        let manifest =
            Manifest::from_bytes(&bytes).map_err(|source| ContentError::Manifest { tree: *tree, source })?;
        let manifest = Arc::new(manifest);
        self.remember(*tree, manifest.clone());
        Ok(manifest)
    }

    /// Opens a blob as a stream, which whoever takes it verifies.
    pub(crate) fn reader(&self, digest: &Digest) -> Result<BlobReader, BlobError> {
        self.blobs.reader(digest)
    }

    /// Removes old blobs; those of trees that are in use stay. `pinned` names the trees and other blobs that
    /// unfinished runs and jobs needed when it was asked for; blobs kept since then stay as well.
    pub(crate) fn retain(
        &self,
        pinned: &[Digest],
        policy: &RetentionPolicy,
        (asked, now): (Timestamp, Timestamp),
    ) -> Result<BlobsTrimmed, StoreError> {
        // Nothing is pinned meanwhile: a pin counts on blobs that it finds here.
        let _no_pins = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for digest in pinned {
            if let (false, Some(manifest)) = (trees.contains_key(digest), self.stored_manifest(digest)) {
                trees.insert(*digest, Arc::new(manifest));
            }
        }
        let entries = trees.values().flat_map(|m| m.entries().iter().map(|e| e.digest));
        let used: HashSet<Digest> = trees.keys().chain(pinned).copied().chain(entries).collect();
        self.blobs.retain(policy, (asked, now), |digest| used.contains(digest))
    }

    /// Reads a manifest, if the blob is one: pinned blobs are trees, plans and places of minions.
    fn stored_manifest(&self, digest: &Digest) -> Option<Manifest> {
        Manifest::from_bytes(&self.blobs.get(digest, MAX_MANIFEST).ok()?).ok()
    }

    /// Copies a file; returns false when it is not what it was when it was scanned.
    fn copy(&self, digest: &Digest, path: &Path) -> Result<bool, ContentError> {
        let read = |source| ContentError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read)?;
        self.reading.file();
        let mut writer = self.blobs.writer()?;
        let mut part = vec![0; PART];
        loop {
            let n = file.read(&mut part).map_err(read)?;
            if n == 0 {
                break;
            }
            self.reading.bytes(n);
            writer.write(&part[..n])?;
        }
        match writer.finish_as(digest) {
            Ok(()) => Ok(true),
            Err(BlobError::Unexpected { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    fn known(&self, tree: &Digest) -> Option<Arc<Manifest>> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner).get(tree).cloned()
    }

    fn remember(&self, tree: Digest, manifest: Arc<Manifest>) {
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if trees.len() >= KEPT_TREES {
            trees.pop_first();
        }
        trees.insert(tree, manifest);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// No file has settled yet.
    const EARLY: fn() -> Timestamp = || Timestamp::from_micros(0);
    /// Every file has.
    const LATE: fn() -> Timestamp = || Timestamp::from_micros(i64::MAX);

    #[test]
    fn a_pin_tells_of_files_that_the_next_one_would_hash_again_once() {
        let dir = tempfile::tempdir().expect("tempdir");
        let content =
            Content::open(&dir.path().join("data"), vec![dir.path().join("states")]).expect("opens");
        let told = || content.unsettled().now_or_never().is_some();
        std::fs::create_dir(&content.roots[0]).expect("made");
        content.pin_at(EARLY).expect("pins");
        assert!(!told(), "there are no files");
        std::fs::write(content.roots[0].join("f"), "one").expect("written");
        content.pin_at(EARLY).expect("pins");
        assert!(told());
        content.settle().expect("reads");
        assert!(!told(), "one that goes on changing is left to the jobs");
        content.pin_at(LATE).expect("pins");
        assert!(!told());
    }
}
