use super::*;
use lab_proto::event::Boot;
use lab_proto::{BootId, EndState, JobId, Timestamp};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn jid(n: i64) -> JobId {
    JobId::new(at(n), 0)
}

fn started(n: i64) -> Entry {
    Entry::Started { jid: jid(n), fun: "test.ping".into(), at: at(n) }
}

fn ended(n: i64) -> Entry {
    Entry::Ended { jid: jid(n), state: EndState::Returned, at: at(n) }
}

#[test]
fn what_was_journalled_is_known_after_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path).expect("opens");
    journal.append(&[started(1), started(2), ended(1)], true).expect("writes");
    drop(journal);
    let journal = Journal::open(&path).expect("opens again");
    let ledger = journal.ledger();
    assert_eq!(ledger.known(jid(1)), Known::Taken(Stage::Ended(EndState::Returned)));
    assert_eq!(ledger.known(jid(2)), Known::Taken(Stage::Started));
    assert_eq!(ledger.known(jid(3)), Known::New);
    assert_eq!(ledger.unfinished().map(|(j, _)| j).collect::<Vec<_>>(), [jid(2)]);
}

#[test]
fn what_could_not_be_synced_is_written_anew_and_not_taken_for_durable() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path).expect("opens");
    journal.append(&[started(1)], true).expect("writes");
    journal.fail_next_sync();
    journal.append(&[ended(1)], false).expect("writes, durable or not");
    journal.sync().expect_err("is not synced");
    let known = || Journal::open(&path).expect("opens").ledger().known(jid(1));
    assert_eq!(known(), Known::Taken(Stage::Started));
    journal.sync().expect("is written anew");
    assert_eq!(known(), Known::Taken(Stage::Ended(EndState::Returned)));
    journal.append(&[started(2)], true).expect("writes");
    assert_eq!(Journal::open(&path).expect("opens").ledger().known(jid(2)), Known::Taken(Stage::Started));
}

#[test]
fn a_torn_entry_is_cut_and_damage_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path).expect("opens");
    journal.append(&[started(1), started(2)], true).expect("writes");
    drop(journal);
    let whole = fs::read(&path).expect("reads");
    fs::write(&path, &whole[..whole.len() - 3]).expect("cuts");
    assert_eq!(Journal::open(&path).expect("opens").ledger().known(jid(2)), Known::New);
    let mut hurt = whole;
    hurt[HEADER + RECORD + 2] ^= 8;
    fs::write(&path, &hurt).expect("hurts");
    let error = Journal::open(&path).expect_err("is damaged");
    assert!(error.is_damage() && error.to_string().contains("--accept-loss"), "{error}");
}

#[test]
fn boots_are_counted_once_each() {
    let mut ledger = Ledger::default();
    let boot = |n| BootId::from_u128(n);
    let (first, entry) = ledger.boot(boot(1));
    assert_eq!(first, Boot { id: boot(1), number: 1 });
    ledger.apply(entry.expect("is new"));
    assert_eq!(ledger.boot(boot(1)), (first, None), "a restarted agent is no boot");
    let (second, entry) = ledger.boot(boot(2));
    assert_eq!(second.number, 2);
    assert!(entry.is_some());
}

#[test]
fn the_oldest_jobs_are_forgotten_and_then_refused_not_run_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path).expect("opens");
    journal.append(&[started(0)], false).expect("writes");
    for n in 1..9000 {
        journal.append(&[started(n), ended(n)], false).expect("writes");
    }
    let size = fs::metadata(&path).expect("is there").len();
    assert!(size < 2 * REWRITE_BYTES, "the file is {size} bytes");
    drop(journal);
    let journal = Journal::open(&path).expect("opens again");
    let ledger = journal.ledger();
    assert_eq!(ledger.known(jid(1)), Known::Forgotten);
    assert_eq!(ledger.known(jid(8999)), Known::Taken(Stage::Ended(EndState::Returned)));
    assert_eq!(ledger.known(jid(10_000)), Known::New);
    assert_eq!(ledger.known(jid(0)), Known::Taken(Stage::Started), "what did not end is never forgotten");
}

#[test]
fn a_job_whose_turn_came_late_is_new_though_its_id_is_older_than_what_is_forgotten() {
    let mut ledger = Ledger::default();
    // A rolling job: its id is from the beginning; other jobs come and go while it goes from host to host.
    for n in 1..3000 {
        ledger.apply(started(n));
        ledger.apply(ended(n));
    }
    let rolling = JobId::new(at(0), 7);
    assert_eq!(ledger.known_since(rolling, at(0)), Known::Forgotten, "it may have run here");
    assert_eq!(ledger.known_since(rolling, at(3000)), Known::New, "it comes here only now");
    ledger.apply(Entry::Started { jid: rolling, fun: "a.b".into(), at: at(1) });
    ledger.apply(Entry::Made { jid: rolling, at: at(3000) });
    ledger.apply(Entry::Ended { jid: rolling, state: EndState::Returned, at: at(1) });
    assert_eq!(ledger.known_since(rolling, at(3000)), Known::Taken(Stage::Ended(EndState::Returned)));
    // It is forgotten in its turn, and then it is not new again when it comes once more.
    for n in 3001..5000 {
        ledger.apply(started(n));
        ledger.apply(ended(n));
    }
    assert_eq!(ledger.known_since(rolling, at(3000)), Known::Forgotten);
}

#[test]
fn a_ledger_is_what_its_entries_say() {
    let mut ledger = Ledger::default();
    let boot = BootId::from_u128(1);
    let all = [
        Entry::Boot(Boot { id: boot, number: 1 }),
        Entry::Accepted { jid: jid(1), fun: "a.b".into(), at: at(1) },
        started(2),
        started(3),
        ended(3),
        ended(4),
        Entry::RebootDone { jid: jid(3), boot },
        Entry::Made { jid: jid(2), at: at(9) },
        Entry::Floor { before: at(0) },
        Entry::Lost,
    ];
    all.into_iter().for_each(|e| ledger.apply(e));
    let mut again = Ledger::default();
    ledger.entries().into_iter().for_each(|e| again.apply(e));
    assert_eq!(again, ledger);
    assert!(again.reboot_done(jid(3)) && !again.reboot_done(jid(2)));
}
