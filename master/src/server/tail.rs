//! Readers of the log: history and live through one path, each with its own cursor.
//!
//! A tail reads from the store in bounded chunks at the pace of whom it serves: a slow reader is late, loses nothing
//! and slows nobody.

use std::sync::Arc;

use lab_proto::Position;
use lab_proto::v1::op::{EventQuery, OpRefusal, RefusalKind, Since, Until};
use tokio::sync::watch;

use super::READ_CHUNK;
use crate::store::{ReadError, Store, StoredEvent};

/// A cursor on the log.
pub(crate) struct Tail {
    store: Arc<dyn Store>,
    head: watch::Receiver<Position>,
    at: Position,
    until: Option<Until>,
    follow: bool,
    left: Option<u64>,
    tags: Vec<lab_proto::TagPattern>,
    minion: Option<String>,
}

/// What a tail gives.
#[derive(Debug)]
pub(crate) enum Found {
    /// Events that match.
    Events(Vec<StoredEvent>),
    /// What was asked for is not kept any more; the tail goes on at the floor.
    Trimmed(Position),
    /// The end that was asked for.
    End,
}

impl Tail {
    /// Starts where a query says. Blocking work is done elsewhere.
    pub(crate) async fn start(
        store: Arc<dyn Store>,
        head: watch::Receiver<Position>,
        query: EventQuery,
    ) -> Result<Self, OpRefusal> {
        let EventQuery { since, until, tags, minion, limit, follow } = query;
        let now = *head.borrow();
        let begin = Position { log_id: now.log_id, seq: 0 };
        let at = match since {
            Since::Start => begin,
            Since::Head => now,
            Since::After(position) => position,
            Since::AfterSeq(seq) => Position { seq, ..begin },
            Since::Time(time) => {
                let store = store.clone();
                let sought = tokio::task::spawn_blocking(move || store.seek_time(time)).await;
                sought.map_err(|e| internal(&e))?.map_err(|e| refusal(&e))?
            }
        };
        // Without following, the end is fixed now: a busy log would otherwise be read for ever.
        let until = if follow || until.is_some() { until } else { Some(Until::Seq(now.seq)) };
        let begins_at_start = matches!(since, Since::Start);
        let at = if begins_at_start && store.floor().seq > 0 { store.floor() } else { at };
        let minion = minion.map(String::from);
        Ok(Self { store, head, at, until, follow, left: limit, tags, minion })
    }

    /// Returns the next matching events. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Found, OpRefusal> {
        loop {
            if self.left == Some(0) || matches!(self.until, Some(Until::Seq(seq)) if self.at.seq >= seq) {
                return Ok(Found::End);
            }
            self.head.borrow_and_update();
            let events = match self.read().await? {
                Ok(events) => events,
                Err(ReadError::Trimmed { floor }) => {
                    self.at = floor;
                    return Ok(Found::Trimmed(floor));
                }
                Err(e) => return Err(refusal(&e)),
            };
            let Some(last) = events.last() else {
                if !self.follow {
                    return Ok(Found::End);
                }
                if self.head.changed().await.is_err() {
                    return Ok(Found::End);
                }
                continue;
            };
            self.at = last.position;
            let found = self.matching(events);
            if !found.is_empty() {
                return Ok(Found::Events(found));
            }
        }
    }

    /// Reads what follows: here if it is at hand, which it is for whoever keeps up, and elsewhere if it takes the disk.
    async fn read(&self) -> Result<Result<Vec<StoredEvent>, ReadError>, OpRefusal> {
        match self.store.read_at_hand(self.at, READ_CHUNK).transpose() {
            Some(read) => Ok(read),
            None => {
                let (store, at) = (self.store.clone(), self.at);
                let read = tokio::task::spawn_blocking(move || store.read_stored(at, READ_CHUNK)).await;
                read.map_err(|e| internal(&e))
            }
        }
    }

    fn matching(&mut self, events: Vec<StoredEvent>) -> Vec<StoredEvent> {
        let mut found = Vec::new();
        for event in events {
            let over = match self.until {
                Some(Until::Seq(seq)) => event.position.seq > seq,
                Some(Until::Time(time)) => event.stamp > time,
                None => false,
            };
            if over || self.left == Some(0) {
                self.left = Some(0);
                break;
            }
            let tag_fits = self.tags.is_empty() || self.tags.iter().any(|t| t.matches_text(event.tag()));
            if tag_fits && self.minion.as_deref().is_none_or(|m| is_of(&event, m)) {
                self.left = self.left.map(|n| n - 1);
                found.push(event);
            }
        }
        found
    }
}

fn is_of(event: &StoredEvent, minion: &str) -> bool {
    event.decode().is_ok_and(|e| e.minion() == Some(minion))
}

pub(crate) fn refusal(error: &ReadError) -> OpRefusal {
    let kind = match error {
        ReadError::Damaged(_) => RefusalKind::StoreDamaged,
        ReadError::Store(_) => RefusalKind::Internal,
        ReadError::Trimmed { .. } | ReadError::UnknownLog { .. } | ReadError::Ahead { .. } => {
            RefusalKind::Refused
        }
    };
    OpRefusal { kind, text: error.to_string() }
}

fn internal(error: &dyn std::fmt::Display) -> OpRefusal {
    OpRefusal { kind: RefusalKind::Internal, text: error.to_string() }
}
