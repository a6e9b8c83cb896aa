//! Addresses of other machines: one that nobody here has heard of answers when it is asked, before this machine takes its
//! address and both are heard by nobody.
//!
//! Asked is on links that are there, for links that are not as well: what leads out of the machine then leads there now.

use std::net::IpAddr;

use crate::function::JobCtx;
use crate::host::{LinkKind, NetClaim, NetSnapshot, NetStep};
use crate::netdoc::{Planned, Wrong, in_use};

/// How many links may stand on one another; a kernel allows fewer.
const DEEPEST: usize = 16;

/// Refuses steps that give this machine an address which another machine has. For IPv6 the kernel asks, at its own time.
pub(super) fn refuse(steps: &[Planned], now: &NetSnapshot, ctx: &JobCtx<'_>) -> Result<(), Wrong> {
    let (mut asked, mut of) = (Vec::new(), Vec::new());
    for planned in steps {
        let NetStep::AddAddress { link, address } = &planned.step else { continue };
        let IpAddr::V4(ip) = address.ip else { continue };
        // One that moves from link to link is ours.
        if now.links.iter().any(|l| l.addresses.iter().any(|a| a.ip == address.ip)) {
            continue;
        }
        if let Some((link, vlan)) = way_out(link, steps, now, DEEPEST) {
            asked.push(NetClaim { ip, link, vlan });
            of.push((planned.owner, *address));
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    let found = match ctx.host.net_claims(&asked) {
        Ok(found) => found,
        // It would have been a help; the change does not depend on it.
        Err(e) => {
            ctx.say(format!("nobody was asked whether an address is in use: {e}"));
            return Ok(());
        }
    };
    let theirs = of.into_iter().zip(found).find_map(|((owner, address), mac)| Some((owner, address, mac?)));
    match theirs {
        Some((owner, address, mac)) => Err(Wrong::new(owner, in_use(address, mac))),
        None => Ok(()),
    }
}

/// Finds the link that is there now and leads where a link leads once the steps are taken, and the VLAN on it.
fn way_out(link: &str, steps: &[Planned], now: &NetSnapshot, depth: usize) -> Option<(String, Option<u16>)> {
    let depth = depth.checked_sub(1)?;
    if now.link(link).is_some() {
        // A port gives all that it hears to its bridge.
        let link = now.master_of(link).unwrap_or(link);
        let heard = now.link(link).is_some_and(|l| l.up && l.carrier && l.mac.is_some());
        return (heard && leads_out(link, now, DEEPEST)).then(|| (link.to_owned(), None));
    }
    let new = steps.iter().find_map(|p| match &p.step {
        NetStep::CreateLink(new) if new.name == link => Some(new),
        _ => None,
    })?;
    let plugged = |link: &str| {
        let mut masters = steps.iter().filter_map(|p| match &p.step {
            NetStep::SetMaster { link: port, master: Some(master) } => Some((port.as_str(), master.as_str())),
            _ => None,
        });
        masters.find_map(|(port, master)| (port == link).then(|| master.to_owned()))
    };
    match &new.kind {
        LinkKind::Bridge(_) | LinkKind::Bond { .. } => steps.iter().find_map(|p| match &p.step {
            NetStep::SetMaster { link: port, master: Some(master) } if master == link => {
                way_out(port, steps, now, depth)
            }
            _ => None,
        }),
        LinkKind::Vlan { link, id } => match way_out(link, steps, now, depth)? {
            (link, None) => Some((link, Some(*id))),
            // One VLAN in another is not asked in.
            (_, Some(_)) => None,
        },
        LinkKind::Macvlan { link, .. } => way_out(link, steps, now, depth),
        LinkKind::Veth { peer: Some(peer) } => way_out(&plugged(peer)?, steps, now, depth),
        _ => None,
    }
}

/// Tells whether others than this machine may be heard on a link.
fn leads_out(link: &str, now: &NetSnapshot, depth: usize) -> bool {
    let (Some(depth), Some(link)) = (depth.checked_sub(1), now.link(link)) else { return false };
    match &link.kind {
        LinkKind::Device | LinkKind::Vxlan(_) | LinkKind::Veth { peer: None } => true,
        LinkKind::Veth { peer: Some(peer) } => now.master_of(peer).is_some_and(|m| leads_out(m, now, depth)),
        LinkKind::Bridge(_) | LinkKind::Bond { .. } => {
            now.ports_of(&link.name).any(|port| leads_out(&port.name, now, depth))
        }
        LinkKind::Vlan { link, .. } | LinkKind::Macvlan { link, .. } => leads_out(link, now, depth),
        // A guest.
        LinkKind::Tap(_) => link.carrier,
        LinkKind::Loopback | LinkKind::Dummy | LinkKind::Other(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use lab_proto::{Map, Value};

    use super::super::transaction::Transaction;
    use crate::function::{Group, StateCall, Verdict};
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    fn state(function: &str, name: &str, args: &[(&str, Value)]) -> StateCall {
        let args: Map = args.iter().map(|(k, v)| (Value::from(*k), v.clone())).collect();
        StateCall::new(function, name, args)
    }

    fn list(all: &[&str]) -> Value {
        Value::List(all.iter().map(|t| Value::from(*t)).collect())
    }

    /// Applies states on a machine, and returns what they say and how much was done.
    fn run(host: SimHost, calls: &[StateCall]) -> (Vec<Verdict>, usize) {
        let bench = Bench::new(host.with_nic("eth0", "10.0.0.1/24", None));
        let verdicts = bench.with_ctx(|ctx| Transaction.run(calls, ctx));
        (verdicts, bench.host.net_steps().len())
    }

    fn is_refused(host: SimHost, calls: &[StateCall]) {
        let (verdicts, steps) = run(host, calls);
        let said: Vec<&str> = verdicts.iter().map(|v| v.comment.as_str()).collect();
        assert!(said.iter().any(|s| s.contains("10.0.0.5/24 is in use by another machine (02:")), "{said:?}");
        assert_eq!(steps, 0, "nothing was done");
    }

    #[test]
    fn who_was_silent_until_now_keeps_the_address() {
        let host = || SimHost::new().with_silent_neighbour("10.0.0.5", "eth0", None);
        let address = state("address.present", "10.0.0.5/24", &[("link", "eth0".into())]);
        is_refused(host(), std::slice::from_ref(&address));
        let bridge = state(
            "bridge.present",
            "br0",
            &[
                ("ports", list(&["eth0"])),
                ("take_over", "eth0".into()),
                ("addresses", list(&["10.0.0.5/24"])),
            ],
        );
        is_refused(host(), &[bridge]);
        let macvlan = state(
            "macvlan.present",
            "mv0",
            &[("link", "eth0".into()), ("addresses", list(&["10.0.0.5/24"]))],
        );
        is_refused(host(), &[macvlan]);
        let mut test = address;
        test.test = true;
        assert!(run(host(), &[test]).0[0].comment.contains("would be changed"), "a test asks nobody");
    }

    #[test]
    fn a_vlan_is_asked_in_before_its_link_is_there() {
        let vlan = |id: i64| {
            let args =
                [("link", "eth0".into()), ("id", Value::from(id)), ("addresses", list(&["10.0.0.5/24"]))];
            state("vlan.present", &format!("vlan{id}"), &args)
        };
        let host = || SimHost::new().with_silent_neighbour("10.0.0.5", "eth0", Some(10));
        is_refused(host(), &[vlan(10)]);
        let (verdicts, _) = run(host(), &[vlan(11)]);
        assert!(verdicts[0].comment.contains("changed"), "{verdicts:?}");
    }

    #[test]
    fn what_moves_within_the_machine_and_what_nobody_can_hear_is_not_asked_about() {
        // Both would be refused if they were asked about.
        let host = || {
            let host = SimHost::new().with_nic("eth1", "10.0.0.5/24", None);
            host.with_silent_neighbour("10.0.0.5", "eth0", None).with_silent_neighbour("10.0.0.7", "vb", None)
        };
        let moved = [
            state("address.present", "10.0.0.5/24", &[("link", "eth0".into())]),
            state("address.absent", "10.0.0.5/24", &[("link", "eth1".into())]),
        ];
        let cable =
            [state("veth.present", "va", &[("peer", "vb".into()), ("addresses", list(&["10.0.0.7/24"]))])];
        for calls in [&moved[..], &cable[..]] {
            let (verdicts, steps) = run(host(), calls);
            assert!(verdicts.iter().all(|v| v.comment.contains("changed")) && steps > 0, "{verdicts:?}");
        }
    }
}
