//! Making events: everything that this minion says to the log goes through here into the outbox.

use lab_proto::event::Boot;
use lab_proto::speaker::{self, NotItsOwn};
use lab_proto::value::TooDeep;
use lab_proto::{EventTag, InvalidId, MinionId, Value};

use crate::clock;
use crate::disk::{Disk, Stored};
use crate::journal::Entry;
use crate::link::LastSeen;
use crate::outbox::{Draft, OutboxError};

/// Why an event was not stored.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// The tag is malformed.
    #[error(transparent)]
    Tag(#[from] InvalidId),
    /// The tag belongs to the master or to another minion.
    #[error(
        "the tag {tag} is not this minion's to send: below salt/ and lab/ a minion may only name itself, {id}"
    )]
    NotOurs {
        /// The tag.
        tag: EventTag,
        /// The minion.
        id: MinionId,
    },
    /// The data names another minion than the tag.
    #[error(transparent)]
    NotItsOwn(#[from] NotItsOwn),
    /// Its data is nested too deep.
    #[error("the data of {tag} is too deep")]
    TooDeep {
        /// The tag.
        tag: EventTag,
        /// How deep it may be.
        source: TooDeep,
    },
    /// The outbox did not take it.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// Makes events.
#[derive(Clone, Debug)]
pub struct Emitter {
    id: MinionId,
    boot: Boot,
    disk: Disk,
    seen: LastSeen,
}

impl Emitter {
    /// Makes an emitter for the present boot.
    pub fn new(id: MinionId, boot: Boot, disk: Disk, seen: LastSeen) -> Self {
        Self { id, boot, disk, seen }
    }

    /// Stores an event; returns its number in the outbox once it is durable.
    ///
    /// # Errors
    /// When the tag is not ours or the outbox does not take it.
    pub async fn emit(&self, tag: EventTag, data: Value, then: Option<Entry>) -> Result<u64, EmitError> {
        Ok(self.disk.append(self.draft(tag, data)?, then).await?)
    }

    /// Hands an event over without waiting until it is durable; order is kept.
    ///
    /// # Errors
    /// When the tag is not ours, the data is too deep, or the outbox is closed.
    pub async fn hand_over(&self, tag: EventTag, data: Value) -> Result<Stored, EmitError> {
        check(&tag, &data)?;
        Ok(self.disk.hand_over(self.draft(tag, data)?, None).await?)
    }

    /// Does the same as [`Self::emit`] from a worker thread.
    ///
    /// # Errors
    /// When the tag is not ours, the data is too deep, or the outbox does not take it.
    pub fn emit_blocking(&self, tag: EventTag, data: Value) -> Result<u64, EmitError> {
        check(&tag, &data)?;
        Ok(self.disk.append_blocking(self.draft(tag, data)?)?)
    }

    fn draft(&self, tag: EventTag, data: Value) -> Result<Draft, EmitError> {
        speaker::check(&tag, &data, &self.id).map_err(|e| match e {
            NotItsOwn::Tag(tag) => EmitError::NotOurs { tag, id: self.id.clone() },
            other => other.into(),
        })?;
        Ok(Draft { boot: self.boot, seen: self.seen.get(), at: clock::wall_clock(), tag, data })
    }
}

/// Refuses data that is too deep to be given. What the core says was checked before.
fn check(tag: &EventTag, data: &Value) -> Result<(), EmitError> {
    data.check_given().map_err(|source| EmitError::TooDeep { tag: tag.clone(), source })
}
