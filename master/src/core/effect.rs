//! What the core asks its shell to do.

use std::sync::Arc;

use lab_proto::v1::link::{CloseReason, EventAck, LinkRefusal, Progress, ToMinion};
use lab_proto::{Digest, JobId, JobSpec, MinionId, NewEvent, OutboxId};

use super::ConnId;
use crate::store::Change;

/// A request to the shell. Effects are carried out in order, and one that follows a [`Effect::Write`] only once
/// that write is durable: this is what makes *durable → visible → acknowledged* hold everywhere at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Makes changes, then appends events, durable on completion; the appended events come back through
    /// [`super::Core::appended`].
    Write(Write),
    /// Sends a frame on a link's control stream.
    Control {
        /// The link.
        conn: ConnId,
        /// The frame.
        frame: ToMinion,
    },
    /// Refuses a link and closes it.
    Refuse {
        /// The link.
        conn: ConnId,
        /// Why.
        refusal: LinkRefusal,
    },
    /// Closes a link.
    Close {
        /// The link.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// Answers on a link's event stream. In `Durable` the shell puts the head that it knows.
    EventAck {
        /// The link.
        conn: ConnId,
        /// The answer.
        ack: EventAck,
    },
    /// Publishes a job to a minion; the shell renders the minion's pillar for it.
    Publish {
        /// The link.
        conn: ConnId,
        /// The minion.
        minion: MinionId,
        /// The job.
        job: Arc<JobSpec>,
    },
    /// Ends a job on a minion.
    Kill {
        /// The link.
        conn: ConnId,
        /// The job.
        jid: JobId,
        /// Who asked.
        by: String,
    },
    /// Signs a fresh certificate for the link's key and sends it.
    Certify {
        /// The link.
        conn: ConnId,
        /// The minion.
        minion: MinionId,
        /// The request, DER.
        csr: Vec<u8>,
    },
    /// Shows watchers what a running job shows.
    Progress {
        /// The job.
        jid: JobId,
        /// Where.
        minion: MinionId,
        /// What.
        progress: Progress,
    },
    /// Does for a run what needs files.
    Errand(super::RunErrand),
    /// A return came for a job that is closed: its record is to be corrected.
    LateReturn {
        /// The job.
        jid: JobId,
        /// Where.
        minion: MinionId,
        /// The end that it corrects to.
        row: super::RowRecord,
    },
}

/// One atomic step of the store's writer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Write {
    /// Blobs, kept first.
    pub blobs: Vec<(Digest, Vec<u8>)>,
    /// Changes of small state, made before the events. A master that ends between the two leaves a record without its event:
    /// of jobs that is noticed and repaired at start.
    pub changes: Vec<Change>,
    /// Events.
    pub events: Vec<NewEvent>,
    /// Outbox marks, atomic with the events.
    pub marks: Vec<(OutboxId, u64)>,
    /// Changes made once the events are in the log: a record that would keep a fact from being told, if it stood there
    /// without its event. A master that ends between the two tells the fact once more, or finds it at start.
    pub after: Vec<Change>,
}

impl Write {
    /// Tells whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let Self { blobs, changes, events, marks, after } = self;
        blobs.is_empty() && changes.is_empty() && events.is_empty() && marks.is_empty() && after.is_empty()
    }
}
