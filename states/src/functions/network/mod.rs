//! Bridges and virtual cables: all network states of a run are one transaction.

mod bridge_absent;
mod bridge_present;
mod desired;
mod planner;
mod transaction;
mod veth_absent;
mod veth_present;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(bridge_absent::BridgeAbsent));
    registry.add_state(Arc::new(bridge_present::BridgePresent));
    registry.add_state(Arc::new(veth_absent::VethAbsent));
    registry.add_state(Arc::new(veth_present::VethPresent));
}
