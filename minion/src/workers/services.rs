//! What the agent offers to functions besides the machine: grains, pillar, files, templates, runs, mine, events.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lab_proto::v1::link::{Query, QueryReply};
use lab_proto::{Digest, EventTag, JobSpec, Map, Target, Value};
use lab_states::function::{ApplyOutcome, ApplyRequest, FileEntry, JobCtx, ServiceError, Services, Template};

use lab_states::run::Refresh;

use super::{Env, Request};
use crate::content::Tree;
use crate::link::known;

/// The services of one job.
pub struct JobServices {
    env: Arc<Env>,
    pillar: Mutex<Arc<Value>>,
    tree: Option<Digest>,
    opened: Mutex<Option<Arc<Tree>>>,
    retcode: AtomicI64,
}

impl JobServices {
    /// Makes the services of a job with its pillar.
    pub fn new(env: Arc<Env>, job: &JobSpec, pillar: Map) -> Self {
        let pillar = Mutex::new(Arc::new(Value::Map(pillar)));
        Self { env, pillar, tree: job.tree, opened: Mutex::new(None), retcode: AtomicI64::new(0) }
    }

    /// Returns the job's state tree.
    ///
    /// # Errors
    /// When the job has none, or it cannot be fetched.
    pub fn tree(&self) -> Result<Arc<Tree>, ServiceError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = &*opened {
            return Ok(tree.clone());
        }
        let digest = self.tree.ok_or_else(|| ServiceError::missing("this job came without a state tree"))?;
        let tree = Tree::open(&self.env.content, digest).map_err(|e| ServiceError::new(crate::chain(&e)))?;
        Ok(opened.insert(Arc::new(tree)).clone())
    }

    /// Returns the exit status that the functions noted.
    pub fn retcode(&self) -> i64 {
        self.retcode.load(Ordering::Relaxed)
    }

    fn ask(&self, query: Query) -> Result<QueryReply, ServiceError> {
        let reply = self.env.queries.ask(query).and_then(known);
        reply.map_err(|e| ServiceError::new(crate::chain(&e)))
    }
}

impl Services for JobServices {
    fn id(&self) -> &str {
        self.env.id.as_str()
    }

    fn grains(&self) -> Arc<Value> {
        self.env.grains()
    }

    fn pillar(&self) -> Arc<Value> {
        self.pillar.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn opts(&self) -> Arc<Value> {
        self.env.opts()
    }

    fn file(&self, path: &str, _saltenv: &str) -> Result<Vec<u8>, ServiceError> {
        self.tree()?.file(path)
    }

    fn list(&self, folder: &str, _saltenv: &str) -> Result<Vec<FileEntry>, ServiceError> {
        Ok(self.tree()?.below(folder))
    }

    fn render(&self, template: &Template<'_>) -> Result<String, ServiceError> {
        Err(ServiceError::new(format!("{} cannot be rendered by this version", template.name)))
    }

    fn apply(&self, _request: &ApplyRequest, _ctx: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        Err(ServiceError::new("states cannot be applied by this version"))
    }

    fn mine(&self, target: &str, function: &str, target_kind: &str) -> Result<Value, ServiceError> {
        let kind = target_kind
            .parse()
            .map_err(|e: lab_proto::job::UnknownTargetKind| ServiceError::new(e.to_string()))?;
        let target = Target::new(kind, target);
        match self.ask(Query::MineGet { target, function: function.to_owned() })? {
            QueryReply::Value(value) => Ok(value),
            other => Err(ServiceError::new(format!("the master answered a mine question with {other:?}"))),
        }
    }

    fn send_event(&self, tag: &str, data: Value) -> Result<(), ServiceError> {
        let tag = EventTag::new(tag).map_err(|e| ServiceError::new(e.to_string()))?;
        let sent = self.env.emitter.emit_blocking(tag, data);
        sent.map(drop).map_err(|e| ServiceError::new(crate::chain(&e)))
    }

    fn set_retcode(&self, retcode: i64) {
        self.retcode.store(retcode, Ordering::Relaxed);
    }

    fn refresh(&self, what: Refresh) -> Result<(), ServiceError> {
        let Refresh { grains, pillar, modules } = what;
        if grains {
            self.env.set_grains(crate::serve::grains(&self.env.id));
            self.env.request(Request::GrainsChanged);
        }
        if modules {
            self.env.set_registry(crate::functions::registry(&self.env));
        }
        if pillar {
            match self.ask(Query::Pillar { overrides: Map::new() })? {
                QueryReply::Value(value) => {
                    *self.pillar.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
                }
                other => {
                    return Err(ServiceError::new(format!(
                        "the master answered a pillar question with {other:?}"
                    )));
                }
            }
        }
        Ok(())
    }
}
