//! Settings of the kernel, `net.ipv4.ip_forward`: the live value below /proc/sys, and a file that sets it at boot.
//!
//! [`live`] and [`config`] are plain reads, plans and steps without a state around them, so that other families can
//! make settings part of a larger change.

mod config;
mod live;
mod states;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use config::{DEFAULT, entries};
pub(super) use live::{Key, missing, read, set};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(states::Present));
    registry.add_state(Arc::new(states::Absent));
}
