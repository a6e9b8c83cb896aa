//! NetworkManager: one keyfile per link, `lab-NAME.nmconnection`, closed to others, preferred to any other profile.

use std::fmt::Write as _;

use super::config::{LinkConfig, Owned};
use super::{Files, HEADER, Managers, Rendered, Renderer, command};
use crate::host::{Address, LinkKind, PortVlan, Route};

const DIR: &str = "/etc/NetworkManager/system-connections/";

pub(super) fn render(rendered: &mut Rendered, managers: &Managers, files: &mut Files<'_>) {
    for name in super::released(&rendered.owned, Renderer::NetworkManager) {
        let profile = |(path, text): (&'_ String, &'_ String)| {
            let of_link = text.lines().any(|l| l.trim() == format!("interface-name={name}"));
            path.starts_with(DIR) && !path.starts_with(&format!("{DIR}lab-")) && of_link
        };
        let texts: Vec<&String> =
            managers.files.iter().filter(|f| profile(*f)).map(|(_, text)| text).collect();
        let values = |key: &str| -> Vec<&str> {
            texts.iter().flat_map(|t| t.lines()).filter_map(|l| l.trim().strip_prefix(key)).collect()
        };
        let dns = values("dns=").iter().flat_map(|v| super::addresses_in(v)).collect();
        let domains = values("dns-search=").into_iter().flat_map(|v| v.split(';')).filter(|d| !d.is_empty());
        let search = domains.map(str::to_owned).collect();
        super::inherit(&mut rendered.owned, &name, dns, search);
    }
    let Rendered { owned, hand_over, .. } = rendered;
    let mut keep = Vec::new();
    for (name, link) in owned.links.iter().filter(|(_, l)| l.renderer == Some(Renderer::NetworkManager)) {
        let path = format!("{DIR}lab-{name}.nmconnection");
        files.put(path.clone(), Some(keyfile(name, link, owned)), 0o600);
        keep.push(path);
    }
    let stale: Vec<String> = managers
        .files
        .keys()
        .filter(|p| p.starts_with(&format!("{DIR}lab-")) && !keep.contains(p))
        .cloned()
        .collect();
    if !keep.is_empty() || !stale.is_empty() {
        hand_over.push(command(&["nmcli", "connection", "reload"]));
    }
    stale.into_iter().for_each(|path| files.put(path, None, 0o600));
}

fn keyfile(name: &str, link: &LinkConfig, owned: &Owned) -> String {
    let kind = match &link.kind {
        LinkKind::Bridge(_) => "bridge",
        LinkKind::Bond { .. } => "bond",
        LinkKind::Vlan { .. } => "vlan",
        LinkKind::Veth { .. } => "veth",
        LinkKind::Tap(_) => "tun",
        LinkKind::Macvlan { .. } => "macvlan",
        LinkKind::Vxlan(_) => "vxlan",
        LinkKind::Dummy => "dummy",
        LinkKind::Device | LinkKind::Loopback | LinkKind::Other(_) => "ethernet",
    };
    let mut text = format!(
        "{HEADER}[connection]\nid=lab-{name}\nuuid={}\ntype={kind}\ninterface-name={name}\nautoconnect-priority=100\n",
        uuid(name)
    );
    if let Some(master) = &link.master {
        let port = match owned.links.get(master).map(|l| &l.kind) {
            Some(LinkKind::Bond { .. }) => "bond",
            _ => "bridge",
        };
        let _ = writeln!(text, "master={master}\nslave-type={port}");
    }
    text.push_str(&own_section(name, link, owned));
    let vlans = vlans(name, owned);
    if link.master.is_some() && !vlans.is_empty() {
        let _ = write!(text, "\n[bridge-port]\n{vlans}");
    }
    if link.mtu.is_some() || (link.mac.is_some() && kind != "bridge") {
        text.push_str("\n[ethernet]\n");
        text.extend(link.mtu.map(|m| format!("mtu={m}\n")));
        text.extend(link.mac.filter(|_| kind != "bridge").map(|m| format!("cloned-mac-address={m}\n")));
    }
    if link.master.is_none() {
        text.push_str(&family("ipv4", true, link));
        text.push_str(&family("ipv6", false, link));
    }
    text
}

/// The line about the VLANs of a port or a bridge.
fn vlans(name: &str, owned: &Owned) -> String {
    let all = owned.vlans_of(name);
    let one = |v: &PortVlan| {
        format!("{}{}{}", v.id, if v.pvid { " pvid" } else { "" }, if v.untagged { " untagged" } else { "" })
    };
    let all: Vec<String> = all.iter().map(one).collect();
    if all.is_empty() { String::new() } else { format!("vlans={}\n", all.join(", ")) }
}

fn own_section(name: &str, link: &LinkConfig, owned: &Owned) -> String {
    match &link.kind {
        LinkKind::Bridge(o) => {
            let mut text = format!(
                "\n[bridge]\nstp={}\nforward-delay={}\nhello-time={}\nmax-age={}\npriority={}\n",
                o.stp,
                o.forward_delay.div_ceil(100),
                o.hello_time.div_ceil(100),
                o.max_age.div_ceil(100),
                o.priority
            );
            text.extend(link.mac.map(|m| format!("mac-address={m}\n")));
            if o.vlan_filtering {
                text.push_str("vlan-filtering=true\n");
            }
            if owned.begins_without_vlan(name) {
                text.push_str("vlan-default-pvid=0\n");
            }
            text.push_str(&vlans(name, owned));
            text
        }
        LinkKind::Bond { options, primary } => {
            let mut text = format!("\n[bond]\nmode={}\nmiimon={}\n", options.mode.as_str(), options.miimon);
            text.extend(primary.as_ref().map(|p| format!("primary={p}\n")));
            text
        }
        LinkKind::Vlan { link: lower, id } => format!("\n[vlan]\nid={id}\nparent={lower}\n"),
        LinkKind::Veth { peer } => format!("\n[veth]\npeer={}\n", peer.as_deref().unwrap_or("")),
        LinkKind::Tap(o) => {
            let mut text = format!("\n[tun]\nmode={}\n", if o.tun { 1 } else { 2 });
            text.extend(o.owner.map(|u| format!("owner={u}\n")));
            text.extend(o.group.map(|g| format!("group={g}\n")));
            text
        }
        LinkKind::Macvlan { link: lower, mode } => {
            let mode = match mode.as_str() {
                "vepa" => 1,
                "bridge" => 2,
                "private" => 3,
                _ => 4,
            };
            format!("\n[macvlan]\nparent={lower}\nmode={mode}\n")
        }
        LinkKind::Vxlan(o) => {
            let mut text = format!("\n[vxlan]\nid={}\ndestination-port={}\n", o.id, o.port);
            text.extend(o.link.as_ref().map(|l| format!("parent={l}\n")));
            text.extend(o.local.map(|ip| format!("local={ip}\n")));
            text.extend(o.remote.map(|ip| format!("remote={ip}\n")));
            text
        }
        LinkKind::Dummy | LinkKind::Device | LinkKind::Loopback | LinkKind::Other(_) => String::new(),
    }
}

fn family(section: &str, v4: bool, link: &LinkConfig) -> String {
    let mut text = format!("\n[{section}]\n");
    let addresses: Vec<&Address> = link.addresses.iter().filter(|a| a.ip.is_ipv4() == v4).collect();
    let auto = if v4 { link.dhcp4 } else { link.dhcp6 };
    let method = match (auto, addresses.is_empty()) {
        (true, _) => "auto",
        (false, false) => "manual",
        (false, true) => "disabled",
    };
    let _ = writeln!(text, "method={method}");
    for (n, address) in addresses.iter().enumerate() {
        let _ = writeln!(text, "address{}={address}", n + 1);
    }
    let routes = link.routes.iter().filter(|r| r.v6 != v4);
    for (n, route) in routes.enumerate() {
        text.push_str(&route_lines(n + 1, route));
    }
    let dns: Vec<String> = link.dns.iter().filter(|ip| ip.is_ipv4() == v4).map(ToString::to_string).collect();
    if !dns.is_empty() {
        let _ = writeln!(text, "dns={};", dns.join(";"));
        if !link.search.is_empty() {
            let _ = writeln!(text, "dns-search={};", link.search.join(";"));
        }
    }
    if v4 && auto {
        text.push_str("dhcp-client-id=mac\n");
    }
    text
}

fn route_lines(n: usize, route: &Route) -> String {
    let default = if route.v6 { "::/0" } else { "0.0.0.0/0" };
    let to = route.destination.map_or(default.to_owned(), |d| d.to_string());
    let none = if route.v6 { "::" } else { "0.0.0.0" };
    let via = route.gateway.map_or(none.to_owned(), |g| g.to_string());
    let metric = route.metric.map(|m| format!(",{m}")).unwrap_or_default();
    let mut text = format!("route{n}={to},{via}{metric}\n");
    let mut options = Vec::new();
    if route.table != crate::host::MAIN_TABLE {
        options.push(format!("table={}", route.table));
    }
    options.extend(route.source.map(|s| format!("src={s}")));
    if route.onlink {
        options.push("onlink=true".to_owned());
    }
    if !options.is_empty() {
        let _ = writeln!(text, "route{n}_options={}", options.join(","));
    }
    text
}

/// A name-based UUID: the same link has the same profile, whenever and wherever it is written.
fn uuid(name: &str) -> String {
    let digest = lab_proto::Digest::of(format!("lab network profile {name}").as_bytes()).to_string();
    let (a, b, c, d, e) = (&digest[0..8], &digest[8..12], &digest[13..16], &digest[17..20], &digest[20..32]);
    format!("{a}-{b}-8{c}-8{d}-{e}")
}
