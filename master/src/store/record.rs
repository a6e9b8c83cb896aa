//! One stored record: some events of one batch with the outbox marks that go with them, chained by hash.
//!
//! `format: u8 | hash: 32 bytes | body`, where `hash = SHA-256(hash of the record before | body)` and the body
//! is a header and the events, each behind its length (u32 big endian). The format is frozen: fixtures/ holds
//! bytes that must decode for ever; a new one gets a new format byte. Events decode one by one, so a reader
//! pays only for what it asks for.

use std::ops::Range;
use std::sync::Arc;

use lab_proto::event::MAX_EVENT;
use lab_proto::value::MAX_DEPTH;
use lab_proto::{Event, NewEvent, Origin, OutboxId, Position, Timestamp, codec};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{StoreError, StoredEvent};

/// The format byte written by this version, and the newest one read.
pub(super) const FORMAT: u8 = 1;
/// An event that would make a record larger than this begins the next one, unless it is the first.
const SOFT_LIMIT: usize = 32 * 1024;
/// The most marks in one record; more go into further records of the batch.
const MAX_MARKS: usize = 256;
const PREFIX: usize = 33;
/// What an event takes beside its tag, its data and the name of its operator, at most.
const AROUND: usize = 1024;

/// A link of the hash chain.
pub(super) type ChainHash = [u8; 32];

/// What a record says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// The number of its first event; of the next one to come when it has none.
    pub(super) first_seq: u64,
    /// How many events it has.
    pub(super) count: u32,
    /// When the master appended them.
    pub(super) stamp: Timestamp,
    /// Whether the batch ends here: records of a batch count only together.
    pub(super) ends_batch: bool,
    /// The outbox marks after the batch.
    pub(super) marks: Vec<(OutboxId, u64)>,
}

impl Header {
    /// Returns the number of the last event; the one before `first_seq` when there are none.
    pub(super) fn last_seq(&self) -> u64 {
        (self.first_seq + u64::from(self.count)).saturating_sub(1)
    }
}

/// A record as it lies in the store, with its header decoded.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) header: Header,
    bytes: Vec<u8>,
    events_at: usize,
}

/// Why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordError {
    #[error("record format {0} is newer than this version reads (up to {FORMAT})")]
    Newer(u8),
    #[error("malformed record: {0}")]
    Malformed(String),
}

/// Encodes an event as it is stored.
pub(super) fn encode_event(event: &NewEvent) -> Result<Vec<u8>, StoreError> {
    let too_large = |got| StoreError::EventTooLarge { tag: event.tag.to_string(), got, limit: MAX_EVENT };
    match codec::encode(event) {
        Ok(bytes) if bytes.len() <= MAX_EVENT => Ok(bytes),
        Ok(bytes) => Err(too_large(bytes.len())),
        Err(codec::CodecError::Oversized { got }) => Err(too_large(got)),
        Err(source) => Err(StoreError::EventUnreadable { tag: event.tag.to_string(), source }),
    }
}

/// Refuses an event that [`encode_event`] would refuse. Encodes only what may be one.
pub(super) fn check_event(event: &NewEvent) -> Result<(), StoreError> {
    let named = match &event.origin {
        Origin::Operator { name } => name.len(),
        Origin::Master | Origin::Minion(_) => 0,
    };
    let around = AROUND + event.tag.as_str().len() + named;
    let surely_fits =
        !event.data.is_deeper_than(MAX_DEPTH) && around + event.data.max_encoded_len() <= MAX_EVENT;
    if surely_fits { Ok(()) } else { encode_event(event).map(|_| ()) }
}

/// Makes the records of one batch, chained onto `last`: as few as the soft limit allows, at least one.
pub(super) fn of_batch(
    batch: &[NewEvent],
    marks: &[(OutboxId, u64)],
    first_seq: u64,
    stamp: Timestamp,
    mut last: ChainHash,
) -> Result<Vec<Record>, StoreError> {
    let mut groups: Vec<(u32, Vec<u8>)> = vec![(0, Vec::new())];
    for event in batch {
        let bytes = encode_event(event)?;
        if groups.last().is_some_and(|(count, body)| *count > 0 && body.len() + bytes.len() > SOFT_LIMIT) {
            groups.push((0, Vec::new()));
        }
        let (count, body) = groups.last_mut().expect("starts with one group and only grows");
        let size = u32::try_from(bytes.len()).expect("an event is at most 64 KiB: checked when encoded");
        body.extend_from_slice(&size.to_be_bytes());
        body.extend_from_slice(&bytes);
        *count += 1;
    }
    let mut marks = marks.chunks(MAX_MARKS);
    groups.resize_with(groups.len().max(marks.len()), || (0, Vec::new()));
    let ends = groups.len() - 1;
    let mut next_seq = first_seq;
    let mut records = Vec::with_capacity(groups.len());
    for (at, (count, events)) in groups.into_iter().enumerate() {
        let marks = marks.next().unwrap_or_default().to_vec();
        let header = Header { first_seq: next_seq, count, stamp, ends_batch: at == ends, marks };
        next_seq += u64::from(count);
        let record = Record::encode(header, &events, &last);
        last = record.hash();
        records.push(record);
    }
    Ok(records)
}

impl Record {
    fn encode(header: Header, events: &[u8], last: &ChainHash) -> Self {
        let head = codec::encode(&header).expect("a header is far below the largest frame");
        let head_size = u32::try_from(head.len()).expect("a header is far below 4 GiB");
        let mut bytes = Vec::with_capacity(PREFIX + 4 + head.len() + events.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&[0; 32]);
        bytes.extend_from_slice(&head_size.to_be_bytes());
        bytes.extend_from_slice(&head);
        let events_at = bytes.len();
        bytes.extend_from_slice(events);
        let hash = chain(last, &bytes[PREFIX..]);
        bytes[1..PREFIX].copy_from_slice(&hash);
        Self { header, bytes, events_at }
    }

    /// Decodes the header of stored bytes; the events stay as they are until they are asked for.
    pub(super) fn decode(bytes: Vec<u8>) -> Result<Self, RecordError> {
        let malformed = |what: &str| RecordError::Malformed(what.to_owned());
        match bytes.first() {
            None => return Err(malformed("it is empty")),
            Some(&FORMAT) => {}
            Some(&other) if other > FORMAT => return Err(RecordError::Newer(other)),
            Some(_) => return Err(malformed("its format byte is 0")),
        }
        let body = bytes.get(PREFIX..).ok_or_else(|| malformed("it ends in its hash"))?;
        let (head, _) = split_sized(body).ok_or_else(|| malformed("it ends in its header"))?;
        let header: Header = codec::decode(head).map_err(|e| RecordError::Malformed(e.to_string()))?;
        if header.first_seq == 0 {
            return Err(malformed("events are numbered from 1"));
        }
        let events_at = PREFIX + 4 + head.len();
        Ok(Self { header, bytes, events_at })
    }

    /// Returns the bytes to store.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the record's link in the chain.
    pub(super) fn hash(&self) -> ChainHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(&self.bytes[1..PREFIX]);
        hash
    }

    /// Tells whether this record follows one with the hash `last`, unchanged.
    pub(super) fn follows(&self, last: &ChainHash) -> bool {
        chain(last, &self.bytes[PREFIX..]) == self.hash()
    }

    /// Decodes the events after the number `after`, at most `limit`, onto `out`.
    pub(super) fn events_after(
        &self,
        after: Position,
        limit: usize,
        out: &mut Vec<Event>,
    ) -> Result<(), RecordError> {
        for (seq, at) in self.places_after(after.seq, limit)? {
            let new = NewEvent::decode_stored(&self.bytes[at])
                .map_err(|e| RecordError::Malformed(e.to_string()))?;
            let position = Position { log_id: after.log_id, seq };
            out.push(Event::place(new, position, self.header.stamp));
        }
        Ok(())
    }

    /// Picks the events after the number `after`, at most `limit`, onto `out`, as they are.
    pub(super) fn stored_after(
        record: &Arc<Self>,
        after: Position,
        limit: usize,
        out: &mut Vec<StoredEvent>,
    ) -> Result<(), RecordError> {
        for (seq, at) in record.places_after(after.seq, limit)? {
            codec::leading_text(&record.bytes[at.clone()])
                .map_err(|e| RecordError::Malformed(e.to_string()))?;
            let position = Position { log_id: after.log_id, seq };
            out.push(StoredEvent::within(record, at, position));
        }
        Ok(())
    }

    /// Returns where the events after the number `after` lie, at most `limit`, with their numbers.
    fn places_after(&self, after: u64, limit: usize) -> Result<Vec<(u64, Range<usize>)>, RecordError> {
        let mut places = Vec::new();
        let mut at = self.events_at;
        for seq in self.header.first_seq..=self.header.last_seq() {
            if places.len() == limit {
                break;
            }
            let (event, _) = split_sized(&self.bytes[at..])
                .ok_or_else(|| RecordError::Malformed("it ends in an event".to_owned()))?;
            let begin = at + 4;
            at = begin + event.len();
            if seq > after {
                places.push((seq, begin..at));
            }
        }
        Ok(places)
    }
}

fn chain(last: &ChainHash, body: &[u8]) -> ChainHash {
    Sha256::new().chain_update(last).chain_update(body).finalize().into()
}

fn split_sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*size) as usize)
}

#[cfg(test)]
mod tests {
    use lab_proto::{LogId, Value};
    use proptest::prelude::*;

    use super::super::contract::{event, sample_events};
    use super::*;

    const FIXTURE: &str = include_str!("fixtures/record-v1.hex");

    fn sample() -> Vec<Record> {
        let marks = [(OutboxId::from_u128(0xabc), 41)];
        of_batch(&sample_events(), &marks, 7, Timestamp::from_micros(1_795_238_380_000_042), [9; 32])
            .expect("small events")
    }

    fn decode_all(record: &Record) -> Vec<Event> {
        let before = Position { log_id: LogId::from_u128(1), seq: 0 };
        let mut events = Vec::new();
        record.events_after(before, usize::MAX, &mut events).expect("well formed");
        events
    }

    #[test]
    fn a_record_written_by_version_1_decodes_for_ever() {
        let bytes = hex::decode(FIXTURE.split_whitespace().collect::<String>()).expect("the fixture is hex");
        let record = Record::decode(bytes.clone()).expect("decodes");
        let [written] = &sample()[..] else { panic!("the sample fits into one record") };
        assert_eq!(record.header, written.header);
        assert!(record.follows(&[9; 32]));
        let events = decode_all(&record);
        assert_eq!(events.len(), 3);
        assert_eq!(events, decode_all(written));
        assert_eq!(hex::encode(written.bytes()), hex::encode(bytes), "what is written has not changed");
    }

    /// An earlier version encoded what it could not decode: an event whose data is a list nested 66 deep.
    #[test]
    fn a_record_with_an_event_nested_too_deep_by_an_earlier_version_is_read() {
        let null = codec::encode(&NewEvent { data: Value::Null, ..event("deep") }).expect("fits");
        let deep = [&null[..null.len() - 1], &[6u8, 1].repeat(65), &[0]].concat();
        assert!(codec::decode::<NewEvent>(&deep).is_err());
        let size = u32::try_from(deep.len()).expect("small");
        let header = Header {
            first_seq: 1,
            count: 1,
            stamp: Timestamp::default(),
            ends_batch: true,
            marks: Vec::new(),
        };
        let record = Record::encode(header, &[&size.to_be_bytes(), &deep[..]].concat(), &[0; 32]);
        let record = Record::decode(record.bytes().to_vec()).expect("decodes");
        let [read] = &decode_all(&record)[..] else { panic!("one event went in") };
        assert_eq!(read.tag.as_str(), "deep");
        let mut passed_on = Vec::new();
        let before = Position { log_id: LogId::from_u128(1), seq: 0 };
        Record::stored_after(&Arc::new(record.clone()), before, 9, &mut passed_on).expect("is read");
        let mut bytes = Vec::new();
        passed_on[0].encode_onto(&mut bytes).expect("encodes");
        assert_eq!(codec::decode::<Event>(&bytes).expect("whoever asked can read it"), *read);
        assert!(
            encode_event(&NewEvent {
                tag: read.tag.clone(),
                origin: read.origin.clone(),
                data: read.data.clone()
            })
            .is_ok()
        );
    }

    #[test]
    fn a_large_batch_becomes_a_chain_of_records_and_only_the_last_ends_it() {
        let batch: Vec<NewEvent> =
            (0..1000).map(|n| event(&format!("many/{n}/{}", "x".repeat(200)))).collect();
        let records = of_batch(&batch, &[], 1, Timestamp::default(), [0; 32]).expect("small events");
        assert!(records.len() > 3);
        let mut last = [0; 32];
        let mut next = 1;
        for (at, record) in records.iter().enumerate() {
            assert!(record.follows(&last) && record.header.first_seq == next);
            assert_eq!(record.header.ends_batch, at == records.len() - 1);
            last = record.hash();
            next += u64::from(record.header.count);
        }
        assert_eq!(next, 1001);
    }

    #[test]
    fn a_record_of_a_newer_format_is_named_so() {
        let mut bytes = sample()[0].bytes().to_vec();
        bytes[0] = 2;
        assert_eq!(Record::decode(bytes).expect_err("refused"), RecordError::Newer(2));
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_passes_for_the_record(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut bytes = sample()[0].bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(!Record::decode(bytes).is_ok_and(|record| record.follows(&[9; 32])));
        }

        #[test]
        fn random_bytes_never_panic_the_decoder(mut bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            if let Some(first) = bytes.first_mut() { *first = FORMAT; }
            let _ = super::super::decode_record(&bytes);
        }
    }
}
