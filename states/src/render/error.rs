//! What went wrong while a file was rendered: the kind, the place, the offending line, and the way out.

use std::fmt;

/// Where something stands in a source file; lines and columns count from 1, 0 means unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Path below the state (or pillar) roots.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1; 0 when only the line is known.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// The kinds of refusal, in the words that reports use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RenderErrorKind {
    /// A name, attribute or element that is not there.
    JinjaUndefined,
    /// The template does not parse, names an unknown filter or test, or breaks a rule of the sandbox.
    JinjaSyntax,
    /// An operation of the template failed, or the template called `raise()`.
    JinjaError,
    /// An argument of a macro, or a name of an imported file, that was not given.
    NotGiven,
    /// An execution function that the template called failed.
    Function,
    /// The rendered text is no YAML (or JSON).
    Yaml,
    /// A mapping has one key twice.
    DuplicateKey,
    /// An SLS that does not exist.
    MissingSls,
    /// An included SLS that does not exist.
    MissingInclude,
    /// The document is not a mapping.
    NotAMapping,
    /// Something in a pillar tree.
    Pillar,
    /// The top file has the wrong shape.
    TopMalformed,
    /// No section of the top file is for this minion.
    NoTopMatch,
    /// The template exceeds a bound: steps, depth, size.
    Bounds,
    /// A source file could not be read, or is not text.
    Source,
    /// An unknown renderer in the first line.
    Pipeline,
}

impl RenderErrorKind {
    /// Returns the word for reports; Salt's own report has no finer word than `yaml-error` for some of them.
    pub fn word(self) -> &'static str {
        match self {
            Self::JinjaUndefined => "jinja-undefined",
            Self::JinjaSyntax => "jinja-syntax",
            Self::JinjaError | Self::Bounds => "jinja-error",
            Self::NotGiven | Self::Function | Self::Yaml | Self::Source | Self::Pipeline => "yaml-error",
            Self::DuplicateKey => "duplicate-key",
            Self::MissingSls => "missing-sls",
            Self::MissingInclude => "missing-include",
            Self::NotAMapping => "sls-not-a-mapping",
            Self::Pillar => "pillar-error",
            Self::TopMalformed => "top-malformed",
            Self::NoTopMatch => "no-top-match",
        }
    }
}

/// A refusal to render, complete enough to be shown as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError {
    /// What kind of mistake it is.
    pub kind: RenderErrorKind,
    /// Where in the source.
    pub place: Place,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// The offending line of the source, when it is at hand.
    pub source_line: Option<Box<str>>,
    /// What to do, or the nearest name that exists.
    pub suggestion: Option<String>,
    /// How we got there: the places that imported, included or called, innermost first.
    pub trace: Box<[Place]>,
}

impl RenderError {
    /// Makes an error without suggestion and trace.
    pub fn new(kind: RenderErrorKind, place: Place, message: impl Into<String>) -> Self {
        Self {
            kind,
            place,
            message: message.into(),
            source_line: None,
            suggestion: None,
            trace: Box::default(),
        }
    }

    /// Adds the way out.
    #[must_use]
    pub fn suggest(mut self, text: impl Into<String>) -> Self {
        self.suggestion = Some(text.into());
        self
    }

    /// Takes the offending line out of the text of the file, unless one is set already.
    #[must_use]
    pub fn with_line_of(mut self, text: &str) -> Self {
        if self.source_line.is_none() && self.place.line > 0 {
            let index = self.place.line as usize - 1;
            self.source_line = text.lines().nth(index).map(|l| l.trim_end().into());
            if let (0, Some(line)) = (self.place.column, &self.source_line) {
                self.place.column = first_column(line);
            }
        }
        self
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        if let Some(line) = &self.source_line {
            f.write_str(&excerpt(line, self.place.line, self.place.column))?;
        }
        for place in &self.trace {
            write!(f, "\n  from {place}")?;
        }
        if let Some(text) = &self.suggestion {
            write!(f, "\n  {text}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RenderError {}

/// Lays out an offending line with a caret below the column, for the end of a message; starts with a line break.
/// Tabs stay tabs above the caret, so that it stands where it should.
pub fn excerpt(line: &str, number: u32, column: u32) -> String {
    let line = line.trim_end();
    let mut out = format!("\n  {number:>4} | {line}");
    let before = (column as usize).saturating_sub(1);
    if column > 0 && before <= line.chars().count() {
        let blank: String = line.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        out.push_str(&format!("\n       | {blank}^"));
    }
    out
}

/// Returns the column at which the text of a line begins, for errors that know only the line.
pub fn first_column(line: &str) -> u32 {
    let blank = line.chars().take_while(|c| c.is_whitespace()).count();
    u32::try_from(blank).unwrap_or(0).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_place_line_caret_and_remedy() {
        let place = Place { file: "a.sls".into(), line: 2, column: 3 };
        let error =
            RenderError::new(RenderErrorKind::Yaml, place, "bad").with_line_of("x:\n  y").suggest("fix it");
        assert_eq!(error.to_string(), "a.sls:2:3: bad\n     2 |   y\n       |   ^\n  fix it");
    }
}
