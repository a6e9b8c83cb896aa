//! Asks the master whether this machine can be heard: a new handshake from a new socket, and an echo.
//!
//! The agent's own session proves nothing about a change of the network: it may live on what its last packets found out. A
//! probe begins with nothing, as every later connection will.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::v1::link::{ProbeEcho, StreamOpen};
use quinn::VarInt;

use crate::clock;
use crate::identity::{self, IdentityError, Pki};
use crate::link::{DialError, Dialer, FrameReader, FrameWriter, StreamError};

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No runtime.
    #[error("no probe can be sent")]
    Runtime(#[from] std::io::Error),
    /// The key or the certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// There is no certificate.
    #[error("this machine is not enrolled")]
    NotEnrolled,
    /// TLS.
    #[error("the certificate cannot be used")]
    Tls(#[source] rustls::Error),
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The stream broke.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Another number came back.
    #[error("the answer is not that of the question")]
    Echo,
    /// Silence.
    #[error("no answer within {:.1} s", .0.as_secs_f32())]
    Silent(Duration),
}

/// When the same master is asked, beside those that it has not answered yet.
const AGAIN: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_millis(2500)];

/// Asks.
#[derive(Clone, Debug)]
pub struct Prober {
    masters: Vec<String>,
    config_dir: PathBuf,
}

impl Prober {
    /// Makes a prober for masters; keys and certificates are read anew for each probe, since they are renewed.
    pub fn new(masters: &[String], config_dir: &Path) -> Self {
        Self { masters: masters.to_vec(), config_dir: config_dir.to_owned() }
    }

    /// Asks once; blocks for at most `limit`.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn probe(&self, limit: Duration) -> Result<(), ProbeError> {
        // Its own runtime: the worker that waits here must not depend on what else the agent does.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asked = runtime.block_on(async { tokio::time::timeout(limit, self.ask()).await });
        runtime.shutdown_background();
        asked.unwrap_or(Err(ProbeError::Silent(limit)))
    }

    async fn ask(&self) -> Result<(), ProbeError> {
        let pki = Pki::new(&self.config_dir);
        let identity = pki.identity()?;
        let credentials = pki.credentials()?.ok_or(ProbeError::NotEnrolled)?;
        let tls = identity::link_tls(&credentials, identity.private_key()).map_err(ProbeError::Tls)?;
        if self.masters.is_empty() {
            return Err(DialError::NoMaster.into());
        }
        // All at once: a dead one must not use up the time of the others. And each more than once: a handshake that a master
        // took half of before it was started anew is never answered.
        let one = |(master, after): (&String, Duration)| {
            let (master, tls) = (master.clone(), tls.clone());
            Box::pin(async move {
                tokio::time::sleep(after).await;
                Self::ask_one(master, tls).await
            })
        };
        let asked = self.masters.iter().flat_map(|master| AGAIN.map(|after| one((master, after))));
        futures_util::future::select_ok(asked).await.map(|((), _)| ())
    }

    async fn ask_one(master: String, tls: rustls::ClientConfig) -> Result<(), ProbeError> {
        let dialer = Dialer::new(&[master])?;
        let connection = dialer.dial(tls).await?;
        let nonce = clock::random_u64();
        let (up, down) = connection.open_bi().await.map_err(StreamError::from)?;
        FrameWriter::new(up).send(&StreamOpen::Probe { nonce }).await?;
        let echo: ProbeEcho = FrameReader::new(down).next().await?.ok_or(StreamError::Ended)?;
        connection.close(VarInt::from_u32(0), b"");
        if echo.nonce == nonce { Ok(()) } else { Err(ProbeError::Echo) }
    }
}
