//! Where a master is, as people write it: `HOST` or `HOST:PORT`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::v1::DEFAULT_PORT;

/// A text that is no place of a master.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no address of a master: {reason}; give HOST or HOST:PORT")]
pub struct AddressError {
    name: String,
    reason: &'static str,
}

/// Reads `HOST[:PORT]`, with the usual port where none is given. An IPv6 address with a port stands in brackets.
///
/// # Errors
/// When it names no host, or a port that is none.
pub fn with_port(master: &str) -> Result<String, AddressError> {
    let no = |reason| AddressError { name: master.to_owned(), reason };
    let bare = master.strip_prefix('[').and_then(|m| m.strip_suffix(']'));
    let ip = match bare {
        Some(bare) => bare.parse().map(Ipv6Addr::into).ok(),
        None => master.parse::<IpAddr>().ok(),
    };
    if let Some(ip) = ip {
        return Ok(SocketAddr::new(ip, DEFAULT_PORT).to_string());
    }
    let (host, port) = master.rsplit_once(':').map_or((master, None), |(host, port)| (host, Some(port)));
    if host.is_empty() {
        return Err(no("it names no host"));
    }
    if host.contains(char::is_whitespace) {
        return Err(no("a host has no white space in its name"));
    }
    match port.map(str::parse::<u16>) {
        None => Ok(format!("{master}:{DEFAULT_PORT}")),
        Some(Ok(0) | Err(_)) => Err(no("its port is no number from 1 to 65535")),
        Some(Ok(_)) => Ok(master.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_is_a_host_with_or_without_a_port() {
        for (given, want) in [
            ("master", "master:4510"),
            ("master:9", "master:9"),
            ("10.0.0.1", "10.0.0.1:4510"),
            ("10.0.0.1:9", "10.0.0.1:9"),
            ("::1", "[::1]:4510"),
            ("[::1]", "[::1]:4510"),
            ("[::1]:9", "[::1]:9"),
            ("fd00::1", "[fd00::1]:4510"),
        ] {
            assert_eq!(with_port(given).as_deref(), Ok(want));
        }
        for bad in ["", " ", ":4510", "127.0.0.1:99999", "master:", "master:x", "master:0", "a b"] {
            assert!(with_port(bad).is_err(), "{bad:?}");
        }
    }
}
