//! The stream over real QUIC on the loopback, and a master that says what a test lets it say.

use std::net::Ipv4Addr;
use std::sync::Arc;

use lab_proto::ids::JobId;
use lab_proto::v1::link::{JobState, Progress};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;

use super::*;

const JOB: &str = "20261129120000000001_0123456789abcdef";

fn jid() -> JobId {
    JOB.parse().expect("a job id")
}

fn state() -> JobsUp {
    JobsUp::State { jid: jid(), state: JobState::Ended }
}

fn output(text: &str) -> JobsUp {
    JobsUp::Progress { jid: jid(), progress: Progress::Stdout(text.to_owned()) }
}

/// Both ends of a connection; the endpoints live as long.
pub(in crate::link) struct Pair {
    pub(in crate::link) minion: quinn::Connection,
    pub(in crate::link) master: quinn::Connection,
    _endpoints: [quinn::Endpoint; 2],
}

pub(in crate::link) async fn pair() -> Pair {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["master".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let tls = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a usable certificate");
    let server = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).expect("QUIC")));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a root");
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let master = quinn::Endpoint::server(server, any).expect("an endpoint");
    let mut minion = quinn::Endpoint::client(any).expect("an endpoint");
    minion.set_default_client_config(quinn::ClientConfig::new(Arc::new(
        QuicClientConfig::try_from(tls).expect("QUIC"),
    )));
    let address = master.local_addr().expect("an address");
    let (dialled, accepted) = tokio::join!(
        async { minion.connect(address, "master").expect("a dial").await.expect("a connection") },
        async { master.accept().await.expect("a dial").await.expect("a connection") },
    );
    Pair { minion: dialled, master: accepted, _endpoints: [master, minion] }
}

/// The master's end of a job stream, whose open frame was read.
pub(in crate::link) async fn accept(master: &quinn::Connection) -> (FrameWriter, FrameReader) {
    let (send, recv) = master.accept_bi().await.expect("a stream");
    let (down, mut up) = (FrameWriter::new(send), FrameReader::new(recv));
    let open: Option<StreamOpen> = up.next().await.expect("a frame");
    assert_eq!(open, Some(StreamOpen::Jobs));
    (down, up)
}

#[tokio::test]
async fn an_agent_without_room_for_jobs_still_tells_their_states() {
    let pair = pair().await;
    let (agent, mut events) = mpsc::channel(1);
    let ((states_tx, states), (output_tx, output)) = (mpsc::channel(8), mpsc::channel(8));
    let stream = tokio::spawn(run(pair.minion.clone(), agent, Outgoing { states, output }));
    let (mut down, mut up) = accept(&pair.master).await;
    for _ in 0..5 {
        down.send(&JobsDown::Kill { jid: jid(), by: "a test".to_owned() }).await.expect("sent");
    }
    // The first one fills the agent's ear, and nobody drains it until the state has arrived.
    while events.is_empty() {
        tokio::task::yield_now().await;
    }
    states_tx.send(state()).await.expect("the stream lives");
    let told: Option<JobsUp> = up.next().await.expect("a frame");
    assert_eq!(told, Some(state()));
    for _ in 0..5 {
        assert!(matches!(events.recv().await, Some(LinkEvent::Kill { .. })));
    }
    drop((states_tx, output_tx));
    stream.await.expect("no panic").expect("an orderly end");
}

#[tokio::test]
async fn what_a_job_put_out_comes_before_its_end() {
    let pair = pair().await;
    let (agent, _events) = mpsc::channel(1);
    let ((states_tx, states), (output_tx, output_rx)) = (mpsc::channel(8), mpsc::channel(8));
    for text in ["one", "two", "three"] {
        output_tx.try_send(output(text)).expect("there is room");
    }
    states_tx.try_send(state()).expect("there is room");
    let stream = tokio::spawn(run(pair.minion.clone(), agent, Outgoing { states, output: output_rx }));
    let (_down, mut up) = accept(&pair.master).await;
    for expected in [output("one"), output("two"), output("three"), state()] {
        let told: Option<JobsUp> = up.next().await.expect("a frame");
        assert_eq!(told, Some(expected));
    }
    drop((states_tx, output_tx));
    stream.await.expect("no panic").expect("an orderly end");
}
