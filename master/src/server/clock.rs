//! The server's clocks: a steady one for deadlines, the real one for certificates and for what people read, and the stamps of
//! the log, which follow the real one and never go back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lab_proto::Timestamp;

/// All the clocks of a server. The real one may be set while it runs, or leave a sleep of the machine behind it; the steady
/// one knows nothing of either.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    begin: Timestamp,
    steady: Instant,
    stamps: Arc<Mutex<Stamps>>,
}

impl Clock {
    /// Starts the clocks; `last` is the newest stamp in the log.
    pub(crate) fn start(last: Option<Timestamp>) -> Self {
        let begin = last.map_or_else(wall_time, |last| last.max(wall_time()));
        let stamps = Stamps { last: begin, at: Duration::ZERO };
        Self { begin, steady: Instant::now(), stamps: Arc::new(Mutex::new(stamps)) }
    }

    /// Returns the time on the steady clock: for deadlines.
    pub(crate) fn now(&self) -> Timestamp {
        self.begin + self.up()
    }

    /// Returns how long the clock runs, sleeps of the machine apart.
    pub(crate) fn up(&self) -> Duration {
        self.steady.elapsed()
    }

    /// Returns the time for an event.
    pub(crate) fn stamp(&self) -> Timestamp {
        let up = self.up();
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner).next(wall_time(), up)
    }

    /// Returns how much later it is by the stamps than by the steady clock, in microseconds.
    pub(crate) fn ahead(&self) -> i64 {
        let up = self.up();
        let stamp = self.stamps.lock().unwrap_or_else(PoisonError::into_inner).next(wall_time(), up);
        stamp.as_micros().saturating_sub((self.begin + up).as_micros())
    }

    /// Returns how far the real clock is behind the stamps, which wait for it.
    pub(crate) fn behind(&self) -> Duration {
        let last = self.stamps.lock().unwrap_or_else(PoisonError::into_inner).last;
        last.since(wall_time())
    }

    /// Converts for a timer of the runtime.
    pub(crate) fn instant(&self, at: Timestamp) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.steady + at.since(self.begin))
    }
}

/// Where the log's stamps are.
#[derive(Debug)]
struct Stamps {
    last: Timestamp,
    /// On the steady clock.
    at: Duration,
}

impl Stamps {
    /// Returns the real time, or while that is behind the stamps, what half of the steady time since then makes: so they are
    /// caught up with, and still tell one moment from another.
    fn next(&mut self, wall: Timestamp, steady: Duration) -> Timestamp {
        let slow = self.last + steady.saturating_sub(self.at) / 2;
        self.at = steady.max(self.at);
        self.last = wall.max(slow);
        self.last
    }
}

/// Returns the real clock's time.
pub fn wall_time() -> Timestamp {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn stamps_follow_a_clock_that_is_set_forward_at_once() {
        let mut stamps = Stamps { last: at(100), at: s(0) };
        assert_eq!(stamps.next(at(101), s(1)), at(101));
        assert_eq!(stamps.next(at(800_000), s(2)), at(800_000), "the machine slept, or its clock was set");
        assert_eq!(stamps.next(at(800_001), s(3)), at(800_001));
    }

    #[test]
    fn stamps_never_go_back_and_meet_a_clock_that_was_set_back() {
        let mut stamps = Stamps { last: at(100), at: s(0) };
        assert_eq!(stamps.next(at(90), s(0)), at(100));
        assert_eq!(stamps.next(at(94), s(4)), at(102));
        assert_eq!(stamps.next(at(110), s(20)), at(110), "ten seconds take twenty");
        assert_eq!(stamps.next(at(111), s(21)), at(111));
    }

    #[test]
    fn a_log_that_is_ahead_of_the_clock_is_gone_on_with() {
        let future = wall_time() + s(86_400);
        let clock = Clock::start(Some(future));
        assert!(clock.now() >= future, "what counts from its events must not wait for a day");
        assert!(clock.stamp() >= future);
        assert!(clock.behind() > s(86_000) && clock.behind() <= s(86_401), "and how far that is can be told");
        let clock = Clock::start(Some(at(1)));
        assert_eq!(clock.behind(), s(0));
        assert!(clock.stamp() > at(1_000_000) && clock.ahead().abs() < 10_000_000);
    }
}
