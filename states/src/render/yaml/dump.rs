//! Writes values as YAML the way PyYAML's emitter does: same quoting, same line breaks at column 80.

use lab_proto::Value;

use super::scalar::{self, Plain};

const WIDTH: usize = 80;
const INDENT: usize = 2;

/// Writes a value in flow style, `{a: 1, b: [x]}`, keys sorted; no final newline.
pub fn dump_flow(value: &Value) -> String {
    dump(value, true)
}

/// Writes a value in block style, keys sorted; no final newline.
pub fn dump_block(value: &Value) -> String {
    dump(value, false)
}

/// How a file of YAML is written; the usual is block style with sorted keys and everything beyond ASCII escaped.
#[derive(Clone, Copy, Debug)]
pub struct FileStyle {
    /// Spaces per level; 0 or 1, and more than 9, count as the usual two.
    pub indent: usize,
    /// Whether collections stand in brackets; if nothing is said, those do that hold nothing but scalars.
    pub flow: Option<bool>,
    /// Where lines break; up to two levels of indentation count as the usual 80.
    pub width: usize,
    /// Whether the keys are sorted.
    pub sort_keys: bool,
    /// Whether what is beyond ASCII stands as it is.
    pub unicode: bool,
    /// Whether the document begins with `---`.
    pub explicit_start: bool,
}

impl Default for FileStyle {
    fn default() -> Self {
        Self {
            indent: INDENT,
            flow: Some(false),
            width: WIDTH,
            sort_keys: true,
            unicode: false,
            explicit_start: false,
        }
    }
}

/// Writes a value for a file; no final newline.
pub fn dump_file(value: &Value, style: &FileStyle) -> String {
    let step = if (2..10).contains(&style.indent) { style.indent } else { INDENT };
    let mut out = Emitter {
        step,
        width: if style.width > 2 * step { style.width } else { WIDTH },
        ascii: !style.unicode,
        in_order: !style.sort_keys,
        mixed: style.flow.is_none(),
        ..Emitter::new()
    };
    if style.explicit_start {
        out.indicator("---", true, false, false);
    }
    written(out, value, style.flow.unwrap_or(false))
}

/// Writes one scalar as it would stand alone in a document, text in double quotes.
pub fn dump_scalar(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(double_quoted(text)),
        Value::List(_) | Value::Tuple(_) | Value::Map(_) | Value::Bytes(_) => None,
        other => Some(plain_text(other)),
    }
}

/// Writes text in double quotes, everything beyond ASCII escaped.
pub fn double_quoted(text: &str) -> String {
    let mut out = Emitter { width: usize::MAX, ascii: true, ..Emitter::new() };
    out.double_quoted(text, true);
    out.out
}

/// Writes text in single quotes.
pub fn single_quoted(text: &str) -> String {
    let mut out = Emitter { width: usize::MAX, ..Emitter::new() };
    out.single_quoted(text, true);
    out.out
}

/// Writes a value in flow or block style, its keys in their own order; no final newline.
pub fn dump_in_order(value: &Value, flow: bool) -> String {
    written(Emitter { in_order: true, ..Emitter::new() }, value, flow)
}

/// Writes a value in block style, keys sorted, what holds nothing but scalars in flow style; no final newline.
pub fn dump_mixed(value: &Value) -> String {
    written(Emitter { mixed: true, ..Emitter::new() }, value, false)
}

fn dump(value: &Value, flow: bool) -> String {
    written(Emitter::new(), value, flow)
}

fn written(mut out: Emitter, value: &Value, flow: bool) -> String {
    out.node(value, flow, None, false);
    let end = out.out.trim().len();
    out.out.truncate(end);
    out.out.trim_start().to_owned()
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) if f.is_nan() => ".nan".to_owned(),
        Value::Float(f) if f.is_infinite() => if *f > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        Value::Float(f) => {
            let text = crate::render::python::float(*f);
            match text.split_once('e') {
                Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
                _ => text,
            }
        }
        Value::Str(s) => s.to_string(),
        Value::Bytes(b) => crate::render::base64::encode(b),
        Value::List(_) | Value::Tuple(_) | Value::Map(_) => String::new(),
    }
}

/// Sorts the keys as PyYAML does, and leaves them alone where Python could not compare them.
pub fn sorted(map: &lab_proto::value::Map) -> Vec<(&Value, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    let text = entries.iter().all(|(k, _)| k.as_str().is_some());
    let numbers = entries.iter().all(|(k, _)| matches!(k, Value::Int(_) | Value::Float(_) | Value::Bool(_)));
    if text {
        entries.sort_by(|a, b| a.0.as_str().cmp(&b.0.as_str()));
    } else if numbers {
        entries.sort_by(|a, b| number(a.0).total_cmp(&number(b.0)));
    }
    entries
}

#[expect(clippy::cast_precision_loss, reason = "only the order of keys depends on it")]
fn number(value: &Value) -> f64 {
    match value {
        Value::Int(i) => *i as f64,
        Value::Float(f) => *f,
        Value::Bool(b) => f64::from(u8::from(*b)),
        _ => 0.0,
    }
}

fn holds_scalars(value: &Value) -> bool {
    let scalar = |v: &Value| !matches!(v, Value::List(_) | Value::Tuple(_) | Value::Map(_));
    match value {
        Value::List(items) | Value::Tuple(items) => items.iter().all(scalar),
        Value::Map(map) => map.values().all(scalar),
        _ => false,
    }
}

struct Emitter {
    out: String,
    column: usize,
    width: usize,
    /// Whether the last thing written lets a token follow without a space.
    whitespace: bool,
    /// Whether only indentation stands on the line so far.
    indention: bool,
    ascii: bool,
    in_order: bool,
    /// Whether a collection of scalars is written in flow style.
    mixed: bool,
    /// So many spaces a level is indented by.
    step: usize,
}

impl Emitter {
    fn new() -> Self {
        Self {
            out: String::new(),
            column: 0,
            width: WIDTH,
            whitespace: true,
            indention: true,
            ascii: false,
            in_order: false,
            mixed: false,
            step: INDENT,
        }
    }

    fn entries<'v>(&self, map: &'v lab_proto::value::Map) -> Vec<(&'v Value, &'v Value)> {
        if self.in_order { map.iter().collect() } else { sorted(map) }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.whitespace = true;
        self.indention = true;
    }

    fn indent_to(&mut self, indent: usize) {
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        while self.column < indent {
            self.push(" ");
        }
        self.whitespace = true;
    }

    fn indicator(&mut self, text: &str, need_space: bool, opens: bool, indention: bool) {
        if need_space && !self.whitespace {
            self.push(" ");
        }
        self.push(text);
        self.whitespace = opens;
        self.indention = self.indention && indention;
    }

    /// Writes a node; `indent` is that of the enclosing collection.
    fn node(&mut self, value: &Value, flow: bool, indent: Option<usize>, in_map: bool) {
        let step = self.step;
        let flow = flow || (self.mixed && holds_scalars(value));
        let inner = |flow: bool| indent.map_or(if flow { step } else { 0 }, |i| i + step);
        match value {
            Value::List(items) | Value::Tuple(items) => {
                if flow || items.is_empty() {
                    self.flow_list(items, inner(true));
                } else {
                    let indent = if in_map && !self.indention { indent.unwrap_or(0) } else { inner(false) };
                    self.block_list(items, indent);
                }
            }
            Value::Map(map) => {
                if flow || map.is_empty() {
                    self.flow_map(map, inner(true));
                } else {
                    self.block_map(map, inner(false));
                }
            }
            scalar => self.scalar(scalar, flow, indent.unwrap_or(0), false),
        }
    }

    fn flow_list(&mut self, items: &[Value], indent: usize) {
        self.indicator("[", true, true, false);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.indicator(",", false, false, false);
            }
            if self.column > self.width {
                self.indent_to(indent);
            }
            self.node(item, true, Some(indent), false);
        }
        self.indicator("]", false, false, false);
    }

    fn flow_map(&mut self, map: &lab_proto::value::Map, indent: usize) {
        self.indicator("{", true, true, false);
        for (index, (key, value)) in self.entries(map).into_iter().enumerate() {
            if index > 0 {
                self.indicator(",", false, false, false);
            }
            if self.column > self.width {
                self.indent_to(indent);
            }
            self.scalar(key, true, indent, true);
            self.indicator(":", false, false, false);
            self.node(value, true, Some(indent), true);
        }
        self.indicator("}", false, false, false);
    }

    fn block_list(&mut self, items: &[Value], indent: usize) {
        for item in items {
            self.indent_to(indent);
            self.indicator("-", true, false, true);
            self.node(item, false, Some(indent), false);
        }
    }

    fn block_map(&mut self, map: &lab_proto::value::Map, indent: usize) {
        for (key, value) in self.entries(map) {
            self.indent_to(indent);
            self.scalar(key, false, indent, true);
            self.indicator(":", false, false, false);
            self.node(value, false, Some(indent), true);
        }
    }

    fn scalar(&mut self, value: &Value, flow: bool, indent: usize, key: bool) {
        let text = plain_text(value);
        let Value::Str(_) = value else {
            self.plain(&text, !key, indent);
            return;
        };
        let traits = Analysis::of(&text);
        let is_text =
            matches!(scalar::resolve(&text), Plain::Value(Value::Str(_))) && !looks_like_a_date(&text);
        let plain = if flow { traits.flow_plain } else { traits.block_plain };
        if self.ascii && !text.is_ascii() {
            self.quoted(&text, !key, indent, Self::double_quoted_at);
        } else if is_text && plain && !(key && (text.is_empty() || traits.multiline)) {
            self.plain(&text, !key, indent);
        } else if traits.single_quoted && !(key && traits.multiline) {
            self.quoted(&text, !key, indent, Self::single_quoted_at);
        } else {
            self.quoted(&text, !key, indent, Self::double_quoted_at);
        }
    }

    fn quoted(&mut self, text: &str, split: bool, indent: usize, write: fn(&mut Self, &str, bool, usize)) {
        if !self.whitespace {
            self.push(" ");
        }
        write(self, text, split, indent + self.step);
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, split: bool) {
        self.single_quoted_at(text, split, 0);
    }

    fn double_quoted(&mut self, text: &str, split: bool) {
        self.double_quoted_at(text, split, 0);
    }

    fn plain(&mut self, text: &str, split: bool, indent: usize) {
        if !self.whitespace {
            self.push(" ");
        }
        self.whitespace = false;
        self.indention = false;
        for (index, word) in text.split(' ').enumerate() {
            if index > 0 {
                // An empty word means a run of spaces, which may not be folded.
                let alone = !word.is_empty() && !self.out.ends_with(' ');
                if split && alone && self.column > self.width {
                    self.indent_to(indent + self.step);
                    self.whitespace = false;
                    self.indention = false;
                } else {
                    self.push(" ");
                }
            }
            self.push(word);
        }
    }

    fn single_quoted_at(&mut self, text: &str, split: bool, indent: usize) {
        self.push("'");
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let end =
                |f: fn(char) -> bool| chars[at..].iter().position(|c| !f(*c)).map_or(chars.len(), |n| at + n);
            if chars[at] == ' ' {
                let stop = end(|c| c == ' ');
                if stop == at + 1 && self.column > self.width && split && at != 0 && stop != chars.len() {
                    self.indention = false;
                    self.indent_to(indent);
                } else {
                    self.push(&" ".repeat(stop - at));
                }
                at = stop;
            } else if chars[at] == '\n' {
                let stop = end(|c| c == '\n');
                for _ in at..=stop {
                    self.line_break();
                }
                self.indent_to(indent);
                at = stop;
            } else {
                let stop = end(|c| c != ' ' && c != '\n');
                let word: String = chars[at..stop].iter().collect();
                self.push(&word.replace('\'', "''"));
                self.indention = false;
                self.whitespace = false;
                at = stop;
            }
        }
        self.push("'");
    }

    fn double_quoted_at(&mut self, text: &str, split: bool, indent: usize) {
        self.push("\"");
        let chars: Vec<char> = text.chars().collect();
        for (index, c) in chars.iter().copied().enumerate() {
            let inside = index > 0 && index + 1 < chars.len();
            if split && c == ' ' && inside && chars[index - 1] != ' ' && self.column > self.width {
                // The line break stands for the space.
                self.indention = false;
                self.indent_to(indent);
                if chars[index + 1] == ' ' {
                    self.push("\\");
                }
                continue;
            }
            let escape = match c {
                '\0' => "\\0",
                '\u{7}' => "\\a",
                '\u{8}' => "\\b",
                '\t' => "\\t",
                '\n' => "\\n",
                '\u{b}' => "\\v",
                '\u{c}' => "\\f",
                '\r' => "\\r",
                '\u{1b}' => "\\e",
                '"' => "\\\"",
                '\\' => "\\\\",
                '\u{85}' => "\\N",
                '\u{2028}' => "\\L",
                '\u{2029}' => "\\P",
                ' '..='~' => {
                    self.push(c.encode_utf8(&mut [0; 4]));
                    continue;
                }
                _ => "",
            };
            if !escape.is_empty() {
                self.push(escape);
            } else if !self.ascii
                && matches!(c, '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
                && c != '\u{feff}'
            {
                self.push(c.encode_utf8(&mut [0; 4]));
            } else if (c as u32) < 0x100 {
                self.push(&format!("\\x{:02X}", c as u32));
            } else if (c as u32) < 0x1_0000 {
                self.push(&format!("\\u{:04X}", c as u32));
            } else {
                self.push(&format!("\\U{:08X}", c as u32));
            }
        }
        self.push("\"");
    }
}

/// What PyYAML's emitter finds out about a text before it chooses a style.
struct Analysis {
    multiline: bool,
    flow_plain: bool,
    block_plain: bool,
    single_quoted: bool,
}

impl Analysis {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let (Some(&first), Some(&last)) = (chars.first(), chars.last()) else {
            return Self { multiline: false, flow_plain: false, block_plain: true, single_quoted: true };
        };
        let is_break = |c: char| matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let blank =
            |c: Option<&char>| c.is_none_or(|c| is_break(*c) || matches!(c, ' ' | '\t' | '\r' | '\0'));
        let document = text.starts_with("---") || text.starts_with("...");
        let (mut flow, mut block) = (document, document);
        let (mut breaks, mut special, mut break_space, mut space_break) = (false, false, false, false);
        for (index, c) in chars.iter().copied().enumerate() {
            let next_blank = blank(chars.get(index + 1));
            if index == 0 {
                if "#,[]{}&*!|>'\"%@`".contains(c) || (c == '-' && next_blank) {
                    flow = true;
                    block = true;
                } else if c == '?' || c == ':' {
                    flow = true;
                    block |= next_blank;
                }
            } else {
                flow |= ",?[]{}:".contains(c);
                block |= c == ':' && next_blank;
                if c == '#' && blank(chars.get(index - 1)) {
                    flow = true;
                    block = true;
                }
                let before = chars[index - 1];
                // PyYAML would leave it plain, but the scanner takes a dash before a bracket or comma for an entry.
                flow |= c == '-' && before == ' ' && index + 1 == chars.len();
                break_space |= is_break(before) && c == ' ';
                space_break |= before == ' ' && is_break(c);
            }
            breaks |= is_break(c);
            let printable = matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
            // PyYAML writes the breaks of Unicode as they are, and loses one of them when it reads them again.
            special |= !printable || c == '\u{feff}' || (c != '\n' && is_break(c));
        }
        let edge = [first, last].into_iter().any(|c| c == ' ' || is_break(c));
        let plain = !edge && !break_space && !space_break && !special && !breaks;
        Self {
            multiline: breaks,
            flow_plain: plain && !flow,
            block_plain: plain && !block,
            single_quoted: !break_space && !space_break && !special,
        }
    }
}

/// Tells whether PyYAML would resolve a text as a timestamp, so that its emitter quotes it.
fn looks_like_a_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| bytes[from..to].iter().all(u8::is_ascii_digit);
    if bytes.len() < 8 || !text.is_ascii() || !digits(0, 4) || bytes[4] != b'-' {
        return false;
    }
    if bytes.len() == 10 && digits(5, 7) && bytes[7] == b'-' && digits(8, 10) {
        return true;
    }
    let Some(at) = text.find([' ', 'T', 't']) else { return false };
    let date_ok =
        text[..at].split('-').count() == 3 && text[5..at].bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let time = text[at..].trim_start_matches([' ', 'T', 't']);
    let ok = |c: char| c.is_ascii_digit() || ":.+-Zz ".contains(c);
    date_ok
        && time.matches(':').count() >= 2
        && time.starts_with(|c: char| c.is_ascii_digit())
        && time.chars().all(ok)
}
