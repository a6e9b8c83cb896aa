use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use lab_proto::BootId;

const BIG: u64 = 1 << 30;

fn id(n: u128) -> OutboxId {
    OutboxId::from_u128(n)
}

fn draft(text: &str) -> Draft {
    Draft {
        boot: Boot { id: BootId::from_u128(1), number: 1 },
        seen: None,
        at: Timestamp::from_micros(0),
        tag: EventTag::new("a/b").expect("valid"),
        data: Value::from(text),
    }
}

fn open(dir: &Path) -> Outbox {
    Outbox::open(dir, id(1), BIG).expect("opens")
}

fn append(outbox: &mut Outbox, texts: &[&str]) -> u64 {
    let drafts: Vec<Draft> = texts.iter().map(|t| draft(t)).collect();
    outbox.append(&drafts.iter().collect::<Vec<_>>()).expect("is stored")
}

fn texts(outbox: &mut Outbox, from: u64) -> Vec<String> {
    let mut out = Vec::new();
    let mut next = from;
    loop {
        let part = outbox.read(next, 1 << 16, 100).expect("reads");
        if part.is_empty() {
            return out;
        }
        for (event, _) in part {
            assert_eq!(event.counter, next);
            next += 1;
            out.push(event.data.to_string());
        }
    }
}

#[test]
fn a_borrowed_event_is_encoded_as_an_owned_one() {
    let Draft { boot, seen, at, tag, data } = draft("x");
    let owned = OutboxEvent { counter: 7, boot, seen, at, tag, data };
    assert_eq!(codec::encode(&draft("x").numbered(7)).expect("fits"), codec::encode(&owned).expect("fits"));
}

#[test]
fn events_are_numbered_from_one_and_survive_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    assert_eq!(append(&mut outbox, &["one", "two"]), 2);
    drop(outbox);
    let mut outbox = Outbox::open(dir.path(), id(2), BIG).expect("opens again");
    assert_eq!((outbox.id(), outbox.head()), (id(1), 2));
    assert_eq!(append(&mut outbox, &["three"]), 3);
    assert_eq!(texts(&mut outbox, 1), ["one", "two", "three"]);
}

#[test]
fn numbers_never_go_back_even_when_everything_is_acknowledged() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    let large = "x".repeat(40_000);
    for _ in 0..100 {
        append(&mut outbox, &[&large]);
    }
    assert!(std::fs::read_dir(dir.path()).expect("lists").count() > 2);
    outbox.acknowledge(100).expect("acknowledges");
    let left: u64 = outbox.segments.iter().map(|s| s.bytes).sum();
    assert!(left < 100, "{left} bytes are kept of nothing");
    drop(outbox);
    let mut outbox = open(dir.path());
    assert_eq!((outbox.head(), outbox.first()), (100, 101));
    assert_eq!(append(&mut outbox, &["next"]), 101);
    assert!(matches!(outbox.read(100, 10, 10), Err(OutboxError::Gone { wanted: 100, first: 101 })));
}

#[test]
fn reading_goes_back_and_forth_over_segments_and_keeps_to_its_room() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    let large = "x".repeat(60_000);
    for _ in 0..60 {
        append(&mut outbox, &[&large]);
    }
    let part = outbox.read(10, 150_000, 100).expect("reads");
    assert_eq!(part.iter().map(|(e, _)| e.counter).collect::<Vec<_>>(), [10, 11]);
    assert_eq!(outbox.read(5, 1, 100).expect("reads").len(), 1, "one always comes, however small the room");
    assert_eq!(texts(&mut outbox, 1).len(), 60);
}

#[test]
fn damage_in_the_middle_is_named_with_its_remedy_and_nothing_is_cut() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    append(&mut outbox, &["one", "two", "three"]);
    let path = outbox.segments[0].path.clone();
    drop(outbox);
    let mut bytes = std::fs::read(&path).expect("reads");
    bytes[60] ^= 1;
    std::fs::write(&path, &bytes).expect("writes");
    let error = Outbox::open(dir.path(), id(2), BIG).expect_err("is damaged");
    assert!(error.is_damage() && error.to_string().contains("--accept-loss"), "{error}");
    assert_eq!(std::fs::read(&path).expect("reads"), bytes);
}

#[test]
fn a_missing_segment_is_a_hole() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    let large = "x".repeat(60_000);
    for _ in 0..60 {
        append(&mut outbox, &[&large]);
    }
    let middle = outbox.segments[1].path.clone();
    drop(outbox);
    std::fs::remove_file(middle).expect("removes");
    assert!(matches!(Outbox::open(dir.path(), id(2), BIG), Err(OutboxError::Hole { .. })));
}

#[test]
fn a_rewound_outbox_begins_anew_with_what_was_made_since() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let box_dir = dir.path().join("outbox");
    let mut outbox = open(&box_dir);
    append(&mut outbox, &["before"]);
    outbox.read_to_send(1, 1 << 16, 100).expect("reads");
    drop(outbox);
    let mut outbox = open(&box_dir);
    append(&mut outbox, &["since"]);
    drop(outbox);
    // Another agent since, which was never linked either: what was made since is still not sent.
    let mut outbox = open(&box_dir);
    append(&mut outbox, &["and since"]);
    outbox.renew(id(9), 4).expect("renews");
    assert_eq!(outbox.id(), id(9));
    assert_eq!(texts(&mut outbox, 1), ["since", "and since"]);
    assert_eq!(outbox.sent(), 0);
    assert!(dir.path().join("outbox.old-1").is_dir(), "the old one is kept aside");
    append(&mut outbox, &["later"]);
    drop(outbox);
    assert_eq!(texts(&mut open(&box_dir), 1), ["since", "and since", "later"]);
}

#[test]
fn what_was_sent_beside_a_clone_that_still_runs_is_carried_over() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(&dir.path().join("outbox"));
    append(&mut outbox, &["before"]);
    outbox.acknowledge(1).expect("is noted");
    append(&mut outbox, &["two", "three"]);
    outbox.read_to_send(2, 1 << 16, 100).expect("reads");
    // The clone takes the link over, and what the log has under these numbers and two more is the clone's.
    append(&mut outbox, &["not sent"]);
    outbox.renew(id(9), 5).expect("renews");
    assert_eq!(texts(&mut outbox, 1), ["two", "three", "not sent"]);
}

#[test]
fn an_agent_that_was_restarted_beside_a_clone_knows_what_was_acknowledged() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let at = dir.path().join("outbox");
    let mut outbox = open(&at);
    append(&mut outbox, &["one", "two", "three"]);
    outbox.read_to_send(1, 1 << 16, 100).expect("reads");
    outbox.acknowledge(1).expect("is noted");
    outbox.acknowledge(2).expect("is noted");
    drop(outbox);
    let mut outbox = open(&at);
    assert_eq!(outbox.first(), 1, "the segment is still here");
    append(&mut outbox, &["four"]);
    outbox.read_to_send(3, 1 << 16, 100).expect("reads");
    // What the log has above the third is the clone's.
    outbox.renew(id(9), 7).expect("renews");
    assert_eq!(texts(&mut outbox, 1), ["three", "four"]);
    // The new one has numbers of its own, and a file of its own.
    drop(outbox);
    let mut outbox = open(&at);
    outbox.renew(id(10), 0).expect("renews");
    assert_eq!(texts(&mut outbox, 1), ["three", "four"]);
}

#[test]
fn an_acknowledgement_that_was_not_kept_whole_or_is_of_another_outbox_says_nothing() {
    for spoil in ["cut", "flipped", "another", "gone", "beyond", ""] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let at = dir.path().join("outbox");
        let mut outbox = open(&at);
        append(&mut outbox, &["one", "two"]);
        outbox.acknowledge(2).expect("is noted");
        drop(outbox);
        let path = at.join("acked");
        let mut bytes = std::fs::read(&path).expect("reads");
        match spoil {
            "cut" => bytes.truncate(20),
            "flipped" => bytes[24] ^= 3,
            "another" => {
                let other = dir.path().join("other");
                let mut outbox = Outbox::open(&other, id(7), BIG).expect("opens");
                append(&mut outbox, &["one"]);
                outbox.acknowledge(1).expect("is noted");
                bytes = std::fs::read(other.join("acked")).expect("reads");
            }
            "gone" => bytes.clear(),
            "beyond" => {
                bytes = crate::records::Header { magic: *b"LABACKD1", id: 1, base: 4 }.encode().to_vec()
            }
            _ => {}
        }
        std::fs::write(&path, &bytes).expect("writes");
        let mut outbox = open(&at);
        append(&mut outbox, &["three", "four"]);
        drop(outbox);
        let mut outbox = open(&at);
        outbox.renew(id(9), 0).expect("renews");
        let known = matches!(spoil, "beyond" | "");
        let expected: &[&str] = if known { &["three", "four"] } else { &["one", "two", "three", "four"] };
        assert_eq!(texts(&mut outbox, 1), expected, "{spoil}");
    }
}

#[test]
fn a_master_with_a_new_log_gets_everything_that_no_master_acknowledged() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(&dir.path().join("outbox"));
    append(&mut outbox, &["acknowledged", "a return", "another"]);
    outbox.acknowledge(1).expect("is noted");
    drop(outbox);
    // The machine restarts; the new log has nothing.
    let mut outbox = open(&dir.path().join("outbox"));
    append(&mut outbox, &["interrupted"]);
    outbox.renew(id(9), 0).expect("renews");
    assert_eq!(texts(&mut outbox, 1), ["a return", "another", "interrupted"]);
    outbox.acknowledge(2).expect("is noted");
    outbox.renew(id(10), 0).expect("renews");
    assert_eq!(texts(&mut outbox, 1), ["interrupted"]);
}

#[test]
fn an_outbox_remembers_how_far_it_may_have_been_sent() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    append(&mut outbox, &["one", "two"]);
    assert_eq!(outbox.sent(), 0);
    outbox.read(1, 1 << 16, 100).expect("reads");
    assert_eq!(outbox.sent(), 0, "looking at events does not send them");
    outbox.read_to_send(1, 1, 1).expect("reads");
    assert_eq!(outbox.sent(), 1);
    drop(outbox);
    let mut outbox = open(dir.path());
    assert_eq!(outbox.sent(), 2, "what was there may have been sent");
    append(&mut outbox, &["three"]);
    drop(outbox);
    assert_eq!(open(dir.path()).sent(), 2, "nothing was sent since");
}

#[test]
fn an_outbox_that_cannot_be_begun_anew_goes_on_as_it_is() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(&dir.path().join("outbox"));
    append(&mut outbox, &["one"]);
    std::fs::write(dir.path().join("outbox.new"), "in the way").expect("writes");
    let error = outbox.renew(id(9), 0).expect_err("its place is taken");
    assert!(!error.is_fatal(), "{error}");
    assert_eq!((outbox.id(), append(&mut outbox, &["two"])), (id(1), 2));
    assert_eq!(texts(&mut outbox, 1), ["one", "two"]);
    std::fs::remove_file(dir.path().join("outbox.new")).expect("removes");
    // An event that cannot be read keeps the old one, too.
    let path = outbox.segments[0].path.clone();
    let whole = std::fs::read(&path).expect("reads");
    let mut rotten = whole.clone();
    let last = rotten.len() - 1;
    rotten[last] ^= 1;
    std::fs::write(&path, &rotten).expect("writes");
    outbox.reader = None;
    assert!(outbox.renew(id(9), 0).expect_err("is damaged").is_damage());
    std::fs::write(&path, &whole).expect("writes");
    outbox.renew(id(9), 0).expect("renews");
    assert_eq!(texts(&mut outbox, 1), ["one", "two"]);
}

#[test]
fn a_crash_during_a_renewal_leaves_one_outbox_whole() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let rename = |from: &str, to: &str| std::fs::rename(at(from), at(to)).expect("renames");
    let mut outbox = open(&at("outbox"));
    append(&mut outbox, &["one", "two"]);
    outbox.renew(id(9), 0).expect("renews");
    drop(outbox);
    // Both are complete, the old one has left its place.
    rename("outbox", "outbox.new");
    let mut outbox = open(&at("outbox"));
    assert_eq!((outbox.id(), texts(&mut outbox, 1)), (id(9), vec!["one".to_owned(), "two".to_owned()]));
    drop(outbox);
    assert!(!at("outbox.new").exists());
    // The new one is being built, the old one is in its place.
    rename("outbox", "outbox.new");
    rename("outbox.old-1", "outbox");
    let newest = std::fs::read_dir(at("outbox.new")).expect("lists").flatten().map(|e| e.path());
    let newest = newest.filter(|p| p.extension().is_some()).max().expect("a segment");
    OpenOptions::new().write(true).open(newest).and_then(|f| f.set_len(50)).expect("cuts");
    let mut outbox = open(&at("outbox"));
    assert_eq!((outbox.id(), texts(&mut outbox, 1)), (id(1), vec!["one".to_owned(), "two".to_owned()]));
    assert!(!at("outbox.new").exists(), "half an outbox is not kept");
    drop(outbox);
    // What `--accept-loss` moves away is not followed by what an older renewal left.
    drop(Outbox::open(&at("outbox.new"), id(8), BIG).expect("opens"));
    set_aside(&at("outbox")).expect("is moved");
    assert_eq!(Outbox::open(&at("outbox"), id(3), BIG).expect("opens").id(), id(3));
}

#[test]
fn what_could_not_be_read_once_is_read_when_it_can_be() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    append(&mut outbox, &["one", "two"]);
    let path = outbox.segments[0].path.clone();
    let whole = std::fs::read(&path).expect("reads");
    let mut rotten = whole.clone();
    rotten[whole.len() - 1] ^= 1;
    std::fs::write(&path, rotten).expect("writes");
    assert_eq!(outbox.read(1, 1, 1).expect("the first is whole").len(), 1);
    outbox.read(2, 1, 1).expect_err("the second is damaged");
    std::fs::write(&path, whole).expect("writes");
    assert_eq!(texts(&mut outbox, 2), ["two"]);
}

#[test]
fn nothing_is_stored_where_the_next_start_would_see_a_hole() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    while outbox.tail.bytes() < SHRINK_BYTES {
        append(&mut outbox, &[&"x".repeat(30_000)]);
    }
    let head = outbox.head();
    // A next segment whose making failed once its name was there; a directory is what can stand for it.
    let next = segment::path(dir.path(), head + 1);
    std::fs::create_dir(&next).expect("makes");
    outbox.acknowledge(head).expect_err("the next segment cannot be made");
    let error = outbox.append(&[&draft("x")]).expect_err("this one takes nothing any more");
    assert!(error.is_fatal(), "{error}");
    std::fs::remove_dir(&next).expect("removes");
    drop(outbox);
    assert_eq!(append(&mut open(dir.path()), &["after"]), head + 1);
}

#[test]
fn the_limit_holds_new_events_back_and_keeps_the_old() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = Outbox::open(dir.path(), id(1), 300).expect("opens");
    append(&mut outbox, &["one"]);
    let large = draft(&"x".repeat(300));
    let error = outbox.append(&[&large]).expect_err("is over the limit");
    assert!(error.is_temporary(), "{error}");
    assert_eq!(append(&mut outbox, &["two"]), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However deep an event is: it is refused, or it is there after a restart.
    #[test]
    fn what_is_taken_reads_back(levels in 1u8..140, kinds in proptest::collection::vec(any::<bool>(), 1..6)) {
        let data = (1..levels).zip(kinds.iter().cycle()).fold(Value::Null, |v, (_, map)| {
            if *map { Value::from([("k", v)]) } else { Value::List(vec![v]) }
        });
        let draft = Draft { data: data.clone(), ..draft("") };
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut outbox = open(dir.path());
        append(&mut outbox, &["before"]);
        let stored = outbox.append(&[&draft]);
        prop_assert_eq!(stored.is_ok(), levels <= lab_proto::value::MAX_DEPTH);
        prop_assert_eq!(draft.check_size().is_ok(), stored.is_ok());
        drop(outbox);
        let mut outbox = open(dir.path());
        let kept: Vec<Value> = outbox.read(1, 1 << 16, 100).expect("reads").into_iter().map(|(e, _)| e.data).collect();
        let expected = if stored.is_ok() { vec![Value::from("before"), data] } else { vec![Value::from("before")] };
        prop_assert_eq!(kept, expected);
    }
}

#[test]
fn an_event_that_an_earlier_version_stored_too_deep_is_delivered_and_does_not_stop_the_agent() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut outbox = open(dir.path());
    append(&mut outbox, &["before"]);
    let null = Draft { data: Value::Null, ..draft("") }.encoded(2).expect("fits");
    let deep = [&null[..null.len() - 1], &[6u8, 1].repeat(129), &[0]].concat();
    let mut record = Vec::new();
    crate::records::encode(&mut record, 2, &deep);
    let path = outbox.segments[0].path.clone();
    drop(outbox);
    let mut bytes = std::fs::read(&path).expect("reads");
    bytes.extend(record);
    std::fs::write(&path, bytes).expect("writes");
    let mut outbox = open(dir.path());
    append(&mut outbox, &["after"]);
    let kept = outbox.read(1, 1 << 16, 100).expect("reads");
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().all(|(e, _)| codec::encode(e).is_ok()), "each can go over the link");
}

proptest! {
    /// Wherever a crash cuts the newest segment, whole events before the cut stay and the next number follows them.
    #[test]
    fn a_cut_at_any_byte_keeps_the_whole_events_before_it(count in 1usize..6, cut in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut outbox = open(dir.path());
        let mut ends = Vec::new();
        for i in 0..count {
            append(&mut outbox, &[&"e".repeat(i * 7)]);
            ends.push(outbox.tail.bytes());
        }
        let path = outbox.segments[0].path.clone();
        let size = outbox.tail.bytes();
        drop(outbox);
        let cut = crate::records::HEADER as u64 + cut.index((size - crate::records::HEADER as u64) as usize + 1) as u64;
        OpenOptions::new().write(true).open(&path).and_then(|f| f.set_len(cut)).expect("cuts");
        let mut outbox = open(dir.path());
        let whole = ends.iter().filter(|e| **e <= cut).count() as u64;
        prop_assert_eq!(outbox.head(), whole);
        prop_assert_eq!(append(&mut outbox, &["after"]), whole + 1);
        prop_assert_eq!(texts(&mut open(dir.path()), 1).len() as u64, whole + 1);
    }
}

/// The variable that turns this test binary into the child that is killed.
const CHILD: &str = "LAB_OUTBOX_CHILD";

#[test]
fn a_killed_writer_loses_nothing_that_it_was_told_is_stored() {
    if let Some(dir) = std::env::var_os(CHILD) {
        write_until_killed(Path::new(&dir));
    }
    for lines in [1usize, 17, 60] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "outbox::tests::a_killed_writer_loses_nothing_that_it_was_told_is_stored"])
            .args(["--nocapture", "--test-threads=1"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let output = BufReader::new(child.stdout.take().expect("is piped"));
        let told = output
            .lines()
            .map_while(Result::ok)
            .filter_map(|l| l.strip_prefix("stored ")?.parse::<u64>().ok());
        let last = told.take(lines).last().expect("the child stores something");
        child.kill().expect("is killed");
        child.wait().expect("ends");
        let mut outbox = open(dir.path());
        assert!(outbox.head() >= last, "event {last} was promised, the outbox ends at {}", outbox.head());
        assert_eq!(texts(&mut outbox, 1).len() as u64, outbox.head());
    }
}

fn write_until_killed(dir: &Path) -> ! {
    let mut outbox = open(dir);
    let text = "x".repeat(30_000);
    loop {
        let last = append(&mut outbox, &[&text, "small", &text]);
        println!("stored {last}");
    }
}

/// Needs a file system of its own that is really full: a small tmpfs in a mount namespace of this thread.
#[test]
fn a_full_disk_is_a_typed_error_and_what_was_stored_stays_whole() {
    if !nix::unistd::geteuid().is_root() {
        let again = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount"])
            .arg(std::env::current_exe().expect("this binary"))
            .args(["--exact", "outbox::tests::a_full_disk_is_a_typed_error_and_what_was_stored_stays_whole"])
            .status()
            .expect("unshare is part of util-linux");
        assert!(again.success());
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().to_owned();
    std::thread::spawn(move || fill(&path)).join().expect("the thread's assertions hold");
}

fn fill(dir: &Path) {
    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_FS).expect("a mount namespace of its own");
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .expect("private");
    mount(Some("tmpfs"), dir, Some("tmpfs"), MsFlags::empty(), Some("size=256k")).expect("a small disk");
    let mut outbox = open(&dir.join("outbox"));
    let text = "x".repeat(20_000);
    let mut stored = 0;
    let error = loop {
        match outbox.append(&[&draft(&text)]) {
            Ok(counter) => stored = counter,
            Err(e) => break e,
        }
        assert!(stored < 100, "a disk of 256 KiB takes fewer");
    };
    assert!(matches!(error, OutboxError::Full { .. }), "{error}");
    assert!(stored > 3);
    assert_eq!(texts(&mut outbox, 1).len() as u64, stored);
    // Space comes back, and the numbers go on as if nothing had happened.
    mount(None::<&str>, dir, None::<&str>, MsFlags::MS_REMOUNT, Some("size=1m")).expect("a larger disk");
    assert_eq!(append(&mut outbox, &["after"]), stored + 1);
    drop(outbox);
    assert_eq!(open(&dir.join("outbox")).head(), stored + 1);
    nix::mount::umount(dir).expect("is given back");
}
