//! The files in which repositories stand.

use std::path::{Path, PathBuf};

use super::apt::Source;
use super::deb822::Sources;
use super::{APT_DIR, APT_FILE, FileEdit};
use crate::function::{JobCtx, StateError};
use crate::functions::file::read_if_present;
use crate::functions::support::{join_lines, lines};

/// Lists the files of a directory that have one of these endings.
pub(super) fn in_dir(dir: &str, endings: &[&str], ctx: &JobCtx<'_>) -> Result<Vec<PathBuf>, StateError> {
    let dir = Path::new(dir);
    if !ctx.host.stat(dir)?.is_some_and(|m| m.is_dir()) {
        return Ok(Vec::new());
    }
    let fits =
        |name: &PathBuf| name.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e));
    Ok(ctx.host.list(dir)?.into_iter().filter(fits).map(|name| dir.join(name)).collect())
}

/// A file of apt, in either of its two forms.
pub(super) enum AptFile {
    Lines(Vec<String>),
    Stanzas(Sources),
}

impl AptFile {
    pub(super) fn read(path: &Path, ctx: &JobCtx<'_>) -> Result<Self, StateError> {
        let text = read_if_present(ctx.host, path)?.unwrap_or_default();
        Ok(Self::parse(path, &text))
    }

    /// The form is in the file's name.
    pub(super) fn parse(path: &Path, text: &str) -> Self {
        if path.extension().is_some_and(|e| e == "sources") {
            Self::Stanzas(Sources::parse(text))
        } else {
            Self::Lines(lines(text).into_iter().map(str::to_owned).collect())
        }
    }

    pub(super) fn find(&self, wanted: &Source) -> Option<Source> {
        match self {
            // An entry that is on counts before one that is commented out.
            Self::Lines(lines) => {
                let same =
                    || lines.iter().filter_map(|l| Source::parse(l)).filter(|s| s.is_same_place(wanted));
                same().find(|s| !s.disabled).or_else(|| same().next())
            }
            Self::Stanzas(sources) => sources.find(wanted),
        }
    }

    pub(super) fn set(&mut self, wanted: &Source) {
        let found = self.find(wanted);
        match self {
            Self::Lines(lines) => {
                let place = lines.iter_mut().find(|l| found.is_some() && Source::parse(l) == found);
                match place {
                    Some(line) => *line = wanted.print(),
                    None => lines.push(wanted.print()),
                }
            }
            Self::Stanzas(sources) => sources.set(wanted),
        }
    }

    pub(super) fn remove(&mut self, wanted: &Source) {
        match self {
            Self::Lines(lines) => {
                lines.retain(|l| !Source::parse(l).is_some_and(|s| !s.disabled && s.is_same_place(wanted)))
            }
            Self::Stanzas(sources) => sources.remove(wanted),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Lines(lines) => lines.iter().all(|l| l.trim().is_empty()),
            Self::Stanzas(sources) => sources.is_empty(),
        }
    }

    /// Returns the edit that writes the file; one of its own that is empty now goes.
    pub(super) fn edit(&self, path: &Path) -> FileEdit {
        let text = match self {
            Self::Lines(lines) => join_lines(lines),
            Self::Stanzas(sources) => sources.print(),
        };
        let gone = self.is_empty() && path.starts_with(APT_DIR);
        FileEdit { path: path.to_owned(), text: (!gone).then_some(text) }
    }
}

/// Finds the file that holds an entry of the same place; one that is on before one that is off.
pub(super) fn holder(wanted: &Source, ctx: &JobCtx<'_>) -> Result<Option<(PathBuf, Source)>, StateError> {
    let mut off = None;
    let mut files = vec![PathBuf::from(APT_FILE)];
    files.extend(in_dir(APT_DIR, &["list", "sources"], ctx)?);
    for path in files {
        if let Some(found) = AptFile::read(&path, ctx)?.find(wanted) {
            if !found.disabled {
                return Ok(Some((path, found)));
            }
            off.get_or_insert((path, found));
        }
    }
    Ok(off)
}
