//! Who this minion is: its key, its certificate, and the master's CA that it trusts.
//!
//! Everything lies in `CONFIG_DIR/pki`, so that the identity survives a re-installation that keeps the
//! configuration. The key never leaves this machine and never changes by itself: trust is the key.

mod trust;

use std::path::{Path, PathBuf};

use lab_proto::v1::BACKDATE;
use lab_proto::{Fingerprint, MinionId, Timestamp};
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::prelude::FromDer;

pub use trust::{Pin, Seen, enrol_tls, link_tls};

use crate::files::{self, FileError};

/// When this share of a certificate's life is left, it is renewed over the link.
const RENEW_AT: f64 = 1.0 / 3.0;
/// Which CA an enrolment met.
const MET: &str = "met";

/// Why the identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key file holds no key.
    #[error(
        "{} holds no usable private key; restore it, or remove it and enrol this machine anew with a token",
        path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rcgen::Error,
    },
    /// A certificate file holds no certificate.
    #[error("{} holds no certificate; remove it, the minion enrols again with its key", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
    },
    /// The certificate that the master sent is not for our key.
    #[error("the master sent a certificate for another key than ours")]
    NotOurs,
    /// A key or request could not be made.
    #[error("cannot make a key or certificate request")]
    Make(#[source] rcgen::Error),
}

/// The files of an identity.
#[derive(Clone, Debug)]
pub struct Pki {
    dir: PathBuf,
}

/// The minion's key, and how to prove that it holds it.
pub struct Identity {
    key: KeyPair,
    fingerprint: Fingerprint,
    file: PathBuf,
}

/// What `lab-minion finger` shows of a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// The fingerprint of its CA.
    pub ca: Fingerprint,
    /// As whom an enrolment that is not accepted yet asks to be let in.
    pub asks_for: Option<MinionId>,
}

/// What an accepted minion has.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The minion's certificate.
    pub certificate: CertificateDer<'static>,
    /// The master's CA.
    pub ca: CertificateDer<'static>,
}

impl Pki {
    /// Names the files below a configuration directory.
    pub fn new(config_dir: &Path) -> Self {
        Self { dir: config_dir.join("pki") }
    }

    /// Loads the key, or makes one at the first start.
    ///
    /// # Errors
    /// When the file cannot be used or holds no key.
    pub fn identity(&self) -> Result<Identity, IdentityError> {
        if let Some(identity) = self.known()? {
            return Ok(identity);
        }
        files::make_dir(&self.dir, 0o700)?;
        let key = KeyPair::generate().map_err(IdentityError::Make)?;
        let path = self.dir.join("minion.key");
        files::write_atomically(&path, key.serialize_pem().as_bytes(), 0o600)?;
        Ok(Identity::of(key, path))
    }

    /// Loads the key; `None` before the first start.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn known(&self) -> Result<Option<Identity>, IdentityError> {
        let path = self.dir.join("minion.key");
        let Some(pem) = files::read_if_any(&path)? else { return Ok(None) };
        match KeyPair::from_pem(&String::from_utf8_lossy(&pem)) {
            Ok(key) => Ok(Some(Identity::of(key, path))),
            Err(source) => Err(IdentityError::Key { path, source }),
        }
    }

    /// Loads certificate and CA; `None` before the minion was accepted.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub fn credentials(&self) -> Result<Option<Credentials>, IdentityError> {
        let (Some(certificate), Some(ca)) = (self.read("minion.crt")?, self.read("ca.crt")?) else {
            return Ok(None);
        };
        Ok(Some(Credentials { certificate, ca }))
    }

    /// Stores what the master gave.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn store(&self, credentials: &Credentials) -> Result<(), IdentityError> {
        // The CA first: a certificate without it would look accepted and trust nobody.
        self.write("ca.crt", &credentials.ca)?;
        self.write("minion.crt", &credentials.certificate)
    }

    /// Returns the pinned fingerprint that an earlier first use left, if any.
    ///
    /// # Errors
    /// When the CA file cannot be read.
    pub fn pinned(&self) -> Result<Option<Fingerprint>, IdentityError> {
        Ok(self.read("ca.crt")?.and_then(|ca| fingerprint_of(&ca)))
    }

    /// Returns the CA to compare with the master's: the pinned one, or that which an enrolment met that is not accepted yet, with
    /// the id that it asks for.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn met(&self) -> Result<Option<Met>, IdentityError> {
        if let Some(ca) = self.pinned()? {
            return Ok(Some(Met { ca, asks_for: None }));
        }
        let text = files::read_if_any(&self.dir.join(MET))?;
        Ok(text.and_then(|text| {
            let text = String::from_utf8_lossy(&text);
            let (ca, id) = text.trim().split_once(' ')?;
            Some(Met { ca: ca.parse().ok()?, asks_for: Some(MinionId::new(id).ok()?) })
        }))
    }

    /// Notes which CA an enrolment met under which id, for people to compare. Nothing else reads it: both count when the minion
    /// is accepted, not before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note_met(&self, ca: Fingerprint, id: &MinionId) -> Result<(), IdentityError> {
        Ok(files::write_atomically(&self.dir.join(MET), format!("{ca} {id}\n").as_bytes(), 0o644)?)
    }

    fn read(&self, name: &str) -> Result<Option<CertificateDer<'static>>, IdentityError> {
        let path = self.dir.join(name);
        let Some(pem) = files::read_if_any(&path)? else { return Ok(None) };
        CertificateDer::from_pem_slice(&pem).map(Some).map_err(|_| IdentityError::Certificate { path })
    }

    fn write(&self, name: &str, der: &[u8]) -> Result<(), IdentityError> {
        Ok(files::write_atomically(&self.dir.join(name), to_pem(der).as_bytes(), 0o644)?)
    }
}

impl Identity {
    fn of(key: KeyPair, file: PathBuf) -> Self {
        let fingerprint = Fingerprint::of(&key.subject_public_key_info());
        Self { key, fingerprint, file }
    }

    /// Returns where the key lies.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Says what the clone of a machine's disk must lose before it is let in: the key of the original, and what only that
    /// machine has to tell.
    pub fn clone_remedy(&self, data_dir: &Path) -> String {
        let pki = self.file.parent().unwrap_or(&self.file);
        format!(
            "if this machine is a clone, stop its agent, remove {} and {}, and run `lab-minion enrol` with an --id of its own",
            pki.display(),
            data_dir.display()
        )
    }

    /// Returns the fingerprint of the public key: what `lab-master key accept` shows and compares.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Returns the private key for TLS.
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// Makes a certificate request, DER: its signature proves that we hold the key. The master decides the names in
    /// the certificate; the id in here is for people who look at it.
    ///
    /// # Errors
    /// When rcgen cannot make it.
    pub fn request(&self, id: &MinionId) -> Result<Vec<u8>, IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, id.as_str());
        let request = params.serialize_request(&self.key).map_err(IdentityError::Make)?;
        Ok(request.der().to_vec())
    }

    /// Checks that a certificate is for this key.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, certificate: &[u8]) -> Result<(), IdentityError> {
        if fingerprint_of(certificate) == Some(self.fingerprint) {
            Ok(())
        } else {
            Err(IdentityError::NotOurs)
        }
    }
}

impl Credentials {
    /// Returns from when to when the certificate holds.
    pub fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        let (_, cert) = x509_parser::certificate::X509Certificate::from_der(&self.certificate).ok()?;
        let at =
            |t: x509_parser::time::ASN1Time| Timestamp::from_micros(t.timestamp().saturating_mul(1_000_000));
        Some((at(cert.validity().not_before), at(cert.validity().not_after)))
    }

    /// Tells whether the certificate no longer holds, so that only lab-enrol/1 is open.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.validity().is_none_or(|(_, until)| now >= until)
    }

    /// Returns when to ask for a fresh certificate: by its life since it was made, which is later than it is valid from.
    pub fn renew_at(&self) -> Option<Timestamp> {
        let (from, until) = self.validity()?;
        Some(until - until.since(from + BACKDATE).mul_f64(RENEW_AT))
    }
}

/// Returns the fingerprint of a certificate's key.
pub fn fingerprint_of(certificate: &[u8]) -> Option<Fingerprint> {
    let (rest, cert) = x509_parser::certificate::X509Certificate::from_der(certificate).ok()?;
    rest.is_empty().then(|| Fingerprint::of(cert.public_key().raw))
}

fn to_pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", der))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let pki = Pki::new(dir.path());
        let first = pki.identity().expect("makes a key").fingerprint();
        assert_eq!(pki.identity().expect("loads it").fingerprint(), first);
        let mode =
            |name| std::fs::metadata(dir.path().join(name)).expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode("pki/minion.key"), 0o600);
        assert_eq!(mode("pki"), 0o700);
    }

    #[test]
    fn a_broken_key_file_is_named_with_its_remedy() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let pki = Pki::new(dir.path());
        pki.identity().expect("makes a key");
        std::fs::write(dir.path().join("pki/minion.key"), "rubbish").expect("writes");
        let error = pki.identity().err().expect("is refused").to_string();
        assert!(error.contains("minion.key") && error.contains("token"), "{error}");
    }

    #[test]
    fn the_ca_that_was_met_is_told_and_not_trusted_before_the_minion_is_accepted() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let pki = Pki::new(dir.path());
        let identity = pki.identity().expect("makes a key");
        assert_eq!(pki.met().expect("reads"), None);
        let met = Fingerprint::of(b"another");
        let id = MinionId::new("web7").expect("valid");
        pki.note_met(met, &id).expect("writes");
        let noted = Met { ca: met, asks_for: Some(id) };
        assert_eq!((pki.met().expect("reads"), pki.pinned().expect("reads")), (Some(noted), None));
        let ca = CertificateParams::default().self_signed(&identity.key).expect("signs").der().clone();
        pki.store(&Credentials { certificate: ca.clone(), ca }).expect("stores");
        let pinned = Met { ca: identity.fingerprint(), asks_for: None };
        assert_eq!(pki.met().expect("reads"), Some(pinned), "the pinned one goes first");
    }

    #[test]
    fn a_clone_is_told_to_remove_the_key_as_well_as_the_data() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let identity = Pki::new(dir.path()).identity().expect("makes a key");
        assert!(identity.file().is_file(), "it is where it says");
        let said = identity.clone_remedy(Path::new("/var/lib/lab-minion"));
        let pki = dir.path().join("pki").display().to_string();
        assert!(said.contains(&format!("remove {pki} and /var/lib/lab-minion,")), "{said}");
    }

    #[test]
    fn a_certificate_is_renewed_in_the_last_third_of_its_life_however_short_that_is() {
        for life in [6, 3600, 7 * 86_400] {
            let key = KeyPair::generate().expect("makes a key");
            let made = Timestamp::from_micros(1_800_000_000_000_000);
            let at = |t: Timestamp| {
                let seconds = t.as_micros().div_euclid(1_000_000);
                rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).expect("later"))
            };
            let mut params = CertificateParams::default();
            params.not_before = at(made - BACKDATE);
            params.not_after = at(made + Duration::from_secs(life));
            let certificate = params.self_signed(&key).expect("signs").der().clone();
            let credentials = Credentials { ca: certificate.clone(), certificate };
            let expected = made + Duration::from_secs(life) - Duration::from_secs(life) / 3;
            assert_eq!(credentials.renew_at(), Some(expected), "a life of {life} s");
        }
    }

    #[test]
    fn credentials_are_stored_and_read_back_and_only_our_key_fits() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let pki = Pki::new(dir.path());
        let identity = pki.identity().expect("makes a key");
        assert!(pki.credentials().expect("reads").is_none());
        let own = CertificateParams::default().self_signed(&identity.key).expect("signs");
        let other = KeyPair::generate().expect("makes a key");
        let foreign = CertificateParams::default().self_signed(&other).expect("signs");
        pki.store(&Credentials { certificate: own.der().clone(), ca: foreign.der().clone() })
            .expect("stores");
        let read = pki.credentials().expect("reads").expect("are there");
        assert_eq!((&read.certificate, &read.ca), (own.der(), foreign.der()));
        identity.check(&read.certificate).expect("is ours");
        assert!(matches!(identity.check(&read.ca), Err(IdentityError::NotOurs)));
        assert_eq!(pki.pinned().expect("reads"), fingerprint_of(foreign.der()));
    }
}
