//! What a check finds, and what it leaves alone.

use std::collections::BTreeMap;

use lab_proto::Value;

use super::*;
use crate::render::MemorySources;

fn checked(states: &[(&str, &str)], pillar: &[(&str, &str)]) -> Vec<String> {
    let grains = |id: &str| Value::from([("id", id)]);
    let minions = ["a", "b"].map(|id| Subject { id: id.to_owned(), grains: grains(id) });
    let registry = crate::functions::builtin();
    let states = MemorySources::new(states.iter().map(|(p, t)| (*p, *t)));
    let pillar = MemorySources::new(pillar.iter().map(|(p, t)| (*p, *t)));
    let input = Input {
        states: &states,
        pillar: Some(&pillar),
        minions: &minions,
        node_groups: &BTreeMap::new(),
        registry: &registry,
    };
    let line = |f: &Finding| {
        format!("{} {} {}{}", f.level.word(), f.code, f.place, if f.minions.len() == 1 { " one" } else { "" })
    };
    check(&input).findings.iter().map(line).collect()
}

#[test]
fn a_clean_tree_has_no_findings() {
    let states = [
        ("top.sls", "base: {'*': [web]}"),
        (
            "web.sls",
            "include: [common]\n/etc/web:\n  file.managed:\n    - contents: x\n    - require: [{test: c}]\n",
        ),
        ("common.sls", "c: test.nop"),
        ("orch/all.sls", "s:\n  salt.state:\n    - tgt: '*'\n    - sls: [web]\n"),
    ];
    assert_eq!(checked(&states, &[]), Vec::<String>::new());
}

#[test]
fn a_slot_fits_every_argument() {
    let slots = "/f:\n  file.managed:\n    - context: __slot__:salt:pillar.get(c)\nx:\n  cmd.run:\n    - \
                 timeout: __slot__:salt:pillar.get(t)\n";
    let no_slots = slots.replace("__slot__:", "slot:");
    let checked = |web: &str| checked(&[("top.sls", "base: {'*': [web]}"), ("web.sls", web)], &[]);
    assert_eq!(checked(slots), Vec::<String>::new());
    assert_eq!(checked(&no_slots).len(), 2, "{:?}", checked(&no_slots));
}

#[test]
fn a_requisite_met_by_another_sls_of_the_run_is_a_lint_and_one_that_nothing_meets_an_error() {
    let states = [
        ("top.sls", "base: {'*': [web, common]}"),
        ("web.sls", "w:\n  test.nop:\n    - require:\n      - test: c\n      - test: ghost\n"),
        ("common.sls", "c: test.nop"),
    ];
    assert_eq!(
        checked(&states, &[]),
        ["lint requisite-elsewhere web.sls:4:9", "error missing-requisite web.sls:5:9"]
    );
}

#[test]
fn what_depends_on_a_minion_counts_for_the_minions_that_hold_it() {
    let states = [
        ("top.sls", "base: {'a': [only_a]}"),
        ("only_a.sls", "x_{{ {'a': 1}[grains['id']] }}: test.nop"),
        ("nobodys.sls", "y_{{ {'b': 1}[grains['id']] }}: test.nop"),
    ];
    assert_eq!(
        checked(&states, &[]),
        ["note jinja-undefined nobodys.sls:1:14 one", "note no-top-match top.sls one"]
    );
}

#[test]
fn functions_that_need_a_machine_are_not_called_and_what_may_come_of_that_is_a_note() {
    let states = [
        ("a.sls", "x:\n  test.nop:\n    - a: {{ salt['grains.get']('id') }}\n"),
        ("b.sls", "{% set disks = salt['cmd.run']('lsblk') %}\n{{ disks.first }}: test.nop\n"),
    ];
    assert_eq!(checked(&states, &[]), ["note jinja-undefined b.sls:2:9"]);
}

#[test]
fn cycles_are_told_once_and_in_full() {
    let states = [(
        "a.sls",
        "x: {test.nop: [{require: [{test: y}]}]}\ny: {test.nop: [{require: [{test: z}]}]}\nz: {test.nop: [{require: [{test: x}]}]}\n",
    )];
    assert_eq!(checked(&states, &[]), ["error recursive-requisite a.sls:1:27"]);
}

#[test]
fn network_states_that_contradict_each_other_are_lints_and_a_comment_silences_one() {
    let net = "\
br0:
  bridge.present:
    - ports: [eth0]
    - addresses: [10.0.0.1/24]
br1:
  bridge.present:
    - ports: [eth0]  # lab: allow(bridge-owned-twice)
    - addresses: [10.0.0.1/24]
";
    let states = [("top.sls", "base: {'*': [net]}"), ("net.sls", net)];
    assert_eq!(
        checked(&states, &[]),
        [
            "lint duplicate-address net.sls:3:7 one",
            "lint duplicate-address net.sls:7:7",
            "lint duplicate-address net.sls:7:7 one"
        ]
    );
}

#[test]
fn a_vlan_on_a_port_of_a_bridge_and_a_second_default_gateway_are_lints() {
    let net = "\
br0:
  bridge.present:
    - ports: [eth0]
    - routes: [{to: default, via: 10.0.0.254}]
vlan5:
  vlan.present:
    - id: 5
    - link: eth0
    - routes: [{to: default, via: 10.5.0.254}]
vlan6:
  vlan.present:
    - id: 6
    - link: br0
    - routes: [{to: default, via: 'fd00::1'}]
";
    let states = [("top.sls", "base: {'*': [net]}"), ("net.sls", net)];
    let found = checked(&states, &[]);
    let of = |lint: &str| found.iter().filter(|f| f.contains(lint)).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("vlan-on-bridge-port"), ["lint vlan-on-bridge-port net.sls:8:7"], "{found:?}");
    // One of the other family of addresses is no second one.
    assert_eq!(of("two-default-gateways"), ["lint two-default-gateways net.sls:8:7"], "{found:?}");
}

#[test]
fn lints_of_the_table_have_ids_of_their_own_in_order() {
    let ids: Vec<&str> = lints::LINTS.iter().map(|l| l.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted);
}

#[test]
fn no_finding_tells_a_secret() {
    let pillar = MemorySources::new([("top.sls", "base: {'*': [v]}"), ("v.sls", "pw: !secret 'Hunt&r22'\n")]);
    let states = MemorySources::new([
        ("top.sls", "base: {'*': [a]}"),
        ("a.sls", "x:\n  test.nop:\n    - a: 'b' {{ pillar['pw'] }}: c: d\n"),
        ("b.sls", "x:\n  test.nop:\n    - a: {{ raise('it is ' ~ pillar['pw'] | tojson) }}\n"),
        ("c.sls", "{{ pillar['pw'] | yaml_dquote }}: {file.nope: []}\n"),
    ]);
    let report = check(&Input {
        states: &states,
        pillar: Some(&pillar),
        minions: &[Subject { id: "a".to_owned(), grains: Value::from([("id", "a")]) }],
        node_groups: &BTreeMap::new(),
        registry: &crate::functions::builtin(),
    });
    let told: Vec<String> =
        report.findings.iter().map(|f| format!("{}\n{}", f.text(1), f.to_value())).collect();
    let told = told.join("\n");
    assert!(report.findings.len() >= 3 && told.contains(crate::redact::MASK), "{told}");
    assert!(!told.contains("Hunt") && !told.contains("r22"), "{told}");
}
