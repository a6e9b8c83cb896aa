//! Names and addresses of the links.

use lab_proto::{Map, Value};
use lab_states::host::{Link, NetSnapshot};

use super::put;

pub(super) fn add(grains: &mut Map, net: &NetSnapshot) {
    let by_link = |pick: &dyn Fn(&Link) -> Value| {
        net.links.iter().map(|l| (Value::from(l.name.as_str()), pick(l))).collect::<Map>()
    };
    let addresses = |link: &Link, wanted: &dyn Fn(bool) -> bool| {
        let ours = link.addresses.iter().filter(|a| wanted(a.ip.is_ipv4()));
        Value::List(ours.map(|a| Value::from(a.ip.to_string())).collect())
    };
    put(grains, "ip_interfaces", by_link(&|l| addresses(l, &|_| true)));
    put(grains, "ip4_interfaces", by_link(&|l| addresses(l, &|v4| v4)));
    put(grains, "ip6_interfaces", by_link(&|l| addresses(l, &|v4| !v4)));
    let hardware =
        |l: &Link| Value::from(l.mac.map_or_else(|| "00:00:00:00:00:00".to_owned(), |m| m.to_string()));
    put(grains, "hwaddr_interfaces", by_link(&hardware));
    for (grain, v4) in [("ipv4", true), ("ipv6", false)] {
        let mut all: Vec<_> = net
            .links
            .iter()
            .flat_map(|l| &l.addresses)
            .map(|a| a.ip)
            .filter(|ip| ip.is_ipv4() == v4)
            .collect();
        all.sort();
        put(grains, grain, all.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_states::host::Network;
    use lab_states::host::sim::SimHost;

    #[test]
    fn links_are_listed_with_their_addresses_by_family() {
        let host = SimHost::new().with_nic("eth0", "10.0.0.5/24", None).with_nic("eth1", "fd00::5/64", None);
        let mut grains = Map::new();
        add(&mut grains, &host.net_snapshot().unwrap());
        let at = |grain: &str, link: &str| grains.get(grain).and_then(|g| g.get(link)).cloned();
        assert_eq!(at("ip4_interfaces", "eth0"), Some(Value::from(vec!["10.0.0.5"])));
        assert_eq!(at("ip6_interfaces", "eth0"), Some(Value::List(vec![])));
        assert_eq!(at("ip_interfaces", "eth1"), Some(Value::from(vec!["fd00::5"])));
        assert_eq!(grains.get("ipv4"), Some(&Value::from(vec!["10.0.0.5", "127.0.0.1"])));
    }
}
