//! The network of this machine over netlink. The only module that names rtnetlink's types, which change every few
//! months.
//!
//! Each call opens a connection of its own on a runtime of its own: calls are rare, come from worker threads, and must
//! see the network namespace of the thread that asks.

use std::fs;
use std::future::Future;
use std::net::IpAddr;
use std::path::Path;

use futures_util::StreamExt;
use lab_states::host::{
    Address, BridgeOptions, Cause, HostError, Link, LinkKind, Mac, Neighbour, NetSnapshot, NetStep, Network,
    Route, RouteOrigin,
};
use rtnetlink::packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use rtnetlink::packet_route::link::{
    BridgeStpState, InfoBridge, InfoData, InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol, RouteType,
};
use rtnetlink::{Handle, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth};

use super::LinuxHost;

/// How often a dump that the kernel interrupted (something changed meanwhile) is begun again.
const DUMP_ATTEMPTS: usize = 8;

impl Network for LinuxHost {
    fn net_snapshot(&self) -> Result<NetSnapshot, HostError> {
        block_on(|mut handle| async move { snapshot(&mut handle).await })
            .map_err(|cause| HostError::new("read", "the network", cause))
    }

    fn net_step(&self, step: &NetStep) -> Result<(), HostError> {
        block_on(|mut handle| async move { take(&mut handle, step).await })
            .map_err(|cause| HostError::new("take step", step.to_string(), cause))
    }
}

fn block_on<T, F>(work: impl FnOnce(Handle) -> F) -> Result<T, Cause>
where
    F: Future<Output = Result<T, Cause>>,
{
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(|e| Cause::from(&e))?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(|e| Cause::from(&e))?;
        let driver = tokio::spawn(connection);
        let result = work(handle).await;
        driver.abort();
        result
    })
}

fn refused(e: rtnetlink::Error) -> Cause {
    match e {
        rtnetlink::Error::NetlinkError(e) => Cause::from(&e.to_io()),
        other => Cause::Other(other.to_string()),
    }
}

/// Reads a whole table; begins again when the kernel says that it changed under the reader's hands.
async fn dump(handle: &mut Handle, what: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, Cause> {
    for _ in 0..DUMP_ATTEMPTS {
        let mut request = NetlinkMessage::from(what.clone());
        request.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let mut answers = handle.request(request).map_err(refused)?;
        let (mut found, mut interrupted) = (Vec::new(), false);
        while let Some(answer) = answers.next().await {
            interrupted |= answer.header.flags & NLM_F_DUMP_INTR != 0;
            match answer.payload {
                NetlinkPayload::InnerMessage(message) => found.push(message),
                NetlinkPayload::Error(e) => return Err(Cause::from(&e.to_io())),
                _ => {}
            }
        }
        if !interrupted {
            return Ok(found);
        }
    }
    Err(Cause::Other(format!("it changed during each of {DUMP_ATTEMPTS} attempts to read it")))
}

async fn links(handle: &mut Handle) -> Result<Vec<LinkMessage>, Cause> {
    let found = dump(handle, RouteNetlinkMessage::GetLink(LinkMessage::default())).await?;
    let link = |m| if let RouteNetlinkMessage::NewLink(link) = m { Some(link) } else { None };
    Ok(found.into_iter().filter_map(link).collect())
}

async fn addresses(handle: &mut Handle) -> Result<Vec<AddressMessage>, Cause> {
    let found = dump(handle, RouteNetlinkMessage::GetAddress(AddressMessage::default())).await?;
    let address = |m| if let RouteNetlinkMessage::NewAddress(address) = m { Some(address) } else { None };
    Ok(found.into_iter().filter_map(address).collect())
}

async fn routes(handle: &mut Handle) -> Result<Vec<RouteMessage>, Cause> {
    let found = dump(handle, RouteNetlinkMessage::GetRoute(RouteMessage::default())).await?;
    let route = |m| if let RouteNetlinkMessage::NewRoute(route) = m { Some(route) } else { None };
    Ok(found.into_iter().filter_map(route).collect())
}

async fn snapshot(handle: &mut Handle) -> Result<NetSnapshot, Cause> {
    let mut net = NetSnapshot::default();
    net.links.extend(links(handle).await?.iter().map(read_link));
    net.links.sort_by_key(|l| l.index);
    for message in addresses(handle).await? {
        let link = net.links.iter_mut().find(|l| l.index == message.header.index);
        if let (Some(link), Some(address)) = (link, read_address(&message)) {
            link.addresses.push(address);
        }
    }
    net.routes.extend(routes(handle).await?.iter().filter_map(read_route));
    let found = dump(handle, RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default())).await?;
    for message in found {
        if let RouteNetlinkMessage::NewNeighbour(message) = message {
            net.neighbours.extend(read_neighbour(&message));
        }
    }
    Ok(net)
}

fn read_link(message: &LinkMessage) -> Link {
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        kind: LinkKind::Device,
        mac: None,
        mtu: 0,
        up: message.header.flags.contains(LinkFlags::Up),
        master: None,
        addresses: Vec::new(),
    };
    if message.header.flags.contains(LinkFlags::Loopback) {
        link.kind = LinkKind::Loopback;
    }
    let mut peer = None;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::Controller(index) => link.master = Some(*index),
            LinkAttribute::Link(index) => peer = Some(*index),
            LinkAttribute::Address(bytes) if link.kind != LinkKind::Loopback => {
                link.mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(Mac);
            }
            LinkAttribute::LinkInfo(infos) => link.kind = read_kind(infos),
            _ => {}
        }
    }
    if let LinkKind::Veth { peer: end } = &mut link.kind {
        *end = peer;
    }
    link
}

fn read_kind(infos: &[LinkInfo]) -> LinkKind {
    let mut kind = LinkKind::Device;
    let mut options = BridgeOptions::default();
    for info in infos {
        match info {
            LinkInfo::Kind(InfoKind::Bridge) => kind = LinkKind::Bridge(options),
            LinkInfo::Kind(InfoKind::Veth) => kind = LinkKind::Veth { peer: None },
            LinkInfo::Kind(other) => kind = LinkKind::Other(other.to_string()),
            LinkInfo::Data(InfoData::Bridge(data)) => options = read_bridge(data),
            _ => {}
        }
    }
    if let LinkKind::Bridge(have) = &mut kind {
        *have = options;
    }
    kind
}

fn read_bridge(data: &[InfoBridge]) -> BridgeOptions {
    let mut options = BridgeOptions::default();
    for item in data {
        match item {
            InfoBridge::StpState(state) => options.stp = *state != BridgeStpState::Disabled,
            InfoBridge::ForwardDelay(time) => options.forward_delay = *time,
            InfoBridge::HelloTime(time) => options.hello_time = *time,
            InfoBridge::MaxAge(time) => options.max_age = *time,
            InfoBridge::Priority(priority) => options.priority = *priority,
            _ => {}
        }
    }
    options
}

/// Reads an address that is ours to care for: link-local and host-only ones belong to the kernel.
fn read_address(message: &AddressMessage) -> Option<Address> {
    if !matches!(message.header.scope, AddressScope::Universe | AddressScope::Site) && !is_loopback(message) {
        return None;
    }
    Some(Address { ip: own_ip(message)?, prefix: message.header.prefix_len })
}

fn is_loopback(message: &AddressMessage) -> bool {
    own_ip(message).is_some_and(|ip| ip.is_loopback())
}

fn own_ip(message: &AddressMessage) -> Option<IpAddr> {
    let local = message
        .attributes
        .iter()
        .find_map(|a| if let AddressAttribute::Local(ip) = a { Some(*ip) } else { None });
    local.or_else(|| {
        message
            .attributes
            .iter()
            .find_map(|a| if let AddressAttribute::Address(ip) = a { Some(*ip) } else { None })
    })
}

/// Reads a unicast route of the main table that leaves by one link.
fn read_route(message: &RouteMessage) -> Option<Route> {
    let header = &message.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return None;
    }
    let (mut destination, mut gateway, mut link, mut source, mut metric) = (None, None, None, None, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => destination = ip(to),
            RouteAttribute::Gateway(via) => gateway = ip(via),
            RouteAttribute::Oif(index) => link = Some(*index),
            RouteAttribute::PrefSource(from) => source = ip(from),
            RouteAttribute::Priority(number) => metric = Some(*number),
            _ => {}
        }
    }
    let origin = match header.protocol {
        RouteProtocol::Kernel => RouteOrigin::Kernel,
        other => RouteOrigin::Protocol(other.into()),
    };
    let prefix = header.destination_prefix_length;
    let v6 = header.address_family == rtnetlink::packet_route::AddressFamily::Inet6;
    let destination = destination.map(|ip| Address { ip, prefix });
    Some(Route { destination, gateway, link: link?, source, metric, origin, v6 })
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some(IpAddr::V4(*ip)),
        RouteAddress::Inet6(ip) => Some(IpAddr::V6(*ip)),
        _ => None,
    }
}

fn read_neighbour(message: &NeighbourMessage) -> Option<Neighbour> {
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
    usable.then_some(Neighbour { ip: ip?, mac: mac?, link: message.header.ifindex })
}

async fn take(handle: &mut Handle, step: &NetStep) -> Result<(), Cause> {
    match step {
        NetStep::CreateBridge { name, mac, mtu, options } => {
            let mut bridge = bridge_options(LinkBridge::new(name), *options);
            if let Some(mac) = mac {
                bridge = bridge.address(mac.0.to_vec());
            }
            if let Some(mtu) = mtu {
                bridge = bridge.mtu(*mtu);
            }
            handle.link().add(bridge.build()).execute().await.map_err(refused)
        }
        NetStep::CreateVeth { name, peer } => {
            handle.link().add(LinkVeth::new(name, peer).build()).execute().await.map_err(refused)
        }
        NetStep::DeleteLink { name } => {
            let index = index(handle, name).await?;
            handle.link().del(index).execute().await.map_err(refused)
        }
        NetStep::SetBridge { name, options } => {
            // Not by `LinkBridge::new`, which would switch the bridge on as well.
            let bridge = bridge_options(LinkMessageBuilder::<LinkBridge>::new(name), *options);
            handle.link().change(bridge.build()).execute().await.map_err(refused)
        }
        NetStep::SetMaster { link, master } => {
            let port = LinkUnspec::new_with_index(index(handle, link).await?);
            let port = match master {
                Some(master) => port.controller(index(handle, master).await?),
                None => port.nocontroller(),
            };
            handle.link().set(port.build()).execute().await.map_err(refused)
        }
        NetStep::SetUp { link, up } => {
            let message = LinkUnspec::new_with_index(index(handle, link).await?);
            let message = if *up { message.up() } else { message.down() };
            handle.link().set(message.build()).execute().await.map_err(refused)
        }
        NetStep::SetMtu { link, mtu } => {
            let message = LinkUnspec::new_with_index(index(handle, link).await?).mtu(*mtu);
            handle.link().set(message.build()).execute().await.map_err(refused)
        }
        NetStep::SetMac { link, mac } => {
            let message = LinkUnspec::new_with_index(index(handle, link).await?).address(mac.0.to_vec());
            handle.link().set(message.build()).execute().await.map_err(refused)
        }
        NetStep::AddAddress { link, address } => {
            let index = index(handle, link).await?;
            let request = handle.address().add(index, address.ip, address.prefix).replace();
            request.execute().await.map_err(refused)
        }
        NetStep::CopyAddress { from, to, address } => copy_address(handle, from, to, address).await,
        NetStep::DeleteAddress { link, address } => delete_address(handle, link, address).await,
        NetStep::CopyNeighbour { to, ip, mac } => {
            let index = index(handle, to).await?;
            let request = handle.neighbours().add(index, *ip).link_layer_address(&mac.0);
            request.state(NeighbourState::Stale).replace().execute().await.map_err(refused)
        }
        NetStep::MoveRoute { route, to } => move_route(handle, route, to).await,
    }
}

fn bridge_options(
    bridge: LinkMessageBuilder<LinkBridge>,
    options: BridgeOptions,
) -> LinkMessageBuilder<LinkBridge> {
    let BridgeOptions { stp, forward_delay, hello_time, max_age, priority } = options;
    bridge
        .forward_delay(forward_delay)
        .hello_time(hello_time)
        .max_age(max_age)
        .priority(priority)
        .stp_state(if stp { BridgeStpState::KernelStp } else { BridgeStpState::Disabled })
}

async fn index(handle: &mut Handle, name: &str) -> Result<u32, Cause> {
    let found = links(handle).await?.iter().map(read_link).find(|l| l.name == name);
    found.map(|l| l.index).ok_or_else(|| Cause::Other(format!("there is no link {name}")))
}

async fn raw_address(handle: &mut Handle, link: &str, address: &Address) -> Result<AddressMessage, Cause> {
    let index = index(handle, link).await?;
    let all = addresses(handle).await?;
    all.into_iter()
        .find(|m| m.header.index == index && read_address(m).as_ref() == Some(address))
        .ok_or_else(|| Cause::Other(format!("{link} has no address {address}")))
}

async fn copy_address(handle: &mut Handle, from: &str, to: &str, address: &Address) -> Result<(), Cause> {
    let old = raw_address(handle, from, address).await?;
    let target = index(handle, to).await?;
    let mut request = handle.address().add(target, address.ip, address.prefix).replace();
    let message = request.message_mut();
    // Duplicate detection would hold the address back while the old link still has it. The flag that keeps the kernel
    // from making the prefix route is not copied: networkd inherits it later and the default route is lost for good.
    message.header.flags = AddressHeaderFlags::Nodad;
    message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    let kept = old
        .attributes
        .into_iter()
        .filter(|a| matches!(a, AddressAttribute::CacheInfo(_) | AddressAttribute::RoutePriority(_)));
    message.attributes.extend(kept);
    request.execute().await.map_err(refused)
}

async fn delete_address(handle: &mut Handle, link: &str, address: &Address) -> Result<(), Cause> {
    if address.ip.is_ipv4() {
        // Without this the kernel drops all other addresses of the same network with the first one.
        let path = format!("/proc/sys/net/ipv4/conf/{link}/promote_secondaries");
        if Path::new(&path).exists() {
            fs::write(&path, "1").map_err(|e| Cause::from(&e))?;
        }
    }
    let message = raw_address(handle, link, address).await?;
    handle.address().del(message).execute().await.map_err(refused)
}

async fn move_route(handle: &mut Handle, route: &Route, to: &str) -> Result<(), Cause> {
    let target = index(handle, to).await?;
    let all = routes(handle).await?;
    // Found by what makes a route itself, so that a moved route can be moved back.
    let same = |r: Route| (r.destination, r.metric, r.v6) == (route.destination, route.metric, route.v6);
    let mut message = all
        .into_iter()
        .find(|m| read_route(m).is_some_and(same))
        .ok_or_else(|| Cause::Other("the route is not there any more".to_owned()))?;
    // What the kernel reports about a route's state is not its to be told.
    message.header.flags &= RouteFlags::Onlink;
    message.attributes.retain(|a| !matches!(a, RouteAttribute::CacheInfo(_)));
    for attribute in &mut message.attributes {
        if let RouteAttribute::Oif(index) = attribute {
            *index = target;
        }
    }
    let mut request = handle.route().add(message);
    request = request.replace();
    request.execute().await.map_err(refused)
}
