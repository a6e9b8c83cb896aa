//! Simulated archives: a text that begins with `simulated archive` and has an entry on each line, `file PATH CONTENT`,
//! `dir PATH`, `link PATH TARGET`, `hard PATH TARGET`.

use std::path::{Path, PathBuf};

use super::super::{
    ArchiveEntry, ArchiveFormat, ArchiveKind, ArchiveSource, Archives, Extraction, Files, HostError,
    WriteOptions,
};
use super::SimHost;

const MARK: &str = "simulated archive\n";

impl SimHost {
    fn lines_of(&self, source: ArchiveSource<'_>) -> Result<Vec<(ArchiveEntry, String)>, HostError> {
        let (place, bytes) = match source {
            ArchiveSource::File(path) => (path.display().to_string(), self.read(path)?),
            ArchiveSource::Bytes(bytes) => ("archive".to_owned(), bytes.to_vec()),
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = text.strip_prefix(MARK).ok_or_else(|| {
            HostError::other("read archive", place, "simulation: it is no simulated archive")
        })?;
        let entry = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let (what, path) = (words.next()?, words.next()?.to_owned());
            let rest = words.next().unwrap_or_default().to_owned();
            let kind = match what {
                "file" => ArchiveKind::File,
                "dir" => ArchiveKind::Dir,
                "link" => ArchiveKind::Symlink(rest.clone()),
                "hard" => ArchiveKind::Hardlink(rest.clone()),
                _ => ArchiveKind::Special,
            };
            Some((ArchiveEntry { path, kind }, rest))
        };
        Ok(body.lines().filter_map(entry).collect())
    }

    fn unpack(
        &self,
        target: &Path,
        kind: &ArchiveKind,
        content: &str,
        how: &Extraction,
    ) -> Result<(), HostError> {
        let missing: Vec<PathBuf> = target.ancestors().skip(1).map(PathBuf::from).collect();
        for dir in missing.iter().rev() {
            if self.stat(dir)?.is_none() {
                self.mkdir(dir, None)?;
            }
        }
        match kind {
            ArchiveKind::Dir if self.stat(target)?.is_none() => self.mkdir(target, None)?,
            ArchiveKind::Dir | ArchiveKind::Special => {}
            ArchiveKind::Symlink(to) => {
                if self.lstat(target)?.is_some() {
                    self.remove_file(target)?;
                }
                self.symlink(Path::new(to), target)?;
            }
            ArchiveKind::File | ArchiveKind::Hardlink(_) => {
                self.write(target, content.as_bytes(), WriteOptions::default())?;
            }
        }
        if how.uid.is_some() || how.gid.is_some() {
            self.chown(target, how.uid, how.gid)?;
        }
        Ok(())
    }
}

impl Archives for SimHost {
    fn archive_list(
        &self,
        source: ArchiveSource<'_>,
        _: ArchiveFormat,
    ) -> Result<Vec<ArchiveEntry>, HostError> {
        Ok(self.lines_of(source)?.into_iter().map(|(entry, _)| entry).collect())
    }

    fn archive_extract(
        &self,
        source: ArchiveSource<'_>,
        _: ArchiveFormat,
        how: &Extraction,
    ) -> Result<(), HostError> {
        for (entry, content) in self.lines_of(source)? {
            let below: PathBuf = Path::new(&entry.path).components().skip(how.strip).collect();
            if below.as_os_str().is_empty() {
                continue;
            }
            self.unpack(&how.into.join(below), &entry.kind, &content, how)?;
        }
        Ok(())
    }
}
