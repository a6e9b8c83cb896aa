//! The network of the simulated machine: steps change the snapshot as the kernel would.

use std::net::IpAddr;

use super::super::{
    Address, BridgeOptions, Cause, HostError, Link, LinkKind, Mac, NetSnapshot, NetStep, Network, Route,
    RouteOrigin,
};
use super::SimHost;

impl Network for SimHost {
    fn net_snapshot(&self) -> Result<NetSnapshot, HostError> {
        Ok(self.lock().net.clone())
    }

    fn net_step(&self, step: &NetStep) -> Result<(), HostError> {
        let mut state = self.lock();
        let place = step.to_string();
        state.write("take step", &place)?;
        take(&mut state.net, step).map_err(|cause| HostError::new("take step", place, cause))?;
        state.steps.push(step.clone());
        Ok(())
    }
}

pub(super) fn loopback_only() -> NetSnapshot {
    let mut net = NetSnapshot::default();
    let address = Address { ip: IpAddr::from([127, 0, 0, 1]), prefix: 8 };
    push(&mut net, "lo", LinkKind::Loopback, None, 65536);
    if let Some(lo) = net.links.first_mut() {
        lo.up = true;
        lo.addresses.push(address);
    }
    net
}

pub(super) fn add_nic(net: &mut NetSnapshot, name: &str, address: &str, gateway: Option<&str>) {
    let index = push(net, name, LinkKind::Device, None, 1500);
    let address: Address = address.parse().expect("tests give addresses like 10.0.0.1/24");
    if let Some(link) = net.links.iter_mut().find(|l| l.index == index) {
        link.up = true;
        link.addresses.push(address);
    }
    if let Some(gateway) = gateway {
        net.routes.push(Route {
            destination: None,
            gateway: Some(gateway.parse().expect("tests give gateways like 10.0.0.254")),
            link: index,
            source: None,
            metric: None,
            origin: RouteOrigin::Protocol(3),
            v6: !address.ip.is_ipv4(),
        });
    }
}

fn push(net: &mut NetSnapshot, name: &str, kind: LinkKind, mac: Option<Mac>, mtu: u32) -> u32 {
    let index = net.links.iter().map(|l| l.index).max().unwrap_or(0) + 1;
    let last = u8::try_from(index & 0xff).unwrap_or(0);
    let mac = mac.unwrap_or(Mac([0x52, 0x54, 0, 0, 0, last]));
    let mac = (kind != LinkKind::Loopback).then_some(mac);
    net.links.push(Link {
        index,
        name: name.to_owned(),
        kind,
        mac,
        mtu,
        up: false,
        master: None,
        addresses: vec![],
    });
    index
}

fn take(net: &mut NetSnapshot, step: &NetStep) -> Result<(), Cause> {
    let index = |net: &NetSnapshot, name: &str| net.link(name).map(|l| l.index).ok_or(Cause::NotFound);
    match step {
        NetStep::CreateBridge { name, mac, mtu, options } => {
            if net.link(name).is_some() {
                return Err(Cause::Exists);
            }
            push(net, name, LinkKind::Bridge(*options), *mac, mtu.unwrap_or(1500));
            link(net, name)?.up = true;
        }
        NetStep::CreateVeth { name, peer } => {
            if net.link(name).is_some() || net.link(peer).is_some() {
                return Err(Cause::Exists);
            }
            let a = push(net, name, LinkKind::Veth { peer: None }, None, 1500);
            let b = push(net, peer, LinkKind::Veth { peer: Some(a) }, None, 1500);
            link(net, name)?.kind = LinkKind::Veth { peer: Some(b) };
        }
        NetStep::DeleteLink { name } => {
            let gone = index(net, name)?;
            let pair = match net.link(name).map(|l| &l.kind) {
                Some(LinkKind::Veth { peer }) => *peer,
                _ => None,
            };
            net.links.retain(|l| l.index != gone && Some(l.index) != pair);
            net.routes.retain(|r| r.link != gone);
            for l in &mut net.links {
                l.master = l.master.filter(|m| *m != gone);
            }
        }
        NetStep::SetBridge { name, options } => set_bridge(link(net, name)?, *options)?,
        NetStep::SetMaster { link: port, master } => {
            let master = master.as_ref().map(|m| index(net, m)).transpose()?;
            link(net, port)?.master = master;
        }
        NetStep::SetUp { link: name, up } => link(net, name)?.up = *up,
        NetStep::SetMtu { link: name, mtu } => link(net, name)?.mtu = *mtu,
        NetStep::SetMac { link: name, mac } => link(net, name)?.mac = Some(*mac),
        NetStep::AddAddress { link: name, address } | NetStep::CopyAddress { to: name, address, .. } => {
            let addresses = &mut link(net, name)?.addresses;
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        NetStep::DeleteAddress { link: name, address } => {
            let addresses = &mut link(net, name)?.addresses;
            let place = addresses.iter().position(|a| a == address).ok_or(Cause::NotFound)?;
            addresses.remove(place);
        }
        NetStep::CopyNeighbour { to, .. } => {
            index(net, to)?;
        }
        NetStep::MoveRoute { route, to } => {
            let to = index(net, to)?;
            // As the kernel replaces: by what makes a route itself, not by where it leads now.
            let same = |r: &&mut Route| {
                (r.destination, r.metric, r.v6) == (route.destination, route.metric, route.v6)
            };
            let found = net.routes.iter_mut().find(same).ok_or(Cause::NotFound)?;
            found.link = to;
        }
    }
    Ok(())
}

fn link<'a>(net: &'a mut NetSnapshot, name: &str) -> Result<&'a mut Link, Cause> {
    net.links.iter_mut().find(|l| l.name == name).ok_or(Cause::NotFound)
}

fn set_bridge(link: &mut Link, options: BridgeOptions) -> Result<(), Cause> {
    match &mut link.kind {
        LinkKind::Bridge(have) => *have = options,
        _ => return Err(Cause::Other(format!("{} is no bridge", link.name))),
    }
    Ok(())
}
