//! How a step is undone, by what the kernel had right before it.

use crate::host::{Address, Link, LinkKind, NetSnapshot, NetStep, NewLink, PortVlan, Protocol, Route};

/// Returns the steps that undo one, in the order in which they are to be taken; empty when there is nothing to undo.
pub fn inverse(step: &NetStep, before: &NetSnapshot) -> Vec<NetStep> {
    let link = |name: &str| before.link(name);
    match step {
        NetStep::CreateLink(new) => vec![NetStep::DeleteLink { name: new.name.clone() }],
        NetStep::DeleteLink { name } => link(name).map(|l| again(l, before)).unwrap_or_default(),
        NetStep::SetBridge { name, .. } => match link(name).map(|l| &l.kind) {
            Some(LinkKind::Bridge(options)) => {
                vec![NetStep::SetBridge { name: name.clone(), options: *options }]
            }
            _ => vec![],
        },
        NetStep::SetBond { name, .. } => match link(name).map(|l| &l.kind) {
            Some(LinkKind::Bond { options, primary }) => {
                vec![NetStep::SetBond { name: name.clone(), options: *options, primary: primary.clone() }]
            }
            _ => vec![],
        },
        NetStep::SetTap { name, .. } => match link(name).map(|l| &l.kind) {
            Some(LinkKind::Tap(options)) => {
                vec![NetStep::SetTap { name: name.clone(), options: *options }]
            }
            _ => vec![],
        },
        NetStep::SetMaster { link: name, .. } => link(name).map(|l| unplug(l, before)).unwrap_or_default(),
        NetStep::SetUp { link: name, up: true } => off(name),
        NetStep::SetUp { link: name, up: false } => on(name, before),
        NetStep::SetMtu { link: name, .. } => {
            let old = |l: &Link| NetStep::SetMtu { link: name.clone(), mtu: l.mtu };
            link(name).map(old).into_iter().collect()
        }
        NetStep::SetMac { link: name, .. } => {
            let old = |mac| NetStep::SetMac { link: name.clone(), mac };
            link(name).and_then(|l| l.mac).map(old).into_iter().collect()
        }
        NetStep::SetAlias { link: name, .. } => {
            let old = |l: &Link| NetStep::SetAlias { link: name.clone(), alias: l.alias.clone() };
            link(name).map(old).into_iter().collect()
        }
        NetStep::SetPromisc { link: name, on } => vec![NetStep::SetPromisc { link: name.clone(), on: !on }],
        NetStep::AddPortVlan { link: name, bridge, vlan } => {
            let had: &[PortVlan] = link(name).map_or(&[], |l| &l.vlans);
            let add =
                |old: &PortVlan| NetStep::AddPortVlan { link: name.clone(), bridge: *bridge, vlan: *old };
            let mut steps = match had.iter().find(|v| v.id == vlan.id) {
                Some(old) => vec![add(old)],
                None => {
                    vec![NetStep::DeletePortVlan { link: name.clone(), bridge: *bridge, vlan: *vlan }]
                }
            };
            // Only one VLAN is that of packets without a tag: the one that was it before is it again.
            let rival = had.iter().find(|v| v.pvid && v.id != vlan.id).filter(|_| vlan.pvid);
            steps.extend(rival.map(add));
            steps
        }
        NetStep::DeletePortVlan { link, bridge, vlan } => {
            vec![NetStep::AddPortVlan { link: link.clone(), bridge: *bridge, vlan: *vlan }]
        }
        NetStep::AddAddress { link, address }
        | NetStep::AddLease { link, address, .. }
        | NetStep::CopyAddress { to: link, address, .. } => {
            vec![NetStep::DeleteAddress { link: link.clone(), address: *address }]
        }
        NetStep::DeleteAddress { link, address } => vec![give_back(link, *address, before)],
        NetStep::CopyNeighbour { .. } | NetStep::AwaitOperational { .. } => vec![],
        NetStep::AddRoute { route } => vec![NetStep::DeleteRoute { route: route.clone() }],
        NetStep::ReplaceRoute { old, new } => {
            vec![NetStep::ReplaceRoute { old: new.clone(), new: old.clone() }]
        }
        NetStep::MoveRoute { route, to } => {
            let moved = Route { link: Some(to.clone()), ..route.clone() };
            route
                .link
                .iter()
                .map(|from| NetStep::MoveRoute { route: moved.clone(), to: from.clone() })
                .collect()
        }
        NetStep::DeleteRoute { route } => vec![NetStep::AddRoute { route: route.clone() }],
        NetStep::AddRule { rule } => vec![NetStep::DeleteRule { rule: rule.clone() }],
        NetStep::DeleteRule { rule } => vec![NetStep::AddRule { rule: rule.clone() }],
        NetStep::LoadModule { name, .. } if !before.modules.contains_key(name) => {
            vec![NetStep::UnloadModule { name: name.clone() }]
        }
        NetStep::LoadModule { .. } => vec![],
        NetStep::UnloadModule { name } => {
            let options = before.modules.get(name).cloned().unwrap_or_default();
            vec![NetStep::LoadModule { name: name.clone(), options }]
        }
        NetStep::SetSysctl { key, .. } => {
            let old = |value: &String| NetStep::SetSysctl { key: key.clone(), value: value.clone() };
            before.sysctls.get(key).map(old).into_iter().collect()
        }
        // Whoever reads the file again must do so after it was put back, too.
        NetStep::RestartService { name } => vec![NetStep::RestartService { name: name.clone() }],
        NetStep::WriteFile { path, .. } => {
            vec![NetStep::WriteFile { path: path.clone(), content: before.files.get(path).cloned() }]
        }
    }
}

fn off(name: &str) -> Vec<NetStep> {
    vec![NetStep::SetUp { link: name.to_owned(), up: false }]
}

/// Switching a link off loses its routes: they must be given back.
fn on(name: &str, before: &NetSnapshot) -> Vec<NetStep> {
    let mut steps = vec![NetStep::SetUp { link: name.to_owned(), up: true }];
    steps.extend(routes_of(name, before).into_iter().map(|route| NetStep::AddRoute { route }));
    steps
}

/// Lists the routes out of a link that somebody made, those first that others need to reach their gateways.
pub(super) fn routes_of(name: &str, net: &NetSnapshot) -> Vec<Route> {
    let own = |r: &&Route| r.link.as_deref() == Some(name) && r.origin != Protocol::KERNEL;
    let mut found: Vec<Route> = net.routes.iter().filter(own).cloned().collect();
    found.sort_by_key(|r| r.gateway.is_some());
    found
}

/// A copy keeps the lifetimes, where another link has the address.
fn give_back(link: &str, address: Address, before: &NetSnapshot) -> NetStep {
    let elsewhere = before.links.iter().find(|l| l.name != link && l.addresses.contains(&address));
    match elsewhere {
        Some(other) => NetStep::CopyAddress { from: other.name.clone(), to: link.to_owned(), address },
        None => match before.link(link) {
            Some(then) => NetStep::give_back(then, address),
            None => NetStep::AddAddress { link: link.to_owned(), address },
        },
    }
}

fn unplug(link: &Link, before: &NetSnapshot) -> Vec<NetStep> {
    if link.master.is_some() {
        return plug_again(link, before);
    }
    vec![NetStep::SetMaster { link: link.name.clone(), master: None }]
}

/// Makes a link again as it was, with its addresses, ports and routes, and what stood on it.
fn again(link: &Link, before: &NetSnapshot) -> Vec<NetStep> {
    let name = &link.name;
    let new = NewLink {
        name: name.clone(),
        kind: link.kind.clone(),
        mac: link.mac,
        mtu: Some(link.mtu),
        alias: link.alias.clone(),
        up: link.up,
    };
    let mut steps = vec![NetStep::CreateLink(new)];
    if link.promisc {
        steps.push(NetStep::SetPromisc { link: name.clone(), on: true });
    }
    steps.extend(link.addresses.iter().map(|a| NetStep::give_back(link, *a)));
    steps.extend(plug_again(link, before));
    if matches!(link.kind, LinkKind::Bridge(_)) {
        steps.extend(vlans_again(link, true));
    }
    for port in before.ports_of(name) {
        steps.extend(plug_again(port, before));
    }
    steps.extend(routes_of(name, before).into_iter().map(|route| NetStep::AddRoute { route }));
    if let LinkKind::Veth { peer: Some(peer) } = &link.kind
        && let Some(end) = before.link(peer)
    {
        steps.extend(other_end(end, before));
    }
    for above in before.links.iter().filter(|l| l.kind.lower() == Some(name)) {
        steps.extend(again(above, before));
    }
    steps
}

/// The other end of a cable comes with the first one; the rest is as it was.
fn other_end(end: &Link, before: &NetSnapshot) -> Vec<NetStep> {
    let name = end.name.clone();
    let mut steps = Vec::new();
    if let Some(mac) = end.mac {
        steps.push(NetStep::SetMac { link: name.clone(), mac });
    }
    if end.alias.is_some() {
        steps.push(NetStep::SetAlias { link: name.clone(), alias: end.alias.clone() });
    }
    if end.up {
        steps.push(NetStep::SetUp { link: name.clone(), up: true });
    }
    steps.extend(end.addresses.iter().map(|a| NetStep::give_back(end, *a)));
    steps.extend(plug_again(end, before));
    steps
}

/// Makes a link a port again of what it was a port of. A bond takes no port that is on, and switches it on itself.
fn plug_again(port: &Link, before: &NetSnapshot) -> Vec<NetStep> {
    let Some(master) = &port.master else { return Vec::new() };
    let name = port.name.clone();
    let bonds = before.link(master).is_some_and(|m| matches!(m.kind, LinkKind::Bond { .. }));
    let mut steps = Vec::new();
    if bonds {
        steps.push(NetStep::SetUp { link: name.clone(), up: false });
    }
    steps.push(NetStep::SetMaster { link: name, master: Some(master.clone()) });
    steps.extend(vlans_again(port, false));
    steps
}

/// A bridge and its ports begin in VLAN 1; puts one of them in those that it was in.
fn vlans_again(port: &Link, bridge: bool) -> Vec<NetStep> {
    let first = super::model::FIRST_VLAN;
    let link = || port.name.clone();
    if port.vlans.is_empty() {
        return Vec::new();
    }
    let others = port.vlans.iter().filter(|v| **v != first);
    let mut steps: Vec<NetStep> =
        others.map(|v| NetStep::AddPortVlan { link: link(), bridge, vlan: *v }).collect();
    if !port.vlans.iter().any(|v| v.id == 1) {
        steps.push(NetStep::DeletePortVlan { link: link(), bridge, vlan: first });
    }
    steps
}
