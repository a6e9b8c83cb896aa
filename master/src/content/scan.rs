//! Reads the file roots into a manifest. Hashes are kept by path, size, times and inode, so that a scan of an unchanged
//! tree reads no content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lab_proto::tree::{Entry, Manifest, ManifestError};
use lab_proto::{Digest, Timestamp};
use sha2::{Digest as _, Sha256};

/// The deepest directory that is followed.
const MAX_DEPTH: usize = 64;
/// A file that changed so recently may change again without its times telling: they may be coarse, and a long write sets
/// them when it begins.
pub(crate) const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// A tree that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A file or directory says no.
    #[error("cannot {verb} {}", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// A file's name is not UTF-8.
    #[error("the name of {} is not UTF-8; rename it", path.display())]
    Name {
        /// Which.
        path: PathBuf,
    },
    /// Directories are nested too deep.
    #[error("{} is nested deeper than {MAX_DEPTH} levels; move it up", path.display())]
    TooDeep {
        /// Where.
        path: PathBuf,
    },
    /// The tree is too large.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// What is being read now, for whoever waits for it.
#[derive(Debug, Default)]
pub struct Reading {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Reading {
    /// Counts another file.
    pub fn file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts bytes that were read of it.
    pub fn bytes(&self, more: usize) {
        self.bytes.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// Forgets what was counted: nothing is read any more.
    pub fn ends(&self) {
        self.files.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }

    /// Returns how many files, and bytes of them, were read so far; none when nothing is.
    pub fn so_far(&self) -> Option<(u64, u64)> {
        let files = self.files.load(Ordering::Relaxed);
        (files > 0).then(|| (files, self.bytes.load(Ordering::Relaxed)))
    }
}

/// Reads trees again and again, hashing only what changed.
#[derive(Debug, Default)]
pub struct Scanner {
    known: BTreeMap<PathBuf, (Stamp, Digest)>,
    reading: Arc<Reading>,
}

/// A tree as it was found.
#[derive(Debug)]
pub struct Scan {
    /// Its manifest.
    pub manifest: Manifest,
    /// The digest that names it.
    pub digest: Digest,
    /// Where each content lies.
    pub sources: BTreeMap<Digest, PathBuf>,
    /// Whether all of it will be known to the next scan. What changed a moment ago is hashed once more.
    pub settled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(m: &Metadata) -> Self {
        Self {
            device: m.dev(),
            inode: m.ino(),
            size: m.len(),
            modified: (m.mtime(), m.mtime_nsec()),
            changed: (m.ctime(), m.ctime_nsec()),
        }
    }

    /// Returns when the file changed last.
    fn changed_at(&self) -> Timestamp {
        let (seconds, nanoseconds) = self.changed;
        Timestamp::from_micros(seconds.saturating_mul(1_000_000).saturating_add(nanoseconds / 1000))
    }
}

impl Scanner {
    /// Makes a scanner that knows nothing, and tells here what it reads.
    pub fn new(reading: Arc<Reading>) -> Self {
        Self { known: BTreeMap::new(), reading }
    }

    /// Reads the roots; of a path in several roots the first one counts. A root that does not exist is empty.
    /// `now` is the wall clock, to tell files that may still be being written.
    ///
    /// # Errors
    /// When something exists and cannot be read, has no UTF-8 name, or there is too much.
    pub fn scan(&mut self, roots: &[PathBuf], now: Timestamp) -> Result<Scan, ScanError> {
        let mut walk = Walk {
            scanner: self,
            now,
            entries: Vec::new(),
            sources: BTreeMap::new(),
            settled: true,
            seen: BTreeSet::new(),
            above: Vec::new(),
        };
        for root in roots {
            match fs::metadata(root) {
                Ok(metadata) => {
                    walk.above = vec![(metadata.dev(), metadata.ino())];
                    walk.directory(root, "", 0)?;
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ScanError::Io { verb: "read", path: root.clone(), source }),
            }
        }
        let Walk { entries, sources, settled, seen, .. } = walk;
        self.known.retain(|path, _| seen.contains(path));
        let manifest = Manifest::new(entries)?;
        let digest = Digest::of(&manifest.to_bytes());
        Ok(Scan { manifest, digest, sources, settled })
    }

    /// Returns a file's digest, and whether it is known from now on.
    fn digest(
        &mut self,
        path: &Path,
        metadata: &Metadata,
        now: Timestamp,
    ) -> Result<(Digest, bool), ScanError> {
        let stamp = Stamp::of(metadata);
        if let Some((known, digest)) = self.known.get(path)
            && *known == stamp
        {
            return Ok((*digest, true));
        }
        let digest = hash(path, &self.reading)?;
        let settled = now.since(stamp.changed_at()) > SETTLED_AFTER;
        if settled {
            self.known.insert(path.to_owned(), (stamp, digest));
        }
        Ok((digest, settled))
    }
}

struct Walk<'a> {
    scanner: &'a mut Scanner,
    now: Timestamp,
    entries: Vec<Entry>,
    sources: BTreeMap<Digest, PathBuf>,
    settled: bool,
    seen: BTreeSet<PathBuf>,
    /// Device and inode of the directories that lead here.
    above: Vec<(u64, u64)>,
}

impl Walk<'_> {
    fn directory(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<(), ScanError> {
        if depth > MAX_DEPTH {
            return Err(ScanError::TooDeep { path: dir.to_owned() });
        }
        let io = |source| ScanError::Io { verb: "list", path: dir.to_owned(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(dir).map_err(io)? {
            names.push(entry.map_err(io)?.file_name());
        }
        names.sort();
        for name in names {
            let path = dir.join(&name);
            let Some(name) = name.to_str() else { return Err(ScanError::Name { path }) };
            if name == ".git" {
                continue;
            }
            let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            self.one(&path, relative, depth)?;
        }
        Ok(())
    }

    fn one(&mut self, path: &Path, relative: String, depth: usize) -> Result<(), ScanError> {
        let metadata = match fs::metadata(path) {
            Ok(m) => m,
            // A dangling link, or a file that went away between listing and looking: not part of the tree.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            // Links that lead to each other lead to no file either.
            Err(e) if e.raw_os_error() == Some(nix::libc::ELOOP) => return Ok(()),
            Err(source) => return Err(ScanError::Io { verb: "read", path: path.to_owned(), source }),
        };
        if metadata.is_dir() {
            let place = (metadata.dev(), metadata.ino());
            if self.above.contains(&place) {
                tracing::warn!(path = %path.display(), "a link leads back to where it lies; not followed");
                return Ok(());
            }
            self.above.push(place);
            let walked = self.directory(path, &relative, depth + 1);
            self.above.pop();
            return walked;
        }
        if !metadata.is_file() {
            return Ok(());
        }
        let link = fs::read_link(path).ok().map(|to| to.to_string_lossy().into_owned());
        let (digest, settled) = self.scanner.digest(path, &metadata, self.now)?;
        self.settled &= settled;
        self.seen.insert(path.to_owned());
        self.sources.entry(digest).or_insert_with(|| path.to_owned());
        let mode = metadata.permissions().mode() & 0o7777;
        self.entries.push(Entry { path: relative, digest, size: metadata.len(), mode, link });
        Ok(())
    }
}

fn hash(path: &Path, reading: &Reading) -> Result<Digest, ScanError> {
    let io = |source| ScanError::Io { verb: "read", path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    reading.file();
    loop {
        let n = file.read(&mut buffer).map_err(io)?;
        if n == 0 {
            return Ok(Digest::from_bytes(hasher.finalize().into()));
        }
        reading.bytes(n);
        hasher.update(&buffer[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Timestamp = Timestamp::from_micros(i64::MAX);

    #[test]
    fn roots_are_merged_links_are_kept_and_changes_change_the_digest() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir_all(a.join("web")).expect("made");
        fs::create_dir_all(&b).expect("made");
        fs::write(a.join("web/init.sls"), "one").expect("written");
        fs::write(b.join("top.sls"), "two").expect("written");
        std::os::unix::fs::symlink("top.sls", b.join("link.sls")).expect("linked");
        std::os::unix::fs::symlink("nowhere", b.join("dangling")).expect("linked");
        let roots = [a.clone(), b, dir.path().join("absent")];
        let mut scanner = Scanner::default();
        let first = scanner.scan(&roots, LATER).expect("scans");
        let paths: Vec<&str> = first.manifest.entries().iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, ["link.sls", "top.sls", "web/init.sls"]);
        let link = first.manifest.get("link.sls").expect("there");
        assert_eq!((link.digest, link.link.as_deref()), (Digest::of(b"two"), Some("top.sls")));
        assert_eq!(scanner.reading.so_far(), Some((3, 9)), "each was read, and is told");
        assert_eq!(scanner.scan(&roots, LATER).expect("scans").digest, first.digest);
        assert_eq!(scanner.reading.so_far(), Some((3, 9)), "what is known is not read");
        scanner.reading.ends();
        assert_eq!(scanner.reading.so_far(), None);
        fs::write(a.join("web/init.sls"), "three").expect("written");
        assert_ne!(scanner.scan(&roots, LATER).expect("scans").digest, first.digest);
    }

    #[test]
    fn links_in_circles_are_not_followed() {
        let dir = tempfile::tempdir().expect("tempdir");
        fs::create_dir(dir.path().join("web")).expect("made");
        fs::write(dir.path().join("web/init.sls"), "one").expect("written");
        for (to, link) in [(".", "loop"), ("../web", "web/again"), ("b", "a"), ("a", "b")] {
            std::os::unix::fs::symlink(to, dir.path().join(link)).expect("linked");
        }
        let scan = Scanner::default().scan(&[dir.path().to_owned()], LATER).expect("scans");
        let paths: Vec<&str> = scan.manifest.entries().iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, ["web/init.sls"]);
    }

    #[test]
    fn a_file_that_changed_a_moment_ago_is_hashed_until_its_times_can_be_trusted() {
        let dir = tempfile::tempdir().expect("tempdir");
        let file = dir.path().join("f");
        fs::write(&file, "one").expect("written");
        let changed = Stamp::of(&fs::metadata(&file).expect("there")).changed_at();
        let roots = [dir.path().to_owned()];
        let mut scanner = Scanner::default();
        let mut scan = |age: Duration| {
            let scan = scanner.scan(&roots, changed + age).expect("scans");
            (scan.settled, scanner.known.len())
        };
        assert_eq!(scan(Duration::ZERO), (false, 0));
        assert_eq!(scan(SETTLED_AFTER), (false, 0));
        assert_eq!(scan(SETTLED_AFTER + Duration::from_millis(1)), (true, 1));
        assert_eq!(scan(Duration::ZERO), (true, 1), "it is known by now");
    }
}
