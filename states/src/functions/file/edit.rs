//! A change to the text of one file: found once, reported by `check`, made by `apply`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lab_proto::{Map, Value};

use super::super::support::diff;
use crate::function::{Applied, Check, StateError};
use crate::host::{Host, WriteOptions};

/// What a file should read, and what it reads now.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) path: PathBuf,
    /// `None` where there is no file yet.
    pub(super) old: Option<String>,
    pub(super) new: String,
    /// The suffix of the copy that is kept of the old text.
    pub(super) backup: Option<String>,
    pub(super) show_changes: bool,
}

impl Edit {
    pub(super) fn new(path: PathBuf, old: Option<String>, new: String) -> Self {
        Self { path, old, new, backup: None, show_changes: true }
    }

    fn changes(&self) -> Map {
        let mut changes = Map::new();
        match &self.old {
            None if self.new.is_empty() => {
                changes.insert("new".into(), self.path.display().to_string().into());
            }
            None => {
                changes.insert("diff".into(), "New file".into());
            }
            Some(old) if *old != self.new => {
                let text = if self.show_changes {
                    diff(old.as_bytes(), self.new.as_bytes(), &self.path)
                } else {
                    "<show_changes=False>".to_owned()
                };
                changes.insert("diff".into(), Value::from(text));
            }
            Some(_) => {}
        }
        changes
    }

    pub(super) fn check(&self) -> Check {
        let changes = self.changes();
        if changes.is_empty() {
            return Check::holds(format!("file {} is in the correct state", self.path.display()));
        }
        Check::differs(changes, format!("file {} would be changed", self.path.display()))
    }

    pub(super) fn apply(&self, host: &dyn Host) -> Result<Applied, StateError> {
        let changes = self.changes();
        if self.old.as_deref() != Some(&self.new) {
            if let (Some(suffix), Some(old)) = (&self.backup, &self.old) {
                keep_copy(host, &self.path, old.as_bytes(), suffix)?;
            }
            host.write(&self.path, self.new.as_bytes(), WriteOptions::default())?;
        }
        Ok(Applied::new(changes, format!("file {} changed", self.path.display())))
    }
}

/// Keeps a copy of a file beside it, with its mode and owner.
fn keep_copy(host: &dyn Host, path: &Path, content: &[u8], suffix: &str) -> Result<(), StateError> {
    let mut name = OsString::from(path);
    name.push(suffix);
    let meta = host.stat(path)?;
    let options = WriteOptions {
        mode: meta.as_ref().map(|m| m.mode),
        uid: meta.as_ref().map(|m| m.uid),
        gid: meta.as_ref().map(|m| m.gid),
        umask: None,
    };
    host.write(Path::new(&name), content, options)?;
    Ok(())
}

/// Reads a text that must be there.
pub(super) fn read_text(host: &dyn Host, path: &Path) -> Result<String, StateError> {
    read_if_present(host, path)?
        .ok_or_else(|| StateError::failed(format!("{}: file not found", path.display())))
}

/// Reads a text, or nothing where there is no file.
pub(in crate::functions) fn read_if_present(
    host: &dyn Host,
    path: &Path,
) -> Result<Option<String>, StateError> {
    if host.stat(path)?.is_none() {
        return Ok(None);
    }
    let bytes = host.read(path)?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        StateError::failed(format!(
            "{} is no text in UTF-8 (byte {at}); only texts can be edited",
            path.display()
        ))
    })?;
    Ok(Some(text))
}

/// Reads the `backup` argument of the editing functions: a suffix, or nothing for `False`.
pub(super) fn backup_suffix(argument: Option<&Value>, default: Option<&str>) -> Option<String> {
    match argument {
        None => default.map(str::to_owned),
        Some(Value::Str(suffix)) if !suffix.is_empty() => Some(suffix.to_string()),
        Some(Value::Bool(true)) => Some(".bak".to_owned()),
        Some(_) => None,
    }
}
