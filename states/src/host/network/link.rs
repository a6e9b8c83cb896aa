//! Links and what each kind of link has to say about itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Address, Mac};

/// The options of a bridge that the kernel keeps; times in hundredths of a second, as the kernel has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BridgeOptions {
    /// Whether the spanning tree protocol runs.
    pub stp: bool,
    /// How long a port listens and learns before it forwards.
    pub forward_delay: u32,
    /// How often a hello is sent.
    pub hello_time: u32,
    /// How long a silent neighbour is believed.
    pub max_age: u32,
    /// How long a hardware address is remembered that is not heard of.
    pub ageing_time: u32,
    /// The bridge's priority in the spanning tree.
    pub priority: u16,
    /// Whether ports keep to the VLANs that they are in.
    pub vlan_filtering: bool,
}

impl Default for BridgeOptions {
    /// Returns what the kernel gives a new bridge.
    fn default() -> Self {
        Self {
            stp: false,
            forward_delay: 1500,
            hello_time: 200,
            max_age: 2000,
            ageing_time: 30000,
            priority: 0x8000,
            vlan_filtering: false,
        }
    }
}

/// A value that the kernel knows by number and people by name.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $number:literal $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$item_doc])* #[serde(rename = $text)] $item),* }

        impl $name {
            /// All of them, in the kernel's order.
            pub const ALL: &[Self] = &[$(Self::$item),*];

            /// Returns the name that `ip` and the kernel's documentation have for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$item => $text),* }
            }

            /// Returns the kernel's number for it.
            pub fn number(self) -> u8 {
                match self { $(Self::$item => $number),* }
            }

            /// Finds it by the kernel's number.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.number() == number)
            }

            /// Finds it by name, or by number as `modprobe` options are written.
            pub fn parse(text: &str) -> Option<Self> {
                let number = text.parse().ok();
                Self::ALL.iter().copied().find(|v| v.as_str() == text || Some(v.number()) == number)
            }
        }
    };
}

named! {
    /// How a bond spreads packets over its ports.
    BondMode {
        /// In turn.
        #[default]
        BalanceRr = 0 "balance-rr",
        /// One port at a time.
        ActiveBackup = 1 "active-backup",
        /// By hash of the addresses.
        BalanceXor = 2 "balance-xor",
        /// Over all.
        Broadcast = 3 "broadcast",
        /// As negotiated with the switch (LACP).
        Lacp = 4 "802.3ad",
        /// Outgoing by load.
        BalanceTlb = 5 "balance-tlb",
        /// Both directions by load.
        BalanceAlb = 6 "balance-alb",
    }
}

named! {
    /// How often LACP speaks.
    LacpRate {
        /// Every 30 seconds.
        #[default]
        Slow = 0 "slow",
        /// Every second.
        Fast = 1 "fast",
    }
}

named! {
    /// What a bond's hash is made of.
    XmitHashPolicy {
        /// Hardware addresses.
        #[default]
        Layer2 = 0 "layer2",
        /// IP addresses and ports.
        Layer34 = 1 "layer3+4",
        /// Hardware and IP addresses.
        Layer23 = 2 "layer2+3",
        /// As layer2+3, of the inner packet.
        Encap23 = 3 "encap2+3",
        /// As layer3+4, of the inner packet.
        Encap34 = 4 "encap3+4",
        /// VLAN and source hardware address.
        VlanSrcmac = 5 "vlan+srcmac",
    }
}

named! {
    /// Whom a macvlan may talk to on its own link.
    MacvlanMode {
        /// The others of the same link, directly.
        #[default]
        Bridge = 4 "bridge",
        /// Nobody.
        Private = 1 "private",
        /// The others, by way of the switch.
        Vepa = 2 "vepa",
        /// It has the link for itself.
        Passthru = 8 "passthru",
    }
}

named! {
    /// What a port of a bridge does at present.
    PortState {
        /// Nothing.
        #[default]
        Disabled = 0 "disabled",
        /// It listens to the spanning tree.
        Listening = 1 "listening",
        /// It learns addresses.
        Learning = 2 "learning",
        /// It carries traffic.
        Forwarding = 3 "forwarding",
        /// The spanning tree keeps it shut.
        Blocking = 4 "blocking",
    }
}

/// The options of a bond; times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BondOptions {
    /// How packets are spread.
    pub mode: BondMode,
    /// How often the carrier of its ports is looked at; 0 never.
    pub miimon: u32,
    /// How long a port must have a carrier before it is used.
    pub up_delay: u32,
    /// How long a port may be without a carrier.
    pub down_delay: u32,
    /// How often LACP speaks; of `802.3ad` only.
    pub lacp_rate: LacpRate,
    /// What the hash is made of.
    pub xmit_hash_policy: XmitHashPolicy,
}

/// The options of a tap or tun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TapOptions {
    /// The user who may open it; everybody with the capability when not given.
    pub owner: Option<u32>,
    /// The group whose members may open it.
    pub group: Option<u32>,
    /// Whether it carries IP packets in place of Ethernet frames.
    pub tun: bool,
    /// Whether it has several queues.
    pub multi_queue: bool,
    /// Whether packets carry a virtio header.
    pub vnet_hdr: bool,
    /// Whether it outlives the process that opened it.
    pub persist: bool,
}

/// The options of a VXLAN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VxlanOptions {
    /// The network's number, 1 to 16777215.
    pub id: u32,
    /// The link that it leaves by.
    pub link: Option<String>,
    /// The address that it sends from.
    pub local: Option<std::net::IpAddr>,
    /// Where it sends what it has no place for: one machine, or a multicast group.
    pub remote: Option<std::net::IpAddr>,
    /// The UDP port.
    pub port: u16,
    /// Whether it learns where addresses are.
    pub learning: bool,
}

/// What a link is. Other links are named: names outlive a link that is made again, numbers do not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// A network card, or whatever the kernel gives no kind.
    Device,
    /// The loopback.
    Loopback,
    /// A bridge.
    Bridge(BridgeOptions),
    /// One end of a virtual cable.
    Veth {
        /// The other end, where it is in the same namespace.
        peer: Option<String>,
    },
    /// A VLAN (802.1Q) of another link.
    Vlan {
        /// The link that carries it.
        link: String,
        /// Its number.
        id: u16,
    },
    /// Several links as one.
    Bond {
        /// Its options.
        options: BondOptions,
        /// The port that is preferred.
        primary: Option<String>,
    },
    /// A link whose other end is a program.
    Tap(TapOptions),
    /// A further hardware address of another link.
    Macvlan {
        /// The link that carries it.
        link: String,
        /// Whom it may talk to.
        mode: MacvlanMode,
    },
    /// Ethernet in UDP.
    Vxlan(VxlanOptions),
    /// A link that swallows what it is given.
    Dummy,
    /// Any other kind, by the kernel's name for it.
    Other(String),
}

impl LinkKind {
    /// Returns the kernel's word for the kind; `device` for a network card.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Device => "device",
            Self::Loopback => "loopback",
            Self::Bridge(_) => "bridge",
            Self::Veth { .. } => "veth",
            Self::Vlan { .. } => "vlan",
            Self::Bond { .. } => "bond",
            Self::Tap(options) if options.tun => "tun",
            Self::Tap(_) => "tap",
            Self::Macvlan { .. } => "macvlan",
            Self::Vxlan(_) => "vxlan",
            Self::Dummy => "dummy",
            Self::Other(kind) => kind,
        }
    }

    /// Returns the link that this one stands on: whose VLAN, macvlan or VXLAN it is.
    pub fn lower(&self) -> Option<&str> {
        match self {
            Self::Vlan { link, .. } | Self::Macvlan { link, .. } => Some(link),
            Self::Vxlan(options) => options.link.as_deref(),
            _ => None,
        }
    }
}

/// A VLAN that a bridge port, or the bridge itself, is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PortVlan {
    /// Its number.
    pub id: u16,
    /// Whether packets that come without a tag belong to it.
    #[serde(default)]
    pub pvid: bool,
    /// Whether packets leave without a tag.
    #[serde(default)]
    pub untagged: bool,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The kernel's number for it; another one when it is made again.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What somebody wrote on it; [`super::LAB_ALIAS`] on those that lab made.
    #[serde(default)]
    pub alias: Option<String>,
    /// What it is.
    pub kind: LinkKind,
    /// Its hardware address, where it has one.
    #[serde(default)]
    pub mac: Option<Mac>,
    /// The longest packet.
    pub mtu: u32,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it has a carrier: something is at the other end.
    #[serde(default)]
    pub carrier: bool,
    /// Whether it takes packets for everybody, because it was told to.
    #[serde(default)]
    pub promisc: bool,
    /// The bridge or bond that it is a port of.
    #[serde(default)]
    pub master: Option<String>,
    /// What it does as a port of a bridge.
    #[serde(default)]
    pub port_state: Option<PortState>,
    /// The VLANs that it is in as a port of a bridge, or as a bridge itself; empty where the kernel does not filter.
    #[serde(default)]
    pub vlans: Vec<PortVlan>,
    /// Its addresses of global scope.
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// Those of them that end: they come from a lease or from router advertisements.
    #[serde(default)]
    pub leased: Vec<Address>,
    /// How long these were good for when the link was read; not known where an older version wrote it down.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lifetimes: BTreeMap<Address, Lifetime>,
}

/// How long an address from a lease or a router is good for, in seconds, as the kernel counts them down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    /// Until new connections take another one.
    pub preferred: u32,
    /// Until it goes.
    pub valid: u32,
}
