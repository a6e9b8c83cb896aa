//! The server: the shell around the core. It owns the sockets, the store's writer and the tasks; it decides nothing
//! that the core can decide.

mod autosign;
mod believed;
mod clock;
mod content;
mod corrections;
mod enrol;
mod housekeeping;
mod hub;
mod keys;
mod link;
mod listener;
mod load;
mod mtu;
mod noise;
mod op;
mod operators;
mod orchestrate;
mod owed;
mod pillar;
mod query;
mod rate;
mod reset;
mod secrets;
mod strangers;
mod tail;
mod targets;
mod uploads;
mod width;
mod writer;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lab_proto::v1::link::CloseReason;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::info;

use self::clock::Clock;
use self::content::Content;
use self::hub::Hub;
use self::keys::KeyBook;
use self::noise::Noise;
use self::operators::OperatorBook;
use self::orchestrate::Runner;
use self::strangers::Strangers;
use self::width::Width;
use crate::config::Config;
use crate::core::records::RecordError;
use crate::core::{ConnId, facts};
use crate::pki::{self, Authority, IssueError, PkiFileError, Trust};
use crate::store::Store;

pub use self::clock::wall_time;
pub(crate) use self::enrol::chain;

/// Events read from the store at a time.
const READ_CHUNK: usize = 512;

/// What every task of the server sees.
pub(crate) struct Shared {
    config: Config,
    clock: Clock,
    store: Arc<dyn Store>,
    authority: Arc<Authority>,
    trust: Arc<Trust>,
    hub: Hub,
    keys: KeyBook,
    operators: OperatorBook,
    content: Arc<Content>,
    pillar: Arc<pillar::Renderer>,
    runner: Arc<Runner>,
    door: enrol::Door,
    strangers: Arc<Strangers>,
    noise: Arc<Noise>,
    width: Arc<Width>,
    /// Places for blobs on their way.
    transfers: tokio::sync::Semaphore,
    uploads: uploads::Uploads,
    connections: AtomicU64,
    started: lab_proto::Timestamp,
}

impl Shared {
    fn next_conn(&self) -> ConnId {
        ConnId(self.connections.fetch_add(1, Ordering::Relaxed))
    }
}

/// A running master.
pub struct Server {
    shared: Arc<Shared>,
    endpoint: quinn::Endpoint,
    listener: JoinHandle<()>,
    housekeeping: JoinHandle<()>,
    hub_ended: tokio::sync::oneshot::Receiver<()>,
    failed: mpsc::Receiver<String>,
}

/// Why a master that was running stops by itself.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The store did not take a write: what is on the disk is looked at when it is opened again.
    #[error("the store failed: {0}")]
    Store(String),
    /// A bug.
    #[error("the master's core ended")]
    Core,
}

/// Why a master does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Keys and certificates.
    #[error(transparent)]
    Pki(#[from] PkiFileError),
    /// The server's certificate.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// TLS.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// QUIC.
    #[error("cannot set up QUIC: {0}")]
    Quic(String),
    /// The socket.
    #[error("cannot listen on {address} (udp)")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// A thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The records beside the log.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The core.
    #[error(transparent)]
    Restore(#[from] crate::core::RestoreError),
    /// The log.
    #[error("the event log cannot be written: {0}")]
    Write(String),
    /// Randomness.
    #[error("the system gives no randomness: {0}")]
    Random(String),
}

impl Server {
    /// Starts a master over a store that is open.
    ///
    /// # Errors
    /// When something that it needs cannot be had; nothing runs then.
    pub async fn start(config: Config, store: Arc<dyn Store>) -> Result<Self, StartError> {
        let clock = Clock::start(load::last_stamp(&*store));
        let now = wall_time();
        let authority = Arc::new(pki::open_or_create(&config.data_dir, config.certificates.life, now)?);
        let (trust, mut begun) = load::trust(&config, &*store, &authority, now)?;
        let content = Content::open(&config.data_dir, config.file_roots.clone())
            .map_err(|e| StartError::Write(chain(&e)))?;
        let content = Arc::new(content);
        let pillar = Arc::new(pillar::Renderer::new(&config));
        let runner = Arc::new(Runner { content: content.clone(), pillar: pillar.clone() });
        let core = load::core(&config, &*store, &runner, clock.now())?;
        let (failed_sender, failed) = mpsc::channel(1);
        let parts = hub::Parts {
            core,
            store: store.clone(),
            content: content.clone(),
            runner: runner.clone(),
            trust: trust.clone(),
            authority: authority.clone(),
            clock: clock.clone(),
            failed: failed_sender,
        };
        let (hub, hub_ended) = Hub::start(parts).map_err(StartError::Thread)?;
        let keys =
            KeyBook::load(&*store, hub.clone(), trust.clone(), authority.clone(), config.enrol.max_pending)?;
        begun.events.push(facts::lifecycle("started", env!("CARGO_PKG_VERSION")));
        match hub.write(begun).await {
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return Err(StartError::Write(e.to_string())),
            Err(e) => return Err(StartError::Write(e.to_string())),
        }
        let operators = OperatorBook::load(&*store, hub.clone(), trust.clone())?;
        let listener::Bound { endpoint, noise, width, reception } =
            listener::bind(&config, &authority, trust.clone(), &hub, now)?;
        let limits = &config.enrol;
        let strangers = Strangers::new(limits.max_connections, limits.max_connections_per_address);
        let door =
            enrol::Door::new(config.enrol.max_concurrent, config.enrol.rate, config.enrol.rate_per_address);
        let shared = Arc::new(Shared {
            config,
            clock,
            store,
            authority,
            trust,
            hub,
            keys,
            operators,
            content,
            pillar,
            runner,
            door,
            strangers,
            noise,
            width,
            transfers: tokio::sync::Semaphore::new(query::MAX_TRANSFERS),
            uploads: uploads::Uploads::default(),
            connections: AtomicU64::new(1),
            started: now,
        });
        let listener = tokio::spawn(listener::run(shared.clone(), endpoint.clone(), reception));
        let settle = housekeeping::settle(shared.clone());
        let run = housekeeping::run(shared.clone());
        let housekeeping = tokio::spawn(async {
            tokio::join!(run, settle);
        });
        info!(address = ?endpoint.local_addr().ok(), "listening");
        Ok(Self { shared, endpoint, listener, housekeeping, hub_ended, failed })
    }

    /// Returns where the master listens.
    ///
    /// # Errors
    /// When the socket does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Returns where the local operator's identity lies.
    pub fn operator_dir(&self) -> PathBuf {
        self.shared.config.data_dir.join("operator")
    }

    /// Returns the fingerprint of the CA's key, which minions pin.
    pub fn ca_fingerprint(&self) -> lab_proto::Fingerprint {
        self.shared.authority.fingerprint()
    }

    /// Waits until the master cannot go on, and returns why. Does not return while all is well.
    pub async fn failure(&mut self) -> Stopped {
        self.failed.recv().await.map_or(Stopped::Core, Stopped::Store)
    }

    /// Ends the master: no new connections, good-bye to the old ones, everything written.
    pub async fn shut_down(self) {
        self.endpoint.set_server_config(None);
        self.shared.hub.shut_down().await;
        let patience = std::time::Duration::from_secs(2);
        self.housekeeping.abort();
        self.listener.abort();
        self.endpoint.close(CloseReason::Shutdown.code().into(), b"the master shuts down");
        let _ = tokio::time::timeout(patience, self.endpoint.wait_idle()).await;
        let _ = tokio::time::timeout(patience, self.hub_ended).await;
        let store = self.shared.store.clone();
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        if let Ok(Err(e)) = closed {
            tracing::error!(error = %e, "the store did not close cleanly");
        }
    }
}
