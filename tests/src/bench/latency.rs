//! How long an event takes from a program on the minion to a tail at the master, when nothing else happens.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::Bench;
use super::agents;
use super::echo::BoxError;
use super::master::Master;
use super::measure::percentile;
use super::ping::OPEN_DOORS;
use super::report::Aim;
use super::tail::Tail;

const SECTION: &str = "latency";
const AIM_MS: f64 = 3.0;
/// Between two events.
const PAUSE: Duration = Duration::from_millis(20);

/// Measures it.
///
/// # Errors
/// When a part does not work.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let count = if bench.quick { 50 } else { 1_000 };
    let master = Master::start(&bench.programs.master, &OPEN_DOORS)?;
    let dir = tempfile::Builder::new().prefix("lab-bench-agents-").tempdir()?;
    let minions = agents::start_all(&bench.programs.minion, dir.path(), &["m0".to_owned()], &master)?;
    let mut tail = Tail::start(&master, "head", None)?;
    std::thread::sleep(Duration::from_millis(500));
    tail.seen().take_times();
    let mut socket = minions[0].socket()?;
    let mut begun = Vec::with_capacity(count);
    for n in 0..count {
        std::thread::sleep(PAUSE);
        let line = format!("{{\"tag\":\"bench/m0\",\"data\":{{\"n\":{n}}}}}\n");
        begun.push(Instant::now());
        socket.write_all(line.as_bytes())?;
        answer(&mut socket)?;
    }
    let head = master.status()?["head"].as_u64().unwrap_or_default();
    tail.wait_for(head, Duration::from_secs(10))?;
    let seen = tail.seen().take_times();
    tail.finish()?;
    if seen.len() != count {
        return Err(format!("{} of {count} events were seen", seen.len()).into());
    }
    let mut took: Vec<Duration> =
        begun.iter().zip(&seen).map(|(begun, (_, seen))| seen.duration_since(*begun)).collect();
    let syncs = syncs(dir.path(), count)?;
    let ms = |d: Duration| (d.as_secs_f64() * 1e3, "ms");
    let bare = |share: f64| format!("two bare fdatasyncs {:.2} ms", syncs(share).as_secs_f64() * 1e3);
    bench.report.add(SECTION, "minion to tail, p50", ms(percentile(&mut took, 0.5)), None, vec![bare(0.5)]);
    let p99 = ms(percentile(&mut took, 0.99));
    bench.report.add(SECTION, "minion to tail, p99", p99, Some(Aim::AtMost(AIM_MS)), vec![bare(0.99)]);
    Ok(())
}

/// Reads the answer to one event.
fn answer(socket: &mut impl Read) -> Result<(), BoxError> {
    let mut answer = Vec::new();
    let mut byte = [0];
    while byte != *b"\n" {
        socket.read_exact(&mut byte)?;
        answer.extend_from_slice(&byte);
    }
    if answer.starts_with(b"{\"stored\"") {
        Ok(())
    } else {
        Err(format!("the agent answered {}", String::from_utf8_lossy(&answer)).into())
    }
}

/// Measures what the way cannot do without: two syncs of small writes, one after the other.
fn syncs(dir: &std::path::Path, count: usize) -> Result<impl Fn(f64) -> Duration + use<>, BoxError> {
    let mut file = std::fs::File::create(dir.join("yardstick"))?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        std::thread::sleep(PAUSE / 10);
        let start = Instant::now();
        for _ in 0..2 {
            file.write_all(&[0; 200])?;
            file.sync_data()?;
        }
        took.push(start.elapsed());
    }
    Ok(move |share| percentile(&mut took.clone(), share))
}
