//! From netlink messages to a snapshot.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use lab_states::host::{
    Address, Cause, Lifetime, Link, LinkKind, MAIN_TABLE, Mac, Neighbour, NetSnapshot, PortState, PortVlan,
    Protocol, Route, RouteKind, Rule, RuleAction,
};
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use rtnetlink::packet_route::link::{
    AfSpecBridge, BridgeVlanInfoFlags, InfoBridgePort, InfoPortData, LinkAttribute, LinkExtentMask,
    LinkFlags, LinkInfo, LinkMessage,
};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteType,
};
use rtnetlink::packet_route::rule::{RuleAction as KernelAction, RuleAttribute, RuleMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::links::read_kind;
use super::sift::Sift;
use super::wire::Wire;

/// The table that the kernel keeps for itself.
const LOCAL_TABLE: u32 = 255;

/// Reads everything.
pub(super) fn snapshot(wire: &mut Wire) -> Result<NetSnapshot, Cause> {
    let mut net = links_with_addresses(wire)?;
    let names: HashMap<u32, String> = net.links.iter().map(|l| (l.index, l.name.clone())).collect();
    net.routes = dump_routes(wire, |route| read_route(&route, &names))?;
    let question = RouteNetlinkMessage::GetRule(RuleMessage::default());
    net.rules = wire.dump(&question, Sift::Nothing, |m| match m {
        RouteNetlinkMessage::NewRule(rule) => read_rule(&rule),
        _ => None,
    })?;
    let question = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
    net.neighbours = wire.dump(&question, Sift::Neighbours, |m| match m {
        RouteNetlinkMessage::NewNeighbour(neighbour) => read_neighbour(&neighbour, &names),
        _ => None,
    })?;
    if net.links.iter().any(|l| matches!(l.kind, LinkKind::Bridge(_))) {
        let places = places(&net.links);
        port_vlans(wire, &mut net.links, &places)?;
    }
    Ok(net)
}

/// Reads links and their addresses.
pub(super) fn links_with_addresses(wire: &mut Wire) -> Result<NetSnapshot, Cause> {
    let mut net = NetSnapshot { links: links(wire)?, ..NetSnapshot::default() };
    let places = places(&net.links);
    for message in addresses(wire)? {
        let place = places.get(&message.header.index);
        // The kernel asked, somebody else has it, and the link does without: it is not there.
        if is_duplicate(&message) {
            continue;
        }
        if let (Some(place), Some(address)) = (place, read_address(&message)) {
            net.links[*place].addresses.push(address);
            if !is_permanent(&message) {
                net.links[*place].leased.push(address);
                net.links[*place].lifetimes.extend(lifetime(&message).map(|l| (address, l)));
            }
        }
    }
    Ok(net)
}

/// Returns where each link is in a list, by number.
fn places(links: &[Link]) -> HashMap<u32, usize> {
    links.iter().enumerate().map(|(i, l)| (l.index, i)).collect()
}

/// Counters are most of an answer's bytes and none of its worth here.
pub(super) fn without_counters() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}

fn links(wire: &mut Wire) -> Result<Vec<Link>, Cause> {
    let mut question = LinkMessage::default();
    question.attributes.push(without_counters());
    let question = RouteNetlinkMessage::GetLink(question);
    let messages = wire.dump(&question, Sift::Links, |m| match m {
        RouteNetlinkMessage::NewLink(link) => Some(link),
        _ => None,
    })?;
    let names: HashMap<u32, String> =
        messages.iter().map(|m| (m.header.index, link_name(m).to_owned())).collect();
    let mut links: Vec<Link> = messages.iter().map(|m| read_link(m, &names)).collect();
    links.sort_by_key(|l| l.index);
    Ok(links)
}

fn link_name(message: &LinkMessage) -> &str {
    let mut names = message.attributes.iter().filter_map(|a| match a {
        LinkAttribute::IfName(name) => Some(name.as_str()),
        _ => None,
    });
    names.next().unwrap_or_default()
}

pub(super) fn read_link(message: &LinkMessage, names: &HashMap<u32, String>) -> Link {
    let flags = message.header.flags;
    let name = |index: &u32| names.get(index).cloned();
    let mut link = Link {
        index: message.header.index,
        name: link_name(message).to_owned(),
        alias: None,
        kind: read_kind(message, names),
        mac: None,
        mtu: 0,
        up: flags.contains(LinkFlags::Up),
        carrier: flags.contains(LinkFlags::LowerUp),
        promisc: flags.contains(LinkFlags::Promisc),
        master: None,
        port_state: None,
        vlans: Vec::new(),
        addresses: Vec::new(),
        leased: Vec::new(),
        lifetimes: BTreeMap::new(),
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfAlias(alias) if !alias.is_empty() => link.alias = Some(alias.clone()),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::Controller(index) => link.master = name(index),
            LinkAttribute::Address(bytes) if !flags.contains(LinkFlags::Loopback) => {
                link.mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(Mac);
            }
            LinkAttribute::LinkInfo(infos) => link.port_state = infos.iter().find_map(port_state),
            _ => {}
        }
    }
    link
}

fn port_state(info: &LinkInfo) -> Option<PortState> {
    let LinkInfo::PortData(InfoPortData::BridgePort(data)) = info else { return None };
    data.iter().find_map(|item| match item {
        InfoBridgePort::State(state) => PortState::from_number((*state).into()),
        _ => None,
    })
}

/// Reads which VLANs the ports of bridges, and the bridges themselves, are in: also where they do not filter, because what a
/// port is in then is what counts once filtering is switched on. A kernel that cannot filter says nothing.
fn port_vlans(wire: &mut Wire, links: &mut [Link], places: &HashMap<u32, usize>) -> Result<(), Cause> {
    let mut question = LinkMessage::default();
    question.header.interface_family = AddressFamily::Bridge;
    question.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::Brvlan]));
    let question = RouteNetlinkMessage::GetLink(question);
    for message in wire.dump(&question, Sift::Nothing, Some)? {
        let RouteNetlinkMessage::NewLink(message) = message else { continue };
        let Some(place) = places.get(&message.header.index) else { continue };
        let specs = message.attributes.iter().filter_map(|a| match a {
            LinkAttribute::AfSpecBridge(specs) => Some(specs),
            _ => None,
        });
        for spec in specs.flatten() {
            let AfSpecBridge::VlanInfo(info) = spec else { continue };
            links[*place].vlans.push(PortVlan {
                id: info.vid,
                pvid: info.flags.contains(BridgeVlanInfoFlags::Pvid),
                untagged: info.flags.contains(BridgeVlanInfoFlags::Untagged),
            });
        }
    }
    Ok(())
}

pub(super) fn addresses(wire: &mut Wire) -> Result<Vec<AddressMessage>, Cause> {
    let question = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    let address = |m| if let RouteNetlinkMessage::NewAddress(address) = m { Some(address) } else { None };
    wire.dump(&question, Sift::Addresses, address)
}

/// Reads an address that is ours to care for: link-local and host-only ones belong to the kernel.
pub(super) fn read_address(message: &AddressMessage) -> Option<Address> {
    let global = matches!(message.header.scope, AddressScope::Universe | AddressScope::Site);
    let ip = own_ip(message)?;
    (global || ip.is_loopback()).then_some(Address { ip, prefix: message.header.prefix_len })
}

fn own_ip(message: &AddressMessage) -> Option<IpAddr> {
    let local = |a: &_| if let AddressAttribute::Local(ip) = a { Some(*ip) } else { None };
    let other = |a: &_| if let AddressAttribute::Address(ip) = a { Some(*ip) } else { None };
    message.attributes.iter().find_map(local).or_else(|| message.attributes.iter().find_map(other))
}

fn is_permanent(message: &AddressMessage) -> bool {
    let long = long_flags(message).map(|flags| flags.contains(AddressFlags::Permanent));
    long.unwrap_or_else(|| message.header.flags.contains(AddressHeaderFlags::Permanent))
}

/// Tells whether duplicate address detection found another machine with an IPv6 address.
pub(super) fn is_duplicate(message: &AddressMessage) -> bool {
    long_flags(message).is_some_and(|flags| flags.contains(AddressFlags::Dadfailed))
}

fn long_flags(message: &AddressMessage) -> Option<AddressFlags> {
    message.attributes.iter().find_map(|a| match a {
        AddressAttribute::Flags(flags) => Some(*flags),
        _ => None,
    })
}

fn lifetime(message: &AddressMessage) -> Option<Lifetime> {
    let ends = message.attributes.iter().find_map(|a| match a {
        AddressAttribute::CacheInfo(ends) => Some(ends),
        _ => None,
    })?;
    Some(Lifetime { preferred: ends.ifa_preferred, valid: ends.ifa_valid })
}

pub(super) fn routes(wire: &mut Wire) -> Result<Vec<RouteMessage>, Cause> {
    dump_routes(wire, Some)
}

/// Reads routes. A kernel that can be asked for a type of them need not list its own, which are most.
fn dump_routes<T>(wire: &mut Wire, mut read: impl FnMut(RouteMessage) -> Option<T>) -> Result<Vec<T>, Cause> {
    let route = |m| if let RouteNetlinkMessage::NewRoute(route) = m { Some(route) } else { None };
    if !wire.is_strict() {
        let question = RouteNetlinkMessage::GetRoute(RouteMessage::default());
        return wire.dump(&question, Sift::Routes, |m| read(route(m)?));
    }
    let mut found = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        for kind in [RouteType::Unicast, RouteType::BlackHole, RouteType::Unreachable, RouteType::Prohibit] {
            let mut question = RouteMessage::default();
            (question.header.address_family, question.header.kind) = (family, kind);
            // Where there is no IPv6, whoever asks for it is told about all others.
            let asked = |r: &RouteMessage| r.header.address_family == family;
            let question = RouteNetlinkMessage::GetRoute(question);
            found.extend(wire.dump(&question, Sift::Routes, |m| read(route(m).filter(asked)?))?);
        }
    }
    Ok(found)
}

/// Reads a route that leaves by one link or ends here. The kernel's own table and its cache are left out.
pub(super) fn read_route(message: &RouteMessage, names: &HashMap<u32, String>) -> Option<Route> {
    let header = &message.header;
    let v6 = header.address_family == AddressFamily::Inet6;
    if !v6 && header.address_family != AddressFamily::Inet || header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    let kind = match header.kind {
        RouteType::Unicast => RouteKind::Unicast,
        RouteType::BlackHole => RouteKind::Blackhole,
        RouteType::Unreachable => RouteKind::Unreachable,
        RouteType::Prohibit => RouteKind::Prohibit,
        _ => return None,
    };
    let mut route = Route {
        destination: None,
        gateway: None,
        link: None,
        source: None,
        metric: None,
        table: u32::from(header.table),
        kind,
        onlink: header.flags.contains(RouteFlags::Onlink),
        mtu: None,
        origin: Protocol(header.protocol.into()),
        v6,
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => {
                route.destination = ip(to).map(|ip| Address { ip, prefix: header.destination_prefix_length });
            }
            RouteAttribute::Gateway(via) => route.gateway = ip(via),
            RouteAttribute::Oif(index) if kind == RouteKind::Unicast => {
                route.link = Some(names.get(index)?.clone());
            }
            RouteAttribute::PrefSource(from) => route.source = ip(from),
            RouteAttribute::Priority(number) => route.metric = Some(*number),
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::Metrics(metrics) => {
                let mtu = |m: &_| if let RouteMetric::Mtu(mtu) = m { Some(*mtu) } else { None };
                route.mtu = metrics.iter().find_map(mtu);
            }
            _ => {}
        }
    }
    let sends = kind == RouteKind::Unicast;
    let own = route.table != LOCAL_TABLE;
    (own && (route.link.is_some() || !sends)).then_some(route)
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some(IpAddr::V4(*ip)),
        RouteAddress::Inet6(ip) => Some(IpAddr::V6(*ip)),
        _ => None,
    }
}

fn read_rule(message: &RuleMessage) -> Option<Rule> {
    let header = &message.header;
    let v6 = header.family == AddressFamily::Inet6;
    if !v6 && header.family != AddressFamily::Inet {
        return None;
    }
    let mut table = u32::from(header.table);
    let mut rule = Rule {
        priority: 0,
        v6,
        from: None,
        to: None,
        iif: None,
        oif: None,
        fwmark: None,
        fwmask: None,
        action: RuleAction::Table(MAIN_TABLE),
        origin: Protocol(0),
    };
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Priority(priority) => rule.priority = *priority,
            RuleAttribute::Source(ip) => rule.from = Some(Address { ip: *ip, prefix: header.src_len }),
            RuleAttribute::Destination(ip) => rule.to = Some(Address { ip: *ip, prefix: header.dst_len }),
            RuleAttribute::Iifname(link) => rule.iif = Some(link.clone()),
            RuleAttribute::Oifname(link) => rule.oif = Some(link.clone()),
            RuleAttribute::FwMark(mark) => rule.fwmark = Some(*mark),
            RuleAttribute::FwMask(mask) => rule.fwmask = Some(*mask),
            RuleAttribute::Table(number) => table = *number,
            RuleAttribute::Protocol(protocol) => rule.origin = Protocol((*protocol).into()),
            _ => {}
        }
    }
    rule.action = match header.action {
        KernelAction::ToTable => RuleAction::Table(table),
        KernelAction::Blackhole => RuleAction::Blackhole,
        KernelAction::Unreachable => RuleAction::Unreachable,
        KernelAction::Prohibit => RuleAction::Prohibit,
        other => RuleAction::Other(other.into()),
    };
    Some(rule)
}

fn read_neighbour(message: &NeighbourMessage, names: &HashMap<u32, String>) -> Option<Neighbour> {
    let usable = matches!(
        message.header.state,
        NeighbourState::Reachable
            | NeighbourState::Stale
            | NeighbourState::Delay
            | NeighbourState::Probe
            | NeighbourState::Permanent
    );
    let (mut ip, mut mac) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(to)) => ip = Some(IpAddr::V4(*to)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(to)) => ip = Some(IpAddr::V6(*to)),
            NeighbourAttribute::LinkLayerAddress(bytes) => {
                mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(Mac);
            }
            _ => {}
        }
    }
    let link = names.get(&message.header.ifindex)?.clone();
    usable.then_some(Neighbour { ip: ip?, mac: mac?, link })
}
