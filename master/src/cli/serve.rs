//! `serve`: the daemon.

use std::path::PathBuf;
use std::sync::Arc;

use lab_proto::LogId;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

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
    let (config, _) = config::load(args.config.as_deref(), &args.set)?;
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(&args.log))
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Local(format!("cannot start the runtime: {e}")))?;
    runtime.block_on(serve(config, args.accept_loss))
}

async fn serve(config: Config, accept_loss: bool) -> Outcome {
    let failed = |code, text| Failure::Serve { code, text };
    let local = |e: std::io::Error| Failure::Local(e.to_string());
    let store = open(&config, accept_loss)?;
    let mut stop = Stop::listen().map_err(local)?;
    let mut server = Server::start(config, store).await.map_err(|e| {
        let code = match &e {
            StartError::Listen { .. } => exit::REFUSED,
            _ => exit::BUG,
        };
        failed(code, format!("the master does not start: {}", chain(&e)))
    })?;
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
    crate::pki::make_data_dir(&config.data_dir).map_err(|e| failed(exit::REFUSED, chain(&e)))?;
    let store = SledStore::open(&config.data_dir.join("store"), options)
        .map_err(|e| failed(code_of(&e), chain(&e)))?;
    Ok(Arc::new(store))
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
