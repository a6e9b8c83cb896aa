//! The desired document: what all network states of a run ask for, merged by name.

mod merge;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::host::{
    Address, BondMode, LacpRate, Mac, MacvlanMode, PortVlan, RouteKey, RouteKind, RuleAction, XmitHashPolicy,
};

/// How a definition names a link of the machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkRef {
    /// By name.
    Name(String),
    /// By hardware address: the network card that has it.
    Mac(Mac),
    /// The link that the default route leaves by; once that is a bridge of the document, the bridge's uplink.
    DefaultRoute,
    /// The bridge that a link is a port of.
    BridgeOf(String),
}

/// Something with the number of the state that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned<T> {
    /// The state.
    pub owner: usize,
    /// What it asked for.
    pub what: T,
}

/// Where a hardware address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MacFrom {
    /// It is given.
    Given(Mac),
    /// It is that of the link taken over, or of the first port.
    Uplink,
}

/// What a bridge shall have; what is not said stays. Times in hundredths of a second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bridge {
    /// Whether the spanning tree protocol runs.
    pub stp: Option<bool>,
    /// How long a port waits before it forwards.
    pub forward_delay: Option<u32>,
    /// How often a hello is sent.
    pub hello_time: Option<u32>,
    /// How long a silent neighbour is believed.
    pub max_age: Option<u32>,
    /// How long an address is remembered.
    pub ageing_time: Option<u32>,
    /// The bridge's priority.
    pub priority: Option<u16>,
    /// Whether ports keep to their VLANs.
    pub vlan_filtering: Option<bool>,
}

/// What a bond shall have; times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bond {
    /// How packets are spread.
    pub mode: Option<BondMode>,
    /// How often the carrier is looked at.
    pub miimon: Option<u32>,
    /// How long a port must have a carrier before it is used.
    pub up_delay: Option<u32>,
    /// How long a port may be without a carrier.
    pub down_delay: Option<u32>,
    /// How often LACP speaks.
    pub lacp_rate: Option<LacpRate>,
    /// What the hash is made of.
    pub xmit_hash_policy: Option<XmitHashPolicy>,
    /// The port that is preferred.
    pub primary: Option<LinkRef>,
}

/// What a tap shall have. Users and groups are numbers here: names are looked up before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tap {
    /// Who may open it.
    pub owner: Option<u32>,
    /// Whose members may open it.
    pub group: Option<u32>,
    /// Whether it has several queues.
    pub multi_queue: bool,
    /// Whether it carries IP packets.
    pub tun: bool,
}

/// What a link of the document is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A link that somebody else makes: a network card, or one of another state.
    Existing,
    /// A bridge.
    Bridge(Bridge),
    /// A VLAN.
    Vlan {
        /// Of which link.
        link: LinkRef,
        /// Its number.
        id: u16,
    },
    /// Several links as one.
    Bond(Bond),
    /// A virtual cable.
    Veth {
        /// The other end.
        peer: String,
    },
    /// A link whose other end is a program.
    Tap(Tap),
    /// A further hardware address of a link.
    Macvlan {
        /// Of which link.
        link: LinkRef,
        /// Whom it may talk to.
        mode: MacvlanMode,
    },
    /// Ethernet in UDP.
    Vxlan {
        /// Its number.
        id: u32,
        /// The link that it leaves by.
        link: Option<LinkRef>,
        /// Its own address.
        local: Option<IpAddr>,
        /// The other end, or a multicast group.
        remote: Option<IpAddr>,
        /// The UDP port.
        port: u16,
    },
    /// A link that swallows what it is given.
    Dummy,
}

impl Kind {
    /// Returns the word that states have for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Existing => "ethernet",
            Self::Bridge(_) => "bridge",
            Self::Vlan { .. } => "vlan",
            Self::Bond(_) => "bond",
            Self::Veth { .. } => "veth",
            Self::Tap(Tap { tun: true, .. }) => "tun",
            Self::Tap(_) => "tap",
            Self::Macvlan { .. } => "macvlan",
            Self::Vxlan { .. } => "vxlan",
            Self::Dummy => "dummy",
        }
    }

    /// Returns the link that it stands on.
    pub fn lower(&self) -> Option<&LinkRef> {
        match self {
            Self::Vlan { link, .. } | Self::Macvlan { link, .. } => Some(link),
            Self::Vxlan { link, .. } => link.as_ref(),
            _ => None,
        }
    }
}

/// One link of the document. Only what is named is ours: other addresses and ports stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The state that defines it.
    pub owner: usize,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its hardware address.
    pub mac: Option<MacFrom>,
    /// Its longest packet.
    pub mtu: Option<u32>,
    /// Whether it takes packets for everybody.
    pub promisc: Option<bool>,
    /// Addresses that it has.
    pub addresses: Vec<Owned<Address>>,
    /// Its ports.
    pub ports: Vec<Owned<LinkRef>>,
    /// The bridge or bond that it is a port of.
    pub port_of: Option<Owned<LinkRef>>,
    /// The VLANs that it is in; none means that they are not ours to say.
    pub vlans: Vec<PortVlan>,
    /// The port whose addresses, routes and neighbours it takes over.
    pub take_over: Option<LinkRef>,
}

impl Interface {
    /// Makes a link of which nothing is said but its kind.
    pub fn new(owner: usize, name: impl Into<String>, kind: Kind) -> Self {
        Self {
            owner,
            name: name.into(),
            kind,
            mac: None,
            mtu: None,
            promisc: None,
            addresses: Vec::new(),
            ports: Vec::new(),
            port_of: None,
            vlans: Vec::new(),
            take_over: None,
        }
    }
}

/// A route that shall be there, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteWant {
    /// Where to; the default route when not given.
    pub destination: Option<Address>,
    /// Through which neighbour.
    pub gateway: Option<IpAddr>,
    /// Out of which link; the one that the gateway is on when not given.
    pub link: Option<LinkRef>,
    /// With which source address.
    pub source: Option<IpAddr>,
    /// The metric.
    pub metric: Option<u32>,
    /// The table.
    pub table: u32,
    /// What it does.
    pub kind: RouteKind,
    /// Whether the gateway is on the link although no address says so.
    pub onlink: bool,
    /// The longest packet on this way.
    pub mtu: Option<u32>,
    /// Whether it is IPv6.
    pub v6: bool,
}

impl RouteWant {
    /// Returns what makes the route itself; as [`crate::host::Route::key`].
    pub fn key(&self) -> RouteKey {
        let without = if self.v6 { 1024 } else { 0 };
        RouteKey {
            destination: self.destination.map(Address::network),
            v6: self.v6,
            table: self.table,
            metric: self.metric.unwrap_or(without),
        }
    }
}

/// A rule that shall be there, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleWant {
    /// Its place.
    pub priority: u32,
    /// Whether it is IPv6.
    pub v6: bool,
    /// Packets from this network.
    pub from: Option<Address>,
    /// Packets to this network.
    pub to: Option<Address>,
    /// Packets that came in by this link.
    pub iif: Option<String>,
    /// Packets of programs that bound themselves to this link.
    pub oif: Option<String>,
    /// Packets with this mark.
    pub fwmark: Option<u32>,
    /// What is done.
    pub action: RuleAction,
}

/// Which name servers are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dns {
    /// Name servers.
    pub servers: Vec<IpAddr>,
    /// Domains that short names are looked up in.
    pub search: Vec<String>,
    /// Further options.
    pub options: Vec<String>,
    /// The file that holds them.
    pub path: String,
    /// Whether systemd-resolved answers on this machine, so that the file is its configuration and it must be told.
    pub resolved: bool,
}

/// What may be asked to be away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbsentKind {
    /// A bridge.
    Bridge,
    /// A VLAN.
    Vlan,
    /// A bond.
    Bond,
    /// A virtual cable.
    Veth,
    /// A tap or tun.
    Tap,
    /// A macvlan.
    Macvlan,
    /// A VXLAN.
    Vxlan,
    /// A dummy.
    Dummy,
}

/// A link that shall not be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    /// Its name.
    pub name: String,
    /// What it is; a link of another kind is not removed.
    pub kind: AbsentKind,
    /// Also when it still has ports.
    pub force: bool,
}

/// One thing that one state asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// A link.
    Interface(Box<Interface>),
    /// A link that is away.
    LinkAbsent(Absent),
    /// An address that is away from a link.
    AddressAbsent(LinkRef, Address),
    /// A route.
    Route(RouteWant),
    /// A route that is away.
    RouteAbsent(RouteWant),
    /// A rule.
    Rule(RuleWant),
    /// A rule that is away.
    RuleAbsent(RuleWant),
    /// Name servers.
    Dns(Dns),
    /// A kernel module with options.
    Module(String, BTreeMap<String, String>),
    /// A kernel parameter.
    Sysctl(String, String),
}

/// All that a run asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// Links by name.
    pub interfaces: BTreeMap<String, Interface>,
    /// Links that shall not be there.
    pub absent: Vec<Owned<Absent>>,
    /// Addresses that shall not be there.
    pub address_absent: Vec<Owned<(LinkRef, Address)>>,
    /// Routes.
    pub routes: Vec<Owned<RouteWant>>,
    /// Routes that shall not be there.
    pub route_absent: Vec<Owned<RouteWant>>,
    /// Rules.
    pub rules: Vec<Owned<RuleWant>>,
    /// Rules that shall not be there.
    pub rule_absent: Vec<Owned<RuleWant>>,
    /// Name servers.
    pub dns: Option<Owned<Dns>>,
    /// Modules with options.
    pub modules: BTreeMap<String, Owned<BTreeMap<String, String>>>,
    /// Parameters.
    pub sysctls: BTreeMap<String, Owned<String>>,
}
