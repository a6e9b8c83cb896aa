//! Places for those who have not shown who they are: in the handshake, and at the enrolment door. Each has a limit of its
//! own, so that strangers cannot take the places of minions, and one for each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the strangers at one place.
pub(crate) struct Strangers {
    all: usize,
    per_address: usize,
    here: Mutex<Here>,
}

#[derive(Default)]
struct Here {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place among the strangers, given back when it is dropped.
pub(crate) struct Place {
    strangers: Arc<Strangers>,
    address: IpAddr,
}

impl Strangers {
    pub(crate) fn new(all: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self { all, per_address, here: Mutex::default() })
    }

    /// Gives a place, unless too many are taken.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = group(address);
        let mut here = self.here();
        if here.all >= self.all || here.from(&address) >= self.per_address {
            return None;
        }
        here.all += 1;
        *here.by_address.entry(address).or_default() += 1;
        Some(Place { strangers: self.clone(), address })
    }

    /// Tells whether half of the places are taken: then addresses must prove that they are their own, or one sender
    /// could use up the places of another.
    pub(crate) fn crowded(&self, address: IpAddr) -> bool {
        let here = self.here();
        here.all >= self.all / 2 || here.from(&group(address)) >= self.per_address / 2
    }

    /// Returns how many there are.
    pub(crate) fn count(&self) -> usize {
        self.here().all
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    fn from(&self, address: &IpAddr) -> usize {
        self.by_address.get(address).copied().unwrap_or_default()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.strangers.here();
        here.all -= 1;
        if let Some(n) = here.by_address.get_mut(&self.address) {
            *n -= 1;
            if *n == 0 {
                here.by_address.remove(&self.address);
            }
        }
    }
}

/// Whoever has one IPv6 address has the 2^64 around it.
pub(super) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_takes_no_more_than_its_share_and_all_together_no_more_than_theirs() {
        let strangers = Strangers::new(5, 2);
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let a: Vec<Place> = (0..9).map_while(|_| strangers.enter(ip("192.0.2.1"))).collect();
        // Addresses of one network are one stranger.
        let b: Vec<Place> = (1..9).map_while(|n| strangers.enter(ip(&format!("2001:db8::{n}")))).collect();
        let c: Vec<Place> = (0..9).map_while(|_| strangers.enter(ip("::ffff:192.0.2.3"))).collect();
        assert_eq!((a.len(), b.len(), c.len()), (2, 2, 1));
        assert!(strangers.crowded(ip("192.0.2.9")), "more than half is taken");
        drop((a, b));
        assert_eq!((strangers.count(), strangers.crowded(ip("192.0.2.9"))), (1, false));
        assert!(strangers.crowded(ip("192.0.2.3")), "it has half of its share");
        assert!(strangers.enter(ip("192.0.2.1")).is_some());
        drop(c);
        assert!(strangers.here().by_address.is_empty(), "nothing is remembered");
    }
}
