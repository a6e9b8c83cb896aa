//! Users and groups of this machine, as its account database (files, LDAP, …) has them.

use lab_states::host::{Accounts, Cause, Group, HostError, User};
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
        home: u.dir.to_string_lossy().into_owned(),
        shell: u.shell.to_string_lossy().into_owned(),
    }
}

fn group(g: nix::unistd::Group) -> Group {
    Group { name: g.name, gid: g.gid.as_raw() }
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
