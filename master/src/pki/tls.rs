//! TLS for the three doors. One endpoint serves all: the client's certificate is optional in the handshake, and the
//! listener refuses the doors that need one. A certificate that is shown must be of our CA and its key accepted.

use std::fmt;
use std::sync::Arc;

use lab_proto::v1::{ALPN_ENROL, ALPN_MINION, ALPN_OPERATOR};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use super::names::peer_of;
use super::trust::{NotTrusted, Trust};

/// Told in the handshake, once, whose key was not accepted: an error of TLS cannot carry the name. Must not block.
pub type Witness = Arc<dyn Fn(&NotTrusted) + Send + Sync>;

/// Makes the server's TLS configuration.
///
/// # Errors
/// When rustls does not take the certificates.
pub fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    ca: &CertificateDer<'static>,
    trust: Arc<Trust>,
    witness: Witness,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let provider = provider();
    let verifier = TrustVerifier { chain: webpki(ca, &provider)?, trust, witness };
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, key)?;
    config.alpn_protocols = [ALPN_MINION, ALPN_OPERATOR, ALPN_ENROL].map(<[u8]>::to_vec).to_vec();
    // No tickets: a resumed session would not ask for the key again.
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Makes a client's TLS configuration: trusts one CA, shows one certificate.
///
/// # Errors
/// When rustls does not take the certificates.
pub fn client_config(
    ca: &CertificateDer<'static>,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    alpn: &[u8],
) -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone())?;
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn webpki(
    ca: &CertificateDer<'static>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone())?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|e| rustls::Error::General(e.to_string()))
}

/// Checks the chain as usual, then the key against the accepted ones.
struct TrustVerifier {
    chain: Arc<dyn ClientCertVerifier>,
    trust: Arc<Trust>,
    witness: Witness,
}

impl fmt::Debug for TrustVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustVerifier").finish_non_exhaustive()
    }
}

impl ClientCertVerifier for TrustVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Clients have one certificate and show it; hints would only tell strangers who we are.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        let (peer, fingerprint) = peer_of(end_entity).ok_or(CertificateError::BadEncoding)?;
        self.trust.check(&peer, fingerprint).map_err(|refused| {
            (self.witness)(&refused);
            rustls::Error::InvalidCertificate(CertificateError::Revoked)
        })?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
