//! The file system of the simulated machine.

use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{Cause, FileKind, FileMeta, Files, HostError, Node as Special, WriteOptions};
use super::{SimHost, State};

#[derive(Clone, Debug)]
pub(super) struct Node {
    body: Body,
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: i64,
    inode: u64,
}

#[derive(Clone, Debug)]
enum Body {
    File(Vec<u8>),
    Dir,
    Symlink(PathBuf),
    Special(Special),
}

/// Numbers the files of all simulated machines.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Node {
    pub(super) fn file(content: Vec<u8>, mode: u32, mtime: i64) -> Self {
        Self { body: Body::File(content), mode, uid: 0, gid: 0, mtime, inode: fresh() }
    }

    pub(super) fn dir(mode: u32) -> Self {
        Self { body: Body::Dir, mode, uid: 0, gid: 0, mtime: 0, inode: fresh() }
    }

    pub(super) fn owned_by(self, uid: u32, gid: u32) -> Self {
        Self { uid, gid, ..self }
    }

    pub(super) fn symlink(target: impl Into<PathBuf>) -> Self {
        Self { body: Body::Symlink(target.into()), mode: 0o777, uid: 0, gid: 0, mtime: 0, inode: fresh() }
    }

    pub(super) fn content(&self) -> Option<&[u8]> {
        if let Body::File(content) = &self.body { Some(content) } else { None }
    }

    pub(super) fn describe(&self) -> String {
        let Self { body, mode, uid, gid, mtime: _, inode: _ } = self;
        match body {
            Body::File(content) => {
                format!("file {mode:04o} {uid}:{gid} {:?}", String::from_utf8_lossy(content))
            }
            Body::Dir => format!("dir {mode:04o} {uid}:{gid}"),
            Body::Symlink(target) => format!("symlink {} {uid}:{gid}", target.display()),
            Body::Special(node) => format!("{node:?} {mode:04o} {uid}:{gid}"),
        }
    }

    fn meta(&self) -> FileMeta {
        let (kind, size) = match &self.body {
            Body::File(content) => (FileKind::File, content.len() as u64),
            Body::Dir => (FileKind::Dir, 4096),
            Body::Symlink(target) => (FileKind::Symlink, target.as_os_str().len() as u64),
            Body::Special(_) => (FileKind::Special, 0),
        };
        FileMeta {
            kind,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            size,
            mtime: self.mtime,
            inode: (1, self.inode),
        }
    }
}

impl State {
    pub(super) fn make_dirs(&mut self, path: &Path) {
        for dir in path.ancestors() {
            self.nodes.entry(dir.to_owned()).or_insert_with(|| Node::dir(0o755));
        }
    }

    /// Resolves the links in a path: all of them, or all but the last.
    fn resolve(&self, path: &Path, last: bool) -> Result<PathBuf, Cause> {
        let mut budget = 40;
        let mut todo: Vec<PathBuf> = parts(path);
        let mut done = PathBuf::from("/");
        while let Some(part) = todo.pop() {
            if part == Path::new("..") {
                done.pop();
                continue;
            }
            let next = done.join(&part);
            match self.nodes.get(&next).map(|n| &n.body) {
                Some(Body::Symlink(target)) if last || !todo.is_empty() => {
                    budget -= 1;
                    if budget == 0 {
                        return Err(Cause::Other("too many levels of symbolic links".to_owned()));
                    }
                    if target.is_absolute() {
                        done = PathBuf::from("/");
                    }
                    todo.extend(parts(target));
                }
                Some(Body::File(_)) if !todo.is_empty() => return Err(Cause::NotDirectory),
                _ => done = next,
            }
        }
        Ok(done)
    }

    fn look(&self, action: &'static str, path: &Path, follow: bool) -> Result<Option<&Node>, HostError> {
        match self.resolve(path, follow) {
            Ok(real) => Ok(self.nodes.get(&real)),
            Err(Cause::NotDirectory) => Ok(None),
            Err(cause) => Err(HostError::at(action, path, cause)),
        }
    }

    fn change(
        &mut self,
        action: &'static str,
        path: &Path,
        follow: bool,
        f: impl FnOnce(&mut Node, i64),
    ) -> Result<(), HostError> {
        let real = self.resolve(path, follow).map_err(|c| HostError::at(action, path, c))?;
        if !self.nodes.contains_key(&real) {
            return Err(HostError::at(action, path, Cause::NotFound));
        }
        self.write(action, &path.display().to_string())?;
        let now = self.seconds;
        if let Some(node) = self.nodes.get_mut(&real) {
            f(node, now);
        }
        Ok(())
    }

    fn create(&mut self, action: &'static str, path: &Path, node: Node) -> Result<(), HostError> {
        let bad = |cause| HostError::at(action, path, cause);
        let real = self.resolve(path, false).map_err(bad)?;
        if self.nodes.contains_key(&real) {
            return Err(bad(Cause::Exists));
        }
        self.need_parent(&real).map_err(bad)?;
        self.write(action, &path.display().to_string())?;
        self.nodes.insert(real, node);
        Ok(())
    }

    fn need_parent(&self, real: &Path) -> Result<(), Cause> {
        match real.parent().and_then(|p| self.nodes.get(p)).map(|n| &n.body) {
            Some(Body::Dir) => Ok(()),
            Some(_) => Err(Cause::NotDirectory),
            None => Err(Cause::NotFound),
        }
    }
}

/// The components of a path, last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    path.components()
        .rev()
        .filter_map(|c| match c {
            Component::Normal(part) => Some(PathBuf::from(part)),
            Component::ParentDir => Some(PathBuf::from("..")),
            _ => None,
        })
        .collect()
}

impl Files for SimHost {
    fn stat(&self, path: &Path) -> Result<Option<FileMeta>, HostError> {
        Ok(self.lock().look("look at", path, true)?.map(Node::meta))
    }

    fn lstat(&self, path: &Path) -> Result<Option<FileMeta>, HostError> {
        Ok(self.lock().look("look at", path, false)?.map(Node::meta))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        match self.lock().look("read", path, true)?.map(|n| &n.body) {
            Some(Body::File(content)) => Ok(content.clone()),
            Some(_) => Err(HostError::at("read", path, Cause::IsDirectory)),
            None => Err(HostError::at("read", path, Cause::NotFound)),
        }
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        match self.lock().look("read link", path, false)?.map(|n| &n.body) {
            Some(Body::Symlink(target)) => Ok(target.clone()),
            Some(_) => {
                Err(HostError::other("read link", path.display().to_string(), "it is no symbolic link"))
            }
            None => Err(HostError::at("read link", path, Cause::NotFound)),
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, HostError> {
        let state = self.lock();
        let bad = |cause| HostError::at("list", path, cause);
        let real = state.resolve(path, true).map_err(bad)?;
        match state.nodes.get(&real).map(|n| &n.body) {
            Some(Body::Dir) => {}
            Some(_) => return Err(bad(Cause::NotDirectory)),
            None => return Err(bad(Cause::NotFound)),
        }
        let below = state.nodes.keys().filter(|p| p.parent() == Some(&real));
        Ok(below.filter_map(|p| p.file_name().map(PathBuf::from)).collect())
    }

    fn write(&self, path: &Path, content: &[u8], options: WriteOptions) -> Result<(), HostError> {
        let mut state = self.lock();
        let bad = |cause| HostError::at("write", path, cause);
        let real = state.resolve(path, true).map_err(bad)?;
        state.need_parent(&real).map_err(bad)?;
        let (mode, uid, gid) = match state.nodes.get(&real) {
            Some(Node { body: Body::File(_), mode, uid, gid, .. }) => (*mode, *uid, *gid),
            Some(_) => return Err(bad(Cause::IsDirectory)),
            None => (0o666 & !options.umask.unwrap_or(0o022), 0, 0),
        };
        state.write("write", &path.display().to_string())?;
        let mut node = Node::file(content.to_vec(), options.mode.unwrap_or(mode), state.seconds);
        node.uid = options.uid.unwrap_or(uid);
        node.gid = options.gid.unwrap_or(gid);
        state.nodes.insert(real, node);
        Ok(())
    }

    fn mkdir(&self, path: &Path, mode: Option<u32>) -> Result<(), HostError> {
        self.lock().create("make directory", path, Node::dir(mode.unwrap_or(0o755)))
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        let mut state = self.lock();
        let bad = |cause| HostError::at("remove", path, cause);
        let real = state.resolve(path, false).map_err(bad)?;
        match state.nodes.get(&real).map(|n| &n.body) {
            Some(Body::Dir) => return Err(bad(Cause::IsDirectory)),
            Some(_) => {}
            None => return Err(bad(Cause::NotFound)),
        }
        state.write("remove", &path.display().to_string())?;
        state.nodes.remove(&real);
        Ok(())
    }

    fn remove_dir_all(&self, path: &Path) -> Result<(), HostError> {
        let mut state = self.lock();
        let bad = |cause| HostError::at("remove", path, cause);
        let real = state.resolve(path, false).map_err(bad)?;
        match state.nodes.get(&real).map(|n| &n.body) {
            Some(Body::Dir) => {}
            Some(_) => return Err(bad(Cause::NotDirectory)),
            None => return Err(bad(Cause::NotFound)),
        }
        state.write("remove", &path.display().to_string())?;
        state.nodes.retain(|p, _| !p.starts_with(&real));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        let mut state = self.lock();
        let bad = |cause| HostError::at("rename", from, cause);
        let source = state.resolve(from, false).map_err(bad)?;
        let target = state.resolve(to, false).map_err(bad)?;
        state.need_parent(&target).map_err(bad)?;
        if !state.nodes.contains_key(&source) {
            return Err(bad(Cause::NotFound));
        }
        if state.nodes.get(&target).is_some_and(|n| matches!(n.body, Body::Dir)) {
            return Err(bad(Cause::IsDirectory));
        }
        state.write("rename", &from.display().to_string())?;
        let moved: Vec<PathBuf> = state.nodes.keys().filter(|p| p.starts_with(&source)).cloned().collect();
        for path in moved {
            let rest = path.strip_prefix(&source).map(Path::to_owned).unwrap_or_default();
            let place = if rest.as_os_str().is_empty() { target.clone() } else { target.join(rest) };
            if let Some(node) = state.nodes.remove(&path) {
                state.nodes.insert(place, node);
            }
        }
        Ok(())
    }

    fn symlink(&self, target: &Path, path: &Path) -> Result<(), HostError> {
        self.lock().create("link", path, Node::symlink(target))
    }

    /// Both names are one file to `stat`; a later write parts them, which no function relies on.
    fn hard_link(&self, file: &Path, path: &Path) -> Result<(), HostError> {
        let mut state = self.lock();
        let real = state.resolve(file, false).map_err(|c| HostError::at("link", file, c))?;
        let node =
            state.nodes.get(&real).cloned().ok_or_else(|| HostError::at("link", file, Cause::NotFound))?;
        state.create("link", path, node)
    }

    fn node(&self, path: &Path) -> Result<Option<Special>, HostError> {
        let state = self.lock();
        let found = state.look("look at", path, true)?.map(|n| &n.body);
        Ok(if let Some(Body::Special(node)) = found { Some(*node) } else { None })
    }

    fn mknod(&self, path: &Path, node: Special, mode: u32) -> Result<(), HostError> {
        let body = Body::Special(node);
        self.lock().create("make", path, Node { body, mode, uid: 0, gid: 0, mtime: 0, inode: fresh() })
    }

    fn chmod(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        self.lock().change("set mode of", path, true, |node, _| node.mode = mode)
    }

    fn chown(&self, path: &Path, uid: Option<u32>, gid: Option<u32>) -> Result<(), HostError> {
        self.lock().change("set owner of", path, false, |node, _| {
            node.uid = uid.unwrap_or(node.uid);
            node.gid = gid.unwrap_or(node.gid);
        })
    }

    fn touch(&self, path: &Path, mtime: Option<i64>) -> Result<(), HostError> {
        self.lock().change("touch", path, true, |node, now| node.mtime = mtime.unwrap_or(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(s: &str) -> &Path {
        Path::new(s)
    }

    #[test]
    fn links_are_followed_in_the_middle_and_at_the_end() {
        let host = SimHost::new().with_file("/srv/real/f", "x").with_symlink("/srv/link", "real");
        assert_eq!(host.read(p("/srv/link/f")), Ok(b"x".to_vec()));
        assert_eq!(host.lstat(p("/srv/link")).unwrap().unwrap().kind, FileKind::Symlink);
        assert!(host.stat(p("/srv/link")).unwrap().unwrap().is_dir());
        let looped = SimHost::new().with_symlink("/a", "/b").with_symlink("/b", "/a");
        assert!(looped.stat(p("/a")).is_err());
    }

    #[test]
    fn a_write_keeps_mode_and_owner_and_needs_the_directory() {
        let host = SimHost::new();
        assert_eq!(host.write(p("/no/f"), b"x", WriteOptions::default()).unwrap_err().cause, Cause::NotFound);
        host.write(p("/etc/f"), b"x", WriteOptions { mode: Some(0o600), ..Default::default() }).unwrap();
        host.write(p("/etc/f"), b"y", WriteOptions::default()).unwrap();
        assert_eq!(host.stat(p("/etc/f")).unwrap().unwrap().mode, 0o600);
        assert_eq!(host.writes(), 2);
    }

    #[test]
    fn an_injected_fault_fails_that_step_and_leaves_the_old_content() {
        let host = SimHost::new().with_file("/etc/f", "old");
        host.fail("write", "/etc/f", Cause::Other("no space left on device".to_owned()), 0);
        assert!(host.write(p("/etc/f"), b"new", WriteOptions::default()).is_err());
        assert_eq!(host.text("/etc/f").as_deref(), Some("old"));
        assert_eq!(host.writes(), 0);
    }

    #[test]
    fn a_directory_is_renamed_with_everything_below_it() {
        let host = SimHost::new().with_file("/a/b/c", "x");
        host.rename(p("/a"), p("/z")).unwrap();
        assert_eq!(host.text("/z/b/c").as_deref(), Some("x"));
        assert_eq!(host.list(p("/z")), Ok(vec![PathBuf::from("b")]));
        assert!(host.stat(p("/a")).unwrap().is_none());
    }
}
