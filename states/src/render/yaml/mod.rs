//! YAML as Salt reads it, with the place of every node.
//!
//! A parser of events supplies structure and positions; scalars, merge keys, tags and duplicate keys follow
//! PyYAML and Salt's loader. The compiler walks [`Node`]s and points at their places.

mod dump;
mod explain;
mod load;
mod relax;
mod scalar;

use lab_proto::Value;
use lab_proto::value::Map;

pub use dump::{
    FileStyle, double_quoted, dump_block, dump_file, dump_flow, dump_in_order, dump_mixed, dump_scalar,
    single_quoted, sorted,
};
pub use explain::YamlError;
pub use load::parse;

/// Reads a plain scalar: a number, a boolean, null or text.
pub fn scalar_of(text: &str) -> Value {
    match scalar::resolve(text) {
        scalar::Plain::Value(value) => value,
        scalar::Plain::Merge | scalar::Plain::DefaultValue => Value::from(text),
    }
}

/// Where a node starts in the source. `file` indexes the list of files that the document came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Index of the source file.
    pub file: u32,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1; 0 when the line was made by a template and only the line is known.
    pub column: u32,
}

/// A node of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub data: Data,
    /// Where it starts.
    pub span: Span,
}

/// The content of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Null, a boolean, a number, text or bytes.
    Scalar(Value),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file; no key occurs twice.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// Makes a scalar node.
    pub fn scalar(value: impl Into<Value>, span: Span) -> Self {
        Self { data: Data::Scalar(value.into()), span }
    }

    /// Makes a tree of nodes from a value, all at one place.
    pub fn from_value(value: &Value, span: Span) -> Self {
        let data = match value {
            Value::List(items) | Value::Tuple(items) => {
                Data::List(items.iter().map(|v| Self::from_value(v, span)).collect())
            }
            Value::Map(map) => Data::Map(
                map.iter().map(|(k, v)| (Self::from_value(k, span), Self::from_value(v, span))).collect(),
            ),
            scalar => Data::Scalar(scalar.clone()),
        };
        Self { data, span }
    }

    /// Converts to a value; the places are lost. Nesting is bounded by the parser.
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => Value::List(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => {
                let map: Map = entries.iter().map(|(k, v)| (k.to_value(), v.to_value())).collect();
                Value::Map(map)
            }
        }
    }

    /// Returns the text of a string scalar.
    pub fn as_str(&self) -> Option<&str> {
        if let Data::Scalar(Value::Str(s)) = &self.data { Some(s) } else { None }
    }

    /// Returns the value of a scalar.
    pub fn as_scalar(&self) -> Option<&Value> {
        if let Data::Scalar(value) = &self.data { Some(value) } else { None }
    }

    /// Returns the items of a sequence.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Data::List(items) = &self.data { Some(items) } else { None }
    }

    /// Returns the entries of a mapping.
    pub fn as_map(&self) -> Option<&[(Self, Self)]> {
        if let Data::Map(entries) = &self.data { Some(entries) } else { None }
    }

    /// Looks a text key up in a mapping; returns the key's node and the value's.
    pub fn entry(&self, key: &str) -> Option<(&Self, &Self)> {
        self.as_map()?.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(k, v)| (k, v))
    }

    /// Looks the value of a text key up in a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, v)| v)
    }

    /// Tells whether the node is null.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar(Value::Null))
    }

    /// Names the kind for error messages.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Scalar(value) => value.kind(),
            Data::List(_) => "list",
            Data::Map(_) => "mapping",
        }
    }

    /// Changes every span of the tree.
    pub(crate) fn map_spans(&mut self, change: &mut impl FnMut(Span) -> Span) {
        self.span = change(self.span);
        match &mut self.data {
            Data::Scalar(_) => {}
            Data::List(items) => items.iter_mut().for_each(|n| n.map_spans(change)),
            Data::Map(entries) => {
                for (key, value) in entries {
                    key.map_spans(change);
                    value.map_spans(change);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
