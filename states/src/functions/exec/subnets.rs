//! `network.*` that only count: what an address is, and which network it is in. `hosts.*`: the table of names.

use std::net::IpAddr;

use indexmap::IndexMap;
use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::host::Address;

const ADDRESS: &[ArgDoc] = &[ArgDoc::required("ip_addr", Kind::Text, "The address.")];
const CIDR: &[ArgDoc] =
    &[ArgDoc::required("cidr", Kind::Text, "A network or an address in it: 10.0.0.5/24.")];
const CALC: &[ArgDoc] = &[
    ArgDoc::required("ip_addr", Kind::Text, "An address, with or without a prefix."),
    ArgDoc::optional("netmask", Kind::Text, "The netmask, or the length of the prefix."),
];
const IN: &[ArgDoc] = &[
    ArgDoc::required("ip_addr", Kind::Text, "The address."),
    ArgDoc::required("cidr", Kind::Text, "The network."),
];
const HOST: &[ArgDoc] = &[ArgDoc::required("host", Kind::Text, "The name.")];
const IP: &[ArgDoc] = &[ArgDoc::required("ip", Kind::Text, "The address.")];
const PAIR: &[ArgDoc] = &[
    ArgDoc::required("ip", Kind::Text, "The address."),
    ArgDoc::required("alias", Kind::Any, "The name, or a list."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "network.is_private",
        doc: FunctionDoc::new(
            "Tells whether an address is none of the public internet.",
            ADDRESS,
            "lab-minion call --local network.is_private 10.0.0.1",
        ),
        body: |call| Ok(crate::private::is_private(address(call)?).into()),
    },
    Exec {
        name: "network.is_loopback",
        doc: FunctionDoc::new(
            "Tells whether an address is the machine's own.",
            ADDRESS,
            "lab-minion call --local network.is_loopback 127.0.0.1",
        ),
        body: |call| Ok(address(call)?.is_loopback().into()),
    },
    Exec {
        name: "network.reverse_ip",
        doc: FunctionDoc::new(
            "Returns the name under which the name of an address is kept in DNS.",
            ADDRESS,
            "lab-minion call --local network.reverse_ip 10.0.0.1",
        ),
        body: |call| Ok(reverse(address(call)?).into()),
    },
    Exec {
        name: "network.calc_net",
        doc: FunctionDoc::new(
            "Returns the network that an address is in.",
            CALC,
            "lab-minion call --local network.calc_net 172.17.0.5 255.255.255.240",
        ),
        body: calc_net,
    },
    Exec {
        name: "network.convert_cidr",
        doc: FunctionDoc::new(
            "Returns network, netmask and broadcast address of a network.",
            CIDR,
            "lab-minion call --local network.convert_cidr 10.0.0.5/24",
        ),
        body: convert_cidr,
    },
    Exec {
        name: "network.ip_in_subnet",
        doc: FunctionDoc::new(
            "Tells whether an address is in a network.",
            IN,
            "lab-minion call --local network.ip_in_subnet 10.0.0.5 10.0.0.0/24",
        ),
        body: |call| {
            let In { ip_addr, cidr } = call.typed()?;
            Ok(network(&cidr)?.holds(parsed(&ip_addr)?).into())
        },
    },
    Exec {
        name: "network.in_subnet",
        doc: FunctionDoc::new(
            "Tells whether the machine has an address in a network.",
            CIDR,
            "lab-master run '*' network.in_subnet 10.0.0.0/16",
        ),
        body: |call| {
            let net = network(&call.typed::<Cidr>()?.cidr)?;
            Ok(addresses(call)?.iter().any(|a| !a.ip.is_loopback() && net.holds(a.ip)).into())
        },
    },
    Exec {
        name: "network.ip_networks",
        doc: FunctionDoc::new(
            "Lists the IPv4 networks that the machine is on.",
            &[],
            "lab-master run '*' network.ip_networks",
        )
        .open(),
        body: |call| networks(call, true),
    },
    Exec {
        name: "network.ip_networks6",
        doc: FunctionDoc::new(
            "Lists the IPv6 networks that the machine is on.",
            &[],
            "lab-master run '*' network.ip_networks6",
        )
        .open(),
        body: |call| networks(call, false),
    },
    Exec {
        name: "network.ifacestartswith",
        doc: FunctionDoc::new(
            "Lists the links that have an IPv4 address which begins so.",
            CIDR,
            "lab-master run '*' network.ifacestartswith 10.0.",
        ),
        body: starts_with,
    },
    Exec {
        name: "hosts.list_hosts",
        doc: FunctionDoc::new(
            "Returns the names in /etc/hosts by address.",
            &[],
            "lab-master run '*' hosts.list_hosts",
        ),
        body: |call| {
            let rows = hosts(call)?;
            let entry = |(ip, names): (String, Vec<String>)| {
                (Value::from(ip), Value::from([("aliases", Value::from(names))]))
            };
            Ok(Value::Map(rows.into_iter().map(entry).collect()))
        },
    },
    Exec {
        name: "hosts.get_ip",
        doc: FunctionDoc::new(
            "Returns the address of a name in /etc/hosts, or the empty text.",
            HOST,
            "lab-master run '*' hosts.get_ip cplane",
        ),
        body: |call| {
            let host = call.typed::<Named>()?.host;
            let found = hosts(call)?.into_iter().find(|(_, names)| names.contains(&host));
            Ok(found.map(|(ip, _)| ip).unwrap_or_default().into())
        },
    },
    Exec {
        name: "hosts.get_alias",
        doc: FunctionDoc::new(
            "Lists the names of an address in /etc/hosts.",
            IP,
            "lab-master run '*' hosts.get_alias 10.0.0.1",
        ),
        body: |call| Ok(aliases(call, &call.typed::<Ip>()?.ip)?.into()),
    },
    Exec {
        name: "hosts.has_pair",
        doc: FunctionDoc::new(
            "Tells whether an address has a name, or all of several, in /etc/hosts.",
            PAIR,
            "lab-master run '*' hosts.has_pair 10.0.0.1 cplane",
        ),
        body: |call| {
            let Pair { ip, alias } = call.typed()?;
            let have = aliases(call, &ip)?;
            let wanted = crate::functions::support::text_list(&alias);
            Ok(wanted.iter().all(|name| have.contains(name)).into())
        },
    },
];

#[derive(Deserialize)]
struct OneAddress {
    ip_addr: String,
}

#[derive(Deserialize)]
struct Cidr {
    cidr: String,
}

#[derive(Deserialize)]
struct In {
    ip_addr: String,
    cidr: String,
}

#[derive(Deserialize)]
struct Named {
    host: String,
}

#[derive(Deserialize)]
struct Ip {
    ip: String,
}

#[derive(Deserialize)]
struct Pair {
    ip: String,
    alias: Value,
}

#[derive(Deserialize)]
struct Calc {
    ip_addr: String,
    netmask: Option<String>,
}

fn parsed(text: &str) -> Result<IpAddr, CallError> {
    text.trim().parse().map_err(|_| CallError::failed(format!("{text:?} is no IP address")))
}

fn address(call: &Call<'_>) -> Result<IpAddr, CallError> {
    parsed(&call.typed::<OneAddress>()?.ip_addr)
}

/// Reads a network: `10.0.0.5/24`, `10.0.0.5/255.255.255.0`, or one address. The address is its first one.
pub(super) fn network(text: &str) -> Result<Address, CallError> {
    let (ip, mask) = text.split_once('/').map_or((text, None), |(ip, mask)| (ip, Some(mask)));
    network_of(parsed(ip)?, mask)
}

fn network_of(ip: IpAddr, mask: Option<&str>) -> Result<Address, CallError> {
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bad =
        |mask: &str| CallError::failed(format!("{mask:?} is neither a length up to {most} nor a netmask"));
    let prefix = match mask {
        None => most,
        Some(mask) => match (mask.parse::<u8>(), mask.parse::<std::net::Ipv4Addr>()) {
            (Ok(length), _) if length <= most => length,
            (_, Ok(mask)) if u32::from(mask).leading_ones() + u32::from(mask).trailing_zeros() >= 32 => {
                u8::try_from(u32::from(mask).leading_ones()).unwrap_or(most)
            }
            _ => return Err(bad(mask)),
        },
    };
    Ok(Address { ip, prefix }.network())
}

fn reverse(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            let nibbles: Vec<String> =
                ip.octets().iter().rev().map(|b| format!("{:x}.{:x}", b & 15, b >> 4)).collect();
            format!("{}.ip6.arpa", nibbles.join("."))
        }
    }
}

fn calc_net(call: &Call<'_>) -> Result<Value, CallError> {
    let Calc { ip_addr, netmask } = call.typed()?;
    let net = match netmask {
        Some(mask) => network_of(parsed(ip_addr.split('/').next().unwrap_or_default())?, Some(&mask))?,
        None => network(&ip_addr)?,
    };
    Ok(net.to_string().into())
}

fn convert_cidr(call: &Call<'_>) -> Result<Value, CallError> {
    let net = network(&call.typed::<Cidr>()?.cidr)?;
    let all_ones: IpAddr = match net.ip {
        IpAddr::V4(_) => std::net::Ipv4Addr::from(u32::MAX).into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::from(u128::MAX).into(),
    };
    let mask = Address { ip: all_ones, ..net }.network().ip;
    let last: IpAddr = match (net.ip, mask) {
        (IpAddr::V4(first), IpAddr::V4(mask)) => {
            std::net::Ipv4Addr::from(u32::from(first) | !u32::from(mask)).into()
        }
        (IpAddr::V6(first), IpAddr::V6(mask)) => {
            std::net::Ipv6Addr::from(u128::from(first) | !u128::from(mask)).into()
        }
        (first, _) => first,
    };
    let text = |ip: IpAddr| Value::from(ip.to_string());
    Ok(Value::from([("network", text(net.ip)), ("netmask", text(mask)), ("broadcast", text(last))]))
}

fn addresses(call: &Call<'_>) -> Result<Vec<Address>, CallError> {
    let net = call.ctx.host.net_snapshot()?;
    Ok(net.links.iter().flat_map(|l| l.addresses.clone()).collect())
}

fn networks(call: &Call<'_>, v4: bool) -> Result<Value, CallError> {
    let all = addresses(call)?;
    let ours = all.iter().filter(|a| a.ip.is_ipv4() == v4 && !a.ip.is_loopback());
    let mut found: Vec<String> = ours.map(|a| a.network().to_string()).collect();
    found.sort();
    found.dedup();
    Ok(found.into())
}

fn starts_with(call: &Call<'_>) -> Result<Value, CallError> {
    let Cidr { cidr } = call.typed()?;
    let net = call.ctx.host.net_snapshot()?;
    let fits = |a: &Address| a.ip.is_ipv4() && a.ip.to_string().starts_with(&cidr);
    let names = net.links.iter().flat_map(|l| l.addresses.iter().filter(|a| fits(a)).map(|_| l.name.clone()));
    Ok(names.collect::<Vec<_>>().into())
}

/// Reads /etc/hosts; an address that comes twice has the names of both lines.
fn hosts(call: &Call<'_>) -> Result<Vec<(String, Vec<String>)>, CallError> {
    let path = std::path::Path::new("/etc/hosts");
    if call.ctx.host.stat(path)?.is_none() {
        return Ok(Vec::new());
    }
    let text = String::from_utf8_lossy(&call.ctx.host.read(path)?).into_owned();
    let mut rows = IndexMap::<String, Vec<String>>::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(ip) = words.next() else { continue };
        rows.entry(ip.to_owned()).or_default().extend(words.map(str::to_owned));
    }
    Ok(rows.into_iter().collect())
}

fn aliases(call: &Call<'_>, ip: &str) -> Result<Vec<String>, CallError> {
    Ok(hosts(call)?.into_iter().find(|(have, _)| have == ip).map(|(_, names)| names).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::Value;

    fn exec(bench: &Bench, name: &str, args: &[&str]) -> Value {
        let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
        bench.exec(name, &args, &lab_proto::Map::new()).unwrap()
    }

    #[test]
    fn networks_are_counted() {
        let bench = Bench::new(SimHost::new().with_nic("eth0", "10.0.0.5/24", None));
        let told = |name: &str, args: &[&str]| exec(&bench, name, args);
        assert_eq!(told("network.calc_net", &["172.17.0.5", "255.255.255.240"]), "172.17.0.0/28".into());
        assert_eq!(told("network.calc_net", &["2a02:f6e:a000::5/64"]), "2a02:f6e:a000::/64".into());
        let net = told("network.convert_cidr", &["10.0.0.5/20"]);
        assert_eq!(net.get("netmask"), Some(&"255.255.240.0".into()));
        assert_eq!(net.get("broadcast"), Some(&"10.0.15.255".into()));
        assert_eq!(told("network.ip_in_subnet", &["10.0.1.1", "10.0.0.0/24"]), false.into());
        assert_eq!(told("network.in_subnet", &["10.0.0.0/16"]), true.into());
        assert_eq!(told("network.ip_networks", &[]), vec!["10.0.0.0/24"].into());
        assert_eq!(told("network.ifacestartswith", &["10.0"]), vec!["eth0"].into());
        assert_eq!(told("network.is_private", &["192.168.1.1"]), true.into());
        assert_eq!(told("network.is_private", &["8.8.8.8"]), false.into());
        assert_eq!(told("network.reverse_ip", &["10.1.2.3"]), "3.2.1.10.in-addr.arpa".into());
        assert!(bench.exec("network.calc_net", &["10.0.0.1/33".into()], &lab_proto::Map::new()).is_err());
        assert!(
            bench
                .exec("network.calc_net", &["10.0.0.1".into(), "255.0.255.0".into()], &lab_proto::Map::new())
                .is_err()
        );
    }

    #[test]
    fn names_are_looked_up() {
        let bench = Bench::new(
            SimHost::new().with_file("/etc/hosts", "# c\n10.0.0.1 a b # x\n10.0.0.2 c\n10.0.0.1 d\n"),
        );
        assert_eq!(exec(&bench, "hosts.get_ip", &["d"]), "10.0.0.1".into());
        assert_eq!(exec(&bench, "hosts.get_ip", &["z"]), "".into());
        assert_eq!(exec(&bench, "hosts.get_alias", &["10.0.0.1"]), vec!["a", "b", "d"].into());
        assert_eq!(exec(&bench, "hosts.has_pair", &["10.0.0.2", "c"]), true.into());
        assert_eq!(exec(&bench, "hosts.has_pair", &["10.0.0.9", "c"]), false.into());
    }
}
