//! A job without a master: directories instead of the master's content, this machine's grains, nobody to send to.
//!
//! For `apply --local` and `call --local`.

mod dir_sources;
mod expecting;
pub mod stubs;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lab_proto::{Map, Timestamp, Value};
use lab_states::compile::CompileErrors;
use lab_states::function::{
    ApplyOutcome, ApplyRequest, Cached, Control, FileEntry, JobCtx, Progress, Registry, ServiceError,
    Services, Template,
};
use lab_states::net::NetGuard;
use lab_states::pillar::secret;
use lab_states::redact::Secrets;

pub use dir_sources::DirSources;

use self::expecting::Expecting;
use crate::apply;
use crate::clock::Clock;
use crate::host::LinuxHost;
use crate::netguard::Guard;

/// What a local job is made of.
#[derive(Clone, Default)]
pub struct Settings {
    /// The minion's id.
    pub id: String,
    /// The state trees; the first that has a file wins.
    pub states: Vec<PathBuf>,
    /// The pillar tree.
    pub pillar: Option<PathBuf>,
    /// Whether the first failure ends the run.
    pub failhard: bool,
    /// Who carries network changes out.
    pub guard: Option<Arc<Guard>>,
    /// Whether nobody hears what happens on the way: only the results count.
    pub quiet: bool,
    /// Whether nothing may be changed: `opts.test` in templates.
    pub test: bool,
    /// Set from outside when the run is to end: what runs is ended, what follows is not begun.
    pub stop: Arc<AtomicBool>,
}

/// A local job.
pub struct Local {
    settings: Settings,
    host: LinuxHost,
    registry: Registry,
    secrets: Arc<Secrets>,
    states: DirSources,
    grains: Arc<Value>,
    pillar: RwLock<Arc<Value>>,
    clock: Clock,
    progress: Mutex<Sender<Progress>>,
    /// Whether anything that ran heard that it is to stop.
    cut: AtomicBool,
}

impl Local {
    /// Prepares a job; `progress` is told what happens.
    pub fn new(settings: Settings, host: LinuxHost, grains: Value, progress: Sender<Progress>) -> Self {
        let states = DirSources::of(settings.states.clone());
        Self {
            states,
            host,
            registry: lab_states::functions::builtin(),
            secrets: Arc::new(Secrets::new()),
            grains: Arc::new(grains),
            pillar: RwLock::new(Arc::new(Value::map())),
            settings,
            clock: Clock::start(),
            progress: Mutex::new(progress),
            cut: AtomicBool::new(false),
        }
    }

    /// Tells whether anything was ended, or not begun, because the run is to end; a signal alone cuts nothing off.
    pub fn was_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Puts functions whose answers stand in a file in the place of those of lab; returns their names.
    ///
    /// # Errors
    /// When the file is no file of stubs.
    pub fn load_stubs(&mut self, path: &std::path::Path) -> Result<Vec<String>, stubs::StubError> {
        stubs::load(path, &mut self.registry)
    }

    /// Renders the pillar tree for this minion, if there is one.
    ///
    /// # Errors
    /// When it does not render or merge.
    pub fn load_pillar(&self) -> Result<(), CompileErrors> {
        if let Some(dir) = &self.settings.pillar {
            let pillar = apply::pillar(&DirSources::new(dir.clone()), &self.ctx())?;
            let mut pillar = pillar.as_map().cloned().unwrap_or_default();
            secret::take(&mut pillar).iter().for_each(|s| self.secrets.register_value(s));
            *self.pillar.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Value::Map(pillar));
        }
        Ok(())
    }

    /// Returns what functions are given.
    pub fn ctx(&self) -> JobCtx<'_> {
        JobCtx {
            host: &self.host,
            control: self,
            services: self,
            registry: &self.registry,
            secrets: &self.secrets,
        }
    }

    /// Returns a value without the pillar's secrets, for printing.
    pub fn hide(&self, value: &Value) -> Value {
        self.secrets.value(value)
    }

    /// Returns the collection that everything printed passes.
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    /// Returns a text without the pillar's secrets, for printing.
    pub fn hide_text(&self, text: &str) -> String {
        self.secrets.text(text)
    }

    /// Runs the states that are asked for, as the last thing that this process does. Tells also how many were left when it was
    /// stopped.
    ///
    /// # Errors
    /// When they do not compile; then nothing was run.
    pub fn run(&self, request: &ApplyRequest) -> Result<(ApplyOutcome, usize), CompileErrors> {
        self.load_pillar()?;
        let tree = Expecting::new(&self.states, &self.registry, || self.host.expect_network_plan());
        let (results, left) = apply::apply_at_last(&tree, request, self.settings.failhard, &self.ctx())?;
        let results = results.into_iter().map(|r| self.secrets.state_return(r)).collect();
        Ok((ApplyOutcome { results }, left))
    }
}

impl Control for Local {
    fn cancelled(&self) -> bool {
        let stop = self.settings.stop.load(Ordering::Relaxed);
        if stop {
            self.cut.store(true, Ordering::Relaxed);
        }
        stop
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn listens(&self) -> bool {
        !self.settings.quiet
    }

    fn progress(&self, what: Progress) {
        let what = match what {
            Progress::Message(text) => Progress::Message(self.secrets.text(&text)),
            Progress::StateDone(result) => Progress::StateDone(Box::new(self.secrets.state_return(*result))),
            Progress::StateStarted { run_num, id, state, name } => {
                let (id, name) = (self.secrets.text(&id), self.secrets.text(&name));
                Progress::StateStarted { run_num, id, state, name }
            }
            other => other,
        };
        // Nobody listening is nobody to tell.
        let _ = self.progress.lock().unwrap_or_else(PoisonError::into_inner).send(what);
    }
}

impl Services for Local {
    fn id(&self) -> &str {
        &self.settings.id
    }

    fn grains(&self) -> Arc<Value> {
        Arc::clone(&self.grains)
    }

    fn pillar(&self) -> Arc<Value> {
        Arc::clone(&self.pillar.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn net_guard(&self) -> Option<&dyn NetGuard> {
        self.settings.guard.as_deref().map(|g| g as &dyn NetGuard)
    }

    fn opts(&self) -> Arc<Value> {
        Arc::new(Value::from([
            ("id", Value::from(self.settings.id.as_str())),
            ("saltenv", Value::from("base")),
            ("pillarenv", Value::Null),
            ("test", Value::from(self.settings.test)),
            ("file_client", Value::from("local")),
            ("failhard", Value::from(self.settings.failhard)),
        ]))
    }

    fn file(&self, path: &str, saltenv: &str) -> Result<Vec<u8>, ServiceError> {
        use lab_states::render::Sources;
        known(path, saltenv)?;
        match self.states.read(path) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(not_in_tree(path)),
            Err(e) => Err(ServiceError::new(e.to_string())),
        }
    }

    fn cache_file(&self, path: &str, saltenv: &str) -> Result<String, ServiceError> {
        known(path, saltenv)?;
        // The tree is on this machine: there is nothing to fetch.
        let found = self.states.place(path);
        found.map(|full| full.display().to_string()).ok_or_else(|| not_in_tree(path))
    }

    fn size(&self, path: &str, saltenv: &str) -> Result<Option<u64>, ServiceError> {
        known(path, saltenv)?;
        self.states.size(path).map(Some).ok_or_else(|| not_in_tree(path))
    }

    fn cached(&self, path: &str, saltenv: &str) -> Result<Cached, ServiceError> {
        known(path, saltenv)?;
        let found = self.states.place(path).map(|_| Cached::InPlace);
        found.ok_or_else(|| not_in_tree(path))
    }

    fn list(&self, folder: &str, saltenv: &str) -> Result<Vec<FileEntry>, ServiceError> {
        // As in Salt, an environment that is not there lists nothing; asking it for a file is an error.
        Ok(if known(folder, saltenv).is_ok() { self.states.below(folder) } else { Vec::new() })
    }

    fn render(&self, template: &Template<'_>) -> Result<String, ServiceError> {
        apply::template(&self.states, template, &self.ctx())
    }

    fn low_chunks(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<Vec<Value>, ServiceError> {
        let chunks = apply::low_chunks(&self.states, request, ctx)
            .map_err(|e| ServiceError::new(format!("the states do not compile:\n{e}")))?;
        Ok(chunks.iter().map(lab_states::low::LowChunk::to_value).collect())
    }

    fn top(&self, _request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<Vec<String>, ServiceError> {
        apply::top_names(&self.states, ctx).map_err(|e| ServiceError::new(e.to_string()))
    }

    fn apply(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        let nested;
        let ctx = match &request.pillar {
            None => ctx,
            Some(above) => {
                nested = WithPillar { below: self, pillar: Arc::new(laid_over(&self.pillar(), above)) };
                &JobCtx { services: &nested, ..*ctx }
            }
        };
        let results = apply::apply(&self.states, request, self.settings.failhard, ctx)
            .map_err(|e| ServiceError::new(format!("the states do not compile:\n{e}")))?;
        Ok(ApplyOutcome { results })
    }

    fn mine(&self, _: &str, _: &str, _: &str) -> Result<Value, ServiceError> {
        // As in Salt: a tree that asks renders locally, too; that nobody answers is said.
        self.progress(Progress::Message(
            "nobody is in the mine: a local run has no master to ask".to_owned(),
        ));
        Ok(Value::map())
    }

    fn send_event(&self, tag: &str, _data: Value) -> Result<(), ServiceError> {
        // A tree that sends events applies locally, too; that nobody hears them is said.
        self.progress(Progress::Message(format!("event {tag} is not sent: a local run has no master")));
        Ok(())
    }
}

fn not_in_tree(path: &str) -> ServiceError {
    ServiceError::missing(format!("salt://{path} is not in the state tree"))
}

/// Refuses the files of an environment other than the one that a local run has.
fn known(path: &str, saltenv: &str) -> Result<(), ServiceError> {
    if matches!(saltenv, "" | "base") {
        return Ok(());
    }
    Err(ServiceError::missing(format!(
        "there is no salt://{path} in the environment {saltenv}: a local run has the environment base alone"
    )))
}

fn laid_over(pillar: &Value, above: &Map) -> Value {
    let mut all = pillar.as_map().cloned().unwrap_or_default();
    all.extend(above.clone());
    Value::Map(all)
}

/// The same services with another pillar, for a nested run.
struct WithPillar<'a> {
    below: &'a Local,
    pillar: Arc<Value>,
}

impl Services for WithPillar<'_> {
    fn id(&self) -> &str {
        self.below.id()
    }
    fn grains(&self) -> Arc<Value> {
        self.below.grains()
    }
    fn pillar(&self) -> Arc<Value> {
        Arc::clone(&self.pillar)
    }
    fn opts(&self) -> Arc<Value> {
        self.below.opts()
    }
    fn file(&self, path: &str, saltenv: &str) -> Result<Vec<u8>, ServiceError> {
        self.below.file(path, saltenv)
    }
    fn cache_file(&self, path: &str, saltenv: &str) -> Result<String, ServiceError> {
        self.below.cache_file(path, saltenv)
    }
    fn size(&self, path: &str, saltenv: &str) -> Result<Option<u64>, ServiceError> {
        self.below.size(path, saltenv)
    }
    fn cached(&self, path: &str, saltenv: &str) -> Result<Cached, ServiceError> {
        self.below.cached(path, saltenv)
    }
    fn list(&self, folder: &str, saltenv: &str) -> Result<Vec<FileEntry>, ServiceError> {
        self.below.list(folder, saltenv)
    }
    fn render(&self, template: &Template<'_>) -> Result<String, ServiceError> {
        let ctx = JobCtx { services: self, ..self.below.ctx() };
        apply::template(&self.below.states, template, &ctx)
    }
    fn apply(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        self.below.apply(request, ctx)
    }
    fn low_chunks(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<Vec<Value>, ServiceError> {
        self.below.low_chunks(request, ctx)
    }
    fn top(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<Vec<String>, ServiceError> {
        self.below.top(request, ctx)
    }
    fn mine(&self, target: &str, function: &str, kind: &str) -> Result<Value, ServiceError> {
        self.below.mine(target, function, kind)
    }
    fn send_event(&self, tag: &str, data: Value) -> Result<(), ServiceError> {
        self.below.send_event(tag, data)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use lab_proto::Map;

    use super::*;

    #[test]
    fn a_signal_cuts_off_what_hears_of_it_and_nothing_else() {
        let (sender, _unheard) = mpsc::channel();
        let settings = Settings { stop: Arc::new(AtomicBool::new(true)), ..Settings::default() };
        let local = Local::new(settings, LinuxHost::new(), Value::map(), sender);
        let call = |name: &str, args: &[Value]| {
            let ctx = local.ctx();
            ctx.registry.exec(name).expect("is there").call(args, &Map::new(), &ctx)
        };
        assert_eq!(call("test.echo", &["whole".into()]).expect("ends"), Value::from("whole"));
        assert!(!local.was_cut());
        let _ = call("cmd.run", &["exec sleep 1000".into()]);
        assert!(local.was_cut());
    }
}
