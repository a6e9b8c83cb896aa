//! A master by itself, on this machine's loopback: for tests of its doors and of its log, which need no hosts.

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab_proto::Event;

use crate::kubic::{KubicError, LIMIT, binaries, parse_line};
use crate::nshost::Output;

/// A real `lab-master serve` in a directory of its own, on a port that the system chose. Dropping it kills it.
#[derive(Debug)]
pub struct Alone {
    dir: tempfile::TempDir,
    lab_master: PathBuf,
    child: Option<Child>,
    address: SocketAddr,
    options: Vec<String>,
}

impl Alone {
    /// Starts a master; `settings` are lines for its configuration, `under` a program that it runs under.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(settings: &str, under: &[&str]) -> Result<Self, KubicError> {
        let dir = tempfile::tempdir().map_err(os("make a directory for a master"))?;
        let lab_master = binaries()?.join("lab-master");
        let root = |name: &str| dir.path().join(name).display().to_string();
        let config = format!(
            "listen = \"127.0.0.1:0\"\ndata_dir = \"{}\"\nfile_roots = [\"{}\"]\npillar_roots = [\"{}\"]\n{settings}",
            root("data"),
            root("states"),
            root("pillar")
        );
        for name in ["states", "pillar"] {
            std::fs::create_dir(dir.path().join(name)).map_err(os("make a directory for a master"))?;
        }
        std::fs::write(dir.path().join("master.toml"), config).map_err(os("write a configuration"))?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut alone = Self { dir, lab_master, child: None, address, options: Vec::new() };
        alone.serve(under)?;
        Ok(alone)
    }

    fn serve(&mut self, under: &[&str]) -> Result<(), KubicError> {
        let notify = self.path("notify");
        let socket = UnixDatagram::bind(&notify).map_err(os("listen for a master's readiness"))?;
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .map_err(os("listen for a master's readiness"))?;
        let log = std::fs::File::create(self.path("master.log")).map_err(os("write a master's log"))?;
        // It must not outlive the test, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).args(under).arg(&self.lab_master).arg("serve");
        command.arg("--config").arg(self.path("master.toml")).args(&self.options);
        command.env("NOTIFY_SOCKET", &notify).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().map_err(os("start a master"))?);
        let deadline = Instant::now() + LIMIT;
        let mut message = [0; 4096];
        while Instant::now() < deadline {
            let length = socket.recv(&mut message).unwrap_or(0);
            let text = String::from_utf8_lossy(&message[..length]).into_owned();
            let address = text.lines().find_map(|l| l.strip_prefix("STATUS=listening on "));
            if let Some(Ok(address)) = address.map(str::parse) {
                self.address = address;
                return Ok(());
            }
            let ended = self.child.as_mut().and_then(|c| c.try_wait().ok().flatten());
            if let Some(status) = ended {
                return Err(KubicError::Master(format!("{status}: {}", self.log())));
            }
        }
        Err(KubicError::Master(format!("not ready after {LIMIT:?}: {}", self.log())))
    }

    /// Kills it, as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Gone already is fine.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again over its data, at the address where it was; `options` are further ones of `serve`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self, options: &[&str]) -> Result<(), KubicError> {
        self.kill();
        self.options = options.iter().map(ToString::to_string).collect();
        self.options.push(format!("--set=listen={}", self.address));
        std::fs::remove_file(self.path("notify")).map_err(os("remove a master's socket"))?;
        self.serve(&[])
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a path in its directory: `data`, `states`, `pillar`, `master.log`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns the directory of the local operator's identity.
    #[must_use]
    pub fn operator(&self) -> PathBuf {
        self.path("data/operator")
    }

    /// Returns the pid of what was started: the master, or what it runs under.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Returns what it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("master.log")).unwrap_or_default()
    }

    /// Runs `lab-master` as the local operator.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn cli(&self, args: &[&str]) -> Result<Output, KubicError> {
        self.cli_as(&self.operator(), args)
    }

    /// Runs `lab-master` with another identity.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn cli_as(&self, identity: &Path, args: &[&str]) -> Result<Output, KubicError> {
        let mut command = Command::new(&self.lab_master);
        command.args(["--master", &self.address.to_string()]).arg("--identity").arg(identity).args(args);
        let output = command.stdin(Stdio::null()).output().map_err(os("run lab-master"))?;
        Ok(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs `lab-master` as the local operator; it has to succeed. Returns its standard output.
    ///
    /// # Errors
    /// Also when it fails.
    pub fn run(&self, args: &[&str]) -> Result<String, KubicError> {
        let output = self.cli(args)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let code = output.status.code().unwrap_or(-1);
        Err(KubicError::Command {
            command: format!("lab-master {}", args.join(" ")),
            code,
            said: output.stderr,
        })
    }

    /// Reads the log.
    ///
    /// # Errors
    /// When the master does not answer.
    ///
    /// # Panics
    /// When a line of `events --json` is no event.
    pub fn events(&self, tag: &str) -> Result<Vec<Event>, KubicError> {
        let lines = self.run(&["--json", "events", "--tag", tag])?;
        Ok(lines.lines().map(|l| parse_line(l).expect("`events --json` prints events")).collect())
    }

    /// Waits for the end of a master that was told to end.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn join(&mut self) -> Result<(), KubicError> {
        if let Some(mut child) = self.child.take() {
            child.wait().map_err(os("wait for a master"))?;
        }
        Ok(())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.kill();
    }
}

fn os(doing: &'static str) -> impl Fn(std::io::Error) -> KubicError {
    move |source| KubicError::Os { doing: doing.to_owned(), source }
}
