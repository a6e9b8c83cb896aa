//! Regular expressions as Python writes them.

use fancy_regex::{Captures, Regex};
use lab_proto::Value;

use super::text_of;
use crate::function::StateError;
use crate::python_regex;

/// A compiled pattern.
#[derive(Debug)]
pub(in crate::functions) struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern in which `^` and `$` stand for the ends of lines.
    pub(in crate::functions) fn multiline(pattern: &str) -> Result<Self, StateError> {
        Self::with_flags(pattern, "m")
    }

    /// Compiles a pattern with Python's flags: a number, a name, or a list of names. Without flags, MULTILINE.
    pub(in crate::functions) fn flagged(pattern: &str, flags: Option<&Value>) -> Result<Self, StateError> {
        Self::with_flags(pattern, &letters(flags)?)
    }

    fn with_flags(pattern: &str, flags: &str) -> Result<Self, StateError> {
        // Python's end of text is \Z, which here would allow a newline after it.
        let pattern = pattern.replace("\\Z", "\\z");
        let full = if flags.is_empty() { pattern.clone() } else { format!("(?{flags}){pattern}") };
        Regex::new(&full).map(Self).map_err(|e| {
            StateError::failed(format!("{pattern:?} is no regular expression that can be used: {e}"))
        })
    }

    /// Tells whether the pattern occurs.
    pub(in crate::functions) fn is_match(&self, text: &str) -> Result<bool, StateError> {
        self.0.is_match(text).map_err(|e| too_hard(&e))
    }

    /// Tells whether the pattern occurs at the very beginning.
    pub(in crate::functions) fn is_prefix(&self, text: &str) -> Result<bool, StateError> {
        Ok(self.0.find(text).map_err(|e| too_hard(&e))?.is_some_and(|m| m.start() == 0))
    }

    /// Replaces the first `count` matches (all, for 0); returns the text and how many there were.
    pub(in crate::functions) fn replace(
        &self,
        text: &str,
        count: usize,
        mut with: impl FnMut(&Captures<'_, str>) -> Result<String, StateError>,
    ) -> Result<(String, usize), StateError> {
        let mut out = String::with_capacity(text.len());
        let (mut done, mut end) = (0, 0);
        for found in self.0.captures_iter(text) {
            let found = found.map_err(|e| too_hard(&e))?;
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[end..whole.start()]);
            out.push_str(&with(&found)?);
            end = whole.end();
            done += 1;
            if done == count {
                break;
            }
        }
        out.push_str(&text[end..]);
        Ok((out, done))
    }
}

fn too_hard(e: &fancy_regex::Error) -> StateError {
    StateError::failed(format!("the regular expression takes too long on this text: {e}"))
}

/// Tells whether a multi-line pattern occurs in a text.
pub(in crate::functions) fn search(text: &str, pattern: &str) -> Result<bool, StateError> {
    Pattern::multiline(pattern)?.is_match(text)
}

fn letters(flags: Option<&Value>) -> Result<String, StateError> {
    const BITS: [(i128, &str, &str); 5] = [
        (2, "IGNORECASE", "i"),
        (8, "MULTILINE", "m"),
        (16, "DOTALL", "s"),
        (64, "VERBOSE", "x"),
        (32, "UNICODE", ""),
    ];
    let unknown =
        |what: &str| StateError::failed(format!("argument flags: {what} is no flag of regular expressions"));
    let named = |name: &str| {
        let name = name.trim().trim_start_matches("re.").to_ascii_uppercase();
        let short = |n: &str, l: &str| n.len() == 1 && n.eq_ignore_ascii_case(l);
        BITS.iter()
            .find(|(_, n, l)| *n == name || short(&name, l))
            .map(|(.., l)| *l)
            .ok_or_else(|| unknown(&name))
    };
    match flags {
        None | Some(Value::Null) => Ok("m".to_owned()),
        Some(Value::Int(bits)) => {
            Ok(BITS.iter().filter(|(bit, ..)| bits & bit != 0).map(|(.., l)| *l).collect())
        }
        Some(Value::List(names)) => names.iter().map(|n| named(&text_of(n))).collect(),
        Some(other) => named(&text_of(other)).map(str::to_owned),
    }
}

/// Expands a replacement as Python's `re.sub` does: `\1`, `\g<1>`, `\g<name>`, and escapes such as `\n`.
pub(in crate::functions) fn python_template(
    template: &str,
    found: &Captures<'_, str>,
) -> Result<String, StateError> {
    python_regex::expand(template, found)
        .map_err(|what| StateError::failed(format!("argument repl: {what} in {template:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sub(pattern: &str, repl: &str, text: &str) -> Result<String, StateError> {
        Pattern::flagged(pattern, None)?
            .replace(text, 0, |found| python_template(repl, found))
            .map(|(t, _)| t)
    }

    #[test]
    fn replacements_are_expanded_as_python_expands_them() {
        assert_eq!(sub(r"(\w+)=(?P<v>\w+)", r"\2 \g<v> \g<1>\n", "a=b").unwrap(), "b b a\n");
        assert_eq!(sub("OLD", r"C:\\dir\ttab", "path=OLD").unwrap(), "path=C:\\dir\ttab");
        assert!(sub("a", r"\1", "a").is_err());
        assert!(sub("a", r"\q", "a").is_err());
        assert!(sub("(", "x", "a").is_err());
    }

    #[test]
    fn flags_are_numbers_or_names() {
        let is_match =
            |flags: Value| Pattern::flagged("^b$", Some(&flags)).unwrap().is_match("a\nB").unwrap();
        assert!(is_match(Value::from(10)));
        assert!(is_match(Value::from(vec!["IGNORECASE", "MULTILINE"])));
        assert!(!is_match(Value::from("MULTILINE")));
        assert!(Pattern::flagged("a", Some(&Value::from("LOUD"))).is_err());
    }

    proptest! {
        #[test]
        fn any_replacement_expands_or_is_refused(repl in ".*") {
            let _ = sub("(a)(b)?", &repl, "xaybz");
        }
    }
}
