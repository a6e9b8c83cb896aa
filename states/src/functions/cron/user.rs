//! The table of one user, read and written whole.

use crate::function::{JobCtx, StateError};
use crate::host::{Cause, Command, Commands, HostError, Output};

/// Returns the text of a user's table; nothing where there is none.
pub(in crate::functions) fn read(user: &str, ctx: &JobCtx<'_>) -> Result<String, StateError> {
    need(user, ctx)?;
    let output = run(Command::look(["crontab", "-u", user, "-l"]), ctx)?;
    if output.exit.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = output.stderr_text();
    if said.contains("no crontab for") {
        return Ok(String::new());
    }
    Err(StateError::failed(format!("the crontab of {user} cannot be read: {said}")))
}

/// Replaces a user's table; crontab refuses one with mistakes.
pub(super) fn write(user: &str, text: &str, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    let mut command = Command::argv(["crontab", "-u", user, "-"]);
    command.stdin = Some(text.as_bytes().to_vec());
    let output = run(command, ctx)?;
    if output.exit.success() {
        return Ok(());
    }
    Err(StateError::failed(format!("the crontab of {user} was not accepted: {}", output.stderr_text())))
}

fn need(user: &str, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    if ctx.host.user(user)?.is_some() {
        return Ok(());
    }
    Err(StateError::failed(format!(
        "user {user} is not available (make it first, and require the state that does)"
    )))
}

fn run(command: Command, ctx: &JobCtx<'_>) -> Result<Output, StateError> {
    Commands::run(ctx.host, &command, ctx).map_err(|e| match e.cause {
        Cause::NotFound => {
            StateError::failed("there is no crontab program here (install the package cron or cronie)")
        }
        cause => HostError { cause, ..e }.into(),
    })
}
