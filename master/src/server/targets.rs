//! Whom an operator's target means; like the core's answer, but with pillar, which takes files.

use std::sync::Arc;

use lab_proto::v1::op::{OpRefusal, RefusalKind};
use lab_proto::{Map, MinionId, Target, Value};

use super::Shared;
use crate::core::targets::select;

/// Resolves a target.
pub(crate) async fn resolve(shared: &Arc<Shared>, target: &Target) -> Result<Vec<MinionId>, OpRefusal> {
    let refusal = |kind, text: String| OpRefusal { kind, text };
    let candidates = shared
        .hub
        .ask(|core| core.candidates())
        .await
        .map_err(|e| refusal(RefusalKind::Refused, e.to_string()))?;
    let (shared, target) = (shared.clone(), target.clone());
    let found = tokio::task::spawn_blocking(move || {
        let pillar = |id: &MinionId| {
            let grains = candidates.iter().find(|(c, _)| c == id).map(|(_, g)| g.clone());
            super::pillar::render(&shared, id, grains, &Map::new())
                .map_or(Value::Null, |p| Value::Map(p.data))
        };
        select(&target, &candidates, &shared.config.node_groups, pillar)
    })
    .await
    .map_err(|e| refusal(RefusalKind::Internal, e.to_string()))?;
    found.map_err(|e| refusal(RefusalKind::Usage, e.to_string()))
}
