//! The stream of the outbox's events: sends from the mark on, as far as the window goes, and passes answers on.

use lab_proto::link::Upload;
use lab_proto::v1::link::{EventAck, EventBatch, MAX_BATCH, StreamOpen};
use tokio::sync::mpsc;

use super::{FrameReader, FrameWriter, LastSeen, LinkEvent};
use crate::disk::Disk;
use crate::outbox::OutboxError;

/// Why the stream cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum EventsError {
    #[error(transparent)]
    Stream(#[from] super::StreamError),
    #[error(transparent)]
    Violation(#[from] lab_proto::link::Violation),
    #[error("the outbox cannot be read")]
    Outbox(#[from] OutboxError),
    #[error("the outbox was begun anew")]
    Renewed,
    #[error("the agent is gone")]
    Agent,
}

pub(super) struct Events {
    pub(super) disk: Disk,
    pub(super) seen: LastSeen,
    pub(super) agent: mpsc::Sender<LinkEvent>,
}

impl Events {
    /// Runs until the stream breaks.
    pub(super) async fn run(self, connection: quinn::Connection, mark: u64) -> Result<(), EventsError> {
        let (send, recv) = connection.open_bi().await.map_err(super::StreamError::from)?;
        let (mut up, mut down) = (FrameWriter::new(send), FrameReader::new(recv));
        let mut head = self.disk.watch();
        let outbox_id = head.borrow().outbox_id;
        up.send(&StreamOpen::Events { outbox_id }).await?;
        let mut upload = Upload::new(mark);
        // What the welcome already acknowledged need not wait for the next answer.
        self.disk.acknowledge(mark).await;
        loop {
            let now = *head.borrow_and_update();
            if now.outbox_id != outbox_id {
                return Err(EventsError::Renewed);
            }
            while let Some((next, room)) = upload.next_to_send().filter(|(next, _)| *next <= now.head) {
                let part = self.disk.read(next, room, MAX_BATCH).await?;
                if part.is_empty() {
                    break;
                }
                let (events, sizes): (Vec<_>, Vec<_>) = part.into_iter().unzip();
                up.send(&EventBatch { events }).await?;
                sizes.into_iter().for_each(|bytes| upload.sent(bytes));
            }
            tokio::select! {
                ack = down.next() => {
                    let ack: EventAck = ack?.ok_or(super::StreamError::Ended)?;
                    self.answer(&mut upload, ack).await?;
                }
                changed = head.changed() => changed.map_err(|_| EventsError::Agent)?,
            }
        }
    }

    async fn answer(&self, upload: &mut Upload, ack: EventAck) -> Result<(), EventsError> {
        let acked = upload.handle_ack(ack)?;
        if let Some(head) = acked.head {
            self.seen.set(head);
        }
        self.disk.acknowledge(acked.counter).await;
        if let Some((counter, reason)) = acked.refused {
            let refused = LinkEvent::EventRefused { counter, reason };
            self.agent.send(refused).await.map_err(|_| EventsError::Agent)?;
        }
        self.agent.send(LinkEvent::Acked(acked.counter)).await.map_err(|_| EventsError::Agent)
    }
}
