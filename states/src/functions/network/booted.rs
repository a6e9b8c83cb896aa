//! What is recorded of a change, made again on a machine that has just booted.

use std::collections::BTreeSet;

use crate::functions::testing::Bench;
use crate::host::sim::SimHost;
use crate::host::{LinkKind, NetSnapshot, NetStep, Network, PortVlan};
use crate::net::ChangeStep;
use crate::net::record::{Missing, cards, missing};
use crate::net::render::{Managers, Owned, render};
use crate::netdoc::{Document, Surroundings, plan, want};

const CARD: &str = "10.0.0.5/24";

/// Applies states to a machine that has a card and no manager, and returns what is recorded of them.
fn recorded(sls: &str) -> (Owned, NetSnapshot) {
    let host = SimHost::new().with_nic("eth0", CARD, Some("10.0.0.1")).with_nic("eth1", "", None);
    let calls = Bench::new(SimHost::new()).calls(sls, false);
    let wants = calls.iter().flat_map(|c| want(c, 0, &host).expect("valid")).map(|w| (0, w)).collect();
    let before = host.net_snapshot().expect("simulated");
    let document = Document::merge(wants).expect("agrees");
    let steps = plan(&document, &before, &Surroundings::default()).expect("can be planned");
    let steps: Vec<ChangeStep> =
        steps.into_iter().map(|p| ChangeStep { owner: 0, step: p.step, undo: p.undo }).collect();
    steps.iter().for_each(|s| host.net_step(&s.step).expect("the kernel takes it"));
    let after = host.net_snapshot().expect("simulated");
    let rendered = render(&Owned::default(), &before, &after, &steps, &Managers::default());
    (rendered.expect("is written down").owned, after)
}

/// A machine that has just booted: its cards are there and off, with nothing on them.
fn booted(cards: &[&str]) -> SimHost {
    let host = cards.iter().fold(SimHost::new(), |host, card| host.with_nic(card, "", None));
    for card in cards {
        host.net_step(&NetStep::SetUp { link: (*card).to_owned(), up: false }).expect("the kernel takes it");
    }
    host
}

fn boot(owned: &Owned, host: &SimHost) -> NetSnapshot {
    let (now, refused) = boot_as_far_as_it_goes(owned, host);
    assert_eq!(refused, [""; 0]);
    now
}

/// Returns also what is refused.
fn boot_as_far_as_it_goes(owned: &Owned, host: &SimHost) -> (NetSnapshot, Vec<String>) {
    let Missing { steps, refused } = missing(owned, &host.net_snapshot().expect("simulated"));
    for step in &steps {
        host.net_step(step).unwrap_or_else(|e| panic!("{e}"));
    }
    let now = host.net_snapshot().expect("simulated");
    let again = Missing { steps: Vec::new(), refused: refused.clone() };
    assert_eq!(missing(owned, &now), again, "a second time there is nothing to do");
    (now, refused)
}

/// Lists the ways through neighbours.
fn ways(net: &NetSnapshot) -> Vec<String> {
    let through = net.routes.iter().filter(|r| r.gateway.is_some());
    let mut found: Vec<String> = through.map(|r| format!("{:?} {r}", r.destination)).collect();
    found.sort();
    found
}

const CAPTURED: &str = "net:\n  net.config:\n    - uplink: {capture: default-route}\n    - interfaces:\n        \
    br0: {type: bridge, ports: ['{uplink}'], take-over: '{uplink}', stp: true, forward-delay: 4s}\n        \
    vlan10: {type: vlan, link: br0, id: 10, addresses: [192.168.110.2/24]}\n    \
    - routes: [{to: 10.32.0.0/16, via: 192.168.110.1}]\n";

#[test]
fn a_captured_uplink_and_addresses_that_were_taken_over_are_there_again_after_a_boot() {
    let (owned, then) = recorded(CAPTURED);
    let now = boot(&owned, &booted(&["eth0", "eth1"]));
    let addresses = |net: &NetSnapshot, link: &str| net.link(link).map(|l| l.addresses.clone());
    for link in ["br0", "vlan10", "eth0"] {
        assert_eq!(addresses(&now, link), addresses(&then, link), "{link}");
    }
    assert_eq!(now.link("br0").map(|l| &l.kind), then.link("br0").map(|l| &l.kind));
    assert_eq!(now.link("br0").and_then(|l| l.mac), then.link("br0").and_then(|l| l.mac));
    assert_eq!(now.master_of("eth0"), Some("br0"));
    assert_eq!(ways(&now), ways(&then));
}

#[test]
fn a_card_that_is_gone_takes_only_what_stands_on_it_along() {
    let (owned, _) = recorded(
        "br1:\n  bridge.present:\n    - ports: [eth1]\n    - addresses: [10.9.0.1/24]\n\
         vlan7:\n  vlan.present:\n    - link: eth0\n    - id: 7\n    - addresses: [10.7.0.1/24]\n",
    );
    assert_eq!(cards(&owned), BTreeSet::from(["eth0".to_owned(), "eth1".to_owned()]));
    let now = boot(&owned, &booted(&["eth1"]));
    assert!(now.link("vlan7").is_none());
    assert_eq!(now.master_of("eth1"), Some("br1"));
    let now = boot(&owned, &booted(&["eth0"]));
    assert!(now.link("vlan7").is_some_and(|l| l.addresses.len() == 1));
    assert!(now.link("br1").is_some_and(|l| l.addresses.len() == 1));
}

const BONDED: &str = "bond0:\n  bond.present:\n    - ports: [eth0, eth1]\n    - mode: active-backup\n    - primary: eth0\n    \
    - take_over: eth0\n\
    br0:\n  bridge.present:\n    - ports: [bond0]\n    - addresses: [10.9.0.1/24]\n";

#[test]
fn a_bond_whose_preferred_port_is_gone_is_made_of_the_others() {
    let (owned, _) = recorded(BONDED);
    let primary = |net: &NetSnapshot| match net.link("bond0").map(|l| &l.kind) {
        Some(LinkKind::Bond { primary, .. }) => primary.clone(),
        other => panic!("{other:?}"),
    };
    let now = boot(&owned, &booted(&["eth1"]));
    assert_eq!((now.master_of("eth1"), now.master_of("bond0")), (Some("bond0"), Some("br0")));
    assert!(now.link("br0").is_some_and(|l| l.addresses.len() == 1));
    assert_eq!(primary(&now), None);
    let now = boot(&owned, &booted(&["eth0", "eth1"]));
    assert_eq!(primary(&now).as_deref(), Some("eth0"));
}

#[test]
fn what_an_initramfs_left_on_a_card_is_taken_over() {
    let left = || SimHost::new().with_nic("eth0", CARD, Some("10.0.0.1")).with_nic("eth1", "", None);
    for sls in [CAPTURED, BONDED_UNDER_A_BRIDGE] {
        let (owned, then) = recorded(sls);
        let now = boot(&owned, &left());
        let addresses = |net: &NetSnapshot, link: &str| net.link(link).map(|l| l.addresses.clone());
        assert_eq!(addresses(&now, "br0"), addresses(&then, "br0"), "{sls}");
        assert_eq!(addresses(&now, "eth0"), Some(Vec::new()), "{sls}");
        assert_eq!(ways(&now), ways(&then), "{sls}");
    }
}

const BONDED_UNDER_A_BRIDGE: &str = "net:\n  net.config:\n    - interfaces:\n        \
    bond0: {type: bond, ports: [eth0, eth1], take-over: eth0}\n        \
    br0: {type: bridge, ports: [bond0], take-over: bond0, addresses: [10.0.0.5/24]}\n    \
    - routes: [{to: default, via: 10.0.0.1}]\n";

#[test]
fn one_refusal_keeps_nothing_else_away() {
    let (owned, _) = recorded(
        "br1:\n  bridge.present:\n    - ports: [eth1]\n    - addresses: [10.9.0.1/24, 10.10.0.1/24]\n\
         vlan7:\n  vlan.present:\n    - link: eth0\n    - id: 7\n    - addresses: [10.7.0.1/24]\n\
         10.32.0.0/16:\n  route.present:\n    - via: 10.0.0.1\n\
         10.33.0.0/16:\n  route.present:\n    - via: 10.9.0.2\n",
    );
    // Somebody else has made a link of one name and taken one of the addresses, and nobody gives the card its own.
    let host = SimHost::new().with_nic("eth0", "", None).with_nic("eth1", "", None);
    let host = host.with_nic("vlan7", "10.10.0.1/24", None);
    let (now, refused) = boot_as_far_as_it_goes(&owned, &host);
    let about = |text: &str| refused.iter().filter(|r| r.contains(text)).count();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert_eq!(
        ["10.10.0.1/24 is on vlan7", "vlan7 is there already", "the gateway 10.0.0.1 is in no network"]
            .map(about),
        [1; 3],
        "{refused:?}"
    );
    assert_eq!(now.master_of("eth1"), Some("br1"));
    assert_eq!(now.link("br1").map(|l| l.addresses.len()), Some(1));
    assert!(ways(&now).len() == 1 && ways(&now)[0].contains("10.9.0.2"), "{:?}", ways(&now));
}

#[test]
fn ports_are_in_their_vlans_again() {
    let (owned, then) = recorded(
        "port-a:\n  veth.present:\n    - peer: end-a\n\
         br0:\n  bridge.present:\n    - ports: [port-a]\n    - vlan_filtering: True\n    - port_vlans: {port-a: {pvid: 10, vids: [20]}}\n",
    );
    let own = PortVlan { id: 10, pvid: true, untagged: true };
    assert!(then.link("port-a").is_some_and(|l| l.vlans.contains(&own)), "{:?}", then.link("port-a"));
    let now = boot(&owned, &booted(&["eth0"]));
    assert_eq!(now.link("port-a").map(|l| &l.vlans), then.link("port-a").map(|l| &l.vlans));
    assert!(now.link("end-a").is_some());
}
