//! An ini file as Salt reads and writes it: comments and order survive an edit, spacing becomes uniform.

use indexmap::IndexMap;
use lab_proto::{Map, Value};

use super::super::support::{lines, text_of};
use crate::function::StateError;

/// A file in sections, with what stands before the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct Document {
    top: Section,
    sections: IndexMap<String, Section>,
    separator: char,
    spaces: bool,
    /// What it was read from: what is not edited prints as it was.
    text: String,
    edited: bool,
}

/// Lines by key. An option's key is its name; comments and lines that are neither are kept under keys with a `#`, which
/// no option can have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Section {
    items: IndexMap<String, String>,
    comments: usize,
    unknowns: usize,
}

impl Document {
    pub(in crate::functions) fn parse(text: &str, separator: &str, spaces: bool) -> Result<Self, StateError> {
        let mut chars = separator.chars();
        let (Some(separator), None) = (chars.next(), chars.next()) else {
            return Err(StateError::failed(format!(
                "argument separator: {separator:?} must be one character"
            )));
        };
        let mut document = Self {
            top: Section::default(),
            sections: IndexMap::new(),
            separator,
            spaces,
            text: text.to_owned(),
            edited: false,
        };
        let (mut name, mut body) = (None, Vec::new());
        for raw in lines(text) {
            match header_name(raw) {
                Some(next) => {
                    document.take(name.replace(next), &body);
                    body.clear();
                }
                None => body.push(raw),
            }
        }
        document.take(name, &body);
        Ok(document)
    }

    /// Reads the lines of a section; one that comes twice is one.
    fn take(&mut self, name: Option<&str>, body: &[&str]) {
        let separator = self.separator;
        let section = match name {
            None => &mut self.top,
            Some(name) => self.sections.entry(name.to_owned()).or_default(),
        };
        (section.comments, section.unknowns) = (0, 0);
        let first = body.iter().position(|l| !l.is_empty()).unwrap_or(body.len());
        let last = body.iter().rposition(|l| !l.is_empty()).map_or(first, |last| last + 1);
        section.read(&body[first..last], separator);
    }

    pub(in crate::functions) fn print(&self) -> String {
        if !self.edited {
            return self.text.clone();
        }
        let mut out = self.lines_of(&self.top);
        for (name, section) in &self.sections {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&format!("[{name}]\n"));
            out.push_str(&self.lines_of(section));
        }
        out
    }

    fn lines_of(&self, section: &Section) -> String {
        let between = match (self.separator, self.spaces) {
            (' ', _) => " ".to_owned(),
            (separator, true) => format!(" {separator} "),
            (separator, false) => separator.to_string(),
        };
        let line = |(key, value): (&String, &String)| {
            if key.starts_with('#') { format!("{value}\n") } else { format!("{key}{between}{value}\n") }
        };
        section.items.iter().map(line).collect()
    }

    pub(in crate::functions) fn get(&self, section: Option<&str>, key: &str) -> Option<&str> {
        self.section(section)?.items.get(key).map(String::as_str)
    }

    pub(in crate::functions) fn has(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.sections.keys().cloned().collect()
    }

    pub(in crate::functions) fn keys(&self, section: Option<&str>) -> Vec<String> {
        let items = self.section(section).into_iter().flat_map(|s| s.items.keys());
        items.filter(|key| !key.starts_with('#')).cloned().collect()
    }

    /// Sets an option; returns the change, if it is one. One that is commented out comes in the comment's place.
    pub(in crate::functions) fn set(
        &mut self,
        section: Option<&str>,
        key: &str,
        value: &Value,
    ) -> Option<Value> {
        let text = printed(value);
        let before = self.get(section, key).map(str::to_owned);
        if before.as_deref() == Some(&text) {
            return None;
        }
        self.edited = true;
        let separator = self.separator;
        let section = match section {
            None => &mut self.top,
            Some(name) => self.sections.entry(name.to_owned()).or_default(),
        };
        section.put(key, text.clone(), separator);
        Some(Value::from([("before", Value::from(before)), ("after", Value::from(text))]))
    }

    /// Removes an option; returns its value, if it was there.
    pub(in crate::functions) fn remove(&mut self, section: Option<&str>, key: &str) -> Option<String> {
        let section = match section {
            None => Some(&mut self.top),
            Some(name) => self.sections.get_mut(name),
        };
        let value = section?.items.shift_remove(key)?;
        self.edited = true;
        Some(value)
    }

    /// Adds a section; tells whether it was missing.
    pub(in crate::functions) fn add_section(&mut self, name: &str) -> bool {
        let missing = !self.has(name);
        if missing {
            self.edited = true;
            self.sections.insert(name.to_owned(), Section::default());
        }
        missing
    }

    /// Removes a section; returns its options, if it was there.
    pub(in crate::functions) fn remove_section(&mut self, name: &str) -> Option<Map> {
        let section = self.sections.shift_remove(name)?;
        self.edited = true;
        let options = section.items.into_iter().filter(|(key, _)| !key.starts_with('#'));
        Some(options.map(|(key, value)| (Value::from(key), Value::from(value))).collect())
    }

    fn section(&self, name: Option<&str>) -> Option<&Section> {
        match name {
            None => Some(&self.top),
            Some(name) => self.sections.get(name),
        }
    }
}

impl Section {
    fn read(&mut self, body: &[&str], separator: char) {
        let mut depth = String::new();
        for raw in body {
            if raw.trim_start().starts_with(['#', ';']) {
                self.comments += 1;
                self.items.insert(format!("#comment{}", self.comments), (*raw).to_owned());
                continue;
            }
            let indent = indent_of(raw);
            if !indent.is_empty() && indent > depth {
                // A deeper line belongs to what stands above it.
                if let Some((_, above)) = self.items.last_mut() {
                    above.push('\n');
                    above.push_str(raw);
                }
                continue;
            }
            match option_of(raw, separator) {
                Some((key, value)) => {
                    depth = indent;
                    self.put(key, value.to_owned(), separator);
                }
                None => {
                    self.unknowns += 1;
                    self.items.insert(format!("#unknown{}", self.unknowns), (*raw).to_owned());
                }
            }
        }
    }

    fn put(&mut self, key: &str, value: String, separator: char) {
        if !self.items.contains_key(key) {
            let commented = |(name, raw): (&String, &String)| {
                name.starts_with("#comment")
                    && option_of(raw.trim_start_matches('#'), separator).is_some_and(|(k, _)| k == key)
            };
            if let Some(at) = self.items.iter().position(commented) {
                self.items.shift_remove_index(at);
                self.items.shift_insert(at, key.to_owned(), value);
                return;
            }
        }
        self.items.insert(key.to_owned(), value);
    }
}

/// Splits `key = value`; spaces around the key are not part of it, nor those in front of the value.
fn option_of(raw: &str, separator: char) -> Option<(&str, &str)> {
    let line = raw.trim_start();
    // A key has at least one character, so a separator at the start is not what ends it.
    let first = line.chars().next()?.len_utf8();
    let at = first + line.get(first..)?.find(separator)?;
    let (key, rest) = line.split_at(at);
    Some((key.trim_end(), rest.strip_prefix(separator)?.trim_start()))
}

fn indent_of(raw: &str) -> String {
    raw[..raw.len() - raw.trim_start().len()].replace('\t', "    ")
}

/// Returns a value as Python prints it.
fn printed(value: &Value) -> String {
    match value {
        Value::List(_) | Value::Tuple(_) | Value::Map(_) => {
            crate::render::python_literal(value).unwrap_or_else(|_| text_of(value))
        }
        scalar => text_of(scalar),
    }
}

fn header_name(raw: &str) -> Option<&str> {
    raw.trim().strip_prefix('[')?.strip_suffix(']').filter(|name| !name.is_empty())
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

    #[test]
    fn an_option_that_is_commented_out_comes_in_the_comments_place() {
        let mut doc = Document::parse("[s]\n# about k\n#k = old\nx=1\n;j = 1\n", "=", true).unwrap();
        doc.set(Some("s"), "k", &Value::from("new"));
        doc.set(Some("s"), "j", &Value::from(2));
        assert_eq!(doc.print(), "[s]\n# about k\nk = new\nx = 1\n;j = 1\nj = 2\n");
    }

    #[test]
    fn deeper_lines_stay_with_their_option_and_a_section_that_comes_twice_is_one() {
        let mut doc = Document::parse("[s]\na = 1\n  more\n[t]\nz=1\n[s]\nb=2\n", "=", true).unwrap();
        assert_eq!(doc.get(Some("s"), "a"), Some("1\n  more"));
        assert!(doc.set(Some("s"), "b", &Value::from(3)).is_some());
        assert_eq!(doc.print(), "[s]\na = 1\n  more\nb = 3\n\n[t]\nz = 1\n");
    }

    proptest! {
        #[test]
        fn what_is_not_edited_prints_as_it_was(text in "([a-c=#; \\[\\]]{0,8}\n){0,8}") {
            let doc = Document::parse(&text, "=", true).unwrap();
            prop_assert_eq!(doc.print(), text);
        }

        #[test]
        fn an_option_that_was_set_is_read_again(
            text in "([a-c=#; \\[\\]]{0,8}\n){0,8}",
            key in "[a-d]{1,2}",
            value in "[a-z]{1,3}",
        ) {
            let mut doc = Document::parse(&text, "=", true).unwrap();
            doc.set(Some("s"), &key, &Value::from(value.as_str()));
            let again = Document::parse(&doc.print(), "=", true).unwrap();
            prop_assert_eq!(again.get(Some("s"), &key), Some(value.as_str()));
        }
    }
}
