//! The single steps that a plan is made of.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    Address, BondOptions, BridgeOptions, Lifetime, Link, LinkKind, Mac, PortVlan, Route, Rule, TapOptions,
};

/// A link that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLink {
    /// Its name.
    pub name: String,
    /// What it is; for a cable with the name of the other end.
    pub kind: LinkKind,
    /// Its hardware address; the kernel chooses when not given.
    #[serde(default)]
    pub mac: Option<Mac>,
    /// Its longest packet.
    #[serde(default)]
    pub mtu: Option<u32>,
    /// What is written on it.
    #[serde(default)]
    pub alias: Option<String>,
    /// Whether it is switched on.
    #[serde(default)]
    pub up: bool,
}

/// One step of a plan. Links are named, since those that a plan makes have no number yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetStep {
    /// Makes a link.
    CreateLink(NewLink),
    /// Removes a link that was made.
    DeleteLink {
        /// Its name.
        name: String,
    },
    /// Changes a bridge's options.
    SetBridge {
        /// Its name.
        name: String,
        /// The options that it shall have.
        options: BridgeOptions,
    },
    /// Changes a bond's options; its mode only while it has no ports.
    SetBond {
        /// Its name.
        name: String,
        /// The options that it shall have.
        options: BondOptions,
        /// The port that is preferred.
        primary: Option<String>,
    },
    /// Changes who may open a tap.
    SetTap {
        /// Its name.
        name: String,
        /// The options that it shall have.
        options: TapOptions,
    },
    /// Makes a link a port of a bridge or bond, or of none.
    SetMaster {
        /// The port.
        link: String,
        /// The bridge or bond.
        master: Option<String>,
    },
    /// Switches a link on or off.
    SetUp {
        /// Its name.
        link: String,
        /// On or off.
        up: bool,
    },
    /// Sets the longest packet.
    SetMtu {
        /// Its name.
        link: String,
        /// The length.
        mtu: u32,
    },
    /// Sets the hardware address.
    SetMac {
        /// Its name.
        link: String,
        /// The address.
        mac: Mac,
    },
    /// Writes on a link, or wipes off what stands there.
    SetAlias {
        /// Its name.
        link: String,
        /// The text.
        alias: Option<String>,
    },
    /// Lets a link take packets for everybody, or not.
    SetPromisc {
        /// Its name.
        link: String,
        /// Whether it does.
        on: bool,
    },
    /// Puts a bridge port, or the bridge itself, in a VLAN.
    AddPortVlan {
        /// The port or bridge.
        link: String,
        /// Whether the link is the bridge itself.
        bridge: bool,
        /// The VLAN.
        vlan: PortVlan,
    },
    /// Takes a bridge port, or the bridge itself, out of a VLAN.
    DeletePortVlan {
        /// The port or bridge.
        link: String,
        /// Whether the link is the bridge itself.
        bridge: bool,
        /// The VLAN.
        vlan: PortVlan,
    },
    /// Adds an address.
    AddAddress {
        /// To which link.
        link: String,
        /// The address.
        address: Address,
    },
    /// Adds an address that ends, as one from a lease does.
    AddLease {
        /// To which link.
        link: String,
        /// The address.
        address: Address,
        /// When it ends.
        lifetime: Lifetime,
    },
    /// Copies an address with its lifetimes from one link to another, where it is valid at once.
    CopyAddress {
        /// From which link.
        from: String,
        /// To which link.
        to: String,
        /// The address.
        address: Address,
    },
    /// Removes an address.
    DeleteAddress {
        /// From which link.
        link: String,
        /// The address.
        address: Address,
    },
    /// Tells a link about a neighbour that another link knows, so that no packet waits for a question.
    CopyNeighbour {
        /// To which link.
        to: String,
        /// Its address.
        ip: IpAddr,
        /// Its hardware address.
        mac: Mac,
    },
    /// Waits, within bounds, until a link with a carrier can send: the kernel makes that so a while after a port's carrier
    /// came through, and throws away what is sent until then.
    AwaitOperational {
        /// The link.
        link: String,
    },
    /// Adds a route.
    AddRoute {
        /// The route.
        route: Route,
    },
    /// Puts a route in the place of one with the same key, in one message.
    ReplaceRoute {
        /// The route as it is.
        old: Route,
        /// The route as it shall be.
        new: Route,
    },
    /// Moves a route to another link in one message: the same one with the link replaced, whatever else it carries.
    MoveRoute {
        /// The route as it is.
        route: Route,
        /// The new link.
        to: String,
    },
    /// Removes a route.
    DeleteRoute {
        /// The route.
        route: Route,
    },
    /// Adds a rule.
    AddRule {
        /// The rule.
        rule: Rule,
    },
    /// Removes a rule.
    DeleteRule {
        /// The rule.
        rule: Rule,
    },
    /// Loads a kernel module.
    LoadModule {
        /// Its name.
        name: String,
        /// Its options.
        options: BTreeMap<String, String>,
    },
    /// Unloads a kernel module.
    UnloadModule {
        /// Its name.
        name: String,
    },
    /// Sets a kernel parameter.
    SetSysctl {
        /// Its name, with dots.
        key: String,
        /// The value.
        value: String,
    },
    /// Writes a file of the network's configuration, or removes it.
    WriteFile {
        /// Its path.
        path: String,
        /// What it holds; removed when not given.
        content: Option<String>,
    },
    /// Restarts a service that reads such a file.
    RestartService {
        /// Its name.
        name: String,
    },
}

impl NetStep {
    /// Gives a link back an address that it had: one that would have ended still ends.
    pub fn give_back(link: &Link, address: Address) -> Self {
        match link.lifetimes.get(&address).copied() {
            Some(lifetime) => Self::AddLease { link: link.name.clone(), address, lifetime },
            None => Self::AddAddress { link: link.name.clone(), address },
        }
    }

    /// Tells whether the step is about files of the machine and those who read them, not about the kernel.
    pub fn is_of_files(&self) -> bool {
        matches!(self, Self::WriteFile { .. } | Self::RestartService { .. })
    }

    /// Returns the link that the step is about; for what moves, the one that it moves to.
    pub fn link(&self) -> Option<&str> {
        match self {
            Self::CreateLink(NewLink { name, .. })
            | Self::DeleteLink { name }
            | Self::SetBridge { name, .. }
            | Self::SetBond { name, .. }
            | Self::SetTap { name, .. } => Some(name),
            Self::SetMaster { link, .. }
            | Self::SetUp { link, .. }
            | Self::SetMtu { link, .. }
            | Self::SetMac { link, .. }
            | Self::SetAlias { link, .. }
            | Self::SetPromisc { link, .. }
            | Self::AddPortVlan { link, .. }
            | Self::DeletePortVlan { link, .. }
            | Self::AwaitOperational { link }
            | Self::AddAddress { link, .. }
            | Self::AddLease { link, .. }
            | Self::DeleteAddress { link, .. } => Some(link),
            Self::CopyAddress { to, .. } | Self::CopyNeighbour { to, .. } | Self::MoveRoute { to, .. } => {
                Some(to)
            }
            Self::AddRoute { route } | Self::DeleteRoute { route } => route.link.as_deref(),
            Self::ReplaceRoute { new, .. } => new.link.as_deref(),
            Self::AddRule { .. }
            | Self::DeleteRule { .. }
            | Self::LoadModule { .. }
            | Self::UnloadModule { .. }
            | Self::SetSysctl { .. }
            | Self::WriteFile { .. }
            | Self::RestartService { .. } => None,
        }
    }
}

impl fmt::Display for NetStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |on: bool| if on { "on" } else { "off" };
        match self {
            Self::CreateLink(new) => create(f, new),
            Self::DeleteLink { name } => write!(f, "{name}: delete"),
            Self::SetBridge { name, options } => bridge(f, name, options),
            Self::SetBond { name, options, primary } => bond(f, name, options, primary.as_deref()),
            Self::SetTap { name, options } => {
                write!(f, "{name}: {}", tap(options))
            }
            Self::SetMaster { link, master: Some(master) } => write!(f, "{link}: port of {master}"),
            Self::SetMaster { link, master: None } => write!(f, "{link}: no port any more"),
            Self::SetUp { link, up } => write!(f, "{link}: {}", if *up { "up" } else { "down" }),
            Self::SetMtu { link, mtu } => write!(f, "{link}: mtu {mtu}"),
            Self::SetMac { link, mac } => write!(f, "{link}: mac {mac}"),
            Self::SetAlias { link, alias: Some(alias) } => write!(f, "{link}: alias {alias}"),
            Self::SetAlias { link, alias: None } => write!(f, "{link}: no alias"),
            Self::SetPromisc { link, on: now } => write!(f, "{link}: promisc {}", on(*now)),
            Self::AddPortVlan { link, vlan, .. } => write!(f, "{link}: in {}", port_vlan(*vlan)),
            Self::DeletePortVlan { link, vlan, .. } => write!(f, "{link}: not in {}", port_vlan(*vlan)),
            Self::AddAddress { link, address } => write!(f, "{link}: add address {address}"),
            Self::AddLease { link, address, lifetime } => {
                write!(f, "{link}: add address {address} for {} s", lifetime.valid)
            }
            Self::CopyAddress { from, to, address } => {
                write!(f, "{to}: take over address {address} of {from}")
            }
            Self::DeleteAddress { link, address } => write!(f, "{link}: delete address {address}"),
            Self::CopyNeighbour { to, ip, .. } => write!(f, "{to}: know neighbour {ip}"),
            Self::AwaitOperational { link } => write!(f, "{link}: wait until it can send"),
            Self::AddRoute { route } => write!(f, "{}: add {route}", route.name()),
            Self::ReplaceRoute { old, new } => write!(f, "{}: {old} -> {new}", new.name()),
            Self::MoveRoute { route, to } => {
                write!(f, "{}: dev {} -> {to}", route.name(), route.link.as_deref().unwrap_or("none"))
            }
            Self::DeleteRoute { route } => write!(f, "{}: delete ({route})", route.name()),
            Self::AddRule { rule } => write!(f, "rule {rule}: add"),
            Self::DeleteRule { rule } => write!(f, "rule {rule}: delete"),
            Self::LoadModule { name, options } => {
                write!(f, "module {name}: load")?;
                options.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
            }
            Self::UnloadModule { name } => write!(f, "module {name}: unload"),
            Self::SetSysctl { key, value } => write!(f, "sysctl {key}: {value}"),
            Self::WriteFile { path, content: Some(_) } => write!(f, "{path}: write"),
            Self::WriteFile { path, content: None } => write!(f, "{path}: remove"),
            Self::RestartService { name } => write!(f, "service {name}: restart"),
        }
    }
}

fn create(f: &mut fmt::Formatter<'_>, new: &NewLink) -> fmt::Result {
    write!(f, "{}: create {}", new.name, new.kind.as_str())?;
    match &new.kind {
        LinkKind::Veth { peer: Some(peer) } => write!(f, " pair with {peer}")?,
        LinkKind::Vlan { link, id } => write!(f, " {id} on {link}")?,
        LinkKind::Macvlan { link, mode } => write!(f, " on {link} ({})", mode.as_str())?,
        LinkKind::Bond { options, .. } => write!(f, " ({})", options.mode.as_str())?,
        LinkKind::Vxlan(options) => write!(f, " {}", options.id)?,
        LinkKind::Tap(options) if options.owner.is_some() || options.group.is_some() => {
            write!(f, " ({})", tap(options))?;
        }
        _ => {}
    }
    match new.mac {
        Some(mac) => write!(f, " (mac {mac})"),
        None => Ok(()),
    }
}

fn bridge(f: &mut fmt::Formatter<'_>, name: &str, options: &BridgeOptions) -> fmt::Result {
    write!(
        f,
        "{name}: stp {}, forward delay {:.2} s, priority {}",
        if options.stp { "on" } else { "off" },
        f64::from(options.forward_delay) / 100.0,
        options.priority
    )?;
    if options.vlan_filtering { f.write_str(", VLAN filtering on") } else { Ok(()) }
}

fn bond(f: &mut fmt::Formatter<'_>, name: &str, options: &BondOptions, primary: Option<&str>) -> fmt::Result {
    write!(f, "{name}: {}, miimon {}", options.mode.as_str(), options.miimon)?;
    match primary {
        Some(primary) => write!(f, ", primary {primary}"),
        None => Ok(()),
    }
}

fn tap(options: &TapOptions) -> String {
    let owner = options.owner.map(|o| format!("owner {o}"));
    let group = options.group.map(|g| format!("group {g}"));
    let words: Vec<String> = owner.into_iter().chain(group).collect();
    if words.is_empty() { "open to all that may".to_owned() } else { words.join(", ") }
}

fn port_vlan(vlan: PortVlan) -> String {
    let PortVlan { id, pvid, untagged } = vlan;
    let pvid = if pvid { ", pvid" } else { "" };
    let untagged = if untagged { ", untagged" } else { "" };
    format!("VLAN {id}{pvid}{untagged}")
}
