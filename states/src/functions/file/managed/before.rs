//! What comes before the old content goes: a trial of the new one, and a copy of the old.

use std::path::{Path, PathBuf};

use lab_proto::{Digest, Value};

use super::super::content::Content;
use super::Plan;
use super::args::Args;
use crate::function::{JobCtx, StateError};
use crate::functions::support::{Owner, make_parents, text_list};
use crate::host::{Cause, Command, Host, WriteOptions};

/// Lets `check_cmd` look at the new content before anything is replaced.
pub(super) fn try_out(
    args: &Args,
    path: &Path,
    content: &Content,
    ctx: &JobCtx<'_>,
) -> Result<(), StateError> {
    let commands = args.check_cmd.as_ref().filter(|c| c.truthy()).map(text_list).unwrap_or_default();
    if commands.is_empty() {
        return Ok(());
    }
    let root = args.tmp_dir.as_deref().filter(|d| !d.is_empty()).unwrap_or("/tmp");
    let room = private_room(ctx.host, root, path, &content.token())?;
    let draft = room.join(format!("draft{}", args.tmp_ext));
    let closed = WriteOptions { mode: Some(0o600), ..WriteOptions::default() };
    let tried = content.write(ctx.host, &draft, closed).and_then(|()| {
        for line in &commands {
            let output = ctx.host.run(&Command::shell(format!("{line} {}", draft.display())), ctx)?;
            if !output.exit.success() {
                let said = [output.stderr_text(), output.stdout_text()].join("\n");
                return Err(StateError::failed(format!("check_cmd execution failed\n{}", said.trim())));
            }
        }
        Ok(())
    });
    ctx.host.remove_dir_all(&room)?;
    tried
}

/// Makes a directory that only root may enter; one that another has put there first is never used.
fn private_room(host: &dyn Host, root: &str, path: &Path, content: &[u8]) -> Result<PathBuf, StateError> {
    let digest = Digest::of(&[path.as_os_str().as_encoded_bytes(), content].concat()).to_string();
    let mut last = None;
    for attempt in 0..8 {
        let room = Path::new(root).join(format!(".lab-check-{}-{attempt}", &digest[..16]));
        match host.mkdir(&room, Some(0o700)) {
            Ok(()) => return Ok(room),
            Err(e) if e.cause == Cause::Exists => last = Some(e),
            Err(e) => return Err(e.into()),
        }
    }
    Err(last.map_or_else(|| StateError::failed("no temporary directory can be made"), StateError::from))
}

/// Copies the old content to where `backup` keeps it.
pub(super) fn keep_backup(args: &Args, plan: &Plan, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    let wanted = args.backup.as_ref().and_then(Value::as_str).is_some_and(|b| matches!(b, "minion" | "both"));
    if !wanted || plan.have.is_none() || plan.new.is_none() {
        return Ok(());
    }
    let opts = ctx.services.opts();
    let cache = opts.get("cachedir").and_then(Value::as_str).unwrap_or("/var/cache/lab/minion");
    let below = plan.path.strip_prefix("/").unwrap_or(&plan.path);
    let place = Path::new(cache).join("file_backup").join(below);
    make_parents(ctx.host, &place, Some(0o700), Owner::default())?;
    let mut name = place.into_os_string();
    name.push(format!("_{}", ctx.now().to_jid_digits()));
    let options = WriteOptions { mode: plan.have.as_ref().map(|m| m.mode), ..WriteOptions::default() };
    Ok(ctx.host.copy(&plan.path, Path::new(&name), options, None)?)
}
