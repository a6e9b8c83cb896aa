//! What the fuzz targets do with their bytes; also replayed over the recorded corpora by `cargo xtask test`.
//!
//! Every target asserts more than "no panic": what decodes must encode to something that decodes to the same.

use lab_proto::v1::enrol::{EnrolReply, EnrolRequest};
use lab_proto::v1::link::{
    EventAck, EventBatch, JobsDown, JobsUp, QueryReply, StreamOpen, ToMaster, ToMinion,
};
use lab_proto::v1::op::{OpOpen, OpReply};
use lab_proto::{Event, JobReturn, NewEvent, OutboxEvent, StateReturn, Value, codec};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A target: its name and what it does with some bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[("frames", frames), ("value", value), ("records", records)];

/// Reads the bytes as a stream of every kind of frame.
pub fn frames(data: &[u8]) {
    stream_of::<EnrolRequest>(data);
    stream_of::<EnrolReply>(data);
    stream_of::<StreamOpen>(data);
    stream_of::<ToMaster>(data);
    stream_of::<ToMinion>(data);
    stream_of::<EventBatch>(data);
    stream_of::<EventAck>(data);
    stream_of::<JobsDown>(data);
    stream_of::<JobsUp>(data);
    stream_of::<QueryReply>(data);
    stream_of::<OpOpen>(data);
    stream_of::<OpReply>(data);
}

/// Reads the bytes as a value, on the wire and as JSON.
pub fn value(data: &[u8]) {
    round_trip::<Value>(data);
    if let Ok(v) = serde_json::from_slice::<Value>(data) {
        let text = serde_json::to_string(&v).expect("what was JSON prints as JSON");
        let again: Value = serde_json::from_str(&text).expect("printed JSON parses");
        assert_eq!(serde_json::to_string(&again).expect("prints"), text);
    }
}

/// Reads the bytes as every kind of stored record.
pub fn records(data: &[u8]) {
    round_trip::<Event>(data);
    round_trip::<NewEvent>(data);
    round_trip::<OutboxEvent>(data);
    round_trip::<JobReturn>(data);
    round_trip::<StateReturn>(data);
}

fn stream_of<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let mut buffer = codec::FrameBuffer::default();
    for part in data.chunks(7) {
        buffer.push(part);
        loop {
            match buffer.next_frame::<T>() {
                Ok(Some(frame)) => {
                    let bytes = codec::encode(&frame).expect("what was decoded encodes");
                    let again: T = codec::decode(&bytes).expect("what was encoded decodes");
                    assert_eq!(codec::encode(&again).expect("encodes"), bytes);
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fn round_trip<T: Serialize + DeserializeOwned>(data: &[u8]) {
    if let Ok(decoded) = codec::decode::<T>(data) {
        let bytes = codec::encode(&decoded).expect("what was decoded encodes");
        let again: T = codec::decode(&bytes).expect("what was encoded decodes");
        assert_eq!(codec::encode(&again).expect("encodes"), bytes);
    }
}
