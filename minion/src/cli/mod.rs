//! The command line: one file per subcommand. Data goes to standard output, talk to standard error.

mod apply;
mod call;
mod enrol;
mod event;
mod finger;
mod grains;
mod interrupt;
mod net;
mod report;
mod serve;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{CONFIG_DIR, Config, ConfigError};

/// Exit codes, the same as `lab-master`'s.
pub mod exit {
    /// Wrong options or configuration.
    pub const USAGE: u8 = 2;
    /// A state or a function failed.
    pub const STATE_FAILED: u8 = 10;
    /// Nobody answers.
    pub const UNREACHABLE: u8 = 12;
    /// The states do not compile.
    pub const COMPILE: u8 = 13;
    /// No common protocol version.
    pub const VERSIONS: u8 = 14;
    /// A signal ended the work.
    pub const INTERRUPTED: u8 = 15;
    /// Refused.
    pub const REFUSED: u8 = 17;
    /// Something that was stored is damaged.
    pub const DAMAGED: u8 = 18;
    /// A file, a directory or standard output of this machine cannot be read or written.
    pub const MACHINE: u8 = 21;
    /// A bug.
    pub const FAILED: u8 = 1;
}

/// The agent of a lab: runs jobs for its master, applies states to this machine.
#[derive(Debug, Parser)]
#[command(name = "lab-minion", version, about, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
// The options of one command are made, not of all: that was a third of the time of a start. They are made behind the texts below, so a
// doc comment of `Args`, or of what is flattened into them, would take the place of these.
#[command(defer = true)]
enum Command {
    /// Applies states to this machine: those named, or the highstate of the tree's top file.
    Apply(apply::Args),
    /// Calls an execution function on this machine, such as `lab-minion call --local test.echo hello`.
    Call(call::Args),
    /// Shows states as they render and compile for this machine, without running them; the highstate when no SLS is named.
    Show(show::Args),
    /// Runs the agent until it is told to end. Enrols first when this machine has no certificate yet.
    Serve(serve::Args),
    /// Asks a master to let this machine in, and waits until it does.
    Enrol(enrol::Args),
    /// Sends events through the running agent.
    Event(event::Args),
    /// Prints the id and the fingerprint of this machine's key and, once an enrolment met it, that of the master's CA.
    Finger(finger::Args),
    /// Prints the grains of this machine.
    Grains(grains::Args),
    /// Watches a network change and takes it back at its deadline. Started by the agent.
    NetRollback(net::RollbackArgs),
    /// Puts network configuration back that a change left half written when the machine went down. Run at boot, before
    /// anything configures the network; does nothing when there is nothing to do.
    NetRestore(net::RestoreArgs),
}

impl Cli {
    /// Carries the command out; errors are printed here, once, with everything that caused them.
    pub fn run(self) -> ExitCode {
        if matches!(self.command, Command::Apply(_) | Command::Call(_) | Command::Show(_)) {
            crate::memory::take_in_large_pieces();
        }
        let done = match self.command {
            Command::Apply(args) => args.run(),
            Command::Call(args) => args.run(),
            Command::Show(args) => args.run(),
            Command::Serve(args) => args.run(),
            Command::Enrol(args) => args.run(),
            Command::Event(args) => args.run(),
            Command::Finger(args) => args.run(),
            Command::Grains(args) => args.run(),
            Command::NetRollback(args) => args.run(),
            Command::NetRestore(args) => args.run(),
        };
        match done {
            Ok(code) => whole(code),
            Err(Failure { error, code }) => {
                eprintln!("lab-minion: {}", crate::chain(error.as_ref()));
                ExitCode::from(code)
            }
        }
    }
}

/// Returns the code of a command that did its work, unless its report did not get through.
fn whole(code: ExitCode) -> ExitCode {
    match report::unprinted() {
        Some(why) => {
            eprintln!(
                "lab-minion: cannot write to standard output: {why}; what is there is not the whole report"
            );
            if code == ExitCode::SUCCESS { ExitCode::from(exit::MACHINE) } else { code }
        }
        None => code,
    }
}

/// What a subcommand failed with.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Box<dyn std::error::Error>,
    code: u8,
}

impl Failure {
    pub(crate) fn new(error: impl std::error::Error + 'static, code: u8) -> Self {
        // What the system says is trouble of this machine and no bug of ours.
        let code = if code == exit::FAILED && is_of_system(&error) { exit::MACHINE } else { code };
        Self { error: Box::new(error), code }
    }
}

/// Tells whether the system's own error is what an error comes from.
fn is_of_system(error: &(dyn std::error::Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |e| e.source());
    let mut of_io = chain.filter_map(|e| e.downcast_ref::<std::io::Error>());
    of_io.any(|e| e.raw_os_error().is_some())
}

impl From<ConfigError> for Failure {
    fn from(e: ConfigError) -> Self {
        Self::new(e, exit::USAGE)
    }
}

pub(crate) type Done = Result<ExitCode, Failure>;

// Where things are and who the master is: options that several subcommands share. Global, so that they may stand before `send` too.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Common {
    /// Where minion.toml and the keys lie.
    #[arg(long, global = true, value_name = "DIR", default_value = CONFIG_DIR)]
    pub(crate) config_dir: PathBuf,
    /// Where outbox, journal and cache live, in place of the configured place.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where the agent's socket is, in place of the configured place.
    #[arg(long, global = true, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// The minion's name, in place of the configured one.
    #[arg(long, global = true, value_name = "ID")]
    id: Option<String>,
    /// The master, in place of the configured ones; may be given several times.
    #[arg(long, global = true, value_name = "HOST[:PORT]")]
    master: Vec<String>,
}

impl Common {
    /// Loads the configuration and lays the options over it.
    pub(crate) fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::load(&self.config_dir)?;
        if let Some(dir) = &self.data_dir {
            config.data_dir.clone_from(dir);
        }
        if let Some(dir) = &self.run_dir {
            config.run_dir.clone_from(dir);
        }
        if let Some(id) = &self.id {
            config.id.clone_from(id);
        }
        if !self.master.is_empty() {
            config.master.clone_from(&self.master);
        }
        // What is started from here has another working directory.
        for dir in [&mut config.data_dir, &mut config.run_dir] {
            *dir = std::path::absolute(&*dir).unwrap_or_else(|_| dir.clone());
        }
        Ok(config)
    }
}

/// Looks whether the trees are there that a command was given.
pub(crate) fn trees(states: &[PathBuf], pillar: Option<&PathBuf>) -> Result<(), Failure> {
    let mut named = states.iter().map(|dir| ("--states", dir)).chain(pillar.map(|dir| ("--pillar", dir)));
    match named.find(|(_, dir)| !dir.is_dir()) {
        None => Ok(()),
        Some((option, dir)) => {
            let text = format!("{option} {}: there is no such directory", dir.display());
            Err(Failure::new(std::io::Error::other(text), exit::USAGE))
        }
    }
}

/// Makes the small runtime that all subcommands with a network use: one thread drives everything.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .map_err(|e| Failure::new(e, exit::FAILED))
}

/// Sends the log to standard error, as much of it as `RUST_LOG` wants.
pub(crate) fn log(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // The journal has times of its own.
    let set = if under_systemd {
        log.without_time().with_ansi(false).try_init()
    } else {
        log.with_ansi(false).try_init()
    };
    drop(set);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_is_no_bug() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot open /x/lock")]
        struct Open(#[source] std::io::Error);

        let denied = || Open(std::io::Error::from_raw_os_error(13));
        assert_eq!(Failure::new(denied(), exit::FAILED).code, exit::MACHINE);
        assert_eq!(Failure::new(denied(), exit::REFUSED).code, exit::REFUSED);
        let ours = std::io::Error::other("a thread panicked");
        assert_eq!(Failure::new(ours, exit::FAILED).code, exit::FAILED);
    }
}
