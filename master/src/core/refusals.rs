//! Names every refused attempt in the log without letting strangers fill it: the first of a kind at once, the others
//! of the same kind counted and told once a second.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_proto::{NewEvent, Timestamp};

use super::facts;

const WINDOW: Duration = Duration::from_secs(1);
/// Kinds counted apart at a time; further ones share one row.
const MAX_KINDS: usize = 256;

/// Counts refusals.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    open: BTreeMap<(String, String), Held>,
}

#[derive(Debug)]
struct Held {
    until: Timestamp,
    count: u64,
}

impl Refusals {
    /// Notes a refusal; returns the event to append, unless one of the same kind was just told.
    pub(super) fn note(&mut self, why: &str, peer: &str, now: Timestamp) -> Option<NewEvent> {
        let mut key = (why.to_owned(), peer.to_owned());
        if !self.open.contains_key(&key) && self.open.len() >= MAX_KINDS {
            key = ("various".to_owned(), "many".to_owned());
        }
        if let Some(held) = self.open.get_mut(&key) {
            held.count += 1;
            return None;
        }
        let event = facts::refused(&key.0, &key.1, 1);
        self.open.insert(key, Held { until: now + WINDOW, count: 0 });
        Some(event)
    }

    /// Returns when held back refusals are due.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.open.values().map(|h| h.until).min()
    }

    /// Returns what was held back and is due.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<NewEvent> {
        let mut events = Vec::new();
        self.open.retain(|(why, peer), held| {
            if held.until > now {
                return true;
            }
            if held.count == 0 {
                return false;
            }
            events.push(facts::refused(why, peer, held.count));
            *held = Held { until: now + WINDOW, count: 0 };
            true
        });
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_attempts_are_all_counted_in_few_events() {
        let mut refusals = Refusals::default();
        let now = Timestamp::from_micros(0);
        let mut told = 0;
        for i in 0..10_000 {
            let peer = format!("192.0.2.{}", i % 500);
            told += refusals.note("no certificate", &peer, now).map_or(0, |_| 1);
        }
        assert!(told <= MAX_KINDS + 1 && refusals.open.len() <= MAX_KINDS + 1);
        let held = refusals.due(now + WINDOW);
        let counted: i128 = held.iter().filter_map(|e| e.data.get("count")?.as_int()).sum();
        assert_eq!(i128::from(told as u32) + counted, 10_000);
        assert!(refusals.due(now + WINDOW * 3).is_empty());
        assert_eq!(refusals.poll_timeout(), None, "nothing is remembered once it is quiet");
    }
}
