//! A real `lab-master serve` on the loopback, in a directory of its own, and its command line.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::echo::BoxError;

/// How long a master may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running master. Dropping it ends it and removes its directory.
pub struct Master {
    child: Child,
    dir: tempfile::TempDir,
    binary: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Master {
    /// Starts a master with extra settings (`key=value`).
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(binary: &Path, settings: &[&str]) -> Result<Self, BoxError> {
        let dir = tempfile::Builder::new().prefix("lab-bench-").tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port(UdpSocket::bind)?));
        let config = dir.path().join("master.toml");
        std::fs::write(&config, "")?;
        for sub in ["states", "pillar"] {
            std::fs::create_dir(dir.path().join(sub))?;
        }
        let child = serve(binary, dir.path(), address, settings)?;
        let mut master = Self { child, dir, binary: binary.to_owned(), address };
        master.wait_until_up()?;
        Ok(master)
    }

    /// Ends it as a service manager does, and starts it again over the same data with other settings.
    ///
    /// # Errors
    /// When it does not end or does not come up.
    pub fn restart(&mut self, settings: &[&str]) -> Result<(), BoxError> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        self.child.wait()?;
        self.child = serve(&self.binary, self.dir.path(), self.address, settings)?;
        self.wait_until_up()
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns its CA's certificate.
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join("data/operator/ca.crt")
    }

    /// Returns the root of its state tree.
    pub fn states(&self) -> PathBuf {
        self.dir.path().join("states")
    }

    /// Returns its data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Returns a command of its command line.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(&self.binary);
        c.args(["--master", &self.address.to_string(), "--identity"])
            .arg(self.dir.path().join("data/operator"));
        c.args(args);
        c
    }

    /// Asks for its status.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn status(&self) -> Result<serde_json::Value, BoxError> {
        Ok(serde_json::from_str(&self.cli(&["--json", "status"])?)?)
    }

    /// Runs a command of its command line.
    ///
    /// # Errors
    /// When it fails.
    pub fn cli(&self, args: &[&str]) -> Result<String, BoxError> {
        let Output { status, stdout, stderr } = self.command(args).output()?;
        if !status.success() {
            return Err(format!("{args:?} ended with {status}: {}", String::from_utf8_lossy(&stderr)).into());
        }
        Ok(String::from_utf8(stdout)?)
    }

    fn wait_until_up(&mut self) -> Result<(), BoxError> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.dir.path().join("log"))?;
                return Err(format!("lab-master ended with {status}: {log}").into());
            }
            if self.ca().exists() && self.cli(&["status"]).is_ok() {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.dir.path().join("log"))?;
                return Err(format!("lab-master did not come up within {PATIENCE:?}: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Finds a free port below those that the system gives to clients, so that it stays free while its server restarts.
///
/// # Errors
/// When there is none.
pub fn free_port<T>(bind: impl Fn(SocketAddr) -> std::io::Result<T>) -> Result<u16, BoxError> {
    // Runs side by side begin at different places.
    let first = 20_000 + u16::try_from(std::process::id() % 10_000)?;
    let free = (first..first + 2_000).find(|port| bind(([127, 0, 0, 1], *port).into()).is_ok());
    free.ok_or_else(|| "no port is free".into())
}

/// Starts `lab-master serve` in a directory.
fn serve(binary: &Path, dir: &Path, address: SocketAddr, settings: &[&str]) -> Result<Child, BoxError> {
    let mut command = Command::new(binary);
    command.arg("serve").arg("--config").arg(dir.join("master.toml"));
    let place = |sub: &str| dir.join(sub).display().to_string();
    let own = [
        format!("listen=\"{address}\""),
        format!("data_dir=\"{}\"", place("data")),
        format!("file_roots=[{:?}]", place("states")),
        format!("pillar_roots=[{:?}]", place("pillar")),
    ];
    for setting in own.iter().map(String::as_str).chain(settings.iter().copied()) {
        command.args(["--set", setting]);
    }
    let log = std::fs::File::create(dir.join("log"))?;
    Ok(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}

impl Drop for Master {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
