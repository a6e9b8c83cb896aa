//! From the ways in which a definition names links to their names, by what the machine has.

use super::Wrong;
use super::document::{Document, Interface, Kind, LinkRef, Owned};
use crate::host::{LinkKind, NetSnapshot};

/// Replaces every reference by a name. `{capture: default-route}` is the link that the default route leaves by; once that
/// is a bridge of the document, the bridge's own uplink, so that a second run means the same link as the first.
pub(super) fn resolve(document: &mut Document, now: &NetSnapshot) -> Result<(), Wrong> {
    let bridges: Vec<String> =
        document.interfaces.values().filter(|i| !i.ports.is_empty()).map(|i| i.name.clone()).collect();
    let resolver = Resolver { now, bridges };
    for (_, mut interface) in std::mem::take(&mut document.interfaces) {
        resolver.interface(&mut interface)?;
        // Two references may turn out to be one link.
        document.interface(interface)?;
    }
    for Owned { owner, what: (link, _) } in &mut document.address_absent {
        resolver.place(*owner, link)?;
    }
    let routes = document.routes.iter_mut().chain(&mut document.route_absent);
    for Owned { owner, what } in routes {
        if let Some(link) = &mut what.link {
            resolver.place(*owner, link)?;
        }
    }
    Ok(())
}

struct Resolver<'a> {
    now: &'a NetSnapshot,
    bridges: Vec<String>,
}

impl Resolver<'_> {
    fn interface(&self, interface: &mut Interface) -> Result<(), Wrong> {
        let owner = interface.owner;
        // An address state that names its link by more than a name has the reference in place of the name.
        if let Some(link) = written(&interface.name) {
            interface.name = self.name(owner, &link)?;
        }
        for port in &mut interface.ports {
            self.place(port.owner, &mut port.what)?;
        }
        if let Some(master) = &mut interface.port_of {
            self.place(master.owner, &mut master.what)?;
        }
        if let Some(uplink) = &mut interface.take_over {
            self.place(owner, uplink)?;
        }
        match &mut interface.kind {
            Kind::Vlan { link, .. } | Kind::Macvlan { link, .. } => self.place(owner, link)?,
            Kind::Vxlan { link: Some(link), .. } => self.place(owner, link)?,
            Kind::Bond(bond) => {
                if let Some(primary) = &mut bond.primary {
                    self.place(owner, primary)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn place(&self, owner: usize, link: &mut LinkRef) -> Result<(), Wrong> {
        *link = LinkRef::Name(self.name(owner, link)?);
        Ok(())
    }

    fn name(&self, owner: usize, link: &LinkRef) -> Result<String, Wrong> {
        match link {
            LinkRef::Name(name) => Ok(name.clone()),
            LinkRef::Mac(mac) => {
                // A bridge or VLAN shows the address of its card: the card itself is meant.
                let cards = self.now.links.iter().filter(|l| l.mac == Some(*mac));
                let rank = |kind: &LinkKind| match kind {
                    LinkKind::Device => 0,
                    LinkKind::Veth { .. } => 1,
                    _ => 2,
                };
                let card = cards.min_by_key(|l| rank(&l.kind)).ok_or_else(|| {
                    let have: Vec<String> = self
                        .now
                        .links
                        .iter()
                        .filter_map(|l| Some(format!("{} {}", l.name, l.mac?)))
                        .collect();
                    Wrong::new(
                        owner,
                        format!("no link has the hardware address {mac}: there are {}", have.join(", ")),
                    )
                })?;
                Ok(card.name.clone())
            }
            LinkRef::DefaultRoute => self.default_route(owner),
            LinkRef::BridgeOf(port) => {
                let master = self.now.master_of(port).ok_or_else(|| {
                    let text = format!(
                        "{port} is a port of no bridge yet: whoever makes that bridge must have run before this state"
                    );
                    Wrong::new(owner, text)
                })?;
                Ok(master.to_owned())
            }
        }
    }

    fn default_route(&self, owner: usize) -> Result<String, Wrong> {
        let found = self.now.default_routes().into_iter().find_map(|r| r.link.clone());
        let Some(mut name) = found else {
            let text =
                "this machine has no default route to capture a link by: name the link, or give its mac";
            return Err(Wrong::new(owner, text));
        };
        while self.bridges.contains(&name) {
            let bridge = self.now.link(&name);
            let ports: Vec<_> = self.now.ports_of(&name).collect();
            let same = |l: &&&crate::host::Link| bridge.is_some_and(|b| b.mac.is_some() && b.mac == l.mac);
            let card = |l: &&&crate::host::Link| l.kind == LinkKind::Device;
            let uplink = ports.iter().find(card).or_else(|| ports.iter().find(same)).or(ports.first());
            let Some(uplink) = uplink else {
                let text = format!(
                    "the default route leaves by {name}, which has no port to be its uplink: name the link"
                );
                return Err(Wrong::new(owner, text));
            };
            let uplink = uplink.name.clone();
            name = uplink;
        }
        Ok(name)
    }
}

/// Reads a reference that stands in the place of a name.
fn written(name: &str) -> Option<LinkRef> {
    if name == "{capture: default-route}" {
        return Some(LinkRef::DefaultRoute);
    }
    if let Some(port) = name.strip_prefix("{bridge-of: ").and_then(|n| n.strip_suffix('}')) {
        return Some(LinkRef::BridgeOf(port.to_owned()));
    }
    name.parse().ok().map(LinkRef::Mac)
}
