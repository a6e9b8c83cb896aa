//! How long to wait before dialling again.

use std::time::Duration;

/// A link that lived shorter than this did not settle: whatever ended it may end the next one.
const SETTLED: Duration = Duration::from_secs(1);

/// Doubling delays with jitter, so that a thousand minions do not come back in the same millisecond.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    max: Duration,
    attempt: u32,
}

impl Backoff {
    /// Makes a back-off whose first delay is at most `base` and whose longest is `max`.
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { base, max, attempt: 0 }
    }

    /// Returns the next delay: between half and the whole of what doubling gives, by `random`.
    pub fn next_delay(&mut self, random: u64) -> Duration {
        let ceiling = self.base.saturating_mul(1 << self.attempt.min(20)).min(self.max);
        self.attempt = self.attempt.saturating_add(1);
        let half = ceiling / 2;
        let span = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
        half + Duration::from_micros(random % span)
    }

    /// Takes that a link ended that had been up for so long: delays start over only after one that settled, so that links
    /// which break as soon as they are up are dialled ever more rarely.
    pub fn link_ended(&mut self, lived: Duration) {
        if lived >= SETTLED {
            self.reset();
        }
    }

    /// Begins anew; to be called when a link came up, not when a dial succeeded.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_limit_and_stay_within_their_bounds() {
        let mut b = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        let mut ceiling = Duration::from_millis(100);
        for random in [0, u64::MAX, 7, 1 << 40].into_iter().cycle().take(100) {
            let d = b.next_delay(random);
            assert!(d >= ceiling / 2 && d <= ceiling, "{d:?} is not within {ceiling:?}");
            ceiling = (ceiling * 2).min(Duration::from_secs(10));
        }
        b.reset();
        assert!(b.next_delay(u64::MAX) <= Duration::from_millis(100));
    }

    #[test]
    fn links_that_live_only_moments_do_not_start_the_delays_over() {
        let mut b = Backoff::new(Duration::from_millis(200), Duration::from_secs(15));
        let mut last = Duration::ZERO;
        for _ in 0..10 {
            last = b.next_delay(0);
            b.link_ended(Duration::from_millis(110));
        }
        assert_eq!(last, Duration::from_millis(7_500), "half of the longest");
        b.link_ended(Duration::from_secs(60));
        assert_eq!(b.next_delay(0), Duration::from_millis(100));
    }
}
