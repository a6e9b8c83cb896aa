//! Where the CA and the operators' identities lie on disk.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::{Fingerprint, Timestamp};
use rcgen::{KeyPair, PublicKeyData};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::authority::{Authority, IssueError, Request};
use super::names::Peer;

/// The group whose members may use the local operator's identity.
const OPERATOR_GROUP: &str = "lab";

/// An identity file that cannot be read, written or understood.
#[derive(Debug, thiserror::Error)]
pub enum PkiFileError {
    /// The file system says no.
    #[error("cannot {verb} {}", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// The content is not PEM of the expected kind.
    #[error("{} does not hold {what}; restore it from a backup (docs/operations.md, \"Backup\")", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Only one half of the CA is there.
    #[error(
        "{} is missing beside the other half of the CA; restore it from a backup: a new CA would shut out every minion",
        path.display()
    )]
    HalfACa {
        /// The missing file.
        path: PathBuf,
    },
    /// A certificate cannot be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A key cannot be made.
    #[error("cannot make a key")]
    Key(#[source] rcgen::Error),
}

/// The three files of an operator's identity.
#[derive(Clone, Debug)]
pub struct OperatorFiles {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// The master's CA, PEM.
    pub ca: PathBuf,
}

impl OperatorFiles {
    /// Names the files within a directory.
    pub fn within(dir: &Path) -> Self {
        Self { certificate: dir.join("operator.crt"), key: dir.join("operator.key"), ca: dir.join("ca.crt") }
    }
}

/// Opens the CA below the data directory, or makes both at the first start.
///
/// # Errors
/// When a file cannot be read or written, or only one half of the CA is there.
pub fn open_or_create(data: &Path, life: Duration, now: Timestamp) -> Result<Authority, PkiFileError> {
    make_data_dir(data)?;
    let dir = data.join("pki");
    make_dir(&dir, 0o700)?;
    let (key_path, certificate_path) = (dir.join("ca.key"), dir.join("ca.crt"));
    match (key_path.exists(), certificate_path.exists()) {
        (true, true) => load(&key_path, &certificate_path, life),
        (false, false) => {
            let authority = Authority::create(KeyPair::generate().map_err(PkiFileError::Key)?, life, now)?;
            // The certificate goes first: a key without it is the half that cannot be lost by a crash here.
            write(&certificate_path, pem("CERTIFICATE", authority.certificate()).as_bytes(), 0o644, None)?;
            write(&key_path, authority.key_pem().as_bytes(), 0o600, None)?;
            Ok(authority)
        }
        (false, true) => Err(PkiFileError::HalfACa { path: key_path }),
        (true, false) => Err(PkiFileError::HalfACa { path: certificate_path }),
    }
}

/// Makes the data directory: searchable, so that group `lab` reaches its identity in it; all else below is closed.
///
/// # Errors
/// When it cannot be made.
pub fn make_data_dir(data: &Path) -> Result<(), PkiFileError> {
    make_dir(data, 0o711)
}

/// Makes an operator's key and writes its identity into `dir`; returns the key's fingerprint, which the store
/// must accept.
///
/// # Errors
/// When the certificate cannot be made or a file cannot be written.
pub fn write_operator(
    authority: &Authority,
    name: &str,
    dir: &Path,
    now: Timestamp,
) -> Result<Fingerprint, PkiFileError> {
    let key = KeyPair::generate().map_err(PkiFileError::Key)?;
    let csr = rcgen::CertificateParams::default().serialize_request(&key).map_err(PkiFileError::Key)?;
    let request =
        Request::verify(csr.der()).map_err(|_| PkiFileError::Key(rcgen::Error::KeyGenerationUnavailable))?;
    let certificate = authority.issue(&Peer::Operator(name.to_owned()), &request, now)?;
    let files = OperatorFiles::within(dir);
    let group = operator_group();
    make_dir(dir, 0o750)?;
    if let Some(gid) = group {
        chown_group(dir, gid)?;
    }
    write(&files.key, key.serialize_pem().as_bytes(), 0o640, group)?;
    write(&files.certificate, pem("CERTIFICATE", &certificate).as_bytes(), 0o640, group)?;
    write(&files.ca, pem("CERTIFICATE", authority.certificate()).as_bytes(), 0o644, group)?;
    Ok(Fingerprint::of(&key.subject_public_key_info()))
}

/// Writes a secret that only the master's user may read.
///
/// # Errors
/// When it cannot be written.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), PkiFileError> {
    write(path, bytes, 0o600, None)
}

/// Reads the first certificate of a PEM text, as DER.
pub fn certificate_in(pem: &[u8]) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem).ok()
}

/// Writes DER as PEM.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use std::fmt::Write as _;
    let text = base64(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        let _ = writeln!(out, "{}", String::from_utf8_lossy(line));
    }
    let _ = writeln!(out, "-----END {label}-----");
    out
}

/// Writes a file so that it is whole or absent after a crash, readable by whom `mode` says from its first byte.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32, group: Option<u32>) -> Result<(), PkiFileError> {
    let at = |verb| move |source| PkiFileError::Io { verb, path: path.to_owned(), source };
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at("replace")(e)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode & 0o700)
        .open(&temporary)
        .map_err(at("create"))?;
    file.write_all(bytes).map_err(at("write"))?;
    if let Some(gid) = group {
        chown_group(&temporary, gid)?;
    }
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(at("set the mode of"))?;
    file.sync_all().map_err(at("flush"))?;
    fs::rename(&temporary, path).map_err(at("rename"))?;
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    fs::File::open(dir).and_then(|d| d.sync_all()).map_err(at("flush the directory of"))
}

fn load(key_path: &Path, certificate_path: &Path, life: Duration) -> Result<Authority, PkiFileError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|source| PkiFileError::Io { verb: "read", path: path.to_owned(), source })
    };
    let content = |path: &Path, what| PkiFileError::Content { path: path.to_owned(), what };
    let key = String::from_utf8(read(key_path)?)
        .ok()
        .and_then(|text| KeyPair::from_pem(&text).ok())
        .ok_or_else(|| content(key_path, "the CA's private key"))?;
    let certificate = CertificateDer::from_pem_slice(&read(certificate_path)?)
        .map_err(|_| content(certificate_path, "the CA's certificate"))?;
    Ok(Authority::load(key, certificate, life)?)
}

pub(super) fn make_dir(path: &Path, mode: u32) -> Result<(), PkiFileError> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(|source| PkiFileError::Io {
        verb: "create",
        path: path.to_owned(),
        source,
    })
}

fn chown_group(path: &Path, gid: u32) -> Result<(), PkiFileError> {
    std::os::unix::fs::chown(path, None, Some(gid)).map_err(|source| PkiFileError::Io {
        verb: "change the group of",
        path: path.to_owned(),
        source,
    })
}

fn operator_group() -> Option<u32> {
    nix::unistd::Group::from_name(OPERATOR_GROUP).ok().flatten().map(|g| g.gid.as_raw())
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i <= chunk.len() {
                out.push(char::from(ALPHABET[(n >> (18 - 6 * i) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ca_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().expect("tempdir");
        let now = Timestamp::from_micros(1_795_238_380_000_000);
        let life = Duration::from_secs(60);
        let first = open_or_create(dir.path(), life, now).expect("made").fingerprint();
        assert_eq!(open_or_create(dir.path(), life, now).expect("found").fingerprint(), first);
        let mode = |p: &str| fs::metadata(dir.path().join(p)).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("pki"), mode("pki/ca.key")), (0o700, 0o600));
        fs::remove_file(dir.path().join("pki/ca.key")).expect("removed");
        let error = open_or_create(dir.path(), life, now).map(|_| ()).expect_err("half a CA").to_string();
        assert!(error.contains("ca.key is missing"), "{error}");
    }

    #[test]
    fn pem_is_what_other_readers_take() {
        for n in 0..100u8 {
            let der: Vec<u8> = (0..n).collect();
            let text = pem("CERTIFICATE", &der);
            assert_eq!(CertificateDer::from_pem_slice(text.as_bytes()).expect("pem").as_ref(), der);
        }
    }
}
