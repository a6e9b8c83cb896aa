//! Public keys: their kinds, lines and fingerprints.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::function::StateError;
use crate::render::base64;

/// A public key as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    /// `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, …
    pub(super) kind: String,
    /// Its base64.
    pub(super) blob: String,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Reads the base64 of a key; the kind is written in it.
    pub(super) fn parse(blob: &str) -> Result<Self, StateError> {
        let bad = |why: &str| {
            let shown: String = blob.chars().take(24).collect();
            StateError::failed(format!(
                "{shown:?} is no public key: {why} (it is the second word of a .pub file)"
            ))
        };
        let bytes = base64::decode(blob).ok_or_else(|| bad("it is not base64"))?;
        let length =
            bytes.first_chunk::<4>().map(|n| u32::from_be_bytes(*n)).and_then(|n| usize::try_from(n).ok());
        let kind = length
            .and_then(|n| bytes.get(4..4 + n.min(bytes.len())))
            .and_then(|k| std::str::from_utf8(k).ok());
        match kind.filter(|k| is_kind(k)) {
            Some(kind) => Ok(Self { kind: kind.to_owned(), blob: blob.to_owned(), bytes }),
            None => Err(bad("it does not say which kind it is")),
        }
    }

    /// Tells whether a fingerprint is this key's.
    pub(super) fn has(&self, fingerprint: &Fingerprint) -> bool {
        match fingerprint {
            Fingerprint::Md5(hash) => Md5::digest(&self.bytes)[..] == hash[..],
            Fingerprint::Sha1(hash) => Sha1::digest(&self.bytes)[..] == hash[..],
            Fingerprint::Sha256(hash) => Sha256::digest(&self.bytes)[..] == hash[..],
        }
    }

    /// Returns the fingerprint as `ssh-keygen -l` prints it.
    pub(super) fn fingerprint(&self) -> String {
        format!("SHA256:{}", base64::encode(&Sha256::digest(&self.bytes)).trim_end_matches('='))
    }
}

/// Tells whether a word names a kind of key.
pub(super) fn is_kind(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "rsa-sha2-"].iter().any(|start| word.starts_with(start))
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-@._".contains(&b))
}

/// A fingerprint as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fingerprint {
    Md5(Vec<u8>),
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
}

impl Fingerprint {
    /// Reads `SHA256:…` in base64, `MD5:…` in hexadecimal, or hexadecimal alone, whose length tells which it is.
    pub(super) fn parse(text: &str) -> Result<Self, StateError> {
        let bad = || {
            StateError::failed(format!(
                "argument fingerprint: {text:?} is no fingerprint (ssh-keygen -lf prints one)"
            ))
        };
        let text = text.trim();
        if let Some(coded) = text.strip_prefix("SHA256:") {
            let padded = format!("{coded}{}", "=".repeat((4 - coded.len() % 4) % 4));
            return base64::decode(&padded).filter(|h| h.len() == 32).map(Self::Sha256).ok_or_else(bad);
        }
        let digits: String = text.trim_start_matches("MD5:").chars().filter(|c| *c != ':').collect();
        let byte = |i: usize| digits.get(i..i + 2).and_then(|d| u8::from_str_radix(d, 16).ok());
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        match bytes.map(|b| (b.len(), b)) {
            Some((16, bytes)) => Ok(Self::Md5(bytes)),
            Some((20, bytes)) => Ok(Self::Sha1(bytes)),
            Some((32, bytes)) => Ok(Self::Sha256(bytes)),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    /// A key that `ssh-keygen` made for this test, whose private half is nowhere.
    pub(in super::super) const KEY: &str =
        "AAAAC3NzaC1lZDI1NTE5AAAAIFRXgrctv+tIs8anh+9H/QNscCqmHVQf1AtD5HwBqdW4";
    pub(in super::super) const SHA256: &str = "SHA256:tm3wjWAGG4RkkBy7fH2pyCryWjGozvxyof/vb0h5zQw";
    pub(in super::super) const MD5: &str = "33:c1:bc:44:c9:94:00:1c:8e:bb:9a:25:00:e1:3c:9e";
    /// Another one.
    pub(in super::super) const OTHER: &str =
        "AAAAC3NzaC1lZDI1NTE5AAAAIKHEPHcJXkLj0UBCGHbxJB1xMVpEXPAHDvgtXQpAcXNk";
}

#[cfg(test)]
mod tests {
    use super::testing::{KEY, MD5, OTHER, SHA256};
    use super::*;

    #[test]
    fn a_key_says_which_kind_it_is_and_has_the_fingerprints_of_ssh_keygen() {
        let key = PublicKey::parse(KEY).unwrap();
        assert_eq!(key.kind, "ssh-ed25519");
        assert_eq!(key.fingerprint(), SHA256);
        for text in [SHA256, MD5, &format!("MD5:{MD5}")] {
            assert!(key.has(&Fingerprint::parse(text).unwrap()), "{text}");
            assert!(!PublicKey::parse(OTHER).unwrap().has(&Fingerprint::parse(text).unwrap()));
        }
    }

    #[test]
    fn what_is_no_key_or_fingerprint_is_refused() {
        for bad in ["", "AAAA", "not a key", "aGVsbG8gd29ybGQ=", "//////9zc2gt"] {
            assert!(PublicKey::parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "SHA256:", "SHA256:AAAA", "33:c1", "zz:c1:bc:44:c9:94:00:1c:8e:bb:9a:25:00:e1:3c:9e"]
        {
            assert!(Fingerprint::parse(bad).is_err(), "{bad}");
        }
    }
}
