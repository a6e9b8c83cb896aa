//! Negotiation of the protocol version in the hello.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The versions that this build speaks.
pub const SUPPORTED: VersionRange = VersionRange { min: 1, max: 1 };

/// The versions that one side speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRange {
    /// The oldest version spoken.
    pub min: u16,
    /// The newest version spoken.
    pub max: u16,
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max { write!(f, "{}", self.min) } else { write!(f, "{}-{}", self.min, self.max) }
    }
}

/// Two sides without a version in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("no common protocol version: this side speaks {ours}, the other {theirs}; upgrade the older side")]
pub struct NoCommonVersion {
    /// What this side speaks.
    pub ours: VersionRange,
    /// What the other side speaks.
    pub theirs: VersionRange,
}

/// Picks the newest version that both sides speak.
///
/// # Errors
/// When there is none; the error names both ranges.
pub fn negotiate(ours: VersionRange, theirs: VersionRange) -> Result<u16, NoCommonVersion> {
    let newest = ours.max.min(theirs.max);
    if newest >= ours.min.max(theirs.min) { Ok(newest) } else { Err(NoCommonVersion { ours, theirs }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_wins_and_its_absence_names_both_ranges() {
        let r = |min, max| VersionRange { min, max };
        assert_eq!(negotiate(r(1, 3), r(2, 5)), Ok(3));
        assert_eq!(negotiate(r(2, 5), r(1, 2)), Ok(2));
        let error = negotiate(r(1, 1), r(2, 3)).expect_err("no overlap").to_string();
        assert!(error.contains("speaks 1, the other 2-3"), "{error}");
    }
}
