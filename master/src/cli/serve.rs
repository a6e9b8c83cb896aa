//! `serve`: the daemon.

use std::path::PathBuf;
use std::sync::Arc;

use lab_proto::LogId;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::{Failure, Outcome, exit};
use crate::config::{self, Config};
use crate::server::{Server, StartError, Stopped, chain};
use crate::store::sled_log::{OpenOptions, SledStore};
use crate::store::{Store, StoreError};

#[derive(clap::Args, Debug)]
#[command(after_help = "Example: lab-master serve --set listen=0.0.0.0:4510 --set data_dir=/srv/lab/master")]
pub(super) struct Args {
    /// The configuration file [default: /etc/lab/master.toml if it exists]
    #[arg(long, value_name = "FILE", env = "LAB_MASTER_CONFIG")]
    config: Option<PathBuf>,
    /// Overrides one setting: --set link.heartbeat=1s
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Starts though acknowledged events are missing: the damaged log is moved aside and a new one begins
    #[arg(long)]
    accept_loss: bool,
    /// What is logged to stderr: error, warn, info, debug, trace, or a filter like lab_master=debug
    #[arg(long, value_name = "FILTER", env = "LAB_LOG", default_value = "info")]
    log: String,
}

pub(super) fn run(args: &Args) -> Outcome {
    let filter = filter(&args.log).map_err(Failure::Usage)?;
    let (config, _) = config::load(args.config.as_deref(), &args.set)?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Local(format!("cannot start the runtime: {e}")))?;
    runtime.block_on(serve(config, args.accept_loss))
}

/// Reads what is to be logged. A word without `=` that is no level is refused: it would name a module, of which there is hardly one
/// of that name, and silence all others.
fn filter(text: &str) -> Result<EnvFilter, String> {
    let bad = |why: String| {
        format!(
            "--log or LAB_LOG {text:?} is no filter: {why}; give a level (off, error, warn, info, debug, trace) or levels of \
             modules, like warn,lab_master=debug"
        )
    };
    let plain = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty() && !part.contains(['=', '[', ']', '{', '}']));
    for word in plain {
        if word.parse::<LevelFilter>().is_err() {
            return Err(bad(format!("{word:?} is no level")));
        }
    }
    EnvFilter::try_new(text).map_err(|e| bad(e.to_string()))
}

async fn serve(config: Config, accept_loss: bool) -> Outcome {
    let failed = |code, text| Failure::Serve { code, text };
    let local = |e: std::io::Error| Failure::Local(e.to_string());
    let store = open(&config, accept_loss)?;
    let mut stop = Stop::listen().map_err(local)?;
    let mut server = Server::start(config, store)
        .await
        .map_err(|e| failed(code_of_start(&e), format!("the master does not start: {}", chain(&e))))?;
    let address = server.address().map_err(local)?;
    let status = format!("listening on {address}");
    notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(&status)]);
    info!(%address, ca = %server.ca_fingerprint(), "ready");
    // systemd restarts a master whose runtime does not turn any more.
    let watchdog = sd_notify::watchdog_enabled().map(|every| every / 2);
    let failure = loop {
        let beat = tokio::time::sleep(watchdog.unwrap_or(std::time::Duration::from_secs(3600)));
        tokio::select! {
            why = server.failure() => break Some(why),
            () = stop.asked() => break None,
            () = beat => if watchdog.is_some() { notify(&[sd_notify::NotifyState::Watchdog]) },
        }
    };
    notify(&[sd_notify::NotifyState::Stopping]);
    if let Some(why) = failure {
        error!(%why, "stopping");
        server.shut_down().await;
        let code = match why {
            Stopped::Store(_) => exit::STORE_FAILED,
            Stopped::Core => exit::BUG,
        };
        return Err(failed(code, why.to_string()));
    }
    info!("stopping: asked to");
    server.shut_down().await;
    Ok(0)
}

fn open(config: &Config, accept_loss: bool) -> Result<Arc<dyn Store>, Failure> {
    let failed = |code, text| Failure::Serve { code, text };
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|e| failed(exit::BUG, format!("the system gives no randomness: {e}")))?;
    let mut options = OpenOptions::new(LogId::from_u128(u128::from_be_bytes(id)));
    options.accept_loss = accept_loss;
    options.segment_bytes = config.events.segment_size;
    crate::pki::make_data_dir(&config.data_dir)
        .map_err(|e| Failure::Local(format!("{}; data_dir names the directory", chain(&e))))?;
    let store = SledStore::open(&config.data_dir.join("store"), options)
        .map_err(|e| failed(code_of(&e), chain(&e)))?;
    Ok(Arc::new(store))
}

/// Returns the code of a master that does not start.
fn code_of_start(error: &StartError) -> u8 {
    match error {
        StartError::Listen { .. } | StartError::Pki(_) | StartError::Thread(_) => exit::MACHINE,
        StartError::Write(_) => exit::STORE_FAILED,
        _ => exit::BUG,
    }
}

/// Returns the code of a store that does not open. Only damage is for a person: whatever else the disk says may be over at
/// the next try.
fn code_of(error: &StoreError) -> u8 {
    match error {
        StoreError::Damaged(_) => exit::STORE_DAMAGED,
        StoreError::Locked { .. } => exit::REFUSED,
        StoreError::Io { .. } | StoreError::Engine { .. } | StoreError::Failed { .. } => exit::STORE_FAILED,
        _ => exit::BUG,
    }
}

struct Stop {
    term: Signal,
    int: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {},
            _ = self.int.recv() => {},
        }
    }
}

fn notify(states: &[sd_notify::NotifyState<'_>]) {
    // Not under systemd is no error.
    let _ = sd_notify::notify(states);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Damage;

    #[test]
    fn a_filter_that_would_silence_everything_is_refused_with_an_example() {
        for good in ["info", "WARN", "warn,lab_master=debug", "lab_master[link]=trace", ""] {
            filter(good).expect(good);
        }
        for bad in ["nonsense", "lab_master=blah", "info,verbose", "lab_master[=debug"] {
            let why = filter(bad).expect_err(bad);
            assert!(why.contains(bad) && why.contains("like warn,lab_master=debug"), "{why}");
        }
    }

    #[test]
    fn a_master_that_its_machine_does_not_let_start_says_so_by_its_code() {
        let source = std::io::Error::from_raw_os_error(98);
        let in_use = StartError::Listen { address: ([127, 0, 0, 1], 1).into(), source };
        assert_eq!(code_of_start(&in_use), exit::MACHINE);
        let dir = tempfile::tempdir().expect("tempdir");
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("is written");
        let (mut config, _) = config::load(Some(&file), &[]).expect("the defaults");
        config.data_dir = file;
        let refused = open(&config, false).err().expect("a file is no directory");
        assert_eq!(refused.exit_code(), exit::MACHINE, "{refused}");
    }

    #[test]
    fn only_damage_keeps_the_master_from_being_started_again() {
        let unit = include_str!("../../../packaging/lab-master.service");
        let prevented =
            unit.lines().find_map(|l| l.strip_prefix("RestartPreventExitStatus=")).expect("is set");
        let restarted = |code: u8| !prevented.split(' ').any(|c| c == code.to_string());
        let full = std::io::Error::from_raw_os_error(28);
        let full = StoreError::Io { doing: "write", path: "/x".into(), source: full };
        assert!(restarted(code_of(&full)), "a disk may have room again");
        assert!(restarted(code_of(&StoreError::Failed { reason: "as told".into() })));
        let damage = Damage { path: "/x".into(), reason: "cut".into(), loss: crate::store::Loss::Keys };
        assert!(!restarted(code_of(&damage.into())));
    }
}
