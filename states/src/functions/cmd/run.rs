//! `cmd.run`: a command.

use std::borrow::Cow;
use std::sync::LazyLock;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::map;
use super::call::{COMMON, CommandArgs, stateful, verdict};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
    Watch,
};

/// The function.
pub(in crate::functions) struct Run;

/// Adds the arguments that all commands take.
pub(super) fn documented(summary: &'static str, own: &[ArgDoc], example: &'static str) -> FunctionDoc {
    let args = own.iter().chain(&COMMON).cloned().collect();
    FunctionDoc { args: Cow::Owned(args), ..FunctionDoc::new(summary, &[], example) }
}

/// The arguments of commands in states.
pub(super) const IN_STATES: [ArgDoc; 8] = [
    ArgDoc::with_default(
        "stateful",
        Kind::Any,
        "false",
        "Whether the last line of its output tells if something changed: JSON, or changed=yes comment='…'.",
    ),
    ArgDoc::with_default("bg", Kind::Bool, "false", "Whether it runs in the background."),
    ArgDoc::with_default("hide_output", Kind::Bool, "false", "Accepted."),
    ArgDoc::optional("output_loglevel", Kind::Text, "Accepted."),
    ArgDoc::with_default("use_vt", Kind::Bool, "false", "Accepted."),
    ArgDoc::with_default(
        "python_shell",
        Kind::Bool,
        "true",
        "Accepted; a state's command always has a shell.",
    ),
    ArgDoc::with_default("ignore_timeout", Kind::Bool, "false", "Whether running out of time is success."),
    ArgDoc::optional("root", Kind::Path, "Not supported: use chroot in the command."),
];

static DOC: LazyLock<FunctionDoc> = LazyLock::new(|| {
    documented(
        "Runs a command in a shell; fails when its status is not 0. It runs each time: guard it with creates, unless, \
         onlyif or onchanges.",
        &IN_STATES,
        "make the key:\n  cmd.run:\n    - name: echo key\n    - creates: /etc/app.key\n",
    )
});

#[derive(Debug, Deserialize)]
struct Args {
    stateful: Option<Value>,
    #[serde(default)]
    ignore_timeout: bool,
    root: Option<String>,
}

impl StateFunction for Run {
    fn name(&self) -> &'static str {
        "cmd.run"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let comment = format!("command {:?} would have been executed", call.name);
        Ok(Check::differs(map([("cmd", call.name.as_str().into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = execute(call, ctx)?;
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        execute(call, ctx).unwrap_or_else(Verdict::from)
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Run {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.run(call, ctx)
    }
}

/// Runs the command, or in a dry run says that it would, or runs what stands in for it there.
pub(super) fn execute(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Verdict, StateError> {
    let args: Args = call.typed()?;
    let how: CommandArgs = call.typed()?;
    if args.root.is_some() {
        return Err(StateError::failed("argument root: not supported (write chroot into the command)"));
    }
    let (stateful, stand_in) = stateful(args.stateful.as_ref());
    if call.test && stand_in.is_none() {
        let comment = format!("command {:?} would have been executed", call.name);
        // Whether a stateful command changes something, only its own output could tell: nothing is built upon it.
        let changes = if stateful { Map::new() } else { map([("cmd", call.name.as_str().into())]) };
        return Ok(Verdict::would_change(changes, comment));
    }
    let line = stand_in.filter(|_| call.test).unwrap_or_else(|| call.name.clone());
    if line.trim().is_empty() {
        return Err(StateError::About { argument: "name", text: "there is no command to run".to_owned() });
    }
    if let Some(cwd) = how.cwd()
        && !ctx.host.stat(cwd.as_ref())?.is_some_and(|m| m.is_dir())
    {
        return Err(StateError::failed(format!("desired working directory {cwd:?} is not available")));
    }
    // What is wrong with the arguments is found before anything runs.
    how.command(&line, true, ctx)?;
    let ran = match how.run(&line, true, ctx) {
        // A command that was cut off has done something, nobody knows what.
        Err(StateError::Failed(text)) => {
            let changes = map([("killed", true.into())]);
            let forgiven = args.ignore_timeout && text.contains("it took more than");
            return Ok(if forgiven {
                Verdict::ok(changes, text)
            } else {
                Verdict::failed_with(changes, text)
            });
        }
        other => other?,
    };
    let mut verdict = verdict(&line, &ran, stateful);
    if call.test && verdict.changed() && ran.retcode == 0 {
        verdict = Verdict::would_change(verdict.changes, verdict.comment);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};

    #[test]
    fn a_failed_command_still_reports_what_it_did() {
        let verdict = Bench::new(SimHost::new()).run("x:\n  cmd.run:\n    - name: exit 3\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert_eq!(verdict.changes.get("retcode"), Some(&3.into()));
    }

    #[test]
    fn statuses_and_texts_can_count_as_success() {
        let host = SimHost::new().with_command(
            "grumble",
            SimReply { code: 1, stdout: "all good\n".to_owned(), ..SimReply::default() },
        );
        let bench = Bench::new(host);
        let ok = |sls: &str| bench.run(sls).kind == VerdictKind::Ok;
        assert!(ok("x:\n  cmd.run:\n    - name: exit 3\n    - success_retcodes: [0, 3]\n"));
        assert!(ok("x:\n  cmd.run:\n    - name: grumble\n    - success_stdout: [good]\n"));
        assert!(!ok("x:\n  cmd.run:\n    - name: grumble\n    - success_stdout: [bad]\n"));
    }

    #[test]
    fn with_stateful_the_last_line_decides() {
        let host = SimHost::new()
            .with_command("a", SimReply::ok("noise\nchanged=yes comment='did it' what=x\n"))
            .with_command("b", SimReply::ok("changed=no comment=fine\n"))
            .with_command("c", SimReply::ok("{\"changed\": true, \"comment\": \"json\"}\n"))
            .with_command("d", SimReply::ok("nothing of the kind\n"));
        let bench = Bench::new(host);
        let run =
            |name: &str| bench.run(&format!("x:\n  cmd.run:\n    - name: {name}\n    - stateful: True\n"));
        let a = run("a");
        assert_eq!((a.kind, a.comment.as_str(), a.changed()), (VerdictKind::Ok, "did it", true));
        assert_eq!((run("b").changed(), run("c").changed()), (false, true));
        assert_eq!(run("d").kind, VerdictKind::Failed);
    }

    #[test]
    fn a_command_that_takes_too_long_is_killed_and_says_so() {
        let slow = SimReply { takes: std::time::Duration::from_secs(90), ..SimReply::default() };
        let bench = Bench::new(SimHost::new().with_command("slow", slow));
        let verdict = bench.run("x:\n  cmd.run:\n    - name: slow\n    - timeout: 5\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.contains("more than 5 seconds"), "{}", verdict.comment);
    }
}
