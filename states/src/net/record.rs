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

/// What is missing of the links of lab's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The steps that make it, in order.
    pub steps: Vec<NetStep>,
    /// Why parts of the record are left out.
    pub refused: Vec<String>,
}

/// Plans what is missing of the links of lab's own. A card that is not there is left out, with what stands on it. So is each
/// part that the machine cannot have any more: it must not keep away the others, by one of which the machine may be reached.
pub fn missing(owned: &Owned, now: &NetSnapshot) -> Missing {
    let mut now = now.clone();
    let mut missing = Missing::default();
    // Nobody else switches them on, and a route needs a link that is.
    for card in cards(owned) {
        if now.link(&card).is_some_and(|l| !l.up) {
            let step = NetStep::SetUp { link: card, up: true };
            match model::take(&mut now, &step) {
                Ok(()) => missing.steps.push(step),
                Err(e) => missing.refused.push(format!("{step}: {e}")),
            }
        }
    }
    let mut record = Record { owned, now: &now, without: BTreeSet::new() };
    // Each round leaves one more part out.
    loop {
        let (document, parts) = record.document();
        match plan(&document, &now, &Surroundings::default()) {
            Ok(planned) => {
                missing.steps.extend(planned.into_iter().map(|p| p.step));
                return missing;
            }
            Err(wrong) => {
                missing.refused.push(wrong.text);
                let part = parts.0.get(wrong.owner).copied();
                if !part.is_some_and(|part| record.without.insert(part)) {
                    return missing;
                }
            }
        }
    }
}

/// How many links may be ports of one another; a kernel allows fewer.
const DEEPEST: usize = 8;

fn is_own(link: &LinkConfig) -> bool {
    link.renderer == Some(Renderer::Own)
}

/// A part of the record that can be left out by itself. Addresses, routes and rules are meant by their places in lists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Link(&'a str),
    Port { of: &'a str, port: &'a str },
    Address(&'a str, usize),
    Route(&'a str, usize),
    Rule(usize),
}

/// The parts that a document is made of: who is refused is told by a number in it.
#[derive(Default)]
struct Parts<'a>(Vec<Part<'a>>);

impl<'a> Parts<'a> {
    fn own<T>(&mut self, part: Part<'a>, what: T) -> Of<T> {
        self.0.push(part);
        Of { owner: self.0.len() - 1, what }
    }
}

struct Record<'a> {
    owned: &'a Owned,
    now: &'a NetSnapshot,
    without: BTreeSet<Part<'a>>,
}

impl<'a> Record<'a> {
    fn document(&self) -> (Document, Parts<'a>) {
        let there = self.there();
        let (mut document, mut parts) = (Document::default(), Parts::default());
        for (name, link) in self.owned.links.iter().filter(|(name, _)| there.contains(name.as_str())) {
            document.interfaces.insert(name.clone(), self.interface(name, link, &there, &mut parts));
            let routes = link.routes.iter().enumerate().map(|(n, r)| (Part::Route(name, n), r));
            let routes = routes.filter(|(part, _)| !self.without.contains(part));
            document.routes.extend(routes.map(|(part, r)| parts.own(part, route(r))));
        }
        let rules = self.owned.rules.iter().enumerate().map(|(n, r)| (Part::Rule(n), r));
        let rules = rules.filter(|(part, _)| !self.without.contains(part));
        document.rules = rules.map(|(part, r)| parts.own(part, rule(r))).collect();
        (document, parts)
    }

    /// Names the links of lab's own that are there or can be made.
    fn there(&self) -> BTreeSet<&'a str> {
        let Self { owned, now, without } = self;
        let can_be_made =
            |link: &LinkConfig| link.made && !matches!(link.kind, LinkKind::Veth { peer: None });
        let is = |(name, link): &(&String, &LinkConfig)| {
            is_own(link)
                && (now.link(name).is_some() || can_be_made(link))
                && !without.contains(&Part::Link(name))
        };
        let mut there: BTreeSet<&str> =
            owned.links.iter().filter(is).map(|(name, _)| name.as_str()).collect();
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

    fn interface(
        &self,
        name: &'a str,
        link: &'a LinkConfig,
        there: &BTreeSet<&str>,
        parts: &mut Parts<'a>,
    ) -> Interface {
        let named = |name: &str| LinkRef::Name(name.to_owned());
        let left_out = |part: &Part<'a>| self.without.contains(part);
        let ports: Vec<&str> = self.ports(name, there).collect();
        // A bridge of somebody else's; those of the record name their ports.
        let master = link.master.as_deref().filter(|m| !there.contains(m) && self.now.link(m).is_some());
        let master = master.map(|of| (Part::Port { of, port: name }, of)).filter(|(part, _)| !left_out(part));
        let uplink = self.uplink(name, there, DEEPEST);
        let addresses = link.addresses.iter().enumerate().map(|(n, a)| (Part::Address(name, n), *a));
        let addresses = addresses.filter(|(part, _)| !left_out(part));
        let mut kind = kind(name, link);
        if let Kind::Bond(bond) = &mut kind {
            bond.primary.take_if(|p| !matches!(p, LinkRef::Name(p) if ports.contains(&p.as_str())));
        }
        Interface {
            mac: link.mac.map(MacFrom::Given),
            mtu: link.mtu,
            promisc: link.promisc.then_some(true),
            addresses: addresses.map(|(part, a)| parts.own(part, a)).collect(),
            ports: ports.iter().map(|port| parts.own(Part::Port { of: name, port }, named(port))).collect(),
            port_of: master.map(|(part, of)| parts.own(part, named(of))),
            vlans: link.vlans.clone(),
            take_over: uplink.map(named),
            ..Interface::new(parts.own(Part::Link(name), ()).owner, name, kind)
        }
    }

    fn ports<'b>(
        &'b self,
        of: &'a str,
        there: &'b BTreeSet<&str>,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        let all = self.owned.links.get(of).into_iter().flat_map(|l| &l.ports).map(String::as_str);
        let left_out = move |port: &'a str| self.without.contains(&Part::Port { of, port });
        all.filter(move |port| there.contains(port) && !left_out(port))
    }

    /// Finds the port that still has addresses, as an initramfs leaves them on a card: a port is reached at none.
    fn uplink(&self, of: &'a str, there: &BTreeSet<&str>, depth: usize) -> Option<&'a str> {
        let depth = depth.checked_sub(1)?;
        let has =
            |port: &str| self.now.link(port).is_some_and(|l| l.addresses.iter().any(|a| !a.ip.is_loopback()));
        let mut joining = self.ports(of, there).filter(|port| self.now.master_of(port) != Some(of));
        joining.find(|port| has(port) || self.uplink(port, there, depth).is_some())
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
