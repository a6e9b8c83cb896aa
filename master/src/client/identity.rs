//! The files that make an operator: a certificate, its key, and the CA that the master must be of.

use std::path::{Path, PathBuf};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::pki;

/// An operator's identity that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file is not there or may not be read.
    #[error(
        "cannot read {}: {reason}; run this as root or as a member of group lab on the master, or point --identity at a \
         directory made by `lab-master operator issue`",
        path.display()
    )]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The files do not make a TLS identity.
    #[error("the operator identity cannot be used: {0}; issue a new one with `lab-master operator issue`")]
    Unusable(String),
}

/// An operator's certificate, key and CA.
#[derive(Debug)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    ca: CertificateDer<'static>,
}

impl Identity {
    /// Reads `operator.crt`, `operator.key` and `ca.crt` from a directory.
    ///
    /// # Errors
    /// When one is missing or not PEM.
    pub fn load(dir: &Path) -> Result<Self, IdentityError> {
        let files = pki::OperatorFiles::within(dir);
        let read = |path: PathBuf| match std::fs::read(&path) {
            Ok(bytes) => Ok((path, bytes)),
            Err(e) => Err(IdentityError::Read { path, reason: e.to_string() }),
        };
        let certificate = |(path, pem): (PathBuf, Vec<u8>)| {
            CertificateDer::from_pem_slice(&pem)
                .map_err(|e| IdentityError::Unusable(format!("{}: {e}", path.display())))
        };
        let (key_path, key_pem) = read(files.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key_pem)
            .map_err(|e| IdentityError::Unusable(format!("{}: {e}", key_path.display())))?;
        Ok(Self {
            certificate: certificate(read(files.certificate)?)?,
            key,
            ca: certificate(read(files.ca)?)?,
        })
    }

    /// Makes the TLS configuration that shows this identity.
    ///
    /// # Errors
    /// When rustls does not take it.
    pub fn tls_config(&self, alpn: &[u8]) -> Result<rustls::ClientConfig, IdentityError> {
        let identity = Some((self.certificate.clone(), self.key.clone_key()));
        pki::client_config(&self.ca, identity, alpn).map_err(|e| IdentityError::Unusable(e.to_string()))
    }
}
