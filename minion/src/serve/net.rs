//! The agent's network guard: put together, and told what an earlier agent left.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::{EventTag, MinionId, Value};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::config::Config;
use crate::emit::Emitter;
use crate::host::LinuxHost;
use crate::link::LinkCommand;
use crate::netguard::journal::Places;
use crate::netguard::probe::Prober;
use crate::netguard::{self, Guard, Setup, Verdict, Voice};
use crate::workers::Env;

/// Takes back what an earlier agent left in the middle, before anything else needs the network.
pub(super) async fn recover(config: &Config, boot_id: String) -> Vec<Verdict> {
    let places = Places::new(&config.run_dir, &config.data_dir);
    let found =
        tokio::task::spawn_blocking(move || netguard::at_start(&LinuxHost::new(), &places, &boot_id)).await;
    match found {
        Ok(Ok(verdicts)) => verdicts,
        Ok(Err(e)) => {
            tracing::error!(error = %crate::chain(&e), "a network change that was left unfinished stays as it is");
            Vec::new()
        }
        Err(e) => {
            tracing::error!(error = %e, "a network change that was left unfinished stays as it is");
            Vec::new()
        }
    }
}

/// Starts guard and watch, and tells what was recovered.
pub(super) fn start(
    env: &Arc<Env>,
    config: &Config,
    config_dir: &Path,
    (commands, clock): (mpsc::Sender<LinkCommand>, Clock),
    verdicts: Vec<Verdict>,
) -> std::io::Result<()> {
    let (settled_tx, settled) = mpsc::channel(1);
    let voice = AgentVoice { emitter: env.emitter.clone(), commands, settled: settled_tx, clock };
    let prober = Prober::new(&config.master, config_dir);
    let guard = Arc::new(Guard::new(Setup {
        id: env.id.clone(),
        run_dir: config.run_dir.clone(),
        data_dir: config.data_dir.clone(),
        settings: config.net.clone(),
        prober: Some(prober.clone()),
        voice: Box::new(voice.clone()),
    }));
    env.set_guard(guard.clone());
    if !verdicts.is_empty() {
        let (id, places): (MinionId, Places) = (env.id.clone(), guard.places().clone());
        std::thread::Builder::new().name("net-report".to_owned()).spawn(move || {
            if let Err(e) = netguard::report(verdicts, &places, &id, Some(&prober), &voice) {
                tracing::error!(error = %crate::chain(&e), "what became of a network change is told again later");
            }
        })?;
    }
    crate::netwatch::start(env.clone(), guard, config.net.clone(), settled)
}

/// Speaks from worker threads.
#[derive(Clone)]
struct AgentVoice {
    emitter: Emitter,
    commands: mpsc::Sender<LinkCommand>,
    settled: mpsc::Sender<()>,
    /// The link's.
    clock: Clock,
}

impl Voice for AgentVoice {
    fn event(&self, tag: EventTag, data: Value) {
        if let Err(e) = self.emitter.emit_blocking(tag, data) {
            tracing::error!(error = %crate::chain(&e), "an event about a network change is lost");
        }
    }

    fn pending(&self, excuse: Option<Duration>) {
        let until = excuse.map(|excuse| self.clock.now() + excuse);
        // An agent that ends needs no excuse.
        let _ = self.commands.blocking_send(LinkCommand::ChangePending(until));
    }

    fn path_changed(&self) {
        let _ = self.commands.blocking_send(LinkCommand::PathChanged);
    }

    fn settled(&self) {
        // One wake-up that waits is enough.
        let _ = self.settled.try_send(());
    }
}
