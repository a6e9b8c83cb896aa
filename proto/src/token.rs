//! The join token as a person carries it from the master to a new machine.

use std::fmt;
use std::str::FromStr;

use crate::ids::{Fingerprint, InvalidId};

/// `NAME.SECRET.CA`: what proves that a minion may join, and which CA it must find at the door.
///
/// The whole text is sent as [`crate::v1::enrol::EnrolRequest::token`]; the master looks the name up and compares
/// a hash of the secret. `Debug` does not print the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    name: String,
    secret: String,
    ca: Fingerprint,
}

impl JoinToken {
    /// Puts a token together.
    ///
    /// # Errors
    /// When name or secret is empty or has anything but ASCII letters, digits, `-` and `_`.
    pub fn new(
        name: impl Into<String>,
        secret: impl Into<String>,
        ca: Fingerprint,
    ) -> Result<Self, InvalidId> {
        let (name, secret) = (name.into(), secret.into());
        let plain = |s: &str| {
            !s.is_empty()
                && s.len() <= 128
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !plain(&name) || !plain(&secret) {
            // The text may be the secret, so it is not repeated.
            return Err(InvalidId {
                what: "join token",
                text: "…".to_owned(),
                why: "its parts are letters, digits, - and _",
            });
        }
        Ok(Self { name, secret, ca })
    }

    /// Returns the public name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the secret.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the fingerprint of the CA's key.
    pub fn ca(&self) -> Fingerprint {
        self.ca
    }
}

impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.name, self.secret, self.ca.to_string().trim_start_matches("sha256:"))
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinToken({}.***)", self.name)
    }
}

impl FromStr for JoinToken {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        let bad = |why| InvalidId { what: "join token", text: "…".to_owned(), why };
        let mut parts = s.trim().split('.');
        let (Some(name), Some(secret), Some(ca), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad("expected NAME.SECRET.CA as `lab-master token create` prints it"));
        };
        let ca = ca.parse().map_err(|_| bad("its last part is not a fingerprint of 64 hex digits"))?;
        Self::new(name, secret, ca)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_print_and_parse_and_hide_their_secret_from_logs() {
        let token = JoinToken::new("web-1", "s3cret", Fingerprint::of(b"ca")).expect("valid");
        assert_eq!(token.to_string().parse(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains("s3cret"));
        for bad in ["", "a.b", "a.b.c", "a..b", &format!("{token}.x"), "a b.c.d"] {
            let error = bad.parse::<JoinToken>().expect_err("not a token");
            assert!(bad.is_empty() || !error.to_string().contains("a.b"), "{error}");
        }
    }
}
