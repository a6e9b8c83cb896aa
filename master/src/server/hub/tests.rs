use std::time::Duration;

use lab_proto::event::Boot;
use lab_proto::ids::ProcessId;
use lab_proto::link::SessionLimits;
use lab_proto::value::MAX_DEPTH;
use lab_proto::{BootId, EventTag, Fingerprint, LogId, MachineId, NewEvent, OutboxEvent, Timestamp, Value};

use super::*;
use crate::core::tests::arrival;
use crate::core::{CoreConfig, MinionRecord, Restored};
use crate::pki::Peer;
use crate::server::pillar::Renderer;
use crate::store::double::{Behaviour, StoreDouble};
use crate::store::memory::MemoryStore;
use crate::store::{EventStore, StoreError};

fn web1() -> MinionId {
    MinionId::new("web1").expect("valid")
}

/// A hub whose core takes a minion for lost a moment after its start.
fn hub(dir: &std::path::Path, store: Arc<dyn Store>) -> (Hub, mpsc::Receiver<String>) {
    hub_with(dir, store, Duration::from_millis(1))
}

fn hub_with(dir: &std::path::Path, store: Arc<dyn Store>, moment: Duration) -> (Hub, mpsc::Receiver<String>) {
    let clock = Clock::start(None);
    let minion = MinionRecord {
        id: web1(),
        boot: Boot { id: BootId::from_u128(1), number: 1 },
        process: ProcessId::from_u128(1),
        machine_id: MachineId::from_u128(1),
        outbox: OutboxId::from_u128(1),
        version: "1".to_owned(),
        address: "192.0.2.1:1".to_owned(),
        last_seen: clock.now(),
        reboot_by: None,
        ready: false,
    };
    let limits = SessionLimits { heartbeat: moment, missed: 3 };
    let config = CoreConfig {
        limits,
        reboot_patience: Duration::from_secs(60),
        job_timeout: moment,
        reconnect_grace: moment,
    };
    let restored = Restored { minions: vec![minion], ..Restored::default() };
    let core = Core::new(config, Box::new(|| 1), store.head(), restored, clock.now());
    let config = crate::config::load(None, &[]).expect("defaults").0;
    let content = Arc::new(Content::open(dir, Vec::new()).expect("opens"));
    let pillar = Arc::new(Renderer::new(&config));
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = Authority::create(key, moment, clock.now()).expect("made");
    let (failed, failure) = mpsc::channel(1);
    let parts = Parts {
        core,
        store: store.clone(),
        content: content.clone(),
        runner: Arc::new(Runner { content, pillar }),
        trust: Arc::new(Trust::new([(Fingerprint::of(b"key"), Peer::Minion(web1()))])),
        authority: Arc::new(authority),
        clock,
        failed,
    };
    (Hub::start(parts).expect("starts").0, failure)
}

#[tokio::test]
async fn what_is_due_is_done_though_the_inbox_is_never_empty() {
    let dir = tempfile::tempdir().expect("tempdir");
    let store = Arc::new(MemoryStore::new(LogId::from_u128(1)));
    let (hub, _failure) = hub(dir.path(), store.clone());
    let beat = ToMaster::Heartbeat { number: 1, jobs: 0, change_pending_micros: None };
    let mut sent = 0;
    while store.head().seq == 0 && sent < 500_000 {
        hub.control(ConnId(1), beat.clone()).await;
        sent += 1;
    }
    let log = store.read(store.floor(), 10).expect("reads");
    let tags: Vec<&str> = log.iter().map(|e| e.tag.as_str()).collect();
    assert_eq!(tags, ["lab/minion/web1/lost"], "after {sent} frames");
    assert!(log[0].stamp > Timestamp::from_micros(0));
}

/// Refuses every event with this word in its tag.
struct Picky(&'static str);

impl Behaviour for Picky {
    fn refuse(&self, events: &[NewEvent]) -> Result<(), StoreError> {
        match events.iter().find(|e| e.tag.as_str().contains(self.0)) {
            Some(e) => Err(StoreError::EventTooLarge { tag: e.tag.to_string(), got: 2, limit: 1 }),
            None => Ok(()),
        }
    }
}

/// The far end of a link's doors.
struct Link {
    control: mpsc::Receiver<Box<ToMinion>>,
    durable: watch::Receiver<(u64, Position)>,
    close: oneshot::Receiver<LinkEnd>,
}

const OUTBOX: OutboxId = OutboxId::from_u128(4);

async fn link(hub: &Hub, store: &dyn Store) -> Link {
    let (control, heard) = mpsc::channel(8);
    let (durable, acked) = watch::channel((0, store.head()));
    let (close, closed) = oneshot::channel();
    let (answers, jobs) = (mpsc::channel(8).0, mpsc::channel(8).0);
    let doors = LinkDoors { control, durable, answers, jobs, close };
    hub.connect(ConnId(1), arrival(&web1(), OUTBOX), doors).await;
    Link { control: heard, durable: acked, close: closed }
}

/// A hub that loses nobody soon.
fn calm(dir: &std::path::Path, store: Arc<dyn Store>) -> (Hub, mpsc::Receiver<String>) {
    hub_with(dir, store, Duration::from_secs(600))
}

#[tokio::test]
async fn an_event_that_the_store_refuses_is_named_and_those_beside_it_are_durable_when_acknowledged() {
    let dir = tempfile::tempdir().expect("tempdir");
    let store = Arc::new(MemoryStore::new(LogId::from_u128(1)));
    let (hub, _failure) = calm(dir.path(), store.clone());
    let mut link = link(&hub, &*store).await;
    let deep = (0..MAX_DEPTH).fold(Value::Null, |v, _| Value::List(vec![v]));
    let event = |counter: u64, data: Value| OutboxEvent {
        counter,
        boot: Boot { id: BootId::from_u128(1), number: 1 },
        seen: None,
        at: Timestamp::from_micros(1),
        tag: EventTag::new(format!("my/{counter}")).expect("valid"),
        data,
    };
    let events = vec![event(1, Value::Null), event(2, deep), event(3, Value::Null)];
    hub.batch(ConnId(1), OUTBOX, EventBatch { events }).await;
    let acked = *link.durable.wait_for(|(counter, _)| *counter > 0).await.expect("the hub is there");
    assert_eq!((acked.0, store.mark(&OUTBOX)), (3, Some(3)));
    let log = store.read(store.floor(), 10).expect("reads");
    let tags: Vec<&str> = log.iter().map(|e| e.tag.as_str()).collect();
    assert_eq!(tags[tags.len() - 3..], ["my/1", "lab/security/refused", "my/3"], "{tags:?}");
}

#[tokio::test]
async fn a_minion_whose_coming_the_store_refuses_is_not_welcomed_and_others_are_served() {
    let dir = tempfile::tempdir().expect("tempdir");
    let store = Arc::new(StoreDouble::new(Picky("/connected")));
    let (hub, _failure) = calm(dir.path(), store.clone());
    let mut link = link(&hub, &*store).await;
    let end = (&mut link.close).await.expect("it is told");
    assert!(matches!(end, LinkEnd::Close(CloseReason::NotRecorded(_))), "{end:?}");
    assert!(link.control.try_recv().is_err(), "no welcome");
    let write = |tag: &str| {
        let tag = EventTag::new(tag).expect("valid");
        let event = NewEvent { tag, origin: lab_proto::Origin::Master, data: Value::Null };
        Write { events: vec![event], ..Write::default() }
    };
    let (refused, taken) = tokio::join!(hub.write(write("a/connected")), hub.write(write("a/b")));
    assert!(refused.expect("answers").is_err());
    assert_eq!(taken.expect("answers").expect("is taken").len(), 1);
    let log = store.read(store.floor(), 10).expect("reads");
    assert_eq!(log.iter().map(|e| e.tag.as_str()).collect::<Vec<_>>(), ["a/b"]);
}
