//! Users and groups of the simulated machine.

use std::path::Path;

use super::super::{
    AccountStep, Accounts, Ageing, Cause, Group, HostError, NewUser, Shadow, User, UserAttributes,
};
use super::files::Node;
use super::{SimHost, State};

impl Accounts for SimHost {
    fn user(&self, name: &str) -> Result<Option<User>, HostError> {
        Ok(self.lock().users.iter().find(|u| u.name == name).cloned())
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>, HostError> {
        Ok(self.lock().users.iter().find(|u| u.uid == uid).cloned())
    }

    fn group(&self, name: &str) -> Result<Option<Group>, HostError> {
        Ok(self.lock().groups.iter().find(|g| g.name == name).cloned())
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, HostError> {
        Ok(self.lock().groups.iter().find(|g| g.gid == gid).cloned())
    }

    fn users(&self) -> Result<Vec<User>, HostError> {
        Ok(self.lock().users.clone())
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        Ok(self.lock().groups.clone())
    }

    fn shadow(&self, name: &str) -> Result<Option<Shadow>, HostError> {
        let state = self.lock();
        let known = state.users.iter().any(|u| u.name == name);
        Ok(known.then(|| state.shadows.get(name).cloned().unwrap_or_else(no_password)))
    }

    fn account_step(&self, step: &AccountStep) -> Result<(), HostError> {
        let mut state = self.lock();
        state.write(step.verb(), step.subject())?;
        state.take(step).map_err(|cause| HostError::new(step.verb(), step.subject(), cause))
    }
}

fn no_password() -> Shadow {
    Shadow { password: "!".to_owned(), ..Shadow::default() }
}

impl State {
    fn take(&mut self, step: &AccountStep) -> Result<(), Cause> {
        match step {
            AccountStep::AddUser(new) => self.add_user(new),
            AccountStep::SetUser { name, attributes, move_home: _ } => self.set_user(name, attributes),
            AccountStep::RemoveUser { name, purge, force: _ } => self.remove_user(name, *purge),
            AccountStep::SetPassword { name, hash } => {
                self.shadow_of(name)?.password.clone_from(hash);
                Ok(())
            }
            AccountStep::RemovePassword { name } => {
                self.shadow_of(name)?.password.clear();
                Ok(())
            }
            AccountStep::LockPassword { name, lock } => {
                let shadow = self.shadow_of(name)?;
                let open = shadow.password.trim_start_matches('!');
                shadow.password = if *lock { format!("!{open}") } else { open.to_owned() };
                Ok(())
            }
            AccountStep::SetAgeing { name, what, days } => {
                let shadow = self.shadow_of(name)?;
                *(match what {
                    Ageing::Date => &mut shadow.date,
                    Ageing::MinDays => &mut shadow.mindays,
                    Ageing::MaxDays => &mut shadow.maxdays,
                    Ageing::WarnDays => &mut shadow.warndays,
                    Ageing::InactDays => &mut shadow.inactdays,
                    Ageing::Expire => &mut shadow.expire,
                }) = Some(*days);
                Ok(())
            }
            AccountStep::AddGroup { name, gid, system: _, non_unique } => {
                if self.groups.iter().any(|g| g.name == *name || (!non_unique && Some(g.gid) == *gid)) {
                    return Err(Cause::Exists);
                }
                let gid = gid.unwrap_or_else(|| self.next_gid());
                self.groups.push(Group { name: name.clone(), gid, members: vec![] });
                Ok(())
            }
            AccountStep::SetGroupId { name, gid, non_unique } => {
                if !non_unique && self.groups.iter().any(|g| g.gid == *gid) {
                    return Err(Cause::Exists);
                }
                self.group_of(name)?.gid = *gid;
                Ok(())
            }
            AccountStep::SetMembers { name, members } => {
                if let Some(stranger) = members.iter().find(|m| !self.users.iter().any(|u| u.name == **m)) {
                    return Err(Cause::Other(format!("user {stranger} does not exist")));
                }
                self.group_of(name)?.members.clone_from(members);
                Ok(())
            }
            AccountStep::RemoveGroup { name } => {
                let gid = self.group_of(name)?.gid;
                if self.users.iter().any(|u| u.gid == gid) {
                    return Err(Cause::Other("it is the main group of a user".to_owned()));
                }
                self.groups.retain(|g| g.name != *name);
                Ok(())
            }
        }
    }

    fn add_user(&mut self, new: &NewUser) -> Result<(), Cause> {
        let NewUser { name, attributes, system, create_home, own_group } = new;
        if self.users.iter().any(|u| u.name == *name) {
            return Err(Cause::Exists);
        }
        let first = if *system { 900 } else { 1000 };
        let free =
            self.users.iter().map(|u| u.uid + 1).filter(|u| *u > first && *u < 60000).max().unwrap_or(first);
        let uid = attributes.uid.unwrap_or(free);
        let gid = match &attributes.group {
            Some(_) => 0,
            None if *own_group == Some(false) => 100,
            None => {
                let gid = if self.groups.iter().any(|g| g.gid == uid) { self.next_gid() } else { uid };
                self.groups.push(Group { name: name.clone(), gid, members: vec![] });
                gid
            }
        };
        let home = attributes.home.clone().unwrap_or_else(|| format!("/home/{name}"));
        self.users.push(User {
            name: name.clone(),
            uid,
            gid,
            gecos: String::new(),
            home: home.clone(),
            shell: "/bin/sh".to_owned(),
        });
        self.shadows.insert(name.clone(), no_password());
        self.set_user(name, attributes)?;
        if *create_home {
            self.make_dirs(Path::new(&home));
            let gid = self.users.iter().find(|u| u.name == *name).map_or(gid, |u| u.gid);
            self.nodes.insert(home.into(), Node::dir(0o755).owned_by(uid, gid));
        }
        Ok(())
    }

    fn set_user(&mut self, name: &str, wanted: &UserAttributes) -> Result<(), Cause> {
        let UserAttributes { uid, non_unique, group, groups, append, gecos, home, shell } = wanted;
        if let Some(uid) = uid
            && !non_unique
            && self.users.iter().any(|u| u.uid == *uid && u.name != name)
        {
            return Err(Cause::Exists);
        }
        let named = |g: &&Group, wanted: &str| g.name == wanted || g.gid.to_string() == wanted;
        let gid = match group {
            None => None,
            Some(group) => Some(self.groups.iter().find(|g| named(g, group)).ok_or(Cause::NotFound)?.gid),
        };
        for group in groups.iter().flatten() {
            self.group_of(group)?;
        }
        if let Some(groups) = groups {
            for group in &mut self.groups {
                let wanted = groups.contains(&group.name);
                let is = group.members.iter().any(|m| m == name);
                if wanted && !is {
                    group.members.push(name.to_owned());
                } else if is && !wanted && !append {
                    group.members.retain(|m| m != name);
                }
            }
        }
        let user = self.users.iter_mut().find(|u| u.name == name).ok_or(Cause::NotFound)?;
        user.uid = uid.unwrap_or(user.uid);
        user.gid = gid.unwrap_or(user.gid);
        for (have, want) in [(&mut user.gecos, gecos), (&mut user.home, home), (&mut user.shell, shell)] {
            if let Some(want) = want {
                have.clone_from(want);
            }
        }
        Ok(())
    }

    fn remove_user(&mut self, name: &str, purge: bool) -> Result<(), Cause> {
        let at = self.users.iter().position(|u| u.name == name).ok_or(Cause::NotFound)?;
        let user = self.users.remove(at);
        self.shadows.remove(name);
        let alone = |g: &Group| g.name == name && !self.users.iter().any(|u| u.gid == g.gid);
        self.groups.retain(|g| !alone(g));
        self.groups.iter_mut().for_each(|g| g.members.retain(|m| m != name));
        if purge {
            self.nodes.retain(|path, _| !path.starts_with(&user.home));
        }
        Ok(())
    }

    fn shadow_of(&mut self, name: &str) -> Result<&mut Shadow, Cause> {
        if !self.users.iter().any(|u| u.name == name) {
            return Err(Cause::NotFound);
        }
        Ok(self.shadows.entry(name.to_owned()).or_insert_with(no_password))
    }

    fn group_of(&mut self, name: &str) -> Result<&mut Group, Cause> {
        let missing = Cause::Other(format!("group {name} does not exist"));
        self.groups.iter_mut().find(|g| g.name == name).ok_or(missing)
    }

    fn next_gid(&self) -> u32 {
        self.groups.iter().map(|g| g.gid + 1).filter(|g| *g > 1000 && *g < 60000).max().unwrap_or(1000)
    }
}
