//! The yardstick: a bare quinn server with as many connections, which sends each a ping and waits for all echoes when a
//! program asks for it. What lab's ping-all takes beyond that is lab's own cost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use tokio::task::JoinSet;

/// The size of a ping and of its echo, in bytes: about that of a published test.ping and its return.
const PING: usize = 300;
const ALPN: &[u8] = b"bare-echo";

/// What can go wrong; a benchmark stops at the first.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves `connections` clients; once all are there, calls `ready` and runs a ping-all for every asker (see [`ask`]) until
/// one says that it was the last. Returns how long each ping-all took.
///
/// # Errors
/// When a connection breaks.
pub async fn serve(
    address: SocketAddr,
    connections: usize,
    listening: impl FnOnce(SocketAddr),
    ready: impl FnOnce(),
) -> Result<Vec<Duration>, BoxError> {
    let endpoint = endpoint(address, Some(server_config()?))?;
    listening(endpoint.local_addr()?);
    let mut streams = Vec::with_capacity(connections);
    while streams.len() < connections {
        let incoming = endpoint.accept().await.ok_or("the endpoint closed")?;
        let connection = incoming.await?;
        let (mut send, recv) = connection.open_bi().await?;
        send.write_all(&[0; PING]).await?;
        streams.push((connection, send, recv));
    }
    for (_, _, recv) in &mut streams {
        recv.read_exact(&mut [0; PING]).await?;
    }
    ready();
    let mut took = Vec::new();
    loop {
        let asker = endpoint.accept().await.ok_or("the endpoint closed")?.await?;
        let (mut rows, mut asked) = asker.accept_bi().await?;
        let mut last = [0];
        asked.read_exact(&mut last).await?;
        let start = Instant::now();
        let mut round = JoinSet::new();
        for (connection, mut send, mut recv) in streams.drain(..) {
            round.spawn(async move {
                send.write_all(&[1; PING]).await?;
                recv.read_exact(&mut [0; PING]).await?;
                Ok::<_, BoxError>((connection, send, recv))
            });
        }
        while let Some(done) = round.join_next().await {
            streams.push(done??);
            rows.write_all(&[2; PING]).await?;
        }
        took.push(start.elapsed());
        rows.finish()?;
        rows.stopped().await?;
        if last == [1] {
            break;
        }
    }
    for (connection, _, _) in &streams {
        connection.close(0u32.into(), b"done");
    }
    endpoint.wait_idle().await;
    Ok(took)
}

/// Asks a server for one ping-all, as a program that starts, connects and waits for all rows; tells how many came.
///
/// # Errors
/// When the connection breaks.
pub async fn ask(server: SocketAddr, last: bool, tell: impl FnOnce(usize)) -> Result<(), BoxError> {
    let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into())?;
    endpoint.set_default_client_config(client_config()?);
    let connection = endpoint.connect(server, "echo")?.await?;
    let (mut asks, mut rows) = connection.open_bi().await?;
    asks.write_all(&[u8::from(last)]).await?;
    let mut bytes = 0;
    while let Some(chunk) = rows.read_chunk(64 * 1024, true).await? {
        bytes += chunk.bytes.len();
    }
    tell(bytes / PING);
    connection.close(0u32.into(), b"done");
    endpoint.wait_idle().await;
    Ok(())
}

/// Connects `count` clients that echo until the server closes.
///
/// # Errors
/// When a connection cannot be made.
pub async fn clients(server: SocketAddr, count: usize) -> Result<(), BoxError> {
    let mut endpoint = endpoint(([127, 0, 0, 1], 0).into(), None)?;
    endpoint.set_default_client_config(client_config()?);
    let mut all = JoinSet::new();
    for _ in 0..count {
        let connection = endpoint.connect(server, "echo")?.await?;
        all.spawn(async move {
            let (mut send, mut recv) = connection.accept_bi().await?;
            let mut buffer = [0; PING];
            while recv.read_exact(&mut buffer).await.is_ok() {
                if send.write_all(&buffer).await.is_err() {
                    break;
                }
            }
            Ok::<_, BoxError>(())
        });
    }
    while let Some(done) = all.join_next().await {
        done??;
    }
    endpoint.wait_idle().await;
    Ok(())
}

/// Opens an endpoint whose socket has as much room as that of `lab-master`: without it, what thousands of endpoints say at
/// once is lost, and timers are measured.
///
/// # Errors
/// When there is no socket.
pub(super) fn endpoint(
    address: SocketAddr,
    server: Option<quinn::ServerConfig>,
) -> std::io::Result<quinn::Endpoint> {
    endpoint_with(quinn::EndpointConfig::default(), address, server)
}

/// As [`endpoint`], with a configuration.
///
/// # Errors
/// When there is no socket.
pub(super) fn endpoint_with(
    config: quinn::EndpointConfig,
    address: SocketAddr,
    server: Option<quinn::ServerConfig>,
) -> std::io::Result<quinn::Endpoint> {
    use nix::sys::socket::{setsockopt, sockopt};
    const ROOM: usize = 8 << 20;
    let socket = std::net::UdpSocket::bind(address)?;
    setsockopt(&socket, sockopt::RcvBufForce, &ROOM)
        .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &ROOM))?;
    setsockopt(&socket, sockopt::SndBufForce, &ROOM)
        .or_else(|_| setsockopt(&socket, sockopt::SndBuf, &ROOM))?;
    quinn::Endpoint::new(config, server, socket, Arc::new(quinn::TokioRuntime))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificate() -> Result<(rustls_pki_types::CertificateDer<'static>, rcgen::KeyPair), BoxError> {
    // One self-signed certificate, made from a fixed seed of nothing: both ends run on this machine, in this run.
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(vec!["echo".to_owned()])?.self_signed(&key)?;
    Ok((certificate.der().clone(), key))
}

/// Makes a server of the yardstick's kind.
///
/// # Errors
/// When no certificate can be made.
pub fn server_config() -> Result<quinn::ServerConfig, BoxError> {
    let (certificate, key) = certificate()?;
    let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der())?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(Arc::new(transport()?));
    Ok(config)
}

/// Makes a client that takes any certificate.
///
/// # Errors
/// When the library refuses its own settings.
pub fn client_config() -> Result<quinn::ClientConfig, BoxError> {
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider())))
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(Arc::new(transport()?));
    Ok(config)
}

pub(super) fn transport() -> Result<quinn::TransportConfig, BoxError> {
    let mut transport = quinn::TransportConfig::default();
    transport.max_idle_timeout(Some(Duration::from_secs(120).try_into()?));
    transport.keep_alive_interval(Some(Duration::from_secs(3)));
    Ok(transport)
}

/// Takes any certificate: this is a yardstick on the loopback, not a door.
#[derive(Debug)]
struct Anyone(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &rustls_pki_types::CertificateDer<'_>,
        _: &[rustls_pki_types::CertificateDer<'_>],
        _: &rustls_pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &rustls_pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &rustls_pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_client_echoes_for_every_asker() {
        let (tell, told) = tokio::sync::oneshot::channel();
        let (all, are_here) = tokio::sync::oneshot::channel();
        let server = tokio::spawn(serve(
            ([127, 0, 0, 1], 0).into(),
            5,
            |a| tell.send(a).expect("the test waits for it"),
            || all.send(()).expect("the test waits for it"),
        ));
        let address = told.await.expect("listens");
        let clients = tokio::spawn(clients(address, 5));
        are_here.await.expect("all connect");
        for last in [false, true] {
            ask(address, last, |rows| assert_eq!(rows, 5)).await.expect("answers");
        }
        assert_eq!(server.await.expect("ends").expect("works").len(), 2);
        clients.await.expect("ends").expect("works");
    }
}
