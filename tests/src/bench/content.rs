//! How fast a minion fetches a large file of the state tree, from the master's blobs to its own cache, hashed on both sides,
//! against the same number of bytes over a bare QUIC stream, and over `scp` where there is an sshd; and how much memory both
//! ends hold meanwhile.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lab_proto::v1::link::MAX_DATAGRAM;

use super::Bench;
use super::agents;
use super::bulk::Packets;
use super::echo::BoxError;
use super::master::Master;
use super::measure::{cost, percentile};
use super::ping::OPEN_DOORS;
use super::programs::Helper;
use super::report::Aim;
use super::scp::Sshd;

const SECTION: &str = "content";
/// Of a yardstick's rate.
const AIM: f64 = 60.0;
/// How much more memory an end may need at its peak than before, in MB: nothing that grows with the file.
const PEAK_MB: f64 = 32.0;
/// The master hashes files that are new a second time after a while, in the background: that is not what is measured.
const SETTLED: Duration = Duration::from_secs(4);

/// Measures it: in each round all yardsticks and a fetch, so that a noisy neighbour bothers all of them.
///
/// # Errors
/// When a part does not work, or the file arrives as another.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let bytes: u64 = if bench.quick { 64 << 20 } else { 1 << 30 };
    let rounds = if bench.quick { 1 } else { 3 };
    let master = Master::start(&bench.programs.master, &OPEN_DOORS)?;
    let dir = tempfile::Builder::new().prefix("lab-bench-agents-").tempdir()?;
    let minions = agents::start_all(&bench.programs.minion, dir.path(), &["m0".to_owned()], &master)?;
    let (file, cache) = (master.states().join("big"), dir.path().join("m0/data/cache"));
    write_file(&file, bytes)?;
    // The first job after a change of the tree copies what is new into the blobs; that is not what is measured.
    master.cli(&["--json", "run", "m0", "cp.list_master"])?;
    std::thread::sleep(SETTLED);
    let sshd = Sshd::start();
    let (mut took, mut watch) = (Took::default(), Watch::new([master.pid(), minions[0].pid()])?);
    for _ in 0..rounds {
        took.bare.push(bare(bench, bytes, Packets::Ordinary)?);
        took.jumbo.push(bare(bench, bytes, Packets::Jumbo)?);
        if let Ok(sshd) = &sshd {
            took.scp.push(sshd.copy(&file)?);
        }
        took.own.push(watch.fetch(&master, bytes)?);
        forget(&cache, bytes)?;
    }
    if let Err(why) = &sshd {
        eprintln!("{SECTION:8} scp: not measured, {why}");
    }
    tell_rates(bench, bytes, &mut took, &watch);
    tell_peaks(bench, &watch);
    Ok(())
}

/// What the rounds took.
#[derive(Default)]
struct Took {
    own: Vec<Duration>,
    bare: Vec<Duration>,
    jumbo: Vec<Duration>,
    /// None where there is no sshd.
    scp: Vec<Duration>,
}

fn tell_rates(bench: &mut Bench, bytes: u64, took: &mut Took, watch: &Watch) {
    let rounds = took.own.len();
    let report = &mut bench.report;
    let mut rate = |what: &str, took: &mut [Duration], notes: Vec<String>| {
        let rate = bytes as f64 / 1e6 / percentile(took, 0.5).as_secs_f64();
        report.add(SECTION, what, (rate, "MB/s"), None, notes);
        rate
    };
    let [master, minion] = watch.cpu.map(|cpu| cpu.as_secs_f64() / rounds as f64);
    let notes = vec![
        format!("{} MiB, median of {rounds}", bytes >> 20),
        format!("CPU per fetch: master {master:.2} s, minion {minion:.2} s"),
        "from the command's start to its end; read, sent, hashed, written".to_owned(),
    ];
    let own = rate("cp.cache_file", &mut took.own, notes);
    let note = |text: &str| vec![text.to_owned()];
    let bare = rate("bare QUIC stream", &mut took.bare, note("no file, no hash; packets as quinn has them"));
    let jumbo = format!("the same with packets of up to {MAX_DATAGRAM} bytes, as the fetch has them here");
    let jumbo = rate("bare QUIC stream, jumbo", &mut took.jumbo, vec![jumbo]);
    let scp = (!took.scp.is_empty())
        .then(|| rate("scp", &mut took.scp, note("from file to file; its own cipher, checked in transit")));
    let aim = Some(Aim::AtLeast(AIM));
    let mut share = |what: &str, of: f64, aim| {
        report.add(SECTION, format!("cp.cache_file / {what}"), (own / of * 100.0, "%"), aim, Vec::new());
    };
    share("bare stream", bare, aim);
    share("bare stream, jumbo", jumbo, None);
    if let Some(scp) = scp {
        share("scp", scp, aim);
    }
}

fn tell_peaks(bench: &mut Bench, watch: &Watch) {
    for (n, who) in ["master", "minion"].into_iter().enumerate() {
        let more = watch.peak[n].saturating_sub(watch.before[n]) as f64 * 1024.0 / 1e6;
        let notes = vec![format!("{:.1} MB before", watch.before[n] as f64 * 1024.0 / 1e6)];
        let what = format!("{who}, more at its peak while it fetches");
        bench.report.add("memory", what, (more, "MB PSS"), Some(Aim::AtMost(PEAK_MB)), notes);
    }
}

/// Looks at both ends while a file is fetched.
struct Watch {
    pids: [u32; 2],
    /// PSS of each before the first fetch, in KiB.
    before: [u64; 2],
    /// The highest seen.
    peak: [u64; 2],
    /// Processor time of each during all fetches.
    cpu: [Duration; 2],
}

impl Watch {
    fn new(pids: [u32; 2]) -> Result<Self, BoxError> {
        let before = [cost(pids[0])?.pss_kib, cost(pids[1])?.pss_kib];
        Ok(Self { pids, before, peak: [0; 2], cpu: [Duration::ZERO; 2] })
    }

    fn fetch(&mut self, master: &Master, bytes: u64) -> Result<Duration, BoxError> {
        let args = ["--json", "run", "m0", "cp.cache_file", "salt://big", "--timeout", "10m"];
        let before = [cost(self.pids[0])?.cpu, cost(self.pids[1])?.cpu];
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
        for ((cpu, pid), before) in self.cpu.iter_mut().zip(self.pids).zip(before) {
            *cpu += cost(pid)?.cpu.saturating_sub(before);
        }
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

fn bare(bench: &Bench, bytes: u64, packets: Packets) -> Result<Duration, BoxError> {
    let load = || Command::new(&bench.programs.load);
    let packets = if packets == Packets::Jumbo { "jumbo" } else { "ordinary" };
    let mut server =
        Helper::start(load().args(["bulk-server", "--bytes", &bytes.to_string(), "--packets", packets]))?;
    let address = server.line()?;
    let mut client = Helper::start(load().args(["bulk-client", "--server", &address, "--packets", packets]))?;
    let told = client.line()?;
    let (came, micros) = told.split_once(' ').ok_or("the client tells bytes and microseconds")?;
    if came.parse::<u64>()? != bytes {
        return Err(format!("{came} of {bytes} bytes came over the bare stream").into());
    }
    client.finish()?;
    server.finish()?;
    Ok(Duration::from_micros(micros.parse()?))
}
