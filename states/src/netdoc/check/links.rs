//! Checks about links: what they are, what they stand on, whose ports they are.

use std::collections::BTreeSet;

use super::super::document::{AbsentKind, Interface, Kind, Owned};
use super::super::{Absent, Wrong};
use super::{Checker, described, foreign, is_kind, name, not_foreign};
use crate::host::{Link, LinkKind};

impl Checker<'_> {
    pub(super) fn interface(&self, i: &Interface) -> Result<(), Wrong> {
        let wrong = |text: String| Err(Wrong::new(i.owner, text));
        if i.kind != Kind::Existing {
            not_foreign(i, self.around)?;
        }
        let have = self.link(&i.name);
        if i.kind == Kind::Existing && !self.exists(&i.name) {
            return wrong(format!("there is no link {}: {}", i.name, self.there_are(&i.name)));
        }
        if let Some(link) = have.filter(|l| !is_kind(&i.kind, l)) {
            return wrong(format!(
                "{} is there already, and is {}: choose another name for the {}",
                i.name,
                described(&link.kind),
                i.kind.as_str()
            ));
        }
        if self.document.absent.iter().any(|a| a.what.name == i.name) {
            return wrong(format!("{} is to be there and to be absent: drop one of the two states", i.name));
        }
        self.lower(i, have)?;
        i.ports.iter().try_for_each(|port| self.port(i, port.owner, name(&port.what)))?;
        if let Some(Owned { owner, what }) = &i.port_of {
            self.port_of(*owner, &i.name, name(what))?;
        }
        if let Some(uplink) = &i.take_over
            && !i.ports.iter().any(|p| p.what == *uplink)
        {
            let ports: Vec<&str> = i.ports.iter().map(|p| name(&p.what)).collect();
            return wrong(format!(
                "{}: take_over names {}, which is not one of its ports ({}): add it to `ports`",
                i.name,
                name(uplink),
                if ports.is_empty() { "it has none".to_owned() } else { ports.join(", ") }
            ));
        }
        self.bond(i)?;
        self.filtering(i)
    }

    fn bond(&self, i: &Interface) -> Result<(), Wrong> {
        let Kind::Bond(bond) = &i.kind else { return Ok(()) };
        let Some(primary) = bond.primary.as_ref().filter(|p| !i.ports.iter().any(|q| q.what == **p)) else {
            return Ok(());
        };
        let text =
            format!("{}: primary {} is not one of its ports: add it to `ports`", i.name, name(primary));
        Err(Wrong::new(i.owner, text))
    }

    fn filtering(&self, i: &Interface) -> Result<(), Wrong> {
        if i.vlans.is_empty() {
            return Ok(());
        }
        let bridge =
            if matches!(i.kind, Kind::Bridge(_)) { Some(i.name.as_str()) } else { self.master(&i.name) };
        let Some(bridge) = bridge else {
            let text = format!("{}: pvid and vids are for ports of a bridge; it is a port of none", i.name);
            return Err(Wrong::new(i.owner, text));
        };
        let wanted = self.document.interfaces.get(bridge).and_then(|b| match &b.kind {
            Kind::Bridge(options) => options.vlan_filtering,
            _ => None,
        });
        let has = |l: &Link| matches!(&l.kind, LinkKind::Bridge(options) if options.vlan_filtering);
        if wanted.unwrap_or_else(|| self.link(bridge).is_some_and(has)) {
            return Ok(());
        }
        let text = format!(
            "{}: pvid and vids do nothing while {bridge} does not filter: say `vlan_filtering: True` for {bridge}",
            i.name
        );
        Err(Wrong::new(i.owner, text))
    }

    /// Checks the link that a VLAN, macvlan or VXLAN stands on.
    fn lower(&self, i: &Interface, have: Option<&Link>) -> Result<(), Wrong> {
        let Some(lower) = i.kind.lower().map(name) else { return Ok(()) };
        let kind = i.kind.as_str();
        let wrong = |text: String| Err(Wrong::new(i.owner, text));
        if lower == i.name {
            return wrong(format!("{}: a {kind} cannot stand on itself", i.name));
        }
        if !self.exists(lower) {
            return wrong(format!(
                "{}: there is no link {lower} for it to stand on: {}",
                i.name,
                self.there_are(lower)
            ));
        }
        let stacked = matches!(i.kind, Kind::Vlan { .. } | Kind::Macvlan { .. });
        if let Some(master) = self.master(lower).filter(|_| stacked) {
            return wrong(format!(
                "{}: {lower} is a port of {master}, which takes its packets before a {kind} sees them: say `link: {master}`",
                i.name
            ));
        }
        if let (Some(own), Some(most)) = (i.mtu, self.mtu(lower))
            && own > most
            && stacked
        {
            return wrong(format!(
                "{}: its mtu {own} is above that of {lower} ({most}): raise that first with `mtu: {own}` for {lower}",
                i.name
            ));
        }
        let same = |other: &&Interface| match (&i.kind, &other.kind) {
            (Kind::Vlan { link, id }, Kind::Vlan { link: l, id: n }) => link == l && id == n,
            _ => false,
        };
        let twin = self.document.interfaces.values().filter(|o| o.name != i.name).find(same);
        if let (Some(twin), Kind::Vlan { id, .. }) = (twin, &i.kind) {
            return wrong(format!("{} and {} are both VLAN {id} of {lower}: keep one", i.name, twin.name));
        }
        match (&i.kind, have.map(|l| &l.kind)) {
            (Kind::Vlan { id, .. }, Some(LinkKind::Vlan { link, id: old })) if link != lower || old != id => {
                wrong(format!(
                    "{} is VLAN {old} of {link} already and cannot become VLAN {id} of {lower}: choose another name, or \
                     remove it first with vlan.absent in a run of its own",
                    i.name
                ))
            }
            (Kind::Macvlan { .. }, Some(LinkKind::Macvlan { link, .. })) if link != lower => wrong(format!(
                "{} is a macvlan of {link} already: choose another name, or remove it first with macvlan.absent",
                i.name
            )),
            _ => Ok(()),
        }
    }

    fn port(&self, i: &Interface, owner: usize, port: &str) -> Result<(), Wrong> {
        let wrong = |text: String| Err(Wrong::new(owner, text));
        if port == i.name {
            return wrong(format!("{}: a {} cannot be a port of itself", i.name, i.kind.as_str()));
        }
        if !self.exists(port) {
            return wrong(format!(
                "{}: there is no link {port} to be its port: {}",
                i.name,
                self.there_are(port)
            ));
        }
        let others = self.document.interfaces.values().filter(|o| o.name != i.name);
        let rival =
            others.clone().find(|o| o.ports.iter().any(|p| name(&p.what) == port)).map(|o| o.name.as_str());
        let own = self.document.interfaces.get(port).and_then(|p| p.port_of.as_ref()).map(|p| name(&p.what));
        if let Some(rival) = rival.or(own.filter(|m| *m != i.name)) {
            return wrong(format!(
                "{port} cannot be a port of {} and of {rival}: take it out of one of them",
                i.name
            ));
        }
        self.plug(owner, port, &i.name, i.take_over.as_ref().map(name) == Some(port))
    }

    fn port_of(&self, owner: usize, port: &str, master: &str) -> Result<(), Wrong> {
        let wrong = |text: String| Err(Wrong::new(owner, text));
        if port == master {
            return wrong(format!("{port} cannot be a port of itself"));
        }
        if !self.exists(master) {
            return wrong(format!(
                "{port}: there is no bridge {master}; add a bridge.present for it ({})",
                self.there_are(master)
            ));
        }
        if !["bridge", "bond"].contains(&self.kind(master)) {
            return wrong(format!("{port}: {master} is a {}, which has no ports", self.kind(master)));
        }
        let taken = self.document.interfaces.get(master).and_then(|m| m.take_over.as_ref());
        self.plug(owner, port, master, taken.map(name) == Some(port))
    }

    /// Checks what becoming a port would do to a link that is there.
    fn plug(&self, owner: usize, port: &str, master: &str, taken_over: bool) -> Result<(), Wrong> {
        let wrong = |text: String| Err(Wrong::new(owner, text));
        foreign(owner, master, self.around)?;
        if self.kind(port) == "bridge" && self.kind(master) == "bridge" {
            return wrong(format!(
                "{master}: {port} is a bridge, and the kernel takes no bridge as a port of one: join them by a veth.present"
            ));
        }
        let Some(link) = self.link(port) else { return Ok(()) };
        if link.kind == LinkKind::Loopback {
            return wrong(format!("{master}: the loopback cannot be a port"));
        }
        if let Some(other) = link.master.as_deref().filter(|m| *m != master) {
            return wrong(format!("{master}: {port} is already a port of {other}: take it out there first"));
        }
        if link.master.as_deref() == Some(master) {
            return Ok(());
        }
        let left = link.addresses.iter().find(|a| !a.ip.is_loopback());
        if let (Some(address), false) = (left, taken_over) {
            return wrong(format!(
                "{master}: port {port} carries {address}, which would not be reachable any more: say `take_over: {port}` to move \
                 its addresses and routes"
            ));
        }
        let above = |l: &&Link| matches!(&l.kind, LinkKind::Macvlan { link, .. } if link == port);
        if let Some(macvlan) = self.now.links.iter().find(above) {
            return wrong(format!(
                "{master}: {port} carries the macvlan {}, and the kernel lets it be no port meanwhile: remove that first",
                macvlan.name
            ));
        }
        Ok(())
    }

    /// Finds links that stand on themselves by way of masters and of links below.
    pub(super) fn loops(&self) -> Result<(), Wrong> {
        for i in self.document.interfaces.values() {
            let mut way = vec![i.name.as_str()];
            if self.leads_to(&i.name, &mut way, &mut BTreeSet::new()) {
                let text =
                    format!("{}: a loop of masters: {}; take one of them out", i.name, way.join(" -> "));
                return Err(Wrong::new(i.owner, text));
            }
        }
        self.above()
    }

    /// Follows what stands above the last link of a way; tells whether that leads to a name.
    fn leads_to<'b>(&'b self, name: &str, way: &mut Vec<&'b str>, seen: &mut BTreeSet<&'b str>) -> bool {
        let Some(at) = way.last().copied() else { return false };
        let above = self.above.get(at).into_iter().flatten().copied();
        for next in self.master(at).into_iter().chain(above) {
            way.push(next);
            if next == name || seen.insert(next) && self.leads_to(name, way, seen) {
                return true;
            }
            way.pop();
        }
        false
    }

    /// A link cannot become narrower than what stands on it.
    fn above(&self) -> Result<(), Wrong> {
        for i in self.document.interfaces.values() {
            let Some(mtu) = i.mtu else { continue };
            let on = |l: &&Link| matches!(&l.kind, LinkKind::Vlan { link, .. } if *link == i.name);
            let wide = self.now.links.iter().filter(on).find(|l| self.mtu(&l.name) > Some(mtu));
            if let Some(vlan) = wide {
                let text = format!(
                    "{}: mtu {mtu} is below that of {} ({}), which stands on it: lower that one too",
                    i.name,
                    vlan.name,
                    self.mtu(&vlan.name).unwrap_or_default()
                );
                return Err(Wrong::new(i.owner, text));
            }
        }
        Ok(())
    }

    pub(super) fn absent(&self) -> Result<(), Wrong> {
        self.document.absent.iter().try_for_each(|a| self.one_absent(a))
    }

    fn one_absent(&self, absent: &Owned<Absent>) -> Result<(), Wrong> {
        let Owned { owner, what: Absent { name, kind, force } } = absent;
        let wrong = |text: String| Err(Wrong::new(*owner, text));
        foreign(*owner, name, self.around)?;
        let Some(link) = self.link(name) else { return Ok(()) };
        let fits = matches!(
            (kind, &link.kind),
            (AbsentKind::Bridge, LinkKind::Bridge(_))
                | (AbsentKind::Vlan, LinkKind::Vlan { .. })
                | (AbsentKind::Bond, LinkKind::Bond { .. })
                | (AbsentKind::Veth, LinkKind::Veth { .. })
                | (AbsentKind::Tap, LinkKind::Tap(_))
                | (AbsentKind::Macvlan, LinkKind::Macvlan { .. })
                | (AbsentKind::Vxlan, LinkKind::Vxlan(_))
                | (AbsentKind::Dummy, LinkKind::Dummy)
        );
        if !fits {
            return wrong(format!("{name} is {} and will not be removed", described(&link.kind)));
        }
        let going = |l: &Link| self.document.absent.iter().any(|a| a.what.name == l.name);
        let ports: Vec<&Link> = self.now.ports_of(name).filter(|l| !going(l)).collect();
        if let Some(tap) = ports.iter().find(|l| matches!(l.kind, LinkKind::Tap(_))) {
            return wrong(format!(
                "{name} still carries {}, the card of a virtual machine: shut that down, or move its card, first",
                tap.name
            ));
        }
        if !ports.is_empty() && !force {
            let names: Vec<&str> = ports.iter().map(|l| l.name.as_str()).collect();
            return wrong(format!(
                "{name} still has ports: {}; take them out first, or say `force: True`",
                names.join(", ")
            ));
        }
        let upper =
            self.now.links.iter().filter(|l| !going(l)).find(|l| l.kind.lower() == Some(name.as_str()));
        match upper {
            Some(upper) if !force => wrong(format!(
                "{name} still carries {} ({}): remove that first, or say `force: True`",
                upper.name,
                described(&upper.kind)
            )),
            _ => Ok(()),
        }
    }
}
