//! Event tags and the patterns that select them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::glob;
use crate::ids::InvalidId;

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
