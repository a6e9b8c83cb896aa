//! A peer that speaks the protocol by hand, a frame at a time: what an attacker has, and what a test of the link needs.
//!
//! It dials any door with any certificate, says what it is told to say, and reports what came back. It is not the
//! agent: it keeps nothing and repeats nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::codec::{self, FrameBuffer};
use lab_proto::event::{Boot, OutboxEvent};
use lab_proto::ids::{BootId, MachineId, ProcessId};
use lab_proto::v1::MASTER_TLS_NAME;
use lab_proto::v1::link::{EventBatch, Hello, StreamOpen};
use lab_proto::v1::op::{OpOpen, OpRequest};
use lab_proto::version::SUPPORTED;
use lab_proto::{MinionId, OutboxId, Timestamp};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate and its key.
#[derive(Debug)]
pub struct Papers {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

impl Clone for Papers {
    fn clone(&self) -> Self {
        Self { certificate: self.certificate.clone(), key: self.key.clone_key() }
    }
}

/// Where a door is, and which CA the master must be of.
#[derive(Clone, Debug)]
pub struct Doors {
    endpoint: Endpoint,
    address: SocketAddr,
    ca: CertificateDer<'static>,
}

/// A connection.
#[derive(Debug)]
pub struct Peer {
    connection: Connection,
}

/// A stream of frames, both ways.
#[derive(Debug)]
pub struct Frames {
    up: SendStream,
    down: RecvStream,
    buffer: FrameBuffer,
}

impl Doors {
    /// Makes a socket from which doors can be knocked at. Needs a runtime.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn new(address: SocketAddr, ca: CertificateDer<'static>) -> std::io::Result<Self> {
        let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { endpoint, address, ca })
    }

    /// Dials a door.
    ///
    /// # Errors
    /// With the reason, when the handshake does not succeed. With TLS 1.3 a master that does not want us may say so
    /// only after that: see [`Peer::closed`].
    pub async fn dial(&self, alpn: &[u8], papers: Option<&Papers>) -> Result<Peer, String> {
        let identity = papers.cloned().map(|p| (p.certificate, p.key));
        let tls = lab_master::pki::client_config(&self.ca, identity, alpn).map_err(|e| e.to_string())?;
        let crypto = QuicClientConfig::try_from(tls).map_err(|e| e.to_string())?;
        let config = quinn::ClientConfig::new(Arc::new(crypto));
        let dial = self.endpoint.connect_with(config, self.address, MASTER_TLS_NAME);
        let dial = dial.map_err(|e| e.to_string())?;
        match tokio::time::timeout(PATIENCE, dial).await {
            Ok(Ok(connection)) => Ok(Peer { connection }),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err("no answer".to_owned()),
        }
    }

    /// Waits until everything that was closed is gone.
    pub async fn finish(self) {
        self.endpoint.close(0u32.into(), b"done");
        self.endpoint.wait_idle().await;
    }
}

impl Peer {
    /// Opens a stream.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn open(&self) -> Result<Frames, String> {
        let (up, down) = self.connection.open_bi().await.map_err(|e| e.to_string())?;
        Ok(Frames { up, down, buffer: FrameBuffer::default() })
    }

    /// Waits until the master closes the connection, and returns why.
    pub async fn closed(&self) -> String {
        match tokio::time::timeout(PATIENCE, self.connection.closed()).await {
            Ok(why) => why.to_string(),
            Err(_) => "still open".to_owned(),
        }
    }

    /// Asks the operators' door for the master's status, and returns its first answer.
    ///
    /// # Errors
    /// With the reason, when there is no answer.
    pub async fn ask_status<T: DeserializeOwned>(&self) -> Result<T, String> {
        let mut frames = self.open().await?;
        frames.say(&OpOpen { versions: SUPPORTED, request: OpRequest::Status }).await?;
        frames.hear().await
    }

    /// Says hello at the minions' door. Keep the stream: its end ends the link.
    ///
    /// # Errors
    /// With the reason, when there is no answer.
    pub async fn hello<T: DeserializeOwned>(&self, hello: Hello) -> Result<(Frames, T), String> {
        let mut control = self.open().await?;
        control.say(&StreamOpen::Control(hello)).await?;
        let answer = control.hear().await?;
        Ok((control, answer))
    }

    /// Opens the stream of events.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn events(&self, outbox_id: OutboxId) -> Result<Frames, String> {
        let mut frames = self.open().await?;
        frames.say(&StreamOpen::Events { outbox_id }).await?;
        Ok(frames)
    }

    /// Drops the connection as a dead machine does: without a word.
    pub fn abandon(self) {
        self.connection.close(0u32.into(), b"");
    }
}

impl Frames {
    /// Says one frame.
    ///
    /// # Errors
    /// When the stream is broken.
    pub async fn say<T: Serialize>(&mut self, frame: &T) -> Result<(), String> {
        let bytes = codec::frame(frame).map_err(|e| e.to_string())?;
        self.say_bytes(&bytes).await
    }

    /// Says any bytes.
    ///
    /// # Errors
    /// When the stream is broken.
    pub async fn say_bytes(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.up.write_all(bytes).await.map_err(|e| e.to_string())
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self) {
        // Fails only on a stream that is closed already.
        let _ = self.up.finish();
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// When the stream ends, breaks or says nothing.
    pub async fn hear<T: DeserializeOwned>(&mut self) -> Result<T, String> {
        loop {
            if let Some(frame) = self.buffer.next_frame().map_err(|e| e.to_string())? {
                return Ok(frame);
            }
            match tokio::time::timeout(PATIENCE, self.down.read_chunk(1 << 16, true)).await {
                Ok(Ok(Some(chunk))) => self.buffer.push(&chunk.bytes),
                Ok(Ok(None)) => return Err("the stream ended".to_owned()),
                Ok(Err(e)) => return Err(e.to_string()),
                Err(_) => return Err("no answer".to_owned()),
            }
        }
    }
}

/// What a peer says of itself that calls itself `id`.
#[must_use]
pub fn hello(id: &MinionId, outbox_id: OutboxId, outbox_head: u64) -> Hello {
    Hello {
        versions: SUPPORTED,
        id: id.clone(),
        boot: boot(),
        booted_at: Timestamp::from_micros(1_795_000_000_000_000),
        earlier_boots: Vec::new(),
        machine_id: MachineId::from_u128(7),
        process: ProcessId::from_u128(8),
        outbox_id,
        outbox_head,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: lab_master::server::wall_time(),
    }
}

/// A batch of numbered events, one per tag.
#[must_use]
pub fn batch(first: u64, tags: &[&str]) -> EventBatch {
    let event = |(counter, tag): (u64, &&str)| OutboxEvent {
        counter,
        boot: boot(),
        seen: None,
        at: lab_master::server::wall_time(),
        tag: tag.parse().expect("tests give valid tags"),
        data: lab_proto::Value::from([("n", lab_proto::Value::from(counter))]),
    };
    EventBatch { events: (first..).zip(tags).map(event).collect() }
}

fn boot() -> Boot {
    Boot { id: BootId::from_u128(9), number: 1 }
}
