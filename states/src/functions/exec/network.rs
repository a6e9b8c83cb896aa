//! `network.*`

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::host::Link;

const ADDRS: &[ArgDoc] = &[
    ArgDoc::optional("interface", Kind::Text, "Of which link; all, when not given."),
    ArgDoc::with_default("include_loopback", Kind::Bool, "false", "Whether those of the loopback count."),
];
const LINK: &[ArgDoc] = &[ArgDoc::required("interface", Kind::Text, "Which link.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "network.interfaces",
        doc: FunctionDoc::new(
            "Returns the links with their addresses.",
            &[],
            "lab-master run '*' network.interfaces",
        ),
        body: interfaces,
    },
    Exec {
        name: "network.ip_addrs",
        doc: FunctionDoc::new("Lists IPv4 addresses.", ADDRS, "lab-master run '*' network.ip_addrs").open(),
        body: |call| addresses(call, true),
    },
    Exec {
        name: "network.ip_addrs6",
        doc: FunctionDoc::new("Lists IPv6 addresses.", ADDRS, "lab-master run '*' network.ip_addrs6").open(),
        body: |call| addresses(call, false),
    },
    Exec {
        name: "network.hw_addr",
        doc: FunctionDoc::new(
            "Returns the hardware address of a link.",
            LINK,
            "lab-master run '*' network.hw_addr eth0",
        ),
        body: hw_addr,
    },
    Exec {
        name: "network.get_hostname",
        doc: FunctionDoc::new(
            "Returns the name of the machine.",
            &[],
            "lab-master run '*' network.get_hostname",
        ),
        body: |call| Ok(call.ctx.host.hostname()?.into()),
    },
    Exec {
        name: "network.default_route",
        doc: FunctionDoc::new("Lists the default routes.", &[], "lab-master run '*' network.default_route"),
        body: default_route,
    },
];

fn interfaces(call: &Call<'_>) -> Result<Value, CallError> {
    let net = call.ctx.host.net_snapshot()?;
    let family = |link: &Link, v4: bool| {
        let ours = link.addresses.iter().filter(|a| a.ip.is_ipv4() == v4);
        let entry = |a: &crate::host::Address| {
            Value::from([("address", Value::from(a.ip.to_string())), ("prefixlen", Value::from(a.prefix))])
        };
        Value::List(ours.map(entry).collect())
    };
    let mut links = Map::new();
    for link in &net.links {
        let entry = Value::from([
            ("up", Value::from(link.up)),
            ("hwaddr", Value::from(link.mac.map(|m| m.to_string()))),
            ("mtu", Value::from(link.mtu)),
            ("kind", Value::from(link.kind.as_str())),
            ("master", Value::from(link.master.clone())),
            ("inet", family(link, true)),
            ("inet6", family(link, false)),
        ]);
        links.insert(link.name.as_str().into(), entry);
    }
    Ok(Value::Map(links))
}

#[derive(Deserialize)]
struct Addrs {
    interface: Option<String>,
    #[serde(default)]
    include_loopback: bool,
}

fn addresses(call: &Call<'_>, v4: bool) -> Result<Value, CallError> {
    let Addrs { interface, include_loopback } = call.typed()?;
    let net = call.ctx.host.net_snapshot()?;
    let links = net.links.iter().filter(|l| interface.as_ref().is_none_or(|name| *name == l.name));
    let all = links.flat_map(|l| &l.addresses).map(|a| a.ip);
    let mut found: Vec<_> =
        all.filter(|ip| ip.is_ipv4() == v4 && (include_loopback || !ip.is_loopback())).collect();
    found.sort();
    Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().into())
}

#[derive(Deserialize)]
struct Interface {
    interface: String,
}

fn hw_addr(call: &Call<'_>) -> Result<Value, CallError> {
    let Interface { interface } = call.typed()?;
    let net = call.ctx.host.net_snapshot()?;
    let link =
        net.link(&interface).ok_or_else(|| CallError::failed(format!("there is no link {interface}")))?;
    Ok(link.mac.map(|m| m.to_string()).into())
}

fn default_route(call: &Call<'_>) -> Result<Value, CallError> {
    let net = call.ctx.host.net_snapshot()?;
    let entry = |r: &crate::host::Route| {
        Value::from([
            ("gateway", Value::from(r.gateway.map(|g| g.to_string()))),
            ("interface", Value::from(r.link.clone())),
            ("addr_family", Value::from(if r.v6 { "inet6" } else { "inet" })),
        ])
    };
    Ok(Value::List(net.default_routes().into_iter().map(entry).collect()))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn addresses_are_listed_without_the_loopback() {
        let bench = Bench::new(SimHost::new().with_nic("eth0", "10.0.0.5/24", Some("10.0.0.1")));
        let exec = |name: &str| bench.exec(name, &[], &Map::new()).unwrap();
        assert_eq!(exec("network.ip_addrs"), Value::from(vec!["10.0.0.5"]));
        assert!(exec("network.interfaces").get("eth0").is_some());
        assert_eq!(exec("network.default_route").as_list().map(<[Value]>::len), Some(1));
    }
}
