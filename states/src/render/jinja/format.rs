//! Text formatting: Python's `%` operator, `str.format`, and the format specifications of both.

use super::call::CallArgs;
use super::error::{Fault, Res};
use super::ops::Num;
use super::value::Val;
use crate::render::python;

/// The widest field that a template may ask for.
const MAX_WIDTH: usize = 1 << 20;

/// How one value is to be written.
#[derive(Clone, Debug, Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// Computes `pattern % value`.
pub(super) fn percent(pattern: &str, value: &Val) -> Res<String> {
    let mut args = match value {
        Val::Tuple(items) => items.to_vec(),
        other => vec![other.clone()],
    }
    .into_iter();
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut named = false;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut key = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            key = Some(chars.by_ref().take_while(|c| *c != ')').collect::<String>());
        }
        let mut next = || args.next().ok_or_else(|| Fault::failed("not enough arguments for format string"));
        let mut spec = Spec::default();
        while let Some(flag) = chars.peek().copied().filter(|c| "-+ #0".contains(*c)) {
            chars.next();
            match flag {
                '-' => spec.align = Some('<'),
                '+' => spec.sign = Some('+'),
                ' ' => spec.sign = spec.sign.or(Some(' ')),
                '#' => spec.alternate = true,
                _ => spec.zero = true,
            }
        }
        if chars.peek() == Some(&'*') {
            chars.next();
            spec.width = width_of(&next()?)?;
        } else {
            spec.width = digits(&mut chars)?.unwrap_or(0);
        }
        if chars.peek() == Some(&'.') {
            chars.next();
            spec.precision = Some(digits(&mut chars)?.unwrap_or(0));
        }
        let Some(kind) = chars.next() else { return Err(Fault::failed("incomplete format")) };
        let item = match key {
            Some(key) => {
                named = true;
                let Val::Dict(dict) = value else { return Err(Fault::failed("format requires a mapping")) };
                let found = dict.borrow().get(key.as_str()).cloned();
                found.ok_or_else(|| Fault::failed(format!("key {} is not there", python::quoted(&key))))?
            }
            None => next()?,
        };
        out.push_str(&percent_item(&item, kind, spec)?);
    }
    let left_over = args.next().is_some() && !named;
    if left_over && !matches!(value, Val::Dict(_) | Val::List(_)) {
        return Err(Fault::failed("not all arguments converted during string formatting"));
    }
    Ok(out)
}

fn percent_item(item: &Val, kind: char, mut spec: Spec) -> Res<String> {
    item.defined()?;
    let number = || {
        Num::of(item).ok_or_else(|| {
            let what = if matches!(kind, 'd' | 'i' | 'u') {
                "a real number is required"
            } else {
                "must be real number"
            };
            Fault::failed(format!("%{kind} format: {what}, not {}", item.type_name()))
        })
    };
    let text = match kind {
        's' | 'r' | 'a' => {
            let text = if kind == 's' { item.to_text()? } else { item.repr()? };
            spec.zero = false;
            spec.align = spec.align.or(Some('>'));
            return pad(&cut(text, spec.precision), &spec);
        }
        'c' => match item {
            Val::Int(i) => {
                let code = u32::try_from(*i).ok().and_then(char::from_u32);
                code.map(String::from).ok_or_else(|| Fault::failed("%c arg not in range"))?
            }
            Val::Str(s) if s.chars().count() == 1 => s.to_string(),
            _ => return Err(Fault::failed("%c requires int or char")),
        },
        'd' | 'i' | 'u' => {
            #[expect(clippy::cast_possible_truncation, reason = "%d truncates, as Python's int() does")]
            let value = match number()? {
                Num::Int(i) => i,
                Num::Float(f) => f as i128,
            };
            return number_text(&Num::Int(value), &Spec { kind: Some('d'), ..spec });
        }
        'x' | 'X' | 'o' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            return number_text(&number()?, &Spec { kind: Some(kind), ..spec });
        }
        other => return Err(Fault::failed(format!("unsupported format character '{other}'"))),
    };
    pad(&text, &spec)
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Res<Option<usize>> {
    let mut text = String::new();
    while let Some(c) = chars.peek().copied().filter(char::is_ascii_digit) {
        chars.next();
        text.push(c);
    }
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .ok()
        .filter(|n| *n <= MAX_WIDTH)
        .map(Some)
        .ok_or_else(|| Fault::bounds("the format is too wide"))
}

fn width_of(value: &Val) -> Res<usize> {
    match value {
        Val::Int(i) => usize::try_from(*i)
            .ok()
            .filter(|n| *n <= MAX_WIDTH)
            .ok_or_else(|| Fault::bounds("the format is too wide")),
        _ => Err(Fault::failed("* wants int")),
    }
}

fn cut(text: String, precision: Option<usize>) -> String {
    match precision {
        Some(limit) => text.chars().take(limit).collect(),
        None => text,
    }
}

fn pad(text: &str, spec: &Spec) -> Res<String> {
    let missing = spec.width.saturating_sub(text.chars().count());
    if missing == 0 {
        return Ok(text.to_owned());
    }
    let fill = spec.fill.unwrap_or(' ');
    let repeat = |n: usize| fill.to_string().repeat(n);
    Ok(match spec.align.unwrap_or('<') {
        '>' => repeat(missing) + text,
        '^' => repeat(missing / 2) + text + &repeat(missing - missing / 2),
        _ => text.to_owned() + &repeat(missing),
    })
}

fn number_text(number: &Num, spec: &Spec) -> Res<String> {
    let kind = spec.kind.unwrap_or(if matches!(number, Num::Int(_)) { 'd' } else { '\0' });
    let precision = spec.precision.unwrap_or(6);
    if precision > 1000 {
        return Err(Fault::bounds("the format is too precise"));
    }
    let float = number.float();
    let negative = match number {
        Num::Int(i) => *i < 0,
        Num::Float(f) => f.is_sign_negative() && !f.is_nan(),
    };
    let integer = || match number {
        Num::Int(i) => Ok(i.unsigned_abs()),
        Num::Float(_) => {
            Err(Fault::failed(format!("unknown format code '{kind}' for object of type 'float'")))
        }
    };
    let (prefix, body) = match kind {
        'd' | 'n' => ("", integer()?.to_string()),
        'x' => ("0x", format!("{:x}", integer()?)),
        'X' => ("0X", format!("{:X}", integer()?)),
        'o' => ("0o", format!("{:o}", integer()?)),
        'b' => ("0b", format!("{:b}", integer()?)),
        'f' | 'F' => ("", format!("{:.*}", precision, float.abs())),
        '%' => ("", format!("{:.*}%", precision, float.abs() * 100.0)),
        'e' | 'E' => ("", scientific(float.abs(), precision, kind)),
        'g' | 'G' => ("", general(float.abs(), precision.max(1), kind)),
        _ => match spec.precision {
            Some(precision) => ("", general(float.abs(), precision.max(1), 'g')),
            None => ("", python::float(float.abs())),
        },
    };
    let body = if let Some(separator) = spec.grouping { group(&body, separator) } else { body };
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    };
    let head = format!("{sign}{}", if spec.alternate { prefix } else { "" });
    let used = head.chars().count() + body.chars().count();
    if spec.align == Some('=') || (spec.zero && spec.align.is_none()) {
        let fill = spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' });
        return Ok(head + &fill.to_string().repeat(spec.width.saturating_sub(used)) + &body);
    }
    pad(&(head + &body), &Spec { align: spec.align.or(Some('>')), ..spec.clone() })
}

fn scientific(value: f64, precision: usize, kind: char) -> String {
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    let letter = if kind.is_uppercase() { 'E' } else { 'e' };
    format!("{digits}{letter}{sign}{:02}", exponent.unsigned_abs())
}

fn general(value: f64, precision: usize, kind: char) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { python::float(value) };
    }
    let probe = format!("{value:.*e}", precision - 1);
    let exponent: i32 = probe.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    let trim = |text: String| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    if exponent < -4 || exponent >= limit {
        let text = scientific(value, precision - 1, kind);
        let at = text.find(['e', 'E']).unwrap_or(text.len());
        return trim(text[..at].to_owned()) + &text[at..];
    }
    let decimals = usize::try_from(limit - 1 - exponent).unwrap_or(0);
    trim(format!("{value:.decimals$}"))
}

fn group(body: &str, separator: char) -> String {
    let end = body.find(|c: char| !c.is_ascii_digit()).unwrap_or(body.len());
    let mut out = String::new();
    for (index, c) in body[..end].chars().enumerate() {
        if index > 0 && (end - index).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(c);
    }
    out + &body[end..]
}

/// Computes `pattern.format(…)`. `resolve` follows `.name` and `[key]` of a field.
pub(super) fn format(
    pattern: &str,
    args: &CallArgs,
    resolve: &dyn Fn(&Val, &Val, bool) -> Res<Val>,
) -> Res<String> {
    let mut out = String::new();
    let mut auto = Numbering::default();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        if rest[at + 1..].starts_with(brace) {
            out.push_str(brace);
            rest = &rest[at + 2..];
            continue;
        }
        if brace == "}" {
            return Err(Fault::failed("single '}' encountered in format string"));
        }
        let body = &rest[at + 1..];
        let Some(end) = closing(body) else {
            return Err(Fault::failed("expected '}' before end of string"));
        };
        out.push_str(&field(&body[..end], args, &mut auto, resolve)?);
        rest = &body[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// How the fields of a format are numbered: by themselves or by hand, not both.
#[derive(Debug, Default)]
struct Numbering {
    automatic: usize,
    manual: bool,
}

impl Numbering {
    fn check(&self) -> Res<()> {
        if self.manual && self.automatic > 0 {
            return Err(Fault::failed("cannot mix numbered and unnumbered fields in a format"));
        }
        Ok(())
    }
}

fn closing(body: &str) -> Option<usize> {
    let mut depth = 0;
    for (index, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn field(
    body: &str,
    args: &CallArgs,
    auto: &mut Numbering,
    resolve: &dyn Fn(&Val, &Val, bool) -> Res<Val>,
) -> Res<String> {
    let (head, spec) = body.split_once(':').unwrap_or((body, ""));
    let (path, conversion) = head.split_once('!').unwrap_or((head, ""));
    let spec = if spec.contains('{') {
        format(spec, &shifted(args, auto.automatic), resolve)?
    } else {
        spec.to_owned()
    };
    let stop = path.find(['.', '[']).unwrap_or(path.len());
    let first = &path[..stop];
    let missing =
        |what: &str| Fault::failed(format!("replacement {what} out of range for the format's arguments"));
    let mut value = if first.is_empty() {
        auto.automatic += 1;
        auto.check()?;
        args.positional.get(auto.automatic - 1).cloned().ok_or_else(|| missing("index"))?
    } else if let Ok(index) = first.parse::<usize>() {
        auto.manual = true;
        auto.check()?;
        args.positional.get(index).cloned().ok_or_else(|| missing("index"))?
    } else {
        let found = args.keyword.iter().find(|(k, _)| &**k == first).map(|(_, v)| v.clone());
        found.ok_or_else(|| Fault::failed(format!("key {} is not there", python::quoted(first))))?
    };
    let mut rest = &path[stop..];
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').ok_or_else(|| Fault::failed("missing ']' in format string"))?;
            let key = inner[..end].parse::<i128>().map_or_else(|_| Val::str(&inner[..end]), Val::Int);
            value = resolve(&value, &key, true)?;
            rest = &inner[end + 1..];
        } else {
            let inner = rest.strip_prefix('.').unwrap_or(rest);
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            value = resolve(&value, &Val::str(&inner[..end]), false)?;
            rest = &inner[end..];
        }
    }
    match conversion {
        "" => {}
        "s" => value = Val::str(value.to_text()?),
        "r" | "a" => value = Val::str(value.repr()?),
        other => return Err(Fault::failed(format!("unknown conversion specifier '{other}'"))),
    }
    with_spec(&value, &spec)
}

fn shifted(args: &CallArgs, used: usize) -> CallArgs {
    CallArgs {
        positional: args.positional.iter().skip(used + 1).cloned().collect(),
        keyword: args.keyword.clone(),
    }
}

/// Writes a value by a format specification, `format(value, spec)`.
pub(super) fn with_spec(value: &Val, text: &str) -> Res<String> {
    value.defined()?;
    if text.is_empty() {
        return value.to_text();
    }
    let spec = parse_spec(text)?;
    match (Num::of(value), value) {
        (Some(number), _) if spec.kind != Some('s') => number_text(&number, &spec),
        (_, Val::Str(s)) => pad(&cut(s.to_string(), spec.precision), &spec),
        _ => Err(Fault::failed(format!(
            "unsupported format string passed to {}.__format__",
            value.type_name()
        ))),
    }
}

fn parse_spec(text: &str) -> Res<Spec> {
    let mut spec = Spec::default();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let is_align = |c: Option<&char>| c.is_some_and(|c| "<>=^".contains(*c));
    if is_align(chars.get(1)) {
        spec.fill = Some(chars[0]);
        spec.align = Some(chars[1]);
        at = 2;
    } else if is_align(chars.first()) {
        spec.align = Some(chars[0]);
        at = 1;
    }
    if let Some(sign) = chars.get(at).filter(|c| "+- ".contains(**c)) {
        spec.sign = Some(*sign);
        at += 1;
    }
    if chars.get(at) == Some(&'#') {
        spec.alternate = true;
        at += 1;
    }
    if chars.get(at) == Some(&'0') {
        spec.zero = true;
        at += 1;
    }
    let rest: String = chars[at..].iter().collect();
    let mut rest = rest.chars().peekable();
    spec.width = digits(&mut rest)?.unwrap_or(0);
    if let Some(separator) = rest.peek().copied().filter(|c| ",_".contains(*c)) {
        rest.next();
        spec.grouping = Some(separator);
    }
    if rest.peek() == Some(&'.') {
        rest.next();
        spec.precision =
            Some(digits(&mut rest)?.ok_or_else(|| Fault::failed("format specifier missing precision"))?);
    }
    spec.kind = rest.next();
    if rest.next().is_some() || spec.kind.is_some_and(|k| !"bcdeEfFgGnosxX%".contains(k)) {
        return Err(Fault::failed(format!("invalid format specifier '{text}'")));
    }
    Ok(spec)
}
