use std::path::Path;

use super::*;
use crate::journal::{Known, Stage};
use lab_proto::event::Boot;
use lab_proto::{BootId, EndState, EventTag, JobId, Timestamp, Value};

fn draft(n: u64) -> Draft {
    Draft {
        boot: Boot { id: BootId::from_u128(1), number: 1 },
        seen: None,
        at: Timestamp::from_micros(0),
        tag: EventTag::new("a/b").expect("valid"),
        data: Value::from(n),
    }
}

fn start(dir: &Path) -> (Disk, std::thread::JoinHandle<()>) {
    let outbox = Outbox::open(&dir.join("outbox"), OutboxId::from_u128(1), 1 << 30).expect("opens");
    let journal = Journal::open(&dir.join("journal")).expect("opens");
    Disk::start(outbox, journal).expect("starts")
}

#[tokio::test]
async fn every_event_of_a_burst_is_stored_under_the_number_that_its_sender_was_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (disk, thread) = start(dir.path());
    let appends: Vec<_> = (1..=500)
        .map(|n| {
            let disk = disk.clone();
            async move { disk.append(draft(n), None).await }
        })
        .collect();
    let told: Vec<u64> = futures_util::future::join_all(appends)
        .await
        .into_iter()
        .map(|counter| counter.expect("is stored"))
        .collect();
    assert_eq!(disk.head().head, 500);
    let events = disk.read(1, usize::MAX, 1000).await.expect("reads");
    for (n, counter) in (1u64..).zip(&told) {
        let (event, _) = &events[usize::try_from(*counter).expect("small") - 1];
        assert_eq!((event.counter, &event.data), (*counter, &Value::from(n)));
    }
    drop(disk);
    thread.join().expect("ends");
}

#[tokio::test]
async fn the_end_of_a_job_is_journalled_behind_its_return() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (disk, thread) = start(dir.path());
    let jid = JobId::new(Timestamp::from_micros(1), 1);
    let at = Timestamp::from_micros(2);
    disk.journal(vec![Entry::Started { jid, fun: "test.ping".into(), at }]).await.expect("is written");
    let end = Entry::Ended { jid, state: EndState::Returned, at };
    disk.append(draft(1), Some(end)).await.expect("is stored");
    disk.acknowledge(1).await;
    drop(disk);
    thread.join().expect("ends");
    let journal = Journal::open(&dir.path().join("journal")).expect("opens");
    assert_eq!(journal.ledger().known(jid), Known::Taken(Stage::Ended(EndState::Returned)));
}

#[tokio::test]
async fn an_event_too_large_for_the_log_is_refused_before_it_is_stored() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (disk, _thread) = start(dir.path());
    let large = Draft { data: Value::from("x".repeat(65_000)), ..draft(1) };
    let error = disk.append(large, None).await.expect_err("is too large");
    assert!(matches!(error, OutboxError::TooLarge { .. }), "{error}");
    assert_eq!(disk.head().head, 0);
}

#[tokio::test]
async fn an_outbox_that_cannot_be_begun_anew_goes_on_storing() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (disk, _thread) = start(dir.path());
    disk.append(draft(1), None).await.expect("is stored");
    std::fs::write(dir.path().join("outbox.new"), "in the way").expect("writes");
    disk.renew(OutboxId::from_u128(9), 0).await.expect_err("its place is taken");
    assert_eq!(disk.append(draft(2), None).await.expect("is stored"), 2);
    std::fs::remove_file(dir.path().join("outbox.new")).expect("removes");
    let head = disk.renew(OutboxId::from_u128(9), 0).await.expect("renews");
    assert_eq!((head.outbox_id, head.head, head.sent), (OutboxId::from_u128(9), 2, 0));
    assert_eq!(disk.read(1, usize::MAX, 10).await.expect("reads").len(), 2);
    assert_eq!(disk.head().sent, 2, "what was read is on its way");
}

#[tokio::test]
async fn no_outbox_is_begun_anew_while_the_journal_is_not_on_the_disk() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let outbox = Outbox::open(&dir.path().join("outbox"), OutboxId::from_u128(1), 1 << 30).expect("opens");
    let mut journal = Journal::open(&dir.path().join("journal")).expect("opens");
    journal.fail_next_sync();
    let (disk, _thread) = Disk::start(outbox, journal).expect("starts");
    let error = disk.renew(OutboxId::from_u128(9), 0).await.expect_err("the journal is not synced");
    assert!(matches!(error, OutboxError::Journal(_)) && !error.is_fatal(), "{error}");
    assert_eq!(disk.head().outbox_id, OutboxId::from_u128(1));
    let head = disk.renew(OutboxId::from_u128(9), 0).await.expect("the journal was written anew");
    assert_eq!(head.outbox_id, OutboxId::from_u128(9));
}
