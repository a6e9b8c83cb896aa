//! Whom an operator's target means; like the core's answer, but with pillar, which takes files.

use std::sync::Arc;

use lab_proto::v1::op::{OpRefusal, RefusalKind};
use lab_proto::{Map, MinionId, Target, TargetKind, Value};
use lab_states::target::TargetError;

use super::Shared;
use crate::core::SharedGrains;
use crate::core::targets::{addressed, select};

/// Resolves a target: whom it means.
pub(crate) async fn resolve(shared: &Arc<Shared>, target: &Target) -> Result<Vec<MinionId>, OpRefusal> {
    Ok(look(shared, target).await?.0)
}

/// Resolves a target: whom work for it is owed. Nobody, when it means nobody.
pub(crate) async fn owed(shared: &Arc<Shared>, target: &Target) -> Result<Vec<MinionId>, OpRefusal> {
    let (found, candidates) = look(shared, target).await?;
    let owed = addressed(target, found, &candidates, &shared.config.node_groups);
    owed.map_err(|text| OpRefusal { kind: RefusalKind::Usage, text })
}

/// Tells whether looking through ids takes so little that a thread for it would be the most of it. Minions ask too, and what they
/// ask may be long.
fn is_quick(target: &Target, candidates: usize) -> bool {
    const STEPS: usize = 16 << 10;
    matches!(target.kind, TargetKind::Glob | TargetKind::List)
        && target.expr.len().saturating_mul(candidates) <= STEPS
}

type Candidates = Vec<(MinionId, SharedGrains)>;

async fn look(shared: &Arc<Shared>, target: &Target) -> Result<(Vec<MinionId>, Candidates), OpRefusal> {
    let refusal = |kind, text: String| OpRefusal { kind, text };
    let candidates = shared
        .hub
        .ask(|core| core.candidates())
        .await
        .map_err(|e| refusal(RefusalKind::Refused, e.to_string()))?;
    if is_quick(target, candidates.len()) {
        let found = select(target, &candidates, &shared.config.node_groups, |_| Value::Null);
        return found.map(|f| (f, candidates)).map_err(|e| refusal(RefusalKind::Usage, unreadable(&e)));
    }
    let (shared, target) = (shared.clone(), target.clone());
    let found = tokio::task::spawn_blocking(move || {
        let pillar = |id: &MinionId| {
            let grains = candidates.iter().find(|(c, _)| c == id).map(|(_, g)| g.clone());
            super::pillar::render(&shared, id, grains, &Map::new())
                .map_or(Value::Null, |p| Value::Map(p.data))
        };
        let found = select(&target, &candidates, &shared.config.node_groups, pillar);
        found.map(|found| (found, candidates))
    })
    .await
    .map_err(|e| refusal(RefusalKind::Internal, e.to_string()))?;
    found.map_err(|e| refusal(RefusalKind::Usage, unreadable(&e)))
}

/// Says why a target cannot be read, and of a group where groups are.
fn unreadable(error: &TargetError) -> String {
    match error {
        TargetError::Nodegroup(_) => {
            format!("{error}: groups are in [node_groups] of the master's master.toml")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_short_is_looked_through_at_once() {
        let glob = |expr: &str| Target::new(TargetKind::Glob, expr.to_owned());
        assert!(is_quick(&glob("*"), 10_000) && is_quick(&glob("web*.example"), 100));
        assert!(!is_quick(&glob(&format!("*{}", "[".repeat(1_000_000))), 1));
        assert!(!is_quick(&glob("web*.example"), 10_000));
        assert!(!is_quick(&Target::new(TargetKind::Pcre, "a".to_owned()), 1), "a pattern may turn back");
    }
}
