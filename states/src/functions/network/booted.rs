//! What is recorded of a change, made again on a machine that has just booted.

use std::collections::BTreeSet;

use crate::functions::testing::Bench;
use crate::host::sim::SimHost;
use crate::host::{NetSnapshot, NetStep, Network, PortVlan};
use crate::net::ChangeStep;
use crate::net::record::{cards, missing};
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
    let steps = missing(owned, &host.net_snapshot().expect("simulated")).expect("can be planned");
    for step in &steps {
        host.net_step(step).unwrap_or_else(|e| panic!("{e}"));
    }
    let now = host.net_snapshot().expect("simulated");
    assert_eq!(missing(owned, &now), Ok(Vec::new()), "a second time there is nothing to do");
    now
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
    let ways = |net: &NetSnapshot| {
        let mut found: Vec<String> = net
            .routes
            .iter()
            .filter(|r| r.gateway.is_some())
            .map(|r| format!("{:?} {r}", r.destination))
            .collect();
        found.sort();
        found
    };
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
