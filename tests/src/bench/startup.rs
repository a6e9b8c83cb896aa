//! How long an enrolled minion takes from its start until the log says that it is ready, and what one costs when idle.

use std::process::Command;
use std::time::{Duration, Instant};

use super::Bench;
use super::agents::{self, Agent};
use super::echo::BoxError;
use super::master::Master;
use super::measure::{cost, percentile};
use super::ping::OPEN_DOORS;
use super::programs::Helper;
use super::report::Aim;

const READY_MS: f64 = 100.0;
const IDLE_MIB: f64 = 10.0;

/// Measures both.
///
/// # Errors
/// When a part does not work.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let rounds = if bench.quick { 3 } else { 21 };
    let master = Master::start(&bench.programs.master, &OPEN_DOORS)?;
    let dir = tempfile::Builder::new().prefix("lab-bench-agents-").tempdir()?;
    let token = agents::token(&master, 1)?;
    Agent::enrol(&bench.programs.minion, dir.path(), "m0", &master, &token)?;
    let mut took = Vec::new();
    for _ in 0..rounds {
        took.push(until_ready(bench, &master, dir.path())?);
    }
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let notes = vec![
        format!("median of {rounds}"),
        format!("p90 {:.0} ms", ms(percentile(&mut took, 0.9))),
        format!("`lab-minion --version` alone {:.1} ms", ms(bare_start(bench)?)),
    ];
    let median = (ms(percentile(&mut took, 0.5)), "ms");
    bench.report.add("start", "minion start to ready", median, Some(Aim::AtMost(READY_MS)), notes);

    let minion = Agent::start(&bench.programs.minion, dir.path(), "m0", &master)?;
    agents::wait_connected(&master, 1)?;
    std::thread::sleep(Duration::from_secs(if bench.quick { 2 } else { 10 }));
    let idle = cost(minion.pid())?;
    let before = Instant::now();
    std::thread::sleep(Duration::from_secs(if bench.quick { 1 } else { 20 }));
    let share =
        cost(minion.pid())?.cpu.saturating_sub(idle.cpu).as_secs_f64() / before.elapsed().as_secs_f64();
    bench.report.add(
        "memory",
        "one idle minion",
        (idle.pss_kib as f64 / 1024.0, "MiB PSS"),
        Some(Aim::AtMost(IDLE_MIB)),
        vec![format!("{:.2} % of a CPU", share * 100.0)],
    );
    Ok(())
}

/// Starts the agent beside a tail that waits for its ready, and ends it again. An agent that never gets ready would be waited
/// for: whoever runs this sees what hangs.
fn until_ready(bench: &Bench, master: &Master, dir: &std::path::Path) -> Result<Duration, BoxError> {
    let args =
        ["--json", "events", "--follow", "--since", "head", "--tag", "lab/minion/m0/ready", "--limit", "1"];
    let mut tail = Helper::start(&mut master.command(&args))?;
    // The tail has no sign of its own that it listens; its connection is up long before.
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    let minion = Agent::start(&bench.programs.minion, dir, "m0", master)?;
    tail.line()?;
    let took = start.elapsed();
    tail.finish()?;
    minion.stop()?;
    agents::wait_connected(master, 0)?;
    Ok(took)
}

/// Measures what starting any program of this size costs here.
fn bare_start(bench: &Bench) -> Result<Duration, BoxError> {
    let mut took = Vec::new();
    for _ in 0..11 {
        let start = Instant::now();
        Command::new(&bench.programs.minion).arg("--version").output()?;
        took.push(start.elapsed());
    }
    Ok(percentile(&mut took, 0.5))
}
