//! The execution functions as templates call them in a check: those that need no machine answer, a call that would touch
//! one is not made; it answers with nothing (the empty text), which is noted.

use std::cell::RefCell;
use std::sync::Arc;

use lab_proto::{Map, Timestamp, Value};

use crate::function::{
    ApplyOutcome, ApplyRequest, Control, FileEntry, JobCtx, Progress, Registry, ServiceError, Services,
    Template,
};
use crate::host::nowhere::Nowhere;
use crate::redact::Secrets;
use crate::render::{self, RenderFunctions};

/// What functions are given in a check.
pub(super) struct Functions<'a> {
    registry: &'a Registry,
    services: Known,
    host: Nowhere,
    secrets: Secrets,
    /// The functions that were not called, since the last [`Self::take_unknown`].
    unknown: RefCell<Vec<String>>,
}

/// Data of a minion, and no agent.
struct Known {
    id: String,
    grains: Arc<Value>,
    pillar: Arc<Value>,
    opts: Arc<Value>,
    asked: std::sync::atomic::AtomicBool,
}

impl<'a> Functions<'a> {
    pub(super) fn new(
        registry: &'a Registry,
        id: &str,
        grains: &Value,
        pillar: &Value,
        opts: &Value,
    ) -> Self {
        let services = Known {
            id: id.to_owned(),
            grains: Arc::new(grains.clone()),
            pillar: Arc::new(pillar.clone()),
            opts: Arc::new(opts.clone()),
            asked: false.into(),
        };
        Self {
            registry,
            services,
            host: Nowhere::default(),
            secrets: Secrets::new(),
            unknown: RefCell::default(),
        }
    }

    /// Returns the functions that were answered with nothing since the last call.
    pub(super) fn take_unknown(&self) -> Vec<String> {
        std::mem::take(&mut self.unknown.borrow_mut())
    }

    fn nothing(&self, name: &str) -> Value {
        let mut unknown = self.unknown.borrow_mut();
        if !unknown.iter().any(|n| n == name) {
            unknown.push(name.to_owned());
        }
        Value::from("")
    }
}

impl RenderFunctions for Functions<'_> {
    fn call(&self, name: &str, args: &[Value], kwargs: &Map) -> Result<Value, render::CallError> {
        let refused = |message: String| render::CallError { refused: true, message };
        let function = self.registry.exec(name).map_err(|e| refused(e.to_string()))?;
        if self.registry.is_extension(name) || changes_something(name) {
            return Ok(self.nothing(name));
        }
        let ctx = JobCtx {
            host: &self.host,
            control: &Still,
            services: &self.services,
            registry: self.registry,
            secrets: &self.secrets,
        };
        let answer = function.call(args, kwargs, &ctx);
        let asked = self.services.asked.swap(false, std::sync::atomic::Ordering::Relaxed);
        if self.host.was_asked() || asked {
            return Ok(self.nothing(name));
        }
        answer.map_err(|e| refused(e.to_string()))
    }

    fn knows(&self, name: &str) -> bool {
        self.registry.exec(name).is_ok()
    }

    fn has_module(&self, module: &str) -> bool {
        self.registry.has_exec_module(module)
    }

    fn names(&self) -> Vec<String> {
        self.registry.execs().map(|f| f.name().to_owned()).collect()
    }
}

/// Tells whether a function acts beyond the machine or takes time, so that it is not even tried.
fn changes_something(name: &str) -> bool {
    ["event.", "state.", "saltutil.", "mine.", "test.sleep", "status.", "system."]
        .iter()
        .any(|p| name.starts_with(p))
}

struct Still;

impl Control for Still {
    fn cancelled(&self) -> bool {
        false
    }
    fn deadline(&self) -> Option<Timestamp> {
        None
    }
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
    fn progress(&self, _: Progress) {}
}

impl Known {
    fn no<T>(&self) -> Result<T, ServiceError> {
        self.asked.store(true, std::sync::atomic::Ordering::Relaxed);
        Err(ServiceError::new("there is no agent in a check"))
    }
}

impl Services for Known {
    fn id(&self) -> &str {
        &self.id
    }
    fn grains(&self) -> Arc<Value> {
        self.grains.clone()
    }
    fn pillar(&self) -> Arc<Value> {
        self.pillar.clone()
    }
    fn opts(&self) -> Arc<Value> {
        self.opts.clone()
    }
    fn file(&self, _: &str, _: &str) -> Result<Vec<u8>, ServiceError> {
        self.no()
    }
    fn list(&self, _: &str, _: &str) -> Result<Vec<FileEntry>, ServiceError> {
        self.no()
    }
    fn render(&self, _: &Template<'_>) -> Result<String, ServiceError> {
        self.no()
    }
    fn apply(&self, _: &ApplyRequest, _: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        self.no()
    }
    fn mine(&self, _: &str, _: &str, _: &str) -> Result<Value, ServiceError> {
        self.no()
    }
    fn send_event(&self, _: &str, _: Value) -> Result<(), ServiceError> {
        self.no()
    }
}
