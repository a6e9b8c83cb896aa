//! Dialling: one wildcard socket that is never connected, so that the kernel may change the source address and the
//! QUIC session migrates instead of breaking.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::address::{AddressError, with_port};
use lab_proto::v1::MASTER_TLS_NAME;
use lab_proto::v1::link::{MAX_DATAGRAM, STREAM_WINDOW, WINDOW};
use quinn::crypto::rustls::{NoInitialCipherSuite, QuicClientConfig};
use quinn::{
    ClientConfig, ConnectError, Connection, ConnectionError, Endpoint, EndpointConfig, TokioRuntime,
    TransportConfig, VarInt,
};

/// How long one address may take to answer before the next is tried.
const DIAL_PATIENCE: Duration = Duration::from_secs(10);
/// How long a session outlives silence: a bridge's STP delay of two times 15 s must not end it.
const IDLE: Duration = Duration::from_secs(120);
/// How often a silent session says something.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// What may be sent and not acknowledged.
const SEND_WINDOW: u64 = 4 << 20;
/// What the system may hold for the socket of what the master sends.
const SOCKET_BUFFER: usize = 4 << 20;

/// Why no master answered.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// There is no address to dial.
    #[error("no master is configured; set `master` in minion.toml or give --master HOST[:PORT]")]
    NoMaster,
    /// What was given is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The name has no address.
    #[error("cannot resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's words.
        source: io::Error,
    },
    /// No socket.
    #[error("cannot open a UDP socket")]
    Socket(#[source] io::Error),
    /// rustls' configuration does not fit QUIC.
    #[error("the TLS configuration does not fit QUIC")]
    Tls(#[source] NoInitialCipherSuite),
    /// quinn does not dial this.
    #[error("cannot dial {address}")]
    Connect {
        /// The address.
        address: SocketAddr,
        /// quinn's words.
        source: ConnectError,
    },
    /// Whoever answers has a certificate of another CA than the trusted one.
    #[error(
        "the master at {place} has a certificate of another CA than the one that this machine trusts: it is another master, or one \
         that was set up anew; compare with `lab-master key finger` there, and if it is the right one, enrol with a token of its own"
    )]
    OtherCa {
        /// Its name and address.
        place: String,
    },
    /// The handshake failed.
    #[error("the handshake with {place} failed")]
    Handshake {
        /// Its name and address.
        place: String,
        /// Why.
        source: ConnectionError,
    },
    /// Nobody answered.
    #[error(
        "{place} does not answer: is that the master's address, does `lab-master serve` run there, and is its UDP port {port} open?"
    )]
    Silent {
        /// Its name and address.
        place: String,
        /// The port.
        port: u16,
    },
}

/// Dials masters.
#[derive(Clone, Debug)]
pub struct Dialer {
    masters: Vec<String>,
    endpoint: Endpoint,
}

impl Dialer {
    /// Makes a dialer for masters named `HOST[:PORT]`, tried in turn.
    ///
    /// # Errors
    /// When there is none, one's name is none, or there is no socket.
    pub fn new(masters: &[String]) -> Result<Self, DialError> {
        if masters.is_empty() {
            return Err(DialError::NoMaster);
        }
        let masters = masters.iter().map(|m| with_port(m)).collect::<Result<_, _>>()?;
        // A machine without IPv6 has no `[::]`.
        let endpoint = open((Ipv6Addr::UNSPECIFIED, 0).into())
            .or_else(|_| open((Ipv4Addr::UNSPECIFIED, 0).into()))
            .map_err(DialError::Socket)?;
        Ok(Self { masters, endpoint })
    }

    /// Dials until one master answers.
    ///
    /// # Errors
    /// That of the last one, when none does.
    pub async fn dial(&self, tls: rustls::ClientConfig) -> Result<Connection, DialError> {
        let crypto = QuicClientConfig::try_from(tls).map_err(DialError::Tls)?;
        let mut config = ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport()));
        let mut last = DialError::NoMaster;
        for host in &self.masters {
            let addresses = match tokio::net::lookup_host(host.as_str()).await {
                Ok(addresses) => addresses,
                Err(source) => {
                    last = DialError::Resolve { host: host.clone(), source };
                    continue;
                }
            };
            for address in addresses {
                match self.connect(config.clone(), host, address).await {
                    Ok(connection) => return Ok(connection),
                    Err(e) => last = e,
                }
            }
        }
        Err(last)
    }

    async fn connect(
        &self,
        config: ClientConfig,
        host: &str,
        address: SocketAddr,
    ) -> Result<Connection, DialError> {
        let connecting = self
            .endpoint
            .connect_with(config, address, MASTER_TLS_NAME)
            .map_err(|source| DialError::Connect { address, source })?;
        match tokio::time::timeout(DIAL_PATIENCE, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(source)) if is_other_ca(&source) => {
                Err(DialError::OtherCa { place: place(host, address) })
            }
            Ok(Err(source)) => Err(DialError::Handshake { place: place(host, address), source }),
            Err(_) => Err(DialError::Silent { place: place(host, address), port: address.port() }),
        }
    }

    /// Waits until everything that was sent has had its chance.
    pub async fn finish(&self) {
        self.endpoint.wait_idle().await;
    }
}

/// Names whoever was dialled; an address that was dialled as such is said once.
fn place(host: &str, address: SocketAddr) -> String {
    let address = address.to_string();
    if host == address { address } else { format!("{host} ({address})") }
}

/// Tells whether a handshake failed because we do not trust the certificate's CA.
fn is_other_ca(error: &ConnectionError) -> bool {
    let ConnectionError::TransportError(error) = error else { return false };
    let unknown = u8::from(rustls::AlertDescription::UnknownCA);
    error.code == quinn::TransportErrorCode::crypto(unknown)
}

/// Opens a socket for both families that holds what the windows let a master send ahead, as far as the system allows.
fn open(address: SocketAddr) -> io::Result<Endpoint> {
    use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrStorage, setsockopt, sockopt};
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let socket = socket::socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    if address.is_ipv6() {
        // Where that is not to be had, only masters with an IPv6 address are reached.
        let _ = setsockopt(&socket, sockopt::Ipv6V6Only, &false);
    }
    // Beyond net.core.rmem_max only the privileged may go; with less room what is lost is sent again.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &SOCKET_BUFFER)
        .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &SOCKET_BUFFER));
    socket::bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    let mut config = EndpointConfig::default();
    config.max_udp_payload_size(MAX_DATAGRAM).expect("more than QUIC's least, less than its most");
    Endpoint::new(config, None, UdpSocket::from(socket), Arc::new(TokioRuntime))
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = IDLE.try_into().expect("two minutes fit QUIC's idle timeout");
    transport
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(SEND_WINDOW)
        // The minion opens every stream.
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None);
    transport
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_dialled_is_named_once_and_with_what_to_look_at() {
        let address: SocketAddr = "127.0.0.1:4510".parse().expect("an address");
        assert_eq!(place("127.0.0.1:4510", address), "127.0.0.1:4510");
        assert_eq!(place("lab.example:4510", address), "lab.example:4510 (127.0.0.1:4510)");
        let silent = DialError::Silent { place: place("127.0.0.1:4510", address), port: address.port() };
        let said = silent.to_string();
        assert!(said.contains("lab-master serve") && said.contains("UDP port 4510"), "{said}");
    }
}
