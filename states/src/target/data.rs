//! What an expression is held against: text, nested data, addresses.

use lab_proto::Value;

use super::TargetError;
use crate::python_regex::{Anchor, Failure, Flags, Meter, Pattern, TEMPLATES};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Glob,
    Regex,
    Exact,
}

/// Matches `a:b:value` against nested data. Keys may hold the delimiter, so every split is tried, the longest key
/// path first.
pub(super) fn subdict(
    data: &Value,
    expression: &str,
    delimiter: &str,
    style: Style,
) -> Result<bool, TargetError> {
    let parts: Vec<&str> = expression.split(delimiter).collect();
    for split in (1..parts.len()).rev() {
        let pattern = parts[split..].join(delimiter);
        let test = Test::new(&pattern, style)?;
        for value in lookups(data, &parts[..split]) {
            if test.holds(value)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Returns what a path of keys leads to; a list on the way is searched for mappings that have the key.
fn lookups<'a>(data: &'a Value, keys: &[&str]) -> Vec<&'a Value> {
    let Some((key, rest)) = keys.split_first() else { return vec![data] };
    let mut found = Vec::new();
    match data {
        Value::Map(map) => {
            let value = map.iter().find(|(k, _)| text_of(k).as_deref() == Some(*key)).map(|(_, v)| v);
            if let Some(value) = value {
                found.extend(lookups(value, rest));
            } else if *key == "*" {
                found.extend(map.values().flat_map(|v| lookups(v, rest)));
            }
        }
        Value::List(items) | Value::Tuple(items) => {
            if let Some(item) = key.parse::<usize>().ok().and_then(|i| items.get(i)) {
                found.extend(lookups(item, rest));
            }
            found.extend(items.iter().filter(|i| matches!(i, Value::Map(_))).flat_map(|i| lookups(i, keys)));
        }
        _ => {}
    }
    found
}

/// What a value is held against.
enum Test {
    Glob(String),
    Regex(Box<Prefix>),
    Exact(String),
}

impl Test {
    fn new(pattern: &str, style: Style) -> Result<Self, TargetError> {
        Ok(match style {
            Style::Glob => Self::Glob(pattern.to_lowercase()),
            Style::Regex => {
                let flags = Flags { ignore_case: true, ..Flags::default() };
                Self::Regex(Box::new(Prefix::new(pattern, flags)?))
            }
            Style::Exact => Self::Exact(pattern.to_lowercase()),
        })
    }

    fn holds(&self, value: &Value) -> Result<bool, TargetError> {
        Ok(match value {
            Value::List(items) | Value::Tuple(items) => {
                for item in items {
                    if self.holds(item)? {
                        return Ok(true);
                    }
                }
                false
            }
            Value::Map(map) => {
                // A mapping matches by a key spelt out, and by `*`.
                let any = matches!(self, Self::Glob(p) if p == "*");
                any || matches!(self, Self::Glob(p) | Self::Exact(p) if map.contains_key(p.as_str()))
            }
            scalar => match (text_of(scalar), self) {
                (None, _) => false,
                (Some(text), Self::Glob(pattern)) => lab_proto::glob::matches(pattern, &text.to_lowercase()),
                (Some(text), Self::Regex(regex)) => regex.begins(&text)?,
                (Some(text), Self::Exact(wanted)) => *wanted == text.to_lowercase(),
            },
        })
    }
}

/// Writes a scalar as Python's `str` does.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Str(s) => Some(s.to_string()),
        Value::Null => Some("None".to_owned()),
        Value::Bool(b) => Some(if *b { "True" } else { "False" }.to_owned()),
        Value::Int(i) => Some(i.to_string()),
        Value::Float(f) => Some(crate::render::python_float(*f)),
        Value::Bytes(_) | Value::List(_) | Value::Tuple(_) | Value::Map(_) => None,
    }
}

/// A pattern that is anchored at the start only, as Python's `re.match` is.
pub(super) struct Prefix {
    source: String,
    compiled: Pattern,
}

impl Prefix {
    pub(super) fn new(source: &str, flags: Flags) -> Result<Self, TargetError> {
        let compiled = Pattern::new(source, flags, Anchor::Start).map_err(|e| unusable(source, &e))?;
        Ok(Self { source: source.to_owned(), compiled })
    }

    pub(super) fn begins(&self, text: &str) -> Result<bool, TargetError> {
        let mut meter = Meter::new(TEMPLATES, u64::MAX);
        let found = self.compiled.find(text, &mut meter).map_err(|e| unusable(&self.source, &e))?;
        Ok(found.is_some())
    }
}

fn unusable(pattern: &str, failure: &Failure) -> TargetError {
    let (pattern, reason, remedy) = (pattern.to_owned(), failure.to_string(), failure.remedy());
    if failure.is_bound() {
        TargetError::Cost { pattern, reason, remedy }
    } else {
        TargetError::Pattern { pattern, reason, remedy }
    }
}

/// Tells whether an address of the minion is the given one, or lies in the given network.
pub(super) fn ip_cidr(grains: &Value, expression: &str) -> bool {
    use std::net::IpAddr;
    let (address, prefix) = match expression.split_once('/') {
        Some((address, prefix)) => (address, prefix.parse::<u32>().ok()),
        None => (expression, Some(128)),
    };
    let (Ok(network), Some(prefix)) = (address.parse::<IpAddr>(), prefix) else { return false };
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    };
    let (network_bits, width) = bits(network);
    let shift = 128 - prefix.min(width);
    let cut = |n: u128| n.checked_shr(shift).unwrap_or(0);
    ["ipv4", "ipv6"].iter().filter_map(|key| grains.get(key)?.as_list()).flatten().any(|value| {
        let parsed = value.as_str().and_then(|s| s.parse::<IpAddr>().ok());
        parsed.is_some_and(|ip| ip.is_ipv4() == network.is_ipv4() && cut(bits(ip).0) == cut(network_bits))
    })
}
