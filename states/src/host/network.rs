//! Links, addresses and routes: a snapshot to read, and single steps to take.
//!
//! A plan is made from snapshots by pure functions; a host carries out its steps one by one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::HostError;

/// A hardware address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a hardware address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a hardware address like 52:54:00:12:34:56 (quote it: YAML reads digits and colons as a number)"
)]
pub struct MacError(String);

impl FromStr for Mac {
    type Err = MacError;
    fn from_str(s: &str) -> Result<Self, MacError> {
        let bad = || MacError(s.to_owned());
        let mut out = [0; 6];
        let mut parts = s.split(':');
        for byte in &mut out {
            let part = parts.next().ok_or_else(bad)?;
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(bad());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() { Err(bad()) } else { Ok(Self(out)) }
    }
}

/// The options of a bridge that the kernel keeps; times in hundredths of a second, as the kernel has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BridgeOptions {
    /// Whether the spanning tree protocol runs.
    pub stp: bool,
    /// How long a port listens and learns before it forwards.
    pub forward_delay: u32,
    /// How often a hello is sent.
    pub hello_time: u32,
    /// How long a silent neighbour is believed.
    pub max_age: u32,
    /// The bridge's priority in the spanning tree.
    pub priority: u16,
}

impl Default for BridgeOptions {
    /// Returns what the kernel gives a new bridge.
    fn default() -> Self {
        Self { stp: false, forward_delay: 1500, hello_time: 200, max_age: 2000, priority: 0x8000 }
    }
}

/// What a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A network card, or whatever the kernel gives no kind.
    Device,
    /// The loopback.
    Loopback,
    /// A bridge.
    Bridge(BridgeOptions),
    /// One end of a virtual cable; the index of the other end, where it is in the same namespace.
    Veth {
        /// The other end.
        peer: Option<u32>,
    },
    /// Any other kind, by the kernel's name for it.
    Other(String),
}

/// An address on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The length of the prefix.
    pub prefix: u8,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

impl FromStr for Address {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("{s:?} is not an address like 192.168.1.10/24: {why}");
        let (ip, prefix) = s.split_once('/').ok_or_else(|| bad("the prefix length is missing"))?;
        let ip: IpAddr = ip.parse().map_err(|_| bad("the part before the slash is no IP address"))?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        match prefix.parse::<u8>() {
            Ok(prefix) if prefix <= most => Ok(Self { ip, prefix }),
            _ => Err(bad(&format!("the prefix length must be a number from 0 to {most}"))),
        }
    }
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: LinkKind,
    /// Its hardware address, where it has one.
    pub mac: Option<Mac>,
    /// The longest packet.
    pub mtu: u32,
    /// Whether it is switched on.
    pub up: bool,
    /// The index of the bridge or bond that it is a port of.
    pub master: Option<u32>,
    /// Its addresses of global scope.
    pub addresses: Vec<Address>,
}

/// Who made a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteOrigin {
    /// The kernel, with an address; it comes and goes by itself.
    Kernel,
    /// Someone else, by the kernel's number for the protocol (3 boot, 4 static, 16 DHCP).
    Protocol(u8),
}

/// One unicast route of the main table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; the default route when not given.
    pub destination: Option<Address>,
    /// Through which neighbour.
    pub gateway: Option<IpAddr>,
    /// Out of which link, by index.
    pub link: u32,
    /// With which source address.
    pub source: Option<IpAddr>,
    /// The metric, where it has one.
    pub metric: Option<u32>,
    /// Who made it.
    pub origin: RouteOrigin,
    /// Whether it is IPv6 (a default route does not tell by itself).
    pub v6: bool,
}

/// One known neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its address.
    pub ip: IpAddr,
    /// Its hardware address.
    pub mac: Mac,
    /// The link that it was seen on, by index.
    pub link: u32,
}

/// What the kernel has, at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetSnapshot {
    /// All links, by index.
    pub links: Vec<Link>,
    /// All unicast routes of the main table, in the kernel's order.
    pub routes: Vec<Route>,
    /// All usable neighbours.
    pub neighbours: Vec<Neighbour>,
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
        let master = self.link(name)?.master?;
        self.by_index(master).map(|l| l.name.as_str())
    }
}

/// One step of a plan. Links are named, since those that a plan makes have no index yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetStep {
    /// Makes a bridge, switched on.
    CreateBridge {
        /// Its name.
        name: String,
        /// Its hardware address; the kernel chooses when not given.
        mac: Option<Mac>,
        /// Its longest packet.
        mtu: Option<u32>,
        /// Its options.
        options: BridgeOptions,
    },
    /// Makes a virtual cable.
    CreateVeth {
        /// One end.
        name: String,
        /// The other end.
        peer: String,
    },
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
    /// Makes a link a port of a bridge, or of none.
    SetMaster {
        /// The port.
        link: String,
        /// The bridge.
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
    /// Adds an address.
    AddAddress {
        /// To which link.
        link: String,
        /// The address.
        address: Address,
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
    /// Moves a route to another link in one step: the same message with the link replaced.
    MoveRoute {
        /// The route as it is.
        route: Route,
        /// The new link.
        to: String,
    },
}

impl fmt::Display for NetStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBridge { name, mac: Some(mac), .. } => write!(f, "{name}: create bridge (mac {mac})"),
            Self::CreateBridge { name, .. } => write!(f, "{name}: create bridge"),
            Self::CreateVeth { name, peer } => write!(f, "{name}: create veth pair with {peer}"),
            Self::DeleteLink { name } => write!(f, "{name}: delete"),
            Self::SetBridge { name, options } => write!(
                f,
                "{name}: stp {}, forward delay {:.2} s, priority {}",
                if options.stp { "on" } else { "off" },
                f64::from(options.forward_delay) / 100.0,
                options.priority
            ),
            Self::SetMaster { link, master: Some(master) } => write!(f, "{link}: port of {master}"),
            Self::SetMaster { link, master: None } => write!(f, "{link}: no port of a bridge any more"),
            Self::SetUp { link, up } => write!(f, "{link}: {}", if *up { "up" } else { "down" }),
            Self::SetMtu { link, mtu } => write!(f, "{link}: mtu {mtu}"),
            Self::SetMac { link, mac } => write!(f, "{link}: mac {mac}"),
            Self::AddAddress { link, address } => write!(f, "{link}: add address {address}"),
            Self::CopyAddress { from, to, address } => {
                write!(f, "{to}: take over address {address} of {from}")
            }
            Self::DeleteAddress { link, address } => write!(f, "{link}: delete address {address}"),
            Self::CopyNeighbour { to, ip, .. } => write!(f, "{to}: know neighbour {ip}"),
            Self::MoveRoute { route, to } => match &route.destination {
                Some(destination) => write!(f, "route {destination}: move to {to}"),
                None => write!(f, "default route: move to {to}"),
            },
        }
    }
}

/// The network.
pub trait Network: Send + Sync {
    /// Reads links, addresses, routes and neighbours.
    ///
    /// # Errors
    /// When the kernel does not answer.
    fn net_snapshot(&self) -> Result<NetSnapshot, HostError>;

    /// Carries out one step.
    ///
    /// # Errors
    /// When the kernel refuses; the steps before it stand.
    fn net_step(&self, step: &NetStep) -> Result<(), HostError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_and_hardware_addresses_refuse_what_they_are_not() {
        for bad in ["10.0.0.1", "10.0.0.1/33", "::1/129", "x/24", "10.0.0.1/"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        for bad in ["", "52:54:00:12:34", "52:54:00:12:34:56:78", "52:54:00:12:34:5", "+1:54:00:12:34:56"] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn macs_and_addresses_print_as_they_parse(mac in any::<[u8; 6]>(), ip in any::<IpAddr>(), bits in 0u8..=32) {
            prop_assert_eq!(Mac(mac).to_string().parse(), Ok(Mac(mac)));
            let address = Address { ip, prefix: bits };
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn any_text_is_parsed_or_refused_without_a_panic(text in ".*") {
            let _ = text.parse::<Mac>();
            let _ = text.parse::<Address>();
        }
    }
}
