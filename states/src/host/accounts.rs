//! Users and groups.

use super::{Command, HostError};

/// A user as the machine's account database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The number.
    pub uid: u32,
    /// The number of the main group.
    pub gid: u32,
    /// Who that is: full name, room, telephones and more, with commas between them.
    pub gecos: String,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

impl User {
    /// Reads a line of `passwd`.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, gecos, home, shell] = fields[..] else { return None };
        let text = str::to_owned;
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        Some(Self { name: text(name), uid, gid, gecos: text(gecos), home: text(home), shell: text(shell) })
    }
}

/// A group as the machine's account database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The number.
    pub gid: u32,
    /// The users that it lists; those whose main group it is need not be among them.
    pub members: Vec<String>,
}

impl Group {
    /// Reads a line of `group`.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = fields[..] else { return None };
        let members = members.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect();
        Some(Self { name: name.to_owned(), gid: gid.parse().ok()?, members })
    }
}

/// A user's password and its ageing, in days; what is not set is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadow {
    /// The hash; empty for no password, starting with `!` when locked.
    pub password: String,
    /// When it was changed, in days since the epoch.
    pub date: Option<i64>,
    /// For how long it must be kept.
    pub mindays: Option<i64>,
    /// After how long it must be changed.
    pub maxdays: Option<i64>,
    /// How long before that the user is warned.
    pub warndays: Option<i64>,
    /// How long after that the account is closed.
    pub inactdays: Option<i64>,
    /// When the account is closed, in days since the epoch.
    pub expire: Option<i64>,
}

impl Shadow {
    /// Reads a line of `shadow`.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, password, date, mindays, maxdays, warndays, inactdays, expire, ..] = fields[..] else {
            return None;
        };
        let days = |field: &str| field.parse().ok();
        Some(Self {
            password: password.to_owned(),
            date: days(date),
            mindays: days(mindays),
            maxdays: days(maxdays),
            warndays: days(warndays),
            inactdays: days(inactdays),
            expire: days(expire),
        })
    }
}

/// What a user should be; what is `None` is left as it is, or as the machine makes new users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserAttributes {
    /// The number.
    pub uid: Option<u32>,
    /// Whether another user may have that number, too.
    pub non_unique: bool,
    /// The main group, by name or number.
    pub group: Option<String>,
    /// All other groups.
    pub groups: Option<Vec<String>>,
    /// Whether groups are added to those that the user is in, instead of replacing them.
    pub append: bool,
    /// See [`User::gecos`].
    pub gecos: Option<String>,
    /// The home directory.
    pub home: Option<String>,
    /// The login shell.
    pub shell: Option<String>,
}

/// How a user is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// Everything else.
    pub attributes: UserAttributes,
    /// Whether it is for a service, not for a person.
    pub system: bool,
    /// Whether the home directory is made.
    pub create_home: bool,
    /// Whether a group of the same name is made; as the machine is configured when not given.
    pub own_group: Option<bool>,
}

/// How a password ages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ageing {
    /// See [`Shadow::date`].
    Date,
    /// See [`Shadow::mindays`].
    MinDays,
    /// See [`Shadow::maxdays`].
    MaxDays,
    /// See [`Shadow::warndays`].
    WarnDays,
    /// See [`Shadow::inactdays`].
    InactDays,
    /// See [`Shadow::expire`].
    Expire,
}

/// One change to the account database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountStep {
    /// Make a user.
    AddUser(NewUser),
    /// Change a user.
    SetUser {
        /// Which.
        name: String,
        /// What it should be.
        attributes: UserAttributes,
        /// Whether the files of the old home directory move to the new one.
        move_home: bool,
    },
    /// Remove a user.
    RemoveUser {
        /// Which.
        name: String,
        /// Whether its home directory and mail go, too.
        purge: bool,
        /// Whether it may be logged in.
        force: bool,
    },
    /// Set the hash of a password.
    SetPassword {
        /// Whose.
        name: String,
        /// The hash.
        hash: String,
    },
    /// Let a user in without a password.
    RemovePassword {
        /// Whom.
        name: String,
    },
    /// Make a password unusable, or usable again.
    LockPassword {
        /// Whose.
        name: String,
        /// Which of both.
        lock: bool,
    },
    /// Set how a password ages.
    SetAgeing {
        /// Whose.
        name: String,
        /// What of it.
        what: Ageing,
        /// The days.
        days: i64,
    },
    /// Make a group.
    AddGroup {
        /// Its name.
        name: String,
        /// Its number; the next free one when not given.
        gid: Option<u32>,
        /// Whether it is for a service.
        system: bool,
        /// Whether another group may have that number, too.
        non_unique: bool,
    },
    /// Give a group another number.
    SetGroupId {
        /// Which.
        name: String,
        /// The number.
        gid: u32,
        /// Whether another group may have that number, too.
        non_unique: bool,
    },
    /// Set the users that a group lists.
    SetMembers {
        /// Which group.
        name: String,
        /// All of them.
        members: Vec<String>,
    },
    /// Remove a group.
    RemoveGroup {
        /// Which.
        name: String,
    },
}

impl AccountStep {
    /// Names the user or group that it is about.
    pub fn subject(&self) -> &str {
        match self {
            Self::AddUser(NewUser { name, .. })
            | Self::SetUser { name, .. }
            | Self::RemoveUser { name, .. }
            | Self::SetPassword { name, .. }
            | Self::RemovePassword { name }
            | Self::LockPassword { name, .. }
            | Self::SetAgeing { name, .. }
            | Self::AddGroup { name, .. }
            | Self::SetGroupId { name, .. }
            | Self::SetMembers { name, .. }
            | Self::RemoveGroup { name } => name,
        }
    }

    /// Says what it does.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::AddUser(_) => "add user",
            Self::SetUser { .. } => "change user",
            Self::RemoveUser { .. } => "remove user",
            Self::SetPassword { .. } | Self::RemovePassword { .. } | Self::LockPassword { .. } => {
                "set password of"
            }
            Self::SetAgeing { .. } => "set password ageing of",
            Self::AddGroup { .. } => "add group",
            Self::SetGroupId { .. } => "change group",
            Self::SetMembers { .. } => "set members of",
            Self::RemoveGroup { .. } => "remove group",
        }
    }

    /// Makes the command of shadow-utils that takes the step. A hash is not among its arguments, where everybody on the
    /// machine could read it.
    pub fn command(&self) -> Command {
        let words = match self {
            Self::AddUser(new) => add_user(new),
            Self::SetUser { name, attributes, move_home } => {
                let mut words = vec!["usermod".to_owned()];
                words.extend(flags(attributes));
                if *move_home && attributes.home.is_some() {
                    words.push("-m".to_owned());
                }
                words.push(name.clone());
                words
            }
            Self::RemoveUser { name, purge, force } => {
                let purge = purge.then_some("-r");
                line("userdel", purge.into_iter().chain(force.then_some("-f")).chain([name.as_str()]))
            }
            Self::SetPassword { name, hash } => {
                let mut command = Command::argv(["chpasswd", "-e"]);
                command.stdin = Some(format!("{name}:{hash}\n").into_bytes());
                return command;
            }
            Self::RemovePassword { name } => line("passwd", ["-d", name]),
            Self::LockPassword { name, lock } => line("usermod", [if *lock { "-L" } else { "-U" }, name]),
            Self::SetAgeing { name, what, days } => line("chage", [what.flag(), &days.to_string(), name]),
            Self::AddGroup { name, gid, system, non_unique } => {
                let gid = gid.map(|g| g.to_string());
                let flags = [system.then_some("-r"), non_unique.then_some("-o")].into_iter().flatten();
                let number = gid.iter().flat_map(|g| ["-g", g.as_str()]);
                line("groupadd", flags.chain(number).chain([name.as_str()]))
            }
            Self::SetGroupId { name, gid, non_unique } => {
                let gid = gid.to_string();
                line("groupmod", non_unique.then_some("-o").into_iter().chain(["-g", &gid, name]))
            }
            Self::SetMembers { name, members } => line("gpasswd", ["-M", &members.join(","), name]),
            Self::RemoveGroup { name } => line("groupdel", [name.as_str()]),
        };
        Command::argv(words)
    }
}

impl Ageing {
    fn flag(self) -> &'static str {
        match self {
            Self::Date => "-d",
            Self::MinDays => "-m",
            Self::MaxDays => "-M",
            Self::WarnDays => "-W",
            Self::InactDays => "-I",
            Self::Expire => "-E",
        }
    }
}

fn line<'a>(program: &'a str, words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    [program].into_iter().chain(words).map(str::to_owned).collect()
}

fn add_user(new: &NewUser) -> Vec<String> {
    let NewUser { name, attributes, system, create_home, own_group } = new;
    let mut words = vec!["useradd".to_owned()];
    words.extend(flags(attributes));
    let own = match (own_group, &attributes.group) {
        (Some(true), None) => Some("-U"),
        (Some(false), None) => Some("-N"),
        _ => None,
    };
    let home = if *create_home { "-m" } else { "-M" };
    words.extend([system.then_some("-r"), Some(home), own].into_iter().flatten().map(str::to_owned));
    words.push(name.clone());
    words
}

fn flags(attributes: &UserAttributes) -> Vec<String> {
    let UserAttributes { uid, non_unique, group, groups, append, gecos, home, shell } = attributes;
    let uid = uid.map(|u| u.to_string());
    let groups = groups.as_ref().map(|g| g.join(","));
    let mut words = Vec::new();
    for (flag, value) in
        [("-u", &uid), ("-g", group), ("-G", &groups), ("-c", gecos), ("-d", home), ("-s", shell)]
    {
        if let Some(value) = value {
            words.extend([flag.to_owned(), value.clone()]);
        }
    }
    if *non_unique && uid.is_some() {
        words.push("-o".to_owned());
    }
    if *append && groups.is_some() {
        words.push("-a".to_owned());
    }
    words
}

/// Users and groups.
pub trait Accounts: Send + Sync {
    /// Looks a user up by name.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn user(&self, name: &str) -> Result<Option<User>, HostError>;

    /// Looks a user up by number.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn user_by_id(&self, uid: u32) -> Result<Option<User>, HostError>;

    /// Looks a group up by name.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn group(&self, name: &str) -> Result<Option<Group>, HostError>;

    /// Looks a group up by number.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, HostError>;

    /// Lists the users.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn users(&self) -> Result<Vec<User>, HostError>;

    /// Lists the groups.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn groups(&self) -> Result<Vec<Group>, HostError>;

    /// Looks up a user's password and its ageing.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn shadow(&self, name: &str) -> Result<Option<Shadow>, HostError>;

    /// Takes one step.
    ///
    /// # Errors
    /// When the machine refuses it.
    fn account_step(&self, step: &AccountStep) -> Result<(), HostError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_databases_are_read() {
        let user = User::parse("www-data:x:33:34:Web,,,:/var/www:/usr/sbin/nologin").unwrap();
        assert_eq!((user.uid, user.gid, user.gecos.as_str()), (33, 34, "Web,,,"));
        let group = Group::parse("sudo:x:27:ann,bob").unwrap();
        assert_eq!((group.gid, group.members), (27, vec!["ann".to_owned(), "bob".to_owned()]));
        assert!(Group::parse("empty:x:28:").unwrap().members.is_empty());
        let shadow = Shadow::parse("ann:$6$x:19800:0:99999:7:::").unwrap();
        assert_eq!((shadow.mindays, shadow.maxdays, shadow.inactdays), (Some(0), Some(99999), None));
        assert_eq!((User::parse("x"), Group::parse("x:y"), Shadow::parse("x")), (None, None, None));
    }

    #[test]
    fn steps_become_commands_of_shadow_utils() {
        let attributes = UserAttributes {
            uid: Some(1500),
            group: Some("users".to_owned()),
            groups: Some(vec!["sudo".to_owned(), "kvm".to_owned()]),
            gecos: Some("Ann".to_owned()),
            home: Some("/srv/ann".to_owned()),
            shell: Some("/bin/bash".to_owned()),
            ..UserAttributes::default()
        };
        let new = NewUser {
            name: "ann".to_owned(),
            attributes: attributes.clone(),
            create_home: true,
            ..NewUser::default()
        };
        let line = |step: &AccountStep| step.command().line();
        let all = "-u 1500 -g users -G sudo,kvm -c Ann -d /srv/ann -s /bin/bash";
        assert_eq!(line(&AccountStep::AddUser(new)), format!("useradd {all} -m ann"));
        let name = "ann".to_owned();
        let set = AccountStep::SetUser {
            name: name.clone(),
            attributes: UserAttributes { append: true, ..attributes },
            move_home: true,
        };
        assert_eq!(line(&set), format!("usermod {all} -a -m ann"));
        let remove = AccountStep::RemoveUser { name: name.clone(), purge: true, force: false };
        assert_eq!(line(&remove), "userdel -r ann");
        let expire = AccountStep::SetAgeing { name: name.clone(), what: Ageing::Expire, days: 20000 };
        assert_eq!(line(&expire), "chage -E 20000 ann");
        let members = AccountStep::SetMembers { name, members: vec![] };
        assert_eq!(members.command(), Command::argv(["gpasswd", "-M", "", "ann"]));
    }

    #[test]
    fn a_hash_is_not_on_the_command_line() {
        let step = AccountStep::SetPassword { name: "ann".to_owned(), hash: "$6$salt$hash".to_owned() };
        let command = step.command();
        assert_eq!(command.line(), "chpasswd -e");
        assert_eq!(command.stdin.as_deref(), Some(&b"ann:$6$salt$hash\n"[..]));
    }
}
