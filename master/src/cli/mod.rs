//! The command line of lab-master: one file per command. Every command except `serve` and the local ones (`check`, `config`) is a client of the
//! operators' door, so it works the same from another machine.

mod arguments;
mod check;
mod config;
mod data;
mod doc;
mod event;
mod events;
mod follow;
mod interrupt;
mod job;
mod key;
mod minion;
mod net;
mod operator;
mod orchestrate;
mod output;
mod returns;
mod run;
mod runs;
mod schema;
mod serve;
mod show;
mod status;
mod token;
mod trees;
mod whole;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab_proto::Timestamp;

use crate::client::{Client, ClientError, Identity, IdentityError};

/// Exit codes beyond those of refusals; docs/operations.md has the table.
pub(crate) mod exit {
    pub(crate) const BUG: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const FAILED: u8 = 10;
    pub(crate) const TIMED_OUT: u8 = 11;
    pub(crate) const UNREACHABLE: u8 = 12;
    pub(crate) const DOES_NOT_COMPILE: u8 = 13;
    pub(crate) const INTERRUPTED: u8 = 15;
    pub(crate) const REFUSED: u8 = 17;
    pub(crate) const STORE_DAMAGED: u8 = 18;
    pub(crate) const LINTS: u8 = 19;
    pub(crate) const STORE_FAILED: u8 = 20;
    pub(crate) const MACHINE: u8 = 21;
}

/// Event-driven master for labs of several KVM hosts.
#[derive(Parser, Debug)]
#[command(name = "lab-master", version, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

// Where the master is and who asks.
#[derive(clap::Args, Debug)]
struct Global {
    /// The master, HOST or HOST:PORT
    #[arg(long, global = true, env = "LAB_MASTER", default_value = "localhost", value_name = "HOST[:PORT]")]
    master: String,
    /// The directory with operator.crt, operator.key and ca.crt
    #[arg(
        long,
        global = true,
        env = "LAB_IDENTITY",
        default_value = "/var/lib/lab/master/operator",
        value_name = "DIR"
    )]
    identity: PathBuf,
    /// Print JSON, one object per line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
// The options of one command are made, not of all: that was a third of the time of a start. They are made behind the texts below, so a
// doc comment of `Args`, or of what is flattened into them, would take the place of these.
#[command(defer = true)]
enum Command {
    /// Run the master
    Serve(serve::Args),
    /// Run an orchestration, follow it, resume it or replay it
    Orchestrate(orchestrate::Args),
    /// Orchestration runs: list, show, explain a step
    Runs(runs::Args),
    /// Run a function on minions
    Run(run::RunArgs),
    /// Apply states on minions; without an SLS the highstate
    Apply(run::ApplyArgs),
    /// Jobs: list, show, return, kill
    Job(job::Args),
    /// The event log: history and what happens now
    Events(events::Args),
    /// Send an event by hand
    Event(event::Args),
    /// Minion keys: list, show, accept, reject, delete, finger
    Key(key::Args),
    /// Join tokens: create, list, revoke
    Token(token::Args),
    /// Certificates for other operators
    Operator(operator::Args),
    /// Minions: list, show
    Minion(minion::Args),
    /// Network changes of hosts: pending, history, rollback
    Net(net::Args),
    /// Pillar of minions, rendered now
    Pillar(data::PillarArgs),
    /// Last known grains of minions
    Grains(data::Args),
    /// Mine values of minions
    Mine(data::Args),
    /// How the master is
    Status,
    /// Compile every SLS, top file, pillar and orchestration, and look for what is hardly meant. Nothing is executed.
    Check(check::Args),
    /// What functions there are and what they take: all, those of a module, or one.
    Doc(doc::Args),
    /// Print the JSON Schema of SLS files, for editors; or hold a pillar file to the lab's own schema.
    Schema(schema::Args),
    /// Show the states of minions as they render and compile there, without running them; without an SLS the highstate.
    Show(show::Args),
    /// The configuration that applies, and where each value comes from
    Config(config::Args),
}

/// What a command needs to do its work.
struct Context {
    client: Client,
    /// What it was made of, to make another.
    master: String,
    identity: Identity,
    json: bool,
    now: Timestamp,
}

/// How a command ends that did not do what it was for.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The client or the master says no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The connection broke while this command followed what goes on at the master.
    #[error("{error}; {hint}")]
    Left {
        /// How.
        error: ClientError,
        /// How to go on from there.
        hint: String,
    },
    /// The words of the command line make no sense.
    #[error("{0}")]
    Usage(String),
    /// A file on this side cannot be read or written.
    #[error("{0}")]
    Local(String),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The master does not start, or stopped by itself.
    #[error("{text}")]
    Serve {
        /// The exit code.
        code: u8,
        /// What, where, and the way out.
        text: String,
    },
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) | Self::Left { error, .. } => error.exit_code(),
            Self::Usage(_) => exit::USAGE,
            Self::Local(_) => exit::MACHINE,
            Self::Config(_) => exit::USAGE,
            Self::Serve { code, .. } => *code,
        }
    }
}

impl From<IdentityError> for Failure {
    fn from(e: IdentityError) -> Self {
        Self::Client(ClientError::Identity(e))
    }
}

type Outcome = Result<u8, Failure>;

impl Cli {
    /// Runs the command to its end and returns its exit code.
    pub fn run(self, now: Timestamp) -> ExitCode {
        let Self { global, command } = self;
        // A token whose secret is not read is revoked first.
        if !matches!(command, Command::Serve(_) | Command::Token(_)) {
            output::end_with_reader();
        }
        let result = match command {
            Command::Check(args) => check::run(&args, &global),
            Command::Doc(args) => doc::run(&args, global.json),
            Command::Schema(args) => schema::run(&args),
            Command::Config(args) => config::run(&args, global.json),
            Command::Serve(args) => serve::run(&args),
            remote => tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|e| Failure::Local(format!("cannot start the runtime: {e}")))
                .and_then(|runtime| runtime.block_on(run_remote(remote, &global, now))),
        };
        match result {
            Ok(code) => ExitCode::from(code),
            Err(failure) => {
                report(&failure);
                ExitCode::from(failure.exit_code())
            }
        }
    }
}

async fn run_remote(command: Command, global: &Global, now: Timestamp) -> Outcome {
    let identity = Identity::load(&global.identity)?;
    let client = Client::connect(&global.master, &identity).await?;
    let context = Context { client, master: global.master.clone(), identity, json: global.json, now };
    let result = dispatch(command, &context).await;
    context.client.close().await;
    result
}

async fn dispatch(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Orchestrate(args) => orchestrate::run(args, context).await,
        Command::Runs(args) => runs::run(args, context).await,
        Command::Run(args) => run::run(args, context).await,
        Command::Apply(args) => run::apply(args, context).await,
        Command::Job(args) => job::run(args, context).await,
        Command::Events(args) => events::run(args, context).await,
        Command::Event(args) => event::run(args, context).await,
        Command::Key(args) => key::run(args, context).await,
        Command::Token(args) => token::run(args, context).await,
        Command::Operator(args) => operator::run(args, context).await,
        Command::Minion(args) => minion::run(args, context).await,
        Command::Net(args) => net::run(args, context).await,
        Command::Pillar(args) => data::pillar(args, context).await,
        Command::Grains(args) => data::grains(args, context).await,
        Command::Mine(args) => data::mine(args, context).await,
        Command::Status => status::run(context).await,
        Command::Show(args) => show::run(args, context).await,
        Command::Check(_) | Command::Config(_) | Command::Doc(_) | Command::Schema(_) | Command::Serve(_) => {
            Err(Failure::Usage("this command works without a master".to_owned()))
        }
    }
}

/// Prints a failure once, as a chain from the thing to its cause.
fn report(failure: &Failure) {
    let mut text = failure.to_string();
    let mut source = std::error::Error::source(failure);
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    eprintln!("error: {text}");
}
