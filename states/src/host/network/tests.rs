//! The JSON form is frozen: what an older lab wrote to a journal must still be read.

use super::*;

fn snapshot() -> NetSnapshot {
    let bridge = BridgeOptions { stp: true, forward_delay: 400, ..BridgeOptions::default() };
    let link = |index: u32, name: &str, kind: LinkKind| Link {
        index,
        name: name.to_owned(),
        alias: None,
        kind,
        mac: Some(Mac([0x52, 0x54, 0, 0, 0, 2])),
        mtu: 1500,
        up: true,
        carrier: true,
        promisc: false,
        master: None,
        port_state: None,
        vlans: vec![],
        addresses: vec![],
        leased: vec![],
        lifetimes: BTreeMap::new(),
    };
    let mut port = link(2, "eth0", LinkKind::Device);
    port.master = Some("br0".to_owned());
    port.port_state = Some(PortState::Forwarding);
    port.vlans = vec![PortVlan { id: 1, pvid: true, untagged: true }];
    let mut br0 = link(3, "br0", LinkKind::Bridge(bridge));
    br0.alias = Some(LAB_ALIAS.to_owned());
    br0.addresses = vec!["10.0.0.1/24".parse().expect("valid")];
    let bond = LinkKind::Bond {
        options: BondOptions { mode: BondMode::Lacp, miimon: 140, ..BondOptions::default() },
        primary: Some("eth1".to_owned()),
    };
    NetSnapshot {
        links: vec![
            port,
            br0,
            link(4, "vlan10", LinkKind::Vlan { link: "br0".to_owned(), id: 10 }),
            link(5, "bond0", bond),
            link(
                6,
                "tap0",
                LinkKind::Tap(TapOptions { owner: Some(107), persist: true, ..TapOptions::default() }),
            ),
            link(7, "wg0", LinkKind::Other("wireguard".to_owned())),
        ],
        routes: vec![route()],
        rules: vec![rule()],
        neighbours: vec![Neighbour {
            ip: "10.0.0.254".parse().expect("valid"),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            link: "eth0".to_owned(),
        }],
        sysctls: BTreeMap::from([("net.ipv4.ip_forward".to_owned(), "1".to_owned())]),
        modules: BTreeMap::from([("br_netfilter".to_owned(), BTreeMap::new())]),
        files: BTreeMap::from([("/etc/resolv.conf".to_owned(), "nameserver 10.0.0.254\n".to_owned())]),
    }
}

fn route() -> Route {
    Route {
        destination: None,
        gateway: "10.0.0.254".parse().ok(),
        link: Some("br0".to_owned()),
        source: None,
        metric: None,
        table: MAIN_TABLE,
        kind: RouteKind::Unicast,
        onlink: false,
        mtu: None,
        origin: Protocol::LAB,
        v6: false,
    }
}

fn rule() -> Rule {
    Rule {
        priority: 100,
        v6: false,
        from: "10.1.0.0/16".parse().ok(),
        to: None,
        iif: None,
        oif: None,
        fwmark: Some(16),
        fwmask: Some(255),
        action: RuleAction::Table(100),
        origin: Protocol::LAB,
    }
}

fn steps() -> Vec<NetStep> {
    let link = || "br0".to_owned();
    let address: Address = "10.0.0.1/24".parse().expect("valid");
    let mac = Mac([0x52, 0x54, 0, 0, 0, 2]);
    let vlan = PortVlan { id: 10, pvid: false, untagged: false };
    let new = NewLink {
        name: "vlan10".to_owned(),
        kind: LinkKind::Vlan { link: link(), id: 10 },
        mac: None,
        mtu: Some(1400),
        alias: Some(LAB_ALIAS.to_owned()),
        up: true,
    };
    vec![
        NetStep::CreateLink(new),
        NetStep::DeleteLink { name: link() },
        NetStep::SetBridge { name: link(), options: BridgeOptions::default() },
        NetStep::SetBond { name: "bond0".to_owned(), options: BondOptions::default(), primary: None },
        NetStep::SetTap { name: "tap0".to_owned(), options: TapOptions::default() },
        NetStep::SetMaster { link: "eth0".to_owned(), master: Some(link()) },
        NetStep::SetUp { link: link(), up: true },
        NetStep::SetMtu { link: link(), mtu: 1400 },
        NetStep::SetMac { link: link(), mac },
        NetStep::SetAlias { link: link(), alias: None },
        NetStep::SetPromisc { link: link(), on: true },
        NetStep::AddPortVlan { link: "eth0".to_owned(), bridge: false, vlan },
        NetStep::DeletePortVlan { link: link(), bridge: true, vlan },
        NetStep::AddAddress { link: link(), address },
        NetStep::AddLease { link: link(), address, lifetime: Lifetime { preferred: 1800, valid: 3600 } },
        NetStep::CopyAddress { from: "eth0".to_owned(), to: link(), address },
        NetStep::DeleteAddress { link: "eth0".to_owned(), address },
        NetStep::CopyNeighbour { to: link(), ip: "10.0.0.254".parse().expect("valid"), mac },
        NetStep::AwaitOperational { link: link() },
        NetStep::AddRoute { route: route() },
        NetStep::ReplaceRoute { old: route(), new: route() },
        NetStep::MoveRoute { route: route(), to: "eth0".to_owned() },
        NetStep::DeleteRoute { route: route() },
        NetStep::AddRule { rule: rule() },
        NetStep::DeleteRule { rule: rule() },
        NetStep::LoadModule {
            name: "bonding".to_owned(),
            options: BTreeMap::from([("max_bonds".to_owned(), "0".to_owned())]),
        },
        NetStep::UnloadModule { name: "kvm_intel".to_owned() },
        NetStep::SetSysctl { key: "net.ipv4.ip_forward".to_owned(), value: "1".to_owned() },
        NetStep::WriteFile { path: "/etc/resolv.conf".to_owned(), content: None },
        NetStep::RestartService { name: "systemd-resolved".to_owned() },
    ]
}

#[test]
fn the_json_form_of_snapshots_and_steps_is_the_frozen_one_and_reads_back() {
    assert_eq!(NET_FORMAT, 1, "a new form needs a new file beside the old one, which must still be read");
    let (snapshot, steps) = (snapshot(), steps());
    let json = serde_json::to_string_pretty(&snapshot).expect("serialises") + "\n";
    assert_eq!(json, include_str!("frozen/snapshot-1.json"));
    assert_eq!(serde_json::from_str::<NetSnapshot>(&json).expect("reads back"), snapshot);
    let json = serde_json::to_string_pretty(&steps).expect("serialises") + "\n";
    assert_eq!(json, include_str!("frozen/steps-1.json"));
    assert_eq!(serde_json::from_str::<Vec<NetStep>>(&json).expect("reads back"), steps);
}

#[test]
fn a_route_is_known_by_where_it_leads_to_not_by_who_made_it() {
    let other = Route { origin: Protocol::DHCP, gateway: None, ..route() };
    assert_eq!(route().key(), other.key());
    let metric = Route { metric: Some(100), ..route() };
    assert_ne!(route().key(), metric.key());
    let six = Route { v6: true, metric: None, ..route() };
    assert_eq!(six.key(), Route { metric: Some(1024), ..six.clone() }.key());
}
