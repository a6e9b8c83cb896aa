//! ifupdown: one file of lab's own, `/etc/network/interfaces.d/lab`.
//!
//! ifupdown applies every stanza of a name, so the stanza of a card whose addresses were taken over is switched off where it
//! is written. What lab's links need that ifupdown has no word for is done by `ip` in `pre-up` lines: neither bridge-utils nor
//! vlan need be installed.

use std::fmt::Write as _;

use super::config::{FIRST_VLAN, LinkConfig, Owned};
use super::{Files, HEADER, MARK, Managers, Rendered, Renderer};
use crate::host::{Address, LinkKind, PortVlan, Route};

/// The file that ifupdown begins with.
pub(super) const INTERFACES: &str = "/etc/network/interfaces";
/// The file of lab's own.
pub(super) const PATH: &str = "/etc/network/interfaces.d/lab";

fn foreign(managers: &Managers) -> impl Iterator<Item = (&String, &String)> {
    let is = |path: &str| path == INTERFACES || path.starts_with("/etc/network/interfaces.d/");
    managers.files.iter().filter(move |(path, _)| is(path) && *path != PATH)
}

/// Tells whether a foreign file has a stanza for a link.
pub(super) fn defines(managers: &Managers, link: &str) -> bool {
    foreign(managers).any(|(_, text)| text.lines().any(|l| is_stanza(l, link)))
}

fn is_stanza(line: &str, link: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("iface") && words.next() == Some(link)
}

pub(super) fn render(rendered: &mut Rendered, managers: &Managers, files: &mut Files<'_>) {
    for name in super::released(&rendered.owned, Renderer::Ifupdown) {
        let stanzas: Vec<String> = foreign(managers).map(|(_, text)| stanza(text, &name)).collect();
        let values = |key: &str| -> Vec<&str> {
            stanzas.iter().flat_map(|s| s.lines()).filter_map(|l| l.trim().strip_prefix(key)).collect()
        };
        let dns = values("dns-nameserver")
            .iter()
            .flat_map(|v| super::addresses_in(v.trim_start_matches('s')))
            .collect();
        let search =
            values("dns-search").iter().flat_map(|v| v.split_whitespace()).map(str::to_owned).collect();
        super::inherit(&mut rendered.owned, &name, dns, search);
    }
    let ours: Vec<(&String, &LinkConfig)> =
        rendered.owned.links.iter().filter(|(_, l)| l.renderer == Some(Renderer::Ifupdown)).collect();
    if ours.is_empty() {
        if managers.files.contains_key(PATH) {
            files.put(PATH, None, 0o644);
        }
        return;
    }
    let mut text = HEADER.to_owned();
    for (name, link) in in_order(&ours) {
        text.push_str(&stanzas(name, link, &rendered.owned));
    }
    files.put(PATH, Some(text), 0o644);
    let released: Vec<String> = ours.iter().filter(|(_, l)| l.released).map(|(n, _)| (*n).clone()).collect();
    for link in released {
        let paths: Vec<String> = foreign(managers).map(|(path, _)| path.clone()).collect();
        for path in paths {
            let Some(text) = files.text(&path) else { continue };
            if let Some(off) = switch_off(text, &link) {
                rendered.notes.push(format!("{path}: the stanzas of {link} are switched off"));
                files.put(path, Some(off), 0o644);
            }
        }
    }
    let main = files.text(INTERFACES).unwrap_or("").to_owned();
    let sources = main.lines().map(str::trim).any(|l| {
        (l.starts_with("source ") || l.starts_with("source-directory ")) && l.contains("interfaces.d")
    });
    if !sources {
        let line = if main.is_empty() || main.ends_with('\n') { "" } else { "\n" };
        files.put(INTERFACES, Some(format!("{main}{line}source {PATH}\n")), 0o644);
    }
}

/// Lower links before those that stand on them.
fn in_order<'a>(ours: &[(&'a String, &'a LinkConfig)]) -> Vec<(&'a String, &'a LinkConfig)> {
    let mut sorted = ours.to_vec();
    sorted.sort_by_key(|(name, l)| {
        let rank = match &l.kind {
            LinkKind::Bond { .. } => 1,
            LinkKind::Bridge(_) => 2,
            LinkKind::Vlan { .. } | LinkKind::Macvlan { .. } | LinkKind::Vxlan(_) => 3,
            _ => 0,
        };
        (rank, (*name).clone())
    });
    sorted
}

fn stanzas(name: &str, link: &LinkConfig, owned: &Owned) -> String {
    let mut text = format!("\nauto {name}\n");
    let first = link.addresses.iter().find(|a| a.ip.is_ipv4());
    match (link.dhcp4, first) {
        (true, _) => {
            let _ = writeln!(text, "iface {name} inet dhcp");
        }
        (false, Some(address)) => {
            let _ = writeln!(text, "iface {name} inet static\n    address {address}");
        }
        (false, None) => {
            let _ = writeln!(text, "iface {name} inet manual");
        }
    }
    for line in make(name, link, owned) {
        let _ = writeln!(text, "    {line}");
    }
    if !link.made && link.is_bare() {
        let _ = writeln!(text, "    up ip link set dev {name} up");
    }
    for address in link.addresses.iter().filter(|a| Some(*a) != first) {
        let _ = writeln!(text, "    up ip address replace {address} dev {name}");
    }
    for route in &link.routes {
        let _ = writeln!(text, "    up ip {}route replace {}", family(route.v6), route_words(route));
    }
    if !link.dns.is_empty() {
        let all: Vec<String> = link.dns.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "    dns-nameservers {}", all.join(" "));
    }
    if !link.search.is_empty() {
        let _ = writeln!(text, "    dns-search {}", link.search.join(" "));
    }
    if link.dhcp6 {
        let _ = writeln!(text, "iface {name} inet6 auto");
    }
    text
}

fn family(v6: bool) -> &'static str {
    if v6 { "-6 " } else { "" }
}

fn route_words(route: &Route) -> String {
    let to = route.destination.map_or("default".to_owned(), |d: Address| d.to_string());
    let kind = if route.kind == crate::host::RouteKind::Unicast { "" } else { route.kind.as_str() };
    let mut words = format!("{kind} {to} {route}").trim().replace("  ", " ");
    words.extend(route.metric.map(|m| format!(" metric {m}")));
    if route.table != crate::host::MAIN_TABLE {
        let _ = write!(words, " table {}", route.table);
    }
    words
}

/// The lines that make a link, for one that lab makes.
fn make(name: &str, link: &LinkConfig, owned: &Owned) -> Vec<String> {
    let mut lines = Vec::new();
    if link.made {
        let kind = match &link.kind {
            LinkKind::Bridge(o) => format!(
                "type bridge stp_state 0 forward_delay {} hello_time {} max_age {} priority {}{}",
                o.forward_delay,
                o.hello_time,
                o.max_age,
                o.priority,
                if o.vlan_filtering { " vlan_filtering 1" } else { "" }
            ),
            LinkKind::Bond { options, .. } => {
                format!("type bond mode {} miimon {}", options.mode.as_str(), options.miimon)
            }
            LinkKind::Vlan { link, id } => format!("link {link} type vlan id {id}"),
            LinkKind::Veth { peer: Some(peer) } if name < peer.as_str() => {
                format!("type veth peer name {peer}")
            }
            LinkKind::Macvlan { link, mode } => format!("link {link} type macvlan mode {}", mode.as_str()),
            LinkKind::Vxlan(o) => format!("type vxlan id {} dstport {}", o.id, o.port),
            LinkKind::Dummy => "type dummy".to_owned(),
            _ => String::new(),
        };
        if let LinkKind::Tap(options) = &link.kind {
            let owner = options.owner.map(|u| format!(" user {u}")).unwrap_or_default();
            let mode = if options.tun { "tun" } else { "tap" };
            lines.push(format!("pre-up ip tuntap add dev {name} mode {mode}{owner} || true"));
        } else if !kind.is_empty() {
            lines
                .push(format!("pre-up ip link show dev {name} >/dev/null 2>&1 || ip link add {name} {kind}"));
        }
        if let Some(mac) = link.mac {
            lines.push(format!("pre-up ip link set dev {name} address {mac}"));
        }
    }
    if let Some(mtu) = link.mtu {
        lines.push(format!("pre-up ip link set dev {name} mtu {mtu}"));
    }
    if link.promisc {
        lines.push(format!("up ip link set dev {name} promisc on"));
    }
    for port in &link.ports {
        // A bond takes a port that is down, a bridge one that is up as well.
        let down = if matches!(link.kind, LinkKind::Bond { .. }) {
            format!("ip link set dev {port} down; ")
        } else {
            String::new()
        };
        lines.push(format!("pre-up {down}ip link set dev {port} master {name} && ip link set dev {port} up"));
    }
    // Ports are in by now, and VLAN 1 is what the kernel put them into.
    for port in &link.ports {
        lines.extend(vlans(port, owned, ""));
    }
    if let Some(master) = link.master.as_ref().filter(|m| !owned.links.contains_key(*m)) {
        lines.push(format!("up ip link set dev {name} master {master}"));
        lines.extend(vlans(name, owned, ""));
    }
    if matches!(link.kind, LinkKind::Bridge(_)) {
        lines.extend(vlans(name, owned, " self"));
    }
    if let LinkKind::Bridge(o) = &link.kind
        && o.stp
        && link.made
    {
        lines.push(format!("up ip link set dev {name} type bridge stp_state 1"));
    }
    lines
}

/// The lines that put a port, or a bridge itself, into its VLANs and out of the one that it is in at first.
fn vlans(name: &str, owned: &Owned, whose: &str) -> Vec<String> {
    let all = owned.links.get(name).map_or(&[][..], |l| &l.vlans);
    let add = |v: &PortVlan| {
        let flags =
            format!("{}{}", if v.pvid { " pvid" } else { "" }, if v.untagged { " untagged" } else { "" });
        format!("up bridge vlan add dev {name} vid {}{flags}{whose}", v.id)
    };
    let mut lines: Vec<String> = all.iter().map(add).collect();
    if !all.is_empty() && all.iter().all(|v| v.id != FIRST_VLAN) {
        lines.push(format!("up bridge vlan del dev {name} vid {FIRST_VLAN}{whose}"));
    }
    lines
}

/// Tells whether a line ends the stanza before it.
fn begins_stanza(first: &str) -> bool {
    matches!(first, "iface" | "mapping" | "auto" | "source" | "source-directory" | "no-auto-down")
        || first.starts_with("allow-")
}

/// Returns the lines of a link's stanzas.
fn stanza(text: &str, link: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for line in text.lines() {
        if begins_stanza(line.split_whitespace().next().unwrap_or("")) {
            inside = is_stanza(line, link);
        }
        if inside {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

/// Switches off `auto`, `allow-…` and the stanzas of a link.
fn switch_off(text: &str, link: &str) -> Option<String> {
    let (mut out, mut inside, mut found) = (String::new(), false, false);
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or("");
        if begins_stanza(first) {
            inside = is_stanza(line, link);
        }
        let is_auto = (first == "auto" || first.starts_with("allow-")) && words.clone().any(|w| w == link);
        let alone = words.count() == 1;
        match (is_auto, alone) {
            _ if inside && !line.trim().is_empty() && !first.starts_with('#') => {
                found = true;
                let _ = writeln!(out, "{MARK}{line}");
            }
            (true, true) => {
                found = true;
                let _ = writeln!(out, "{MARK}{line}");
            }
            (true, false) => {
                found = true;
                let rest: Vec<&str> = line.split_whitespace().filter(|w| *w != link).collect();
                let _ = writeln!(out, "{MARK}{line}\n{}", rest.join(" "));
            }
            _ => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stanza_is_switched_off_whole_and_its_neighbours_stay() {
        let text = "source interfaces.d/*\n\nauto lo eno1\niface lo inet loopback\n\n# uplink\niface eno1 inet static\n    address 10.0.0.1/24\n    \
                    gateway 10.0.0.254\niface eno2 inet dhcp\n";
        let off = switch_off(text, "eno1").expect("does");
        let left: Vec<&str> = off.lines().filter(|l| !l.starts_with(MARK)).collect();
        assert_eq!(
            left,
            [
                "source interfaces.d/*",
                "",
                "auto lo",
                "iface lo inet loopback",
                "",
                "# uplink",
                "iface eno2 inet dhcp"
            ]
        );
        assert!(off.contains("#lab#     gateway 10.0.0.254") && off.contains("#lab# auto lo eno1"), "{off}");
        assert_eq!(switch_off(text, "eno9"), None);
    }
}
