//! The durable store against the contract, random histories, damage of every kind, and SIGKILL.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use lab_proto::{Event, OutboxId, Position, Timestamp};
use proptest::prelude::*;

use super::super::contract::{self, contract, event, histories, log, play};
use super::super::{Bucket, Loss, disk};
use super::*;

/// What a filled store has.
const BATCHES: u64 = 60;
const KEY_COUNT: usize = 20;
const KEYS: Bucket = Bucket::new("keys");

/// Small segments, so that tests have many, and a head file that is never late.
fn options() -> OpenOptions {
    OpenOptions { segment_bytes: 16 * 1024, head_interval: Duration::ZERO, ..OpenOptions::new(log(1)) }
}

fn open(root: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(root, options())
}

fn fresh() -> (SledStore, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    (open(&dir.path().join("store")).expect("opens"), dir)
}

contract! { fresh() }

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_history_agrees_with_a_plain_list(ops in histories(24)) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        play(ops, open(dir.path()).expect("opens"), |store| {
            drop(store);
            open(dir.path()).expect("opens again")
        });
    }

    #[test]
    fn any_history_with_crashes_agrees_with_a_plain_list(ops in histories(16)) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut machine = 0;
        play(ops, open(&dir.path().join("0")).expect("opens"), |store| {
            let next = dir.path().join(format!("{}", machine + 1));
            copy_as_a_crash_leaves_it(&dir.path().join(format!("{machine}")), &next);
            machine += 1;
            drop(store);
            open(&next).expect("opens again")
        });
    }
}

/// Copies a store that is open: what is on disk and in the page cache at this moment.
fn copy_as_a_crash_leaves_it(from: &Path, to: &Path) {
    disk::copy_tree(from, to).expect("copies");
}

/// Copies a store with several segments and some keys, closed or cut off, to `root`.
fn filled(root: &Path, clean: bool) -> Vec<Event> {
    static TEMPLATES: [OnceLock<(tempfile::TempDir, Vec<Event>)>; 2] = [OnceLock::new(), OnceLock::new()];
    let (dir, written) = TEMPLATES[usize::from(clean)].get_or_init(|| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let written = fill(&dir.path().join("store"), clean);
        (dir, written)
    });
    disk::copy_tree(&dir.path().join("store"), root).expect("copies");
    written.clone()
}

fn fill(root: &Path, clean: bool) -> Vec<Event> {
    let work = root.with_extension("work");
    let store = open(&work).expect("opens");
    let mut written = Vec::new();
    for batch in 0..BATCHES {
        let events = (0..10).map(|n| event(&format!("fill/{batch}/{n}/{}", "x".repeat(200)))).collect();
        let marks = [(OutboxId::from_u128(7), batch + 1)];
        written.extend(store.append(events, &marks, Timestamp::from_micros(1)).expect("appends").events);
        if batch < KEY_COUNT as u64 {
            store.put(KEYS, &batch.to_be_bytes(), vec![1; 100]).expect("puts");
        }
    }
    if clean {
        store.close().expect("closes");
    }
    copy_as_a_crash_leaves_it(&work, root);
    drop(store);
    fs::remove_dir_all(&work).expect("removes");
    written
}

fn segment_dir(root: &Path, which: usize) -> PathBuf {
    let segments = root.join("segments");
    let names = disk::names(&segments).expect("lists");
    segments.join(&names[which.min(names.len() - 1)])
}

fn last_segment(root: &Path) -> PathBuf {
    segment_dir(root, usize::MAX)
}

fn cut(file: &Path, bytes: u64) {
    let open = fs::OpenOptions::new().write(true).open(file).expect("opens");
    let size = open.metadata().expect("has a size").len();
    open.set_len(size.saturating_sub(bytes)).expect("cuts");
}

fn flip(file: &Path, at: u64) {
    let mut bytes = fs::read(file).expect("reads");
    let at = usize::try_from(at).expect("small");
    bytes[at] ^= 0x10;
    fs::write(file, bytes).expect("writes");
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).expect("has a size").len()
}

/// Hashes everything in a store but its lock, which a refused start may take and leave.
fn fingerprint(root: &Path) -> Vec<(String, [u8; 32])> {
    let files = disk::files_below(root).expect("lists");
    let files = files.into_iter().filter(|name| name != "lock");
    files.map(|name| (name.clone(), disk::digest(&root.join(&name)).expect("reads").1)).collect()
}

/// Does damage to a store and tells what opening it says: whole means that every event is there.
fn after_damage(clean: bool, damage: impl FnOnce(&Path)) -> Verdict {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().join("store");
    let written = filled(&root, clean);
    damage(&root);
    let before = fingerprint(&root);
    match open(&root) {
        Ok(store) => {
            assert_eq!(store.read(store.floor(), usize::MAX).expect("readable"), written);
            assert_eq!(store.scan(KEYS).expect("readable").len(), KEY_COUNT);
            Verdict::Whole
        }
        Err(StoreError::Damaged(damage)) => {
            assert_eq!(fingerprint(&root), before, "a refusal changes nothing: {damage}");
            let text = damage.to_string();
            assert!(!damage.what().contains("--accept-loss") && text.starts_with(&damage.what()), "{text}");
            assert!(text.contains("--accept-loss") && text.contains("Nothing was changed"), "{text}");
            assert!(
                text.contains(&*damage.path.to_string_lossy()) && damage.path.starts_with(&root),
                "{text}"
            );
            accepting_the_loss_begins_anew(&root, &damage);
            Verdict::Refused(*damage)
        }
        Err(other) => panic!("neither opened nor found damaged: {other}"),
    }
}

fn accepting_the_loss_begins_anew(root: &Path, damage: &Damage) {
    let accept = OpenOptions { accept_loss: true, new_log_id: log(2), ..options() };
    let store = SledStore::open(root, accept).expect("opens");
    let loss = store.accepted_loss().expect("says what was lost");
    assert_eq!(loss.damage, *damage);
    assert!(loss.aside.starts_with(root) && loss.aside.join("reason").exists());
    assert_eq!(store.head(), Position { log_id: log(2), seq: 0 });
    assert_eq!(store.mark(&OutboxId::from_u128(7)), None, "marks belong to the log that was lost");
    let keys = if damage.loss == Loss::Keys { 0 } else { KEY_COUNT };
    assert_eq!(store.scan(KEYS).expect("readable").len(), keys);
    store.append(vec![event("goes/on")], &[], Timestamp::from_micros(2)).expect("appends");
    drop(store);
    assert_eq!(open(root).expect("opens as any other").head().seq, 1);
}

#[derive(Debug)]
enum Verdict {
    Whole,
    Refused(Damage),
}

impl Verdict {
    fn missing(self) -> u64 {
        match self {
            Self::Refused(Damage { loss: Loss::Events { missing, .. }, .. }) => missing,
            other => panic!("expected missing events, got {other:?}"),
        }
    }

    fn loss(self) -> Loss {
        match self {
            Self::Refused(damage) => damage.loss,
            Self::Whole => panic!("expected damage to be found"),
        }
    }
}

#[test]
fn without_damage_every_event_is_there() {
    for clean in [true, false] {
        assert!(matches!(after_damage(clean, |_| {}), Verdict::Whole), "clean close: {clean}");
    }
}

#[test]
fn a_cut_tail_is_refused_with_the_number_of_missing_events() {
    for clean in [true, false] {
        for bytes in [4 * 1024, 1 << 20] {
            let missing = after_damage(clean, |root| cut(&last_segment(root).join("db"), bytes)).missing();
            assert!(missing > 0 && missing < BATCHES * 10, "clean close: {clean}, cut {bytes}: {missing}");
        }
        let half = after_damage(clean, |root| {
            let db = last_segment(root).join("db");
            cut(&db, size(&db) / 2);
        });
        assert!(half.missing() > 0);
    }
}

#[test]
fn a_megabyte_cut_from_a_large_segment_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (work, root) = (dir.path().join("work"), dir.path().join("store"));
    let store = SledStore::open(&work, OpenOptions { segment_bytes: 4 << 20, ..options() }).expect("opens");
    for batch in 0..100 {
        let events = (0..100).map(|n| event(&format!("{batch}/{n}/{}", "x".repeat(100)))).collect();
        store.append(events, &[], Timestamp::from_micros(1)).expect("appends");
    }
    copy_as_a_crash_leaves_it(&work, &root);
    let db = last_segment(&root).join("db");
    assert!(size(&db) > 2 << 20, "there is more than what is cut");
    cut(&db, 1 << 20);
    let before = fingerprint(&root);
    let error = open(&root).err().expect("refused").to_string();
    assert!(
        error.contains("acknowledged events missing after 00000000-0000-0000-0000-000000000001:"),
        "{error}"
    );
    assert_eq!(fingerprint(&root), before, "a refusal changes nothing");
}

#[test]
fn a_cut_in_an_older_segment_is_refused() {
    for clean in [true, false] {
        for parts in [2, 3, 100] {
            let verdict = after_damage(clean, |root| {
                let db = segment_dir(root, 5).join("db");
                cut(&db, (size(&db) / parts).max(4096));
            });
            assert!(verdict.missing() > 0);
        }
    }
}

#[test]
fn a_flipped_byte_is_refused_or_harmless_but_never_served() {
    for clean in [true, false] {
        for (segment, part) in [(0, 2), (3, 3), (usize::MAX, 2), (usize::MAX, 3), (usize::MAX, 5)] {
            let verdict = after_damage(clean, |root| {
                let db = segment_dir(root, segment).join("db");
                flip(&db, size(&db) / part);
            });
            // A copy that sled had already replaced may take the hit; then all events were read and compared.
            println!("flip in segment {segment} at 1/{part}, clean {clean}: {verdict:?}");
        }
    }
}

#[test]
fn flips_anywhere_in_the_newest_segment_are_never_served() {
    for step in 0..24 {
        after_damage(false, |root| {
            let db = last_segment(root).join("db");
            flip(&db, size(&db) * step / 24 + step);
        });
    }
}

#[test]
fn a_removed_file_is_refused_or_harmless_but_never_served() {
    for clean in [true, false] {
        for name in ["db", "conf", "snap", "manifest"] {
            for which in [2, usize::MAX] {
                let verdict = after_damage(clean, |root| {
                    let dir = segment_dir(root, which);
                    let names = disk::names(&dir).expect("lists");
                    let hit = names.iter().filter(|n| n.starts_with(name));
                    hit.for_each(|n| fs::remove_file(dir.join(n)).expect("removes"));
                });
                println!("without {name} of segment {which}, clean {clean}: {verdict:?}");
                assert!(name != "db" || verdict.missing() > 0);
            }
        }
    }
}

#[test]
fn a_removed_segment_is_refused_with_exactly_its_events() {
    for clean in [true, false] {
        let remove =
            |which| move |root: &Path| fs::remove_dir_all(segment_dir(root, which)).expect("removes");
        let first = after_damage(clean, remove(0)).missing();
        assert!((1..200).contains(&first), "{first}");
        assert!(after_damage(clean, remove(usize::MAX)).missing() > 0);
    }
}

#[test]
fn a_damaged_or_missing_head_file_is_refused() {
    for clean in [true, false] {
        assert_eq!(after_damage(clean, |root| flip(&root.join("head"), 40)).loss(), Loss::Unknown);
        assert_eq!(after_damage(clean, |root| flip(&root.join("head"), 0)).loss(), Loss::Unknown);
        let removed = after_damage(clean, |root| fs::remove_file(root.join("head")).expect("removes"));
        assert_eq!(removed.loss(), Loss::Unknown);
    }
}

#[test]
fn damaged_keys_are_refused_and_named() {
    for clean in [true, false] {
        let removed = after_damage(clean, |root| fs::remove_dir_all(root.join("keys")).expect("removes"));
        assert_eq!(removed.loss(), Loss::Keys);
        let cut_half = after_damage(clean, |root| {
            let db = root.join("keys/db");
            cut(&db, size(&db) / 2);
        });
        assert_eq!(cut_half.loss(), Loss::Keys);
        assert_eq!(after_damage(clean, |root| cut(&root.join("keys/db"), 4096)).loss(), Loss::Keys);
    }
}

/// Removes every snapshot of a database; there is one once it was opened again.
fn remove_snapshots(database: &Path) {
    let names = disk::names(database).expect("lists");
    let snapshots: Vec<_> = names.iter().filter(|name| name.starts_with("snap.")).collect();
    assert!(!snapshots.is_empty(), "there is a snapshot to remove in {}", database.display());
    snapshots.iter().for_each(|name| fs::remove_file(database.join(name)).expect("removes"));
}

/// Opens a segment's database as a start of sled's own would, which leaves a snapshot, and seals it as it is then.
fn with_snapshot(root: &Path, which: usize) -> PathBuf {
    let dir = segment_dir(root, which);
    engine::Database::open(&dir, engine::Unit::Small, false).expect("opens").close().expect("closes");
    let sealed = match segment::check_seal(&root.join("segments"), number_of(&dir)).expect("reads") {
        segment::Seal::Intact(meta) | segment::Seal::Broken { meta: Some(meta), .. } => Some(meta),
        segment::Seal::Open | segment::Seal::Broken { meta: None, .. } => None,
    };
    if let Some(meta) = sealed {
        segment::seal(&root.join("segments"), &meta).expect("seals");
    }
    dir
}

fn number_of(dir: &Path) -> u64 {
    dir.file_name().and_then(|name| name.to_str()?.parse().ok()).expect("a number")
}

#[test]
fn a_removed_snapshot_is_healed_where_nothing_is_missing() {
    for clean in [true, false] {
        for which in [0, 2, usize::MAX] {
            let verdict = after_damage(clean, |root| remove_snapshots(&with_snapshot(root, which)));
            assert!(matches!(verdict, Verdict::Whole), "segment {which}, clean {clean}: {verdict:?}");
        }
        let verdict = after_damage(clean, |root| {
            drop(open(root).expect("opens"));
            remove_snapshots(&root.join("keys"));
        });
        assert!(matches!(verdict, Verdict::Whole), "keys, clean {clean}: {verdict:?}");
    }
}

#[test]
fn a_removed_snapshot_is_refused_with_place_and_remedy_where_something_is_missing() {
    for clean in [true, false] {
        for which in [0, 2, usize::MAX] {
            let verdict = after_damage(clean, |root| {
                let dir = with_snapshot(root, which);
                remove_snapshots(&dir);
                cut(&dir.join("db"), size(&dir.join("db")) - 4096);
            });
            let Verdict::Refused(damage) = verdict else { panic!("segment {which} is not whole") };
            let words = damage.to_string();
            assert!(
                words.contains("acknowledged events missing after") && words.contains("segments/"),
                "{words}"
            );
            assert!(words.contains("Nothing was changed") && words.contains("--accept-loss"), "{words}");
        }
        let verdict = after_damage(clean, |root| {
            drop(open(root).expect("opens"));
            let keys = root.join("keys");
            remove_snapshots(&keys);
            cut(&keys.join("db"), size(&keys.join("db")) - 4096);
        });
        let Verdict::Refused(damage) = verdict else { panic!("the keys are not whole") };
        let words = damage.to_string();
        assert!(words.contains("/keys") && words.contains("--accept-loss"), "{words}");
        assert_eq!(damage.loss, Loss::Keys);
    }
}

#[test]
fn a_segment_that_was_damaged_while_the_store_is_open_is_a_typed_read_error() {
    let (store, dir) = fresh();
    for batch in 0..100 {
        let events = (0..10).map(|n| event(&format!("{batch}/{n}/{}", "x".repeat(200)))).collect();
        store.append(events, &[], Timestamp::from_micros(1)).expect("appends");
    }
    store.retain(&RetentionPolicy::default(), None, Timestamp::from_micros(2)).expect("waits for the keeper");
    let db = segment_dir(&dir.path().join("store"), 0).join("db");
    cut(&db, size(&db) / 2);
    let error = store.read(store.floor(), usize::MAX).expect_err("damaged");
    assert!(matches!(error, ReadError::Damaged(_)), "{error}");
    assert!(error.to_string().contains("acknowledged events missing after"), "{error}");
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().join("store");
    filled(&root, true);
    let mut bytes = fs::read(root.join("head")).expect("reads");
    bytes[0] = 2;
    let sum = head::sum(2, &bytes[33..]);
    bytes[1..33].copy_from_slice(&sum);
    fs::write(root.join("head"), bytes).expect("writes");
    let error = open(&root).err().expect("refused");
    assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn a_second_process_is_refused_and_told_who_holds_the_store() {
    let (store, dir) = fresh();
    let error = open(&dir.path().join("store")).err().expect("refused").to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(store);
    open(&dir.path().join("store")).expect("free again");
}

#[test]
fn keys_that_change_often_do_not_fill_the_disk() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let late = OpenOptions { head_interval: Duration::from_secs(1), ..options() };
    let store = SledStore::open(dir.path(), late).expect("opens");
    for round in 0..3000u32 {
        store.put(KEYS, &(round % 50).to_be_bytes(), vec![1; 2000]).expect("puts");
    }
    let used = disk::usage(&dir.path().join("keys")).expect("measures");
    println!("{} MiB for 100 kB after 3000 changes", used >> 20);
    assert!(used < 128 << 20, "{used}");
}

#[test]
fn retention_by_size_frees_disk() {
    let (store, dir) = fresh();
    for batch in 0..200 {
        let events = (0..20).map(|n| event(&format!("{batch}/{n}/{}", "x".repeat(200)))).collect();
        store.append(events, &[], Timestamp::from_micros(1)).expect("appends");
    }
    let segments = dir.path().join("store/segments");
    let all = RetentionPolicy::default();
    let before = store.retain(&all, None, Timestamp::from_micros(2)).expect("measures").bytes_left;
    let policy = RetentionPolicy { max_age: None, max_bytes: Some(before / 2) };
    let trimmed = store.retain(&policy, None, Timestamp::from_micros(2)).expect("retains");
    let used = disk::usage(&segments).expect("measures");
    assert!(trimmed.events > 0 && used <= before / 2, "{used} of {before}");
    assert_eq!(used, trimmed.bytes_left);
    let floor = store.floor();
    drop(store);
    let store = open(&dir.path().join("store")).expect("opens");
    assert_eq!(store.floor(), floor);
    assert!(matches!(store.read(Position { seq: 0, ..floor }, 1), Err(ReadError::Trimmed { .. })));
}

const CHILD: &str = "LAB_STORE_TEST_CHILD";

/// The child of the next test: appends and says after each append how far it is durable. Does nothing as a
/// test of its own.
#[test]
fn child_that_appends_until_killed() {
    let Ok(root) = std::env::var(CHILD) else { return };
    let store = open(Path::new(&root)).expect("opens");
    let mut out = std::io::stdout().lock();
    for batch in 0.. {
        let events = (0..7).map(|n| event(&format!("kill/{batch}/{n}/{}", "x".repeat(300)))).collect();
        let marks = [(OutboxId::from_u128(7), batch + 1)];
        let done = store.append(events, &marks, Timestamp::from_micros(1)).expect("appends");
        writeln!(out, "durable {} {}", done.last.seq, batch + 1).and_then(|()| out.flush()).expect("says so");
    }
}

#[test]
fn whatever_was_reported_durable_before_sigkill_is_there_after() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().join("store");
    let (mut seq, mut mark) = (0, 0);
    for reports in [3, 40, 90] {
        let mut child = Command::new(std::env::current_exe().expect("knows itself"))
            .args(["--exact", "--nocapture", "store::sled_log::tests::child_that_appends_until_killed"])
            .env(CHILD, &root)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let durable = lines.filter_map(|line| line.split_once("durable ").map(|(_, rest)| rest.to_owned()));
        for report in durable.take(reports) {
            let (s, _) = report.split_once(' ').expect("two numbers");
            (seq, mark) = (s.parse().expect("a number"), mark + 1);
        }
        child.kill().expect("kills");
        assert_eq!(child.wait().expect("ended").signal(), Some(9));
        let store = open(&root).expect("opens after SIGKILL");
        assert!(store.head().seq >= seq, "{} events of {seq} are there", store.head().seq);
        assert!(store.mark(&OutboxId::from_u128(7)).is_some());
        let events = store.read(store.floor(), usize::MAX).expect("readable");
        assert_eq!(events.len() as u64, store.head().seq);
        assert_eq!(store.head().seq % 7, 0, "batches are whole");
        seq = store.head().seq;
        assert!(mark > 0);
    }
}

#[test]
fn the_contract_holds_with_segments_of_one_batch() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let tiny = OpenOptions { segment_bytes: 1, ..options() };
    contract::events_come_back_in_order_from_any_position(&SledStore::open(dir.path(), tiny).expect("opens"));
}
