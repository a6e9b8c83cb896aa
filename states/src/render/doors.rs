//! The doors of the renderer: what it asks of its caller, and all that it can reach.
//!
//! Rendering itself is pure. Files come through [`Sources`], execution functions through
//! [`RenderFunctions`], data through [`RenderContext`]; the minion, the master and the simulator implement them.

use std::collections::BTreeMap;

use lab_proto::Value;
use lab_proto::time::Timestamp;
use lab_proto::value::Map;

/// Why a source file could not be read though it exists.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot read {path}: {reason}")]
pub struct SourceError {
    /// The path below the roots.
    pub path: String,
    /// What the reader said.
    pub reason: String,
}

/// A tree of files: all roots of one environment merged, the first root that has a path wins.
///
/// Paths are relative, with `/` and without `.` and `..`. An implementation resolves symbolic links as long as they
/// stay below a root, and reports the path that was asked for.
pub trait Sources {
    /// Reads a file; `None` when no root has it.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;

    /// Lists every file path of the merged tree, sorted; wildcards in SLS names are matched against it.
    fn list(&self) -> Vec<String>;

    /// Tells whether a file exists.
    fn exists(&self, path: &str) -> bool {
        matches!(self.read(path), Ok(Some(_)) | Err(_))
    }
}

/// A tree held in memory: what a master hands to a render, and what tests write by hand.
#[derive(Clone, Debug, Default)]
pub struct MemorySources {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemorySources {
    /// Makes a tree of paths and contents.
    pub fn new<P: Into<String>, C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, C)>) -> Self {
        Self { files: files.into_iter().map(|(p, c)| (p.into(), c.into())).collect() }
    }
}

impl Sources for MemorySources {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.files.get(path).cloned())
    }

    fn list(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}

/// Why an execution function gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// Whether the function refused its arguments or failed at its work (Salt's invocation and execution errors);
    /// otherwise it broke in some other way.
    pub refused: bool,
    /// What the function said.
    pub message: String,
}

/// The execution functions that a template may call.
pub trait RenderFunctions {
    /// Calls `module.function`.
    ///
    /// # Errors
    /// What the function said when it refused or failed.
    fn call(&self, name: &str, args: &[Value], kwargs: &Map) -> Result<Value, CallError>;

    /// Tells whether the function exists; a name that does not is an undefined variable.
    fn knows(&self, name: &str) -> bool;

    /// Tells whether there is a module of that name; one that is not is undefined, too.
    fn has_module(&self, module: &str) -> bool;

    /// Returns the known names, for suggestions.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// No functions at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFunctions;

impl RenderFunctions for NoFunctions {
    fn call(&self, name: &str, _: &[Value], _: &Map) -> Result<Value, CallError> {
        Err(CallError { refused: false, message: format!("function '{name}' is not available here") })
    }

    fn knows(&self, _: &str) -> bool {
        false
    }

    fn has_module(&self, _: &str) -> bool {
        false
    }
}

/// The data that every template of a run sees.
#[derive(Clone, Debug)]
pub struct RenderContext {
    /// `grains`
    pub grains: Value,
    /// `pillar`
    pub pillar: Value,
    /// `opts`
    pub opts: Value,
    /// `saltenv`
    pub saltenv: String,
    /// Further variables by name.
    pub extra: Map,
    /// The time for filters that ask for it.
    pub now: Timestamp,
    /// What the random filters start from, so that a render can be repeated.
    pub seed: u64,
}

impl Default for RenderContext {
    fn default() -> Self {
        Self {
            grains: Value::map(),
            pillar: Value::map(),
            opts: Value::map(),
            saltenv: "base".to_owned(),
            extra: Map::new(),
            now: Timestamp::default(),
            seed: 0,
        }
    }
}

/// The bounds of one render; a template that exceeds one is refused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Evaluated nodes.
    pub fuel: u64,
    /// Nested calls of macros, includes and imports.
    pub depth: u32,
    /// Bytes of output, and of any one string.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: 20_000_000, depth: 100, output: 16 << 20 }
    }
}

/// Everything that a render works with.
#[derive(Clone, Copy)]
pub struct RenderEnv<'a> {
    /// The files.
    pub sources: &'a dyn Sources,
    /// The execution functions.
    pub functions: &'a dyn RenderFunctions,
    /// The data.
    pub context: &'a RenderContext,
    /// The bounds.
    pub limits: Limits,
}

impl<'a> RenderEnv<'a> {
    /// Makes an environment with the default bounds.
    pub fn new(
        sources: &'a dyn Sources,
        functions: &'a dyn RenderFunctions,
        context: &'a RenderContext,
    ) -> Self {
        Self { sources, functions, context, limits: Limits::default() }
    }
}
