//! Addresses and routes, read from the bytes of their messages: a machine may have thousands, and a value for each attribute that
//! nobody asks for costs several times as much as the kernel's work.

use std::net::IpAddr;

use lab_states::host::{Address, Lifetime, Protocol, Route, RouteKind};

use super::sift::{HEADER, KIND};

/// The sizes of the headers of a route and of an address, behind that of the message.
const ROUTE_HEADER: usize = 12;
const ADDRESS_HEADER: usize = 8;
const ATTRIBUTE_HEADER: usize = 4;

/// `AF_INET`, `AF_INET6`.
const V4: u8 = 2;
const V6: u8 = 10;
/// `RT_SCOPE_UNIVERSE`, `RT_SCOPE_SITE`, `RT_SCOPE_LINK`.
const GLOBAL: [u8; 2] = [0, 200];
const OF_THE_LINK: u8 = 253;
/// Flags of an address (`IFA_F_…`).
const DAD_FAILED: u32 = 0x08;
const PERMANENT: u32 = 0x80;
/// Flags of a route: `RTNH_F_ONLINK`, `RTM_F_CLONED`.
const ONLINK: u32 = 0x4;
const CLONED: u32 = 0x200;
/// The table that the kernel keeps for itself.
const LOCAL_TABLE: u32 = 255;

/// Attributes of an address (`IFA_…`).
mod ifa {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const LOCAL: u16 = 2;
    pub(super) const CACHE_INFO: u16 = 6;
    pub(super) const FLAGS: u16 = 8;
}

/// Attributes of a route (`RTA_…`), and the metric that is read (`RTAX_MTU`).
mod rta {
    pub(super) const DESTINATION: u16 = 1;
    pub(super) const OIF: u16 = 4;
    pub(super) const GATEWAY: u16 = 5;
    pub(super) const PRIORITY: u16 = 6;
    pub(super) const PREFERRED_SOURCE: u16 = 7;
    pub(super) const METRICS: u16 = 8;
    pub(super) const TABLE: u16 = 15;
    pub(super) const METRIC_MTU: u16 = 2;
}

/// An address that is ours to care for: link-local and host-only ones belong to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KernelAddress {
    /// The number of its link.
    pub(super) index: u32,
    pub(super) address: Address,
    /// How long it is good for, where the kernel says so.
    pub(super) lifetime: Option<Lifetime>,
    flags: u32,
}

impl KernelAddress {
    /// Tells whether it stays until somebody takes it away.
    pub(super) fn is_permanent(&self) -> bool {
        self.flags & PERMANENT != 0
    }

    /// Tells whether the kernel asked, and another machine has this IPv6 address.
    pub(super) fn is_duplicate(&self) -> bool {
        self.flags & DAD_FAILED != 0
    }
}

/// Reads an address from a whole message.
pub(super) fn address(message: &[u8]) -> Option<KernelAddress> {
    let head: [u8; ADDRESS_HEADER] = array(message.get(HEADER..)?)?;
    let [_, prefix, short_flags, scope, a, b, c, d] = head;
    if scope == OF_THE_LINK {
        return None;
    }
    let (mut local, mut other, mut lifetime, mut flags) = (None, None, None, u32::from(short_flags));
    for attribute in attributes(&message[HEADER + ADDRESS_HEADER..]) {
        let (kind, value) = attribute?;
        match kind {
            ifa::LOCAL => local = Some(ip(value)?),
            ifa::ADDRESS => other = Some(ip(value)?),
            ifa::CACHE_INFO => {
                lifetime = Some(Lifetime { preferred: number(value)?, valid: number(value.get(4..)?)? });
            }
            ifa::FLAGS => flags = number(value)?,
            _ => {}
        }
    }
    let ip = local.or(other)?;
    let ours = GLOBAL.contains(&scope) || ip.is_loopback();
    let address = Address { ip, prefix };
    ours.then_some(KernelAddress { index: u32::from_ne_bytes([a, b, c, d]), address, lifetime, flags })
}

/// A route that leaves by one link, or ends here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KernelRoute {
    /// The number of its link, where it leaves by one.
    index: Option<u32>,
    /// Without the name of its link.
    route: Route,
}

impl KernelRoute {
    /// Completes it with the name of its link; nothing when that is not there.
    pub(super) fn named(mut self, name: impl Fn(u32) -> Option<String>) -> Option<Route> {
        if let Some(index) = self.index {
            self.route.link = Some(name(index)?);
        }
        Some(self.route)
    }

    /// Tells whether it is a route or what became of that, wherever it leads now.
    pub(super) fn is(&self, route: &Route) -> bool {
        self.route.key() == route.key() && self.route.origin == route.origin
    }
}

/// Tells whether a message of a dump is about a family of addresses.
pub(super) fn is_of(message: &[u8], family: u8) -> bool {
    message.get(HEADER) == Some(&family)
}

/// Reads a route from a whole message. The kernel's own table (two thirds of all) and its cache are left out.
pub(super) fn route(message: &[u8]) -> Option<KernelRoute> {
    let head: [u8; ROUTE_HEADER] = array(message.get(HEADER..)?)?;
    let [family, prefix, _, _, table, protocol, _, kind, a, b, c, d] = head;
    let flags = u32::from_ne_bytes([a, b, c, d]);
    if ![V4, V6].contains(&family) || flags & CLONED != 0 || u32::from(table) == LOCAL_TABLE {
        return None;
    }
    let mut route = Route {
        destination: None,
        gateway: None,
        link: None,
        source: None,
        metric: None,
        table: u32::from(table),
        kind: route_kind(kind)?,
        onlink: flags & ONLINK != 0,
        mtu: None,
        origin: Protocol(protocol),
        v6: family == V6,
    };
    let sends = route.kind == RouteKind::Unicast;
    let mut index = None;
    for attribute in attributes(&message[HEADER + ROUTE_HEADER..]) {
        let (kind, value) = attribute?;
        match kind {
            rta::DESTINATION => route.destination = Some(Address { ip: ip(value)?, prefix }),
            rta::GATEWAY => route.gateway = Some(ip(value)?),
            rta::OIF if sends => index = Some(number(value)?),
            rta::PREFERRED_SOURCE => route.source = Some(ip(value)?),
            rta::PRIORITY => route.metric = Some(number(value)?),
            rta::TABLE => route.table = number(value)?,
            rta::METRICS => route.mtu = mtu(value)?,
            _ => {}
        }
    }
    (route.table != LOCAL_TABLE && (index.is_some() || !sends)).then_some(KernelRoute { index, route })
}

fn route_kind(kind: u8) -> Option<RouteKind> {
    Some(match kind {
        1 => RouteKind::Unicast,
        6 => RouteKind::Blackhole,
        7 => RouteKind::Unreachable,
        8 => RouteKind::Prohibit,
        _ => return None,
    })
}

/// Finds the MTU among the metrics of a route.
fn mtu(metrics: &[u8]) -> Option<Option<u32>> {
    let mut found = None;
    for metric in attributes(metrics) {
        let (kind, value) = metric?;
        if kind == rta::METRIC_MTU {
            found = Some(number(value)?);
        }
    }
    Some(found)
}

/// Lists attributes, each with its kind. What is cut short is nothing, and the last: a route without its destination would be
/// another route.
fn attributes(mut rest: &[u8]) -> impl Iterator<Item = Option<(u16, &[u8])>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let attribute = first(rest);
        let length = attribute.map_or(rest.len(), |(_, value)| ATTRIBUTE_HEADER + value.len());
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(attribute)
    })
}

fn first(attributes: &[u8]) -> Option<(u16, &[u8])> {
    let [a, b, c, d] = array(attributes)?;
    let value = attributes.get(ATTRIBUTE_HEADER..usize::from(u16::from_ne_bytes([a, b])))?;
    Some((u16::from_ne_bytes([c, d]) & KIND, value))
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

fn number(value: &[u8]) -> Option<u32> {
    array(value).map(u32::from_ne_bytes)
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => array::<4>(value).map(IpAddr::from),
        16 => array::<16>(value).map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
