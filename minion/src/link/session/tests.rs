use std::path::Path;
use std::sync::Arc;

use lab_proto::event::Boot;
use lab_proto::ids::ProcessId;
use lab_proto::{BootId, LogId, MachineId, MinionId, OutboxId, Position, Timestamp};
use tokio::sync::watch;

use super::super::commands::Commands;
use super::super::{Dialer, LastSeen, Myself, Setup, Standing};
use super::*;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::identity::{Credentials, Pki};
use crate::journal::Journal;
use crate::outbox::Outbox;

/// A keeper over a directory, and the other ends of its channels.
fn keeper(dir: &Path, events: mpsc::Sender<LinkEvent>) -> (Keeper, mpsc::Sender<LinkCommand>) {
    let outbox = Outbox::open(&dir.join("outbox"), OutboxId::from_u128(1), 1 << 30).expect("opens");
    let journal = Journal::open(&dir.join("journal")).expect("opens");
    let (disk, _thread) = Disk::start(outbox, journal).expect("starts");
    let myself = Myself {
        id: MinionId::new("web1").expect("valid"),
        boot: Boot { id: BootId::from_u128(1), number: 1 },
        booted_at: Timestamp::from_micros(0),
        earlier_boots: Vec::new(),
        machine_id: MachineId::from_u128(1),
        process: ProcessId::from_u128(1),
    };
    let (commands, commands_rx) = mpsc::channel(OUTGOING);
    let backoff = (Duration::from_secs(1), Duration::from_secs(1));
    let setup = Setup {
        myself,
        dialer: Dialer::new(&["127.0.0.1".to_owned()]).expect("an address"),
        identity: Arc::new(Pki::new(dir).identity().expect("a key")),
        credentials: Credentials { certificate: Vec::new().into(), ca: Vec::new().into() },
        disk,
        clock: Clock::start(),
        backoff,
    };
    let keeper = Keeper {
        backoff: lab_proto::link::Backoff::new(backoff.0, backoff.1),
        setup,
        events,
        commands: Commands::new(commands_rx),
        output: mpsc::channel(1).1,
        connection: watch::channel(None).0,
        seen: LastSeen::default(),
        standing: Standing::default(),
        expired: false,
        shut_out: false,
    };
    (keeper, commands)
}

#[tokio::test]
async fn the_agent_knows_the_masters_time_before_there_is_a_stream_for_jobs() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let pair = jobs::tests::pair().await;
    let (agent, mut heard) = mpsc::channel(1);
    agent.try_send(LinkEvent::Acked(7)).expect("there is room for one");
    let (mut keeper, _commands) = keeper(dir.path(), agent);
    let mut session = Session::open(&keeper, pair.minion.clone()).await.expect("opens");
    let welcome = Welcome {
        version: 1,
        head: Position { log_id: LogId::from_u128(1), seq: 1 },
        outbox_mark: 0,
        heartbeat_micros: 1_000_000,
        now: Timestamp::from_micros(5),
    };
    tokio::select! {
        biased;
        _ = session.welcomed(&mut keeper, &welcome) => panic!("the agent has no ear for it"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(session.children.len(), 0, "a job could come");
    assert!(keeper.connection.borrow().is_some(), "but whoever asks the master something can");
    assert!(matches!(heard.recv().await, Some(LinkEvent::Acked(7))));
    assert!(session.welcomed(&mut keeper, &welcome).await.is_none(), "goes on");
    assert!(matches!(heard.recv().await, Some(LinkEvent::Up { master }) if master == welcome.now));
    assert_eq!(session.children.len(), 2);
}

#[test]
fn a_mark_above_what_was_sent_or_below_what_is_kept_shows_another_past() {
    let ours = Head { outbox_id: lab_proto::OutboxId::from_u128(1), first: 90, head: 102, sent: 100 };
    for mark in [89, 95, 100] {
        assert_eq!(disagreement(mark, &ours), None, "{mark}");
    }
    // Two events were stored since it was put back, so that it does not even end before the mark.
    assert!(disagreement(102, &ours).is_some_and(|why| why.contains("rewound")));
    assert!(disagreement(88, &ours).is_some_and(|why| why.contains("no longer has")));
    assert!(disagreement(u64::MAX, &ours).is_some());
}
