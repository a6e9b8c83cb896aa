//! Durations and sizes with units, as configuration and command line write them.

use std::time::Duration;

/// A text that is not a duration or size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a duration.
    #[error("{0:?} is not a duration like 500ms, 30s, 10m, 2h or 7d")]
    Duration(String),
    /// Not a size.
    #[error("{0:?} is not a size like 512B, 64KiB, 32MiB or 4GiB")]
    Size(String),
}

/// Reads a duration such as `30s` or `1h30m`.
///
/// # Errors
/// When the text is not one, has no unit, or is longer than 64 bits of microseconds can say.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let bad = || UnitError::Duration(text.to_owned());
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let (number, unit, after) = split(rest).ok_or_else(bad)?;
        let micros: u64 = match unit {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            _ => return Err(bad()),
        };
        total = number.checked_mul(micros).and_then(|n| total.checked_add(n)).ok_or_else(bad)?;
        rest = after;
    }
    if total > i64::MAX as u64 { Err(bad()) } else { Ok(Duration::from_micros(total)) }
}

/// Reads a size such as `64MiB`.
///
/// # Errors
/// When the text is not one, has no unit, or is over 64 bits.
pub fn size(text: &str) -> Result<u64, UnitError> {
    let bad = || UnitError::Size(text.to_owned());
    let (number, unit, after) = split(text.trim()).ok_or_else(bad)?;
    let factor: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(bad()),
    };
    if after.is_empty() { number.checked_mul(factor).ok_or_else(bad) } else { Err(bad()) }
}

/// Writes a duration as [`duration`] reads it.
pub fn show(d: Duration) -> String {
    let micros = d.as_micros();
    let units =
        [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];
    match units.into_iter().find(|(_, n)| micros >= *n && micros.is_multiple_of(*n)) {
        Some((unit, n)) => format!("{}{unit}", micros / n),
        None => format!("{micros}us"),
    }
}

fn split(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number = text[..digits].parse().ok()?;
    let rest = &text[digits..];
    let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    Some((number, &rest[..end], &rest[end..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_need_units() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        for bad in ["", "5", "s", "5 s", "5x", "-5s", "99999999999999999999s", "18446744073709551615d"] {
            assert!(duration(bad).is_err(), "{bad}");
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(micros in 0u64..1 << 60) {
            let d = Duration::from_micros(micros);
            prop_assert_eq!(duration(&show(d)), Ok(d));
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = (duration(&text), size(&text));
        }
    }
}
