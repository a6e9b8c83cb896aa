//! What is wrong with a chunk that only shows when it is to run: its function, an argument, a requisite that nothing
//! meets. [`crate::check`] finds the same before any run.

use std::fmt;

use crate::low::{At, LowChunk, Places, Reference, Requisite};
use crate::nearest::nearest;
use crate::render::excerpt;

/// Which part of a chunk something is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The whole of it.
    Whole,
    /// Its function.
    Function,
    /// An argument, by name.
    Argument(String),
    /// The value of an argument, by name.
    Value(String),
    /// An entry of a requisite.
    Reference(Requisite, Reference),
}

/// Something wrong with a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The word for it in reports and for silencing: `unknown-function`.
    pub code: &'static str,
    /// What it is about.
    pub part: Part,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What to do.
    pub remedy: Option<String>,
    /// Where it stands; that of the ID until [`Self::placed`] knows better.
    pub at: At,
    /// The offending line.
    pub line: Option<String>,
}

impl Problem {
    /// Describes a problem of a chunk.
    pub fn new(code: &'static str, part: Part, chunk: &LowChunk, message: impl Into<String>) -> Self {
        Self { code, part, message: message.into(), remedy: None, at: chunk.at.clone(), line: None }
    }

    /// Adds the way out.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedy = Some(text.into());
        self
    }

    /// Finds out where it stands.
    #[must_use]
    pub fn placed(mut self, chunk: &LowChunk, places: &dyn Places) -> Self {
        self.at = match &self.part {
            Part::Whole => chunk.at.clone(),
            Part::Function => places.function(chunk),
            Part::Argument(name) => places.argument(chunk, name),
            Part::Value(name) => places.value(chunk, name),
            Part::Reference(requisite, reference) => places.reference(chunk, *requisite, reference),
        };
        self.line = places.line(&self.at);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.file.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        f.write_str(&self.message)?;
        if let Some(line) = &self.line {
            f.write_str(&excerpt(line, self.at.line, self.at.column))?;
        }
        if let Some(text) = &self.remedy {
            write!(f, "\n  {text}")?;
        }
        Ok(())
    }
}

/// Describes a requisite that names no state of the run.
pub(crate) fn lost(
    chunks: &[LowChunk],
    chunk: &LowChunk,
    requisite: Requisite,
    reference: &Reference,
) -> Problem {
    let Reference { kind, value } = reference;
    let named = |c: &&LowChunk| c.id == *value || c.name == *value;
    let remedy = if let Some(other) = chunks.iter().filter(named).find(|c| c.state != *kind && kind != "id") {
        format!("{value} is a state of the module {}: write `- {}: {value}`", other.state, other.state)
    } else if kind == "sls" {
        let near = nearest(value, chunks.iter().map(|c| &*c.sls));
        let near = near.map(|n| format!("did you mean {n}? Otherwise ")).unwrap_or_default();
        format!("{near}include the SLS {value}; one without states counts as missing")
    } else {
        let of_kind = |c: &&LowChunk| kind == "id" || c.state == *kind;
        let known = chunks.iter().filter(of_kind).flat_map(|c| [c.id.as_str(), c.name.as_str()]);
        let near = nearest(value, known).map(|n| format!("did you mean {n}? Otherwise ")).unwrap_or_default();
        format!("{near}include the SLS that declares it: a requisite finds only states of the same run")
    };
    let part = Part::Reference(requisite, reference.clone());
    let what = if kind == "id" { format!("ID {value}") } else { format!("{kind}: {value}") };
    let message = format!("the {} of ID {} finds no state {what}", requisite.as_str(), chunk.id);
    Problem::new("missing-requisite", part, chunk, message).remedy(remedy)
}
