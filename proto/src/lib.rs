//! The words of lab: everything that crosses the wire or lands in the event log.
//!
//! Used by every other crate. Does no IO, reads no clock, spawns nothing: time and randomness are passed in.
//! [`codec`] is the only file that knows how a value becomes bytes.

pub mod address;
pub mod codec;
pub mod event;
pub mod facts;
pub mod glob;
pub mod ids;
pub mod job;
pub mod link;
pub mod speaker;
pub mod tag;
pub mod time;
pub mod token;
pub mod tree;
pub mod v1;
pub mod value;
pub mod version;

pub use event::{Event, MinionOrigin, NewEvent, Origin, OutboxEvent};
pub use ids::{
    BootId, Digest, Fingerprint, InvalidId, JobId, LogId, MachineId, MinionId, OutboxId, Position, RunId,
    StepId,
};
pub use job::{EndState, JobReturn, JobSpec, StateOutcome, StateReturn, Target, TargetKind};
pub use tag::{EventTag, TagPattern};
pub use time::Timestamp;
pub use token::JoinToken;
pub use value::{Map, Text, Value};
