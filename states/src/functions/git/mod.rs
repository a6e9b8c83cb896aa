//! Working trees and settings of git, through the git program.

mod config;
mod repo;
mod tree;
mod wanted;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use repo::Repo;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(config::Set));
    registry.add_state(Arc::new(config::Unset));
    registry.add_state(Arc::new(tree::Cloned));
    registry.add_state(Arc::new(tree::Detached));
    registry.add_state(Arc::new(tree::Latest));
}
