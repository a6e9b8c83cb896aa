//! Keys of SSH: which may log in as a user (`ssh_auth`), and which hosts are known (`ssh_known_hosts`).

mod auth;
mod authorized;
mod exec;
mod hosts;
mod key;
mod known;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use exec::ALL as EXECS;

use super::support::{Owner, make_parents};
use crate::function::{JobCtx, Registry, StateError};
use crate::host::{FileKind, User, WriteOptions};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(auth::Absent));
    registry.add_state(Arc::new(auth::Manage));
    registry.add_state(Arc::new(auth::Present));
    registry.add_state(Arc::new(hosts::Absent));
    registry.add_state(Arc::new(hosts::Present));
}

/// A file of keys, and whose it is.
#[derive(Clone, Debug)]
struct KeyFile {
    path: PathBuf,
    owner: Owner,
    /// The mode of a new file, and of a new directory for it.
    mode: u32,
    dir_mode: u32,
}

impl KeyFile {
    /// Finds a file of a user: relative to the home directory, `%h` and `%u` expanded.
    fn of(user: &User, config: &str) -> Self {
        let expanded = config.replace("%h", &user.home).replace("%u", &user.name).replace("%%", "%");
        Self {
            path: Path::new(&user.home).join(expanded),
            owner: Owner { uid: Some(user.uid), gid: Some(user.gid) },
            mode: 0o600,
            dir_mode: 0o700,
        }
    }

    fn of_machine(path: &str) -> Self {
        Self { path: PathBuf::from(path), owner: Owner::default(), mode: 0o644, dir_mode: 0o755 }
    }

    fn read(&self, ctx: &JobCtx<'_>) -> Result<String, StateError> {
        Ok(super::file::read_if_present(ctx.host, &self.path)?.unwrap_or_default())
    }

    /// Writes the file; it and the directory for it are the user's own.
    fn write(&self, text: &str, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        self.refuse_links(ctx)?;
        make_parents(ctx.host, &self.path, Some(self.dir_mode), self.owner)?;
        let options = match ctx.host.stat(&self.path)? {
            Some(_) => WriteOptions::default(),
            None => {
                WriteOptions { mode: Some(self.mode), uid: self.owner.uid, gid: self.owner.gid, umask: None }
            }
        };
        ctx.host.write(&self.path, text.as_bytes(), options)?;
        Ok(())
    }

    /// Whoever may replace the user's file or directory by a link must not make root write elsewhere.
    fn refuse_links(&self, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        if self.owner.uid.is_none_or(|uid| uid == 0) {
            return Ok(());
        }
        for path in [Some(self.path.as_path()), self.path.parent()].into_iter().flatten() {
            if ctx.host.lstat(path)?.is_some_and(|m| m.kind == FileKind::Symlink) {
                return Err(StateError::failed(format!(
                    "{} is a symbolic link; its user could make it lead anywhere (name the real file as config)",
                    path.display()
                )));
            }
        }
        Ok(())
    }
}

/// Finds a user, or says what to do.
fn user(name: &str, ctx: &JobCtx<'_>) -> Result<User, StateError> {
    ctx.host.user(name)?.ok_or_else(|| missing_user(name))
}

fn missing_user(name: &str) -> StateError {
    StateError::failed(format!("user {name} is not available (make it with user.present, and require that)"))
}
