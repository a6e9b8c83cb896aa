//! Checks about addresses and routes.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::super::Wrong;
use super::super::document::{Interface, Kind, Owned, RouteWant};
use super::super::networks::Networks;
use super::{Checker, name};
use crate::host::{Address, LinkKind, Mac, Protocol, RouteKey, RouteKind};

/// How many links may stand on one another or take one another over; a kernel allows fewer.
const DEEPEST: usize = 16;

impl Checker<'_> {
    pub(super) fn addresses(&self) -> Result<(), Wrong> {
        let mut seen: HashMap<IpAddr, &str> = HashMap::new();
        let have = self.now.links.iter().flat_map(|l| l.addresses.iter().map(|a| (a.ip, l.name.as_str())));
        let mut have: Vec<(IpAddr, &str)> = have.collect();
        // Keeps the order of the links that have one address.
        have.sort_by_key(|(ip, _)| *ip);
        for i in self.document.interfaces.values() {
            for Owned { owner, what: address } in &i.addresses {
                let wrong = |text: String| Err(Wrong::new(*owner, text));
                if let Some(other) = seen.insert(address.ip, &i.name).filter(|other| *other != i.name) {
                    return wrong(format!(
                        "{address} is given to {other} and to {}: a machine has it once",
                        i.name
                    ));
                }
                if self.going_away(&i.name, *address) {
                    return wrong(format!(
                        "{address} on {} is to be there and to be absent: drop one of the two",
                        i.name
                    ));
                }
                let first = have.partition_point(|(ip, _)| *ip < address.ip);
                let mut on =
                    have[first..].iter().take_while(|(ip, _)| *ip == address.ip).map(|(_, link)| *link);
                let elsewhere = on.find(|l| *l != i.name && !self.moves(l, &i.name));
                if let Some(other) = elsewhere.filter(|l| !self.going_away(l, *address) && !self.goes(l)) {
                    return wrong(on_another(*address, other, i));
                }
                if let Some(mac) = self.strangers(address.ip) {
                    return wrong(in_use(*address, mac));
                }
            }
        }
        Ok(())
    }

    fn going_away(&self, link: &str, address: Address) -> bool {
        self.document.address_absent.iter().any(|a| name(&a.what.0) == link && a.what.1.ip == address.ip)
    }

    /// Tells whether a link is gone after the run: it is to be absent, or what it stands on, or the other end of its cable.
    fn goes(&self, link: &str) -> bool {
        let absent = |name: &str| self.document.absent.iter().any(|a| a.what.name == name);
        let mut below = Some(link);
        for _ in 0..DEEPEST {
            let Some(name) = below else { return false };
            let kind = self.link(name).map(|l| &l.kind);
            let end = if let Some(LinkKind::Veth { peer }) = kind { peer.as_deref() } else { None };
            if absent(name) || end.is_some_and(absent) {
                return true;
            }
            below = kind.and_then(LinkKind::lower);
        }
        false
    }

    /// Tells whether a link's addresses move to another one, by way of others too.
    fn moves(&self, from: &str, to: &str) -> bool {
        let uplink = |of: &str| self.document.interfaces.get(of)?.take_over.as_ref().map(name);
        std::iter::successors(uplink(to), |link| uplink(link)).take(DEEPEST).any(|link| link == from)
    }

    /// Finds the hardware address of another machine that answers for an address.
    fn strangers(&self, ip: IpAddr) -> Option<Mac> {
        let known = self.now.neighbours.iter().find(|n| n.ip == ip)?;
        let own = self.now.links.iter().any(|l| l.mac == Some(known.mac));
        (!own).then_some(known.mac)
    }

    pub(super) fn routes(&self) -> Result<(), Wrong> {
        let known = self.known_networks();
        let have = self.now.links.iter().flat_map(|l| &l.addresses).map(|a| a.ip);
        let new = self.document.interfaces.values().flat_map(|i| &i.addresses).map(|a| a.what.ip);
        let mut own: Vec<IpAddr> = have.chain(new).collect();
        own.sort_unstable();
        let mut seen: HashMap<RouteKey, &RouteWant> = HashMap::new();
        let absent: HashSet<RouteKey> = self.document.route_absent.iter().map(|r| r.what.key()).collect();
        for Owned { owner, what: route } in &self.document.routes {
            let wrong = |text: String| Err(Wrong::new(*owner, text));
            if let Some(twin) = seen.insert(route.key(), route).filter(|twin| *twin != route) {
                if route.destination.is_none() {
                    let gateway =
                        |r: &RouteWant| r.gateway.map_or("no gateway".to_owned(), |g| g.to_string());
                    return wrong(format!(
                        "two default gateways ({} and {}): keep one, or give the second a `metric` of its own",
                        gateway(twin),
                        gateway(route)
                    ));
                }
                return wrong(format!(
                    "route {} is given twice and differs: keep one, or give one a metric",
                    shown(route)
                ));
            }
            if absent.contains(&route.key()) {
                return wrong(format!(
                    "route {} is to be there and to be absent: drop one of the two",
                    shown(route)
                ));
            }
            self.route(*owner, route, &known, &own)?;
        }
        Ok(())
    }

    fn route(
        &self,
        owner: usize,
        route: &RouteWant,
        known: &Networks<'_>,
        own: &[IpAddr],
    ) -> Result<(), Wrong> {
        let wrong = |text: String| Err(Wrong::new(owner, text));
        let link = route.link.as_ref().map(name);
        if route.kind != RouteKind::Unicast {
            if route.gateway.is_some() || link.is_some() {
                return wrong(format!(
                    "route {}: one that sends nothing has neither gateway nor link",
                    shown(route)
                ));
            }
            return Ok(());
        }
        if let Some(link) = link.filter(|l| !self.exists(l)) {
            return wrong(format!(
                "route {}: there is no link {link}: {}",
                shown(route),
                self.there_are(link)
            ));
        }
        let Some(gateway) = route.gateway else {
            return match link {
                Some(_) => Ok(()),
                None => wrong(format!("route {} leads nowhere: give it `via` or `link`", shown(route))),
            };
        };
        if route.onlink {
            return match link {
                Some(_) => Ok(()),
                None => wrong(format!("route {}: onlink needs a link", shown(route))),
            };
        }
        if known.near(gateway).any(|on| link.is_none_or(|l| l == on)) {
            if own.binary_search(&gateway).is_ok() {
                return wrong(format!(
                    "route {}: the gateway {gateway} is this machine itself",
                    shown(route)
                ));
            }
            return Ok(());
        }
        wrong(format!(
            "route {}: the gateway {gateway} is in no network of this machine ({}): add an address, or say `onlink: True`",
            shown(route),
            known.list()
        ))
    }

    /// Lists the networks that the machine will be in, each with the link.
    fn known_networks(&self) -> Networks<'_> {
        let mut takers: HashMap<&str, &str> = HashMap::new();
        for i in self.document.interfaces.values() {
            if let Some(uplink) = &i.take_over {
                takers.entry(name(uplink)).or_insert(&i.name);
            }
        }
        let mut known: Vec<(&str, Address)> = Vec::new();
        for link in self.now.links.iter().filter(|l| l.name != "lo") {
            let way = std::iter::successors(Some(link.name.as_str()), |at| takers.get(at).copied());
            let to = way.take(DEEPEST).last().unwrap_or(&link.name);
            known.extend(link.addresses.iter().map(|a| (to, *a)));
        }
        for i in self.document.interfaces.values() {
            known.extend(i.addresses.iter().map(|a| (i.name.as_str(), a.what)));
        }
        for route in self.now.routes.iter().filter(|r| r.gateway.is_none() && r.origin != Protocol::KERNEL) {
            known.extend(route.link.as_deref().zip(route.destination));
        }
        for route in self.document.routes.iter().filter(|r| r.what.gateway.is_none()) {
            known.extend(route.what.link.as_ref().map(name).zip(route.what.destination));
        }
        Networks::of(known.into_iter())
    }
}

/// Says that an address is on another link, and how it comes to the one that shall have it.
fn on_another(address: Address, other: &str, i: &Interface) -> String {
    let name = &i.name;
    let take = match i.kind {
        Kind::Bridge(_) | Kind::Bond(_) => {
            format!("say `take_over: {other}` when {name} shall have it in its place, or address.absent")
        }
        _ => format!("say address.absent of {other} when {name} shall have it in its place"),
    };
    format!("{address} is on {other} already: {take}")
}

/// Says that an address is another machine's.
pub(crate) fn in_use(address: Address, mac: Mac) -> String {
    format!(
        "{address} is in use by another machine ({mac}): two hosts with one address reach nobody; choose another"
    )
}

fn shown(route: &RouteWant) -> String {
    route.destination.map_or_else(|| "default".to_owned(), |d| d.to_string())
}
