//! Running programs.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;

use super::HostError;

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A program and its arguments, found on the `PATH` of the child; no shell is involved.
    Argv(Vec<String>),
    /// A script given to a shell with `-c`.
    Shell {
        /// The shell, `/bin/sh`.
        shell: String,
        /// The script.
        script: String,
    },
}

/// One command and its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What is run.
    pub program: Program,
    /// Where; the user's home, or `/`, when not given.
    pub cwd: Option<PathBuf>,
    /// Environment variables on top of the inherited ones; `None` removes one.
    pub env: IndexMap<String, Option<String>>,
    /// Whether nothing is inherited but `PATH`.
    pub clean_env: bool,
    /// The user that runs it; the process's own when not given.
    pub user: Option<String>,
    /// The group that runs it; the user's own when not given.
    pub group: Option<String>,
    /// The umask.
    pub umask: Option<u32>,
    /// What it reads; nothing (`/dev/null`) when not given.
    pub stdin: Option<Vec<u8>>,
    /// After how long its whole process group is killed.
    pub timeout: Option<Duration>,
    /// Whether it only looks and changes nothing, so that a check may run it in a dry run, too.
    pub looks_only: bool,
}

impl Command {
    /// Makes a command that a shell interprets.
    pub fn shell(script: impl Into<String>) -> Self {
        Self::of(Program::Shell { shell: "/bin/sh".to_owned(), script: script.into() })
    }

    /// Makes a command of a program and its arguments.
    pub fn argv<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self::of(Program::Argv(argv.into_iter().map(Into::into).collect()))
    }

    /// Makes a command of a program and its arguments that changes nothing.
    pub fn look<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self { looks_only: true, ..Self::argv(argv) }
    }

    fn of(program: Program) -> Self {
        Self {
            program,
            cwd: None,
            env: IndexMap::new(),
            clean_env: false,
            user: None,
            group: None,
            umask: None,
            stdin: None,
            timeout: None,
            looks_only: false,
        }
    }

    /// Returns the command as one line for people.
    pub fn line(&self) -> String {
        match &self.program {
            Program::Argv(argv) => argv.join(" "),
            Program::Shell { script, .. } => script.clone(),
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Code(i32),
    /// By this signal, not one of ours.
    Signal(i32),
    /// Killed because its time was up.
    TimedOut,
    /// Killed because the job was cancelled.
    Cancelled,
}

impl Exit {
    /// Tells whether the status is 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// Returns the status as a shell would: 128 + signal for a killed command, 124 for one out of time.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(c) => c,
            Self::Signal(s) => 128 + s,
            Self::TimedOut => 124,
            Self::Cancelled => 130,
        }
    }
}

/// What a command left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// Its process id; 0 in a simulation.
    pub pid: u32,
}

impl Output {
    /// Returns standard output as text, without trailing newlines.
    pub fn stdout_text(&self) -> String {
        text(&self.stdout)
    }

    /// Returns standard error as text, without trailing newlines.
    pub fn stderr_text(&self) -> String {
        text(&self.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned()
}

/// Which of a command's outputs some bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Looks over a running command's shoulder.
pub trait Observer: Send + Sync {
    /// Takes output as it comes.
    fn output(&self, _stream: Stream, _bytes: &[u8]) {}

    /// Tells whether the command should be killed.
    fn cancelled(&self) -> bool {
        false
    }

    /// Returns how long what is killed may take to end by itself before it is ended.
    fn grace(&self) -> Duration {
        KILL_GRACE
    }
}

/// How long a killed process group may take to end by itself, as a rule.
pub const KILL_GRACE: Duration = Duration::from_secs(2);

/// An observer that neither listens nor cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}

/// Programs.
pub trait Commands: Send + Sync {
    /// Runs a command to its end, in a process group of its own that is killed whole on timeout or cancel.
    ///
    /// # Errors
    /// When it could not be started; a command that ran and failed is an [`Output`].
    fn run(&self, command: &Command, observer: &dyn Observer) -> Result<Output, HostError>;

    /// Finds a program on the `PATH`.
    fn which(&self, program: &str) -> Option<PathBuf>;

    /// Waits, at most until the observer cancels; tells whether the whole time passed.
    fn sleep(&self, time: Duration, observer: &dyn Observer) -> bool;
}
