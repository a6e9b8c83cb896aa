//! How fast a minion fetches a large file of the state tree, from the master's blobs to its own cache, hashed on both sides,
//! against the same number of bytes over a bare QUIC stream; and how much memory both ends hold meanwhile.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::Bench;
use super::agents;
use super::echo::BoxError;
use super::master::Master;
use super::measure::{cost, percentile};
use super::ping::OPEN_DOORS;
use super::programs::Helper;
use super::report::Aim;

const SECTION: &str = "content";
/// Of the bare stream's rate.
const AIM: f64 = 60.0;
/// How much more memory an end may need at its peak than before, in MB: nothing that grows with the file.
const PEAK_MB: f64 = 32.0;

/// Measures it.
///
/// # Errors
/// When a part does not work, or the file arrives as another.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let bytes: u64 = if bench.quick { 64 << 20 } else { 1 << 30 };
    let rounds = if bench.quick { 1 } else { 3 };
    let bare = bare(bench, bytes, rounds)?;
    let master = Master::start(&bench.programs.master, &OPEN_DOORS)?;
    let dir = tempfile::Builder::new().prefix("lab-bench-agents-").tempdir()?;
    let minions = agents::start_all(&bench.programs.minion, dir.path(), &["m0".to_owned()], &master)?;
    write_file(&master.states().join("big"), bytes)?;
    // The first job after a change of the tree copies what is new into the blobs; that is not what is measured.
    master.cli(&["--json", "run", "m0", "cp.list_master"])?;
    let pids = [master.pid(), minions[0].pid()];
    let before = pids.map(|p| cost(p).map(|c| c.pss_kib));
    let cpu_before = pids.map(|p| cost(p).map(|c| c.cpu));
    let cache = dir.path().join("m0/data/cache");
    let mut took = Vec::new();
    let mut watch = Watch { pids, peak: [0; 2] };
    for _ in 0..rounds {
        took.push(watch.fetch(&master, bytes)?);
        forget(&cache, bytes)?;
    }
    let mbs = |d: Duration| bytes as f64 / 1e6 / d.as_secs_f64();
    let (own, bare) = (mbs(percentile(&mut took, 0.5)), mbs(bare));
    let mut spent = Vec::new();
    for (pid, before) in pids.into_iter().zip(cpu_before) {
        let cpu = cost(pid)?.cpu.saturating_sub(before?);
        spent.push(cpu.as_secs_f64() / rounds as f64);
    }
    let notes = vec![
        format!("{} MiB, median of {rounds}", bytes >> 20),
        format!("CPU per fetch: master {:.2} s, minion {:.2} s", spent[0], spent[1]),
        "from the command's start to its end; read, hashed, sent, hashed, written".to_owned(),
    ];
    bench.report.add(SECTION, "cp.cache_file", (own, "MB/s"), None, notes);
    bench.report.add(SECTION, "bare QUIC stream", (bare, "MB/s"), None, vec!["no file, no hash".to_owned()]);
    let share = (own / bare * 100.0, "%");
    bench.report.add(SECTION, "cp.cache_file / bare stream", share, Some(Aim::AtLeast(AIM)), Vec::new());
    for (n, who) in ["master", "minion"].into_iter().enumerate() {
        let before = before[n].as_ref().map_err(std::string::ToString::to_string)?;
        let more = watch.peak[n].saturating_sub(*before) as f64 * 1024.0 / 1e6;
        let notes = vec![format!("{:.1} MB before", *before as f64 * 1024.0 / 1e6)];
        let what = format!("{who}, more at its peak while it fetches");
        bench.report.add("memory", what, (more, "MB PSS"), Some(Aim::AtMost(PEAK_MB)), notes);
    }
    Ok(())
}

/// Looks at both ends while a file is fetched.
struct Watch {
    pids: [u32; 2],
    /// The highest PSS seen of each, in KiB.
    peak: [u64; 2],
}

impl Watch {
    fn fetch(&mut self, master: &Master, bytes: u64) -> Result<Duration, BoxError> {
        let args = ["--json", "run", "m0", "cp.cache_file", "salt://big", "--timeout", "10m"];
        let start = Instant::now();
        let mut run = Helper::start(&mut master.command(&args))?;
        let (tell, told) = std::sync::mpsc::channel();
        let answer = std::thread::spawn(move || {
            let row = run.line().map_err(|e| e.to_string());
            let took = start.elapsed();
            let _ = tell.send(());
            (row, took, run)
        });
        while told.recv_timeout(Duration::from_millis(20)).is_err() && !answer.is_finished() {
            for (peak, pid) in self.peak.iter_mut().zip(self.pids) {
                *peak = (*peak).max(cost(pid)?.pss_kib);
            }
        }
        let (row, took, run) = answer.join().map_err(|_| "the reader panicked")?;
        let row: serde_json::Value = serde_json::from_str(&row?)?;
        run.finish()?;
        let place = row["data"]["return"].as_str().ok_or_else(|| format!("the minion answered {row}"))?;
        let size = std::fs::metadata(place)?.len();
        if size == bytes { Ok(took) } else { Err(format!("{size} of {bytes} bytes came").into()) }
    }
}

/// Takes the file out of the minion's cache, so that the next fetch fetches.
fn forget(cache: &Path, bytes: u64) -> Result<(), BoxError> {
    let mut gone = false;
    for entry in walk(cache)? {
        if std::fs::metadata(&entry)?.len() == bytes {
            std::fs::remove_file(&entry)?;
            gone = true;
        }
    }
    if gone { Ok(()) } else { Err(format!("the file is not below {}", cache.display()).into()) }
}

fn walk(dir: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(walk(&path)?);
        } else {
            all.push(path);
        }
    }
    Ok(all)
}

/// Writes bytes that no file system and no transport could make smaller.
fn write_file(path: &Path, bytes: u64) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..bytes / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    file.flush()
}

fn bare(bench: &Bench, bytes: u64, rounds: usize) -> Result<Duration, BoxError> {
    let load = || Command::new(&bench.programs.load);
    let mut took = Vec::new();
    for _ in 0..rounds {
        let mut server = Helper::start(load().args(["bulk-server", "--bytes", &bytes.to_string()]))?;
        let address = server.line()?;
        let mut client = Helper::start(load().args(["bulk-client", "--server", &address]))?;
        let told = client.line()?;
        let (came, micros) = told.split_once(' ').ok_or("the client tells bytes and microseconds")?;
        if came.parse::<u64>()? != bytes {
            return Err(format!("{came} of {bytes} bytes came over the bare stream").into());
        }
        took.push(Duration::from_micros(micros.parse()?));
        client.finish()?;
        server.finish()?;
    }
    Ok(percentile(&mut took, 0.5))
}
