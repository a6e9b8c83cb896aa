//! Where YAML 1.1, as PyYAML reads it, allows what the YAML 1.2 scanner refuses.
//!
//! Flow collections and quoted text may go on at any indentation, a tab may follow a colon, a comment may touch a
//! quote. Generated files do all of that: `context: {{ data | tojson(indent=2) }}`. When the scanner stops there, the
//! text is changed where the change has no meaning, and read again; columns are translated back.

use std::collections::BTreeMap;

/// More indentation than any block around a flow collection has.
const SHIFT: usize = 128;
/// The most changes to one text.
const MAX_CHANGES: usize = 1000;

/// A text with changes that have no meaning.
#[derive(Debug)]
pub(super) struct Relaxed {
    pub text: String,
    /// By how many columns a line was moved, lines counted from 1.
    moved: BTreeMap<usize, usize>,
    changes: usize,
}

impl Relaxed {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), moved: BTreeMap::new(), changes: 0 }
    }

    /// Tells whether any column must be translated.
    pub(super) fn has_moved(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Translates a column of the changed text, both counted from 1.
    pub(super) fn column(&self, line: usize, column: usize) -> usize {
        column.saturating_sub(self.moved.get(&line).copied().unwrap_or(0)).max(1)
    }

    /// Changes the text so that the scanner gets past an error at `line` and `column` (of the changed text, column
    /// from 0); `flow` is the number of open flow collections. Returns whether there was something to change.
    pub(super) fn get_past(&mut self, message: &str, line: usize, column: usize, flow: usize) -> bool {
        self.changes += 1;
        if self.changes > MAX_CHANGES {
            return false;
        }
        if message.starts_with("invalid indentation in quoted scalar") {
            return self.indent_quoted(line, column);
        }
        if message == "invalid indentation" || message.starts_with("invalid indentation in flow") {
            return flow > 0 && self.indent_flow(line, flow);
        }
        if message.starts_with("':' must be followed by") {
            return self.replace_tabs(line, column);
        }
        if message.starts_with("comments must be separated") {
            return self.insert_space(line, column);
        }
        false
    }

    fn lines(&self) -> Vec<String> {
        self.text.split('\n').map(str::to_owned).collect()
    }

    fn shift(&mut self, lines: &mut [String], from: usize, to: usize) -> bool {
        // A line that was moved before and still fails is no better for being moved again.
        if self.moved.contains_key(&from) {
            return false;
        }
        for number in from..=to {
            if let Some(line) = lines.get_mut(number - 1)
                && !self.moved.contains_key(&number)
            {
                line.insert_str(0, &" ".repeat(SHIFT));
                self.moved.insert(number, SHIFT);
            }
        }
        self.text = lines.join("\n");
        true
    }

    fn indent_flow(&mut self, line: usize, flow: usize) -> bool {
        let mut lines = self.lines();
        let mut depth = flow;
        let mut quote: Option<char> = None;
        let mut last = lines.len();
        'search: for (index, text) in lines.iter().enumerate().skip(line.saturating_sub(1)) {
            let mut before = ' ';
            let mut chars = text.chars();
            while let Some(c) = chars.next() {
                match (quote, c) {
                    (Some('"'), '\\') => {
                        chars.next();
                    }
                    (Some(q), c) if q == c => quote = None,
                    (Some(_), _) => {}
                    (None, '"' | '\'') if before == ' ' || "[{,:".contains(before) => quote = Some(c),
                    (None, '#') if before == ' ' => break,
                    (None, '[' | '{') => depth += 1,
                    (None, ']' | '}') => {
                        depth -= 1;
                        if depth == 0 {
                            last = index + 1;
                            break 'search;
                        }
                    }
                    (None, _) => {}
                }
                before = c;
            }
        }
        self.shift(&mut lines, line, last)
    }

    fn indent_quoted(&mut self, line: usize, column: usize) -> bool {
        let mut lines = self.lines();
        let Some(first) = lines.get(line - 1) else { return false };
        let Some(quote) = first.chars().nth(column).filter(|c| matches!(c, '"' | '\'')) else { return false };
        let mut escaped = false;
        for index in line - 1..lines.len() {
            let skip = if index == line - 1 { column + 1 } else { 0 };
            let closes = lines[index].chars().skip(skip).any(|c| {
                let closes = c == quote && !escaped;
                escaped = quote == '"' && c == '\\' && !escaped;
                closes
            });
            if closes {
                return index >= line && self.shift(&mut lines, line + 1, index + 1);
            }
            escaped = false;
        }
        false
    }

    /// Replaces the tabs that end at a column by blanks.
    fn replace_tabs(&mut self, line: usize, column: usize) -> bool {
        let mut lines = self.lines();
        let Some(text) = lines.get_mut(line - 1) else { return false };
        let mut chars: Vec<char> = text.chars().collect();
        let mut at = column.min(chars.len());
        let mut changed = false;
        while at > 0 && matches!(chars[at - 1], '\t' | ' ') {
            changed |= chars[at - 1] == '\t';
            chars[at - 1] = ' ';
            at -= 1;
        }
        *text = chars.into_iter().collect();
        self.text = lines.join("\n");
        changed
    }

    /// Puts a blank before a comment; nothing but the comment follows, so no column changes.
    fn insert_space(&mut self, line: usize, column: usize) -> bool {
        let mut lines = self.lines();
        let Some(text) = lines.get_mut(line - 1) else { return false };
        let Some((at, '#')) = text.char_indices().nth(column) else { return false };
        text.insert(at, ' ');
        self.text = lines.join("\n");
        true
    }
}
