//! TLS as a minion does it: the master is whoever the pinned CA vouches for, whatever host name it was dialled by.
//!
//! Dates are read leniently on this side: the CA's key is what is trusted, and a machine whose clock is wrong must
//! still be able to reach its master, which then tells it the time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lab_proto::Fingerprint;
use lab_proto::v1::{ALPN_ENROL, ALPN_MINION, MASTER_TLS_NAME};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use x509_parser::prelude::FromDer;

use super::{Credentials, fingerprint_of};

/// Which CA is trusted at the enrolment door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The one with this fingerprint, from the configuration or a token.
    Fingerprint(Fingerprint),
    /// Whichever is met first; its fingerprint is printed to be compared.
    FirstUse,
}

/// What the handshake at the enrolment door met.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<Prints>>);

#[derive(Clone, Copy, Debug, Default)]
struct Prints {
    trusted: Option<Fingerprint>,
    shown: Option<Fingerprint>,
}

impl Seen {
    /// Returns the fingerprint of the CA that was met.
    pub fn ca(&self) -> Option<Fingerprint> {
        self.prints().trusted
    }

    /// Returns the fingerprint of the CA that was shown, trusted or not.
    pub fn shown(&self) -> Option<Fingerprint> {
        self.prints().shown
    }

    fn prints(&self) -> MutexGuard<'_, Prints> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes TLS for the enrolment door: no certificate of ours, a pinned CA.
///
/// # Errors
/// When rustls does not take the configuration.
pub fn enrol_tls(pin: Pin) -> Result<(ClientConfig, Seen), Error> {
    let provider = provider();
    let seen = Seen::default();
    let verifier = PinVerifier {
        trusted: Trusted::Pinned(pin),
        seen: seen.clone(),
        algorithms: provider.signature_verification_algorithms,
        provider: provider.clone(),
    };
    let config = builder(provider)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok((finish(config.with_no_client_auth(), ALPN_ENROL), seen))
}

/// Makes TLS for the link: our certificate, the stored CA.
///
/// # Errors
/// When rustls does not take key and certificate.
pub fn link_tls(credentials: &Credentials, key: PrivateKeyDer<'static>) -> Result<ClientConfig, Error> {
    let provider = provider();
    let verifier = PinVerifier {
        trusted: Trusted::Ca(credentials.ca.clone()),
        seen: Seen::default(),
        algorithms: provider.signature_verification_algorithms,
        provider: provider.clone(),
    };
    let config = builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(vec![credentials.certificate.clone()], key)?;
    Ok(finish(config, ALPN_MINION))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13])
}

fn finish(mut config: ClientConfig, alpn: &[u8]) -> ClientConfig {
    config.alpn_protocols = vec![alpn.to_vec()];
    // Every connection proves its key anew; nothing is kept between them.
    config.resumption = rustls::client::Resumption::disabled();
    config
}

#[derive(Debug)]
enum Trusted {
    Pinned(Pin),
    Ca(CertificateDer<'static>),
}

#[derive(Debug)]
struct PinVerifier {
    trusted: Trusted,
    seen: Seen,
    algorithms: WebPkiSupportedAlgorithms,
    provider: Arc<CryptoProvider>,
}

impl PinVerifier {
    /// Finds the CA to check the server's certificate against.
    fn ca(&self, shown: &[CertificateDer<'_>]) -> Result<CertificateDer<'static>, Error> {
        let pin = match &self.trusted {
            Trusted::Ca(ca) => return Ok(ca.clone()),
            Trusted::Pinned(pin) => pin,
        };
        self.seen.prints().shown = shown.last().and_then(|c| fingerprint_of(c));
        let mut with_prints =
            shown.iter().filter_map(|c| fingerprint_of(c).map(|print| (c.clone().into_owned(), print)));
        let (ca, print) = match pin {
            Pin::FirstUse => with_prints.next_back(),
            Pin::Fingerprint(wanted) => with_prints.find(|(_, print)| print == wanted),
        }
        .ok_or(CertificateError::UnknownIssuer)?;
        self.seen.prints().trusted = Some(print);
        Ok(ca)
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca(intermediates)?)?;
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|e| Error::General(e.to_string()))?;
        let name = ServerName::try_from(MASTER_TLS_NAME)
            .map_err(|_| Error::General("the master's name is no server name".to_owned()))?;
        let verified =
            chain.verify_server_cert(end_entity, &[], &name, ocsp_response, lenient(end_entity, now));
        verified.map_err(|e| match e {
            // All masters' CAs have the same name, so what another one signed looks like a bad signature of ours.
            Error::InvalidCertificate(CertificateError::BadSignature) => {
                CertificateError::UnknownIssuer.into()
            }
            e => e,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Moves a wrong clock's time into the certificate's life.
fn lenient(certificate: &CertificateDer<'_>, now: UnixTime) -> UnixTime {
    let Ok((_, cert)) = x509_parser::certificate::X509Certificate::from_der(certificate) else { return now };
    let second = |t: x509_parser::time::ASN1Time| u64::try_from(t.timestamp()).unwrap_or(0);
    let (from, until) = (second(cert.validity().not_before), second(cert.validity().not_after));
    let inside = now.as_secs().clamp(from, until.max(from));
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(inside))
}
