//! How many answers to what was just published are still to come.

use std::time::Duration;

use lab_proto::{EventTag, Timestamp};

use crate::core::returned_jid;

/// Minions that only say that they are there answer within this; what takes longer comes one by one.
const SOON: Duration = Duration::from_millis(20);

/// Jobs that went out a moment ago.
#[derive(Debug, Default)]
pub(super) struct Company {
    last: Timestamp,
    left: usize,
}

impl Company {
    /// Notes that a job went to one minion more.
    pub(super) fn published(&mut self, now: Timestamp) {
        if now.since(self.last) > SOON {
            self.left = 0;
        }
        self.last = now;
        self.left += 1;
    }

    /// Notes what came; returns how many more answers are expected soon.
    pub(super) fn came<'a>(&mut self, tags: impl Iterator<Item = &'a EventTag>, now: Timestamp) -> usize {
        if self.left > 0 {
            let answers = tags.filter(|tag| returned_jid(tag).is_some()).count();
            let late = now.since(self.last) > SOON;
            self.left = if late { 0 } else { self.left.saturating_sub(answers) };
        }
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn answers_are_expected_for_a_moment_and_each_once() {
        let answer = EventTag::new("salt/job/20261121051940000042/ret/web1").expect("valid");
        let other = EventTag::new("site/door/opened").expect("valid");
        let mut company = Company::default();
        assert_eq!(company.came([&answer].into_iter(), at(1)), 0);
        for _ in 0..3 {
            company.published(at(10));
        }
        assert_eq!(company.came([&answer, &other].into_iter(), at(11)), 2);
        assert_eq!(company.came([&other].into_iter(), at(12)), 2);
        assert_eq!(company.came([&answer].into_iter(), at(40)), 0, "who is late is not waited for");
        company.published(at(41));
        assert_eq!(company.came([&answer, &answer].into_iter(), at(42)), 0);
    }
}
