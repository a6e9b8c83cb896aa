//! Whom a target means: all minions with an accepted key whose id, grains or pillar match.

use std::collections::BTreeMap;

use lab_proto::{MinionId, Target, TargetKind, Value};
use lab_states::target::{Matcher, Minion, TargetError, beyond_ids, matches};

use super::SharedGrains;

/// Reads a kind of target as the matcher that it is.
fn matcher(kind: TargetKind) -> Matcher {
    match kind {
        TargetKind::Glob => Matcher::Glob,
        TargetKind::List => Matcher::List,
        TargetKind::Pcre => Matcher::Pcre,
        TargetKind::Grain => Matcher::Grain,
        TargetKind::GrainPcre => Matcher::GrainPcre,
        TargetKind::Pillar => Matcher::Pillar,
        TargetKind::PillarPcre => Matcher::PillarPcre,
        TargetKind::Compound => Matcher::Compound,
        TargetKind::Nodegroup => Matcher::Nodegroup,
    }
}

/// Tells which of the candidates a target means. `pillar` is asked only when the target looks at it.
pub(crate) fn select(
    target: &Target,
    candidates: &[(MinionId, SharedGrains)],
    nodegroups: &BTreeMap<String, String>,
    mut pillar: impl FnMut(&MinionId) -> Value,
) -> Result<Vec<MinionId>, TargetError> {
    let needs_pillar = needs_pillar(target, nodegroups);
    let mut found = Vec::new();
    for (id, grains) in candidates {
        let pillar = if needs_pillar { pillar(id) } else { Value::Null };
        let minion = Minion { id: id.as_str(), grains, pillar: &pillar, nodegroups };
        if matches(matcher(target.kind), &target.expr, &minion)? {
            found.push(id.clone());
        }
    }
    Ok(found)
}

/// Whom work for a target is owed: whoever it means, and of a list that means somebody also the ids that no accepted minion
/// has, which end as *offline*. Whoever was asked by name is accounted for by name, as Salt names them.
pub(crate) fn addressed(target: &Target, mut found: Vec<MinionId>) -> Result<Vec<MinionId>, String> {
    if target.kind != TargetKind::List || found.is_empty() {
        return Ok(found);
    }
    for id in target.expr.split(',').filter(|id| !id.is_empty()) {
        let id = MinionId::new(id).map_err(|e| format!("the list {:?} names {id:?}: {e}", target.expr))?;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found.sort();
    Ok(found)
}

/// Refuses a target that cannot say who may see something: one that looks at more than ids, which are all that
/// certificates prove. A minion would let itself in by the grains that it reports of itself.
pub(crate) fn check_allow(target: &Target, nodegroups: &BTreeMap<String, String>) -> Result<(), String> {
    match beyond_ids(matcher(target.kind), &target.expr, nodegroups) {
        Ok(None) => Ok(()),
        Ok(Some(part)) => Err(format!(
            "allow_tgt {} {:?} looks at {part}, which minions report of themselves; name ids: glob, list, pcre, \
             compound of these, or a nodegroup of ids",
            target.kind, target.expr
        )),
        Err(e) => Err(format!("allow_tgt cannot be read: {e}")),
    }
}

/// Tells whether a minion may see what is allowed for a target. One that looks at more than ids lets nobody in: the
/// node groups may have changed since it was taken.
pub(crate) fn allows(allow: Option<&Target>, id: &MinionId, nodegroups: &BTreeMap<String, String>) -> bool {
    let Some(target) = allow else { return true };
    let minion = Minion { id: id.as_str(), grains: &Value::Null, pillar: &Value::Null, nodegroups };
    check_allow(target, nodegroups).is_ok()
        && matches(matcher(target.kind), &target.expr, &minion).unwrap_or(false)
}

/// Rendering every minion's pillar is dear: only targets that ask for it pay.
pub(crate) fn needs_pillar(target: &Target, nodegroups: &BTreeMap<String, String>) -> bool {
    let asks = |expression: &str| expression.contains("I@") || expression.contains("J@");
    match target.kind {
        TargetKind::Pillar | TargetKind::PillarPcre => true,
        TargetKind::Compound => asks(&target.expr) || nodegroups.values().any(|e| asks(e)),
        TargetKind::Nodegroup => nodegroups.values().any(|e| asks(e)),
        TargetKind::Glob
        | TargetKind::List
        | TargetKind::Pcre
        | TargetKind::Grain
        | TargetKind::GrainPcre => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_owed_an_answer_by_everyone_it_names() {
        let ids =
            |names: &[&str]| names.iter().map(|n| MinionId::new(*n).expect("valid")).collect::<Vec<_>>();
        let list = |expr: &str| Target::new(TargetKind::List, expr);
        assert_eq!(addressed(&list("b,gone,a,b,"), ids(&["a", "b"])), Ok(ids(&["a", "b", "gone"])));
        assert_eq!(addressed(&list("gone"), Vec::new()), Ok(Vec::new()), "it means nobody");
        assert_eq!(addressed(&Target::glob("gone"), ids(&["a"])), Ok(ids(&["a"])));
        let blank = addressed(&list("a, b"), ids(&["a"])).expect_err("no name begins with a blank");
        assert!(blank.contains("\" b\""), "{blank}");
    }
}
