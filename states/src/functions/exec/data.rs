//! `slsutil.*` and `defaults.*`: helpers for templates.

use std::collections::VecDeque;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::grains::{empty, laid_over};
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::lookup::traverse;

const STRATEGY: ArgDoc = ArgDoc::with_default(
    "strategy",
    Kind::Text,
    "smart",
    "overwrite takes values whole, list puts both into a list, others go deep.",
);
const RENDERER: ArgDoc = ArgDoc::with_default(
    "renderer",
    Kind::Text,
    "yaml",
    "What the data was rendered with; with yamlex, smart does not join lists.",
);
const REPLACED: ArgDoc =
    ArgDoc::with_default("merge_lists", Kind::Bool, "false", "Whether lists are joined, not replaced.");
const JOINED: ArgDoc =
    ArgDoc::with_default("merge_lists", Kind::Bool, "true", "Whether lists are joined, not replaced.");
const IN_PLACE: ArgDoc =
    ArgDoc::with_default("in_place", Kind::Bool, "true", "Whether a template's `dest` is changed itself.");
const CONVERT_NONE: ArgDoc = ArgDoc::with_default(
    "convert_none",
    Kind::Bool,
    "true",
    "Whether null counts as an empty mapping; a `dest` that is changed itself must be one.",
);

const MERGE: &[ArgDoc] = &[
    ArgDoc::required("obj_a", Kind::Map, "What is laid over."),
    ArgDoc::required("obj_b", Kind::Map, "What lies above."),
    STRATEGY,
    RENDERER,
    REPLACED,
];
const MERGE_ALL: &[ArgDoc] =
    &[ArgDoc::required("lst", Kind::List, "The mappings."), STRATEGY, RENDERER, REPLACED];
const UPDATE: &[ArgDoc] = &[
    ArgDoc::required("dest", Kind::Map, "What is laid over; a template's mapping is changed itself."),
    ArgDoc::required("upd", Kind::Map, "What lies above."),
    ArgDoc::with_default("recursive_update", Kind::Bool, "true", "Whether mappings go deep."),
    REPLACED,
];
const MERGE_DEFAULTS: &[ArgDoc] = &[
    ArgDoc::required("dest", Kind::Map, "What is laid over."),
    ArgDoc::required("src", Kind::Map, "What lies above."),
    REPLACED,
    IN_PLACE,
    CONVERT_NONE,
];
const UPDATE_DEFAULTS: &[ArgDoc] = &[
    ArgDoc::required("dest", Kind::Map, "Mappings by name."),
    ArgDoc::required("defaults", Kind::Map, "What each of them has where it says nothing else."),
    JOINED,
    IN_PLACE,
    CONVERT_NONE,
];
const DEFAULT: &[ArgDoc] = &[
    ArgDoc::required("key", Kind::Text, "FORMULA:KEY; more colons lead into mappings and lists."),
    ArgDoc::with_default("default", Kind::Any, "''", "What is returned without it."),
];
const BANNER: &[ArgDoc] = &[
    ArgDoc::with_default("width", Kind::Int, "72", "How wide it is."),
    ArgDoc::with_default("commentchar", Kind::Text, "'#'", "What each line begins with."),
    ArgDoc::with_default("borderchar", Kind::Text, "'#'", "What the border is made of."),
    ArgDoc::optional("blockstart", Kind::Text, "A line above, which opens a comment."),
    ArgDoc::optional("blockend", Kind::Text, "A line below, which closes it."),
    ArgDoc::optional("title", Kind::Text, "The title; a warning not to edit the file, when not given."),
    ArgDoc::optional("text", Kind::Text, "The text; why not, when not given."),
    ArgDoc::with_default("newline", Kind::Bool, "false", "Whether it ends with a newline."),
];
const SOURCE: &[ArgDoc] = &[ArgDoc::required("source", Kind::Any, "What is copied.")];

const BOOLSTR: &[ArgDoc] = &[
    ArgDoc::required("value", Kind::Any, "What decides."),
    ArgDoc::with_default("true", Kind::Any, "true", "What stands for true."),
    ArgDoc::with_default("false", Kind::Any, "false", "What stands for false."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "slsutil.merge",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            MERGE,
            "lab-minion call --local slsutil.merge '{a: 1}' '{b: 2}'",
        ),
        body: merge,
    },
    Exec {
        name: "slsutil.update",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            UPDATE,
            "lab-minion call --local slsutil.update '{a: 1}' '{b: 2}'",
        ),
        body: update,
    },
    Exec {
        name: "defaults.update",
        doc: FunctionDoc::new(
            "Lays defaults below each value of a mapping.",
            UPDATE_DEFAULTS,
            "lab-minion call --local defaults.update '{web: {port: 81}}' '{port: 80, tls: true}'",
        ),
        body: update_defaults,
    },
    Exec {
        name: "defaults.deepcopy",
        doc: FunctionDoc::new(
            "Returns a copy, so that a change of it does not change the source.",
            SOURCE,
            "lab-minion call --local defaults.deepcopy '{a: 1}'",
        ),
        body: |call| Ok(call.typed::<Source>()?.source),
    },
    Exec {
        name: "slsutil.merge_all",
        doc: FunctionDoc::new(
            "Lays all mappings of a list over one another, deeply; the last one is on top.",
            MERGE_ALL,
            "lab-minion call --local slsutil.merge_all '[{a: 1}, {b: 2}]'",
        ),
        body: merge_all,
    },
    Exec {
        name: "slsutil.boolstr",
        doc: FunctionDoc::new(
            "Returns one of two values by what a text, or anything else, says: yes, on, true and 1 are true.",
            BOOLSTR,
            "lab-minion call --local slsutil.boolstr yes up down",
        )
        .open(),
        body: boolstr,
    },
    Exec {
        name: "slsutil.banner",
        doc: FunctionDoc::new(
            "Draws a box of comment lines to stand at the top of a file.",
            BANNER,
            "lab-minion call --local slsutil.banner title='managed by lab'",
        ),
        body: banner,
    },
    Exec {
        name: "defaults.get",
        doc: FunctionDoc::new(
            "Returns a value of a formula's defaults.yaml or defaults.json in the state tree.",
            DEFAULT,
            "lab-minion call --local defaults.get web:port",
        ),
        body: defaults_get,
    },
    Exec {
        name: "defaults.merge",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            MERGE_DEFAULTS,
            "lab-minion call --local defaults.merge '{a: 1}' '{b: 2}'",
        ),
        body: merge_defaults,
    },
];

fn smart() -> String {
    "smart".to_owned()
}

fn plain() -> String {
    "yaml".to_owned()
}

fn yes() -> bool {
    true
}

/// How `slsutil.merge` and `slsutil.merge_all` lay one value over another.
#[derive(Deserialize)]
struct How {
    #[serde(default = "smart")]
    strategy: String,
    #[serde(default = "plain")]
    renderer: String,
    #[serde(default)]
    merge_lists: bool,
}

#[derive(Deserialize)]
struct BoolStr {
    value: Value,
    #[serde(rename = "true")]
    yes: Option<Value>,
    #[serde(rename = "false")]
    no: Option<Value>,
}

impl How {
    fn lay(&self, below: Value, above: Value) -> Value {
        let yamlex =
            self.renderer.starts_with("yamlex_") || self.renderer.rsplit('|').next() == Some("yamlex");
        match (self.strategy.as_str(), below, above) {
            ("overwrite", Value::Map(mut below), Value::Map(above)) => {
                below.extend(above);
                Value::Map(below)
            }
            ("list", Value::Map(mut below), Value::Map(above)) => {
                for (key, value) in &mut below {
                    if let Some(other) = above.get(key) {
                        *value = vec![std::mem::take(value), other.clone()].into();
                    }
                }
                Value::Map(below)
            }
            // Whatever else a strategy is called, mappings go deep; only the two that do so on purpose join lists.
            ("recurse", below, above) if self.merge_lists => joined(below, above),
            ("smart", below, above) if self.merge_lists && !yamlex => joined(below, above),
            (_, below, above) => laid_over(below, above),
        }
    }
}

fn merge(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct Merge {
        obj_a: Value,
        obj_b: Value,
    }
    let (Merge { obj_a, obj_b }, how) = (call.typed()?, call.typed::<How>()?);
    Ok(how.lay(obj_a, obj_b))
}

fn merge_all(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct All {
        lst: Vec<Value>,
    }
    let (All { lst }, how) = (call.typed()?, call.typed::<How>()?);
    Ok(lst.into_iter().fold(Value::map(), |below, above| how.lay(below, above)))
}

fn update(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct Update {
        dest: Value,
        upd: Value,
        #[serde(default = "yes")]
        recursive_update: bool,
        #[serde(default)]
        merge_lists: bool,
    }
    match call.typed()? {
        Update { dest: Value::Map(mut dest), upd: Value::Map(upd), recursive_update: false, .. } => {
            dest.extend(upd);
            Ok(Value::Map(dest))
        }
        Update { dest, upd, merge_lists, .. } => updated(dest, upd, merge_lists),
    }
}

fn updated(below: Value, above: Value, merge_lists: bool) -> Result<Value, CallError> {
    if let Some(other) = [&below, &above].into_iter().find(|v| v.as_map().is_none()) {
        return Err(CallError::failed(format!("cannot update with {other}: both must be mappings")));
    }
    Ok(if merge_lists { joined(below, above) } else { laid_over(below, above) })
}

/// What `defaults.merge` and `defaults.update` do with nothing at all.
#[derive(Deserialize)]
struct Nothing {
    #[serde(default = "yes")]
    in_place: bool,
    #[serde(default = "yes")]
    convert_none: bool,
}

impl Nothing {
    fn source(&self, value: Value) -> Value {
        if self.convert_none && value == Value::Null { Value::map() } else { value }
    }

    fn destination(&self, value: Value) -> Result<Value, CallError> {
        if self.in_place && value == Value::Null {
            return Err(CallError::failed("dest is null and cannot be changed itself: say in_place=False"));
        }
        Ok(self.source(value))
    }
}

fn merge_defaults(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct Merge {
        dest: Value,
        src: Value,
        #[serde(default)]
        merge_lists: bool,
    }
    let (Merge { dest, src, merge_lists }, nothing) = (call.typed()?, call.typed::<Nothing>()?);
    updated(nothing.destination(dest)?, nothing.source(src), merge_lists)
}

fn update_defaults(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct Update {
        dest: Value,
        defaults: Value,
        #[serde(default = "yes")]
        merge_lists: bool,
    }
    let (Update { dest, defaults, merge_lists }, nothing) = (call.typed()?, call.typed::<Nothing>()?);
    let Value::Map(dest) = nothing.destination(dest)? else {
        return Err(CallError::failed("dest is no mapping: write mappings by name"));
    };
    let defaults = nothing.source(defaults);
    let over = |(name, value)| Ok((name, updated(defaults.clone(), nothing.source(value), merge_lists)?));
    dest.into_iter().map(over).collect::<Result<Map, CallError>>().map(Value::Map)
}

#[derive(Deserialize)]
struct Source {
    source: Value,
}

#[derive(Deserialize)]
struct DefaultOf {
    key: String,
    #[serde(default = "empty")]
    default: Value,
}

fn defaults_get(call: &Call<'_>) -> Result<Value, CallError> {
    let DefaultOf { key, default } = call.typed()?;
    let (formula, rest) = key.split_once(':').map_or((key.as_str(), ""), |(formula, rest)| (formula, rest));
    let all = defaults_of(formula, call)?;
    if rest.is_empty() {
        return Ok(all.unwrap_or_default());
    }
    Ok(all.as_ref().and_then(|all| traverse(all, rest, ":")).cloned().unwrap_or(default))
}

/// Reads the first file of defaults that a formula has.
fn defaults_of(formula: &str, call: &Call<'_>) -> Result<Option<Value>, CallError> {
    for ending in ["yaml", "json"] {
        let path = format!("{}/defaults.{ending}", formula.trim_start_matches('/'));
        let bytes = match call.ctx.services.file(&path, "base") {
            Ok(bytes) => bytes,
            Err(e) if e.missing => continue,
            Err(e) => return Err(e.into()),
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| CallError::failed(format!("salt://{path} is no text in UTF-8")))?;
        let data = super::render::read(ending, &text, &format!("salt://{path}"))?;
        return Ok(Some(if data.truthy() { data } else { Value::map() }));
    }
    Ok(None)
}

#[derive(Deserialize)]
struct Banner {
    #[serde(default = "wide")]
    width: usize,
    #[serde(default = "hash")]
    commentchar: String,
    #[serde(default = "hash")]
    borderchar: String,
    blockstart: Option<String>,
    blockend: Option<String>,
    title: Option<String>,
    text: Option<String>,
    #[serde(default)]
    newline: bool,
}

fn wide() -> usize {
    72
}

fn hash() -> String {
    "#".to_owned()
}

fn banner(call: &Call<'_>) -> Result<Value, CallError> {
    let Banner { width, commentchar, borderchar, blockstart, blockend, title, text, newline } =
        call.typed()?;
    let title = title.as_deref().unwrap_or("THIS FILE IS MANAGED BY SALT - DO NOT EDIT");
    let text = text.as_deref().unwrap_or(
        "The contents of this file are managed by Salt. Any changes to this file may be overwritten automatically and \
         without warning.",
    );
    let count = |text: &str| text.chars().count();
    let (left, right) = (commentchar.trim_end(), commentchar.trim());
    let inner =
        width.checked_sub(count(left) + count(right) + 2).filter(|inner| (1..=10_000).contains(inner));
    let inner = inner.ok_or_else(|| {
        CallError::failed(format!("argument width: a banner of {width} columns cannot be drawn"))
    })?;
    let border: String = borderchar.chars().take(1).collect();
    let rule = format!("{commentchar}{}{right}", border.repeat(width - count(left) - count(right)));
    let gap = " ".repeat(width.saturating_sub(count(&commentchar) * 2));
    let blank = format!("{commentchar}{gap}{commentchar}");
    let mut lines: Vec<String> = blockstart.into_iter().collect();
    lines.extend([rule.clone(), blank.clone()]);
    for line in wrapped(title, inner) {
        let missing = inner.saturating_sub(count(&line));
        let before = missing / 2 + (missing & inner & 1);
        let (before, after) = (" ".repeat(before), " ".repeat(missing - before));
        lines.push(format!("{left} {before}{line}{after} {right}"));
    }
    lines.push(blank);
    for line in wrapped(text, inner) {
        let after = " ".repeat(inner.saturating_sub(count(&line)));
        lines.push(format!("{left} {line}{after} {right}"));
    }
    lines.push(rule);
    lines.extend(blockend);
    Ok((lines.join("\n") + if newline { "\n" } else { "" }).into())
}

/// Breaks a text into lines at blanks and behind hyphens within words; a word that is too long is cut. Blanks within a
/// line stay as they are.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let count = |text: &str| text.chars().count();
    let blank = |text: &str| text.starts_with(' ');
    let mut chunks: VecDeque<String> = chunks(&without_tabs(text)).into();
    let mut lines: Vec<String> = Vec::new();
    while let Some(first) = chunks.front() {
        if blank(first) && !lines.is_empty() {
            chunks.pop_front();
        }
        let mut line: Vec<String> = Vec::new();
        let mut room = width;
        while let Some(chunk) = chunks.pop_front_if(|chunk| count(chunk) <= room) {
            room -= count(&chunk);
            line.push(chunk);
        }
        if let Some(long) = chunks.front_mut().filter(|chunk| count(chunk) > width) {
            let at = long.char_indices().nth(room).map_or(long.len(), |(at, _)| at);
            let rest = long.split_off(at);
            line.push(std::mem::replace(long, rest));
        }
        if line.last().is_some_and(|last| blank(last)) {
            line.pop();
        }
        lines.extend((!line.is_empty()).then(|| line.concat()));
    }
    lines
}

/// Turns tabs into the blanks up to their stop, and other white space into one blank each.
fn without_tabs(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        let wide = if c == '\t' { 8 - column % 8 } else { 1 };
        column = if matches!(c, '\n' | '\r') { 0 } else { column + wide };
        match c {
            '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => out.extend(std::iter::repeat_n(' ', wide)),
            _ => out.push(c),
        }
    }
    out
}

/// Takes a text apart into runs of blanks, and words that are cut behind their hyphens.
fn chunks(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| (c == ' ') != (first == ' ')).unwrap_or(rest.len());
        let (chunk, after) = rest.split_at(end);
        let pieces = if first == ' ' { vec![chunk] } else { parts(chunk) };
        out.extend(pieces.into_iter().map(str::to_owned));
        rest = after;
    }
    out
}

/// Cuts a word behind its hyphens that stand between letters.
fn parts(word: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let mut out = Vec::new();
    let mut from = 0;
    for window in chars.windows(3).skip(1) {
        let [(_, before), (at, '-'), (_, after)] = window else { continue };
        if before.is_alphabetic() && after.is_alphabetic() && *at > from {
            out.push(&word[from..=*at]);
            from = at + 1;
        }
    }
    out.push(&word[from..]);
    out
}

/// Lays one value over another; lists are joined, without what the one below has already.
fn joined(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::List(mut below), Value::List(above)) => {
            let new: Vec<Value> = above.into_iter().filter(|item| !below.contains(item)).collect();
            below.extend(new);
            Value::List(below)
        }
        (Value::Map(mut below), Value::Map(above)) => {
            for (key, value) in above {
                let value = match below.get_mut(&key) {
                    Some(old) if value != Value::Null => joined(std::mem::take(old), value),
                    _ => value,
                };
                below.insert(key, value);
            }
            Value::Map(below)
        }
        (below, above) => laid_over(below, above),
    }
}

fn boolstr(call: &Call<'_>) -> Result<Value, CallError> {
    let BoolStr { value, yes, no } = call.typed()?;
    let holds = match &value {
        Value::Str(text) => ["yes", "on", "true", "1"].contains(&text.trim().to_lowercase().as_str()),
        other => other.truthy(),
    };
    Ok(if holds { yes.unwrap_or(true.into()) } else { no.unwrap_or(false.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn defaults_are_those_of_the_formula() {
        let bench = Bench::new(SimHost::new()).with_state_file("web/defaults.json", "{\"port\": 80}");
        let get = |key: &str, more: &[Value]| {
            bench.exec("defaults.get", &[&[key.into()], more].concat(), &Map::new())
        };
        assert_eq!(get("web:port", &[]), Ok(80.into()));
        assert_eq!(get("web", &[]), Ok(Value::from([("port", 80)])));
        assert_eq!(get("web:none", &["x".into()]), Ok("x".into()));
        assert_eq!(get("none:port", &[]), Ok("".into()));
        assert_eq!(get("none", &[]), Ok(Value::Null));
        assert_eq!(get("/web:port", &[]), Ok(80.into()));
    }

    #[test]
    fn defaults_in_json_are_read_as_json() {
        let bench = Bench::new(SimHost::new())
            .with_state_file("a/defaults.json", "{\"on\": 1, \"on\": 2,\n\t\"off\": 1e3}")
            .with_state_file("b/defaults.json", "port: 80\n");
        let get = |key: &str| bench.exec("defaults.get", &[key.into()], &Map::new());
        assert_eq!(get("a:on"), Ok(2.into()));
        assert_eq!(get("a:off"), Ok(Value::Float(1000.0)));
        assert!(get("b:port").is_err());
    }

    #[test]
    fn values_are_merged_by_the_strategy() {
        let bench = Bench::new(SimHost::new());
        let of = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let merged = |strategy: &str, lists: bool| {
            let args = [of("{\"l\": [1], \"m\": {\"x\": 1}}"), of("{\"l\": [2], \"m\": {\"y\": 2}}")];
            let kwargs = [("strategy".into(), strategy.into()), ("merge_lists".into(), lists.into())];
            bench.exec("slsutil.merge", &args, &kwargs.into_iter().collect()).expect("merges")
        };
        let deep = of("{\"l\": [2], \"m\": {\"x\": 1, \"y\": 2}}");
        let joined = of("{\"l\": [1, 2], \"m\": {\"x\": 1, \"y\": 2}}");
        for strategy in ["smart", "recurse", "none", "of its own"] {
            assert_eq!(merged(strategy, false), deep, "{strategy}");
        }
        assert_eq!((merged("smart", true), merged("recurse", true)), (joined.clone(), joined));
        assert_eq!(merged("none", true), deep);
        assert_eq!(merged("overwrite", false), of("{\"l\": [2], \"m\": {\"y\": 2}}"));
        assert_eq!(merged("list", false), of("{\"l\": [[1], [2]], \"m\": [{\"x\": 1}, {\"y\": 2}]}"));
    }

    #[test]
    fn the_arguments_of_each_merge_are_salts_in_order() {
        let bench = Bench::new(SimHost::new());
        let call = |name: &str, args: &str| {
            let args = serde_json::from_str::<Value>(args).expect("JSON");
            let said = bench.exec(name, args.as_list().expect("a list"), &Map::new());
            said.map_or_else(|e| format!("error: {e}"), |v| serde_json::to_string(&v).expect("JSON"))
        };
        for (name, args, want) in [
            ("defaults.merge", r#"[{"l": [1]}, {"l": [2, 2]}, true]"#, r#"{"l":[1,2,2]}"#),
            ("defaults.merge", r#"[null, {"a": 1}, false, false]"#, r#"{"a":1}"#),
            ("defaults.merge", r#"[null, {"a": 1}]"#, "error: dest is null"),
            ("defaults.merge", r#"[null, {"a": 1}, false, false, false]"#, "error: cannot update"),
            ("defaults.merge", r#"[{"a": 1}, null, false, true, false]"#, "error: cannot update"),
            ("defaults.update", r#"[{"x": null}, {"l": [1]}]"#, r#"{"x":{"l":[1]}}"#),
            ("defaults.update", r#"[{"x": {"l": [2]}}, {"l": [1]}, false]"#, r#"{"x":{"l":[2]}}"#),
            ("defaults.update", r#"[null, {"l": [1]}, true, false]"#, "{}"),
            ("slsutil.update", r#"[{"m": {"x": 1}}, {"m": {"y": 2}}, false]"#, r#"{"m":{"y":2}}"#),
            ("slsutil.update", r#"[{"l": [1]}, {"l": [2]}, true, true]"#, r#"{"l":[1,2]}"#),
            ("slsutil.merge", r#"[{"a": 1}, {"a": 2}, "list"]"#, r#"{"a":[1,2]}"#),
            ("slsutil.merge", r#"[{"l": [1]}, {"l": [2]}, "smart", "yaml", true]"#, r#"{"l":[1,2]}"#),
            ("slsutil.merge", r#"[{"l": [1]}, {"l": [2]}, "smart", "jinja|yamlex", true]"#, r#"{"l":[2]}"#),
            ("slsutil.merge_all", r#"[[{"a": 1}, {"a": 2}], "list"]"#, "{}"),
        ] {
            let said = call(name, args);
            assert!(said.starts_with(want), "{name} {args}: {said}");
        }
    }

    #[test]
    fn lines_are_wrapped_as_by_python() {
        for (text, width, want) in [
            ("a  b", 20, &["a  b"][..]),
            ("  a  b   c", 5, &["  a", "b   c"]),
            ("a\tb  c", 20, &["a       b  c"]),
            ("aaaaaaaa  bb", 4, &["aaaa", "aaaa", "bb"]),
            ("x   yyyyyyyyy", 5, &["x   y", "yyyyy", "yyy"]),
            ("ab-cd  ef", 5, &["ab-cd", "ef"]),
            ("a     b", 3, &["a", "b"]),
            ("   ", 5, &[]),
            ("well-known-thing", 6, &["well-", "known-", "thing"]),
        ] {
            assert_eq!(wrapped(text, width), want, "{text:?} in {width}");
        }
    }

    #[test]
    fn a_banner_is_drawn_as_by_salt() {
        let bench = Bench::new(SimHost::new());
        let banner = |kwargs: Value| bench.exec("slsutil.banner", &[], kwargs.as_map().expect("arguments"));
        let drawn = banner(Value::from([
            ("width", Value::from(20)),
            ("title", "T".into()),
            ("text", "some words, a well-known-thing abcdefghijklmnopqrstu".into()),
            ("newline", true.into()),
        ]));
        let lines = [
            "####################",
            "#                  #",
            "#        T         #",
            "#                  #",
            "# some words, a    #",
            "# well-known-thing #",
            "# abcdefghijklmnop #",
            "# qrstu            #",
            "####################",
            "",
        ];
        assert_eq!(drawn, Ok(lines.join("\n").into()));
        assert!(banner(Value::from([("width", 4)])).is_err());
    }
}
