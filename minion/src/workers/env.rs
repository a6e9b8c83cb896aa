//! What all jobs of an agent share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use lab_proto::ids::JobId;
use lab_proto::v1::link::JobsUp;
use lab_proto::{Map, MinionId, Value};
use lab_states::function::Registry;
use lab_states::pillar::secret;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::content::Store;
use crate::emit::Emitter;
use crate::grains;
use crate::host::LinuxHost;
use crate::link::Queries;
use crate::netguard::Guard;

/// What a function asks of the agent itself.
#[derive(Debug)]
pub enum Request {
    /// End this job.
    Kill {
        /// The job.
        jid: JobId,
        /// Who asked.
        by: String,
    },
    /// Grains were read again: tell the master.
    GrainsChanged,
}

/// A live job, for `saltutil.running`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningJob {
    /// Its id.
    pub jid: JobId,
    /// Its function.
    pub fun: String,
    /// Its arguments.
    pub args: Vec<Value>,
    /// `running`, `queued: N before it`, `starting`.
    pub state: String,
    /// Who asked for it.
    pub user: String,
}

/// What all jobs share.
pub struct Env {
    /// The minion.
    pub id: MinionId,
    /// The agent's clock.
    pub clock: Clock,
    /// Makes events.
    pub emitter: Emitter,
    /// Asks the master.
    pub queries: Queries,
    /// Files of the master's state tree.
    pub content: Store,
    /// Where installed extensions live.
    pub extensions: PathBuf,
    /// Static and custom grains of this machine.
    pub config_dir: PathBuf,
    grains: RwLock<Arc<Value>>,
    opts: Arc<Value>,
    registry: RwLock<Arc<Registry>>,
    running: Mutex<Vec<RunningJob>>,
    output: mpsc::Sender<JobsUp>,
    requests: mpsc::Sender<Request>,
    guard: OnceLock<Arc<Guard>>,
    /// The secrets of the last pillar that rendered: files on this machine still hold them when the next does not. The master
    /// remembers them too, but not over its restart; neither end is started anew together with the other as a rule.
    last_secrets: Mutex<Vec<Value>>,
}

/// What an [`Env`] is made of.
pub struct Parts {
    /// The minion.
    pub id: MinionId,
    /// The agent's clock.
    pub clock: Clock,
    /// Makes events.
    pub emitter: Emitter,
    /// Asks the master.
    pub queries: Queries,
    /// Files of the master's state tree.
    pub content: Store,
    /// Where installed extensions live.
    pub extensions: PathBuf,
    /// Where the configuration lies.
    pub config_dir: PathBuf,
    /// The grains.
    pub grains: Value,
    /// `opts` in templates.
    pub opts: Value,
    /// Live output, to the link.
    pub output: mpsc::Sender<JobsUp>,
    /// To the shell.
    pub requests: mpsc::Sender<Request>,
}

impl Env {
    /// Puts an environment together; functions come with [`Self::set_registry`].
    pub fn new(parts: Parts) -> Self {
        let Parts {
            id,
            clock,
            emitter,
            queries,
            content,
            extensions,
            config_dir,
            grains,
            opts,
            output,
            requests,
        } = parts;
        Self {
            id,
            clock,
            emitter,
            queries,
            content,
            extensions,
            config_dir,
            grains: RwLock::new(Arc::new(grains)),
            opts: Arc::new(opts),
            registry: RwLock::new(Arc::new(Registry::new())),
            running: Mutex::new(Vec::new()),
            output,
            requests,
            guard: OnceLock::new(),
            last_secrets: Mutex::default(),
        }
    }

    /// Takes the secrets out of what the master sent with a pillar; when that did not render, those of the last one
    /// that did are among them.
    pub(super) fn known_secrets(&self, pillar: &mut Map) -> Vec<Value> {
        let mut secrets = secret::take(pillar);
        let mut last = self.last_secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if pillar.contains_key("_errors") {
            secrets.extend(last.iter().cloned());
        } else if !secrets.is_empty() {
            last.clone_from(&secrets);
        }
        secrets
    }

    /// Takes the guard of network changes, which needs parts of this environment itself.
    pub fn set_guard(&self, guard: Arc<Guard>) {
        // The first one stays.
        let _ = self.guard.set(guard);
    }

    /// Returns the guard of network changes.
    pub fn guard(&self) -> Option<&Arc<Guard>> {
        self.guard.get()
    }

    /// Returns the grains as they were last read.
    pub fn grains(&self) -> Arc<Value> {
        self.grains.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the grains again; tells whether they changed. Blocks.
    pub fn read_grains(&self) -> bool {
        let fresh = read_grains(&self.id, &self.config_dir);
        let mut grains = self.grains.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **grains != fresh;
        if changed {
            *grains = Arc::new(fresh);
        }
        changed
    }

    /// Returns `opts`.
    pub fn opts(&self) -> Arc<Value> {
        self.opts.clone()
    }

    /// Returns all functions.
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the functions, for jobs that start from now on.
    pub fn set_registry(&self, registry: Registry) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }

    /// Returns the live jobs.
    pub fn running(&self) -> Vec<RunningJob> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the live jobs from the agent.
    pub fn set_running(&self, jobs: Vec<RunningJob>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = jobs;
    }

    /// Shows watchers something; dropped when the link is busy.
    pub fn tell(&self, frame: JobsUp) {
        let _ = self.output.try_send(frame);
    }

    /// Asks something of the agent from a worker thread.
    pub fn request(&self, request: Request) {
        // The shell outlives its workers; when it does not, nothing is left to ask.
        let _ = self.requests.blocking_send(request);
    }
}

/// Reads the grains of this machine and those that its configuration adds. Blocks; not on the runtime's thread.
pub fn read_grains(id: &MinionId, config_dir: &Path) -> Value {
    let machine = grains::of_machine(id.as_str(), &LinuxHost::new());
    match grains::with_file(machine.clone(), &config_dir.join("grains")) {
        Ok(all) => all.as_map().map_or(machine, |all| grains::shallow(all.clone())),
        Err(e) => {
            tracing::warn!(error = %crate::chain(&e), "this site's own grains are left out");
            machine
        }
    }
}
