//! `locale.present`: a language that programs can use.

use std::path::Path;

use lab_proto::Map;

use super::super::support::{join_lines, lines, map};
use super::files::{available, same};
use crate::function::{Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction};
use crate::functions::file::read_if_present;
use crate::host::{Command, Commands, WriteOptions};

/// The function.
pub(in crate::functions) struct Present;

const LIST: &str = "/etc/locale.gen";

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes a language, which the name says, that programs can use. Where /etc/locale.gen lists what is made, it is listed there.",
    &[],
    "de_DE.UTF-8:\n  locale.present: []\n",
);

/// The parts of a name: `de_DE`, `UTF-8`, `euro`.
fn parts(name: &str) -> Result<(String, String, String), StateError> {
    let bare = name.split_whitespace().next().unwrap_or_default();
    let (rest, modifier) = bare.split_once('@').unwrap_or((bare, ""));
    let (language, charset) = rest.split_once('.').unwrap_or((rest, ""));
    let charset = name.split_whitespace().nth(1).unwrap_or(charset);
    let fits = |p: &str| p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if language.is_empty() || ![language, charset, modifier].into_iter().all(fits) {
        return Err(StateError::failed(format!("{name:?} is no locale like de_DE.UTF-8")));
    }
    Ok((language.to_owned(), charset.to_owned(), modifier.to_owned()))
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "locale.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        parts(&call.name)?;
        if available(ctx)?.iter().any(|l| same(l, &call.name)) {
            return Ok(Check::holds(format!("locale {} is already present", call.name)));
        }
        let changes: Map = map([("locale", call.name.as_str().into())]);
        Ok(Check::differs(changes, format!("locale {} needs to be generated", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let command = match read_if_present(ctx.host, Path::new(LIST))? {
            Some(text) => {
                let new = listed(&text, &call.name)?;
                if new != text {
                    ctx.host.write(Path::new(LIST), new.as_bytes(), WriteOptions::default())?;
                }
                Command::argv(["locale-gen"])
            }
            None => localedef(&call.name)?,
        };
        let output = Commands::run(ctx.host, &command, ctx)?;
        if !output.exit.success() {
            let said = [output.stderr_text(), output.stdout_text()].join(" ");
            return Err(StateError::failed(format!("{} failed: {}", command.line(), said.trim())));
        }
        Ok(Applied::new(check.changes.clone(), format!("generated locale {}", call.name)))
    }
}

/// Returns the list with a language in it: its line without the comment sign, or one at the end.
fn listed(text: &str, name: &str) -> Result<String, StateError> {
    let (language, charset, modifier) = parts(name)?;
    let is_it = |line: &str| same(line, name) && !line.is_empty();
    let mut all: Vec<String> = lines(text).into_iter().map(str::to_owned).collect();
    if all.iter().any(|l| is_it(l.trim())) {
        return Ok(text.to_owned());
    }
    let commented = all.iter().position(|l| {
        l.trim()
            .strip_prefix('#')
            .is_some_and(|rest| is_it(rest.trim()) && rest.split_whitespace().count() == 2)
    });
    match commented {
        Some(at) => all[at] = all[at].trim().trim_start_matches('#').trim().to_owned(),
        None => {
            let charset = if charset.is_empty() { "UTF-8" } else { &charset };
            let at = if modifier.is_empty() { String::new() } else { format!("@{modifier}") };
            all.push(format!("{language}.{charset}{at} {charset}"));
        }
    }
    Ok(join_lines(&all))
}

fn localedef(name: &str) -> Result<Command, StateError> {
    let (language, charset, modifier) = parts(name)?;
    let source = if modifier.is_empty() { language } else { format!("{language}@{modifier}") };
    let charset = if charset.is_empty() { "UTF-8".to_owned() } else { charset };
    let bare = name.split_whitespace().next().unwrap_or_default();
    Ok(Command::argv(["localedef", "--force", "-i", &source, "-f", &charset, bare]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A machine whose language appears when `tool` was run.
    fn host(tool: &'static str) -> SimHost {
        let made = Arc::new(AtomicBool::new(false));
        SimHost::new().with_script(move |c| {
            if c.line().starts_with(tool) {
                made.store(true, Ordering::SeqCst);
                return Some(SimReply::default());
            }
            let listed = if made.load(Ordering::SeqCst) { "C\nde_DE.utf8\n" } else { "C\n" };
            (c.line() == "locale -a").then(|| SimReply::ok(listed))
        })
    }

    #[test]
    fn a_listed_language_is_uncommented_and_made_once() {
        let list = "# This file lists\n# de_DE.UTF-8 UTF-8\n# fr_FR.UTF-8 UTF-8\n";
        let bench = Bench::new(host("locale-gen").with_file(LIST, list));
        let sls = "de_DE.UTF-8:\n  locale.present: []\n";
        assert!(bench.run(sls).changed());
        assert_eq!(
            bench.host.text(LIST).as_deref(),
            Some("# This file lists\nde_DE.UTF-8 UTF-8\n# fr_FR.UTF-8 UTF-8\n")
        );
        assert!(!bench.run(sls).changed());
    }

    #[test]
    fn without_a_list_localedef_makes_it() {
        let bench = Bench::new(host("localedef --force -i de_DE -f UTF-8 de_DE.UTF-8"));
        assert!(bench.run("de_DE.UTF-8:\n  locale.present: []\n").changed());
        assert!(bench.run("'x;y':\n  locale.present: []\n").comment.contains("is no locale"));
    }

    #[test]
    fn a_new_line_says_the_character_set_twice() {
        assert_eq!(listed("# x\n", "de_DE.UTF-8@euro").unwrap(), "# x\nde_DE.UTF-8@euro UTF-8\n");
        assert_eq!(listed("de_DE.utf8 UTF-8\n", "de_DE.UTF-8").unwrap(), "de_DE.utf8 UTF-8\n");
    }
}
