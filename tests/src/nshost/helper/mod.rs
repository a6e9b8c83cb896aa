//! The processes of a lab: everything that `lab-nshost` does, one file per role.
//!
//! Each role starts as a fresh, single-threaded process, because `unshare` and `setns` of user and pid namespaces
//! ask for that and because nothing between fork and exec is then needed.

mod boot;
mod enter;
mod init;
mod keeper;
mod machine;
mod network;
mod places;
mod rootfs;
mod shadow;
mod switch;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::{Args, Parser, Subcommand};
use nix::sys::signal::SigSet;

use super::error::{Doing, chain};
use super::{Lab, NsError, labs_here, requirements, smoke};

/// Exit code when the helper itself failed, as `docker exec` and `env` use it.
pub(super) const EXIT_HELPER: u8 = 125;

#[derive(Parser)]
#[command(name = "lab-nshost", about = "Namespaced test hosts: makes, enters and checks throw-away labs")]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Say what this machine lacks for namespaced hosts
    Check,
    /// Start a lab of two hosts, exercise it, take it down
    Smoke,
    /// List what there is of labs on this machine; exit code 1 if anything
    List,
    /// Start a lab of N hosts and hold it until standard input ends or this process does
    Up {
        /// How many hosts
        #[arg(long, default_value_t = 2)]
        hosts: u8,
        /// Directory of binaries to show in the hosts at /opt/lab/bin
        #[arg(long)]
        binaries: Option<PathBuf>,
    },
    /// Run a command in a host or place of a running lab
    Enter(EnterArgs),
    #[command(hide = true)]
    Keep { dir: PathBuf },
    #[command(hide = true)]
    Switch { dir: PathBuf },
    #[command(hide = true)]
    Place { dir: PathBuf, name: String },
    #[command(hide = true)]
    Boot { plan: PathBuf },
    #[command(hide = true)]
    Init { plan: PathBuf },
    #[command(hide = true)]
    Probe,
    #[command(hide = true)]
    ProbeProc,
    #[command(hide = true)]
    InNet {
        pid: i32,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    #[command(hide = true)]
    Become {
        #[arg(long)]
        session: bool,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

#[derive(Args)]
struct EnterArgs {
    /// The lab's directory
    #[arg(long)]
    lab: PathBuf,
    /// Host, `master` or `outside`
    #[arg(long)]
    place: String,
    /// Write the command's pid (as this process sees it) here
    #[arg(long, hide = true)]
    pid_file: Option<PathBuf>,
    /// Directory to start in
    #[arg(long)]
    cwd: Option<PathBuf>,
    /// NAME=VALUE to add to the environment
    #[arg(long = "env")]
    env: Vec<String>,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Runs `lab-nshost`, or, under the names `reboot`, `poweroff`, `halt` and `shutdown` inside a host, those commands.
pub fn main() -> ExitCode {
    // Roles block the signals that they wait for, and a child inherits what is blocked.
    let unblocked = SigSet::empty().thread_set_mask();
    if let Err(error) = unblocked.doing(|| "unblock signals".to_owned()) {
        return report(Err(error));
    }
    let mut arguments = std::env::args_os();
    let called = arguments.next().map(PathBuf::from);
    let name = called.as_deref().and_then(Path::file_name);
    if let Some(how) = name.and_then(|name| init::GoDown::by_name(name, arguments)) {
        return report(init::ask_to_go_down(how).map(|()| ExitCode::SUCCESS));
    }
    report(match Cli::parse().role {
        Role::Check => check(),
        Role::Smoke => run_smoke(),
        Role::List => list(),
        Role::Up { hosts, binaries } => up(hosts, binaries),
        Role::Enter(args) => enter::enter(&args),
        Role::Keep { dir } => keeper::keep(&dir),
        Role::Switch { dir } => switch::switch(&dir),
        Role::Place { dir, name } => places::hold(&dir, &name),
        Role::Boot { plan } => boot::boot(&plan),
        Role::Init { plan } => init::init(&plan),
        Role::Probe => keeper::probe(),
        Role::ProbeProc => keeper::probe_proc(),
        Role::InNet { pid, command } => enter::in_net(pid, &command),
        Role::Become { session, command } => enter::become_command(session, &command),
    })
}

fn report(result: Result<ExitCode, NsError>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("lab-nshost: {}", chain(&error));
        ExitCode::from(EXIT_HELPER)
    })
}

fn check() -> Result<ExitCode, NsError> {
    let missing = requirements(&this_binary()?);
    for requirement in &missing {
        say(&requirement.to_string())?;
    }
    Ok(if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list() -> Result<ExitCode, NsError> {
    let found = labs_here();
    for line in &found {
        say(line)?;
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_smoke() -> Result<ExitCode, NsError> {
    for line in smoke(Lab::builder().helper(this_binary()?))? {
        say(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the lab's traces as one JSON line, then how to enter it.
fn up(hosts: u8, binaries: Option<PathBuf>) -> Result<ExitCode, NsError> {
    let mut builder = Lab::builder().helper(this_binary()?);
    if let Some(binaries) = binaries {
        builder = builder.binaries(binaries);
    }
    for n in 1..=hosts.min(99) {
        builder = builder.host(super::HostSpec::new(
            &format!("host{n}"),
            &format!("52:54:00:4c:00:{n:02x}"),
            [10, 77, 0, 10 + n],
        ));
    }
    let lab = builder.start()?;
    let traces = serde_json::to_string(&lab.traces()?).map_err(std::io::Error::from);
    say(&traces.doing(|| "describe the lab".to_owned())?)?;
    eprint!("{}", lab.how_to_enter());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())
        .doing(|| "wait for standard input".to_owned())?;
    Ok(ExitCode::SUCCESS)
}

/// Writes one line to standard output: data, or the handshake between two roles.
fn say(line: &str) -> Result<(), NsError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).doing(|| "write to standard output".to_owned())
}

fn this_binary() -> Result<PathBuf, NsError> {
    std::env::current_exe().doing(|| "find this binary".to_owned())
}

/// Runs a command of the machine to its end and turns its failure into an error that carries what it said.
fn tool(command: &mut Command) -> Result<(), NsError> {
    let line = |command: &Command| {
        let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
        words.iter().map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ")
    };
    let output = command.stdin(Stdio::null()).output().doing(|| format!("run {}", line(command)))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(NsError::Tool { command: line(command), said })
}
