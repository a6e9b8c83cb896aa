//! Regular expressions as Python writes them.

use lab_proto::Value;

use super::text_of;
use crate::function::StateError;
use crate::python_regex::{self, Anchor, FILES, Failure, Flags, Found, Meter, Template};

/// A compiled pattern.
#[derive(Debug)]
pub(in crate::functions) struct Pattern {
    source: String,
    compiled: python_regex::Pattern,
}

impl Pattern {
    /// Compiles a pattern in which `^` and `$` stand for the ends of lines.
    pub(in crate::functions) fn multiline(pattern: &str) -> Result<Self, StateError> {
        Self::with_flags(pattern, Flags { multiline: true, ..Flags::default() })
    }

    /// Compiles a pattern with Python's flags: a number, a name, or a list of names. Without flags, MULTILINE.
    pub(in crate::functions) fn flagged(pattern: &str, flags: Option<&Value>) -> Result<Self, StateError> {
        let letters = letters(flags)?;
        let flags = Flags {
            ignore_case: letters.contains('i'),
            multiline: letters.contains('m'),
            dot_all: letters.contains('s'),
            verbose: letters.contains('x'),
        };
        Self::with_flags(pattern, flags)
    }

    fn with_flags(pattern: &str, flags: Flags) -> Result<Self, StateError> {
        let compiled =
            python_regex::Pattern::new(pattern, flags, Anchor::None).map_err(|e| unusable(pattern, &e))?;
        Ok(Self { source: pattern.to_owned(), compiled })
    }

    /// Tells whether the pattern occurs.
    pub(in crate::functions) fn is_match(&self, text: &str) -> Result<bool, StateError> {
        let found = self.compiled.find(text, &mut meter()).map_err(|e| unusable(&self.source, &e))?;
        Ok(found.is_some())
    }

    /// Tells whether the pattern occurs at the very beginning.
    pub(in crate::functions) fn is_prefix(&self, text: &str) -> Result<bool, StateError> {
        let found = self.compiled.find(text, &mut meter()).map_err(|e| unusable(&self.source, &e))?;
        Ok(found.is_some_and(|range| range.start == 0))
    }

    /// Reads a replacement as Python's `re.sub` does: `\1`, `\g<1>`, `\g<name>`, and escapes such as `\n`.
    pub(in crate::functions) fn template(&self, template: &str) -> Result<Template, StateError> {
        Template::new(template, &self.compiled)
            .map_err(|what| StateError::failed(format!("argument repl: {what} in {template:?}")))
    }

    /// Replaces the first `count` matches (all, for 0); returns the text and how many there were.
    pub(in crate::functions) fn replace(
        &self,
        text: &str,
        count: usize,
        with: impl FnMut(&Found<'_>, &mut String),
    ) -> Result<(String, usize), StateError> {
        self.compiled.replace(text, count, &mut meter(), with).map_err(|e| unusable(&self.source, &e))
    }
}

fn meter() -> Meter {
    Meter::new(FILES, u64::MAX)
}

fn unusable(pattern: &str, failure: &Failure) -> StateError {
    StateError::failed(format!(
        "{pattern:?} is no regular expression that can be used here: {failure} ({})",
        failure.remedy()
    ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sub(pattern: &str, repl: &str, text: &str) -> Result<String, StateError> {
        let pattern = Pattern::flagged(pattern, None)?;
        let template = pattern.template(repl)?;
        pattern.replace(text, 0, |found, out| template.expand(found, out)).map(|(t, _)| t)
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
