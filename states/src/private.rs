//! Which addresses are private.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The networks that Python's `ipaddress` calls private, and with it Salt.
const V4: [(Ipv4Addr, u32); 13] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 29),
    (Ipv4Addr::new(192, 0, 0, 170), 31),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
const V6: [(Ipv6Addr, u32); 8] = [
    (Ipv6Addr::LOCALHOST, 128),
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
];

/// Tells whether an address is in one of them.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => V4.iter().any(|(net, prefix)| (ip.to_bits() ^ net.to_bits()) >> (32 - prefix) == 0),
        IpAddr::V6(ip) => {
            V6.iter().any(|(net, prefix)| (ip.to_bits() ^ net.to_bits()) >> (128 - prefix) == 0)
        }
    }
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
