//! File systems in their places, now and after a boot; swap.

mod active;
mod device;
mod fstab;
mod fstab_states;
mod mounted;
mod options;
mod swap;
mod unmounted;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use active::{SwapSpace, active, swaps};
pub(super) use fstab::Table;
pub(super) use options::list as options;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(fstab_states::Present));
    registry.add_state(Arc::new(fstab_states::Absent));
    registry.add_state(Arc::new(mounted::Mounted));
    registry.add_state(Arc::new(swap::Swap));
    registry.add_state(Arc::new(unmounted::Unmounted));
}
