//! Whom a target means: all minions with an accepted key whose id, grains or pillar match.

use std::collections::{BTreeMap, HashSet};

use lab_proto::{MinionId, Target, TargetKind, Value};
use lab_states::target::{Matcher, Minion, TargetError, beyond_ids, matches, named};

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
    if candidates.is_empty() {
        // Nobody is held against it, and it may be wrong all the same.
        beyond_ids(matcher(target.kind), &target.expr, nodegroups)?;
    }
    for (id, grains) in candidates {
        let pillar = if needs_pillar { pillar(id) } else { Value::Null };
        let minion = Minion { id: id.as_str(), grains, pillar: &pillar, nodegroups };
        if matches(matcher(target.kind), &target.expr, &minion)? {
            found.push(id.clone());
        }
    }
    Ok(found)
}

/// Whom work for a target is owed: whoever it means, and of lists that mean somebody also the ids that no accepted minion
/// has, which end as *offline*. Whoever was asked by name is accounted for by name, as Salt names them. A list within other
/// conditions means an unknown id as far as they can be told without its grains and pillar.
pub(crate) fn addressed(
    target: &Target,
    mut found: Vec<MinionId>,
    candidates: &[(MinionId, SharedGrains)],
    nodegroups: &BTreeMap<String, String>,
) -> Result<Vec<MinionId>, String> {
    if found.is_empty() {
        return Ok(found);
    }
    let names: Vec<&str> = match target.kind {
        TargetKind::List => target.expr.split(',').filter(|id| !id.is_empty()).collect(),
        TargetKind::Compound => named(&target.expr, nodegroups),
        TargetKind::Nodegroup => {
            nodegroups.get(&target.expr).map_or(Vec::new(), |expr| named(expr, nodegroups))
        }
        TargetKind::Glob
        | TargetKind::Pcre
        | TargetKind::Grain
        | TargetKind::GrainPcre
        | TargetKind::Pillar
        | TargetKind::PillarPcre => return Ok(found),
    };
    let accepted: HashSet<&str> = candidates.iter().map(|(id, _)| id.as_str()).collect();
    for name in names.into_iter().filter(|name| !accepted.contains(name)) {
        let id =
            MinionId::new(name).map_err(|e| format!("the list {:?} names {name:?}: {e}", target.expr))?;
        let minion = Minion { id: name, grains: &Value::Null, pillar: &Value::Null, nodegroups };
        let meant = matches(matcher(target.kind), &target.expr, &minion).map_err(|e| e.to_string())?;
        if meant && !found.contains(&id) {
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

    fn ids(names: &[&str]) -> Vec<MinionId> {
        names.iter().map(|n| MinionId::new(*n).expect("valid")).collect()
    }

    /// Whom work is owed where `a` and `b` are accepted, which run on x and y.
    fn owed(kind: TargetKind, expr: &str) -> Result<Vec<MinionId>, String> {
        let grains = |os: &str| SharedGrains::new(Value::from([("os", os)]));
        let candidates: Vec<_> = ids(&["a", "b"]).into_iter().zip([grains("x"), grains("y")]).collect();
        let groups = [("some", "L@b,lost"), ("most", "N@some or a")];
        let groups = groups.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let target = Target::new(kind, expr);
        let found = select(&target, &candidates, &groups, |_| Value::Null).map_err(|e| e.to_string())?;
        addressed(&target, found, &candidates, &groups)
    }

    #[test]
    fn a_list_is_owed_an_answer_by_everyone_it_names() {
        let list = |expr| owed(TargetKind::List, expr);
        assert_eq!(list("b,gone,a,b,"), Ok(ids(&["a", "b", "gone"])));
        assert_eq!(list("gone"), Ok(Vec::new()), "it means nobody");
        assert_eq!(owed(TargetKind::Glob, "a*"), Ok(ids(&["a"])));
        let blank = list("a, b").expect_err("no name begins with a blank");
        assert!(blank.contains("\" b\""), "{blank}");
    }

    #[test]
    fn a_list_within_other_conditions_names_its_unknown_ids_too() {
        let compound = |expr| owed(TargetKind::Compound, expr);
        assert_eq!(compound("L@a,gone"), Ok(ids(&["a", "gone"])));
        assert_eq!(compound("( L@a,gone or b ) and not E@g.*"), Ok(ids(&["a", "b"])));
        assert_eq!(compound("L@a,b,gone and G@os:x"), Ok(ids(&["a"])), "nobody knows its grains");
        assert_eq!(
            compound("L@a,b,gone and not G@os:x"),
            Ok(ids(&["b", "gone"])),
            "a is known, and is not meant"
        );
        assert_eq!(compound("* and not L@gone,b"), Ok(ids(&["a"])));
        assert_eq!(compound("L@gone"), Ok(Vec::new()), "it means nobody");
        assert_eq!(compound("N@most and not L@c,d"), Ok(ids(&["a", "b", "lost"])));
        assert_eq!(owed(TargetKind::Nodegroup, "most"), Ok(ids(&["a", "b", "lost"])));
    }
}
