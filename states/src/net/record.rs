//! What lab's own record asks of a machine at boot: the links that nobody else configures, as they were written down when
//! their change was kept.
//!
//! The states themselves cannot be asked then. They may mean a link by what it had: the one that the default route left by,
//! of which nobody brings the route; the addresses of a card, which nobody gives it again. The record has names and addresses.

use std::collections::BTreeSet;

use super::render::{LinkConfig, Owned, Renderer};
use crate::host::{BondOptions, BridgeOptions, LinkKind, NetSnapshot, NetStep, Route, Rule, TapOptions};
use crate::netdoc::{
    Bond, Bridge, Document, Interface, Kind, LinkRef, MacFrom, Owned as Of, RouteWant, RuleWant,
    Surroundings, Tap, model, plan,
};

/// Lists the cards that must be there before the links of lab's own can be made: at boot they come one by one.
pub fn cards(owned: &Owned) -> BTreeSet<String> {
    let made = |name: &str| owned.links.get(name).is_some_and(|l| l.made);
    let own = owned.links.iter().filter(|(_, l)| is_own(l));
    let needed = own.flat_map(|(name, link)| std::iter::once(name.as_str()).chain(link.kind.lower()));
    needed.filter(|name| !made(name)).map(str::to_owned).collect()
}

/// Plans what is missing of the links of lab's own. A card that is not there is left out, with what stands on it.
///
/// # Errors
/// When the record asks for what the machine cannot have any more.
pub fn missing(owned: &Owned, now: &NetSnapshot) -> Result<Vec<NetStep>, String> {
    let mut now = now.clone();
    let mut steps = Vec::new();
    // Nobody else switches them on, and a route needs a link that is.
    for card in cards(owned) {
        if now.link(&card).is_some_and(|l| !l.up) {
            let step = NetStep::SetUp { link: card, up: true };
            model::take(&mut now, &step).map_err(|e| format!("{step}: {e}"))?;
            steps.push(step);
        }
    }
    let planned = plan(&document(owned, &now), &now, &Surroundings::default());
    steps.extend(planned.map_err(|e| e.text)?.into_iter().map(|p| p.step));
    Ok(steps)
}

fn is_own(link: &LinkConfig) -> bool {
    link.renderer == Some(Renderer::Own)
}

fn document(owned: &Owned, now: &NetSnapshot) -> Document {
    let there = there(owned, now);
    let mut document = Document::default();
    for (name, link) in owned.links.iter().filter(|(name, _)| there.contains(name.as_str())) {
        document.interfaces.insert(name.clone(), interface(name, link, &there, now));
        let routes = link.routes.iter().map(|r| Of { owner: 0, what: route(r) });
        document.routes.extend(routes);
    }
    document.rules = owned.rules.iter().map(|r| Of { owner: 0, what: rule(r) }).collect();
    document
}

/// Names the links of lab's own that are there or can be made.
fn there<'a>(owned: &'a Owned, now: &NetSnapshot) -> BTreeSet<&'a str> {
    let can_be_made = |link: &LinkConfig| link.made && !matches!(link.kind, LinkKind::Veth { peer: None });
    let is = |(name, link): &(&String, &LinkConfig)| {
        is_own(link) && (now.link(name).is_some() || can_be_made(link))
    };
    let mut there: BTreeSet<&str> = owned.links.iter().filter(is).map(|(name, _)| name.as_str()).collect();
    // What stands on what is not there is not either, and so on upwards.
    for _ in 0..owned.links.len() {
        let stands = |name: &str| match owned.links[name].kind.lower() {
            Some(lower) => there.contains(lower) || now.link(lower).is_some(),
            None => true,
        };
        let standing: BTreeSet<&str> = there.iter().copied().filter(|name| stands(name)).collect();
        if standing.len() == there.len() {
            break;
        }
        there = standing;
    }
    there
}

fn interface(name: &str, link: &LinkConfig, there: &BTreeSet<&str>, now: &NetSnapshot) -> Interface {
    let named = |name: &str| Of { owner: 0, what: LinkRef::Name(name.to_owned()) };
    let ports = link.ports.iter().filter(|port| there.contains(port.as_str()));
    // A bridge of somebody else's; those of the record name their ports.
    let master = link.master.as_deref().filter(|m| !there.contains(m) && now.link(m).is_some());
    Interface {
        mac: link.mac.map(MacFrom::Given),
        mtu: link.mtu,
        promisc: link.promisc.then_some(true),
        addresses: link.addresses.iter().map(|a| Of { owner: 0, what: *a }).collect(),
        ports: ports.map(|port| named(port)).collect(),
        port_of: master.map(named),
        vlans: link.vlans.clone(),
        ..Interface::new(0, name, kind(name, link))
    }
}

fn kind(name: &str, link: &LinkConfig) -> Kind {
    let lower = |link: &String| LinkRef::Name(link.clone());
    if !link.made {
        return Kind::Existing;
    }
    match &link.kind {
        LinkKind::Bridge(options) => Kind::Bridge(bridge(*options)),
        LinkKind::Bond { options, primary } => Kind::Bond(bond(options, primary.as_ref())),
        LinkKind::Vlan { link, id } => Kind::Vlan { link: lower(link), id: *id },
        // A cable is made with both of its ends, by the one whose name comes first.
        LinkKind::Veth { peer: Some(peer) } if name < peer.as_str() => Kind::Veth { peer: peer.clone() },
        LinkKind::Tap(options) => Kind::Tap(tap(options)),
        LinkKind::Macvlan { link, mode } => Kind::Macvlan { link: lower(link), mode: *mode },
        LinkKind::Vxlan(o) => Kind::Vxlan {
            id: o.id,
            link: o.link.as_ref().map(lower),
            local: o.local,
            remote: o.remote,
            port: o.port,
        },
        LinkKind::Dummy => Kind::Dummy,
        LinkKind::Veth { .. } | LinkKind::Device | LinkKind::Loopback | LinkKind::Other(_) => Kind::Existing,
    }
}

fn bridge(options: BridgeOptions) -> Bridge {
    let BridgeOptions { stp, forward_delay, hello_time, max_age, ageing_time, priority, vlan_filtering } =
        options;
    Bridge {
        stp: Some(stp),
        forward_delay: Some(forward_delay),
        hello_time: Some(hello_time),
        max_age: Some(max_age),
        ageing_time: Some(ageing_time),
        priority: Some(priority),
        vlan_filtering: Some(vlan_filtering),
    }
}

fn bond(options: &BondOptions, primary: Option<&String>) -> Bond {
    let BondOptions { mode, miimon, up_delay, down_delay, lacp_rate, xmit_hash_policy } = *options;
    Bond {
        mode: Some(mode),
        miimon: Some(miimon),
        up_delay: Some(up_delay),
        down_delay: Some(down_delay),
        lacp_rate: Some(lacp_rate),
        xmit_hash_policy: Some(xmit_hash_policy),
        primary: primary.cloned().map(LinkRef::Name),
    }
}

fn tap(options: &TapOptions) -> Tap {
    let TapOptions { owner, group, tun, multi_queue, vnet_hdr: _, persist: _ } = *options;
    Tap { owner, group, multi_queue, tun }
}

fn route(route: &Route) -> RouteWant {
    let Route { destination, gateway, link, source, metric, table, kind, onlink, mtu, origin: _, v6 } =
        route.clone();
    let link = link.map(LinkRef::Name);
    RouteWant { destination, gateway, link, source, metric, table, kind, onlink, mtu, v6 }
}

fn rule(rule: &Rule) -> RuleWant {
    let Rule { priority, v6, from, to, iif, oif, fwmark, fwmask: _, action, origin: _ } = rule.clone();
    RuleWant { priority, v6, from, to, iif, oif, fwmark, action }
}
