//! A bench to try functions on: a simulated machine, and services that are simulated, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::Mutex;

use lab_proto::{Map, Timestamp, Value};

use crate::function::{
    ApplyOutcome, ApplyRequest, Cached, CallError, Control, FileEntry, JobCtx, Progress, Registry,
    ServiceError, Services, StateCall, Template, Verdict,
};
use crate::host::sim::SimHost;
use crate::redact::Secrets;
use crate::render::yaml;
use crate::run::{Answer, Work, perform};

/// A simulated machine with simulated services around it.
pub(crate) struct Bench {
    pub(crate) host: SimHost,
    pub(crate) registry: Registry,
    pub(crate) services: SimServices,
    control: SimControl,
    pub(crate) secrets: Secrets,
}

/// Simulated services of an agent.
pub(crate) struct SimServices {
    files: BTreeMap<String, Vec<u8>>,
    own_files: BTreeMap<(String, String), Vec<u8>>,
    grains: Arc<Value>,
    pillar: Arc<Value>,
    pub(crate) events: Mutex<Vec<(String, Value)>>,
    pub(crate) applied: Mutex<Vec<ApplyRequest>>,
    pub(crate) outcome: Option<ApplyOutcome>,
    cached: Mutex<BTreeSet<String>>,
}

struct SimControl;

impl Bench {
    pub(crate) fn new(host: SimHost) -> Self {
        let grains =
            Value::from([("id", "sim"), ("os", "Simulated"), ("os_family", "Simulated"), ("host", "sim")]);
        let pillar = Value::from([("example", Value::from([("key", "value")]))]);
        Self {
            host,
            registry: super::builtin(),
            services: SimServices {
                files: BTreeMap::new(),
                own_files: BTreeMap::new(),
                grains: Arc::new(grains),
                pillar: Arc::new(pillar),
                events: Mutex::default(),
                applied: Mutex::default(),
                outcome: Some(ApplyOutcome::default()),
                cached: Mutex::default(),
            },
            control: SimControl,
            secrets: Secrets::new(),
        }
    }

    pub(crate) fn with_state_file(mut self, path: &str, content: &str) -> Self {
        self.services.files.insert(path.to_owned(), content.as_bytes().to_vec());
        self
    }

    /// Puts a file into an environment of its own; those of [`Self::with_state_file`] are in all of them.
    pub(crate) fn with_state_file_in(mut self, env: &str, path: &str, content: &str) -> Self {
        self.services.own_files.insert((env.to_owned(), path.to_owned()), content.as_bytes().to_vec());
        self
    }

    pub(crate) fn with_pillar(mut self, pillar: Value) -> Self {
        self.services.pillar = Arc::new(pillar);
        self
    }

    pub(crate) fn with_ctx<T>(&self, f: impl FnOnce(&JobCtx<'_>) -> T) -> T {
        f(&JobCtx {
            host: &self.host,
            control: &self.control,
            services: &self.services,
            registry: &self.registry,
            secrets: &self.secrets,
        })
    }

    /// Reads the states of an SLS without templates or requisites.
    pub(crate) fn calls(&self, sls: &str, test: bool) -> Vec<StateCall> {
        const ENGINE: [&str; 6] = ["require", "require_in", "watch", "onchanges", "creates", "unless"];
        let tree = yaml::parse(sls).unwrap().to_value();
        let mut calls = Vec::new();
        for (id, body) in tree.as_map().unwrap() {
            for (function, args) in body.as_map().unwrap() {
                let mut all = Map::new();
                for arg in args.as_list().unwrap_or_default() {
                    all.extend(arg.as_map().unwrap().clone());
                }
                let waiting = all.get("require_in").and_then(Value::as_list).unwrap_or_default();
                let awaited_by = waiting.iter().filter_map(|w| Some(w.get("file")?.to_string())).collect();
                all.retain(|k, _| !ENGINE.contains(&k.as_str().unwrap()));
                let name = all.shift_remove("name").unwrap_or_else(|| id.clone());
                let mut call = StateCall::new(function.to_string(), name.to_string(), all);
                call.id = id.to_string();
                call.awaited_by = awaited_by;
                call.test = test;
                calls.push(call);
            }
        }
        calls
    }

    pub(crate) fn call(&self, sls: &str, test: bool) -> StateCall {
        self.calls(sls, test).pop().unwrap()
    }

    /// Applies an SLS of one state.
    pub(crate) fn run(&self, sls: &str) -> Verdict {
        self.apply(&self.call(sls, false))
    }

    /// Tries an SLS of one state dry.
    pub(crate) fn dry(&self, sls: &str) -> Verdict {
        self.apply(&self.call(sls, true))
    }

    pub(crate) fn apply(&self, call: &StateCall) -> Verdict {
        let function = self.registry.state(&call.function).unwrap();
        self.with_ctx(|ctx| match function.group() {
            Some(group) => group.run(std::slice::from_ref(call), ctx).remove(0),
            None => function.run(call, ctx),
        })
    }

    /// Does the work of an SLS of one state as a run does it.
    pub(crate) fn work(&self, sls: &str) -> Verdict {
        match self.with_ctx(|ctx| perform(&Work::Run(Box::new(self.call(sls, false))), ctx)) {
            Answer::Verdict(verdict) => *verdict,
            other => panic!("{other:?}"),
        }
    }

    /// Calls an execution function.
    pub(crate) fn exec(&self, name: &str, args: &[Value], kwargs: &Map) -> Result<Value, CallError> {
        let function = self.registry.exec(name).unwrap();
        self.with_ctx(|ctx| function.call(args, kwargs, ctx))
    }
}

impl Control for SimControl {
    fn cancelled(&self) -> bool {
        false
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_000_000_000_000_000)
    }

    fn progress(&self, _: Progress) {}
}

impl Services for SimServices {
    fn id(&self) -> &str {
        "sim"
    }

    fn grains(&self) -> Arc<Value> {
        Arc::clone(&self.grains)
    }

    fn pillar(&self) -> Arc<Value> {
        Arc::clone(&self.pillar)
    }

    fn opts(&self) -> Arc<Value> {
        Arc::new(Value::from([("id", "sim")]))
    }

    fn file(&self, path: &str, saltenv: &str) -> Result<Vec<u8>, ServiceError> {
        let missing = || ServiceError::missing(format!("simulation: no file {path}"));
        let own = self.own_files.get(&(saltenv.to_owned(), path.to_owned()));
        own.or_else(|| self.files.get(path)).cloned().ok_or_else(missing)
    }

    fn cache_file(&self, path: &str, saltenv: &str) -> Result<String, ServiceError> {
        self.file(path, saltenv)?;
        self.cached.lock().unwrap().insert(path.to_owned());
        Ok(format!("/var/cache/simulated/{path}"))
    }

    fn size(&self, path: &str, saltenv: &str) -> Result<Option<u64>, ServiceError> {
        Ok(Some(self.file(path, saltenv)?.len() as u64))
    }

    fn cached(&self, path: &str, saltenv: &str) -> Result<Cached, ServiceError> {
        self.file(path, saltenv)?;
        Ok(if self.cached.lock().unwrap().contains(path) { Cached::Yes } else { Cached::No })
    }

    fn uncache(&self, path: &str, _: &str) -> Result<bool, ServiceError> {
        Ok(self.cached.lock().unwrap().remove(path))
    }

    fn list(&self, folder: &str, _: &str) -> Result<Vec<FileEntry>, ServiceError> {
        let entry =
            |path: &String| FileEntry { path: path.clone(), directory: false, mode: 0o644, link: None };
        Ok(self.files.keys().filter(|p| p.starts_with(folder)).map(entry).collect())
    }

    fn render(&self, template: &Template<'_>) -> Result<String, ServiceError> {
        // Enough to see that context arrived: replaces {{ name }} by the variable's text.
        let with = |text: String, (key, value): (&Value, &Value)| {
            text.replace(&format!("{{{{ {key} }}}}"), &value.to_string())
        };
        Ok(template.context.iter().fold(template.text.to_owned(), with))
    }

    fn apply(&self, request: &ApplyRequest, _: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        self.applied.lock().unwrap().push(request.clone());
        self.outcome.clone().ok_or_else(|| ServiceError::new("simulation: does not compile"))
    }

    fn mine(&self, target: &str, function: &str, _: &str) -> Result<Value, ServiceError> {
        Ok(Value::from([(target, function)]))
    }

    fn send_event(&self, tag: &str, data: Value) -> Result<(), ServiceError> {
        self.events.lock().unwrap().push((tag.to_owned(), data));
        Ok(())
    }
}
