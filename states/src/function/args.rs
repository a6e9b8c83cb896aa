//! Reads arguments into a function's own type, directly from [`Value`], so that an error names the argument.
//!
//! YAML decides kinds by looks (`mode: 644` is a number, `name: on` a boolean), so scalars are taken as what the
//! type asks for where that loses nothing, and a single value stands for a list of one.

use std::fmt;

use lab_proto::{Map, Value};
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use crate::nearest::nearest;

/// Arguments that do not fit the function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgsError {
    /// A required argument was not given.
    #[error("argument {arg} is missing")]
    Missing {
        /// Its name.
        arg: String,
    },
    /// A value does not fit.
    #[error("argument {arg}: {reason}")]
    Bad {
        /// Its name; with dots for places inside it.
        arg: String,
        /// What was expected and what came.
        reason: String,
    },
    /// No argument of the function has this name.
    #[error("there is no argument {arg}: it takes {}{}", known(takes), meant(arg, takes))]
    Unknown {
        /// The name.
        arg: String,
        /// The names that it has.
        takes: Vec<String>,
    },
    /// More positional arguments than the function has.
    #[error("{given} arguments given, but it takes {takes} at most")]
    TooMany {
        /// How many came.
        given: usize,
        /// How many it has.
        takes: usize,
    },
    /// One argument was given by position and by name.
    #[error("argument {arg} is given twice, by position and by name")]
    Twice {
        /// Its name.
        arg: String,
    },
}

impl ArgsError {
    /// Names the argument.
    pub fn argument(&self) -> Option<&str> {
        match self {
            Self::Missing { arg }
            | Self::Bad { arg, .. }
            | Self::Twice { arg }
            | Self::Unknown { arg, .. } => Some(arg),
            Self::TooMany { .. } => None,
        }
    }
}

fn known(takes: &[String]) -> String {
    if takes.is_empty() { "none".to_owned() } else { takes.join(", ") }
}

fn meant(arg: &str, takes: &[String]) -> String {
    let meant = nearest(arg, takes.iter().map(String::as_str));
    meant.map(|m| format!(" (did you mean {m}?)")).unwrap_or_default()
}

/// Reads named arguments into a type.
///
/// # Errors
/// When one is missing or does not fit; the error names it.
pub fn from_map<T: DeserializeOwned>(args: &Map) -> Result<T, ArgsError> {
    T::deserialize(Entries::of(args)).map_err(Fault::into_args_error)
}

/// Reads one value into a type.
///
/// # Errors
/// When it does not fit; the error names the place in it.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ArgsError> {
    T::deserialize(Reader(value)).map_err(Fault::into_args_error)
}

/// Returns a scalar as the text that Python's `str` gives; `None` for lists, mappings and null.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Str(s) => Some(s.to_string()),
        Value::Int(i) => Some(i.to_string()),
        Value::Bool(b) => Some(if *b { "True" } else { "False" }.to_owned()),
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 1e16 => Some(format!("{f:.1}")),
        Value::Float(f) => Some(f.to_string()),
        Value::Bytes(b) => String::from_utf8(b.clone()).ok(),
        Value::Null | Value::List(_) | Value::Tuple(_) | Value::Map(_) => None,
    }
}

/// Serde's error on the way up, collecting the path.
#[derive(Debug)]
struct Fault {
    path: Vec<String>,
    missing: Option<String>,
    reason: String,
}

impl Fault {
    fn below(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }

    fn into_args_error(mut self) -> ArgsError {
        self.path.reverse();
        match self.missing {
            Some(name) => {
                self.path.push(name);
                ArgsError::Missing { arg: self.path.join(".") }
            }
            None if self.path.is_empty() => ArgsError::Bad { arg: "value".to_owned(), reason: self.reason },
            None => ArgsError::Bad { arg: self.path.join("."), reason: self.reason },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(msg: T) -> Self {
        Self { path: Vec::new(), missing: None, reason: msg.to_string() }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { path: Vec::new(), missing: Some(field.to_owned()), reason: String::new() }
    }
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a Value);

macro_rules! integers {
    ($($method:ident),*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.0 {
                Value::Str(s) => match s.trim().parse::<i128>() {
                    Ok(i) => number(i, visitor),
                    Err(_) => self.deserialize_any(visitor),
                },
                Value::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => {
                    #[expect(clippy::cast_possible_truncation, reason = "whole and in range: checked above")]
                    number(*f as i128, visitor)
                }
                _ => self.deserialize_any(visitor),
            }
        }
    )* };
}

macro_rules! floats {
    ($($method:ident),*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.0 {
                Value::Str(s) => match s.trim().parse::<f64>() {
                    Ok(f) => visitor.visit_f64(f),
                    Err(_) => self.deserialize_any(visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )* };
}

macro_rules! texts {
    ($($method:ident),*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match scalar_text(self.0) {
                Some(text) => visitor.visit_string(text),
                None => self.deserialize_any(visitor),
            }
        }
    )* };
}

fn number<'de, V: Visitor<'de>>(i: i128, visitor: V) -> Result<V::Value, Fault> {
    match (i64::try_from(i), u64::try_from(i)) {
        (Ok(small), _) => visitor.visit_i64(small),
        (_, Ok(large)) => visitor.visit_u64(large),
        _ => visitor.visit_i128(i),
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Int(i) => number(*i, visitor),
            Value::Float(f) => visitor.visit_f64(*f),
            Value::Str(s) => visitor.visit_borrowed_str(s),
            Value::Bytes(b) => visitor.visit_borrowed_bytes(b),
            Value::List(l) | Value::Tuple(l) => visitor.visit_seq(Items { items: l.iter(), index: 0 }),
            Value::Map(m) => visitor.visit_map(Entries::of(m)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Str(s) if ["false", "no", "off"].iter().any(|w| s.eq_ignore_ascii_case(w)) => {
                visitor.visit_bool(false)
            }
            Value::List(_) | Value::Tuple(_) | Value::Map(_) => self.deserialize_any(visitor),
            // Anything else counts as Python counts it, which is what Salt's functions do.
            scalar => visitor.visit_bool(scalar.truthy()),
        }
    }

    integers!(deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64, deserialize_i128);
    integers!(deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128);
    floats!(deserialize_f32, deserialize_f64);
    texts!(deserialize_str, deserialize_string, deserialize_char);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if matches!(self.0, Value::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::List(_) | Value::Tuple(_) => self.deserialize_any(visitor),
            single => visitor.visit_seq(Items { items: std::slice::from_ref(single).iter(), index: 0 }),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Some(text) = scalar_text(self.0) else { return self.deserialize_any(visitor) };
        if !variants.contains(&text.as_str()) {
            let reason = format!("{text:?} is not one of {}", variants.join(", "));
            return Err(de::Error::custom(reason));
        }
        let variant: StrDeserializer<'_, Fault> = text.as_str().into_deserializer();
        visitor.visit_enum(variant)
    }

    serde::forward_to_deserialize_any! {
        bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.next() else { return Ok(None) };
        self.index += 1;
        seed.deserialize(Reader(item)).map(Some).map_err(|f| f.below(&self.index.to_string()))
    }
}

struct Entries<'a> {
    entries: indexmap::map::Iter<'a, Value, Value>,
    current: Option<(&'a Value, &'a Value)>,
}

impl<'a> Entries<'a> {
    fn of(map: &'a Map) -> Self {
        Self { entries: map.iter(), current: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.entries.next();
        self.current.map(|(key, _)| seed.deserialize(Reader(key))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (key, value) = self.current.expect("serde asks for a value only after its key");
        seed.deserialize(Reader(value)).map_err(|f| f.below(&key.to_string()))
    }
}

impl<'de> Deserializer<'de> for Entries<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Format {
        Json,
        Yaml,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Args {
        text: String,
        count: Option<u8>,
        #[serde(default)]
        makedirs: bool,
        #[serde(default)]
        lines: Vec<String>,
        format: Option<Format>,
        #[serde(default)]
        context: Value,
        #[serde(default)]
        env: BTreeMap<String, String>,
    }

    fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
        entries.into_iter().map(|(k, v)| (Value::from(k), v)).collect()
    }

    #[test]
    fn scalars_become_what_the_type_asks_for() {
        let args: Args = from_map(&map([
            ("text", Value::from(644)),
            ("count", Value::from("7")),
            ("makedirs", Value::from("off")),
            ("lines", Value::from("only one")),
            ("format", Value::from("yaml")),
            ("context", Value::from([("a", 1)])),
            ("surplus", Value::from(1)),
        ]))
        .expect("fits");
        assert_eq!(args.text, "644");
        assert_eq!(args.count, Some(7));
        assert!(!args.makedirs);
        assert_eq!(args.lines, ["only one"]);
        assert_eq!(args.format, Some(Format::Yaml));
        assert_eq!(args.context, Value::from([("a", 1)]));
    }

    #[test]
    fn an_error_names_the_argument_and_the_place_in_it() {
        let wrong = |m: Map| from_map::<Args>(&m).expect_err("wrong").to_string();
        assert_eq!(wrong(map([])), "argument text is missing");
        assert_eq!(
            wrong(map([("text", "x".into()), ("format", "xml".into())])),
            "argument format: \"xml\" is not one of json, yaml"
        );
        assert!(
            wrong(map([("text", "x".into()), ("count", 700.into())]))
                .starts_with("argument count: invalid value: integer `700`")
        );
        let env = Value::from([("PATH", Value::List(vec![]))]);
        assert!(wrong(map([("text", "x".into()), ("env", env)])).starts_with("argument env.PATH: "));
    }

    #[test]
    fn scalars_print_as_python_prints_them() {
        let texts: Vec<_> =
            [Value::from(true), Value::from(1.0), Value::from(0.5)].iter().filter_map(scalar_text).collect();
        assert_eq!(texts, ["True", "1.0", "0.5"]);
    }
}
