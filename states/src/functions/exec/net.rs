//! `net.*`: whether hosts reach each other, network by network.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::host::{Address, Link, NetSnapshot};

const MATRIX: &[ArgDoc] = &[
    ArgDoc::optional(
        "peers",
        Kind::Any,
        "The others: a mapping of names to lists of addresses, or a target whose `network.ip_addrs` are looked up in the mine.",
    ),
    ArgDoc::with_default("tgt_type", Kind::Text, "glob", "How a target is read."),
    ArgDoc::optional(
        "planes",
        Kind::List,
        "Which networks must be there and are tried, as 192.168.110.0/24; all that this host is in, when not given.",
    ),
    ArgDoc::optional(
        "mtu",
        Kind::Int,
        "The longest packet that must come through whole; that of the link, when not given.",
    ),
    ArgDoc::with_default(
        "count",
        Kind::Int,
        "2",
        "How many packets of each size; one that comes back is enough.",
    ),
    ArgDoc::with_default("wait", Kind::Int, "2", "How many seconds each may take."),
];

pub(super) static ALL: &[Exec] = &[Exec {
    name: "net.matrix",
    doc: FunctionDoc::new(
        "Tries to reach every other host on every network that both are in, by echo requests in short and in full packets and by ARP; fails naming the pairs that do not work.",
        MATRIX,
        "lab-master run 'kvm*' net.matrix 'kvm*'",
    ),
    body: matrix,
}];

#[derive(Deserialize)]
struct Args {
    peers: Option<Value>,
    #[serde(default)]
    tgt_type: String,
    planes: Option<Vec<String>>,
    mtu: Option<u32>,
    #[serde(default = "two")]
    count: u32,
    #[serde(default = "two")]
    wait: u32,
}

fn two() -> u32 {
    2
}

/// The length of a short packet.
const SHORT: u32 = 84;

/// One way that is tried.
struct Pair {
    peer: String,
    plane: Address,
    to: IpAddr,
    mtu: u32,
    link: String,
    link_mtu: u32,
}

fn matrix(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { peers, tgt_type, planes, mtu, count, wait } = call.typed()?;
    let net = call.ctx.host.net_snapshot()?;
    let planes: Option<Vec<Address>> = planes
        .map(|all| all.iter().map(|p| p.parse().map_err(CallError::failed)).collect::<Result<_, _>>())
        .transpose()?;
    let id = call.ctx.services.id().to_owned();
    let mut peers = self::peers(peers, &tgt_type, call)?;
    peers.remove(&id);
    let mut bad: Vec<String> = missing_planes(&net, planes.as_deref())
        .into_iter()
        .map(|p| format!("{id} has no address in {p}"))
        .collect();
    let pairs = pairs(&net, &peers, planes.as_deref(), mtu);
    bad.extend(unreached(&id, &peers, planes.as_deref(), &pairs));
    let mut good = Map::new();
    for pair in &pairs {
        match attempt(pair, count, wait, call) {
            Ok(how) => {
                good.insert(Value::from(format!("{} {}", pair.peer, pair.to)), Value::from(how));
            }
            Err(why) => bad.push(format!("{id} -> {} ({}) on {}: {why}", pair.peer, pair.to, pair.plane)),
        }
        if call.ctx.cancelled() {
            return Err(CallError::failed("it was cancelled"));
        }
    }
    if bad.is_empty() { Ok(Value::Map(good)) } else { Err(CallError::failed(bad.join("\n"))) }
}

fn peers(
    asked: Option<Value>,
    tgt_type: &str,
    call: &Call<'_>,
) -> Result<BTreeMap<String, Vec<IpAddr>>, CallError> {
    let kind = if tgt_type.is_empty() { "glob" } else { tgt_type };
    let map = match asked {
        Some(Value::Map(map)) => map,
        Some(other) => from_mine(&other.to_string(), kind, call)?,
        None => from_mine("*", "glob", call)?,
    };
    let address = |v: &Value| {
        let text = v.to_string();
        let ip = text.split('/').next().unwrap_or_default();
        ip.parse::<IpAddr>().map_err(|_| CallError::failed(format!("peers: {text} is not an address")))
    };
    map.iter()
        .map(|(name, addresses)| {
            let all = match addresses {
                Value::List(all) => all.iter().map(address).collect::<Result<Vec<_>, _>>()?,
                one => vec![address(one)?],
            };
            Ok((name.to_string(), all))
        })
        .collect()
}

fn from_mine(target: &str, kind: &str, call: &Call<'_>) -> Result<Map, CallError> {
    let found = call.ctx.services.mine(target, "network.ip_addrs", kind)?;
    let map = found.as_map().cloned().unwrap_or_default();
    if map.is_empty() {
        return Err(CallError::failed(format!(
            "nobody that {target} means has left its addresses in the mine; run `mine.send network.ip_addrs` on all of them first"
        )));
    }
    Ok(map)
}

fn own(net: &NetSnapshot) -> impl Iterator<Item = (&Link, Address)> {
    let usable = |a: &&Address| !a.ip.is_loopback();
    net.links
        .iter()
        .filter(|l| l.up)
        .flat_map(move |l| l.addresses.iter().filter(usable).map(move |a| (l, *a)))
}

fn missing_planes(net: &NetSnapshot, planes: Option<&[Address]>) -> Vec<Address> {
    let here = |plane: &&Address| own(net).any(|(_, a)| plane.holds(a.ip));
    planes.unwrap_or_default().iter().filter(|p| !here(p)).copied().collect()
}

fn pairs(
    net: &NetSnapshot,
    peers: &BTreeMap<String, Vec<IpAddr>>,
    planes: Option<&[Address]>,
    mtu: Option<u32>,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (link, address) in own(net) {
        let plane = address.network();
        if planes.is_some_and(|all| !all.iter().any(|p| p.holds(address.ip))) {
            continue;
        }
        for (peer, addresses) in peers {
            for to in addresses.iter().copied().filter(|ip| address.holds(*ip) && *ip != address.ip) {
                let mtu = mtu.unwrap_or(link.mtu);
                pairs.push(Pair {
                    peer: peer.clone(),
                    plane,
                    to,
                    mtu,
                    link: link.name.clone(),
                    link_mtu: link.mtu,
                });
            }
        }
    }
    pairs
}

/// A peer that is in none of the networks asked for is no success.
fn unreached(
    id: &str,
    peers: &BTreeMap<String, Vec<IpAddr>>,
    planes: Option<&[Address]>,
    pairs: &[Pair],
) -> Vec<String> {
    let mut bad = Vec::new();
    for peer in peers.keys() {
        match planes {
            None if !pairs.iter().any(|p| p.peer == *peer) => {
                bad.push(format!("{id} -> {peer}: they have no network in common"));
            }
            None => {}
            Some(planes) => {
                let missing =
                    planes.iter().filter(|plane| !pairs.iter().any(|p| p.peer == *peer && plane.holds(p.to)));
                bad.extend(missing.map(|plane| format!("{id} -> {peer}: it has no address in {plane}")));
            }
        }
    }
    bad
}

fn attempt(pair: &Pair, count: u32, wait: u32, call: &Call<'_>) -> Result<String, String> {
    if pair.mtu > pair.link_mtu {
        return Err(format!(
            "packets of {} bytes do not fit {}, whose mtu is {}",
            pair.mtu, pair.link, pair.link_mtu
        ));
    }
    if !echo(pair, SHORT, count, wait, call)? {
        return Err("no answer".to_owned());
    }
    if !echo(pair, pair.mtu, count, wait, call)? {
        return Err(format!("packets of {} bytes do not come through whole", pair.mtu));
    }
    let net = call.ctx.host.net_snapshot().map_err(|e| e.to_string())?;
    let seen = net.neighbours.iter().find(|n| n.ip == pair.to && n.link == pair.link);
    match seen {
        Some(n) => Ok(format!("{} bytes, {} on {}", pair.mtu, n.mac, pair.link)),
        None => Err(format!("it answers, but not on {} itself: no neighbour is known there", pair.link)),
    }
}

fn echo(pair: &Pair, size: u32, count: u32, wait: u32, call: &Call<'_>) -> Result<bool, String> {
    let wait = Duration::from_secs(u64::from(wait));
    for _ in 0..count.max(1) {
        if call.ctx.host.net_echo(&pair.link, pair.to, size, wait).map_err(|e| e.to_string())? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Network;
    use crate::host::sim::SimHost;

    fn peers() -> BTreeMap<String, Vec<IpAddr>> {
        let ip = |t: &str| t.parse().expect("valid");
        BTreeMap::from([
            ("kvm2".to_owned(), vec![ip("10.0.0.2"), ip("192.168.110.2")]),
            ("kvm3".to_owned(), vec![ip("10.0.0.3")]),
        ])
    }

    fn host() -> NetSnapshot {
        let host =
            SimHost::new().with_nic("eth0", "10.0.0.1/24", None).with_nic("vlan10", "192.168.110.1/24", None);
        host.net_snapshot().expect("simulated")
    }

    #[test]
    fn every_pair_is_tried_on_every_network_that_both_are_in() {
        let all: Vec<(String, String)> =
            pairs(&host(), &peers(), None, None).into_iter().map(|p| (p.peer, p.plane.to_string())).collect();
        assert_eq!(
            all,
            [
                ("kvm2".to_owned(), "10.0.0.0/24".to_owned()),
                ("kvm3".to_owned(), "10.0.0.0/24".to_owned()),
                ("kvm2".to_owned(), "192.168.110.0/24".to_owned())
            ]
        );
    }

    #[test]
    fn a_network_that_somebody_is_not_in_is_named() {
        let planes: Vec<Address> =
            ["192.168.110.0/24", "192.168.111.0/24"].map(|p| p.parse().expect("valid")).to_vec();
        let net = host();
        let missing: Vec<String> =
            missing_planes(&net, Some(&planes)).iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["192.168.111.0/24"]);
        let pairs = pairs(&net, &peers(), Some(&planes), None);
        let bad = unreached("kvm1", &peers(), Some(&planes), &pairs);
        assert!(bad.contains(&"kvm1 -> kvm3: it has no address in 192.168.110.0/24".to_owned()), "{bad:?}");
    }
}
