//! What the command lines make of arguments that are typed: YAML, as Salt's command line does, but for commands.

use lab_proto::{Map, Value};

use crate::render::yaml::{self, YamlError};

/// Why typed arguments are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypedError {
    /// One of the two would be dropped silently.
    #[error("{0} is given twice")]
    Twice(String),
    /// What begins like a list or a mapping is none.
    #[error("{text:?} is not YAML")]
    NotYaml {
        /// What was typed.
        text: String,
        /// Why it is none.
        #[source]
        source: YamlError,
    },
}

/// Where an argument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    /// Among the positional ones, from 0.
    At(usize),
    /// By this name.
    Name(&'a str),
}

/// Splits words into positional arguments of a function and named ones (`name=value`), and reads each value.
///
/// # Errors
/// When a value begins like a list or a mapping and is none, or a name is given twice.
pub fn arguments(function: &str, words: &[String]) -> Result<(Vec<Value>, Map), TypedError> {
    let (mut args, mut kwargs) = (Vec::new(), Map::new());
    for word in words {
        match named(word) {
            Some((name, value)) => {
                let value = argument(function, Place::Name(name), value)?;
                if kwargs.insert(Value::from(name), value).is_some() {
                    return Err(TypedError::Twice(name.to_owned()));
                }
            }
            None => args.push(argument(function, Place::At(args.len()), word)?),
        }
    }
    Ok((args, kwargs))
}

/// Cuts `name=value`, where the name begins with a letter; `name==version` is one word, and so is a text of several lines.
fn named(word: &str) -> Option<(&str, &str)> {
    let letter = |c: char| c.is_alphabetic() || c == '_';
    let inner = |c: char| letter(c) || c.is_numeric() || matches!(c, '-' | '.');
    let (name, value) = word.split_once('=')?;
    let cut = name.starts_with(letter) && name.chars().all(inner);
    (cut && !value.starts_with('=') && !value.contains('\n')).then_some((name, value))
}

/// Reads one argument.
///
/// `cmd.run true` runs `true`: what YAML reads as a boolean, a number, a mapping or nothing reaches a function that runs it as it
/// was typed, and so does what is not YAML. In Salt it runs `True`, which no machine has. A list stays a list, but `[ -f x ]` is a test.
fn argument(function: &str, place: Place<'_>, text: &str) -> Result<Value, TypedError> {
    let is_command = function.starts_with("cmd.") && matches!(place, Place::At(0) | Place::Name("cmd"));
    if is_command && (text.starts_with("[ ") || text.starts_with("[[ ")) {
        return Ok(Value::from(text));
    }
    match value(text) {
        Ok(list @ (Value::List(_) | Value::Str(_))) => Ok(list),
        _ if is_command => Ok(Value::from(text)),
        Ok(other) => Ok(other),
        Err(source) => Err(TypedError::NotYaml { text: text.to_owned(), source }),
    }
}

/// Reads YAML where that is meant, and else takes the text as it is: what has a comment sign, a tab or a line break in it, or would be
/// a block of YAML (`echo a: b`, `- x`), or is YAML by accident (`!`, `1_000`).
fn value(text: &str) -> Result<Value, YamlError> {
    let typed = || Ok(Value::from(text));
    let trimmed = text.trim();
    let digits = trimmed.bytes().all(|b| b.is_ascii_digit() || b == b'_') && trimmed.contains('_');
    if trimmed.is_empty() || digits || text.contains(['\t', '\r', '\n']) {
        return typed();
    }
    if text == "None" {
        return Ok(Value::Null);
    }
    match yaml::parse(text).map(|node| node.to_value()) {
        Ok(Value::Map(_)) if !text.starts_with('{') => typed(),
        Ok(Value::List(_)) if !text.starts_with('[') => typed(),
        Ok(Value::Null | Value::Str(_)) if text.contains('#') => typed(),
        Ok(Value::Null) if !matches!(trimmed, "null" | "Null" | "NULL" | "~") => typed(),
        Ok(Value::Str(s)) if s.is_empty() && !trimmed.starts_with(['\'', '"']) => typed(),
        Ok(value) => Ok(value),
        Err(e) if text.starts_with(['{', '[']) => Err(e),
        Err(_) => typed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(function: &str, words: &[&str]) -> Result<(Vec<Value>, Map), TypedError> {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        arguments(function, &words)
    }

    fn one(function: &str, word: &str) -> Value {
        read(function, &[word]).expect("reads").0.remove(0)
    }

    #[test]
    fn words_are_yaml_and_names_are_told_by_the_equals_sign() {
        let words = ["web", "5", "test=True", "name=a b", "list=[1, two]", "path=/a=b", "a==b", "echo x=y"];
        let (args, kwargs) = read("test.arg", &words).expect("reads");
        let texts = ["a==b", "echo x=y"].map(Value::from);
        assert_eq!(args, [&["web".into(), Value::from(5)], &texts[..]].concat());
        assert_eq!(kwargs.get("test"), Some(&Value::from(true)));
        assert_eq!(kwargs.get("name"), Some(&Value::from("a b")));
        assert_eq!(kwargs.get("list"), Some(&Value::List(vec![Value::from(1), Value::from("two")])));
        assert_eq!(kwargs.get("path"), Some(&Value::from("/a=b")));
        assert_eq!(read("test.arg", &["a=1", "a=2"]), Err(TypedError::Twice("a".to_owned())));
        let (args, kwargs) = read("test.arg", &["my-key.of=", "8=9", "-x=1"]).expect("reads");
        assert_eq!(args, ["8=9", "-x=1"].map(Value::from));
        assert_eq!(kwargs.get("my-key.of"), Some(&Value::from("")));
    }

    #[test]
    fn a_text_of_several_lines_has_no_name() {
        for text in ["key=1\nother=2", "key=\n", "key=1\n"] {
            let (args, kwargs) = read("file.append", &["/f", text]).expect("reads");
            assert_eq!(args, ["/f", text].map(Value::from));
            assert!(kwargs.is_empty(), "{kwargs:?}");
        }
    }

    #[test]
    fn what_is_yaml_by_accident_is_the_text_that_was_typed() {
        let texts = [
            "",
            " ",
            "#",
            "a # b",
            "a #b c",
            "'a' # b",
            "null # b",
            "a\tb",
            "1\n2",
            "echo a: b",
            "a:",
            "- a",
            " {a: 1}",
            "---",
            "...",
            "1_000",
            "!",
            "|",
            ">",
            "%x",
            "@x",
            "*x",
        ];
        for text in texts {
            assert_eq!(one("test.echo", text), Value::from(text), "{text:?}");
        }
        for (text, value) in [
            ("[1, '#'] # b", Value::List(vec![Value::from(1), Value::from("#")])),
            ("{a: '#b'}", Value::from([("a", Value::from("#b"))])),
            ("5 # b", Value::from(5)),
            ("null", Value::Null),
            ("None", Value::Null),
            ("~", Value::Null),
            ("''", Value::from("")),
            ("'1'", Value::from("1")),
        ] {
            assert_eq!(one("test.echo", text), value, "{text:?}");
        }
    }

    #[test]
    fn what_begins_like_a_structure_and_is_none_is_refused() {
        for word in ["{a", "x={a", "[a", "[ -d /x ] && y"] {
            let error = read("test.arg", &[word]).expect_err("is refused");
            assert!(matches!(&error, TypedError::NotYaml { .. }), "{error:?}");
        }
    }

    #[test]
    fn what_is_run_is_what_was_typed() {
        let tests = ["[ -d /x ] && y", "[ -f /etc/passwd ]", "[[ -f x ]]"];
        for text in ["true", "8", "1.5", "~", "{ echo a; }", "{a"].into_iter().chain(tests) {
            assert_eq!(one("cmd.run", text), Value::from(text));
            let named = read("cmd.retcode", &[&format!("cmd={text}")]).expect("reads").1;
            assert_eq!(named.get("cmd"), Some(&Value::from(text)));
        }
        let (args, kwargs) = read("cmd.run", &["true", "5", "python_shell=False"]).expect("reads");
        assert_eq!(args, [Value::from("true"), Value::from(5)]);
        assert_eq!(kwargs.get("python_shell"), Some(&Value::from(false)));
        assert_eq!(one("cmd.run", "[ls, -l]"), Value::List(vec![Value::from("ls"), Value::from("-l")]));
    }
}
