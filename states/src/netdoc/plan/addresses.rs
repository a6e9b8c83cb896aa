//! Steps about addresses, neighbours, routes and rules.

use std::collections::HashMap;

use super::super::Wrong;
use super::super::check::name;
use super::super::document::{Document, Interface, Owned, RouteWant, RuleWant};
use super::super::inverse::routes_of;
use super::super::networks::Networks;
use super::Plan;
use crate::host::{Address, NetStep, PortState, Protocol, Route, RouteKey, RouteKind, Rule};

impl Plan<'_> {
    pub(super) fn add_addresses(&mut self, order: &[&Interface]) -> Result<(), Wrong> {
        for i in order {
            let have = self.link(&i.name).map(|l| l.addresses.clone()).unwrap_or_default();
            for address in &i.addresses {
                if have.contains(&address.what) {
                    continue;
                }
                // One that is taken over comes with its lifetimes.
                let uplink = i.take_over.as_ref().map(name);
                if uplink.is_some_and(|u| self.has(u, address.what)) {
                    continue;
                }
                let step = NetStep::AddAddress { link: i.name.clone(), address: address.what };
                self.push(address.owner, step)?;
            }
            if let Some(uplink) = i.take_over.as_ref().map(name) {
                self.copy_side(i.owner, &i.name, uplink)?;
            }
        }
        Ok(())
    }

    fn has(&self, link: &str, address: Address) -> bool {
        self.link(link).is_some_and(|l| l.addresses.contains(&address))
    }

    /// Gives a bridge what its uplink has, while the uplink still has it.
    fn copy_side(&mut self, owner: usize, bridge: &str, uplink: &str) -> Result<(), Wrong> {
        let addresses = self.link(uplink).map(|l| l.addresses.clone()).unwrap_or_default();
        for address in addresses.iter().copied() {
            if !self.has(bridge, address) {
                let step = NetStep::CopyAddress { from: uplink.to_owned(), to: bridge.to_owned(), address };
                self.push(owner, step)?;
            }
        }
        Ok(())
    }

    /// Makes a bridge able to send at once what its uplink sends as yet. After the ports: until one of them carries, the
    /// kernel throws away what the bridge sends, and forgets the neighbours that it was told of when it sees no carrier.
    pub(super) fn ready_to_take_over(&mut self, order: &[&Interface]) -> Result<(), Wrong> {
        for i in order {
            let Some(uplink) = i.take_over.as_ref().map(name) else { continue };
            let Some(port) = self.link(uplink).filter(|l| !l.addresses.is_empty()) else { continue };
            // One without a carrier, or that must listen and learn first, brings nothing and carries nothing that could be lost.
            if port.carrier && port.port_state == Some(PortState::Forwarding) {
                self.push(i.owner, NetStep::AwaitOperational { link: i.name.clone() })?;
            }
            let known: Vec<_> = self.net.neighbours.iter().filter(|n| n.link == uplink).cloned().collect();
            for neighbour in known {
                let step =
                    NetStep::CopyNeighbour { to: i.name.clone(), ip: neighbour.ip, mac: neighbour.mac };
                self.push(i.owner, step)?;
            }
        }
        Ok(())
    }

    /// Moves the routes out of an uplink to what takes it over. On-link routes first: a route through a gateway needs the way to
    /// the gateway.
    pub(super) fn move_routes(&mut self, i: &Interface) -> Result<(), Wrong> {
        let Some(uplink) = i.take_over.as_ref().map(name) else { return Ok(()) };
        for route in routes_of(uplink, &self.net) {
            self.push(i.owner, NetStep::MoveRoute { route, to: i.name.clone() })?;
        }
        Ok(())
    }

    /// Takes the addresses from an uplink that something took over.
    pub(super) fn leave_uplink(&mut self, i: &Interface) -> Result<(), Wrong> {
        let Some(uplink) = i.take_over.as_ref().map(name) else { return Ok(()) };
        for address in self.link(uplink).map(|l| l.addresses.clone()).unwrap_or_default() {
            self.push(i.owner, NetStep::DeleteAddress { link: uplink.to_owned(), address })?;
        }
        Ok(())
    }

    pub(super) fn move_and_add_routes(
        &mut self,
        document: &Document,
        order: &[&Interface],
    ) -> Result<(), Wrong> {
        for i in order {
            self.move_routes(i)?;
        }
        // As those that move: a route through a gateway needs the way to the gateway.
        let mut routes: Vec<_> = document.routes.iter().collect();
        routes.sort_by_key(|r| r.what.gateway.is_some());
        let networks = self.networks();
        let made = |r: &&Route| r.origin != Protocol::KERNEL;
        let taken: HashMap<RouteKey, &Route> =
            self.net.routes.iter().filter(made).map(|r| (r.key(), r)).collect();
        let step = |wanted: &Owned<RouteWant>| {
            let new = self.route(&wanted.what, &networks);
            match taken.get(&new.key()) {
                None => Some((wanted.owner, NetStep::AddRoute { route: new })),
                Some(old) if leads_alike(old, &new) => None,
                Some(old) => Some((wanted.owner, NetStep::ReplaceRoute { old: (*old).clone(), new })),
            }
        };
        let steps: Vec<_> = routes.into_iter().filter_map(step).collect();
        steps.into_iter().try_for_each(|(owner, step)| self.push(owner, step))
    }

    /// Lists the networks that the machine is in by now, the bridge of an uplink before the uplink itself.
    fn networks(&self) -> Networks<'_> {
        let mut links: Vec<_> = self.net.links.iter().filter(|l| l.name != "lo").collect();
        links.sort_by_key(|l| l.master.is_some());
        let own = links.into_iter().flat_map(|l| l.addresses.iter().map(|a| (l.name.as_str(), *a)));
        let near = self.net.routes.iter().filter(|r| r.gateway.is_none() && r.origin != Protocol::KERNEL);
        Networks::of(own.chain(near.filter_map(|r| Some((r.link.as_deref()?, r.destination?)))))
    }

    /// Completes a route: the link of its gateway, and our mark.
    fn route(&self, want: &RouteWant, networks: &Networks<'_>) -> Route {
        let RouteWant { destination, gateway, link, source, metric, table, kind, onlink, mtu, v6 } = want;
        let found = || gateway.and_then(|g| networks.near(g).next().map(str::to_owned));
        let sends = *kind == RouteKind::Unicast;
        Route {
            destination: *destination,
            gateway: *gateway,
            link: link.as_ref().map(|l| name(l).to_owned()).or_else(found).filter(|_| sends),
            source: *source,
            metric: *metric,
            table: *table,
            kind: *kind,
            onlink: *onlink,
            mtu: *mtu,
            origin: Protocol::LAB,
            v6: *v6,
        }
    }

    pub(super) fn rules(&mut self, document: &Document) -> Result<(), Wrong> {
        for wanted in &document.rules {
            let rule = rule(&wanted.what);
            if !self.net.rules.iter().any(|r| alike(r, &rule)) {
                self.push(wanted.owner, NetStep::AddRule { rule })?;
            }
        }
        Ok(())
    }

    /// Takes away what has moved or shall not be there.
    pub(super) fn old_side(&mut self, document: &Document, order: &[&Interface]) -> Result<(), Wrong> {
        for i in order {
            self.leave_uplink(i)?;
        }
        for absent in &document.rule_absent {
            let unwanted = rule(&absent.what);
            if let Some(rule) = self.net.rules.iter().find(|r| alike(r, &unwanted)).cloned() {
                self.push(absent.owner, NetStep::DeleteRule { rule })?;
            }
        }
        self.drop_routes(document)?;
        for absent in &document.address_absent {
            let (link, address) = &absent.what;
            if self.has(name(link), *address) {
                let step = NetStep::DeleteAddress { link: name(link).to_owned(), address: *address };
                self.push(absent.owner, step)?;
            }
        }
        Ok(())
    }

    fn drop_routes(&mut self, document: &Document) -> Result<(), Wrong> {
        if document.route_absent.is_empty() {
            return Ok(());
        }
        let networks = self.networks();
        let unwanted: Vec<(&Owned<RouteWant>, RouteKey)> =
            document.route_absent.iter().map(|a| (a, self.route(&a.what, &networks).key())).collect();
        for (absent, key) in unwanted {
            let link = absent.what.link.as_ref().map(name);
            let same = |r: &&Route| {
                r.key() == key
                    && r.origin != Protocol::KERNEL
                    && link.is_none_or(|l| r.link.as_deref() == Some(l))
                    && absent.what.gateway.is_none_or(|g| r.gateway == Some(g))
            };
            if let Some(route) = self.net.routes.iter().find(same).cloned() {
                self.push(absent.owner, NetStep::DeleteRoute { route })?;
            }
        }
        Ok(())
    }
}

/// Tells whether two routes of one key do the same; what was not asked for does not count.
fn leads_alike(have: &Route, want: &Route) -> bool {
    (have.gateway, have.kind, have.link.as_ref()) == (want.gateway, want.kind, want.link.as_ref())
        && want.source.is_none_or(|s| have.source == Some(s))
        && want.mtu.is_none_or(|m| have.mtu == Some(m))
        && (have.onlink || !want.onlink)
}

fn rule(want: &RuleWant) -> Rule {
    let RuleWant { priority, v6, from, to, iif, oif, fwmark, action } = want.clone();
    // The kernel shows the mask that it takes for a mark when none is given.
    let fwmask = fwmark.map(|_| u32::MAX);
    Rule { priority, v6, from, to, iif, oif, fwmark, fwmask, action, origin: Protocol::LAB }
}

fn alike(have: &Rule, want: &Rule) -> bool {
    have.is(want)
}
