//! Jobs in the tables of users, through crontab(1).

mod env;
mod file;
mod jobs;
mod tab;
mod user;

use std::sync::Arc;

use crate::function::Registry;

pub(super) use tab::{Item, Tab, When};
pub(super) use user::read;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(env::Present));
    registry.add_state(Arc::new(env::Absent));
    registry.add_state(Arc::new(file::File));
    registry.add_state(Arc::new(jobs::Present));
    registry.add_state(Arc::new(jobs::Absent));
}
