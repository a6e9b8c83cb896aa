//! The same on real Salt, where `SALT_BIN` names the directory with its programs: ratios say more than either figure.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Bench;
use super::echo::BoxError;
use super::master::free_port;
use super::measure::{cost, percentile};
use super::programs::Helper;

const SECTION: &str = "salt";
const MINIONS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(120);

/// Fires events on the minion's bus for the master: where the configuration is, how many, seconds between two.
const FEED: &str = r"
import sys, time, salt.config, salt.utils.event
opts = salt.config.minion_config(sys.argv[1])
with salt.utils.event.get_event('minion', opts=opts, listen=False) as bus:
    for n in range(int(sys.argv[2])):
        bus.fire_master({'made': time.time(), 'text': 'x' * 90}, 'bench/m0')
        time.sleep(float(sys.argv[3]))
";

/// Reads the master's bus: prints `ready`, then for each of our events the seconds that it took.
const TAIL: &str = r"
import sys, time, salt.config, salt.utils.event
opts = salt.config.client_config(sys.argv[1])
with salt.utils.event.get_event('master', opts=opts, listen=True) as bus:
    print('ready', flush=True)
    left = int(sys.argv[2])
    while left:
        event = bus.get_event(wait=30, tag='bench/')
        if event is None:
            sys.exit('no event within 30 s')
        print(time.time() - event.get('data', event)['made'], flush=True)
        left -= 1
";

/// Measures Salt.
///
/// # Errors
/// When Salt does not work.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    let Some(bin) = std::env::var_os("SALT_BIN").map(PathBuf::from) else {
        eprintln!("salt     not measured: SALT_BIN names no directory");
        return Ok(());
    };
    let lab = Salt::start(bin, if bench.quick { 2 } else { MINIONS })?;
    let mut pings = Vec::new();
    for _ in 0..5 {
        pings.push(lab.ping()?);
    }
    let ms = |d: Duration| (d.as_secs_f64() * 1e3, "ms");
    let count = lab.minions.len();
    let what = format!("ping by command line, {count} minions");
    bench.report.add(SECTION, what, ms(percentile(&mut pings, 0.5)), None, vec!["median of 5".to_owned()]);
    let (rate, _) = lab.events(if bench.quick { 100 } else { 2_000 }, 0.0)?;
    bench.report.add(SECTION, "events one by one, seen by a reader", (rate, "/s"), None, Vec::new());
    let (_, mut took) = lab.events(if bench.quick { 50 } else { 500 }, 0.02)?;
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let what = format!("minion to reader, {name}");
        bench.report.add(SECTION, what, ms(percentile(&mut took, share)), None, Vec::new());
    }
    let mib = |pids: Vec<u32>| -> Result<f64, BoxError> {
        let pss = pids.into_iter().map(|p| cost(p).map(|c| c.pss_kib)).sum::<std::io::Result<u64>>()?;
        Ok(pss as f64 / 1024.0)
    };
    let minion = mib(family(lab.minions[0].id())?)?;
    let master = mib(family(lab.master.id())?)?;
    bench.report.add(
        SECTION,
        "one idle minion",
        (minion, "MiB PSS"),
        None,
        vec!["with its children".to_owned()],
    );
    bench.report.add(SECTION, "master", (master, "MiB PSS"), None, vec!["with its children".to_owned()]);
    Ok(())
}

/// A Salt master and its minions. Dropping it ends them.
struct Salt {
    bin: PathBuf,
    dir: tempfile::TempDir,
    master: Child,
    minions: Vec<Child>,
}

impl Salt {
    fn start(bin: PathBuf, count: usize) -> Result<Self, BoxError> {
        let dir = tempfile::Builder::new().prefix("lab-bench-salt-").tempdir()?;
        let publish = free_port(std::net::TcpListener::bind)?;
        let held = std::net::TcpListener::bind(("127.0.0.1", publish))?;
        let reply = free_port(std::net::TcpListener::bind)?;
        drop(held);
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("master"))?;
        let settings = format!(
            "interface: 127.0.0.1\npublish_port: {publish}\nret_port: {reply}\nauto_accept: True\nuser: root\n\
             root_dir: {}\nsock_dir: {}\nworker_threads: 3\n",
            at("master").display(),
            at("master/sock").display(),
        );
        std::fs::write(at("master/master"), settings)?;
        let program = |name: &str, config: &Path| {
            let mut c = Command::new(bin.join(name));
            c.arg("-c").arg(config).args(["-l", "error"]).stdin(Stdio::null()).stdout(Stdio::null());
            c.stderr(Stdio::null());
            c
        };
        let master = program("salt-master", &at("master")).spawn()?;
        let mut lab = Self { bin: bin.clone(), master, minions: Vec::new(), dir };
        for n in 0..count {
            let home = lab.dir.path().join(format!("m{n}"));
            std::fs::create_dir(&home)?;
            let settings = format!(
                "id: m{n}\nmaster: 127.0.0.1\nmaster_port: {reply}\npublish_port: {publish}\nuser: root\nroot_dir: {0}\n\
                 sock_dir: {0}/sock\nacceptance_wait_time: 1\n",
                home.display()
            );
            std::fs::write(home.join("minion"), settings)?;
            lab.minions.push(program("salt-minion", &home).spawn()?);
        }
        let start = Instant::now();
        while lab.ping().is_err() {
            if start.elapsed() > PATIENCE {
                return Err("the minions of Salt do not answer".into());
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        Ok(lab)
    }

    /// Pings all; returns how long it was until the last row.
    fn ping(&self) -> Result<Duration, BoxError> {
        let mut salt = Command::new(self.bin.join("salt"));
        salt.arg("-c").arg(self.dir.path().join("master")).args([
            "-t",
            "20",
            "--out",
            "json",
            "--out-indent",
            "-1",
        ]);
        let start = Instant::now();
        let mut rows = Helper::start(salt.args(["*", "test.ping"]).stderr(Stdio::null()))?;
        for _ in 0..self.minions.len() {
            let row = rows.line()?;
            if !row.contains("true") {
                return Err(format!("Salt answered {row}").into());
            }
        }
        Ok(start.elapsed())
    }

    /// Sends events one by one from the first minion; returns how many a reader saw per second, and how long each took.
    fn events(&self, count: usize, pause: f64) -> Result<(f64, Vec<Duration>), BoxError> {
        let python = |script: &str, config: PathBuf| {
            let mut c = Command::new(self.bin.join("python3"));
            c.args(["-c", script]).arg(config).arg(count.to_string());
            c
        };
        let mut tail = Helper::start(&mut python(TAIL, self.dir.path().join("master/master")))?;
        tail.line()?;
        let config = self.dir.path().join("m0/minion");
        let feed = Helper::start(python(FEED, config).arg(pause.to_string()))?;
        let mut took = Vec::new();
        let mut first = None;
        for _ in 0..count {
            took.push(Duration::try_from_secs_f64(tail.line()?.parse::<f64>()?.max(0.0))?);
            first.get_or_insert_with(Instant::now);
        }
        let seconds = first.map_or(0.0, |f| f.elapsed().as_secs_f64());
        feed.finish()?;
        tail.finish()?;
        Ok((count.saturating_sub(1) as f64 / seconds, took))
    }
}

impl Drop for Salt {
    fn drop(&mut self) {
        for child in self.minions.iter_mut().chain([&mut self.master]) {
            // Salt ends its own children when it is asked to end, and only then.
            let pid = i32::try_from(child.id()).map(nix::unistd::Pid::from_raw);
            let _ = pid.map(|p| nix::sys::signal::kill(p, nix::sys::signal::Signal::SIGTERM));
            let _ = child.wait();
        }
    }
}

/// Returns a process and all below it.
fn family(pid: u32) -> Result<Vec<u32>, BoxError> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(&parent) = all.get(next) {
        for task in std::fs::read_dir(format!("/proc/{parent}/task"))? {
            let children = std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|c| c.parse::<u32>().ok()));
        }
        next += 1;
    }
    Ok(all)
}
