//! Large files from the state tree to a minion's cache: several jobs, kill -9, and bytes that rot on either side. Real binaries
//! on the loopback.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

mod e2e;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use e2e::minion::Minion;
use e2e::{answers, eventually, kubic, lab_ends_without_a_trace};
use lab_proto::Digest;
use lab_tests::alone::Alone;
use lab_tests::kubic::{EventExt, KubicLab, LIMIT, WORKER, binaries};
use lab_tests::nshost::{Output, Signal};

/// A file of many parts.
fn contents() -> Vec<u8> {
    (0u32..).flat_map(u32::to_le_bytes).take(24 << 20).collect()
}

/// A master with a large file, and a minion.
fn lab() -> (Alone, Minion, Vec<u8>) {
    let master = Alone::start("", &[]).unwrap();
    let contents = contents();
    fs::write(master.path("states/big"), &contents).unwrap();
    let minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    (master, minion, contents)
}

fn cache_file(master: &Alone) -> Output {
    master.cli(&["--json", "run", "web1", "cp.cache_file", "salt://big"]).unwrap()
}

/// Where a minion keeps a file, and where it lies while it comes.
fn places(minion: &Minion, contents: &[u8]) -> (PathBuf, PathBuf) {
    let digest = Digest::of(contents);
    (minion.path(&format!("data/cache/{digest}")), minion.path(&format!("data/cache/{digest}.part")))
}

/// Where the master keeps it.
fn blob(master: &Alone, contents: &[u8]) -> PathBuf {
    let digest = Digest::of(contents).to_string();
    master.path("data/blobs").join(&digest[..2]).join(&digest[2..])
}

/// Forgets how much memory a process has held until now.
fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

/// How many bytes a process has written to files.
fn bytes_written(pid: u32) -> usize {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

/// The most memory that a process has held, in KiB.
fn peak(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_file_is_held_in_memory_on_neither_side() {
    let (master, minion, contents) = lab();
    master.run(&["run", "web1", "cp.list_master"]).unwrap();
    let pids = [master.pid(), minion.pid()];
    pids.into_iter().for_each(forget_peak);
    let before = pids.map(peak);

    let said = cache_file(&master);

    assert!(fs::read(places(&minion, &contents).0).unwrap() == contents, "{said:?}");
    for (who, (pid, before)) in ["master", "minion"].into_iter().zip(pids.into_iter().zip(before)) {
        let more = peak(pid) - before;
        assert!(more < contents.len() / 1024 / 2, "the {who} held {more} KiB more");
    }
}

#[test]
fn jobs_that_want_one_file_at_a_time_all_get_it_whole() {
    let (master, minion, contents) = lab();
    let (place, part) = places(&minion, &contents);
    master.run(&["run", "web1", "cp.list_master"]).unwrap();
    let before = bytes_written(minion.pid());
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..4).map(|_| scope.spawn(|| cache_file(&master))).collect();
        for job in jobs {
            let said = job.join().unwrap();
            assert!(said.stdout.contains(&*place.to_string_lossy()), "{said:?}\n{}", minion.log());
        }
    });
    assert!(fs::read(&place).unwrap() == contents && !part.exists());
    let written = bytes_written(minion.pid()) - before;
    assert!(
        (contents.len()..contents.len() * 3 / 2).contains(&written),
        "the minion wrote {written} bytes to keep {} once",
        contents.len()
    );
}

#[test]
fn a_fetch_takes_what_an_earlier_one_left_and_asks_for_the_rest_alone() {
    let (master, minion, contents) = lab();
    let (place, part) = places(&minion, &contents);
    master.run(&["run", "web1", "cp.list_master"]).unwrap();
    let half = contents.len() / 2;
    fs::write(&part, &contents[..half]).unwrap();
    // Whoever begins anew gets this.
    let mut rotten = contents.clone();
    rotten[..half].fill(0);
    fs::write(blob(&master, &contents), rotten).unwrap();

    let said = cache_file(&master);

    assert!(said.stdout.contains(&*place.to_string_lossy()), "{said:?}");
    assert!(fs::read(&place).unwrap() == contents && !part.exists());
}

#[test]
fn a_fetch_outlives_a_kill_and_begins_anew_where_what_was_left_has_rotted() {
    let (master, mut minion, contents) = lab();
    let (place, part) = places(&minion, &contents);
    master.run(&["run", "web1", "cp.cache_file", "salt://big", "--detach"]).unwrap();
    eventually("some of it is here", || part.metadata().is_ok_and(|m| m.len() > 0) || place.exists());
    minion.kill();
    minion.serve();
    eventually("the file", || cache_file(&master).stdout.contains(&*place.to_string_lossy()));
    assert!(fs::read(&place).unwrap() == contents && !part.exists());

    // What a killed fetch leaves, and a disk that does not keep it.
    fs::remove_file(&place).unwrap();
    fs::write(&part, vec![0; contents.len() / 2]).unwrap();
    let said = cache_file(&master);
    assert!(said.stdout.contains(&*place.to_string_lossy()), "{said:?}");
    assert!(fs::read(&place).unwrap() == contents && !part.exists());
    assert!(minion.log().contains("what an earlier attempt left of it is damaged"), "{}", minion.log());
}

#[test]
fn what_rots_on_the_master_gets_no_name_and_is_told() {
    let (master, minion, contents) = lab();
    let (place, part) = places(&minion, &contents);
    master.run(&["run", "web1", "cp.list_master"]).unwrap();
    let digest = Digest::of(&contents).to_string();
    let mut rotten = contents.clone();
    rotten[7_000_000] ^= 1;
    fs::write(blob(&master, &contents), &rotten).unwrap();

    let said = cache_file(&master);

    assert!(said.stdout.contains("the master's own copy is damaged; its log names the file"), "{said:?}");
    assert!(!place.exists() && !part.exists(), "what does not fit has no name");
    let log = master.log();
    assert!(log.contains("a blob is damaged") && log.contains(&digest[2..]), "{log}");
}

#[test]
fn who_waits_for_a_large_tree_hears_of_it_and_so_does_the_next_one() {
    let master = Alone::start("", &[]).unwrap();
    fs::write(master.path("states/x.sls"), "x:\n  test.nop: []\n").unwrap();
    // Takes far longer to read than anybody here waits, and no room.
    fs::File::create(master.path("states/big")).and_then(|f| f.set_len(256 << 30)).unwrap();
    let hears = |more: &[&str]| {
        let mut command = Command::new(binaries().unwrap().join("lab-master"));
        command.args(["--master", &master.address().to_string()]).arg("--identity").arg(master.operator());
        command.args(["orchestrate", "x"]).args(more).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let first = said.lines().next().unwrap().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        first
    };
    for more in [&[][..], &["--detach"], &["--show"]] {
        let first = hears(more);
        assert!(first.starts_with("lab-master: the state tree is read"), "{more:?}: {first}");
        assert!(
            first.ends_with(" MiB of 2 files so far") || first.ends_with(" MiB of 1 files so far"),
            "{first}"
        );
    }
}

/// How many packets the master's card gave to a switch that did not take them.
fn vanished(lab: &KubicLab) -> u64 {
    let shown = lab.lab().master().run(["ip", "-s", "-j", "link", "show", "dev", "eth0"]).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    shown[0]["stats64"]["tx"]["dropped"].as_u64().unwrap_or_else(|| panic!("no counter in {shown}"))
}

#[test]
fn a_file_comes_whole_where_the_switch_carries_less_than_the_cards_at_both_its_ends_and_over_a_slow_link() {
    const KBIT: u32 = 20_000;
    let lab = kubic().start().unwrap();
    let host = lab.host(&WORKER);
    let jumbo = ["ip", "link", "set", "dev", "eth0", "mtu", "9000"];
    lab.lab().master().run(jumbo).unwrap();
    host.run(jumbo).unwrap();
    let (position, before) = (lab.tail().head(), vanished(&lab));
    // The next link is made over cards that take jumbo frames.
    host.kill_service("lab-minion", Signal::SIGKILL).unwrap();
    let connected = format!("lab/minion/{}/connected", WORKER.id);
    lab.tail().wait_after(position, "the worker with its new card", LIMIT, |e| e.is(&connected)).unwrap();

    for (name, bytes, kbit) in [("fast", 24 << 20, None), ("slow", 4 << 20, Some(KBIT))] {
        host.slow_link(kbit).unwrap();
        let contents = &contents()[..bytes];
        fs::write(lab.dir().join("states").join(name), contents).unwrap();
        let file = format!("salt://{name}");
        let said = lab.cli(&["--json", "run", WORKER.id, "cp.cache_file", &file]).unwrap();
        let row: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let place = row["data"]["return"].as_str().unwrap_or_else(|| panic!("{said:?}"));
        let sum = host.run(["sha256sum", place]).unwrap();
        assert!(sum.starts_with(&Digest::of(contents).to_string()), "{sum}");
    }
    assert!(vanished(&lab) > before, "larger packets were tried");
    lab_ends_without_a_trace(lab);
}
