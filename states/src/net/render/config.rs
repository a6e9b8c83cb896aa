//! What lab owns of the machine's network: the links that it made, and of others what it changed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::super::ChangeStep;
use super::super::restore::touched;
use super::Renderer;
use crate::host::{
    Address, Link, LinkKind, Mac, NetSnapshot, NetStep, NewLink, PortVlan, Protocol, Route, Rule,
};

/// One link, as it is to be at the next boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkConfig {
    /// Who configures it.
    #[serde(default)]
    pub renderer: Option<Renderer>,
    /// Whether lab made it.
    pub made: bool,
    /// Whether something took its addresses and routes over, so that it must not get them again.
    #[serde(default)]
    pub released: bool,
    /// What it is.
    pub kind: LinkKind,
    /// Its hardware address, where it was chosen.
    #[serde(default)]
    pub mac: Option<Mac>,
    /// Its longest packet, where it was chosen.
    #[serde(default)]
    pub mtu: Option<u32>,
    /// Whether it takes in all that passes.
    #[serde(default)]
    pub promisc: bool,
    /// The bridge or bond that it is a port of.
    #[serde(default)]
    pub master: Option<String>,
    /// The ports that were given to it.
    #[serde(default)]
    pub ports: Vec<String>,
    /// The VLANs that it is in as a port of a bridge that filters, or as such a bridge; none means that nobody said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vlans: Vec<PortVlan>,
    /// Its addresses, without leased ones.
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// Whether it gets an IPv4 address by DHCP.
    #[serde(default)]
    pub dhcp4: bool,
    /// Whether it gets an IPv6 address by DHCP or from a router.
    #[serde(default)]
    pub dhcp6: bool,
    /// Its routes, without those that come with addresses and leases.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Its name servers.
    #[serde(default)]
    pub dns: Vec<IpAddr>,
    /// Its search domains.
    #[serde(default)]
    pub search: Vec<String>,
}

/// All links that lab has to do with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owned {
    /// By name.
    pub links: BTreeMap<String, LinkConfig>,
    /// Rules that lab made.
    pub rules: Vec<Rule>,
}

impl Owned {
    /// The VLANs that a link is in at boot as a port of a bridge of lab's that filters, or as such a bridge; none where the
    /// kernel's own choice stands.
    pub(super) fn vlans_of(&self, name: &str) -> Vec<PortVlan> {
        let Some(link) = self.links.get(name) else { return Vec::new() };
        let bridge = link.master.as_deref().unwrap_or(name);
        if link.vlans.is_empty() && self.begins_without_vlan(bridge) {
            return vec![PortVlan { id: FIRST_VLAN, pvid: true, untagged: true }];
        }
        link.vlans.clone()
    }

    /// Tells whether a bridge must not put its ports into VLAN 1 by itself: one of lab's is to be out of it, and no manager
    /// takes one out of a VLAN.
    pub(super) fn begins_without_vlan(&self, bridge: &str) -> bool {
        let filters = |l: &LinkConfig| matches!(&l.kind, LinkKind::Bridge(o) if o.vlan_filtering);
        let Some(link) = self.links.get(bridge).filter(|l| l.made && filters(l)) else { return false };
        let ports = link.ports.iter().filter_map(|port| self.links.get(port));
        let mut said = std::iter::once(link).chain(ports).filter(|l| !l.vlans.is_empty());
        said.any(|l| l.vlans.iter().all(|v| v.id != FIRST_VLAN))
    }
}

/// The VLAN that the kernel puts every port into.
pub(super) const FIRST_VLAN: u16 = 1;

/// Brings what lab owns up to date with a change that was made.
pub(super) fn own(earlier: &Owned, before: &NetSnapshot, after: &NetSnapshot, steps: &[ChangeStep]) -> Owned {
    let mut owned = earlier.clone();
    owned.links.retain(|name, link| !link.made || after.link(name).is_some());
    for name in touched(steps) {
        match after.link(&name) {
            Some(link) if link.kind != LinkKind::Loopback || !added(&name, steps).is_empty() => {
                let config = of_link(owned.links.get(&name), link, before, after, steps);
                owned.links.insert(name, config);
            }
            Some(_) => {}
            None => {
                owned.links.remove(&name);
            }
        }
    }
    // Ports are what was plugged in by lab, then and now: others' taps come and go as they like.
    let masters: Vec<(String, String)> =
        owned.links.iter().filter_map(|(n, l)| Some((l.master.clone()?, n.clone()))).collect();
    for (name, link) in &mut owned.links {
        link.ports = masters.iter().filter(|(m, _)| m == name).map(|(_, port)| port.clone()).collect();
    }
    for step in steps.iter().map(|s| &s.step) {
        match step {
            NetStep::AddRule { rule } if !owned.rules.contains(rule) => owned.rules.push(rule.clone()),
            NetStep::DeleteRule { rule } => owned.rules.retain(|r| !r.is(rule)),
            _ => {}
        }
    }
    // A card that is left as it is found at boot is nobody's business of ours any more.
    owned.links.retain(|_, l| l.made || l.has_something());
    owned
}

impl LinkConfig {
    fn has_something(&self) -> bool {
        self.released
            || self.master.is_some()
            || self.mac.is_some()
            || self.mtu.is_some()
            || self.promisc
            || !self.addresses.is_empty()
            || !self.routes.is_empty()
            || !self.vlans.is_empty()
    }

    /// Whether nothing gives it an address.
    pub(super) fn is_bare(&self) -> bool {
        self.addresses.is_empty() && !self.dhcp4 && !self.dhcp6
    }
}

fn of_link(
    earlier: Option<&LinkConfig>,
    link: &Link,
    before: &NetSnapshot,
    after: &NetSnapshot,
    steps: &[ChangeStep],
) -> LinkConfig {
    let name = &link.name;
    let made_now = steps.iter().find_map(|s| created(&s.step, name));
    let made = made_now.is_some() || earlier.is_some_and(|e| e.made);
    let took_over = taken_from(name, steps);
    let was = |pick: fn(&LinkConfig) -> bool| earlier.is_some_and(pick);
    let chosen_mac = made_now.and_then(|n| n.mac).or(earlier.and_then(|e| e.mac));
    let chosen_mtu = made_now.and_then(|n| n.mtu).or(earlier.and_then(|e| e.mtu));
    let any = |test: &dyn Fn(&NetStep) -> bool| steps.iter().any(|s| test(&s.step));
    let sets_mac = any(&|s| matches!(s, NetStep::SetMac { link, .. } if link == name));
    let sets_mtu = any(&|s| matches!(s, NetStep::SetMtu { link, .. } if link == name));
    let plugs = any(&|s| matches!(s, NetStep::SetMaster { link, .. } if link == name));
    let statics = |link: &Link| -> Vec<Address> {
        link.addresses.iter().filter(|a| !link.leased.contains(a)).copied().collect()
    };
    let addresses = if made {
        statics(link)
    } else {
        let mut ours = earlier.map(|e| e.addresses.clone()).unwrap_or_default();
        ours.extend(added(name, steps));
        ours.retain(|a| link.addresses.contains(a));
        ours.dedup();
        ours
    };
    let leased = |v4: bool| link.leased.iter().any(|a| a.ip.is_ipv4() == v4);
    let gave_away = any(&|s| matches!(s, NetStep::CopyAddress { from, .. } if from == name))
        && before.link(name).is_some_and(|l| !l.addresses.is_empty())
        && link.addresses.is_empty();
    LinkConfig {
        renderer: earlier.and_then(|e| e.renderer),
        made,
        released: gave_away || (was(|e| e.released) && link.addresses.is_empty()),
        kind: link.kind.clone(),
        mac: if sets_mac { link.mac } else { chosen_mac },
        mtu: if sets_mtu { Some(link.mtu) } else { chosen_mtu },
        promisc: link.promisc
            && (made || any(&|s| matches!(s, NetStep::SetPromisc { link, .. } if link == name))),
        master: if made || plugs { link.master.clone() } else { earlier.and_then(|e| e.master.clone()) },
        ports: Vec::new(),
        vlans: vlans(earlier, link, after, steps),
        addresses,
        dhcp4: made && (leased(true) || (was(|e| e.dhcp4) && !took_over)),
        dhcp6: made && (leased(false) || (was(|e| e.dhcp6) && !took_over)),
        routes: routes(earlier, name, made, after, steps),
        dns: earlier.map(|e| e.dns.clone()).unwrap_or_default(),
        search: earlier.map(|e| e.search.clone()).unwrap_or_default(),
    }
}

/// The VLANs of a link, where somebody says which they are and they count.
fn vlans(
    earlier: Option<&LinkConfig>,
    link: &Link,
    after: &NetSnapshot,
    steps: &[ChangeStep],
) -> Vec<PortVlan> {
    let said = |s: &ChangeStep| matches!(&s.step, NetStep::AddPortVlan { link: l, .. } | NetStep::DeletePortVlan { link: l, .. } if *l == link.name);
    let bridge = link.master.as_deref().and_then(|m| after.link(m)).unwrap_or(link);
    let filters = matches!(&bridge.kind, LinkKind::Bridge(options) if options.vlan_filtering);
    let ours = steps.iter().any(said) || earlier.is_some_and(|e| !e.vlans.is_empty());
    if filters && ours { link.vlans.clone() } else { Vec::new() }
}

fn created<'a>(step: &'a NetStep, name: &str) -> Option<&'a NewLink> {
    match step {
        NetStep::CreateLink(new) if new.name == name => Some(new),
        // The other end of a cable is made with it, and has nothing chosen.
        NetStep::CreateLink(new) if matches!(&new.kind, LinkKind::Veth { peer: Some(p) } if p == name) => {
            Some(new)
        }
        _ => None,
    }
}

fn taken_from(name: &str, steps: &[ChangeStep]) -> bool {
    steps.iter().any(|s| matches!(&s.step, NetStep::CopyAddress { to, .. } if to == name))
}

fn added(name: &str, steps: &[ChangeStep]) -> Vec<Address> {
    let one = |s: &ChangeStep| match &s.step {
        NetStep::AddAddress { link, address } | NetStep::CopyAddress { to: link, address, .. }
            if link == name =>
        {
            Some(*address)
        }
        _ => None,
    };
    steps.iter().filter_map(one).collect()
}

fn routes(
    earlier: Option<&LinkConfig>,
    name: &str,
    made: bool,
    after: &NetSnapshot,
    steps: &[ChangeStep],
) -> Vec<Route> {
    let comes_by_itself = |r: &Route| matches!(r.origin, Protocol::KERNEL | Protocol::DHCP | Protocol::RA);
    let here = |r: &&Route| r.link.as_deref() == Some(name) && !comes_by_itself(r);
    let now: Vec<Route> = after.routes.iter().filter(here).cloned().collect();
    if made {
        return now;
    }
    let ours = |r: &Route| {
        let by_step = |s: &ChangeStep| match &s.step {
            NetStep::AddRoute { route } | NetStep::ReplaceRoute { new: route, .. } => route.key() == r.key(),
            NetStep::MoveRoute { route, to } => to == name && route.key() == r.key(),
            _ => false,
        };
        steps.iter().any(by_step) || earlier.is_some_and(|e| e.routes.iter().any(|o| o.key() == r.key()))
    };
    now.into_iter().filter(ours).collect()
}
