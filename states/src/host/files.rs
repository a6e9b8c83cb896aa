//! Files, directories and symbolic links.

use std::path::{Path, PathBuf};

use lab_proto::Digest;

use super::{Cause, HostError};

/// Says why a copy with a known sum was refused.
pub const CHANGED: &str = "it is not what was checked before: somebody changed it meanwhile";

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link (only from `lstat`).
    Symlink,
    /// A socket, pipe or device.
    Special,
}

/// What the machine knows about a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMeta {
    /// What it is.
    pub kind: FileKind,
    /// The permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The length in bytes.
    pub size: u64,
    /// When the content was last changed, in seconds since the epoch.
    pub mtime: i64,
    /// What makes two names one file: the numbers of its file system and of itself.
    pub inode: (u64, u64),
}

impl FileMeta {
    /// Tells whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == FileKind::Dir
    }

    /// Tells whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }
}

/// What the machine knows about a path, and what is in it where that was read with it.
pub type Seen = (FileMeta, Option<Vec<u8>>);

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// The mode; without it a present file keeps its own and a new one gets 0666 less the umask.
    pub mode: Option<u32>,
    /// The umask for a new file without a mode; the process's own when not given.
    pub umask: Option<u32>,
    /// The owner; kept, or the process's own.
    pub uid: Option<u32>,
    /// The group; kept, or the process's own.
    pub gid: Option<u32>,
}

/// What stands at a path that is no file, directory or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A named pipe.
    Fifo,
    /// A character device, by its numbers.
    Char(u32, u32),
    /// A block device, by its numbers.
    Block(u32, u32),
}

/// The file system. Paths are absolute.
pub trait Files: Send + Sync {
    /// Looks at a path, following symbolic links; `None` where there is nothing.
    ///
    /// # Errors
    /// When the machine does not say.
    fn stat(&self, path: &Path) -> Result<Option<FileMeta>, HostError>;

    /// Looks at a path itself, not at what it links to; `None` where there is nothing.
    ///
    /// # Errors
    /// When the machine does not say.
    fn lstat(&self, path: &Path) -> Result<Option<FileMeta>, HostError>;

    /// Reads a whole file.
    ///
    /// # Errors
    /// When it is absent, a directory, or not readable.
    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError>;

    /// Reads a whole file that was looked at just now: knowing its size saves steps.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn read_known(&self, path: &Path, _meta: &FileMeta) -> Result<Vec<u8>, HostError> {
        self.read(path)
    }

    /// Looks at a path, and reads what is there where it is a file of at most so many bytes: knowing that both are wanted
    /// saves steps. Without the content, whatever the reason is, nothing is known about it. What is no file, such as a link
    /// that is not followed, is only looked at.
    ///
    /// # Errors
    /// As [`Self::stat`].
    fn stat_and_read(&self, path: &Path, most: u64, follow: bool) -> Result<Option<Seen>, HostError> {
        let Some(meta) = (if follow { self.stat(path)? } else { self.lstat(path)? }) else { return Ok(None) };
        let wanted = meta.is_file() && meta.size <= most;
        let content = if wanted { self.read_known(path, &meta).ok() } else { None };
        Ok(Some((meta, content)))
    }

    /// Reads where a symbolic link points.
    ///
    /// # Errors
    /// When it is absent or no link.
    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError>;

    /// Lists the names in a directory, sorted.
    ///
    /// # Errors
    /// When it is absent or no directory.
    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, HostError>;

    /// Replaces a file's content in one step: readers see the old or the new one, also after a power cut.
    /// A symbolic link is followed. The directory must exist.
    ///
    /// # Errors
    /// When the directory is absent or the machine refuses; then the old content stands.
    fn write(&self, path: &Path, content: &[u8], options: WriteOptions) -> Result<(), HostError>;

    /// Makes one directory; with no mode, 0777 less the umask.
    ///
    /// # Errors
    /// When the parent is absent or something is there already.
    fn mkdir(&self, path: &Path, mode: Option<u32>) -> Result<(), HostError>;

    /// Removes a file or a symbolic link.
    ///
    /// # Errors
    /// When it is absent or a directory.
    fn remove_file(&self, path: &Path) -> Result<(), HostError>;

    /// Removes a directory with everything below it; symbolic links are removed, not followed.
    ///
    /// # Errors
    /// When something below cannot be removed.
    fn remove_dir_all(&self, path: &Path) -> Result<(), HostError>;

    /// Renames, replacing a file that stands at the new name.
    ///
    /// # Errors
    /// When the machine refuses.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError>;

    /// Makes a symbolic link at `path`.
    ///
    /// # Errors
    /// When something is there already.
    fn symlink(&self, target: &Path, path: &Path) -> Result<(), HostError>;

    /// Gives a file another name at `path`, on the same file system.
    ///
    /// # Errors
    /// When the file is absent, something is at the name already, or they are on two file systems.
    fn hard_link(&self, file: &Path, path: &Path) -> Result<(), HostError>;

    /// Tells what kind of node stands at a path; `None` for anything but a pipe or a device.
    ///
    /// # Errors
    /// When the machine does not say.
    fn node(&self, path: &Path) -> Result<Option<Node>, HostError>;

    /// Makes a pipe or a device.
    ///
    /// # Errors
    /// When something is there already, the directory is absent, or it is not allowed.
    fn mknod(&self, path: &Path, node: Node, mode: u32) -> Result<(), HostError>;

    /// Tells whether two files have the same content, however large they are.
    ///
    /// # Errors
    /// When one cannot be read.
    fn same_content(&self, one: &Path, other: &Path) -> Result<bool, HostError> {
        Ok(self.read(one)? == self.read(other)?)
    }

    /// Returns the SHA-256 of a file, however large it is.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn digest(&self, path: &Path) -> Result<Digest, HostError> {
        Ok(Digest::of(&self.read(path)?))
    }

    /// Replaces a file's content with that of another in one step, however large it is; see [`Self::write`]. With a SHA-256
    /// only what has it is put there: the other file may be another one than when it was looked at.
    ///
    /// # Errors
    /// As [`Self::read`] and [`Self::write`], and when the content has another sum.
    fn copy(
        &self,
        from: &Path,
        to: &Path,
        options: WriteOptions,
        sum: Option<&Digest>,
    ) -> Result<(), HostError> {
        let content = self.read(from)?;
        if sum.is_some_and(|sum| Digest::of(&content) != *sum) {
            return Err(HostError::new("copy", from.display().to_string(), Cause::Other(CHANGED.to_owned())));
        }
        self.write(to, &content, options)
    }

    /// Sets the permission bits, following symbolic links.
    ///
    /// # Errors
    /// When it is absent or not ours.
    fn chmod(&self, path: &Path, mode: u32) -> Result<(), HostError>;

    /// Sets owner and group (what is `None` stays) of the path itself, not of what it links to.
    ///
    /// # Errors
    /// When it is absent or not allowed.
    fn chown(&self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> Result<(), HostError>;

    /// Sets the time of the last change: to `mtime` in seconds since the epoch, or to the present.
    ///
    /// # Errors
    /// When it is absent or not allowed.
    fn touch(&self, path: &Path, mtime: Option<i64>) -> Result<(), HostError>;
}
