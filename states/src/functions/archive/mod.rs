//! Archives, unpacked once.

mod extracted;
mod source;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use source::format_of;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(extracted::Extracted));
}
