//! Events per second from ten real minions in the full sense: durable in the minion's outbox, acknowledged by the master, and
//! seen by a tail, once and in order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Bench;
use super::agents::{self, Agent, Feeder, Flow, Pace};
use super::echo::BoxError;
use super::master::Master;
use super::measure::{Cost, cost};
use super::ping::OPEN_DOORS;
use super::report::Aim;
use super::tail::Tail;

const SECTION: &str = "events";
const MINIONS: usize = 10;
/// Tag and data of an event, in bytes.
const SIZE: usize = 150;
const AIM: f64 = 50_000.0;
/// How far all minions together may be ahead of the tail: what is counted is a steady state, not a backlog that grows.
const AHEAD: u64 = 40_000;
/// An outbox that holds nothing but its header and less than what would be given back.
const DRAINED: u64 = 64 << 10;

/// Measures the rate.
///
/// # Errors
/// When a part does not work, or an event is missing or out of order.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let length = Duration::from_secs(if bench.quick { 4 } else { bench.seconds });
    let master = Master::start(&bench.programs.master, &OPEN_DOORS)?;
    let dir = tempfile::Builder::new().prefix("lab-bench-agents-").tempdir()?;
    let ids: Vec<String> = (0..MINIONS).map(|n| format!("m{n}")).collect();
    let minions = agents::start_all(&bench.programs.minion, dir.path(), &ids, &master)?;
    let flow = Arc::new(Flow::default());
    let tail = Tail::start(&master, "head", Some(flow.clone()))?;
    std::thread::sleep(Duration::from_millis(500));
    let snap = || -> Result<Snapshot, BoxError> {
        let pids: Vec<u32> = minions.iter().map(Agent::pid).collect();
        Ok(Snapshot {
            at: Instant::now(),
            seen: flow.seen.load(Ordering::Relaxed),
            master: cost(master.pid())?,
            minions: pids.iter().map(|p| cost(*p)).sum::<std::io::Result<Cost>>()?,
            tail: cost(tail.pid())?,
            own: cost(std::process::id())?,
            status: master.status()?,
        })
    };
    let mut feeders = Vec::new();
    for minion in &minions {
        feeders.push(Feeder::start(minion, SIZE, Pace::Ahead(AHEAD), &flow)?);
    }
    // Not the first second: connections and caches warm up.
    std::thread::sleep(Duration::from_secs(1));
    let begin = snap()?;
    std::thread::sleep(length);
    let end = snap()?;
    let outbox_batch = strace_batch(&minions[0], &flow);
    flow.stop.store(true, Ordering::Relaxed);
    for feeder in feeders {
        feeder.finish()?;
    }
    drain(&flow, &minions)?;
    tail.finish()?;
    record(bench, &begin, &end, outbox_batch, length);
    Ok(())
}

struct Snapshot {
    at: Instant,
    seen: u64,
    master: Cost,
    minions: Cost,
    tail: Cost,
    own: Cost,
    status: serde_json::Value,
}

fn record(bench: &mut Bench, begin: &Snapshot, end: &Snapshot, outbox: Option<f64>, length: Duration) {
    let events = (end.seen - begin.seen) as f64;
    let seconds = end.at.duration_since(begin.at).as_secs_f64();
    let each = |pick: fn(&Snapshot) -> Cost| {
        pick(end).cpu.saturating_sub(pick(begin).cpu).as_secs_f64() * 1e6 / events.max(1.0)
    };
    let counted = |key: &str| {
        end.status[key].as_f64().unwrap_or_default() - begin.status[key].as_f64().unwrap_or_default()
    };
    let (flushes, flushed) = (counted("flushes"), counted("events_flushed"));
    let cpu = [each(|s| s.minions), each(|s| s.master), each(|s| s.tail), each(|s| s.own)];
    let mut notes = vec![
        format!("over {} s", length.as_secs()),
        format!(
            "CPU µs per event: minions {:.1}, master {:.1}, tail {:.1}, load and check {:.1}",
            cpu[0], cpu[1], cpu[2], cpu[3]
        ),
        format!("master {:.0} flushes/s, {:.0} events each", flushes / seconds, flushed / flushes.max(1.0)),
    ];
    if let Some(batch) = outbox {
        notes.push(format!("minion {batch:.0} events per sync (one of them, under strace)"));
    }
    let rate = (events / seconds, "/s");
    bench.report.add(
        SECTION,
        "outbox, acknowledged and seen, 10 minions",
        rate,
        Some(Aim::AtLeast(AIM)),
        notes,
    );
    let cores = cpu.iter().sum::<f64>() * events / seconds / 1e6;
    bench.report.add(
        SECTION,
        "processors used by all parts together",
        (cores, "CPUs"),
        None,
        vec![format!("{:.0} events per CPU second", events / seconds / cores)],
    );
}

/// Waits until the tail saw all that was sent and the outboxes are empty.
fn drain(flow: &Flow, minions: &[Agent]) -> Result<(), BoxError> {
    let start = Instant::now();
    loop {
        let (sent, stored, seen) = (
            flow.sent.load(Ordering::Relaxed),
            flow.stored.load(Ordering::Relaxed),
            flow.seen.load(Ordering::Relaxed),
        );
        let mut waiting = 0;
        for minion in minions {
            waiting = minion.outbox_bytes()?.max(waiting);
        }
        if sent == stored && sent == seen && waiting <= DRAINED {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(60) {
            return Err(
                format!("sent {sent}, stored {stored}, seen {seen}, {waiting} bytes in an outbox").into()
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Counts the syncs of one minion for two seconds, where there is strace; it slows that minion down.
fn strace_batch(minion: &Agent, flow: &Flow) -> Option<f64> {
    let before = flow.stored.load(Ordering::Relaxed);
    let pid = minion.pid().to_string();
    let args = ["-s", "INT", "2", "strace", "-f", "-c", "-e", "trace=fdatasync,fsync", "-p", &pid];
    let out = std::process::Command::new("timeout").args(args).output().ok()?;
    let events = (flow.stored.load(Ordering::Relaxed) - before) as f64 / MINIONS as f64;
    let text = String::from_utf8_lossy(&out.stderr);
    let syncs: f64 = text
        .lines()
        .filter(|l| l.ends_with("sync"))
        .filter_map(|l| l.split_whitespace().nth(3)?.parse::<f64>().ok())
        .sum();
    (syncs > 0.0).then(|| events / syncs)
}
