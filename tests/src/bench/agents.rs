//! Real `lab-minion` processes on the loopback, and what feeds events into them through their sockets.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::echo::BoxError;
use super::master::Master;

/// How long an agent may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);
/// Events in one write at full speed.
const BURST: u64 = 64;

/// A running agent. Dropping it ends it; its directory is the caller's.
pub struct Agent {
    child: Child,
    dir: PathBuf,
    /// Its name.
    pub id: String,
}

impl Agent {
    /// Enrols an id with a token below `dir`, without starting the agent.
    ///
    /// # Errors
    /// When the master does not take it.
    pub fn enrol(binary: &Path, dir: &Path, id: &str, master: &Master, token: &str) -> Result<(), BoxError> {
        let mut enrol = command(binary, &["enrol"], dir, id, master);
        let done = enrol.env("LAB_JOIN_TOKEN", token).output()?;
        if done.status.success() {
            return Ok(());
        }
        Err(format!("{id} does not enrol: {}", String::from_utf8_lossy(&done.stderr)).into())
    }

    /// Starts an agent that is enrolled.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(binary: &Path, dir: &Path, id: &str, master: &Master) -> Result<Self, BoxError> {
        let mut serve = command(binary, &["serve"], dir, id, master);
        let log = std::fs::File::create(dir.join("log"))?;
        let child = serve.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Self { child, dir: dir.to_owned(), id: id.to_owned() })
    }

    /// Ends it as a service manager does.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(mut self) -> Result<(), BoxError> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        self.child.wait()?;
        Ok(())
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns how many bytes of events wait in its outbox.
    ///
    /// # Errors
    /// When its files cannot be seen.
    pub fn outbox_bytes(&self) -> std::io::Result<u64> {
        std::fs::read_dir(self.dir.join("data/outbox"))?.map(|e| Ok(e?.metadata()?.len())).sum()
    }

    /// Connects to its socket, as `lab-minion event send` does.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub fn socket(&self) -> Result<UnixStream, BoxError> {
        let path = self.dir.join("run/agent.sock");
        let start = Instant::now();
        loop {
            match UnixStream::connect(&path) {
                Ok(stream) => return Ok(stream),
                Err(e) if start.elapsed() > PATIENCE => {
                    let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
                    return Err(format!("{} does not listen: {e}\n{log}", self.id).into());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(binary: &Path, verb: &[&str], dir: &Path, id: &str, master: &Master) -> Command {
    let mut c = Command::new(binary);
    c.args(verb).args(["--id", id, "--master", &master.address.to_string()]);
    for (option, sub) in [("--config-dir", "etc"), ("--data-dir", "data"), ("--run-dir", "run")] {
        c.arg(option).arg(dir.join(sub));
    }
    c.env("RUST_LOG", "warn");
    c
}

/// Starts agents with the given ids, enrolled by one token, below `dir`.
///
/// # Errors
/// When one does not come up.
pub fn start_all(binary: &Path, dir: &Path, ids: &[String], master: &Master) -> Result<Vec<Agent>, BoxError> {
    let token = token(master, ids.len())?;
    let mut agents = Vec::new();
    for id in ids {
        let home = dir.join(id);
        std::fs::create_dir(&home)?;
        Agent::enrol(binary, &home, id, master, &token)?;
        agents.push(Agent::start(binary, &home, id, master)?);
    }
    for agent in &agents {
        agent.socket()?;
    }
    wait_connected(master, ids.len())?;
    Ok(agents)
}

/// Makes a join token for any id.
///
/// # Errors
/// When the master refuses.
pub fn token(master: &Master, uses: usize) -> Result<String, BoxError> {
    let uses = uses.max(1).to_string();
    Ok(master.cli(&["token", "create", "--pattern", "*", "--uses", &uses])?.trim().to_owned())
}

/// Waits until so many minions are connected.
///
/// # Errors
/// When they are not in time.
pub fn wait_connected(master: &Master, count: usize) -> Result<(), BoxError> {
    let start = Instant::now();
    loop {
        let status = master.status()?;
        if status["connected"].as_u64() == Some(count as u64) {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("not all of {count} minions connected: {status}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What many feeders share.
#[derive(Debug, Default)]
pub struct Flow {
    /// Events that the agents took durably.
    pub stored: AtomicU64,
    /// Events handed to the agents.
    pub sent: AtomicU64,
    /// Events that the tail saw.
    pub seen: AtomicU64,
    /// No more shall be sent.
    pub stop: AtomicBool,
}

/// How fast a feeder goes.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// As fast as the tail sees them: never more than so many events ahead of it, of all feeders together.
    Ahead(u64),
    /// So many per second.
    PerSecond(u32),
}

/// Feeds one agent until told to stop; then the answers of all that was sent are waited for.
pub struct Feeder {
    threads: [JoinHandle<Result<(), String>>; 2],
}

impl Feeder {
    /// Starts to feed: events with the tag `bench/ID`, `size` bytes of tag and data each.
    ///
    /// # Errors
    /// When the agent does not listen.
    pub fn start(agent: &Agent, size: usize, pace: Pace, flow: &Arc<Flow>) -> Result<Self, BoxError> {
        let stream = agent.socket()?;
        let answers = BufReader::with_capacity(1 << 16, stream.try_clone()?);
        let line = line(&agent.id, size);
        let (up, down) = (flow.clone(), flow.clone());
        let feed = std::thread::spawn(move || feed(stream, &line, pace, &up).map_err(|e| e.to_string()));
        let count = std::thread::spawn(move || count(answers, &down));
        Ok(Self { threads: [feed, count] })
    }

    /// Waits until everything sent is answered.
    ///
    /// # Errors
    /// When an event was refused or the agent hung up.
    pub fn finish(self) -> Result<(), BoxError> {
        for thread in self.threads {
            thread.join().map_err(|_| "a feeder panicked")??;
        }
        Ok(())
    }
}

/// Makes the line of an event whose tag and data, written as JSON, take `size` bytes.
fn line(id: &str, size: usize) -> String {
    let with =
        |text: &str| format!(r#"{{"tag":"bench/{id}","data":{{"kind":"load","ok":true,"text":"{text}"}}}}"#);
    let around = with("").len() - r#"{"tag":,"data":}"#.len();
    with(&"x".repeat(size.saturating_sub(around))) + "\n"
}

fn feed(mut to: UnixStream, line: &str, pace: Pace, flow: &Flow) -> std::io::Result<()> {
    let (burst, pause) = match pace {
        Pace::Ahead(_) => (BURST, Duration::ZERO),
        Pace::PerSecond(rate) if rate > 100 => (u64::from(rate / 100), Duration::from_millis(10)),
        Pace::PerSecond(rate) => (1, Duration::from_secs(1) / rate.max(1)),
    };
    let lines = line.repeat(usize::try_from(burst).unwrap_or(1));
    let mut next = Instant::now();
    while !flow.stop.load(Ordering::Relaxed) {
        if let Pace::Ahead(most) = pace
            && flow.sent.load(Ordering::Relaxed).saturating_sub(flow.seen.load(Ordering::Relaxed)) > most
        {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        flow.sent.fetch_add(burst, Ordering::Relaxed);
        to.write_all(lines.as_bytes())?;
        next += pause;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    to.shutdown(std::net::Shutdown::Write)
}

fn count(mut answers: impl BufRead, flow: &Flow) -> Result<(), String> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if answers.read_until(b'\n', &mut line).map_err(|e| e.to_string())? == 0 {
            return Ok(());
        }
        if !line.starts_with(b"{\"stored\"") {
            return Err(format!("the agent answered {}", String::from_utf8_lossy(&line)));
        }
        flow.stored.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_size_that_was_asked_for() {
        let line: serde_json::Value = serde_json::from_str(&line("m1", 150)).expect("JSON");
        let bytes = line["tag"].to_string().len() + line["data"].to_string().len();
        assert_eq!((bytes, line["tag"].as_str()), (150, Some("bench/m1")));
    }
}
