use lab_proto::event::{Boot, MinionOrigin};
use lab_proto::value::MAX_DEPTH;
use lab_proto::{BootId, EventTag, Fingerprint, LogId, MinionId, Origin, OutboxId, Timestamp, Value};

use super::*;
use crate::store::MAX_KEY_VALUE;
use crate::store::memory::MemoryStore;
use crate::store::sled_log::{OpenOptions, SledStore};

const KEYS: Bucket = Bucket::new("keys");
const OUTBOX: OutboxId = OutboxId::from_u128(7);

fn request(company: usize) -> Request {
    Request { write: Write::default(), company, done: oneshot::channel().0 }
}

#[test]
fn what_is_written_behind_events_is_not_written_over_what_came_later() {
    let key = || b"web1".to_vec();
    let put = || Change::Put { bucket: Bucket::new("minions"), key: key(), value: Vec::new() };
    let delete = |key| Change::Delete { bucket: Bucket::new("minions"), key };
    let enter = Write { after: vec![put()], ..Write::default() };
    let other = Write { changes: vec![delete(b"web2".to_vec())], ..Write::default() };
    let forget = Write { changes: vec![delete(key())], ..Write::default() };
    let sizes: Vec<usize> = in_order(vec![enter, other, forget]).iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 1]);
}

#[test]
fn a_group_has_what_came_and_no_more_than_its_share() {
    let (sender, inbox) = channel();
    let groups: [fn(&Receiver<Request>) -> usize; 2] =
        [|inbox| gather(request(0), inbox).len(), |inbox| meet(request(0), inbox, Duration::ZERO).len()];
    for group in groups {
        assert_eq!(group(&inbox), 1, "a lone event is as quick as the disk, and silence ends a burst");
        for _ in 0..MAX_GROUP {
            sender.send(request(0)).expect("the inbox is there");
        }
        assert_eq!(group(&inbox), MAX_GROUP);
        assert_eq!(inbox.try_iter().count(), 1, "what is too much waits for the next flush");
    }
}

#[test]
fn a_flush_waits_for_what_is_expected_and_for_nothing_else() {
    const LONG: Duration = Duration::from_secs(60);
    let start = Instant::now();
    let (sender, inbox) = channel();
    let late = sender.clone();
    let others = std::thread::spawn(move || {
        for company in [1, 0] {
            std::thread::sleep(Duration::from_millis(5));
            late.send(request(company)).expect("the inbox is there");
        }
    });
    assert_eq!(
        meet(request(2), &inbox, LONG).len(),
        3,
        "it goes when all are there, long before its patience ends"
    );
    others.join().expect("the thread ends");
    assert_eq!(meet(request(0), &inbox, LONG).len(), 1, "nobody is expected");
    assert!(start.elapsed() < LONG, "neither waited its patience out");
    assert_eq!(
        meet(request(1), &inbox, Duration::from_millis(1)).len(),
        1,
        "who does not come is not waited for"
    );
}

fn event(tag: &str) -> NewEvent {
    NewEvent { tag: EventTag::new(tag).expect("valid"), origin: Origin::Master, data: Value::Null }
}

/// An event that every store refuses, small as it is.
fn too_deep(tag: &str) -> NewEvent {
    let data = (0..MAX_DEPTH).fold(Value::Null, |v, _| Value::List(vec![v]));
    NewEvent { data, ..event(tag) }
}

fn from_minion(counter: u64, event: NewEvent) -> NewEvent {
    let origin = MinionOrigin {
        id: MinionId::new("web1").expect("valid"),
        key: Fingerprint::of(b"key"),
        outbox_id: OUTBOX,
        counter,
        boot: Boot { id: BootId::from_u128(3), number: 1 },
        seen: None,
        at: Timestamp::from_micros(1),
    };
    NewEvent { origin: Origin::Minion(origin), ..event }
}

fn put(key: &str, bytes: usize) -> Change {
    Change::Put { bucket: KEYS, key: key.as_bytes().to_vec(), value: vec![1; bytes] }
}

fn with_events(events: Vec<NewEvent>) -> Write {
    Write { events, ..Write::default() }
}

fn tags(events: &[Event]) -> Vec<&str> {
    events.iter().map(|e| e.tag.as_str()).collect()
}

/// Writes a group at once on a store of each kind; `look` sees what became of it.
fn on_each_store(writes: impl Fn() -> Vec<Write>, look: impl Fn(&dyn Store, Vec<Written>)) {
    let dir = tempfile::tempdir().expect("tempdir");
    let content = Content::open(&dir.path().join("content"), Vec::new()).expect("opens");
    let options = OpenOptions::new(LogId::from_u128(1));
    let sled = SledStore::open(&dir.path().join("store"), options).expect("opens");
    let memory = MemoryStore::new(LogId::from_u128(1));
    let clock = Clock::start(None);
    for store in [&memory as &dyn Store, &sled] {
        look(store, write_group(store, &content, &clock, writes()));
    }
}

#[test]
fn what_the_store_refuses_fails_alone_and_the_rest_of_its_flush_is_durable() {
    let writes = || {
        vec![
            Write { changes: vec![put("a", 1)], ..with_events(vec![event("one")]) },
            Write { changes: vec![put("b", 1)], ..with_events(vec![event("two"), too_deep("deep")]) },
            Write {
                changes: vec![put("c", 1), put("d", MAX_KEY_VALUE + 1)],
                ..with_events(vec![event("x")])
            },
            Write { after: vec![put("e", MAX_KEY_VALUE + 1)], ..with_events(vec![event("three")]) },
            Write { after: vec![put("f", 1)], ..with_events(vec![event("four"), event("five")]) },
        ]
    };
    on_each_store(writes, |store, written| {
        let became: Vec<Vec<&str>> = written.iter().map(|w| w.as_deref().map_or(vec!["!"], tags)).collect();
        assert_eq!(became, [vec!["one"], vec!["!"], vec!["!"], vec!["three"], vec!["four", "five"]]);
        assert!(matches!(&written[1], Err(e) if matches!(*e.0, StoreError::EventUnreadable { .. })));
        assert!(matches!(&written[2], Err(e) if matches!(*e.0, StoreError::ValueTooLarge { .. })));
        let log = store.read(store.floor(), 10).expect("reads");
        assert_eq!(tags(&log), ["one", "three", "four", "five"]);
        let kept = store.scan(KEYS).expect("reads");
        let kept: Vec<&[u8]> = kept.iter().map(|(key, _)| key.as_slice()).collect();
        assert_eq!(kept, [b"a", b"f"], "nothing is left of what was refused");
    });
}

#[test]
fn an_event_of_an_outbox_that_is_refused_is_named_in_its_place_and_the_others_are_taken() {
    let batch = |from: u64, events: Vec<NewEvent>| {
        let events: Vec<_> = (from..).zip(events).map(|(n, e)| from_minion(n, e)).collect();
        Write { marks: vec![(OUTBOX, from + events.len() as u64 - 1)], ..with_events(events) }
    };
    let writes = || {
        let first = batch(1, vec![event("one"), too_deep("deep"), event("three")]);
        vec![first, with_events(vec![event("other")]), batch(4, vec![event("four")])]
    };
    on_each_store(writes, |store, written| {
        assert!(written.iter().all(Result::is_ok), "{written:?}");
        let log = store.read(store.floor(), 10).expect("reads");
        assert_eq!(tags(&log), ["one", "lab/security/refused", "three", "other", "four"]);
        let why = log[1].data.get("why").and_then(Value::as_str).expect("says why");
        assert!(why.contains("deep") && log[1].minion().is_none(), "{why}");
        assert_eq!(log[1].data.get("peer").and_then(Value::as_str), Some("web1"));
        assert_eq!(store.mark(&OUTBOX), Some(4));
    });
}
