//! Users and groups of this machine, as its account database (files, LDAP, …) has them.

use std::time::Duration;

use lab_states::host::{
    AccountStep, Accounts, Cause, Command, Commands, Group, HostError, Shadow, Silent, User,
};
use nix::errno::Errno;
use nix::unistd::{Gid, Uid};

use super::LinuxHost;

impl Accounts for LinuxHost {
    fn user(&self, name: &str) -> Result<Option<User>, HostError> {
        answer("look up user", name, nix::unistd::User::from_name(name)).map(|u| u.map(user))
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>, HostError> {
        let found = nix::unistd::User::from_uid(Uid::from_raw(uid));
        answer("look up user", &uid.to_string(), found).map(|u| u.map(user))
    }

    fn group(&self, name: &str) -> Result<Option<Group>, HostError> {
        answer("look up group", name, nix::unistd::Group::from_name(name)).map(|g| g.map(group))
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, HostError> {
        let found = nix::unistd::Group::from_gid(Gid::from_raw(gid));
        answer("look up group", &gid.to_string(), found).map(|g| g.map(group))
    }

    fn users(&self) -> Result<Vec<User>, HostError> {
        Ok(self.getent("passwd", None)?.lines().filter_map(User::parse).collect())
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        Ok(self.getent("group", None)?.lines().filter_map(Group::parse).collect())
    }

    fn shadow(&self, name: &str) -> Result<Option<Shadow>, HostError> {
        Ok(self.getent("shadow", Some(name))?.lines().find_map(Shadow::parse))
    }

    fn account_step(&self, step: &AccountStep) -> Result<(), HostError> {
        let (verb, subject) = (step.verb(), step.subject());
        let mut command = step.command();
        command.env.insert("LC_ALL".to_owned(), Some("C".to_owned()));
        command.timeout = Some(LIMIT);
        let output = self.run(&command, &Silent).map_err(|e| HostError::new(verb, subject, e.cause))?;
        if output.exit.success() {
            return Ok(());
        }
        let said = [output.stderr_text(), output.stdout_text()].into_iter().find(|t| !t.is_empty());
        let said = said.unwrap_or_else(|| format!("status {}", output.exit.code()));
        Err(HostError::other(verb, subject, said))
    }
}

/// The tools wait for the lock of the account database for some seconds themselves; this only bounds a hung one.
const LIMIT: Duration = Duration::from_secs(120);
/// getent's status for "no such key".
const NO_SUCH_KEY: i32 = 2;

impl LinuxHost {
    fn getent(&self, database: &str, key: Option<&str>) -> Result<String, HostError> {
        let mut command = Command::argv(["getent", database].into_iter().chain(key));
        command.timeout = Some(LIMIT);
        let output = self.run(&command, &Silent)?;
        if output.exit.success() || output.exit.code() == NO_SUCH_KEY {
            return Ok(output.stdout_text());
        }
        Err(HostError::other("read the database", database, output.stderr_text()))
    }
}

fn answer<T>(
    action: &'static str,
    place: &str,
    found: Result<Option<T>, Errno>,
) -> Result<Option<T>, HostError> {
    match found {
        Ok(found) => Ok(found),
        // What glibc answers for "not there" depends on which sources are configured; see getpwnam(3).
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        Err(e) => Err(HostError::new(action, place, Cause::Other(e.desc().to_owned()))),
    }
}

fn user(u: nix::unistd::User) -> User {
    User {
        name: u.name,
        uid: u.uid.as_raw(),
        gid: u.gid.as_raw(),
        gecos: u.gecos.to_string_lossy().into_owned(),
        home: u.dir.to_string_lossy().into_owned(),
        shell: u.shell.to_string_lossy().into_owned(),
    }
}

fn group(g: nix::unistd::Group) -> Group {
    Group { name: g.name, gid: g.gid.as_raw(), members: g.mem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_nobody_of_this_name_is() {
        let host = LinuxHost::new();
        assert_eq!(host.user("root").unwrap().map(|u| u.uid), Some(0));
        assert_eq!(host.group_by_id(0).unwrap().map(|g| g.name), Some("root".to_owned()));
        assert_eq!(host.user("no-such-user-here"), Ok(None));
    }
}
