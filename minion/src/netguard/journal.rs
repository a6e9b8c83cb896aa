//! What is written down about a change while it is tried, so that whoever comes after a crash can take it back.
//!
//! The journal of this boot (`RUN_DIR/net/change.json`, on a file system that does not outlive the boot) is written before
//! the first step. Once files are written for the next boot there is a second one (`DATA_DIR/net/pending.json`) with the old
//! bytes of these files. Moving that one to `DATA_DIR/net/archive/` is the moment when a change becomes final.
//!
//! Both are JSON with a `format`; a newer format than ours is refused, never guessed at.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::Timestamp;
use lab_proto::facts::RolledBackBy;
use lab_states::host::NetSnapshot;
use lab_states::net::{ChangeStep, NetCall};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};

/// The form of a journal.
pub const FORMAT: u32 = 1;
/// How many changes the archive keeps.
const ARCHIVED: usize = 100;

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It is in the kernel at most; the files of the next boot are the old ones.
    Trying,
    /// Files are being written or handed over; the second journal has the old ones.
    Persisting,
    /// It was taken back; what is left is to tell.
    RolledBack,
}

/// What was told, or is still to be told, of a change that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who took it back.
    pub by: RolledBackBy,
    /// Why.
    pub reason: String,
    /// The step that failed.
    pub step: Option<String>,
    /// What the kernel said.
    pub error: Option<String>,
    /// What was undone.
    pub undone: Vec<String>,
    /// What was not.
    pub left: Vec<String>,
}

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldFile {
    /// Its path.
    pub path: PathBuf,
    /// Its bytes in hex; nothing when there was no such file.
    pub bytes: Option<String>,
    /// Its permission bits.
    #[serde(default)]
    pub mode: u32,
    /// Its owner.
    #[serde(default)]
    pub uid: u32,
    /// Its group.
    #[serde(default)]
    pub gid: u32,
    /// The digest of what was written in its place; nothing when it was removed.
    #[serde(default)]
    pub written: Option<String>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// [`FORMAT`].
    pub format: u32,
    /// Its name: unique, and in the order of time.
    pub change: String,
    /// The boot that it belongs to.
    pub boot_id: String,
    /// The process that makes it.
    pub pid: u32,
    /// When it is taken back unless it is confirmed, in milliseconds of CLOCK_BOOTTIME.
    pub deadline_ms: u64,
    /// The same for people.
    pub until: Timestamp,
    /// When it began.
    pub began: Timestamp,
    /// How far it is.
    pub phase: Phase,
    /// How it is confirmed.
    pub confirm: String,
    /// The states that asked for it.
    pub calls: Vec<NetCall>,
    /// What it may cut off.
    pub risk: Option<String>,
    /// The machine before.
    pub before: NetSnapshot,
    /// Its steps.
    pub steps: Vec<ChangeStep>,
    /// The files before.
    #[serde(default)]
    pub files: Vec<OldFile>,
    /// What tells the owners of the links that files changed.
    #[serde(default)]
    pub hand_over: Vec<Vec<String>>,
    /// The change that this one takes back by an operator's wish.
    #[serde(default)]
    pub reverts: Option<String>,
    /// How it was taken back.
    #[serde(default)]
    pub report: Option<Report>,
}

impl Journal {
    /// Returns the deadline.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// Says what is done, step by step.
    pub fn lines(&self) -> Vec<String> {
        lab_proto::facts::lines(self.steps.iter().map(|s| s.step.to_string()))
    }
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no journal.
    #[error("{} is not a journal of a network change", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// It is of a newer version.
    #[error("{} has format {format}, this version reads up to {FORMAT}; start the version that wrote it", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

/// Where journals live.
#[derive(Clone, Debug)]
pub struct Places {
    run: PathBuf,
    data: PathBuf,
}

/// Held by whoever works on the network; the kernel lets go of it when its holder dies.
pub struct Turn(#[expect(dead_code, reason = "held, not read")] Flock<File>);

impl Places {
    /// Names the places below an agent's directories.
    pub fn new(run_dir: &Path, data_dir: &Path) -> Self {
        Self { run: run_dir.join("net"), data: data_dir.join("net") }
    }

    /// Returns the file of the change that is tried in this boot.
    pub fn change(&self) -> PathBuf {
        self.run.join("change.json")
    }

    /// Returns the file by which the watching process says that it watches.
    pub fn armed(&self) -> PathBuf {
        self.run.join("guard")
    }

    /// Returns the file that asks for a fault, in tests.
    pub fn fault(&self) -> PathBuf {
        self.run.join("fault")
    }

    /// Returns the journal that outlives the boot.
    pub fn pending(&self) -> PathBuf {
        self.data.join("pending.json")
    }

    /// Returns the note of a change of which nobody was told how it ended.
    pub fn untold(&self) -> PathBuf {
        self.data.join("untold.json")
    }

    /// Returns where an archived change is.
    pub fn archived(&self, change: &str) -> PathBuf {
        self.data.join("archive").join(format!("{change}.json"))
    }

    /// Returns the file of what is committed.
    pub fn committed(&self) -> PathBuf {
        self.data.join("committed.json")
    }

    /// Returns the file of what lab owns.
    pub fn owned(&self) -> PathBuf {
        self.data.join("owned.json")
    }

    /// Waits for the turn to work on the network; nothing when it does not come in time.
    ///
    /// # Errors
    /// When the lock cannot be made.
    pub fn turn(&self, patience: Duration) -> Result<Option<Turn>, FileError> {
        files::make_dir(&self.run, 0o700)?;
        let path = self.run.join("lock");
        let until = super::since_boot() + patience;
        loop {
            let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            let file = open.map_err(FileError::at("open", &path))?;
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Some(Turn(lock))),
                Err((_, nix::errno::Errno::EWOULDBLOCK | nix::errno::Errno::EINTR)) => {}
                Err((_, e)) => return Err(FileError::at("lock", &path)(io::Error::from(e))),
            }
            if super::since_boot() >= until {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Reads the journal of this boot.
    ///
    /// # Errors
    /// When it is damaged or newer.
    pub fn read_change(&self) -> Result<Option<Journal>, JournalError> {
        read(&self.change())
    }

    /// Reads the journal that outlives the boot.
    ///
    /// # Errors
    /// When it is damaged or newer.
    pub fn read_pending(&self) -> Result<Option<Journal>, JournalError> {
        read(&self.pending())
    }

    /// Writes the journal of this boot.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_change(&self, journal: &Journal) -> Result<(), FileError> {
        files::make_dir(&self.run, 0o700)?;
        write(&self.change(), journal)
    }

    /// Writes the journal that outlives the boot.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_pending(&self, journal: &Journal) -> Result<(), FileError> {
        files::make_dir(&self.data, 0o700)?;
        write(&self.pending(), journal)
    }

    /// Forgets the change of this boot: nobody takes it back any more.
    ///
    /// # Errors
    /// When the file stays.
    pub fn forget_change(&self) -> Result<(), FileError> {
        remove(&self.change())
    }

    /// Forgets what outlives the boot.
    ///
    /// # Errors
    /// When the file stays.
    pub fn forget_pending(&self) -> Result<(), FileError> {
        remove(&self.pending())
    }

    /// Notes that a change begins, for the case that the machine goes down before anybody is told how it ended.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_untold(&self, journal: &Journal) -> Result<(), FileError> {
        files::make_dir(&self.data, 0o700)?;
        write(&self.untold(), journal)
    }

    /// Reads the change of which nobody was told how it ended.
    ///
    /// # Errors
    /// When it is damaged or newer.
    pub fn read_untold(&self) -> Result<Option<Journal>, JournalError> {
        read(&self.untold())
    }

    /// Forgets it: it was told.
    ///
    /// # Errors
    /// When the file stays.
    pub fn forget_untold(&self) -> Result<(), FileError> {
        remove(&self.untold())
    }

    /// Moves the journal that outlives the boot to the archive: from here on the change is final.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn archive(&self, change: &str) -> Result<(), FileError> {
        let (from, to) = (self.pending(), self.archived(change));
        let archive = self.data.join("archive");
        files::make_dir(&archive, 0o700)?;
        fs::rename(&from, &to).map_err(FileError::at("archive", &from))?;
        files::sync_dir(&archive)?;
        files::sync_dir(&self.data)?;
        let names = self.archive_names();
        for old in names.iter().rev().skip(ARCHIVED) {
            remove(&self.archived(old))?;
        }
        Ok(())
    }

    /// Lists archived changes, the oldest first.
    pub fn archive_names(&self) -> Vec<String> {
        let listed = fs::read_dir(self.data.join("archive")).into_iter().flatten().flatten();
        let name = |e: fs::DirEntry| e.file_name().to_str()?.strip_suffix(".json").map(str::to_owned);
        let mut names: Vec<String> = listed.filter_map(name).filter(|n| !n.starts_with('.')).collect();
        names.sort();
        names
    }

    /// Reads an archived change.
    ///
    /// # Errors
    /// When it is damaged or newer.
    pub fn read_archived(&self, change: &str) -> Result<Option<Journal>, JournalError> {
        read(&self.archived(change))
    }
}

fn read(path: &Path) -> Result<Option<Journal>, JournalError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let Some(bytes) = files::read_if_any(path)? else { return Ok(None) };
    let damaged = |source| JournalError::Damaged { path: path.to_owned(), source };
    let Format { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if format > FORMAT {
        return Err(JournalError::Newer { path: path.to_owned(), format });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

fn write(path: &Path, journal: &Journal) -> Result<(), FileError> {
    let text = serde_json::to_vec(journal).map_err(|e| FileError::at("write", path)(io::Error::other(e)))?;
    files::write_atomically(path, &text, 0o600)
}

pub(super) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Ok(()) => files::sync_dir(path.parent().unwrap_or(Path::new("/"))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(FileError::at("remove", path)(e)),
    }
}

impl OldFile {
    /// Reads a file as it is.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn of(path: &Path) -> Result<Self, FileError> {
        let none = Self { path: path.to_owned(), bytes: None, mode: 0, uid: 0, gid: 0, written: None };
        let Some(bytes) = files::read_if_any(path)? else { return Ok(none) };
        let meta = fs::metadata(path).map_err(FileError::at("read", path))?;
        let bytes = Some(hex::encode(bytes));
        Ok(Self { bytes, mode: meta.permissions().mode() & 0o7777, uid: meta.uid(), gid: meta.gid(), ..none })
    }

    /// Tells whether somebody else wrote the file since: it is neither what was written in its place nor what it was.
    pub fn is_anothers(&self) -> bool {
        // What cannot be read cannot be told apart; writing it will say why.
        let Ok(now) = files::read_if_any(&self.path) else { return false };
        let now_digest = now.as_ref().map(|bytes| lab_proto::Digest::of(bytes).to_string());
        now_digest != self.written && now.map(hex::encode) != self.bytes
    }

    /// Puts the file back, durably.
    ///
    /// # Errors
    /// When it cannot be written or removed.
    pub fn put_back(&self) -> Result<(), FileError> {
        let Some(bytes) = &self.bytes else { return remove(&self.path) };
        let damaged = |e: hex::FromHexError| FileError::at("restore", &self.path)(io::Error::other(e));
        let bytes = hex::decode(bytes).map_err(damaged)?;
        if !fs::read(&self.path).is_ok_and(|now| now == bytes) {
            files::write_atomically(&self.path, &bytes, self.mode)?;
        }
        // Also where the bytes are right: an earlier try may have ended before this.
        std::os::unix::fs::chown(&self.path, Some(self.uid), Some(self.gid))
            .map_err(FileError::at("change the owner of", &self.path))?;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(self.mode))
            .map_err(FileError::at("change the mode of", &self.path))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A journal of a change without steps.
    pub(in crate::netguard) fn journal(change: &str) -> Journal {
        Journal {
            format: FORMAT,
            change: change.to_owned(),
            boot_id: "b".to_owned(),
            pid: 1,
            deadline_ms: 5,
            until: Timestamp::from_micros(7),
            began: Timestamp::from_micros(6),
            phase: Phase::Trying,
            confirm: "master".to_owned(),
            calls: Vec::new(),
            risk: None,
            before: NetSnapshot::default(),
            steps: Vec::new(),
            files: Vec::new(),
            hand_over: Vec::new(),
            reverts: None,
            report: None,
        }
    }

    #[test]
    fn a_change_is_final_when_its_journal_is_in_the_archive() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let places = Places::new(&dir.path().join("run"), &dir.path().join("data"));
        places.write_change(&journal("a")).expect("writes");
        places.write_pending(&journal("a")).expect("writes");
        assert_eq!(places.read_pending().expect("reads"), Some(journal("a")));
        places.archive("a").expect("archives");
        assert_eq!(places.read_pending().expect("reads"), None);
        assert_eq!(places.read_archived("a").expect("reads"), Some(journal("a")));
        assert_eq!(places.archive_names(), ["a"]);
    }

    #[test]
    fn a_newer_journal_is_refused_and_a_damaged_one_is_named() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let places = Places::new(dir.path(), dir.path());
        places.write_change(&Journal { format: FORMAT + 1, ..journal("a") }).expect("writes");
        let newer = places.read_change().expect_err("is newer").to_string();
        assert!(newer.contains("format 2") && newer.contains("change.json"), "{newer}");
        fs::write(places.change(), "rubbish").expect("writes");
        assert!(matches!(places.read_change(), Err(JournalError::Damaged { .. })));
    }

    #[test]
    fn a_file_is_put_back_with_its_bytes_and_mode_and_one_that_was_not_there_goes() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        fs::write(&old, b"one\xff").expect("writes");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).expect("changes the mode");
        let saved = [OldFile::of(&old).expect("reads"), OldFile::of(&new).expect("reads")];
        fs::write(&old, "two").expect("writes");
        fs::write(&new, "three").expect("writes");
        saved.iter().for_each(|f| f.put_back().expect("puts it back"));
        assert_eq!(fs::read(&old).expect("reads"), b"one\xff");
        assert_eq!(fs::metadata(&old).expect("is there").permissions().mode() & 0o777, 0o640);
        assert!(!new.exists());
    }

    #[test]
    fn two_never_work_on_the_network_at_the_same_time() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let places = Places::new(dir.path(), dir.path());
        let first = places.turn(Duration::ZERO).expect("locks").expect("is free");
        assert!(places.turn(Duration::ZERO).expect("asks").is_none());
        drop(first);
        assert!(places.turn(Duration::ZERO).expect("asks").is_some());
    }

    /// What an older version wrote must be read for ever.
    #[test]
    fn the_first_journal_still_reads() {
        let text = r#"{"format":1,"change":"20261128164800000000_00000000000000ab","boot_id":"b","pid":9,"deadline_ms":30000,
            "until":"2026-11-28T16:48:30Z","began":"2026-11-28T16:48:00Z","phase":"trying","confirm":"master",
            "calls":[{"function":"bridge.present","name":"br0","args":{"ports":["eth0"]}}],"risk":null,
            "before":{"links":[],"routes":[]},
            "steps":[{"owner":0,"step":{"delete-link":{"name":"br0"}},"undo":[]}]}"#;
        let read: Journal = serde_json::from_str(text).expect("reads");
        assert_eq!((read.lines(), read.phase), (vec!["br0: delete".to_owned()], Phase::Trying));
    }
}
