//! Users.

mod absent;
mod attributes;
mod present;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(absent::Absent));
    registry.add_state(Arc::new(present::Present));
}

/// The parts of a user's description: full name, room, telephones, and the rest.
pub(super) fn gecos_parts(gecos: &str) -> [String; 5] {
    let mut parts = gecos.splitn(5, ',').map(str::to_owned);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}
