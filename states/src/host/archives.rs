//! Archives: what is in one, and unpacking it. tar, plain or compressed (gzip, bzip2, xz, zstd), and zip.

use std::path::{Path, PathBuf};

use super::HostError;

/// Where an archive comes from.
#[derive(Clone, Copy, Debug)]
pub enum ArchiveSource<'a> {
    /// A file of this machine; read as a stream.
    File(&'a Path),
    /// A content that is at hand.
    Bytes(&'a [u8]),
}

/// How an archive is made; the compression of a tar is found out from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// tar
    Tar,
    /// zip
    Zip,
}

/// What one entry of an archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// A file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link to this.
    Symlink(String),
    /// Another name of this entry.
    Hardlink(String),
    /// Anything else: a device, a pipe. Not unpacked.
    Special,
}

/// One entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Its path as the archive has it.
    pub path: String,
    /// What it is.
    pub kind: ArchiveKind,
}

/// How an archive is unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// Into which directory; it must be there.
    pub into: PathBuf,
    /// How many leading parts of each path are dropped; entries with no more than those are left out.
    pub strip: usize,
    /// The owner of what is unpacked; the process's own when not given.
    pub uid: Option<u32>,
    /// The group of what is unpacked; the process's own when not given.
    pub gid: Option<u32>,
}

/// Archives.
pub trait Archives: Send + Sync {
    /// Lists the entries of an archive in order.
    ///
    /// # Errors
    /// When it cannot be read or is no such archive.
    fn archive_list(
        &self,
        source: ArchiveSource<'_>,
        format: ArchiveFormat,
    ) -> Result<Vec<ArchiveEntry>, HostError>;

    /// Unpacks an archive; what is there already is replaced. Nothing is ever written outside of the directory.
    ///
    /// # Errors
    /// When an entry would leave the directory, or the machine refuses; then what came before it stays.
    fn archive_extract(
        &self,
        source: ArchiveSource<'_>,
        format: ArchiveFormat,
        how: &Extraction,
    ) -> Result<(), HostError>;
}
