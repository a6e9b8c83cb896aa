//! What command lines make of arguments that are typed: YAML, but for commands.

use lab_proto::Value;

/// Where an argument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Among the positional ones, from 0.
    At(usize),
    /// By this name.
    Name(&'a str),
}

/// Returns what a function is given for an argument that was typed as `text` and reads as `value`.
///
/// `cmd.run true` runs `true`: what YAML reads as a boolean, a number or nothing reaches a function that runs it as it was
/// typed. In Salt it runs `True`, which no machine has. A list stays a list.
pub fn as_typed(function: &str, place: Place<'_>, text: &str, value: Value) -> Value {
    let is_command = function.starts_with("cmd.") && matches!(place, Place::At(0) | Place::Name("cmd"));
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) if is_command => Value::from(text),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
