//! Which link an address is near to.

use std::net::IpAddr;

use crate::host::Address;

/// Networks, each with a link that is in it, sorted; a question costs as many look-ups as there are lengths of prefixes.
pub(super) struct Networks<'a> {
    all: Vec<(Key, &'a str)>,
    /// The narrowest first.
    lengths: Vec<u8>,
}

/// A network as numbers, which are compared at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    bits: u128,
    v6: bool,
    prefix: u8,
}

impl Key {
    /// Returns the network that an address is in.
    fn of(address: Address) -> Self {
        let Address { ip, prefix } = address.network();
        match ip {
            IpAddr::V4(ip) => Self { bits: u32::from(ip).into(), v6: false, prefix },
            IpAddr::V6(ip) => Self { bits: ip.into(), v6: true, prefix },
        }
    }

    fn address(self) -> Address {
        let bytes = self.bits.to_be_bytes();
        let [.., a, b, c, d] = bytes;
        let ip = if self.v6 { IpAddr::from(bytes) } else { IpAddr::from([a, b, c, d]) };
        Address { ip, prefix: self.prefix }
    }
}

impl<'a> Networks<'a> {
    /// Takes links with the networks that they are in, the link that is preferred in a network before others in it.
    pub(super) fn of(links: impl Iterator<Item = (&'a str, Address)>) -> Self {
        let mut all: Vec<(Key, &str)> = links.map(|(link, address)| (Key::of(address), link)).collect();
        // Keeps the order within a network.
        all.sort_by_key(|(network, _)| *network);
        let mut lengths: Vec<u8> = all.iter().map(|(network, _)| network.prefix).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        lengths.dedup();
        Self { all, lengths }
    }

    /// Lists the links that an address is near to, those of the narrowest network first.
    pub(super) fn near(&self, ip: IpAddr) -> impl Iterator<Item = &'a str> {
        self.lengths.iter().flat_map(move |prefix| self.links_in(Key::of(Address { ip, prefix: *prefix })))
    }

    fn links_in(&self, network: Key) -> impl Iterator<Item = &'a str> {
        let first = self.all.partition_point(|(at, _)| *at < network);
        self.all[first..].iter().take_while(move |(at, _)| *at == network).map(|(_, link)| *link)
    }

    /// Lists all of them, for people.
    pub(super) fn list(&self) -> String {
        let mut all: Vec<String> =
            self.all.iter().map(|(network, link)| format!("{} on {link}", network.address())).collect();
        all.sort();
        all.dedup();
        all.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_network_comes_first_and_in_one_the_link_that_was_named_first() {
        let at = |text: &str| text.parse::<Address>().expect("an address");
        let links = [
            ("wide", at("10.0.0.1/8")),
            ("b", at("10.1.0.1/16")),
            ("a", at("10.1.0.2/16")),
            ("six", at("fd00::1/16")),
            ("low", at("::a01:1/112")),
            ("other", at("10.2.0.1/16")),
        ];
        let networks = Networks::of(links.into_iter());
        let near = |ip: &str| networks.near(ip.parse().expect("an address")).collect::<Vec<_>>();
        assert_eq!(near("10.1.9.9"), ["b", "a", "wide"]);
        assert_eq!(near("10.3.0.1"), ["wide"]);
        assert_eq!(near("fd00::9"), ["six"]);
        assert_eq!(near("::a01:9"), ["low"]);
        assert!(near("192.168.0.1").is_empty());
        assert!(networks.list().ends_with("::a01:0/112 on low, fd00::/16 on six"), "{}", networks.list());
        assert!(networks.list().starts_with("10.0.0.0/8 on wide, 10.1.0.0/16 on a, 10.1.0.0/16 on b"));
    }
}
