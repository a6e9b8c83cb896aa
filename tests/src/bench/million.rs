//! A log with a million events: memory, a tail from the start while new events come, a reader that was stopped, retention.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Bench;
use super::agents::{self, Agent, Feeder, Flow, Pace};
use super::echo::BoxError;
use super::master::Master;
use super::measure::cost;
use super::ping::OPEN_DOORS;
use super::report::Aim;
use super::tail::Tail;

const SECTION: &str = "million";
const FILLERS: usize = 4;
/// New events while it is read.
const NEW_PER_SECOND: u32 = 1_000;
const MASTER_MB: f64 = 100.0;
/// What retention leaves.
const KEEP_MIB: u64 = 64;
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures all of it.
///
/// # Errors
/// When a part does not work, or an event is missing, repeated or out of order.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let events: u64 = if bench.quick { 200_000 } else { 1_000_000 };
    let mut master = Master::start(&bench.programs.master, &OPEN_DOORS)?;
    let dir = tempfile::Builder::new().prefix("lab-bench-agents-").tempdir()?;
    let ids: Vec<String> = (0..FILLERS).map(|n| format!("m{n}")).collect();
    let minions = agents::start_all(&bench.programs.minion, dir.path(), &ids, &master)?;
    fill(&master, &minions, events)?;
    let mut peak = Peak::default();
    peak.look(&master)?;
    megabytes(bench, format!("master after {events} events"), peak.0, Vec::new());
    read_under_load(bench, &master, &minions[0], &mut peak)?;
    let notes = vec!["highest seen while tails read all of it".to_owned()];
    megabytes(bench, format!("master, {events} events, readers"), peak.0, notes);
    drop(minions);
    retention(bench, &mut master)
}

/// The highest PSS seen, in KiB.
#[derive(Default)]
struct Peak(u64);

impl Peak {
    fn look(&mut self, master: &Master) -> std::io::Result<()> {
        self.0 = self.0.max(cost(master.pid())?.pss_kib);
        Ok(())
    }
}

fn megabytes(bench: &mut Bench, what: String, pss_kib: u64, notes: Vec<String>) {
    let value = (pss_kib as f64 * 1024.0 / 1e6, "MB PSS");
    bench.report.add("memory", what, value, Some(Aim::AtMost(MASTER_MB)), notes);
}

fn fill(master: &Master, minions: &[Agent], events: u64) -> Result<(), BoxError> {
    let flow = Arc::new(Flow::default());
    let tail = Tail::start(master, "head", Some(flow.clone()))?;
    std::thread::sleep(Duration::from_millis(500));
    let feeders: Vec<Feeder> = minions
        .iter()
        .map(|m| Feeder::start(m, 150, Pace::Ahead(20_000), &flow))
        .collect::<Result<_, _>>()?;
    let start = Instant::now();
    while flow.seen.load(Ordering::Relaxed) < events {
        if start.elapsed() > PATIENCE {
            return Err(
                format!("only {} events within {PATIENCE:?}", flow.seen.load(Ordering::Relaxed)).into()
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    flow.stop.store(true, Ordering::Relaxed);
    feeders.into_iter().try_for_each(Feeder::finish)?;
    while flow.seen.load(Ordering::Relaxed) < flow.sent.load(Ordering::Relaxed) {
        if start.elapsed() > PATIENCE {
            return Err("the tail did not see all events".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    tail.finish()
}

/// Reads everything from the start while new events come; one more reader is stopped for a while, one follows the head.
fn read_under_load(
    bench: &mut Bench,
    master: &Master,
    minion: &Agent,
    peak: &mut Peak,
) -> Result<(), BoxError> {
    let stopped_for = Duration::from_secs(if bench.quick { 5 } else { 60 });
    let flow = Arc::new(Flow::default());
    let before = head(master)?;
    let live = Tail::start(master, "head", Some(flow.clone()))?;
    let mut stopped = Tail::start(master, "head", None)?;
    std::thread::sleep(Duration::from_millis(500));
    let feeder = Feeder::start(minion, 150, Pace::PerSecond(NEW_PER_SECOND), &flow)?;
    std::thread::sleep(Duration::from_secs(1));
    let calm = worst_lag(&flow, master, peak, Duration::from_secs(5))?;
    let pid = Pid::from_raw(i32::try_from(stopped.pid())?);
    kill(pid, Signal::SIGSTOP)?;
    let with_stopped = worst_lag(&flow, master, peak, stopped_for)?;
    kill(pid, Signal::SIGCONT)?;
    let head = head(master)?;
    let resumed = Instant::now();
    stopped.wait_for(head, PATIENCE)?;
    let caught_up = resumed.elapsed();
    stopped.finish()?;
    let notes = vec![
        format!(
            "lost nothing of {} events, caught up in {:.2} s",
            head.saturating_sub(before),
            caught_up.as_secs_f64()
        ),
        format!("others at worst {with_stopped} events late, {calm} without it"),
    ];
    bench.report.add(SECTION, "reader stopped for", (stopped_for.as_secs_f64(), "s"), None, notes);

    let start = Instant::now();
    let mut all = Tail::start(master, "start", None)?;
    let at_start = self::head(master)?;
    while all.seen().seq.load(Ordering::Relaxed) < at_start {
        all.wait_for(all.seen().seq.load(Ordering::Relaxed) + 1, PATIENCE)?;
        peak.look(master)?;
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = start.elapsed().as_secs_f64();
    flow.stop.store(true, Ordering::Relaxed);
    feeder.finish()?;
    // What was stored last may still be on its way from the outbox.
    while flow.seen.load(Ordering::Relaxed) < flow.sent.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let end = self::head(master)?;
    all.wait_for(end, PATIENCE)?;
    let seen = all.seen().events.load(Ordering::Relaxed);
    all.finish()?;
    live.finish()?;
    if seen != end {
        return Err(format!("the tail from the start saw {seen} of {end} events").into());
    }
    let notes = vec![format!("{seen} events once and in order, {NEW_PER_SECOND} new ones/s meanwhile")];
    bench.report.add(SECTION, "tail from the start", (at_start as f64 / took, "/s"), None, notes);
    Ok(())
}

/// Watches how far the live tail is behind what was stored, in events.
fn worst_lag(flow: &Flow, master: &Master, peak: &mut Peak, length: Duration) -> Result<u64, BoxError> {
    let start = Instant::now();
    let mut worst = 0;
    while start.elapsed() < length {
        let stored = flow.stored.load(Ordering::Relaxed);
        worst = worst.max(stored.saturating_sub(flow.seen.load(Ordering::Relaxed)));
        std::thread::sleep(Duration::from_millis(5));
    }
    peak.look(master)?;
    Ok(worst)
}

fn head(master: &Master) -> Result<u64, BoxError> {
    master.status()?["head"].as_u64().ok_or_else(|| "the status has no head".into())
}

/// Lowers what is kept and looks at the disk and at what a reader below the floor is told.
fn retention(bench: &mut Bench, master: &mut Master) -> Result<(), BoxError> {
    // What the limit is about: the log. Keys and indexes are beside it.
    let log = master.data().join("store/segments");
    let before = du(&log)?;
    let keep = format!("events.keep_size=\"{KEEP_MIB}MiB\"");
    master.restart(&[OPEN_DOORS[0], &keep, "events.retention_every=\"1s\""])?;
    let start = Instant::now();
    while du(&log)? > KEEP_MIB << 20 && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(200));
    }
    let after = du(&log)? as f64 / f64::from(1u32 << 20);
    let told = master.command(&["events", "--since", "1", "--limit", "1"]).output()?;
    let told = String::from_utf8_lossy(&told.stderr);
    if !told.contains("no longer kept") {
        return Err(format!("a reader below the floor was told only {told:?}").into());
    }
    bench.report.add(
        SECTION,
        "log on disk after retention",
        (after, "MiB (du)"),
        Some(Aim::AtMost(KEEP_MIB as f64)),
        vec![format!("{} MiB before", before >> 20), "a reader below the floor is told".to_owned()],
    );
    Ok(())
}

fn du(path: &Path) -> Result<u64, BoxError> {
    let out = Command::new("du").arg("-sk").arg(path).output()?;
    let text = String::from_utf8_lossy(&out.stdout);
    let kib: u64 = text.split_whitespace().next().ok_or("du says nothing")?.parse()?;
    Ok(kib << 10)
}
