//! What command lines make of the words that are typed: arguments of a function, read as YAML, but for commands.

use lab_proto::{Map, Value};

use crate::render::yaml;

/// Splits words into positional arguments and `name=value` pairs, and reads each value as Salt's command line does: as
/// YAML, where that loses nothing of what was typed. A command is text.
///
/// # Errors
/// When a value begins like a structure of YAML and is none, or a name is given twice.
pub fn arguments(function: &str, words: &[String]) -> Result<(Vec<Value>, Map), String> {
    let (mut args, mut kwargs) = (Vec::new(), Map::new());
    for word in words {
        match named(word) {
            Some((name, text)) => {
                let value = as_typed(function, Place::Name(name), text, read(text)?);
                if kwargs.insert(Value::from(name), value).is_some() {
                    return Err(format!("{name} is given twice"));
                }
            }
            None => args.push(as_typed(function, Place::At(args.len()), word, read(word)?)),
        }
    }
    Ok((args, kwargs))
}

/// Cuts `name=value`; `name==version` is one word.
fn named(word: &str) -> Option<(&str, &str)> {
    let letter = |c: char| c.is_alphabetic() || c == '_';
    let inner = |c: char| letter(c) || c.is_numeric() || matches!(c, '-' | '.');
    let (name, value) = word.split_once('=')?;
    (name.starts_with(letter) && name.chars().all(inner) && !value.starts_with('=')).then_some((name, value))
}

fn read(text: &str) -> Result<Value, String> {
    let structure = text.starts_with(['{', '[']);
    let comment = text.contains('#') && !structure;
    let grouped = text.contains('_') && text.trim().chars().all(|c| c.is_ascii_digit() || c == '_');
    if comment
        || grouped
        || text.contains(['\t', '\r', '\n'])
        || matches!(text.trim(), "" | "---" | "..." | "!")
    {
        return Ok(Value::from(text));
    }
    if text == "None" {
        return Ok(Value::Null);
    }
    match yaml::parse(text).map(|node| node.to_value()) {
        // A structure is what stands in brackets: `echo a: b` and `- x` look like one by accident.
        Ok(Value::Map(_)) if !text.starts_with('{') => Ok(Value::from(text)),
        Ok(Value::List(_)) if !text.starts_with('[') => Ok(Value::from(text)),
        Ok(value) => Ok(value),
        Err(e) if structure => Err(format!("{text:?} is not YAML: {e}")),
        Err(_) => Ok(Value::from(text)),
    }
}

/// Where an argument stands.
#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    /// Among the positional ones, from 0.
    At(usize),
    /// By this name.
    Name(&'a str),
}

/// Returns what a function is given for an argument that was typed as `text` and reads as `value`.
///
/// `cmd.run true` runs `true`: what YAML reads as a boolean, a number or nothing reaches a function that runs it as it was
/// typed. In Salt it runs `True`, which no machine has. A list stays a list.
fn as_typed(function: &str, place: Place<'_>, text: &str, value: Value) -> Value {
    let is_command = function.starts_with("cmd.") && matches!(place, Place::At(0) | Place::Name("cmd"));
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) if is_command => Value::from(text),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(function: &str, words: &[&str]) -> Result<(Vec<Value>, Map), String> {
        arguments(function, &words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_yaml_where_that_loses_nothing() {
        for (word, value) in [
            ("1", Value::from(1)),
            ("True", true.into()),
            ("None", Value::Null),
            ("~", Value::Null),
            ("[1, two]", Value::from(vec![Value::from(1), "two".into()])),
            ("{a: 1}", Value::from([("a", 1)])),
            (r##"["# a", b]"##, Value::from(vec!["# a", "b"])),
        ] {
            assert_eq!(typed("test.arg", &[word]).unwrap().0, [value], "{word}");
        }
        for text in [
            "", "  ", "---", "...", "!", "a # b", "5 # b", "#", "a\nb", "1\n", "a\tb", "a: b", "- a",
            " {a: 1}", "1_000", "%x",
        ] {
            assert_eq!(typed("test.arg", &[text]).unwrap().0, [Value::from(text)], "{text:?}");
        }
        for broken in ["{a", "[a", "x=[a"] {
            let error = typed("test.arg", &[broken]).unwrap_err();
            assert!(error.contains("is not YAML"), "{error}");
        }
    }

    #[test]
    fn names_are_told_by_one_equals_sign() {
        let words = ["a=[1, 2]", "path=/etc=x", "my-key.of=", "echo x=y: z", "lab==1.0", "8=9", "-x=1"];
        let (args, kwargs) = typed("test.arg", &words).unwrap();
        let want = [("a", Value::from(vec![1, 2])), ("path", "/etc=x".into()), ("my-key.of", "".into())];
        assert_eq!(kwargs, Map::from_iter(want.map(|(k, v)| (Value::from(k), v))));
        assert_eq!(args, ["echo x=y: z", "lab==1.0", "8=9", "-x=1"].map(Value::from));
        assert_eq!(typed("test.arg", &["a=1", "a=2"]), Err("a is given twice".to_owned()));
    }

    #[test]
    fn a_command_is_the_text_that_was_typed() {
        let read = |words: &[&str]| typed("cmd.run", words).unwrap();
        assert_eq!(read(&["true"]).0, [Value::from("true")]);
        assert_eq!(read(&["echo a # b"]).0, [Value::from("echo a # b")]);
        assert_eq!(read(&["id", "python_shell=False"]).1.get("python_shell"), Some(&Value::from(false)));
        assert_eq!(read(&["cmd=yes"]).1.get("cmd"), Some(&Value::from("yes")));
    }

    #[test]
    fn what_is_run_is_what_was_typed() {
        let typed = |function, place, value| as_typed(function, place, "typed", value);
        let text = Value::from("typed");
        for value in [Value::Null, Value::from(true), Value::from(8), Value::Float(1.5)] {
            assert_eq!(typed("cmd.run", Place::At(0), value.clone()), text);
            assert_eq!(typed("cmd.retcode", Place::Name("cmd"), value.clone()), text);
            assert_eq!(typed("cmd.run", Place::At(1), value.clone()), value);
            assert_eq!(typed("cmd.run", Place::Name("python_shell"), value.clone()), value);
            assert_eq!(typed("test.echo", Place::At(0), value.clone()), value);
        }
        let list = Value::List(vec![Value::from("ls")]);
        assert_eq!(typed("cmd.run", Place::At(0), list.clone()), list);
    }
}
