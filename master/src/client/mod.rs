//! The operators' end of lab-op/1: one connection, one stream per request.
//!
//! Used by every command except `serve`. Knows nothing of what is printed.

mod identity;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::address::{AddressError, with_port};
use lab_proto::codec::{self, CodecError, FrameBuffer};
use lab_proto::v1::link::CloseReason;
use lab_proto::v1::op::{OpOpen, OpRefusal, OpReply, OpRequest, RefusalKind};
use lab_proto::v1::{ALPN_OPERATOR, MASTER_TLS_NAME};
use lab_proto::version::SUPPORTED;
use quinn::crypto::rustls::QuicClientConfig;

pub use identity::{Identity, IdentityError};

/// How long a master may take to answer the first packet.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// How long the good-bye may take to leave.
const GOODBYE: Duration = Duration::from_millis(2);

/// A request that could not be carried to its end.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The operator's certificate or key cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The master's name has no address.
    #[error("cannot find the master {name:?}: {reason} (give it with --master HOST[:PORT])")]
    Resolve {
        /// The name as given.
        name: String,
        /// The resolver's words.
        reason: String,
    },
    /// The master's address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The master does not answer, or not as a master.
    #[error("cannot reach the master at {address}: {reason}; is `lab-master serve` running there?")]
    Unreachable {
        /// Where it should be.
        address: SocketAddr,
        /// What happened.
        reason: String,
    },
    /// The master does not let this certificate in.
    #[error("the master at {address} does not accept this operator certificate: {reason}")]
    NotAccepted {
        /// Where.
        address: SocketAddr,
        /// The master's words.
        reason: String,
    },
    /// This side does not take the master's certificate: it is another master than the one that the identity is for.
    #[error("the certificate of the master at {address} is not taken: {reason}")]
    OtherMaster {
        /// Where.
        address: SocketAddr,
        /// Why, and the way out.
        reason: String,
    },
    /// The connection broke during a request.
    #[error("the connection to the master broke: {0}")]
    Broken(String),
    /// The master said something that this version does not understand.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The master refused the request.
    #[error(transparent)]
    Refused(OpRefusal),
}

impl ClientError {
    /// Returns the exit code of a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Identity(IdentityError::Read { .. }) => 21,
            Self::Identity(IdentityError::Unusable(_))
            | Self::NotAccepted { .. }
            | Self::OtherMaster { .. } => RefusalKind::Refused.exit_code(),
            Self::Address(_) => RefusalKind::Usage.exit_code(),
            Self::Resolve { .. } | Self::Unreachable { .. } | Self::Broken(_) => 12,
            Self::Codec(_) => RefusalKind::Versions.exit_code(),
            Self::Refused(r) => r.kind.exit_code(),
        }
    }

    /// Tells whether the master is away: it may be back later, and let this operator in again.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Resolve { .. } | Self::Unreachable { .. } | Self::Broken(_))
    }
}

/// A connection to a master.
#[derive(Debug)]
pub struct Client {
    endpoint: quinn::Endpoint,
    connection: quinn::Connection,
}

impl Client {
    /// Connects to `HOST[:PORT]` with an operator's identity.
    ///
    /// # Errors
    /// When the identity cannot be used or the master cannot be reached or does not let it in.
    pub async fn connect(master: &str, identity: &Identity) -> Result<Self, ClientError> {
        let address = resolve(master).await?;
        let unreachable = |reason: String| ClientError::Unreachable { address, reason };
        let local: SocketAddr = if address.is_ipv6() { ([0; 16], 0).into() } else { ([0; 4], 0).into() };
        let mut endpoint = quinn::Endpoint::client(local).map_err(|e| unreachable(e.to_string()))?;
        endpoint.set_default_client_config(quic_config(identity)?);
        let connecting =
            endpoint.connect(address, MASTER_TLS_NAME).map_err(|e| unreachable(e.to_string()))?;
        let connection = tokio::time::timeout(CONNECT_PATIENCE, connecting)
            .await
            .map_err(|_| unreachable(format!("no answer within {} s", CONNECT_PATIENCE.as_secs())))?
            .map_err(|e| connect_error(address, &e))?;
        Ok(Self { endpoint, connection })
    }

    /// Sends a request and waits until the master takes it on.
    ///
    /// # Errors
    /// When the connection breaks or the master refuses.
    pub async fn request(&self, request: OpRequest) -> Result<Replies, ClientError> {
        let (mut send, recv) = self.connection.open_bi().await.map_err(|e| self.broken(&e))?;
        let frame = codec::frame(&OpOpen { versions: SUPPORTED, request })?;
        send.write_all(&frame).await.map_err(|e| self.stream_broken(&e))?;
        let mut replies = Replies { send, recv, buffer: FrameBuffer::default(), address: self.address() };
        match replies.next().await? {
            Some(OpReply::Accepted { version: _ }) => Ok(replies),
            other => Err(ClientError::Broken(format!("the master answered {other:?} to a request"))),
        }
    }

    /// Sends a request and collects its data.
    ///
    /// # Errors
    /// As [`Self::request`]; also when the master refuses half-way.
    pub async fn collect(&self, request: OpRequest) -> Result<Vec<lab_proto::Value>, ClientError> {
        let mut replies = self.request(request).await?;
        let mut data = Vec::new();
        while let Some(reply) = replies.next().await? {
            if let OpReply::Data(value) = reply {
                data.push(value);
            }
        }
        Ok(data)
    }

    /// Ends the connection and waits until the master was told.
    pub async fn close(self) {
        self.connection.close(0u32.into(), b"done");
        // The good-bye leaves with the first turn of the runtime. QUIC would linger for answers that nobody needs.
        let _ = tokio::time::timeout(GOODBYE, self.endpoint.wait_idle()).await;
    }

    fn address(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    fn broken(&self, error: &quinn::ConnectionError) -> ClientError {
        connection_error(self.address(), error)
    }

    fn stream_broken(&self, error: &quinn::WriteError) -> ClientError {
        match error {
            quinn::WriteError::ConnectionLost(e) => self.broken(e),
            other => ClientError::Broken(other.to_string()),
        }
    }
}

/// The answers to one request. Dropping it tells the master to stop answering.
#[derive(Debug)]
pub struct Replies {
    send: quinn::SendStream,
    recv: quinn::RecvStream,
    buffer: FrameBuffer,
    address: SocketAddr,
}

impl Replies {
    /// Returns the next answer, `None` after the last.
    ///
    /// # Errors
    /// When the connection breaks before the end, or the master refuses.
    pub async fn next(&mut self) -> Result<Option<OpReply>, ClientError> {
        loop {
            if let Some(reply) = self.buffer.next_frame::<OpReply>()? {
                return match reply {
                    OpReply::End => Ok(None),
                    OpReply::Refused(refusal) => Err(ClientError::Refused(refusal)),
                    other => Ok(Some(other)),
                };
            }
            match self.recv.read_chunk(64 * 1024, true).await {
                Ok(Some(chunk)) => self.buffer.push(&chunk.bytes),
                Ok(None) => return Err(ClientError::Broken("the answer ends in the middle".to_owned())),
                Err(quinn::ReadError::ConnectionLost(e)) => return Err(connection_error(self.address, &e)),
                Err(e) => return Err(ClientError::Broken(e.to_string())),
            }
        }
    }

    /// Tells the master that no more answers are wanted.
    pub fn stop(mut self) {
        let _ = self.send.finish();
        let _ = self.recv.stop(0u32.into());
    }
}

fn quic_config(identity: &Identity) -> Result<quinn::ClientConfig, ClientError> {
    let tls = identity.tls_config(ALPN_OPERATOR)?;
    let quic = QuicClientConfig::try_from(tls).map_err(|e| IdentityError::Unusable(e.to_string()))?;
    let mut config = quinn::ClientConfig::new(Arc::new(quic));
    let mut transport = quinn::TransportConfig::default();
    let idle = Duration::from_secs(120).try_into().expect("two minutes fit a QUIC timeout");
    transport.max_idle_timeout(Some(idle)).keep_alive_interval(Some(Duration::from_secs(3)));
    // What a command says is short: probes for larger packets would be most of what it sends.
    transport.mtu_discovery_config(None);
    config.transport_config(Arc::new(transport));
    Ok(config)
}

async fn resolve(master: &str) -> Result<SocketAddr, ClientError> {
    let error = |reason: String| ClientError::Resolve { name: master.to_owned(), reason };
    let with_port = with_port(master)?;
    let mut found = tokio::net::lookup_host(&with_port).await.map_err(|e| error(e.to_string()))?;
    found.next().ok_or_else(|| error("it has no address".to_owned()))
}

fn connect_error(address: SocketAddr, error: &quinn::ConnectionError) -> ClientError {
    match error {
        // A certificate that this side does not take: the alert that it sends, and rustls' words.
        quinn::ConnectionError::TransportError(e) if is_certificate_alert(e.code) => {
            ClientError::OtherMaster { address, reason: not_taken(e.code, &e.reason) }
        }
        quinn::ConnectionError::TransportError(e) => {
            ClientError::NotAccepted { address, reason: format!("the TLS handshake failed ({})", e.reason) }
        }
        other => connection_error(address, other),
    }
}

fn connection_error(address: SocketAddr, error: &quinn::ConnectionError) -> ClientError {
    match error {
        // It ends and may be back: that is no word on who asks.
        quinn::ConnectionError::ApplicationClosed(close)
            if u64::from(close.error_code) == u64::from(CloseReason::Shutdown.code()) =>
        {
            ClientError::Broken(words(close))
        }
        quinn::ConnectionError::ApplicationClosed(close) => {
            ClientError::NotAccepted { address, reason: words(close) }
        }
        // TLS alerts come as transport errors; in TLS 1.3 a refused client certificate shows up after the handshake.
        quinn::ConnectionError::ConnectionClosed(close) if u64::from(close.error_code) >= 0x100 => {
            ClientError::NotAccepted { address, reason: refused_by_tls(close.error_code) }
        }
        quinn::ConnectionError::TimedOut => {
            ClientError::Unreachable { address, reason: "it stopped answering".to_owned() }
        }
        other => ClientError::Broken(other.to_string()),
    }
}

/// Returns the master's words for why it closes. One that fails has none.
fn words(close: &quinn::ApplicationClose) -> String {
    if close.reason.is_empty() {
        return "the master ended it without a reason; its log has more".to_owned();
    }
    String::from_utf8_lossy(&close.reason).into_owned()
}

/// The TLS alert (RFC 8446, 6) for a certificate that is not valid yet, or no longer.
const CERTIFICATE_EXPIRED: u64 = 45;

fn alert(code: quinn::TransportErrorCode) -> u64 {
    u64::from(code) & 0xff
}

/// Tells whether a handshake failed for a certificate: its alert is one of those that are about them.
fn is_certificate_alert(code: quinn::TransportErrorCode) -> bool {
    u64::from(code) >= 0x100 && matches!(alert(code), 42..=46 | 48 | 51)
}

/// Says why the master's certificate is not taken, and the way out.
fn not_taken(code: quinn::TransportErrorCode, tls: &str) -> String {
    if alert(code) == CERTIFICATE_EXPIRED {
        return format!("{tls}; compare the clocks of both machines");
    }
    format!(
        "it is not of the CA in ca.crt, so this identity is for another master ({tls}); compare --master with --identity, or have \
         an identity made on that master with `lab-master operator issue`"
    )
}

/// Says what a TLS alert of the master means for an operator, and the way out.
fn refused_by_tls(code: quinn::TransportErrorCode) -> String {
    let why = match alert(code) {
        44 => "it was revoked, or its key is not known there",
        CERTIFICATE_EXPIRED => return "it is not valid now: compare the clocks".to_owned(),
        _ if is_certificate_alert(code) => "it is not of that master's CA",
        // No word on who asks: a new identity would not help.
        _ => return format!("the TLS handshake failed ({code})"),
    };
    format!(
        "{why}; on the master `lab-master operator list` shows who is let in, and `lab-master operator issue NAME --out DIR` makes \
         a new identity"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_door_is_not_an_empty_house() {
        let said = |code: u32, reason: &'static str| {
            let close = quinn::ApplicationClose { error_code: code.into(), reason: reason.into() };
            quinn::ConnectionError::ApplicationClosed(close)
        };
        let close = |code| said(code, "as told");
        let at = SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(connection_error(at, &close(0)).is_away(), "a master that shuts down may be back");
        assert_eq!(connection_error(at, &close(2)).exit_code(), 17, "the operator was revoked");
        let mute = connection_error(at, &said(0, "")).to_string();
        assert!(mute.ends_with("without a reason; its log has more"), "{mute}");
        let bad = ClientError::from(with_port("master:0").expect_err("no port"));
        assert_eq!(bad.exit_code(), 2);
    }
}
