//! Text formats in and out of templates: YAML and JSON.

use lab_proto::Value;

use super::error::{Fault, Res};
use super::value::Val;
use crate::render::error::RenderErrorKind;
use crate::render::yaml;

/// Reads YAML, as `load_yaml` and `import_yaml` do.
pub(super) fn from_yaml(text: &str) -> Res<Val> {
    match yaml::parse(text) {
        Ok(node) => Ok(Val::from_data(&decoded(node.to_value()))),
        Err(error) => {
            let line = text.lines().nth(error.line.saturating_sub(1) as usize).unwrap_or("").trim();
            let message = format!("cannot read yaml, line {}: {} ({line})", error.line, error.message);
            let kind =
                if error.duplicate { RenderErrorKind::DuplicateKey } else { RenderErrorKind::JinjaError };
            Err(Fault::new(kind, message).suggest_opt(error.suggestion))
        }
    }
}

/// Makes texts of bytes that are one: what templates load is decoded, what states hold is not.
fn decoded(value: Value) -> Value {
    match value {
        Value::Bytes(bytes) => Value::text_or_bytes(bytes),
        Value::List(items) => Value::List(items.into_iter().map(decoded).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(k, v)| (decoded(k), decoded(v))).collect()),
        other => other,
    }
}

/// Reads JSON, as `load_json` and `import_json` do.
pub(super) fn from_json(text: &str) -> Res<Val> {
    serde_json::from_str::<Value>(text)
        .map(|v| Val::from_data(&v))
        .map_err(|e| Fault::syntax(format!("cannot read json: {e}")))
}

/// How JSON is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonStyle<'s> {
    pub(crate) sort_keys: bool,
    pub(crate) indent: Option<usize>,
    /// Escapes everything beyond ASCII.
    pub(crate) ascii: bool,
    /// What stands between items, and between a key and its value.
    pub(crate) separators: (&'s str, &'s str),
}

impl JsonStyle<'_> {
    /// Separates as Python does when it is not told how.
    pub(crate) fn new(indent: Option<usize>, sort_keys: bool, ascii: bool) -> Self {
        let comma = if indent.is_some() { "," } else { ", " };
        Self { sort_keys, indent, ascii, separators: (comma, ": ") }
    }
}

/// Writes JSON as Python's `json.dumps` does.
pub(super) fn to_json(value: &Value, style: JsonStyle<'_>) -> Res<String> {
    let mut out = String::new();
    write_json(value, style, 0, &mut out)?;
    Ok(out)
}

fn write_json(value: &Value, style: JsonStyle<'_>, depth: usize, out: &mut String) -> Res<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::Float(f) if f.is_nan() => out.push_str("NaN"),
        Value::Float(f) if f.is_infinite() => out.push_str(if *f > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Float(f) => out.push_str(&crate::render::python::float(*f)),
        Value::Str(s) => json_text(s, style.ascii, out),
        Value::Bytes(b) => json_text(&String::from_utf8_lossy(b), style.ascii, out),
        Value::List(items) | Value::Tuple(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, style, depth + 1, out);
                write_json(item, style, depth + 1, out)?;
            }
            close(items.is_empty(), style, depth, out);
            out.push(']');
        }
        Value::Map(map) => {
            let entries = if style.sort_keys {
                sortable(map.keys())?;
                yaml::sorted(map)
            } else {
                map.iter().collect()
            };
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                separate(index, style, depth + 1, out);
                json_text(&json_key(key)?, style.ascii, out);
                out.push_str(style.separators.1);
                write_json(value, style, depth + 1, out)?;
            }
            close(map.is_empty(), style, depth, out);
            out.push('}');
        }
    }
    Ok(())
}

/// Refuses keys that Python cannot sort: texts beside numbers, and `None` beside anything.
fn sortable<'v>(mut keys: impl Iterator<Item = &'v Value>) -> Res<()> {
    let kind = |key: &Value| match key {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => "a number",
        other => other.kind(),
    };
    let Some(first) = keys.next() else { return Ok(()) };
    match keys.find(|k| kind(k) != kind(first)) {
        Some(other) => {
            let message = format!("the keys {first} and {other} cannot be sorted");
            Err(Fault::failed(message).suggest("write json(sort_keys=False), or make all keys texts"))
        }
        None => Ok(()),
    }
}

fn separate(index: usize, style: JsonStyle<'_>, depth: usize, out: &mut String) {
    if index > 0 {
        out.push_str(style.separators.0);
    }
    if let Some(width) = style.indent {
        out.push('\n');
        out.push_str(&" ".repeat(width * depth));
    }
}

fn close(empty: bool, style: JsonStyle<'_>, depth: usize, out: &mut String) {
    if let (Some(width), false) = (style.indent, empty) {
        out.push('\n');
        out.push_str(&" ".repeat(width * depth));
    }
}

fn json_key(key: &Value) -> Res<String> {
    Ok(match key {
        Value::Str(s) => s.to_string(),
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => crate::render::python::float(*f),
        other => {
            let message = format!("keys must be str, int, float, bool or None, not {}", other.kind());
            return Err(Fault::failed(message));
        }
    })
}

fn json_text(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || (ascii && !matches!(c, ' '..='~')) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
