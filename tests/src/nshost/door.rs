//! Running commands in hosts and places, from outside.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::NsError;
use super::error::Doing;
use super::helper::EXIT_HELPER;
use super::lab::Shared;
use super::words::io_dir;

/// A command to run somewhere in a lab.
#[derive(Clone, Debug, Default)]
pub struct Cmd {
    argv: Vec<String>,
    env: Vec<String>,
    cwd: Option<PathBuf>,
    stdin: Vec<u8>,
}

impl Cmd {
    /// A command by program and arguments.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// A line for `sh -c`.
    #[must_use]
    pub fn sh(line: &str) -> Self {
        Self::new(["sh", "-c", line])
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push(format!("{name}={value}"));
        self
    }

    /// Sets the directory to start in.
    #[must_use]
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Gives the command this as its standard input (only with `exec` and `run`).
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    fn line(&self) -> String {
        self.argv.join(" ")
    }
}

impl<const N: usize> From<[&str; N]> for Cmd {
    fn from(argv: [&str; N]) -> Self {
        Self::new(argv)
    }
}

impl From<Vec<String>> for Cmd {
    fn from(argv: Vec<String>) -> Self {
        Self::new(argv)
    }
}

/// What a command did: as [`std::process::Output`], in text.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended; death by a signal is 128 + its number, as in a shell.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// The master's or an operator's place: a network namespace on the lab network over the machine's own files.
#[derive(Clone, Debug)]
pub struct Place {
    door: Door,
}

impl Place {
    pub(super) fn new(door: Door) -> Self {
        Self { door }
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When the place cannot be entered; a command that fails is an `Ok` with its status.
    pub fn exec(&self, command: impl Into<Cmd>) -> Result<Output, NsError> {
        self.door.exec(&command.into())
    }

    /// Runs a command that has to succeed, and returns its standard output.
    ///
    /// # Errors
    /// Also when the command fails; the error carries what it said.
    pub fn run(&self, command: impl Into<Cmd>) -> Result<String, NsError> {
        self.door.run(&command.into())
    }

    /// Starts a command whose output goes to the log `name` of this place.
    ///
    /// # Errors
    /// When the place cannot be entered.
    pub fn spawn(&self, name: &str, command: impl Into<Cmd>) -> Result<Running, NsError> {
        self.door.spawn(name, &command.into())
    }

    /// Returns the directory of this place's logs.
    #[must_use]
    pub fn log_dir(&self) -> PathBuf {
        self.door.log_dir()
    }

    /// Returns a [`Command`] to which arguments of the command line in this place are still to be added: for callers
    /// that bring their own pipes or terminal.
    #[must_use]
    pub fn command(&self) -> Command {
        self.door.command(&Cmd::default(), None)
    }
}

/// The way into one host or place.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) lab: Arc<Shared>,
    pub(super) name: String,
}

impl Door {
    pub(super) fn new(lab: &Arc<Shared>, name: &str) -> Self {
        Self { lab: Arc::clone(lab), name: name.to_owned() }
    }

    pub(super) fn log_dir(&self) -> PathBuf {
        io_dir(&self.lab.spec.dir, &self.name).join("log")
    }

    /// The command line of the helper that enters, with the command behind it.
    pub(super) fn command(&self, cmd: &Cmd, pid_file: Option<&Path>) -> Command {
        let spec = &self.lab.spec;
        let mut command = Command::new(&spec.helper);
        command.arg("enter").arg("--lab").arg(&spec.dir).args(["--place", &self.name]);
        for pair in &cmd.env {
            command.arg(format!("--env={pair}"));
        }
        if let Some(cwd) = &cmd.cwd {
            command.arg("--cwd").arg(cwd);
        }
        if let Some(path) = pid_file {
            command.arg("--pid-file").arg(path);
        }
        command.arg("--").args(&cmd.argv);
        command
    }

    pub(super) fn exec(&self, cmd: &Cmd) -> Result<Output, NsError> {
        let doing = || format!("run `{}` in {}", cmd.line(), self.name);
        let mut command = self.command(cmd, None);
        command.stdin(if cmd.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().doing(doing)?;
        let feeder = child.stdin.take().map(|mut stdin| {
            let bytes = cmd.stdin.clone();
            // A thread: a command may write before it has read all.
            std::thread::spawn(move || stdin.write_all(&bytes))
        });
        let output = child.wait_with_output().doing(doing)?;
        if let Some(feeder) = feeder {
            // A command that does not read all of its input is no error of ours.
            let _ = feeder.join();
        }
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(i32::from(EXIT_HELPER)) && stderr.starts_with("lab-nshost: ") {
            return Err(NsError::Lab(format!("cannot {}: {}", doing(), stderr.trim_end())));
        }
        Ok(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr,
        })
    }

    pub(super) fn run(&self, cmd: &Cmd) -> Result<String, NsError> {
        let output = self.exec(cmd)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(NsError::Command {
            place: self.name.clone(),
            command: cmd.line(),
            status: output.status.to_string(),
            said: output.stderr.trim_end().to_owned(),
        })
    }

    pub(super) fn spawn(&self, name: &str, cmd: &Cmd) -> Result<Running, NsError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let doing = || format!("start `{}` in {}", cmd.line(), self.name);
        let dir = self.log_dir();
        fs::create_dir_all(&dir).doing(doing)?;
        let log = dir.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log).doing(doing)?;
        let err = out.try_clone().doing(doing)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let pid_file = self.lab.spec.dir.join(format!("{}-{}-{number}.pid", self.name, std::process::id()));
        let mut command = self.command(cmd, Some(&pid_file));
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().doing(doing)?;
        let mut running = Running { child, pid: None, log };
        running.pid = Some(running.wait_for_pid(&pid_file).map_err(|why| {
            let said = fs::read_to_string(&running.log).unwrap_or_default();
            NsError::Lab(format!("cannot {}: {why}: {}", doing(), said.trim_end()))
        })?);
        let _ = fs::remove_file(&pid_file);
        Ok(running)
    }
}

/// A process started in a host or place. Dropping it kills the process.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pid: Option<Pid>,
    log: PathBuf,
}

impl Running {
    /// Returns the process's pid as the owner of the lab sees it.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.map_or(0, Pid::as_raw)
    }

    /// Returns the file that its output goes to.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Sends a signal to the process itself.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), NsError> {
        let Some(pid) = self.pid else { return Ok(()) };
        kill(pid, signal).doing(|| format!("send {signal} to process {pid}"))
    }

    /// Waits for the process to end.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn wait(&mut self) -> Result<ExitStatus, NsError> {
        self.child.wait().doing(|| "wait for a process".to_owned())
    }

    /// Returns how the process ended, if it has.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, NsError> {
        self.child.try_wait().doing(|| "wait for a process".to_owned())
    }

    /// Sends a signal and waits for the end.
    ///
    /// # Errors
    /// When the process was gone already or waiting fails.
    pub fn end(mut self, signal: Signal) -> Result<ExitStatus, NsError> {
        self.signal(signal)?;
        self.wait()
    }

    fn wait_for_pid(&mut self, file: &Path) -> Result<Pid, String> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let text = fs::read_to_string(file).unwrap_or_default();
            if let Some(Ok(pid)) = text.strip_suffix('\n').map(str::parse) {
                return Ok(Pid::from_raw(pid));
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(match status.signal() {
                    Some(signal) => format!("the helper was killed by signal {signal}"),
                    None => "the helper ended".to_owned(),
                });
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err("no pid after 20 s".to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.signal(Signal::SIGKILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
