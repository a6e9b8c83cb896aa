//! Salt's filters of network addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::call::{CallArgs, required};
use super::super::error::{Fault, Res};
use super::super::value::Val;
use crate::private::is_private;

/// How many addresses of a network are listed.
const MAX_HOSTS: u128 = 100_000;

pub(super) fn apply(name: &str, value: &Val, args: &CallArgs) -> Res<Option<Val>> {
    let args = args.clone();
    Ok(Some(match name {
        "is_ip" | "is_ipv4" | "is_ipv6" => {
            let [options] = args.bind(name, ["options"])?;
            let options = words(options)?;
            Val::Bool(wanted(name).iter().any(|v6| pick(value, *v6, &options).is_some()))
        }
        "ipv4" | "ipv6" | "ipaddr" => {
            let [options] = args.bind(name, ["options"])?;
            filtered(value, wanted(name), &words(options)?)?
        }
        "ip_host" | "network_hosts" | "network_size" => {
            let [options, version] = args.bind(name, ["options", "version"])?;
            let versions: &[bool] = match version {
                Some(Val::Int(4)) => &[false],
                Some(Val::Int(6)) => &[true],
                _ => &[false, true],
            };
            let found = filtered(value, versions, &words(options)?)?;
            let each = |text: &Val| of_network(name, &text.to_text()?);
            match &found {
                Val::Str(_) => each(&found)?,
                Val::List(items) if !items.borrow().is_empty() => {
                    Val::list(items.borrow().iter().map(each).collect::<Res<_>>()?)
                }
                _ => Val::None,
            }
        }
        "filter_by_networks" => {
            let [networks] = args.bind(name, ["networks"])?;
            by_networks(value, &required(networks, name, "networks")?)?
        }
        "ipwrap" => match value {
            Val::List(_) | Val::Tuple(_) => {
                Val::list(value.iterate()?.iter().map(wrapped).collect::<Res<_>>()?)
            }
            other => wrapped(other)?,
        },
        "mac_str_to_bytes" => mac_bytes(&value.to_text()?)?,
        _ => return Ok(None),
    }))
}

/// The versions that a filter lets through; true is 6.
fn wanted(name: &str) -> &'static [bool] {
    match name {
        "is_ipv4" | "ipv4" => &[false],
        "is_ipv6" | "ipv6" => &[true],
        _ => &[false, true],
    }
}

fn words(options: Option<Val>) -> Res<Vec<String>> {
    match options {
        None | Some(Val::None) => Ok(Vec::new()),
        Some(text) => Ok(text.to_text()?.split(',').map(|w| w.trim().to_owned()).collect()),
    }
}

/// An address, with the length of its network where one is given.
#[derive(Clone, Copy)]
struct Interface {
    address: IpAddr,
    prefix: Option<u32>,
}

impl Interface {
    fn parse(text: &str) -> Option<Self> {
        let Some((address, mask)) = text.split_once('/') else {
            return text.parse().ok().map(|address| Self { address, prefix: None });
        };
        let address: IpAddr = address.parse().ok()?;
        let prefix = match address {
            IpAddr::V4(_) => mask_length(mask)?,
            IpAddr::V6(_) => digits(mask).filter(|p| *p <= 128)?,
        };
        Some(Self { address, prefix: Some(prefix) })
    }

    fn width(&self) -> u32 {
        if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// The first address and the number of all, less one.
    fn network(&self) -> (u128, u128) {
        let host_bits = self.width() - self.prefix.unwrap_or(self.width());
        let rest = if host_bits >= 128 { u128::MAX } else { (1 << host_bits) - 1 };
        (number(self.address) & !rest, rest)
    }

    fn contains(&self, address: IpAddr) -> bool {
        let (first, rest) = self.network();
        self.address.is_ipv4() == address.is_ipv4() && number(address) & !rest == first
    }
}

impl std::fmt::Display for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.address)?;
        self.prefix.map_or(Ok(()), |prefix| write!(f, "/{prefix}"))
    }
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Reads `24`, `255.255.255.0` or `0.0.0.255`.
fn mask_length(mask: &str) -> Option<u32> {
    if let Some(length) = digits(mask) {
        return (length <= 32).then_some(length);
    }
    let bits = u32::from(mask.parse::<Ipv4Addr>().ok()?);
    let bits = if bits.leading_ones() == 0 { !bits } else { bits };
    (bits.leading_ones() + bits.trailing_zeros() == 32).then(|| bits.leading_ones())
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn address(like: IpAddr, number: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from(number).into(),
    }
}

/// Returns the address as text, if the value is one of this version that has all the options.
fn pick(value: &Val, v6: bool, options: &[String]) -> Option<String> {
    let found = match value {
        Val::Str(text) => Interface::parse(text)?,
        Val::Int(n) => Interface {
            address: match u32::try_from(*n) {
                Ok(n) => Ipv4Addr::from(n).into(),
                Err(_) => Ipv6Addr::from(u128::try_from(*n).ok()?).into(),
            },
            prefix: None,
        },
        _ => return None,
    };
    let fits = found.address.is_ipv6() == v6 && options.iter().all(|o| has(found.address, o));
    fits.then(|| found.to_string())
}

fn within(address: IpAddr, networks: &[&str]) -> bool {
    networks.iter().any(|n| Interface::parse(n).is_some_and(|n| n.contains(address)))
}

/// Tells whether an address has a property; a word that is none is not looked at, as in Salt.
fn has(address: IpAddr, option: &str) -> bool {
    const RESERVED: &[&str] = &[
        "240.0.0.0/4",
        "::/8",
        "100::/8",
        "200::/7",
        "400::/6",
        "800::/5",
        "1000::/4",
        "4000::/3",
        "6000::/3",
        "8000::/3",
        "a000::/3",
        "c000::/3",
        "e000::/4",
        "f000::/5",
        "f800::/6",
        "fe00::/9",
    ];
    match option {
        "global" | "public" => !is_private(address),
        "private" => is_private(address),
        "reserved" => within(address, RESERVED),
        "loopback" | "lo" => address.is_loopback(),
        "multicast" => address.is_multicast(),
        "unspecified" => address.is_unspecified(),
        "link-local" | "linklocal" | "link_local" | "ll" => within(address, &["169.254.0.0/16", "fe80::/10"]),
        "site-local" | "site_local" | "sl" => within(address, &["fec0::/10"]),
        _ => true,
    }
}

/// Lets the addresses of some versions through: a text or nothing for a text, a list for a list.
fn filtered(value: &Val, versions: &[bool], options: &[String]) -> Res<Val> {
    match value {
        Val::Str(_) => {
            let found = versions.iter().find_map(|v6| pick(value, *v6, options));
            Ok(found.map_or(Val::None, Val::str))
        }
        Val::List(_) | Val::Tuple(_) | Val::Iter(_) => {
            let items = value.iterate()?;
            let of = |v6: &bool| {
                let v6 = *v6;
                items.iter().filter_map(move |item| pick(item, v6, options)).map(Val::str)
            };
            Ok(Val::list(versions.iter().flat_map(of).collect()))
        }
        _ => Ok(Val::None),
    }
}

fn of_network(name: &str, text: &str) -> Res<Val> {
    let Some(interface) = Interface::parse(text) else { return Ok(Val::None) };
    let (first, rest) = interface.network();
    match name {
        "ip_host" => {
            let prefix = interface.prefix.unwrap_or(interface.width());
            Ok(Val::str(Interface { prefix: Some(prefix), ..interface }.to_string()))
        }
        "network_size" => Ok(Val::Int(i128::try_from(rest).unwrap_or(i128::MAX).saturating_add(1))),
        _ => {
            if rest > MAX_HOSTS {
                return Err(Fault::bounds(format!("{text} has more than {MAX_HOSTS} addresses to list")));
            }
            let last = first + rest;
            let hosts = match (rest, interface.address) {
                (0 | 1, _) => first..=last,
                (_, IpAddr::V4(_)) => first + 1..=last - 1,
                (_, IpAddr::V6(_)) => first + 1..=last,
            };
            Ok(Val::list(hosts.map(|n| Val::str(address(interface.address, n).to_string())).collect()))
        }
    }
}

fn by_networks(value: &Val, networks: &Val) -> Res<Val> {
    if matches!(networks, Val::None) {
        return Ok(value.clone());
    }
    let network = |v: &Val| {
        let text = v.to_text()?;
        let found = Interface::parse(&text).ok_or_else(|| {
            Fault::failed(format!("'{text}' does not appear to be an IPv4 or IPv6 network"))
        })?;
        if number(found.address) != found.network().0 {
            return Err(Fault::failed(format!("{text} has host bits set")));
        }
        Ok(found)
    };
    let networks = networks.iterate()?.iter().map(network).collect::<Res<Vec<_>>>()?;
    let keep = |list: &Val| -> Res<Val> {
        let mut out = Vec::new();
        for item in list.iterate()? {
            let text = item.to_text()?;
            let address: IpAddr = text.parse().map_err(|_| {
                Fault::failed(format!("'{text}' does not appear to be an IPv4 or IPv6 address"))
            })?;
            out.extend(networks.iter().filter(|n| n.contains(address)).map(|_| item.clone()));
        }
        Ok(Val::list(out))
    };
    match value {
        Val::Dict(interfaces) => {
            let entries = interfaces.borrow();
            let kept = entries.iter().map(|(k, v)| Ok((k.clone(), keep(v)?))).collect::<Res<_>>()?;
            Ok(Val::dict(kept))
        }
        other => keep(other),
    }
}

/// Puts an IPv6 address into brackets.
fn wrapped(value: &Val) -> Res<Val> {
    if pick(value, true, &[]).is_none() {
        return Ok(value.clone());
    }
    let text = value.to_text()?;
    let address: Ipv6Addr = text
        .parse()
        .map_err(|_| Fault::failed(format!("'{text}' does not appear to be an IPv4 or IPv6 address")))?;
    Ok(Val::str(format!("[{address}]")))
}

fn mac_bytes(text: &str) -> Res<Val> {
    let chars: Vec<char> = text.chars().collect();
    let hex: String = match chars.len() {
        12 => text.to_owned(),
        17 => chars.iter().filter(|c| **c != chars[2]).collect(),
        _ => return Err(Fault::failed("Invalid MAC address")),
    };
    let pairs = hex.as_bytes().chunks(2);
    let bytes = pairs.map(|p| std::str::from_utf8(p).ok().and_then(|p| u8::from_str_radix(p, 16).ok()));
    let bytes = bytes.collect::<Option<Vec<u8>>>().filter(|b| b.len() == 6);
    Ok(Val::Bytes(bytes.ok_or_else(|| Fault::failed("Invalid MAC address"))?.into()))
}
