//! How the stamps of the log went against a steady clock: they follow the real one, which may be set.
//!
//! Steps and their waits count time from stamps, because these are what the log has. How much time that is, is known only to who
//! watched both clocks meanwhile: so this is the one thing that a run knows and that is not in the log.

use std::time::Duration;

use lab_proto::Timestamp;

/// How far stamps may be from a line to count as on it, in microseconds.
const ON_LINE: i64 = 2_000_000;

/// Stamps and how many microseconds each is ahead of the steady clock: the corners of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    corners: Vec<(Timestamp, i64)>,
}

impl Pace {
    /// Notes how far ahead the stamps are when they are there. They never go back.
    pub(super) fn note(&mut self, stamp: Timestamp, ahead: i64) {
        let last = self.corners.last().map_or(stamp, |(last, _)| *last);
        let corner = (stamp.max(last), ahead);
        if self.corners.last() == Some(&corner) {
            // Twice at one place, nothing would be on a line with it.
            return;
        }
        if let [.., a, b] = self.corners[..]
            && on_line(a, b, corner)
        {
            self.corners.pop();
        }
        self.corners.push(corner);
    }

    /// Returns the stamp at which so much time has gone by since another one.
    pub(super) fn after(&self, begun: Timestamp, span: Duration) -> Timestamp {
        let due = self.steady(begun).saturating_add(micros(span));
        if let Some(first) = self.corners.first().filter(|first| due <= steady_of(**first)) {
            return Timestamp::from_micros(due.saturating_add(first.1)).max(begun);
        }
        for pair in self.corners.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            if b.0 >= begun && steady_of(b) >= due {
                return between(steady_of(a), steady_of(b), due, (a.0.as_micros(), b.0.as_micros()))
                    .max(begun);
            }
        }
        match self.corners.last() {
            Some(last) => Timestamp::from_micros(due.saturating_add(last.1)).max(begun),
            None => begun + span,
        }
    }

    /// Returns where the steady clock was, in microseconds.
    fn steady(&self, stamp: Timestamp) -> i64 {
        let behind = self.corners.iter().position(|(at, _)| *at >= stamp);
        let ahead = match behind {
            Some(0) => self.corners[0].1,
            Some(n) => {
                let (a, b) = (self.corners[n - 1], self.corners[n]);
                let ends = (a.0.as_micros(), b.0.as_micros());
                between(ends.0, ends.1, stamp.as_micros(), (a.1, b.1)).as_micros()
            }
            None => self.corners.last().map_or(0, |(_, ahead)| *ahead),
        };
        stamp.as_micros().saturating_sub(ahead)
    }
}

fn steady_of((stamp, ahead): (Timestamp, i64)) -> i64 {
    stamp.as_micros().saturating_sub(ahead)
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Tells whether the corner between two others is none.
fn on_line(a: (Timestamp, i64), b: (Timestamp, i64), c: (Timestamp, i64)) -> bool {
    let line = between(a.0.as_micros(), c.0.as_micros(), b.0.as_micros(), (a.1, c.1)).as_micros();
    // A leap has no length in time: what lies on its way belongs to it only by chance.
    steady_of(a) < steady_of(b) && steady_of(b) < steady_of(c) && line.abs_diff(b.1) <= ON_LINE.unsigned_abs()
}

/// Returns what is as far between two values as `at` is between two others.
fn between(from: i64, to: i64, at: i64, values: (i64, i64)) -> Timestamp {
    let (whole, part) = (i128::from(to) - i128::from(from), i128::from(at) - i128::from(from));
    let way = i128::from(values.1) - i128::from(values.0);
    let value = if whole == 0 { i128::from(values.0) } else { i128::from(values.0) + way * part / whole };
    Timestamp::from_micros(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn pace(points: &[(i64, i64)]) -> Pace {
        let mut pace = Pace::default();
        points.iter().for_each(|(stamp, ahead)| pace.note(at(*stamp), ahead * 1_000_000));
        pace
    }

    #[test]
    fn stamps_that_go_evenly_tell_the_time() {
        assert_eq!(Pace::default().after(at(100), s(60)), at(160));
        let even = pace(&[(50, 7), (200, 7)]);
        assert_eq!(even.after(at(10), s(60)), at(70));
        assert_eq!(even.after(at(100), s(60)), at(160));
        assert_eq!(even.after(at(300), s(60)), at(360));
    }

    #[test]
    fn a_leap_is_no_time_for_what_was_under_way_and_nothing_else() {
        let leap = pace(&[(100, 0), (100 + DAY, DAY)]);
        assert_eq!(leap.after(at(40), s(60)), at(100), "it was due when the clock was set");
        assert_eq!(leap.after(at(20), s(60)), at(80), "it was due before");
        assert_eq!(leap.after(at(90), s(60)), at(150 + DAY));
        assert_eq!(leap.after(at(101 + DAY), s(60)), at(161 + DAY));
    }

    #[test]
    fn stamps_that_wait_for_a_clock_that_was_set_back_are_waited_for_by_nobody() {
        // From 100 on at half the pace: twenty stamped seconds took forty.
        let slow = pace(&[(0, 0), (100, 0), (110, -10), (120, -20)]);
        assert_eq!(slow.after(at(100), s(30)), at(115));
        assert_eq!(slow.after(at(90), s(30)), at(110));
        assert_eq!(slow.after(at(110), s(60)), at(160), "by what is known so far");
        assert_eq!(slow.after(at(10), s(30)), at(40));
    }

    #[test]
    fn a_long_way_at_one_pace_has_few_corners() {
        let points: Vec<(i64, i64)> = (0..DAY).map(|n| (100 + n, -n)).collect();
        let mut slow = pace(&points);
        assert!(slow.corners.len() <= 3, "{}", slow.corners.len());
        assert_eq!(slow.after(at(100), s(1000)), at(600));
        for n in 0..1000 {
            slow.note(at(100 + DAY + n * 10), -DAY * 1_000_000);
        }
        assert!(slow.corners.len() <= 5, "{}", slow.corners.len());
    }

    #[test]
    fn rare_looks_at_slow_stamps_make_few_corners() {
        let mut slow = Pace::default();
        for look in 0..1440_i64 {
            // Every five seconds, at half the pace; each is heard of twice.
            let (stamp, ahead) = (Timestamp::from_micros(look * 2_500_000), look * -2_500_000);
            slow.note(stamp, ahead);
            slow.note(stamp, ahead);
        }
        assert!(slow.corners.len() <= 3, "{}", slow.corners.len());
        assert_eq!(slow.after(at(100), s(1000)), at(600));
    }

    proptest::proptest! {
        #[test]
        fn a_longer_time_is_never_over_earlier(
            steps in proptest::collection::vec((1..5000_i64, 0..4_u8, 1..100_000_i64), 0..20),
            begun in 0..200_000_i64, span in 0..100_000_u64,
        ) {
            let (mut pace, mut stamp, mut ahead) = (Pace::default(), 0, 0);
            for (length, kind, leap) in steps {
                match kind {
                    0 => (stamp, ahead) = (stamp + length, ahead - length),
                    1 => (stamp, ahead) = (stamp + leap, ahead + leap),
                    _ => stamp += length,
                }
                pace.note(at(stamp), ahead * 1_000_000);
            }
            let due = pace.after(at(begun), s(span));
            proptest::prop_assert!(due >= at(begun));
            proptest::prop_assert!(pace.after(at(begun), s(span + 1)) >= due);
        }
    }
}
