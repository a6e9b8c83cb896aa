//! Reads what a state asks for, with the checks that need no machine: each error says what would be right.

mod scalars;

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_proto::{Map, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(super) use self::scalars::link_name;
use self::scalars::{address, centiseconds, link_ref, milliseconds, named, vlan_id};
use super::document::{
    Absent, AbsentKind, Bond, Bridge, Dns, Interface, Kind, LinkRef, MacFrom, Owned, RouteWant, RuleWant,
    Tap, Want,
};
use crate::function::{StateCall, StateError, from_map};
use crate::host::{
    BondMode, Host, LacpRate, MAIN_TABLE, MacvlanMode, PortVlan, RouteKind, RuleAction, XmitHashPolicy,
};
use crate::nearest::nearest;

/// Reads a state of the network family.
///
/// # Errors
/// When the definition cannot be meant so; the error names the thing and the way out.
pub fn want(call: &StateCall, owner: usize, host: &dyn Host) -> Result<Vec<Want>, StateError> {
    let reader = Reader { owner, host };
    let args = plain_keys(&call.args);
    let (module, function) = call.function.split_once('.').unwrap_or((&call.function, ""));
    let present = function == "present";
    let found = match (module, function) {
        ("net", "config") => reader.config(&args),
        ("dns", "config") => reader.dns(&args),
        ("route", _) => reader
            .route(&call.name, &args)
            .map(|r| vec![if present { Want::Route(r) } else { Want::RouteAbsent(r) }]),
        ("rule", _) => {
            reader.rule(&args).map(|r| vec![if present { Want::Rule(r) } else { Want::RuleAbsent(r) }])
        }
        ("address", _) => reader.address_state(&call.name, &args, present),
        (kind, "present") => reader.interface(&call.name, kind, &args),
        (kind, _) => reader.absent(&call.name, kind, &args),
    };
    found.map_err(StateError::failed)
}

/// Keys are written with dashes, as netplan has them, or with underscores, as Salt has them.
fn plain_keys(args: &Map) -> Map {
    args.iter()
        .map(|(key, value)| match key.as_str() {
            Some(text) => (Value::from(text.replace('-', "_")), value.clone()),
            None => (key.clone(), value.clone()),
        })
        .collect()
}

struct Reader<'a> {
    owner: usize,
    host: &'a dyn Host,
}

/// The arguments of all links.
#[derive(Deserialize)]
struct Common {
    mac: Option<String>,
    mtu: Option<u32>,
    promisc: Option<bool>,
    #[serde(default)]
    addresses: Vec<String>,
    port_of: Option<Value>,
    pvid: Option<Value>,
    #[serde(default)]
    vids: Vec<Value>,
}

const COMMON: [&str; 7] = ["mac", "mtu", "promisc", "addresses", "port_of", "pvid", "vids"];

#[derive(Deserialize)]
struct Ports {
    #[serde(default)]
    ports: Vec<Value>,
    take_over: Option<Value>,
    #[serde(default)]
    port_vlans: BTreeMap<String, PortVlans>,
}

#[derive(Deserialize)]
struct PortVlans {
    pvid: Option<Value>,
    #[serde(default)]
    vids: Vec<Value>,
}

type Found<T> = Result<T, String>;

fn typed<T: DeserializeOwned>(args: &Map) -> Found<T> {
    from_map(args).map_err(|e| e.to_string())
}

impl Reader<'_> {
    fn own<T>(&self, what: T) -> Owned<T> {
        Owned { owner: self.owner, what }
    }

    fn interface(&self, name: &str, kind: &str, args: &Map) -> Found<Vec<Want>> {
        link_name(name)?;
        let Common { mac, mtu, promisc, addresses, port_of, pvid, vids } = typed(args)?;
        let mut out = Vec::new();
        let kind = self.kind(name, kind, args, &mut out)?;
        let mut new = Interface::new(self.owner, name, kind);
        new.mac = mac.map(|m| mac_from(&m)).transpose()?;
        new.mtu = mtu.map(|m| scalars::mtu(name, m)).transpose()?;
        new.promisc = promisc;
        for text in addresses {
            new.addresses.push(self.own(address(&text)?));
        }
        new.port_of = port_of.map(|p| link_ref(&p).map(|p| self.own(p))).transpose()?;
        new.vlans = vlans(pvid.as_ref(), &vids)?;
        let with_ports = matches!(new.kind, Kind::Bridge(_) | Kind::Bond(_));
        if with_ports {
            let Ports { ports, take_over, port_vlans } = typed(args)?;
            for port in &ports {
                new.ports.push(self.own(link_ref(port)?));
            }
            new.take_over = take_over.map(|t| link_ref(&t)).transpose()?;
            for (port, PortVlans { pvid, vids }) in port_vlans {
                link_name(&port)?;
                let mut end = Interface::new(self.owner, port, Kind::Existing);
                end.vlans = vlans(pvid.as_ref(), &vids)?;
                out.push(Want::Interface(Box::new(end)));
            }
        }
        if new.mac.is_none() && new.take_over.is_some() {
            new.mac = Some(MacFrom::Uplink);
        }
        out.push(Want::Interface(Box::new(new)));
        Ok(out)
    }

    fn kind(&self, name: &str, kind: &str, args: &Map, out: &mut Vec<Want>) -> Found<Kind> {
        Ok(match kind {
            "bridge" => Kind::Bridge(bridge(name, args)?),
            "vlan" => {
                let Vlan { link, id } = typed(args)?;
                let link = link_ref(&link)?;
                Kind::Vlan { link, id: vlan_id(&id)? }
            }
            "bond" => Kind::Bond(bond(name, args)?),
            "veth" => {
                let Veth { peer, peer_port_of, peer_addresses } = typed(args)?;
                link_name(&peer)?;
                if peer == name {
                    return Err(format!("{name}: both ends of a cable cannot have one name"));
                }
                let mut end = Interface::new(self.owner, &peer, Kind::Existing);
                end.port_of = peer_port_of.map(|p| link_ref(&p).map(|p| self.own(p))).transpose()?;
                for text in peer_addresses {
                    end.addresses.push(self.own(address(&text)?));
                }
                out.push(Want::Interface(Box::new(end)));
                Kind::Veth { peer }
            }
            "tap" | "tun" => Kind::Tap(self.tap(args, kind == "tun")?),
            "macvlan" => {
                let Macvlan { link, mode } = typed(args)?;
                let mode = mode
                    .map(|m| named("mode", &m, MacvlanMode::parse, MacvlanMode::ALL, MacvlanMode::as_str));
                Kind::Macvlan { link: link_ref(&link)?, mode: mode.transpose()?.unwrap_or_default() }
            }
            "vxlan" => vxlan(name, args)?,
            "dummy" => Kind::Dummy,
            "ethernet" | "device" => Kind::Existing,
            other => {
                const KINDS: [&str; 9] =
                    ["bridge", "vlan", "bond", "veth", "tap", "macvlan", "vxlan", "dummy", "ethernet"];
                let meant = nearest(other, KINDS).map(|n| format!("; did you mean {n}?")).unwrap_or_default();
                return Err(format!("{name}: {other:?} is no type of link ({}){meant}", KINDS.join(", ")));
            }
        })
    }

    fn tap(&self, args: &Map, tun: bool) -> Found<Tap> {
        let TapArgs { owner, group, multi_queue } = typed(args)?;
        let number = |text: &str| text.parse::<u32>().ok();
        let owner = owner.map(|name| match number(&name) {
            Some(id) => Ok(id),
            None => match self.host.user(&name) {
                Ok(Some(user)) => Ok(user.uid),
                Ok(None) => Err(format!("there is no user {name:?}; make it first with user.present")),
                Err(e) => Err(e.to_string()),
            },
        });
        let group = group.map(|name| match number(&name) {
            Some(id) => Ok(id),
            None => match self.host.group(&name) {
                Ok(Some(group)) => Ok(group.gid),
                Ok(None) => Err(format!("there is no group {name:?}; make it first with group.present")),
                Err(e) => Err(e.to_string()),
            },
        });
        Ok(Tap { owner: owner.transpose()?, group: group.transpose()?, multi_queue, tun })
    }

    fn absent(&self, name: &str, kind: &str, args: &Map) -> Found<Vec<Want>> {
        link_name(name)?;
        let Force { force } = typed(args)?;
        let kind = match kind {
            "bridge" => AbsentKind::Bridge,
            "vlan" => AbsentKind::Vlan,
            "bond" => AbsentKind::Bond,
            "veth" => AbsentKind::Veth,
            "tap" => AbsentKind::Tap,
            "macvlan" => AbsentKind::Macvlan,
            "vxlan" => AbsentKind::Vxlan,
            "dummy" => AbsentKind::Dummy,
            other => return Err(format!("{other}.absent is not a network state")),
        };
        Ok(vec![Want::LinkAbsent(Absent { name: name.to_owned(), kind, force })])
    }

    fn address_state(&self, name: &str, args: &Map, present: bool) -> Found<Vec<Want>> {
        let AddressArgs { link } = typed(args)?;
        let (link, address) = (link_ref(&link)?, address(name)?);
        if !present {
            return Ok(vec![Want::AddressAbsent(link, address)]);
        }
        let mut on = Interface::new(self.owner, reference_name(&link), Kind::Existing);
        on.addresses.push(self.own(address));
        Ok(vec![Want::Interface(Box::new(on))])
    }

    fn route(&self, name: &str, args: &Map) -> Found<RouteWant> {
        let RouteArgs { to, via, link, source, metric, table, kind, onlink, mtu } = typed(args)?;
        let to = to.as_deref().unwrap_or(name);
        let via = via.map(|v| scalars::ip("via", &v)).transpose()?;
        let (destination, v6) = match to {
            "default" => (None, via.is_some_and(|v| v.is_ipv6())),
            "default6" => (None, true),
            text => {
                let to = scalars::network(text)?;
                let everything = to.prefix == 0;
                ((!everything).then_some(to), !to.ip.is_ipv4())
            }
        };
        if via.is_some_and(|v| v.is_ipv4() == v6) {
            return Err(format!("route {to}: the gateway is of the other IP version"));
        }
        let kind = match kind.as_deref() {
            None | Some("unicast") => RouteKind::Unicast,
            Some("blackhole") => RouteKind::Blackhole,
            Some("unreachable") => RouteKind::Unreachable,
            Some("prohibit") => RouteKind::Prohibit,
            Some(other) => {
                return Err(format!(
                    "route {to}: {other:?} is no type of route (unicast, blackhole, unreachable, prohibit)"
                ));
            }
        };
        let link = link.map(|l| link_ref(&l)).transpose()?;
        Ok(RouteWant {
            destination,
            gateway: via,
            link,
            source: source.map(|s| scalars::ip("source", &s)).transpose()?,
            metric,
            table: table.map(|t| scalars::table(&t)).transpose()?.unwrap_or(MAIN_TABLE),
            kind,
            onlink,
            mtu,
            v6,
        })
    }

    fn rule(&self, args: &Map) -> Found<RuleWant> {
        let RuleArgs { priority, from, to, iif, oif, fwmark, table, action, v6 } = typed(args)?;
        if !(1..=32765).contains(&priority) {
            return Err(format!(
                "priority {priority} is the kernel's own or out of range: choose one from 1 to 32765"
            ));
        }
        let from = from.map(|f| scalars::network(&f)).transpose()?;
        let to = to.map(|t| scalars::network(&t)).transpose()?;
        let versions: Vec<bool> = [from, to].into_iter().flatten().map(|a| !a.ip.is_ipv4()).collect();
        if versions.windows(2).any(|w| w[0] != w[1]) {
            return Err("from and to are of different IP versions; write a rule for each".to_owned());
        }
        let action = match (action.as_deref(), table) {
            (None | Some("lookup"), Some(table)) => RuleAction::Table(scalars::table(&table)?),
            (Some("blackhole"), None) => RuleAction::Blackhole,
            (Some("unreachable"), None) => RuleAction::Unreachable,
            (Some("prohibit"), None) => RuleAction::Prohibit,
            (None, None) => return Err("a rule needs a table to look in: say `table: 100`".to_owned()),
            (Some(other), _) => {
                return Err(format!(
                    "{other:?} is no action of a rule: give a table, or blackhole, unreachable or prohibit without one"
                ));
            }
        };
        let v6 = versions.first().copied().unwrap_or(v6);
        Ok(RuleWant { priority, v6, from, to, iif, oif, fwmark, action })
    }

    fn dns(&self, args: &Map) -> Found<Vec<Want>> {
        let DnsArgs { nameservers, search, options, path } = typed(args)?;
        let servers: Vec<IpAddr> =
            nameservers.iter().map(|n| scalars::ip("nameservers", n)).collect::<Found<_>>()?;
        if servers.is_empty() {
            return Err("nameservers is empty: a machine without one finds no names".to_owned());
        }
        let path = path.unwrap_or_else(|| "/etc/resolv.conf".to_owned());
        if !path.starts_with('/') {
            return Err(format!("path {path:?} is not absolute"));
        }
        Ok(vec![Want::Dns(Dns { servers, search, options, path, resolved: false })])
    }

    fn config(&self, args: &Map) -> Found<Vec<Want>> {
        let Config { uplink, interfaces, routes, rules, dns, modules, sysctl } = typed(args)?;
        let uplink = uplink.map(|u| link_ref(&u)).transpose()?;
        let mut out = Vec::new();
        for (name, body) in interfaces {
            let body = self.placed(&name, &body, uplink.as_ref())?;
            let kind = body.get("type").and_then(Value::as_str).unwrap_or("ethernet").to_owned();
            known_keys(&name, &kind, &body)?;
            out.extend(self.interface(&name, &kind, &body)?);
        }
        for route in routes {
            let body = self.placed("routes", &route, uplink.as_ref())?;
            out.push(Want::Route(self.route("", &body)?));
        }
        for rule in rules {
            out.push(Want::Rule(self.rule(&self.placed("rules", &rule, uplink.as_ref())?)?));
        }
        if let Some(dns) = dns {
            out.extend(self.dns(&self.placed("dns", &dns, None)?)?);
        }
        for (name, options) in modules {
            out.push(Want::Module(name, options.unwrap_or_default()));
        }
        out.extend(sysctl.into_iter().map(|(key, value)| Want::Sysctl(key, value)));
        Ok(out)
    }

    /// Returns a mapping with plain keys and with `{uplink}` in the place of the link that it stands for.
    fn placed(&self, at: &str, body: &Value, uplink: Option<&LinkRef>) -> Found<Map> {
        let Value::Map(map) = body else { return Err(format!("{at} must be a mapping, not {body}")) };
        let mut map = plain_keys(map);
        let stands_for = |value: &Value| match (value.as_str(), uplink) {
            (Some("{uplink}"), Some(uplink)) => Ok(Some(reference_value(uplink))),
            (Some("{uplink}"), None) => Err(format!(
                "{at} names {{uplink}}, but net.config does not say which that is: add `uplink: {{capture: default-route}}`"
            )),
            _ => Ok(None),
        };
        for value in map.values_mut() {
            if let Value::List(items) = value {
                for item in items {
                    if let Some(new) = stands_for(item)? {
                        *item = new;
                    }
                }
            } else if let Some(new) = stands_for(value)? {
                *value = new;
            }
        }
        Ok(map)
    }
}

/// Names a link reference for the time until it is resolved.
fn reference_name(link: &LinkRef) -> String {
    match link {
        LinkRef::Name(name) => name.clone(),
        LinkRef::Mac(mac) => mac.to_string(),
        LinkRef::DefaultRoute => "{capture: default-route}".to_owned(),
        LinkRef::BridgeOf(link) => format!("{{bridge-of: {link}}}"),
    }
}

fn reference_value(link: &LinkRef) -> Value {
    match link {
        LinkRef::Name(name) => Value::from(name.as_str()),
        LinkRef::Mac(mac) => Value::from(mac.to_string()),
        LinkRef::DefaultRoute => Value::from([("capture", "default-route")]),
        LinkRef::BridgeOf(link) => Value::from([("bridge-of", link.as_str())]),
    }
}

fn known_keys(name: &str, kind: &str, body: &Map) -> Found<()> {
    let own: &[&str] = match kind {
        "bridge" => &[
            "ports",
            "take_over",
            "port_vlans",
            "stp",
            "forward_delay",
            "hello_time",
            "max_age",
            "ageing_time",
            "priority",
            "vlan_filtering",
        ],
        "vlan" => &["link", "id"],
        "bond" => &[
            "ports",
            "take_over",
            "mode",
            "miimon",
            "up_delay",
            "down_delay",
            "lacp_rate",
            "xmit_hash_policy",
            "primary",
        ],
        "veth" => &["peer", "peer_port_of", "peer_addresses"],
        "tap" | "tun" => &["owner", "group", "multi_queue"],
        "macvlan" => &["link", "mode"],
        "vxlan" => &["id", "link", "local", "remote", "port"],
        _ => &[],
    };
    let known = || own.iter().copied().chain(COMMON).chain(["type"]);
    for key in body.keys().filter_map(Value::as_str) {
        if !known().any(|k| k == key) {
            let meant = nearest(key, known()).map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            return Err(format!("{name}: a {kind} has no {key}{meant}"));
        }
    }
    Ok(())
}

fn mac_from(text: &str) -> Found<MacFrom> {
    if matches!(text, "from-uplink" | "uplink") {
        return Ok(MacFrom::Uplink);
    }
    let mac: crate::host::Mac = text.parse().map_err(|e: crate::host::MacError| e.to_string())?;
    if mac.0[0] & 1 == 1 {
        return Err(format!("mac {mac} is a group's address: the first byte of a link's must be even"));
    }
    Ok(MacFrom::Given(mac))
}

fn vlans(pvid: Option<&Value>, vids: &[Value]) -> Found<Vec<PortVlan>> {
    let mut all = Vec::new();
    if let Some(pvid) = pvid {
        all.push(PortVlan { id: vlan_id(pvid)?, pvid: true, untagged: true });
    }
    for vid in vids {
        let id = vlan_id(vid)?;
        if !all.iter().any(|v| v.id == id) {
            all.push(PortVlan { id, pvid: false, untagged: false });
        }
    }
    all.sort();
    Ok(all)
}

fn bridge(name: &str, args: &Map) -> Found<Bridge> {
    let BridgeArgs { stp, forward_delay, hello_time, max_age, ageing_time, priority, vlan_filtering } =
        typed(args)?;
    let time = |what: &str, value: Option<Value>| value.map(|v| centiseconds(what, &v)).transpose();
    let bridge = Bridge {
        stp,
        forward_delay: time("forward_delay", forward_delay)?,
        hello_time: time("hello_time", hello_time)?,
        max_age: time("max_age", max_age)?,
        ageing_time: time("ageing_time", ageing_time)?,
        priority,
        vlan_filtering,
    };
    let within = |what: &str, value: Option<u32>, low: u32, high: u32| match value {
        Some(v) if stp == Some(true) && !(low * 100..=high * 100).contains(&v) => {
            Err(format!("{name}: {what} is out of range with stp on: {low} to {high} seconds (802.1D)"))
        }
        _ => Ok(()),
    };
    within("forward_delay", bridge.forward_delay, 2, 30)?;
    within("hello_time", bridge.hello_time, 1, 10)?;
    within("max_age", bridge.max_age, 6, 40)?;
    Ok(bridge)
}

fn bond(name: &str, args: &Map) -> Found<Bond> {
    let BondArgs { mode, miimon, up_delay, down_delay, lacp_rate, xmit_hash_policy, primary } = typed(args)?;
    let mode =
        mode.map(|m| named("mode", &m, BondMode::parse, BondMode::ALL, BondMode::as_str)).transpose()?;
    let lacp_rate = lacp_rate
        .map(|r| named("lacp_rate", &r, LacpRate::parse, LacpRate::ALL, LacpRate::as_str))
        .transpose()?;
    let policy = |p: String| {
        named("xmit_hash_policy", &p, XmitHashPolicy::parse, XmitHashPolicy::ALL, XmitHashPolicy::as_str)
    };
    let bond = Bond {
        mode,
        miimon: miimon.map(|v| milliseconds("miimon", &v)).transpose()?,
        up_delay: up_delay.map(|v| milliseconds("up_delay", &v)).transpose()?,
        down_delay: down_delay.map(|v| milliseconds("down_delay", &v)).transpose()?,
        lacp_rate,
        xmit_hash_policy: xmit_hash_policy.map(policy).transpose()?,
        primary: primary.map(|p| link_ref(&p)).transpose()?,
    };
    let mode = mode.unwrap_or_default();
    if bond.lacp_rate.is_some() && mode != BondMode::Lacp {
        return Err(format!("{name}: lacp_rate is for mode 802.3ad only, not {}", mode.as_str()));
    }
    let prefers = matches!(mode, BondMode::ActiveBackup | BondMode::BalanceTlb | BondMode::BalanceAlb);
    if bond.primary.is_some() && !prefers {
        return Err(format!(
            "{name}: primary is for the modes active-backup, balance-tlb and balance-alb, not {}",
            mode.as_str()
        ));
    }
    let delays = bond.up_delay.or(bond.down_delay).is_some_and(|d| d > 0);
    if delays && bond.miimon == Some(0) {
        return Err(format!("{name}: up_delay and down_delay need a miimon: say `miimon: 100`"));
    }
    Ok(bond)
}

fn vxlan(name: &str, args: &Map) -> Found<Kind> {
    let Vxlan { id, link, local, remote, port } = typed(args)?;
    if !(1..1 << 24).contains(&id) {
        return Err(format!("{name}: {id} is no VXLAN number: 1 to 16777215"));
    }
    let local = local.map(|l| scalars::ip("local", &l)).transpose()?;
    let remote = remote.map(|r| scalars::ip("remote", &r)).transpose()?;
    if let (Some(local), Some(remote)) = (local, remote)
        && local.is_ipv4() != remote.is_ipv4()
    {
        return Err(format!("{name}: local and remote are of different IP versions"));
    }
    if remote.is_some_and(|r| r.is_multicast()) && link.is_none() {
        return Err(format!("{name}: a multicast group needs a link to be reached by: add `link`"));
    }
    Ok(Kind::Vxlan {
        id,
        link: link.map(|l| link_ref(&l)).transpose()?,
        local,
        remote,
        port: port.unwrap_or(4789),
    })
}

#[derive(Deserialize)]
struct BridgeArgs {
    stp: Option<bool>,
    forward_delay: Option<Value>,
    hello_time: Option<Value>,
    max_age: Option<Value>,
    ageing_time: Option<Value>,
    priority: Option<u16>,
    vlan_filtering: Option<bool>,
}

#[derive(Deserialize)]
struct Vlan {
    link: Value,
    id: Value,
}

#[derive(Deserialize)]
struct BondArgs {
    mode: Option<String>,
    miimon: Option<Value>,
    up_delay: Option<Value>,
    down_delay: Option<Value>,
    lacp_rate: Option<String>,
    xmit_hash_policy: Option<String>,
    primary: Option<Value>,
}

#[derive(Deserialize)]
struct Veth {
    peer: String,
    peer_port_of: Option<Value>,
    #[serde(default)]
    peer_addresses: Vec<String>,
}

#[derive(Deserialize)]
struct TapArgs {
    owner: Option<String>,
    group: Option<String>,
    #[serde(default)]
    multi_queue: bool,
}

#[derive(Deserialize)]
struct Macvlan {
    link: Value,
    mode: Option<String>,
}

#[derive(Deserialize)]
struct Vxlan {
    id: u32,
    link: Option<Value>,
    local: Option<String>,
    remote: Option<String>,
    port: Option<u16>,
}

#[derive(Deserialize)]
struct Force {
    #[serde(default)]
    force: bool,
}

#[derive(Deserialize)]
struct AddressArgs {
    link: Value,
}

#[derive(Deserialize)]
struct RouteArgs {
    to: Option<String>,
    via: Option<String>,
    link: Option<Value>,
    source: Option<String>,
    metric: Option<u32>,
    table: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    onlink: bool,
    mtu: Option<u32>,
}

#[derive(Deserialize)]
struct RuleArgs {
    priority: u32,
    from: Option<String>,
    to: Option<String>,
    iif: Option<String>,
    oif: Option<String>,
    fwmark: Option<u32>,
    table: Option<String>,
    action: Option<String>,
    #[serde(default)]
    v6: bool,
}

#[derive(Deserialize)]
struct DnsArgs {
    #[serde(default)]
    nameservers: Vec<String>,
    #[serde(default)]
    search: Vec<String>,
    #[serde(default)]
    options: Vec<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Config {
    uplink: Option<Value>,
    #[serde(default)]
    interfaces: BTreeMap<String, Value>,
    #[serde(default)]
    routes: Vec<Value>,
    #[serde(default)]
    rules: Vec<Value>,
    dns: Option<Value>,
    #[serde(default)]
    modules: BTreeMap<String, Option<BTreeMap<String, String>>>,
    #[serde(default)]
    sysctl: BTreeMap<String, String>,
}
