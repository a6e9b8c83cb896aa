//! Owner and mode of a path: what is asked for, what is there, and what differs.

use std::path::Path;

use lab_proto::{Map, Value};

use super::Mode;
use crate::function::StateError;
use crate::host::{FileMeta, Host};

/// The owner that a state asks for; what is `None` is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::functions) struct Owner {
    pub(in crate::functions) uid: Option<u32>,
    pub(in crate::functions) gid: Option<u32>,
}

impl Owner {
    /// Looks names or numbers up.
    pub(in crate::functions) fn find(
        user: Option<&str>,
        group: Option<&str>,
        host: &dyn Host,
    ) -> Result<Self, StateError> {
        let mut owner = Self::default();
        if let Some(name) = user.filter(|n| !n.is_empty()) {
            owner.uid = match (host.user(name)?, name.parse()) {
                (Some(user), _) => Some(user.uid),
                (None, Ok(number)) => Some(number),
                (None, Err(_)) => {
                    return Err(StateError::failed(format!(
                        "user {name} is not available (make it first, and require the state that does)"
                    )));
                }
            };
        }
        if let Some(name) = group.filter(|n| !n.is_empty()) {
            owner.gid = match (host.group(name)?, name.parse()) {
                (Some(group), _) => Some(group.gid),
                (None, Ok(number)) => Some(number),
                (None, Err(_)) => {
                    return Err(StateError::failed(format!(
                        "group {name} is not available (make it first, and require the state that does)"
                    )));
                }
            };
        }
        Ok(owner)
    }

    /// As [`Self::find`]; in a dry run a state before this one may be to make a user or group that is not there.
    pub(in crate::functions) fn foreseen(
        user: Option<&str>,
        group: Option<&str>,
        test: bool,
        host: &dyn Host,
    ) -> Result<Self, StateError> {
        if !test {
            return Self::find(user, group, host);
        }
        let one = |user, group| Self::find(user, group, host).unwrap_or_default();
        Ok(Self { uid: one(user, None).uid, gid: one(None, group).gid })
    }

    pub(in crate::functions) fn is_given(self) -> bool {
        self.uid.is_some() || self.gid.is_some()
    }

    /// Says what differs from what is there, by name where there is one.
    fn differences(self, have: &FileMeta, host: &dyn Host) -> Result<Map, StateError> {
        let mut changes = Map::new();
        if let Some(uid) = self.uid.filter(|u| *u != have.uid) {
            let name = host.user_by_id(uid)?.map_or_else(|| uid.to_string(), |u| u.name);
            changes.insert("user".into(), name.into());
        }
        if let Some(gid) = self.gid.filter(|g| *g != have.gid) {
            let name = host.group_by_id(gid)?.map_or_else(|| gid.to_string(), |g| g.name);
            changes.insert("group".into(), name.into());
        }
        Ok(changes)
    }
}

/// Compares owner and mode with what is there, and sets them when `apply` is given.
pub(in crate::functions) fn perms(
    host: &dyn Host,
    path: &Path,
    have: &FileMeta,
    mode: Option<Mode>,
    owner: Owner,
    apply: bool,
) -> Result<Map, StateError> {
    let mut changes = owner.differences(have, host)?;
    let differs = mode.filter(|m| m.0 != have.mode);
    if let Some(mode) = differs {
        changes.insert("mode".into(), Value::from(mode.to_string()));
    }
    if apply && !changes.is_empty() {
        // Changing the owner clears setuid and setgid, so the mode comes after it.
        if owner.is_given() {
            host.chown(path, owner.uid, owner.gid)?;
        }
        if let Some(mode) = mode {
            host.chmod(path, mode.0)?;
        }
    }
    Ok(changes)
}
