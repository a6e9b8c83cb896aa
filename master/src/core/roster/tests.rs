//! Which boot was told, across a crash of the master at any point of a write.

use std::time::Duration;

use lab_proto::ids::ProcessId;
use lab_proto::{BootId, LogId, NewEvent, OutboxId};

use super::*;
use crate::core::tests::{arrival, config};
use crate::core::{Effect, Write};
use crate::store::memory::MemoryStore;
use crate::store::{EventStore, KeyStore};

const NOW: Timestamp = Timestamp::from_micros(5_000_000);

fn restored(store: &MemoryStore) -> Core {
    Core::restore(config(), Box::new(|| 1), store, NOW).expect("restores")
}

/// Comes as boot `number`; returns the writes that this asks for.
fn comes(core: &mut Core, number: u64) -> Vec<Write> {
    let mut arrival = arrival(&MinionId::new("web1").expect("valid"), OutboxId::from_u128(5));
    arrival.hello.boot = Boot { id: BootId::from_u128(number.into()), number };
    arrival.hello.process = ProcessId::from_u128(number.into());
    core.connect(ConnId(number), arrival, NOW);
    let effects = std::iter::from_fn(|| core.poll_effect());
    effects.filter_map(|e| if let Effect::Write(write) = e { Some(write) } else { None }).collect()
}

fn is_reboot(event: &NewEvent) -> bool {
    event.tag.as_str() == "lab/minion/web1/reboot"
}

/// How far the store's writer comes before the master ends.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    Changes,
    Events,
    All,
}

fn write(store: &MemoryStore, writes: Vec<Write>, until: Until) -> usize {
    let mut told = 0;
    for Write { changes, events, marks, after, .. } in writes {
        store.commit(changes).expect("commits");
        if until != Until::Changes {
            told += events.iter().filter(|e| is_reboot(e)).count();
            store.append(events, &marks, NOW).expect("appends");
        }
        if until == Until::All {
            store.commit(after).expect("commits");
        }
    }
    told
}

#[test]
fn a_reboot_is_told_once_wherever_the_master_ends_meanwhile() {
    for until in [Until::Changes, Until::Events, Until::All] {
        let store = MemoryStore::new(LogId::from_u128(1));
        write(&store, comes(&mut restored(&store), 1), Until::All);
        let torn = write(&store, comes(&mut restored(&store), 2), until);
        let again = write(&store, comes(&mut restored(&store), 2), Until::All);
        assert_eq!(torn + again, 1, "told {torn} times, then {again} times");
        let later = write(&store, comes(&mut restored(&store), 3), Until::All);
        assert_eq!(later, 1);
    }
}

#[test]
fn what_is_kept_and_shown_is_by_the_real_clock() {
    let store = MemoryStore::new(LogId::from_u128(1));
    let mut core = restored(&store);
    core.set_ahead(3_600_000_000, NOW);
    comes(&mut core, 1);
    let id = MinionId::new("web1").expect("valid");
    let view = core.minion(&id).expect("known");
    let hour = Duration::from_secs(3600);
    assert_eq!((view.record.last_seen, view.last_heard), (NOW + hour, NOW + hour));
    let (wake, _) = core.poll_timeout().expect("heartbeats");
    assert!(wake < NOW + hour, "deadlines are by the steady one");
}

#[test]
fn a_hello_is_not_kept_beyond_what_an_honest_one_has() {
    let mut hello = arrival(&MinionId::new("web1").expect("valid"), OutboxId::from_u128(5)).hello;
    hello.earlier_boots = (1..90).map(|n| Boot { id: BootId::from_u128(n.into()), number: n }).collect();
    hello.version = "v".repeat(100_000);
    crate::core::links::cut_hello(&mut hello);
    assert_eq!(hello.earlier_boots.len(), lab_proto::v1::link::MAX_BOOTS);
    assert_eq!(hello.earlier_boots.last().map(|b| b.number), Some(89), "the newest stay");
    assert!(hello.version.len() < 2000);
}
