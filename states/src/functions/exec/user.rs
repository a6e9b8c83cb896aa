//! `user.*`, `group.*` and `shadow.*`: accounts.

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::user::gecos_parts;
use crate::host::{Group, User};
use crate::redact::MASK;

const NAME: &[ArgDoc] = &[ArgDoc::required("name", Kind::Text, "Which.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "user.info",
        doc: FunctionDoc::new(
            "Returns what is known of a user; empty when there is none.",
            NAME,
            "lab-master run '*' user.info root",
        ),
        body: user,
    },
    Exec {
        name: "user.list_users",
        doc: FunctionDoc::new("Lists the names of all users.", &[], "lab-master run '*' user.list_users"),
        body: |call| {
            let mut names: Vec<String> = call.ctx.host.users()?.into_iter().map(|u| u.name).collect();
            names.sort();
            Ok(names.into())
        },
    },
    Exec {
        name: "user.getent",
        doc: FunctionDoc::new("Returns what is known of all users.", &[], "lab-master run '*' user.getent")
            .open(),
        body: |call| {
            let groups = call.ctx.host.groups()?;
            let users = call.ctx.host.users()?;
            Ok(Value::List(users.iter().map(|u| describe(u, &groups)).collect()))
        },
    },
    Exec {
        name: "user.list_groups",
        doc: FunctionDoc::new(
            "Lists the groups that a user is in.",
            NAME,
            "lab-master run '*' user.list_groups root",
        ),
        body: |call| {
            let Args { name } = call.typed()?;
            let groups = call.ctx.host.groups()?;
            let found = call.ctx.host.user(&name)?;
            Ok(found.map(|u| groups_of(&u, &groups)).unwrap_or_default().into())
        },
    },
    Exec {
        name: "user.primary_group",
        doc: FunctionDoc::new(
            "Returns the main group of a user.",
            NAME,
            "lab-master run '*' user.primary_group root",
        ),
        body: |call| {
            let Args { name } = call.typed()?;
            let Some(user) = call.ctx.host.user(&name)? else {
                return Err(CallError::failed(format!("user {name} does not exist")));
            };
            Ok(call.ctx.host.group_by_id(user.gid)?.map(|g| g.name).unwrap_or_default().into())
        },
    },
    Exec {
        name: "group.info",
        doc: FunctionDoc::new(
            "Returns what is known of a group; empty when there is none.",
            NAME,
            "lab-master run '*' group.info root",
        ),
        body: |call| {
            let Args { name } = call.typed()?;
            Ok(call.ctx.host.group(&name)?.as_ref().map_or_else(Value::map, group))
        },
    },
    Exec {
        name: "group.getent",
        doc: FunctionDoc::new("Returns what is known of all groups.", &[], "lab-master run '*' group.getent")
            .open(),
        body: |call| Ok(Value::List(call.ctx.host.groups()?.iter().map(group).collect())),
    },
    Exec {
        name: "shadow.info",
        doc: FunctionDoc::new(
            "Returns how a user's password ages, and whether there is one; never the hash.",
            NAME,
            "lab-master run '*' shadow.info root",
        ),
        body: shadow,
    },
];

#[derive(Deserialize)]
struct Args {
    name: String,
}

fn user(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { name } = call.typed()?;
    let Some(user) = call.ctx.host.user(&name)? else { return Ok(Value::map()) };
    Ok(describe(&user, &call.ctx.host.groups()?))
}

fn describe(user: &User, groups: &[Group]) -> Value {
    let User { name, uid, gid, gecos, home, shell } = user;
    let [fullname, roomnumber, workphone, homephone, other] = gecos_parts(gecos).map(Value::from);
    Value::from([
        ("gid", Value::from(*gid)),
        ("groups", groups_of(user, groups).into()),
        ("home", home.as_str().into()),
        ("name", name.as_str().into()),
        ("passwd", "x".into()),
        ("shell", shell.as_str().into()),
        ("uid", Value::from(*uid)),
        ("fullname", fullname),
        ("roomnumber", roomnumber),
        ("workphone", workphone),
        ("homephone", homephone),
        ("other", other),
    ])
}

fn groups_of(user: &User, groups: &[Group]) -> Vec<String> {
    let has = |g: &&Group| g.gid == user.gid || g.members.contains(&user.name);
    let mut names: Vec<String> = groups.iter().filter(has).map(|g| g.name.clone()).collect();
    names.sort();
    names
}

fn group(group: &Group) -> Value {
    let Group { name, gid, members } = group;
    Value::from([
        ("name", Value::from(name.as_str())),
        ("passwd", "x".into()),
        ("gid", Value::from(*gid)),
        ("members", members.clone().into()),
    ])
}

fn shadow(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { name } = call.typed()?;
    let Some(shadow) = call.ctx.host.shadow(&name)? else { return Ok(Value::map()) };
    let days = |d: Option<i64>| Value::from(d.unwrap_or(-1));
    let passwd = match shadow.password.as_str() {
        "" => "",
        locked if locked.starts_with(['!', '*']) => "!",
        _ => MASK,
    };
    Ok(Value::from([
        ("name", Value::from(name)),
        ("passwd", passwd.into()),
        ("lstchg", days(shadow.date)),
        ("min", days(shadow.mindays)),
        ("max", days(shadow.maxdays)),
        ("warn", days(shadow.warndays)),
        ("inact", days(shadow.inactdays)),
        ("expire", days(shadow.expire)),
    ]))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use crate::host::{AccountStep, Accounts};
    use lab_proto::{Map, Value};

    #[test]
    fn accounts_are_described_and_hashes_are_not() {
        let bench = Bench::new(SimHost::new().with_user("ann", 1001).with_group("lab", 1700, &["ann"]));
        let exec = |name: &str, about: &str| bench.exec(name, &[about.into()], &Map::new()).unwrap();
        assert_eq!(exec("user.info", "ann").get("uid"), Some(&Value::from(1001)));
        assert_eq!(exec("user.info", "nobody-here"), Value::map());
        assert_eq!(exec("user.list_groups", "ann"), Value::from(vec!["ann", "lab"]));
        assert_eq!(exec("user.primary_group", "ann"), Value::from("ann"));
        assert_eq!(exec("group.info", "lab").get("members"), Some(&Value::from(vec!["ann"])));
        let hash = AccountStep::SetPassword { name: "ann".to_owned(), hash: "$6$a$b".to_owned() };
        bench.host.account_step(&hash).unwrap();
        assert!(!exec("shadow.info", "ann").to_string().contains("$6$"));
        let all = bench.exec("user.list_users", &[], &Map::new()).unwrap();
        assert_eq!(all, Value::from(vec!["ann", "root"]));
    }
}
