//! The socket and its three doors: who may come in is decided here, by ALPN and certificate.

use std::sync::Arc;
use std::time::Duration;

use lab_proto::v1::{ALPN_ENROL, ALPN_MINION, ALPN_OPERATOR};
use lab_proto::{Fingerprint, Timestamp};
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{Connection, Endpoint, IdleTimeout, Incoming, ServerConfig, TransportConfig, VarInt};
use rustls_pki_types::CertificateDer;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{Instrument, debug, info_span};

use super::{Shared, StartError, enrol, link, op};
use crate::config::Config;
use crate::pki::{self, Authority, Peer, Trust};

/// Handshakes at the same time. Beyond half of it, addresses must prove that they are their own first.
const MAX_HANDSHAKES: usize = 512;
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// Both ends use it: a bridge's forward delay must not end a link (docs/protocol.md, "Timing").
const IDLE: Duration = Duration::from_secs(120);
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Streams that one peer may have open: control, events, jobs, and questions.
const MAX_STREAMS: u32 = 32;
/// Bytes that one peer may have sent and we have not read.
const RECEIVE_WINDOW: u32 = 2 << 20;
const STREAM_WINDOW: u32 = 1 << 20;
const SEND_WINDOW: u64 = 4 << 20;
/// Bytes that the system may hold for the socket in each direction.
const SOCKET_BUFFER: usize = 8 << 20;

/// Closes a connection at the wrong door.
const WRONG_DOOR: u32 = 16;

/// Opens the socket.
pub(crate) fn bind(
    config: &Config,
    authority: &Authority,
    trust: Arc<Trust>,
    now: Timestamp,
) -> Result<Endpoint, StartError> {
    let (chain, key) = authority.issue_server(now)?;
    let tls = pki::server_config(chain, key, authority.certificate(), trust).map_err(StartError::Tls)?;
    let crypto = QuicServerConfig::try_from(tls).map_err(|e| StartError::Quic(e.to_string()))?;
    let mut server = ServerConfig::with_crypto(Arc::new(crypto));
    server.transport_config(Arc::new(transport()));
    server.migration(true);
    server.max_incoming(MAX_HANDSHAKES * 2);
    let listen = |source| StartError::Listen { address: config.listen, source };
    let socket = std::net::UdpSocket::bind(config.listen).map_err(listen)?;
    make_room(&socket);
    let endpoint = super::reset::endpoint_config(&config.data_dir)?;
    Endpoint::new(endpoint, Some(server), socket, Arc::new(quinn::TokioRuntime)).map_err(listen)
}

/// Lets the socket hold what thousands of minions answer at once; what does not fit is lost and sent again much later.
fn make_room(socket: &std::net::UdpSocket) {
    use nix::sys::socket::{setsockopt, sockopt};
    // Beyond net.core.rmem_max only the privileged may go; less room is no error.
    let whole = setsockopt(socket, sockopt::RcvBufForce, &SOCKET_BUFFER)
        .or_else(|_| setsockopt(socket, sockopt::RcvBuf, &SOCKET_BUFFER))
        .and_then(|()| {
            setsockopt(socket, sockopt::SndBufForce, &SOCKET_BUFFER)
                .or_else(|_| setsockopt(socket, sockopt::SndBuf, &SOCKET_BUFFER))
        });
    if let Err(e) = whole {
        debug!(error = %e, "the socket's buffers stay small");
    }
}

fn transport() -> TransportConfig {
    let mut t = TransportConfig::default();
    t.max_idle_timeout(Some(IdleTimeout::try_from(IDLE).expect("two minutes fit")));
    t.keep_alive_interval(Some(KEEP_ALIVE));
    t.max_concurrent_bidi_streams(VarInt::from_u32(MAX_STREAMS));
    t.max_concurrent_uni_streams(VarInt::from_u32(0));
    t.receive_window(VarInt::from_u32(RECEIVE_WINDOW));
    t.stream_receive_window(VarInt::from_u32(STREAM_WINDOW));
    t.send_window(SEND_WINDOW);
    t.datagram_receive_buffer_size(None);
    t
}

/// Accepts connections until the endpoint closes.
pub(crate) async fn run(shared: Arc<Shared>, endpoint: Endpoint) {
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    // Owns every connection's task: they end with this one.
    let mut tasks = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        while tasks.try_join_next().is_some() {}
        if endpoint.open_connections() > shared.config.link.max_connections {
            incoming.refuse();
            continue;
        }
        let crowded = handshakes.available_permits() < MAX_HANDSHAKES / 2;
        if crowded && !incoming.remote_address_validated() {
            let _ = incoming.retry();
            continue;
        }
        let Ok(permit) = handshakes.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let shared = shared.clone();
        tasks.spawn(async move {
            let connection = Box::pin(handshake(&shared, incoming)).await;
            drop(permit);
            if let Some(connection) = connection {
                serve(&shared, connection).await;
            }
        });
    }
}

async fn handshake(shared: &Shared, incoming: Incoming) -> Option<Connection> {
    let address = incoming.remote_address().ip().to_string();
    let connecting = match incoming.accept() {
        Ok(connecting) => connecting,
        Err(e) => {
            shared.hub.refused(format!("handshake: {}", why(&e)), address).await;
            return None;
        }
    };
    match tokio::time::timeout(HANDSHAKE_PATIENCE, connecting).await {
        Ok(Ok(connection)) => Some(connection),
        Ok(Err(e)) => {
            shared.hub.refused(format!("handshake: {}", why(&e)), address).await;
            None
        }
        Err(_) => {
            shared.hub.refused("handshake: not finished in time", address).await;
            None
        }
    }
}

/// Says in words of ours what TLS says in its own.
fn why(error: &quinn::ConnectionError) -> String {
    let text = error.to_string();
    let known = [
        ("Revoked", "the key of the certificate is not accepted"),
        ("UnknownIssuer", "the certificate is of another CA"),
        // Another master's CA has the same name and another key.
        ("BadSignature", "the certificate is of another CA"),
        ("Expired", "the certificate has expired"),
        ("NotValidYet", "the certificate is not valid yet: compare the clocks"),
        ("BadEncoding", "the certificate names no peer of this master"),
        ("support any known protocol", "an unknown protocol was asked for"),
    ];
    known.iter().find(|(word, _)| text.contains(word)).map_or(text.clone(), |(_, ours)| (*ours).to_owned())
}

async fn serve(shared: &Arc<Shared>, connection: Connection) {
    let address = connection.remote_address();
    let alpn =
        connection.handshake_data().and_then(|d| d.downcast::<HandshakeData>().ok()).and_then(|d| d.protocol);
    let peer = identity(&connection);
    debug!(%address, peer = ?peer.as_ref().map(|(p, _)| p), "connection");
    let named = |p: &Option<(Peer, Fingerprint)>| {
        p.as_ref().map_or_else(|| address.ip().to_string(), |(peer, _)| peer.to_string())
    };
    let refusal = match (alpn.as_deref(), peer) {
        (Some(ALPN_ENROL), _) => {
            // Boxed, like the operators' below: a minion's link, of which there are thousands, must not have their size.
            Box::pin(enrol::serve(shared, connection)).await;
            return;
        }
        (Some(ALPN_MINION), Some((Peer::Minion(minion), key))) => {
            let span = info_span!("link", %minion);
            link::serve(shared, connection, minion, key).instrument(span).await;
            return;
        }
        (Some(ALPN_OPERATOR), Some((Peer::Operator(name), _))) => {
            let span = info_span!("operator", name);
            Box::pin(op::serve(shared, connection, name)).instrument(span).await;
            return;
        }
        (Some(ALPN_MINION), peer @ Some(_)) => {
            ("an operator's certificate at the minions' door", named(&peer))
        }
        (Some(ALPN_OPERATOR), peer @ Some(_)) => {
            ("a minion's certificate at the operators' door", named(&peer))
        }
        (Some(ALPN_MINION), None) => ("no certificate at the minions' door", named(&None)),
        (Some(ALPN_OPERATOR), None) => ("no certificate at the operators' door", named(&None)),
        _ => ("an unknown protocol", named(&None)),
    };
    connection.close(VarInt::from_u32(WRONG_DOOR), refusal.0.as_bytes());
    shared.hub.refused(refusal.0, refusal.1).await;
}

/// Whose certificate was shown; the handshake has verified it.
fn identity(connection: &Connection) -> Option<(Peer, Fingerprint)> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    pki::peer_of(chain.first()?)
}
