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
const PAUSE: Duration = Duration::from_millis(10);

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
    let (mut begun, mut bare) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut yardstick = std::fs::File::create(dir.path().join("yardstick"))?;
    for n in 0..count {
        std::thread::sleep(PAUSE);
        // Right beside it what it cannot do without, so that a busy disk is busy for both.
        bare.push(two_syncs(&mut yardstick)?);
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
    for (name, share, aim) in [("p50", 0.5, None), ("p99", 0.99, Some(Aim::AtMost(AIM_MS)))] {
        let (took, bare) = (percentile(&mut took, share), percentile(&mut bare, share));
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        let notes = vec![format!(
            "{:.1} × two bare fdatasyncs between the events, {:.2} ms",
            took.as_secs_f64() / bare.as_secs_f64(),
            ms(bare)
        )];
        bench.report.add(SECTION, format!("minion to tail, {name}"), (ms(took), "ms"), aim, notes);
    }
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

/// What the way cannot do without: two syncs of small writes, one after the other.
fn two_syncs(file: &mut std::fs::File) -> std::io::Result<Duration> {
    let start = Instant::now();
    for _ in 0..2 {
        file.write_all(&[0; 200])?;
        file.sync_data()?;
    }
    Ok(start.elapsed())
}
