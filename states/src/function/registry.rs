//! All functions by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ExecFunction, StateFunction};
use crate::nearest::nearest;

/// A name that no function has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} function {name}{}", suggestion.as_deref().map(|s| format!(" (did you mean {s}?)")).unwrap_or_default())]
pub struct UnknownFunction {
    /// `state` or `execution`.
    pub what: &'static str,
    /// The name.
    pub name: String,
    /// The nearest known name.
    pub suggestion: Option<String>,
}

/// All state and execution functions that an agent has.
#[derive(Clone, Default)]
pub struct Registry {
    states: BTreeMap<String, Arc<dyn StateFunction>>,
    execs: BTreeMap<String, Arc<dyn ExecFunction>>,
}

impl Registry {
    /// Makes a registry without any function.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a state function, in place of one of the same name.
    pub fn add_state(&mut self, function: Arc<dyn StateFunction>) {
        self.states.insert(function.name().to_owned(), function);
    }

    /// Adds an execution function, in place of one of the same name.
    pub fn add_exec(&mut self, function: Arc<dyn ExecFunction>) {
        self.execs.insert(function.name().to_owned(), function);
    }

    /// Finds a state function.
    ///
    /// # Errors
    /// When there is none; names the nearest.
    pub fn state(&self, name: &str) -> Result<&Arc<dyn StateFunction>, UnknownFunction> {
        self.states.get(name).ok_or_else(|| unknown("state", name, self.states.keys()))
    }

    /// Finds an execution function.
    ///
    /// # Errors
    /// When there is none; names the nearest.
    pub fn exec(&self, name: &str) -> Result<&Arc<dyn ExecFunction>, UnknownFunction> {
        self.execs.get(name).ok_or_else(|| unknown("execution", name, self.execs.keys()))
    }

    /// Lists the state functions by name.
    pub fn states(&self) -> impl Iterator<Item = &Arc<dyn StateFunction>> {
        self.states.values()
    }

    /// Lists the execution functions by name.
    pub fn execs(&self) -> impl Iterator<Item = &Arc<dyn ExecFunction>> {
        self.execs.values()
    }
}

fn unknown<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a String>) -> UnknownFunction {
    let suggestion = nearest(name, known.map(String::as_str)).map(str::to_owned);
    UnknownFunction { what, name: name.to_owned(), suggestion }
}
