//! Small files that must be whole or absent: written beside their place, synced, then renamed.
//!
//! Used for keys, certificates and marks. Never used for data that grows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file or directory that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the system answered.
    pub source: io::Error,
}

impl FileError {
    /// Makes an error about a path; for `map_err`.
    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}

/// Writes a file so that a crash leaves either the old or the new content, never a mixture.
///
/// # Errors
/// When the directory does not take it (full, read-only, not ours).
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = dir.join(temporary(&name));
    let write = || -> io::Result<()> {
        match fs::remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(FileError::at("write", path))?;
    sync_dir(dir)
}

/// Names the file in which what is to be the file of this name is written.
fn temporary(name: &str) -> String {
    format!(".{name}.new")
}

/// Tells of which file such a one is, by its name: where nobody writes, it is what a crash left.
pub(crate) fn left_of(temporary: &str) -> Option<&str> {
    temporary.strip_prefix('.')?.strip_suffix(".new")
}

/// Makes a directory and its parents; only the last is closed to others when `mode` says so.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<(), FileError> {
    let make = || -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::DirBuilder::new().mode(mode).create(path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    };
    make().map_err(FileError::at("make directory", path))
}

/// Makes created, renamed and removed names durable.
///
/// # Errors
/// When the directory cannot be opened or synced.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), FileError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(FileError::at("sync directory", dir))
}

/// Reads a file; `None` when there is none.
///
/// # Errors
/// When it is there and cannot be read.
pub(crate) fn read_if_any(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FileError::at("read", path)(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_a_crash_leaves_is_known_by_its_name() {
        for name in ["key", "a.new", ".hidden"] {
            assert_eq!(left_of(&temporary(name)), Some(name));
            assert_eq!(left_of(name), None);
        }
    }

    #[test]
    fn a_file_is_replaced_whole_with_the_mode_that_was_asked_for() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("key");
        write_atomically(&path, b"one", 0o600).expect("writes");
        write_atomically(&path, b"two", 0o600).expect("writes again");
        assert_eq!(read_if_any(&path).expect("reads"), Some(b"two".to_vec()));
        let mode = fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 1, "nothing else is left");
    }
}
