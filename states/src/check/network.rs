//! Network states that contradict one another: within a minion, and between minions.

use lab_proto::{Map, Value};

use super::collector::Collector;
use crate::function::scalar_text;
use crate::low::{At, LowChunk, Places};

/// Modules whose states are about links.
const MODULES: [&str; 11] =
    ["bond", "bridge", "dummy", "net", "netplan", "network", "ovs", "tap", "veth", "vlan", "vxlan"];

/// What one state or one entry of a network document says about a link.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    minion: String,
    /// The state's ID, to tell two states from one.
    id: String,
    link: String,
    at: At,
    kind: String,
    ports: Vec<String>,
    parent: Option<String>,
    addresses: Vec<String>,
    gateways: Vec<String>,
}

/// Looks at the states of one run; `whole` says that it is the minion's highstate.
pub(super) fn within(
    chunks: &[LowChunk],
    places: &dyn Places,
    minion: &str,
    whole: bool,
    c: &mut Collector<'_>,
) {
    let about = |chunk: &&LowChunk| MODULES.contains(&chunk.state.as_str()) && chunk.fun != "absent";
    let facts: Vec<Facts> =
        chunks.iter().filter(about).flat_map(|chunk| of_chunk(chunk, places, minion)).collect();
    bridges(&facts, minion, c);
    for vlan in facts.iter().filter(|f| f.kind == "vlan") {
        let Some(parent) = &vlan.parent else { continue };
        let Some(bridge) = facts.iter().find(|f| f.ports.contains(parent)) else { continue };
        let message = format!(
            "the VLAN {} stands on {parent}, which is a port of the bridge {}",
            vlan.link, bridge.link
        );
        let remedy = format!("put it on {}", bridge.link);
        c.lint("vlan-on-bridge-port", &vlan.at, message, &remedy, minion);
    }
    let mut gateways: Vec<(&str, &Facts)> = Vec::new();
    for (gateway, fact) in facts.iter().flat_map(|f| f.gateways.iter().map(move |g| (g.as_str(), f))) {
        let same_kind = |(g, _): &&(&str, &Facts)| g.contains(':') == gateway.contains(':') && *g != gateway;
        if let Some((other, first)) = gateways.iter().find(same_kind) {
            let message = format!(
                "{} gets the default gateway {gateway}, and {} has {other} already",
                fact.link, first.link
            );
            c.lint("two-default-gateways", &fact.at, message, "keep one default gateway", minion);
        }
        gateways.push((gateway, fact));
    }
    let mut given: Vec<(&str, &Facts)> = Vec::new();
    for (address, fact) in facts.iter().flat_map(|f| f.addresses.iter().map(move |a| (a.as_str(), f))) {
        if let Some((_, first)) = given.iter().find(|(a, f)| *a == address && f.link != fact.link) {
            let message = format!("{} and {} both get the address {address}", fact.link, first.link);
            c.lint("duplicate-address", &fact.at, message, "give each link an address of its own", minion);
        }
        given.push((address, fact));
    }
    if whole {
        c.facts.extend(facts);
    }
}

fn bridges(facts: &[Facts], minion: &str, c: &mut Collector<'_>) {
    let all: Vec<&Facts> = facts.iter().filter(|f| f.kind == "bridge").collect();
    for (i, bridge) in all.iter().enumerate() {
        for before in &all[..i] {
            if before.link == bridge.link && before.id != bridge.id {
                let message = format!("the bridge {} is declared by ID {} already", bridge.link, before.id);
                c.lint("bridge-owned-twice", &bridge.at, message, "keep one state for it", minion);
            }
            if before.link == bridge.link {
                continue;
            }
            if let Some(port) = bridge.ports.iter().find(|p| before.ports.contains(p)) {
                let message = format!("{port} is a port of {} and of {}", before.link, bridge.link);
                c.lint("bridge-owned-twice", &bridge.at, message, "a link is a port of one bridge", minion);
            }
        }
    }
}

/// Looks at addresses that two minions get.
pub(super) fn across(c: &mut Collector<'_>) {
    let facts = std::mem::take(&mut c.facts);
    let mut given: Vec<(&str, &Facts)> = Vec::new();
    for (address, fact) in facts.iter().flat_map(|f| f.addresses.iter().map(move |a| (a.as_str(), f))) {
        let host_only = address.starts_with("127.") || address == "::1" || address.starts_with("fe80:");
        if let Some((_, first)) = given.iter().find(|(a, f)| *a == address && f.minion != fact.minion)
            && !host_only
        {
            let message = format!(
                "{} of {} and {} of {} both get the address {address}",
                first.link, first.minion, fact.link, fact.minion
            );
            c.lint(
                "duplicate-address",
                &fact.at,
                message,
                "give each minion an address of its own",
                &fact.minion,
            );
        }
        given.push((address, fact));
    }
}

fn of_chunk(chunk: &LowChunk, places: &dyn Places, minion: &str) -> Vec<Facts> {
    let at = |argument: &str| places.argument(chunk, argument);
    let of = |link: &str, kind: &str, args: &Map, at: At| {
        let gateways = gateways(args);
        Facts {
            minion: minion.to_owned(),
            id: chunk.id.to_string(),
            link: link.to_owned(),
            at,
            kind: kind.to_owned(),
            ports: if kind == "bridge" { texts(args, &["ports", "interfaces"]) } else { Vec::new() },
            parent: texts(args, &["link", "parent", "dev", "device"]).pop(),
            addresses: texts(args, &["addresses", "address"]).iter().map(|a| bare(a)).collect(),
            gateways,
        }
    };
    let named = ["ports", "link", "parent", "addresses", "gateway", "gateway4", "routes"];
    let place =
        named.iter().find(|a| chunk.args.contains_key(**a)).map_or_else(|| places.function(chunk), |a| at(a));
    let mut out = vec![of(&chunk.name, &chunk.state, &chunk.args, place)];
    // A document with many links: `interfaces: {br0: {type: bridge, …}}`, or netplan's `bridges: {br0: …}`.
    for (section, links) in &chunk.args {
        let (Some(section), Some(links)) = (section.as_str(), links.as_map()) else { continue };
        for (link, body) in links {
            let (Some(link), Some(body)) = (link.as_str(), body.as_map()) else { continue };
            let kind = body.get("type").and_then(Value::as_str).unwrap_or(section.trim_end_matches('s'));
            out.push(of(link, kind, body, at(section)));
        }
    }
    out
}

fn texts(args: &Map, names: &[&str]) -> Vec<String> {
    names
        .iter()
        .filter_map(|name| args.get(*name))
        .flat_map(|value| match value {
            Value::List(items) | Value::Tuple(items) => items.iter().filter_map(scalar_text).collect(),
            other => scalar_text(other).into_iter().collect::<Vec<_>>(),
        })
        .collect()
}

fn bare(address: &str) -> String {
    address.split('/').next().unwrap_or(address).to_owned()
}

/// Lists the default gateways that arguments give; one in a routing table of its own does not count.
fn gateways(args: &Map) -> Vec<String> {
    let mut out = texts(args, &["gateway", "gateway4", "gateway6"]);
    let routes = args.get("routes").and_then(Value::as_list).unwrap_or_default();
    for route in routes.iter().filter_map(Value::as_map).filter(|r| !r.contains_key("table")) {
        let to = texts(route, &["to", "dst", "destination"]).pop().unwrap_or_default();
        if ["default", "0.0.0.0/0", "::/0"].contains(&to.as_str()) {
            out.extend(texts(route, &["via", "gateway", "gw"]));
        }
    }
    out
}
