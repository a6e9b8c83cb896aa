//! The laws of the planner, on the model of the kernel: a plan reaches what is wanted, its inverse restores the machine, a
//! second plan is empty, what nobody named stays, and at no step of the management move is the machine cut off.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::host::{
    Address, BondMode, LinkKind, MAIN_TABLE, Mac, MacvlanMode, Neighbour, NetSnapshot, NetStep, PortState,
    PortVlan, Protocol, Route, RouteKind, Rule, RuleAction, TapOptions,
};

fn address(text: &str) -> Address {
    text.parse().expect("valid")
}

/// The way back from a bridge that took a card over: the card has the address and the route before the bridge goes.
#[test]
fn a_card_gets_the_address_of_a_bridge_that_goes_before_it_goes() {
    let mut net = machine();
    let mut br0 = Interface::new(0, "br0", Kind::Bridge(Bridge::default()));
    br0.ports = vec![own(named("eth0"))];
    br0.take_over = Some(named("eth0"));
    let there = Document { interfaces: [("br0".to_owned(), br0)].into(), ..Document::default() };
    for planned in plan(&there, &net, &Surroundings::default()).expect("can be planned") {
        model::take(&mut net, &planned.step).expect("the kernel takes it");
    }
    let mut eth0 = Interface::new(0, "eth0", Kind::Existing);
    eth0.addresses = vec![own(address("10.0.0.2/24")), own(address("fd00::2/64"))];
    let back = |gateway: &str| {
        let Route { destination, gateway, source, metric, table, kind, onlink, mtu, v6, .. } =
            via(gateway, "eth0", None);
        let link = Some(named("eth0"));
        own(RouteWant { destination, gateway, link, source, metric, table, kind, onlink, mtu, v6 })
    };
    let away = Document {
        interfaces: [("eth0".to_owned(), eth0)].into(),
        routes: vec![back("10.0.0.1"), back("fd00::1")],
        absent: vec![own(Absent { name: "br0".to_owned(), kind: AbsentKind::Bridge, force: true })],
        ..Document::default()
    };
    let steps = plan(&away, &net, &Surroundings::default()).expect("can be planned");
    let place =
        |test: &dyn Fn(&NetStep) -> bool| steps.iter().position(|p| test(&p.step)).expect("is planned");
    let given = place(&|s| matches!(s, NetStep::AddAddress { link, .. } if link == "eth0"));
    let led =
        place(&|s| matches!(s, NetStep::ReplaceRoute { new, .. } if new.link.as_deref() == Some("eth0")));
    let gone = place(&|s| matches!(s, NetStep::DeleteLink { .. }));
    assert!(given < led && led < gone, "{steps:?}");
    for planned in &steps {
        model::take(&mut net, &planned.step).expect("the kernel takes it");
    }
    assert_eq!(plan(&away, &net, &Surroundings::default()), Ok(Vec::new()));
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("valid")
}

fn card(net: &mut NetSnapshot, name: &str, has: &[&str]) {
    let link = model::push(net, name, LinkKind::Device, None, 1500);
    (link.up, link.carrier) = (true, true);
    for a in has {
        model::add_address(net, name, address(a)).expect("the link is there");
    }
}

fn via(gateway: &str, link: &str, destination: Option<&str>) -> Route {
    Route {
        destination: destination.map(address),
        gateway: Some(ip(gateway)),
        link: Some(link.to_owned()),
        source: None,
        metric: None,
        table: MAIN_TABLE,
        kind: RouteKind::Unicast,
        onlink: false,
        mtu: None,
        origin: Protocol::BOOT,
        v6: ip(gateway).is_ipv6(),
    }
}

/// A machine with an uplink, two more cards, and things of others: a bridge with a virtual machine's tap, a route, a rule.
fn machine() -> NetSnapshot {
    let mut net = NetSnapshot::default();
    card(&mut net, "eth0", &["10.0.0.2/24", "fd00::2/64"]);
    card(&mut net, "eth1", &[]);
    card(&mut net, "eth2", &[]);
    net.routes.push(via("10.0.0.1", "eth0", None));
    net.routes.push(via("fd00::1", "eth0", None));
    net.routes.push(via("10.0.0.9", "eth0", Some("10.99.0.0/16")));
    let foreign = model::push(
        &mut net,
        "br-foreign",
        LinkKind::Bridge(crate::host::BridgeOptions::default()),
        None,
        1500,
    );
    foreign.up = true;
    let tap = model::push(
        &mut net,
        "vnet0",
        LinkKind::Tap(TapOptions { persist: false, ..TapOptions::default() }),
        None,
        1500,
    );
    (tap.up, tap.carrier) = (true, true);
    let plug = NetStep::SetMaster { link: "vnet0".to_owned(), master: Some("br-foreign".to_owned()) };
    model::take(&mut net, &plug).expect("it is a bridge");
    net.rules.push(Rule {
        priority: 50,
        v6: false,
        from: Some(address("10.50.0.0/16")),
        to: None,
        iif: None,
        oif: None,
        fwmark: None,
        fwmask: None,
        action: RuleAction::Table(50),
        origin: Protocol::STATIC,
    });
    net.neighbours.push(Neighbour {
        ip: ip("10.0.0.1"),
        mac: Mac([2, 0, 0, 0, 0, 1]),
        link: "eth0".to_owned(),
    });
    net
}

fn around() -> Surroundings {
    Surroundings { session: Some(ip("10.0.0.2")), ..Surroundings::default() }
}

fn own<T>(what: T) -> Owned<T> {
    Owned { owner: 0, what }
}

fn named(name: &str) -> LinkRef {
    LinkRef::Name(name.to_owned())
}

fn management_move(stp: bool) -> Document {
    let bridge = Bridge { stp: Some(stp), forward_delay: Some(400), ..Bridge::default() };
    let mut br0 = Interface::new(0, "br0", Kind::Bridge(bridge));
    br0.ports.push(own(LinkRef::DefaultRoute));
    br0.take_over = Some(LinkRef::DefaultRoute);
    br0.mac = Some(MacFrom::Uplink);
    document(vec![br0])
}

fn document(interfaces: Vec<Interface>) -> Document {
    Document::merge(interfaces.into_iter().map(|i| (0, Want::Interface(Box::new(i)))).collect())
        .expect("merges")
}

fn applied(net: &NetSnapshot, steps: &[Planned]) -> NetSnapshot {
    let mut net = net.clone();
    for p in steps {
        model::take(&mut net, &p.step).unwrap_or_else(|e| panic!("{}: {e}", p.step));
    }
    net
}

fn undone(net: &NetSnapshot, steps: &[Planned]) -> NetSnapshot {
    let mut net = net.clone();
    for step in steps.iter().rev().flat_map(|p| &p.undo) {
        model::take(&mut net, step).unwrap_or_else(|e| panic!("undo {step}: {e}"));
    }
    net
}

/// A snapshot without what does not matter: numbers of links, and orders.
fn same(mut net: NetSnapshot) -> NetSnapshot {
    net.links.sort_by(|a, b| a.name.cmp(&b.name));
    for link in &mut net.links {
        link.index = 0;
        link.addresses.sort();
        link.leased.sort();
    }
    net.routes.sort_by_key(|r| format!("{r:?}"));
    net.rules.sort_by_key(|r| format!("{r:?}"));
    net
}

fn lines(steps: &[Planned]) -> Vec<String> {
    let risk = |p: &Planned| p.risk.map(|r| format!(" ({})", r.as_str())).unwrap_or_default();
    steps.iter().map(|p| format!("{}{}", p.step, risk(p))).collect()
}

#[test]
fn the_management_address_moves_without_a_moment_when_it_is_nowhere() {
    let steps = plan(&management_move(true), &machine(), &around()).expect("plans");
    assert_eq!(
        lines(&steps),
        [
            "br0: create bridge (mac 52:54:00:00:00:01)",
            "br0: take over address 10.0.0.2/24 of eth0",
            "br0: take over address fd00::2/64 of eth0",
            "eth0: port of br0 (carries the master session)",
            "br0: wait until it can send",
            "br0: know neighbour 10.0.0.1",
            "default route: dev eth0 -> br0 (carries the master session)",
            "default route (IPv6): dev eth0 -> br0 (carries the master session)",
            "route 10.99.0.0/16: dev eth0 -> br0 (carries the master session)",
            "eth0: delete address 10.0.0.2/24 (carries the master session)",
            "eth0: delete address fd00::2/64",
            "br0: stp on, forward delay 4.00 s, priority 32768 (carries the master session)",
        ]
    );
}

/// Tells whether packets to and from the master get through: the address is there, what comes in reaches it, and there is a
/// way out that gets an answer.
fn carries_traffic(net: &NetSnapshot) -> Result<(), String> {
    let up = |name: &str| net.link(name).is_some_and(|l| l.up);
    let has = |l: &crate::host::Link| l.up && l.addresses.contains(&address("10.0.0.2/24"));
    if !net.links.iter().any(has) {
        return Err("the address is nowhere".to_owned());
    }
    let wire = net.link("eth0").ok_or("no uplink")?;
    let forwards = wire.port_state == Some(PortState::Forwarding);
    match wire.master.as_deref() {
        None if wire.up => {}
        Some(bridge) if wire.up && up(bridge) && forwards => {}
        _ => return Err("what comes in is dropped".to_owned()),
    }
    let known = net.neighbours.iter().any(|n| n.link == "eth0");
    let out = |name: &str| match wire.master.as_deref() {
        None => name == "eth0",
        // The neighbour's answer would come in on the bridge; one that is known need not be asked.
        Some(bridge) => name == bridge && forwards || name == "eth0" && known,
    };
    let way = net.default_routes().into_iter().filter(|r| !r.v6).find_map(|r| r.link.clone());
    // What is sent by a link without a carrier is thrown away.
    let sends = |name: &str| net.link(name).is_some_and(|l| l.up && l.carrier);
    match way {
        Some(way) if sends(&way) && out(&way) => Ok(()),
        other => Err(format!("no way out by {other:?}")),
    }
}

#[test]
fn every_prefix_of_the_management_move_and_of_its_undo_carries_traffic() {
    for stp in [false, true] {
        let before = machine();
        let steps = plan(&management_move(stp), &before, &around()).expect("plans");
        for n in 0..=steps.len() {
            let there = applied(&before, &steps[..n]);
            assert_eq!(carries_traffic(&there), Ok(()), "stp {stp}, after {:?}", lines(&steps[..n]));
            let mut back = there;
            for step in steps[..n].iter().rev().flat_map(|p| &p.undo) {
                model::take(&mut back, step).unwrap_or_else(|e| panic!("undo {step}: {e}"));
                assert_eq!(carries_traffic(&back), Ok(()), "stp {stp}, {n} steps, then undo {step}");
            }
            assert_eq!(same(back), same(before.clone()), "stp {stp}, {n} steps");
        }
    }
}

#[test]
fn a_bond_has_the_routes_of_the_port_that_it_takes_over_before_that_goes_off() {
    let before = machine();
    let mut bond0 = Interface::new(0, "bond0", Kind::Bond(Bond::default()));
    bond0.ports = vec![own(named("eth0")), own(named("eth1"))];
    bond0.take_over = Some(named("eth0"));
    let steps = plan(&document(vec![bond0]), &before, &around()).expect("plans");
    let after = applied(&before, &steps);
    let out_of = |net: &NetSnapshot, link: &str| {
        let made = |r: &&Route| r.link.as_deref() == Some(link) && r.origin != Protocol::KERNEL;
        net.routes.iter().filter(made).map(Route::key).collect::<Vec<_>>()
    };
    assert!(!out_of(&before, "eth0").is_empty());
    assert_eq!(out_of(&after, "bond0"), out_of(&before, "eth0"));
    assert_eq!(same(undone(&after, &steps)), same(before));
}

#[test]
fn an_address_moves_from_a_link_that_goes_in_the_same_run_and_from_no_other() {
    let mut before = machine();
    let lan = LinkKind::Vlan { link: "eth1".to_owned(), id: 10 };
    model::push(&mut before, "lan", lan, None, 1500).up = true;
    model::add_address(&mut before, "lan", address("192.168.110.2/24")).expect("the link is there");
    before.routes.push(via("192.168.110.1", "lan", Some("10.98.0.0/16")));
    let mut vlan = Interface::new(0, "vlan10", Kind::Vlan { link: named("eth2"), id: 10 });
    vlan.addresses.push(own(address("192.168.110.2/24")));
    let mut wanted = document(vec![vlan]);
    let route = RouteWant {
        destination: Some(address("10.98.0.0/16")),
        gateway: Some(ip("192.168.110.1")),
        link: Some(named("vlan10")),
        source: None,
        metric: None,
        table: MAIN_TABLE,
        kind: RouteKind::Unicast,
        onlink: false,
        mtu: None,
        v6: false,
    };
    wanted.routes.push(own(route));
    let refused = plan(&wanted, &before, &around()).expect_err("lan stays");
    assert!(refused.text.contains("on lan already: say address.absent of lan"), "{refused}");
    wanted.absent.push(own(Absent { name: "lan".to_owned(), kind: AbsentKind::Vlan, force: false }));
    let steps = plan(&wanted, &before, &around()).expect("lan goes");
    let after = applied(&before, &steps);
    let has = |name: &str| after.link(name).map(|l| l.addresses.clone());
    assert_eq!((has("lan"), has("vlan10")), (None, Some(vec![address("192.168.110.2/24")])));
    let to = after.routes.iter().find(|r| r.destination == Some(address("10.98.0.0/16")));
    assert_eq!(to.and_then(|r| r.link.as_deref()), Some("vlan10"), "the route moved before its link went");
    assert_eq!(lines(&plan(&wanted, &after, &around()).expect("plans")), Vec::<String>::new());
    assert_eq!(same(undone(&after, &steps)), same(before));
}

#[test]
fn the_captured_uplink_is_the_same_one_in_the_second_run() {
    let before = machine();
    let steps = plan(&management_move(true), &before, &around()).expect("plans");
    let after = applied(&before, &steps);
    assert_eq!(lines(&plan(&management_move(true), &after, &around()).expect("plans")), Vec::<String>::new());
}

#[test]
fn a_module_is_loaded_anew_for_an_option_that_differs_and_left_where_the_kernel_shows_it_otherwise() {
    let one = |v: &str| BTreeMap::from([("nested".to_owned(), v.to_owned())]);
    let steps = |have: &str| {
        let document = Document {
            modules: BTreeMap::from([("kvm_intel".to_owned(), Owned { owner: 0, what: one("1") })]),
            ..Document::default()
        };
        let mut now = machine();
        now.modules.insert("kvm_intel".to_owned(), one(have));
        lines(&plan(&document, &now, &Surroundings::default()).expect("plans"))
    };
    assert_eq!(steps("N"), ["module kvm_intel: unload", "module kvm_intel: load nested=1"]);
    assert_eq!(steps("Y"), Vec::<String>::new());
}

/// What is drawn for one document.
#[derive(Clone, Debug)]
struct Draw {
    take_over: bool,
    stp: Option<bool>,
    delay: Option<u32>,
    mtu: Option<u32>,
    filtering: bool,
    vlan: Option<u16>,
    bond: Option<bool>,
    veth: bool,
    tap: bool,
    macvlan: bool,
    route: Option<bool>,
    rule: bool,
    extra: bool,
    foreign: bool,
}

fn draws() -> impl Strategy<Value = Draw> {
    let first = (
        any::<bool>(),
        proptest::option::of(any::<bool>()),
        proptest::option::of(200u32..3000),
        proptest::option::of(1400u32..=1500),
        any::<bool>(),
        proptest::option::of(1u16..=4094),
        proptest::option::of(any::<bool>()),
    );
    let second = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(any::<bool>()),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (first, second).prop_map(|(a, b)| Draw {
        take_over: a.0,
        stp: a.1,
        delay: a.2,
        mtu: a.3,
        filtering: a.4,
        vlan: a.5,
        bond: a.6,
        veth: b.0,
        tap: b.1,
        macvlan: b.2,
        route: b.3,
        rule: b.4,
        extra: b.5,
        foreign: b.6,
    })
}

fn drawn(d: &Draw) -> Document {
    let options =
        Bridge { stp: d.stp, forward_delay: d.delay, vlan_filtering: Some(d.filtering), ..Bridge::default() };
    let mut br0 = Interface::new(0, "br0", Kind::Bridge(options));
    br0.mtu = d.mtu;
    if d.take_over {
        br0.ports.push(own(named("eth0")));
        br0.take_over = Some(named("eth0"));
        br0.mac = Some(MacFrom::Uplink);
    }
    if d.extra {
        br0.addresses.push(own(address("192.168.7.1/24")));
    }
    let mut all = vec![br0];
    if let Some(id) = d.vlan {
        let mut vlan = Interface::new(0, "lan", Kind::Vlan { link: named("br0"), id });
        vlan.addresses.push(own(address("192.168.110.2/24")));
        all.push(vlan);
    }
    if let Some(primary) = d.bond {
        let bond = Bond {
            mode: Some(BondMode::ActiveBackup),
            primary: primary.then(|| named("eth1")),
            ..Bond::default()
        };
        let mut bond = Interface::new(0, "bond0", Kind::Bond(bond));
        bond.ports.push(own(named("eth1")));
        if !d.macvlan {
            bond.ports.push(own(named("eth2")));
        }
        all.push(bond);
    }
    if d.veth {
        let mut end = Interface::new(0, "va", Kind::Veth { peer: "vb".to_owned() });
        end.port_of = Some(own(named("br0")));
        if d.filtering {
            end.vlans = vec![PortVlan { id: 10, pvid: true, untagged: true }];
        }
        all.push(end);
        let mut other = Interface::new(0, "vb", Kind::Existing);
        if d.foreign {
            other.port_of = Some(own(named("br-foreign")));
        } else {
            other.addresses.push(own(address("192.168.8.1/24")));
        }
        all.push(other);
    }
    if d.tap {
        let mut tap = Interface::new(0, "tap0", Kind::Tap(Tap { owner: Some(107), ..Tap::default() }));
        tap.promisc = Some(true);
        tap.port_of = Some(own(named("br0")));
        all.push(tap);
    }
    if d.macvlan {
        all.push(Interface::new(0, "mv0", Kind::Macvlan { link: named("eth2"), mode: MacvlanMode::Bridge }));
    }
    let mut document = document(all);
    if let Some(replace) = d.route {
        let want = RouteWant {
            destination: Some(address(if replace { "10.99.0.0/16" } else { "10.98.0.0/16" })),
            gateway: Some(ip("10.0.0.7")),
            link: None,
            source: None,
            metric: None,
            table: MAIN_TABLE,
            kind: RouteKind::Unicast,
            onlink: false,
            mtu: None,
            v6: false,
        };
        document.routes.push(own(want));
    }
    if d.rule {
        let want = RuleWant {
            priority: 100,
            v6: false,
            from: Some(address("10.1.0.0/16")),
            to: None,
            iif: None,
            oif: None,
            fwmark: Some(7),
            action: RuleAction::Table(100),
        };
        document.rules.push(own(want));
    }
    document
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_plan_reaches_what_is_wanted_and_its_inverse_restores_the_machine(draw in draws()) {
        let (before, document) = (machine(), drawn(&draw));
        let steps = plan(&document, &before, &around()).expect("plans");
        let after = applied(&before, &steps);
        let left = plan(&document, &after, &around()).expect("plans again");
        prop_assert_eq!(lines(&left), Vec::<String>::new());
        for wanted in document.interfaces.values() {
            let link = after.link(&wanted.name).expect("it is there");
            prop_assert!(wanted.addresses.iter().all(|a| link.addresses.contains(&a.what)));
            prop_assert!(wanted.mtu.is_none_or(|m| m == link.mtu));
        }
        prop_assert_eq!(same(undone(&after, &steps)), same(before));
    }

    #[test]
    fn a_plan_that_is_cut_short_anywhere_is_undone_as_well(draw in draws(), cut in 0usize..40) {
        let (before, document) = (machine(), drawn(&draw));
        let steps = plan(&document, &before, &around()).expect("plans");
        let taken = &steps[..cut.min(steps.len())];
        prop_assert_eq!(same(undone(&applied(&before, taken), taken)), same(before));
    }

    #[test]
    fn what_nobody_named_stays_as_it_is(draw in draws()) {
        let (before, document) = (machine(), drawn(&draw));
        let after = applied(&before, &plan(&document, &before, &around()).expect("plans"));
        for name in ["br-foreign", "vnet0"] {
            prop_assert_eq!(after.link(name), before.link(name));
        }
        prop_assert!(before.rules.iter().all(|r| after.rules.contains(r)));
        if !draw.take_over && draw.route != Some(true) {
            prop_assert!(before.routes.iter().all(|r| after.routes.contains(r)));
            prop_assert_eq!(&after.link("eth0").map(|l| l.addresses.clone()), &before.link("eth0").map(|l| l.addresses.clone()));
        }
    }

    #[test]
    fn what_was_made_can_be_taken_away_and_that_can_be_undone(draw in draws()) {
        let before = machine();
        let there = applied(&before, &plan(&drawn(&draw), &before, &around()).expect("plans"));
        let mut document = Document::default();
        let mut absent = |name: &str, kind: AbsentKind| {
            if there.link(name).is_some() {
                document.absent.push(own(Absent { name: name.to_owned(), kind, force: true }));
            }
        };
        absent("tap0", AbsentKind::Tap);
        absent("mv0", AbsentKind::Macvlan);
        absent("bond0", AbsentKind::Bond);
        absent("lan", AbsentKind::Vlan);
        absent("va", AbsentKind::Veth);
        if !draw.take_over {
            absent("br0", AbsentKind::Bridge);
        }
        let steps = plan(&document, &there, &around()).expect("plans");
        let gone = applied(&there, &steps);
        prop_assert!(document.absent.iter().all(|a| gone.link(&a.what.name).is_none()));
        // A port that joins again while the spanning tree protocol runs listens first: that passes.
        let settled = |net: NetSnapshot| {
            let mut net = same(net);
            net.links.iter_mut().for_each(|l| l.port_state = None);
            net
        };
        prop_assert_eq!(settled(undone(&gone, &steps)), settled(there));
    }
}
