//! Where an archive comes from: the state tree, this machine, or a web server; in the last case it is kept in a cache.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::support::{Owner, absolute, make_parents};
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
    pub(super) hash: Option<&'a str>,
    pub(super) skip_verify: bool,
}

impl Wanted<'_> {
    pub(super) fn is_remote(&self) -> bool {
        ["http://", "https://"].iter().any(|s| self.source.starts_with(s))
    }

    /// Returns the archive if it is at hand; `None` for one that must be downloaded first.
    pub(super) fn at_hand(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<Archive>, StateError> {
        if self.is_remote() {
            if self.hash.is_none() && !self.skip_verify {
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
            return Ok(self.verify(&ctx.host.read(&path)?).is_ok().then_some(Archive::File(path)));
        }
        if let Some(rest) = self.source.strip_prefix("salt://") {
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let saltenv = query.strip_prefix("saltenv=").unwrap_or(&call.saltenv);
            return Ok(Some(Archive::Bytes(ctx.services.file(path, saltenv)?)));
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
        if self.hash.is_some() && !self.skip_verify {
            self.verify(&ctx.host.read(&path)?)?;
        }
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
        self.verify(&ctx.host.read(&path)?).inspect_err(|_| {
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
        let name: String =
            Sha256::digest(self.source.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        Path::new(CACHE).join(name)
    }

    /// Holds a content to `source_hash`: `sha256=…`, or the digits alone, whose number says which hash they are.
    fn verify(&self, content: &[u8]) -> Result<(), StateError> {
        let Some(given) = self.hash.filter(|_| !self.skip_verify) else { return Ok(()) };
        let digits = given.split_once('=').map_or(given, |(_, digits)| digits).trim().to_lowercase();
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let have = match digits.len() {
            32 => hex(&md5::Md5::digest(content)),
            40 => hex(&sha1::Sha1::digest(content)),
            64 => hex(&Sha256::digest(content)),
            96 => hex(&sha2::Sha384::digest(content)),
            128 => hex(&sha2::Sha512::digest(content)),
            _ => String::new(),
        };
        if have.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(StateError::failed(format!(
                "argument source_hash: {given:?} is no hash in hex digits (files of hashes are not supported)"
            )));
        }
        if have == digits {
            return Ok(());
        }
        Err(StateError::failed(format!("{} has the hash {have}, not {digits} (source_hash)", self.source)))
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
