//! The file of known hosts, as lines. Names may be hashed, several may share a line.

use sha1::{Digest, Sha1};

use super::key::PublicKey;
use crate::functions::support::{join_lines, lines};
use crate::render::base64;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownHosts(Vec<Line>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Host { names: String, key: PublicKey, rest: String, raw: String },
    Other(String),
}

/// Returns the name under which a host is known on a port.
pub(super) fn name_on_port(host: &str, port: Option<u16>) -> String {
    match port {
        None | Some(22) => host.to_owned(),
        Some(port) => format!("[{host}]:{port}"),
    }
}

impl KnownHosts {
    pub(super) fn parse(text: &str) -> Self {
        Self(lines(text).into_iter().map(Line::parse).collect())
    }

    pub(super) fn print(&self) -> String {
        let raw: Vec<&str> = self
            .0
            .iter()
            .map(|l| match l {
                Line::Host { raw, .. } | Line::Other(raw) => raw.as_str(),
            })
            .collect();
        join_lines(&raw)
    }

    /// Returns the keys that a host is known by.
    pub(super) fn keys<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a PublicKey> {
        self.0.iter().filter_map(move |l| match l {
            Line::Host { names, key, .. } if names.split(',').any(|n| is_name(n, host)) => Some(key),
            _ => None,
        })
    }

    /// Forgets a host's keys of one kind, or all; other names on its lines stay.
    pub(super) fn remove(&mut self, host: &str, kind: Option<&str>) {
        for line in &mut self.0 {
            let Line::Host { names, key, rest, raw } = line else { continue };
            if kind.is_some_and(|kind| kind != key.kind) || !names.split(',').any(|n| is_name(n, host)) {
                continue;
            }
            let left: Vec<&str> = names.split(',').filter(|n| !is_name(n, host)).collect();
            let left = left.join(",");
            *raw = format!("{left} {rest}");
            *names = left;
        }
        self.0.retain(|l| !matches!(l, Line::Host { names, .. } if names.is_empty()));
    }

    /// Knows a host by a key; with a salt, the name is hashed.
    pub(super) fn add(&mut self, host: &str, key: &PublicKey, salt: Option<&[u8; 20]>) {
        let names = salt.map_or_else(|| host.to_owned(), |salt| hashed(host, salt));
        let rest = format!("{} {}", key.kind, key.blob);
        self.0.push(Line::Host { raw: format!("{names} {rest}"), names, key: key.clone(), rest });
    }
}

impl Line {
    fn parse(raw: &str) -> Self {
        let trimmed = raw.trim();
        let host = trimmed.split_once(char::is_whitespace).and_then(|(names, rest)| {
            let key = PublicKey::parse(rest.split_whitespace().nth(1)?).ok()?;
            // A line with a mark (@revoked, @cert-authority) means something else than "this is the key".
            (!names.starts_with(['#', '@'])).then(|| Self::Host {
                names: names.to_owned(),
                key,
                rest: rest.trim().to_owned(),
                raw: raw.to_owned(),
            })
        });
        host.unwrap_or_else(|| Self::Other(raw.to_owned()))
    }
}

/// Tells whether a name in the file, plain or hashed, is the host's.
fn is_name(name: &str, host: &str) -> bool {
    let Some(coded) = name.strip_prefix("|1|") else { return name == host };
    let Some((salt, hash)) = coded.split_once('|') else { return false };
    match (base64::decode(salt), base64::decode(hash)) {
        (Some(salt), Some(hash)) => hmac_sha1(&salt, host.as_bytes())[..] == hash[..],
        _ => false,
    }
}

fn hashed(host: &str, salt: &[u8; 20]) -> String {
    format!("|1|{}|{}", base64::encode(salt), base64::encode(&hmac_sha1(salt, host.as_bytes())))
}

/// HMAC (RFC 2104) over SHA-1, which is how OpenSSH hides names.
fn hmac_sha1(key: &[u8], text: &[u8]) -> [u8; 20] {
    let mut block = [0u8; 64];
    if key.len() > block.len() {
        block[..20].copy_from_slice(&Sha1::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|b| b ^ with);
    let inner = Sha1::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha1::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::key::testing::{KEY, OTHER};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_hashed_as_openssh_hashes_them() {
        // Made by ssh-keygen -H.
        let line =
            format!("|1|6PKNlGRQeLkGam5PDzfRFv37DOY=|csUclES5hXOfempOEmoHE+VmE68= ssh-ed25519 {KEY}\n");
        let known = KnownHosts::parse(&line);
        assert_eq!(known.keys("host.example").count(), 1);
        assert_eq!(known.keys("other.example").count(), 0);
        // RFC 2202, case 2.
        let mac: String =
            hmac_sha1(b"Jefe", b"what do ya want for nothing?").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(mac, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn hosts_come_and_go_and_their_neighbours_stay() {
        let text = format!("# known\na,b ssh-ed25519 {KEY} x\n@revoked a ssh-ed25519 {KEY}\n");
        let mut known = KnownHosts::parse(&text);
        let other = PublicKey::parse(OTHER).unwrap();
        known.add(&name_on_port("a", Some(2222)), &other, Some(&[7; 20]));
        assert_eq!(known.keys("[a]:2222").count(), 1);
        known.remove("a", Some("ssh-rsa"));
        assert_eq!(known.keys("a").count(), 1);
        known.remove("a", None);
        known.remove("[a]:2222", None);
        assert_eq!(known.print(), format!("# known\nb ssh-ed25519 {KEY} x\n@revoked a ssh-ed25519 {KEY}\n"));
    }

    proptest! {
        #[test]
        fn what_is_not_edited_prints_as_it_was(text in "([a-zA-Z0-9 |#=,@]{0,20}\n){0,5}") {
            prop_assert_eq!(KnownHosts::parse(&text).print(), text);
        }
    }
}
