//! From a document and a snapshot to ordered steps.
//!
//! The order is that of the specification: modules, parameters that exist, links without ports, addresses on their new side,
//! ports, routes and rules, the old side away, the spanning tree, what is to go, late parameters. When a bridge takes a
//! port's addresses over, every step leaves a machine that still carries traffic: the bridge gets the addresses first, then the port
//! is enslaved while it stays up, then the bridge is waited for until it can send and told of the known neighbours, then each
//! route moves in one message, and only then the old addresses go. The spanning tree protocol is switched on last, because a port that is enslaved before it forwards at once.

mod addresses;
mod links;
mod system;

pub use system::{module_options, same_option};

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::check::{check, name};
use super::document::{Document, Interface, Kind};
use super::resolve::resolve;
use super::{Risk, Surroundings, Wrong, inverse, model, risk};
use crate::host::{Link, NetSnapshot, NetStep};

/// One step, whose state asked for it, and how it is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The number of the state.
    pub owner: usize,
    /// The step.
    pub step: NetStep,
    /// What undoes it, in order; empty when nothing needs undoing.
    pub undo: Vec<NetStep>,
    /// What is at risk meanwhile.
    pub risk: Option<Risk>,
}

/// Plans everything that the states of a run ask for.
///
/// # Errors
/// When the document cannot be meant so, or the kernel would refuse it; nothing has been done then.
pub fn plan(document: &Document, now: &NetSnapshot, around: &Surroundings) -> Result<Vec<Planned>, Wrong> {
    let mut document = document.clone();
    resolve(&mut document, now)?;
    check(&document, now, around)?;
    let mut plan = Plan::of(now, around);
    plan.modules(&document)?;
    plan.early_sysctls(&document)?;
    let order = bottom_up(&document);
    plan.make_links(&document, &order)?;
    plan.add_addresses(&order)?;
    plan.plug_ports(&document, &order)?;
    plan.port_vlans(&order)?;
    plan.ready_to_take_over(&order)?;
    plan.move_and_add_routes(&document, &order)?;
    plan.rules(&document)?;
    plan.old_side(&document, &order)?;
    plan.finish_links(&order)?;
    plan.remove_links(&document)?;
    plan.late_sysctls(&document)?;
    plan.dns(&document)?;
    Ok(plan.steps)
}

struct Plan<'a> {
    /// The kernel as it is after the steps so far; before the first, what is there itself.
    net: Cow<'a, NetSnapshot>,
    /// Where the links were that are there now.
    places: HashMap<&'a str, usize>,
    around: &'a Surroundings,
    steps: Vec<Planned>,
    /// Parameters that did not exist when it was their turn.
    deferred: Vec<(usize, String, String)>,
}

impl<'a> Plan<'a> {
    fn of(now: &'a NetSnapshot, around: &'a Surroundings) -> Self {
        let places = now.links.iter().enumerate().map(|(place, link)| (link.name.as_str(), place)).collect();
        Self { net: Cow::Borrowed(now), places, around, steps: Vec::new(), deferred: Vec::new() }
    }

    /// Finds a link as it is after the steps so far: most are where they were.
    fn link(&self, name: &str) -> Option<&Link> {
        let same = self.places.get(name).and_then(|place| self.net.links.get(*place));
        same.filter(|link| link.name == name).or_else(|| self.net.link(name))
    }

    fn push(&mut self, owner: usize, step: NetStep) -> Result<(), Wrong> {
        let undo = inverse(&step, &self.net);
        let risk = risk::of(&step, self.around.session, &self.net);
        model::take(self.net.to_mut(), &step)
            .map_err(|cause| Wrong::new(owner, format!("{step}: the kernel would refuse it: {cause}")))?;
        self.steps.push(Planned { owner, step, undo, risk });
        Ok(())
    }
}

/// Orders links so that each comes behind what it stands on and behind its ports; loops were refused before.
fn bottom_up(document: &Document) -> Vec<&Interface> {
    let mut left: Vec<&Interface> = document.interfaces.values().collect();
    // Ports that say themselves whose they are.
    let mut plugged: HashMap<&str, Vec<&str>> = HashMap::new();
    for i in &left {
        if let Some(master) = &i.port_of {
            plugged.entry(name(&master.what)).or_default().push(&i.name);
        }
    }
    let mut order: Vec<&Interface> = Vec::new();
    while !left.is_empty() {
        let waiting: HashSet<&str> = left.iter().map(|i| i.name.as_str()).collect();
        let ready = |i: &Interface| {
            let ports = i.ports.iter().map(|p| name(&p.what));
            let own = plugged.get(i.name.as_str()).into_iter().flatten().copied();
            !i.kind.lower().map(name).into_iter().chain(ports).chain(own).any(|n| waiting.contains(n))
        };
        let (next, rest): (Vec<_>, Vec<_>) = left.iter().copied().partition(|i| ready(i));
        // What is left stands in a ring that was not seen: any order is as good.
        let (next, rest) = if next.is_empty() { (rest, next) } else { (next, rest) };
        order.extend(next);
        left = rest;
    }
    // A cable's ends are made together, before anything else needs one of them.
    order.sort_by_key(|i| !matches!(i.kind, Kind::Veth { .. }));
    order
}
