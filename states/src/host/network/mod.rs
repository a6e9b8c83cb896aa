//! Links, addresses, routes, rules: a snapshot to read, and single steps to take.
//!
//! A plan is made from snapshots by pure functions; a host carries out its steps one by one. Snapshots and steps are
//! written to journals and printed by commands as JSON: [`NET_FORMAT`] says which form that is. A field may be added
//! with a default; anything else is a new form.

mod address;
mod link;
mod route;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use address::{Address, Mac, MacError};
pub use link::{
    BondMode, BondOptions, BridgeOptions, LacpRate, Lifetime, Link, LinkKind, MacvlanMode, PortState,
    PortVlan, TapOptions, VxlanOptions, XmitHashPolicy,
};
pub use route::{MAIN_TABLE, Neighbour, Protocol, Route, RouteKey, RouteKind, Rule, RuleAction};
pub use step::{NetStep, NewLink};

use super::HostError;

/// The JSON form of [`NetSnapshot`] and [`NetStep`]; whoever writes one to disk writes this number beside it.
pub const NET_FORMAT: u32 = 1;

/// What lab writes on the links that it makes, and by which it knows them again.
pub const LAB_ALIAS: &str = "lab";

/// Modules that make a link of their own when they are loaded, which then is in the way of the first one asked for, each with
/// the option that says how many.
pub const WITHOUT_FIRST_LINK: [(&str, &str); 2] = [("bonding", "max_bonds"), ("dummy", "numdummies")];

/// What the kernel has, at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetSnapshot {
    /// All links, by index.
    pub links: Vec<Link>,
    /// All routes that lead out of one link or nowhere, of all tables but `local`, in the kernel's order.
    pub routes: Vec<Route>,
    /// All rules, in the kernel's order.
    pub rules: Vec<Rule>,
    /// All usable neighbours.
    pub neighbours: Vec<Neighbour>,
    /// The kernel parameters that were asked for and exist.
    pub sysctls: BTreeMap<String, String>,
    /// The kernel modules that were asked for and are loaded, with those of their parameters that can be read.
    pub modules: BTreeMap<String, BTreeMap<String, String>>,
    /// The files that were asked for and exist.
    pub files: BTreeMap<String, String>,
}

impl NetSnapshot {
    /// Finds a link by name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|l| l.name == name)
    }

    /// Finds a link by index.
    pub fn by_index(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|l| l.index == index)
    }

    /// Returns the name of the link that a link is a port of.
    pub fn master_of(&self, name: &str) -> Option<&str> {
        self.link(name)?.master.as_deref()
    }

    /// Lists the ports of a bridge or bond.
    pub fn ports_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Link> {
        self.links.iter().filter(move |l| l.master.as_deref() == Some(name))
    }

    /// Lists the default routes of the main table, the preferred one first.
    pub fn default_routes(&self) -> Vec<&Route> {
        let default = |r: &&Route| r.destination.is_none() && r.table == MAIN_TABLE;
        let mut found: Vec<&Route> =
            self.routes.iter().filter(default).filter(|r| r.kind == RouteKind::Unicast).collect();
        found.sort_by_key(|r| r.key().metric);
        found
    }
}

/// An address that this machine is about to take, and where those would be heard who have it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetClaim {
    /// The address.
    pub ip: Ipv4Addr,
    /// The link that leads there.
    pub link: String,
    /// The VLAN on that link, where the link of the VLAN is not there yet.
    pub vlan: Option<u16>,
}

/// The network.
pub trait Network: Send + Sync {
    /// Reads links, addresses, routes, rules and neighbours. Parameters, modules and files are empty: nobody asked.
    ///
    /// # Errors
    /// When the kernel does not answer.
    fn net_snapshot(&self) -> Result<NetSnapshot, HostError> {
        self.net_session()?.snapshot()
    }

    /// Reads links and addresses; the rest may be empty.
    ///
    /// # Errors
    /// When the kernel does not answer.
    fn net_links(&self) -> Result<Arc<NetSnapshot>, HostError> {
        self.net_snapshot().map(Arc::new)
    }

    /// Says that something is about to be done that may change the network: a host that has read it ahead of time must not
    /// answer the next question with that.
    fn net_forget(&self) {}

    /// Carries out one step.
    ///
    /// # Errors
    /// When the kernel refuses; the steps before it stand.
    fn net_step(&self, step: &NetStep) -> Result<(), HostError> {
        self.net_session()?.step(step)
    }

    /// Opens a session: one connection for the many questions and steps of a transaction.
    ///
    /// # Errors
    /// When the kernel does not answer.
    fn net_session(&self) -> Result<Box<dyn NetSession + '_>, HostError>;

    /// Sends an ICMP echo request over a link as one packet of `size` bytes, which nobody on the way may cut up, and
    /// tells whether its answer came within `wait`.
    ///
    /// # Errors
    /// When it cannot be sent.
    fn net_echo(&self, link: &str, to: IpAddr, size: u32, wait: Duration) -> Result<bool, HostError> {
        let _ = (size, wait);
        Err(HostError::other("send", format!("an echo request to {to} over {link}"), "this host cannot"))
    }

    /// Asks the network, within bounds, whether somebody has addresses that this machine is about to take (RFC 5227), and
    /// returns for each the hardware address of one who does, which is never this machine's. It ends early when one was found.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn net_claims(&self, asked: &[NetClaim]) -> Result<Vec<Option<Mac>>, HostError> {
        let _ = asked;
        Err(HostError::other("ask", "the network who has an address", "this host cannot"))
    }
}

/// One connection to the network of a machine.
pub trait NetSession {
    /// As [`Network::net_snapshot`].
    ///
    /// # Errors
    /// When the kernel does not answer.
    fn snapshot(&mut self) -> Result<NetSnapshot, HostError>;

    /// As [`Network::net_step`].
    ///
    /// # Errors
    /// When the kernel refuses; the steps before it stand.
    fn step(&mut self, step: &NetStep) -> Result<(), HostError>;
}
