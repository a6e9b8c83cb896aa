//! Which addresses are private.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::host::Address;

/// The networks that Python's `ipaddress` calls private, and with it Salt.
const PRIVATE: [Address; 21] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 29),
    v4([192, 0, 0, 170], 31),
    v4([192, 0, 2, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([240, 0, 0, 0], 4),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128),
    v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Address {
    Address { ip: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Address {
    Address { ip: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix }
}

/// Tells whether an address is in one of them.
pub(crate) fn is_private(address: IpAddr) -> bool {
    PRIVATE.iter().any(|network| network.holds(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_are_told_apart_at_the_borders() {
        let is = |text: &str| is_private(text.parse().expect("an address"));
        for yes in [
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.171",
            "255.255.255.255",
            "::1",
            "fd00::1",
            "fe80::1",
            "2001:2::1",
        ] {
            assert!(is(yes), "{yes}");
        }
        for no in [
            "11.0.0.0",
            "172.32.0.0",
            "192.0.0.172",
            "8.8.8.8",
            "::2",
            "fec0::1",
            "2001:200::1",
            "2001:db9::",
        ] {
            assert!(!is(no), "{no}");
        }
    }
}
