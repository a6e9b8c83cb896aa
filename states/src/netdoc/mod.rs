//! What the network of a machine shall be, and the way there. Pure: no IO, no clock.
//!
//! All network states of a run become one [`Document`]; [`plan()`] compares it with a snapshot of the kernel and returns
//! ordered steps, each with its inverse and with what is at risk. The planner carries out every step on a [`model`] of the
//! kernel as it goes, so that it never plans what the kernel would refuse, and a second plan is empty.

mod check;
mod document;
mod inverse;
pub mod model;
mod networks;
mod plan;
mod read;
mod resolve;
mod risk;

#[cfg(test)]
mod tests;

pub(crate) use check::in_use;
pub use document::{
    Absent, AbsentKind, Bond, Bridge, Dns, Document, Interface, Kind, LinkRef, MacFrom, Owned, RouteWant,
    RuleWant, Tap, Want,
};
pub use inverse::inverse;
pub use plan::{Planned, module_options, plan, same_option};
pub use read::want;
pub use risk::Risk;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What the planner is told besides the document and the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The address of this machine by which the master is reached, where there is a session.
    pub session: Option<IpAddr>,
    /// Links that somebody else makes and removes, with the name of the owner: `virbr0` → `libvirt network default`.
    pub owners: BTreeMap<String, String>,
}

/// A definition that cannot be meant so: whose it is, and a sentence with the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Wrong {
    /// The state that asked for it.
    pub owner: usize,
    /// What is wrong and what would help.
    pub text: String,
}

impl Wrong {
    /// Makes an error.
    pub fn new(owner: usize, text: impl Into<String>) -> Self {
        Self { owner, text: text.into() }
    }
}
