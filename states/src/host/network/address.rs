//! Hardware addresses and IP addresses with their prefix, written in JSON as people write them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A hardware address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a hardware address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a hardware address like 52:54:00:12:34:56 (quote it: YAML reads digits and colons as a number)"
)]
pub struct MacError(String);

impl FromStr for Mac {
    type Err = MacError;
    fn from_str(s: &str) -> Result<Self, MacError> {
        let bad = || MacError(s.to_owned());
        let mut out = [0; 6];
        let mut parts = s.split(':');
        for byte in &mut out {
            let part = parts.next().ok_or_else(bad)?;
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(bad());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() { Err(bad()) } else { Ok(Self(out)) }
    }
}

/// An address on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The length of the prefix.
    pub prefix: u8,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

impl FromStr for Address {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("{s:?} is not an address like 192.168.1.10/24: {why}");
        let (ip, prefix) = s.split_once('/').ok_or_else(|| bad("the prefix length is missing"))?;
        let ip: IpAddr = ip.parse().map_err(|_| bad("the part before the slash is no IP address"))?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        match prefix.parse::<u8>() {
            Ok(prefix) if prefix <= most => Ok(Self { ip, prefix }),
            _ => Err(bad(&format!("the prefix length must be a number from 0 to {most}"))),
        }
    }
}

impl Address {
    /// Returns the network that the address is in: `10.0.0.7/24` is in `10.0.0.0/24`.
    #[must_use]
    pub fn network(self) -> Self {
        let ip = match self.ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
                IpAddr::from((u32::from(ip) & mask).to_be_bytes())
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix.min(128))).unwrap_or(0);
                IpAddr::from((u128::from(ip) & mask).to_be_bytes())
            }
        };
        Self { ip, ..self }
    }

    /// Tells whether an address is in the same network.
    pub fn holds(self, ip: IpAddr) -> bool {
        self.ip.is_ipv4() == ip.is_ipv4() && Self { ip, ..self }.network() == self.network()
    }
}

/// Written and read as text.
macro_rules! as_text {
    ($($name:ident),*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )* };
}

as_text!(Mac, Address);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_and_hardware_addresses_refuse_what_they_are_not() {
        for bad in ["10.0.0.1", "10.0.0.1/33", "::1/129", "x/24", "10.0.0.1/"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        for bad in ["", "52:54:00:12:34", "52:54:00:12:34:56:78", "52:54:00:12:34:5", "+1:54:00:12:34:56"] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn macs_and_addresses_print_as_they_parse(mac in any::<[u8; 6]>(), ip in any::<IpAddr>(), bits in 0u8..=32) {
            prop_assert_eq!(Mac(mac).to_string().parse(), Ok(Mac(mac)));
            let address = Address { ip, prefix: bits };
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn any_text_is_parsed_or_refused_without_a_panic(text in ".*") {
            let _ = text.parse::<Mac>();
            let _ = text.parse::<Address>();
        }

        #[test]
        fn a_network_holds_its_own_address_and_ends_where_the_prefix_ends(ip in any::<u32>(), prefix in 1u8..=32) {
            let address = Address { ip: IpAddr::from(ip.to_be_bytes()), prefix };
            prop_assert!(address.holds(address.ip));
            prop_assert_eq!(address.network().network(), address.network());
            let outside = ip ^ (1 << (32 - u32::from(prefix)));
            prop_assert!(!address.holds(IpAddr::from(outside.to_be_bytes())));
        }
    }
}
