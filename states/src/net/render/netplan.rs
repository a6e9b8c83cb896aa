//! netplan: one file of lab's own, `/etc/netplan/90-lab.yaml`, closed to others.
//!
//! netplan joins all its files key by key, and lists by appending; so an address that a bridge has taken over must be
//! switched off where it is written. What netplan cannot say (virtual cables, taps) is left to systemd-networkd's files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::config::{LinkConfig, Owned};
use super::{Files, HEADER, MARK, Managers, RenderError, Rendered, Renderer, command, networkd};
use crate::host::{
    BondOptions, BridgeOptions, LacpRate, LinkKind, MAIN_TABLE, Route, RouteKind, XmitHashPolicy,
};

/// The file of lab's own.
pub(super) const PATH: &str = "/etc/netplan/90-lab.yaml";
/// What a link must not get again when a bridge has it: the keys of netplan that give addresses, routes and name servers.
const TAKEN: &[&str] = &[
    "addresses",
    "dhcp4",
    "dhcp6",
    "dhcp4-overrides",
    "dhcp6-overrides",
    "dhcp-identifier",
    "gateway4",
    "gateway6",
    "nameservers",
    "routes",
    "routing-policy",
    "accept-ra",
];

/// Tells whether a path is one of netplan's files.
pub(super) fn is_file(path: &str) -> bool {
    path.starts_with("/etc/netplan/") && path.ends_with(".yaml")
}

/// Tells whether a foreign file of netplan's defines a link.
pub(super) fn defines(managers: &Managers, link: &str) -> bool {
    foreign(&managers.files).any(|(_, text)| !definitions(text, link).is_empty())
}

fn foreign(files: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    files.iter().filter(|(path, _)| is_file(path) && *path != PATH)
}

pub(super) fn render(
    rendered: &mut Rendered,
    managers: &Managers,
    files: &mut Files<'_>,
) -> Result<(), RenderError> {
    release(rendered, managers, files)?;
    let ours: BTreeMap<&String, &LinkConfig> = rendered
        .owned
        .links
        .iter()
        .filter(|(_, l)| l.renderer == Some(Renderer::Netplan) && can_say(l, &rendered.owned))
        .collect();
    additions(files, &ours, &rendered.owned, managers);
    if ours.is_empty() {
        if managers.files.contains_key(PATH) {
            files.put(PATH, None, 0o600);
            rendered.hand_over.push(command(&["netplan", "generate"]));
        }
        return Ok(());
    }
    let text = document(&ours, &rendered.owned, managers);
    files.put(PATH, Some(text), 0o600);
    rendered.hand_over.push(command(&["netplan", "generate"]));
    Ok(())
}

/// Tells whether netplan (0.106 and newer) has words for a link, and for what it stands on.
pub(super) fn can_say(link: &LinkConfig, owned: &Owned) -> bool {
    let itself = match &link.kind {
        LinkKind::Bridge(options) => !options.vlan_filtering,
        LinkKind::Bond { .. } | LinkKind::Vlan { .. } => true,
        _ => !link.made,
    };
    let lower = link.kind.lower().and_then(|lower| owned.links.get(lower)).filter(|_| link.made);
    itself && lower.is_none_or(|lower| can_say(lower, owned))
}

/// Says to networkd what netplan has no word for, beside the files that netplan makes for it.
fn additions(
    files: &mut Files<'_>,
    ours: &BTreeMap<&String, &LinkConfig>,
    owned: &Owned,
    managers: &Managers,
) {
    let path = |name: &str| format!("/etc/systemd/network/10-netplan-{name}.network.d/90-lab.conf");
    let mut keep = Vec::new();
    for (name, link) in ours {
        let text = addition(name, link, owned);
        if !text.is_empty() {
            files.put(path(name), Some(format!("{HEADER}{text}")), 0o644);
            keep.push(path(name));
        }
    }
    let (begin, end) = ("/etc/systemd/network/10-netplan-", ".network.d/90-lab.conf");
    let stale = |p: &&String| p.starts_with(begin) && p.ends_with(end) && !keep.contains(p);
    managers.files.keys().filter(stale).for_each(|path| files.put(path.clone(), None, 0o644));
}

fn addition(name: &str, link: &LinkConfig, owned: &Owned) -> String {
    let mut lines = Vec::new();
    // An address that is there already is left alone.
    if !link.addresses.is_empty() {
        lines.push("KeepConfiguration=static".to_owned());
    }
    let master = link.master.as_ref().and_then(|m| Some((m, owned.links.get(m)?)));
    lines.extend(master.filter(|(_, m)| !can_say(m, owned)).map(|(m, _)| format!("Bridge={m}")));
    let above = |(_, l): &(&String, &LinkConfig)| l.kind.lower() == Some(name) && !can_say(l, owned);
    for (other, above) in owned.links.iter().filter(above) {
        let key = match &above.kind {
            LinkKind::Vlan { .. } => "VLAN",
            LinkKind::Macvlan { .. } => "MACVLAN",
            LinkKind::Vxlan(_) => "VXLAN",
            _ => continue,
        };
        lines.push(format!("{key}={other}"));
    }
    let network = if lines.is_empty() { String::new() } else { format!("[Network]\n{}\n", lines.join("\n")) };
    format!("{network}{}", networkd::vlans(name, owned))
}

fn document(ours: &BTreeMap<&String, &LinkConfig>, owned: &Owned, managers: &Managers) -> String {
    let mut text = format!("{HEADER}network:\n  version: 2\n");
    let section = |l: &LinkConfig| match &l.kind {
        LinkKind::Bridge(_) => "bridges",
        LinkKind::Bond { .. } => "bonds",
        LinkKind::Vlan { .. } => "vlans",
        _ => "ethernets",
    };
    for wanted in ["ethernets", "bonds", "bridges", "vlans"] {
        let links: Vec<_> = ours.iter().filter(|(_, l)| section(l) == wanted).collect();
        if links.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  {wanted}:");
        for (name, link) in links {
            let body = body(name, link, ours, owned);
            // A link that another of netplan's files defines in another section would be defined twice.
            if body.is_empty() {
                let _ = writeln!(text, "    {}: {{}}", quoted(name));
            } else {
                let _ = writeln!(text, "    {}:", quoted(name));
                text.push_str(&body);
            }
        }
    }
    let _ = managers;
    text
}

fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain { text.to_owned() } else { format!("{text:?}") }
}

fn body(name: &str, link: &LinkConfig, ours: &BTreeMap<&String, &LinkConfig>, owned: &Owned) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str("      ");
        out.push_str(&text);
        out.push('\n');
    };
    match &link.kind {
        LinkKind::Bridge(_) | LinkKind::Bond { .. } => {
            let ports: Vec<String> =
                link.ports.iter().filter(|p| ours.contains_key(p)).map(|p| quoted(p)).collect();
            line(format!("interfaces: [{}]", ports.join(", ")));
        }
        LinkKind::Vlan { link: lower, id } => {
            line(format!("id: {id}"));
            line(format!("link: {}", quoted(lower)));
        }
        _ => {}
    }
    if let Some(mac) = link.mac {
        line(format!("macaddress: \"{mac}\""));
    }
    if let Some(mtu) = link.mtu {
        line(format!("mtu: {mtu}"));
    }
    if link.made {
        line(format!("dhcp4: {}", link.dhcp4));
        line(format!("dhcp6: {}", link.dhcp6));
        if link.dhcp4 {
            // By the hardware address, as the card did: the server knows the machine by it.
            line("dhcp-identifier: mac".to_owned());
        }
    } else if link.master.is_some() {
        line("dhcp4: false".to_owned());
        line("dhcp6: false".to_owned());
    }
    if link.made && link.is_bare() && link.master.is_none() {
        line("link-local: []".to_owned());
    }
    if !link.addresses.is_empty() {
        line("addresses:".to_owned());
        link.addresses.iter().for_each(|a| line(format!("  - {a}")));
    }
    if !link.routes.is_empty() {
        line("routes:".to_owned());
        link.routes.iter().for_each(|r| line(format!("  - {{{}}}", route(r))));
    }
    if !link.dns.is_empty() || !link.search.is_empty() {
        line("nameservers:".to_owned());
        let all: Vec<String> = link.dns.iter().map(|ip| format!("\"{ip}\"")).collect();
        line(format!("  addresses: [{}]", all.join(", ")));
        if !link.search.is_empty() {
            let all: Vec<String> = link.search.iter().map(|s| quoted(s)).collect();
            line(format!("  search: [{}]", all.join(", ")));
        }
    }
    parameters(&link.kind).into_iter().for_each(&mut line);
    rules(name, owned).into_iter().for_each(line);
    out
}

fn route(route: &Route) -> String {
    let mut words =
        vec![format!("to: {}", route.destination.map_or("default".to_owned(), |d| format!("\"{d}\"")))];
    if let (None, true) = (route.destination, route.v6) {
        words = vec!["to: \"::/0\"".to_owned()];
    }
    words.extend(route.gateway.map(|g| format!("via: \"{g}\"")));
    words.extend(route.source.map(|s| format!("from: \"{s}\"")));
    words.extend(route.metric.map(|m| format!("metric: {m}")));
    words.extend(route.mtu.map(|m| format!("mtu: {m}")));
    if route.table != MAIN_TABLE {
        words.push(format!("table: {}", route.table));
    }
    if route.onlink {
        words.push("on-link: true".to_owned());
    }
    if route.kind != RouteKind::Unicast {
        words.push(format!("type: {}", route.kind.as_str()));
    }
    if route.gateway.is_none() && route.kind == RouteKind::Unicast {
        words.push("scope: link".to_owned());
    }
    words.join(", ")
}

/// Rules are written with a link whose address or table they are about, as netplan has no other place for them.
fn rules(name: &str, owned: &Owned) -> Vec<String> {
    let place = owned.links.iter().find(|(_, l)| l.made && !l.is_bare()).map(|(n, _)| n.as_str());
    if owned.rules.is_empty() || place != Some(name) {
        return Vec::new();
    }
    let mut lines = vec!["routing-policy:".to_owned()];
    for rule in &owned.rules {
        let mut words = Vec::new();
        words.extend(rule.from.map(|a| format!("from: \"{a}\"")));
        words.extend(rule.to.map(|a| format!("to: \"{a}\"")));
        if let crate::host::RuleAction::Table(table) = rule.action {
            words.push(format!("table: {table}"));
        }
        words.push(format!("priority: {}", rule.priority));
        words.extend(rule.fwmark.map(|m| format!("mark: {m}")));
        lines.push(format!("  - {{{}}}", words.join(", ")));
    }
    lines
}

fn parameters(kind: &LinkKind) -> Vec<String> {
    let mut lines = vec!["parameters:".to_owned()];
    match kind {
        LinkKind::Bridge(options) => {
            let BridgeOptions {
                stp,
                forward_delay,
                hello_time,
                max_age,
                ageing_time,
                priority,
                vlan_filtering: _,
            } = *options;
            let kernel = BridgeOptions::default();
            // netplan's default is on.
            lines.push(format!("  stp: {stp}"));
            let mut time = |key: &str, have: u32, default: u32| {
                if have != default {
                    lines.push(format!("  {key}: {}", have.div_ceil(100)));
                }
            };
            time("forward-delay", forward_delay, kernel.forward_delay);
            time("hello-time", hello_time, kernel.hello_time);
            time("max-age", max_age, kernel.max_age);
            time("ageing-time", ageing_time, kernel.ageing_time);
            if priority != kernel.priority {
                lines.push(format!("  priority: {priority}"));
            }
        }
        LinkKind::Bond { options, primary } => {
            let BondOptions { mode, miimon, up_delay, down_delay, lacp_rate, xmit_hash_policy } = *options;
            lines.push(format!("  mode: {}", mode.as_str()));
            for (key, value) in
                [("mii-monitor-interval", miimon), ("up-delay", up_delay), ("down-delay", down_delay)]
            {
                if value > 0 {
                    lines.push(format!("  {key}: {value}"));
                }
            }
            if lacp_rate != LacpRate::Slow {
                lines.push(format!("  lacp-rate: {}", lacp_rate.as_str()));
            }
            if xmit_hash_policy != XmitHashPolicy::Layer2 {
                lines.push(format!("  transmit-hash-policy: {}", xmit_hash_policy.as_str()));
            }
            lines.extend(primary.as_ref().map(|p| format!("  primary: {}", quoted(p))));
        }
        _ => return Vec::new(),
    }
    lines
}

/// Switches off what foreign files give to links whose addresses were taken over, and carries their name servers along.
fn release(rendered: &mut Rendered, managers: &Managers, files: &mut Files<'_>) -> Result<(), RenderError> {
    for name in super::released(&rendered.owned, Renderer::Netplan) {
        let paths: Vec<String> = foreign(&managers.files).map(|(path, _)| path.clone()).collect();
        for path in paths {
            let Some(text) = files.text(&path).map(str::to_owned) else { continue };
            let Some(off) = switch_off(&path, &text, &name)? else { continue };
            super::inherit(&mut rendered.owned, &name, off.dns, off.search);
            rendered.notes.push(format!("{path}: what {name} had is switched off, {} line(s)", off.lines));
            files.put(path, Some(off.text), 0o600);
        }
    }
    Ok(())
}

struct SwitchedOff {
    text: String,
    lines: usize,
    dns: Vec<IpAddr>,
    search: Vec<String>,
}

/// One key of a YAML mapping that spans lines.
struct Key<'a> {
    line: usize,
    indent: usize,
    path: Vec<&'a str>,
    rest: &'a str,
}

/// Lists the keys of a document of block mappings; what is within lists and flow values is not looked at.
fn keys(text: &str) -> Vec<Key<'_>> {
    let mut found: Vec<Key<'_>> = Vec::new();
    let mut stack: Vec<(usize, &str)> = Vec::new();
    for (n, raw) in text.lines().enumerate() {
        let bare = raw.trim_start();
        if bare.is_empty() || bare.starts_with('#') || bare.starts_with('-') || bare.starts_with("...") {
            continue;
        }
        let indent = raw.len() - bare.len();
        let Some((key, rest)) =
            bare.split_once(':').filter(|(_, r)| r.is_empty() || r.starts_with([' ', '\t']))
        else {
            continue;
        };
        stack.retain(|(i, _)| *i < indent);
        stack.push((indent, key.trim().trim_matches(['"', '\''])));
        let rest = rest.split(" #").next().unwrap_or("").trim();
        found.push(Key { line: n, indent, path: stack.iter().map(|(_, k)| *k).collect(), rest });
    }
    found
}

/// Finds where a document defines a link: lines, from 0.
fn definitions(text: &str, link: &str) -> Vec<usize> {
    let defines = |k: &&Key<'_>| matches!(k.path.as_slice(), ["network", section, name] if *name == link && is_section(section));
    keys(text).iter().filter(defines).map(|k| k.line).collect()
}

fn is_section(key: &str) -> bool {
    matches!(
        key,
        "ethernets" | "bonds" | "bridges" | "vlans" | "wifis" | "tunnels" | "vrfs" | "dummy-devices"
    )
}

fn switch_off(path: &str, text: &str, link: &str) -> Result<Option<SwitchedOff>, RenderError> {
    let all = keys(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut off = vec![false; lines.len()];
    let (mut dns, mut search) = (Vec::new(), Vec::new());
    let mut found = false;
    for key in &all {
        match key.path.as_slice() {
            ["network", section, name] if *name == link && is_section(section) && !key.rest.is_empty() => {
                let remedy = format!(
                    "{link} is written in one line ({}), of which lab cannot switch off a part; write its keys in lines of their own",
                    key.rest
                );
                return Err(RenderError { place: format!("{path}:{}", key.line + 1), what: remedy });
            }
            ["network", section, name, what]
                if *name == link && is_section(section) && TAKEN.contains(what) =>
            {
                found = true;
                let end = end_of(&lines, key);
                if *what == "nameservers" {
                    let part = lines[key.line..end].join("\n");
                    (dns, search) = name_servers(&part);
                }
                off[key.line..end].iter_mut().for_each(|o| *o = true);
            }
            _ => {}
        }
    }
    if !found {
        return Ok(None);
    }
    // What has nothing left in it would be null, which netplan does not take.
    for depth in [3, 2] {
        for key in all
            .iter()
            .filter(|k| k.path.len() == depth && k.path.first() == Some(&"network") && k.rest.is_empty())
        {
            let end = end_of(&lines, key);
            let has_child = all
                .iter()
                .any(|c| c.line > key.line && c.line < end && c.indent > key.indent && !off[c.line]);
            if !has_child
                && (key.path.get(2) == Some(&link) || depth == 2)
                && off[key.line + 1..end].iter().any(|o| *o)
            {
                off[key.line] = true;
            }
        }
    }
    let count = off.iter().filter(|o| **o).count();
    let mut out = String::with_capacity(text.len() + count * MARK.len());
    for (line, off) in lines.iter().zip(off) {
        if off && !line.trim().is_empty() {
            out.push_str(MARK);
        }
        out.push_str(line);
        out.push('\n');
    }
    Ok(Some(SwitchedOff { text: out, lines: count, dns, search }))
}

/// The line after the value of a key.
fn end_of(lines: &[&str], key: &Key<'_>) -> usize {
    let mut end = key.line + 1;
    let mut last = end;
    while end < lines.len() {
        let bare = lines[end].trim_start();
        let indent = lines[end].len() - bare.len();
        if bare.is_empty() || bare.starts_with('#') {
            end += 1;
            continue;
        }
        // A list may stand as far left as its key.
        let inside =
            indent > key.indent || (indent == key.indent && bare.starts_with('-')) || bare.starts_with(']');
        if !inside {
            break;
        }
        end += 1;
        last = end;
    }
    last
}

/// Reads name servers and search domains out of their part of a document, whatever its form.
fn name_servers(part: &str) -> (Vec<IpAddr>, Vec<String>) {
    let (mut dns, mut search, mut in_search) = (Vec::new(), Vec::new(), false);
    let words = part
        .split(|c: char| c.is_whitespace() || "[]{},\"'".contains(c))
        .filter(|w| !w.is_empty() && *w != "-");
    for word in words {
        match word {
            "search:" => in_search = true,
            "addresses:" | "nameservers:" => in_search = false,
            other => match other.parse() {
                Ok(ip) => dns.push(ip),
                Err(_) if in_search => search.push(other.to_owned()),
                Err(_) => {}
            },
        }
    }
    (dns, search)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_link_would_get_again_is_switched_off_and_no_line_is_lost() {
        let text = "# mine\nnetwork:\n  version: 2\n  ethernets:\n    eno1:\n      dhcp4: no # static\n      addresses:\n      - 10.0.0.1/24\n      \
                    gateway4: 10.0.0.254\n      wakeonlan: true\n      nameservers:\n        addresses: [1.1.1.1, 8.8.8.8]\n        search: [lab]\n    \
                    eno2:\n      addresses: [10.9.0.1/24]\n";
        let off = switch_off("f", text, "eno1").expect("can").expect("does");
        let left: Vec<&str> = off.text.lines().filter(|l| !l.starts_with(MARK)).collect();
        assert_eq!(
            left,
            [
                "# mine",
                "network:",
                "  version: 2",
                "  ethernets:",
                "    eno1:",
                "      wakeonlan: true",
                "    eno2:",
                "      addresses: [10.9.0.1/24]"
            ]
        );
        let back: String =
            off.text.lines().map(|l| format!("{}\n", l.strip_prefix(MARK).unwrap_or(l))).collect();
        assert_eq!(back, text);
        assert_eq!((off.dns.len(), off.search), (2, vec!["lab".to_owned()]));
    }

    #[test]
    fn what_was_written_for_links_that_are_gone_goes_and_networkd_is_told() {
        let addition = "/etc/systemd/network/10-netplan-br0.network.d/90-lab.conf";
        let text = |path: &str| (path.to_owned(), String::new());
        let files = [text(PATH), text(addition), text("/etc/netplan/50-mine.yaml")].into();
        let managers = Managers { netplan: true, networkd: true, files, ..Managers::default() };
        let net = crate::host::NetSnapshot::default();
        let rendered = crate::net::render::render(&Owned::default(), &net, &net, &[], &managers);
        let rendered = rendered.expect("is written down");
        let gone = rendered.edits.iter().filter(|e| e.text.is_none()).map(|e| e.path.as_str());
        assert_eq!(gone.collect::<Vec<_>>(), [PATH, addition]);
        let told: Vec<String> = rendered.hand_over.iter().map(|c| c.join(" ")).collect();
        assert_eq!(told, ["netplan generate", "networkctl reload"]);
    }

    #[test]
    fn what_is_empty_afterwards_is_switched_off_too() {
        let text = "network:\n  version: 2\n  ethernets:\n    eno1:\n      dhcp4: true\n";
        let off = switch_off("f", text, "eno1").expect("can").expect("does");
        let left: Vec<&str> = off.text.lines().filter(|l| !l.starts_with(MARK)).collect();
        assert_eq!(left, ["network:", "  version: 2"]);
    }

    #[test]
    fn what_cannot_be_switched_off_safely_is_refused_with_its_line() {
        let text = "network:\n  ethernets:\n    eno1: {dhcp4: true}\n";
        let error = switch_off("/etc/netplan/50.yaml", text, "eno1").err().expect("is refused");
        assert_eq!(error.place, "/etc/netplan/50.yaml:3");
    }
}
