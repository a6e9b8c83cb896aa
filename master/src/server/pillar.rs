//! Pillar: rendered here for each minion, with its cached grains, and sent to that minion only.

use std::sync::Arc;

use lab_proto::{JobSpec, Map, MinionId};

use super::Shared;

pub(crate) async fn for_job(_shared: &Arc<Shared>, _minion: &MinionId, _job: &JobSpec) -> Map {
    Map::new()
}
