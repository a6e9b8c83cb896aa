//! Salt's filters of text and data.

use lab_proto::Timestamp;

use super::super::call::{CallArgs, required};
use super::super::engine::Engine;
use super::super::error::{Fault, Res};
use super::super::ops::{self, Num};
use super::super::value::{Dict, Key, Val};
use super::data::{python_float, python_int};
use super::{count, flag, shared};
use crate::functions::encoded;
use crate::render::yaml;
use crate::shell;

pub(super) fn apply(name: &str, value: &Val, args: &CallArgs) -> Res<Option<Val>> {
    let args = args.clone();
    let text = || value.to_text();
    Ok(Some(match name {
        "skip" => shared(""),
        "sequence" => match value {
            Val::List(_) | Val::Tuple(_) | Val::Set(_) | Val::Dict(_) => value.clone(),
            other => Val::list(vec![other.clone()]),
        },
        "to_bool" => Val::Bool(match value {
            Val::None => false,
            Val::Bool(b) => *b,
            Val::Str(s) => matches!(s.to_lowercase().as_str(), "yes" | "1" | "true"),
            Val::Int(i) => *i > 0,
            Val::List(_) | Val::Dict(_) | Val::Set(_) => value.len()? > 0,
            _ => false,
        }),
        "quote" if matches!(value, Val::None | Val::Nothing) => Val::str(shell::quote("")),
        "quote" => match value {
            Val::Str(text) => Val::str(shell::quote(text)),
            other => {
                let message = format!("expected string or bytes-like object, got '{}'", other.type_name());
                return Err(Fault::failed(message).suggest("make a text of it first: | string | quote"));
            }
        },
        "regex_escape" => Val::str(regex_escape(&text()?)),
        "path_join" => path_join(value, &args)?,
        "basename" => Val::str(text()?.rsplit('/').next().unwrap_or("")),
        "dirname" => {
            let text = text()?;
            let directory =
                text.rsplit_once('/').map_or("", |(dir, _)| if dir.is_empty() { "/" } else { dir });
            Val::str(directory)
        }
        "to_num" | "str_to_num" => to_num(value)?,
        "to_bytes" => to_bytes(value, args)?,
        "is_hex" => Val::Bool(matches!(value, Val::Str(s) if python_int(s, 16).is_some())),
        "contains_whitespace" => Val::Bool(text()?.chars().any(char::is_whitespace)),
        "is_list" => Val::Bool(matches!(value, Val::List(_))),
        "is_iter" => Val::Bool(!matches!(value, Val::Str(_)) && value.iterate().is_ok()),
        "to_snake_case" => Val::str(snake_case(&text()?)),
        "to_camelcase" => {
            let [upper] = args.bind(name, ["uppercamel"])?;
            Val::str(camel_case(&text()?, flag(upper, false)?))
        }
        "human_to_bytes" => human_to_bytes(&text()?, args)?,
        _ => return structures(name, value, args),
    }))
}

/// Makes a number of a text that is one, and an integer of a number, as Python's `int()` and `float()` do.
fn to_num(value: &Val) -> Res<Val> {
    Ok(match value {
        Val::Str(s) => match (python_int(s, 10), python_float(s)) {
            (Some(i), _) => Val::Int(i),
            (None, Some(f)) => Val::Float(f),
            (None, None) => value.clone(),
        },
        other => match Num::of(other) {
            Some(Num::Int(i)) => Val::Int(i),
            #[expect(clippy::cast_possible_truncation, reason = "int() truncates, and large ones saturate")]
            Some(Num::Float(f)) if f.is_finite() => Val::Int(f as i128),
            _ => {
                return Err(Fault::failed(format!(
                    "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                    other.type_name()
                )));
            }
        },
    })
}

/// Returns the bytes of a text, or those that the value is; Salt encodes nothing else.
pub(super) fn encodable(value: &Val) -> Res<Vec<u8>> {
    match value {
        Val::Bytes(bytes) => Ok(bytes.to_vec()),
        Val::Str(text) => Ok(text.as_bytes().to_vec()),
        other => {
            let message = format!("expected str, bytes, or bytearray not <class '{}'>", other.type_name());
            Err(Fault::failed(message).suggest("make a text of it first: | string"))
        }
    }
}

fn to_bytes(value: &Val, args: CallArgs) -> Res<Val> {
    let [encoding, errors] = args.bind("to_bytes", ["encoding", "errors"])?;
    let word =
        |given: Option<Val>| given.filter(|v| !matches!(v, Val::None)).map(|v| v.to_text()).transpose();
    let (encoding, errors) = (word(encoding)?, word(errors)?);
    match (value, encoding) {
        (Val::Str(text), Some(encoding)) => {
            let errors = errors.as_deref().unwrap_or("strict");
            let bytes = encoded(text, &encoding, errors).map_err(|e| Fault::failed(e.to_string()))?;
            Ok(Val::Bytes(bytes.into()))
        }
        _ => Ok(Val::Bytes(encodable(value)?.into())),
    }
}

fn structures(name: &str, value: &Val, args: CallArgs) -> Res<Option<Val>> {
    Ok(Some(match name {
        "to_entries" => {
            let entry = |k: Val, v: Val| {
                Val::dict([(Key(shared("key")), k), (Key(shared("value")), v)].into_iter().collect())
            };
            match value {
                Val::Dict(d) => {
                    Val::list(d.borrow().iter().map(|(k, v)| entry(k.0.clone(), v.clone())).collect())
                }
                Val::List(l) => Val::list(
                    l.borrow()
                        .iter()
                        .enumerate()
                        .map(|(i, v)| entry(Val::from_usize(i), v.clone()))
                        .collect(),
                ),
                _ => return Err(Fault::failed("Input data must be a dict or list")),
            }
        }
        "from_entries" => {
            let mut out = Dict::new();
            for entry in value.iterate()? {
                let Val::Dict(entry) = &entry else {
                    return Err(Fault::failed("from_entries needs mappings"));
                };
                let get = |wanted: &str| {
                    let entry = entry.borrow();
                    let found =
                        entry.iter().find(|(k, _)| matches!(&k.0, Val::Str(s) if s.to_lowercase() == wanted));
                    found.map(|(_, v)| v.clone())
                };
                for wanted in ["key", "name"] {
                    if let Some(key) = get(wanted)
                        && key.truthy()?
                    {
                        out.insert(Key::new(key)?, get("value").unwrap_or(Val::None));
                        break;
                    }
                }
            }
            Val::dict(out)
        }
        "traverse" => {
            let [key, default, delimiter] = args.bind(name, ["key", "default", "delimiter"])?;
            let delimiter = delimiter.map_or(Ok(":".to_owned()), |d| d.to_text())?;
            let key = required(key, name, "key")?;
            traverse(value, &key, &delimiter)?.unwrap_or_else(|| default.unwrap_or(Val::None))
        }
        "compare_lists" => {
            let [new] = args.bind(name, ["new"])?;
            compare_lists(value, &required(new, name, "new")?)?
        }
        "compare_dicts" => {
            let [new] = args.bind(name, ["new"])?;
            compare_dicts(value, &required(new, name, "new")?)?
        }
        "exactly_n_true" | "exactly_one_true" => {
            let [amount] = args.bind(name, ["amount"])?;
            let amount = count(amount.as_ref(), 1)?;
            let mut truths = 0;
            for item in value.iterate()? {
                truths += usize::from(item.truthy()?);
            }
            Val::Bool(truths == amount)
        }
        "substring_in_list" => {
            let [list] = args.bind(name, ["list_to_search"])?;
            let wanted = value.to_text()?;
            let mut found = false;
            for item in required(list, name, "list_to_search")?.iterate()? {
                found |= item.to_text()?.contains(&wanted);
            }
            Val::Bool(found)
        }
        _ => return Ok(None),
    }))
}

/// Escapes as Python's `re.escape` does.
fn regex_escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Normalises a path as `os.path.normpath` does.
pub(in crate::render::jinja) fn normpath(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute {
        return format!("/{joined}");
    }
    if joined.is_empty() { ".".to_owned() } else { joined }
}

fn path_join(value: &Val, args: &CallArgs) -> Res<Val> {
    if let Val::List(_) | Val::Tuple(_) | Val::Dict(_) = value {
        let kind = value.type_name();
        return Err(Fault::failed(format!("expected str, bytes, or bytearray not <class '{kind}'>")));
    }
    let mut joined = normpath(&value.to_text()?);
    for part in &args.positional {
        let part = normpath(&part.to_text()?);
        joined = format!("{}/{}", joined.trim_end_matches('/'), part.trim_start_matches('/'));
    }
    Ok(Val::str(normpath(&joined)))
}

fn snake_case(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    for (index, c) in chars.iter().enumerate() {
        let after_lower = index > 0 && chars[index - 1].is_lowercase();
        let before_lower = index > 0 && chars.get(index + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_lower || before_lower) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn camel_case(text: &str, upper: bool) -> String {
    let mut out = String::new();
    for (index, word) in text.split('_').enumerate() {
        if index == 0 && !upper {
            out.push_str(word);
            continue;
        }
        let mut chars = word.chars();
        out.extend(chars.next().into_iter().flat_map(char::to_uppercase));
        out.push_str(chars.as_str());
    }
    out
}

fn human_to_bytes(text: &str, args: CallArgs) -> Res<Val> {
    let [unit, metric] = args.bind("human_to_bytes", ["default_unit", "handle_metric"])?;
    let default = unit.map_or(Ok("B".to_owned()), |u| u.to_text())?;
    let metric = flag(metric, false)?;
    let text = text.trim().to_uppercase();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = (&text[..split], text[split..].trim());
    let suffix = if suffix.is_empty() { default.to_uppercase() } else { suffix.to_owned() };
    let power = "BKMGTPEZY".find(&suffix[..1]).unwrap_or(usize::MAX);
    let decimal = metric && suffix.len() == 2;
    let known = suffix.len() == 1 || matches!(&suffix[1..], "B" | "IB");
    let Some(number) = python_float(number).filter(|_| known && power <= 8) else { return Ok(Val::Int(0)) };
    let base: f64 = if decimal { 1000.0 } else { 1024.0 };
    #[expect(clippy::cast_possible_truncation, reason = "Salt truncates to an integer too")]
    let bytes = (number * base.powi(i32::try_from(power).unwrap_or(0))) as i128;
    Ok(Val::Int(bytes))
}

/// Looks a key up; what reads as a number or a boolean finds those, too.
fn under(entries: &Dict, part: &Val) -> Res<Option<Val>> {
    if let Some(found) = entries.get(&Key::new(part.clone())?) {
        return Ok(Some(found.clone()));
    }
    let Val::Str(text) = part else { return Ok(None) };
    Ok(match yaml::scalar_of(text) {
        lab_proto::Value::Str(_) => None,
        key => entries.get(&Key::new(Val::from_data(&key))?).cloned(),
    })
}

/// Follows `a:b:0` through mappings and lists.
pub(in crate::render::jinja) fn traverse(value: &Val, key: &Val, delimiter: &str) -> Res<Option<Val>> {
    let parts: Vec<Val> = match key {
        Val::Str(s) => s.split(delimiter).map(Val::str).collect(),
        Val::List(_) | Val::Tuple(_) => key.iterate()?,
        other => vec![other.clone()],
    };
    let mut current = value.clone();
    for part in parts {
        let next = match &current {
            Val::Dict(d) => under(&d.borrow(), &part)?,
            Val::List(items) => {
                let index = match &part {
                    Val::Str(s) => python_int(s, 10),
                    Val::Int(i) => Some(*i),
                    _ => None,
                };
                let items = items.borrow();
                let key = Key::new(index.map_or_else(|| part.clone(), Val::Int))?;
                let embedded = items.iter().find_map(|item| match item {
                    Val::Dict(d) => d.borrow().get(&key).cloned(),
                    _ => None,
                });
                embedded.or_else(|| {
                    let len = i128::try_from(items.len()).ok()?;
                    let at = index.map(|i| if i < 0 { i + len } else { i })?;
                    items.get(usize::try_from(at).ok()?).cloned()
                })
            }
            _ => None,
        };
        match next {
            Some(next) => current = next,
            None => return Ok(None),
        }
    }
    Ok(Some(current))
}

fn compare_lists(old: &Val, new: &Val) -> Res<Val> {
    let mut out = Dict::new();
    for (name, from, other) in [("new", new, old), ("old", old, new)] {
        let mut only = Vec::new();
        for item in from.iterate()? {
            if !ops::contains(other, &item)? {
                only.push(item);
            }
        }
        if !only.is_empty() {
            out.insert(Key(shared(name)), Val::list(only));
        }
    }
    Ok(Val::dict(out))
}

fn compare_dicts(old: &Val, new: &Val) -> Res<Val> {
    let (Val::Dict(old), Val::Dict(new)) = (old, new) else {
        return Err(Fault::failed("compare_dicts needs two mappings"));
    };
    let (old, new) = (old.borrow(), new.borrow());
    let mut out = Dict::new();
    for key in new.keys().chain(old.keys()) {
        let (before, after) = (old.get(key), new.get(key));
        let same = match (before, after) {
            (Some(a), Some(b)) => ops::equal(a, b)?,
            _ => false,
        };
        if !same {
            let side = |v: Option<&Val>| v.cloned().unwrap_or_else(|| shared(""));
            let change = [(Key(shared("old")), side(before)), (Key(shared("new")), side(after))];
            out.insert(key.clone(), Val::dict(change.into_iter().collect()));
        }
    }
    Ok(Val::dict(out))
}

/// Filters that draw from the render's own random sequence.
pub(super) fn random(engine: &Engine<'_>, name: &str, value: &Val, args: CallArgs) -> Res<Val> {
    if matches!(name, "random_str" | "rand_str" | "random_hash") {
        let size = match Num::of(value) {
            Some(Num::Int(i)) if name == "random_str" => usize::try_from(i.clamp(0, 4096)).unwrap_or(32),
            _ => 64,
        };
        let digit = |n: u64| char::from_digit(u32::try_from(n % 16).unwrap_or(0), 16).unwrap_or('0');
        return Ok(Val::str((0..size).map(|_| digit(engine.random())).collect::<String>()));
    }
    let mut items = value.iterate()?;
    for at in (1..items.len()).rev() {
        let bound = u64::try_from(at + 1).unwrap_or(1);
        items.swap(at, usize::try_from(engine.random() % bound).unwrap_or(0));
    }
    if name == "random_sample" {
        let [size, _seed] = args.bind(name, ["size", "seed"])?;
        items.truncate(count(size.as_ref(), 1)?);
    }
    Ok(Val::list(items))
}

/// Writes a time, a number of seconds or an ISO date by a format.
pub(super) fn strftime(now: Timestamp, value: &Val, args: CallArgs) -> Res<Val> {
    let [format] = args.bind("strftime", ["format"])?;
    let format = format.map_or(Ok("%Y-%m-%d".to_owned()), |f| f.to_text())?;
    let seconds = match value {
        Val::None => Some(now.as_micros() / 1_000_000),
        Val::Int(i) => i64::try_from(*i).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "seconds are enough")]
        Val::Float(f) => Some(*f as i64),
        #[expect(clippy::cast_possible_truncation, reason = "seconds are enough")]
        Val::Str(s) => python_float(s).map(|f| f as i64).or_else(|| iso_seconds(s)),
        _ => None,
    };
    let stamp = seconds.and_then(|s| jiff::Timestamp::from_second(s).ok());
    let Some(stamp) = stamp else {
        return Err(Fault::failed(format!("unable to parse the date {}", value.repr()?))
            .suggest("give seconds since 1970, or a date as 2026-01-31"));
    };
    let text = jiff::fmt::strtime::format(&format, &stamp.to_zoned(jiff::tz::TimeZone::UTC));
    text.map(Val::str).map_err(|e| Fault::failed(format!("cannot use the format '{format}': {e}")))
}

fn iso_seconds(text: &str) -> Option<i64> {
    let text = text.trim().replace('/', "-");
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Some(stamp.as_second());
    }
    let time: jiff::civil::DateTime = text.parse().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}
