//! Directories as trees of sources, for commands that work without a master. The first root that has a path wins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lab_states::function::{ExtensionKind, Registry};
use lab_states::render::{SourceError, Sources};

/// Deeper trees than this are loops of links.
const DEEPEST: usize = 64;

/// One or several roots, merged.
#[derive(Debug, Default)]
pub(super) struct Trees {
    files: BTreeMap<String, PathBuf>,
}

impl Trees {
    /// Reads the names of all files.
    ///
    /// # Errors
    /// When a root is no directory.
    pub(super) fn open(roots: &[PathBuf]) -> Result<Self, String> {
        let mut trees = Self::default();
        for root in roots {
            if !root.is_dir() {
                return Err(format!("{} is not a directory", root.display()));
            }
            trees.walk(root, root, 0);
        }
        Ok(trees)
    }

    fn walk(&mut self, root: &Path, dir: &Path, depth: usize) {
        let Ok(entries) = std::fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                if depth < DEEPEST && path.file_name().is_none_or(|n| n != ".git") {
                    self.walk(root, &path, depth + 1);
                }
                continue;
            }
            let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) else { continue };
            self.files.entry(name.to_owned()).or_insert(path);
        }
    }

    /// Returns the path on this machine of a file of the tree, as short as it was given.
    pub(super) fn place(&self, file: &str) -> Option<String> {
        let path = self.files.get(file)?;
        Some(path.strip_prefix(".").unwrap_or(path).display().to_string())
    }

    /// Adds the tree's own modules to a registry: `_states/NAME` and `_modules/NAME`.
    pub(super) fn extensions(&self, registry: &mut Registry) {
        for (folder, kind) in [("_states/", ExtensionKind::State), ("_modules/", ExtensionKind::Module)] {
            for (name, path) in &self.files {
                if let Some(file) = name.strip_prefix(folder).filter(|f| !f.contains('/')) {
                    registry.add_extension(kind, file.split('.').next().unwrap_or(file), path);
                }
            }
        }
    }

    /// Lists the modules of states that the tree brings.
    pub(super) fn state_modules(&self) -> Vec<String> {
        let module = |name: &String| {
            let file = name.strip_prefix("_states/").filter(|f| !f.contains('/'))?;
            Some(file.split('.').next().unwrap_or(file).to_owned())
        };
        self.files.keys().filter_map(module).collect()
    }
}

impl Sources for Trees {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(place) = self.files.get(path) else { return Ok(None) };
        let failed = |e: std::io::Error| SourceError { path: path.to_owned(), reason: e.to_string() };
        std::fs::read(place).map(Some).map_err(failed)
    }

    fn list(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}
