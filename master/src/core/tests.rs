//! The core against the store on disk: what the doors take reads back, however deep it is nested, and outboxes have owners.

use std::time::Duration;

use lab_proto::event::{Boot, MAX_OUTBOX_EVENT, OutboxEvent};
use lab_proto::ids::{MachineId, ProcessId};
use lab_proto::link::SessionLimits;
use lab_proto::v1::link::{EventBatch, Hello, LinkRefusal, ToMaster};
use lab_proto::value::{MAX_DEPTH, MAX_GIVEN};
use lab_proto::version::SUPPORTED;
use lab_proto::{
    BootId, EventTag, Fingerprint, LogId, Map, MinionId, OutboxId, Position, Target, Timestamp, Value, codec,
};
use proptest::prelude::*;

use super::*;
use crate::store::sled_log::{OpenOptions, SledStore};
use crate::store::{Bucket, EventStore, KeyStore};

const NOW: Timestamp = Timestamp::from_micros(5_000_000);
const CONN: ConnId = ConnId(1);

fn id() -> MinionId {
    MinionId::new("web1").expect("valid")
}

/// The settings of every core in tests.
pub(super) fn config() -> CoreConfig {
    CoreConfig {
        limits: SessionLimits::default(),
        reboot_patience: Duration::from_secs(600),
        job_timeout: Duration::from_secs(60),
        reconnect_grace: Duration::from_secs(10),
    }
}

/// A minion that comes for the first time, from its machine's first boot.
pub(crate) fn arrival(minion: &MinionId, outbox_id: OutboxId) -> Arrival {
    let hello = Hello {
        versions: SUPPORTED,
        id: minion.clone(),
        boot: Boot { id: BootId::from_u128(1), number: 1 },
        booted_at: NOW,
        earlier_boots: Vec::new(),
        machine_id: MachineId::from_u128(3),
        process: ProcessId::from_u128(4),
        outbox_id,
        outbox_head: 0,
        version: "0.1.0".to_owned(),
        now: NOW,
    };
    let (key, address) = (Fingerprint::of(b"key"), "192.0.2.1:9".to_owned());
    Arrival { minion: minion.clone(), key, address, hello, stored_mark: 0 }
}

fn restore(store: &SledStore) -> Core {
    Core::restore(config(), Box::new(|| 1), store, NOW).expect("the master starts")
}

fn open(dir: &std::path::Path) -> SledStore {
    SledStore::open(dir, OpenOptions::new(LogId::from_u128(1))).expect("opens")
}

/// Carries out what the core wants written, as the server's writer does.
fn settle(core: &mut Core, store: &SledStore) {
    while let Some(effect) = core.poll_effect() {
        let Effect::Write(write) = effect else { continue };
        store.commit(write.changes).expect("the store takes what a door took");
        let appended = store.append(write.events, &write.marks, NOW).expect("the log takes what a door took");
        store.commit(write.after).expect("the store takes what a door took");
        core.appended(&appended.events, NOW);
    }
}

fn connect(core: &mut Core) {
    connect_as(core, CONN, id(), OutboxId::from_u128(5));
}

fn connect_as(core: &mut Core, conn: ConnId, minion: MinionId, outbox_id: OutboxId) {
    let mut arrival = arrival(&minion, outbox_id);
    arrival.hello.outbox_head = 1;
    core.connect(conn, arrival, NOW);
}

fn submission(args: Vec<Value>, kwargs: Map) -> Submission {
    Submission {
        jid: None,
        fun: "test.echo".to_owned(),
        args,
        kwargs,
        target: Target::glob("*"),
        minions: vec![id()],
        timeout: None,
        tree: None,
        user: "operator ann".to_owned(),
        step: None,
        batch: None,
    }
}

/// Each level is a list, a tuple, a value or a key of a mapping.
fn nested(levels: u8, kinds: &[u8]) -> Value {
    (1..levels).zip(kinds.iter().cycle()).fold(Value::from("x"), |v, (_, kind)| match kind % 4 {
        0 => Value::List(vec![v]),
        1 => Value::Tuple(vec![Value::Null, v]),
        2 => Value::Map(Map::from_iter([(Value::from("k"), v)])),
        _ => Value::Map(Map::from_iter([(v, Value::from(1))])),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_the_doors_take_is_there_after_a_restart(
        levels in prop_oneof![1..=MAX_DEPTH, MAX_GIVEN - 3..=MAX_GIVEN + 3],
        kinds in proptest::collection::vec(any::<u8>(), 1..8),
    ) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let value = nested(levels, &kinds);
        let entry = Map::from_iter([(Value::from("x"), value.clone())]);
        let store = open(dir.path());
        let mut core = restore(&store);
        connect(&mut core);
        settle(&mut core, &store);
        core.control(CONN, ToMaster::Grains(entry.clone()), NOW);
        let as_argument = core.submit(submission(vec![value.clone()], Map::new()), NOW);
        let as_option = core.submit(Submission { user: "operator bob".to_owned(), ..submission(Vec::new(), entry.clone()) }, NOW + Duration::from_secs(1));
        let event = OutboxEvent {
            counter: 1,
            boot: Boot { id: BootId::from_u128(1), number: 1 },
            seen: None,
            at: NOW,
            tag: EventTag::new("my/own/event").expect("valid"),
            data: value.clone(),
        };
        core.batch(CONN, OutboxId::from_u128(5), EventBatch { events: vec![event] }, NOW);
        settle(&mut core, &store);
        prop_assert_eq!(as_argument.is_ok(), levels <= MAX_GIVEN);
        prop_assert_eq!(as_option.is_ok(), levels < MAX_GIVEN);
        let written = store.head();
        store.close().expect("closes");
        drop((core, store));

        let store = open(dir.path());
        prop_assert_eq!(store.head(), written);
        let events = store.read(store.floor(), 1000).expect("the whole log reads back");
        let own = events.iter().find(|e| e.tag.as_str() == "my/own/event").expect("is kept");
        prop_assert_eq!(&own.data, &value);
        let core = restore(&store);
        let kept = core.grains(&id()).expect("is known");
        let expected = if levels < MAX_GIVEN { Value::Map(entry) } else { Value::map() };
        prop_assert_eq!(&*kept, &expected);
        prop_assert_eq!(records::jobs(&store).expect("jobs read back").len(), usize::from(as_argument.is_ok()) + usize::from(as_option.is_ok()));
    }
}

/// A row that an earlier version wrote one level deeper than it could read kept the master from starting.
#[test]
fn grains_that_an_earlier_version_stored_too_deep_do_not_stop_the_master() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = open(dir.path());
    let mut core = restore(&store);
    connect(&mut core);
    settle(&mut core, &store);
    let row = |levels: usize| [&[8u8, 1, 4, 1, b'x'][..], &[6u8, 1].repeat(levels - 2), &[0]].concat();
    assert!(lab_proto::codec::decode::<Value>(&row(65)).is_err());
    let grains = Bucket::new("grains");
    store.put(grains, b"web1", row(65)).expect("is stored");
    store.put(grains, b"web2", row(1000)).expect("is stored");
    store.put(grains, b"web3", b"\xff".to_vec()).expect("is stored");
    let kept = restore(&store).grains(&id()).expect("is known");
    assert!(kept.get("x").is_some_and(|x| x.as_list().is_some()), "{kept:?}");
}

/// Two machines with one outbox, because a disk was copied, would hide each other's events: they count up from the same number.
#[test]
fn an_outbox_is_bound_to_the_minion_that_came_with_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = open(dir.path());
    let mut core = restore(&store);
    let outbox = OutboxId::from_u128(5);
    connect(&mut core);
    settle(&mut core, &store);
    let copy = MinionId::new("web2").expect("valid");
    let refused = |core: &mut Core, conn: u64, minion: &MinionId, outbox| {
        connect_as(core, ConnId(conn), minion.clone(), outbox);
        let mut refused = false;
        while let Some(effect) = core.poll_effect() {
            refused |= matches!(effect, Effect::Refuse { refusal: LinkRefusal::OutboxRewound { .. }, .. });
        }
        refused
    };
    assert!(refused(&mut core, 2, &copy, outbox));
    let mut core = restore(&store);
    assert!(refused(&mut core, 1, &copy, outbox), "also after a restart");
    assert!(!refused(&mut core, 2, &id(), outbox), "its own minion comes back with it");
    assert!(!refused(&mut core, 3, &copy, OutboxId::from_u128(6)), "the other one begins its own");
    assert!(!refused(&mut core, 4, &id(), OutboxId::from_u128(7)), "and anyone may begin a new one");
    assert!(refused(&mut core, 5, &id(), OutboxId::from_u128(6)));
}

/// The store's refusal would come when the minion was told that its event is taken.
#[test]
fn the_largest_event_that_the_door_takes_is_taken_by_the_store() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = open(dir.path());
    let longest = MinionId::new("m".repeat(253)).expect("valid");
    let event = |bytes| OutboxEvent {
        counter: u64::MAX - 1,
        boot: Boot { id: BootId::from_u128(u128::MAX), number: u64::MAX },
        seen: Some(Position { log_id: LogId::from_u128(u128::MAX), seq: u64::MAX }),
        at: Timestamp::from_micros(i64::MIN),
        tag: EventTag::new("my/event").expect("valid"),
        data: Value::Bytes(vec![1; bytes]),
    };
    let around = codec::encode(&event(MAX_OUTBOX_EVENT)).map_or(0, |b| b.len() - MAX_OUTBOX_EVENT);
    let largest = MAX_OUTBOX_EVENT - around;
    for (bytes, taken) in [(largest, true), (largest + 1, false)] {
        let mut core = restore(&store);
        let mut arrival = arrival(&longest, OutboxId::from_u128(u128::MAX));
        (arrival.stored_mark, arrival.hello.outbox_head) = (u64::MAX - 2, u64::MAX - 1);
        core.connect(CONN, arrival, NOW);
        core.batch(CONN, OutboxId::from_u128(u128::MAX), EventBatch { events: vec![event(bytes)] }, NOW);
        let mut events = Vec::new();
        while let Some(effect) = core.poll_effect() {
            if let Effect::Write(write) = effect {
                events.extend(write.events);
            }
        }
        assert_eq!(events.iter().any(|e| e.tag.as_str() == "my/event"), taken, "{bytes}");
        store.check(&events).expect("the store takes what the door took");
    }
}
