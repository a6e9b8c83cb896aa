//! `events` and `event send`.

use lab_proto::event::MAX_EVENT;
use lab_proto::v1::op::{EventQuery, OpReply, RefusalKind};
use lab_proto::{Event, EventTag, NewEvent, Origin, Value, codec};

use super::{Answer, Request, refuse};
use crate::core::{Write, size_at_most};
use crate::server::tail::{Found, Tail};

/// Room in an event for its place and origin.
const OVERHEAD: usize = 1024;
/// Events in one frame: at most 64 KiB each, and a frame is at most 1 MiB.
const PER_FRAME: usize = 12;
/// The same when all are small.
const SMALL: usize = 2 * 1024;
const PER_FRAME_SMALL: usize = 256;

impl Request {
    pub(super) async fn events(&mut self, query: EventQuery) -> Answer {
        let shared = self.shared.clone();
        let mut tail = Tail::start(shared.store.clone(), shared.hub.head(), query).await?;
        loop {
            match tail.next().await? {
                Found::Events(events) => self.send_events(events).await?,
                Found::Trimmed(floor) => self.send(&OpReply::Trimmed { floor }).await?,
                Found::End => return Ok(()),
            }
        }
    }

    /// Sends events in frames that fit.
    pub(crate) async fn send_events(&mut self, events: Vec<Event>) -> Result<(), crate::frames::FrameError> {
        let mut frame: Vec<Event> = Vec::new();
        let mut all_small = true;
        for event in events {
            let small = size_at_most(&event.data) + event.tag.as_str().len() + OVERHEAD <= SMALL;
            let limit = if all_small && small { PER_FRAME_SMALL } else { PER_FRAME };
            if frame.len() >= limit {
                self.send(&OpReply::Events(std::mem::take(&mut frame))).await?;
                all_small = true;
            }
            all_small &= small;
            frame.push(event);
        }
        if frame.is_empty() { Ok(()) } else { self.send(&OpReply::Events(frame)).await }
    }

    pub(super) async fn event_send(&mut self, tag: EventTag, data: Value) -> Answer {
        if tag.as_str().starts_with("salt/job/") || tag.as_str().starts_with("lab/") {
            let text = format!(
                "{tag} is the master's own kind of event; choose a tag outside of salt/job/ and lab/"
            );
            return Err(refuse(RefusalKind::Refused, text));
        }
        let event = NewEvent { tag, origin: Origin::Operator { name: self.operator.clone() }, data };
        let size = codec::encode(&event).map_or(usize::MAX, |b| b.len());
        if size > MAX_EVENT - OVERHEAD {
            return Err(refuse(RefusalKind::Usage, "the event is over 64 KiB; put large data into a file"));
        }
        let write = Write { events: vec![event], ..Write::default() };
        let written = self.shared.hub.write(write).await?;
        let events = written.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))?;
        Ok(self.send(&OpReply::Events(events)).await?)
    }
}
