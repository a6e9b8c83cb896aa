//! What is said of each kind of link.

use lab_proto::{Map, Value};

use super::args::{BondArgs, BridgeArgs, Vxlan};
use super::scalars::{self, centiseconds, link_ref, milliseconds, named, vlan_id};
use super::{COMMON, Found, typed};
use crate::host::{BondMode, LacpRate, PortVlan, XmitHashPolicy};
use crate::nearest::nearest;
use crate::netdoc::document::{Bond, Bridge, Kind, MacFrom};

pub(super) fn known_keys(name: &str, kind: &str, body: &Map) -> Found<()> {
    let own: &[&str] = match kind {
        "bridge" => &[
            "ports",
            "take_over",
            "port_vlans",
            "stp",
            "forward_delay",
            "hello_time",
            "max_age",
            "ageing_time",
            "priority",
            "vlan_filtering",
        ],
        "vlan" => &["link", "id"],
        "bond" => &[
            "ports",
            "take_over",
            "mode",
            "miimon",
            "up_delay",
            "down_delay",
            "lacp_rate",
            "xmit_hash_policy",
            "primary",
        ],
        "veth" => &["peer", "peer_port_of", "peer_addresses"],
        "tap" | "tun" => &["owner", "group", "multi_queue"],
        "macvlan" => &["link", "mode"],
        "vxlan" => &["id", "link", "local", "remote", "port"],
        _ => &[],
    };
    let known = || own.iter().copied().chain(COMMON).chain(["type"]);
    for key in body.keys().filter_map(Value::as_str) {
        if !known().any(|k| k == key) {
            let meant = nearest(key, known()).map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            return Err(format!("{name}: a {kind} has no {key}{meant}"));
        }
    }
    Ok(())
}

pub(super) fn mac_from(text: &str) -> Found<MacFrom> {
    if matches!(text, "from-uplink" | "uplink") {
        return Ok(MacFrom::Uplink);
    }
    let mac: crate::host::Mac = text.parse().map_err(|e: crate::host::MacError| e.to_string())?;
    if mac.0[0] & 1 == 1 {
        return Err(format!("mac {mac} is a group's address: the first byte of a link's must be even"));
    }
    Ok(MacFrom::Given(mac))
}

pub(super) fn vlans(pvid: Option<&Value>, vids: &[Value]) -> Found<Vec<PortVlan>> {
    let mut all = Vec::new();
    if let Some(pvid) = pvid {
        all.push(PortVlan { id: vlan_id(pvid)?, pvid: true, untagged: true });
    }
    for vid in vids {
        let id = vlan_id(vid)?;
        if !all.iter().any(|v| v.id == id) {
            all.push(PortVlan { id, pvid: false, untagged: false });
        }
    }
    all.sort();
    Ok(all)
}

pub(super) fn bridge(name: &str, args: &Map) -> Found<Bridge> {
    let BridgeArgs { stp, forward_delay, hello_time, max_age, ageing_time, priority, vlan_filtering } =
        typed(args)?;
    let time = |what: &str, value: Option<Value>| value.map(|v| centiseconds(what, &v)).transpose();
    let bridge = Bridge {
        stp,
        forward_delay: time("forward_delay", forward_delay)?,
        hello_time: time("hello_time", hello_time)?,
        max_age: time("max_age", max_age)?,
        ageing_time: time("ageing_time", ageing_time)?,
        priority,
        vlan_filtering,
    };
    let within = |what: &str, value: Option<u32>, low: u32, high: u32| match value {
        Some(v) if stp == Some(true) && !(low * 100..=high * 100).contains(&v) => {
            Err(format!("{name}: {what} is out of range with stp on: {low} to {high} seconds (802.1D)"))
        }
        _ => Ok(()),
    };
    within("forward_delay", bridge.forward_delay, 2, 30)?;
    within("hello_time", bridge.hello_time, 1, 10)?;
    within("max_age", bridge.max_age, 6, 40)?;
    Ok(bridge)
}

pub(super) fn bond(name: &str, args: &Map) -> Found<Bond> {
    let BondArgs { mode, miimon, up_delay, down_delay, lacp_rate, xmit_hash_policy, primary } = typed(args)?;
    let mode =
        mode.map(|m| named("mode", &m, BondMode::parse, BondMode::ALL, BondMode::as_str)).transpose()?;
    let lacp_rate = lacp_rate
        .map(|r| named("lacp_rate", &r, LacpRate::parse, LacpRate::ALL, LacpRate::as_str))
        .transpose()?;
    let policy = |p: String| {
        named("xmit_hash_policy", &p, XmitHashPolicy::parse, XmitHashPolicy::ALL, XmitHashPolicy::as_str)
    };
    let bond = Bond {
        mode,
        miimon: miimon.map(|v| milliseconds("miimon", &v)).transpose()?,
        up_delay: up_delay.map(|v| milliseconds("up_delay", &v)).transpose()?,
        down_delay: down_delay.map(|v| milliseconds("down_delay", &v)).transpose()?,
        lacp_rate,
        xmit_hash_policy: xmit_hash_policy.map(policy).transpose()?,
        primary: primary.map(|p| link_ref(&p)).transpose()?,
    };
    let mode = mode.unwrap_or_default();
    if bond.lacp_rate.is_some() && mode != BondMode::Lacp {
        return Err(format!("{name}: lacp_rate is for mode 802.3ad only, not {}", mode.as_str()));
    }
    let prefers = matches!(mode, BondMode::ActiveBackup | BondMode::BalanceTlb | BondMode::BalanceAlb);
    if bond.primary.is_some() && !prefers {
        return Err(format!(
            "{name}: primary is for the modes active-backup, balance-tlb and balance-alb, not {}",
            mode.as_str()
        ));
    }
    let delays = bond.up_delay.or(bond.down_delay).is_some_and(|d| d > 0);
    if delays && bond.miimon == Some(0) {
        return Err(format!("{name}: up_delay and down_delay need a miimon: say `miimon: 100`"));
    }
    Ok(bond)
}

pub(super) fn vxlan(name: &str, args: &Map) -> Found<Kind> {
    let Vxlan { id, link, local, remote, port } = typed(args)?;
    if !(1..1 << 24).contains(&id) {
        return Err(format!("{name}: {id} is no VXLAN number: 1 to 16777215"));
    }
    let local = local.map(|l| scalars::ip("local", &l)).transpose()?;
    let remote = remote.map(|r| scalars::ip("remote", &r)).transpose()?;
    if let (Some(local), Some(remote)) = (local, remote)
        && local.is_ipv4() != remote.is_ipv4()
    {
        return Err(format!("{name}: local and remote are of different IP versions"));
    }
    if remote.is_some_and(|r| r.is_multicast()) && link.is_none() {
        return Err(format!("{name}: a multicast group needs a link to be reached by: add `link`"));
    }
    Ok(Kind::Vxlan {
        id,
        link: link.map(|l| link_ref(&l)).transpose()?,
        local,
        remote,
        port: port.unwrap_or(4789),
    })
}
