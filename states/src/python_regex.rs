//! Python's regular expressions where trees name them: with look-around and back references, and a bound on what
//! they may cost. A pattern without either runs in linear time.

use fancy_regex::{Captures, Regex, RegexBuilder};

/// How often a match may turn back.
const BACKTRACKS: usize = 100_000;
/// The largest program of a pattern, in bytes.
const SIZE: usize = 1 << 20;

/// Flags of a pattern.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) ignore_case: bool,
    pub(crate) multiline: bool,
}

/// Compiles a pattern for one text; what is wrong with it comes as a text.
pub(crate) fn compile(pattern: &str, flags: Flags, text: &str) -> Result<Regex, String> {
    // Python's end of text is \Z, which here would allow a newline after it; its `$` allows one.
    let mut pattern = pattern.replace("\\Z", "\\z");
    if text.ends_with('\n') && !flags.multiline && !pattern.contains("(?m") {
        pattern = with_loose_ends(&pattern);
    }
    RegexBuilder::new(&pattern)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multiline)
        .backtrack_limit(BACKTRACKS)
        .delegate_size_limit(SIZE)
        .build()
        .map_err(|e| {
            e.to_string().lines().last().unwrap_or("").trim().trim_start_matches("error: ").to_owned()
        })
}

/// Writes every `$` as what allows a newline behind it.
fn with_loose_ends(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let (mut escaped, mut in_class) = (false, false);
    for c in pattern.chars() {
        match c {
            '$' if !escaped && !in_class => out.push_str("(?=\\n?\\z)"),
            c => out.push(c),
        }
        match c {
            '[' if !escaped => in_class = true,
            ']' if !escaped => in_class = false,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    out
}

/// Replaces what matches, as `re.sub` does: also nothing, directly behind a match.
pub(crate) fn replace(
    regex: &Regex,
    text: &str,
    limit: usize,
    mut with: impl FnMut(&Captures<'_, str>) -> Result<String, String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut from, mut last_empty) = (0, 0, None);
    while from <= text.len() {
        let Some(found) = regex.captures_from_pos(text, from).map_err(|e| e.to_string())? else { break };
        let Some(whole) = found.get(0) else { break };
        let (start, end) = (whole.start(), whole.end());
        if start == end && last_empty == Some(start) {
            from = start + text[start..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        out.push_str(&text[copied..start]);
        out.push_str(&with(&found)?);
        if out.len() > limit {
            return Err("the result is too large".to_owned());
        }
        (copied, from) = (end, end);
        last_empty = (start == end).then_some(end);
    }
    out.push_str(&text[copied..]);
    Ok(out)
}

/// Expands a replacement as `re.sub` does: `\1`, `\g<1>`, `\g<name>`, and escapes such as `\n`.
pub(crate) fn expand(template: &str, found: &Captures<'_, str>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else { return Err("a single backslash at the end".to_owned()) };
        if let Some(name) = rest.strip_prefix("g<") {
            let (name, tail) = name.split_once('>').ok_or("\\g< without >")?;
            let group = name.parse::<usize>().map_or_else(|_| found.name(name), |i| found.get(i));
            out.push_str(group.map_or("", |m| m.as_str()));
            rest = tail;
            continue;
        }
        if c.is_ascii_digit() && c != '0' {
            let two = rest.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
            let digits = two.unwrap_or(&rest[..1]);
            let index: usize = digits.parse().map_err(|_| "a group that is no number")?;
            if index >= found.len() {
                return Err(format!("group \\{index}, which the pattern does not have,"));
            }
            out.push_str(found.get(index).map_or("", |m| m.as_str()));
            rest = &rest[digits.len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'a' => out.push('\u{7}'),
            'f' => out.push('\u{c}'),
            'v' => out.push('\u{b}'),
            '0' => out.push('\0'),
            '\\' => out.push('\\'),
            c if c.is_ascii_alphabetic() => {
                return Err(format!("the escape \\{c}, which has no meaning,"));
            }
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sub(pattern: &str, with: &str, text: &str) -> Result<String, String> {
        let regex = compile(pattern, Flags::default(), text)?;
        replace(&regex, text, 1 << 20, |found| expand(with, found))
    }

    #[test]
    fn matches_are_replaced_as_python_replaces_them() {
        for (pattern, with, text, want) in [
            ("o*", "x", "foo", "xfxx"),
            ("", "-", "äb", "-ä-b-"),
            ("a(?=a)", "b", "aaa", "bba"),
            (r"(a)\1", r"<\g<1>>", "aaa", "<a>a"),
            ("b$", "x", "ab\n", "ax\n"),
            (r"[$]b\$", "x", "$b$\n", "x\n"),
            (r"b\Z", "x", "ab\n", "ab\n"),
            ("a|b", r"\0", "ab", "\0\0"),
        ] {
            assert_eq!(sub(pattern, with, text).as_deref(), Ok(want), "{pattern} in {text:?}");
        }
        assert!(sub("a", r"\1", "a").is_err() && sub("(", "", "a").is_err());
    }

    #[test]
    fn a_pattern_that_turns_back_for_ever_is_ended() {
        let regex = compile(r"^(?:a|aa)+(?!x)b", Flags::default(), "").expect("a pattern");
        assert!(regex.is_match(&("a".repeat(5000) + "!b")).is_err());
        assert!(compile("(a{1000}){1000}", Flags::default(), "").is_err());
    }
}
