//! From netlink messages to a snapshot.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::thread;

use lab_states::host::{
    Address, Cause, Link, LinkKind, MAIN_TABLE, Mac, Neighbour, NetSnapshot, PortState, PortVlan, Protocol,
    Rule, RuleAction,
};
use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::link::{
    AfSpecBridge, BridgeVlanInfoFlags, InfoBridgePort, InfoPortData, LinkAttribute, LinkExtentMask,
    LinkFlags, LinkInfo, LinkMessage,
};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{RouteMessage, RouteType};
use rtnetlink::packet_route::rule::{RuleAction as KernelAction, RuleAttribute, RuleMessage};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::links::read_kind;
use super::plain::{self, KernelRoute};
use super::sift::Sift;
use super::wire::{Wire, decode};

/// Reads everything: links with their addresses on one thread, beside them what leads to links and is as much work.
pub(super) fn snapshot(wire: &mut Wire) -> Result<NetSnapshot, Cause> {
    snapshot_over(wire, Wire::open())
}

/// Where there is no second socket or no thread, everything is read one after the other.
fn snapshot_over(wire: &mut Wire, other: Result<Wire, Cause>) -> Result<NetSnapshot, Cause> {
    let alone = |error: &dyn Display| tracing::debug!(%error, "everything is read one after the other");
    let other = other.inspect_err(|error| alone(error)).ok();
    let (net, ways) = thread::scope(|scope| {
        let spawn = |mut other| thread::Builder::new().spawn_scoped(scope, move || Ways::read(&mut other));
        let beside = other.and_then(|other| spawn(other).inspect_err(|error| alone(error)).ok());
        let net = links_with_addresses(wire);
        let ways = match beside {
            Some(beside) => beside.join().unwrap_or_else(|panic| resume_unwind(panic)),
            None => Ways::read(wire),
        };
        (net, ways)
    });
    put_together(net?, ways?, wire)
}

/// Puts links and what leads to them together, with the VLANs of ports, which are asked for here.
pub(super) fn put_together(mut net: NetSnapshot, ways: Ways, wire: &mut Wire) -> Result<NetSnapshot, Cause> {
    let Ways { routes, rules, neighbours } = ways;
    let places = places(&net.links);
    let name = |index| Some(net.links.get(*places.get(&index)?)?.name.clone());
    net.routes = routes.into_iter().filter_map(|route| route.named(name)).collect();
    let neighbour = |(index, ip, mac)| Some(Neighbour { ip, mac, link: name(index)? });
    net.neighbours = neighbours.into_iter().filter_map(neighbour).collect();
    net.rules = rules;
    if net.links.iter().any(|l| matches!(l.kind, LinkKind::Bridge(_))) {
        port_vlans(wire, &mut net.links, &places)?;
    }
    Ok(net)
}

/// What knows its link by number, and rules.
#[derive(Debug)]
pub(super) struct Ways {
    routes: Vec<KernelRoute>,
    rules: Vec<Rule>,
    neighbours: Vec<(u32, IpAddr, Mac)>,
}

impl Ways {
    pub(super) fn read(wire: &mut Wire) -> Result<Self, Cause> {
        let routes = dump_routes(wire, plain::route)?;
        let question = RouteNetlinkMessage::GetRule(RuleMessage::default());
        let rules = wire.dump(&question, Sift::Nothing, |m| match decode(m)? {
            RouteNetlinkMessage::NewRule(rule) => read_rule(&rule),
            _ => None,
        })?;
        let question = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
        let neighbours = wire.dump(&question, Sift::Neighbours, |m| match decode(m)? {
            RouteNetlinkMessage::NewNeighbour(neighbour) => read_neighbour(&neighbour),
            _ => None,
        })?;
        Ok(Self { routes, rules, neighbours })
    }
}

/// Reads links and their addresses.
pub(super) fn links_with_addresses(wire: &mut Wire) -> Result<NetSnapshot, Cause> {
    let mut net = NetSnapshot { links: links(wire)?, ..NetSnapshot::default() };
    let places = places(&net.links);
    for found in addresses(wire, plain::address)? {
        // The kernel asked, somebody else has it, and the link does without: it is not there.
        if found.is_duplicate() {
            continue;
        }
        let Some(link) = places.get(&found.index).and_then(|place| net.links.get_mut(*place)) else {
            continue;
        };
        link.addresses.push(found.address);
        if !found.is_permanent() {
            link.leased.push(found.address);
            link.lifetimes.extend(found.lifetime.map(|l| (found.address, l)));
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
    let messages = wire.dump(&question, Sift::Links, |m| match decode(m)? {
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
    for message in wire.dump(&question, Sift::Nothing, decode)? {
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

/// Reads what `read` makes of each address.
pub(super) fn addresses<T>(wire: &mut Wire, read: impl FnMut(&[u8]) -> Option<T>) -> Result<Vec<T>, Cause> {
    wire.dump(&RouteNetlinkMessage::GetAddress(AddressMessage::default()), Sift::Nothing, read)
}

/// Reads what `read` makes of each route. A kernel that can be asked for a type of them need not list its own, which are most.
pub(super) fn dump_routes<T>(
    wire: &mut Wire,
    mut read: impl FnMut(&[u8]) -> Option<T>,
) -> Result<Vec<T>, Cause> {
    if !wire.is_strict() {
        let question = RouteNetlinkMessage::GetRoute(RouteMessage::default());
        return wire.dump(&question, Sift::Nothing, read);
    }
    let mut found = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        for kind in [RouteType::Unicast, RouteType::BlackHole, RouteType::Unreachable, RouteType::Prohibit] {
            let mut question = RouteMessage::default();
            (question.header.address_family, question.header.kind) = (family, kind);
            let question = RouteNetlinkMessage::GetRoute(question);
            // Where there is no IPv6, whoever asks for it is told about all others.
            let mut one = |m: &[u8]| if plain::is_of(m, family.into()) { read(m) } else { None };
            found.extend(wire.dump(&question, Sift::Nothing, &mut one)?);
        }
    }
    Ok(found)
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

fn read_neighbour(message: &NeighbourMessage) -> Option<(u32, IpAddr, Mac)> {
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
    usable.then_some((message.header.ifindex, ip?, mac?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_needs_no_second_socket() {
        let mut wire = Wire::open().expect("a socket");
        let read = snapshot_over(&mut wire, Err(Cause::Other("too many open files".to_owned())));
        let net = read.expect("is read over the first one");
        assert!(net.links.iter().any(|l| l.name == "lo"));
    }
}
