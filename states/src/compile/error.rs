//! Why states do not compile. All mistakes of a tree are reported at once, each with its place and the way out.

use std::fmt;

use crate::low::At;
use crate::render::{RenderError, excerpt, first_column};

/// The kinds of refusal, in the words of the report. Of several in one tree the first in this order names the
/// whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The pillar has errors.
    Pillar,
    /// A mapping has a key twice.
    DuplicateKey,
    /// A template uses a name that is not there.
    JinjaUndefined,
    /// A template does not parse.
    JinjaSyntax,
    /// A template failed.
    JinjaError,
    /// Two SLS declare the same ID.
    ConflictingId,
    /// An SLS that was asked for does not exist.
    MissingSls,
    /// An SLS that is included does not exist.
    MissingInclude,
    /// A relative include has more dots than the SLS has parents.
    IncludeBeyondTop,
    /// `include` is not a list.
    IncludeNotAList,
    /// `exclude` is not a list.
    ExcludeNotAList,
    /// `extend`, or an entry of it, is not a mapping.
    ExtendNotAMapping,
    /// `extend` or a requisite_in names an ID that is not there.
    ExtendUnknownId,
    /// Two states require each other.
    RecursiveRequisite,
    /// A requisite is not a list.
    RequisiteNotAList,
    /// A requisite names `module.function`.
    RequisiteWithDot,
    /// A requisite entry has the wrong shape.
    IllegalRequisite,
    /// A requisite's value is not text.
    RequisiteError,
    /// `names` is not a list.
    NamesNotAList,
    /// A state module without a function.
    NoFunction,
    /// A state module with more than one function.
    TooManyFunctions,
    /// Text with blanks where a function is expected.
    FunctionWithWhitespace,
    /// An ID that YAML does not read as text.
    IdNotAString,
    /// One ID uses one module twice.
    SameTypeTwice,
    /// `module.function:` with a colon and nothing behind it.
    ShortDeclWithColon,
    /// A state's arguments are not a list.
    StateNotAList,
    /// An ID's body is not a mapping.
    IdNotAMapping,
    /// An SLS is not a mapping.
    SlsNotAMapping,
    /// The top file has nothing for this minion.
    NoTopMatch,
    /// The top file has the wrong shape.
    TopMalformed,
    /// Text that is no YAML, or another failure of rendering.
    Yaml,
    /// Anything else.
    Other,
}

impl ErrorKind {
    const WORDS: [(Self, &'static str); 32] = [
        (Self::Pillar, "pillar-error"),
        (Self::DuplicateKey, "duplicate-key"),
        (Self::JinjaUndefined, "jinja-undefined"),
        (Self::JinjaSyntax, "jinja-syntax"),
        (Self::JinjaError, "jinja-error"),
        (Self::ConflictingId, "conflicting-id"),
        (Self::MissingSls, "missing-sls"),
        (Self::MissingInclude, "missing-include"),
        (Self::IncludeBeyondTop, "include-beyond-top"),
        (Self::IncludeNotAList, "include-not-a-list"),
        (Self::ExcludeNotAList, "exclude-not-a-list"),
        (Self::ExtendNotAMapping, "extend-not-a-mapping"),
        (Self::ExtendUnknownId, "extend-unknown-id"),
        (Self::RecursiveRequisite, "recursive-requisite"),
        (Self::RequisiteNotAList, "requisite-not-a-list"),
        (Self::RequisiteWithDot, "requisite-with-dot"),
        (Self::IllegalRequisite, "illegal-requisite"),
        (Self::RequisiteError, "requisite-error"),
        (Self::NamesNotAList, "names-not-a-list"),
        (Self::NoFunction, "no-function"),
        (Self::TooManyFunctions, "too-many-functions"),
        (Self::FunctionWithWhitespace, "function-with-whitespace"),
        (Self::IdNotAString, "id-not-a-string"),
        (Self::SameTypeTwice, "same-type-twice"),
        (Self::ShortDeclWithColon, "short-decl-with-colon"),
        (Self::StateNotAList, "state-not-a-list"),
        (Self::IdNotAMapping, "id-not-a-mapping"),
        (Self::SlsNotAMapping, "sls-not-a-mapping"),
        (Self::NoTopMatch, "no-top-match"),
        (Self::TopMalformed, "top-malformed"),
        (Self::Yaml, "yaml-error"),
        (Self::Other, "other"),
    ];

    /// Returns the word for reports.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(k, _)| *k == self).map_or("other", |(_, w)| w)
    }

    /// Finds the kind of a word; an unknown word is `other`.
    pub fn from_word(word: &str) -> Self {
        Self::WORDS.iter().find(|(_, w)| *w == word).map_or(Self::Other, |(k, _)| *k)
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// What kind of mistake.
    pub kind: ErrorKind,
    /// Where it was made.
    pub at: At,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// The offending line, when it is at hand.
    pub line: Option<Box<str>>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// The error of rendering that it is, if it is one.
    pub cause: Option<Box<RenderError>>,
    /// The whole text when another part of the program has already laid it out.
    pub rendered: Option<String>,
}

impl CompileError {
    /// Makes an error.
    pub fn new(kind: ErrorKind, at: &At, message: impl Into<String>) -> Self {
        Self {
            kind,
            at: at.clone(),
            message: message.into(),
            line: None,
            remedy: None,
            cause: None,
            rendered: None,
        }
    }

    /// Adds the way out.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedy = Some(text.into());
        self
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.rendered {
            return f.write_str(text);
        }
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

/// Every mistake of a tree; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileErrors(Vec<CompileError>);

impl CompileErrors {
    /// Returns the errors, if there are any.
    ///
    /// # Errors
    /// When there are.
    pub fn check(errors: Vec<CompileError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }

    /// Returns the kind that names the whole.
    pub fn kind(&self) -> ErrorKind {
        self.0.iter().map(|e| e.kind).min().unwrap_or(ErrorKind::Other)
    }

    /// Adds the offending lines, as `line` knows them.
    #[must_use]
    pub fn with_lines(mut self, line: impl Fn(&At) -> Option<String>) -> Self {
        for error in self.0.iter_mut().filter(|e| e.rendered.is_none() && e.line.is_none() && e.at.line > 0) {
            error.line = line(&error.at).map(String::into_boxed_str);
            if let (0, Some(text)) = (error.at.column, &error.line) {
                error.at.column = first_column(text);
            }
        }
        self
    }

    /// Lists them.
    pub fn iter(&self) -> std::slice::Iter<'_, CompileError> {
        self.0.iter()
    }
}

impl From<CompileError> for CompileErrors {
    fn from(e: CompileError) -> Self {
        Self(vec![e])
    }
}

impl fmt::Display for CompileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for CompileErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own_in_the_order_of_precedence() {
        for (i, (kind, word)) in ErrorKind::WORDS.iter().enumerate() {
            assert_eq!(ErrorKind::from_word(word), *kind);
            assert_eq!(ErrorKind::WORDS[i].0 as usize, i, "{word}");
        }
    }
}
