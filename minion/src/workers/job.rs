//! One running job: everything that its function is given, in one place.
//!
//! [`Job`] is the control and the services of its [`JobCtx`] at the same time, because a template that calls a
//! function, and a state that applies others, need the whole of it again.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lab_proto::ids::JobId;
use lab_proto::{Digest, Map, Timestamp, Value};
use lab_states::function::{JobCtx, Registry, ServiceError, Services};
use lab_states::redact::Secrets;

use super::control::Pieces;
use super::{Assignment, Cancel, Env};
use crate::content::Tree;
use crate::host::LinuxHost;

/// One running job.
pub struct Job {
    pub(super) env: Arc<Env>,
    pub(super) jid: JobId,
    pub(super) deadline: Option<Timestamp>,
    pub(super) cancel: Cancel,
    pub(super) host: LinuxHost,
    pub(super) secrets: Secrets,
    pub(super) pieces: Pieces,
    registry: Arc<Registry>,
    pillar: Mutex<Arc<Value>>,
    tree: Option<Digest>,
    opened: Mutex<Option<Arc<Tree>>>,
    retcode: AtomicI64,
}

impl Job {
    /// Prepares a job. It has a door to the machine of its own, so that a reboot that it asks for is its own too.
    pub fn new(env: Arc<Env>, assignment: Assignment) -> Self {
        let Assignment { job, mut pillar, deadline, cancel } = assignment;
        let secrets = Secrets::new();
        env.known_secrets(&mut pillar).iter().for_each(|s| secrets.register_value(s));
        Self {
            registry: env.registry(),
            env,
            jid: job.jid,
            deadline,
            cancel,
            host: LinuxHost::new(),
            secrets,
            pieces: Pieces::default(),
            pillar: Mutex::new(Arc::new(Value::Map(pillar))),
            tree: job.tree,
            opened: Mutex::new(None),
            retcode: AtomicI64::new(0),
        }
    }

    /// Returns what functions are given.
    pub fn ctx(&self) -> JobCtx<'_> {
        self.ctx_with(self)
    }

    /// Returns the same with other services.
    pub(super) fn ctx_with<'a>(&'a self, services: &'a dyn Services) -> JobCtx<'a> {
        JobCtx { host: &self.host, control: self, services, registry: &self.registry, secrets: &self.secrets }
    }

    /// Returns the exit status that the functions noted.
    pub fn retcode(&self) -> i64 {
        self.retcode.load(Ordering::Relaxed)
    }

    pub(super) fn note_retcode(&self, retcode: i64) {
        self.retcode.store(retcode, Ordering::Relaxed);
    }

    pub(super) fn current_pillar(&self) -> Arc<Value> {
        self.pillar.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace_pillar(&self, pillar: Value) {
        let mut pillar = pillar.as_map().cloned().unwrap_or_default();
        self.env.known_secrets(&mut pillar).iter().for_each(|s| self.secrets.register_value(s));
        let pillar = Value::Map(pillar);
        *self.pillar.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(pillar);
    }

    /// Returns the job's state tree.
    ///
    /// # Errors
    /// When the job has none, or it cannot be fetched.
    pub(super) fn tree(&self) -> Result<Arc<Tree>, ServiceError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = &*opened {
            return Ok(tree.clone());
        }
        let digest = self.tree.ok_or_else(|| ServiceError::missing("this job came without a state tree"))?;
        let tree = Tree::open(&self.env.content, digest).map_err(|e| ServiceError::new(crate::chain(&e)))?;
        Ok(opened.insert(Arc::new(tree)).clone())
    }
}

/// Lays pillar over pillar, key by key, as `pillar=` does.
pub(super) fn laid_over(below: &Value, above: &Map) -> Value {
    let mut all = below.as_map().cloned().unwrap_or_default();
    all.extend(above.clone());
    Value::Map(all)
}
