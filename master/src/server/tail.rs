//! Readers of the log: history and live through one path, each with its own cursor.
//!
//! A tail reads from the store in bounded chunks at the pace of whom it serves: a slow reader is late, loses nothing
//! and slows nobody.

use std::sync::Arc;

use lab_proto::Position;
use lab_proto::v1::op::{EventQuery, OpRefusal, RefusalKind, Since, Until};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::READ_CHUNK;
use crate::store::memory::check_position;
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
    /// Where it begins, when what was asked for may have begun earlier: told before the first event.
    trimmed: Option<Position>,
    /// A read under way. Kept when whoever waits for it turns to something else, or it would be begun anew each time.
    reading: Option<JoinHandle<Result<Vec<StoredEvent>, ReadError>>>,
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
        let floor = store.floor();
        let mut trimmed = None;
        let begin = Position { log_id: now.log_id, seq: 0 };
        let at = match since {
            Since::Start => begin,
            Since::Head => now,
            Since::After(position) => position,
            Since::AfterSeq(seq) => Position { seq, ..begin },
            Since::Time(time) => {
                let seeking = store.clone();
                let sought = tokio::task::spawn_blocking(move || seeking.seek_time(time)).await;
                let at = sought.map_err(|e| internal(&e))?.map_err(|e| refusal(&e))?;
                // All that is kept is younger: what is gone may have been young enough too. It may have gone just now.
                let floor = store.floor();
                trimmed = (floor.seq > 0 && at.seq <= floor.seq).then_some(floor);
                at
            }
        };
        // The store says so to whoever reads; one that ends at the head reads nothing there.
        let newest = store.head();
        // What is below the floor is not refused here: whoever reads is told where to go on.
        check_position(at, Position { seq: 0, ..newest }, newest).map_err(|e| refusal(&e))?;
        // Without following, the end is fixed now: a busy log would otherwise be read for ever.
        let until = if follow || until.is_some() { until } else { Some(Until::Seq(now.seq)) };
        let begins_at_start = matches!(since, Since::Start);
        let at = if begins_at_start && floor.seq > 0 { floor } else { at };
        let minion = minion.map(String::from);
        Ok(Self { store, head, at, until, follow, left: limit, tags, minion, trimmed, reading: None })
    }

    /// Returns the next matching events. Cancelling it loses nothing, nor what is being read.
    pub(crate) async fn next(&mut self) -> Result<Found, OpRefusal> {
        if let Some(floor) = self.trimmed.take() {
            self.at = floor;
            return Ok(Found::Trimmed(floor));
        }
        loop {
            if self.left == Some(0) || matches!(self.until, Some(Until::Seq(seq)) if self.at.seq >= seq) {
                return Ok(Found::End);
            }
            if self.reading.is_none() {
                self.head.borrow_and_update();
            }
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
            // What is at hand may be very much, and nothing of it be asked for.
            tokio::task::consume_budget().await;
        }
    }

    /// Reads what follows: here if it is at hand, which it is for whoever keeps up, and elsewhere if it takes the disk.
    async fn read(&mut self) -> Result<Result<Vec<StoredEvent>, ReadError>, OpRefusal> {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            None => {
                if let Some(read) = self.store.read_at_hand(self.at, READ_CHUNK).transpose() {
                    return Ok(read);
                }
                let (store, at) = (self.store.clone(), self.at);
                self.reading.insert(tokio::task::spawn_blocking(move || store.read_stored(at, READ_CHUNK)))
            }
        };
        let read = reading.await;
        self.reading = None;
        read.map_err(|e| internal(&e))
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use lab_proto::{LogId, Timestamp};

    use super::*;
    use crate::store::sled_log::{OpenOptions, SledStore};
    use crate::store::{EventStore as _, RetentionPolicy};

    /// A store of three events a segment each, stamped 1 to 3; only the newest is kept.
    fn trimmed(dir: &std::path::Path) -> Arc<SledStore> {
        let mut options = OpenOptions::new(LogId::from_u128(1));
        options.segment_bytes = 1;
        let store = Arc::new(SledStore::open(&dir.join("store"), options).expect("opens"));
        for stamp in 1..=3 {
            let event = crate::core::facts::lifecycle("started", "1");
            store.append(vec![event], &[], Timestamp::from_micros(stamp)).expect("appends");
        }
        let policy = RetentionPolicy { max_bytes: Some(1), ..RetentionPolicy::default() };
        store.retain(&policy, None, Timestamp::from_micros(4)).expect("trims");
        assert!(store.floor().seq > 0, "{:?}", store.floor());
        store
    }

    fn query(since: Since) -> EventQuery {
        EventQuery { since, until: None, tags: Vec::new(), minion: None, limit: None, follow: false }
    }

    #[tokio::test]
    async fn a_time_before_what_is_kept_is_answered_with_where_the_log_begins() {
        let dir = tempfile::tempdir().expect("tempdir");
        let store = trimmed(dir.path());
        let floor = store.floor();
        let (_head, head) = watch::channel(store.head());
        let since = Since::Time(Timestamp::from_micros(1));
        let mut tail = Tail::start(store, head, query(since)).await.expect("starts");
        let first = tail.next().await.expect("reads");
        assert!(matches!(first, Found::Trimmed(at) if at == floor), "{first:?}");
        assert!(matches!(tail.next().await.expect("reads"), Found::Events(_)));
        assert!(matches!(tail.next().await.expect("reads"), Found::End));
    }

    #[tokio::test]
    async fn a_place_above_the_head_is_refused_whether_followed_or_not() {
        let dir = tempfile::tempdir().expect("tempdir");
        let store = trimmed(dir.path());
        let elsewhere = Position { log_id: LogId::from_u128(2), seq: 99_999 };
        for (since, why) in [
            (Since::AfterSeq(99_999), "is above the head"),
            (Since::After(elsewhere), "history was replaced"),
        ] {
            for follow in [false, true] {
                let (_head, head) = watch::channel(store.head());
                let asked = EventQuery { follow, ..query(since.clone()) };
                let refused = Tail::start(store.clone(), head, asked).await.err().expect("no such place");
                assert_eq!(refused.kind, RefusalKind::Refused);
                assert!(refused.text.contains(why), "{}", refused.text);
            }
        }
    }

    #[test]
    fn whoever_turns_to_something_else_meanwhile_does_not_begin_the_read_anew() {
        // One thread for blocking work, and that one is taken: no read ends before it is given back.
        let runtime =
            tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().expect("built");
        let _entered = runtime.enter();
        let (give_back, taken) = std::sync::mpsc::channel::<()>();
        runtime.spawn_blocking(move || taken.recv());
        let dir = tempfile::tempdir().expect("tempdir");
        let mut options = OpenOptions::new(LogId::from_u128(1));
        options.segment_bytes = 1;
        let store = Arc::new(SledStore::open(&dir.path().join("store"), options).expect("opens"));
        let now = Timestamp::from_micros(1);
        for _ in 0..3 {
            let event = crate::core::facts::lifecycle("started", "1");
            store.append(vec![event], &[], now).expect("appends");
        }
        store
            .retain(&RetentionPolicy::default(), None, now)
            .expect("all but the newest are on the disk alone");
        let (_head, head) = watch::channel(store.head());
        let query = EventQuery {
            since: Since::Start,
            until: None,
            tags: Vec::new(),
            minion: None,
            limit: None,
            follow: true,
        };
        let mut tail = runtime.block_on(Tail::start(store, head, query)).expect("starts");
        let mut reads = Vec::new();
        for _ in 0..3 {
            assert!(tail.next().now_or_never().is_none(), "the read waits for its thread");
            reads.push(tail.reading.as_ref().expect("under way").id());
        }
        assert!(reads.iter().all(|id| *id == reads[0]), "{reads:?}");
        drop(give_back);
        let found = runtime.block_on(tail.next()).expect("reads");
        assert!(matches!(found, Found::Events(events) if !events.is_empty()));
    }
}
