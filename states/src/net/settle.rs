//! How long a machine may be silent although a change of its network goes well.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::{BridgeOptions, LinkKind, NetSnapshot, NetStep, NewLink};

/// How long a client may need for a lease of its own on the link that took a leased address over, when it is handed over.
const LEASE: Duration = Duration::from_secs(10);

/// Returns how long the machine may be silent although all is well: ports that are plugged into a bridge with a running
/// spanning tree listen and learn, and an address from a lease is asked for anew.
pub fn settle<'a>(before: &NetSnapshot, steps: impl Iterator<Item = &'a NetStep>) -> Duration {
    let options = |kind: &LinkKind| if let LinkKind::Bridge(options) = kind { Some(*options) } else { None };
    let mut bridges: BTreeMap<String, BridgeOptions> =
        before.links.iter().filter_map(|l| Some((l.name.clone(), options(&l.kind)?))).collect();
    let (mut longest, mut lease) = (Duration::ZERO, Duration::ZERO);
    for step in steps {
        match step {
            NetStep::CreateLink(NewLink { name, kind, .. }) => {
                bridges.extend(options(kind).map(|o| (name.clone(), o)));
            }
            NetStep::SetBridge { name, options } => {
                bridges.insert(name.clone(), *options);
            }
            NetStep::SetMaster { master: Some(master), .. } => {
                if let Some(options) = bridges.get(master).filter(|o| o.stp) {
                    longest = longest.max(Duration::from_millis(u64::from(options.forward_delay) * 10 * 2));
                }
            }
            NetStep::CopyAddress { from, address, .. }
                if before.link(from).is_some_and(|l| l.leased.contains(address)) =>
            {
                lease = LEASE;
            }
            _ => {}
        }
    }
    longest + lease
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Network;
    use crate::host::sim::SimHost;

    fn bridge(name: &str, stp: bool) -> NetStep {
        let options = BridgeOptions { stp, forward_delay: 1500, ..BridgeOptions::default() };
        let kind = LinkKind::Bridge(options);
        NetStep::CreateLink(NewLink { name: name.into(), kind, mac: None, mtu: None, alias: None, up: true })
    }

    #[test]
    fn a_port_that_must_listen_first_is_waited_for_and_one_that_forwards_at_once_is_not() {
        let before = SimHost::new().net_snapshot().expect("simulated");
        let plug = NetStep::SetMaster { link: "eth0".into(), master: Some("br0".into()) };
        let on = NetStep::SetBridge {
            name: "br0".into(),
            options: BridgeOptions { stp: true, ..BridgeOptions::default() },
        };
        assert_eq!(settle(&before, [bridge("br0", true), plug.clone()].iter()), Duration::from_secs(30));
        assert_eq!(settle(&before, [bridge("br0", false), plug, on].iter()), Duration::ZERO);
    }

    #[test]
    fn a_leased_address_that_moves_gets_the_time_for_a_new_lease() {
        let host = SimHost::new().with_nic("eth0", "10.0.0.1/24", None);
        let address = "10.0.0.1/24".parse().expect("valid");
        let copy = NetStep::CopyAddress { from: "eth0".into(), to: "br0".into(), address };
        let mut before = host.net_snapshot().expect("simulated");
        assert_eq!(settle(&before, [&copy].into_iter()), Duration::ZERO);
        before.links.iter_mut().filter(|l| l.name == "eth0").for_each(|l| l.leased.push(address));
        assert_eq!(settle(&before, [&copy].into_iter()), LEASE);
    }
}
