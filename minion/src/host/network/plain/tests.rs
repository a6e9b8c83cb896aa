//! What is read from bytes is what the library reads from them, of messages that it writes and of those of a kernel.

use proptest::prelude::*;
use rtnetlink::packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope, CacheInfo,
};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteType,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::super::sift::Sift;
use super::super::wire::{Wire, decode};
use super::*;

/// How many of the recorded messages are of addresses and routes that a snapshot holds.
const OURS: usize = 42;

fn bytes(message: RouteNetlinkMessage) -> Vec<u8> {
    let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn as_route(ip: IpAddr) -> RouteAddress {
    match ip {
        IpAddr::V4(ip) => RouteAddress::Inet(ip),
        IpAddr::V6(ip) => RouteAddress::Inet6(ip),
    }
}

fn named(index: u32) -> Option<String> {
    (index != 0).then(|| format!("eth{index}"))
}

/// What the library makes of a message, as the snapshot means it.
mod library {
    use super::*;

    pub(super) fn address(message: &AddressMessage) -> Option<KernelAddress> {
        let (mut local, mut other, mut lifetime) = (None, None, None);
        let mut flags = u32::from(message.header.flags.bits());
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Local(ip) => local = Some(*ip),
                AddressAttribute::Address(ip) => other = Some(*ip),
                AddressAttribute::CacheInfo(ends) => {
                    lifetime = Some(Lifetime { preferred: ends.ifa_preferred, valid: ends.ifa_valid });
                }
                AddressAttribute::Flags(long) => flags = long.bits(),
                _ => {}
            }
        }
        let ip = local.or(other)?;
        let AddressMessage { header, .. } = message;
        let ours = match header.scope {
            AddressScope::Link => false,
            AddressScope::Universe | AddressScope::Site => true,
            _ => ip.is_loopback(),
        };
        let address = Address { ip, prefix: header.prefix_len };
        ours.then_some(KernelAddress { index: header.index, address, lifetime, flags })
    }

    pub(super) fn route(message: &RouteMessage) -> Option<Route> {
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
                    let prefix = header.destination_prefix_length;
                    route.destination = ip(to).map(|ip| Address { ip, prefix });
                }
                RouteAttribute::Gateway(via) => route.gateway = ip(via),
                RouteAttribute::Oif(index) if kind == RouteKind::Unicast => route.link = Some(named(*index)?),
                RouteAttribute::PrefSource(from) => route.source = ip(from),
                RouteAttribute::Priority(number) => route.metric = Some(*number),
                RouteAttribute::Table(table) => route.table = *table,
                RouteAttribute::Metrics(metrics) => {
                    let mtu = |m: &_| if let RouteMetric::Mtu(mtu) = m { Some(*mtu) } else { None };
                    route.mtu = metrics.iter().rev().find_map(mtu);
                }
                _ => {}
            }
        }
        let sends = kind == RouteKind::Unicast;
        (route.table != LOCAL_TABLE && (route.link.is_some() || !sends)).then_some(route)
    }

    fn ip(address: &RouteAddress) -> Option<IpAddr> {
        match address {
            RouteAddress::Inet(ip) => Some(IpAddr::V4(*ip)),
            RouteAddress::Inet6(ip) => Some(IpAddr::V6(*ip)),
            _ => None,
        }
    }
}

/// Compares what is read from a message with what the library reads, where that understands it. Tells whether it is ours.
fn agrees(message: &[u8]) -> bool {
    match decode(message) {
        Some(RouteNetlinkMessage::NewAddress(told)) => {
            let found = address(message);
            assert_eq!(found, library::address(&told), "{told:?}");
            found.is_some()
        }
        Some(RouteNetlinkMessage::NewRoute(told)) => {
            let found = read_route(message);
            assert_eq!(found, library::route(&told), "{told:?}");
            found.is_some()
        }
        _ => {
            let _ = (address(message), read_route(message));
            false
        }
    }
}

/// What Linux 6.18 answered about addresses and routes of many sorts, a message a line.
fn recorded() -> Vec<Vec<u8>> {
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("is text");
        u8::from_str_radix(text, 16).expect("is a number")
    };
    let message = |line: &str| line.as_bytes().chunks(2).map(byte).collect();
    include_str!("linux-6.18.hex").lines().map(message).collect()
}

#[test]
fn a_kernels_messages_are_read_as_the_library_reads_them() {
    let of_ours = recorded().iter().filter(|m| agrees(m)).count();
    assert_eq!(of_ours, OURS);
}

/// This machine's own, whatever they are.
#[test]
fn the_present_kernels_messages_are_read_as_the_library_reads_them() {
    let mut wire = Wire::open().expect("a socket");
    let questions = [
        RouteNetlinkMessage::GetAddress(AddressMessage::default()),
        RouteNetlinkMessage::GetRoute(RouteMessage::default()),
    ];
    for question in questions {
        let all = wire.dump(&question, Sift::Nothing, |m| Some(m.to_vec())).expect("it answers");
        all.iter().for_each(|m| _ = agrees(m));
    }
}

fn read_route(message: &[u8]) -> Option<Route> {
    route(message)?.named(named)
}

fn any_route() -> impl Strategy<Value = (Route, u32)> {
    let ip = |v6: bool| {
        if v6 {
            any::<[u8; 16]>().prop_map(IpAddr::from).boxed()
        } else {
            any::<[u8; 4]>().prop_map(IpAddr::from).boxed()
        }
    };
    let kind = prop_oneof![
        Just(RouteKind::Unicast),
        Just(RouteKind::Blackhole),
        Just(RouteKind::Unreachable),
        Just(RouteKind::Prohibit)
    ];
    let addresses = any::<bool>().prop_flat_map(move |v6| {
        let some = || proptest::option::of(ip(v6));
        (Just(v6), some(), some(), some(), 0..=32u8)
    });
    let numbers = (any::<Option<u32>>(), any::<Option<u32>>(), 256..u32::MAX, 1..u32::MAX, any::<u8>());
    (addresses, kind, numbers, any::<bool>()).prop_map(|(addresses, kind, numbers, onlink)| {
        let (v6, to, gateway, source, prefix) = addresses;
        let (metric, mtu, table, index, origin) = numbers;
        let route = Route {
            destination: to.map(|ip| Address { ip, prefix }),
            gateway,
            link: named(index).filter(|_| kind == RouteKind::Unicast),
            source,
            metric,
            table,
            kind,
            onlink,
            mtu,
            origin: Protocol(origin),
            v6,
        };
        (route, index)
    })
}

fn route_message(route: &Route, index: u32) -> RouteMessage {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = if route.v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    header.protocol = route.origin.0.into();
    header.kind = match route.kind {
        RouteKind::Unicast => RouteType::Unicast,
        RouteKind::Blackhole => RouteType::BlackHole,
        RouteKind::Unreachable => RouteType::Unreachable,
        RouteKind::Prohibit => RouteType::Prohibit,
    };
    header.flags.set(RouteFlags::Onlink, route.onlink);
    header.destination_prefix_length = route.destination.map_or(0, |to| to.prefix);
    let out = &mut message.attributes;
    out.push(RouteAttribute::Table(route.table));
    out.extend(route.destination.map(|to| RouteAttribute::Destination(as_route(to.ip))));
    out.extend(route.gateway.map(|ip| RouteAttribute::Gateway(as_route(ip))));
    out.extend(route.source.map(|ip| RouteAttribute::PrefSource(as_route(ip))));
    out.extend(route.metric.map(RouteAttribute::Priority));
    let metrics = |mtu| RouteAttribute::Metrics(vec![RouteMetric::Advmss(7), RouteMetric::Mtu(mtu)]);
    out.extend(route.mtu.map(metrics));
    out.push(RouteAttribute::Oif(index));
    message
}

fn address_message(ip: IpAddr, scope: AddressScope) -> AddressMessage {
    let mut message = AddressMessage::default();
    (message.header.family, message.header.prefix_len) = (family(ip), 24);
    (message.header.scope, message.header.index) = (scope, 7);
    message.attributes.push(AddressAttribute::Address(ip));
    message
}

#[test]
fn what_the_kernel_keeps_for_itself_is_no_route_of_ours() {
    let read = |change: fn(&mut RouteMessage)| {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        message.header.kind = RouteType::Unicast;
        message.header.table = 254;
        message.attributes.push(RouteAttribute::Oif(1));
        change(&mut message);
        read_route(&bytes(RouteNetlinkMessage::NewRoute(message)))
    };
    assert_eq!(read(|_| {}).map(|r| (r.table, r.link)), Some((254, Some("eth1".to_owned()))));
    assert_eq!(read(|m| m.header.table = 255), None);
    assert_eq!(read(|m| m.header.kind = RouteType::Local), None);
    assert_eq!(read(|m| m.header.flags |= RouteFlags::Cloned), None);
    assert_eq!(read(|m| m.header.address_family = AddressFamily::Bridge), None);
    assert_eq!(read(|m| m.attributes.clear()), None, "it leads nowhere");
    assert_eq!(read(|m| m.attributes = vec![RouteAttribute::Oif(0)]), None, "by a link that is not there");
}

#[test]
fn an_address_is_read_with_its_lifetime_and_what_the_kernel_found_out() {
    let ip: IpAddr = [10, 0, 0, 1].into();
    let read = |message: &AddressMessage| address(&bytes(RouteNetlinkMessage::NewAddress(message.clone())));
    let mut message = address_message(ip, AddressScope::Universe);
    message.header.flags = AddressHeaderFlags::Permanent;
    let found = read(&message).expect("is ours");
    assert_eq!((found.index, found.address, found.lifetime), (7, Address { ip, prefix: 24 }, None));
    assert!(found.is_permanent() && !found.is_duplicate());

    // The other end of a link between two comes as the address, this end as the local one; long flags replace the short ones.
    let mut ends = CacheInfo::default();
    (ends.ifa_preferred, ends.ifa_valid) = (60, 120);
    message.attributes.push(AddressAttribute::Local([10, 0, 0, 2].into()));
    message.attributes.push(AddressAttribute::CacheInfo(ends));
    message.attributes.push(AddressAttribute::Flags(AddressFlags::Tentative));
    let found = read(&message).expect("is ours");
    assert_eq!(found.address.ip, IpAddr::from([10, 0, 0, 2]));
    assert_eq!(found.lifetime, Some(Lifetime { preferred: 60, valid: 120 }));
    assert!(!found.is_permanent() && !found.is_duplicate());

    *message.attributes.last_mut().expect("flags") =
        AddressAttribute::Flags(AddressFlags::Tentative | AddressFlags::Dadfailed);
    let found = read(&message).expect("is ours");
    assert!(found.is_duplicate());
}

#[test]
fn an_address_for_one_link_is_the_kernels_and_the_loopbacks_is_not() {
    let read = |ip: IpAddr, scope| {
        address(&bytes(RouteNetlinkMessage::NewAddress(address_message(ip, scope)))).is_some()
    };
    assert!(!read([169, 254, 0, 1].into(), AddressScope::Link));
    assert!(read([127, 0, 0, 1].into(), AddressScope::Host));
    assert!(read([10, 0, 0, 1].into(), AddressScope::Site));
}

proptest! {
    #[test]
    fn a_route_is_read_as_the_library_wrote_it((wanted, index) in any_route()) {
        let message = bytes(RouteNetlinkMessage::NewRoute(route_message(&wanted, index)));
        prop_assert_eq!(read_route(&message), Some(wanted));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(message in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (address(&message), read_route(&message));
        prop_assert!(attributes(&message).count() <= message.len());
    }

    #[test]
    fn what_the_library_reads_is_read_alike_whatever_bytes_are_others(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let all = recorded();
        let mut message = all[which.index(all.len())].clone();
        for (at, byte) in changes {
            // The header of the message is the wire's affair.
            let at = HEADER + at.index(message.len() - HEADER);
            message[at] = byte;
        }
        if is_cut {
            message.truncate(HEADER + cut.index(message.len() - HEADER));
            let length = u32::try_from(message.len()).expect("is short");
            message[..4].copy_from_slice(&length.to_ne_bytes());
        }
        agrees(&message);
    }
}
