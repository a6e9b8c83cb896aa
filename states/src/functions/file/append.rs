//! `file.append`: these lines at the end of a file, unless they are in it.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Owner, join_lines, lines, make_parents, path_of, search};
use super::edit::{Edit, read_if_present};
use super::source::texts;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Append;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("text", Kind::Any, "A text, or a list of texts."),
    ArgDoc::optional("source", Kind::Text, "A file of the state tree that holds the text instead."),
    ArgDoc::optional("sources", Kind::List, "Several of them."),
    ArgDoc::with_default("template", Kind::Text, "jinja", "The template engine for sources."),
    ArgDoc::optional("context", Kind::Map, "Variables of the template."),
    ArgDoc::optional("defaults", Kind::Map, "Variables of the template where context has none."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
    ArgDoc::with_default("ignore_whitespace", Kind::Bool, "true", "Whether white space is not compared."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Adds texts to the end of a file unless they are already somewhere in it; white space is not compared. Makes the \
     file when it is missing.",
    ARGS,
    "/etc/hosts.allow:\n  file.append:\n    - text: 'sshd: 10.0.0.0/8'\n",
);

#[derive(Debug, Deserialize)]
pub(super) struct Args {
    text: Option<Value>,
    source: Option<Value>,
    #[serde(default)]
    sources: Vec<Value>,
    #[serde(default = "jinja")]
    template: Option<String>,
    context: Option<Map>,
    defaults: Option<Map>,
    #[serde(default)]
    pub(super) makedirs: bool,
    #[serde(default = "yes")]
    ignore_whitespace: bool,
    #[serde(default)]
    pub(super) header: bool,
}

fn yes() -> bool {
    true
}

fn jinja() -> Option<String> {
    Some("jinja".to_owned())
}

impl StateFunction for Append {
    fn name(&self) -> &'static str {
        "file.append"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(plan(call, ctx)?.1.check())
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let (args, edit) = plan(call, ctx)?;
        if args.makedirs {
            make_parents(ctx.host, &edit.path, None, Owner::default())?;
        }
        edit.apply(ctx.host)
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Args, Edit), StateError> {
    let args: Args = call.typed()?;
    let path = path_of(call, ctx.host)?;
    let old = read_if_present(ctx.host, &path)?;
    let mut new = old.clone().unwrap_or_default();
    let added = missing_lines(&args, &new, call, ctx)?;
    if !added.is_empty() {
        if !new.is_empty() && !new.ends_with('\n') {
            new.push('\n');
        }
        new.push_str(&join_lines(&added));
    }
    Ok((args, Edit::new(path, old, new)))
}

/// Returns the lines of those texts that are not in the file.
pub(super) fn missing_lines(
    args: &Args,
    have: &str,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Vec<String>, StateError> {
    let sources: Vec<Value> = args.source.iter().chain(&args.sources).cloned().collect();
    let variables = (args.defaults.as_ref(), args.context.as_ref());
    let texts = texts(args.text.as_ref(), &sources, args.template.as_deref(), variables, call, ctx)?;
    let mut missing = Vec::new();
    for text in &texts {
        let pattern = if args.ignore_whitespace { squeezed(text) } else { text.clone() };
        if args.header || !search(have, &pattern)? {
            missing.extend(lines(text).into_iter().map(str::to_owned));
        }
    }
    Ok(missing)
}

/// Makes a pattern of a text in which white space between words may be anything, also nothing.
fn squeezed(text: &str) -> String {
    let mut pattern = String::from("^");
    for line in lines(text) {
        let words: Vec<String> = words(line).iter().map(|w| fancy_regex::escape(w).into_owned()).collect();
        pattern.push_str(r"(?:[\s]+)?");
        pattern.push_str(&words.join(r"(?:[\s]+)?"));
        pattern.push_str(r"(?:[\s]+)?");
    }
    pattern.push('$');
    pattern
}

/// Splits a line into words; where both kinds of quotes occur, what stands in double ones is one word.
fn words(line: &str) -> Vec<String> {
    let grouping = line.contains('\'') && line.contains('"');
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        if c == '"' && grouping {
            quoted = !quoted;
        }
        if c.is_whitespace() && !quoted {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(c);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn only_what_is_missing_is_added_after_a_final_newline() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "one  two\nlast"));
        let verdict = bench.run("/etc/f:\n  file.append:\n    - text:\n      - one two\n      - three\n");
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("one  two\nlast\nthree\n"));
    }

    #[test]
    fn a_missing_file_is_made_and_a_missing_directory_only_on_request() {
        let bench = Bench::new(SimHost::new());
        assert_eq!(bench.run("/srv/x/f:\n  file.append:\n    - text: a\n").kind, VerdictKind::Failed);
        let made = bench.run("/srv/x/f:\n  file.append:\n    - text: a\n    - makedirs: True\n");
        assert_eq!(made.kind, VerdictKind::Ok, "{}", made.comment);
        assert_eq!(bench.host.text("/srv/x/f").as_deref(), Some("a\n"));
    }
}
