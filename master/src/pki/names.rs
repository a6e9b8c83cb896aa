//! Names in certificates: who a certificate says that it is for, as a URI SAN, and the fingerprint of its key.

use std::fmt;

use lab_proto::v1::{MINION_URI, OPERATOR_URI};
use lab_proto::{Fingerprint, MinionId};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A minion.
    Minion(MinionId),
    /// A person or program.
    Operator(String),
}

impl Peer {
    /// Returns the URI that goes into the certificate.
    pub fn uri(&self) -> String {
        match self {
            Self::Minion(id) => format!("{MINION_URI}{}", encode(id.as_str())),
            Self::Operator(name) => format!("{OPERATOR_URI}{}", encode(name)),
        }
    }

    fn from_uri(uri: &str) -> Option<Self> {
        if let Some(id) = uri.strip_prefix(MINION_URI) {
            return MinionId::new(decode(id)?).ok().map(Self::Minion);
        }
        decode(uri.strip_prefix(OPERATOR_URI)?).filter(|n| is_operator_name(n)).map(Self::Operator)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minion(id) => write!(f, "minion {id}"),
            Self::Operator(name) => write!(f, "operator {name}"),
        }
    }
}

/// What [`is_operator_name`] takes, in words.
pub const OPERATOR_NAMES: &str = "one to 64 of the letters a-z and A-Z, digits, and . - _ @";

/// Tells whether a text can be an operator's name.
pub fn is_operator_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'))
}

/// Reads whom a certificate is for and the fingerprint of its key. Checks nothing else.
pub fn peer_of(der: &[u8]) -> Option<(Peer, Fingerprint)> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let fingerprint = Fingerprint::of(certificate.public_key().raw);
    let san = certificate.subject_alternative_name().ok()??;
    let mut uris = san.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    // Exactly one name: a certificate for two peers is none of ours.
    let uri = uris.next()?;
    if uris.next().is_some() {
        return None;
    }
    Some((Peer::from_uri(uri)?, fingerprint))
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let digit = |b: u8| char::from(b).to_digit(16);
            let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(b);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mac_address_becomes_a_uri_and_back() {
        let peer = Peer::Minion(MinionId::new("00:00:00:11:11:11").expect("valid"));
        assert_eq!(peer.uri(), "lab://minion/00%3A00%3A00%3A11%3A11%3A11");
        assert_eq!(Peer::from_uri(&peer.uri()), Some(peer));
        assert_eq!(Peer::from_uri("lab://minion/a%2Fb"), None, "a slash is not part of an id");
        assert_eq!(Peer::from_uri("lab://other/x"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_certificate_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(peer_of(&bytes).is_none());
        }

        #[test]
        fn names_survive_the_uri(name in "[a-z0-9.@_-]{1,40}") {
            prop_assert_eq!(decode(&encode(&name)), Some(name));
        }
    }
}
