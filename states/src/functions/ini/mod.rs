//! Files with sections and `key = value` lines.

mod document;
mod exec;
mod options_absent;
mod options_present;
mod sections;

use std::sync::Arc;

pub(super) use document::Document;
pub(super) use exec::EXECS;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(options_absent::OptionsAbsent));
    registry.add_state(Arc::new(options_present::OptionsPresent));
    registry.add_state(Arc::new(sections::Absent));
    registry.add_state(Arc::new(sections::Present));
}
