//! Turns declarations into low chunks, and puts them in order.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::Duration;

use lab_proto::{Map, Value};

use super::error::{CompileError, ErrorKind};
use super::high::{Arg, Declaration, HighState, What, article};
use crate::function::scalar_text;
use crate::low::{LowChunk, Options, Reference, Requisite, Retry};

/// What is added for `order: last`, and what negative orders count back from.
const LAST: f64 = 1_000_000.0;

/// Makes the ordered chunks of a high state.
pub(super) fn chunks(high: &HighState, errors: &mut Vec<CompileError>) -> Vec<LowChunk> {
    let mut drafts = Vec::new();
    for (id, declaration) in high.ids.iter().filter(|(id, _)| !id.starts_with("__")) {
        for (module, body) in &declaration.modules {
            drafts_of(id, declaration, module, body.args(), &mut drafts);
        }
    }
    let mut chunks: Vec<(Option<Value>, Option<u32>, LowChunk)> =
        drafts.into_iter().map(|d| finish(d, errors)).collect();
    order(&mut chunks);
    // One state written twice over (by `names`, say) runs once.
    let mut seen = HashSet::with_capacity(chunks.len());
    let first: Vec<bool> =
        chunks.iter().map(|(_, _, c)| seen.insert((&c.state, &c.id, &c.name, &c.fun))).collect();
    drop(seen);
    let all = chunks.into_iter().zip(first);
    all.filter(|(_, first)| *first).map(|((_, _, chunk), _)| chunk).collect()
}

/// A chunk whose arguments are still as they were written.
struct Draft<'a> {
    id: &'a str,
    module: &'a str,
    function: String,
    declaration: &'a Declaration,
    values: Map,
    name_order: Option<u32>,
}

fn drafts_of<'a>(
    id: &'a str,
    declaration: &'a Declaration,
    module: &'a str,
    args: &'a [Arg],
    out: &mut Vec<Draft<'a>>,
) {
    let Some(function) = args.iter().find_map(Arg::function) else { return };
    let mut values = Map::new();
    values.insert("name".into(), id.into());
    let mut names: Vec<&Value> = Vec::new();
    for (key, value) in args.iter().flat_map(pairs) {
        match key.as_str() {
            Some("names") => {
                for name in value.as_list().unwrap_or_default() {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
            Some("state") => {}
            // YAML read the name as a number or a boolean: the ID is what was meant.
            Some("name") if value.as_str().is_none() => {
                values.insert("name".into(), id.into());
            }
            _ => {
                values.insert(key.clone(), value.clone());
            }
        }
    }
    let draft = |values: Map, name_order| Draft {
        id,
        module,
        function: function.to_owned(),
        declaration,
        values,
        name_order,
    };
    if names.is_empty() {
        out.push(draft(values, None));
        return;
    }
    for (number, name) in (1..).zip(names) {
        let mut own = values.clone();
        match name.as_map().and_then(|m| m.first()) {
            Some((name, overrides)) => {
                own.insert("name".into(), name.clone());
                for entry in overrides.as_list().unwrap_or_default().iter().filter_map(Value::as_map) {
                    own.extend(entry.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
            }
            None => {
                own.insert("name".into(), name.clone());
            }
        }
        out.push(draft(own, Some(number)));
    }
}

fn pairs(arg: &Arg) -> &[(Value, Value)] {
    match &arg.what {
        What::Pairs(pairs) => pairs,
        What::Function(_) => &[],
    }
}

/// Sorts a draft's arguments into what they are for.
fn finish(draft: Draft<'_>, errors: &mut Vec<CompileError>) -> (Option<Value>, Option<u32>, LowChunk) {
    let Draft { id, module, function, declaration, mut values, name_order } = draft;
    let mut problems = Vec::new();
    let name = match values.shift_remove("name") {
        Some(Value::Str(name)) => name,
        Some(other) => {
            let text = scalar_text(&other).unwrap_or_else(|| other.to_string());
            problems
                .push(format!("the name {text} is read as {}, not as text: quote it", article(other.kind())));
            text
        }
        None => id.to_owned(),
    };
    let order = values.shift_remove("order");
    // An argument of that name is lost, as in Salt: the chunk's own function takes its place.
    values.shift_remove("fun");
    if let Some(umask) = values.get("umask") {
        let text = scalar_text(umask).unwrap_or_default();
        if u32::from_str_radix(text.trim(), 8).is_err() {
            problems.push(format!("invalid umask {umask}: write it as octal digits, '022'"));
        }
    }
    let mut chunk = LowChunk {
        id: id.to_owned(),
        state: module.to_owned(),
        fun: function,
        name,
        sls: declaration.sls.clone(),
        env: declaration.env.clone(),
        included_from: declaration.included_from.clone(),
        order: 0.0,
        options: options(&values),
        args: Map::new(),
        requisites: Vec::new(),
        listen: Vec::new(),
        listen_in: Vec::new(),
        problems,
        at: declaration.at.clone(),
    };
    for (key, value) in values {
        let word = key.as_str().unwrap_or_default();
        let what = match (Requisite::parse(word), word) {
            (Some(requisite), _) => Some(Some(requisite)),
            (None, "listen" | "listen_in") => Some(None),
            (
                None,
                "require_in" | "watch_in" | "onfail_in" | "onchanges_in" | "prereq_in" | "use" | "use_in",
            ) => {
                continue;
            }
            _ => None,
        };
        let Some(requisite) = what else {
            chunk.args.insert(key, value);
            continue;
        };
        let list = references(&chunk, word, &value, errors);
        match requisite {
            Some(requisite) => chunk.requisites.push((requisite, list)),
            None if word == "listen" => chunk.listen = list,
            None => chunk.listen_in = list,
        }
    }
    chunk.requisites.sort_by_key(|(requisite, _)| *requisite);
    (order, name_order, chunk)
}

fn references(chunk: &LowChunk, word: &str, value: &Value, errors: &mut Vec<CompileError>) -> Vec<Reference> {
    let single = std::slice::from_ref(value);
    let items = match value {
        // Salt takes each letter for an ID; nothing is found, unless one letter is all there is.
        Value::Str(text) if text.chars().count() > 1 => {
            return vec![Reference { kind: "not a list".to_owned(), value: text.clone() }];
        }
        Value::Null => &[],
        Value::List(items) => items.as_slice(),
        _ => single,
    };
    let mut out = Vec::new();
    for item in items {
        let (kind, target) = match item {
            Value::Map(map) => match map.first() {
                Some((Value::Str(kind), target)) => (Cow::Borrowed(kind.as_str()), target),
                Some((kind, target)) => (Cow::Owned(kind.to_string()), target),
                None => continue,
            },
            other => (Cow::Borrowed("id"), other),
        };
        let kind = kind.split('.').next().unwrap_or_default().to_owned();
        match target {
            Value::Str(value) => out.push(Reference { kind, value: value.clone() }),
            Value::Null => {}
            other => {
                let message = format!(
                    "{word} of ID {} names {}, not the ID of a state",
                    chunk.id,
                    article(other.kind())
                );
                let remedy = format!("quote it: `- {kind}: '{other}'`");
                errors.push(CompileError::new(ErrorKind::RequisiteError, &chunk.at, message).remedy(remedy));
            }
        }
    }
    out
}

/// The words that [`options`] reads. Most states have none of them, and asking for each costs more than looking first.
const OPTIONS: [&str; 11] = [
    "failhard",
    "parallel",
    "retry",
    "onlyif",
    "unless",
    "creates",
    "check_cmd",
    "fire_event",
    "reload_grains",
    "reload_pillar",
    "reload_modules",
];

fn options(values: &Map) -> Options {
    if !values.keys().any(|k| k.as_str().is_some_and(|k| OPTIONS.contains(&k))) {
        return Options::default();
    }
    let truthy = |key: &str| values.get(key).is_some_and(Value::truthy);
    Options {
        failhard: values.get("failhard").map(Value::truthy),
        parallel: truthy("parallel"),
        retry: values.get("retry").map(retry),
        onlyif: values.get("onlyif").cloned(),
        unless: values.get("unless").cloned(),
        creates: values.get("creates").cloned(),
        check_cmd: values.get("check_cmd").cloned(),
        fire_event: values.get("fire_event").filter(|v| v.truthy()).cloned(),
        reload_grains: truthy("reload_grains"),
        reload_pillar: truthy("reload_pillar"),
        reload_modules: truthy("reload_modules"),
    }
}

/// Reads `retry`; a part of the wrong kind counts as its default.
fn retry(value: &Value) -> Retry {
    let seconds = |s: i128| Duration::from_secs(u64::try_from(s).unwrap_or(0));
    let mut out =
        Retry { until: true, attempts: 2, interval: Duration::from_secs(30), splay: Duration::ZERO };
    match value {
        Value::Bool(false) => out.attempts = 0,
        Value::Map(map) => {
            let int = |key: &str| match map.get(key) {
                Some(Value::Int(i)) => Some(*i),
                Some(Value::Bool(b)) => Some(i128::from(*b)),
                _ => None,
            };
            out.until = map.get("until").and_then(Value::as_bool).unwrap_or(out.until);
            out.attempts = int("attempts").map_or(out.attempts, |n| u64::try_from(n).unwrap_or(0));
            out.interval = int("interval").map_or(out.interval, seconds);
            out.splay = int("splay").map_or(out.splay, seconds);
        }
        _ => {}
    }
    out
}

/// Works out every order and sorts. Equal orders sort by module, name and function, as in Salt.
fn order(chunks: &mut [(Option<Value>, Option<u32>, LowChunk)]) {
    // What has no number comes after all that have one.
    let mut cap = 1.0;
    for (order, _, _) in chunks.iter() {
        let whole = match order {
            Some(Value::Int(i)) => *i,
            Some(Value::Bool(b)) => i128::from(*b),
            _ => continue,
        };
        #[expect(clippy::cast_precision_loss, reason = "orders are small numbers")]
        let whole = whole as f64;
        if whole > cap - 1.0 && whole > 0.0 {
            cap = whole + 100.0;
        }
    }
    for (order, name_order, chunk) in chunks.iter_mut() {
        let base = match order {
            None => {
                chunk.order = cap;
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "orders are small numbers")]
            Some(Value::Int(i)) => *i as f64,
            Some(Value::Bool(b)) => f64::from(u8::from(*b)),
            Some(Value::Float(f)) => *f,
            Some(Value::Str(s)) if s == "last" => cap + LAST,
            Some(Value::Str(s)) if s == "first" => 0.0,
            Some(_) => cap,
        };
        let place = base + name_order.map_or(0.0, |n| f64::from(n) / 10_000.0);
        chunk.order = if place < 0.0 { cap + LAST + place } else { place };
    }
    chunks.sort_by(|(_, _, a), (_, _, b)| {
        a.order.partial_cmp(&b.order).unwrap_or(Ordering::Equal).then_with(|| key(a).cmp(key(b)))
    });
}

fn key(chunk: &LowChunk) -> impl Iterator<Item = char> {
    chunk.state.chars().chain(chunk.name.chars()).chain(chunk.fun.chars())
}
