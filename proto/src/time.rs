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
        self.digits().map_or_else(|| "0".repeat(20), |digits| digits.iter().map(|d| char::from(*d)).collect())
    }

    /// Reads the digits that [`Self::to_jid_digits`] prints.
    pub(crate) fn from_jid_digits(digits: &str) -> Option<Self> {
        let digits: &[u8; 20] = digits.as_bytes().try_into().ok()?;
        let number = |from: usize, to: usize| {
            digits[from..to]
                .iter()
                .try_fold(0i32, |n, d| d.is_ascii_digit().then(|| n * 10 + i32::from(d - b'0')))
        };
        let small = |from: usize| number(from, from + 2).and_then(|n| i8::try_from(n).ok());
        let year = i16::try_from(number(0, 4)?).ok()?;
        let (month, day, hour, minute, second) = (small(4)?, small(6)?, small(8)?, small(10)?, small(12)?);
        let nanos = number(14, 20)? * 1000;
        let civil = jiff::civil::DateTime::new(year, month, day, hour, minute, second, nanos).ok()?;
        Some(Self(jiff::tz::Offset::UTC.to_timestamp(civil).ok()?.as_microsecond()))
    }

    /// Returns `YYYYMMDDhhmmssffffff`; `None` for years that are not of four digits.
    fn digits(self) -> Option<[u8; 20]> {
        let t = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_microsecond(self.0).ok()?);
        let mut out = [b'0'; 20];
        let mut put = |from: usize, to: usize, number: u32| {
            let mut left = number;
            for place in out[from..to].iter_mut().rev() {
                *place = b'0' + (left % 10) as u8;
                left /= 10;
            }
        };
        put(0, 4, u32::try_from(t.year()).ok()?);
        for (from, part) in [(4, t.month()), (6, t.day()), (8, t.hour()), (10, t.minute()), (12, t.second())]
        {
            put(from, from + 2, u32::try_from(part).ok()?);
        }
        put(14, 20, u32::try_from(t.subsec_nanosecond()).ok()? / 1000);
        Some(out)
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
        let Some(digits) = self.digits() else { return write!(f, "@{}us", self.0) };
        let mut out = *b"0000-00-00T00:00:00.000000Z";
        let mut digits = digits.into_iter();
        out.iter_mut().filter(|c| c.is_ascii_digit()).for_each(|c| *c = digits.next().unwrap_or(b'0'));
        f.write_str(std::str::from_utf8(&out).unwrap_or_default())
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_and_parses_rfc_3339_and_salt_digits() {
        let t = Timestamp::from_micros(1_795_238_380_000_042);
        assert_eq!(t.to_string(), "2026-11-21T05:19:40.000042Z");
        assert_eq!(t.to_string().parse::<Timestamp>().expect("parses"), t);
        assert_eq!(t.to_jid_digits(), "20261121051940000042");
        assert_eq!(Timestamp::from_jid_digits("20261121051940000042"), Some(t));
        assert!("yesterday".parse::<Timestamp>().is_err());
        for odd in [
            "20261321051940000042",
            "20260230051940000042",
            "2026112105194000004x",
            "+0261121051940000042",
            "",
        ] {
            assert_eq!(Timestamp::from_jid_digits(odd), None, "{odd}");
        }
        assert_eq!(Timestamp::from_micros(i64::MIN).to_string(), format!("@{}us", i64::MIN));
    }

    proptest! {
        /// What is printed by hand is what the library of times prints, and reads back.
        #[test]
        fn prints_as_the_library_does(micros in -62_135_596_800_000_000i64..253_402_207_200_000_000) {
            let t = Timestamp::from_micros(micros);
            let civil = jiff::tz::Offset::UTC
                .to_datetime(jiff::Timestamp::from_microsecond(micros).expect("in range"));
            prop_assert_eq!(t.to_string(), format!("{}Z", civil.strftime("%Y-%m-%dT%H:%M:%S.%6f")));
            prop_assert_eq!(t.to_jid_digits(), civil.strftime("%Y%m%d%H%M%S%6f").to_string());
            prop_assert_eq!(Timestamp::from_jid_digits(&t.to_jid_digits()), Some(t));
        }
    }
}
