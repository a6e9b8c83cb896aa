//! `slsutil.banner`: a box of comment lines.

use std::collections::VecDeque;

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

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

pub(super) static ALL: &[Exec] = &[Exec {
    name: "slsutil.banner",
    doc: FunctionDoc::new(
        "Draws a box of comment lines to stand at the top of a file.",
        BANNER,
        "lab-minion call --local slsutil.banner title='managed by lab'",
    ),
    body: banner,
}];

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

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
