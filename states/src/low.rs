//! Low chunks: what is left of a high state once includes, extends, names and requisites are worked out. One
//! chunk is one call of one state function; the list is in the order of the run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::{Map, Text, Value};

use crate::function::StateCall;

/// Where something was written; lines and columns count from 1, 0 means unknown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct At {
    /// The file below the roots.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl At {
    /// Names a place.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self { file: file.into(), line, column }
    }
}

impl Default for At {
    fn default() -> Self {
        Self::new("", 0, 0)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.file.is_empty() { "?" } else { &self.file })?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// Tells where the parts of chunks were written, for messages.
pub trait Places {
    /// Returns the place of the function's name.
    fn function(&self, chunk: &LowChunk) -> At;

    /// Returns the place of an argument's name; that of the function when the argument was not written out.
    fn argument(&self, chunk: &LowChunk, name: &str) -> At;

    /// Returns the place of an argument's value.
    fn value(&self, chunk: &LowChunk, name: &str) -> At;

    /// Returns the place of one entry of a requisite.
    fn reference(&self, chunk: &LowChunk, requisite: Requisite, reference: &Reference) -> At;

    /// Returns a line of a source.
    fn line(&self, at: &At) -> Option<String>;
}

/// What one state asks of others before it runs.
///
/// The order is that in which Salt looks at them, and so that in which required states are pulled forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Requisite {
    /// All of them must hold.
    Require,
    /// One of them must hold.
    RequireAny,
    /// All must hold; a change in one fires this state's watch action.
    Watch,
    /// One must hold; a change in one fires this state's watch action.
    WatchAny,
    /// This state runs only if one of them is about to change, and before it does.
    Prereq,
    /// This state runs only if one of them failed.
    Onfail,
    /// As `Onfail`.
    OnfailAny,
    /// This state runs only if all of them failed.
    OnfailAll,
    /// All must hold, and one must have changed.
    Onchanges,
    /// One must have changed; others may fail.
    OnchangesAny,
    /// The other end of `Prereq`: this state waits for those that have it as their prereq.
    Prerequired,
}

impl Requisite {
    /// All of them, in Salt's order.
    pub const ALL: [Self; 11] = [
        Self::Require,
        Self::RequireAny,
        Self::Watch,
        Self::WatchAny,
        Self::Prereq,
        Self::Onfail,
        Self::OnfailAny,
        Self::OnfailAll,
        Self::Onchanges,
        Self::OnchangesAny,
        Self::Prerequired,
    ];

    /// Returns the word as it is written in an SLS.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::RequireAny => "require_any",
            Self::Watch => "watch",
            Self::WatchAny => "watch_any",
            Self::Prereq => "prereq",
            Self::Onfail => "onfail",
            Self::OnfailAny => "onfail_any",
            Self::OnfailAll => "onfail_all",
            Self::Onchanges => "onchanges",
            Self::OnchangesAny => "onchanges_any",
            Self::Prerequired => "prerequired",
        }
    }

    /// Finds a requisite by its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == word)
    }
}

/// One entry of a requisite list: `file: /etc/motd`, `sls: net`, or a bare ID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The state module, `sls`, or `id` for a bare ID.
    pub kind: Text,
    /// ID, name or SLS; shell wildcards allowed.
    pub value: Text,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.value)
    }
}

/// How often and how a state is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The result that ends it.
    pub until: bool,
    /// The total number of tries.
    pub attempts: u64,
    /// The pause between two tries.
    pub interval: Duration,
    /// The most that is added to the pause at random.
    pub splay: Duration,
}

/// What the engine itself does about a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether its failure ends the run; the run's own setting when not given.
    pub failhard: Option<bool>,
    /// Whether later states need not wait for it.
    pub parallel: bool,
    /// How it is tried again.
    pub retry: Option<Retry>,
    /// Commands or functions that must be true.
    pub onlyif: Option<Box<Value>>,
    /// Commands or functions that must be false.
    pub unless: Option<Box<Value>>,
    /// Paths that make it unnecessary.
    pub creates: Option<Box<Value>>,
    /// Commands that decide on the result afterwards.
    pub check_cmd: Option<Box<Value>>,
    /// The event that is sent with its result: `true`, or a tag.
    pub fire_event: Option<Box<Value>>,
    /// Whether grains are read again after it.
    pub reload_grains: bool,
    /// Whether pillar is asked for again after it.
    pub reload_pillar: bool,
    /// Whether extension functions are loaded again after it.
    pub reload_modules: bool,
}

impl Options {
    /// Tells whether something is asked before the state runs.
    pub fn guarded(&self) -> bool {
        self.onlyif.is_some() || self.unless.is_some() || self.creates.is_some()
    }
}

/// One call of one state function, with all that decides whether and when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct LowChunk {
    /// The ID declaration.
    pub id: Text,
    /// The state module, `file`.
    pub state: Text,
    /// The function in it, `managed`.
    pub fun: Text,
    /// What it is about.
    pub name: Text,
    /// The SLS that holds it.
    pub sls: Arc<str>,
    /// Its environment.
    pub env: Arc<str>,
    /// The SLS that included its SLS, nearest first.
    pub included_from: Vec<Arc<str>>,
    /// Its place in the order.
    pub order: f64,
    /// All arguments but name and requisites, as written.
    pub args: Map,
    /// What it asks of others, in Salt's order of kinds.
    pub requisites: Vec<(Requisite, Vec<Reference>)>,
    /// Those whose changes fire its watch action at the end of the run.
    pub listen: Vec<Reference>,
    /// Those that listen to it.
    pub listen_in: Vec<Reference>,
    /// What the engine does about it.
    pub options: Options,
    /// What is wrong with it; it fails with these words when its turn comes.
    pub problems: Vec<String>,
    /// Where it is declared.
    pub at: At,
}

impl LowChunk {
    /// Returns `module.function`.
    pub fn function(&self) -> String {
        [self.state.as_str(), ".", self.fun.as_str()].concat()
    }

    /// Returns what the function is given.
    pub fn call(&self, test: bool) -> StateCall {
        StateCall {
            id: self.id.as_str().to_owned(),
            function: self.function(),
            name: self.name.as_str().to_owned(),
            sls: (*self.sls).to_owned(),
            saltenv: (*self.env).to_owned(),
            args: self.args.clone(),
            test,
            at: self.at.clone(),
            ..StateCall::default()
        }
    }

    /// Returns the references of one kind.
    pub fn references(&self, requisite: Requisite) -> &[Reference] {
        self.requisites.iter().find(|(r, _)| *r == requisite).map_or(&[], |(_, list)| list)
    }

    /// Returns the chunk as people and `--lowstate --json` see it, in Salt's words.
    pub fn to_value(&self) -> Value {
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| {
            out.insert(Value::from(key), value);
        };
        put("state", Value::from(self.state.as_str()));
        put("name", Value::from(self.name.as_str()));
        put("__sls__", Value::from(&*self.sls));
        put("__env__", Value::from(&*self.env));
        put("__id__", Value::from(self.id.as_str()));
        for (key, value) in &self.args {
            put(&key.to_string(), value.clone());
        }
        let list = |refs: &[Reference]| {
            let item = |r: &Reference| match r.kind.as_str() {
                "id" => Value::from(r.value.as_str()),
                kind => Value::from([(kind, r.value.as_str())]),
            };
            Value::List(refs.iter().map(item).collect())
        };
        for (requisite, refs) in &self.requisites {
            put(requisite.as_str(), list(refs));
        }
        if !self.listen.is_empty() {
            put("listen", list(&self.listen));
        }
        if !self.listen_in.is_empty() {
            put("listen_in", list(&self.listen_in));
        }
        let whole = self.order.fract() == 0.0 && self.order.abs() < 9e15;
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range: checked")]
        put("order", if whole { Value::Int(self.order as i128) } else { Value::Float(self.order) });
        put("fun", Value::from(self.fun.as_str()));
        if !self.included_from.is_empty() {
            put(
                "__sls_included_from__",
                Value::List(self.included_from.iter().map(|s| Value::from(&**s)).collect()),
            );
        }
        Value::Map(out)
    }
}
