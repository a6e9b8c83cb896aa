//! The arguments of each state as they are written.

use std::collections::BTreeMap;

use lab_proto::Value;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct BridgeArgs {
    pub(super) stp: Option<bool>,
    pub(super) forward_delay: Option<Value>,
    pub(super) hello_time: Option<Value>,
    pub(super) max_age: Option<Value>,
    pub(super) ageing_time: Option<Value>,
    pub(super) priority: Option<u16>,
    pub(super) vlan_filtering: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Vlan {
    pub(super) link: Value,
    pub(super) id: Value,
}

#[derive(Deserialize)]
pub(super) struct BondArgs {
    pub(super) mode: Option<String>,
    pub(super) miimon: Option<Value>,
    pub(super) up_delay: Option<Value>,
    pub(super) down_delay: Option<Value>,
    pub(super) lacp_rate: Option<String>,
    pub(super) xmit_hash_policy: Option<String>,
    pub(super) primary: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Veth {
    pub(super) peer: String,
    pub(super) peer_port_of: Option<Value>,
    #[serde(default)]
    pub(super) peer_addresses: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct TapArgs {
    pub(super) owner: Option<String>,
    pub(super) group: Option<String>,
    #[serde(default)]
    pub(super) multi_queue: bool,
}

#[derive(Deserialize)]
pub(super) struct Macvlan {
    pub(super) link: Value,
    pub(super) mode: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Vxlan {
    pub(super) id: u32,
    pub(super) link: Option<Value>,
    pub(super) local: Option<String>,
    pub(super) remote: Option<String>,
    pub(super) port: Option<u16>,
}

#[derive(Deserialize)]
pub(super) struct Force {
    #[serde(default)]
    pub(super) force: bool,
}

#[derive(Deserialize)]
pub(super) struct AddressArgs {
    pub(super) link: Value,
}

#[derive(Deserialize)]
pub(super) struct RouteArgs {
    pub(super) to: Option<String>,
    pub(super) via: Option<String>,
    pub(super) link: Option<Value>,
    pub(super) source: Option<String>,
    pub(super) metric: Option<u32>,
    pub(super) table: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) onlink: bool,
    pub(super) mtu: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct RuleArgs {
    pub(super) priority: u32,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) iif: Option<String>,
    pub(super) oif: Option<String>,
    pub(super) fwmark: Option<u32>,
    pub(super) table: Option<String>,
    pub(super) action: Option<String>,
    #[serde(default)]
    pub(super) v6: bool,
}

#[derive(Deserialize)]
pub(super) struct DnsArgs {
    #[serde(default)]
    pub(super) nameservers: Vec<String>,
    #[serde(default)]
    pub(super) search: Vec<String>,
    #[serde(default)]
    pub(super) options: Vec<String>,
    pub(super) path: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Config {
    pub(super) uplink: Option<Value>,
    #[serde(default)]
    pub(super) interfaces: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) routes: Vec<Value>,
    #[serde(default)]
    pub(super) rules: Vec<Value>,
    pub(super) dns: Option<Value>,
    #[serde(default)]
    pub(super) modules: BTreeMap<String, Option<BTreeMap<String, String>>>,
    #[serde(default)]
    pub(super) sysctl: BTreeMap<String, String>,
}
