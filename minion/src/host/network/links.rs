//! Links: what a message says about one, and the steps that make and change them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use lab_states::host::{
    BondMode, BondOptions, BridgeOptions, Cause, Kernel, LacpRate, LinkKind, MacvlanMode, NewLink, PortVlan,
    TapOptions, VxlanOptions, WITHOUT_FIRST_LINK, XmitHashPolicy,
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL, Nla};
use rtnetlink::packet_route::link::{
    AfSpecBridge, BridgeFlag, BridgeStpState, BridgeVlanInfo, BridgeVlanInfoFlags, InfoBond, InfoBridge,
    InfoData, InfoKind, InfoMacVlan, InfoTun, InfoVeth, InfoVlan, InfoVxlan, LinkAttribute, LinkFlags,
    LinkInfo, LinkMessage, State,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Session, tap};

/// How long a link may take to be able to send once a port of it carries; a worker of the kernel's, as a rule at once.
const OPERATIONAL_WITHIN: Duration = Duration::from_secs(3);
/// How often that is looked at.
const OPERATIONAL_LOOK: Duration = Duration::from_millis(1);

/// Reads what a link is; the numbers of other links become their names.
pub(super) fn read_kind(message: &LinkMessage, names: &HashMap<u32, String>) -> LinkKind {
    if message.header.flags.contains(LinkFlags::Loopback) {
        return LinkKind::Loopback;
    }
    let (mut lower, mut elsewhere) = (None, false);
    let mut infos: &[LinkInfo] = &[];
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::Link(index) => lower = names.get(index).cloned(),
            LinkAttribute::LinkNetNsId(_) => elsewhere = true,
            LinkAttribute::LinkInfo(found) => infos = found,
            _ => {}
        }
    }
    // A number of another namespace means nothing in this one.
    let lower = lower.filter(|_| !elsewhere);
    let kind = infos.iter().find_map(|i| if let LinkInfo::Kind(kind) = i { Some(kind) } else { None });
    let data = infos.iter().find_map(|i| if let LinkInfo::Data(data) = i { Some(data) } else { None });
    let Some(kind) = kind else { return LinkKind::Device };
    match (kind, data, lower) {
        (InfoKind::Bridge, Some(InfoData::Bridge(data)), _) => LinkKind::Bridge(read_bridge(data)),
        (InfoKind::Veth, _, peer) => LinkKind::Veth { peer },
        (InfoKind::Vlan, Some(InfoData::Vlan(data)), Some(link)) => {
            let id = data.iter().find_map(|i| if let InfoVlan::Id(id) = i { Some(*id) } else { None });
            LinkKind::Vlan { link, id: id.unwrap_or_default() }
        }
        (InfoKind::MacVlan, Some(InfoData::MacVlan(data)), Some(link)) => {
            let mode = data.iter().find_map(|i| match i {
                InfoMacVlan::Mode(mode) => u8::try_from(u32::from(*mode)).ok(),
                _ => None,
            });
            LinkKind::Macvlan { link, mode: mode.and_then(MacvlanMode::from_number).unwrap_or_default() }
        }
        (InfoKind::Bond, Some(InfoData::Bond(data)), _) => read_bond(data, names),
        (InfoKind::Vxlan, Some(InfoData::Vxlan(data)), _) => LinkKind::Vxlan(read_vxlan(data, names)),
        (InfoKind::Tun, Some(InfoData::Tun(data)), _) => LinkKind::Tap(read_tap(data)),
        (InfoKind::Dummy, ..) => LinkKind::Dummy,
        (other, ..) => LinkKind::Other(other.to_string()),
    }
}

fn read_bridge(data: &[InfoBridge]) -> BridgeOptions {
    let mut options = BridgeOptions::default();
    for item in data {
        match item {
            InfoBridge::StpState(state) => options.stp = *state != BridgeStpState::Disabled,
            InfoBridge::ForwardDelay(time) => options.forward_delay = *time,
            InfoBridge::HelloTime(time) => options.hello_time = *time,
            InfoBridge::MaxAge(time) => options.max_age = *time,
            InfoBridge::AgeingTime(time) => options.ageing_time = *time,
            InfoBridge::Priority(priority) => options.priority = *priority,
            InfoBridge::VlanFiltering(on) => options.vlan_filtering = *on,
            _ => {}
        }
    }
    options
}

fn read_bond(data: &[InfoBond], names: &HashMap<u32, String>) -> LinkKind {
    let (mut options, mut primary) = (BondOptions::default(), None);
    for item in data {
        match item {
            InfoBond::Mode(mode) => options.mode = BondMode::from_number((*mode).into()).unwrap_or_default(),
            InfoBond::MiiMon(time) => options.miimon = *time,
            InfoBond::UpDelay(time) => options.up_delay = *time,
            InfoBond::DownDelay(time) => options.down_delay = *time,
            InfoBond::AdLacpRate(rate) => {
                options.lacp_rate = LacpRate::from_number((*rate).into()).unwrap_or_default();
            }
            InfoBond::XmitHashPolicy(policy) => {
                options.xmit_hash_policy = XmitHashPolicy::from_number((*policy).into()).unwrap_or_default();
            }
            InfoBond::Primary(index) => primary = names.get(index).cloned(),
            _ => {}
        }
    }
    LinkKind::Bond { options, primary }
}

fn read_vxlan(data: &[InfoVxlan], names: &HashMap<u32, String>) -> VxlanOptions {
    let mut options = VxlanOptions::default();
    for item in data {
        match item {
            InfoVxlan::Id(id) => options.id = *id,
            InfoVxlan::Link(index) => options.link = names.get(index).cloned(),
            InfoVxlan::Local(ip) => options.local = Some(IpAddr::V4(*ip)),
            InfoVxlan::Local6(ip) => options.local = Some(IpAddr::V6(*ip)),
            InfoVxlan::Group(ip) => options.remote = Some(IpAddr::V4(*ip)),
            InfoVxlan::Group6(ip) => options.remote = Some(IpAddr::V6(*ip)),
            InfoVxlan::Port(port) => options.port = *port,
            InfoVxlan::Learning(on) => options.learning = *on,
            _ => {}
        }
    }
    options
}

/// Reads a tap's attributes, which the library leaves as bytes: owner 1, group 2, type 3, vnet header 5, persist 6,
/// several queues 7 (`IFLA_TUN_*`).
fn read_tap(data: &[InfoTun]) -> TapOptions {
    let mut options = TapOptions::default();
    for item in data {
        let mut bytes = vec![0; item.value_len()];
        item.emit_value(&mut bytes);
        let number = <[u8; 4]>::try_from(bytes.as_slice()).ok().map(u32::from_ne_bytes);
        let yes = bytes.first().is_some_and(|b| *b != 0);
        match item.kind() {
            1 => options.owner = number,
            2 => options.group = number,
            3 => options.tun = bytes.first() == Some(&1),
            5 => options.vnet_hdr = yes,
            6 => options.persist = yes,
            7 => options.multi_queue = yes,
            _ => {}
        }
    }
    options
}

impl Session<'_> {
    /// Makes a link. What the kernel does not take together with a new link is told right after.
    pub(super) fn create(&mut self, new: &NewLink) -> Result<(), Cause> {
        let NewLink { name, kind, mac, mtu, alias, up } = new;
        let mut message = named(name);
        message.attributes.extend(mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
        message.attributes.extend(mtu.map(LinkAttribute::Mtu));
        if *up {
            message.header.flags |= LinkFlags::Up;
            message.header.change_mask |= LinkFlags::Up;
        }
        if let LinkKind::Tap(options) = kind {
            let made = tap::open(name, options)?;
            made.persist()?;
            self.tell_link(message)?;
        } else {
            self.load_alone(module_of(kind));
            self.describe(&mut message, kind)?;
            let made = self
                .wire
                .tell(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
                .map_err(|cause| unknown_kind(kind, cause));
            made?;
        }
        self.indices.remove(name);
        match alias {
            Some(alias) => self.set(name, LinkAttribute::IfAlias(alias.clone())),
            None => Ok(()),
        }
    }

    /// Has a module loaded that the kernel would load itself for a new link, but with a first link that then is in the way:
    /// `bond0` exists already when the first bond is made.
    fn load_alone(&self, module: &str) {
        let Some((_, option)) = WITHOUT_FIRST_LINK.iter().find(|(m, _)| *m == module) else { return };
        if Path::new("/sys/module").join(module).exists() {
            return;
        }
        // Where it cannot be loaded the kernel says so when the link is made.
        if let Err(error) = self.host.module_load(module, &[format!("{option}=0")]) {
            tracing::debug!(%error, "left to the kernel");
        }
    }

    /// Adds to a message what the kind of a new link is.
    fn describe(&mut self, message: &mut LinkMessage, kind: &LinkKind) -> Result<(), Cause> {
        let (kind, data) = match kind {
            LinkKind::Bridge(options) => (InfoKind::Bridge, Some(InfoData::Bridge(bridge(options, None)))),
            LinkKind::Veth { peer: Some(peer) } => {
                let mut end = named(peer);
                end.attributes.extend(
                    message.attributes.iter().filter(|a| matches!(a, LinkAttribute::Mtu(_))).cloned(),
                );
                (InfoKind::Veth, Some(InfoData::Veth(InfoVeth::Peer(end))))
            }
            LinkKind::Vlan { link, id } => {
                message.attributes.push(LinkAttribute::Link(self.index(link)?));
                (InfoKind::Vlan, Some(InfoData::Vlan(vec![InfoVlan::Id(*id)])))
            }
            LinkKind::Macvlan { link, mode } => {
                message.attributes.push(LinkAttribute::Link(self.index(link)?));
                let mode = InfoMacVlan::Mode(u32::from(mode.number()).into());
                (InfoKind::MacVlan, Some(InfoData::MacVlan(vec![mode])))
            }
            LinkKind::Bond { options, primary } => {
                let mut data = bond(options, None);
                if let Some(primary) = primary {
                    data.push(InfoBond::Primary(self.index(primary)?));
                }
                (InfoKind::Bond, Some(InfoData::Bond(data)))
            }
            LinkKind::Vxlan(options) => (InfoKind::Vxlan, Some(InfoData::Vxlan(self.vxlan(options)?))),
            LinkKind::Dummy => (InfoKind::Dummy, None),
            other => {
                return Err(Cause::Unsupported(format!(
                    "lab does not make links of kind {}",
                    other.as_str()
                )));
            }
        };
        let mut infos = vec![LinkInfo::Kind(kind)];
        infos.extend(data.map(LinkInfo::Data));
        message.attributes.push(LinkAttribute::LinkInfo(infos));
        Ok(())
    }

    fn vxlan(&mut self, options: &VxlanOptions) -> Result<Vec<InfoVxlan>, Cause> {
        let VxlanOptions { id, link, local, remote, port, learning } = options;
        let mut data = vec![InfoVxlan::Id(*id), InfoVxlan::Port(*port), InfoVxlan::Learning(*learning)];
        if let Some(link) = link {
            data.push(InfoVxlan::Link(self.index(link)?));
        }
        data.extend(local.map(|ip| match ip {
            IpAddr::V4(ip) => InfoVxlan::Local(ip),
            IpAddr::V6(ip) => InfoVxlan::Local6(ip),
        }));
        data.extend(remote.map(|ip| match ip {
            IpAddr::V4(ip) => InfoVxlan::Group(ip),
            IpAddr::V6(ip) => InfoVxlan::Group6(ip),
        }));
        Ok(data)
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), Cause> {
        self.wire.tell(RouteNetlinkMessage::DelLink(named(name)), 0)?;
        self.indices.remove(name);
        Ok(())
    }

    /// Tells only what differs: some options are refused while the bridge is in use, even with the value they have.
    pub(super) fn set_bridge(&mut self, name: &str, options: &BridgeOptions) -> Result<(), Cause> {
        let LinkKind::Bridge(now) = read_kind(&self.get(name)?, &HashMap::new()) else {
            return Err(Cause::Other(format!("{name} is no bridge")));
        };
        let data = InfoData::Bridge(bridge(options, Some(&now)));
        self.set(name, LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge), LinkInfo::Data(data)]))
    }

    /// As [`Self::set_bridge`].
    pub(super) fn set_bond(
        &mut self,
        name: &str,
        options: &BondOptions,
        primary: Option<&str>,
    ) -> Result<(), Cause> {
        let message = self.get(name)?;
        let names: HashMap<u32, String> = self.indices.iter().map(|(n, i)| (*i, n.clone())).collect();
        let LinkKind::Bond { options: now, primary: first } = read_kind(&message, &names) else {
            return Err(Cause::Other(format!("{name} is no bond")));
        };
        let mut data = bond(options, Some(&now));
        if let Some(primary) = primary.filter(|p| first.as_deref() != Some(*p)) {
            data.push(InfoBond::Primary(self.index(primary)?));
        }
        let data = InfoData::Bond(data);
        self.set(name, LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bond), LinkInfo::Data(data)]))
    }

    pub(super) fn set_up(&mut self, link: &str, up: bool) -> Result<(), Cause> {
        self.flag(link, LinkFlags::Up, up)
    }

    pub(super) fn set_promisc(&mut self, link: &str, on: bool) -> Result<(), Cause> {
        self.flag(link, LinkFlags::Promisc, on)
    }

    fn flag(&mut self, link: &str, flag: LinkFlags, on: bool) -> Result<(), Cause> {
        let mut message = named(link);
        message.header.change_mask = flag;
        if on {
            message.header.flags = flag;
        }
        self.tell_link(message)
    }

    /// Waits until the kernel's own look at the carrier has put the link's queue in place of the one that throws away all.
    /// It has the lock under which we ask, so what is operational by its answer can send.
    pub(super) fn await_operational(&mut self, link: &str) -> Result<(), Cause> {
        let until = Instant::now() + OPERATIONAL_WITHIN;
        loop {
            let message = self.get(link)?;
            if message.attributes.contains(&LinkAttribute::OperState(State::Up)) {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(Cause::Other(format!(
                    "{link} cannot send after {} s, although a port of it has a carrier",
                    OPERATIONAL_WITHIN.as_secs()
                )));
            }
            std::thread::sleep(OPERATIONAL_LOOK);
        }
    }

    pub(super) fn set(&mut self, link: &str, attribute: LinkAttribute) -> Result<(), Cause> {
        let mut message = named(link);
        message.attributes.push(attribute);
        self.tell_link(message)
    }

    fn tell_link(&mut self, message: LinkMessage) -> Result<(), Cause> {
        self.wire.tell(RouteNetlinkMessage::NewLink(message), 0)
    }

    pub(super) fn port_vlan(
        &mut self,
        link: &str,
        bridge: bool,
        vlan: PortVlan,
        add: bool,
    ) -> Result<(), Cause> {
        let PortVlan { id, pvid, untagged } = vlan;
        let mut flags = BridgeVlanInfoFlags::empty();
        flags.set(BridgeVlanInfoFlags::Pvid, pvid);
        flags.set(BridgeVlanInfoFlags::Untagged, untagged);
        let mut specs = vec![AfSpecBridge::VlanInfo(BridgeVlanInfo { flags, vid: id })];
        if bridge {
            specs.insert(0, AfSpecBridge::Flags(BridgeFlag::LowerDev));
        }
        let mut message = LinkMessage::default();
        message.header.index = self.index(link)?;
        message.header.interface_family = AddressFamily::Bridge;
        message.attributes.push(LinkAttribute::AfSpecBridge(specs));
        let message =
            if add { RouteNetlinkMessage::SetLink(message) } else { RouteNetlinkMessage::DelLink(message) };
        self.wire.tell(message, 0)
    }
}

/// The kernel finds a link by name as well as by number.
fn named(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    message
}

/// Returns the options that differ from those that are there; all, for a new bridge.
fn bridge(options: &BridgeOptions, now: Option<&BridgeOptions>) -> Vec<InfoBridge> {
    let BridgeOptions { stp, forward_delay, hello_time, max_age, ageing_time, priority, vlan_filtering } =
        *options;
    let fresh = BridgeOptions::default();
    let have = now.unwrap_or(&fresh);
    let mut out = Vec::new();
    let mut add = |differs: bool, item: InfoBridge| {
        if differs {
            out.push(item);
        }
    };
    add(have.forward_delay != forward_delay, InfoBridge::ForwardDelay(forward_delay));
    add(have.hello_time != hello_time, InfoBridge::HelloTime(hello_time));
    add(have.max_age != max_age, InfoBridge::MaxAge(max_age));
    add(have.ageing_time != ageing_time, InfoBridge::AgeingTime(ageing_time));
    add(have.priority != priority, InfoBridge::Priority(priority));
    add(have.vlan_filtering != vlan_filtering, InfoBridge::VlanFiltering(vlan_filtering));
    let state = if stp { BridgeStpState::KernelStp } else { BridgeStpState::Disabled };
    add(have.stp != stp, InfoBridge::StpState(state));
    out
}

/// As [`bridge`]. A delay needs the interval that it is a multiple of, so that comes first.
fn bond(options: &BondOptions, now: Option<&BondOptions>) -> Vec<InfoBond> {
    let BondOptions { mode, miimon, up_delay, down_delay, lacp_rate, xmit_hash_policy } = *options;
    let fresh = BondOptions::default();
    let have = now.unwrap_or(&fresh);
    let mut out = Vec::new();
    let mut add = |differs: bool, item: InfoBond| {
        if differs {
            out.push(item);
        }
    };
    add(have.mode != mode, InfoBond::Mode(mode.number().into()));
    add(have.miimon != miimon, InfoBond::MiiMon(miimon));
    add(have.up_delay != up_delay, InfoBond::UpDelay(up_delay));
    add(have.down_delay != down_delay, InfoBond::DownDelay(down_delay));
    add(have.lacp_rate != lacp_rate, InfoBond::AdLacpRate(lacp_rate.number().into()));
    let policy = InfoBond::XmitHashPolicy(xmit_hash_policy.number().into());
    add(have.xmit_hash_policy != xmit_hash_policy, policy);
    out
}

fn module_of(kind: &LinkKind) -> &str {
    match kind {
        LinkKind::Vlan { .. } => "8021q",
        LinkKind::Bond { .. } => "bonding",
        other => other.as_str(),
    }
}

/// Says what would help when the kernel does not know a kind of link.
fn unknown_kind(kind: &LinkKind, cause: Cause) -> Cause {
    let module = module_of(kind);
    match cause {
        Cause::Unsupported(_) => unknown(kind, module),
        Cause::Other(text) if text.starts_with("Unknown device type") => unknown(kind, module),
        other => other,
    }
}

fn unknown(kind: &LinkKind, module: &str) -> Cause {
    Cause::Unsupported(format!(
        "this kernel makes no links of kind {}: its module {module} is neither built in nor could it be loaded",
        kind.as_str()
    ))
}

#[cfg(test)]
mod tests {
    use rtnetlink::packet_core::DefaultNla;

    use super::*;

    #[test]
    fn only_options_that_differ_are_told() {
        let now = BridgeOptions { stp: true, ..BridgeOptions::default() };
        assert_eq!(bridge(&now, Some(&now)), []);
        let longer = BridgeOptions { forward_delay: 400, ..now };
        assert_eq!(bridge(&longer, Some(&now)), [InfoBridge::ForwardDelay(400)]);
        assert_eq!(bond(&BondOptions::default(), None), []);
    }

    #[test]
    fn a_taps_attributes_are_read_from_their_bytes() {
        let item = |kind, bytes: &[u8]| InfoTun::Other(DefaultNla::new(kind, bytes.to_vec()));
        let data = [item(1, &107u32.to_ne_bytes()), item(3, &[2]), item(6, &[1]), item(99, &[])];
        let want = TapOptions { owner: Some(107), persist: true, ..TapOptions::default() };
        assert_eq!(read_tap(&data), want);
    }
}
