//! All functions by name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{ExecFunction, Extension, ExtensionKind, StateFunction};
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
    extensions: BTreeMap<(ExtensionKind, String), PathBuf>,
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

    /// Adds an installed executable that answers every function of a module which lab itself does not have.
    pub fn add_extension(
        &mut self,
        kind: ExtensionKind,
        module: impl Into<String>,
        path: impl Into<PathBuf>,
    ) {
        self.extensions.insert((kind, module.into()), path.into());
    }

    /// Finds a state function.
    ///
    /// # Errors
    /// When there is none; names the nearest.
    pub fn state(&self, name: &str) -> Result<Arc<dyn StateFunction>, UnknownFunction> {
        if let Some(function) = self.states.get(name) {
            return Ok(function.clone());
        }
        let extension = self.extension(ExtensionKind::State, name);
        extension.map(|e| e as _).ok_or_else(|| unknown("state", name, self.states.keys()))
    }

    /// Finds an execution function.
    ///
    /// # Errors
    /// When there is none; names the nearest.
    pub fn exec(&self, name: &str) -> Result<Arc<dyn ExecFunction>, UnknownFunction> {
        if let Some(function) = self.execs.get(name) {
            return Ok(function.clone());
        }
        let extension = self.extension(ExtensionKind::Module, name);
        extension.map(|e| e as _).ok_or_else(|| unknown("execution", name, self.execs.keys()))
    }

    /// Lists the state functions by name.
    pub fn states(&self) -> impl Iterator<Item = &Arc<dyn StateFunction>> {
        self.states.values()
    }

    /// Lists the execution functions by name.
    pub fn execs(&self) -> impl Iterator<Item = &Arc<dyn ExecFunction>> {
        self.execs.values()
    }

    /// Tells whether there are execution functions of a module.
    pub fn has_exec_module(&self, module: &str) -> bool {
        let start = format!("{module}.");
        let first = self.execs.range(start.clone()..).next();
        first.is_some_and(|(name, _)| name.starts_with(&start))
            || self.extensions.contains_key(&(ExtensionKind::Module, module.to_owned()))
    }

    /// Tells whether an execution function is one of the user's own executables.
    pub fn is_extension(&self, name: &str) -> bool {
        !self.execs.contains_key(name) && self.extension(ExtensionKind::Module, name).is_some()
    }

    fn extension(&self, kind: ExtensionKind, name: &str) -> Option<Arc<Extension>> {
        let (module, _) = name.split_once('.')?;
        let path = self.extensions.get(&(kind, module.to_owned()))?;
        Some(Arc::new(Extension::new(name, path)))
    }
}

fn unknown<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a String>) -> UnknownFunction {
    let suggestion = nearest(name, known.map(String::as_str)).map(str::to_owned);
    UnknownFunction { what, name: name.to_owned(), suggestion }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_answers_its_whole_module_and_only_its_own_kind() {
        let mut registry = Registry::new();
        registry.add_extension(ExtensionKind::Module, "rack", "/x/_modules/rack");
        assert_eq!(registry.exec("rack.units").map(|f| f.name().to_owned()), Ok("rack.units".to_owned()));
        assert!(registry.exec("racks.units").is_err());
        assert!(registry.state("rack.units").is_err());
    }
}
