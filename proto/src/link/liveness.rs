//! When silence becomes *lost*.

use std::time::Duration;

use super::Wake;
use crate::time::Timestamp;

/// Silence is excused for so long at most, counted from the last sign of life: no network change takes longer.
pub const MAX_EXCUSE: Duration = Duration::from_secs(3600);

/// Counts missed signs of life. Decides long before the transport gives up, because the transport's idle
/// timeout must survive a bridge's forward delay.
#[derive(Clone, Debug)]
pub struct Liveness {
    patience: Duration,
    last_heard: Timestamp,
    excused_until: Option<Timestamp>,
    lost: bool,
}

impl Liveness {
    /// Starts counting: lost after `missed` intervals of silence.
    pub fn new(interval: Duration, missed: u32, now: Timestamp) -> Self {
        Self { patience: interval * missed, last_heard: now, excused_until: None, lost: false }
    }

    /// Notes a sign of life, and until when silence is excused (a pending network change). Returns true when
    /// the peer had been counted as lost.
    pub fn heard(&mut self, now: Timestamp, excused_until: Option<Timestamp>) -> bool {
        self.last_heard = self.last_heard.max(now);
        self.excused_until = excused_until.map(|until| until.min(now + MAX_EXCUSE));
        std::mem::take(&mut self.lost)
    }

    /// Returns when silence becomes *lost*, unless it already has.
    pub fn poll_timeout(&self) -> Option<Wake> {
        (!self.lost).then(|| (self.deadline(), "heartbeats missed"))
    }

    /// Returns true at the moment when the peer becomes lost.
    pub fn handle_timeout(&mut self, now: Timestamp) -> bool {
        let newly = !self.lost && now >= self.deadline();
        self.lost |= newly;
        newly
    }

    /// Tells whether the peer is lost.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Returns when the peer last gave a sign of life.
    pub fn last_heard(&self) -> Timestamp {
        self.last_heard
    }

    fn deadline(&self) -> Timestamp {
        let plain = self.last_heard + self.patience;
        self.excused_until.map_or(plain, |t| plain.max(t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn three_missed_heartbeats_are_lost_and_one_more_brings_it_back() {
        let mut l = Liveness::new(Duration::from_secs(5), 3, at(0));
        assert!(!l.heard(at(5), None));
        assert!(!l.handle_timeout(at(19)));
        assert_eq!(l.poll_timeout(), Some((at(20), "heartbeats missed")));
        assert!(l.handle_timeout(at(20)));
        assert!(!l.handle_timeout(at(21)), "lost is told once");
        assert!(l.heard(at(22), None), "and so is the return");
        assert!(!l.is_lost());
    }

    #[test]
    fn a_pending_network_change_excuses_silence_until_its_deadline() {
        let mut l = Liveness::new(Duration::from_secs(5), 3, at(0));
        l.heard(at(0), Some(at(60)));
        assert!(!l.handle_timeout(at(59)));
        assert!(l.handle_timeout(at(60)));
    }

    #[test]
    fn no_excuse_is_good_for_ever() {
        let mut l = Liveness::new(Duration::from_secs(5), 3, at(0));
        l.heard(at(100), Some(at(1_000_000)));
        assert!(!l.handle_timeout(at(3699)));
        assert!(l.handle_timeout(at(3700)));
    }
}
