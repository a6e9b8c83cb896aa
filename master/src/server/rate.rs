//! How often one peer may come with something.

use std::time::Duration;

use tokio::time::Instant;

/// Lets some come at once and the others evenly.
#[derive(Debug)]
pub(crate) struct RateLimit {
    every: Duration,
    at_once: u32,
    /// When all that came would have come, had each come by itself.
    evened_out: Instant,
}

impl RateLimit {
    /// Lets one come in such a time, and so many at once after a silence.
    pub(crate) fn new(every: Duration, at_once: u32, now: Instant) -> Self {
        Self { every, at_once, evened_out: now }
    }

    /// Notes that one came; returns how long the next one has to wait, if it has to.
    pub(crate) fn took(&mut self, now: Instant) -> Option<Duration> {
        self.evened_out = self.evened_out.max(now) + self.every;
        let early = self.every * self.at_once.saturating_sub(1);
        let wait = self.evened_out.saturating_duration_since(now).saturating_sub(early);
        (!wait.is_zero()).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_come_at_once_and_the_others_evenly() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut limit = RateLimit::new(ms(10), 3, start);
        let mut at_once = || (0..5).map(|_| limit.took(start)).collect::<Vec<_>>();
        assert_eq!(at_once(), [None, None, Some(ms(10)), Some(ms(20)), Some(ms(30))]);
        assert_eq!(limit.took(start + ms(30)), Some(ms(10)), "whoever waited is not let off");
        assert_eq!(limit.took(start + ms(1000)), None, "silence is");
        for n in 101..200 {
            assert_eq!(limit.took(start + ms(10) * n), None, "one in its time never waits");
        }
    }
}
