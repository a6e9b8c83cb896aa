//! `group.present`: a group exists, with this number and these members.

use lab_proto::{Map, Value};
use serde::Deserialize;

use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::{AccountStep, Group};

/// The function.
pub(in crate::functions) struct Present;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("gid", Kind::Int, "Its number; the next free one when not given."),
    ArgDoc::with_default(
        "system",
        Kind::Bool,
        "false",
        "Whether a new group gets a number from the range for services.",
    ),
    ArgDoc::optional("members", Kind::List, "All users that it lists; others leave it."),
    ArgDoc::optional("addusers", Kind::List, "Users that join it."),
    ArgDoc::optional("delusers", Kind::List, "Users that leave it."),
    ArgDoc::with_default("non_unique", Kind::Bool, "false", "Whether another group may have its number."),
    ArgDoc::with_default("local", Kind::Bool, "false", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes a group, or brings one to what is asked for.",
    ARGS,
    "lab:\n  group.present:\n    - gid: 1700\n    - members: [root]\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    gid: Option<u32>,
    #[serde(default)]
    system: bool,
    members: Option<Vec<String>>,
    addusers: Option<Vec<String>>,
    delusers: Option<Vec<String>>,
    #[serde(default)]
    non_unique: bool,
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "group.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let (changes, _) = plan(call, ctx)?;
        if changes.is_empty() {
            return Ok(Check::holds(format!("group {} is present and up to date", call.name)));
        }
        let what = if changes.contains_key("name") { "added" } else { "changed" };
        Ok(Check::differs(changes, format!("group {} is set to be {what}", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let (changes, steps) = plan(call, ctx)?;
        for step in &steps {
            ctx.host.account_step(step)?;
        }
        Ok(Applied::new(changes, format!("group {} is as it should be", call.name)))
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Map, Vec<AccountStep>), StateError> {
    let args: Args = call.typed()?;
    args.sensible()?;
    let name = call.name.clone();
    let have = ctx.host.group(&name)?;
    let (mut changes, mut steps) = (Map::new(), Vec::new());
    let taken = match args.gid.filter(|gid| !args.non_unique && have.as_ref().is_none_or(|g| g.gid != *gid)) {
        Some(gid) => ctx.host.group_by_id(gid)?,
        None => None,
    };
    if let Some(other) = taken {
        return Err(StateError::failed(format!(
            "group {name} cannot have the gid {}: group {} has it (set non_unique to True to share it)",
            other.gid, other.name
        )));
    }
    let non_unique = args.non_unique;
    match &have {
        None => {
            changes.insert("name".into(), name.as_str().into());
            steps.push(AccountStep::AddGroup {
                name: name.clone(),
                gid: args.gid,
                system: args.system,
                non_unique,
            });
        }
        Some(group) => {
            if let Some(gid) = args.gid.filter(|g| *g != group.gid) {
                steps.push(AccountStep::SetGroupId { name: name.clone(), gid, non_unique });
            }
        }
    }
    if let Some(gid) = args.gid.filter(|g| have.as_ref().is_none_or(|h| h.gid != *g)) {
        changes.insert("gid".into(), gid.into());
    }
    if let Some(members) = args.new_members(have.as_ref(), &mut changes) {
        steps.push(AccountStep::SetMembers { name, members });
    }
    Ok((changes, steps))
}

impl Args {
    fn sensible(&self) -> Result<(), StateError> {
        if self.members.is_some() && (self.addusers.is_some() || self.delusers.is_some()) {
            return Err(StateError::failed("members cannot be given together with addusers or delusers"));
        }
        let leaving = self.delusers.as_deref().unwrap_or_default();
        match self.addusers.iter().flatten().find(|u| leaving.contains(u)) {
            Some(both) => Err(StateError::failed(format!("{both} stands in addusers and in delusers"))),
            None => Ok(()),
        }
    }

    /// Returns the members that the group should list, where they differ, and reports that.
    fn new_members(&self, have: Option<&Group>, changes: &mut Map) -> Option<Vec<String>> {
        let mut now: Vec<String> = have.map(|g| g.members.clone()).unwrap_or_default();
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list.dedup();
            list
        };
        if let Some(members) = &self.members {
            if sorted(members) == sorted(&now) {
                return None;
            }
            changes.insert("members".into(), Value::from(members.clone()));
            return Some(members.clone());
        }
        let joining: Vec<String> =
            self.addusers.iter().flatten().filter(|u| !now.contains(u)).cloned().collect();
        let leaving: Vec<String> =
            self.delusers.iter().flatten().filter(|u| now.contains(u)).cloned().collect();
        if joining.is_empty() && leaving.is_empty() {
            return None;
        }
        now.retain(|u| !leaving.contains(u));
        now.extend(joining.iter().cloned());
        for (word, users) in [("addusers", joining), ("delusers", leaving)] {
            if !users.is_empty() {
                changes.insert(word.into(), users.into());
            }
        }
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::Accounts;
    use crate::host::sim::SimHost;

    fn bench() -> Bench {
        Bench::new(SimHost::new().with_user("ann", 1001).with_user("bob", 1002).with_group(
            "lab",
            1700,
            &["ann"],
        ))
    }

    fn members(bench: &Bench) -> Vec<String> {
        bench.host.group("lab").unwrap().unwrap().members
    }

    #[test]
    fn groups_are_made_and_changed_once() {
        let bench = bench();
        let sls = "new:\n  group.present:\n    - gid: 1800\n    - addusers: [bob]\n";
        let dry = bench.dry(sls);
        let made = bench.run(sls);
        assert_eq!((made.kind, made.changes), (VerdictKind::Ok, dry.changes), "{}", made.comment);
        assert!(!bench.run(sls).changed());
        assert!(bench.run("new:\n  group.present:\n    - gid: 1801\n").changed());
        let taken = bench.run("new:\n  group.present:\n    - gid: 1700\n");
        assert!(taken.comment.contains("group lab has it"), "{}", taken.comment);
    }

    #[test]
    fn members_join_leave_or_are_replaced() {
        let bench = bench();
        assert!(
            bench
                .run("lab:\n  group.present:\n    - addusers: [bob, ann]\n    - delusers: [eve]\n")
                .changed()
        );
        assert_eq!(members(&bench), ["ann", "bob"]);
        assert!(bench.run("lab:\n  group.present:\n    - delusers: [ann]\n").changed());
        assert!(!bench.run("lab:\n  group.present:\n    - members: [bob]\n").changed());
        assert!(bench.run("lab:\n  group.present:\n    - members: []\n").changed());
        assert!(members(&bench).is_empty());
        let both = bench.run("lab:\n  group.present:\n    - members: []\n    - addusers: [bob]\n");
        assert_eq!(both.kind, VerdictKind::Failed);
    }
}
