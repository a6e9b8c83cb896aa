//! Routes, rules and neighbours.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Address, Mac};

/// The kernel's number of the main table.
pub const MAIN_TABLE: u32 = 254;

/// Who made a route or rule, by the kernel's number (`/etc/iproute2/rt_protos`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protocol(pub u8);

impl Protocol {
    /// The kernel, with an address; the route comes and goes by itself.
    pub const KERNEL: Self = Self(2);
    /// Somebody by hand, or a boot script.
    pub const BOOT: Self = Self(3);
    /// An administrator.
    pub const STATIC: Self = Self(4);
    /// A router advertisement.
    pub const RA: Self = Self(9);
    /// A DHCP client.
    pub const DHCP: Self = Self(16);
    /// Lab: the mark by which it knows its own routes and rules.
    pub const LAB: Self = Self(108);
}

/// What happens to a packet that a route matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// It is sent.
    #[default]
    Unicast,
    /// It is dropped in silence.
    Blackhole,
    /// The sender is told that the destination cannot be reached.
    Unreachable,
    /// The sender is told that it is forbidden.
    Prohibit,
}

impl RouteKind {
    /// Returns the word that `ip` has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unicast => "unicast",
            Self::Blackhole => "blackhole",
            Self::Unreachable => "unreachable",
            Self::Prohibit => "prohibit",
        }
    }
}

/// One route of any table but the kernel's own (`local`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to; the default route when not given.
    #[serde(default)]
    pub destination: Option<Address>,
    /// Through which neighbour.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    /// Out of which link; none for a route that sends nothing anywhere.
    #[serde(default)]
    pub link: Option<String>,
    /// With which source address.
    #[serde(default)]
    pub source: Option<IpAddr>,
    /// The metric, where it has one.
    #[serde(default)]
    pub metric: Option<u32>,
    /// The table that it is in.
    #[serde(default = "main_table")]
    pub table: u32,
    /// What it does.
    #[serde(default)]
    pub kind: RouteKind,
    /// Whether the gateway is taken to be on the link although no address says so.
    #[serde(default)]
    pub onlink: bool,
    /// The longest packet on this way.
    #[serde(default)]
    pub mtu: Option<u32>,
    /// Who made it.
    pub origin: Protocol,
    /// Whether it is IPv6 (a default route does not tell by itself).
    #[serde(default)]
    pub v6: bool,
}

fn main_table() -> u32 {
    MAIN_TABLE
}

/// What makes a route itself: a second one with the same key replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    /// Where to.
    pub destination: Option<Address>,
    /// Whether it is IPv6.
    pub v6: bool,
    /// The table.
    pub table: u32,
    /// The metric; where none is given IPv6 takes 1024.
    pub metric: u32,
}

impl Route {
    /// Returns what makes the route itself.
    pub fn key(&self) -> RouteKey {
        let without = if self.v6 { 1024 } else { 0 };
        RouteKey {
            destination: self.destination.map(Address::network),
            v6: self.v6,
            table: self.table,
            metric: self.metric.unwrap_or(without),
        }
    }

    /// Names the route: its destination, with the table and metric where they are not the usual ones.
    pub fn name(&self) -> String {
        let mut name = match &self.destination {
            Some(to) => format!("route {to}"),
            None if self.v6 => "default route (IPv6)".to_owned(),
            None => "default route".to_owned(),
        };
        if self.table != MAIN_TABLE {
            name.push_str(&format!(" table {}", self.table));
        }
        if let Some(metric) = self.metric {
            name.push_str(&format!(" metric {metric}"));
        }
        name
    }
}

/// Says where the route leads: `via 10.0.0.1 dev br0`.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.kind != RouteKind::Unicast {
            words.push(self.kind.as_str().to_owned());
        }
        words.extend(self.gateway.map(|g| format!("via {g}")));
        words.extend(self.link.as_ref().map(|l| format!("dev {l}")));
        words.extend(self.source.map(|s| format!("src {s}")));
        words.extend(self.mtu.map(|m| format!("mtu {m}")));
        if self.onlink {
            words.push("onlink".to_owned());
        }
        f.write_str(&words.join(" "))
    }
}

/// What a rule does with a packet that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleAction {
    /// Asks a table.
    Table(u32),
    /// Drops it in silence.
    Blackhole,
    /// Tells the sender that the destination cannot be reached.
    Unreachable,
    /// Tells the sender that it is forbidden.
    Prohibit,
    /// Anything else, by the kernel's number; foreign rules only.
    Other(u8),
}

/// One rule of the policy that chooses a routing table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its place; lower ones are asked first.
    pub priority: u32,
    /// Whether it is about IPv6.
    #[serde(default)]
    pub v6: bool,
    /// Packets from this network.
    #[serde(default)]
    pub from: Option<Address>,
    /// Packets to this network.
    #[serde(default)]
    pub to: Option<Address>,
    /// Packets that came in by this link.
    #[serde(default)]
    pub iif: Option<String>,
    /// Packets of programs that bound themselves to this link.
    #[serde(default)]
    pub oif: Option<String>,
    /// Packets with this mark.
    #[serde(default)]
    pub fwmark: Option<u32>,
    /// The bits of the mark that count.
    #[serde(default)]
    pub fwmask: Option<u32>,
    /// What is done.
    pub action: RuleAction,
    /// Who made it.
    pub origin: Protocol,
}

impl Rule {
    /// Tells whether two rules match the same packets in the same place and do the same, whoever made them.
    pub fn is(&self, other: &Self) -> bool {
        Self { origin: other.origin, ..self.clone() } == *other
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.priority)?;
        match &self.from {
            Some(from) => write!(f, " from {from}")?,
            None => f.write_str(" from all")?,
        }
        if let Some(to) = &self.to {
            write!(f, " to {to}")?;
        }
        if let Some(mark) = self.fwmark {
            write!(f, " fwmark {mark:#x}")?;
        }
        if let Some(mask) = self.fwmask {
            write!(f, "/{mask:#x}")?;
        }
        for (word, link) in [("iif", &self.iif), ("oif", &self.oif)] {
            if let Some(link) = link {
                write!(f, " {word} {link}")?;
            }
        }
        match self.action {
            RuleAction::Table(254) => f.write_str(" lookup main"),
            RuleAction::Table(table) => write!(f, " lookup {table}"),
            RuleAction::Blackhole => f.write_str(" blackhole"),
            RuleAction::Unreachable => f.write_str(" unreachable"),
            RuleAction::Prohibit => f.write_str(" prohibit"),
            RuleAction::Other(number) => write!(f, " action {number}"),
        }
    }
}

/// One known neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its address.
    pub ip: IpAddr,
    /// Its hardware address.
    pub mac: Mac,
    /// The link that it was seen on.
    pub link: String,
}
