//! Filters of numbers, and of values in and out of text formats.

use lab_proto::Value;

use super::super::call::CallArgs;
use super::super::convert::{self, JsonStyle};
use super::super::error::{Fault, Res};
use super::super::ops::Num;
use super::super::value::Val;
use super::{count, flag};
use crate::render::yaml;

pub(super) fn apply(name: &str, value: &Val, args: &CallArgs) -> Res<Option<Val>> {
    let args = args.clone();
    Ok(Some(match name {
        "abs" => match Num::of(value) {
            Some(Num::Int(i)) => Val::Int(i.abs()),
            Some(Num::Float(f)) => Val::Float(f.abs()),
            None => {
                return Err(Fault::failed(format!("bad operand type for abs(): '{}'", value.type_name())));
            }
        },
        "int" | "tojson" | "json" if matches!(value, Val::Nothing) => {
            let message = "the condition was false and has no else";
            let fault = if name == "int" { Fault::undefined(message) } else { Fault::failed(message) };
            return Err(fault.suggest("write an else, or test the value first"));
        }
        "int" => to_int(value, args)?,
        "float" => {
            let [default] = args.bind(name, ["default"])?;
            let parsed = match value {
                Val::Str(s) => python_float(s),
                other => Num::of(other).map(Num::float),
            };
            parsed.map_or_else(|| default.unwrap_or(Val::Float(0.0)), Val::Float)
        }
        "round" => round(value, args)?,
        "filesizeformat" => file_size(value, args)?,
        "tojson" => {
            let [indent, sort, ascii] = args.bind(name, ["indent", "sort_keys", "ensure_ascii"])?;
            let style = JsonStyle::new(indent_of(indent)?, flag(sort, false)?, flag(ascii, true)?);
            let json = convert::to_json(&value.to_data()?, style)?;
            let escaped = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
            Val::str(escaped.replace('\'', "\\u0027"))
        }
        "json" => {
            let [sort, indent] = args.bind(name, ["sort_keys", "indent"])?;
            let style = JsonStyle::new(indent_of(indent)?, flag(sort, true)?, false);
            Val::str(convert::to_json(&value.to_data()?, style)?)
        }
        // As PyYAML writes what is not there.
        "yaml" if matches!(value, Val::Nothing) => Val::str("NULL"),
        "yaml" => {
            let [flow] = args.bind(name, ["flow_style"])?;
            Val::str(yaml::dump_in_order(&value.to_yaml_data()?, flag(flow, true)?))
        }
        "dict_to_sls_yaml_params" => {
            let [flow] = args.bind(name, ["flow_style"])?;
            // The outermost mapping becomes a list, in its own order.
            let (Value::Map(outer), Value::Map(mut sorted)) = (value.to_data()?, value.to_yaml_data()?)
            else {
                return Err(Fault::failed(format!(
                    "'{}' object has no attribute 'items'",
                    value.type_name()
                )));
            };
            let one = |key: Value| {
                let value = sorted.shift_remove(&key).unwrap_or_default();
                Value::Map(std::iter::once((key, value)).collect())
            };
            let list = Value::List(outer.into_keys().map(one).collect());
            Val::str(yaml::dump_in_order(&list, flag(flow, false)?))
        }
        "python" | "pprint" => super::pretty::pretty(value)?,
        "xml" => super::pretty::xml(value)?,
        "load_yaml" if !matches!(value, Val::Str(_) | Val::Bytes(_)) => {
            return Err(Fault::failed("a string or stream input is required"));
        }
        "load_yaml" => convert::from_yaml(&value.to_text()?)?,
        "load_json" => convert::from_json(&value.to_text()?)?,
        "load_text" => Val::str(value.to_text()?),
        "yaml_dquote" => Val::str(yaml::double_quoted(&value.to_text()?)),
        "yaml_squote" => Val::str(yaml::single_quoted(&value.to_text()?)),
        "yaml_encode" => {
            let text = yaml::dump_scalar(&value.to_data()?);
            Val::str(text.ok_or_else(|| {
                let message = "yaml_encode() only works with YAML scalar data";
                Fault::failed(format!("{message}; failed for {}", value.type_name()))
            })?)
        }
        _ => return Ok(None),
    }))
}

fn indent_of(value: Option<Val>) -> Res<Option<usize>> {
    match value {
        None | Some(Val::None) => Ok(None),
        other => Ok(Some(count(other.as_ref(), 0)?.min(100))),
    }
}

/// Parses a float as Python's `float()` does.
pub(super) fn python_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.replace('_', "");
    let body = plain.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let known = matches!(body.as_str(), "inf" | "infinity" | "nan");
    let numeric = body.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if known || numeric { plain.parse().ok() } else { None }
}

/// Parses an integer as Python's `int(text, base)` does.
pub(super) fn python_int(text: &str, base: u32) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2)];
    let found = prefixes.iter().find(|(p, b)| lower.starts_with(p) && (base == *b || base == 0));
    let (digits, base) = match found {
        Some((p, b)) => (&digits[p.len()..], *b),
        None => (digits, if base == 0 { 10 } else { base }),
    };
    let plain = digits.replace('_', "");
    if !(2..=36).contains(&base) || plain.is_empty() || !plain.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    i128::from_str_radix(&plain, base).ok().map(|i| if negative { -i } else { i })
}

#[expect(clippy::cast_possible_truncation, reason = "int() truncates, and the range is checked")]
fn truncated(f: f64) -> Option<i128> {
    (f.is_finite() && f.abs() < 1e38).then_some(f as i128)
}

fn to_int(value: &Val, args: CallArgs) -> Res<Val> {
    let [default, base] = args.bind("int", ["default", "base"])?;
    let base = u32::try_from(count(base.as_ref(), 10)?).unwrap_or(10);
    let parsed = match value {
        Val::Str(s) => python_int(s, base).or_else(|| python_float(s).and_then(truncated)),
        other => match Num::of(other) {
            Some(Num::Int(i)) => Some(i),
            Some(Num::Float(f)) => truncated(f),
            None => None,
        },
    };
    Ok(parsed.map_or_else(|| default.unwrap_or(Val::Int(0)), Val::Int))
}

fn round(value: &Val, args: CallArgs) -> Res<Val> {
    let [precision, method] = args.bind("round", ["precision", "method"])?;
    let precision = match precision {
        None => 0,
        Some(Val::Int(i)) => i32::try_from(i).unwrap_or(0),
        Some(other) => {
            return Err(Fault::failed(format!("round() precision must be int, not {}", other.type_name())));
        }
    };
    let Some(number) = Num::of(value).map(Num::float) else {
        return Err(Fault::failed(format!("type {} doesn't define __round__ method", value.type_name())));
    };
    let scale = 10f64.powi(precision);
    let rounded = match method.map_or(Ok("common".to_owned()), |m| m.to_text())?.as_str() {
        "ceil" => (number * scale).ceil() / scale,
        "floor" => (number * scale).floor() / scale,
        // Formatting rounds the exact binary value half to even, which is what Python's round() does.
        "common" if precision >= 0 => {
            let digits = usize::try_from(precision).unwrap_or(0).min(300);
            format!("{number:.digits$}").parse().unwrap_or(number)
        }
        "common" => (number * scale).round_ties_even() / scale,
        _ => return Err(Fault::failed("method must be common, ceil or floor")),
    };
    // Python rounds an integer to an integer.
    match (value, precision >= 0) {
        (Val::Int(_) | Val::Bool(_), _) if rounded.fract() == 0.0 => {
            Ok(truncated(rounded).map_or(Val::Float(rounded), Val::Int))
        }
        _ => Ok(Val::Float(rounded)),
    }
}

fn file_size(value: &Val, args: CallArgs) -> Res<Val> {
    let [binary] = args.bind("filesizeformat", ["binary"])?;
    let binary = flag(binary, false)?;
    let bytes = match value {
        Val::Str(s) => python_float(s),
        other => Num::of(other).map(Num::float),
    };
    let bytes = bytes.ok_or_else(|| Fault::failed("filesizeformat needs a number"))?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    #[expect(clippy::float_cmp, reason = "exactly one byte is the special case")]
    if bytes == 1.0 {
        return Ok(Val::str("1 Byte"));
    }
    if bytes < base {
        return Ok(Val::str(format!("{} Bytes", bytes.trunc())));
    }
    let units = if binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    let mut unit = base;
    for name in &units[..7] {
        unit *= base;
        if bytes < unit {
            return Ok(Val::str(format!("{:.1} {name}", base * bytes / unit)));
        }
    }
    Ok(Val::str(format!("{:.1} {}", bytes / unit, units[7])))
}
