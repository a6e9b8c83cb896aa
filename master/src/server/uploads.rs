//! How much each minion has uploaded lately: one that goes wild must not push the blobs of the others out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lab_proto::{MinionId, Timestamp};

/// What is counted together.
const WINDOW: Duration = Duration::from_secs(3600);

/// Counts uploaded bytes.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<HashMap<MinionId, Lately>>);

struct Lately {
    since: Timestamp,
    bytes: u64,
}

/// What an upload that is under way has of its minion's quota: all that was announced, and in the end only what came.
pub(crate) struct Share<'a> {
    uploads: &'a Uploads,
    minion: &'a MinionId,
    since: Timestamp,
    outstanding: u64,
}

impl Uploads {
    /// Makes room for an upload that is announced, unless the minion has had its quota.
    pub(crate) fn take<'a>(
        &'a self,
        minion: &'a MinionId,
        bytes: u64,
        quota: u64,
        now: Timestamp,
    ) -> Option<Share<'a>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lately| now.since(lately.since) < WINDOW);
        let lately = all.entry(minion.clone()).or_insert(Lately { since: now, bytes: 0 });
        if lately.bytes.saturating_add(bytes) > quota {
            return None;
        }
        lately.bytes += bytes;
        Some(Share { uploads: self, minion, since: lately.since, outstanding: bytes })
    }
}

impl Share<'_> {
    /// Notes that so much of it came.
    pub(crate) fn came(&mut self, bytes: u64) {
        self.outstanding = self.outstanding.saturating_sub(bytes);
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut all = self.uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of the hour that it was taken of.
        if let Some(lately) = all.get_mut(self.minion).filter(|lately| lately.since == self.since) {
            lately.bytes = lately.bytes.saturating_sub(self.outstanding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    /// Announces an upload of which so much comes; tells whether it was let in.
    fn upload(uploads: &Uploads, minion: &MinionId, (announced, came): (u64, u64), second: i64) -> bool {
        uploads.take(minion, announced, 100, at(second)).map(|mut share| share.came(came)).is_some()
    }

    #[test]
    fn a_minion_has_its_quota_within_the_hour_and_others_have_theirs() {
        let uploads = Uploads::default();
        let [a, b] = ["a", "b"].map(|id| MinionId::new(id).expect("valid"));
        let whole = |minion, bytes, second| upload(&uploads, minion, (bytes, bytes), second);
        assert!(whole(&a, 60, 0) && whole(&a, 40, 10));
        assert!(!whole(&a, 1, 3599), "all is used");
        assert!(whole(&b, 100, 3599));
        assert!(whole(&a, 100, 3600), "the next hour");
        assert!(!whole(&a, u64::MAX, 3601));
    }

    #[test]
    fn what_was_announced_and_did_not_come_is_not_counted() {
        let uploads = Uploads::default();
        let a = MinionId::new("a").expect("valid");
        assert!(upload(&uploads, &a, (100, 0), 0), "the link broke");
        assert!(upload(&uploads, &a, (100, 30), 1), "and again");
        {
            let _under_way = uploads.take(&a, 70, 100, at(2)).expect("the rest");
            assert!(!upload(&uploads, &a, (1, 1), 2), "what is under way may still come");
        }
        assert!(upload(&uploads, &a, (70, 70), 3));
        assert!(!upload(&uploads, &a, (1, 1), 4));
        let late = uploads.take(&a, 100, 100, at(3600)).expect("the next hour");
        let later = uploads.take(&a, 100, 100, at(7200)).expect("and the next");
        drop(late);
        assert!(
            !upload(&uploads, &a, (1, 1), 7201),
            "nothing is given back to an hour that it was not taken of"
        );
        drop(later);
    }
}
