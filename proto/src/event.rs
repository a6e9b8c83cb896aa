//! Events: facts in the past tense, each with one place in the log.

use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::ids::{BootId, Fingerprint, MinionId, OutboxId, Position};
use crate::tag::EventTag;
use crate::time::Timestamp;
use crate::value::{Stored, Value};

/// The largest event when encoded, in bytes; larger data travels as a blob that the event names by hash.
pub const MAX_EVENT: usize = 64 * 1024;

/// The largest event that a minion may store, in bytes when encoded: its place and origin in the log take the rest. Both
/// ends hold to it, for what is stored and then refused would be lost.
pub const MAX_OUTBOX_EVENT: usize = MAX_EVENT - 1024;

/// A fact that is not in the log yet. Only a store makes an [`Event`] of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What kind of fact, about what.
    pub tag: EventTag,
    /// Who observed it, when, knowing what.
    pub origin: Origin,
    /// The fact.
    pub data: Value,
}

/// A fact with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place.
    pub position: Position,
    /// When the master appended it.
    pub stamp: Timestamp,
    /// What kind of fact, about what.
    pub tag: EventTag,
    /// Who observed it, when, knowing what.
    pub origin: Origin,
    /// The fact.
    pub data: Value,
}

/// Who made an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The master itself.
    Master,
    /// A minion, through its outbox.
    Minion(MinionOrigin),
    /// A person or program with an operator certificate.
    Operator {
        /// The certificate's name.
        name: String,
    },
}

/// What an event from a minion says about its making.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinionOrigin {
    /// The minion's name.
    pub id: MinionId,
    /// The key that it proved to hold.
    pub key: Fingerprint,
    /// The outbox that the event went through.
    pub outbox_id: OutboxId,
    /// The event's number in that outbox, dense from 1.
    pub counter: u64,
    /// The boot during which it was made.
    pub boot: Boot,
    /// The last master position that the minion knew when it made the event.
    pub seen: Option<Position>,
    /// When it was made, by the minion's clock.
    pub at: Timestamp,
}

/// One boot of a machine as its agent counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// The kernel's boot id.
    pub id: BootId,
    /// How many boots the agent's journal has seen, from 1: orders the boots of one outbox.
    pub number: u64,
}

/// An event as it waits in a minion's outbox and crosses the link; the rest of [`MinionOrigin`] is known to
/// the master from the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEvent {
    /// The event's number in the outbox, dense from 1.
    pub counter: u64,
    /// The boot during which it was made.
    pub boot: Boot,
    /// The last master position that the minion knew when it made the event.
    pub seen: Option<Position>,
    /// When it was made, by the minion's clock.
    pub at: Timestamp,
    /// What kind of fact, about what.
    pub tag: EventTag,
    /// The fact.
    pub data: Value,
}

impl OutboxEvent {
    /// Completes the event with what the connection proves.
    pub fn into_new_event(self, id: MinionId, key: Fingerprint, outbox_id: OutboxId) -> NewEvent {
        let Self { counter, boot, seen, at, tag, data } = self;
        NewEvent {
            tag,
            origin: Origin::Minion(MinionOrigin { id, key, outbox_id, counter, boot, seen, at }),
            data,
        }
    }
}

/// A [`NewEvent`] as earlier versions could store it; the same fields in the same order.
#[derive(Deserialize)]
struct StoredNewEvent {
    tag: EventTag,
    origin: Origin,
    data: Stored,
}

impl From<StoredNewEvent> for NewEvent {
    fn from(stored: StoredNewEvent) -> Self {
        let StoredNewEvent { tag, origin, data } = stored;
        Self { tag, origin, data: data.into() }
    }
}

impl NewEvent {
    /// Decodes a stored event. One that an earlier version stored with data nested too deep is read too: its innermost
    /// levels as JSON text.
    ///
    /// # Errors
    /// When the bytes are no event.
    pub fn decode_stored(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode_stored::<Self, StoredNewEvent>(bytes)
    }
}

/// An [`OutboxEvent`] as earlier versions could store it; the same fields in the same order.
#[derive(Deserialize)]
struct StoredOutboxEvent {
    counter: u64,
    boot: Boot,
    seen: Option<Position>,
    at: Timestamp,
    tag: EventTag,
    data: Stored,
}

impl From<StoredOutboxEvent> for OutboxEvent {
    fn from(stored: StoredOutboxEvent) -> Self {
        let StoredOutboxEvent { counter, boot, seen, at, tag, data } = stored;
        Self { counter, boot, seen, at, tag, data: data.into() }
    }
}

impl OutboxEvent {
    /// Decodes a stored event, as [`NewEvent::decode_stored`] does.
    ///
    /// # Errors
    /// When the bytes are no event.
    pub fn decode_stored(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode_stored::<Self, StoredOutboxEvent>(bytes)
    }
}

impl Origin {
    /// Returns what a minion's event says about its making.
    pub fn minion(&self) -> Option<&MinionOrigin> {
        match self {
            Self::Minion(m) => Some(m),
            Self::Master | Self::Operator { .. } => None,
        }
    }
}

impl Event {
    /// Gives a new event its place. For stores only.
    pub fn place(new: NewEvent, position: Position, stamp: Timestamp) -> Self {
        let NewEvent { tag, origin, data } = new;
        Self { position, stamp, tag, origin, data }
    }

    /// Returns the minion that the event is about or from: the origin, else `id` in its data.
    pub fn minion(&self) -> Option<&str> {
        match &self.origin {
            Origin::Minion(m) => Some(m.id.as_str()),
            Origin::Master | Origin::Operator { .. } => self.data.get("id").and_then(Value::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{MAX_DEPTH, MAX_GIVEN};

    /// Data is the last field, so that its bytes can be replaced by those of a list nested as deep as an earlier version could.
    fn with_data_of(levels: usize, mut bytes: Vec<u8>) -> Vec<u8> {
        assert_eq!(bytes.pop(), Some(0), "the data is null");
        bytes.extend([6u8, 1].repeat(levels - 1));
        bytes.push(0);
        bytes
    }

    #[test]
    fn events_that_an_earlier_version_stored_too_deep_are_read() {
        let tag = EventTag::new("a/b").expect("valid");
        let new = NewEvent { tag: tag.clone(), origin: Origin::Master, data: Value::Null };
        let bytes = with_data_of(66, codec::encode(&new).expect("fits"));
        assert!(codec::decode::<NewEvent>(&bytes).is_err());
        let back = NewEvent::decode_stored(&bytes).expect("is read");
        assert!(back.data.is_deeper_than(MAX_GIVEN - 1) && !back.data.is_deeper_than(MAX_GIVEN));
        assert_eq!(NewEvent { data: Value::Null, ..back }, new);

        let boot = Boot { id: BootId::from_u128(1), number: 1 };
        let waits =
            OutboxEvent { counter: 7, boot, seen: None, at: Timestamp::default(), tag, data: Value::Null };
        let bytes = with_data_of(130, codec::encode(&waits).expect("fits"));
        let back = OutboxEvent::decode_stored(&bytes).expect("is read");
        assert!(codec::encode(&back).is_ok(), "it can go over the link");
        assert_eq!(OutboxEvent { data: Value::Null, ..back }, waits);
        let whole = with_data_of(usize::from(MAX_DEPTH), codec::encode(&waits).expect("fits"));
        let back = OutboxEvent::decode_stored(&whole).expect("is read");
        assert!(back.data.is_deeper_than(MAX_DEPTH - 1), "what can be read as it is is not cut");
    }
}
