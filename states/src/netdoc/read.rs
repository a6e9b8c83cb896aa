//! Reads what a state asks for, with the checks that need no machine: each error says what would be right.

mod args;
mod kinds;
mod scalars;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::slice;

use lab_proto::{Map, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::args::{AddressArgs, Config, DnsArgs, Force, Macvlan, RouteArgs, RuleArgs, TapArgs, Veth, Vlan};
use self::kinds::{bond, bridge, known_keys, mac_from, vlans, vxlan};
pub(super) use self::scalars::link_name;
use self::scalars::{address, link_ref, named, vlan_id};
use super::document::{
    Absent, AbsentKind, Dns, Interface, Kind, LinkRef, MacFrom, Owned, RouteWant, RuleWant, Tap, Want,
};
use crate::function::{StateCall, StateError, from_map};
use crate::host::{Host, MAIN_TABLE, MacvlanMode, RouteKind, RuleAction};
use crate::nearest::nearest;

/// Reads a state of the network family.
///
/// # Errors
/// When the definition cannot be meant so; the error names the thing and the way out.
pub fn want(call: &StateCall, owner: usize, host: &dyn Host) -> Result<Vec<Want>, StateError> {
    let reader = Reader { owner, host };
    let (module, function) = call.function.split_once('.').unwrap_or((&call.function, ""));
    if (module, function) == ("net", "config") {
        return reader.config(&call.args).map_err(StateError::failed);
    }
    let args = plain_keys(&call.args);
    let present = function == "present";
    let found = match (module, function) {
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
fn plain_keys(args: &Map) -> Cow<'_, Map> {
    let is_plain = |key: &Value| key.as_str().is_none_or(|text| !text.contains('-'));
    if args.keys().all(is_plain) { Cow::Borrowed(args) } else { Cow::Owned(with_plain_keys(args.iter())) }
}

fn with_plain_keys<'a>(args: impl Iterator<Item = (&'a Value, &'a Value)>) -> Map {
    args.map(|(key, value)| match key.as_str() {
        Some(text) => (Value::from(text.replace('-', "_")), value.clone()),
        None => (key.clone(), value.clone()),
    })
    .collect()
}

/// Links and routes of a whole document where they are written plainly, as they lie: there may be thousands.
#[derive(Default)]
struct Plain<'a> {
    interfaces: Vec<(&'a str, &'a Value)>,
    routes: &'a [Value],
}

impl<'a> Plain<'a> {
    /// Takes them from the arguments; returns them with the rest.
    fn of(args: &'a Map) -> (Self, Map) {
        let mut plain = Self::default();
        let rest = args.iter().filter(|(key, value)| match (key.as_str(), value) {
            (Some("interfaces"), Value::Map(all)) if all.keys().all(|k| k.as_str().is_some()) => {
                plain.interfaces = all.iter().filter_map(|(k, v)| Some((k.as_str()?, v))).collect();
                false
            }
            (Some("routes"), Value::List(all)) => {
                plain.routes = all;
                false
            }
            _ => true,
        });
        let rest = with_plain_keys(rest);
        (plain, rest)
    }
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
        let (plain, rest) = Plain::of(args);
        let Config { uplink, interfaces, routes, rules, dns, modules, sysctl } = typed(&rest)?;
        let uplink = uplink.map(|u| link_ref(&u)).transpose()?;
        let mut out = Vec::new();
        let others = interfaces.iter().map(|(name, body)| (name.as_str(), body));
        for (name, body) in plain.interfaces.into_iter().chain(others) {
            let body = self.placed(name, body, uplink.as_ref())?;
            let kind = body.get("type").and_then(Value::as_str).unwrap_or("ethernet");
            known_keys(name, kind, &body)?;
            out.extend(self.interface(name, kind, &body)?);
        }
        for route in plain.routes.iter().chain(&routes) {
            let body = self.placed("routes", route, uplink.as_ref())?;
            out.push(Want::Route(self.route("", &body)?));
        }
        for rule in rules {
            let body = self.placed("rules", &rule, uplink.as_ref())?;
            out.push(Want::Rule(self.rule(&body)?));
        }
        if let Some(dns) = dns {
            let body = self.placed("dns", &dns, None)?;
            out.extend(self.dns(&body)?);
        }
        for (name, options) in modules {
            out.push(Want::Module(name, options.unwrap_or_default()));
        }
        out.extend(sysctl.into_iter().map(|(key, value)| Want::Sysctl(key, value)));
        Ok(out)
    }

    /// Returns a mapping with plain keys and with `{uplink}` in the place of the link that it stands for.
    fn placed<'a>(&self, at: &str, body: &'a Value, uplink: Option<&LinkRef>) -> Found<Cow<'a, Map>> {
        let Value::Map(map) = body else { return Err(format!("{at} must be a mapping, not {body}")) };
        let mut map = plain_keys(map);
        let is_uplink = |value: &Value| value.as_str() == Some("{uplink}");
        let names_uplink = |value: &Value| match value {
            Value::List(items) => items.iter().any(is_uplink),
            value => is_uplink(value),
        };
        if !map.values().any(names_uplink) {
            return Ok(map);
        }
        let Some(uplink) = uplink else {
            return Err(format!(
                "{at} names {{uplink}}, but net.config does not say which that is: add `uplink: {{capture: default-route}}`"
            ));
        };
        for value in map.to_mut().values_mut() {
            let places = if let Value::List(items) = value { items } else { slice::from_mut(value) };
            for place in places.iter_mut().filter(|value| is_uplink(value)) {
                *place = reference_value(uplink);
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
