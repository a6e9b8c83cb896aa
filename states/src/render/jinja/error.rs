//! Errors while they travel from the failing expression outwards and collect their place.

use std::rc::Rc;

use super::ast::{Pos, Template};
use crate::render::error::{Place, RenderError, RenderErrorKind, first_column};

/// What failed; the place is filled in by the innermost node that knows it.
#[derive(Clone, Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: RenderErrorKind,
    message: String,
    suggestion: Option<String>,
    pos: Option<Pos>,
    place: Option<(Place, Option<String>)>,
    trace: Vec<Place>,
}

pub(super) type Res<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn new(kind: RenderErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner { kind, message, suggestion: None, pos: None, place: None, trace: Vec::new() }))
    }

    /// A template that does not parse.
    pub(super) fn syntax(message: impl Into<String>) -> Self {
        Self::new(RenderErrorKind::JinjaSyntax, message)
    }

    /// An operation that failed, as a Python exception would.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(RenderErrorKind::JinjaError, message)
    }

    pub(super) fn undefined(message: impl Into<String>) -> Self {
        Self::new(RenderErrorKind::JinjaUndefined, message)
    }

    pub(super) fn bounds(message: impl Into<String>) -> Self {
        Self::new(RenderErrorKind::Bounds, message)
    }

    pub(super) fn suggest(mut self, text: impl Into<String>) -> Self {
        self.0.suggestion = Some(text.into());
        self
    }

    pub(super) fn suggest_opt(mut self, text: Option<String>) -> Self {
        if self.0.suggestion.is_none() {
            self.0.suggestion = text;
        }
        self
    }

    /// Sets the position within the current template, unless a more precise one is known.
    pub(super) fn at(mut self, pos: Pos) -> Self {
        if self.0.pos.is_none() && self.0.place.is_none() {
            self.0.pos = Some(pos);
        }
        self
    }

    /// Ties the position to its template, once.
    pub(super) fn within(mut self, template: &Template) -> Self {
        if self.0.place.is_none() {
            let pos = self.0.pos.unwrap_or_default();
            let place = Place { file: template.name.to_string(), line: pos.line, column: pos.column };
            let line = (pos.line > 0).then(|| template.source.lines().nth(pos.line as usize - 1)).flatten();
            self.0.place = Some((place, line.map(|l| l.trim_end().to_owned())));
        }
        self
    }

    /// Notes who called, included or imported.
    pub(super) fn called_from(mut self, template: &Template, pos: Pos) -> Self {
        // Some mistakes are not at any place inside of what was called; then the call is their place.
        if let Some((place, line)) = &mut self.0.place
            && place.line == 0
            && pos.line > 0
        {
            *place = Place { file: template.name.to_string(), line: pos.line, column: pos.column };
            *line = template.source.lines().nth(pos.line as usize - 1).map(|l| l.trim_end().to_owned());
            return self;
        }
        if self.0.trace.len() < 8 {
            let place = Place { file: template.name.to_string(), line: pos.line, column: pos.column };
            if self.0.trace.last() != Some(&place) && self.0.place.as_ref().map(|(p, _)| p) != Some(&place) {
                self.0.trace.push(place);
            }
        }
        self
    }

    /// Tells whether the place is known already.
    pub(super) fn is_placed(&self) -> bool {
        self.0.place.is_some()
    }

    pub(super) fn message(&self) -> &str {
        &self.0.message
    }

    pub(super) fn suggestion(&self) -> Option<&str> {
        self.0.suggestion.as_deref()
    }

    pub(super) fn kind(&self) -> RenderErrorKind {
        self.0.kind
    }

    /// Makes the error that callers see.
    pub(super) fn into_error(self, template: &Rc<Template>) -> RenderError {
        let inner = self.within(template).0;
        let (mut place, source_line) = inner.place.unwrap_or_default();
        if let (0, Some(line)) = (place.column, &source_line) {
            place.column = first_column(line);
        }
        RenderError {
            kind: inner.kind,
            place,
            message: inner.message.clone(),
            source_line: source_line.map(Into::into),
            suggestion: inner.suggestion.or_else(|| super::remedy::remedy(inner.kind, &inner.message)),
            trace: inner.trace.into(),
        }
    }
}
