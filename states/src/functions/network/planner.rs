//! From what is wanted and what is there to ordered steps, each with its inverse. Pure: no IO, no clock.
//!
//! When a bridge takes a port's addresses over, every step leaves a machine that still carries traffic: the bridge gets the
//! addresses and the known neighbours first, then the port is enslaved while it stays up, then each route moves in one
//! message, and only then the old addresses go. The spanning tree protocol is switched on last, because a port that is
//! enslaved before it forwards at once.

use super::desired::{Absent, AbsentKind, Bridge, Desired, Veth, Wrong};
use crate::host::{BridgeOptions, Link, LinkKind, Mac, NetSnapshot, NetStep, NewLink, Protocol};

/// One step, whose state asked for it, and how it is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) owner: usize,
    pub(super) step: NetStep,
    /// In the order in which they are to be carried out; empty when nothing needs undoing.
    pub(super) undo: Vec<NetStep>,
}

/// Plans all states of a run.
pub(super) fn plan(desired: &[Desired], now: &NetSnapshot) -> Result<Vec<Planned>, (usize, Wrong)> {
    let mut plan = Plan { steps: Vec::new(), owner: 0, made: Vec::new() };
    // Cables first, since they may be ports; then bridges; what shall go goes last.
    let rank = |d: &Desired| match d {
        Desired::Veth(_) => 0,
        Desired::Bridge(_) => 1,
        Desired::Absent(_) => 2,
    };
    let mut order: Vec<usize> = (0..desired.len()).collect();
    order.sort_by_key(|i| rank(&desired[*i]));
    let mut cables = Vec::new();
    for i in order {
        plan.owner = i;
        match &desired[i] {
            Desired::Veth(v) => {
                plan.veth(v, now).map_err(|e| (i, e))?;
                cables.push((i, v));
            }
            Desired::Bridge(b) => plan.bridge(b, now).map_err(|e| (i, e))?,
            Desired::Absent(a) => plan.absent(a, now).map_err(|e| (i, e))?,
        }
    }
    for (i, cable) in cables {
        plan.owner = i;
        plan.plug(&cable.name, cable.master.as_deref(), now).map_err(|e| (i, e))?;
        plan.plug(&cable.peer, cable.peer_master.as_deref(), now).map_err(|e| (i, e))?;
    }
    Ok(plan.steps)
}

struct Plan {
    steps: Vec<Planned>,
    owner: usize,
    /// Links that this plan makes.
    made: Vec<String>,
}

impl Plan {
    fn push(&mut self, step: NetStep, undo: impl IntoIterator<Item = NetStep>) {
        self.steps.push(Planned { owner: self.owner, step, undo: undo.into_iter().collect() });
    }

    fn bridge(&mut self, want: &Bridge, now: &NetSnapshot) -> Result<(), Wrong> {
        want.check_against(now)?;
        let name = &want.name;
        let uplink = want.take_over.as_deref().and_then(|u| now.link(u));
        let have = now.link(name);
        let before = match have.map(|l| &l.kind) {
            None => None,
            Some(LinkKind::Bridge(options)) => Some(*options),
            Some(other) => {
                return Err(Wrong::new(format!("{name} is there already, and is {}", kind_name(other))));
            }
        };
        let end = BridgeOptions {
            stp: want.stp.unwrap_or(before.unwrap_or_default().stp),
            forward_delay: want.forward_delay.unwrap_or(before.unwrap_or_default().forward_delay),
            ..before.unwrap_or_default()
        };
        match have {
            None => self.create_bridge(want, uplink, end),
            Some(link) => self.adjust_bridge(want, link),
        }
        self.addresses(want, have);
        if let Some(uplink) = uplink {
            self.copy_side(name, uplink, have, now);
        }
        for port in &want.ports {
            self.plug(port, Some(name), now)?;
        }
        if let Some(uplink) = uplink {
            self.move_side(name, uplink, now);
        }
        let after_creation = before.unwrap_or(BridgeOptions { stp: false, ..end });
        if after_creation != end {
            let undo = before.map(|options| NetStep::SetBridge { name: name.clone(), options });
            self.push(NetStep::SetBridge { name: name.clone(), options: end }, undo);
        }
        Ok(())
    }

    fn create_bridge(&mut self, want: &Bridge, uplink: Option<&Link>, end: BridgeOptions) {
        let name = want.name.clone();
        // The uplink's own address, unless told otherwise: switches and DHCP servers know the machine by it.
        let first = uplink.and_then(|l| l.mac);
        let (mac, mtu) = (want.mac.or(first), want.mtu.or(uplink.map(|l| l.mtu)));
        let options = BridgeOptions { stp: false, ..end };
        self.made.push(name.clone());
        self.push(
            NetStep::CreateLink(NewLink {
                name: name.clone(),
                kind: LinkKind::Bridge(options),
                mac,
                mtu,
                alias: None,
                up: true,
            }),
            [NetStep::DeleteLink { name }],
        );
    }

    fn adjust_bridge(&mut self, want: &Bridge, have: &Link) {
        let link = want.name.clone();
        if let Some(mac) = want.mac.filter(|m| have.mac != Some(*m)) {
            let undo = have.mac.map(|mac: Mac| NetStep::SetMac { link: link.clone(), mac });
            self.push(NetStep::SetMac { link: link.clone(), mac }, undo);
        }
        if let Some(mtu) = want.mtu.filter(|m| have.mtu != *m) {
            self.push(
                NetStep::SetMtu { link: link.clone(), mtu },
                [NetStep::SetMtu { link: link.clone(), mtu: have.mtu }],
            );
        }
        if !have.up {
            self.push(NetStep::SetUp { link: link.clone(), up: true }, [NetStep::SetUp { link, up: false }]);
        }
    }

    fn addresses(&mut self, want: &Bridge, have: Option<&Link>) {
        for address in &want.addresses {
            if have.is_some_and(|l| l.addresses.contains(address)) {
                continue;
            }
            let (link, address) = (want.name.clone(), *address);
            self.push(
                NetStep::AddAddress { link: link.clone(), address },
                [NetStep::DeleteAddress { link, address }],
            );
        }
    }

    /// Gives the bridge what the uplink has, while the uplink still has it.
    fn copy_side(&mut self, bridge: &str, uplink: &Link, have: Option<&Link>, now: &NetSnapshot) {
        for address in uplink.addresses.iter().copied() {
            if have.is_some_and(|l| l.addresses.contains(&address)) {
                continue;
            }
            self.push(
                NetStep::CopyAddress { from: uplink.name.clone(), to: bridge.to_owned(), address },
                [NetStep::DeleteAddress { link: bridge.to_owned(), address }],
            );
        }
        if uplink.addresses.is_empty() {
            return;
        }
        for neighbour in now.neighbours.iter().filter(|n| n.link == uplink.name) {
            self.push(
                NetStep::CopyNeighbour { to: bridge.to_owned(), ip: neighbour.ip, mac: neighbour.mac },
                [],
            );
        }
    }

    /// Moves routes, then takes the addresses from the uplink.
    fn move_side(&mut self, bridge: &str, uplink: &Link, now: &NetSnapshot) {
        let own =
            |r: &&crate::host::Route| r.link.as_ref() == Some(&uplink.name) && r.origin != Protocol::KERNEL;
        // On-link routes first: a route through a gateway needs the way to the gateway.
        let mut routes: Vec<_> = now.routes.iter().filter(own).cloned().collect();
        routes.sort_by_key(|r| r.gateway.is_some());
        for route in routes {
            self.push(
                NetStep::MoveRoute { route: route.clone(), to: bridge.to_owned() },
                [NetStep::MoveRoute { route, to: uplink.name.clone() }],
            );
        }
        for address in uplink.addresses.iter().copied() {
            self.push(
                NetStep::DeleteAddress { link: uplink.name.clone(), address },
                [NetStep::CopyAddress { from: bridge.to_owned(), to: uplink.name.clone(), address }],
            );
        }
    }

    fn veth(&mut self, want: &Veth, now: &NetSnapshot) -> Result<(), Wrong> {
        let Veth { name, peer, master: _, peer_master: _ } = want;
        match (now.link(name), now.link(peer)) {
            (None, None) => {
                self.made.extend([name.clone(), peer.clone()]);
                self.push(
                    NetStep::CreateLink(cable(name, peer)),
                    [NetStep::DeleteLink { name: name.clone() }],
                );
                for link in [name, peer] {
                    self.push(NetStep::SetUp { link: link.clone(), up: true }, []);
                }
            }
            (Some(one), Some(other)) if are_peers(one, other) => {
                for link in [one, other].into_iter().filter(|l| !l.up) {
                    let link = link.name.clone();
                    self.push(
                        NetStep::SetUp { link: link.clone(), up: true },
                        [NetStep::SetUp { link, up: false }],
                    );
                }
            }
            (Some(taken), None) | (None, Some(taken)) | (Some(taken), Some(_)) => {
                return Err(Wrong::new(format!(
                    "{name}: {} is there already and is no end of a cable between {name} and {peer}",
                    taken.name
                )));
            }
        }
        Ok(())
    }

    /// Makes a link a port, and switches it on.
    fn plug(&mut self, port: &str, master: Option<&str>, now: &NetSnapshot) -> Result<(), Wrong> {
        let Some(master) = master else { return Ok(()) };
        let have = now.link(port);
        if have.is_none() && !self.made.iter().any(|m| m == port) {
            return Err(Wrong::new(format!(
                "{master}: there is no link {port} to be its port ({})",
                names(now)
            )));
        }
        if now.link(master).is_none() && !self.made.iter().any(|m| m == master) {
            return Err(Wrong::new(format!(
                "{port}: there is no bridge {master}; add a bridge.present for it"
            )));
        }
        if now.master_of(port) != Some(master) && !self.will_be_port(port, master) {
            let undo = have.map(|_| NetStep::SetMaster {
                link: port.to_owned(),
                master: now.master_of(port).map(str::to_owned),
            });
            self.push(NetStep::SetMaster { link: port.to_owned(), master: Some(master.to_owned()) }, undo);
        }
        if have.is_some_and(|l| !l.up) {
            let link = port.to_owned();
            self.push(NetStep::SetUp { link: link.clone(), up: true }, [NetStep::SetUp { link, up: false }]);
        }
        Ok(())
    }

    fn will_be_port(&self, port: &str, master: &str) -> bool {
        self.steps.iter().any(|p| {
            matches!(&p.step, NetStep::SetMaster { link, master: Some(m) } if link == port && m == master)
        })
    }

    fn absent(&mut self, want: &Absent, now: &NetSnapshot) -> Result<(), Wrong> {
        let Absent { name, kind, force } = want;
        let Some(link) = now.link(name) else { return Ok(()) };
        match (kind, &link.kind) {
            (AbsentKind::Bridge, LinkKind::Bridge(options)) => {
                let ports: Vec<&str> = now.ports_of(name).map(|l| l.name.as_str()).collect();
                if !ports.is_empty() && !force {
                    return Err(Wrong::new(format!(
                        "{name} still has ports: {}; take them out first, or say `force: True`",
                        ports.join(", ")
                    )));
                }
                let again = NetStep::CreateLink(NewLink {
                    name: name.clone(),
                    kind: LinkKind::Bridge(*options),
                    mac: link.mac,
                    mtu: Some(link.mtu),
                    alias: link.alias.clone(),
                    up: link.up,
                });
                let addresses =
                    link.addresses.iter().map(|a| NetStep::AddAddress { link: name.clone(), address: *a });
                let plugs = ports
                    .into_iter()
                    .map(|p| NetStep::SetMaster { link: p.to_owned(), master: Some(name.clone()) });
                let undo: Vec<NetStep> = std::iter::once(again).chain(addresses).chain(plugs).collect();
                self.push(NetStep::DeleteLink { name: name.clone() }, undo);
            }
            (AbsentKind::Veth, LinkKind::Veth { peer }) => {
                let undo = peer.as_ref().map(|peer| NetStep::CreateLink(cable(name, peer)));
                self.push(NetStep::DeleteLink { name: name.clone() }, undo);
            }
            (_, other) => {
                return Err(Wrong::new(format!("{name} is {} and will not be removed", kind_name(other))));
            }
        }
        Ok(())
    }
}

fn are_peers(one: &Link, other: &Link) -> bool {
    let leads_to = |a: &Link, b: &Link| matches!(&a.kind, LinkKind::Veth { peer: Some(p) } if *p == b.name);
    leads_to(one, other) && leads_to(other, one)
}

fn cable(name: &str, peer: &str) -> NewLink {
    let kind = LinkKind::Veth { peer: Some(peer.to_owned()) };
    NewLink { name: name.to_owned(), kind, mac: None, mtu: None, alias: None, up: false }
}

fn kind_name(kind: &LinkKind) -> String {
    match kind {
        LinkKind::Device => "a network card".to_owned(),
        LinkKind::Loopback => "the loopback".to_owned(),
        LinkKind::Bridge(_) => "a bridge".to_owned(),
        LinkKind::Veth { .. } => "a virtual cable".to_owned(),
        other => format!("of kind {}", other.as_str()),
    }
}

fn names(now: &NetSnapshot) -> String {
    let names: Vec<&str> = now.links.iter().map(|l| l.name.as_str()).collect();
    format!("there are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::Network;
    use crate::host::sim::SimHost;

    fn machine() -> SimHost {
        SimHost::new().with_nic("eth0", "10.0.0.1/24", Some("10.0.0.254"))
    }

    fn management_move(stp: bool) -> Vec<Desired> {
        vec![Desired::Bridge(Bridge {
            name: "br0".into(),
            ports: vec!["eth0".into()],
            take_over: Some("eth0".into()),
            stp: Some(stp),
            forward_delay: Some(400),
            ..Bridge::default()
        })]
    }

    fn plan_on(host: &SimHost, desired: &[Desired]) -> Vec<Planned> {
        plan(desired, &host.net_snapshot().expect("simulated")).expect("plans")
    }

    #[test]
    fn the_management_address_moves_without_a_moment_when_it_is_nowhere() {
        let host = machine();
        let steps: Vec<String> =
            plan_on(&host, &management_move(true)).iter().map(|p| p.step.to_string()).collect();
        assert_eq!(
            steps,
            [
                "br0: create bridge (mac 52:54:00:00:00:02)",
                "br0: take over address 10.0.0.1/24 of eth0",
                "eth0: port of br0",
                "default route: dev eth0 -> br0",
                "eth0: delete address 10.0.0.1/24",
                "br0: stp on, forward delay 4.00 s, priority 32768",
            ]
        );
    }

    #[test]
    fn a_second_plan_is_empty_and_the_undo_restores_the_machine() {
        for stp in [false, true] {
            let host = machine();
            let before = host.net_snapshot().expect("simulated");
            let steps = plan_on(&host, &management_move(stp));
            for p in &steps {
                host.net_step(&p.step).expect("the simulated kernel takes it");
            }
            assert_eq!(plan_on(&host, &management_move(stp)), []);
            for step in steps.iter().rev().flat_map(|p| &p.undo) {
                host.net_step(step).expect("the simulated kernel takes it back");
            }
            let mut after = host.net_snapshot().expect("simulated");
            // The kernel's own routes come back behind the others.
            after.routes.sort_by_key(|r| r.gateway.is_some());
            assert_eq!(after, before);
        }
    }

    #[test]
    fn a_cable_between_two_bridges_is_planned_as_one_change() {
        let bridge = |name: &str| Desired::Bridge(Bridge { name: name.into(), ..Bridge::default() });
        let cable = Desired::Veth(Veth {
            name: "va".into(),
            peer: "vb".into(),
            master: Some("bra".into()),
            peer_master: Some("brb".into()),
        });
        let desired = [cable, bridge("bra"), bridge("brb")];
        let host = machine();
        for p in plan_on(&host, &desired) {
            host.net_step(&p.step).expect("the simulated kernel takes it");
        }
        let after = host.net_snapshot().expect("simulated");
        assert_eq!((after.master_of("va"), after.master_of("vb")), (Some("bra"), Some("brb")));
        assert_eq!(plan(&desired, &after), Ok(vec![]));
    }

    #[test]
    fn what_cannot_be_done_is_refused_before_anything_is_done() {
        let now = machine().net_snapshot().expect("simulated");
        let wrong = |d: Desired| plan(&[d], &now).expect_err("refused").1.to_string();
        let no_port = Bridge { name: "br0".into(), ports: vec!["eth7".into()], ..Bridge::default() };
        assert!(wrong(Desired::Bridge(no_port)).contains("no link eth7"));
        let nic = Bridge { name: "eth0".into(), ..Bridge::default() };
        assert!(wrong(Desired::Bridge(nic)).contains("is a network card"));
        let absent = Absent { name: "eth0".into(), kind: AbsentKind::Bridge, force: true };
        assert!(wrong(Desired::Absent(absent)).contains("will not be removed"));
    }

    proptest! {
        /// Whatever the definition, applying reaches a state that needs no more steps.
        #[test]
        fn applying_a_plan_leaves_nothing_to_plan(
            take_over in any::<bool>(),
            stp in proptest::option::of(any::<bool>()),
            delay in proptest::option::of(200u32..3000),
            mtu in proptest::option::of(1280u32..1500),
            extra in proptest::bool::ANY,
        ) {
            let host = machine();
            let bridge = Bridge {
                name: "br0".into(),
                ports: if take_over { vec!["eth0".into()] } else { vec![] },
                take_over: take_over.then(|| "eth0".into()),
                addresses: if extra { vec!["192.168.7.1/24".parse().expect("valid")] } else { vec![] },
                stp,
                forward_delay: delay,
                mac: None,
                mtu,
            };
            let desired = [Desired::Bridge(bridge)];
            for p in plan_on(&host, &desired) {
                host.net_step(&p.step).expect("the simulated kernel takes it");
            }
            prop_assert_eq!(plan_on(&host, &desired), vec![]);
        }
    }
}
