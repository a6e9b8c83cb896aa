//! Plain scalars by the rules of YAML 1.1 as PyYAML applies them, with Salt's reading of leading zeros.
//!
//! Where PyYAML has a date, Salt keeps text; where YAML 1.1 has an octal number, Salt drops the zeros.

use lab_proto::Value;

/// What a plain scalar means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plain {
    Value(Value),
    /// `<<`, the key that merges mappings.
    Merge,
    /// `=`, which PyYAML recognises and has no value for.
    DefaultValue,
}

/// Resolves a plain scalar.
pub(super) fn resolve(text: &str) -> Plain {
    Plain::Value(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "<<" => return Plain::Merge,
        "=" => return Plain::DefaultValue,
        // No number begins like this.
        _ if text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') => {
            bool_of(text).map_or_else(|| Value::from(text), Value::Bool)
        }
        _ => bool_of(text)
            .map(Value::Bool)
            .or_else(|| int_of(text).map(Value::Int))
            .or_else(|| float_of(text).map(Value::Float))
            .unwrap_or_else(|| Value::from(text)),
    })
}

/// Reads a truth value; `y` and `n` are text.
pub(super) fn bool_of(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Reads an integer: decimal, binary, hexadecimal, base 60.
pub(super) fn int_of(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = digits.len() != text.len();
    let all = |s: &str, ok: fn(u8) -> bool| !s.is_empty() && s.bytes().all(|b| ok(b) || b == b'_');
    let plain = digits.replace('_', "");
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        all(binary, |b| matches!(b, b'0' | b'1')).then(|| i128::from_str_radix(&plain[2..], 2).ok())?
    } else if let Some(hex) = digits.strip_prefix("0x") {
        all(hex, |b| b.is_ascii_hexdigit()).then(|| i128::from_str_radix(&plain[2..], 16).ok())?
    } else if let Some(octal) = digits.strip_prefix('0') {
        if !octal.is_empty() && !all(octal, |b| matches!(b, b'0'..=b'7')) {
            return None;
        }
        // Salt strips the zeros and reads decimal, but only where the text starts with them; a sign hides them.
        plain.parse().ok().filter(|_| !signed).or_else(|| i128::from_str_radix(&plain, 8).ok())
    } else if digits.contains(':') {
        base_60(digits)
    } else {
        (digits.as_bytes().first()?.is_ascii_digit() && all(digits, |b| b.is_ascii_digit()))
            .then(|| plain.parse().ok())?
    }?;
    Some(if negative { -magnitude } else { magnitude })
}

fn base_60(digits: &str) -> Option<i128> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    if !matches!(first.as_bytes().first()?, b'1'..=b'9')
        || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    {
        return None;
    }
    let mut total: i128 = first.replace('_', "").parse().ok()?;
    for part in parts {
        total = total.checked_mul(60)?.checked_add(i128::from(sixtieth(part)?))?;
    }
    Some(total)
}

/// Reads `[0-5]?[0-9]`.
fn sixtieth(part: &str) -> Option<u8> {
    match part.as_bytes() {
        [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'] => part.parse().ok(),
        _ => None,
    }
}

/// Reads a float; an exponent needs a dot before it and a sign.
pub(super) fn float_of(text: &str) -> Option<f64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => return (rest.len() == text.len()).then_some(f64::NAN),
        _ => {}
    }
    let (whole, fraction) = rest.split_once('.')?;
    let (fraction, exponent) = match fraction.find(['e', 'E']) {
        Some(at) => (&fraction[..at], Some(&fraction[at + 1..])),
        None => (fraction, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if !digits(fraction) {
        return None;
    }
    if let Some(exponent) = exponent {
        let ok = exponent.strip_prefix(['+', '-'])?;
        if ok.is_empty() || !ok.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    if whole.contains(':') {
        if exponent.is_some() {
            return None;
        }
        let mut parts = whole.split(':');
        let first =
            parts.next().filter(|f| f.as_bytes().first().is_some_and(u8::is_ascii_digit) && digits(f))?;
        let mut total: f64 = first.replace('_', "").parse().ok()?;
        for part in parts {
            total = total * 60.0 + f64::from(sixtieth(part)?);
        }
        let tail: f64 = format!("0.{}", fraction.replace('_', "")).parse().ok()?;
        return Some(sign * (total + tail));
    }
    let starts_with_digit = |s: &str| s.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let well_formed = if whole.is_empty() {
        rest.len() == text.len() && starts_with_digit(fraction)
    } else {
        starts_with_digit(whole) && digits(whole)
    };
    if !well_formed {
        return None;
    }
    let cleaned = rest.replace('_', "");
    let cleaned = if let Some(stem) = cleaned.strip_suffix('.') { format!("{stem}.0") } else { cleaned };
    cleaned.parse::<f64>().ok().map(|f| sign * f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(i: i128) -> Value {
        Value::Int(i)
    }

    #[test]
    fn scalars_are_read_as_salt_reads_them() {
        let text = |s: &str| Value::from(s);
        for (source, value) in [
            ("yes", Value::Bool(true)),
            ("Off", Value::Bool(false)),
            ("y", text("y")),
            ("0644", int(644)),
            ("0", int(0)),
            ("000", int(0)),
            ("-010", int(-8)),
            ("0899", text("0899")),
            ("0x10", int(16)),
            ("0b101", int(5)),
            ("0o17", text("0o17")),
            ("12:30", int(750)),
            ("12:30:45", int(45_045)),
            ("0:30", text("0:30")),
            ("1:99", text("1:99")),
            ("1_000", int(1000)),
            ("+7", int(7)),
            ("-", text("-")),
            ("1.50", Value::Float(1.5)),
            ("1.", Value::Float(1.0)),
            (".5", Value::Float(0.5)),
            ("-.5", text("-.5")),
            ("1e3", text("1e3")),
            ("1.5e3", text("1.5e3")),
            ("1.5e+3", Value::Float(1500.0)),
            ("-.inf", Value::Float(f64::NEG_INFINITY)),
            ("2001-01-01", text("2001-01-01")),
            ("52:54:00:11:22:33", int(41_135_080_953)),
            ("~", Value::Null),
            ("", Value::Null),
        ] {
            assert_eq!(resolve(source), Plain::Value(value), "{source:?}");
        }
    }
}
