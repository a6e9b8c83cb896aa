//! Events as they lie in the store, for readers that only pass them on.
//!
//! An event on the wire is its place, its stamp, and then the bytes of the new event that it was: what a reader asked for
//! need neither be decoded nor encoded again.

use std::ops::Range;
use std::sync::Arc;

use lab_proto::codec::{self, CodecError};
use lab_proto::value::may_be_too_deep;
use lab_proto::{Event, NewEvent, Position, Timestamp};

use super::record::Record;

/// An event of which only the tag was looked at.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its place.
    pub position: Position,
    /// When the master appended it.
    pub stamp: Timestamp,
    bytes: Bytes,
}

/// The bytes of a [`NewEvent`].
#[derive(Clone, Debug)]
enum Bytes {
    /// Within a record, which its events share.
    Shared(Arc<Record>, Range<usize>),
    /// For themselves.
    Own(Vec<u8>),
}

impl StoredEvent {
    /// Encodes an event as stores do.
    pub(super) fn of(event: Event) -> Self {
        let Event { position, stamp, tag, origin, data } = event;
        let bytes = codec::encode(&NewEvent { tag, origin, data }).expect("it was stored, so that it fits");
        Self { position, stamp, bytes: Bytes::Own(bytes) }
    }

    /// Points at an event within a record.
    pub(super) fn within(record: &Arc<Record>, at: Range<usize>, position: Position) -> Self {
        let stamp = record.header.stamp;
        let bytes = record.bytes().get(at.clone()).and_then(readable);
        let bytes = bytes.map_or_else(|| Bytes::Shared(record.clone(), at), Bytes::Own);
        Self { position, stamp, bytes }
    }

    /// Returns the tag; empty where the bytes begin with none, which stores do not give out.
    pub fn tag(&self) -> &str {
        codec::leading_text(self.bytes()).unwrap_or_default()
    }

    /// Returns how many bytes it has, its place and stamp not counted.
    pub fn size(&self) -> usize {
        self.bytes().len()
    }

    /// Decodes it.
    ///
    /// # Errors
    /// When the bytes are no event.
    pub fn decode(&self) -> Result<Event, CodecError> {
        NewEvent::decode_stored(self.bytes()).map(|new| Event::place(new, self.position, self.stamp))
    }

    /// Puts it behind others as an [`Event`] is encoded.
    ///
    /// # Errors
    /// None that is known: places and stamps can be encoded.
    pub fn encode_onto(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::encode_onto(&(self.position, self.stamp), out)?;
        out.extend_from_slice(self.bytes());
        Ok(())
    }

    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Shared(record, at) => record.bytes().get(at.clone()).unwrap_or_default(),
            Bytes::Own(bytes) => bytes,
        }
    }
}

/// Encodes an event anew that an earlier version stored deeper than any reader takes; `None` for all others.
fn readable(bytes: &[u8]) -> Option<Vec<u8>> {
    if !may_be_too_deep(bytes) {
        return None;
    }
    match codec::decode::<NewEvent>(bytes) {
        Ok(_) => None,
        Err(_) => codec::encode(&NewEvent::decode_stored(bytes).ok()?).ok(),
    }
}
