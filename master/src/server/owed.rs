//! When the acknowledgement of a minion's events is due.
//!
//! A minion only drops from its outbox what is acknowledged, so an acknowledgement is never urgent by itself: it waits for
//! more of its kind, and longer while the master is taking events. What is urgent in a burst of returns is the burst.
//! Nobody is woken when events become durable: by the time that it is due they nearly always are.

use std::time::Duration;

use tokio::time::Instant;

/// How long it waits at least.
const PAUSE: Duration = Duration::from_millis(20);
/// How long it waits at most.
const PATIENCE: Duration = Duration::from_secs(1);
/// With so many bytes taken since the last one it is due after the pause: the minion's window must not run dry.
const MUCH: usize = lab_proto::v1::link::MAX_UNACKED_BYTES / 8;
/// Each time it finds the master busy it waits so many times as long as it has.
const STRIDE: u32 = 25;

/// What is owed on one stream.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// The number of the last event that was taken.
    taken: u64,
    /// The bytes that were taken since the last acknowledgement.
    bytes: usize,
    since: Option<Instant>,
    wait: Wait,
}

#[derive(Clone, Copy, Debug, Default)]
enum Wait {
    /// Nothing is owed.
    #[default]
    Nothing,
    /// It is due then.
    Until(Instant),
    /// It is due, and nothing new is durable yet.
    Durable,
}

impl Owed {
    /// Notes a batch that was taken from the minion, and whether the master was taking others then.
    pub(super) fn took(&mut self, last: u64, bytes: usize, busy: bool, now: Instant) {
        self.taken = self.taken.max(last);
        self.bytes = self.bytes.saturating_add(bytes);
        match self.wait {
            // In the middle of a burst nobody need look after the pause whether the burst has passed.
            Wait::Nothing if busy && self.bytes < MUCH => self.begin(now, PAUSE * STRIDE),
            Wait::Nothing => self.begin(now, PAUSE),
            Wait::Until(due) if self.bytes >= MUCH => {
                self.wait = Wait::Until(self.since.map_or(due, |since| due.min(since + PAUSE)));
            }
            Wait::Until(_) | Wait::Durable => {}
        }
    }

    /// Returns when to ask [`Self::settle`].
    pub(super) fn due(&self) -> Option<Instant> {
        if let Wait::Until(due) = self.wait { Some(due) } else { None }
    }

    /// Tells whether to ask [`Self::settle`] as soon as anything new is durable.
    pub(super) fn overdue(&self) -> bool {
        matches!(self.wait, Wait::Durable)
    }

    /// Tells whether to acknowledge now; if not, it is due later.
    pub(super) fn settle(&mut self, durable: bool, busy: bool, now: Instant) -> bool {
        let Some(since) = self.since else { return false };
        let waited = now.saturating_duration_since(since);
        if !durable {
            self.wait = Wait::Durable;
        } else if busy && self.bytes < MUCH && waited < PATIENCE {
            let later = since + (waited.max(PAUSE) * STRIDE).min(PATIENCE);
            self.wait = Wait::Until(later);
        } else {
            return true;
        }
        false
    }

    /// Notes what was acknowledged; what was taken beyond that is owed still.
    pub(super) fn sent(&mut self, counter: u64, now: Instant) {
        self.bytes = 0;
        self.wait = Wait::Nothing;
        if counter < self.taken {
            self.begin(now, PAUSE);
        }
    }

    fn begin(&mut self, now: Instant, pause: Duration) {
        self.since = Some(now);
        self.wait = Wait::Until(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks whenever it is due, everything being durable; returns after how long it may be sent.
    fn sent_after(owed: &mut Owed, from: Instant, busy: impl Fn(Duration) -> bool) -> Duration {
        for _ in 0..10 {
            let at = owed.due().expect("something is owed");
            if owed.settle(true, busy(at - from), at) {
                owed.sent(owed.taken, at);
                assert_eq!((owed.due(), owed.overdue()), (None, false));
                return at - from;
            }
            assert!(owed.due() > Some(at), "not due at once again");
        }
        panic!("never sent");
    }

    #[test]
    fn it_waits_for_more_of_its_kind_and_for_a_burst_to_pass() {
        let now = Instant::now();
        let mut owed = Owed::default();
        assert_eq!((owed.due(), owed.overdue()), (None, false));
        owed.took(1, 300, false, now);
        owed.took(2, 300, true, now + PAUSE / 2);
        assert_eq!(sent_after(&mut owed, now, |_| false), PAUSE, "the first one counts");

        owed.took(3, 300, false, now);
        let burst = Duration::from_millis(60);
        assert_eq!(sent_after(&mut owed, now, |at| at < burst), PAUSE * STRIDE);
        owed.took(4, 300, false, now);
        assert_eq!(sent_after(&mut owed, now, |_| true), PATIENCE, "however busy the master is");
        owed.took(5, 300, true, now);
        assert_eq!(sent_after(&mut owed, now, |_| false), PAUSE * STRIDE, "in the middle of a burst");
    }

    #[test]
    fn much_that_is_taken_does_not_wait_for_quiet() {
        let now = Instant::now();
        let mut owed = Owed::default();
        owed.took(1, MUCH, true, now);
        assert_eq!(sent_after(&mut owed, now, |_| true), PAUSE);
        owed.took(2, 1, false, now);
        assert!(!owed.settle(true, true, now + PAUSE));
        owed.took(3, MUCH, true, now + PAUSE);
        assert_eq!(owed.due(), Some(now + PAUSE), "what was put off is due");
        assert!(owed.settle(true, true, now + PAUSE * 2));
    }

    #[test]
    fn what_is_durable_late_is_owed_until_then() {
        let now = Instant::now();
        let mut owed = Owed::default();
        owed.took(1, 300, false, now);
        owed.took(2, 300, false, now);
        assert!(!owed.settle(false, false, now + PAUSE), "nothing is durable");
        assert_eq!((owed.due(), owed.overdue()), (None, true));
        assert!(owed.settle(true, false, now + PAUSE * 2), "the moment that it is");
        owed.sent(1, now + PAUSE * 2);
        assert_eq!(owed.due(), Some(now + PAUSE * 3), "the second one is owed still");
    }
}
