//! Takes a change back from wherever it was left: before its first step, between any two, after its last, or after half of
//! an earlier attempt to take it back. Doing it twice does nothing the second time.
//!
//! The undo steps of the plan are taken in reverse order, so that the old way is made before the new one is broken; each
//! one only if the machine, read again, does not already have what it would bring. Then the links that the change touched
//! are compared with how they were, for what the kernel dropped by itself (routes of a link that went down).

use std::collections::BTreeSet;

use super::ChangeStep;
use crate::host::{Link, LinkKind, NetSession, NetSnapshot, NetStep, NewLink, Protocol, Route};

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Steps that were taken.
    pub undone: Vec<String>,
    /// What could not be brought back, and what others had built on the change.
    pub left: Vec<String>,
}

/// Takes a change back.
pub fn restore(session: &mut dyn NetSession, before: &NetSnapshot, steps: &[ChangeStep]) -> Restored {
    let mut work = Work { session, before, now: None, done: Restored::default() };
    for undo in steps.iter().rev().flat_map(|s| &s.undo) {
        work.undo(undo);
    }
    // Two rounds: a route needs the address that the first round brought back.
    for _ in 0..2 {
        let missing = work.read().map(|now| missing(before, now, steps)).unwrap_or_default();
        if missing.is_empty() {
            break;
        }
        missing.iter().for_each(|step| work.take(step));
    }
    work.done
}

struct Work<'a> {
    session: &'a mut dyn NetSession,
    before: &'a NetSnapshot,
    /// The machine as it was last read; nothing when something was done since.
    now: Option<NetSnapshot>,
    done: Restored,
}

impl Work<'_> {
    fn read(&mut self) -> Option<&NetSnapshot> {
        if self.now.is_none() {
            match self.session.snapshot() {
                Ok(now) => self.now = Some(now),
                Err(e) => self.leave(e.to_string()),
            }
        }
        self.now.as_ref()
    }

    fn leave(&mut self, what: String) {
        if !self.done.left.contains(&what) {
            self.done.left.push(what);
        }
    }

    fn undo(&mut self, step: &NetStep) {
        // A link that the change made and that is gone again needs no way back.
        let before = self.before;
        let made = step.link().is_some_and(|link| before.link(link).is_none());
        let step = match self.read() {
            // Blind is better than not at all.
            None => Some(step.clone()),
            Some(now) if holds(step, now) == Some(true) || (made && is_groundless(step, now)) => None,
            Some(now) => Some(in_place(step, now, before)),
        };
        if let Some(step) = step {
            self.take(&step);
        }
    }

    fn take(&mut self, step: &NetStep) {
        if let NetStep::DeleteLink { name } = step {
            self.name_guests(name);
        }
        match self.session.step(step) {
            Ok(()) => self.done.undone.push(step.to_string()),
            // Whoever removed it first did what was wanted.
            Err(e) if e.is_not_found() && removes(step) => {}
            Err(e) => self.leave(format!("{step}: {}", e.cause)),
        }
        self.now = None;
    }

    /// Names what others plugged into a bridge that goes.
    fn name_guests(&mut self, bridge: &str) {
        let ports: Vec<String> =
            self.read().map(|now| now.ports_of(bridge).map(|l| l.name.clone()).collect()).unwrap_or_default();
        for port in ports {
            self.leave(format!(
                "{port} was made a port of {bridge}, which is gone; nobody else plugs it in again"
            ));
        }
    }
}

/// Tells whether a step is about a link that is not there.
fn is_groundless(step: &NetStep, now: &NetSnapshot) -> bool {
    let makes = matches!(step, NetStep::CreateLink(_));
    !makes && step.link().is_some_and(|link| now.link(link).is_none())
}

fn removes(step: &NetStep) -> bool {
    matches!(
        step,
        NetStep::DeleteLink { .. }
            | NetStep::DeleteAddress { .. }
            | NetStep::DeleteRoute { .. }
            | NetStep::DeleteRule { .. }
            | NetStep::DeletePortVlan { .. }
            | NetStep::UnloadModule { .. }
    )
}

/// Tells whether the machine already has what a step would bring; `None` when a snapshot does not show it.
pub fn holds(step: &NetStep, now: &NetSnapshot) -> Option<bool> {
    let link = |name: &str, test: &dyn Fn(&Link) -> bool| now.link(name).is_some_and(test);
    Some(match step {
        NetStep::CreateLink(NewLink { name, kind, .. }) => link(name, &|l| l.kind.as_str() == kind.as_str()),
        NetStep::DeleteLink { name } => now.link(name).is_none(),
        NetStep::SetBridge { name, options } => link(name, &|l| l.kind == LinkKind::Bridge(*options)),
        NetStep::SetBond { name, options, primary } => {
            link(name, &|l| l.kind == LinkKind::Bond { options: *options, primary: primary.clone() })
        }
        NetStep::SetTap { name, options } => link(name, &|l| l.kind == LinkKind::Tap(*options)),
        NetStep::SetMaster { link: name, master } => match now.link(name) {
            Some(l) => l.master == *master,
            None => master.is_none(),
        },
        NetStep::SetUp { link: name, up } => link(name, &|l| l.up == *up),
        NetStep::SetMtu { link: name, mtu } => link(name, &|l| l.mtu == *mtu),
        NetStep::SetMac { link: name, mac } => link(name, &|l| l.mac == Some(*mac)),
        NetStep::SetAlias { link: name, alias } => link(name, &|l| l.alias == *alias),
        NetStep::SetPromisc { link: name, on } => link(name, &|l| l.promisc == *on),
        NetStep::AddPortVlan { link: name, vlan, .. } => link(name, &|l| l.vlans.contains(vlan)),
        NetStep::DeletePortVlan { link: name, vlan, .. } => {
            !link(name, &|l| l.vlans.iter().any(|v| v.id == vlan.id))
        }
        NetStep::AddAddress { link: name, address } | NetStep::CopyAddress { to: name, address, .. } => {
            link(name, &|l| l.addresses.contains(address))
        }
        NetStep::AddLease { link: name, address, .. } => link(name, &|l| l.addresses.contains(address)),
        NetStep::DeleteAddress { link: name, address } => !link(name, &|l| l.addresses.contains(address)),
        NetStep::CopyNeighbour { .. } | NetStep::AwaitOperational { .. } => true,
        NetStep::AddRoute { route } | NetStep::ReplaceRoute { new: route, .. } => {
            now.routes.iter().any(|r| same_way(r, route))
        }
        NetStep::MoveRoute { route, to } => {
            now.routes.iter().any(|r| r.key() == route.key() && r.link.as_ref() == Some(to) && ours(r))
        }
        NetStep::DeleteRoute { route } => !now.routes.iter().any(|r| same_way(r, route)),
        NetStep::AddRule { rule } => now.rules.iter().any(|r| r.is(rule)),
        NetStep::DeleteRule { rule } => !now.rules.iter().any(|r| r.is(rule)),
        NetStep::LoadModule { .. }
        | NetStep::UnloadModule { .. }
        | NetStep::SetSysctl { .. }
        | NetStep::RestartService { .. }
        | NetStep::WriteFile { .. } => return None,
    })
}

fn ours(route: &Route) -> bool {
    route.origin != Protocol::KERNEL
}

fn same_way(have: &Route, want: &Route) -> bool {
    have.key() == want.key()
        && (&have.link, have.gateway, have.source) == (&want.link, want.gateway, want.source)
        && (ours(have) || !ours(want))
}

/// Puts a step in the place of one whose ground is gone: what cannot be copied or moved any more is made anew.
fn in_place(step: &NetStep, now: &NetSnapshot, before: &NetSnapshot) -> NetStep {
    let gone = |route: &Route| !now.routes.iter().any(|r| r.key() == route.key() && ours(r));
    match step {
        NetStep::CopyAddress { from, to, address }
            if !now.link(from).is_some_and(|l| l.addresses.contains(address)) =>
        {
            match before.link(to) {
                Some(then) => NetStep::give_back(then, *address),
                None => NetStep::AddAddress { link: to.clone(), address: *address },
            }
        }
        NetStep::MoveRoute { route, to } if gone(route) => {
            NetStep::AddRoute { route: Route { link: Some(to.clone()), ..route.clone() } }
        }
        NetStep::ReplaceRoute { old, new } if gone(old) => NetStep::AddRoute { route: new.clone() },
        other => other.clone(),
    }
}

/// Names the links that a change touches.
pub fn touched(steps: &[ChangeStep]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for step in steps.iter().flat_map(|s| std::iter::once(&s.step).chain(&s.undo)) {
        names.extend(step.link().map(str::to_owned));
        match step {
            NetStep::CopyAddress { from, .. } => {
                names.insert(from.clone());
            }
            NetStep::MoveRoute { route, .. } => names.extend(route.link.clone()),
            NetStep::ReplaceRoute { old, .. } => names.extend(old.link.clone()),
            NetStep::CreateLink(NewLink { kind: LinkKind::Veth { peer: Some(peer) }, .. }) => {
                names.insert(peer.clone());
            }
            _ => {}
        }
    }
    names
}

/// Finds what the touched links had and have no more.
fn missing(before: &NetSnapshot, now: &NetSnapshot, steps: &[ChangeStep]) -> Vec<NetStep> {
    let touched = touched(steps);
    let mut found = Vec::new();
    for then in before.links.iter().filter(|l| touched.contains(&l.name)) {
        let Some(have) = now.link(&then.name) else { continue };
        let link = then.name.clone();
        if have.master != then.master {
            found.push(NetStep::SetMaster { link: link.clone(), master: then.master.clone() });
        }
        if have.up != then.up {
            found.push(NetStep::SetUp { link: link.clone(), up: then.up });
        }
        let gone = then.addresses.iter().filter(|a| !have.addresses.contains(a));
        found.extend(gone.map(|a| NetStep::give_back(then, *a)));
    }
    let of_touched = |r: &&Route| r.link.as_ref().is_some_and(|l| touched.contains(l)) && ours(r);
    for then in before
        .routes
        .iter()
        .filter(of_touched)
        .filter(|r| now.link(r.link.as_deref().unwrap_or("")).is_some())
    {
        let have = now.routes.iter().find(|r| r.key() == then.key() && ours(r));
        match have {
            Some(have) if same_way(have, then) => {}
            Some(have) => found.push(NetStep::ReplaceRoute { old: have.clone(), new: then.clone() }),
            None => found.push(NetStep::AddRoute { route: then.clone() }),
        }
    }
    // Routes through a neighbour need the routes to it.
    found.sort_by_key(|s| match s {
        NetStep::AddRoute { route } | NetStep::ReplaceRoute { new: route, .. } => {
            1 + u8::from(route.gateway.is_some())
        }
        _ => 0,
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::sim::SimHost;
    use crate::host::{Address, BridgeOptions, Lifetime, Network};

    fn address() -> Address {
        "10.0.0.1/24".parse().expect("valid")
    }

    /// The move of the management address to a bridge, as the planner makes it.
    fn management_move(now: &NetSnapshot) -> Vec<ChangeStep> {
        let route = now.default_routes().first().map(|r| (*r).clone()).expect("has one");
        let step = |step, undo: Vec<NetStep>| ChangeStep { owner: 0, step, undo };
        let bridge = || NewLink {
            name: "br0".into(),
            kind: LinkKind::Bridge(BridgeOptions::default()),
            mac: None,
            mtu: None,
            alias: None,
            up: true,
        };
        let copy = |from: &str, to: &str| NetStep::CopyAddress {
            from: from.into(),
            to: to.into(),
            address: address(),
        };
        let delete = |link: &str| NetStep::DeleteAddress { link: link.into(), address: address() };
        let master =
            |m: Option<&str>| NetStep::SetMaster { link: "eth0".into(), master: m.map(str::to_owned) };
        vec![
            step(NetStep::CreateLink(bridge()), vec![NetStep::DeleteLink { name: "br0".into() }]),
            step(copy("eth0", "br0"), vec![delete("br0")]),
            step(master(Some("br0")), vec![master(None)]),
            step(
                NetStep::MoveRoute { route: route.clone(), to: "br0".into() },
                vec![NetStep::MoveRoute { route, to: "eth0".into() }],
            ),
            step(delete("eth0"), vec![copy("br0", "eth0")]),
        ]
    }

    /// What matters: indexes and the order of the kernel's own routes do not.
    fn essence(net: &NetSnapshot) -> (Vec<Link>, BTreeSet<String>) {
        let routes = net.routes.iter().map(|r| format!("{} {r}", r.name())).collect();
        (net.links.clone(), routes)
    }

    fn take_back(host: &SimHost, before: &NetSnapshot, steps: &[ChangeStep]) -> Restored {
        let mut session = host.net_session().expect("simulated");
        restore(session.as_mut(), before, steps)
    }

    #[test]
    fn a_change_cut_after_any_step_is_taken_back_and_the_second_time_nothing_is_done() {
        for cut in 0..=5 {
            let host = SimHost::new().with_nic("eth0", "10.0.0.1/24", Some("10.0.0.254"));
            let before = host.net_snapshot().expect("simulated");
            let steps = management_move(&before);
            steps[..cut].iter().for_each(|s| host.net_step(&s.step).expect("the kernel takes it"));
            let restored = take_back(&host, &before, &steps);
            assert_eq!(restored.left, Vec::<String>::new(), "cut after {cut}");
            assert_eq!(
                essence(&host.net_snapshot().expect("simulated")),
                essence(&before),
                "cut after {cut}"
            );
            assert_eq!(take_back(&host, &before, &steps), Restored::default(), "cut after {cut}, again");
        }
    }

    #[test]
    fn what_the_kernel_dropped_by_itself_is_brought_back_too() {
        let host = SimHost::new().with_nic("eth0", "10.0.0.1/24", Some("10.0.0.254"));
        let before = host.net_snapshot().expect("simulated");
        let down = |up| NetStep::SetUp { link: "eth0".into(), up };
        let steps = [ChangeStep { owner: 0, step: down(false), undo: vec![down(true)] }];
        host.net_step(&steps[0].step).expect("the kernel takes it");
        assert!(
            host.net_snapshot().expect("simulated").default_routes().is_empty(),
            "the route went with the link"
        );
        take_back(&host, &before, &steps);
        assert_eq!(essence(&host.net_snapshot().expect("simulated")), essence(&before));
    }

    #[test]
    fn a_leased_address_that_was_lost_comes_back_with_an_end() {
        let host = SimHost::new().with_nic("eth0", "10.0.0.1/24", None);
        let lifetime = Lifetime { preferred: 1800, valid: 3600 };
        let lease = NetStep::AddLease { link: "eth0".into(), address: address(), lifetime };
        host.net_step(&NetStep::DeleteAddress { link: "eth0".into(), address: address() }).expect("goes");
        host.net_step(&lease).expect("comes");
        let before = host.net_snapshot().expect("simulated");
        // Whether the change took it away, or somebody else meanwhile and the bridge does not have it either.
        let delete = NetStep::DeleteAddress { link: "eth0".into(), address: address() };
        let copy = NetStep::CopyAddress { from: "br0".into(), to: "eth0".into(), address: address() };
        for undo in [vec![], vec![copy]] {
            host.net_step(&delete).expect("goes");
            take_back(&host, &before, &[ChangeStep { owner: 0, step: delete.clone(), undo }]);
            assert_eq!(essence(&host.net_snapshot().expect("simulated")), essence(&before));
        }
    }

    #[test]
    fn a_port_that_somebody_plugged_in_meanwhile_is_named() {
        let host = SimHost::new().with_nic("eth0", "10.0.0.1/24", None).with_nic("tap7", "10.9.0.1/24", None);
        let before = host.net_snapshot().expect("simulated");
        let create = NewLink {
            name: "br1".into(),
            kind: LinkKind::Bridge(BridgeOptions::default()),
            mac: None,
            mtu: None,
            alias: None,
            up: true,
        };
        let steps = [ChangeStep {
            owner: 0,
            step: NetStep::CreateLink(create),
            undo: vec![NetStep::DeleteLink { name: "br1".into() }],
        }];
        host.net_step(&steps[0].step).expect("the kernel takes it");
        host.net_step(&NetStep::SetMaster { link: "tap7".into(), master: Some("br1".into()) })
            .expect("plugs");
        let restored = take_back(&host, &before, &steps);
        assert!(restored.left.iter().any(|l| l.contains("tap7")), "{restored:?}");
    }
}
