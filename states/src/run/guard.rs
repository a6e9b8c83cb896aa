//! Asks a state's guards: `onlyif`, `unless`, `creates` before it, `check_cmd` after it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::{Map, Value};

use crate::function::{JobCtx, from_value, from_within, scalar_text};
use crate::host::{Command, Program};
use crate::low::Options;

/// What the guards of a state say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The state runs.
    Pass,
    /// The state is not needed.
    Skip {
        /// The word for the report: `onlyif_unless` or `creates`.
        reason: &'static str,
        /// A sentence.
        comment: String,
    },
    /// A guard could not be asked; the state fails.
    Broken(String),
}

/// Asks all guards that come before a state. As in Salt, each kind is asked although another has decided already.
pub fn before(options: &Options, args: &Map, ctx: &JobCtx<'_>) -> Guard {
    let asked = (|| {
        let onlyif = options.onlyif.as_ref().map(|v| onlyif(v, args, ctx)).transpose()?.unwrap_or(true);
        let unless = options.unless.as_ref().map(|v| unless(v, args, ctx)).transpose()?.unwrap_or(false);
        Ok::<_, String>((onlyif, unless))
    })();
    let (onlyif, unless) = match asked {
        Ok(answers) => answers,
        Err(text) => return Guard::Broken(text),
    };
    let there = options.creates.as_ref().and_then(|v| created(v, ctx));
    let skip = |reason, comment: &str| Guard::Skip { reason, comment: comment.to_owned() };
    match (onlyif, unless, there) {
        (false, _, _) => skip("onlyif_unless", "onlyif condition is false"),
        (_, true, _) => skip("onlyif_unless", "unless condition is true"),
        (_, _, Some(comment)) => skip("creates", &comment),
        _ => Guard::Pass,
    }
}

/// Asks `check_cmd`: whether all its commands end with status 0.
pub fn after(check_cmd: &Value, ctx: &JobCtx<'_>) -> bool {
    let mut held = false;
    for entry in entries(check_cmd) {
        // Only commands are asked here; a mapping with `fun` is none, and what is no command does not succeed.
        let Some(text) = scalar_text(entry) else { return false };
        if ctx.host.run(&Command::shell(text), ctx).is_ok_and(|out| out.exit.success()) {
            held = true;
        } else {
            return false;
        }
    }
    held
}

fn entries(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        single => std::slice::from_ref(single),
    }
}

/// A guard that asks nothing is a mistake, in Salt as here.
fn refuse_empty(guard: &str, value: &Value) -> Result<(), String> {
    let blank = |v: &Value| v.as_str().is_some_and(|s| s.trim().is_empty());
    if entries(value).is_empty() || entries(value).iter().any(blank) {
        return Err(format!("{guard} names no command: write one, or leave {guard} out"));
    }
    Ok(())
}

/// Tells whether every entry is true; the first that is not ends the questions.
fn onlyif(value: &Value, args: &Map, ctx: &JobCtx<'_>) -> Result<bool, String> {
    refuse_empty("onlyif", value)?;
    for entry in entries(value) {
        let holds = match entry {
            // A command that cannot be started is as good as one that failed.
            Value::Str(command) => status(command, args, ctx).is_some_and(|code| code == 0),
            Value::Map(call) if call.contains_key("fun") => answer(call, ctx)?,
            // Anything else, such as a plain boolean, lets the state run and ends the questions.
            _ => return Ok(true),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells whether every entry is true; the first that is not lets the state run.
fn unless(value: &Value, args: &Map, ctx: &JobCtx<'_>) -> Result<bool, String> {
    refuse_empty("unless", value)?;
    let mut all = false;
    for entry in entries(value) {
        match entry {
            Value::Str(command) => all = status(command, args, ctx).is_none_or(|code| code == 0),
            Value::Map(call) if call.contains_key("fun") => all = answer(call, ctx)?,
            Value::Map(_) => return Ok(all),
            _ => {
                all = false;
                continue;
            }
        }
        if !all {
            return Ok(false);
        }
    }
    Ok(all)
}

/// Runs a guard's command in the surroundings that the state's own command would have.
fn status(script: &str, args: &Map, ctx: &JobCtx<'_>) -> Option<i32> {
    let excluded: Vec<String> =
        args.get("cmd_opts_exclude").and_then(|v| from_value(v).ok()).unwrap_or_default();
    let arg = |name: &str| {
        args.get(name).filter(|v| !matches!(v, Value::Null) && !excluded.iter().any(|e| e == name))
    };
    let text = |name: &str| arg(name).and_then(scalar_text);
    let mut command = Command::shell(script);
    if let (Some(own), Program::Shell { shell, .. }) = (text("shell"), &mut command.program) {
        *shell = own;
    }
    command.cwd = text("cwd").map(PathBuf::from);
    command.user = text("runas");
    command.umask = text("umask").and_then(|t| u32::from_str_radix(t.trim(), 8).ok());
    command.timeout = arg("timeout").and_then(|v| from_value(v).ok()).map(Duration::from_secs);
    for entry in arg("env").map(entries).unwrap_or_default() {
        for (key, value) in entry.as_map().into_iter().flatten() {
            command.env.insert(scalar_text(key).unwrap_or_default(), scalar_text(value));
        }
    }
    let successes: Vec<i32> = arg("success_retcodes").and_then(|v| from_value(v).ok()).unwrap_or_default();
    let code = ctx.host.run(&command, ctx).ok()?.exit.code();
    Some(if successes.contains(&code) { 0 } else { code })
}

/// Calls a guard's execution function and takes its answer for true or false. A command that ends with a status
/// other than 0 is false whatever it printed.
fn answer(call: &Map, ctx: &JobCtx<'_>) -> Result<bool, String> {
    let fun = call.get("fun").and_then(Value::as_str).unwrap_or_default();
    let mut args = call.get("args").and_then(Value::as_list).unwrap_or_default().to_vec();
    let reserved = ["fun", "args", "get_return"];
    let mut kwargs: Map = call
        .iter()
        .filter(|(k, _)| !k.as_str().is_some_and(|k| reserved.contains(&k)))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    super::slots::fill(args.iter_mut().chain(kwargs.values_mut()), ctx)?;
    // By the name that was asked for: below, what prints is asked as `cmd.run_all`.
    from_within(fun, &mut kwargs);
    let ask = |name: &str| {
        let function = ctx.registry.exec(name).map_err(|e| e.to_string())?;
        function.call(&args, &kwargs, ctx).map_err(|e| format!("{name}: {e}"))
    };
    let printing = ["cmd.run", "cmd.shell", "cmd.run_stdout", "cmd.run_stderr"];
    let mut value = if printing.contains(&fun) && ctx.registry.exec("cmd.run_all").is_ok() {
        let all = ask("cmd.run_all")?;
        if all.get("retcode").is_some_and(Value::truthy) {
            return Ok(false);
        }
        let stream = if fun == "cmd.run_stderr" { "stderr" } else { "stdout" };
        all.get(stream).cloned().unwrap_or_default()
    } else {
        ask(fun)?
    };
    if fun == "cmd.retcode" {
        // Status 0 is no truth value, and any other means failure: Salt takes both for false.
        return Ok(false);
    }
    if let Some(path) = call.get("get_return").and_then(Value::as_str) {
        value = traverse(value, path);
    }
    Ok(value.truthy())
}

/// Follows a path of keys and list indexes, `kwargs:deep:0`.
fn traverse(value: Value, path: &str) -> Value {
    path.split(':').fold(value, |value, key| match &value {
        Value::Map(map) => map.get(key).cloned().unwrap_or_default(),
        Value::List(items) | Value::Tuple(items) => {
            key.parse::<usize>().ok().and_then(|i| items.get(i)).cloned().unwrap_or_default()
        }
        _ => Value::Null,
    })
}

fn created(value: &Value, ctx: &JobCtx<'_>) -> Option<String> {
    let exists = |path: &str| ctx.host.stat(Path::new(path)).is_ok_and(|meta| meta.is_some());
    match value {
        Value::Str(path) => exists(path).then(|| format!("{path} exists")),
        Value::List(paths) => paths
            .iter()
            .all(|p| scalar_text(p).is_some_and(|p| exists(&p)))
            .then(|| "all files in creates exist".to_owned()),
        _ => None,
    }
}
