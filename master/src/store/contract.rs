//! What every store must do, whatever it is made of: one set of tests, run for each.

use std::time::Duration;

use lab_proto::event::{Boot, MAX_EVENT, MinionOrigin};
use lab_proto::v1::op::OpReply;
use lab_proto::value::MAX_DEPTH;
use lab_proto::{
    BootId, Event, EventTag, Fingerprint, LogId, MinionId, NewEvent, Origin, OutboxId, Position, Timestamp,
    Value, codec,
};
use proptest::prelude::*;

use super::forgetful::{Disk, ForgetfulStore};
use super::memory::MemoryStore;
use super::{Bucket, Change, MAX_KEY_VALUE, ReadError, RetentionPolicy, Store, StoreError, StoredEvent};

const KEYS: Bucket = Bucket::new("keys");
const TOKENS: Bucket = Bucket::new("tokens");

pub(super) fn log(bits: u128) -> LogId {
    LogId::from_u128(bits)
}

pub(super) fn event(tag: &str) -> NewEvent {
    NewEvent { tag: EventTag::new(tag).expect("valid tag"), origin: Origin::Master, data: Value::from(tag) }
}

/// One event of each origin.
pub(super) fn sample_events() -> Vec<NewEvent> {
    let at = |seq| Position { log_id: log(1), seq };
    let minion = MinionOrigin {
        id: MinionId::new("web1").expect("valid"),
        key: Fingerprint::of(b"key"),
        outbox_id: OutboxId::from_u128(0xabc),
        counter: 41,
        boot: Boot { id: BootId::from_u128(3), number: 2 },
        seen: Some(at(5)),
        at: Timestamp::from_micros(1_795_238_380_000_000),
    };
    let data = Value::from([("id", Value::from("web1")), ("cause", Value::from("boot"))]);
    vec![
        event("salt/key"),
        NewEvent { origin: Origin::Minion(minion), data, ..event("salt/minion/web1/start") },
        NewEvent { origin: Origin::Operator { name: "ann".to_owned() }, ..event("my/own/event") },
    ]
}

fn stamp(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn read_all(store: &dyn Store, page: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let mut after = store.floor();
    loop {
        let more = store.read(after, page).expect("readable");
        let Some(last) = more.last() else { return events };
        after = last.position;
        events.extend(more);
    }
}

fn tags(events: &[Event]) -> Vec<&str> {
    events.iter().map(|e| e.tag.as_str()).collect()
}

pub(super) fn an_empty_store_has_nothing(store: &dyn Store) {
    let start = Position { log_id: store.log_id(), seq: 0 };
    assert_eq!((store.head(), store.floor()), (start, start));
    assert!(store.read(start, 10).expect("readable").is_empty());
    assert_eq!(store.seek_time(stamp(1)).expect("readable"), start);
    assert_eq!(store.mark(&OutboxId::from_u128(1)), None);
    assert!(store.scan(KEYS).expect("readable").is_empty());
}

pub(super) fn events_come_back_in_order_from_any_position(store: &dyn Store) {
    let first = store.append(sample_events(), &[], stamp(10)).expect("appends");
    assert_eq!(first.events.len(), 3);
    assert_eq!((first.first, first.last), (first.events[0].position, store.head()));
    let second = store.append(vec![event("later")], &[], stamp(20)).expect("appends");
    assert!(second.first.seq > first.last.seq);
    let written: Vec<Event> = first.events.iter().chain(&second.events).cloned().collect();
    for page in 1..=5 {
        assert_eq!(read_all(store, page), written);
    }
    for (at, event) in written.iter().enumerate() {
        assert_eq!(store.read(event.position, 10).expect("readable"), written[at + 1..]);
        let stored = store.read_stored(event.position, 10).expect("readable");
        assert_eq!(stored.iter().map(StoredEvent::tag).collect::<Vec<_>>(), tags(&written[at + 1..]));
        let decoded: Vec<Event> = stored.iter().map(|s| s.decode().expect("an event")).collect();
        assert_eq!(decoded, written[at + 1..]);
        let mut bytes = Vec::new();
        stored.iter().for_each(|s| s.encode_onto(&mut bytes).expect("encodes"));
        assert_eq!(
            OpReply::events_frame(stored.len(), &bytes).expect("fits"),
            codec::frame(&OpReply::Events(decoded)).expect("fits"),
            "what is passed on is what an event is on the wire"
        );
    }
}

pub(super) fn time_finds_the_first_event_not_older(store: &dyn Store) {
    for second in [10, 20, 30] {
        store.append(vec![event(&format!("at/{second}"))], &[], stamp(second)).expect("appends");
    }
    let first_since = |second| {
        let from = store.seek_time(stamp(second)).expect("readable");
        tags(&store.read(from, 1).expect("readable")).first().map(|t| (*t).to_owned())
    };
    assert_eq!(first_since(1).as_deref(), Some("at/10"));
    assert_eq!(first_since(20).as_deref(), Some("at/20"));
    assert_eq!(first_since(21).as_deref(), Some("at/30"));
    assert_eq!(first_since(31), None);
}

pub(super) fn marks_rise_with_their_batch_and_never_fall(store: &dyn Store) {
    let (a, b) = (OutboxId::from_u128(1), OutboxId::from_u128(2));
    store.append(vec![event("x")], &[(a, 5), (b, 1)], stamp(1)).expect("appends");
    let empty = store.append(Vec::new(), &[(a, 7), (b, 0)], stamp(2)).expect("marks without events are fine");
    assert_eq!((empty.first, empty.last), (store.head(), store.head()));
    assert_eq!((store.mark(&a), store.mark(&b)), (Some(7), Some(1)));
}

pub(super) fn a_position_that_cannot_be_served_gets_a_typed_answer(store: &dyn Store) {
    store.append(vec![event("x")], &[], stamp(1)).expect("appends");
    let foreign = Position { log_id: log(u128::MAX), seq: 0 };
    assert!(
        matches!(store.read(foreign, 1), Err(ReadError::UnknownLog { asked, .. }) if asked == foreign.log_id)
    );
    let ahead = Position { seq: store.head().seq + 1, ..store.head() };
    assert!(matches!(store.read(ahead, 1), Err(ReadError::Ahead { .. })));
}

pub(super) fn an_oversized_event_or_value_changes_nothing(store: &dyn Store) {
    let large = NewEvent { data: Value::from("x".repeat(MAX_EVENT)), ..event("large") };
    let refused = store.append(vec![event("small"), large], &[(OutboxId::from_u128(1), 1)], stamp(1));
    assert!(matches!(refused, Err(StoreError::EventTooLarge { .. })));
    assert_eq!((store.head().seq, store.mark(&OutboxId::from_u128(1))), (0, None));
    let put = |value| Change::Put { bucket: KEYS, key: b"k".to_vec(), value };
    let refused = store.commit(vec![put(vec![1]), put(vec![0; MAX_KEY_VALUE + 1])]);
    assert!(matches!(refused, Err(StoreError::ValueTooLarge { .. })));
    assert_eq!(store.get(KEYS, b"k").expect("readable"), None);
    store.append(vec![event("small")], &[], stamp(1)).expect("the store goes on");
}

pub(super) fn an_event_that_could_not_be_read_back_changes_nothing(store: &dyn Store) {
    let nested = |levels: u8| (1..levels).fold(Value::Null, |v, _| Value::List(vec![v]));
    let deepest = NewEvent { data: nested(MAX_DEPTH), ..event("deepest") };
    let written = store.append(vec![deepest], &[], stamp(1)).expect("appends").events;
    assert_eq!(read_all(store, 7), written);
    let deeper = NewEvent { data: nested(MAX_DEPTH + 1), ..event("deeper") };
    let refused = store.append(vec![event("small"), deeper], &[(OutboxId::from_u128(1), 1)], stamp(2));
    assert!(matches!(refused, Err(StoreError::EventUnreadable { .. })), "{refused:?}");
    assert_eq!((store.head().seq, store.mark(&OutboxId::from_u128(1))), (1, None));
    store.append(vec![event("small")], &[], stamp(3)).expect("the store goes on");
    assert_eq!(tags(&read_all(store, 7)), ["deepest", "small"]);
}

pub(super) fn what_an_append_would_refuse_can_be_asked_before(store: &dyn Store) {
    let nested = |levels: u8| (1..levels).fold(Value::Null, |v, _| Value::List(vec![v]));
    let text = |bytes: usize| Value::from("x".repeat(bytes));
    let mut refused = 0;
    let sizes = [10, MAX_EVENT / 2].into_iter().chain(MAX_EVENT - 60..=MAX_EVENT).map(text);
    let many = |n: usize| Value::List(vec![Value::Null; n]);
    let wide = [1000, MAX_EVENT - 100, MAX_EVENT].map(many);
    for data in sizes.chain((MAX_DEPTH - 2..MAX_DEPTH + 2).map(nested)).chain(wide) {
        let event = NewEvent { data, ..event("asked") };
        let head = store.head();
        let told = store.check(std::slice::from_ref(&event)).map_err(|e| e.to_string());
        assert_eq!(store.head(), head, "asking appends nothing");
        let done = store.append(vec![event], &[], stamp(1)).map(|_| ()).map_err(|e| e.to_string());
        refused += usize::from(done.is_err());
        assert_eq!(told, done);
    }
    assert!(refused > 5, "{refused}");
}

pub(super) fn the_largest_events_fit_however_many(store: &dyn Store) {
    let large = |n: usize| NewEvent {
        data: Value::from("x".repeat(MAX_EVENT - 100)),
        ..event(&format!("large/{n}"))
    };
    let written = store.append((0..40).map(large).collect(), &[], stamp(1)).expect("appends");
    assert_eq!(read_all(store, 7), written.events);
}

pub(super) fn retention_trims_the_oldest_and_says_so(store: &dyn Store) {
    for day in 0..20 {
        let batch = (0..50).map(|n| event(&format!("day/{day}/{n}/{}", "x".repeat(300)))).collect();
        store
            .append(
                batch,
                &[(OutboxId::from_u128(4), day)],
                stamp(86_400 * i64::try_from(day).expect("small")),
            )
            .expect("appends");
    }
    let before = read_all(store, 100);
    let week = RetentionPolicy { max_age: Some(Duration::from_secs(7 * 86_400)), max_bytes: None };
    let trimmed = store.retain(&week, None, stamp(19 * 86_400)).expect("retains");
    assert!(trimmed.events > 0 && trimmed.floor == store.floor() && trimmed.floor.seq > 0);
    let kept = read_all(store, 100);
    assert_eq!(kept, before[before.len() - kept.len()..], "what is left is the newest, whole");
    assert_eq!(before.len() - kept.len(), usize::try_from(trimmed.events).expect("small"));
    assert!(kept.iter().any(|e| e.stamp == stamp(12 * 86_400)), "nothing of the last week is gone");
    let start = Position { seq: 0, ..store.head() };
    assert!(matches!(store.read(start, 1), Err(ReadError::Trimmed { floor }) if floor == store.floor()));
    assert_eq!(store.mark(&OutboxId::from_u128(4)), Some(19), "marks outlive their events");
    let next = store.append(vec![event("next")], &[], stamp(20 * 86_400)).expect("appends");
    assert!(next.first.seq > before[before.len() - 1].position.seq, "no position is used twice");
}

pub(super) fn retention_leaves_what_is_needed(store: &dyn Store) {
    for day in 0..20 {
        let batch = (0..50).map(|n| event(&format!("day/{day}/{n}/{}", "x".repeat(300)))).collect();
        store.append(batch, &[], stamp(86_400 * day)).expect("appends");
    }
    let all = read_all(store, 100);
    let needed = all.len() as u64 / 2;
    let nothing = RetentionPolicy { max_age: Some(Duration::ZERO), max_bytes: Some(0) };
    let trimmed = store.retain(&nothing, Some(needed), stamp(30 * 86_400)).expect("retains");
    assert!(trimmed.events > 0 && trimmed.floor.seq <= needed, "{trimmed:?}");
    let after = Position { seq: needed, ..store.head() };
    assert_eq!(
        store.read(after, all.len()).expect("readable"),
        all[usize::try_from(needed).expect("small")..]
    );
    let rest = store.retain(&nothing, None, stamp(30 * 86_400)).expect("retains");
    assert!(rest.floor.seq > needed, "it goes once nobody needs it: {rest:?}");
}

pub(super) fn keys_change_all_or_nothing_and_buckets_are_apart(store: &dyn Store) {
    store.put(KEYS, b"b", vec![2]).expect("puts");
    store.put(KEYS, b"a", vec![1]).expect("puts");
    store.put(TOKENS, b"a", vec![9]).expect("puts");
    assert_eq!(store.scan(KEYS).expect("readable"), [(b"a".to_vec(), vec![1]), (b"b".to_vec(), vec![2])]);
    let change = vec![
        Change::Delete { bucket: KEYS, key: b"a".to_vec() },
        Change::Put { bucket: TOKENS, key: b"b".to_vec(), value: vec![0; MAX_KEY_VALUE] },
    ];
    store.commit(change).expect("commits");
    store.delete(KEYS, b"never there").expect("deleting nothing is fine");
    assert_eq!(store.get(KEYS, b"a").expect("readable"), None);
    assert_eq!(store.get(TOKENS, b"b").expect("readable").map(|v| v.len()), Some(MAX_KEY_VALUE));
    assert_eq!(store.scan(TOKENS).expect("readable").len(), 2);
    for key in ["web\0x", "web\0y", "web1\0x", "x"] {
        store.put(KEYS, key.as_bytes(), vec![1]).expect("puts");
    }
    let of_web = store.scan_prefix(KEYS, b"web\0").expect("readable");
    assert_eq!(
        of_web,
        [(b"web\0x".to_vec(), vec![1]), (b"web\0y".to_vec(), vec![1])],
        "whole keys, these alone"
    );
    assert_eq!(store.scan_prefix(KEYS, b"y").expect("readable"), []);
}

pub(super) fn a_closed_store_refuses_writes(store: &dyn Store) {
    store.append(vec![event("x")], &[], stamp(1)).expect("appends");
    store.close().expect("closes");
    store.close().expect("closing twice is fine");
    assert!(matches!(store.append(vec![event("y")], &[], stamp(2)), Err(StoreError::Closed)));
    assert!(matches!(store.put(KEYS, b"k", vec![1]), Err(StoreError::Closed)));
}

/// Runs every clause for one kind of store; `open` yields a fresh store and what must outlive it.
macro_rules! contract {
    ($open:expr; $($clause:ident),* $(,)?) => { $(
        #[test]
        fn $clause() {
            let (store, _keep) = $open;
            $crate::store::contract::$clause(&store);
        }
    )* };
    ($open:expr) => {
        $crate::store::contract::contract! { $open;
            an_empty_store_has_nothing,
            events_come_back_in_order_from_any_position,
            time_finds_the_first_event_not_older,
            marks_rise_with_their_batch_and_never_fall,
            a_position_that_cannot_be_served_gets_a_typed_answer,
            an_oversized_event_or_value_changes_nothing,
            an_event_that_could_not_be_read_back_changes_nothing,
            what_an_append_would_refuse_can_be_asked_before,
            the_largest_events_fit_however_many,
            retention_trims_the_oldest_and_says_so,
            retention_leaves_what_is_needed,
            keys_change_all_or_nothing_and_buckets_are_apart,
            a_closed_store_refuses_writes,
        }
    };
}
pub(super) use contract;

mod memory {
    use super::*;
    contract! { (MemoryStore::new(log(1)), ()) }
}

mod forgetful {
    use super::*;
    contract! { (ForgetfulStore::open(&Disk::new(log(1))), ()) }
}

/// One step of a random history.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Append { events: usize, size: usize, outbox: u128, counter: u64 },
    Read { from: prop::sample::Index, limit: usize },
    Retain { keep_seconds: u64 },
    Reopen,
}

pub(super) fn histories(len: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => (0usize..40, 0usize..400, 0u128..3, 0u64..100)
            .prop_map(|(events, size, outbox, counter)| Op::Append { events, size, outbox, counter }),
        3 => (any::<prop::sample::Index>(), 0usize..50).prop_map(|(from, limit)| Op::Read { from, limit }),
        1 => (0u64..20).prop_map(|keep_seconds| Op::Retain { keep_seconds }),
        1 => Just(Op::Reopen),
    ];
    proptest::collection::vec(op, 1..len)
}

/// Plays a history on a store and on a plain list, which must agree after every step.
pub(super) fn play<S: Store>(ops: Vec<Op>, mut store: S, mut reopen: impl FnMut(S) -> S) {
    let mut model: Vec<Event> = Vec::new();
    let mut marks: std::collections::BTreeMap<u128, u64> = std::collections::BTreeMap::new();
    for (second, op) in ops.into_iter().enumerate() {
        let now = stamp(i64::try_from(second).expect("short"));
        match op {
            Op::Append { events, size, outbox, counter } => {
                let batch =
                    (0..events).map(|n| event(&format!("{second}/{n}/{}", "x".repeat(size)))).collect();
                let done =
                    store.append(batch, &[(OutboxId::from_u128(outbox), counter)], now).expect("appends");
                assert_eq!(done.events.len(), events);
                model.extend(done.events);
                let mark = marks.entry(outbox).or_default();
                *mark = counter.max(*mark);
            }
            Op::Read { from, limit } if !model.is_empty() => {
                let from = from.index(model.len());
                match store.read(model[from].position, limit) {
                    Ok(events) => {
                        let end = (from + 1).saturating_add(limit).min(model.len());
                        assert_eq!(events, model[from + 1..end]);
                    }
                    Err(ReadError::Trimmed { floor }) => {
                        assert!(model[from].position.seq < floor.seq && floor == store.floor());
                    }
                    Err(other) => panic!("unexpected: {other}"),
                }
            }
            Op::Read { .. } => {}
            Op::Retain { keep_seconds } => {
                let policy =
                    RetentionPolicy { max_age: Some(Duration::from_secs(keep_seconds)), max_bytes: None };
                let old_floor = store.floor();
                let floor = store.retain(&policy, None, now).expect("retains").floor;
                let young = |e: &&Event| {
                    e.position.seq > old_floor.seq && now.since(e.stamp) <= Duration::from_secs(keep_seconds)
                };
                let kept = model.iter().filter(|e| e.position.seq > floor.seq).count();
                assert!(kept >= model.iter().filter(young).count(), "retention took what is young enough");
            }
            Op::Reopen => store = reopen(store),
        }
        assert_eq!(store.head().seq, model.last().map_or(0, |e| e.position.seq));
        assert!(marks.iter().all(|(outbox, mark)| store.mark(&OutboxId::from_u128(*outbox)) == Some(*mark)));
    }
    let whole = read_all(&store, 17);
    assert_eq!(whole, model[model.len() - whole.len()..]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_history_on_a_store_in_memory_agrees_with_a_plain_list(ops in histories(40)) {
        play(ops, MemoryStore::new(log(1)), |store| store);
    }

    #[test]
    fn any_history_with_crashes_agrees_with_a_plain_list(ops in histories(40)) {
        let disk = Disk::new(log(1));
        play(ops, ForgetfulStore::open(&disk), |store| { store.crash(); ForgetfulStore::open(&disk) });
    }
}
