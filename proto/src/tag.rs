//! Event tags and the patterns that select them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::glob;
use crate::ids::{InvalidId, MinionId};

/// The longest tag, in bytes.
pub const MAX_TAG: usize = 512;

/// The name of an event: parts joined by `/`, `salt/minion/web1/start`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventTag(String);

impl EventTag {
    /// Checks and takes a tag.
    ///
    /// # Errors
    /// When it is empty, over [`MAX_TAG`] bytes, or has white space or control characters.
    pub fn new(tag: impl Into<String>) -> Result<Self, InvalidId> {
        let tag = tag.into();
        let bad = |why| InvalidId { what: "event tag", text: tag.clone(), why };
        if tag.is_empty() {
            return Err(bad("it is empty"));
        }
        if tag.len() > MAX_TAG {
            return Err(bad("it is over 512 bytes"));
        }
        let plain = tag.bytes().all(|b| b.is_ascii_graphic());
        if !plain && tag.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad("it has white space or control characters"));
        }
        Ok(Self(tag))
    }

    /// Returns the tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the parts between slashes.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Tells whether `minion` may emit this tag: tags below the prefixes that name a minion must name it,
    /// tags of the master's own facts are never a minion's, all others are free.
    pub fn allowed_from(&self, minion: &MinionId) -> bool {
        let mut parts = self.parts();
        // A tag has at least one part; those that are missing are like empty ones, which no kind and no minion is named.
        let [first, second, third, fourth, fifth] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        let own = |part: &str| part == minion.as_str();
        match (first, second, fourth) {
            ("salt", "minion" | "beacon", _) => own(third),
            ("salt", "job", "ret" | "prog") => own(fifth),
            ("salt", "state_result", _) => own(fourth),
            ("lab", "minion", "start" | "ready" | "interrupted" | "event") => own(third),
            ("lab", "net" | "virt" | "mine", _) => own(third),
            ("salt" | "lab", _, _) => false,
            _ => true,
        }
    }
}

impl fmt::Display for EventTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EventTag {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        Self::new(s)
    }
}

impl TryFrom<String> for EventTag {
    type Error = InvalidId;
    fn try_from(s: String) -> Result<Self, InvalidId> {
        Self::new(s)
    }
}

impl From<EventTag> for String {
    fn from(t: EventTag) -> Self {
        t.0
    }
}

/// A shell wildcard over tags; `*` crosses slashes, as in Salt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TagPattern(String);

impl TagPattern {
    /// Takes a pattern; every text is one.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Tells whether the tag as a whole matches.
    pub fn matches(&self, tag: &EventTag) -> bool {
        self.matches_text(tag.as_str())
    }

    /// Tells whether the text of a tag as a whole matches.
    pub fn matches_text(&self, tag: &str) -> bool {
        glob::matches(&self.0, tag)
    }

    /// Returns the pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minion_speaks_only_for_itself() {
        let web1 = MinionId::new("web1").expect("valid");
        let may = |tag: &str| EventTag::new(tag).expect("valid").allowed_from(&web1);
        assert!(may("salt/minion/web1/start"));
        assert!(may("salt/job/20261121051940000042/ret/web1"));
        assert!(may("my/own/event"));
        assert!(may("salt/state_result/20261121051940000042/web1/motd"));
        assert!(!may("salt/state_result/20261121051940000042/web2/motd"));
        assert!(!may("salt/minion/web2/start"));
        assert!(!may("salt/job/20261121051940000042/new"));
        assert!(!may("salt/job/20261121051940000042/ret/web2"));
        assert!(!may("lab/minion/web1/reboot"));
        assert!(!may("lab/run/x/finished"));
        assert!(!may("salt/key"));
    }
}
