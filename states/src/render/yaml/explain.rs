//! What is wrong with a text that is no document, in words that help.

use super::{Node, Span};

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct YamlError {
    /// What is wrong.
    pub message: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1.
    pub column: u32,
    /// Whether it is a key given twice.
    pub duplicate: bool,
    /// The line and column of the first of two equal keys.
    pub first: Option<(u32, u32)>,
    /// What to do.
    pub suggestion: Option<String>,
}

impl YamlError {
    pub(super) fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            line: span.line,
            column: span.column,
            duplicate: false,
            first: None,
            suggestion: None,
        }
    }

    pub(super) fn suggest(mut self, text: &str) -> Self {
        self.suggestion = Some(text.to_owned());
        self
    }
}

/// Refuses a tab before the document's first token, which the scanner lets pass.
pub(super) fn refuse_tab_before(node: &Node, text: &str) -> Result<(), YamlError> {
    let line = text.lines().nth((node.span.line as usize).saturating_sub(1)).unwrap_or("");
    let indentation = line.len() - line.trim_start().len();
    match line[..indentation].find('\t') {
        Some(at) if node.as_map().is_some() || node.as_list().is_some() => {
            let span = Span { column: number(at + 1), ..node.span };
            Err(YamlError::at(span, "found a tab where the indentation is expected")
                .suggest("indent with spaces, YAML forbids tabs"))
        }
        _ => Ok(()),
    }
}

pub(super) fn refuse_control_characters(text: &str) -> Result<(), YamlError> {
    let printable = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if text.bytes().all(|b| matches!(b, b'\n' | b' '..=b'~')) {
        return Ok(());
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(column) = line.chars().position(|c| !printable(c)) {
            let span = Span { file: 0, line: number(index + 1), column: number(column + 1) };
            return Err(YamlError::at(span, "control characters are not allowed")
                .suggest("write it as an escape in a double-quoted string"));
        }
    }
    Ok(())
}

/// Adds a remedy where the parser's own words leave people helpless; `opened` is the innermost open bracket.
pub(super) fn explain(mut error: YamlError, text: &str, opened: Option<Span>) -> YamlError {
    if error.suggestion.is_some() || error.duplicate {
        return error;
    }
    if let Some(opened) = opened {
        (error.line, error.column) = (opened.line, opened.column);
        error.message = "the bracket or brace that opens here is not closed".to_owned();
        return error.suggest("close it, or quote the value if it only begins with a bracket");
    }
    let line = text.lines().nth((error.line as usize).saturating_sub(1)).unwrap_or("");
    let before = text.lines().take(error.line as usize).collect::<Vec<_>>();
    let indent = |l: &str| l.chars().take_while(|c| c.is_whitespace()).collect::<String>();
    if let Some(index) = before.iter().rposition(|l| indent(l).contains('\t') && !l.trim().is_empty()) {
        let near = error.line as usize <= index + 2;
        if near {
            error.line = number(index + 1);
            error.column = number(before[index].find('\t').unwrap_or(0) + 1);
            error.message = "found a tab where the indentation is expected".to_owned();
            return error.suggest("indent with spaces, YAML forbids tabs");
        }
    }
    let trimmed = line.trim_start().trim_start_matches("- ");
    let value = trimmed.split_once(": ").map_or(trimmed, |(_, v)| v).trim_start();
    if value.starts_with(['%', '@', '`']) {
        return error.suggest("quote a value that starts with %, @ or `");
    }
    if error.message.contains("mapping values are not allowed") {
        if let Some(above) = key_without_colon(&before) {
            (error.line, error.column) = above;
            error.message = "a key without its colon: what is below it is indented deeper".to_owned();
            return error.suggest("end the line with a colon");
        }
        return error.suggest("quote a value that has ': ' in it, or check the indentation");
    }
    if error.message.contains("did not find expected") || error.message.contains("indentation") {
        return error
            .suggest("compare the indentation with the lines above: siblings start in the same column");
    }
    if (error.message.contains("quoted scalar") || error.message.contains("trailing content"))
        && let Some((opened, quote)) = open_quote(&before)
    {
        error.message = format!("the quote that opens here is closed only on line {}", error.line);
        (error.line, error.column) = opened;
        return error.suggest(if quote == '\'' {
            "close it on its own line; inside of single quotes a quote is written twice ('')"
        } else {
            "close it on its own line; inside of double quotes a quote is written with a backslash"
        });
    }
    let words = &error.message;
    let remedy = if words.contains("unknown anchor") {
        "quote a value that begins with * or &"
    } else if words.contains("quoted scalar") {
        "close the quote; inside of single quotes a quote is written twice ('')"
    } else if words.contains("for merging") {
        "write `<<: *anchor`, the anchor being that of a mapping"
    } else {
        "quote the value, or compare the line with its neighbours"
    };
    error.suggest(remedy)
}

/// Finds a quote that begins a value on an earlier line and does not end there.
fn open_quote(before: &[&str]) -> Option<((u32, u32), char)> {
    let (_, above) = before.split_last()?;
    let (index, at, quote) = above.iter().enumerate().rev().find_map(|(index, line)| {
        let value = line.rfind(": ").map_or(0, |i| i + 2);
        let start = value + line[value..].len() - line[value..].trim_start_matches(['-', ' ']).len();
        let quote = line[start..].chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        (line.matches(quote).count() % 2 == 1).then_some((index, start, quote))
    })?;
    Some(((number(index + 1), number(above[index][..at].chars().count() + 1)), quote))
}

/// Tells whether the last line is indented below one that ought to be a key, and is none for want of a colon.
fn key_without_colon(before: &[&str]) -> Option<(u32, u32)> {
    let (last, above) = before.split_last()?;
    let indent = |l: &str| l.len() - l.trim_start().len();
    let index = above.iter().rposition(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'))?;
    let line = above[index].trim_end();
    let plain = !line.ends_with(':')
        && !line.contains(": ")
        && !line.trim_start().starts_with(['-', '"', '\'', '|', '>']);
    let end = number(line.chars().count() + 1);
    (plain && indent(last) > indent(line)).then_some((number(index + 1), end))
}

pub(super) fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
