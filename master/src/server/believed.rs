//! The time by which old things go. A clock that is set forward makes everything old at once, and what went by a wrong one does
//! not come back: so it is believed only once it has gone on evenly for a while. A clock that is set back is believed at once.
//!
//! Kept beside the log, so that a master that is restarted while the clock is wrong goes on doubting it. A master that was away
//! for long cannot tell that from a clock that was set meanwhile, and doubts that, too.

use std::time::Duration;

use lab_proto::Timestamp;
use tracing::{info, warn};

use crate::core::records;
use crate::store::{Change, KeyStore};

/// A clock that is ahead of what was expected by no more than this was not set, or it does not matter.
const EVEN: Duration = Duration::from_secs(3600);
/// How long one that is further ahead must go on evenly.
const CALM: Duration = Duration::from_secs(6 * 3600);
/// How much older what is kept may be than what is believed.
const KEPT_AT_LEAST: Duration = Duration::from_secs(1800);

/// What time it is believed to be.
#[derive(Debug)]
pub(super) struct Believed {
    time: Timestamp,
    /// On the steady clock, when it was that time.
    at: Duration,
    doubt: Option<Doubt>,
    kept: Option<Timestamp>,
}

/// A clock that is ahead.
#[derive(Debug)]
struct Doubt {
    by: Duration,
    since: Duration,
}

impl Believed {
    /// Begins with what was believed last, or else with what the clock says.
    pub(super) fn read(store: &dyn KeyStore, wall: Timestamp, up: Duration) -> Self {
        let kept = records::believed(store).unwrap_or_else(|e| {
            warn!(error = %e, "what time it was last is not known");
            None
        });
        Self { time: kept.unwrap_or(wall), at: up, doubt: None, kept }
    }

    /// Returns the time by which old things go, when the real and the steady clock say this.
    pub(super) fn look(&mut self, wall: Timestamp, up: Duration) -> Timestamp {
        let expected = self.time + up.saturating_sub(self.at);
        let by = wall.since(expected);
        let calm =
            self.doubt.as_ref().filter(|d| d.by.abs_diff(by) <= EVEN).map(|d| up.saturating_sub(d.since));
        if by <= EVEN || calm.is_some_and(|calm| calm >= CALM) {
            if self.doubt.take().is_some() {
                info!(now = %wall, "the clock is believed");
            }
            (self.time, self.at) = (wall, up);
            return wall;
        }
        if calm.is_none() {
            warn!(
                now = %wall, ?by, held_for = ?CALM,
                "the clock was set forward, or the master was away for long: meanwhile nothing goes for its age"
            );
            self.doubt = Some(Doubt { by, since: up });
        }
        expected
    }

    /// Returns the change that keeps what is believed, when that is due.
    pub(super) fn keep(&mut self) -> Option<Change> {
        if self.kept.is_some_and(|kept| self.time >= kept && self.time.since(kept) < KEPT_AT_LEAST) {
            return None;
        }
        self.kept = Some(self.time);
        Some(records::put_believed(self.time))
    }
}

#[cfg(test)]
mod tests {
    use lab_proto::LogId;

    use super::*;
    use crate::store::memory::MemoryStore;

    const H: Duration = Duration::from_secs(3600);
    const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn begin(store: &MemoryStore, wall: Timestamp) -> Believed {
        Believed::read(store, wall, Duration::ZERO)
    }

    #[test]
    fn a_clock_that_goes_evenly_is_believed() {
        let store = MemoryStore::new(LogId::from_u128(1));
        let mut believed = begin(&store, START);
        for hours in [0, 1, 30, 31] {
            // It is set by minutes now and then.
            let wall = START + H * hours + Duration::from_secs(u64::from(hours) * 60);
            assert_eq!(believed.look(wall, H * hours), wall);
        }
        assert_eq!(believed.look(START, H * 32), START, "one that is set back makes nothing old");
        assert_eq!(believed.look(START + H, H * 33), START + H);
    }

    #[test]
    fn one_that_is_set_forward_is_believed_only_after_hours_of_calm() {
        let store = MemoryStore::new(LogId::from_u128(1));
        let mut believed = begin(&store, START);
        let year = H * 24 * 365;
        assert_eq!(believed.look(START + H, H), START + H);
        assert_eq!(believed.look(START + H * 2 + year, H * 2), START + H * 2, "doubted");
        assert_eq!(believed.look(START + H * 7 + year, H * 7), START + H * 7);
        // Once more, somewhere else.
        assert_eq!(believed.look(START + H * 8 + year * 2, H * 8), START + H * 8);
        assert_eq!(believed.look(START + H * 9 + year * 2, H * 9), START + H * 9);
        let wall = START + H * 14 + year * 2;
        assert_eq!(believed.look(wall, H * 14), wall, "six hours after it was set last");
        // Set forward and back within the time: nothing was ever old.
        assert_eq!(believed.look(wall + H + year, H * 15), wall + H);
        assert_eq!(believed.look(wall + H * 2, H * 16), wall + H * 2);
    }

    #[test]
    fn a_master_that_is_restarted_while_the_clock_is_wrong_still_doubts_it() {
        let store = MemoryStore::new(LogId::from_u128(1));
        let mut believed = begin(&store, START);
        let keep = |believed: &mut Believed| {
            let change = believed.keep();
            let due = change.is_some();
            store.commit(change.into_iter().collect()).expect("commits");
            due
        };
        assert!(keep(&mut believed), "at once");
        believed.look(START + H / 4, H / 4);
        assert!(!keep(&mut believed), "not each time");
        believed.look(START + H, H);
        assert!(keep(&mut believed));
        let year = H * 24 * 365;
        believed.look(START + H + year, H);
        let mut believed = begin(&store, START + H + year);
        assert_eq!(believed.look(START + H + year, Duration::ZERO), START + H);
        // And one that was away for a year does after some hours.
        assert_eq!(believed.look(START + H * 7 + year, H * 6), START + H * 7 + year);
        assert!(keep(&mut believed));
    }
}
