//! Which link an address is near to.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use crate::host::Address;

/// Networks, each with the links that are in it; a question costs as many look-ups as there are lengths of prefixes.
#[derive(Default)]
pub(super) struct Networks {
    links: HashMap<Address, Vec<String>>,
    lengths: BTreeSet<u8>,
}

impl Networks {
    pub(super) fn add(&mut self, link: &str, address: Address) {
        self.lengths.insert(address.prefix);
        self.links.entry(address.network()).or_default().push(link.to_owned());
    }

    /// Lists the links that an address is near to, those of the narrowest network first.
    pub(super) fn near(&self, ip: IpAddr) -> impl Iterator<Item = &str> {
        let network = move |prefix: &u8| Address { ip, prefix: *prefix }.network();
        let found = self.lengths.iter().rev().filter_map(move |p| self.links.get(&network(p)));
        found.flatten().map(String::as_str)
    }

    /// Lists all of them, for people.
    pub(super) fn list(&self) -> String {
        let mut all: Vec<String> =
            self.links.iter().flat_map(|(net, on)| on.iter().map(move |l| format!("{net} on {l}"))).collect();
        all.sort();
        all.dedup();
        all.join(", ")
    }
}
