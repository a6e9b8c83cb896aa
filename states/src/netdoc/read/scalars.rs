//! Names, numbers, times and addresses as people write them.

use std::net::IpAddr;
use std::time::Duration;

use lab_proto::Value;

use super::{Found, LinkRef};
use crate::host::{Address, MAIN_TABLE, Mac};
use crate::nearest::nearest;

/// The longest name that the kernel takes, in bytes (`IFNAMSIZ` less the terminator).
const MAX_NAME: usize = 15;
/// What IPv4 needs at least (RFC 791), and the most that the kernel's links take.
const MTU: std::ops::RangeInclusive<u32> = 68..=65535;

/// Checks a link's name.
pub(in crate::netdoc) fn link_name(name: &str) -> Found<()> {
    let bad = |why: &str| Err(format!("{name:?} is not the name of a link: {why}"));
    if name.is_empty() || name == "." || name == ".." {
        return bad("it is empty or a directory name");
    }
    if name.len() > MAX_NAME {
        return bad(&format!("it has {} bytes, and the kernel takes at most 15", name.len()));
    }
    if name.chars().any(|c| c == '/' || c == ':' || c.is_whitespace() || c.is_control()) {
        return bad("it has a slash, a colon or white space");
    }
    if ["all", "default"].contains(&name) {
        return bad("the kernel means all links by it");
    }
    if name == "lo" {
        return bad("the loopback is the kernel's; address.present gives it further addresses");
    }
    Ok(())
}

/// Reads which link is meant: a name, a hardware address, `default-route`, `{capture: default-route}`,
/// `{bridge-of: tap0}`.
pub(super) fn link_ref(value: &Value) -> Found<LinkRef> {
    if let Value::Map(map) = value {
        let entry = map.iter().next().filter(|_| map.len() == 1);
        let entry = entry.and_then(|(k, v)| Some((k.as_str()?, v.as_str()?)));
        return match entry {
            Some(("capture", "default-route")) => Ok(LinkRef::DefaultRoute),
            Some(("mac", mac)) => {
                mac.parse().map(LinkRef::Mac).map_err(|e: crate::host::MacError| e.to_string())
            }
            Some(("bridge-of" | "bridge_of", link)) => {
                link_name(link)?;
                Ok(LinkRef::BridgeOf(link.to_owned()))
            }
            _ => Err(format!(
                "{value} names no link: write its name, {{capture: default-route}}, {{mac: …}} or {{bridge-of: …}}"
            )),
        };
    }
    let Some(text) = crate::function::scalar_text(value) else {
        return Err(format!("{value} names no link: write its name"));
    };
    if text == "default-route" {
        return Ok(LinkRef::DefaultRoute);
    }
    if let Ok(mac) = text.parse::<Mac>() {
        return Ok(LinkRef::Mac(mac));
    }
    if text == "lo" {
        return Ok(LinkRef::Name(text));
    }
    link_name(&text)?;
    Ok(LinkRef::Name(text))
}

pub(super) fn mtu(name: &str, mtu: u32) -> Found<u32> {
    if MTU.contains(&mtu) { Ok(mtu) } else { Err(format!("{name}: mtu {mtu} is out of range: 68 to 65535")) }
}

/// Reads a VLAN's number.
pub(super) fn vlan_id(value: &Value) -> Found<u16> {
    let number = crate::function::scalar_text(value).and_then(|t| t.parse::<i64>().ok());
    match number {
        Some(id @ 1..=4094) => u16::try_from(id).map_err(|e| e.to_string()),
        _ => Err(format!("{value} is no VLAN number: 1 to 4094 (0 and 4095 are reserved by 802.1Q)")),
    }
}

/// Reads an address with the length of its prefix.
pub(super) fn address(text: &str) -> Found<Address> {
    let bad = |why: &str| format!("{text:?} is not an address like 192.168.1.10/24: {why}");
    let Some((ip, prefix)) = text.split_once('/') else {
        let remedy = match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => format!("the prefix length is missing (did you mean {text}/24?)"),
            Ok(IpAddr::V6(_)) => format!("the prefix length is missing (did you mean {text}/64?)"),
            Err(_) => "it is no IP address, and the prefix length is missing".to_owned(),
        };
        return Err(bad(&remedy));
    };
    let ip: IpAddr = ip.parse().map_err(|_| {
        let parts = ip.split('.').count();
        if !ip.contains(':') && parts < 4 {
            return bad(&format!("the part before the slash has {parts} numbers of 4"));
        }
        bad("the part before the slash is no IP address")
    })?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix.parse::<u8>() {
        Ok(prefix) if prefix <= most => prefix,
        Err(_) if prefix.contains('.') => {
            return Err(bad("write the length of the prefix in place of a netmask (255.255.255.0 is /24)"));
        }
        _ => return Err(bad(&format!("the prefix length must be a number from 0 to {most}"))),
    };
    let address = Address { ip, prefix };
    if ip.is_multicast() || ip.is_unspecified() {
        return Err(bad("a link cannot have it"));
    }
    if ip.is_ipv4() && prefix < 31 {
        if address.network().ip == ip {
            return Err(bad(&format!("it is the network's own address; hosts of {text} have others")));
        }
        if !address.holds(ip) || is_broadcast(address) {
            return Err(bad("it is the network's broadcast address"));
        }
    }
    Ok(address)
}

fn is_broadcast(address: Address) -> bool {
    let IpAddr::V4(ip) = address.ip else { return false };
    let hosts = u32::MAX.checked_shr(u32::from(address.prefix)).unwrap_or(0);
    u32::from(ip) & hosts == hosts
}

/// Reads a network, or one address.
pub(super) fn network(text: &str) -> Found<Address> {
    let whole = match text.parse::<IpAddr>() {
        Ok(ip) => Address { ip, prefix: if ip.is_ipv4() { 32 } else { 128 } },
        Err(_) => text.parse::<Address>().map_err(|_| {
            format!(
                "{text:?} is not a network like 10.32.45.0/24: four numbers, a slash, and the prefix length"
            )
        })?,
    };
    if whole.network() != whole {
        return Err(format!("{text} has bits behind its prefix; did you mean {}?", whole.network()));
    }
    Ok(whole)
}

pub(super) fn ip(what: &str, text: &str) -> Found<IpAddr> {
    text.parse().map_err(|_| {
        let slash = if text.contains('/') { " (without a prefix length)" } else { "" };
        format!("{what}: {text:?} is not an IP address{slash}")
    })
}

pub(super) fn table(text: &str) -> Found<u32> {
    match text {
        "main" => Ok(MAIN_TABLE),
        "default" => Ok(253),
        "local" | "255" => Err("table local is the kernel's own; choose another one".to_owned()),
        other => other.parse().ok().filter(|t| *t > 0).ok_or_else(|| {
            format!("table {other:?} is no number from 1 to 4294967295 and not main or default")
        }),
    }
}

/// Reads a time: `4`, `4s`, `400ms`; a bare number is seconds. Returns hundredths of a second, the kernel's unit here.
pub(super) fn centiseconds(what: &str, value: &Value) -> Found<u32> {
    let time = duration(what, value, Duration::from_secs(1))?;
    u32::try_from(time.as_millis() / 10).map_err(|_| format!("{what}: {value} is too long"))
}

/// As [`centiseconds`], but a bare number is milliseconds, and so is the answer.
pub(super) fn milliseconds(what: &str, value: &Value) -> Found<u32> {
    let time = duration(what, value, Duration::from_millis(1))?;
    u32::try_from(time.as_millis()).map_err(|_| format!("{what}: {value} is too long"))
}

fn duration(what: &str, value: &Value, unit: Duration) -> Found<Duration> {
    let example = if unit == Duration::from_secs(1) { "4 or 4s" } else { "100 or 100ms" };
    let bad = || format!("{what}: {value} is not a time like {example}");
    let text = crate::function::scalar_text(value).ok_or_else(bad)?;
    let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, Duration::from_millis(1)),
        (None, Some(number)) => (number, Duration::from_secs(1)),
        (None, None) => (text.as_str(), unit),
    };
    let number: f64 = number.trim().parse().map_err(|_| bad())?;
    Duration::try_from_secs_f64(number * unit.as_secs_f64()).map_err(|_| bad())
}

/// Reads a word of a list, and names the nearest one for a wrong one.
pub(super) fn named<T: Copy + 'static>(
    what: &str,
    text: &str,
    parse: fn(&str) -> Option<T>,
    all: &'static [T],
    word: fn(T) -> &'static str,
) -> Found<T> {
    parse(text).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|v| word(*v)).collect();
        let meant = nearest(text, words.iter().copied()).map(|n| format!("; did you mean {n}?"));
        format!("{what}: {text:?} is none of {}{}", words.join(", "), meant.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_the_kernel_refuses_are_refused_before() {
        for bad in ["", ".", "br/0", "br 0", "br:0", "a-name-of-16-byt", "all", "lo"] {
            assert!(link_name(bad).is_err(), "{bad}");
        }
        assert!(link_name("br-lab").is_ok());
    }

    #[test]
    fn times_are_read_with_and_without_a_unit() {
        for (value, want) in [
            (Value::from(4), 400),
            (Value::from("4s"), 400),
            (Value::from("2500ms"), 250),
            (Value::from("0.5"), 50),
            (Value::Float(1.5), 150),
        ] {
            assert_eq!(centiseconds("x", &value), Ok(want), "{value}");
        }
        for bad in [Value::from(-1), Value::from("soon"), Value::from("nan"), Value::Null] {
            assert!(centiseconds("x", &bad).is_err(), "{bad}");
        }
        assert_eq!(milliseconds("x", &Value::from(140)), Ok(140));
    }

    #[test]
    fn addresses_are_refused_with_what_would_be_right() {
        let said = |text: &str| address(text).unwrap_err();
        assert!(said("10.32.45/24").contains("3 numbers of 4"));
        assert!(said("10.0.0.1").contains("10.0.0.1/24"));
        assert!(said("10.0.0.1/255.255.255.0").contains("/24"));
        assert!(said("10.0.0.0/24").contains("network's own"));
        assert!(said("10.0.0.255/24").contains("broadcast"));
        assert!(address("10.0.0.0/31").is_ok() && address("fd00::/64").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,40}") {
            let value = Value::from(text.as_str());
            let _ = (address(&text), network(&text), link_ref(&value), vlan_id(&value), table(&text));
            let _ = (centiseconds("x", &value), milliseconds("x", &value));
        }
    }
}
