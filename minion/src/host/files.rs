//! Files of this machine.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{
    DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use lab_proto::Digest;
use lab_states::host::{CHANGED, FileKind, FileMeta, Files, HostError, Node, Seen, System, WriteOptions};
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::libc;
use nix::sys::stat::{self, SFlag};
use sha2::{Digest as _, Sha256};

use super::{LinuxHost, MASK};

impl Files for LinuxHost {
    fn stat(&self, path: &Path) -> Result<Option<FileMeta>, HostError> {
        found(path, fs::metadata(path))
    }

    fn lstat(&self, path: &Path) -> Result<Option<FileMeta>, HostError> {
        found(path, fs::symlink_metadata(path))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        fs::read(path).map_err(|e| HostError::io("read", path, &e))
    }

    fn read_known(&self, path: &Path, meta: &FileMeta) -> Result<Vec<u8>, HostError> {
        let size = if meta.is_file() { meta.size } else { 0 };
        read_of_size(path, size).map_err(|e| HostError::io("read", path, &e))
    }

    fn stat_and_read(&self, path: &Path, most: u64, follow: bool) -> Result<Option<Seen>, HostError> {
        match fs::symlink_metadata(path) {
            Err(e) => return found(path, Err(e)).map(|_| None),
            Ok(meta) if meta.is_file() => {
                if let Some(seen) = plain(path, most) {
                    return Ok(Some(seen));
                }
            }
            Ok(_) => {}
        }
        // What stands there is not opened yet: of a pipe or a device that is an act.
        let flags = if follow { libc::O_PATH } else { libc::O_PATH | libc::O_NOFOLLOW };
        let place = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Ok(place) => place,
            Err(e) => return found(path, Err(e)).map(|_| None),
        };
        let Some(meta) = found(path, place.metadata())? else { return Ok(None) };
        let content = content_of(&meta, most, || opened(&place));
        Ok(Some((meta, content)))
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        fs::read_link(path).map_err(|e| HostError::io("read link", path, &e))
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, HostError> {
        let bad = |e| HostError::io("list", path, &e);
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(bad)? {
            names.push(PathBuf::from(entry.map_err(bad)?.file_name()));
        }
        names.sort();
        Ok(names)
    }

    fn write(&self, path: &Path, content: &[u8], options: WriteOptions) -> Result<(), HostError> {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.replace(&real, options, |file| file.write_all(content))
            .map_err(|e| HostError::io("write", path, &e))
    }

    fn same_content(&self, one: &Path, other: &Path) -> Result<bool, HostError> {
        let open = |path: &Path| File::open(path).map_err(|e| HostError::io("read", path, &e));
        same(open(one)?, open(other)?).map_err(|e| HostError::io("compare", other, &e))
    }

    fn digest(&self, path: &Path) -> Result<Digest, HostError> {
        let bad = |e: io::Error| HostError::io("read", path, &e);
        hashed(&mut File::open(path).map_err(bad)?, |_| Ok(())).map_err(bad)
    }

    fn copy(
        &self,
        from: &Path,
        to: &Path,
        options: WriteOptions,
        sum: Option<&Digest>,
    ) -> Result<(), HostError> {
        let mut source = File::open(from).map_err(|e| HostError::io("read", from, &e))?;
        let real = fs::canonicalize(to).unwrap_or_else(|_| to.to_owned());
        let copied = self.replace(&real, options, |file| match sum {
            Some(sum) => copy_known(&mut source, file, sum),
            None => io::copy(&mut source, file).map(drop),
        });
        copied.map_err(|e| HostError::io("write", to, &e))
    }

    fn node(&self, path: &Path) -> Result<Option<Node>, HostError> {
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(HostError::io("look at", path, &e)),
        };
        let numbers = || {
            let part = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            (part(stat::major(meta.rdev())), part(stat::minor(meta.rdev())))
        };
        Ok(match meta.file_type() {
            t if t.is_fifo() => Some(Node::Fifo),
            t if t.is_char_device() => Some(Node::Char(numbers().0, numbers().1)),
            t if t.is_block_device() => Some(Node::Block(numbers().0, numbers().1)),
            _ => None,
        })
    }

    fn mknod(&self, path: &Path, node: Node, mode: u32) -> Result<(), HostError> {
        let (kind, device) = match node {
            Node::Fifo => (SFlag::S_IFIFO, 0),
            Node::Char(major, minor) => (SFlag::S_IFCHR, stat::makedev(major.into(), minor.into())),
            Node::Block(major, minor) => (SFlag::S_IFBLK, stat::makedev(major.into(), minor.into())),
        };
        let bad = |e: io::Error| HostError::io("make", path, &e);
        // Closed to others until the mode is right: the umask is applied to what mknod(2) is given.
        stat::mknod(path, kind, stat::Mode::S_IRUSR | stat::Mode::S_IWUSR, device)
            .map_err(|e| bad(e.into()))?;
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(bad)
    }

    fn mkdir(&self, path: &Path, mode: Option<u32>) -> Result<(), HostError> {
        let bad = |e| HostError::io("make directory", path, &e);
        fs::DirBuilder::new().mode(mode.unwrap_or(0o777)).create(path).map_err(bad)?;
        match mode.or(MASK.get().map(|umask| 0o777 & !umask)) {
            // The process's umask was applied to what mkdir(2) was given.
            Some(mode) => fs::set_permissions(path, Permissions::from_mode(mode)).map_err(bad),
            None => Ok(()),
        }
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        fs::remove_file(path).map_err(|e| HostError::io("remove", path, &e))
    }

    fn remove_dir_all(&self, path: &Path) -> Result<(), HostError> {
        fs::remove_dir_all(path).map_err(|e| HostError::io("remove", path, &e))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        fs::rename(from, to).map_err(|e| HostError::io("rename", from, &e))
    }

    fn symlink(&self, target: &Path, path: &Path) -> Result<(), HostError> {
        symlink(target, path).map_err(|e| HostError::io("link", path, &e))
    }

    fn hard_link(&self, file: &Path, path: &Path) -> Result<(), HostError> {
        fs::hard_link(file, path).map_err(|e| HostError::io("link", path, &e))
    }

    fn chmod(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|e| HostError::io("set mode of", path, &e))
    }

    fn chown(&self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> Result<(), HostError> {
        lchown(path, uid, gid).map_err(|e| HostError::io("set owner of", path, &e))
    }

    fn touch(&self, path: &Path, mtime: Option<i64>) -> Result<(), HostError> {
        let bad = |e| HostError::io("touch", path, &e);
        let time = match mtime.map(u64::try_from) {
            None => SystemTime::now(),
            Some(Ok(seconds)) => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            Some(Err(_)) => return Err(bad(io::Error::other("times before 1970 are not supported"))),
        };
        File::open(path).and_then(|f| f.set_modified(time)).map_err(bad)
    }
}

/// Larger files are read piece by piece.
const MOST_AT_ONCE: usize = 1 << 20;

/// Reads what was a file a moment ago, along a way without links: a pipe that took its place does not hold the opening up, a
/// link that leads to a device is not followed, and a device itself only root could put there. Nothing where the way has links,
/// or where there is no such file any more.
fn plain(path: &Path, most: u64) -> Option<Seen> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    let file = File::from(openat2(AT_FDCWD, path, how).ok()?);
    let meta = found(path, file.metadata()).ok()??;
    let content = content_of(&meta, most, || Ok(file))?;
    Some((meta, Some(content)))
}

/// Reads the content of a file that is not too large and has one.
fn content_of(meta: &FileMeta, most: u64, open: impl FnOnce() -> io::Result<File>) -> Option<Vec<u8>> {
    match usize::try_from(meta.size) {
        // The kernel's own files say that they are empty.
        Ok(size @ 1..) if meta.is_file() && meta.size <= most => {
            open().and_then(|mut file| read_sized(&mut file, size)).ok()
        }
        _ => None,
    }
}

/// Opens for reading what was looked at, whatever stands at its path now. Where /proc is not mounted this is refused.
fn opened(place: &File) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", place.as_raw_fd()))
}

/// Reads a file that was so large a moment ago.
pub(crate) fn read_of_size(path: &Path, size: u64) -> io::Result<Vec<u8>> {
    match usize::try_from(size) {
        // The kernel's own files say that they are empty.
        Ok(size @ 1..=MOST_AT_ONCE) => read_sized(&mut File::open(path)?, size),
        _ => fs::read(path),
    }
}

/// Reads a file in one step when it still has the size that it had.
fn read_sized(file: &mut File, size: usize) -> io::Result<Vec<u8>> {
    // One byte more: a file that has grown shows.
    let mut content = vec![0; size + 1];
    let got = file.read(&mut content)?;
    content.truncate(got);
    if got != size {
        file.read_to_end(&mut content)?;
    }
    Ok(content)
}

/// Compares two files piece by piece.
fn same(mut one: File, mut other: File) -> io::Result<bool> {
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let (got, also) = (fill_piece(&mut one, &mut left)?, fill_piece(&mut other, &mut right)?);
        if left.get(..got) != right.get(..also) {
            return Ok(false);
        }
        if got == 0 {
            return Ok(true);
        }
    }
}

/// How much of a file is compared at once.
const PIECE: usize = 128 << 10;

/// Copies a content and refuses it when it turns out to be another one: what was hashed before may have been changed since.
fn copy_known(source: &mut File, file: &mut File, sum: &Digest) -> io::Result<()> {
    let have = hashed(source, |piece| file.write_all(piece))?;
    if have == *sum { Ok(()) } else { Err(io::Error::other(CHANGED)) }
}

/// Returns the SHA-256 of what is read, and hands it on piece by piece.
fn hashed(source: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Digest> {
    let (mut hasher, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let got = fill_piece(source, &mut piece)?;
        if got == 0 {
            return Ok(Digest::from_bytes(hasher.finalize().into()));
        }
        let piece = piece.get(..got).unwrap_or_default();
        hasher.update(piece);
        each(piece)?;
    }
}

fn fill_piece(file: &mut File, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

impl LinuxHost {
    /// Writes beside the target, makes that durable, and renames it over the target.
    fn replace(
        &self,
        path: &Path,
        options: WriteOptions,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let old = match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(meta) => Some(meta),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let fresh = 0o666 & !options.umask.unwrap_or(self.umask());
        let mode = options.mode.unwrap_or_else(|| old.as_ref().map_or(fresh, |m| m.mode() & 0o7777));
        let uid = options.uid.or(old.as_ref().map(MetadataExt::uid));
        let gid = options.gid.or(old.as_ref().map(MetadataExt::gid));
        let (dir, temporary) = beside(path)?;
        let written = write_new(&temporary, fill, mode, uid, gid).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // The first error is the one to tell; a left-over temporary file is only untidy.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        File::open(dir)?.sync_all()
    }
}

/// Returns the directory of a path and a name in it that no one else uses.
fn beside(path: &Path) -> io::Result<(&Path, PathBuf)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let dir = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    let name = path.file_name().ok_or_else(|| io::Error::other("the path ends in '..'"))?;
    let mut hidden = OsString::from(".");
    // Names may have 255 bytes; a long one is cut where it is only a hint.
    hidden.push(name.to_string_lossy().chars().take(40).collect::<String>());
    hidden.push(format!(".lab-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    Ok((dir, dir.join(hidden)))
}

fn write_new(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
) -> io::Result<()> {
    // Closed to others until owner and mode are right.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    fill(&mut file)?;
    if uid.is_some() || gid.is_some() {
        let now = file.metadata()?;
        if uid.is_some_and(|u| u != now.uid()) || gid.is_some_and(|g| g != now.gid()) {
            std::os::unix::fs::fchown(&file, uid, gid)?;
        }
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

fn found(path: &Path, meta: io::Result<fs::Metadata>) -> Result<Option<FileMeta>, HostError> {
    let meta = match meta {
        Ok(meta) => meta,
        Err(e) if is_absence(&e) => return Ok(None),
        Err(e) => return Err(HostError::io("look at", path, &e)),
    };
    let kind = match meta.file_type() {
        t if t.is_dir() => FileKind::Dir,
        t if t.is_file() => FileKind::File,
        t if t.is_symlink() => FileKind::Symlink,
        _ => FileKind::Special,
    };
    Ok(Some(FileMeta {
        kind,
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.len(),
        mtime: meta.mtime(),
        inode: (meta.dev(), meta.ino()),
    }))
}

/// Tells whether there is nothing at a path, as the error says.
fn is_absence(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_states::host::Cause;
    use nix::errno::Errno;
    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

    #[test]
    fn a_write_replaces_in_one_step_keeps_the_mode_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let host = LinuxHost::new();
        host.write(&path, b"one", WriteOptions { mode: Some(0o640), ..Default::default() }).unwrap();
        host.write(&path, b"two", WriteOptions::default()).unwrap();
        assert_eq!(host.read(&path), Ok(b"two".to_vec()));
        assert_eq!(host.stat(&path).unwrap().unwrap().mode, 0o640);
        assert_eq!(host.list(dir.path()), Ok(vec![PathBuf::from("f")]));
    }

    #[test]
    fn files_are_compared_and_copied_piece_by_piece() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        let host = LinuxHost::new();
        let mut content = vec![b'x'; 3 * PIECE + 17];
        fs::write(&one, &content).unwrap();
        host.copy(&one, &other, WriteOptions { mode: Some(0o600), ..Default::default() }, None).unwrap();
        assert_eq!(host.same_content(&one, &other), Ok(true));
        assert_eq!(host.stat(&other).unwrap().unwrap().mode, 0o600);
        *content.last_mut().unwrap() = b'y';
        fs::write(&other, &content).unwrap();
        assert_eq!(host.same_content(&one, &other), Ok(false));
        fs::write(&other, &content[1..]).unwrap();
        assert_eq!(host.same_content(&one, &other), Ok(false));
        assert!(host.copy(&dir.path().join("no"), &other, WriteOptions::default(), None).is_err());
        assert_eq!(fs::read(&other).unwrap(), &content[1..]);
    }

    #[test]
    fn what_is_not_what_was_checked_is_not_put_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("source"), dir.path().join("target"));
        let host = LinuxHost::new();
        let mut content = vec![b'x'; 2 * PIECE + 1];
        fs::write(&source, &content).unwrap();
        fs::write(&target, "old").unwrap();
        let checked = host.digest(&source).unwrap();
        *content.last_mut().unwrap() = b'y';
        fs::write(&source, &content).unwrap();
        let refused = host.copy(&source, &target, WriteOptions::default(), Some(&checked)).unwrap_err();
        assert!(refused.to_string().contains(CHANGED), "{refused}");
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside it");
        let now = host.digest(&source).unwrap();
        host.copy(&source, &target, WriteOptions::default(), Some(&now)).unwrap();
        assert_eq!(fs::read(&target).unwrap(), content);
    }

    #[test]
    fn a_pipe_is_made_and_known_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        let host = LinuxHost::new();
        host.mknod(&path, Node::Fifo, 0o662).unwrap();
        assert_eq!(host.node(&path), Ok(Some(Node::Fifo)));
        assert_eq!(host.lstat(&path).unwrap().map(|m| (m.kind, m.mode)), Some((FileKind::Special, 0o662)));
        assert!(host.mknod(&path, Node::Fifo, 0o600).is_err());
        assert!(matches!(host.node(Path::new("/dev/null")), Ok(Some(Node::Char(1, 3)))));
        assert_eq!(host.node(dir.path()), Ok(None));
    }

    #[test]
    fn a_file_that_changed_since_it_was_looked_at_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let host = LinuxHost::new();
        for (before, after) in [("one", "one"), ("one", "three"), ("three", "one"), ("", "one"), ("one", "")]
        {
            fs::write(&path, before).unwrap();
            let meta = host.stat(&path).unwrap().unwrap();
            fs::write(&path, after).unwrap();
            assert_eq!(host.read_known(&path, &meta), Ok(after.into()), "{before:?} {after:?}");
        }
    }

    #[test]
    fn one_look_tells_what_stands_there_and_what_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let host = LinuxHost::new();
        let (path, link) = (dir.path().join("f"), dir.path().join("link"));
        host.symlink(Path::new("f"), &link).unwrap();
        for absent in [&path, &link, &path.join("below")] {
            assert_eq!(host.stat_and_read(absent, 9, true), Ok(None), "{absent:?}");
        }
        fs::write(&path, "one").unwrap();
        for there in [&path, &link] {
            let meta = host.stat(there).unwrap().unwrap();
            assert_eq!(host.stat_and_read(there, 3, true), Ok(Some((meta.clone(), Some(b"one".to_vec())))));
            assert_eq!(host.stat_and_read(there, 2, true), Ok(Some((meta, None))));
        }
        let own = host.lstat(&link).unwrap().unwrap();
        assert_eq!(host.stat_and_read(&link, u64::MAX, false), Ok(Some((own, None))), "it is not followed");
        let (_, content) = host.stat_and_read(&path, 3, false).unwrap().unwrap();
        assert_eq!(content.as_deref(), Some(b"one".as_slice()));
        let (meta, content) = host.stat_and_read(dir.path(), u64::MAX, true).unwrap().unwrap();
        assert_eq!((meta.kind, content), (FileKind::Dir, None));
        host.symlink(dir.path(), &dir.path().join("way")).unwrap();
        let (_, content) = host.stat_and_read(&dir.path().join("way/f"), 3, false).unwrap().unwrap();
        assert_eq!(content.as_deref(), Some(b"one".as_slice()), "a way with links is one");
        let (_, content) = host.stat_and_read(Path::new("/proc/self/stat"), u64::MAX, true).unwrap().unwrap();
        assert_eq!(content, None, "its size is unknown");
    }

    #[test]
    fn what_took_the_place_of_a_file_is_not_opened_by_the_quick_way() {
        let dir = tempfile::tempdir().unwrap();
        // The way to it must be one without links.
        let root = fs::canonicalize(dir.path()).unwrap();
        let host = LinuxHost::new();
        let at = |name: &str| root.join(name);
        fs::write(at("file"), "one").unwrap();
        fs::write(at("empty"), "").unwrap();
        host.symlink(Path::new("file"), &at("link")).unwrap();
        host.symlink(&root, &at("way")).unwrap();
        host.mknod(&at("pipe"), Node::Fifo, 0o600).unwrap();
        let quick = |name: &str| plain(&at(name), 3).and_then(|(_, content)| content);
        assert_eq!(quick("file").as_deref(), Some(b"one".as_slice()));
        for other in ["link", "way/file", "pipe", "empty", "absent", ""] {
            assert_eq!(quick(other), None, "{other}");
        }
        fs::write(at("file"), "longer").unwrap();
        assert_eq!(quick("file"), None, "it has grown");
    }

    #[test]
    fn looking_at_a_pipe_neither_opens_it_nor_takes_what_a_writer_put_there() {
        let dir = tempfile::tempdir().unwrap();
        let host = LinuxHost::new();
        let path = dir.path().join("pipe");
        host.mknod(&path, Node::Fifo, 0o600).unwrap();
        let flags = libc::O_NONBLOCK;
        let mut both = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&path).unwrap();
        both.write_all(b"for another").unwrap();
        let eye = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
        eye.add_watch(&path, AddWatchFlags::IN_OPEN).unwrap();
        for follow in [true, false] {
            let (meta, content) = host.stat_and_read(&path, u64::MAX, follow).unwrap().unwrap();
            assert_eq!((meta.kind, content), (FileKind::Special, None));
        }
        assert!(matches!(eye.read_events(), Err(Errno::EAGAIN)), "nobody opened it");
        let mut held = [0; 11];
        both.read_exact(&mut held).unwrap();
        assert_eq!(&held, b"for another");
        File::open(dir.path().join("pipe")).unwrap();
        assert_eq!(eye.read_events().map(|events| events.len()), Ok(1), "an opening would have been seen");
    }

    #[test]
    fn a_new_file_gets_the_umask_that_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        LinuxHost::new()
            .write(&path, b"", WriteOptions { umask: Some(0o077), ..Default::default() })
            .unwrap();
        assert_eq!(LinuxHost::new().stat(&path).unwrap().unwrap().mode, 0o600);
    }

    #[test]
    fn a_symbolic_link_is_followed_by_a_write_and_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let host = LinuxHost::new();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        host.write(&real, b"old", WriteOptions::default()).unwrap();
        host.symlink(Path::new("real"), &link).unwrap();
        host.write(&link, b"new", WriteOptions::default()).unwrap();
        assert_eq!(host.lstat(&link).unwrap().unwrap().kind, FileKind::Symlink);
        assert_eq!(host.read(&real), Ok(b"new".to_vec()));
    }

    #[test]
    fn errors_tell_absent_from_directory() {
        let dir = tempfile::tempdir().unwrap();
        let host = LinuxHost::new();
        let absent = dir.path().join("no/f");
        assert_eq!(host.write(&absent, b"", WriteOptions::default()).unwrap_err().cause, Cause::NotFound);
        assert_eq!(
            host.write(dir.path(), b"", WriteOptions::default()).unwrap_err().cause,
            Cause::IsDirectory
        );
        assert_eq!(host.stat(&absent), Ok(None));
    }
}
