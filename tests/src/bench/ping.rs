//! How long a ping-all takes by the command line, from its start to its last row, against a bare echo asked by a bare program.

use std::process::Command;
use std::time::{Duration, Instant};

use super::Bench;
use super::agents;
use super::echo::BoxError;
use super::master::Master;
use super::measure::{Cost, cost, percentile};
use super::programs::Helper;
use super::report::Aim;

const SECTION: &str = "ping";
/// How many times as long as the bare echo it may take.
const AIM: f64 = 2.0;
/// What one more connected minion may cost the master.
const MEMORY_KIB: f64 = 64.0;
/// So many returns are in the log before the memory is looked at, whatever the size: what the log holds in memory grows with
/// its first events to its bound, and is not a minion's.
const LOG_EVENTS: usize = 12_000;
/// How long after the pings the memory is looked at.
const CALM: Duration = Duration::from_secs(6);
/// The doors stand wide open: what is measured is ping, and a swarm joins from one address.
pub const OPEN_DOORS: [&str; 4] = [
    "enrol.rate=100000",
    "enrol.rate_per_address=100000",
    "enrol.max_concurrent=512",
    "enrol.max_connections_per_address=2048",
];
/// Before each round: longer than the master puts an acknowledgement off and QUIC a close, so that no round pays for the
/// one before. A program that asks the echo waits for its connection's end by itself, the command line does not.
const BREATH: Duration = Duration::from_millis(1_500);
/// Endpoints in one process, at most.
const PER_PROCESS: usize = 5_000;

/// Measures each size.
///
/// # Errors
/// When a part does not work.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let sizes: &[usize] = if bench.quick { &[10, 100] } else { &[10, 100, 1_000, 10_000] };
    let mut before = None;
    for &size in sizes {
        let rounds = if bench.quick {
            3
        } else if size >= 10_000 {
            5
        } else {
            11
        };
        let bare = bare(bench, size, rounds)?;
        let lab = lab(bench, size, rounds)?;
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        let name = |what: &str| format!("{what}, {size} endpoints");
        bench.report.add(
            SECTION,
            name("by command line"),
            (ms(lab.whole), "ms"),
            None,
            vec![
                format!("median of {rounds}"),
                format!("in the master (published to done) {:.1} ms", ms(lab.inside)),
                format!("master CPU {:.0} µs per endpoint", micros(lab.cpu) / size as f64),
                format!("{:.1} flushes, {:.0} events each", lab.flushes, lab.events / lab.flushes.max(1.0)),
            ],
        );
        bench.report.add(
            SECTION,
            name("bare echo"),
            (ms(bare.whole), "ms"),
            None,
            vec![
                format!("in the server {:.1} ms", ms(bare.inside)),
                format!("server CPU {:.0} µs per endpoint", micros(bare.cpu) / size as f64),
            ],
        );
        let ratio = lab.whole.as_secs_f64() / bare.whole.as_secs_f64();
        bench.report.add(SECTION, name("lab / bare echo"), (ratio, "×"), Some(Aim::AtMost(AIM)), Vec::new());
        if let Some((fewer, less)) = before.replace((size, lab.memory_kib)) {
            let slope = (lab.memory_kib - less) / (size - fewer) as f64;
            let notes = vec![
                "the difference per minion, after the pings".to_owned(),
                format!("{:.1} MB in all", lab.memory_kib * 1024.0 / 1e6),
            ];
            // The first difference is mostly what ten minions had not needed yet.
            let aim = Some(Aim::AtMost(MEMORY_KIB)).filter(|_| fewer >= 100);
            let what = format!("master, per minion from {fewer} to {size}");
            bench.report.add("memory", what, (slope, "KiB PSS"), aim, notes);
        }
    }
    Ok(())
}

fn micros(d: Duration) -> f64 {
    d.as_secs_f64() * 1e6
}

/// What one size gave.
struct Round {
    whole: Duration,
    inside: Duration,
    /// Per round.
    cpu: Duration,
    flushes: f64,
    events: f64,
    /// All of the master.
    memory_kib: f64,
}

/// Splits endpoints over few processes.
fn shares(size: usize) -> Vec<usize> {
    let processes = size.div_ceil(PER_PROCESS).max(if size >= 1_000 { 2 } else { 1 });
    (0..processes).map(|p| size / processes + usize::from(p < size % processes)).collect()
}

fn bare(bench: &Bench, size: usize, rounds: usize) -> Result<Round, BoxError> {
    let load = || Command::new(&bench.programs.load);
    let mut server = Helper::start(load().args(["echo-server", "--connections", &size.to_string()]))?;
    let address = server.line()?;
    let mut clients = Vec::new();
    for share in shares(size) {
        let args = ["echo-clients", "--server", &address, "--count", &share.to_string()];
        clients.push(Helper::start(load().args(args))?);
    }
    if server.line()? != "ready" {
        return Err("the echo server did not get ready".into());
    }
    let before = cost(server.pid())?;
    let mut whole = Vec::new();
    for round in 0..rounds {
        std::thread::sleep(BREATH);
        let mut ask = load();
        ask.args(["echo-ask", "--server", &address]);
        if round + 1 == rounds {
            ask.arg("--last");
        }
        let start = Instant::now();
        let mut ask = Helper::start(&mut ask)?;
        let rows = ask.line()?;
        whole.push(start.elapsed());
        ask.finish()?;
        if rows != size.to_string() {
            return Err(format!("{rows} of {size} echoes came").into());
        }
    }
    let after = cost(server.pid()).unwrap_or(before);
    let inside = server.finish()?;
    let mut inside: Vec<Duration> =
        inside.iter().filter_map(|l| l.parse().ok()).map(Duration::from_micros).collect();
    drop(clients);
    Ok(Round {
        whole: percentile(&mut whole, 0.5),
        inside: percentile(&mut inside, 0.5),
        cpu: spent(before, after, rounds),
        flushes: 0.0,
        events: 0.0,
        memory_kib: 0.0,
    })
}

fn spent(before: Cost, after: Cost, rounds: usize) -> Duration {
    after.cpu.saturating_sub(before.cpu) / u32::try_from(rounds.max(1)).unwrap_or(1)
}

fn lab(bench: &Bench, size: usize, rounds: usize) -> Result<Round, BoxError> {
    let master = Master::start(&bench.programs.master, &OPEN_DOORS)?;
    let swarm = swarm(bench, &master, size)?;
    let start = Instant::now();
    while master.status()?["connected"].as_u64() != Some(size as u64) {
        if start.elapsed() > Duration::from_secs(60) {
            return Err(format!("not all of {size} endpoints are connected").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let before = (cost(master.pid())?, master.status()?);
    let (mut whole, mut inside) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        std::thread::sleep(BREATH);
        let (took, published_to_done) = ping_all(&master, size)?;
        whole.push(took);
        inside.push(published_to_done);
    }
    let after = (cost(master.pid())?, master.status()?);
    for _ in rounds..LOG_EVENTS / size {
        master.cli(&["--json", "run", "*", "test.ping"])?;
    }
    // A master gives memory back once it is calm.
    std::thread::sleep(CALM);
    let settled = cost(master.pid())?.pss_kib;
    drop(swarm);
    let counted = |key: &str| {
        let at = |status: &serde_json::Value| status[key].as_f64().unwrap_or_default();
        (at(&after.1) - at(&before.1)) / rounds as f64
    };
    Ok(Round {
        whole: percentile(&mut whole, 0.5),
        inside: percentile(&mut inside, 0.5),
        cpu: spent(before.0, after.0, rounds),
        flushes: counted("flushes"),
        events: counted("events_flushed"),
        memory_kib: settled as f64,
    })
}

/// Joins so many endpoints; they are there when this returns.
///
/// # Errors
/// When they cannot join.
pub fn swarm(bench: &Bench, master: &Master, size: usize) -> Result<Vec<Helper>, BoxError> {
    let (address, ca, token) =
        (master.address.to_string(), master.ca().display().to_string(), agents::token(master, size)?);
    let mut swarm = Vec::new();
    for (n, share) in shares(size).into_iter().enumerate() {
        let (count, prefix) = (share.to_string(), format!("p{n}-"));
        let args = ["swarm", "--master", &address, "--ca", &ca, "--token", &token];
        let mut load = Command::new(&bench.programs.load);
        swarm.push(Helper::start(load.args(args).args(["--prefix", &prefix, "--count", &count]))?);
    }
    for part in &mut swarm {
        part.line()?;
    }
    Ok(swarm)
}

/// Pings all by the command line; every row must say that it worked. Returns how long the command took, and how long it was
/// from the job's first event in the log to its last.
fn ping_all(master: &Master, size: usize) -> Result<(Duration, Duration), BoxError> {
    let start = Instant::now();
    let mut run = Helper::start(&mut master.command(&["--json", "run", "*", "test.ping"]))?;
    for n in 0..size {
        let row = run.line()?;
        if !row.contains("\"success\":true") {
            return Err(format!("row {n} of {size} did not work: {row}").into());
        }
    }
    let took = start.elapsed();
    run.finish()?;
    let tag = |kind: &str| format!("*/job/*/{kind}");
    let log =
        master.cli(&["--json", "events", "--since", "30s", "--tag", &tag("new"), "--tag", &tag("done")])?;
    let events: Vec<serde_json::Value> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let last_two = events.iter().rev().take(2);
    let stamps: Vec<lab_proto::Timestamp> =
        last_two.filter_map(|e| e["stamp"].as_str()?.parse().ok()).collect();
    let [done, new] = stamps[..] else { return Err(format!("the log has no job: {log}").into()) };
    Ok((took, done.since(new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_split_over_few_processes() {
        assert_eq!(shares(10), [10]);
        assert_eq!(shares(10_000), [5_000, 5_000]);
        assert_eq!(shares(1_001).iter().sum::<usize>(), 1_001);
    }
}
