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

impl Uploads {
    /// Counts an upload that is announced, unless the minion has had its quota.
    pub(crate) fn take(&self, minion: &MinionId, bytes: u64, quota: u64, now: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lately| now.since(lately.since) < WINDOW);
        let lately = all.entry(minion.clone()).or_insert(Lately { since: now, bytes: 0 });
        let fits = lately.bytes.saturating_add(bytes) <= quota;
        if fits {
            lately.bytes += bytes;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minion_has_its_quota_within_the_hour_and_others_have_theirs() {
        let uploads = Uploads::default();
        let [a, b] = ["a", "b"].map(|id| MinionId::new(id).expect("valid"));
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        assert!(uploads.take(&a, 60, 100, at(0)) && uploads.take(&a, 40, 100, at(10)));
        assert!(!uploads.take(&a, 1, 100, at(3599)), "all is used");
        assert!(uploads.take(&b, 100, 100, at(3599)));
        assert!(uploads.take(&a, 100, 100, at(3600)), "the next hour");
        assert!(!uploads.take(&a, u64::MAX, 100, at(3601)));
    }
}
