//! An operator's identity for another machine: the key is made on the client's side and never crosses the wire.

use std::path::Path;

use rcgen::KeyPair;

use super::files::{OperatorFiles, PkiFileError, make_dir, pem, write};

/// Makes a key and a PKCS#10 request for it; returns the key as PEM and the request as DER.
///
/// # Errors
/// When no key can be made.
pub fn operator_request() -> Result<(String, Vec<u8>), PkiFileError> {
    let key = KeyPair::generate().map_err(PkiFileError::Key)?;
    let csr = rcgen::CertificateParams::default().serialize_request(&key).map_err(PkiFileError::Key)?;
    Ok((key.serialize_pem(), csr.der().to_vec()))
}

/// Writes an operator's identity into a directory, readable by its owner only.
///
/// # Errors
/// When a file cannot be written.
pub fn save_operator(dir: &Path, key_pem: &str, certificate: &[u8], ca: &[u8]) -> Result<(), PkiFileError> {
    make_dir(dir, 0o700)?;
    let files = OperatorFiles::within(dir);
    write(&files.key, key_pem.as_bytes(), 0o600, None)?;
    write(&files.certificate, pem("CERTIFICATE", certificate).as_bytes(), 0o600, None)?;
    write(&files.ca, pem("CERTIFICATE", ca).as_bytes(), 0o644, None)
}
