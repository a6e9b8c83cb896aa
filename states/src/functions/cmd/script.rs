//! `cmd.script`: a script of the state tree; `cmd.wait_script`: one that runs only when a watched state changed.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use lab_proto::{Digest, Map, Value};
use serde::Deserialize;

use super::super::file::fetch;
use super::super::support::{OnWatch, in_tree, map, text_of};
use super::call::{CommandArgs, stateful, verdict};
use super::run::{IN_STATES, documented};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
    Watch,
};
use crate::host::{Cause, Command, WriteOptions};
use crate::shell;

/// Runs each time.
pub(in crate::functions) struct Script;

/// Runs when a watched state changed.
pub(in crate::functions) const WAIT_SCRIPT: OnWatch =
    OnWatch { name: "cmd.wait_script", doc: || &WAIT_DOC, fire: |call, ctx| Script.run(call, ctx) };

fn arguments() -> Vec<ArgDoc> {
    let own = [
        ArgDoc::optional(
            "source",
            Kind::Text,
            "Where the script is: salt://path, or a path here; the name when not given.",
        ),
        ArgDoc::optional("args", Kind::Any, "Its arguments, as one text or a list."),
        ArgDoc::optional("template", Kind::Text, "The template engine that it is rendered with: jinja."),
        ArgDoc::optional("context", Kind::Map, "Variables of the template."),
        ArgDoc::optional("defaults", Kind::Map, "Variables of the template where context has none."),
    ];
    own.into_iter().chain(IN_STATES).collect()
}

static DOC: LazyLock<FunctionDoc> = LazyLock::new(|| {
    documented(
        "Runs a script of the state tree; fails when its status is not 0. It runs each time: guard it as cmd.run.",
        &arguments(),
        "set up:\n  cmd.script:\n    - source: salt://setup.sh\n    - args: --quiet\n    - creates: /var/lib/app\n",
    )
});

static WAIT_DOC: LazyLock<FunctionDoc> = LazyLock::new(|| {
    documented(
        "Runs a script of the state tree only when a watched state changed. cmd.script with onchanges says the same.",
        &arguments(),
        "/etc/app.conf:\n  file.managed:\n    - contents: a=1\n\nset up again:\n  cmd.wait_script:\n    - source: salt://setup.sh\n    - watch:\n      - file: /etc/app.conf\n",
    )
});

#[derive(Debug, Deserialize)]
struct Args {
    source: Option<String>,
    args: Option<Value>,
    template: Option<String>,
    context: Option<Map>,
    defaults: Option<Map>,
    stateful: Option<Value>,
}

impl StateFunction for Script {
    fn name(&self) -> &'static str {
        "cmd.script"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let comment = format!("script {:?} would have been executed", call.name);
        Ok(Check::differs(map([("script", call.name.as_str().into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = execute(call, ctx)?;
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        if call.test {
            // What it would change is not known.
            let dry = self.sequence(call, ctx).unwrap_or_else(Verdict::from);
            return Verdict { changes: Map::new(), ..dry };
        }
        execute(call, ctx).unwrap_or_else(Verdict::from)
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Script {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.run(call, ctx)
    }
}

fn execute(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Verdict, StateError> {
    let args: Args = call.typed()?;
    let how: CommandArgs = call.typed()?;
    let source = args.source.clone().unwrap_or_else(|| call.name.clone());
    let source = source.as_str();
    let variables = (args.defaults.as_ref(), args.context.as_ref());
    let content = match fetch(&Value::from(source), args.template.as_deref(), variables, call, ctx) {
        // As Salt has it, a script that is not to be had counts as one that ran and failed.
        Err(StateError::About { text, .. }) => {
            let changes = map([("cache_error", true.into()), ("retcode", 1.into())]);
            let verdict = Verdict::failed_with(changes, text);
            return Ok(Verdict { argument: Some("source".to_owned()), ..verdict });
        }
        other => other?,
    };
    let room = private_room(ctx, &content)?;
    // The script keeps the ending of its source: some programs go by it.
    let file = in_tree(source, &call.saltenv).map_or_else(|| source.to_owned(), |(path, _)| path);
    let ending =
        Path::new(&file).extension().and_then(|e| e.to_str()).map_or_else(String::new, |e| format!(".{e}"));
    let script = room.join(format!("script{ending}"));
    let options = WriteOptions { mode: Some(0o700), ..WriteOptions::default() };
    // A script may be named with its arguments; they stand in for those of `args`.
    let more = match (call.name.split_once(' '), &args.args) {
        (Some((_, rest)), _) => rest.to_owned(),
        (None, None) => String::new(),
        (None, Some(Value::List(list))) => {
            list.iter().map(|a| shell::quote(&text_of(a))).collect::<Vec<_>>().join(" ")
        }
        (None, Some(one)) => text_of(one),
    };
    let line = format!("{} {more}", shell::quote(&script.display().to_string()));
    let ran = ctx
        .host
        .write(&script, &content, options)
        .map_err(StateError::from)
        .and_then(|()| hand_over(&how, &room, &script, ctx))
        .and_then(|()| how.run(line.trim_end(), true, ctx));
    ctx.host.remove_dir_all(&room)?;
    Ok(verdict(&call.name, &ran?, stateful(args.stateful.as_ref()).0))
}

/// Lets the user that runs the script read it.
fn hand_over(how: &CommandArgs, room: &Path, script: &Path, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    let command: Command = how.command("true", true, ctx)?;
    let Some(name) = command.user else { return Ok(()) };
    let user = ctx.host.user(&name)?.ok_or_else(|| StateError::failed(format!("there is no user {name}")))?;
    ctx.host.chown(room, Some(user.uid), Some(user.gid))?;
    ctx.host.chown(script, Some(user.uid), Some(user.gid))?;
    Ok(())
}

/// Makes a directory that no one else may enter; one that another has put there first is never used.
fn private_room(ctx: &JobCtx<'_>, content: &[u8]) -> Result<PathBuf, StateError> {
    let digest = Digest::of(content).to_string();
    for attempt in 0..8 {
        let room = PathBuf::from(format!("/tmp/.lab-script-{}-{attempt}", &digest[..16]));
        match ctx.host.mkdir(&room, Some(0o700)) {
            Ok(()) => return Ok(room),
            Err(e) if e.cause == Cause::Exists => {}
            Err(e) => return Err(e.into()),
        }
    }
    Err(StateError::failed("no directory for the script can be made in /tmp (remove old /tmp/.lab-script-*)"))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::Files;
    use crate::host::sim::{SimHost, SimReply};
    use std::path::Path;

    #[test]
    fn the_script_runs_with_its_arguments_and_is_gone_afterwards() {
        let host =
            SimHost::new().with_script(|c| c.line().ends_with("script.sh --quiet").then(SimReply::default));
        let bench = Bench::new(host).with_state_file("setup.sh", "#!/bin/sh\n");
        let sls = "x:\n  cmd.script:\n    - source: salt://setup.sh\n    - args: --quiet\n";
        let verdict = bench.run(sls);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert!(bench.host.list(Path::new("/tmp")).unwrap().is_empty());
        assert_eq!(bench.run("x:\n  cmd.script:\n    - source: salt://none.sh\n").kind, VerdictKind::Failed);
    }

    #[test]
    fn the_ending_is_that_of_the_file_and_no_word_of_the_shell() {
        let mut bench = Bench::new(SimHost::new().with_script(|_| Some(SimReply::default())));
        let names = ["x.sh", "x.(1)", "x.a;echo>INJ"];
        for name in names {
            bench = bench.with_state_file(name, "#!/bin/sh\n");
        }
        for source in ["x.sh?saltenv=base", "x.(1)", "x.a;echo>INJ"] {
            let verdict = bench.run(&format!("x:\n  cmd.script:\n    - source: 'salt://{source}'\n"));
            assert_eq!(verdict.kind, VerdictKind::Ok, "{source}: {}", verdict.comment);
        }
        let lines: Vec<String> = bench.host.commands().iter().map(|c| c.line().to_owned()).collect();
        assert!(lines[0].ends_with("/script.sh"), "{lines:?}");
        assert!(lines[1].starts_with("'/tmp/") && lines[1].ends_with("/script.(1)'"), "{lines:?}");
        assert!(lines[2].starts_with("'/tmp/") && lines[2].ends_with("/script.a;echo>INJ'"), "{lines:?}");
    }

    #[test]
    fn arguments_of_a_list_are_quoted_and_those_in_the_name_win() {
        let host = SimHost::new().with_script(|c| c.line().contains("script.sh ").then(SimReply::default));
        let bench = Bench::new(host).with_state_file("setup.sh", "#!/bin/sh\n");
        bench.run("x:\n  cmd.script:\n    - source: salt://setup.sh\n    - args: [a, it's b]\n");
        bench
            .run("x:\n  cmd.script:\n    - name: setup.sh p\n    - source: salt://setup.sh\n    - args: q\n");
        let lines: Vec<String> = bench.host.commands().iter().map(|c| c.line().to_owned()).collect();
        assert!(lines[0].ends_with(r#"script.sh a 'it'"'"'s b'"#), "{lines:?}");
        assert!(lines[1].ends_with("script.sh p"), "{lines:?}");
    }
}
