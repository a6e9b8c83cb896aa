//! Directories as one tree of sources.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use lab_states::function::FileEntry;
use lab_states::render::{SourceError, Sources};

use crate::host::read_of_size;

/// Directories laid over each other, the first on top; a path with `..` leads nowhere.
#[derive(Debug, Default)]
pub struct DirSources {
    roots: Vec<PathBuf>,
    entries: OnceLock<BTreeMap<String, FileEntry>>,
}

impl DirSources {
    /// Takes a directory.
    pub fn new(root: PathBuf) -> Self {
        Self::of(vec![root])
    }

    /// Takes several directories; the first that has a file wins.
    pub fn of(roots: Vec<PathBuf>) -> Self {
        Self { roots, entries: OnceLock::new() }
    }

    /// Lists the files below a folder.
    pub fn below(&self, folder: &str) -> Vec<FileEntry> {
        let folder = folder.trim_matches('/');
        let inside = |path: &str| {
            folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        self.entries().values().filter(|e| inside(&e.path)).cloned().collect()
    }

    fn entries(&self) -> &BTreeMap<String, FileEntry> {
        self.entries.get_or_init(|| {
            let mut found = BTreeMap::new();
            for root in &self.roots {
                walk(root, root, 0, &mut found);
            }
            found
        })
    }

    /// Returns where a file lies.
    pub fn place(&self, path: &str) -> Option<PathBuf> {
        self.found(path).map(|(place, _)| place)
    }

    /// Returns how large a file is.
    pub fn size(&self, path: &str) -> Option<u64> {
        self.found(path).map(|(_, size)| size)
    }

    /// Looks for a file; returns where it lies and how large it is.
    fn found(&self, path: &str) -> Option<(PathBuf, u64)> {
        let relative = Path::new(path);
        let below = relative.components().all(|c| matches!(c, Component::Normal(_)));
        self.roots.iter().filter(|_| below).map(|root| root.join(relative)).find_map(|place| {
            let meta = fs::metadata(&place).ok().filter(fs::Metadata::is_file)?;
            Some((place, meta.len()))
        })
    }
}

/// Deeper trees than this are loops of links.
const DEEPEST: usize = 64;

fn walk(root: &Path, dir: &Path, depth: usize, found: &mut BTreeMap<String, FileEntry>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(meta) = fs::metadata(&path) else { continue };
        if meta.is_dir() {
            if depth < DEEPEST {
                walk(root, &path, depth + 1, found);
            }
            continue;
        }
        let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) else { continue };
        let is_link = entry.file_type().is_ok_and(|t| t.is_symlink());
        let link = is_link.then(|| fs::read_link(&path).ok()).flatten().map(|t| t.display().to_string());
        let mode = meta.permissions().mode() & 0o7777;
        let file = FileEntry { path: name.to_owned(), directory: false, mode, link };
        found.entry(name.to_owned()).or_insert(file);
    }
}

impl Sources for DirSources {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some((full, size)) = self.found(path) else { return Ok(None) };
        match read_of_size(&full, size) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
                ) =>
            {
                Ok(None)
            }
            Err(e) => Err(SourceError { path: path.to_owned(), reason: e.to_string() }),
        }
    }

    fn list(&self) -> Vec<String> {
        self.entries().keys().cloned().collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.found(path).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_listed_but_not_from_outside() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/f.sls"), "x").unwrap();
        let sources = DirSources::new(dir.path().join("a"));
        fs::write(dir.path().join("secret"), "s").unwrap();
        assert_eq!(sources.list(), ["b/f.sls"]);
        assert_eq!(sources.read("b/f.sls").unwrap(), Some(b"x".to_vec()));
        assert_eq!(sources.read("../secret").unwrap(), None);
        assert_eq!(sources.read("b").unwrap(), None);
        assert_eq!(sources.below("b").len(), 1);
        assert_eq!(sources.below("c").len(), 0);
    }

    #[test]
    fn of_several_directories_the_first_that_has_a_file_wins() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [("one/a", "1"), ("two/a", "2"), ("two/b", "2")] {
            fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            fs::write(dir.path().join(path), text).unwrap();
        }
        let sources = DirSources::of(vec![dir.path().join("one"), dir.path().join("two")]);
        assert_eq!(sources.list(), ["a", "b"]);
        assert_eq!(sources.read("a").unwrap(), Some(b"1".to_vec()));
        assert_eq!(sources.read("b").unwrap(), Some(b"2".to_vec()));
    }
}
