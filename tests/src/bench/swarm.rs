//! Many minion endpoints in one process. Each is a real QUIC connection with its own key and certificate that speaks the
//! real protocol (enrolment, hello, events, jobs); behind it there is no agent: it answers test.ping and nothing else, from
//! memory. It is a load generator and says so: its version is `swarm`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::codec::{self, FrameBuffer};
use lab_proto::event::Boot;
use lab_proto::ids::ProcessId;
use lab_proto::link::MinionSession;
use lab_proto::v1::enrol::{EnrolReply, EnrolRequest};
use lab_proto::v1::link::{EventAck, EventBatch, Hello, JobsDown, StreamOpen, ToMinion};
use lab_proto::v1::{ALPN_ENROL, ALPN_MINION, MASTER_TLS_NAME};
use lab_proto::version::SUPPORTED;
use lab_proto::{
    BootId, EndState, JobReturn, MachineId, Map, MinionId, OutboxEvent, OutboxId, Timestamp, Value,
};
use quinn::crypto::rustls::QuicClientConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::echo::BoxError;

/// How a swarm joins.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// The master.
    pub master: SocketAddr,
    /// Its CA, DER.
    pub ca: CertificateDer<'static>,
    /// A join token that is good for all ids of the swarm.
    pub token: String,
    /// The ids' beginning; a number follows.
    pub prefix: String,
    /// How many.
    pub count: usize,
}

/// Reads the CA that the master wrote beside its operator's identity.
///
/// # Errors
/// When the file is not PEM.
pub fn read_ca(path: &Path) -> Result<CertificateDer<'static>, BoxError> {
    Ok(CertificateDer::from_pem_file(path)?)
}

/// Enrols and connects every endpoint, calls `ready` when all are welcomed, and answers until the master closes.
///
/// # Errors
/// When an endpoint cannot join.
pub async fn run(swarm: Swarm, ready: impl FnOnce()) -> Result<(), BoxError> {
    let endpoint = super::echo::endpoint(([127, 0, 0, 1], 0).into(), None)?;
    let (up, mut welcomed) = mpsc::channel(swarm.count.max(1));
    let mut all = JoinSet::new();
    let at_once = Arc::new(tokio::sync::Semaphore::new(64));
    for n in 0..swarm.count {
        let (swarm, endpoint, up, at_once) = (swarm.clone(), endpoint.clone(), up.clone(), at_once.clone());
        all.spawn(async move {
            let permit = at_once.acquire_owned().await?;
            let id = MinionId::new(format!("{}{n}", swarm.prefix))?;
            let identity = enrol(&swarm, &endpoint, &id).await?;
            let connection = connect(&swarm, &endpoint, identity).await?;
            drop(permit);
            live(connection, id, n, up).await
        });
    }
    for _ in 0..swarm.count {
        tokio::select! {
            up = welcomed.recv() => up.ok_or("an endpoint ended early")?,
            ended = all.join_next() => match ended {
                Some(ended) => ended??,
                None => return Err("all endpoints ended early".into()),
            },
        }
    }
    ready();
    while let Some(ended) = all.join_next().await {
        ended??;
    }
    Ok(())
}

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

async fn enrol(swarm: &Swarm, endpoint: &quinn::Endpoint, id: &MinionId) -> Result<Identity, BoxError> {
    let key = rcgen::KeyPair::generate()?;
    let csr = rcgen::CertificateParams::default().serialize_request(&key)?;
    let config = client_config(&swarm.ca, None, ALPN_ENROL)?;
    let connection = endpoint.connect_with(config, swarm.master, MASTER_TLS_NAME)?.await?;
    let (mut send, recv) = connection.open_bi().await?;
    let request = EnrolRequest {
        versions: SUPPORTED,
        id: id.clone(),
        csr: csr.der().to_vec(),
        token: Some(swarm.token.clone()),
        grains: Map::new(),
        machine_id: None,
        now: now(),
    };
    send.write_all(&codec::frame(&request)?).await?;
    let reply: EnrolReply = Frames::new(recv).next().await?.ok_or("no answer to the enrolment")?;
    let EnrolReply::Accepted { certificate, .. } = reply else {
        return Err(format!("{id} was not accepted: {reply:?}").into());
    };
    connection.close(0u32.into(), b"done");
    Ok((certificate.into(), PrivateKeyDer::try_from(key.serialize_der())?))
}

async fn connect(
    swarm: &Swarm,
    endpoint: &quinn::Endpoint,
    identity: Identity,
) -> Result<quinn::Connection, BoxError> {
    let config = client_config(&swarm.ca, Some(identity), ALPN_MINION)?;
    Ok(endpoint.connect_with(config, swarm.master, MASTER_TLS_NAME)?.await?)
}

/// One endpoint's life: hello, then heartbeats and pings until the connection closes.
async fn live(
    connection: quinn::Connection,
    id: MinionId,
    n: usize,
    up: mpsc::Sender<()>,
) -> Result<(), BoxError> {
    let (mut session, open) = MinionSession::new(hello(&id, n), now());
    let (mut control, answers) = connection.open_bi().await?;
    control.write_all(&codec::frame(&open)?).await?;
    let mut answers = Frames::new(answers);
    let welcome: ToMinion = answers.next().await?.ok_or("no welcome")?;
    session.handle(welcome, now())?;
    let (mut events, acks) = connection.open_bi().await?;
    events.write_all(&codec::frame(&StreamOpen::Events { outbox_id: outbox(n) })?).await?;
    let (mut jobs_up, jobs) = connection.open_bi().await?;
    jobs_up.write_all(&codec::frame(&StreamOpen::Jobs)?).await?;
    up.send(()).await?;
    // Each stream has a task of its own, so that a ping wakes the one that answers it and nobody else.
    let mut streams = JoinSet::new();
    streams.spawn(answer(Frames::new(jobs), events, id, n));
    streams.spawn(async move {
        let mut acks = Frames::new(acks);
        while let Ok(Some(_)) = acks.next::<EventAck>().await {}
        Ok(())
    });
    tokio::select! {
        done = heartbeats(&mut session, &mut control, &mut answers) => done,
        Some(ended) = streams.join_next() => ended?,
    }
}

/// Answers jobs until the stream ends.
async fn answer(
    mut jobs: Frames,
    mut events: quinn::SendStream,
    id: MinionId,
    n: usize,
) -> Result<(), BoxError> {
    let mut counter = 0;
    while let Ok(Some(down)) = jobs.next::<JobsDown>().await {
        if let JobsDown::Publish { job, .. } = down {
            counter += 1;
            let batch = EventBatch { events: vec![pong(&job, &id, n, counter)] };
            events.write_all(&codec::frame(&batch)?).await?;
        }
    }
    Ok(())
}

/// Speaks on the control stream until it ends.
async fn heartbeats(
    session: &mut MinionSession,
    control: &mut quinn::SendStream,
    answers: &mut Frames,
) -> Result<(), BoxError> {
    loop {
        while let Some(frame) = session.poll_transmit() {
            control.write_all(&codec::frame(&frame)?).await?;
        }
        while session.poll_event().is_some() {}
        let wake = session.poll_timeout().map_or(Duration::from_secs(60), |(at, _)| at.since(now()));
        tokio::select! {
            frame = answers.next::<ToMinion>() => match frame {
                Ok(Some(frame)) => session.handle(frame, now())?,
                Ok(None) | Err(_) => return Ok(()),
            },
            () = tokio::time::sleep(wake) => session.handle_timeout(now()),
        }
    }
}

fn pong(job: &lab_proto::JobSpec, id: &MinionId, n: usize, counter: u64) -> OutboxEvent {
    let ping = job.fun == "test.ping";
    let back = JobReturn {
        jid: job.jid,
        id: id.clone(),
        fun: job.fun.clone(),
        state: if ping { EndState::Returned } else { EndState::Failed },
        success: ping,
        retcode: i64::from(!ping),
        value: if ping { Value::Bool(true) } else { Value::from("a swarm endpoint answers test.ping only") },
        duration_micros: 1,
    };
    OutboxEvent { counter, boot: boot(n), seen: None, at: now(), tag: back.tag(), data: back.data() }
}

fn hello(id: &MinionId, n: usize) -> Hello {
    Hello {
        versions: SUPPORTED,
        id: id.clone(),
        boot: boot(n),
        booted_at: now(),
        earlier_boots: Vec::new(),
        machine_id: MachineId::from_u128(number(n)),
        process: ProcessId::from_u128(number(n)),
        outbox_id: outbox(n),
        outbox_head: 0,
        version: "swarm".to_owned(),
        now: now(),
    }
}

fn boot(n: usize) -> Boot {
    Boot { id: BootId::from_u128(number(n)), number: 1 }
}

fn outbox(n: usize) -> OutboxId {
    OutboxId::from_u128(number(n))
}

/// A number that no other process of this machine uses.
fn number(n: usize) -> u128 {
    (u128::from(std::process::id()) << 64) | n as u128
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(0))
}

fn client_config(
    ca: &CertificateDer<'static>,
    identity: Option<Identity>,
    alpn: &[u8],
) -> Result<quinn::ClientConfig, BoxError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.clone())?;
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots);
    let mut tls = match identity {
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key)?,
        None => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![alpn.to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    let mut transport = quinn::TransportConfig::default();
    transport.max_idle_timeout(Some(Duration::from_secs(120).try_into()?));
    transport.keep_alive_interval(Some(Duration::from_secs(5)));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// A stream of frames.
struct Frames {
    recv: quinn::RecvStream,
    buffer: FrameBuffer,
}

impl Frames {
    fn new(recv: quinn::RecvStream) -> Self {
        Self { recv, buffer: FrameBuffer::default() }
    }

    /// Returns the next frame, `None` at the stream's end. Cancel-safe: nothing is lost between calls.
    async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, BoxError> {
        loop {
            if let Some(frame) = self.buffer.next_frame()? {
                return Ok(Some(frame));
            }
            match self.recv.read_chunk(16 * 1024, true).await? {
                Some(chunk) => self.buffer.push(&chunk.bytes),
                None => return Ok(None),
            }
        }
    }
}
