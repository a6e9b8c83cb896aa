//! What a function is given to work with: the machine, the job's control, and the services of the agent.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::{Map, StateReturn, Timestamp, Value};

use super::Registry;
use crate::compile::Exclude;
use crate::host::{Host, KILL_GRACE, Observer, Stream};
use crate::net::NetGuard;
use crate::redact::Secrets;
use crate::run::Refresh;

/// Everything that a running function may use.
#[derive(Clone, Copy)]
pub struct JobCtx<'a> {
    /// The machine.
    pub host: &'a dyn Host,
    /// The job: its clock, cancellation, deadline and progress.
    pub control: &'a dyn Control,
    /// Grains, pillar, content, rendering, mine, events, nested state runs.
    pub services: &'a dyn Services,
    /// All functions, for those that call others (`module.run`, `unless: [{fun: …}]`).
    pub registry: &'a Registry,
    /// Collects the secret values of this run, for redaction at the agent's exit.
    pub secrets: &'a Secrets,
}

impl JobCtx<'_> {
    /// Tells whether the function should stop.
    pub fn cancelled(&self) -> bool {
        self.control.cancelled() || self.remaining() == Some(Duration::ZERO)
    }

    /// Returns the time that is left, if the job has a deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.control.deadline().map(|d| d.since(self.control.now()))
    }

    /// Tells the watchers of the job something.
    pub fn say(&self, text: impl Into<String>) {
        self.control.progress(Progress::Message(text.into()));
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        self.control.now()
    }
}

/// Streams a command's output as progress, and stops the command when the job is cancelled.
impl Observer for JobCtx<'_> {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        self.control.progress(Progress::Output { stream, bytes: bytes.to_vec() });
    }

    fn cancelled(&self) -> bool {
        JobCtx::cancelled(self)
    }

    fn grace(&self) -> Duration {
        self.control.grace()
    }
}

/// The job as its functions see it.
pub trait Control: Send + Sync {
    /// Tells whether the job was killed.
    fn cancelled(&self) -> bool;

    /// Returns how long a command that is killed with the job may take to end by itself.
    fn grace(&self) -> Duration {
        KILL_GRACE
    }

    /// Returns when the job must be over.
    fn deadline(&self) -> Option<Timestamp>;

    /// Returns the time.
    fn now(&self) -> Timestamp;

    /// Tells whether anybody watches the job: what nobody reads need not be put into words.
    fn listens(&self) -> bool {
        true
    }

    /// Passes something on to the watchers of the job. May drop it, never blocks.
    fn progress(&self, what: Progress);
}

/// What the watchers of a job are told while it runs.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A sentence.
    Message(String),
    /// Output of a command.
    Output {
        /// Where it was written.
        stream: Stream,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A state of a run begins.
    StateStarted {
        /// Its place in the run, from 0.
        run_num: u32,
        /// The ID declaration.
        id: String,
        /// `module.function`.
        state: String,
        /// The name.
        name: String,
    },
    /// A state of a run is done.
    StateDone(Box<StateReturn>),
}

/// A file that the state tree holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its path below the root, without `salt://`.
    pub path: String,
    /// Whether it is a directory (listed only when empty).
    pub directory: bool,
    /// The permission bits that it has there.
    pub mode: u32,
    /// Where it points, for a symbolic link.
    pub link: Option<String>,
}

/// A text to be rendered as a managed file's template.
#[derive(Clone, Debug)]
pub struct Template<'a> {
    /// The text.
    pub text: &'a str,
    /// What it is called in errors: `salt://motd.j2`, or `contents of ID`.
    pub name: &'a str,
    /// Variables besides grains, pillar, salt and opts.
    pub context: &'a Map,
    /// The environment of the state.
    pub saltenv: &'a str,
}

/// A nested state run, as `salt.state` and `state.apply` ask for it.
#[derive(Clone, Debug, Default)]
pub struct ApplyRequest {
    /// Which SLS; none at all means the highstate.
    pub sls: Vec<String>,
    /// Whether nothing may be changed.
    pub test: bool,
    /// Pillar on top of the minion's own.
    pub pillar: Option<Map>,
    /// The environment.
    pub saltenv: Option<String>,
    /// What is left out, as the `exclude` of an SLS does.
    pub exclude: Vec<Exclude>,
}

impl ApplyRequest {
    /// Reads what is left out: a text with commas, or a list of SLS and of `{sls: …}` and `{id: …}`.
    ///
    /// # Errors
    /// With a sentence, when an entry is none of these.
    pub fn excludes(given: Option<&Value>) -> Result<Vec<Exclude>, String> {
        let one = |entry: &Value| match entry {
            Value::Map(map) if map.len() == 1 => match (map.get("id"), map.get("sls")) {
                (Some(id), _) => Ok(Exclude::Id(id.to_string())),
                (_, Some(sls)) => Ok(Exclude::Sls(sls.to_string())),
                _ => Err(format!("argument exclude: {entry} is neither {{sls: NAME}} nor {{id: NAME}}")),
            },
            Value::Str(text) => Ok(Exclude::Sls(text.to_string())),
            other => Err(format!("argument exclude: {other} is no name of an SLS")),
        };
        match given {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Str(text)) => {
                Ok(text.split(',').map(|sls| Exclude::Sls(sls.trim().to_owned())).collect())
            }
            Some(Value::List(items)) => items.iter().map(one).collect(),
            Some(single) => Ok(vec![one(single)?]),
        }
    }
}

/// What came of a nested state run that compiled.
#[derive(Clone, Debug, Default)]
pub struct ApplyOutcome {
    /// Its states.
    pub results: Vec<StateReturn>,
}

/// A service that could not answer: `cannot fetch salt://motd: …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ServiceError {
    /// What was tried and what was in the way.
    pub text: String,
    /// Whether the thing simply does not exist.
    pub missing: bool,
}

impl ServiceError {
    /// Makes an error.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), missing: false }
    }

    /// Makes the error that something does not exist.
    pub fn missing(text: impl Into<String>) -> Self {
        Self { text: text.into(), missing: true }
    }
}

/// Where a file of the state tree is, seen from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    /// At the master only.
    No,
    /// In the agent's cache.
    Yes,
    /// The tree itself is on this machine: there is nothing to fetch, and nothing to remove.
    InPlace,
}

/// What the agent offers to functions besides the machine.
pub trait Services: Send + Sync {
    /// Returns the minion's id.
    fn id(&self) -> &str;

    /// Returns the grains.
    fn grains(&self) -> Arc<Value>;

    /// Returns the pillar.
    fn pillar(&self) -> Arc<Value>;

    /// Returns the agent's configuration, `opts` in templates.
    fn opts(&self) -> Arc<Value>;

    /// Returns a file of the state tree; `path` is without `salt://`.
    ///
    /// # Errors
    /// When there is none, or it cannot be fetched.
    fn file(&self, path: &str, saltenv: &str) -> Result<Vec<u8>, ServiceError>;

    /// Puts a file of the state tree into the agent's cache, however large it is, and returns its path there.
    ///
    /// # Errors
    /// When there is none, it cannot be fetched, or there is no cache.
    fn cache_file(&self, path: &str, _saltenv: &str) -> Result<String, ServiceError> {
        Err(ServiceError::new(format!("there is no cache to put salt://{path} into")))
    }

    /// Returns how large a file of the state tree is, where that is known without fetching it.
    ///
    /// # Errors
    /// When there is no such file.
    fn size(&self, _path: &str, _saltenv: &str) -> Result<Option<u64>, ServiceError> {
        Ok(None)
    }

    /// Tells whether a file of the state tree lies in the agent's cache already.
    ///
    /// # Errors
    /// When there is no such file.
    fn cached(&self, path: &str, _saltenv: &str) -> Result<Cached, ServiceError> {
        Err(ServiceError::new(format!("there is no cache that could hold salt://{path}")))
    }

    /// Removes a file of the state tree from the agent's cache; tells whether it was there.
    ///
    /// # Errors
    /// When the cache cannot be written.
    fn uncache(&self, _path: &str, _saltenv: &str) -> Result<bool, ServiceError> {
        Ok(false)
    }

    /// Lists what the state tree holds below a folder, in order.
    ///
    /// # Errors
    /// When the tree cannot be listed.
    fn list(&self, folder: &str, saltenv: &str) -> Result<Vec<FileEntry>, ServiceError>;

    /// Renders a template.
    ///
    /// # Errors
    /// When it does not render; the text names place and remedy.
    fn render(&self, template: &Template<'_>) -> Result<String, ServiceError>;

    /// Renders and runs states.
    ///
    /// # Errors
    /// When they do not compile.
    fn apply(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError>;

    /// Renders and compiles states without running them; returns the ordered low chunks in Salt's shape.
    ///
    /// # Errors
    /// When they do not compile, or this door is not there.
    fn low_chunks(&self, _request: &ApplyRequest, _ctx: &JobCtx<'_>) -> Result<Vec<Value>, ServiceError> {
        Err(ServiceError::new("states cannot be shown here"))
    }

    /// Lists the SLS that the top file names for this minion.
    ///
    /// # Errors
    /// When there is no top file, it does not render, or this door is not there.
    fn top(&self, _request: &ApplyRequest, _ctx: &JobCtx<'_>) -> Result<Vec<String>, ServiceError> {
        Err(ServiceError::new("the top file cannot be shown here"))
    }

    /// Asks the mine: what `function` gave on the minions that `target` names.
    ///
    /// # Errors
    /// When there is no master to ask.
    fn mine(&self, target: &str, function: &str, target_kind: &str) -> Result<Value, ServiceError>;

    /// Sends an event to the master.
    ///
    /// # Errors
    /// When the tag is malformed, or not one that this minion may use.
    fn send_event(&self, tag: &str, data: Value) -> Result<(), ServiceError>;

    /// Sends the event that a state asked for with `fire_event`: `tag` is `true`, or the tag that was written.
    ///
    /// # Errors
    /// As [`Self::send_event`].
    fn emit_result(&self, tag: &Value, result: &StateReturn) -> Result<(), ServiceError> {
        let about = tag.as_str().unwrap_or(&result.name);
        let data = Value::from_serialize(result).map_err(|e| ServiceError::new(e.to_string()))?;
        self.send_event(&format!("salt/state_result/{}/{about}", self.id()), data)
    }

    /// Notes the exit status that the job ends with: a command that failed, although its function gave a value. The
    /// last one counts. Outside of a job of its own it means nothing.
    fn set_retcode(&self, _retcode: i64) {}

    /// Returns the address of this machine by which its master is reached, while there is a session.
    fn session_address(&self) -> Option<IpAddr> {
        None
    }

    /// Returns who carries network changes out so that they cannot cut the host off. Without one they are applied, read
    /// back, and undone on failure, and nobody asks whether the host can still be reached.
    fn net_guard(&self) -> Option<&dyn NetGuard> {
        None
    }

    /// Reads grains, pillar or extension functions again, so that the next states see them. An agent whose data
    /// cannot change during a run has nothing to do.
    ///
    /// # Errors
    /// When they cannot be read.
    fn refresh(&self, _what: Refresh) -> Result<(), ServiceError> {
        Ok(())
    }
}
