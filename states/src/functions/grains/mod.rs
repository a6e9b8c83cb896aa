//! Grains of this site's own: those in the agent's grains file, which lie over what the machine says of itself.

mod list;
mod store;
mod value;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use store::Store;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(list::Append));
    registry.add_state(Arc::new(list::ListAbsent));
    registry.add_state(Arc::new(list::ListPresent));
    registry.add_state(Arc::new(value::Absent));
    registry.add_state(Arc::new(value::Present));
}
