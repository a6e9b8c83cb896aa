//! The certificate authority: signs what it is asked to, knows nothing of who may ask.

use std::time::Duration;

use lab_proto::v1::enrol::MAX_CSR;
use lab_proto::v1::{BACKDATE, MASTER_TLS_NAME};
use lab_proto::{Fingerprint, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;

use super::names::{Peer, is_operator_name};

/// The CA and the certificate that the server shows live so long: trust is the pinned CA key, not a date.
const CA_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 3600);

/// The CA's key and certificate.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    fingerprint: Fingerprint,
    life: Duration,
}

/// A certificate that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate for {name}")]
pub struct IssueError {
    name: String,
    #[source]
    source: rcgen::Error,
}

/// A certificate request that is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CsrError {
    /// It is too large to look at.
    #[error("the certificate request has {0} bytes; at most {MAX_CSR} are looked at")]
    TooLarge(usize),
    /// It does not parse, or its signature is not by its own key.
    #[error("the certificate request is not valid")]
    Invalid(#[source] rcgen::Error),
}

/// A certificate request whose signature was verified: the sender holds the key.
pub struct Request {
    key: rcgen::PublicKey,
    fingerprint: Fingerprint,
}

impl Request {
    /// Verifies a PKCS#10 request in DER. Names and extensions in it are not looked at: the master decides them.
    ///
    /// # Errors
    /// When it is too large, does not parse, or is not signed by its own key.
    pub fn verify(der: &[u8]) -> Result<Self, CsrError> {
        if der.len() > MAX_CSR {
            return Err(CsrError::TooLarge(der.len()));
        }
        let csr =
            CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(der.to_vec()))
                .map_err(CsrError::Invalid)?;
        let fingerprint = Fingerprint::of(&csr.public_key.subject_public_key_info());
        Ok(Self { key: csr.public_key, fingerprint })
    }

    /// Returns the fingerprint of the key that signed the request.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl Authority {
    /// Makes a new CA; `life` is how long the certificates that it issues are valid.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn create(key: KeyPair, life: Duration, now: Timestamp) -> Result<Self, IssueError> {
        let failed = |source| IssueError { name: "the CA".to_owned(), source };
        let mut params = params_named("lab master CA", now, CA_LIFE);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        Self::load(key, certificate, life)
    }

    /// Takes an existing CA.
    ///
    /// # Errors
    /// When the certificate does not parse.
    pub fn load(
        key: KeyPair,
        certificate: CertificateDer<'static>,
        life: Duration,
    ) -> Result<Self, IssueError> {
        let fingerprint = Fingerprint::of(&key.subject_public_key_info());
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|source| IssueError { name: "the CA".to_owned(), source })?;
        Ok(Self { issuer, certificate, fingerprint, life })
    }

    /// Returns the fingerprint of the CA's key: what minions pin.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Returns the CA's certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Returns how long issued certificates are valid.
    pub fn life(&self) -> Duration {
        self.life
    }

    pub(super) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Signs a certificate for a peer over the key of a verified request.
    ///
    /// # Errors
    /// When the certificate cannot be made, or the operator's name cannot be one.
    pub fn issue(&self, peer: &Peer, request: &Request, now: Timestamp) -> Result<Vec<u8>, IssueError> {
        let failed = |source| IssueError { name: peer.to_string(), source };
        if let Peer::Operator(name) = peer
            && !is_operator_name(name)
        {
            return Err(failed(rcgen::Error::InvalidNameType));
        }
        // An operator's file is not renewed by a link, so it lives as long as the CA; deleting its key ends it.
        let life = if matches!(peer, Peer::Operator(_)) { CA_LIFE } else { self.life };
        let mut params = params_named(&peer.to_string(), now, life);
        let uri = peer.uri().try_into().map_err(failed)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(params.signed_by(&request.key, &self.issuer).map_err(failed)?.der().to_vec())
    }

    /// Makes the certificate chain and key that the server shows at all its doors. The key never touches a disk:
    /// each start makes another.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn issue_server(
        &self,
        now: Timestamp,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), IssueError> {
        let failed = |source| IssueError { name: MASTER_TLS_NAME.to_owned(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params_named(MASTER_TLS_NAME, now, CA_LIFE);
        params.subject_alt_names = vec![SanType::DnsName(MASTER_TLS_NAME.try_into().map_err(failed)?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(&key, &self.issuer).map_err(failed)?.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok((vec![leaf, self.certificate.clone()], key))
    }
}

fn params_named(name: &str, now: Timestamp, life: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date(now - BACKDATE);
    params.not_after = date(now + life);
    params
}

fn date(t: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(t.as_micros().div_euclid(1_000_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::super::peer_of;
    use super::*;
    use lab_proto::MinionId;

    fn authority() -> Authority {
        let now = Timestamp::from_micros(1_795_238_380_000_000);
        Authority::create(KeyPair::generate().expect("key"), Duration::from_secs(3600), now).expect("made")
    }

    #[test]
    fn a_certificate_carries_the_name_that_the_master_chose_and_the_key_of_the_request() {
        let key = KeyPair::generate().expect("key");
        let asked = CertificateParams::new(vec!["someone-else".to_owned()]).expect("params");
        let csr = asked.serialize_request(&key).expect("csr");
        let request = Request::verify(csr.der()).expect("valid");
        let peer = Peer::Minion(MinionId::new("web1").expect("valid"));
        let der = authority().issue(&peer, &request, Timestamp::from_micros(0)).expect("issued");
        let fingerprint = Fingerprint::of(&key.subject_public_key_info());
        assert_eq!(peer_of(&der), Some((peer, fingerprint)));
        assert_eq!(request.fingerprint(), fingerprint);
    }

    #[test]
    fn a_request_with_a_flipped_bit_or_too_many_bytes_is_refused() {
        let key = KeyPair::generate().expect("key");
        let csr = CertificateParams::default().serialize_request(&key).expect("csr");
        let mut der = csr.der().to_vec();
        let last = der.len() - 1;
        der[last] ^= 1;
        assert!(matches!(Request::verify(&der), Err(CsrError::Invalid(_))));
        assert!(matches!(Request::verify(&vec![0; MAX_CSR + 1]), Err(CsrError::TooLarge(_))));
    }
}
