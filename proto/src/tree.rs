//! State trees: every file of the merged roots with the digest of its content.
//!
//! A tree's name is the digest of its manifest's bytes. A manifest is text, one JSON object per line, sorted by
//! path, so that it can be looked at, compared, and read in one pass whatever its size.

use serde::{Deserialize, Serialize};

use crate::ids::Digest;

/// The most entries that a manifest may have.
pub const MAX_ENTRIES: usize = 1_000_000;
/// The longest path, in bytes.
pub const MAX_PATH: usize = 4096;

/// One file of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its path below the roots: relative, with `/`, without `.` and `..`.
    pub path: String,
    /// The digest of its content; of what a symbolic link leads to.
    pub digest: Digest,
    /// The content's size in bytes.
    pub size: u64,
    /// The permission bits.
    pub mode: u32,
    /// Where a symbolic link leads, as it is written.
    #[serde(default)]
    pub link: Option<String>,
}

/// All files of a tree, sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    entries: Vec<Entry>,
}

/// Bytes that are no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A line is not an entry.
    #[error("line {line} of the tree's manifest is not an entry: {reason}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// There are too many lines.
    #[error("the tree has more than {MAX_ENTRIES} files")]
    TooMany,
}

impl Manifest {
    /// Makes a manifest; of several entries for one path the first is taken, as with Salt's file roots.
    ///
    /// # Errors
    /// When a path is not one, or there are too many.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Result<Self, ManifestError> {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|later, first| later.path == first.path);
        for (i, entry) in entries.iter().enumerate() {
            check_path(&entry.path).map_err(|reason| ManifestError::Line { line: i + 1, reason })?;
        }
        if entries.len() > MAX_ENTRIES { Err(ManifestError::TooMany) } else { Ok(Self { entries }) }
    }

    /// Returns the entries, sorted by path.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Finds a path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.binary_search_by(|e| e.path.as_str().cmp(path)).ok().map(|i| &self.entries[i])
    }

    /// Writes the manifest as the bytes whose digest names the tree.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.len() * 128);
        for entry in &self.entries {
            let line = serde_json::to_string(entry).expect("an entry has text keys only");
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        out
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When a line is not an entry, a path is not one, or the lines are not sorted.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut entries: Vec<Entry> = Vec::new();
        for (i, line) in bytes.split(|b| *b == b'\n').enumerate().filter(|(_, l)| !l.is_empty()) {
            let bad = |reason: String| ManifestError::Line { line: i + 1, reason };
            let entry: Entry = serde_json::from_slice(line).map_err(|e| bad(e.to_string()))?;
            check_path(&entry.path).map_err(bad)?;
            if entries.last().is_some_and(|before| before.path >= entry.path) {
                return Err(bad("paths are not sorted".to_owned()));
            }
            if entries.len() == MAX_ENTRIES {
                return Err(ManifestError::TooMany);
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }
}

fn check_path(path: &str) -> Result<(), String> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    if path.len() > MAX_PATH || !path.split('/').all(plain) {
        return Err(format!("{path:?} is not a relative path without . and .."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(path: &str) -> Entry {
        Entry { path: path.to_owned(), digest: Digest::of(path.as_bytes()), size: 3, mode: 0o644, link: None }
    }

    #[test]
    fn a_manifest_reads_as_it_was_written_and_its_first_root_wins() {
        let mut shadowed = entry("a/b.sls");
        shadowed.size = 99;
        let link = Entry { link: Some("b.sls".to_owned()), ..entry("a/link") };
        let m = Manifest::new([entry("z"), link, entry("a/b.sls"), shadowed]).expect("valid");
        assert_eq!(Manifest::from_bytes(&m.to_bytes()).expect("reads"), m);
        assert_eq!(m.get("a/b.sls").map(|e| e.size), Some(3));
        assert_eq!(m.get("a"), None);
    }

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        for bad in ["", "/etc/passwd", "a/../b", "./a", "a//b", "a/"] {
            assert!(Manifest::new([entry(bad)]).is_err(), "{bad}");
            let line = serde_json::to_vec(&entry(bad)).expect("json");
            assert!(Manifest::from_bytes(&line).is_err(), "{bad}");
        }
        let unsorted = [serde_json::to_string(&entry("b")), serde_json::to_string(&entry("a"))];
        let text = unsorted.map(|l| l.expect("json")).join("\n");
        assert!(Manifest::from_bytes(text.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Manifest::from_bytes(&bytes);
        }
    }
}
