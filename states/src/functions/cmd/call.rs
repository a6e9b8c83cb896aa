//! What `cmd.run`, `cmd.wait`, `cmd.script` and the execution functions of the same names have in common.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Mode, map, text_of};
use crate::function::{ArgDoc, JobCtx, Kind, StateError, Verdict};
use crate::host::{Command, Exit, Output, Program};

/// The arguments that all of them take, for their documentation.
pub(super) const COMMON: [ArgDoc; 13] = [
    ArgDoc::optional("cwd", Kind::Path, "The working directory; the user's home when not given."),
    ArgDoc::optional("runas", Kind::Text, "The user that runs it."),
    ArgDoc::optional("group", Kind::Text, "The group that runs it."),
    ArgDoc::optional("shell", Kind::Path, "The shell; /bin/sh when not given."),
    ArgDoc::optional("env", Kind::Any, "Environment variables: a mapping, or a list of them."),
    ArgDoc::with_default("clean_env", Kind::Bool, "false", "Whether nothing is inherited but PATH."),
    ArgDoc::optional("prepend_path", Kind::Text, "What is put before PATH."),
    ArgDoc::optional("umask", Kind::Mode, "The umask."),
    ArgDoc::optional("stdin", Kind::Text, "What it reads."),
    ArgDoc::optional("timeout", Kind::Float, "After how many seconds it is killed with all that it started."),
    ArgDoc::optional("success_retcodes", Kind::List, "Statuses besides 0 that count as success."),
    ArgDoc::optional("success_stdout", Kind::List, "Texts in standard output that count as success."),
    ArgDoc::optional("success_stderr", Kind::List, "Texts in standard error that count as success."),
];

/// How a command is run.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::functions) struct CommandArgs {
    cwd: Option<String>,
    runas: Option<String>,
    group: Option<String>,
    shell: Option<String>,
    env: Option<Value>,
    #[serde(default)]
    clean_env: bool,
    prepend_path: Option<String>,
    umask: Option<Mode>,
    stdin: Option<String>,
    timeout: Option<f64>,
    #[serde(default)]
    success_retcodes: Vec<i32>,
    #[serde(default)]
    success_stdout: Vec<Value>,
    #[serde(default)]
    success_stderr: Vec<Value>,
    #[serde(default)]
    bg: bool,
}

/// What a command did, with the verdict on it.
#[derive(Clone, Debug)]
pub(in crate::functions) struct Ran {
    pub(in crate::functions) output: Output,
    /// The status, or 0 where the arguments count it as success.
    pub(in crate::functions) retcode: i32,
}

impl Ran {
    /// Returns what `cmd.run_all` returns.
    pub(in crate::functions) fn report(&self) -> Map {
        map([
            ("pid", self.output.pid.into()),
            ("retcode", self.retcode.into()),
            ("stdout", self.output.stdout_text().into()),
            ("stderr", self.output.stderr_text().into()),
        ])
    }
}

impl CommandArgs {
    pub(in crate::functions) fn cwd(&self) -> Option<&str> {
        self.cwd.as_deref().filter(|c| !c.is_empty())
    }

    /// Describes the command for the host: in a shell, or as a program with its arguments.
    pub(in crate::functions) fn command(
        &self,
        line: &str,
        in_shell: bool,
        ctx: &JobCtx<'_>,
    ) -> Result<Command, StateError> {
        let mut command = if in_shell {
            let line =
                if self.bg { format!("( {line}\n) >/dev/null 2>&1 </dev/null &") } else { line.to_owned() };
            let mut command = Command::shell(line);
            if let Program::Shell { shell, .. } = &mut command.program {
                *shell = self.shell_path(ctx);
            }
            command
        } else {
            let words = split_words(line)
                .ok_or_else(|| StateError::failed(format!("a quote is not closed in {line:?}")))?;
            Command::argv(words)
        };
        command.cwd = self.cwd().map(PathBuf::from);
        command.user.clone_from(&self.runas);
        command.group.clone_from(&self.group);
        command.clean_env = self.clean_env;
        command.umask = self.umask.map(|m| m.0);
        command.stdin = self.stdin.clone().map(String::into_bytes);
        command.timeout = self.time_limit(ctx)?;
        // Output is read by people and programs far away, so it follows this machine's language only where LC_ALL says so.
        for name in LOCALE {
            command.env.insert(name.to_owned(), Some("C".to_owned()));
        }
        command.env.extend(variables(self.env.as_ref())?);
        if let Some(path) = &self.prepend_path {
            let rest = command.env.get("PATH").cloned().flatten();
            let rest =
                rest.as_deref().unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
            command.env.insert("PATH".to_owned(), Some(format!("{path}:{rest}")));
        }
        Ok(command)
    }

    /// Runs a command line, streaming its output, and judges how it ended.
    pub(in crate::functions) fn run(
        &self,
        line: &str,
        in_shell: bool,
        ctx: &JobCtx<'_>,
    ) -> Result<Ran, StateError> {
        let output = ctx.host.run(&self.command(line, in_shell, ctx)?, ctx)?;
        match output.exit {
            Exit::Cancelled => {
                return Err(StateError::failed(format!("{line:?} was killed: the job was cancelled")));
            }
            Exit::TimedOut => {
                let limit = self.timeout.unwrap_or_default();
                return Err(StateError::failed(format!(
                    "{line:?} was killed: it took more than {limit} seconds"
                )));
            }
            Exit::Code(_) | Exit::Signal(_) => {}
        }
        let has = |texts: &[Value], text: &str| texts.iter().any(|t| text.contains(&text_of(t)));
        let success = self.success_retcodes.contains(&output.exit.code())
            || has(&self.success_stdout, &output.stdout_text())
            || has(&self.success_stderr, &output.stderr_text());
        let retcode = if success { 0 } else { output.exit.code() };
        Ok(Ran { output, retcode })
    }

    fn shell_path(&self, ctx: &JobCtx<'_>) -> String {
        let grains = ctx.services.grains();
        let of_machine = || grains.get("shell").and_then(Value::as_str).unwrap_or("/bin/sh").to_owned();
        self.shell.clone().unwrap_or_else(of_machine)
    }

    /// Returns the shorter of the command's own time limit and what is left of the job's.
    fn time_limit(&self, ctx: &JobCtx<'_>) -> Result<Option<Duration>, StateError> {
        let own = match self.timeout {
            Some(seconds) => Some(Duration::try_from_secs_f64(seconds).map_err(|_| {
                StateError::failed(format!("argument timeout: {seconds} is no number of seconds"))
            })?),
            None => None,
        };
        Ok(match (own, ctx.remaining()) {
            (Some(own), Some(left)) => Some(own.min(left)),
            (own, left) => own.or(left),
        })
    }
}

/// What is set to C, as Salt does: all of it by name, so that an LC_ALL of the machine or of `env` still counts.
const LOCALE: [&str; 13] = [
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
    "LANGUAGE",
];

fn variables(env: Option<&Value>) -> Result<IndexMap<String, Option<String>>, StateError> {
    let entry = |(key, value): (&Value, &Value)| {
        let value = if matches!(value, Value::Null) { String::new() } else { text_of(value) };
        (text_of(key), Some(value))
    };
    match env {
        None | Some(Value::Null) => Ok(IndexMap::new()),
        Some(Value::Map(map)) => Ok(map.iter().map(entry).collect()),
        Some(Value::List(list)) if list.iter().all(|i| i.as_map().is_some()) => {
            Ok(list.iter().filter_map(Value::as_map).flatten().map(entry).collect())
        }
        Some(_) => Err(StateError::failed("argument env: must be a mapping, or a list of mappings")),
    }
}

/// Splits a command line into words as a shell does, without expanding anything; `None` for an open quote.
pub(in crate::functions) fn split_words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut open) = (Vec::new(), None::<String>, None::<char>);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (open, c) {
            (Some(quote), c) if c == quote => open = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (Some(_), '\\') => {
                let next = chars.next()?;
                if !matches!(next, '"' | '\\' | '$' | '`') {
                    word.get_or_insert_default().push('\\');
                }
                word.get_or_insert_default().push(next);
            }
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                open = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if open.is_some() {
        return None;
    }
    words.extend(word);
    Some(words)
}

/// Turns what a command did into the verdict of a state: a command reports changes even when it failed.
pub(super) fn verdict(line: &str, ran: &Ran, stateful: bool) -> Verdict {
    let report = ran.report();
    if stateful {
        return reinterpreted(ran, report);
    }
    let comment = format!("command {line:?} run");
    if ran.retcode == 0 { Verdict::ok(report, comment) } else { Verdict::failed_with(report, comment) }
}

/// Lets the last line of the output decide about changes: a JSON object, or `changed=yes comment='…'`.
fn reinterpreted(ran: &Ran, report: Map) -> Verdict {
    let end = |changes: Map, comment: String| {
        if ran.retcode == 0 { Verdict::ok(changes, comment) } else { Verdict::failed_with(changes, comment) }
    };
    let stdout = ran.output.stdout_text();
    if stdout.is_empty() {
        return end(Map::new(), ran.output.stderr_text());
    }
    let (mut said, rest) = match said_in(&stdout) {
        Ok(found) => found,
        Err(why) => return Verdict::failed_with(report, why),
    };
    let changed = match said.get("changed").map(text_of) {
        None => false,
        Some(word) => match word.to_lowercase().as_str() {
            "true" | "yes" | "1" => true,
            "false" | "no" | "0" => false,
            _ => return Verdict::failed(format!("cannot tell whether changed={word} means yes or no")),
        },
    };
    let comment = said.shift_remove("comment").map(|c| text_of(&c)).unwrap_or_default();
    if !changed {
        return end(Map::new(), comment);
    }
    for (key, value) in report {
        said.entry(key).or_insert(value);
    }
    said.insert("stdout".into(), rest.into());
    end(said, comment)
}

/// Returns what the output says about itself, and the output before that.
fn said_in(stdout: &str) -> Result<(Map, String), String> {
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(stdout) {
        return match Value::from(json) {
            Value::Map(map) => Ok((map, String::new())),
            _ => Err("script JSON output must be a JSON object (such as {})".to_owned()),
        };
    }
    let (rest, last) = stdout.trim_end().rsplit_once('\n').unwrap_or(("", stdout));
    let bad =
        || "failed parsing script output: it must be JSON or end in a line of name=value pairs".to_owned();
    let mut said = Map::new();
    for word in split_words(last).ok_or_else(bad)? {
        let (key, value) = word.split_once('=').ok_or_else(bad)?;
        said.insert(key.into(), value.into());
    }
    Ok((said, rest.to_owned()))
}

/// Reads the `stateful` argument: whether it is on, and the command that stands in for a dry run.
pub(super) fn stateful(argument: Option<&Value>) -> (bool, Option<String>) {
    match argument {
        Some(Value::Bool(on)) => (*on, None),
        Some(Value::List(items)) if !items.is_empty() => {
            let name = items.iter().find_map(|i| i.get("test_name")).map(text_of);
            (true, name)
        }
        _ => (false, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        let words = |line: &str| split_words(line).unwrap_or_default();
        assert_eq!(words(r#"a 'b c' "d \"e" f\ g """#), ["a", "b c", "d \"e", "f g", ""]);
        assert_eq!(split_words("'open"), None);
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(list in proptest::collection::vec("[^']{0,12}", 0..6)) {
            let line = list.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split_words(&line), Some(list));
        }

        #[test]
        fn any_line_is_split_or_refused(line in ".*") {
            let _ = split_words(&line);
        }
    }
}
