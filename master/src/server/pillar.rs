//! Pillar: rendered here for each minion, with its cached grains, and sent to that minion only.

use std::sync::Arc;

use lab_proto::{JobSpec, Map, MinionId, Value};
use tracing::warn;

use super::Shared;
use crate::core::SharedGrains;

/// Renders a minion's pillar for a job; what it gives as `pillar=` goes over it.
pub(crate) async fn for_job(shared: &Arc<Shared>, minion: &MinionId, job: &JobSpec) -> Map {
    let overrides = job.kwargs.get("pillar").and_then(Value::as_map).cloned().unwrap_or_default();
    match fresh(shared, minion, overrides).await {
        Ok(pillar) => pillar,
        Err(why) => {
            warn!(%minion, jid = %job.jid, why, "pillar does not render");
            Map::from_iter([(Value::from("_errors"), Value::from(vec![why]))])
        }
    }
}

/// Renders a minion's pillar now.
pub(crate) async fn fresh(shared: &Arc<Shared>, minion: &MinionId, overrides: Map) -> Result<Map, String> {
    let asked = minion.clone();
    let grains = shared.hub.ask(move |core| core.grains(&asked)).await.map_err(|e| e.to_string())?;
    let (shared, minion) = (shared.clone(), minion.clone());
    tokio::task::spawn_blocking(move || render(&shared, &minion, grains, &overrides))
        .await
        .map_err(|e| e.to_string())?
}

/// Renders a minion's pillar. Blocking.
pub(crate) fn render(
    _shared: &Shared,
    _minion: &MinionId,
    _grains: Option<SharedGrains>,
    overrides: &Map,
) -> Result<Map, String> {
    Ok(overrides.clone())
}
