//! State functions: bring one thing into one shape, and say what that took.

use lab_proto::{Map, Value};
use serde::de::DeserializeOwned;

use super::args::{self, ArgsError};
use super::{Class, FunctionDoc, JobCtx};
use crate::low::At;

/// One state as its function sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateCall {
    /// The ID declaration.
    pub id: String,
    /// `module.function` as declared.
    pub function: String,
    /// The name that the state is about; the ID when none was given.
    pub name: String,
    /// The SLS that holds it.
    pub sls: String,
    /// The environment, `base`.
    pub saltenv: String,
    /// The arguments: what was written in the SLS without name, requisites and the engine's own words.
    pub args: Map,
    /// Whether nothing may be changed.
    pub test: bool,
    /// Where it is declared.
    pub at: At,
    /// The names of the file states that it requires: what it cleans up, it keeps these.
    pub keeps: Vec<String>,
    /// What `file.accumulated` has gathered for it, by the name of the accumulator.
    pub accumulated: Map,
    /// The names of the file states that wait for it (for `file.accumulated`, which gathers for one of them).
    pub awaited_by: Vec<String>,
}

impl StateCall {
    /// Makes a call for tests and for calling a state from another function.
    pub fn new(function: impl Into<String>, name: impl Into<String>, args: Map) -> Self {
        let name = name.into();
        Self {
            id: name.clone(),
            function: function.into(),
            name,
            saltenv: "base".into(),
            args,
            ..Self::default()
        }
    }

    /// Reads the arguments into the function's own type. Arguments that it does not have are left alone: the
    /// run warns about them with the nearest name.
    ///
    /// # Errors
    /// When a value does not fit; names the argument.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, StateError> {
        Ok(args::from_map(&self.args)?)
    }

    /// Returns an argument as it was written.
    pub fn arg(&self, name: &str) -> Option<&Value> {
        self.args.get(name)
    }
}

/// Why a state could not be checked or applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// An argument is missing or does not fit.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// The machine refused a step.
    #[error(transparent)]
    Host(#[from] crate::host::HostError),
    /// A service of the agent could not answer.
    #[error(transparent)]
    Service(#[from] super::ServiceError),
    /// An execution function that was called gave an error.
    #[error(transparent)]
    Call(#[from] super::CallError),
    /// Something that an argument names cannot be used; a line break and two blanks may separate the way out.
    #[error("{text}")]
    About {
        /// The argument.
        argument: &'static str,
        /// What is wrong.
        text: String,
    },
    /// Anything else; a sentence that names the thing and the way out.
    #[error("{0}")]
    Failed(String),
}

impl StateError {
    /// Makes an error from a sentence.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// What differs, as it will be reported; empty when the state holds.
    pub changes: Map,
    /// A sentence: what holds, or what would be done.
    pub comment: String,
}

impl Check {
    /// Says that the state holds.
    pub fn holds(comment: impl Into<String>) -> Self {
        Self { changes: Map::new(), comment: comment.into() }
    }

    /// Says what differs.
    pub fn differs(changes: Map, comment: impl Into<String>) -> Self {
        Self { changes, comment: comment.into() }
    }

    /// Tells whether nothing is to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What applying did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// What was changed.
    pub changes: Map,
    /// A sentence.
    pub comment: String,
}

impl Applied {
    /// Says what was changed.
    pub fn new(changes: Map, comment: impl Into<String>) -> Self {
        Self { changes, comment: comment.into() }
    }
}

/// How a state ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VerdictKind {
    /// It holds.
    Ok,
    /// A dry run found that something would be changed (Salt's `None`).
    WouldChange,
    /// It does not hold.
    Failed,
}

/// What came of running a state function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How it ended.
    pub kind: VerdictKind,
    /// What was changed, or would be.
    pub changes: Map,
    /// A sentence.
    pub comment: String,
    /// What people should know although the state is fine: unknown arguments, deprecated forms.
    pub warnings: Vec<String>,
    /// Set when the function itself decided not to act (its own guard); the words are those of the report.
    pub skipped: Option<&'static str>,
    /// The argument that did not fit, so that the report can say where the state is.
    pub argument: Option<String>,
    /// What the report calls the state instead of its name (`module.run` names the functions that it called).
    pub name: Option<String>,
}

impl Verdict {
    /// Says that the state holds; `changes` tells what was done for it.
    pub fn ok(changes: Map, comment: impl Into<String>) -> Self {
        Self::of(VerdictKind::Ok, changes, comment)
    }

    /// Says that nothing was to do.
    pub fn unchanged(comment: impl Into<String>) -> Self {
        Self::ok(Map::new(), comment)
    }

    /// Says what a real run would change.
    pub fn would_change(changes: Map, comment: impl Into<String>) -> Self {
        Self::of(VerdictKind::WouldChange, changes, comment)
    }

    /// Says that the state does not hold, and why.
    pub fn failed(comment: impl Into<String>) -> Self {
        Self::of(VerdictKind::Failed, Map::new(), comment)
    }

    /// Says that the state does not hold although something was changed.
    pub fn failed_with(changes: Map, comment: impl Into<String>) -> Self {
        Self::of(VerdictKind::Failed, changes, comment)
    }

    fn of(kind: VerdictKind, changes: Map, comment: impl Into<String>) -> Self {
        Self {
            kind,
            changes,
            comment: comment.into(),
            warnings: Vec::new(),
            skipped: None,
            argument: None,
            name: None,
        }
    }

    /// Tells whether something was changed, or would be.
    pub fn changed(&self) -> bool {
        !self.changes.is_empty()
    }
}

impl From<StateError> for Verdict {
    fn from(e: StateError) -> Self {
        let argument = match &e {
            StateError::Args(e) => e.argument().map(str::to_owned),
            StateError::About { argument, .. } => Some((*argument).to_owned()),
            _ => None,
        };
        Self { argument, ..Self::failed(e.to_string()) }
    }
}

/// A function that a state can name.
pub trait StateFunction: Send + Sync {
    /// Returns its name, `file.managed`.
    fn name(&self) -> &str;

    /// Returns what it promises.
    fn class(&self) -> Class;

    /// Returns its documentation.
    fn doc(&self) -> &FunctionDoc;

    /// Compares the machine with the state. Changes nothing.
    ///
    /// # Errors
    /// When the arguments do not fit or the machine cannot be looked at.
    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError>;

    /// Does what `check` found necessary. Never called in a dry run or for an empty check.
    ///
    /// # Errors
    /// When a step fails. A function that must report changes although it failed overrides [`Self::run`].
    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError>;

    /// Runs the whole sequence: check, then (unless dry) apply, then, for a declarative function, check again.
    ///
    /// Overridden only where Salt's answer does not fit that sequence (`cmd.run` reports changes even when the
    /// command failed, `test.*` decide their own verdict).
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.sequence(call, ctx).unwrap_or_else(Verdict::from)
    }

    /// The sequence behind [`Self::run`]. Not meant to be overridden.
    ///
    /// # Errors
    /// Those of its steps.
    fn sequence(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Verdict, StateError> {
        let check = self.check(call, ctx)?;
        if check.is_empty() {
            return Ok(Verdict::unchanged(check.comment));
        }
        if call.test {
            return Ok(Verdict::would_change(check.changes, check.comment));
        }
        let applied = self.apply(call, &check, ctx)?;
        if self.class() == Class::Declarative {
            let left = self.check(call, ctx)?;
            if !left.is_empty() {
                let comment = format!(
                    "{} was applied, but the machine does not keep it: {} (something else may be changing it back)",
                    call.function,
                    Value::Map(left.changes)
                );
                return Ok(Verdict::failed_with(applied.changes, comment));
            }
        }
        Ok(Verdict::ok(applied.changes, applied.comment))
    }

    /// Returns what to do when a watched state changed; without it `watch` is a plain `require`.
    fn watch(&self) -> Option<&dyn Watch> {
        None
    }

    /// Returns the plan that this function's states of a run are collected into, if they are applied together.
    fn group(&self) -> Option<&dyn Group> {
        None
    }
}

/// Reacts when a watched state changed (Salt's `mod_watch`): restarts the service, runs the command.
pub trait Watch: Send + Sync {
    /// Reacts. `call.test` says whether it may only say what it would do.
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict;
}

/// Applies several states of a run as one transaction.
pub trait Group: Send + Sync {
    /// Names the family; states whose functions give the same name are collected together.
    fn family(&self) -> &'static str;

    /// Applies all of them, or says for each what would change when the calls are dry. Returns one verdict per
    /// call, in order.
    fn run(&self, calls: &[StateCall], ctx: &JobCtx<'_>) -> Vec<Verdict>;
}
