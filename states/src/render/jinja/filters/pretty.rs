//! Printing for people: Python's `pprint`, and XML as Salt writes it.

use super::super::error::{Fault, Res};
use super::super::ops;
use super::super::value::data::too_deep;
use super::super::value::{Dict, Key, Val};

/// Writes XML as Salt does: scalars of a mapping are attributes, mappings and lists are elements.
pub(super) fn xml(value: &Val) -> Res<Val> {
    value.refuse_large()?;
    let mut root = None;
    for (tag, body) in pairs(value)? {
        root = elements(&tag, &body, 0)?.pop();
    }
    let root = root.ok_or_else(|| Fault::failed("there is no element to write as XML"))?;
    let mut out = "<?xml version=\"1.0\" ?>\n".to_owned();
    root.print(0, &mut out);
    Ok(Val::str(out))
}

#[derive(Default)]
struct Element {
    tag: String,
    attributes: Vec<(String, String)>,
    text: Option<String>,
    children: Vec<Self>,
}

impl Element {
    fn print(&self, depth: usize, out: &mut String) {
        let escape = |t: &str| {
            t.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('>', "&gt;")
        };
        out.push_str(&" ".repeat(depth));
        out.push_str(&format!("<{}", self.tag));
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
        match &self.text {
            Some(text) if !text.is_empty() => out.push_str(&format!(">{}</{}>\n", escape(text), self.tag)),
            _ if self.children.is_empty() => out.push_str("/>\n"),
            _ => {
                out.push_str(">\n");
                self.children.iter().for_each(|c| c.print(depth + 1, out));
                out.push_str(&format!("{}</{}>\n", " ".repeat(depth), self.tag));
            }
        }
    }
}

fn pairs(value: &Val) -> Res<Vec<(String, Val)>> {
    match value {
        Val::Dict(dict) => dict.borrow().iter().map(|(k, v)| Ok((k.0.to_text()?, v.clone()))).collect(),
        Val::List(_) | Val::Tuple(_) => Ok(Vec::new()),
        _ => Err(Fault::syntax("Value is not a dict or list. Cannot render as XML")),
    }
}

fn elements(tag: &str, body: &Val, depth: usize) -> Res<Vec<Element>> {
    if depth > 64 {
        return Err(Fault::bounds("XML nested deeper than 64 levels"));
    }
    if let Val::List(items) = body {
        let mut out = Vec::new();
        for item in items.borrow().iter() {
            out.extend(elements(tag, item, depth + 1)?);
        }
        return Ok(out);
    }
    let mut element = Element { tag: tag.to_owned(), ..Element::default() };
    if matches!(body, Val::Str(_) | Val::Int(_) | Val::Bool(_) | Val::Float(_)) {
        element.text = Some(body.to_text()?);
        return Ok(vec![element]);
    }
    for (key, value) in pairs(body)? {
        if matches!(value, Val::Dict(_) | Val::List(_)) {
            element.children.extend(elements(&key, &value, depth + 1)?);
        } else {
            element.attributes.push((key, value.to_text()?));
        }
    }
    Ok(vec![element])
}

/// Prints as Python's `pprint` does: keys sorted, lines of at most 80 columns.
pub(in crate::render::jinja) fn pretty(value: &Val) -> Res<Val> {
    value.refuse_large()?;
    let mut out = String::new();
    print_pretty(&sorted(value, 0)?, 0, 0, 0, &mut out)?;
    Ok(Val::str(out))
}

fn sorted(value: &Val, depth: usize) -> Res<Val> {
    if depth > 100 {
        return Err(too_deep());
    }
    let all = |items: Vec<Val>| items.iter().map(|v| sorted(v, depth + 1)).collect::<Res<Vec<_>>>();
    Ok(match value {
        Val::List(items) => Val::list(all(items.borrow().clone())?),
        Val::Tuple(items) => Val::tuple(all(items.to_vec())?),
        Val::Dict(dict) => {
            let entries: Vec<Val> =
                dict.borrow().iter().map(|(k, v)| Val::tuple(vec![k.0.clone(), v.clone()])).collect();
            let key = |pair: &Val| Ok(pair.iterate()?.swap_remove(0));
            let ordered = ops::sort_by_key(entries.clone(), key, false).unwrap_or(entries);
            let mut out = Dict::new();
            for pair in ordered {
                let mut pair = pair.iterate()?;
                if let (Some(value), Some(key)) = (pair.pop(), pair.pop()) {
                    out.insert(Key(key), sorted(&value, depth + 1)?);
                }
            }
            Val::dict(out)
        }
        other => other.clone(),
    })
}

fn print_pretty(value: &Val, indent: usize, allowance: usize, level: usize, out: &mut String) -> Res<()> {
    const WIDTH: usize = 80;
    let repr = value.repr()?;
    if repr.chars().count() + indent + allowance <= WIDTH {
        out.push_str(&repr);
        return Ok(());
    }
    let (open, close, items): (&str, &str, Vec<(String, Val)>) = match value {
        Val::List(items) => ("[", "]", items.borrow().iter().map(|v| (String::new(), v.clone())).collect()),
        Val::Tuple(items) => {
            let close = if items.len() == 1 { ",)" } else { ")" };
            ("(", close, items.iter().map(|v| (String::new(), v.clone())).collect())
        }
        Val::Dict(dict) => {
            let entries = dict.borrow();
            let entry = |(k, v): (&Key, &Val)| Ok((format!("{}: ", k.0.repr()?), v.clone()));
            ("{", "}", entries.iter().map(entry).collect::<Res<_>>()?)
        }
        Val::Str(text) => return wrap_text(text, indent, allowance, level, WIDTH, out),
        _ => {
            out.push_str(&repr);
            return Ok(());
        }
    };
    out.push_str(open);
    let last = items.len().saturating_sub(1);
    for (index, (label, item)) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(&format!(",\n{}", " ".repeat(indent + 1)));
        }
        out.push_str(label);
        let room = if index == last { allowance + close.len() } else { 1 };
        print_pretty(item, indent + 1 + label.chars().count(), room, level + 1, out)?;
    }
    out.push_str(close);
    Ok(())
}

/// Writes a long text as several literals, broken after white space.
fn wrap_text(
    text: &str,
    indent: usize,
    allowance: usize,
    level: usize,
    width: usize,
    out: &mut String,
) -> Res<()> {
    let top = usize::from(level == 0);
    let (indent, allowance) = (indent + top, allowance + top);
    let most = width.saturating_sub(indent);
    let mut chunks = Vec::new();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let last_line = at + 1 == lines.len();
        let whole = Val::str(*line).repr()?;
        if whole.chars().count() <= most.saturating_sub(if last_line { allowance } else { 0 }) {
            chunks.push(whole);
            continue;
        }
        let words = words_with_space(line);
        let mut current = String::new();
        for (nth, word) in words.iter().enumerate() {
            let room = most.saturating_sub(if last_line && nth + 1 == words.len() { allowance } else { 0 });
            let candidate = format!("{current}{word}");
            if Val::str(candidate.as_str()).repr()?.chars().count() <= room {
                current = candidate;
                continue;
            }
            if !current.is_empty() {
                chunks.push(Val::str(current).repr()?);
            }
            current = (*word).to_owned();
        }
        if !current.is_empty() {
            chunks.push(Val::str(current).repr()?);
        }
    }
    let joined = chunks.join(&format!("\n{}", " ".repeat(indent)));
    let bracketed = top == 1 && chunks.len() > 1;
    out.push_str(&if bracketed { format!("({joined})") } else { joined });
    Ok(())
}

/// Splits into words, each with the white space behind it.
fn words_with_space(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut space = false;
    for (at, c) in line.char_indices() {
        if space && !c.is_whitespace() {
            out.push(&line[start..at]);
            start = at;
        }
        space = c.is_whitespace();
    }
    out.push(&line[start..]);
    out
}
