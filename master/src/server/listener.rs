//! The socket and its three doors: who may come in is decided here, by ALPN and certificate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lab_proto::v1::link::{MAX_DATAGRAM, MAX_STREAMS, WINDOW};
use lab_proto::v1::{ALPN_ENROL, ALPN_MINION, ALPN_OPERATOR};
use lab_proto::{Fingerprint, Timestamp};
use quinn::congestion::CubicConfig;
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{
    Connection, Endpoint, IdleTimeout, Incoming, MtuDiscoveryConfig, Runtime as _, ServerConfig,
    TransportConfig, VarInt,
};
use rustls_pki_types::CertificateDer;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{Instrument, debug, info_span};

use super::hub::Hub;
use super::noise::{Noise, Watched};
use super::strangers::Strangers;
use super::width::Width;
use super::{Shared, StartError, enrol, link, mtu, op};
use crate::config::Config;
use crate::pki::{self, Authority, Peer, Trust};

/// Handshakes at the same time. Beyond half of it, addresses must prove that they are their own first.
const MAX_HANDSHAKES: usize = 512;
/// Both ends use it: a bridge's forward delay must not end a link (docs/protocol.md, "Timing").
const IDLE: Duration = Duration::from_secs(120);
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Bytes that one peer may have sent and we have not read; a stranger may less, until a certificate was shown.
const RECEIVE_WINDOW: u32 = 2 << 20;
const STRANGERS_WINDOW: u32 = 64 << 10;
const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes that may be on their way before the peer has acknowledged any. QUIC's own ten packets are meant for the internet: in
/// a lab it takes a busy master several turns with an operator's command until the rows of a thousand minions have gone.
const FIRST_FLIGHT: u64 = 128 << 10;
/// Bytes that the system may hold for the socket in each direction.
const SOCKET_BUFFER: usize = 8 << 20;

/// Closes a connection at the wrong door.
const WRONG_DOOR: u32 = 16;
/// Closes a connection that is one too many.
const BUSY: u32 = 17;
/// What rustls says when the verifier does not accept a key.
const REVOKED: &str = "Revoked";
/// How long a handshake has packets go one by one; most are over by then.
const FLIGHTS: Duration = Duration::from_secs(1);
const NOT_ACCEPTED: &str = "handshake: the key of the certificate is not accepted";

/// The socket and what is told of it.
pub(crate) struct Bound {
    pub(crate) endpoint: Endpoint,
    pub(crate) noise: Arc<Noise>,
    pub(crate) width: Arc<Width>,
    pub(crate) reception: Reception,
}

/// What handshakes need beside the socket.
#[derive(Clone)]
pub(crate) struct Reception {
    unnamed: Arc<Unnamed>,
    /// For peers to which larger packets may find their way.
    jumbo: Arc<ServerConfig>,
}

/// Handshakes that failed because the key is not accepted, and that are to be named in the log without whose key it is.
#[derive(Debug, Default)]
struct Unnamed(AtomicU64);

/// Opens the socket.
pub(crate) fn bind(
    config: &Config,
    authority: &Authority,
    trust: Arc<Trust>,
    hub: &Hub,
    now: Timestamp,
) -> Result<Bound, StartError> {
    let (chain, key) = authority.issue_server(now)?;
    let unnamed = Arc::new(Unnamed::default());
    let tls = pki::server_config(chain, key, authority.certificate(), trust, witness(hub, &unnamed))
        .map_err(StartError::Tls)?;
    let crypto = QuicServerConfig::try_from(tls).map_err(|e| StartError::Quic(e.to_string()))?;
    let mut server = ServerConfig::with_crypto(Arc::new(crypto));
    server.transport_config(Arc::new(transport()));
    server.migration(true);
    server.max_incoming(MAX_HANDSHAKES * 2);
    let mut jumbo = server.clone();
    jumbo.transport_config(Arc::new(jumbo_transport()));
    let reception = Reception { unnamed, jumbo: Arc::new(jumbo) };
    let listen = |source| StartError::Listen { address: config.listen, source };
    let socket = std::net::UdpSocket::bind(config.listen).map_err(listen)?;
    make_room(&socket);
    let (endpoint, ids) = super::reset::endpoint_config(&config.data_dir)?;
    let runtime = Arc::new(quinn::TokioRuntime);
    let (noise, width) = (Arc::new(Noise::default()), Arc::new(Width::default()));
    let socket = runtime.wrap_udp_socket(socket).map_err(listen)?;
    let socket = Arc::new(Watched { socket, ids, noise: noise.clone(), width: width.clone() });
    let endpoint =
        Endpoint::new_with_abstract_socket(endpoint, Some(server), socket, runtime).map_err(listen)?;
    Ok(Bound { endpoint, noise, width, reception })
}

/// Names in the log whose key was not accepted.
fn witness(hub: &Hub, unnamed: &Arc<Unnamed>) -> pki::Witness {
    let (hub, unnamed) = (hub.clone(), unnamed.clone());
    Arc::new(move |refused| {
        let why = match refused.peer() {
            Peer::Minion(_) => NOT_ACCEPTED,
            Peer::Operator(_) => "handshake: the operator is revoked",
        };
        if !hub.try_refused(why, refused.peer().to_string()) {
            unnamed.0.fetch_add(1, Ordering::Relaxed);
        }
    })
}

impl Unnamed {
    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
    }
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
    t.receive_window(VarInt::from_u32(STRANGERS_WINDOW));
    t.stream_receive_window(VarInt::from_u32(STREAM_WINDOW));
    t.send_window(u64::from(WINDOW));
    t.datagram_receive_buffer_size(None);
    let mut congestion = CubicConfig::default();
    congestion.initial_window(FIRST_FLIGHT);
    t.congestion_controller_factory(Arc::new(congestion));
    t
}

/// The same where the way to the peer may carry more than an ordinary Ethernet frame: what it does carry is found by probes.
fn jumbo_transport() -> TransportConfig {
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(MAX_DATAGRAM);
    let mut t = transport();
    t.mtu_discovery_config(Some(discovery));
    t
}

/// Accepts connections until the endpoint closes.
pub(crate) async fn run(shared: Arc<Shared>, endpoint: Endpoint, reception: Reception) {
    let limits = &shared.config.enrol;
    let handshakes = Strangers::new(MAX_HANDSHAKES, limits.max_connections_per_address);
    let known = Arc::new(Semaphore::new(shared.config.link.max_connections));
    // Owns every connection's task: they end with this one.
    let mut tasks = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        while tasks.try_join_next().is_some() {}
        let address = incoming.remote_address().ip();
        if handshakes.crowded(address) && !incoming.remote_address_validated() {
            let _ = incoming.retry();
            continue;
        }
        let Some(place) = handshakes.enter(address) else {
            incoming.refuse();
            // Without room it is not named: so many are that this one would be no news.
            shared.hub.try_refused("handshake: too many at a time", address.to_string());
            continue;
        };
        let (shared, reception, known) = (shared.clone(), reception.clone(), known.clone());
        tasks.spawn(async move {
            let connection = Box::pin(handshake(&shared, incoming, &reception)).await;
            drop(place);
            if let Some(connection) = connection {
                serve(&shared, connection, &known).await;
            }
        });
    }
}

/// Shakes hands. Only the first moments of it have packets go one by one: a stranger who says no more holds nobody up.
async fn first_flights(
    shared: &Shared,
    mut connecting: quinn::Connecting,
) -> Result<Connection, quinn::ConnectionError> {
    let narrow = shared.width.handshake();
    let early = tokio::time::timeout(FLIGHTS, &mut connecting).await;
    drop(narrow);
    match early {
        Ok(done) => done,
        Err(_) => connecting.await,
    }
}

async fn handshake(shared: &Shared, incoming: Incoming, reception: &Reception) -> Option<Connection> {
    let peer = incoming.remote_address();
    let address = peer.ip().to_string();
    let accepted = if mtu::carries_jumbo(peer) {
        incoming.accept_with(reception.jumbo.clone())
    } else {
        incoming.accept()
    };
    let connecting = match accepted {
        Ok(connecting) => connecting,
        Err(e) => {
            shared.hub.refused(format!("handshake: {}", why(&e)), address).await;
            return None;
        }
    };
    match tokio::time::timeout(shared.config.enrol.patience, first_flights(shared, connecting)).await {
        Ok(Ok(connection)) => Some(connection),
        // The witness named the peer, unless it could not.
        Ok(Err(e)) if e.to_string().contains(REVOKED) => {
            if reception.unnamed.take() {
                shared.hub.refused(NOT_ACCEPTED, address).await;
            }
            None
        }
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

async fn serve(shared: &Arc<Shared>, connection: Connection, known: &Arc<Semaphore>) {
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
            let Some(_place) = shared.strangers.enter(address.ip()) else {
                connection.close(BUSY.into(), b"too many strangers are here");
                shared.hub.refused("enrolment: too many connections", address.ip().to_string()).await;
                return;
            };
            // Boxed, like the operators' below: a minion's link, of which there are thousands, must not have their size.
            Box::pin(enrol::serve(shared, connection)).await;
            return;
        }
        (Some(ALPN_MINION | ALPN_OPERATOR), Some((peer, key))) if at_its_door(alpn.as_deref(), &peer) => {
            let Ok(_place) = known.clone().try_acquire_owned() else {
                connection.close(BUSY.into(), b"too many connections");
                shared.hub.refused("more connections than link.max_connections", peer.to_string()).await;
                return;
            };
            connection.set_receive_window(VarInt::from_u32(RECEIVE_WINDOW));
            serve_known(shared, connection, peer, key).await;
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

fn at_its_door(alpn: Option<&[u8]>, peer: &Peer) -> bool {
    match peer {
        Peer::Minion(_) => alpn == Some(ALPN_MINION),
        Peer::Operator(_) => alpn == Some(ALPN_OPERATOR),
    }
}

async fn serve_known(shared: &Arc<Shared>, connection: Connection, peer: Peer, key: Fingerprint) {
    match peer {
        Peer::Minion(minion) => {
            let span = info_span!("link", %minion);
            link::serve(shared, connection, minion, key).instrument(span).await;
        }
        Peer::Operator(name) => {
            let span = info_span!("operator", name);
            Box::pin(op::serve(shared, connection, name, key)).instrument(span).await;
        }
    }
}

/// Whose certificate was shown; the handshake has verified it.
fn identity(connection: &Connection) -> Option<(Peer, Fingerprint)> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    pki::peer_of(chain.first()?)
}
