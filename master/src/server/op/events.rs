//! `events` and `event send`.

use lab_proto::event::MAX_EVENT;
use lab_proto::v1::op::{EventQuery, OpReply, RefusalKind};
use lab_proto::{EventTag, NewEvent, Origin, Value, codec};

use super::{Answer, Request, refuse};
use crate::core::Write;
use crate::frames::FrameError;
use crate::server::tail::{Found, Tail};
use crate::store::StoredEvent;

/// Room in an event for its place and origin.
const OVERHEAD: usize = 1024;
/// Bytes of events in one frame, about; one event has at most 64 KiB, and a frame may have a megabyte.
const FRAME: usize = 32 * 1024;

impl Request {
    pub(super) async fn events(&mut self, query: EventQuery) -> Answer {
        let shared = self.shared.clone();
        let mut tail = Tail::start(shared.store.clone(), shared.hub.head(), query).await?;
        loop {
            match tail.next().await? {
                Found::Events(events) => self.send_events(&events).await?,
                Found::Trimmed(floor) => self.send(&OpReply::Trimmed { floor }).await?,
                Found::End => return Ok(()),
            }
        }
    }

    /// Sends events in frames that fit.
    pub(crate) async fn send_events(&mut self, events: &[StoredEvent]) -> Result<(), FrameError> {
        let mut rest = events;
        while !rest.is_empty() {
            let (mut frame, mut count) = (Vec::new(), 0);
            for event in rest {
                if count > 0 && frame.len() + event.size() > FRAME {
                    break;
                }
                event.encode_onto(&mut frame)?;
                count += 1;
            }
            rest = &rest[count..];
            self.down.write_all(&OpReply::events_frame(count, &frame)?).await?;
        }
        Ok(())
    }

    pub(super) async fn event_send(&mut self, tag: EventTag, data: Value) -> Answer {
        if tag.as_str().starts_with("salt/job/") || tag.as_str().starts_with("lab/") {
            let text = format!(
                "{tag} is the master's own kind of event; choose a tag outside of salt/job/ and lab/"
            );
            return Err(refuse(RefusalKind::Refused, text));
        }
        data.check_given().map_err(|why| refuse(RefusalKind::Usage, format!("the event's data is {why}")))?;
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
