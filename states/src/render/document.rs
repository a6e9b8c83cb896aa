//! A rendered SLS: its document, and where every node of it stands in the sources.

use super::error::Place;
use super::yaml::{Node, Span};
use crate::sls::SlsName;

/// A rendered SLS.
///
/// Spans point into the sources, not into the rendered text: at file and line also where a template made the line,
/// and at the column where the template left the line as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedSls {
    /// The name that was asked for.
    pub name: SlsName,
    /// The path of the file below the roots.
    pub path: String,
    /// The document; null when the file rendered to nothing.
    pub doc: Node,
    /// The files that spans refer to by index; the first one is `path`.
    pub files: Vec<String>,
}

impl RenderedSls {
    /// Tells whether the name stands for a directory's `init.sls`.
    pub fn is_init(&self) -> bool {
        self.path.rsplit('/').next() == Some("init.sls")
    }

    /// Returns the place of a span.
    pub fn place(&self, span: Span) -> Place {
        let file = self.files.get(span.file as usize).unwrap_or(&self.path);
        Place { file: file.clone(), line: span.line, column: span.column }
    }
}
