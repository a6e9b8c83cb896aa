//! Looking for what a lab may have left behind.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::words::{DIRECTORY, MARKER};

/// What a lab consists of, noted while it runs, so that it can be looked for afterwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Traces {
    /// The id that every process of the lab carries in its environment.
    pub id: String,
    /// The lab's directory.
    pub dir: PathBuf,
    /// Its namespaces, as `net:[4026532000]`.
    pub namespaces: Vec<String>,
    /// When its first process was started, in the ticks of /proc/PID/stat.
    pub since: u64,
}

impl Traces {
    /// Returns what is left of the lab on this machine, one line each: its directory, mounts, processes that carry
    /// its mark, and namespaces that an older process (its owner, say), an open file or a mount keeps alive. Links need no look of
    /// their own: all were made in those namespaces. What this process may not look at (processes of others) is
    /// not looked at.
    #[must_use]
    pub fn leftovers(&self) -> Vec<String> {
        let mut left = Vec::new();
        if self.dir.exists() {
            left.push(format!("directory {}", self.dir.display()));
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let dir = self.dir.to_string_lossy();
        for line in mounts.lines() {
            if line.contains(&*dir) || self.namespaces.iter().any(|ns| line.contains(ns)) {
                left.push(format!("mount {line}"));
            }
        }
        let key = format!("{MARKER}=");
        let mark = format!("{key}{}", self.id);
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let path = process.path();
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            let marked = environment.split(|b| *b == 0).find(|pair| pair.starts_with(key.as_bytes()));
            if marked == Some(mark.as_bytes()) {
                left.push(format!("process {}", path.display()));
            } else if marked.is_some() || started(&path).is_none_or(|at| at >= self.since) {
                // A younger process without our mark is not of this lab (had one lost its mark, the pid 1 of its
                // namespace would be there, too), but may have got the number of a namespace that is gone.
                continue;
            }
            let links =
                ["ns", "fd"].map(|kind| fs::read_dir(path.join(kind)).into_iter().flatten().flatten());
            for link in links.into_iter().flatten() {
                let target = fs::read_link(link.path()).unwrap_or_default();
                if self.namespaces.iter().any(|ns| target.to_str() == Some(ns)) {
                    left.push(format!("namespace {} held by {}", target.display(), link.path().display()));
                }
            }
        }
        left
    }
}

/// When a process was started: field 22 of its stat, counted from the end of its name, which may hold anything.
pub(super) fn started(process: &Path) -> Option<u64> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Returns every lab that there is on this machine, as one line per directory and process, whoever started it.
#[must_use]
pub fn labs_here() -> Vec<String> {
    let mut found = Vec::new();
    let mut bases = vec![std::env::temp_dir(), PathBuf::from("/tmp")];
    bases.dedup();
    for entry in bases.iter().flat_map(|base| fs::read_dir(base).into_iter().flatten().flatten()) {
        if entry.file_name().as_encoded_bytes().starts_with(DIRECTORY.as_bytes()) {
            found.push(format!("directory {}", entry.path().display()));
        }
    }
    let key = format!("{MARKER}=");
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        if let Some(mark) = environment.split(|b| *b == 0).find(|pair| pair.starts_with(key.as_bytes())) {
            found.push(format!("process {} {}", process.path().display(), String::from_utf8_lossy(mark)));
        }
    }
    found
}
