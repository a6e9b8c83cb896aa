//! `file.managed`: a file with this content, mode and owner.

mod args;
mod before;
mod given;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use lab_proto::Map;
use serde::Deserialize;

use self::args::{Args, DOC};
use self::before::{keep_backup, try_out};
use self::given::Given;
use super::super::support::{Mode, Owner, diff, make_parents, map, missing_parents, path_of, perms};
use super::content::Content;
use super::source::LARGE;
use crate::function::{Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction};
use crate::host::{FileKind, FileMeta, Host, WriteOptions};

/// The function.
pub(in crate::functions) struct Managed;

/// What the file should be, beside what it is.
struct Plan {
    path: PathBuf,
    have: Option<FileMeta>,
    /// The present content, where it is small enough to be shown beside the new one.
    old: Option<Vec<u8>>,
    /// `None` leaves the content as it is.
    new: Option<Content>,
    differs: bool,
    mode: Option<Mode>,
    owner: Owner,
}

/// Either there is something to compare, or there is nothing to be done for a reason.
enum Outlook {
    Compare(Plan),
    Leave(String),
}

impl StateFunction for Managed {
    fn name(&self) -> &'static str {
        "file.managed"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let plan = match outlook(&args, call, ctx)? {
            Outlook::Compare(plan) => plan,
            Outlook::Leave(comment) => return Ok(Check::holds(comment)),
        };
        need_parent(&args, &plan, call, ctx.host)?;
        let changes = plan.changes(&args, ctx.host)?;
        let path = plan.path.display();
        if changes.is_empty() {
            return Ok(Check::holds(format!("file {path} is in the correct state")));
        }
        Ok(Check::differs(changes, format!("the file {path} is set to be changed")))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let Outlook::Compare(plan) = outlook(&args, call, ctx)? else { return Ok(Applied::default()) };
        let changes = plan.changes(&args, ctx.host)?;
        let path = &plan.path;
        let empty = Content::default();
        if plan.differs {
            let content = plan.new.as_ref().unwrap_or(&empty);
            try_out(&args, path, content, ctx)?;
            if args.makedirs {
                let mode = args.dir_mode.or(plan.mode.map(Mode::for_directory));
                make_parents(ctx.host, path, mode.map(|m| m.0), plan.owner)?;
            }
            keep_backup(&args, &plan, ctx)?;
            let options = WriteOptions {
                mode: plan.mode.map(|m| m.0),
                umask: args.umask.map(|m| m.0),
                uid: plan.owner.uid,
                gid: plan.owner.gid,
            };
            if !args.follow_symlinks && is_link(path, ctx.host)? {
                ctx.host.remove_file(path)?;
            }
            content.write(ctx.host, path, options)?;
        } else if let Some(have) = &plan.have {
            perms(ctx.host, path, have, plan.mode, plan.owner, true)?;
        }
        Ok(Applied::new(changes, format!("file {} updated", path.display())))
    }
}

impl Plan {
    fn changes(&self, args: &Args, host: &dyn Host) -> Result<Map, StateError> {
        let mut changes = Map::new();
        match &self.have {
            None => {
                changes.insert("diff".into(), "New file".into());
                if let Some(mode) = self.mode {
                    changes.insert("mode".into(), mode.to_string().into());
                }
            }
            Some(have) => {
                if self.differs {
                    let text = match (&self.old, &self.new) {
                        _ if !args.show_changes => "<show_changes=False>".to_owned(),
                        (Some(old), Some(Content::Bytes(new))) => diff(old, new, &self.path),
                        (_, Some(new)) => new.difference(host, &self.path, have)?,
                        (_, None) => String::new(),
                    };
                    changes.insert("diff".into(), text.into());
                }
                changes.extend(perms(host, &self.path, have, self.mode, self.owner, false)?);
            }
        }
        Ok(changes)
    }
}

fn outlook(args: &Args, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Outlook, StateError> {
    let path = path_of(call, ctx.host)?;
    let given = Given::of(args)?;
    let (have, content) = present(args, &path, given.any(), ctx.host)?;
    let owner = Owner::foreseen(args.user.as_deref(), args.group.as_deref(), call.test, ctx.host)?;
    if !args.create && !have.as_ref().is_some_and(FileMeta::is_file) {
        return Ok(Outlook::Leave(format!(
            "file {} is not present and is not set for creation",
            path.display()
        )));
    }
    let kept = have.is_some() && !(args.replace && given.any());
    if let Some(have) = &have {
        refuse_what_is_no_file(&path, have, kept)?;
    }
    let mut mode = match &args.mode {
        Some(text) if !args.keeps_mode() => Some(parse_mode(text)?),
        _ => None,
    };
    let mut wanted = None;
    if !kept {
        let (content, of_source) = given.content(args, call, ctx)?;
        mode = mode.or(of_source.map(Mode));
        wanted = Some(content);
    }
    let old = match (&have, &wanted) {
        (Some(meta), Some(Content::Bytes(_))) if meta.size <= LARGE => {
            Some(content.map_or_else(|| ctx.host.read_known(&path, meta), Ok)?)
        }
        _ => None,
    };
    let differs = match (&have, &wanted, &old) {
        (None, ..) => true,
        (_, None, _) => false,
        (_, Some(Content::Bytes(new)), Some(old)) => new != old,
        (_, Some(new), _) => !new.is_at(ctx.host, &path)?,
    };
    Ok(Outlook::Compare(Plan { path, have, old, new: wanted, differs, mode, owner }))
}

/// Returns what is there, and its content where it was read with the look at it.
fn present(
    args: &Args,
    path: &Path,
    given: bool,
    host: &dyn Host,
) -> Result<(Option<FileMeta>, Option<Vec<u8>>), StateError> {
    // A template may do anything, so what is there is read after it.
    let compared = args.replace && args.template.is_none() && given;
    let seen = match (compared, args.follow_symlinks) {
        (true, follow) => host.stat_and_read(path, LARGE, follow)?,
        (false, true) => host.stat(path)?.map(|have| (have, None)),
        (false, false) => host.lstat(path)?.map(|have| (have, None)),
    };
    // A link that is not followed is in the way of the file.
    Ok(seen
        .filter(|(have, _)| have.kind != FileKind::Symlink)
        .map_or((None, None), |(have, content)| (Some(have), content)))
}

/// Salt replaces a pipe with a file, and writes into a device.
fn refuse_what_is_no_file(path: &Path, have: &FileMeta, kept: bool) -> Result<(), StateError> {
    let path = path.display();
    if have.is_dir() {
        return Err(StateError::failed(format!("specified target {path} is a directory")));
    }
    if have.kind == FileKind::Special && !kept {
        return Err(StateError::failed(format!(
            "specified target {path} is not a regular file but a pipe, a socket or a device: remove it first (file.absent), \
             or say replace: False to set its mode and owner alone"
        )));
    }
    Ok(())
}

fn is_link(path: &Path, host: &dyn Host) -> Result<bool, StateError> {
    Ok(host.lstat(path)?.is_some_and(|m| m.kind == FileKind::Symlink))
}

fn parse_mode(text: &str) -> Result<Mode, StateError> {
    let refused = || crate::function::from_map::<ModeOnly>(&map([("mode", text.into())]));
    Ok(Mode::parse(text).map_or_else(|| refused().map(|only| only.mode), Ok)?)
}

#[derive(Deserialize)]
struct ModeOnly {
    mode: Mode,
}

/// Refuses when the directory is missing and not to be made; a dry run may rely on a state before this one.
fn need_parent(args: &Args, plan: &Plan, call: &StateCall, host: &dyn Host) -> Result<(), StateError> {
    if plan.have.is_none() && call.name.ends_with('/') && !call.test {
        return Err(StateError::failed(
            "the name ends with a slash, as that of a directory (use file.directory)",
        ));
    }
    let test = call.test;
    if plan.have.is_some() || args.makedirs || test || missing_parents(host, &plan.path)?.is_empty() {
        return Ok(());
    }
    let dir = plan.path.parent().unwrap_or(&plan.path);
    Err(StateError::failed(format!(
        "the directory {} does not exist (add makedirs: True, or a file.directory state before this one)",
        dir.display()
    )))
}
