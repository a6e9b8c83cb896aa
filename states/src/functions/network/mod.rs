//! Network states: all of a run are one transaction.
//!
//! Each file holds the documentation of one module's states; what they ask for is read by [`crate::netdoc`], which also plans.

mod address;
mod bond;
#[cfg(test)]
mod booted;
mod bridge;
mod clash;
mod config;
mod dns;
#[cfg(test)]
mod golden;
mod guarded;
mod look;
mod others;
mod route;
mod state;
mod transaction;
mod veth;
mod vlan;

use std::sync::Arc;

use crate::function::Registry;

pub(crate) use guarded::{heal, healing, kernel_wants};

pub(super) fn register(registry: &mut Registry) {
    let families: [&[state::Doc]; 9] = [
        address::ALL,
        bond::ALL,
        bridge::ALL,
        config::ALL,
        dns::ALL,
        others::ALL,
        route::ALL,
        veth::ALL,
        vlan::ALL,
    ];
    for (name, doc) in families.into_iter().flatten() {
        registry.add_state(Arc::new(state::NetState { name, doc }));
    }
}
