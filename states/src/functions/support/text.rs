//! Texts: lines as Python splits them, diffs, values as text.

use std::path::Path;

use lab_proto::Value;
use similar::TextDiff;

use crate::function::scalar_text;

/// Splits a text into lines without their ends (`\n`, `\r\n`, `\r`).
pub(in crate::functions) fn lines(text: &str) -> Vec<&str> {
    let mut lines = lines_with_ends(text);
    lines.iter_mut().for_each(|l| *l = l.trim_end_matches(['\n', '\r']));
    lines
}

/// Splits a text into lines with their ends.
pub(in crate::functions) fn lines_with_ends(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let end = if rest[at..].starts_with("\r\n") { at + 2 } else { at + 1 };
        let (line, tail) = rest.split_at(end);
        found.push(line);
        rest = tail;
    }
    if !rest.is_empty() {
        found.push(rest);
    }
    found
}

/// Joins lines, each with a newline.
pub(in crate::functions) fn join_lines<S: AsRef<str>>(lines: &[S]) -> String {
    let mut text = String::with_capacity(lines.iter().map(|l| l.as_ref().len() + 1).sum());
    for line in lines {
        text.push_str(line.as_ref());
        text.push('\n');
    }
    text
}

/// Returns the differences as a unified diff.
pub(in crate::functions) fn diff(old: &[u8], new: &[u8], path: &Path) -> String {
    let (Ok(old), Ok(new)) = (std::str::from_utf8(old), std::str::from_utf8(new)) else {
        return "replace binary file".to_owned();
    };
    let name = path.display().to_string();
    TextDiff::from_lines(old, new).unified_diff().header(&name, &name).to_string()
}

/// Returns a value as the text that Python's `str` gives a scalar; lists and mappings as JSON.
pub(in crate::functions) fn text_of(value: &Value) -> String {
    scalar_text(value)
        .unwrap_or_else(|| if matches!(value, Value::Null) { "None".to_owned() } else { value.to_string() })
}

/// Returns a value as a list of texts: a single one stands for a list of one.
pub(in crate::functions) fn text_list(value: &Value) -> Vec<String> {
    value.as_list().map_or_else(|| vec![text_of(value)], |items| items.iter().map(text_of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_end_as_python_ends_them() {
        assert_eq!(lines("a\r\nb\rc\n"), ["a", "b", "c"]);
        assert_eq!(lines("\n\n"), ["", ""]);
        assert!(lines("").is_empty());
    }

    proptest! {
        #[test]
        fn lines_with_ends_lose_nothing(text in "[ab\r\n]{0,40}") {
            prop_assert_eq!(lines_with_ends(&text).concat(), text);
        }
    }
}
