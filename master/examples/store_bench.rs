//! Measures the durable store alone: `cargo run --release -p lab-master --example store_bench [EVENTS]`.
//!
//! Prints events per second that are durable on disk for several batch sizes, then how fast a log of EVENTS
//! (1,000,000 as a rule) is written, read from its start, opened again and trimmed, and the memory it takes.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use lab_master::store::sled_log::{OpenOptions, SledStore};
use lab_master::store::{EventStore, RetentionPolicy};
use lab_proto::event::{Boot, MinionOrigin};
use lab_proto::{
    BootId, EventTag, Fingerprint, LogId, MinionId, NewEvent, Origin, OutboxId, Position, Timestamp, Value,
};

fn main() -> Result<(), Box<dyn Error>> {
    let total: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    // Not in the temporary directory, which may be in memory: an fsync there costs nothing.
    let dir = tempfile::tempdir_in(".")?;
    println!("batch size   events/s durable   ms per batch");
    for size in [1, 10, 100, 300, 1000] {
        let store = open(&dir.path().join(format!("batches-{size}")))?;
        let begin = Instant::now();
        let mut batches = 0u32;
        while begin.elapsed() < Duration::from_secs(2) {
            store.append(batch(u64::from(batches) * size, size), &[mark(u64::from(batches))], now())?;
            batches += 1;
        }
        let each = begin.elapsed().as_secs_f64() / f64::from(batches);
        println!("{size:>10} {:>18.0} {:>14.2}", size as f64 / each, each * 1e3);
    }
    whole_log(&dir.path().join("log"), total)
}

fn whole_log(root: &Path, total: u64) -> Result<(), Box<dyn Error>> {
    let store = open(root)?;
    let begin = Clock::now();
    for at in (0..total).step_by(300) {
        store.append(batch(at, 300.min(total - at)), &[mark(at)], now())?;
    }
    begin.report("written in batches of 300", total);
    let begin = Clock::now();
    read_all(&store, total)?;
    begin.report("read from the start", total);
    println!("memory {}", memory()?);
    let begin = Instant::now();
    store.close()?;
    drop(store);
    println!("closed in {:.2?}", begin.elapsed());
    let begin = Instant::now();
    let store = open(root)?;
    println!("opened again, every segment checked, in {:.2?}", begin.elapsed());
    let begin = Clock::now();
    read_all(&store, total)?;
    begin.report("read again", total);
    println!("memory {}", memory()?);
    let before = store.retain(&RetentionPolicy::default(), None, now())?.bytes_left;
    let begin = Instant::now();
    let policy = RetentionPolicy { max_age: None, max_bytes: Some(before / 4) };
    let trimmed = store.retain(&policy, None, now())?;
    println!(
        "trimmed {} events in {:.2?}: {} MiB on disk before, {} MiB after",
        trimmed.events,
        begin.elapsed(),
        before >> 20,
        trimmed.bytes_left >> 20
    );
    Ok(())
}

fn open(root: &Path) -> Result<SledStore, Box<dyn Error>> {
    Ok(SledStore::open(root, OpenOptions::new(LogId::from_u128(1)))?)
}

fn read_all(store: &SledStore, total: u64) -> Result<(), Box<dyn Error>> {
    let mut after = Position { log_id: store.log_id(), seq: 0 };
    while after.seq < total {
        let events = store.read(after, 1000)?;
        after = events.last().ok_or("the log ends early")?.position;
    }
    Ok(())
}

/// A point in wall time and in the processor time of this process.
struct Clock {
    wall: Instant,
    cpu: Duration,
}

impl Clock {
    fn now() -> Self {
        Self { wall: Instant::now(), cpu: cpu_time() }
    }

    fn report(&self, what: &str, events: u64) {
        let (wall, cpu) = (self.wall.elapsed(), cpu_time().saturating_sub(self.cpu));
        let rate = events as f64 / wall.as_secs_f64();
        println!("{events} events {what} in {wall:.2?} ({cpu:.2?} of processor time): {rate:.0} events/s");
    }
}

/// User and system time of all threads, in the kernel's ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Events as a minion sends them, about 150 bytes of tag and data each.
fn batch(from: u64, size: u64) -> Vec<NewEvent> {
    let event = |counter: u64| NewEvent {
        tag: EventTag::new("salt/beacon/kvm-17.lab.example/load/average").expect("valid"),
        origin: Origin::Minion(MinionOrigin {
            id: MinionId::new("kvm-17.lab.example").expect("valid"),
            key: Fingerprint::from_bytes([7; 32]),
            outbox_id: OutboxId::from_u128(7),
            counter,
            boot: Boot { id: BootId::from_u128(3), number: 1 },
            seen: None,
            at: now(),
        }),
        data: Value::from([("text", Value::from("x".repeat(90))), ("n", Value::from(counter))]),
    };
    (from..from + size).map(event).collect()
}

fn mark(counter: u64) -> (OutboxId, u64) {
    (OutboxId::from_u128(7), counter)
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn memory() -> Result<String, Box<dyn Error>> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let pss = rollup.lines().find(|line| line.starts_with("Pss:")).unwrap_or("Pss: unknown");
    Ok(pss.split_whitespace().collect::<Vec<_>>().join(" "))
}
