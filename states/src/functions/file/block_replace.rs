//! `file.blockreplace`: what stands between two markers in a file.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Pattern, lines_with_ends, path_of, text_of};
use super::edit::{Edit, backup_suffix, read_text};
use super::source::texts;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct BlockReplace;

const ARGS: &[ArgDoc] = &[
    ArgDoc::with_default(
        "marker_start",
        Kind::Text,
        "'#-- start managed zone --'",
        "What the line before the block contains.",
    ),
    ArgDoc::with_default(
        "marker_end",
        Kind::Text,
        "'#-- end managed zone --'",
        "What the line after the block contains.",
    ),
    ArgDoc::with_default("content", Kind::Text, "''", "The block."),
    ArgDoc::optional("source", Kind::Text, "A file of the state tree that is added to the block."),
    ArgDoc::optional("sources", Kind::List, "Several of them."),
    ArgDoc::with_default("template", Kind::Text, "jinja", "The template engine for sources."),
    ArgDoc::optional("context", Kind::Map, "Variables of the template."),
    ArgDoc::optional("defaults", Kind::Map, "Variables of the template where context has none."),
    ArgDoc::with_default(
        "append_if_not_found",
        Kind::Bool,
        "false",
        "Whether a block with markers is added at the end.",
    ),
    ArgDoc::with_default(
        "prepend_if_not_found",
        Kind::Bool,
        "false",
        "Whether it is added at the beginning.",
    ),
    ArgDoc::optional(
        "insert_before_match",
        Kind::Text,
        "A regular expression for the line that it is added before.",
    ),
    ArgDoc::optional(
        "insert_after_match",
        Kind::Text,
        "A regular expression for the line that it is added after.",
    ),
    ArgDoc::optional(
        "append_newline",
        Kind::Bool,
        "Whether the block ends with a newline of its own; by default, when its content does not.",
    ),
    ArgDoc::with_default("backup", Kind::Any, "'.bak'", "The suffix of the copy, or False."),
    ArgDoc::with_default("show_changes", Kind::Bool, "true", "Whether the diff is reported."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps the text between two marker lines of a file. Keeps a copy with the suffix .bak beside the file.",
    ARGS,
    "/etc/profile:\n  file.managed: []\n\nprofile block:\n  file.blockreplace:\n    - name: /etc/profile\n    - content: export EDITOR=vi\n    - append_if_not_found: True\n    - backup: False\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default = "start")]
    marker_start: String,
    #[serde(default = "end")]
    marker_end: String,
    #[serde(default)]
    content: Value,
    source: Option<Value>,
    #[serde(default)]
    sources: Vec<Value>,
    #[serde(default = "jinja")]
    template: Option<String>,
    context: Option<Map>,
    defaults: Option<Map>,
    #[serde(default)]
    append_if_not_found: bool,
    #[serde(default)]
    prepend_if_not_found: bool,
    insert_before_match: Option<String>,
    insert_after_match: Option<String>,
    append_newline: Option<bool>,
    backup: Option<Value>,
    #[serde(default = "yes")]
    show_changes: bool,
}

fn start() -> String {
    "#-- start managed zone --".to_owned()
}

fn end() -> String {
    "#-- end managed zone --".to_owned()
}

fn jinja() -> Option<String> {
    Some("jinja".to_owned())
}

fn yes() -> bool {
    true
}

impl StateFunction for BlockReplace {
    fn name(&self) -> &'static str {
        "file.blockreplace"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(plan(call, ctx)?.check())
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        plan(call, ctx)?.apply(ctx.host)
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Edit, StateError> {
    let args: Args = call.typed()?;
    let places = [args.insert_before_match.is_some(), args.insert_after_match.is_some()];
    let adds = [args.append_if_not_found, args.prepend_if_not_found];
    if adds.iter().chain(&places).filter(|given| **given).count() > 1 {
        return Err(StateError::failed(
            "only one of append_if_not_found, prepend_if_not_found, insert_before_match and insert_after_match is permitted",
        ));
    }
    let path = path_of(call, ctx.host)?;
    let old = read_text(ctx.host, &path)?;
    let sources: Vec<Value> = args.source.iter().chain(&args.sources).cloned().collect();
    let variables = (args.defaults.as_ref(), args.context.as_ref());
    let mut content = if args.content.truthy() { text_of(&args.content) } else { String::new() };
    content.push_str(&texts(None, &sources, args.template.as_deref(), variables, call, ctx)?.concat());
    for line in call.accumulated.values().filter_map(Value::as_list).flatten() {
        if !content.is_empty() {
            content.push('\n');
        }
        content.push_str(&text_of(line));
    }
    let new = replaced(&args, &content, &old)?;
    let mut edit = Edit::new(path, Some(old), new);
    edit.backup = backup_suffix(args.backup.as_ref(), Some(".bak"));
    edit.show_changes = args.show_changes;
    Ok(edit)
}

/// Returns the text with the block in place. The line of the start marker is kept whole; of the line of the end marker
/// only what begins with the marker is.
fn replaced(args: &Args, content: &str, text: &str) -> Result<String, StateError> {
    let lines = lines_with_ends(text);
    let newline = if lines.first().is_some_and(|l| l.ends_with("\r\n")) { "\r\n" } else { "\n" };
    let block = Block { args, content, newline };
    let (mut out, mut inside, mut found) = (String::new(), false, false);
    for line in &lines {
        if line.contains(&args.marker_start) {
            inside = true;
            out.push_str(line);
        } else if !inside {
            out.push_str(line);
        } else if let Some(at) = line.find(&args.marker_end) {
            inside = false;
            found = true;
            out.push_str(&block.body(&line[at..]));
        }
    }
    if inside {
        return Err(StateError::failed("unterminated marked block: the file ends before marker_end"));
    }
    if found { Ok(out) } else { block.add(out, &lines) }
}

struct Block<'a> {
    args: &'a Args,
    content: &'a str,
    newline: &'a str,
}

impl Block<'_> {
    /// Returns the content and the end marker's line.
    fn body(&self, end_line: &str) -> String {
        let Self { args, content, newline } = self;
        let end_line = format!("{}{newline}", end_line.trim_end_matches(['\r', '\n']));
        let unix = content.replace("\r\n", "\n");
        let mut out = unix.split('\n').collect::<Vec<_>>().join(newline);
        if args.append_newline.unwrap_or_else(|| !content.ends_with('\n')) {
            out.push_str(newline);
        }
        out + &end_line
    }

    fn whole(&self) -> String {
        format!("{}{}{}", self.args.marker_start, self.newline, self.body(&self.args.marker_end))
    }

    /// Adds the block with its markers where the file has none.
    fn add(&self, mut text: String, lines: &[&str]) -> Result<String, StateError> {
        let missing =
            || StateError::failed("cannot edit marked block: the markers were not found in the file");
        if self.args.prepend_if_not_found {
            return Ok(self.whole() + &text);
        }
        if self.args.append_if_not_found {
            if !text.is_empty() && !text.ends_with(self.newline) {
                text.push_str(self.newline);
            }
            return Ok(text + &self.whole());
        }
        let (pattern, behind) = match (&self.args.insert_before_match, &self.args.insert_after_match) {
            (Some(pattern), _) => (pattern, 0),
            (_, Some(pattern)) => (pattern, 1),
            (None, None) => return Err(missing()),
        };
        let pattern = Pattern::multiline(pattern)?;
        for (index, line) in lines.iter().enumerate() {
            if pattern.is_match(line)? {
                let (head, tail) = lines.split_at(index + behind);
                return Ok(head.concat() + &self.whole() + &tail.concat());
            }
        }
        Err(missing())
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    fn block(text: &str, args: &str) -> (VerdictKind, String) {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", text));
        let verdict = bench.run(&format!(
            "/etc/f:\n  file.blockreplace: [{{marker_start: '# S'}}, {{marker_end: '# E'}}, {args}]\n"
        ));
        (verdict.kind, bench.host.text("/etc/f").unwrap_or_default())
    }

    #[test]
    fn the_block_is_replaced_and_what_stands_around_it_is_kept() {
        assert_eq!(block("a\nx # S y\nold\n# E z\nb\n", "{content: new}").1, "a\nx # S y\nnew\n# E z\nb\n");
        assert_eq!(block("# S\n# E\n", "{content: ''}").1, "# S\n\n# E\n");
        assert_eq!(block("# S\nold\n", "{content: new}").0, VerdictKind::Failed);
    }

    #[test]
    fn a_missing_block_is_an_error_or_added_where_asked() {
        assert_eq!(block("a\n", "{content: new}").0, VerdictKind::Failed);
        assert_eq!(block("a", "{content: new}, {append_if_not_found: true}").1, "a\n# S\nnew\n# E\n");
        assert_eq!(block("a\nb\n", "{content: n}, {insert_after_match: '^a'}").1, "a\n# S\nn\n# E\nb\n");
        assert_eq!(block("a\nb\n", "{content: n}, {insert_before_match: '^b'}").1, "a\n# S\nn\n# E\nb\n");
    }
}
