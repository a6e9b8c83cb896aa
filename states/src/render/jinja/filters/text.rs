//! Filters and methods of text.

use super::super::call::{CallArgs, required};
use super::super::error::{Fault, Res};
use super::super::format;
use super::super::methods::text_arg;
use super::super::ops::Num;
use super::super::value::{Dict, Key, Val};
use super::{count, flag};

/// The widest tabulator: a text is at most this many times as long without its tabulators.
const MAX_TAB: usize = 1000;

pub(super) fn apply(name: &str, value: &Val, args: &CallArgs) -> Res<Option<Val>> {
    let args = args.clone();
    let text = || value.to_text();
    Ok(Some(match name {
        "string" => Val::str(text()?),
        "safe" => value.clone(),
        "upper" => Val::str(text()?.to_uppercase()),
        "lower" => Val::str(text()?.to_lowercase()),
        "capitalize" => Val::str(capitalize(&text()?)),
        "title" => Val::str(title_words(&text()?)),
        "trim" => {
            let [chars] = args.bind(name, ["chars"])?;
            Val::str(strip(&text()?, chars.as_ref(), true, true)?)
        }
        "center" => {
            let [width] = args.bind(name, ["width"])?;
            let width = count(width.as_ref(), 80)?;
            if width > 1 << 20 {
                return Err(Fault::bounds("the width is too large"));
            }
            let text = text()?;
            let missing = width.saturating_sub(text.chars().count());
            let left = missing / 2 + (missing & width & 1);
            Val::str(" ".repeat(left) + &text + &" ".repeat(missing - left))
        }
        "replace" => {
            let [old, new, limit] = args.bind(name, ["old", "new", "count"])?;
            let (old, new) = (required(old, name, "old")?.to_text()?, required(new, name, "new")?.to_text()?);
            let text = text()?;
            let limit = match limit {
                None | Some(Val::None) => usize::MAX,
                other => count(other.as_ref(), 0)?,
            };
            let hits = text.matches(&old).count().min(limit);
            if hits.saturating_mul(new.len()) > 64 << 20 {
                return Err(Fault::bounds("the result is too large"));
            }
            Val::str(text.replacen(&old, &new, limit))
        }
        "format" => {
            // `"%s"|format(x)` is `"%s" % (x,)`; keyword arguments make a mapping.
            let arguments = if args.keyword.is_empty() {
                Val::tuple(args.positional)
            } else {
                super::super::call::make_dict(CallArgs { positional: Vec::new(), keyword: args.keyword })?
            };
            Val::str(format::percent(&text()?, &arguments)?)
        }
        "indent" => indent(&text()?, args)?,
        "wordcount" => Val::from_usize(
            text()?.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).count(),
        ),
        "truncate" => truncate(&text()?, args)?,
        "wordwrap" => wordwrap(&text()?, args)?,
        "escape" | "e" | "forceescape" => Val::str(escape(&text()?)),
        "striptags" => Val::str(strip_tags(&text()?)),
        "urlencode" => urlencode(value)?,
        "xmlattr" => xml_attributes(value)?,
        _ => return Ok(None),
    }))
}

/// Replaces characters by a table from their numbers to a text, a number, or `None` for nothing.
fn translate(text: &str, table: &Val) -> Res<Val> {
    let Val::Dict(table) = table else {
        return Err(Fault::failed(format!("translate() takes a mapping, not {}", table.type_name())));
    };
    let table = table.borrow();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match table.get(&Key(Val::Int(i128::from(u32::from(c))))) {
            None => out.push(c),
            Some(Val::None) => {}
            Some(Val::Int(number)) => {
                let made = u32::try_from(*number).ok().and_then(char::from_u32);
                out.push(made.ok_or_else(|| Fault::failed(format!("there is no character {number}")))?);
            }
            Some(other) => out.push_str(&other.to_text()?),
        }
    }
    Ok(Val::str(out))
}

/// Makes such a table: of a mapping, or of two texts of one length (and a third of what is left out).
fn translation(args: CallArgs) -> Res<Val> {
    let [from, to, out] = args.bind("maketrans", ["x", "y", "z"])?;
    let number = |c: char| Key(Val::Int(i128::from(u32::from(c))));
    let mut table = Dict::new();
    match (required(from, "maketrans", "x")?, to) {
        (Val::Dict(given), None) => {
            for (key, value) in given.borrow().iter() {
                let key = match &key.0 {
                    Val::Str(s) => s.chars().next().map_or_else(|| key.clone(), number),
                    _ => key.clone(),
                };
                table.insert(key, value.clone());
            }
        }
        (from, Some(to)) => {
            let (from, to) = (from.to_text()?, to.to_text()?);
            if from.chars().count() != to.chars().count() {
                return Err(Fault::failed("the first two maketrans arguments must have equal length"));
            }
            table.extend(from.chars().zip(to.chars()).map(|(a, b)| (number(a), number(b).0)));
        }
        (other, None) => {
            let message = format!(
                "if you give only one argument to maketrans it must be a dict, not {}",
                other.type_name()
            );
            return Err(Fault::failed(message));
        }
    }
    if let Some(out) = out {
        table.extend(out.to_text()?.chars().map(|c| (number(c), Val::None)));
    }
    Ok(Val::dict(table))
}

/// The methods of text that need nothing but the text.
pub(in crate::render::jinja) fn str_method(text: &str, name: &str, args: CallArgs) -> Res<Val> {
    let all = |test: fn(char) -> bool| Val::Bool(!text.is_empty() && text.chars().all(test));
    Ok(match name {
        "upper" => Val::str(text.to_uppercase()),
        "lower" => Val::str(text.to_lowercase()),
        // What differs from lower case only by its capitals (ß and SS) is one.
        "casefold" => Val::str(text.to_uppercase().to_lowercase()),
        "capitalize" => Val::str(capitalize(text)),
        "title" => Val::str(python_title(text)),
        "translate" => {
            let [table] = args.bind(name, ["table"])?;
            translate(text, &required(table, name, "table")?)?
        }
        "maketrans" => translation(args)?,
        "swapcase" => Val::str(text.chars().flat_map(swap_case).collect::<String>()),
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = args.bind(name, ["chars"])?;
            Val::str(strip(text, chars.as_ref(), name != "rstrip", name != "lstrip")?)
        }
        "split" | "rsplit" => split(text, name, args)?,
        "splitlines" => {
            let [keep] = args.bind(name, ["keepends"])?;
            let keep = flag(keep, false)?;
            let lines = text.split_inclusive('\n').map(|l| {
                if keep {
                    Val::str(l)
                } else {
                    Val::str(l.strip_suffix('\n').map_or(l, |l| l.strip_suffix('\r').unwrap_or(l)))
                }
            });
            Val::list(lines.collect())
        }
        "startswith" | "endswith" => affix(text, name, args)?,
        "find" | "rfind" | "index" | "rindex" | "count" => search(text, name, args)?,
        "removeprefix" | "removesuffix" => {
            let [part] = args.bind(name, ["part"])?;
            let part = text_arg(part, name, "part")?;
            let cut =
                if name == "removeprefix" { text.strip_prefix(&part) } else { text.strip_suffix(&part) };
            Val::str(cut.unwrap_or(text))
        }
        "partition" | "rpartition" => {
            let [separator] = args.bind(name, ["sep"])?;
            let separator = text_arg(separator, name, "sep")?;
            if separator.is_empty() {
                return Err(Fault::failed("empty separator"));
            }
            let found =
                if name == "partition" { text.split_once(&separator) } else { text.rsplit_once(&separator) };
            let parts = match found {
                Some((a, b)) => [a, separator.as_str(), b],
                None if name == "partition" => [text, "", ""],
                None => ["", "", text],
            };
            Val::tuple(parts.iter().map(|p| Val::str(*p)).collect())
        }
        "expandtabs" => {
            let [size] = args.bind(name, ["tabsize"])?;
            let size = count(size.as_ref(), 8)?;
            if size > MAX_TAB {
                return Err(Fault::bounds(format!("a tabulator of more than {MAX_TAB} columns")));
            }
            expand_tabs(text, size)
        }
        "encode" => Val::Bytes(text.as_bytes().into()),
        "isdigit" | "isdecimal" | "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "isascii" => Val::Bool(text.is_ascii()),
        "islower" => Val::Bool(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)),
        "isupper" => Val::Bool(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)),
        "istitle" => Val::Bool(text.chars().any(char::is_alphabetic) && python_title(text) == text),
        "isidentifier" => Val::Bool(
            text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_alphanumeric() || c == '_'),
        ),
        other => return Err(Fault::failed(format!("'str' object has no method '{other}'"))),
    })
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

/// Jinja's `title`: words start after white space and brackets.
fn title_words(text: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = c.is_whitespace() || "-({[<".contains(c);
    }
    out
}

/// Python's `str.title`: words start after everything that is no letter.
fn python_title(text: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = !c.is_alphabetic();
    }
    out
}

fn swap_case(c: char) -> Vec<char> {
    if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
}

fn strip(text: &str, chars: Option<&Val>, left: bool, right: bool) -> Res<String> {
    let set = match chars {
        None | Some(Val::None) => None,
        Some(chars) => Some(chars.to_text()?),
    };
    let strips = |c: char| set.as_ref().map_or(c.is_whitespace(), |s| s.contains(c));
    let mut rest = text;
    if left {
        rest = rest.trim_start_matches(strips);
    }
    if right {
        rest = rest.trim_end_matches(strips);
    }
    Ok(rest.to_owned())
}

fn split(text: &str, name: &str, args: CallArgs) -> Res<Val> {
    let [separator, limit] = args.bind(name, ["sep", "maxsplit"])?;
    let limit = match limit.as_ref().and_then(Num::of) {
        Some(Num::Int(n)) if n >= 0 => usize::try_from(n).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let parts = limit.saturating_add(1);
    let mut found: Vec<&str> = match &separator {
        None | Some(Val::None) => return Ok(Val::list(split_space(text, limit, name == "rsplit"))),
        Some(Val::Str(s)) if s.is_empty() => return Err(Fault::failed("empty separator")),
        Some(Val::Str(s)) if name == "split" => text.splitn(parts, &**s).collect(),
        Some(Val::Str(s)) => text.rsplitn(parts, &**s).collect(),
        Some(other) => {
            return Err(Fault::failed(format!("must be str or None, not {}", other.defined()?.type_name())));
        }
    };
    if name == "rsplit" {
        found.reverse();
    }
    Ok(Val::list(found.into_iter().map(Val::str).collect()))
}

fn split_space(text: &str, limit: usize, from_right: bool) -> Vec<Val> {
    let mut out = Vec::new();
    // Where it stops at the limit, the rest keeps the blanks at its far end.
    let mut rest = if from_right { text.trim_end() } else { text.trim_start() };
    while !rest.is_empty() && out.len() < limit {
        let cut = if from_right {
            rest.rfind(char::is_whitespace).map(|at| {
                let next = rest[at..].chars().next().map_or(1, char::len_utf8);
                (rest[..at].trim_end(), &rest[at + next..])
            })
        } else {
            rest.find(char::is_whitespace).map(|at| (rest[at..].trim_start(), &rest[..at]))
        };
        match cut {
            Some((remaining, word)) => {
                out.push(Val::str(word));
                rest = remaining;
            }
            None => break,
        }
    }
    if out.len() < limit {
        rest = rest.trim();
    }
    if !rest.is_empty() {
        out.push(Val::str(rest));
    }
    if from_right {
        out.reverse();
    }
    out
}

fn affix(text: &str, name: &str, args: CallArgs) -> Res<Val> {
    let [part, start, end] = args.bind(name, ["affix", "start", "end"])?;
    let window = window(text, start.as_ref(), end.as_ref())?.map_or("", |(_, w)| w);
    let affixes = match required(part, name, "affix")? {
        Val::Tuple(items) => items.to_vec(),
        one => vec![one],
    };
    for affix in affixes {
        let Val::Str(affix) = affix.defined()? else {
            let message =
                format!("{name} first arg must be str or a tuple of str, not {}", affix.type_name());
            return Err(Fault::failed(message));
        };
        if if name == "startswith" { window.starts_with(&**affix) } else { window.ends_with(&**affix) } {
            return Ok(Val::Bool(true));
        }
    }
    Ok(Val::Bool(false))
}

/// Cuts `text[start:end]` by characters; returns the number of characters before it too.
fn window<'t>(text: &'t str, start: Option<&Val>, end: Option<&Val>) -> Res<Option<(usize, &'t str)>> {
    let len = text.chars().count();
    let at = |value: Option<&Val>, default: usize| -> Res<usize> {
        match value {
            None | Some(Val::None) => Ok(default),
            Some(Val::Int(i)) if *i < 0 => {
                Ok(usize::try_from((*i).saturating_add(i128::try_from(len).unwrap_or(0)).max(0)).unwrap_or(0))
            }
            Some(Val::Int(i)) => Ok(usize::try_from(*i).unwrap_or(usize::MAX)),
            Some(other) => {
                Err(Fault::failed(format!("slice indices must be integers, not {}", other.type_name())))
            }
        }
    };
    let (start, end) = (at(start, 0)?, at(end, len)?.min(len));
    if start > end {
        return Ok(None);
    }
    let byte = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(i, _)| i);
    Ok(Some((start, &text[byte(start)..byte(end)])))
}

fn search(text: &str, name: &str, args: CallArgs) -> Res<Val> {
    let [part, start, end] = args.bind(name, ["sub", "start", "end"])?;
    let part = text_arg(part, name, "sub")?;
    let Some((offset, window)) = window(text, start.as_ref(), end.as_ref())? else {
        return if name.ends_with("index") {
            Err(Fault::failed("substring not found"))
        } else {
            Ok(Val::Int(if name == "count" { 0 } else { -1 }))
        };
    };
    if name == "count" {
        let hits = if part.is_empty() { window.chars().count() + 1 } else { window.matches(&part).count() };
        return Ok(Val::from_usize(hits));
    }
    let found = if name.starts_with('r') { window.rfind(&part) } else { window.find(&part) };
    match found {
        Some(byte) => Ok(Val::from_usize(offset + window[..byte].chars().count())),
        None if name.ends_with("index") => Err(Fault::failed("substring not found")),
        None => Ok(Val::Int(-1)),
    }
}

fn expand_tabs(text: &str, size: usize) -> Val {
    let mut column = 0;
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\t' => {
                let width = if size == 0 { 0 } else { size - column % size };
                out.push_str(&" ".repeat(width));
                column += width;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    Val::str(out)
}

fn indent(text: &str, args: CallArgs) -> Res<Val> {
    let [width, first, blank] = args.bind("indent", ["width", "first", "blank"])?;
    let (first, blank) = (flag(first, false)?, flag(blank, false)?);
    let indention = match width {
        None => "    ".to_owned(),
        Some(Val::Str(s)) => s.to_string(),
        Some(n) => " ".repeat(count(Some(&n), 4)?.min(10_000)),
    };
    let with_newline = format!("{text}\n");
    let lines: Vec<&str> =
        with_newline.split_inclusive('\n').map(|l| l.trim_end_matches(['\n', '\r'])).collect();
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indention);
            }
        }
        out.push_str(line);
    }
    Ok(Val::str(if first { indention + &out } else { out }))
}

fn truncate(text: &str, args: CallArgs) -> Res<Val> {
    let [length, kill, end, leeway] = args.bind("truncate", ["length", "killwords", "end", "leeway"])?;
    let (length, leeway) = (count(length.as_ref(), 255)?, count(leeway.as_ref(), 5)?);
    let end = end.map_or(Ok("...".to_owned()), |e| e.to_text())?;
    let kill = flag(kill, false)?;
    let (total, least) = (text.chars().count(), end.chars().count());
    if length < least {
        return Err(Fault::failed(format!("expected length >= {least}, got {length}")));
    }
    if total <= length.saturating_add(leeway) {
        return Ok(Val::str(text));
    }
    let room = length.saturating_sub(end.chars().count());
    let cut: String = text.chars().take(room).collect();
    if kill {
        return Ok(Val::str(cut + &end));
    }
    let kept = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    Ok(Val::str(format!("{kept}{end}")))
}

fn wordwrap(text: &str, args: CallArgs) -> Res<Val> {
    let [width, break_long, wrap, _hyphens] =
        args.bind("wordwrap", ["width", "break_long_words", "wrapstring", "break_on_hyphens"])?;
    let width = count(width.as_ref(), 79)?.max(1);
    let break_long = flag(break_long, true)?;
    let wrap = match wrap {
        None | Some(Val::None) => "\n".to_owned(),
        Some(w) => w.to_text()?,
    };
    let wrapped = text.lines().map(|line| wrap_line(line, width, break_long).join(&wrap));
    Ok(Val::str(wrapped.collect::<Vec<_>>().join(&wrap)))
}

fn wrap_line(line: &str, width: usize, break_long: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in line.split(' ') {
        let mut word = word.to_owned();
        let room =
            |current: &str| width.saturating_sub(current.chars().count() + usize::from(!current.is_empty()));
        if !current.is_empty() && word.chars().count() > room(&current) {
            lines.push(std::mem::take(&mut current));
        }
        while break_long && word.chars().count() > width {
            lines.push(word.chars().take(width).collect());
            word = word.chars().skip(width).collect();
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&word);
    }
    if !current.is_empty() {
        lines.push(current);
    }
    lines
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&#34;")
}

fn strip_tags(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn quote_url(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || safe.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn urlencode(value: &Val) -> Res<Val> {
    if matches!(value, Val::Str(_)) || !matches!(value, Val::Dict(_) | Val::List(_) | Val::Tuple(_)) {
        return Ok(Val::str(quote_url(&value.to_text()?, "/")));
    }
    let pairs = match value {
        Val::Dict(d) => d.borrow().iter().map(|(k, v)| (k.0.clone(), v.clone())).collect(),
        _ => {
            let mut pairs = Vec::new();
            for pair in value.iterate()? {
                match &pair.iterate()?[..] {
                    [k, v] => pairs.push((k.clone(), v.clone())),
                    _ => return Err(Fault::failed("urlencode needs pairs")),
                }
            }
            pairs
        }
    };
    let mut parts = Vec::new();
    for (key, value) in pairs {
        let quoted = |v: &Val| Ok::<_, Fault>(quote_url(&v.to_text()?, "").replace("%20", "+"));
        parts.push(format!("{}={}", quoted(&key)?, quoted(&value)?));
    }
    Ok(Val::str(parts.join("&")))
}

fn xml_attributes(value: &Val) -> Res<Val> {
    let Val::Dict(dict) = value else { return Err(Fault::failed("xmlattr needs a mapping")) };
    let mut out = String::new();
    for (key, value) in dict.borrow().iter() {
        if !matches!(value, Val::None | Val::Undefined(_)) {
            out.push_str(&format!(" {}=\"{}\"", escape(&key.0.to_text()?), escape(&value.to_text()?)));
        }
    }
    Ok(Val::str(out))
}
