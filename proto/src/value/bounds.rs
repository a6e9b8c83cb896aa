//! How deep and how large a value may be: one budget that encoder and decoder share, and what doors check.
//!
//! What is encoded can be decoded, wherever it is kept, because both spend the same budget on the same nodes. Whoever
//! wraps a value (arguments in a job's event, grains in a row) adds levels; so what is *given* has to stay below what is
//! *held*, and the doors check that before anything is wrapped.

use std::cell::Cell;

use serde::{Deserialize, Deserializer};

use super::{Map, Value};

/// The deepest nesting that is encoded or decoded; a scalar has depth 1.
pub const MAX_DEPTH: u8 = 64;
/// The most nodes (scalars and containers) that one value may have when encoded or decoded.
pub const MAX_NODES: u32 = 262_144;
/// The deepest nesting of what is given from outside: arguments, event data, grains, mine and pillar values, what a
/// function returns. The rest up to [`MAX_DEPTH`] is for what these are wrapped into.
pub const MAX_GIVEN: u8 = 48;
/// The deepest nesting that earlier versions can have stored: their JSON had at most 128 levels, their encoder no limit.
const MAX_STORED: u8 = 200;

/// Tells from encoded bytes whether anything in them may be nested deeper than is decoded, without decoding them: a level takes
/// two bytes or more and begins with the kind of a container (the numbers of a list, a tuple and a mapping, see `VARIANTS`).
pub fn may_be_too_deep(bytes: &[u8]) -> bool {
    const CONTAINERS: std::ops::RangeInclusive<u8> = 6..=8;
    let levels = usize::from(MAX_DEPTH);
    bytes.len() >= 2 * levels && bytes.iter().filter(|b| CONTAINERS.contains(b)).count() >= levels
}

/// Something is nested too deep to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nested deeper than {MAX_GIVEN} levels; flatten it, or pass the inner part as text")]
pub struct TooDeep;

/// A bound that a value does not keep.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum Exceeded {
    #[error("value is nested deeper than {0} levels")]
    Depth(u8),
    #[error("value has more than {MAX_NODES} nodes")]
    Nodes,
}

/// What is left of the depth and of the nodes.
#[derive(Clone, Copy)]
pub(super) struct Budget<'a> {
    left: u8,
    limit: u8,
    nodes: &'a Cell<u32>,
}

impl<'a> Budget<'a> {
    /// Returns the budget of every value; `nodes` has to start at [`MAX_NODES`].
    pub(super) fn new(nodes: &'a Cell<u32>) -> Self {
        Self { left: MAX_DEPTH, limit: MAX_DEPTH, nodes }
    }

    /// Takes one node; returns what is left for those inside it.
    pub(super) fn spend(self) -> Result<Self, Exceeded> {
        let left = self.left.checked_sub(1).ok_or(Exceeded::Depth(self.limit))?;
        self.nodes.set(self.nodes.get().checked_sub(1).ok_or(Exceeded::Nodes)?);
        Ok(Self { left, ..self })
    }
}

impl Value {
    /// Tells whether the value has more than so many levels. Looks no deeper than that.
    pub fn is_deeper_than(&self, levels: u8) -> bool {
        let Some(inner) = levels.checked_sub(1) else { return true };
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Str(_) | Self::Bytes(_) => {
                false
            }
            Self::List(l) | Self::Tuple(l) => l.iter().any(|v| v.is_deeper_than(inner)),
            Self::Map(m) => m.iter().any(|(k, v)| k.is_deeper_than(inner) || v.is_deeper_than(inner)),
        }
    }

    /// Returns how many bytes the value takes when it is encoded, at most, without encoding it.
    pub fn max_encoded_len(&self) -> usize {
        // The kind, and a number of 128 bits; of what has a length, the kind and the length.
        const SCALAR: usize = 20;
        let inside = match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) => 0,
            Self::Str(s) => s.len(),
            Self::Bytes(b) => b.len(),
            Self::List(l) | Self::Tuple(l) => l.iter().map(Self::max_encoded_len).sum(),
            Self::Map(m) => m.iter().map(|(k, v)| k.max_encoded_len() + v.max_encoded_len()).sum(),
        };
        SCALAR + inside
    }

    /// Refuses what is too deep to be given.
    ///
    /// # Errors
    /// When it has more than [`MAX_GIVEN`] levels.
    pub fn check_given(&self) -> Result<(), TooDeep> {
        if self.is_deeper_than(MAX_GIVEN) { Err(TooDeep) } else { Ok(()) }
    }

    /// Makes the value at most so many levels deep: a container whose contents would lie deeper becomes its JSON text.
    #[must_use]
    pub fn cut(self, levels: u8) -> Self {
        let inner = levels.saturating_sub(1);
        if inner == 0 && self.is_deeper_than(1) {
            return Self::from(self.to_string());
        }
        match self {
            Self::List(l) => Self::List(l.into_iter().map(|v| v.cut(inner)).collect()),
            Self::Tuple(l) => Self::Tuple(l.into_iter().map(|v| v.cut(inner)).collect()),
            Self::Map(m) => Self::Map(m.into_iter().map(|(k, v)| (k.cut(inner), v.cut(inner))).collect()),
            scalar => scalar,
        }
    }
}

/// Does as [`Value::check_given`] for a mapping.
///
/// # Errors
/// When it has more than [`MAX_GIVEN`] levels.
pub fn check_given_map(map: &Map) -> Result<(), TooDeep> {
    let inner = MAX_GIVEN - 1;
    let deep = map.iter().any(|(k, v)| k.is_deeper_than(inner) || v.is_deeper_than(inner));
    if deep { Err(TooDeep) } else { Ok(()) }
}

/// A value that an earlier version stored, perhaps deeper than any is encoded now; it is cut when it is read.
pub(crate) struct Stored(pub(crate) Value);

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let nodes = Cell::new(MAX_NODES);
        let budget = Budget { left: MAX_STORED, limit: MAX_STORED, nodes: &nodes };
        Ok(Self(super::decode_within(budget, d)?.cut(MAX_GIVEN)))
    }
}

impl From<Stored> for Value {
    fn from(stored: Stored) -> Self {
        stored.0
    }
}

impl Value {
    /// Decodes a stored value. One that an earlier version stored too deep is read too: its innermost levels as JSON text.
    ///
    /// # Errors
    /// When the bytes are no value.
    pub fn decode_stored(bytes: &[u8]) -> Result<Self, crate::codec::CodecError> {
        crate::codec::decode_stored::<Self, Stored>(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{self, CodecError};

    fn nested(levels: u8) -> Value {
        (1..levels).fold(Value::Null, |v, _| Value::List(vec![v]))
    }

    #[test]
    fn nothing_is_encoded_that_would_not_decode() {
        let deepest = codec::encode(&nested(MAX_DEPTH)).expect("encodes");
        assert_eq!(codec::decode::<Value>(&deepest).expect("decodes"), nested(MAX_DEPTH));
        let error = codec::encode(&nested(MAX_DEPTH + 1)).expect_err("is refused");
        assert!(matches!(error, CodecError::Unencodable { .. }), "{error:?}");
        assert!(error.to_string().contains("nested deeper than 64 levels"), "{error}");
        assert!(codec::frame(&nested(MAX_DEPTH + 1)).is_err());
        let nodes = |n: u32| Value::List(vec![Value::Null; n as usize - 1]);
        let widest = codec::encode(&nodes(MAX_NODES)).expect("encodes");
        assert!(codec::decode::<Value>(&widest).is_ok());
        assert!(codec::encode(&nodes(MAX_NODES + 1)).is_err());
    }

    #[test]
    fn depth_is_counted_as_the_codec_counts_it() {
        for levels in [1, 2, MAX_GIVEN, MAX_DEPTH] {
            assert!(!nested(levels).is_deeper_than(levels));
            assert!(nested(levels).is_deeper_than(levels - 1));
        }
        assert!(nested(MAX_GIVEN).check_given().is_ok() && nested(MAX_GIVEN + 1).check_given().is_err());
        let entry = |levels| Map::from_iter([(Value::from("a"), nested(levels))]);
        assert!(
            check_given_map(&entry(MAX_GIVEN - 1)).is_ok() && check_given_map(&entry(MAX_GIVEN)).is_err()
        );
        let key = Map::from_iter([(nested(MAX_GIVEN), Value::Null)]);
        assert!(check_given_map(&key).is_err() && Value::Map(key).check_given().is_err());
    }

    #[test]
    fn what_is_cut_keeps_its_outer_levels_and_says_the_rest_as_json() {
        assert_eq!(nested(3).cut(3), nested(3));
        assert_eq!(nested(4).cut(2), Value::List(vec![Value::from("[[null]]")]));
        assert_eq!(Value::map().cut(1), Value::map());
        assert!(!nested(150).cut(MAX_GIVEN).is_deeper_than(MAX_GIVEN));
    }

    #[test]
    fn what_an_earlier_version_stored_too_deep_is_read_and_damage_is_still_damage() {
        let deep = nested(130);
        let bytes = [[6u8, 1].repeat(129), vec![0]].concat();
        assert!(codec::decode::<Value>(&bytes).is_err(), "it is deeper than what is decoded");
        assert_eq!(Value::decode_stored(&bytes).expect("is read"), deep.cut(MAX_GIVEN));
        assert!(Value::decode_stored(&bytes[..bytes.len() - 1]).is_err(), "it ends too early");
        assert!(Value::decode_stored(&[6u8, 1].repeat(100_000)).is_err());
    }
}
