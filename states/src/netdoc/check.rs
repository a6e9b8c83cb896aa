//! Checks a document by itself and against the machine, before anything is planned: traps that cut a host off, and what
//! the kernel would refuse half-way.

mod links;
mod routes;

pub(crate) use routes::in_use;

use std::collections::{HashMap, HashSet};

use super::document::{Document, Interface, Kind, LinkRef};
use super::{Surroundings, Wrong};
use crate::host::{Link, LinkKind, NetSnapshot};
use crate::nearest::nearest;

/// Checks everything.
pub(super) fn check(document: &Document, now: &NetSnapshot, around: &Surroundings) -> Result<(), Wrong> {
    let checker = Checker::new(document, now, around);
    for interface in document.interfaces.values() {
        checker.interface(interface)?;
    }
    checker.loops()?;
    checker.addresses()?;
    checker.routes()?;
    checker.absent()
}

struct Checker<'a> {
    document: &'a Document,
    now: &'a NetSnapshot,
    around: &'a Surroundings,
    /// The links that are there, by name.
    there: HashMap<&'a str, &'a Link>,
    /// The links that the document makes, as themselves or as the other end of a cable.
    made: HashSet<&'a str>,
    /// The bridge or bond that the document makes a link a port of, by port.
    masters: HashMap<&'a str, &'a str>,
    /// The links of the document that stand on a link.
    above: HashMap<&'a str, Vec<&'a str>>,
}

/// Returns the name that a reference was resolved to.
pub(super) fn name(link: &LinkRef) -> &str {
    if let LinkRef::Name(name) = link { name } else { "" }
}

impl<'a> Checker<'a> {
    fn new(document: &'a Document, now: &'a NetSnapshot, around: &'a Surroundings) -> Self {
        let there = now.links.iter().map(|l| (l.name.as_str(), l)).collect();
        let mut checker = Self {
            document,
            now,
            around,
            there,
            made: HashSet::new(),
            masters: HashMap::new(),
            above: HashMap::new(),
        };
        for i in document.interfaces.values() {
            if i.kind != Kind::Existing {
                checker.made.insert(&i.name);
            }
            if let Kind::Veth { peer } = &i.kind {
                checker.made.insert(peer);
            }
            for port in &i.ports {
                checker.masters.entry(name(&port.what)).or_insert(&i.name);
            }
            if let Some(lower) = i.kind.lower() {
                checker.above.entry(name(lower)).or_default().push(&i.name);
            }
        }
        for i in document.interfaces.values() {
            if let Some(master) = &i.port_of {
                checker.masters.entry(&i.name).or_insert(name(&master.what));
            }
        }
        checker
    }

    /// Returns a link that is there.
    fn link(&self, name: &str) -> Option<&'a Link> {
        self.there.get(name).copied()
    }

    /// Tells whether a link is there, or will be.
    fn exists(&self, name: &str) -> bool {
        self.there.contains_key(name) || self.made.contains(name)
    }

    /// Returns the bridge or bond that a link will be a port of.
    fn master(&self, port: &str) -> Option<&'a str> {
        self.masters.get(port).copied().or_else(|| self.link(port)?.master.as_deref())
    }

    /// Returns what a link will be: the kernel's word.
    fn kind(&self, name: &str) -> &'a str {
        match self.document.interfaces.get(name).map(|i| &i.kind) {
            Some(kind) if *kind != Kind::Existing => kind.as_str(),
            _ => self.link(name).map_or("device", |l| l.kind.as_str()),
        }
    }

    fn mtu(&self, name: &str) -> Option<u32> {
        let wanted = self.document.interfaces.get(name).and_then(|i| i.mtu);
        wanted.or_else(|| self.link(name).map(|l| l.mtu))
    }

    /// Says which links there are, and which one may have been meant.
    fn there_are(&self, wrong: &str) -> String {
        let made =
            self.document.interfaces.values().filter(|i| i.kind != Kind::Existing).map(|i| i.name.as_str());
        let mut names: Vec<&str> = self.now.links.iter().map(|l| l.name.as_str()).chain(made).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|n| *n != wrong && *n != "lo");
        let meant =
            nearest(wrong, names.iter().copied()).map(|n| format!("; did you mean {n}?")).unwrap_or_default();
        if names.is_empty() {
            "there is none".to_owned()
        } else {
            format!("there are {}{meant}", names.join(", "))
        }
    }
}

/// Says what a link is, for people.
pub(super) fn described(kind: &LinkKind) -> String {
    match kind {
        LinkKind::Device => "a network card".to_owned(),
        LinkKind::Loopback => "the loopback".to_owned(),
        LinkKind::Bridge(_) => "a bridge".to_owned(),
        LinkKind::Veth { .. } => "a virtual cable".to_owned(),
        LinkKind::Vlan { link, id } => format!("VLAN {id} of {link}"),
        other => format!("a {}", other.as_str()),
    }
}

/// Tells whether a link is what the document says it is; names of kinds only, not their options.
pub(super) fn is_kind(want: &Kind, link: &Link) -> bool {
    matches!(
        (want, &link.kind),
        (Kind::Existing, _)
            | (Kind::Bridge(_), LinkKind::Bridge(_))
            | (Kind::Vlan { .. }, LinkKind::Vlan { .. })
            | (Kind::Bond(_), LinkKind::Bond { .. })
            | (Kind::Veth { .. }, LinkKind::Veth { .. })
            | (Kind::Tap(_), LinkKind::Tap(_))
            | (Kind::Macvlan { .. }, LinkKind::Macvlan { .. })
            | (Kind::Vxlan { .. }, LinkKind::Vxlan(_))
            | (Kind::Dummy, LinkKind::Dummy)
    )
}

/// Refuses links that somebody else makes and removes.
pub(super) fn not_foreign(i: &Interface, around: &Surroundings) -> Result<(), Wrong> {
    foreign(i.owner, &i.name, around)
}

fn foreign(owner: usize, name: &str, around: &Surroundings) -> Result<(), Wrong> {
    if let Some(whose) = around.owners.get(name) {
        let text = format!("{name} belongs to {whose}: change it there, or choose another name");
        return Err(Wrong::new(owner, text));
    }
    if name.starts_with("virbr") {
        let text =
            format!("{name}: libvirt makes and removes its own bridges of this name; choose another one");
        return Err(Wrong::new(owner, text));
    }
    Ok(())
}
