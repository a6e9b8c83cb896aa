//! `network.*`

use std::collections::BTreeSet;
use std::time::Duration;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::host::{Command, Commands, Link};

const ADDRS: &[ArgDoc] = &[
    ArgDoc::optional("interface", Kind::Text, "Of which link; all, when not given."),
    ArgDoc::with_default("include_loopback", Kind::Bool, "false", "Whether those of the loopback count."),
    ArgDoc::optional("cidr", Kind::Text, "Only those in this network, 10.0.0.0/16."),
];
const SUBNETS: &[ArgDoc] =
    &[ArgDoc::optional("interfaces", Kind::List, "Of which links, one or several; all, when not given.")];
const LINK: &[ArgDoc] = &[ArgDoc::required("interface", Kind::Text, "Which link.")];

const CONNECT: &[ArgDoc] = &[
    ArgDoc::required("host", Kind::Text, "Which host."),
    ArgDoc::required("port", Kind::Int, "Which port."),
    ArgDoc::with_default("timeout", Kind::Float, "5", "Seconds that it may take."),
];
const PING: &[ArgDoc] = &[
    ArgDoc::required("host", Kind::Text, "Which host."),
    ArgDoc::optional("timeout", Kind::Int, "Seconds that each answer may take."),
    ArgDoc::with_default("return_boolean", Kind::Bool, "false", "Whether only is told if it answers."),
];

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
        name: "network.hwaddr",
        doc: FunctionDoc::new(
            "Returns the hardware address of a link.",
            LINK,
            "lab-master run '*' network.hwaddr eth0",
        ),
        body: hw_addr,
    },
    Exec {
        name: "network.interface_ip",
        doc: FunctionDoc::new(
            "Returns the first IPv4 address of a link.",
            LINK,
            "lab-master run '*' network.interface_ip eth0",
        ),
        body: interface_ip,
    },
    Exec {
        name: "network.subnets",
        doc: FunctionDoc::new(
            "Lists the IPv4 networks that the machine is on.",
            SUBNETS,
            "lab-master run '*' network.subnets",
        ),
        body: subnets,
    },
    Exec {
        name: "network.connect",
        doc: FunctionDoc::new(
            "Tells whether somebody accepts TCP connections at a host and port.",
            CONNECT,
            "lab-master run '*' network.connect 10.0.0.1 22",
        ),
        body: connect,
    },
    Exec {
        name: "network.ping",
        doc: FunctionDoc::new(
            "Pings a host, and returns what ping says.",
            PING,
            "lab-master run '*' network.ping 10.0.0.1",
        ),
        body: ping,
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
    cidr: Option<String>,
}

fn addresses(call: &Call<'_>, v4: bool) -> Result<Value, CallError> {
    let Addrs { interface, include_loopback, cidr } = call.typed()?;
    let within = cidr.as_deref().map(super::subnets::network).transpose()?;
    let net = call.ctx.host.net_snapshot()?;
    let links = net.links.iter().filter(|l| interface.as_ref().is_none_or(|name| *name == l.name));
    let all = links.flat_map(|l| &l.addresses).map(|a| a.ip);
    let mut found: Vec<_> =
        all.filter(|ip| ip.is_ipv4() == v4 && (include_loopback || !ip.is_loopback())).collect();
    found.retain(|ip| within.as_ref().is_none_or(|net| net.holds(*ip)));
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
    // The loopback has an address, as the kernel prints it: nothing but zeros.
    let none = (link.name == "lo").then(|| "00:00:00:00:00:00".to_owned());
    Ok(link.mac.map(|m| m.to_string()).or(none).into())
}

fn interface_ip(call: &Call<'_>) -> Result<Value, CallError> {
    let Interface { interface } = call.typed()?;
    let net = call.ctx.host.net_snapshot()?;
    let link =
        net.link(&interface).ok_or_else(|| CallError::failed(format!("there is no link {interface}")))?;
    Ok(link.addresses.iter().find(|a| a.ip.is_ipv4()).map(|a| a.ip.to_string()).into())
}

#[derive(Deserialize)]
struct Subnets {
    interfaces: Option<Vec<String>>,
}

fn subnets(call: &Call<'_>) -> Result<Value, CallError> {
    let Subnets { interfaces } = call.typed()?;
    let net = call.ctx.host.net_snapshot()?;
    let links = net.links.iter().filter(|l| interfaces.as_ref().is_none_or(|names| names.contains(&l.name)));
    let ours = links.flat_map(|l| &l.addresses).filter(|a| a.ip.is_ipv4() && !a.ip.is_loopback());
    let found: BTreeSet<_> = ours.map(|a| a.network()).collect();
    Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().into())
}

#[derive(Deserialize)]
struct Connect {
    host: String,
    port: u16,
    timeout: Option<f64>,
}

fn connect(call: &Call<'_>) -> Result<Value, CallError> {
    let Connect { host, port, timeout } = call.typed()?;
    let time = Duration::try_from_secs_f64(timeout.unwrap_or(5.0))
        .map_err(|_| CallError::failed("argument timeout: it is no number of seconds"))?;
    let (result, comment) = match call.ctx.host.connect(&host, port, time) {
        Ok(()) => (true, format!("successfully connected to {host} on TCP port {port}")),
        Err(e) => (false, e.to_string()),
    };
    Ok(Value::from([("result", Value::from(result)), ("comment", Value::from(comment))]))
}

#[derive(Deserialize)]
struct Ping {
    host: String,
    timeout: Option<u32>,
    #[serde(default)]
    return_boolean: bool,
}

fn ping(call: &Call<'_>) -> Result<Value, CallError> {
    let Ping { host, timeout, return_boolean } = call.typed()?;
    let mut argv = vec!["ping".to_owned(), "-c".to_owned(), "4".to_owned()];
    if let Some(seconds) = timeout {
        argv.extend(["-W".to_owned(), seconds.to_string()]);
    }
    argv.extend(["--".to_owned(), host]);
    let output = Commands::run(call.ctx.host, &Command::look(argv), call.ctx)?;
    if return_boolean {
        return Ok(output.exit.success().into());
    }
    Ok(output.stdout_text().into())
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
        let bench = Bench::new(
            SimHost::new().with_nic("eth0", "10.0.0.5/24", Some("10.0.0.1")).with_listener("10.0.0.9:22", 0),
        );
        let exec = |name: &str| bench.exec(name, &[], &Map::new()).unwrap();
        assert_eq!(exec("network.ip_addrs"), Value::from(vec!["10.0.0.5"]));
        assert!(exec("network.interfaces").get("eth0").is_some());
        assert_eq!(exec("network.subnets"), Value::from(vec!["10.0.0.0/24"]));
        let ip = bench.exec("network.interface_ip", &["eth0".into()], &Map::new()).unwrap();
        assert_eq!(ip, Value::from("10.0.0.5"));
        let asked = bench.exec("network.connect", &["10.0.0.9".into(), 22.into()], &Map::new()).unwrap();
        assert_eq!(asked.get("result"), Some(&true.into()));
        assert_eq!(exec("network.default_route").as_list().map(<[Value]>::len), Some(1));
    }

    #[test]
    fn subnets_are_those_of_the_links_asked_for() {
        let host = SimHost::new()
            .with_nic("eth0", "10.0.0.5/24", None)
            .with_nic("eth1", "9.0.0.5/8", None)
            .with_nic("eth2", "10.0.0.6/24", None)
            .with_nic("eth3", "127.0.1.1/24", None);
        let bench = Bench::new(host);
        let of = |interfaces: Value| {
            let kwargs = Map::from_iter([("interfaces".into(), interfaces)]);
            bench.exec("network.subnets", &[], &kwargs).unwrap()
        };
        assert_eq!(of(Value::Null), vec!["9.0.0.0/8", "10.0.0.0/24"].into());
        assert_eq!(of("eth1".into()), vec!["9.0.0.0/8"].into());
        assert_eq!(of(vec!["eth2", "eth0"].into()), vec!["10.0.0.0/24"].into());
        assert_eq!(of("eth9".into()), Value::List(Vec::new()));
    }
}
