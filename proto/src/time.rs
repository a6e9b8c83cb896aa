//! Points in time, as microseconds since the Unix epoch, UTC. Nothing here reads a clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A wall-clock time in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a time from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the time between `earlier` and this one; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Prints the 20 digits that Salt's job ids begin with: `YYYYMMDDhhmmssffffff`.
    pub fn to_jid_digits(self) -> String {
        self.civil().map_or_else(|| "0".repeat(20), |t| t.strftime("%Y%m%d%H%M%S%6f").to_string())
    }

    fn civil(self) -> Option<jiff::civil::DateTime> {
        let t = jiff::Timestamp::from_microsecond(self.0).ok()?;
        Some(t.to_zoned(jiff::tz::TimeZone::UTC).datetime())
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    /// Prints RFC 3339 with microseconds, `2026-11-21T05:13:00.000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(t) => write!(f, "{}Z", t.strftime("%Y-%m-%dT%H:%M:%S.%6f")),
            None => write!(f, "@{}us", self.0),
        }
    }
}

/// A text that is not an RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a time like 2026-11-21T05:13:00Z")]
pub struct InvalidTime {
    text: String,
}

impl FromStr for Timestamp {
    type Err = InvalidTime;
    fn from_str(s: &str) -> Result<Self, InvalidTime> {
        let t: jiff::Timestamp = s.parse().map_err(|_| InvalidTime { text: s.to_owned() })?;
        Ok(Self(t.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { s.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(d).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_rfc_3339_and_salt_digits() {
        let t = Timestamp::from_micros(1_795_238_380_000_042);
        assert_eq!(t.to_string(), "2026-11-21T05:19:40.000042Z");
        assert_eq!(t.to_string().parse::<Timestamp>().expect("parses"), t);
        assert_eq!(t.to_jid_digits(), "20261121051940000042");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
