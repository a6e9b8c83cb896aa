//! A model of the kernel: what it does about a step, and which steps it refuses. The planner works on it, the simulated
//! host is it, and real kernels are compared with it in namespaces.

use std::collections::BTreeMap;

use crate::host::{
    Address, Cause, Link, LinkKind, MAIN_TABLE, Mac, NetSnapshot, NetStep, NewLink, PortState, PortVlan,
    Protocol, Route, RouteKind,
};

/// What a new bridge and each new port of one are in, also while the bridge does not filter.
pub(super) const FIRST_VLAN: PortVlan = PortVlan { id: 1, pvid: true, untagged: true };

pub(crate) fn push<'a>(
    net: &'a mut NetSnapshot,
    name: &str,
    kind: LinkKind,
    mac: Option<Mac>,
    mtu: u32,
) -> &'a mut Link {
    let index = net.links.iter().map(|l| l.index).max().unwrap_or(0) + 1;
    let mac = (kind != LinkKind::Loopback).then(|| mac.unwrap_or_else(|| made_up(index)));
    net.links.push(Link {
        index,
        name: name.to_owned(),
        alias: None,
        kind,
        mac,
        mtu,
        up: false,
        carrier: false,
        promisc: false,
        master: None,
        port_state: None,
        vlans: vec![],
        addresses: vec![],
        leased: vec![],
        lifetimes: BTreeMap::new(),
    });
    net.links.last_mut().expect("just pushed")
}

/// Carries out a step.
///
/// # Errors
/// When a kernel would refuse it.
pub fn take(net: &mut NetSnapshot, step: &NetStep) -> Result<(), Cause> {
    match step {
        NetStep::CreateLink(new) => create(net, new)?,
        NetStep::DeleteLink { name } => delete(net, name)?,
        NetStep::SetBridge { name, options } => match &mut link(net, name)?.kind {
            LinkKind::Bridge(have) => *have = *options,
            _ => return Err(other(format!("{name} is no bridge"))),
        },
        NetStep::SetBond { name, options, primary } => {
            let ports = net.ports_of(name).count();
            match &mut link(net, name)?.kind {
                LinkKind::Bond { options: have, primary: first } => {
                    if have.mode != options.mode && ports > 0 {
                        return Err(other("Unable to change bond mode: it has ports".to_owned()));
                    }
                    (*have, *first) = (*options, primary.clone());
                }
                _ => return Err(other(format!("{name} is no bond"))),
            }
        }
        NetStep::SetTap { name, options } => match &mut link(net, name)?.kind {
            LinkKind::Tap(have) => *have = *options,
            _ => return Err(other(format!("{name} is no tap"))),
        },
        NetStep::SetMaster { link: port, master } => set_master(net, port, master.as_deref())?,
        NetStep::SetUp { link: name, up } => set_up(net, name, *up)?,
        NetStep::SetMtu { link: name, mtu } => {
            if let Some(lower) = link(net, name)?.kind.lower().map(str::to_owned)
                && link(net, &lower)?.mtu < *mtu
            {
                return Err(other("Numerical result out of range".to_owned()));
            }
            link(net, name)?.mtu = *mtu;
        }
        NetStep::SetMac { link: name, mac } => link(net, name)?.mac = Some(*mac),
        NetStep::SetAlias { link: name, alias } => link(net, name)?.alias.clone_from(alias),
        NetStep::SetPromisc { link: name, on } => link(net, name)?.promisc = *on,
        NetStep::AddPortVlan { link: name, vlan, .. } => add_port_vlan(link(net, name)?, *vlan),
        NetStep::DeletePortVlan { link: name, vlan, .. } => {
            link(net, name)?.vlans.retain(|v| v.id != vlan.id)
        }
        NetStep::AddAddress { link: name, address } => add_address(net, name, *address)?,
        NetStep::AddLease { link: name, address, lifetime } => {
            add_address(net, name, *address)?;
            let have = link(net, name)?;
            have.leased.push(*address);
            have.lifetimes.insert(*address, *lifetime);
        }
        NetStep::CopyAddress { from, to, address } => {
            if !link(net, from)?.addresses.contains(address) {
                return Err(other(format!("{from} has no address {address}")));
            }
            let source = link(net, from)?;
            let (leased, lifetime) =
                (source.leased.contains(address), source.lifetimes.get(address).copied());
            add_address(net, to, *address)?;
            let target = link(net, to)?;
            target.leased.extend(leased.then_some(*address));
            target.lifetimes.extend(lifetime.map(|l| (*address, l)));
        }
        NetStep::DeleteAddress { link: name, address } => delete_address(net, name, *address)?,
        NetStep::CopyNeighbour { to, .. } => drop(link(net, to)?),
        NetStep::AwaitOperational { link: name } => link(net, name)?.carrier = true,
        NetStep::AddRoute { route } => add_route(net, route)?,
        NetStep::ReplaceRoute { old, new } => {
            let place = place(net, old)?;
            usable(net, new)?;
            net.routes[place] = new.clone();
        }
        NetStep::MoveRoute { route, to } => {
            link(net, to)?;
            // As the kernel replaces: by what makes a route itself, not by where it leads now.
            let place = place(net, route)?;
            let moved = Route { link: Some(to.clone()), ..net.routes[place].clone() };
            usable(net, &moved)?;
            net.routes[place] = moved;
        }
        NetStep::DeleteRoute { route } => {
            let place = place(net, route)?;
            net.routes.remove(place);
        }
        NetStep::AddRule { rule } => {
            if net.rules.iter().any(|r| r.is(rule)) {
                return Err(Cause::Exists);
            }
            net.rules.push(rule.clone());
        }
        NetStep::DeleteRule { rule } => {
            let place = net.rules.iter().position(|r| r.is(rule)).ok_or(Cause::NotFound)?;
            net.rules.remove(place);
        }
        NetStep::LoadModule { name, options } => {
            net.modules.insert(name.clone(), options.clone());
        }
        NetStep::UnloadModule { name } => {
            net.modules.remove(name).ok_or(Cause::NotFound)?;
        }
        NetStep::SetSysctl { key, value } => {
            net.sysctls.insert(key.clone(), value.clone());
        }
        NetStep::WriteFile { path, content } => {
            net.files.remove(path);
            net.files.extend(content.clone().map(|c| (path.clone(), c)));
        }
        NetStep::RestartService { .. } => {}
    }
    Ok(())
}

fn other(text: String) -> Cause {
    Cause::Other(text)
}

fn link<'a>(net: &'a mut NetSnapshot, name: &str) -> Result<&'a mut Link, Cause> {
    let found = net.links.iter_mut().find(|l| l.name == name);
    found.ok_or_else(|| other(format!("there is no link {name}")))
}

fn made_up(index: u32) -> Mac {
    let [_, _, high, low] = index.to_be_bytes();
    Mac([0x52, 0x54, 0, 0, high, low])
}

fn create(net: &mut NetSnapshot, new: &NewLink) -> Result<(), Cause> {
    let NewLink { name, kind, mac, mtu, alias, up } = new;
    if net.link(name).is_some() {
        return Err(Cause::Exists);
    }
    let lower = match kind.lower() {
        Some(lower) => Some(link(net, lower)?.clone()),
        None => None,
    };
    if let LinkKind::Vlan { link: lower, id } = kind
        && net
            .links
            .iter()
            .any(|l| matches!(&l.kind, LinkKind::Vlan { link, id: n } if link == lower && n == id))
    {
        return Err(Cause::Exists);
    }
    if let LinkKind::Veth { peer: Some(peer) } = kind {
        if net.link(peer).is_some() {
            return Err(Cause::Exists);
        }
        push(net, peer, LinkKind::Veth { peer: Some(name.clone()) }, None, mtu.unwrap_or(1500));
    }
    let most = lower.as_ref().map_or(65535, |l| l.mtu);
    let mtu = mtu.unwrap_or(most.min(1500));
    if mtu > most {
        return Err(other("Numerical result out of range".to_owned()));
    }
    let mac = mac.or(lower.and_then(|l| l.mac.filter(|_| matches!(kind, LinkKind::Vlan { .. }))));
    let made = push(net, name, kind.clone(), mac, mtu);
    made.alias.clone_from(alias);
    made.up = *up;
    if matches!(kind, LinkKind::Bridge(_)) {
        made.vlans = vec![FIRST_VLAN];
    }
    Ok(())
}

fn delete(net: &mut NetSnapshot, name: &str) -> Result<(), Cause> {
    let kind = link(net, name)?.kind.clone();
    if matches!(kind, LinkKind::Device | LinkKind::Loopback) {
        return Err(other("Operation not supported".to_owned()));
    }
    if matches!(kind, LinkKind::Bond { .. }) {
        let ports: Vec<String> = net.ports_of(name).map(|l| l.name.clone()).collect();
        ports.iter().try_for_each(|port| set_up(net, port, false))?;
    }
    net.links.retain(|l| l.name != name);
    net.routes.retain(|r| r.link.as_deref() != Some(name));
    for l in net.links.iter_mut().filter(|l| l.master.as_deref() == Some(name)) {
        (l.master, l.port_state, l.vlans) = (None, None, vec![]);
    }
    let above: Vec<String> =
        net.links.iter().filter(|l| l.kind.lower() == Some(name)).map(|l| l.name.clone()).collect();
    let other_end = if let LinkKind::Veth { peer } = kind { peer } else { None };
    for gone in above.into_iter().chain(other_end) {
        if net.link(&gone).is_some() {
            delete(net, &gone)?;
        }
    }
    Ok(())
}

fn set_master(net: &mut NetSnapshot, port: &str, master: Option<&str>) -> Result<(), Cause> {
    let kind = master.map(|m| link(net, m).map(|l| l.kind.clone())).transpose()?;
    let old = link(net, port)?.master.clone();
    if old.as_deref().is_some_and(|m| net.link(m).is_some_and(|l| matches!(l.kind, LinkKind::Bond { .. }))) {
        // A bond lets a port go switched off.
        set_up(net, port, false)?;
    }
    let have = link(net, port)?;
    match kind {
        Some(LinkKind::Bridge(options)) => {
            // A port that joins while the spanning tree protocol runs must listen and learn first.
            let waits = options.stp && options.forward_delay > 0;
            have.port_state = Some(if waits { PortState::Listening } else { PortState::Forwarding });
            have.vlans = vec![FIRST_VLAN];
        }
        Some(LinkKind::Bond { .. }) => {
            if have.up {
                return Err(other("Device can not be enslaved while up".to_owned()));
            }
            have.up = true;
        }
        Some(_) => return Err(other("Operation not supported".to_owned())),
        None => (have.port_state, have.vlans) = (None, vec![]),
    }
    have.master = master.map(str::to_owned);
    if let Some(old) = old.filter(|old| net.ports_of(old).next().is_none()) {
        link(net, &old)?.carrier = false;
    }
    Ok(())
}

fn set_up(net: &mut NetSnapshot, name: &str, up: bool) -> Result<(), Cause> {
    let have = link(net, name)?;
    if have.up == up {
        return Ok(());
    }
    have.up = up;
    let addresses = have.addresses.clone();
    if up {
        addresses.iter().for_each(|a| connected(net, name, *a));
    } else {
        net.routes.retain(|r| r.link.as_deref() != Some(name));
    }
    Ok(())
}

fn add_port_vlan(link: &mut Link, vlan: PortVlan) {
    if vlan.pvid {
        link.vlans.iter_mut().for_each(|v| v.pvid = false);
    }
    link.vlans.retain(|v| v.id != vlan.id);
    link.vlans.push(vlan);
    link.vlans.sort();
}

pub(crate) fn add_address(net: &mut NetSnapshot, name: &str, address: Address) -> Result<(), Cause> {
    let have = link(net, name)?;
    if have.addresses.contains(&address) {
        return Ok(());
    }
    have.addresses.push(address);
    if have.up {
        connected(net, name, address);
    }
    Ok(())
}

/// The route to an address's own network comes with the address.
fn connected(net: &mut NetSnapshot, name: &str, address: Address) {
    if address.ip.is_loopback() || address.network() == address && address.prefix >= 32 {
        return;
    }
    let v6 = !address.ip.is_ipv4();
    net.routes.push(Route {
        destination: Some(address.network()),
        gateway: None,
        link: Some(name.to_owned()),
        source: (!v6).then_some(address.ip),
        metric: v6.then_some(256),
        table: MAIN_TABLE,
        kind: RouteKind::Unicast,
        onlink: false,
        mtu: None,
        origin: Protocol::KERNEL,
        v6,
    });
}

fn delete_address(net: &mut NetSnapshot, name: &str, address: Address) -> Result<(), Cause> {
    let have = link(net, name)?;
    let at = have.addresses.iter().position(|a| *a == address).ok_or(Cause::NotFound)?;
    have.addresses.remove(at);
    have.leased.retain(|a| *a != address);
    have.lifetimes.remove(&address);
    let mine = |r: &Route| {
        r.origin == Protocol::KERNEL
            && r.link.as_deref() == Some(name)
            && r.destination == Some(address.network())
            && (r.v6 || r.source == Some(address.ip))
    };
    net.routes.retain(|r| !mine(r));
    Ok(())
}

fn add_route(net: &mut NetSnapshot, route: &Route) -> Result<(), Cause> {
    usable(net, route)?;
    if place(net, route).is_ok() {
        return Err(Cause::Exists);
    }
    net.routes.push(route.clone());
    Ok(())
}

/// Finds the route with the same key that somebody made; the kernel's own come and go by themselves.
fn place(net: &NetSnapshot, route: &Route) -> Result<usize, Cause> {
    let same = |r: &Route| r.key() == route.key() && r.origin != Protocol::KERNEL;
    net.routes.iter().position(same).ok_or_else(|| other("No such process".to_owned()))
}

fn usable(net: &mut NetSnapshot, route: &Route) -> Result<(), Cause> {
    let Some(name) = &route.link else { return Ok(()) };
    let have = link(net, name)?;
    if !have.up {
        return Err(other("Network is down".to_owned()));
    }
    let near = |gateway| have.addresses.iter().any(|a| a.holds(gateway));
    match route.gateway {
        Some(gateway) if !route.onlink && !near(gateway) => {
            let on_link = |r: &Route| {
                r.gateway.is_none()
                    && r.link.as_ref() == Some(name)
                    && r.destination.is_some_and(|d| d.holds(gateway))
            };
            if net.routes.iter().any(on_link) {
                return Ok(());
            }
            Err(other("Nexthop has invalid gateway".to_owned()))
        }
        _ => Ok(()),
    }
}
