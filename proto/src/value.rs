//! Dynamic data: pillar, grains, arguments, returns, event data.
//!
//! On the wire a value is encoded and decoded by hand with a depth limit and a node budget (see [`bounds`]), because
//! derived code recurses as deep as the sender likes, and encodes what it cannot read back. In JSON it is plain JSON.

mod bounds;

use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};

use indexmap::IndexMap;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::ser::{self, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use bounds::Budget;
pub(crate) use bounds::Stored;
pub use bounds::{MAX_DEPTH, MAX_GIVEN, MAX_NODES, TooDeep, check_given_map, may_be_too_deep};

/// A mapping that keeps the order of insertion; keys are values, as in YAML.
pub type Map = IndexMap<Value, Value>;

/// Text in a value. Most of it is short (keys, ids, names), and up to 24 bytes take no memory of their own.
pub type Text = compact_str::CompactString;

/// A dynamic value as the state language has it.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// YAML null, Python's `None`.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer; wide enough for every integer YAML files hold in practice.
    Int(i128),
    /// A float; NaN equals itself here, so that values can be keys.
    Float(f64),
    /// Text.
    Str(Text),
    /// Bytes that need not be text.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A tuple: prints differently from a list in templates.
    Tuple(Vec<Self>),
    /// An ordered mapping.
    Map(Map),
}

impl Value {
    /// Returns an empty mapping.
    pub fn map() -> Self {
        Self::Map(Map::new())
    }

    /// Returns text where the bytes are UTF-8, and the bytes where they are not.
    pub fn text_or_bytes(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|e| Self::Bytes(e.into_bytes()), Self::from)
    }

    /// Returns the text of a `Str`.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(s) = self { Some(s) } else { None }
    }

    /// Returns the number of an `Int`.
    pub fn as_int(&self) -> Option<i128> {
        if let Self::Int(i) = self { Some(*i) } else { None }
    }

    /// Returns the truth of a `Bool`.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// Returns the items of a `List` or `Tuple`.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(l) | Self::Tuple(l) => Some(l),
            _ => None,
        }
    }

    /// Returns the entries of a `Map`.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(m) = self { Some(m) } else { None }
    }

    /// Looks a text key up in a `Map`.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map().and_then(|m| m.get(key))
    }

    /// Tells whether Python would take the value as true.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(b) => *b,
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::Str(s) => !s.is_empty(),
            Self::Bytes(b) => !b.is_empty(),
            Self::List(l) | Self::Tuple(l) => !l.is_empty(),
            Self::Map(m) => !m.is_empty(),
        }
    }

    /// Names the kind for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Str(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Map(_) => "mapping",
        }
    }

    /// Converts any serialisable value by way of JSON.
    ///
    /// # Errors
    /// When `t` has no JSON form (a map with keys that are not text, say).
    pub fn from_serialize<T: Serialize + ?Sized>(t: &T) -> Result<Self, serde_json::Error> {
        Ok(Self::from(serde_json::to_value(t)?))
    }

    /// Converts to a typed value by way of JSON.
    ///
    /// # Errors
    /// When the shape does not fit `T`.
    pub fn to_typed<T: de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(self)?)
    }
}

impl From<serde_json::Value> for Value {
    fn from(v: serde_json::Value) -> Self {
        match v {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(b),
            serde_json::Value::Number(n) => n
                .as_i128()
                .or_else(|| n.as_u64().map(i128::from))
                .map_or_else(|| Self::Float(n.as_f64().unwrap_or(f64::NAN)), Self::Int),
            serde_json::Value::String(s) => Self::Str(s.into()),
            serde_json::Value::Array(l) => Self::List(l.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(m) => {
                Self::Map(m.into_iter().map(|(k, v)| (Self::Str(k.into()), Self::from(v))).collect())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::Str(s.into())
    }
}
impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::Str(s.into())
    }
}
impl From<Text> for Value {
    fn from(s: Text) -> Self {
        Self::Str(s)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}
impl From<f64> for Value {
    fn from(f: f64) -> Self {
        Self::Float(f)
    }
}
impl From<Map> for Value {
    fn from(m: Map) -> Self {
        Self::Map(m)
    }
}
impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(l: Vec<T>) -> Self {
        Self::List(l.into_iter().map(Into::into).collect())
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(o: Option<T>) -> Self {
        o.map_or(Self::Null, Into::into)
    }
}
macro_rules! from_int {
    ($($t:ty),*) => { $(impl From<$t> for Value {
        fn from(i: $t) -> Self { Self::Int(i128::from(i)) }
    })* };
}
from_int!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl<K: Into<Self>, V: Into<Self>, const N: usize> From<[(K, V); N]> for Value {
    fn from(entries: [(K, V); N]) -> Self {
        Self::Map(entries.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

/// Lets `Map::get("key")` look a text key up without allocating.
impl indexmap::Equivalent<Value> for str {
    fn equivalent(&self, key: &Value) -> bool {
        key.as_str() == Some(self)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A `Str` hashes as the bare `str`, so that lookups by `&str` find it; equality tells the kinds apart.
        match self {
            Self::Null => 0u8.hash(state),
            Self::Bool(b) => b.hash(state),
            Self::Int(i) => i.hash(state),
            Self::Float(f) => (if *f == 0.0 { 0 } else { f.to_bits() }).hash(state),
            Self::Str(s) => s.as_str().hash(state),
            Self::Bytes(b) => b.hash(state),
            Self::List(l) | Self::Tuple(l) => l.hash(state),
            // Equality of maps ignores order, so only what order cannot change may be hashed.
            Self::Map(m) => m.len().hash(state),
        }
    }
}

impl fmt::Display for Value {
    /// Prints the value as JSON, for people and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(s) => f.write_str(s),
            other => f.write_str(&serde_json::to_string(other).map_err(|_| fmt::Error)?),
        }
    }
}

const VARIANTS: &[&str] = &["Null", "Bool", "Int", "Float", "Str", "Bytes", "List", "Tuple", "Map"];

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            return human(self, s);
        }
        let nodes = Cell::new(MAX_NODES);
        Within(self, Budget::new(&nodes)).serialize(s)
    }
}

/// A value to be encoded with what is left of the budget.
struct Within<'a>(&'a Value, Budget<'a>);

impl Serialize for Within<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        const N: &str = "Value";
        let inner = self.1.spend().map_err(ser::Error::custom)?;
        match self.0 {
            Value::Null => s.serialize_unit_variant(N, 0, VARIANTS[0]),
            Value::Bool(b) => s.serialize_newtype_variant(N, 1, VARIANTS[1], b),
            Value::Int(i) => s.serialize_newtype_variant(N, 2, VARIANTS[2], i),
            Value::Float(f) => s.serialize_newtype_variant(N, 3, VARIANTS[3], f),
            Value::Str(t) => s.serialize_newtype_variant(N, 4, VARIANTS[4], t),
            Value::Bytes(b) => s.serialize_newtype_variant(N, 5, VARIANTS[5], b),
            Value::List(l) => s.serialize_newtype_variant(N, 6, VARIANTS[6], &ItemsWithin(l, inner)),
            Value::Tuple(l) => s.serialize_newtype_variant(N, 7, VARIANTS[7], &ItemsWithin(l, inner)),
            Value::Map(m) => s.serialize_newtype_variant(N, 8, VARIANTS[8], &EntriesWithin(m, inner)),
        }
    }
}

struct ItemsWithin<'a>(&'a [Value], Budget<'a>);

impl Serialize for ItemsWithin<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.0.iter().map(|v| Within(v, self.1)))
    }
}

struct EntriesWithin<'a>(&'a Map, Budget<'a>);

impl Serialize for EntriesWithin<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(k, v)| (Within(k, self.1), Within(v, self.1))))
    }
}

fn human<S: Serializer>(v: &Value, s: S) -> Result<S::Ok, S::Error> {
    match v {
        Value::Null => s.serialize_unit(),
        Value::Bool(b) => s.serialize_bool(*b),
        Value::Int(i) => match (i64::try_from(*i), u64::try_from(*i)) {
            (Ok(small), _) => s.serialize_i64(small),
            (_, Ok(large)) => s.serialize_u64(large),
            _ => s.serialize_i128(*i),
        },
        Value::Float(f) => s.serialize_f64(*f),
        Value::Str(t) => s.serialize_str(t),
        Value::Bytes(b) => s.serialize_str(&String::from_utf8_lossy(b)),
        Value::List(l) | Value::Tuple(l) => s.collect_seq(l),
        Value::Map(m) => {
            let mut out = s.serialize_map(Some(m.len()))?;
            for (k, v) in m {
                match k {
                    Value::Str(t) => out.serialize_entry(t, v)?,
                    other => out.serialize_entry(&other.to_string(), v)?,
                }
            }
            out.end()
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let nodes = Cell::new(MAX_NODES);
        decode_within(Budget::new(&nodes), d)
    }
}

fn decode_within<'de, D: Deserializer<'de>>(budget: Budget<'_>, d: D) -> Result<Value, D::Error> {
    Seed(budget).deserialize(d)
}

/// Decodes one value with what is left of the budget.
#[derive(Clone, Copy)]
struct Seed<'a>(Budget<'a>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        let inner = Self(self.0.spend().map_err(de::Error::custom)?);
        if d.is_human_readable() {
            d.deserialize_any(Human(inner))
        } else {
            d.deserialize_enum("Value", VARIANTS, Wire(inner))
        }
    }
}

struct Wire<'a>(Seed<'a>);

impl<'de> Visitor<'de> for Wire<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (index, variant) = access.variant_seed(Index)?;
        Ok(match index {
            0 => {
                variant.unit_variant()?;
                Value::Null
            }
            1 => Value::Bool(variant.newtype_variant()?),
            2 => Value::Int(variant.newtype_variant()?),
            3 => Value::Float(variant.newtype_variant()?),
            4 => Value::Str(variant.newtype_variant()?),
            5 => Value::Bytes(variant.newtype_variant()?),
            6 => Value::List(variant.newtype_variant_seed(Items(self.0))?),
            7 => Value::Tuple(variant.newtype_variant_seed(Items(self.0))?),
            8 => Value::Map(variant.newtype_variant_seed(Entries(self.0))?),
            other => return Err(de::Error::custom(format_args!("unknown kind of value {other}"))),
        })
    }
}

struct Index;

impl<'de> DeserializeSeed<'de> for Index {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<u32, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = u32;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the index of a kind of value")
            }
            fn visit_u32<E: de::Error>(self, v: u32) -> Result<u32, E> {
                Ok(v)
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<u32, E> {
                u32::try_from(v).map_err(E::custom)
            }
        }
        d.deserialize_identifier(V)
    }
}

/// Returns how much room to make for a claimed length. Little is trusted: beyond that a container grows as items really come.
fn claimed(length: Option<usize>) -> usize {
    const TRUSTED: usize = 16;
    length.map_or(0, |n| n.min(TRUSTED))
}

struct Items<'a>(Seed<'a>);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<Value>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Vec<Value>, D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Value>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Value>, A::Error> {
        let mut out = Vec::with_capacity(claimed(seq.size_hint()));
        while let Some(item) = seq.next_element_seed(self.0)? {
            out.push(item);
        }
        Ok(out)
    }
}

struct Entries<'a>(Seed<'a>);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = Map;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Map, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Map;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of values")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map, A::Error> {
        let mut out = Map::with_capacity(claimed(map.size_hint()));
        while let Some(key) = map.next_key_seed(self.0)? {
            let value = map.next_value_seed(self.0)?;
            out.insert(key, value);
        }
        Ok(out)
    }
}

struct Human<'a>(Seed<'a>);

impl<'de> Visitor<'de> for Human<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_i64<E>(self, i: i64) -> Result<Value, E> {
        Ok(Value::from(i))
    }
    fn visit_u64<E>(self, i: u64) -> Result<Value, E> {
        Ok(Value::from(i))
    }
    fn visit_i128<E>(self, i: i128) -> Result<Value, E> {
        Ok(Value::Int(i))
    }
    fn visit_f64<E>(self, f: f64) -> Result<Value, E> {
        Ok(Value::Float(f))
    }
    fn visit_str<E>(self, s: &str) -> Result<Value, E> {
        Ok(Value::from(s))
    }
    fn visit_string<E>(self, s: String) -> Result<Value, E> {
        Ok(Value::from(s))
    }
    fn visit_bytes<E>(self, b: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(b.to_vec()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value, A::Error> {
        Items(self.0).visit_seq(seq).map(Value::List)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        Entries(self.0).visit_map(map).map(Value::Map)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i128>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            ".*".prop_map(Value::from),
            proptest::collection::vec(any::<u8>(), 0..16).prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Tuple),
                proptest::collection::vec((inner.clone(), inner), 0..6)
                    .prop_map(|l| Value::Map(l.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_survives_the_wire(v in any_value()) {
            let bytes = codec::encode(&v).expect("encodes");
            prop_assert_eq!(codec::decode::<Value>(&bytes).expect("decodes"), v);
        }

        #[test]
        fn no_value_takes_more_bytes_than_its_bound_says(v in any_value()) {
            let bytes = codec::encode(&v).expect("encodes");
            prop_assert!(bytes.len() <= v.max_encoded_len(), "{} bytes of {v:?}", bytes.len());
        }

        #[test]
        fn random_bytes_never_panic_the_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = codec::decode::<Value>(&bytes);
        }
    }

    #[test]
    fn the_bound_of_what_is_long_is_near() {
        for n in [0, 1, 250, 251, 40_000] {
            for v in [
                Value::from("x".repeat(n)),
                Value::Bytes(vec![0; n]),
                Value::List(vec![Value::Int(i128::MIN); n]),
            ] {
                let (len, most) = (codec::encode(&v).expect("encodes").len(), v.max_encoded_len());
                assert!(len <= most && most <= len + len / 8 + 20, "{n}: {len} bytes, at most {most}");
            }
        }
    }

    #[test]
    fn a_bomb_of_nested_lists_is_an_error_and_not_a_stack_overflow() {
        let bomb: Vec<u8> = [6u8, 1].repeat(200_000);
        assert!(codec::decode::<Value>(&bomb).is_err());
        assert!(serde_json::from_str::<Value>(&"[".repeat(100)).is_err());
    }

    #[test]
    fn json_is_plain_json() {
        let v = Value::from([("a", Value::from(vec![1, 2])), ("b", Value::Null)]);
        assert_eq!(serde_json::to_string(&v).expect("json"), r#"{"a":[1,2],"b":null}"#);
        assert_eq!(serde_json::from_str::<Value>(r#"{"a":[1,2],"b":null}"#).expect("json"), v);
        assert_eq!(v.get("b"), Some(&Value::Null));
    }
}
