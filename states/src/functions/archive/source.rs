//! Where an archive comes from: the state tree, this machine, or a web server; in the last case it is kept in a cache.

use std::path::{Path, PathBuf};

use lab_proto::Digest;

use super::super::support::{Owner, SourceSum, absolute, in_tree, make_parents};
use crate::function::{JobCtx, StateCall, StateError};
use crate::host::{ArchiveFormat, ArchiveSource, HttpRequest};

/// Where downloaded archives lie until they are unpacked.
const CACHE: &str = "/var/cache/lab-minion/archives";

/// An archive that is at hand.
#[derive(Debug)]
pub(super) enum Archive {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Archive {
    pub(super) fn as_source(&self) -> ArchiveSource<'_> {
        match self {
            Self::File(path) => ArchiveSource::File(path),
            Self::Bytes(bytes) => ArchiveSource::Bytes(bytes),
        }
    }
}

/// How an archive is named in a state, and what it must be.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) source: &'a str,
    pub(super) sum: Option<&'a SourceSum>,
    pub(super) skip_verify: bool,
}

impl Wanted<'_> {
    pub(super) fn is_remote(&self) -> bool {
        ["http://", "https://"].iter().any(|s| self.source.starts_with(s))
    }

    /// Returns the archive if it is at hand; `None` for one that must be downloaded first.
    pub(super) fn at_hand(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<Archive>, StateError> {
        if self.is_remote() {
            if self.sum.is_none() && !self.skip_verify {
                return Err(StateError::failed(format!(
                    "unable to verify {}: add source_hash (or skip_verify: True, and believe the network)",
                    self.source
                )));
            }
            let path = self.cached();
            if ctx.host.stat(&path)?.is_none() {
                return Ok(None);
            }
            // What lies there from an earlier source_hash is not what is wanted now.
            return Ok(self.verify_file(&path, ctx).is_ok().then_some(Archive::File(path)));
        }
        if let Some((path, saltenv)) = in_tree(self.source, &call.saltenv) {
            let bytes = ctx.services.file(&path, &saltenv)?;
            if let Some(sum) = self.sum_to_check() {
                sum.verify(self.source, &bytes)?;
            }
            return Ok(Some(Archive::Bytes(bytes)));
        }
        if self.source.contains("://") && !self.source.starts_with("file://") {
            return Err(StateError::failed(format!(
                "source {}: only salt://, http://, https:// and paths are supported",
                self.source
            )));
        }
        let path = absolute(self.source.strip_prefix("file://").unwrap_or(self.source), ctx.host)?;
        if !ctx.host.stat(&path)?.is_some_and(|m| m.is_file()) {
            return Err(StateError::failed(format!("source {} is no file", path.display())));
        }
        self.verify_file(&path, ctx)?;
        Ok(Some(Archive::File(path)))
    }

    /// Downloads the archive into the cache.
    pub(super) fn download(&self, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        let path = self.cached();
        make_parents(ctx.host, &path, Some(0o700), Owner::default())?;
        ctx.say(format!("downloading {}", self.source));
        let mut request = HttpRequest::get(self.source);
        request.save_to = Some(path.clone());
        let reply = ctx.host.http(&request, ctx)?;
        if reply.status >= 400 {
            return Err(StateError::failed(format!("{} answered with status {}", self.source, reply.status)));
        }
        self.verify_file(&path, ctx).inspect_err(|_| {
            // The first error is the one to tell.
            let _ = ctx.host.remove_file(&path);
        })
    }

    /// Removes what was downloaded.
    pub(super) fn forget(&self, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        let path = self.cached();
        if self.is_remote() && ctx.host.stat(&path)?.is_some() {
            ctx.host.remove_file(&path)?;
        }
        Ok(())
    }

    fn cached(&self) -> PathBuf {
        Path::new(CACHE).join(Digest::of(self.source.as_bytes()).to_string())
    }

    fn sum_to_check(&self) -> Option<&SourceSum> {
        self.sum.filter(|_| !self.skip_verify)
    }

    fn verify_file(&self, path: &Path, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        self.sum_to_check().map_or(Ok(()), |sum| sum.verify_file(path, ctx).map(drop))
    }
}

/// Tells the format: as it is named, or by the end of a file's name.
pub(in crate::functions) fn format_of(given: Option<&str>, name: &str) -> Result<ArchiveFormat, StateError> {
    let name = name.split(['?', '#']).next().unwrap_or_default().to_lowercase();
    match given {
        Some("tar") => return Ok(ArchiveFormat::Tar),
        Some("zip") => return Ok(ArchiveFormat::Zip),
        Some(other) => {
            return Err(StateError::failed(format!(
                "argument archive_format: {other:?} is neither tar nor zip"
            )));
        }
        None => {}
    }
    if name.ends_with(".zip") {
        return Ok(ArchiveFormat::Zip);
    }
    let tars = ["gz", "bz2", "xz", "zst", "tgz", "tbz", "tbz2", "txz", "tzst", "tar"];
    if name.contains(".tar.") || tars.iter().any(|t| name.ends_with(&format!(".{t}"))) {
        return Ok(ArchiveFormat::Tar);
    }
    Err(StateError::failed(format!(
        "the name {name} does not tell the format of the archive (add archive_format: tar)"
    )))
}
