//! Tests (`is …`) by name: Jinja's own, then Salt's.

use super::call::{CallArgs, required};
use super::engine::Engine;
use super::error::{Fault, Res};
use super::filters::begins;
use super::ops::{self, Num};
use super::value::{Object, Val};

const NAMES: &[&str] = &[
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "list",
    "lower",
    "lt",
    "mapping",
    "match",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

impl Engine<'_> {
    /// Tells whether `value is name(args)`.
    pub(super) fn check(&self, name: &str, value: &Val, args: CallArgs) -> Res<bool> {
        self.tick()?;
        Ok(match name {
            "defined" => !value.is_undefined(),
            "undefined" => value.is_undefined(),
            "none" => matches!(value, Val::None),
            "boolean" => matches!(value, Val::Bool(_)),
            "true" => matches!(value, Val::Bool(true)),
            "false" => matches!(value, Val::Bool(false)),
            "integer" => matches!(value, Val::Int(_)),
            "float" => matches!(value, Val::Float(_)),
            "number" => Num::of(value).is_some(),
            "string" => matches!(value, Val::Str(_)),
            "mapping" => matches!(value, Val::Dict(_)),
            "list" => matches!(value, Val::List(_)),
            "sequence" => {
                value.defined()?;
                matches!(
                    value,
                    Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Dict(_) | Val::Range(_) | Val::Bytes(_)
                )
            }
            "iterable" => {
                value.defined()?;
                let is_loop = matches!(value, Val::Object(o) if matches!(**o, Object::Loop(_)));
                let scalar = matches!(value, Val::None | Val::Object(_)) || Num::of(value).is_some();
                is_loop || !scalar
            }
            "callable" => matches!(
                value,
                Val::Object(o) if !matches!(**o, Object::Namespace(_) | Object::Module { .. } | Object::Salt)
            ),
            "escaped" => false,
            "lower" => value.to_text()? == value.to_text()?.to_lowercase(),
            "upper" => value.to_text()? == value.to_text()?.to_uppercase(),
            _ => return self.check_with(name, value, args),
        })
    }

    fn check_with(&self, name: &str, value: &Val, args: CallArgs) -> Res<bool> {
        let integer = |v: &Val| match Num::of(v.defined()?) {
            Some(Num::Int(i)) => Ok(i),
            Some(Num::Float(f)) if f.fract() == 0.0 => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "whole numbers only, large ones saturate"
                )]
                let whole = f as i128;
                Ok(whole)
            }
            _ => Err(Fault::failed(format!("'{name}' needs an integer, not {}", v.type_name()))),
        };
        let other = |args: CallArgs| -> Res<Val> {
            let [other] = args.bind(name, ["other"])?;
            required(other, name, "other")
        };
        Ok(match name {
            "odd" => integer(value)?.rem_euclid(2) == 1,
            "even" => integer(value)?.rem_euclid(2) == 0,
            "divisibleby" => {
                let by = integer(&other(args)?)?;
                if by == 0 {
                    return Err(Fault::failed("integer modulo by zero"));
                }
                integer(value)? % by == 0
            }
            "eq" | "==" | "equalto" => ops::equal(value, &other(args)?)?,
            "ne" | "!=" => !ops::equal(value, &other(args)?)?,
            "lt" | "<" | "lessthan" => ops::order(value, &other(args)?, "<")?.is_some_and(|o| o.is_lt()),
            "le" | "<=" => ops::order(value, &other(args)?, "<=")?.is_some_and(|o| o.is_le()),
            "gt" | ">" | "greaterthan" => ops::order(value, &other(args)?, ">")?.is_some_and(|o| o.is_gt()),
            "ge" | ">=" => ops::order(value, &other(args)?, ">=")?.is_some_and(|o| o.is_ge()),
            "in" => ops::contains(&other(args)?, value)?,
            "sameas" => same(value, &other(args)?),
            "filter" => super::filters::is_filter(&value.to_text()?),
            "test" => NAMES.contains(&value.to_text()?.as_str()),
            "match" => begins(self, value, args)?,
            _ => {
                let near = crate::nearest::nearest(name, NAMES.iter().copied());
                return Err(Fault::syntax(format!("no test named '{name}'"))
                    .suggest_opt(near.map(|n| format!("did you mean '{n}'?"))));
            }
        })
    }
}

fn same(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::None, Val::None) => true,
        (Val::Bool(x), Val::Bool(y)) => x == y,
        (Val::Int(x), Val::Int(y)) => x == y,
        (Val::Str(x), Val::Str(y)) => x == y,
        (Val::List(x), Val::List(y)) => std::rc::Rc::ptr_eq(x, y),
        (Val::Dict(x), Val::Dict(y)) => std::rc::Rc::ptr_eq(x, y),
        (Val::Object(x), Val::Object(y)) => std::rc::Rc::ptr_eq(x, y),
        _ => false,
    }
}
