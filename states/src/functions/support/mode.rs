//! File permissions as an SLS writes them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Permission bits. YAML reads `0644` as the number 644, so the digits of a number are taken as octal ones, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::functions) struct Mode(pub(in crate::functions) u32);

impl Mode {
    pub(in crate::functions) fn parse(text: &str) -> Option<Self> {
        let digits = text.trim();
        let digits = digits.strip_prefix("0o").unwrap_or(digits);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        u32::from_str_radix(digits, 8).ok().filter(|m| *m <= 0o7777).map(Self)
    }

    /// Returns the mode of the directories above a file of this mode: whoever has any right may enter.
    pub(in crate::functions) fn for_directory(self) -> Self {
        let any = [6, 3, 0].into_iter().filter(|at| self.0 >> at & 7 != 0);
        Self(any.fold(self.0 & 0o777, |mode, at| mode | 1 << at))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Mode;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("file permissions like '0644'")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Mode, E> {
                let bad = || E::custom(format_args!("{text:?} are no file permissions like '0644'"));
                Mode::parse(text).ok_or_else(bad)
            }
        }
        d.deserialize_str(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_octal_however_they_are_written() {
        for (text, mode) in [("0644", 0o644), ("644", 0o644), ("4755", 0o4755), ("0", 0), ("0o600", 0o600)] {
            assert_eq!(Mode::parse(text), Some(Mode(mode)), "{text}");
        }
        for bad in ["", "0899", "rw-r--r--", "77777", "-1"] {
            assert_eq!(Mode::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn directories_may_be_entered_by_those_who_have_any_right() {
        assert_eq!(Mode(0o640).for_directory(), Mode(0o750));
        assert_eq!(Mode(0o600).for_directory(), Mode(0o700));
        assert_eq!(Mode(0o2624).for_directory(), Mode(0o735));
    }
}
