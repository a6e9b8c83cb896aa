//! An ini file as lines, so that comments and order survive an edit.

use lab_proto::{Map, Value};

use super::super::support::{lines, text_of};
use crate::function::StateError;

/// A file in sections; the first has no header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct Document {
    sections: Vec<Section>,
    separator: char,
    spaces: bool,
    edited: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: Option<String>,
    header: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Option { key: String, value: String, raw: String },
    Other(String),
}

impl Document {
    pub(in crate::functions) fn parse(text: &str, separator: &str, spaces: bool) -> Result<Self, StateError> {
        let mut chars = separator.chars();
        let (Some(separator), None) = (chars.next(), chars.next()) else {
            return Err(StateError::failed(format!(
                "argument separator: {separator:?} must be one character"
            )));
        };
        let mut sections = vec![Section { name: None, header: String::new(), lines: Vec::new() }];
        for raw in lines(text) {
            match header_name(raw) {
                Some(name) => sections.push(Section {
                    name: Some(name.to_owned()),
                    header: raw.to_owned(),
                    lines: Vec::new(),
                }),
                None => {
                    if let Some(section) = sections.last_mut() {
                        section.take(raw, separator);
                    }
                }
            }
        }
        Ok(Self { sections, separator, spaces, edited: false })
    }

    pub(in crate::functions) fn print(&self) -> String {
        let mut out = String::new();
        for section in &self.sections {
            if self.edited {
                // As Salt writes it: one blank line before each section, none at its ends.
                out.truncate(out.trim_end_matches('\n').len());
                out.push_str(match (out.is_empty(), section.name.is_some()) {
                    (true, _) => "",
                    (false, true) => "\n\n",
                    (false, false) => "\n",
                });
            }
            if section.name.is_some() {
                out.push_str(&section.header);
                out.push('\n');
            }
            for line in &section.lines {
                match line {
                    // Once something is written, all options have the same spacing.
                    Line::Option { key, value, .. } if self.edited && !value.contains('\n') => {
                        out.push_str(&self.option(key, value));
                    }
                    Line::Option { raw, .. } | Line::Other(raw) => out.push_str(raw),
                }
                out.push('\n');
            }
        }
        out
    }

    fn option(&self, key: &str, value: &str) -> String {
        let Self { separator, spaces, .. } = self;
        if *spaces { format!("{key} {separator} {value}") } else { format!("{key}{separator}{value}") }
    }

    pub(in crate::functions) fn get(&self, section: Option<&str>, key: &str) -> Option<&str> {
        self.section(section)?.lines.iter().find_map(|l| match l {
            Line::Option { key: k, value, .. } if k == key => Some(value.as_str()),
            _ => None,
        })
    }

    pub(in crate::functions) fn has(&self, section: &str) -> bool {
        self.section(Some(section)).is_some()
    }

    pub(in crate::functions) fn keys(&self, section: Option<&str>) -> Vec<String> {
        let lines = self.section(section).map(|s| s.lines.as_slice()).unwrap_or_default();
        let key = |l: &Line| if let Line::Option { key, .. } = l { Some(key.clone()) } else { None };
        lines.iter().filter_map(key).collect()
    }

    /// Sets an option; returns the change, if it is one.
    pub(in crate::functions) fn set(
        &mut self,
        section: Option<&str>,
        key: &str,
        value: &Value,
    ) -> Option<Value> {
        let text = text_of(value);
        let before = self.get(section, key).map(str::to_owned);
        if before.as_deref() == Some(&text) {
            return None;
        }
        self.edited = true;
        let raw = self.option(key, &text);
        let line = Line::Option { key: key.to_owned(), value: text.clone(), raw };
        let lines = &mut self.section_or_new(section).lines;
        let place = lines.iter().position(|l| matches!(l, Line::Option { key: k, .. } if k == key));
        match place {
            Some(index) => lines[index] = line,
            None => {
                // Before the blank lines that separate this section from the next.
                let blank = |l: &Line| matches!(l, Line::Other(t) if t.trim().is_empty());
                let end = lines.iter().rposition(|l| !blank(l)).map_or(0, |last| last + 1);
                lines.insert(end, line);
                if section.is_none() && end + 1 == lines.len() {
                    lines.push(Line::Other(String::new()));
                }
            }
        }
        Some(Value::from([("before", Value::from(before)), ("after", Value::from(text))]))
    }

    /// Removes an option; returns its value, if it was there.
    pub(in crate::functions) fn remove(&mut self, section: Option<&str>, key: &str) -> Option<String> {
        let value = self.get(section, key)?.to_owned();
        self.edited = true;
        let found = self.sections.iter_mut().find(|s| s.name.as_deref() == section)?;
        found.lines.retain(|l| !matches!(l, Line::Option { key: k, .. } if k == key));
        Some(value)
    }

    /// Adds a section; tells whether it was missing.
    pub(in crate::functions) fn add_section(&mut self, name: &str) -> bool {
        let missing = !self.has(name);
        if missing {
            self.edited = true;
            self.section_or_new(Some(name));
        }
        missing
    }

    /// Removes a section; returns its options, if it was there.
    pub(in crate::functions) fn remove_section(&mut self, name: &str) -> Option<Map> {
        let index = self.sections.iter().position(|s| s.name.as_deref() == Some(name))?;
        let section = self.sections.remove(index);
        self.edited = true;
        let entry = |l: Line| match l {
            Line::Option { key, value, .. } => Some((Value::from(key), Value::from(value))),
            Line::Other(_) => None,
        };
        Some(section.lines.into_iter().filter_map(entry).collect())
    }

    fn section(&self, name: Option<&str>) -> Option<&Section> {
        self.sections.iter().find(|s| s.name.as_deref() == name)
    }

    fn section_or_new(&mut self, name: Option<&str>) -> &mut Section {
        let index = match self.sections.iter().position(|s| s.name.as_deref() == name) {
            Some(index) => index,
            None => {
                self.end_with_blank_line();
                let header = format!("[{}]", name.unwrap_or_default());
                self.sections.push(Section { name: name.map(str::to_owned), header, lines: Vec::new() });
                self.sections.len() - 1
            }
        };
        &mut self.sections[index]
    }

    fn end_with_blank_line(&mut self) {
        let empty = self.sections.iter().all(|s| s.name.is_none() && s.lines.is_empty());
        if let Some(last) = self.sections.last_mut()
            && !empty
            && !matches!(last.lines.last(), Some(Line::Other(text)) if text.trim().is_empty())
        {
            last.lines.push(Line::Other(String::new()));
        }
    }
}

impl Section {
    fn take(&mut self, raw: &str, separator: char) {
        let comment = raw.trim_start().starts_with(['#', ';']);
        let continued = raw.starts_with([' ', '\t']) && !raw.trim().is_empty();
        match raw.split_once(separator) {
            // An indented line belongs to the value above it.
            _ if continued && !comment && matches!(self.lines.last(), Some(Line::Option { .. })) => {
                if let Some(Line::Option { value, raw: above, .. }) = self.lines.last_mut() {
                    value.push('\n');
                    value.push_str(raw.trim());
                    above.push('\n');
                    above.push_str(raw);
                }
            }
            Some((key, value)) if !comment && !key.trim().is_empty() => self.lines.push(Line::Option {
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                raw: raw.to_owned(),
            }),
            _ => self.lines.push(Line::Other(raw.to_owned())),
        }
    }
}

fn header_name(raw: &str) -> Option<&str> {
    raw.trim().strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_and_order_survive_an_edit() {
        let mut doc = Document::parse("# head\n[one]\na = 1 ; no\n\n[two]\nb=2\n", "=", true).unwrap();
        assert!(doc.set(Some("one"), "c", &Value::from(3)).is_some());
        assert!(doc.set(Some("one"), "c", &Value::from("3")).is_none());
        assert!(doc.set(Some("two"), "b", &Value::from(true)).is_some());
        assert_eq!(doc.print(), "# head\n\n[one]\na = 1 ; no\nc = 3\n\n[two]\nb = True\n");
        assert_eq!(doc.remove(Some("one"), "a").as_deref(), Some("1 ; no"));
        assert!(Document::parse("", "==", true).is_err());
    }

    proptest! {
        #[test]
        fn what_is_not_edited_prints_as_it_was(text in "([a-c=#; \\[\\]]{0,8}\n){0,8}") {
            let doc = Document::parse(&text, "=", true).unwrap();
            prop_assert_eq!(doc.print(), text);
        }
    }
}
