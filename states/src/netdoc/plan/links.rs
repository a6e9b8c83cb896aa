//! Steps about links.

use super::super::Wrong;
use super::super::check::name;
use super::super::document::{Bond, Bridge, Document, Interface, Kind, MacFrom, Tap};
use super::Plan;
use crate::host::{
    BondMode, BondOptions, BridgeOptions, LAB_ALIAS, Link, LinkKind, Mac, NetStep, NewLink, PortVlan,
    TapOptions, VxlanOptions,
};

/// How often a bond looks at the carrier of its ports when nothing is said; without it a dead port is never noticed.
const MIIMON: u32 = 100;

impl Plan<'_> {
    pub(super) fn make_links(&mut self, document: &Document, order: &[&Interface]) -> Result<(), Wrong> {
        // A link must be as wide as what will stand on it before that is made or widened.
        for i in order {
            if let Some(mtu) = i.mtu.filter(|m| self.link(&i.name).is_some_and(|l| l.mtu < *m)) {
                self.push(i.owner, NetStep::SetMtu { link: i.name.clone(), mtu })?;
            }
            self.make(document, i)?;
        }
        // Narrowing goes the other way.
        for i in order.iter().rev() {
            if let Some(mtu) = i.mtu.filter(|m| self.link(&i.name).is_some_and(|l| l.mtu > *m)) {
                self.push(i.owner, NetStep::SetMtu { link: i.name.clone(), mtu })?;
            }
        }
        order.iter().try_for_each(|i| self.adjust(i))
    }

    fn make(&mut self, document: &Document, i: &Interface) -> Result<(), Wrong> {
        if self.link(&i.name).is_some() {
            return Ok(());
        }
        let kind = match &i.kind {
            Kind::Existing => return Ok(()),
            // The spanning tree protocol waits until the ports are in and forward, filtering until they are in their VLANs.
            Kind::Bridge(want) => {
                let options = bridge(want, BridgeOptions::default());
                LinkKind::Bridge(BridgeOptions { stp: false, vlan_filtering: false, ..options })
            }
            Kind::Vlan { link, id } => LinkKind::Vlan { link: name(link).to_owned(), id: *id },
            // The port that is preferred is told once it is one.
            Kind::Bond(want) => LinkKind::Bond { options: bond(want, None), primary: None },
            Kind::Veth { peer } => LinkKind::Veth { peer: Some(peer.clone()) },
            Kind::Tap(want) => LinkKind::Tap(tap(want, None)),
            Kind::Macvlan { link, mode } => LinkKind::Macvlan { link: name(link).to_owned(), mode: *mode },
            Kind::Vxlan { id, link, local, remote, port } => LinkKind::Vxlan(VxlanOptions {
                id: *id,
                link: link.as_ref().map(|l| name(l).to_owned()),
                local: *local,
                remote: *remote,
                port: *port,
                learning: true,
            }),
            Kind::Dummy => LinkKind::Dummy,
        };
        let uplink = i.take_over.as_ref().map(name).and_then(|u| self.link(u));
        let mtu = i.mtu.or(uplink.map(|l| l.mtu));
        let mac = self.mac(i);
        let peer = if let Kind::Veth { peer } = &i.kind { Some(peer.clone()) } else { None };
        let alias = Some(LAB_ALIAS.to_owned());
        let new = NewLink { name: i.name.clone(), kind, mac, mtu, alias, up: true };
        self.push(i.owner, NetStep::CreateLink(new))?;
        match peer {
            Some(peer) => self.other_end(document, i, &peer),
            None => Ok(()),
        }
    }

    fn other_end(&mut self, document: &Document, i: &Interface, peer: &str) -> Result<(), Wrong> {
        let owner = document.interfaces.get(peer).map_or(i.owner, |p| p.owner);
        self.push(owner, NetStep::SetAlias { link: peer.to_owned(), alias: Some(LAB_ALIAS.to_owned()) })?;
        self.push(owner, NetStep::SetUp { link: peer.to_owned(), up: true })
    }

    fn mac(&self, i: &Interface) -> Option<Mac> {
        match i.mac {
            Some(MacFrom::Given(mac)) => Some(mac),
            Some(MacFrom::Uplink) => {
                let first = i.take_over.as_ref().or(i.ports.first().map(|p| &p.what));
                first.map(name).and_then(|u| self.link(u)?.mac)
            }
            None => None,
        }
    }

    /// Brings a link that is there in shape, except for what must wait until its ports are in.
    fn adjust(&mut self, i: &Interface) -> Result<(), Wrong> {
        let steps = match self.link(&i.name) {
            Some(have) => self.adjustments(i, have)?,
            None => return Ok(()),
        };
        steps.into_iter().try_for_each(|step| self.push(i.owner, step))
    }

    fn adjustments(&self, i: &Interface, have: &Link) -> Result<Vec<NetStep>, Wrong> {
        let link = || i.name.clone();
        let mut steps = Vec::new();
        if let Some(mac) = self.mac(i).filter(|m| have.mac != Some(*m)) {
            steps.push(NetStep::SetMac { link: link(), mac });
        }
        if let Some(on) = i.promisc.filter(|p| have.promisc != *p) {
            steps.push(NetStep::SetPromisc { link: link(), on });
        }
        match (&i.kind, &have.kind) {
            (Kind::Tap(want), LinkKind::Tap(options)) => {
                let options = (tap(want, Some(options)), options);
                if options.0 != *options.1 {
                    steps.push(NetStep::SetTap { name: link(), options: options.0 });
                }
            }
            (Kind::Bond(want), LinkKind::Bond { options, primary }) => {
                let wanted = bond(want, Some(options));
                if wanted != *options {
                    let primary = primary.clone();
                    steps.push(NetStep::SetBond { name: link(), options: wanted, primary });
                }
            }
            (Kind::Veth { peer }, LinkKind::Veth { peer: have }) if have.as_ref() != Some(peer) => {
                let other = have.as_deref().unwrap_or("another namespace");
                let text = format!(
                    "{} is there already and is the end of a cable to {other}, not to {peer}: choose another name",
                    i.name
                );
                return Err(Wrong::new(i.owner, text));
            }
            (Kind::Vxlan { id, .. }, LinkKind::Vxlan(options)) if options.id != *id => {
                let text = format!(
                    "{} is VXLAN {} already and cannot become {id}: choose another name, or remove it first with vxlan.absent",
                    i.name, options.id
                );
                return Err(Wrong::new(i.owner, text));
            }
            _ => {}
        }
        if !have.up && i.kind != Kind::Existing {
            steps.push(NetStep::SetUp { link: link(), up: true });
        }
        Ok(steps)
    }

    pub(super) fn plug_ports(&mut self, document: &Document, order: &[&Interface]) -> Result<(), Wrong> {
        for i in order {
            for port in &i.ports {
                self.plug(document, port.owner, name(&port.what), &i.name)?;
            }
        }
        for i in document.interfaces.values() {
            if let Some(master) = &i.port_of {
                self.plug(document, master.owner, &i.name, name(&master.what))?;
            }
        }
        // A bridge becomes as narrow as its narrowest port, unless it was told otherwise afterwards.
        for i in order {
            if let (Some(mtu), Kind::Bridge(_)) = (i.mtu, &i.kind)
                && self.net.ports_of(&i.name).any(|p| p.mtu < mtu)
                && self.link(&i.name).is_some_and(|l| l.mtu != mtu)
            {
                self.push(i.owner, NetStep::SetMtu { link: i.name.clone(), mtu })?;
            }
        }
        Ok(())
    }

    fn plug(&mut self, document: &Document, owner: usize, port: &str, master: &str) -> Result<(), Wrong> {
        let link = port.to_owned();
        let Some(have) = self.link(port) else { return Ok(()) };
        let (up, plugged) = (have.up, have.master.as_deref() == Some(master));
        let bonds = self.link(master).is_some_and(|m| matches!(m.kind, LinkKind::Bond { .. }));
        if !plugged {
            if bonds && up {
                // A bond takes no port that is on; it switches it on itself. What goes off loses its routes, so that they must
                // be the bond's before.
                let taker =
                    document.interfaces.get(master).filter(|m| m.take_over.as_ref().map(name) == Some(port));
                if let Some(bond) = taker {
                    self.move_routes(bond)?;
                    self.leave_uplink(bond)?;
                }
                self.push(owner, NetStep::SetUp { link: link.clone(), up: false })?;
            }
            self.push(owner, NetStep::SetMaster { link: link.clone(), master: Some(master.to_owned()) })?;
        }
        if self.link(port).is_some_and(|l| !l.up) {
            self.push(owner, NetStep::SetUp { link, up: true })?;
        }
        Ok(())
    }

    /// Puts ports in their VLANs; filtering is switched on after that, so that nothing is shut out meanwhile.
    pub(super) fn port_vlans(&mut self, order: &[&Interface]) -> Result<(), Wrong> {
        for i in order.iter().filter(|i| !i.vlans.is_empty()) {
            let bridge = matches!(i.kind, Kind::Bridge(_));
            let have: Vec<PortVlan> = self.link(&i.name).map(|l| l.vlans.clone()).unwrap_or_default();
            for vlan in i.vlans.iter().filter(|v| !have.contains(v)) {
                self.push(i.owner, NetStep::AddPortVlan { link: i.name.clone(), bridge, vlan: *vlan })?;
            }
            for vlan in have.iter().filter(|h| !i.vlans.iter().any(|v| v.id == h.id)) {
                self.push(i.owner, NetStep::DeletePortVlan { link: i.name.clone(), bridge, vlan: *vlan })?;
            }
        }
        Ok(())
    }

    /// Does what must wait until ports are in: the options of bridges, the spanning tree among them, and a bond's preference.
    pub(super) fn finish_links(&mut self, order: &[&Interface]) -> Result<(), Wrong> {
        for i in order {
            let step = match (&i.kind, self.link(&i.name).map(|l| &l.kind)) {
                (Kind::Bridge(want), Some(LinkKind::Bridge(now))) if bridge(want, *now) != *now => {
                    NetStep::SetBridge { name: i.name.clone(), options: bridge(want, *now) }
                }
                (Kind::Bond(Bond { primary: Some(want), .. }), Some(LinkKind::Bond { options, primary }))
                    if primary.as_deref() != Some(name(want)) =>
                {
                    let primary = Some(name(want).to_owned());
                    NetStep::SetBond { name: i.name.clone(), options: *options, primary }
                }
                _ => continue,
            };
            self.push(i.owner, step)?;
        }
        Ok(())
    }

    pub(super) fn remove_links(&mut self, document: &Document) -> Result<(), Wrong> {
        for absent in &document.absent {
            // It may have gone with one that stood below it.
            if self.link(&absent.what.name).is_some() {
                self.push(absent.owner, NetStep::DeleteLink { name: absent.what.name.clone() })?;
            }
        }
        Ok(())
    }
}

fn bridge(want: &Bridge, now: BridgeOptions) -> BridgeOptions {
    let Bridge { stp, forward_delay, hello_time, max_age, ageing_time, priority, vlan_filtering } = want;
    BridgeOptions {
        stp: stp.unwrap_or(now.stp),
        forward_delay: forward_delay.unwrap_or(now.forward_delay),
        hello_time: hello_time.unwrap_or(now.hello_time),
        max_age: max_age.unwrap_or(now.max_age),
        ageing_time: ageing_time.unwrap_or(now.ageing_time),
        priority: priority.unwrap_or(now.priority),
        vlan_filtering: vlan_filtering.unwrap_or(now.vlan_filtering),
    }
}

fn bond(want: &Bond, now: Option<&BondOptions>) -> BondOptions {
    let Bond { mode, miimon, up_delay, down_delay, lacp_rate, xmit_hash_policy, primary: _ } = want;
    let fresh = BondOptions { miimon: MIIMON, mode: BondMode::default(), ..BondOptions::default() };
    let now = now.copied().unwrap_or(fresh);
    BondOptions {
        mode: mode.unwrap_or(now.mode),
        miimon: miimon.unwrap_or(now.miimon),
        up_delay: up_delay.unwrap_or(now.up_delay),
        down_delay: down_delay.unwrap_or(now.down_delay),
        lacp_rate: lacp_rate.unwrap_or(now.lacp_rate),
        xmit_hash_policy: xmit_hash_policy.unwrap_or(now.xmit_hash_policy),
    }
}

fn tap(want: &Tap, now: Option<&TapOptions>) -> TapOptions {
    let Tap { owner, group, multi_queue, tun } = *want;
    let fresh = TapOptions { tun, multi_queue, persist: true, ..TapOptions::default() };
    let now = now.copied().unwrap_or(fresh);
    TapOptions { owner: owner.or(now.owner), group: group.or(now.group), ..now }
}
