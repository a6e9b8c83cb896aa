//! What a user should be, and what differs from what it is.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::gecos_parts;
use crate::function::{JobCtx, StateCall, StateError};
use crate::host::{AccountStep, Ageing, Group, NewUser, Shadow, User, UserAttributes};
use crate::redact::MASK;

#[derive(Debug, Deserialize)]
pub(super) struct Args {
    uid: Option<u32>,
    gid: Option<String>,
    usergroup: Option<bool>,
    groups: Option<Vec<String>>,
    optional_groups: Option<Vec<String>>,
    #[serde(default = "yes")]
    remove_groups: bool,
    home: Option<String>,
    #[serde(default = "yes")]
    pub(super) createhome: bool,
    #[serde(default)]
    persist_home: bool,
    password: Option<String>,
    #[serde(default)]
    hash_password: bool,
    #[serde(default = "yes")]
    enforce_password: bool,
    #[serde(default)]
    empty_password: bool,
    password_lock: Option<bool>,
    shell: Option<String>,
    #[serde(default = "yes")]
    unique: bool,
    #[serde(default)]
    system: bool,
    fullname: Option<String>,
    roomnumber: Option<String>,
    workphone: Option<String>,
    homephone: Option<String>,
    other: Option<String>,
    date: Option<i64>,
    mindays: Option<i64>,
    maxdays: Option<i64>,
    inactdays: Option<i64>,
    warndays: Option<i64>,
    expire: Option<i64>,
    #[serde(default)]
    allow_uid_change: bool,
    #[serde(default)]
    allow_gid_change: bool,
}

fn yes() -> bool {
    true
}

/// What is to be done to a user.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) changes: Map,
    pub(super) steps: Vec<AccountStep>,
    /// A home directory that is missing, with its owner.
    pub(super) home: Option<(String, u32, u32)>,
    pub(super) new: bool,
}

/// Compares a user with what it should be.
pub(super) fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Plan, StateError> {
    let args: Args = call.typed()?;
    args.sensible()?;
    if let Some(hash) = args.password.as_deref().filter(|p| p.len() > 3) {
        ctx.secrets.register(hash);
    }
    let known = ctx.host.groups()?;
    let groups = args.all_groups(&known)?;
    match ctx.host.user(&call.name)? {
        None => args.new_user(&call.name, groups),
        Some(user) => args.changed_user(&user, groups, &known, ctx),
    }
}

impl Args {
    fn sensible(&self) -> Result<(), StateError> {
        let fields =
            [("fullname", &self.fullname), ("roomnumber", &self.roomnumber), ("workphone", &self.workphone)];
        for (name, value) in fields {
            if value.as_ref().is_some_and(|v| v.contains([',', ':', '\n'])) {
                return Err(StateError::failed(format!(
                    "argument {name}: a comma or colon is not possible in it"
                )));
            }
        }
        if self.hash_password {
            return Err(StateError::failed(
                "argument hash_password is not supported: give the hash itself as password (openssl passwd -6 makes one)",
            ));
        }
        Ok(())
    }

    /// Returns the groups besides the main one that are asked for; `None` when none are.
    fn all_groups(&self, known: &[Group]) -> Result<Option<Vec<String>>, StateError> {
        let there = |name: &&String| known.iter().any(|g| g.name == **name);
        let missing: Vec<&str> =
            self.groups.iter().flatten().filter(|g| !there(g)).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(StateError::failed(format!(
                "the following group(s) are not present: {} (make them with group.present, and require that)",
                missing.join(",")
            )));
        }
        if self.groups.is_none() && self.optional_groups.is_none() {
            return Ok(None);
        }
        let optional = self.optional_groups.iter().flatten().filter(there);
        let mut all: Vec<String> = self.groups.iter().flatten().chain(optional).cloned().collect();
        all.sort();
        all.dedup();
        Ok(Some(all))
    }

    fn gecos(&self, have: &str) -> Option<String> {
        let Self { fullname, roomnumber, workphone, homephone, other, .. } = self;
        let mut parts = gecos_parts(have);
        for (part, wanted) in parts.iter_mut().zip([fullname, roomnumber, workphone, homephone, other]) {
            if let Some(wanted) = wanted {
                part.clone_from(wanted);
            }
        }
        let gecos = parts.join(",").trim_end_matches(',').to_owned();
        (gecos != have.trim_end_matches(',')).then_some(gecos)
    }

    fn new_user(&self, name: &str, groups: Option<Vec<String>>) -> Result<Plan, StateError> {
        let attributes = UserAttributes {
            uid: self.uid,
            non_unique: !self.unique,
            group: self.gid.clone(),
            groups: groups.filter(|g| !g.is_empty()),
            append: false,
            gecos: self.gecos(""),
            home: self.home.clone(),
            shell: self.shell.clone(),
        };
        let mut changes = report(&attributes);
        changes.shift_insert(0, "name".into(), name.into());
        let mut plan = Plan { changes, new: true, ..Plan::default() };
        plan.steps.push(AccountStep::AddUser(NewUser {
            name: name.to_owned(),
            attributes,
            system: self.system,
            create_home: self.createhome,
            own_group: self.usergroup,
        }));
        self.password(name, &Shadow { password: "!".to_owned(), ..Shadow::default() }, &mut plan);
        Ok(plan)
    }

    fn changed_user(
        &self,
        user: &User,
        groups: Option<Vec<String>>,
        known: &[Group],
        ctx: &JobCtx<'_>,
    ) -> Result<Plan, StateError> {
        let gid = match &self.gid {
            None => None,
            Some(wanted) => Some(main_group(wanted, known)?),
        };
        self.allowed(user, gid)?;
        let main = known.iter().find(|g| g.gid == gid.unwrap_or(user.gid)).map(|g| g.name.as_str());
        let groups = groups.and_then(|wanted| self.group_change(user, main, wanted, known));
        let attributes = UserAttributes {
            uid: self.uid.filter(|u| *u != user.uid),
            non_unique: !self.unique,
            group: gid.filter(|g| *g != user.gid).map(|g| g.to_string()),
            groups,
            append: !self.remove_groups,
            gecos: self.gecos(&user.gecos),
            home: self.home.clone().filter(|h| !h.is_empty() && *h != user.home),
            shell: self.shell.clone().filter(|s| !s.is_empty() && *s != user.shell),
        };
        let mut plan = Plan { changes: report(&attributes), ..Plan::default() };
        let move_home = self.persist_home;
        if !plan.changes.is_empty() {
            plan.steps.push(AccountStep::SetUser { name: user.name.clone(), attributes, move_home });
        }
        let home = self.home.clone().filter(|h| !h.is_empty()).unwrap_or_else(|| user.home.clone());
        let moved = move_home && home != user.home;
        let missing = !ctx.host.stat(std::path::Path::new(&home))?.is_some_and(|m| m.is_dir());
        if self.createhome && !moved && missing {
            plan.changes.insert("homeDoesNotExist".into(), home.as_str().into());
            plan.home = Some((home, self.uid.unwrap_or(user.uid), gid.unwrap_or(user.gid)));
        }
        if self.asks_for_shadow() {
            let shadow = ctx.host.shadow(&user.name)?.ok_or_else(|| {
                StateError::failed(format!(
                    "the password of {} cannot be looked at (is this run as root?)",
                    user.name
                ))
            })?;
            self.password(&user.name, &shadow, &mut plan);
        }
        Ok(plan)
    }

    fn allowed(&self, user: &User, gid: Option<u32>) -> Result<(), StateError> {
        let change = |what: &str, from: u32, to: u32| {
            StateError::failed(format!(
                "changing {what} ({from} -> {to}) is not permitted; set allow_{what}_change to True to force it. Files keep \
                 their owners."
            ))
        };
        if let Some(uid) = self.uid.filter(|u| *u != user.uid && !self.allow_uid_change) {
            return Err(change("uid", user.uid, uid));
        }
        if let Some(gid) = gid.filter(|g| *g != user.gid && !self.allow_gid_change) {
            return Err(change("gid", user.gid, gid));
        }
        Ok(())
    }

    /// Returns the groups to set, where they differ. The main group, and a group of the user's own name, do not count.
    fn group_change(
        &self,
        user: &User,
        main: Option<&str>,
        mut wanted: Vec<String>,
        known: &[Group],
    ) -> Option<Vec<String>> {
        wanted.retain(|g| Some(g.as_str()) != main);
        let has = |g: &&Group| g.members.contains(&user.name);
        let counts =
            |g: &&Group| Some(g.name.as_str()) != main && (g.name != user.name || wanted.contains(&g.name));
        let mut have: Vec<&str> = known.iter().filter(has).filter(counts).map(|g| g.name.as_str()).collect();
        have.sort_unstable();
        let missing = wanted.iter().any(|g| !have.contains(&g.as_str()));
        let surplus = self.remove_groups && have.iter().any(|g| !wanted.iter().any(|w| w == g));
        (missing || surplus).then_some(wanted)
    }

    fn asks_for_shadow(&self) -> bool {
        let ageing = self.ageing().iter().any(|(_, _, days)| days.is_some());
        ageing || self.password.is_some() || self.empty_password || self.password_lock.is_some()
    }

    fn ageing(&self) -> [(&'static str, Ageing, Option<i64>); 6] {
        [
            ("date", Ageing::Date, self.date),
            ("mindays", Ageing::MinDays, self.mindays),
            ("maxdays", Ageing::MaxDays, self.maxdays),
            ("warndays", Ageing::WarnDays, self.warndays),
            ("inactdays", Ageing::InactDays, self.inactdays),
            ("expire", Ageing::Expire, self.expire),
        ]
    }

    fn password(&self, name: &str, have: &Shadow, plan: &mut Plan) {
        let name = name.to_owned();
        let mut will_be = have.password.clone();
        // What useradd leaves, and what an administrator locked before any password was set.
        let unset = ["!", "!!", "*", "!*"].contains(&have.password.as_str());
        if self.empty_password {
            if !have.password.is_empty() {
                plan.changes.insert("empty_password".into(), true.into());
                plan.steps.push(AccountStep::RemovePassword { name: name.clone() });
                will_be.clear();
            }
        } else if let Some(hash) = self.password.as_ref().filter(|p| !p.is_empty()) {
            // A locked account whose password is the wanted one keeps it.
            let same = have.password == *hash
                || (self.password_lock == Some(true) && have.password.strip_prefix('!') == Some(hash));
            if !same && (unset || self.enforce_password) {
                plan.changes.insert("passwd".into(), MASK.into());
                plan.steps.push(AccountStep::SetPassword { name: name.clone(), hash: hash.clone() });
                will_be.clone_from(hash);
            }
        }
        if let Some(lock) = self.password_lock.filter(|lock| *lock != will_be.starts_with('!')) {
            plan.changes.insert("password_lock".into(), lock.into());
            plan.steps.push(AccountStep::LockPassword { name: name.clone(), lock });
        }
        let days_now = [have.date, have.mindays, have.maxdays, have.warndays, have.inactdays, have.expire];
        for ((word, what, wanted), now) in self.ageing().into_iter().zip(days_now) {
            // -1 is how a limit is taken away, and an absent one reads as none.
            if let Some(days) = wanted.filter(|d| Some(*d) != now && !(*d == -1 && now.is_none())) {
                plan.changes.insert(word.into(), days.into());
                plan.steps.push(AccountStep::SetAgeing { name: name.clone(), what, days });
            }
        }
    }
}

fn main_group(wanted: &str, known: &[Group]) -> Result<u32, StateError> {
    let named = known.iter().find(|g| g.name == wanted).map(|g| g.gid);
    named.or_else(|| wanted.parse().ok()).ok_or_else(|| {
        StateError::failed(format!(
            "group {wanted} is not present (make it with group.present, and require that)"
        ))
    })
}

/// Reports what differs, under the arguments' names.
fn report(attributes: &UserAttributes) -> Map {
    let UserAttributes { uid, non_unique: _, group, groups, append: _, gecos, home, shell } = attributes;
    let text = |v: &Option<String>| v.clone().map(Value::from);
    let fields = [
        ("uid", uid.map(Value::from)),
        ("gid", group.as_ref().map(|g| g.parse::<u32>().map_or_else(|_| g.as_str().into(), Value::from))),
        ("groups", groups.clone().map(Value::from)),
        ("gecos", text(gecos)),
        ("home", text(home)),
        ("shell", text(shell)),
    ];
    fields.into_iter().filter_map(|(key, value)| Some((Value::from(key), value?))).collect()
}
