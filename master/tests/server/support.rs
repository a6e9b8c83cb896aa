//! What the server's tests share: a server in this process over a store in memory, and a scripted minion.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lab_master::client::{Client, Identity};
use lab_master::config;
use lab_master::pki;
use lab_master::server::{Server, wall_time};
use lab_proto::codec::{self, FrameBuffer};
use lab_proto::event::{Boot, OutboxEvent};
use lab_proto::ids::{MachineId, ProcessId};
use lab_proto::v1::enrol::{EnrolReply, EnrolRequest};
use lab_proto::v1::link::{EventBatch, Hello, JobsDown, StreamOpen, ToMinion};
use lab_proto::v1::op::{OpReply, OpRequest, RunRequest};
use lab_proto::v1::{ALPN_ENROL, ALPN_MINION, MASTER_TLS_NAME};
use lab_proto::version::SUPPORTED;
use lab_proto::{BootId, EndState, EventTag, JobReturn, JobSpec, Map, MinionId, OutboxId, Target, Value};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, RecvStream, SendStream};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::gate::Gate;
use crate::store::double::StoreDouble;

/// Nothing here takes long; what takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Master {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) operator: Client,
    pub(crate) ca: CertificateDer<'static>,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: Arc<StoreDouble<Gate>>,
}

impl Master {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts with settings over the usual ones, `key=value`.
    pub(crate) async fn start_with(settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("tempdir");
        Self::start_over(dir, Arc::new(StoreDouble::new(Gate::default())), settings).await
    }

    /// Ends the process, as far as there is one, and starts another over the same directory and store.
    pub(crate) async fn restart(self, settings: &[&str]) -> Self {
        let Self { server, operator, dir, store, .. } = self;
        drop(operator);
        server.shut_down().await;
        Self::start_over(dir, store, settings).await
    }

    async fn start_over(dir: tempfile::TempDir, store: Arc<StoreDouble<Gate>>, settings: &[&str]) -> Self {
        let root = dir.path().display();
        let usual = [
            "listen=127.0.0.1:0".to_owned(),
            format!("data_dir={root}/data"),
            format!("file_roots=['{root}/states']"),
            format!("pillar_roots=['{root}/pillar']"),
            "enrol.rate=1000".to_owned(),
            "enrol.rate_per_address=1000".to_owned(),
        ];
        let settings: Vec<String> =
            usual.into_iter().chain(settings.iter().map(ToString::to_string)).collect();
        let file = dir.path().join("master.toml");
        std::fs::write(&file, "").expect("written");
        let (config, _) = config::load(Some(&file), &settings).expect("fits");
        let server = Server::start(config, store.clone()).await.expect("starts");
        let address = server.address().expect("bound");
        let identity = Identity::load(&server.operator_dir()).expect("made at the first start");
        let operator = Client::connect(&address.to_string(), &identity).await.expect("connects");
        let pem = std::fs::read(server.operator_dir().join("ca.crt")).expect("there");
        let ca = pki::certificate_in(&pem).expect("a certificate");
        Self { server, address, operator, ca, dir, store }
    }

    pub(crate) async fn ask(&self, request: OpRequest) -> Vec<Value> {
        self.operator.collect(request).await.expect("answered")
    }

    /// Asks for what is refused; returns the words.
    pub(crate) async fn refused(&self, request: OpRequest) -> String {
        self.operator.collect(request).await.expect_err("it is refused").to_string()
    }

    /// Waits until the status has a value that fits.
    pub(crate) async fn status(&self, key: &str, fits: impl Fn(i128) -> bool) {
        let mut last = 0;
        let reached = async {
            loop {
                let status = self.ask(OpRequest::Status).await.remove(0);
                last = status.get(key).and_then(Value::as_int).expect("a number");
                if fits(last) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, reached).await.is_ok();
        assert!(in_time, "{key} stays at {last}");
    }

    /// Returns the tags and data of the log so far.
    pub(crate) async fn log(&self) -> Vec<(String, Value)> {
        let query = lab_proto::v1::op::EventQuery {
            since: lab_proto::v1::op::Since::Start,
            until: None,
            tags: Vec::new(),
            minion: None,
            limit: None,
            follow: false,
        };
        let mut replies = self.operator.request(OpRequest::Events(query)).await.expect("answered");
        let mut out = Vec::new();
        while let Some(reply) = replies.next().await.expect("goes on") {
            if let OpReply::Events(events) = reply {
                out.extend(events.into_iter().map(|e| (e.tag.to_string(), e.data)));
            }
        }
        out
    }

    /// Waits until the log has an event that fits.
    pub(crate) async fn logged(&self, what: &str, fits: impl Fn(&str, &Value) -> bool) {
        let query = lab_proto::v1::op::EventQuery {
            since: lab_proto::v1::op::Since::Start,
            until: None,
            tags: Vec::new(),
            minion: None,
            limit: None,
            follow: true,
        };
        let mut replies = self.operator.request(OpRequest::Events(query)).await.expect("answered");
        let found = async {
            while let Some(reply) = replies.next().await.expect("goes on") {
                if let OpReply::Events(events) = reply
                    && events.iter().any(|e| fits(e.tag.as_str(), &e.data))
                {
                    return;
                }
            }
            panic!("the log ended without {what}");
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{what} was not logged"));
    }

    /// Waits until a refusal is named in the log.
    pub(crate) async fn refusal_logged(&self, words: &str) {
        self.logged(words, |tag, data| {
            let why = data.get("why").and_then(Value::as_str).unwrap_or_default();
            tag == "lab/security/refused" && why.contains(words)
        })
        .await;
    }
}

/// A frame stream.
pub(crate) struct Frames {
    pub(crate) send: SendStream,
    recv: RecvStream,
    buffer: FrameBuffer,
}

impl Frames {
    pub(crate) async fn open(connection: &Connection) -> Self {
        let (send, recv) = connection.open_bi().await.expect("a stream");
        Self { send, recv, buffer: FrameBuffer::default() }
    }

    pub(crate) async fn say<T: Serialize>(&mut self, frame: &T) {
        let bytes = codec::frame(frame).expect("fits");
        self.send.write_all(&bytes).await.expect("sent");
    }

    /// Returns the next frame, `None` when the stream or connection ended.
    pub(crate) async fn hear<T: DeserializeOwned>(&mut self) -> Option<T> {
        let next = async {
            loop {
                if let Some(frame) = self.buffer.next_frame().expect("well formed") {
                    return Some(frame);
                }
                match self.recv.read_chunk(65536, true).await {
                    Ok(Some(chunk)) => self.buffer.push(&chunk.bytes),
                    Ok(None) | Err(_) => return None,
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("the master answers")
    }

    /// Gives the stream back with the bytes that were read beyond the last frame.
    pub(crate) fn into_rest(mut self) -> (Vec<u8>, RecvStream) {
        (self.buffer.take_rest(), self.recv)
    }
}

/// Lets scripted minions join, and brings their links up.
pub(crate) async fn minions(master: &Master, ids: &[&str]) -> Vec<(ScriptedMinion, Up)> {
    let mut all = Vec::new();
    for id in ids {
        let mut minion = ScriptedMinion::new(master, id);
        minion.join(master).await;
        let up = minion.up().await;
        all.push((minion, up));
    }
    all
}

/// A scripted minion: a double that says so in its version, and does what a test tells it.
pub(crate) struct ScriptedMinion {
    pub(crate) id: MinionId,
    key: rcgen::KeyPair,
    ca: CertificateDer<'static>,
    address: SocketAddr,
    pub(crate) certificate: Option<CertificateDer<'static>>,
    pub(crate) boot: Boot,
    pub(crate) outbox_head: u64,
    /// The largest datagram that it takes.
    pub(crate) largest: u16,
}

/// A link that is up.
pub(crate) struct Up {
    pub(crate) connection: Connection,
    pub(crate) control: Frames,
    pub(crate) jobs: Frames,
    pub(crate) events: Frames,
    pub(crate) mark: u64,
}

impl ScriptedMinion {
    pub(crate) fn new(master: &Master, id: &str) -> Self {
        Self {
            id: MinionId::new(id).expect("valid"),
            key: rcgen::KeyPair::generate().expect("key"),
            ca: master.ca.clone(),
            address: master.address,
            certificate: None,
            boot: Boot { id: BootId::from_u128(1), number: 1 },
            outbox_head: 0,
            largest: 1_472,
        }
    }

    /// Makes another minion with the same key: a clone of its disk.
    pub(crate) fn twin(&self, master: &Master, id: &str) -> Self {
        let key = rcgen::KeyPair::try_from(self.key.serialize_der()).expect("a key");
        Self { key, ..Self::new(master, id) }
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }

    /// Asks at the enrolment door; returns the stream with its first answer.
    pub(crate) async fn enrol(&self, token: Option<String>) -> (Connection, Frames, EnrolReply) {
        self.enrol_with(token, Map::new()).await
    }

    /// Asks at the enrolment door with grains.
    pub(crate) async fn enrol_with(
        &self,
        token: Option<String>,
        grains: Map,
    ) -> (Connection, Frames, EnrolReply) {
        let connection = dial(self.address, &self.ca, None, ALPN_ENROL).await.expect("the door is open");
        let mut frames = Frames::open(&connection).await;
        let csr = rcgen::CertificateParams::default().serialize_request(&self.key).expect("csr");
        let request = EnrolRequest {
            versions: SUPPORTED,
            id: self.id.clone(),
            csr: csr.der().to_vec(),
            token,
            grains,
            machine_id: None,
            now: wall_time(),
        };
        frames.say(&request).await;
        let reply = frames.hear().await.expect("answered");
        (connection, frames, reply)
    }

    /// Enrols with a fresh token.
    pub(crate) async fn join(&mut self, master: &Master) {
        let token = token(master, self.id.as_str()).await;
        match self.enrol(Some(token)).await.2 {
            EnrolReply::Accepted { certificate, .. } => self.certificate = Some(certificate.into()),
            other => panic!("not accepted: {other:?}"),
        }
    }

    pub(crate) async fn dial(&self) -> Result<Connection, quinn::ConnectionError> {
        let certificate = self.certificate.clone().expect("enrolled");
        let mut endpoint = EndpointConfig::default();
        endpoint.max_udp_payload_size(self.largest).expect("within QUIC's bounds");
        let identity = Some((certificate, self.key()));
        dial_taking(endpoint, self.address, &self.ca, identity, ALPN_MINION).await
    }

    pub(crate) fn hello(&self) -> Hello {
        Hello {
            versions: SUPPORTED,
            id: self.id.clone(),
            boot: self.boot,
            booted_at: wall_time(),
            earlier_boots: Vec::new(),
            machine_id: MachineId::from_u128(3),
            process: ProcessId::from_u128(4),
            outbox_id: self.outbox(),
            outbox_head: self.outbox_head,
            version: "scripted double".to_owned(),
            now: wall_time(),
        }
    }

    /// One outbox for each minion.
    fn outbox(&self) -> OutboxId {
        OutboxId::from_u128(5 + self.id.as_str().bytes().map(u128::from).sum::<u128>())
    }

    /// Brings the link up with all its streams.
    pub(crate) async fn up(&self) -> Up {
        let connection = self.dial().await.expect("the certificate is good");
        let mut control = Frames::open(&connection).await;
        control.say(&StreamOpen::Control(self.hello())).await;
        let mark = match control.hear().await {
            Some(ToMinion::Welcome(welcome)) => welcome.outbox_mark,
            other => panic!("no welcome: {other:?}"),
        };
        let mut jobs = Frames::open(&connection).await;
        jobs.say(&StreamOpen::Jobs).await;
        assert_eq!(jobs.hear::<JobsDown>().await, Some(JobsDown::Registered));
        let mut events = Frames::open(&connection).await;
        events.say(&StreamOpen::Events { outbox_id: self.outbox() }).await;
        Up { connection, control, jobs, events, mark }
    }

    pub(crate) fn event(&self, counter: u64, tag: &str, data: Value) -> OutboxEvent {
        let tag = EventTag::new(tag).expect("valid");
        OutboxEvent { counter, boot: self.boot, seen: None, at: wall_time(), tag, data }
    }

    /// Makes the event of a successful return.
    pub(crate) fn returns(&self, counter: u64, job: &JobSpec) -> OutboxEvent {
        let answer = JobReturn {
            jid: job.jid,
            id: self.id.clone(),
            fun: job.fun.clone(),
            state: EndState::Returned,
            success: true,
            retcode: 0,
            value: Value::from(true),
            duration_micros: 5,
        };
        self.event(counter, answer.tag().as_str(), answer.data())
    }

    pub(crate) fn batch(&self, first: u64, tags: &[&str]) -> EventBatch {
        let events = (first..).zip(tags).map(|(n, tag)| self.event(n, tag, Value::Null)).collect();
        EventBatch { events }
    }
}

/// Asks for a job on minions.
pub(crate) fn run_request(target: &str, fun: &str) -> RunRequest {
    RunRequest {
        target: Target::glob(target),
        fun: fun.to_owned(),
        args: Vec::new(),
        kwargs: Map::new(),
        timeout: None,
        subset: None,
        batch: None,
        detach: false,
    }
}

pub(crate) async fn token(master: &Master, pattern: &str) -> String {
    token_for(master, pattern, 1).await
}

/// Makes a token that works so often.
pub(crate) async fn token_for(master: &Master, pattern: &str, uses: u32) -> String {
    let request = lab_proto::v1::op::TokenRequest::Create {
        pattern: pattern.to_owned(),
        ttl: Duration::from_secs(60),
        uses,
    };
    let rows = master.ask(OpRequest::Token(request)).await;
    rows[0].get("token").and_then(Value::as_str).expect("a token").to_owned()
}

pub(crate) async fn dial(
    address: SocketAddr,
    ca: &CertificateDer<'static>,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    alpn: &[u8],
) -> Result<Connection, quinn::ConnectionError> {
    dial_taking(EndpointConfig::default(), address, ca, identity, alpn).await
}

/// Dials from an endpoint of another kind.
pub(crate) async fn dial_taking(
    endpoint: EndpointConfig,
    address: SocketAddr,
    ca: &CertificateDer<'static>,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    alpn: &[u8],
) -> Result<Connection, quinn::ConnectionError> {
    let tls = pki::client_config(ca, identity, alpn).expect("certificates fit");
    let crypto = QuicClientConfig::try_from(tls).expect("TLS 1.3");
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let endpoint = Endpoint::new(endpoint, None, socket, Arc::new(quinn::TokioRuntime)).expect("a runtime");
    let connecting = endpoint.connect_with(ClientConfig::new(Arc::new(crypto)), address, MASTER_TLS_NAME);
    tokio::time::timeout(PATIENCE, connecting.expect("an address")).await.expect("answered")
}
