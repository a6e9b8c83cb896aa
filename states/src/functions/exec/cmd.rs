//! `cmd.*`

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec, failed};
use crate::function::{ArgDoc, CallError, FROM_WITHIN, FunctionDoc, Kind};
use crate::functions::cmd::{CommandArgs, Ran};

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("cmd", Kind::Text, "The command."),
    ArgDoc::optional("cwd", Kind::Path, "The working directory."),
    ArgDoc::optional("stdin", Kind::Text, "What it reads."),
    ArgDoc::optional("runas", Kind::Text, "The user that runs it."),
    ArgDoc::optional("group", Kind::Text, "The group that runs it."),
    ArgDoc::optional("shell", Kind::Path, "The shell."),
    ArgDoc::optional(
        "python_shell",
        Kind::Bool,
        "Whether a shell reads the command; not in a template, a guard or module.run, everywhere else.",
    ),
    ArgDoc::optional("env", Kind::Any, "Environment variables."),
    ArgDoc::with_default("clean_env", Kind::Bool, "false", "Whether nothing is inherited but PATH."),
    ArgDoc::optional("umask", Kind::Mode, "The umask."),
    ArgDoc::optional("timeout", Kind::Float, "After how many seconds it is killed."),
    ArgDoc::optional("success_retcodes", Kind::List, "Statuses besides 0 that count as success."),
];

const WHICH: &[ArgDoc] = &[ArgDoc::required("cmd", Kind::Text, "The program.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "cmd.run",
        doc: FunctionDoc::new(
            "Runs a command and returns its output, streamed as it comes.",
            ARGS,
            "lab-master run '*' cmd.run 'uptime'",
        )
        .open(),
        body: |call| Ok(run(call, true)?.output.stdout_text().into()),
    },
    Exec {
        name: "cmd.run_stdout",
        doc: FunctionDoc::new(
            "Runs a command and returns its standard output.",
            ARGS,
            "lab-master run '*' cmd.run_stdout 'uptime'",
        )
        .open(),
        body: |call| Ok(run(call, false)?.output.stdout_text().into()),
    },
    Exec {
        name: "cmd.run_stderr",
        doc: FunctionDoc::new(
            "Runs a command and returns its standard error.",
            ARGS,
            "lab-master run '*' cmd.run_stderr 'make'",
        )
        .open(),
        body: |call| Ok(run(call, false)?.output.stderr_text().into()),
    },
    Exec {
        name: "cmd.run_all",
        doc: FunctionDoc::new(
            "Runs a command and returns status and outputs.",
            ARGS,
            "lab-master run '*' cmd.run_all 'uptime'",
        )
        .open(),
        body: |call| Ok(Value::Map(run(call, false)?.report())),
    },
    Exec {
        name: "cmd.shell",
        doc: FunctionDoc::new(
            "Runs a command in a shell and returns its output.",
            ARGS,
            "lab-master run '*' cmd.shell 'ls | wc -l'",
        )
        .open(),
        body: |call| Ok(run(call, true)?.output.stdout_text().into()),
    },
    Exec {
        name: "cmd.retcode",
        doc: FunctionDoc::new(
            "Runs a command and returns its status.",
            ARGS,
            "lab-master run '*' cmd.retcode 'test -e /etc/motd'",
        )
        .open(),
        body: |call| Ok(run(call, false)?.retcode.into()),
    },
    Exec {
        name: "cmd.which",
        doc: FunctionDoc::new(
            "Returns where a program is, or null.",
            WHICH,
            "lab-master run '*' cmd.which qemu-img",
        ),
        body: which,
    },
    Exec {
        name: "cmd.has_exec",
        doc: FunctionDoc::new(
            "Tells whether a program is there.",
            WHICH,
            "lab-master run '*' cmd.has_exec qemu-img",
        ),
        body: |call| Ok(which(call)?.truthy().into()),
    },
];

#[derive(Deserialize)]
struct Args {
    cmd: Value,
    python_shell: Option<bool>,
}

fn run(call: &Call<'_>, merged: bool) -> Result<Ran, CallError> {
    let args: Args = call.typed()?;
    let how: CommandArgs = call.typed()?;
    // As in Salt: who types a command means a shell, who calls it from a template or a state says so.
    let in_shell =
        args.python_shell.unwrap_or(call.name == "cmd.shell" || !call.kwargs.contains_key(FROM_WITHIN));
    let line = match &args.cmd {
        Value::List(words) => {
            words.iter().map(crate::functions::support::text_of).collect::<Vec<_>>().join(" ")
        }
        other => crate::functions::support::text_of(other),
    };
    let line = if merged && in_shell { format!("exec 2>&1\n{line}") } else { line };
    let ran = how.run(&line, in_shell, call.ctx).map_err(failed)?;
    call.ctx.services.set_retcode(i64::from(ran.retcode));
    Ok(ran)
}

#[derive(Deserialize)]
struct Which {
    cmd: String,
}

fn which(call: &Call<'_>) -> Result<Value, CallError> {
    let Which { cmd } = call.typed()?;
    Ok(call.ctx.host.which(&cmd).map(|p| p.display().to_string()).into())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};
    use lab_proto::{Map, Value};

    #[test]
    fn the_status_and_the_outputs_come_back() {
        let reply = SimReply {
            code: 3,
            stdout: "out\n".to_owned(),
            stderr: "err\n".to_owned(),
            ..SimReply::default()
        };
        let bench = Bench::new(SimHost::new().with_command("x", reply));
        let exec = |name: &str| bench.exec(name, &["x".into()], &Map::new()).unwrap();
        assert_eq!(exec("cmd.retcode"), Value::from(3));
        assert_eq!(exec("cmd.run_stdout"), Value::from("out"));
        assert_eq!(exec("cmd.run_all").get("stderr"), Some(&Value::from("err")));
    }
}
