//! `user.present`: a user exists and is as it should be.

use std::path::Path;

use super::attributes::{Plan, plan};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Present;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("uid", Kind::Int, "Its number; the next free one when not given."),
    ArgDoc::optional("gid", Kind::Text, "Its main group, by name or number."),
    ArgDoc::optional("usergroup", Kind::Bool, "Whether a group of the same name is made for a new user."),
    ArgDoc::optional("groups", Kind::List, "The other groups that it is in; they must exist."),
    ArgDoc::optional("optional_groups", Kind::List, "The same, of groups that need not exist."),
    ArgDoc::with_default(
        "remove_groups",
        Kind::Bool,
        "true",
        "Whether it leaves groups that are not listed.",
    ),
    ArgDoc::optional("home", Kind::Path, "Its home directory."),
    ArgDoc::with_default("createhome", Kind::Bool, "true", "Whether a missing home directory is made."),
    ArgDoc::with_default(
        "persist_home",
        Kind::Bool,
        "false",
        "Whether files of the old home directory move to a new one.",
    ),
    ArgDoc::optional("password", Kind::Text, "The hash of its password; reports never show it."),
    ArgDoc::with_default(
        "enforce_password",
        Kind::Bool,
        "true",
        "Whether a password that was set otherwise is replaced.",
    ),
    ArgDoc::with_default("empty_password", Kind::Bool, "false", "Whether it needs no password."),
    ArgDoc::optional("password_lock", Kind::Bool, "Whether its password is locked."),
    ArgDoc::with_default("hash_password", Kind::Bool, "false", "Not supported: give the hash."),
    ArgDoc::optional("shell", Kind::Path, "Its login shell."),
    ArgDoc::with_default("unique", Kind::Bool, "true", "Whether no other user may have its number."),
    ArgDoc::with_default(
        "system",
        Kind::Bool,
        "false",
        "Whether a new user gets a number from the range for services.",
    ),
    ArgDoc::optional("fullname", Kind::Text, "Its full name."),
    ArgDoc::optional("roomnumber", Kind::Text, "Its room."),
    ArgDoc::optional("workphone", Kind::Text, "Its telephone at work."),
    ArgDoc::optional("homephone", Kind::Text, "Its telephone at home."),
    ArgDoc::optional("other", Kind::Text, "The rest of its description."),
    ArgDoc::optional("date", Kind::Int, "When the password was changed, in days since 1970."),
    ArgDoc::optional("mindays", Kind::Int, "For how many days the password must be kept."),
    ArgDoc::optional("maxdays", Kind::Int, "After how many days the password must be changed."),
    ArgDoc::optional("warndays", Kind::Int, "How many days before that it is warned."),
    ArgDoc::optional("inactdays", Kind::Int, "How many days after that the account is closed."),
    ArgDoc::optional("expire", Kind::Int, "When the account is closed, in days since 1970; -1 for never."),
    ArgDoc::with_default("allow_uid_change", Kind::Bool, "false", "Whether its number may change."),
    ArgDoc::with_default("allow_gid_change", Kind::Bool, "false", "Whether its main group may change."),
    ArgDoc::with_default("local", Kind::Bool, "false", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes a user, or brings one to what is asked for. What is not asked for stays.",
    ARGS,
    "kvm:\n  group.present: []\nann:\n  user.present:\n    - uid: 1500\n    - fullname: Ann Other\n    - shell: /bin/bash\n    \
     - groups: [kvm]\n    - password: $6$salt$hash\n    - require: [{group: kvm}]\n",
);

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "user.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let plan = plan(call, ctx)?;
        if plan.changes.is_empty() {
            return Ok(Check::holds(format!("user {} is present and up to date", call.name)));
        }
        let what = if plan.new { "added" } else { "changed" };
        Ok(Check::differs(plan.changes, format!("user {} is set to be {what}", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let Plan { changes, steps, home, new } = plan(call, ctx)?;
        for step in &steps {
            ctx.host.account_step(step)?;
        }
        if let Some((home, uid, gid)) = home {
            let home = Path::new(&home);
            super::super::support::make_parents(
                ctx.host,
                home,
                None,
                super::super::support::Owner::default(),
            )?;
            ctx.host.mkdir(home, Some(0o755))?;
            ctx.host.chown(home, Some(uid), Some(gid))?;
        }
        let what = if new { "created" } else { "updated" };
        Ok(Applied::new(changes, format!("user {} {what}", call.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::Accounts;
    use crate::host::sim::SimHost;
    use lab_proto::Value;

    fn bench() -> Bench {
        Bench::new(SimHost::new().with_group("kvm", 105, &[]).with_group("sudo", 27, &[]))
    }

    fn keys(verdict: &crate::function::Verdict) -> Vec<String> {
        verdict.changes.keys().map(Value::to_string).collect()
    }

    #[test]
    fn a_user_is_made_once_with_all_that_is_asked_for() {
        let bench = bench();
        let sls = "ann:\n  user.present:\n    - uid: 1500\n    - groups: [kvm]\n    - optional_groups: [sudo, none]\n    \
                   - fullname: Ann\n    - workphone: '17'\n    - maxdays: 90\n    - password: $6$a$b\n";
        let dry = bench.dry(sls);
        assert_eq!(dry.kind, VerdictKind::WouldChange, "{}", dry.comment);
        let made = bench.run(sls);
        assert_eq!(made.kind, VerdictKind::Ok, "{}", made.comment);
        assert_eq!(made.changes, dry.changes);
        assert!(!Value::Map(made.changes).to_string().contains("$6$"), "a hash is not reported");
        let ann = bench.host.user("ann").unwrap().unwrap();
        assert_eq!((ann.uid, ann.gecos.as_str()), (1500, "Ann,,17"));
        assert_eq!(bench.host.group("sudo").unwrap().unwrap().members, ["ann"]);
        assert_eq!(bench.host.shadow("ann").unwrap().unwrap().maxdays, Some(90));
        assert!(!bench.run(sls).changed());
    }

    #[test]
    fn only_what_is_asked_for_changes() {
        let bench = Bench::new(SimHost::new().with_user("bob", 1001).with_dir("/home/bob").with_group(
            "kvm",
            105,
            &["bob"],
        ));
        assert!(!bench.run("bob:\n  user.present: []\n").changed(), "groups that are not named stay");
        assert_eq!(keys(&bench.run("bob:\n  user.present:\n    - shell: /bin/zsh\n")), ["shell"]);
        assert_eq!(keys(&bench.run("bob:\n  user.present:\n    - groups: []\n")), ["groups"]);
        assert!(bench.host.group("kvm").unwrap().unwrap().members.is_empty());
        assert_eq!(bench.run("bob:\n  user.present:\n    - uid: 7\n").kind, VerdictKind::Failed);
        assert_eq!(
            keys(&bench.run("bob:\n  user.present:\n    - uid: 7\n    - allow_uid_change: True\n")),
            ["uid"]
        );
    }

    #[test]
    fn groups_are_added_or_replaced() {
        let host = SimHost::new()
            .with_user("bob", 1001)
            .with_dir("/home/bob")
            .with_group("a", 1, &["bob"])
            .with_group("b", 2, &[]);
        let bench = Bench::new(host);
        let add = "bob:\n  user.present:\n    - groups: [b]\n    - remove_groups: False\n";
        assert!(bench.run(add).changed());
        assert!(!bench.run(add).changed());
        let members = |g: &str| bench.host.group(g).unwrap().unwrap().members;
        assert_eq!((members("a").len(), members("b").len()), (1, 1));
        assert!(bench.run("bob:\n  user.present:\n    - groups: [b]\n").changed());
        assert_eq!((members("a").len(), members("b").len()), (0, 1));
        let missing = bench.run("bob:\n  user.present:\n    - groups: [nobodies]\n");
        assert!(missing.comment.contains("group.present"), "{}", missing.comment);
    }

    #[test]
    fn passwords_are_set_locked_and_left_alone() {
        let bench = Bench::new(SimHost::new().with_user("bob", 1001).with_dir("/home/bob"));
        assert_eq!(keys(&bench.run("bob:\n  user.present:\n    - password: $6$a$b\n")), ["passwd"]);
        let other = "bob:\n  user.present:\n    - password: $6$other\n    - enforce_password: False\n";
        assert!(!bench.run(other).changed());
        let locked = "bob:\n  user.present:\n    - password: $6$a$b\n    - password_lock: True\n";
        assert_eq!(keys(&bench.run(locked)), ["password_lock"]);
        assert!(!bench.run(locked).changed());
        assert_eq!(
            keys(&bench.run("bob:\n  user.present:\n    - empty_password: True\n")),
            ["empty_password"]
        );
        assert_eq!(bench.host.shadow("bob").unwrap().unwrap().password, "");
    }

    #[test]
    fn a_missing_home_is_made_for_its_user() {
        let bench = Bench::new(SimHost::new().with_user("bob", 1001));
        assert_eq!(keys(&bench.run("bob:\n  user.present: []\n")), ["homeDoesNotExist"]);
        assert!(bench.host.tree()[std::path::Path::new("/home/bob")].contains("1001:1001"));
        let none = Bench::new(SimHost::new().with_user("bob", 1001));
        assert!(!none.run("bob:\n  user.present:\n    - createhome: False\n").changed());
    }
}
