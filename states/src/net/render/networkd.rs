//! systemd-networkd: a `.netdev` for each link that lab makes and a `.network` for each that it configures.
//!
//! networkd takes the first `.network` in the order of names that matches a link; `05-lab-` comes before what distributions
//! write. A card whose addresses were taken over keeps what else its foreign file says: that is copied, and the file stays.
//! `KeepConfiguration=static` lets an address stand that is there already: without it some packets are lost at the hand-over.

use std::fmt::Write as _;

use super::config::{LinkConfig, Owned};
use super::{Files, HEADER, Managers, Rendered, Renderer, command, netplan};
use crate::host::{
    BondOptions, BridgeOptions, LinkKind, MAIN_TABLE, PortVlan, Route, RouteKind, RuleAction, VxlanOptions,
};

const DIR: &str = "/etc/systemd/network/";

/// Tells whether a foreign file matches a link by its name.
pub(super) fn matches(managers: &Managers, link: &str) -> bool {
    foreign(managers, link).is_some()
}

/// Finds the foreign file that networkd would take for a link.
fn foreign<'a>(managers: &'a Managers, link: &str) -> Option<(&'a str, &'a str)> {
    let mine = |path: &str| path.rsplit('/').next().is_some_and(|n| n.starts_with("05-lab-"));
    let network = |path: &str| path.contains("/systemd/network/") && path.ends_with(".network");
    let mut found: Vec<(&str, &str)> = managers
        .files
        .iter()
        .filter(|(path, text)| network(path) && !mine(path) && matches_name(text, link))
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    found.sort_by_key(|(path, _)| path.rsplit('/').next().map(str::to_owned));
    found.into_iter().next()
}

fn matches_name(text: &str, link: &str) -> bool {
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        if section == "[Match]"
            && let Some(names) = line.strip_prefix("Name=")
        {
            return names.split_whitespace().any(|pattern| lab_proto::glob::matches(pattern, link));
        }
    }
    false
}

pub(super) fn render(rendered: &mut Rendered, managers: &Managers, files: &mut Files<'_>) {
    let written = |l: &LinkConfig, owned: &Owned| match l.renderer {
        Some(Renderer::Networkd) => true,
        Some(Renderer::Netplan) => !netplan::can_say(l, owned),
        _ => false,
    };
    for name in super::released(&rendered.owned, Renderer::Networkd) {
        let Some((_, text)) = foreign(managers, &name) else { continue };
        let values = |key: &str| -> Vec<&str> {
            text.lines().filter_map(|l| l.trim().strip_prefix(key)?.trim_start().strip_prefix('=')).collect()
        };
        let dns = values("DNS").iter().flat_map(|v| super::addresses_in(v)).collect();
        let search = values("Domains").iter().flat_map(|v| v.split_whitespace()).map(str::to_owned).collect();
        super::inherit(&mut rendered.owned, &name, dns, search);
    }
    let mut keep = Vec::new();
    for (name, link) in rendered.owned.links.iter().filter(|(_, l)| written(l, &rendered.owned)) {
        if link.made
            && let Some(text) = netdev(name, link, &rendered.owned)
        {
            let path = format!("{DIR}05-lab-{name}.netdev");
            files.put(path.clone(), Some(text), 0o644);
            keep.push(path);
        }
        let path = format!("{DIR}05-lab-{name}.network");
        let text = network(name, link, rendered, managers);
        files.put(path.clone(), Some(text), 0o644);
        keep.push(path);
    }
    let stale: Vec<String> = managers
        .files
        .keys()
        .filter(|p| p.starts_with(DIR) && p[DIR.len()..].starts_with("05-lab-") && !keep.contains(p))
        .cloned()
        .collect();
    let touched = !keep.is_empty() || !stale.is_empty();
    stale.into_iter().for_each(|path| files.put(path, None, 0o644));
    // Also where nothing of lab's is left in netplan: networkd would go on with what netplan made before.
    let by_netplan = rendered.owned.links.values().any(|l| l.renderer == Some(Renderer::Netplan))
        || rendered.hand_over.iter().any(|c| c.first().is_some_and(|program| program == "netplan"));
    if managers.networkd && (touched || by_netplan) {
        rendered.hand_over.push(command(&["networkctl", "reload"]));
    }
}

fn netdev(name: &str, link: &LinkConfig, owned: &Owned) -> Option<String> {
    let (kind, section) = match &link.kind {
        LinkKind::Bridge(options) => {
            let without = if owned.begins_without_vlan(name) { "DefaultPVID=none\n" } else { "" };
            ("bridge", format!("{}{without}", bridge(options)))
        }
        LinkKind::Bond { options, .. } => ("bond", bond(options)),
        LinkKind::Vlan { id, .. } => ("vlan", format!("\n[VLAN]\nId={id}\n")),
        // One file makes both ends; the end whose name comes first has it.
        LinkKind::Veth { peer: Some(peer) } if name < peer.as_str() => {
            ("veth", format!("\n[Peer]\nName={peer}\n"))
        }
        LinkKind::Veth { .. } => return None,
        LinkKind::Tap(options) => {
            let mut text = format!("\n[{}]\n", if options.tun { "Tun" } else { "Tap" });
            text.extend(options.owner.map(|u| format!("User={u}\n")));
            text.extend(options.group.map(|g| format!("Group={g}\n")));
            if options.multi_queue {
                text.push_str("MultiQueue=yes\n");
            }
            if options.vnet_hdr {
                text.push_str("VNetHeader=yes\n");
            }
            (if options.tun { "tun" } else { "tap" }, text)
        }
        LinkKind::Macvlan { mode, .. } => ("macvlan", format!("\n[MACVLAN]\nMode={}\n", mode.as_str())),
        LinkKind::Vxlan(options) => ("vxlan", vxlan(options)),
        LinkKind::Dummy => ("dummy", String::new()),
        LinkKind::Device | LinkKind::Loopback | LinkKind::Other(_) => return None,
    };
    let mut text = format!("{HEADER}[NetDev]\nName={name}\nKind={kind}\n");
    text.extend(link.mac.map(|m| format!("MACAddress={m}\n")));
    text.extend(link.mtu.map(|m| format!("MTUBytes={m}\n")));
    text.push_str(&section);
    Some(text)
}

fn yes(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}

fn bridge(options: &BridgeOptions) -> String {
    let BridgeOptions { stp, forward_delay, hello_time, max_age, ageing_time, priority, vlan_filtering } =
        *options;
    let kernel = BridgeOptions::default();
    let mut text = format!("\n[Bridge]\nSTP={}\n", yes(stp));
    for (key, have, default) in [
        ("ForwardDelaySec", forward_delay, kernel.forward_delay),
        ("HelloTimeSec", hello_time, kernel.hello_time),
        ("MaxAgeSec", max_age, kernel.max_age),
        ("AgeingTimeSec", ageing_time, kernel.ageing_time),
    ] {
        if have != default {
            let _ = writeln!(text, "{key}={}ms", u64::from(have) * 10);
        }
    }
    if priority != kernel.priority {
        let _ = writeln!(text, "Priority={priority}");
    }
    if vlan_filtering {
        text.push_str("VLANFiltering=yes\n");
    }
    text
}

fn bond(options: &BondOptions) -> String {
    let BondOptions { mode, miimon, up_delay, down_delay, lacp_rate, xmit_hash_policy } = *options;
    let mut text = format!("\n[Bond]\nMode={}\n", mode.as_str());
    for (key, have) in [("MIIMonitorSec", miimon), ("UpDelaySec", up_delay), ("DownDelaySec", down_delay)] {
        if have > 0 {
            let _ = writeln!(text, "{key}={have}ms");
        }
    }
    if mode == crate::host::BondMode::Lacp {
        let _ = writeln!(text, "LACPTransmitRate={}", lacp_rate.as_str());
    }
    if xmit_hash_policy != crate::host::XmitHashPolicy::Layer2 {
        let _ = writeln!(text, "TransmitHashPolicy={}", xmit_hash_policy.as_str());
    }
    text
}

fn vxlan(options: &VxlanOptions) -> String {
    let VxlanOptions { id, link, local, remote, port, learning } = options;
    let mut text = format!("\n[VXLAN]\nVNI={id}\nDestinationPort={port}\nMacLearning={}\n", yes(*learning));
    text.extend(local.map(|ip| format!("Local={ip}\n")));
    text.extend(remote.map(|ip| format!("Remote={ip}\n")));
    if link.is_none() {
        text.push_str("Independent=yes\n");
    }
    text
}

fn network(name: &str, link: &LinkConfig, rendered: &Rendered, managers: &Managers) -> String {
    let mut text = format!("{HEADER}[Match]\nName={name}\n");
    if !link.made
        && let Some((path, foreign)) = foreign(managers, name)
    {
        text.push_str(&rest_of(path, foreign, link.master.is_some()));
    }
    if let Some(mtu) = link.mtu.filter(|_| !link.made) {
        let _ = write!(text, "\n[Link]\nMTUBytes={mtu}\n");
    }
    if link.promisc {
        text.push_str("\n[Link]\nPromiscuous=yes\n");
    }
    text.push_str("\n[Network]\n");
    let lines = network_section(name, link, rendered);
    lines.iter().for_each(|l| {
        text.push_str(l);
        text.push('\n');
    });
    if link.dhcp4 {
        text.push_str("\n[DHCPv4]\nClientIdentifier=mac\n");
    }
    text.push_str(&vlans(name, &rendered.owned));
    link.routes.iter().for_each(|r| text.push_str(&route(r)));
    if is_place_of_rules(name, rendered) {
        rendered.owned.rules.iter().for_each(|r| text.push_str(&rule(r)));
    }
    text
}

/// The section about the VLANs of a port, or of a bridge.
pub(super) fn vlans(name: &str, owned: &Owned) -> String {
    let all = owned.vlans_of(name);
    let mut text = if all.is_empty() { String::new() } else { "\n[BridgeVLAN]\n".to_owned() };
    for PortVlan { id, pvid, untagged } in all {
        if pvid {
            let _ = writeln!(text, "PVID={id}");
        }
        let _ = writeln!(text, "{}={id}", if untagged { "EgressUntagged" } else { "VLAN" });
    }
    text
}

fn network_section(name: &str, link: &LinkConfig, rendered: &Rendered) -> Vec<String> {
    let mut lines = Vec::new();
    match link.master.as_ref().map(|m| (m, rendered.owned.links.get(m).map(|l| &l.kind))) {
        Some((master, Some(LinkKind::Bond { primary, .. }))) => {
            lines.push(format!("Bond={master}"));
            if primary.as_deref() == Some(name) {
                lines.push("PrimarySlave=yes".to_owned());
            }
        }
        Some((master, _)) => lines.push(format!("Bridge={master}")),
        None => {}
    }
    for (other, above) in &rendered.owned.links {
        let key = match &above.kind {
            LinkKind::Vlan { link, .. } if link == name => "VLAN",
            LinkKind::Macvlan { link, .. } if link == name => "MACVLAN",
            LinkKind::Vxlan(options) if options.link.as_deref() == Some(name) => "VXLAN",
            _ => continue,
        };
        lines.push(format!("{key}={other}"));
    }
    if !link.is_bare() {
        let dhcp = match (link.dhcp4, link.dhcp6) {
            (true, true) => "yes",
            (true, false) => "ipv4",
            (false, true) => "ipv6",
            (false, false) => "no",
        };
        lines.push(format!("DHCP={dhcp}"));
    } else if link.made || link.master.is_some() {
        lines.push("LinkLocalAddressing=no".to_owned());
    }
    lines.extend(link.addresses.iter().map(|a| format!("Address={a}")));
    lines.extend(link.dns.iter().map(|ip| format!("DNS={ip}")));
    if !link.search.is_empty() {
        lines.push(format!("Domains={}", link.search.join(" ")));
    }
    if link.made || !link.addresses.is_empty() {
        lines.push("ConfigureWithoutCarrier=yes".to_owned());
        lines.push("KeepConfiguration=static".to_owned());
    }
    lines
}

fn route(route: &Route) -> String {
    let mut text = "\n[Route]\n".to_owned();
    let default = if route.v6 { "::/0" } else { "0.0.0.0/0" };
    let _ = writeln!(text, "Destination={}", route.destination.map_or(default.to_owned(), |d| d.to_string()));
    text.extend(route.gateway.map(|g| format!("Gateway={g}\n")));
    text.extend(route.source.map(|s| format!("PreferredSource={s}\n")));
    text.extend(route.metric.map(|m| format!("Metric={m}\n")));
    text.extend(route.mtu.map(|m| format!("MTUBytes={m}\n")));
    if route.table != MAIN_TABLE {
        let _ = writeln!(text, "Table={}", route.table);
    }
    if route.onlink {
        text.push_str("GatewayOnLink=yes\n");
    }
    if route.kind != RouteKind::Unicast {
        let _ = writeln!(text, "Type={}", route.kind.as_str());
    }
    text
}

fn is_place_of_rules(name: &str, rendered: &Rendered) -> bool {
    rendered.owned.links.iter().find(|(_, l)| l.made && !l.is_bare()).is_some_and(|(n, _)| n == name)
}

fn rule(rule: &crate::host::Rule) -> String {
    let mut text = format!("\n[RoutingPolicyRule]\nPriority={}\n", rule.priority);
    text.extend(rule.from.map(|a| format!("From={a}\n")));
    text.extend(rule.to.map(|a| format!("To={a}\n")));
    text.extend(rule.iif.as_ref().map(|l| format!("IncomingInterface={l}\n")));
    text.extend(rule.oif.as_ref().map(|l| format!("OutgoingInterface={l}\n")));
    text.extend(rule.fwmark.map(|m| format!("FirewallMark={m}\n")));
    match rule.action {
        RuleAction::Table(table) => text.push_str(&format!("Table={table}\n")),
        RuleAction::Blackhole => text.push_str("Type=blackhole\n"),
        RuleAction::Unreachable => text.push_str("Type=unreachable\n"),
        RuleAction::Prohibit => text.push_str("Type=prohibit\n"),
        RuleAction::Other(_) => {}
    }
    text
}

/// Copies what a foreign file says of a link besides addresses, routes and name servers. A port has no addresses to be
/// waited for: the boot would wait for it in vain.
fn rest_of(path: &str, foreign: &str, is_port: bool) -> String {
    const SECTIONS: &[&str] = &[
        "[Match]",
        "[Address]",
        "[Route]",
        "[DHCPv4]",
        "[DHCPv6]",
        "[IPv6AcceptRA]",
        "[RoutingPolicyRule]",
        "[Neighbor]",
    ];
    const KEYS: &[&str] = &[
        "Address",
        "Gateway",
        "DHCP",
        "DNS",
        "Domains",
        "IPv6AcceptRA",
        "LinkLocalAddressing",
        "NTP",
        "Bridge",
        "Bond",
        "DNSSEC",
        "LLMNR",
        "MulticastDNS",
        "KeepConfiguration",
        "DefaultRouteOnDevice",
        "VLAN",
        "MACVLAN",
        "VXLAN",
    ];
    let (mut out, mut section) = (String::new(), "");
    let mut opened = false;
    for line in foreign.lines() {
        let bare = line.trim();
        if bare.starts_with('[') {
            (section, opened) = (bare, false);
            continue;
        }
        let key = bare.split('=').next().unwrap_or("").trim();
        let comment = bare.is_empty() || bare.starts_with('#') || bare.starts_with(';');
        let waited_for =
            section == "[Link]" && matches!(key, "RequiredForOnline" | "RequiredFamilyForOnline");
        if comment
            || SECTIONS.contains(&section)
            || (section == "[Network]" && KEYS.contains(&key))
            || (is_port && waited_for)
        {
            continue;
        }
        if !opened {
            let _ = write!(out, "\n# From {path}:\n{section}\n");
            opened = true;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}
