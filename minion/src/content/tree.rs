//! One state tree as a run sees it: pinned by its digest when the job was made.

use std::path::PathBuf;

use lab_proto::Digest;
use lab_proto::tree::{Entry, Manifest};
use lab_states::function::{Cached, FileEntry, ServiceError};
use lab_states::render::{SourceError, Sources};

use super::{ContentError, Store};

/// The files of one tree.
#[derive(Clone, Debug)]
pub struct Tree {
    store: Store,
    manifest: Manifest,
}

impl Tree {
    /// Fetches a tree's manifest.
    ///
    /// # Errors
    /// When it cannot be had or is none.
    pub fn open(store: &Store, digest: Digest) -> Result<Self, ContentError> {
        let bytes = store.get(digest, "the state tree's manifest")?;
        let manifest =
            Manifest::from_bytes(&bytes).map_err(|source| ContentError::Manifest { tree: digest, source })?;
        Ok(Self { store: store.clone(), manifest })
    }

    /// Returns a file.
    ///
    /// # Errors
    /// When there is none, or it cannot be fetched.
    pub fn file(&self, path: &str) -> Result<Vec<u8>, ServiceError> {
        self.content(self.entry(path)?).map_err(|e| ServiceError::new(crate::chain(&e)))
    }

    fn entry(&self, path: &str) -> Result<&Entry, ServiceError> {
        let missing = || ServiceError::missing(format!("there is no salt://{path} in the state tree"));
        self.manifest.get(path).ok_or_else(missing)
    }

    /// Returns how large a file is.
    ///
    /// # Errors
    /// When the tree has none.
    pub fn size(&self, path: &str) -> Result<u64, ServiceError> {
        Ok(self.entry(path)?.size)
    }

    /// Tells whether a file is in the cache.
    ///
    /// # Errors
    /// When the tree has none.
    pub fn cached(&self, path: &str) -> Result<Cached, ServiceError> {
        Ok(if self.store.holds(self.entry(path)?.digest) { Cached::Yes } else { Cached::No })
    }

    /// Removes a file from the cache; tells whether it was there.
    ///
    /// # Errors
    /// When the tree has none, or it cannot be removed.
    pub fn uncache(&self, path: &str) -> Result<bool, ServiceError> {
        self.store.remove(self.entry(path)?.digest).map_err(|e| ServiceError::new(crate::chain(&e)))
    }

    /// Puts a file into the cache and returns where it lies there.
    ///
    /// # Errors
    /// When there is none, or it cannot be fetched.
    pub fn place(&self, path: &str) -> Result<PathBuf, ServiceError> {
        let entry = self.entry(path)?;
        let placed = self.store.place(entry.digest, &format!("salt://{path}"));
        placed.map_err(|e| ServiceError::new(crate::chain(&e)))
    }

    /// Lists what lies below a folder.
    pub fn below(&self, folder: &str) -> Vec<FileEntry> {
        let folder = folder.trim_matches('/');
        let inside = |path: &str| {
            folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        let entries = self.manifest.entries().iter().filter(|e| inside(&e.path));
        entries
            .map(|e| FileEntry { path: e.path.clone(), directory: false, mode: e.mode, link: e.link.clone() })
            .collect()
    }

    /// Fetches every file below a folder side by side.
    ///
    /// # Errors
    /// When one cannot be had.
    pub fn prefetch(&self, folder: &str) -> Result<(), ContentError> {
        let paths = self.below(folder);
        let wanted: Vec<_> = paths
            .iter()
            .filter_map(|f| self.manifest.get(&f.path))
            .map(|e| (e.digest, format!("salt://{}", e.path)))
            .collect();
        self.store.prefetch(&wanted)
    }

    /// Fetches every SLS and template of the tree side by side, before a run renders them one by one.
    ///
    /// # Errors
    /// When one cannot be had.
    pub fn prefetch_sls(&self) -> Result<(), ContentError> {
        const TEXT: [&str; 4] = [".sls", ".jinja", ".j2", ".yml"];
        let wanted: Vec<_> = self
            .manifest
            .entries()
            .iter()
            .filter(|e| TEXT.iter().any(|end| e.path.ends_with(end)))
            .map(|e| (e.digest, format!("salt://{}", e.path)))
            .collect();
        self.store.prefetch(&wanted)
    }

    fn content(&self, entry: &Entry) -> Result<Vec<u8>, ContentError> {
        self.store.get(entry.digest, &format!("salt://{}", entry.path))
    }
}

impl Sources for Tree {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(entry) = self.manifest.get(path) else { return Ok(None) };
        let failed = |e: ContentError| SourceError { path: path.to_owned(), reason: crate::chain(&e) };
        self.content(entry).map(Some).map_err(failed)
    }

    fn list(&self) -> Vec<String> {
        self.manifest.entries().iter().map(|e| e.path.clone()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.manifest.get(path).is_some()
    }
}
