//! Steps about addresses, routes, rules and neighbours.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use lab_states::host::{Address, Cause, Lifetime, Mac, Route, RouteKind, Rule, RuleAction};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope, CacheInfo,
};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteMetric, RouteScope, RouteType,
};
use rtnetlink::packet_route::rule::{RuleAction as KernelAction, RuleAttribute, RuleMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::wire::decode;
use super::{Session, plain, read};

impl Session<'_> {
    pub(super) fn add_address(&mut self, link: &str, address: Address) -> Result<(), Cause> {
        let index = self.index(link)?;
        if address.ip.is_ipv6() {
            self.forget_duplicate(index, address)?;
        }
        let message = plain_address(index, address);
        self.wire.tell(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Takes an IPv6 address away that another machine had when the kernel asked: it asks again only about a new one.
    fn forget_duplicate(&mut self, index: u32, address: Address) -> Result<(), Cause> {
        let duplicates = match self.duplicates.take() {
            Some(known) => known,
            None => {
                let all = read::addresses(&mut self.wire, plain::address)?;
                all.iter().filter(|a| a.is_duplicate()).map(|a| (a.index, a.address)).collect()
            }
        };
        let known = duplicates.contains(&(index, address));
        self.duplicates = Some(duplicates);
        if !known {
            return Ok(());
        }
        let mut message = address_header(index, address);
        message.attributes.push(AddressAttribute::Local(address.ip));
        self.wire.tell(RouteNetlinkMessage::DelAddress(message), 0)
    }

    pub(super) fn add_lease(
        &mut self,
        link: &str,
        address: Address,
        lifetime: Lifetime,
    ) -> Result<(), Cause> {
        let mut message = plain_address(self.index(link)?, address);
        let mut ends = CacheInfo::default();
        (ends.ifa_preferred, ends.ifa_valid) = (lifetime.preferred, lifetime.valid);
        message.attributes.push(AddressAttribute::CacheInfo(ends));
        self.wire.tell(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    pub(super) fn copy_address(&mut self, from: &str, to: &str, address: Address) -> Result<(), Cause> {
        let (source, target) = (self.index(from)?, self.index(to)?);
        let is = |a: &plain::KernelAddress| (a.index, a.address) == (source, address);
        let one = |m: &[u8]| match plain::address(m).filter(is).and_then(|_| decode(m)) {
            Some(RouteNetlinkMessage::NewAddress(message)) => Some(message),
            _ => None,
        };
        let old = read::addresses(&mut self.wire, one)?.into_iter().next();
        let old = old.ok_or_else(|| Cause::Other(format!("{from} has no address {address}")))?;
        let mut message = plain_address(target, address);
        // Duplicate detection would hold the address back while the old link still has it. The flag that keeps the kernel
        // from making the prefix route is not copied: networkd inherits it later and the default route is lost for good.
        message.header.flags = AddressHeaderFlags::Nodad;
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        let kept = old
            .attributes
            .into_iter()
            .filter(|a| matches!(a, AddressAttribute::CacheInfo(_) | AddressAttribute::RoutePriority(_)));
        message.attributes.extend(kept);
        self.wire.tell(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    pub(super) fn delete_address(&mut self, link: &str, address: Address) -> Result<(), Cause> {
        if address.ip.is_ipv4() {
            // Without this the kernel drops all other addresses of the same network with the first one.
            let path = format!("/proc/sys/net/ipv4/conf/{link}/promote_secondaries");
            if Path::new(&path).exists() {
                fs::write(&path, "1").map_err(|e| Cause::from(&e))?;
            }
        }
        let mut message = address_header(self.index(link)?, address);
        message.attributes.push(AddressAttribute::Local(address.ip));
        self.wire.tell(RouteNetlinkMessage::DelAddress(message), 0)
    }

    pub(super) fn copy_neighbour(&mut self, to: &str, ip: IpAddr, mac: Mac) -> Result<(), Cause> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(ip);
        message.header.ifindex = self.index(to)?;
        message.header.state = NeighbourState::Stale;
        message.attributes.push(NeighbourAttribute::Destination(match ip {
            IpAddr::V4(ip) => NeighbourAddress::Inet(ip),
            IpAddr::V6(ip) => NeighbourAddress::Inet6(ip),
        }));
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
        self.wire.tell(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    pub(super) fn add_route(&mut self, route: &Route, replace: bool) -> Result<(), Cause> {
        let message = self.route(route)?;
        let flags = NLM_F_CREATE | if replace { NLM_F_REPLACE } else { NLM_F_EXCL };
        self.wire.tell(RouteNetlinkMessage::NewRoute(message), flags)
    }

    pub(super) fn delete_route(&mut self, route: &Route) -> Result<(), Cause> {
        let message = self.route(route)?;
        self.wire.tell(RouteNetlinkMessage::DelRoute(message), 0)
    }

    fn route(&mut self, route: &Route) -> Result<RouteMessage, Cause> {
        let Route { destination, gateway, link, source, metric, table, kind, onlink, mtu, origin, v6 } =
            route;
        let mut message = RouteMessage::default();
        let header = &mut message.header;
        header.address_family = if *v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        header.protocol = origin.0.into();
        header.kind = match kind {
            RouteKind::Unicast => RouteType::Unicast,
            RouteKind::Blackhole => RouteType::BlackHole,
            RouteKind::Unreachable => RouteType::Unreachable,
            RouteKind::Prohibit => RouteType::Prohibit,
        };
        // What has no gateway ends on the link itself; IPv6 does not care.
        let near = gateway.is_none() && *kind == RouteKind::Unicast && !v6;
        header.scope = if near { RouteScope::Link } else { RouteScope::Universe };
        header.flags.set(RouteFlags::Onlink, *onlink);
        header.table = u8::try_from(*table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC);
        let attributes = &mut message.attributes;
        attributes.push(RouteAttribute::Table(*table));
        if let Some(to) = destination.map(Address::network) {
            header.destination_prefix_length = to.prefix;
            attributes.push(RouteAttribute::Destination(route_ip(to.ip)));
        }
        attributes.extend(gateway.map(|ip| RouteAttribute::Gateway(route_ip(ip))));
        attributes.extend(source.map(|ip| RouteAttribute::PrefSource(route_ip(ip))));
        attributes.extend(metric.map(RouteAttribute::Priority));
        attributes.extend(mtu.map(|mtu| RouteAttribute::Metrics(vec![RouteMetric::Mtu(mtu)])));
        if let Some(link) = link {
            message.attributes.push(RouteAttribute::Oif(self.index(link)?));
        }
        Ok(message)
    }

    /// Sends the very message that the kernel gave, with another link in it: whatever else it carries is kept.
    pub(super) fn move_route(&mut self, route: &Route, to: &str) -> Result<(), Cause> {
        let target = self.index(to)?;
        // Found by what makes a route itself, wherever it leads now, so that a moved route can be moved back.
        let one = |m: &[u8]| match plain::route(m).filter(|r| r.is(route)).and_then(|_| decode(m)) {
            Some(RouteNetlinkMessage::NewRoute(message)) => Some(message),
            _ => None,
        };
        let found = read::dump_routes(&mut self.wire, one)?.into_iter().next();
        let mut message = found.ok_or_else(|| Cause::Other("the route is not there any more".to_owned()))?;
        // What the kernel reports about a route's state is not its to be told.
        message.header.flags &= RouteFlags::Onlink;
        message.attributes.retain(|a| !matches!(a, RouteAttribute::CacheInfo(_)));
        for attribute in &mut message.attributes {
            if let RouteAttribute::Oif(index) = attribute {
                *index = target;
            }
        }
        self.wire.tell(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    pub(super) fn rule(&mut self, rule: &Rule, add: bool) -> Result<(), Cause> {
        let Rule { priority, v6, from, to, iif, oif, fwmark, fwmask, action, origin } = rule;
        let mut message = RuleMessage::default();
        message.header.family = if *v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        let attributes = &mut message.attributes;
        attributes.push(RuleAttribute::Priority(*priority));
        if let Some(from) = from {
            message.header.src_len = from.prefix;
            attributes.push(RuleAttribute::Source(from.ip));
        }
        if let Some(to) = to {
            message.header.dst_len = to.prefix;
            attributes.push(RuleAttribute::Destination(to.ip));
        }
        attributes.extend(iif.clone().map(RuleAttribute::Iifname));
        attributes.extend(oif.clone().map(RuleAttribute::Oifname));
        attributes.extend(fwmark.map(RuleAttribute::FwMark));
        attributes.extend(fwmask.map(RuleAttribute::FwMask));
        message.header.action = match action {
            RuleAction::Table(table) => {
                attributes.push(RuleAttribute::Table(*table));
                message.header.table = u8::try_from(*table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC);
                KernelAction::ToTable
            }
            RuleAction::Blackhole => KernelAction::Blackhole,
            RuleAction::Unreachable => KernelAction::Unreachable,
            RuleAction::Prohibit => KernelAction::Prohibit,
            RuleAction::Other(number) => KernelAction::from(*number),
        };
        if add {
            attributes.push(RuleAttribute::Protocol(origin.0.into()));
            return self.wire.tell(RouteNetlinkMessage::NewRule(message), NLM_F_CREATE | NLM_F_EXCL);
        }
        self.wire.tell(RouteNetlinkMessage::DelRule(message), 0)
    }
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn route_ip(ip: IpAddr) -> RouteAddress {
    match ip {
        IpAddr::V4(ip) => RouteAddress::Inet(ip),
        IpAddr::V6(ip) => RouteAddress::Inet6(ip),
    }
}

fn address_header(index: u32, address: Address) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.ip);
    message.header.prefix_len = address.prefix;
    message.header.scope = AddressScope::Universe;
    message.header.index = index;
    message
}

fn plain_address(index: u32, address: Address) -> AddressMessage {
    let mut message = address_header(index, address);
    message.attributes.push(AddressAttribute::Local(address.ip));
    message.attributes.push(AddressAttribute::Address(address.ip));
    if let IpAddr::V4(ip) = address.ip
        && address.prefix < 31
    {
        let hosts = u32::MAX.checked_shr(u32::from(address.prefix)).unwrap_or(0);
        message.attributes.push(AddressAttribute::Broadcast((u32::from(ip) | hosts).into()));
    }
    message
}
