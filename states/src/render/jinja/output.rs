//! The text that a render makes, and the source line of each of its lines.

use std::rc::Rc;

use super::ast::Template;
use super::error::{Fault, Res};

/// Text under construction.
#[derive(Debug, Default)]
pub(super) struct Out {
    text: String,
    map: Option<LineMap>,
    /// Whether the current line has no visible text yet, so that the next text decides where it came from.
    blank: bool,
    /// Set while a child template runs: only its definitions count.
    pub muted: bool,
    limit: usize,
}

/// Where each line of a rendered text came from.
#[derive(Debug, Default)]
pub(in crate::render) struct LineMap {
    templates: Vec<Rc<Template>>,
    lines: Vec<(u32, u32)>,
}

impl LineMap {
    fn index(&mut self, template: &Rc<Template>) -> u32 {
        let found = self.templates.iter().rposition(|t| Rc::ptr_eq(t, template));
        let index = found.unwrap_or_else(|| {
            self.templates.push(Rc::clone(template));
            self.templates.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Returns the paths of the files that lines came from.
    pub(in crate::render) fn files(&self) -> Vec<String> {
        self.templates.iter().map(|t| t.name.to_string()).collect()
    }

    /// Returns file and line of a rendered line, counted from 1.
    pub(in crate::render) fn origin(&self, line: u32) -> Option<(u32, u32)> {
        let last = self.lines.len().checked_sub(1)?;
        self.lines.get((line as usize).saturating_sub(1).min(last)).copied()
    }

    /// Returns the lines of the sources, in the order of the files.
    pub(in crate::render) fn source_lines(&self) -> Vec<Vec<&str>> {
        self.templates.iter().map(|t| t.source.lines().collect()).collect()
    }
}

impl Out {
    /// Makes the output of a whole render.
    pub(super) fn mapped(limit: usize) -> Self {
        Self { map: Some(LineMap::default()), blank: true, limit, ..Self::default() }
    }

    /// Makes an output that becomes a value.
    pub(super) fn capture(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Writes text of the template itself, which starts at `line`.
    pub(super) fn data(&mut self, text: &str, template: &Rc<Template>, line: u32) -> Res<()> {
        self.write(text, template, line, 1)
    }

    /// Writes what an expression at `line` printed.
    pub(super) fn printed(&mut self, text: &str, template: &Rc<Template>, line: u32) -> Res<()> {
        self.write(text, template, line, 0)
    }

    fn write(&mut self, text: &str, template: &Rc<Template>, line: u32, step: u32) -> Res<()> {
        if self.muted || text.is_empty() {
            return Ok(());
        }
        if self.text.len() + text.len() > self.limit {
            return Err(Fault::bounds(format!("the output is larger than {} bytes", self.limit)));
        }
        self.text.push_str(text);
        if let Some(map) = &mut self.map {
            let file = map.index(template);
            if map.lines.is_empty() {
                map.lines.push((file, line));
            }
            let mut at = line;
            for (index, piece) in text.split('\n').enumerate() {
                if index > 0 {
                    at += step;
                    map.lines.push((file, at));
                    self.blank = true;
                }
                if self.blank && !piece.trim().is_empty() {
                    if let Some(last) = map.lines.last_mut() {
                        *last = (file, at);
                    }
                    self.blank = false;
                }
            }
        }
        Ok(())
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn finish(self) -> (String, LineMap) {
        (self.text, self.map.unwrap_or_default())
    }
}
