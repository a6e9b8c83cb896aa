//! From what the kernel has after a change to the files that make the next boot make the same.
//!
//! What owns a link decides in whose files it is written: NetworkManager, netplan, systemd-networkd, ifupdown, or nobody, and
//! then the agent makes it itself at boot. That is decided link by link, since one host may have several (an OpenStack guide
//! has its management card in netplan and its bridge in ifupdown). A link that lab makes goes where its uplink is.
//!
//! Files of lab's own are written whole. Of foreign files only those lines are touched that would bring back what a bridge
//! has taken over: they are commented out with [`MARK`], none is removed. The live network is never the renderer's doing: it
//! is there already.

mod boot;
mod config;
mod ifupdown;
mod netplan;
mod networkd;
mod nm;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use boot::KernelWants;
pub use config::{LinkConfig, Owned};

use super::ChangeStep;
use crate::host::NetSnapshot;

/// What stands before a foreign line that is switched off.
pub const MARK: &str = "#lab# ";
/// The first line of every file of lab's own.
const HEADER: &str = "# Written by lab. What is changed here is overwritten by the next network change.\n";

/// Who configures a link at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renderer {
    /// netplan's YAML, which it makes into systemd-networkd's files.
    Netplan,
    /// systemd-networkd's own files.
    Networkd,
    /// /etc/network/interfaces.
    Ifupdown,
    /// NetworkManager's keyfiles.
    NetworkManager,
    /// Nobody: the agent makes it at boot.
    Own,
}

/// What there is on the machine to configure networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managers {
    /// Whether netplan is installed.
    pub netplan: bool,
    /// Whether systemd-networkd runs.
    pub networkd: bool,
    /// Whether ifupdown is installed.
    pub ifupdown: bool,
    /// The links that a running NetworkManager manages.
    pub network_manager: BTreeSet<String>,
    /// The configuration files of all of them, by path.
    pub files: BTreeMap<String, String>,
}

/// One file that is to be written, or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its path.
    pub path: String,
    /// Its text; nothing removes it.
    pub text: Option<String>,
    /// Its permission bits, if it is a new one.
    pub mode: u32,
}

/// What a change is written down as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The files.
    pub edits: Vec<Edit>,
    /// The commands that make the managers read them.
    pub hand_over: Vec<Vec<String>>,
    /// What lab owns now.
    pub owned: Owned,
    /// What people should know.
    pub notes: Vec<String>,
}

/// Why a change cannot be written down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct RenderError {
    /// File and line.
    pub place: String,
    /// What is there, and the way out.
    pub what: String,
}

/// Writes a change down.
///
/// # Errors
/// When a foreign file cannot be left as it is and is not of a form that can be changed safely.
pub fn render(
    earlier: &Owned,
    before: &NetSnapshot,
    after: &NetSnapshot,
    steps: &[ChangeStep],
    managers: &Managers,
) -> Result<Rendered, RenderError> {
    let mut owned = config::own(earlier, before, after, steps);
    assign(&mut owned, managers);
    let mut rendered = Rendered { owned, ..Rendered::default() };
    let mut files = Files { have: &managers.files, edits: BTreeMap::new() };
    netplan::render(&mut rendered, managers, &mut files)?;
    networkd::render(&mut rendered, managers, &mut files);
    ifupdown::render(&mut rendered, managers, &mut files);
    nm::render(&mut rendered, managers, &mut files);
    rendered.edits = files.into_edits();
    Ok(rendered)
}

/// The files as they will be.
struct Files<'a> {
    have: &'a BTreeMap<String, String>,
    edits: BTreeMap<String, (Option<String>, u32)>,
}

impl Files<'_> {
    fn text(&self, path: &str) -> Option<&str> {
        match self.edits.get(path) {
            Some((text, _)) => text.as_deref(),
            None => self.have.get(path).map(String::as_str),
        }
    }

    fn put(&mut self, path: impl Into<String>, text: Option<String>, mode: u32) {
        let path = path.into();
        if self.have.get(&path) == text.as_ref() {
            self.edits.remove(&path);
        } else {
            self.edits.insert(path, (text, mode));
        }
    }

    fn into_edits(self) -> Vec<Edit> {
        self.edits.into_iter().map(|(path, (text, mode))| Edit { path, text, mode }).collect()
    }
}

/// Gives the name servers of a link to the one that took its addresses over.
fn inherit(owned: &mut Owned, link: &str, dns: Vec<IpAddr>, search: Vec<String>) {
    let heir = owned.links.get(link).and_then(|l| l.master.clone());
    let Some(heir) = heir.and_then(|m| owned.links.get_mut(&m)) else { return };
    for ip in dns {
        if !heir.dns.contains(&ip) {
            heir.dns.push(ip);
        }
    }
    for domain in search {
        if !heir.search.contains(&domain) {
            heir.search.push(domain);
        }
    }
}

/// Lists the links of a renderer whose addresses were taken over.
fn released(owned: &Owned, renderer: Renderer) -> Vec<String> {
    let is = |l: &LinkConfig| l.released && l.renderer == Some(renderer);
    owned.links.iter().filter(|(_, l)| is(l)).map(|(name, _)| name.clone()).collect()
}

/// Reads addresses out of a list, whatever separates them; what is none is a domain.
fn addresses_in(text: &str) -> Vec<IpAddr> {
    text.split(|c: char| c.is_whitespace() || ",;".contains(c)).filter_map(|w| w.parse().ok()).collect()
}

/// Decides for each link who configures it.
fn assign(owned: &mut Owned, managers: &Managers) {
    let of_machine = |name: &str| {
        if managers.network_manager.contains(name) {
            return Some(Renderer::NetworkManager);
        }
        if managers.netplan && netplan::defines(managers, name) {
            return Some(Renderer::Netplan);
        }
        if managers.networkd && networkd::matches(managers, name) {
            return Some(Renderer::Networkd);
        }
        (managers.ifupdown && ifupdown::defines(managers, name)).then_some(Renderer::Ifupdown)
    };
    let default = default_of(managers);
    let mut known: BTreeMap<String, Renderer> = BTreeMap::new();
    for (name, link) in &owned.links {
        if let Some(renderer) = link.renderer.or_else(|| of_machine(name)) {
            known.insert(name.clone(), renderer);
        }
    }
    // Along ports and lower links, as far as it goes: a VLAN on a bridge on a card is three links.
    for _ in 0..owned.links.len() {
        for (name, link) in &owned.links {
            if known.contains_key(name) {
                continue;
            }
            let near = link.ports.iter().map(String::as_str).chain(link.kind.lower());
            let found = near.filter_map(|n| known.get(n).copied().or_else(|| of_machine(n))).next();
            let found = found.or_else(|| link.master.as_ref().and_then(|m| known.get(m).copied()));
            if let Some(renderer) = found {
                known.insert(name.clone(), renderer);
            }
        }
    }
    for (name, link) in &mut owned.links {
        link.renderer = Some(known.get(name).copied().unwrap_or(default));
    }
}

fn default_of(managers: &Managers) -> Renderer {
    if managers.netplan && managers.files.keys().any(|p| netplan::is_file(p)) {
        Renderer::Netplan
    } else if managers.networkd {
        Renderer::Networkd
    } else if managers.ifupdown && managers.files.contains_key(ifupdown::INTERFACES) {
        Renderer::Ifupdown
    } else {
        Renderer::Own
    }
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}
