//! Turns declarations into low chunks, and puts them in order.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::Duration;

use foldhash::fast::RandomState;
use lab_proto::{Map, Text, Value};

use super::error::{CompileError, ErrorKind};
use super::high::{Arg, Body, Declaration, HighState, What, article};
use crate::function::scalar_text;
use crate::low::{LowChunk, Options, Reference, Requisite, Retry};

/// What is added for `order: last`, and what negative orders count back from.
const LAST: f64 = 1_000_000.0;

/// Chunks on their way, and beside each the order that was asked for and its place among `names`.
#[derive(Default)]
struct Unordered {
    chunks: Vec<LowChunk>,
    asked: Vec<(Option<Value>, Option<u32>)>,
}

impl Unordered {
    fn with_capacity(states: usize) -> Self {
        Self { chunks: Vec::with_capacity(states), asked: Vec::with_capacity(states) }
    }
}

/// Makes the ordered chunks of a high state, which is used up: what it holds is moved, not copied.
pub(super) fn chunks(high: HighState, errors: &mut Vec<CompileError>) -> Vec<LowChunk> {
    let mut out = Unordered::with_capacity(high.ids.len());
    // One for all states: a table for each would be the largest of what is allocated for it.
    let mut values = Map::new();
    for (id, mut declaration) in high.ids {
        if id.starts_with("__") {
            continue;
        }
        for (module, body) in std::mem::take(&mut declaration.modules) {
            let Body::List(args) = body else { continue };
            let origin = Origin { id: &id, module: &module, declaration: &declaration };
            chunks_of(&origin, args, &mut values, errors, &mut out);
        }
    }
    let named = out.asked.iter().any(|(_, among_names)| among_names.is_some());
    let mut chunks = ordered(out);
    // A state that `names` gives the same name twice runs once; no others can be the same, since IDs are unique.
    if named {
        let mut seen = HashSet::with_capacity_and_hasher(chunks.len(), RandomState::default());
        let first: Vec<bool> =
            chunks.iter().map(|c| seen.insert((&c.state, &c.id, &c.name, &c.fun))).collect();
        drop(seen);
        let mut first = first.into_iter();
        chunks.retain(|_| first.next().unwrap_or(true));
    }
    chunks
}

/// Where the chunks of one state module come from.
struct Origin<'a> {
    id: &'a Text,
    module: &'a Text,
    declaration: &'a Declaration,
}

/// Makes the chunks of one state module: one, or one per name. `values` is room for the arguments, empty before and after.
fn chunks_of(
    origin: &Origin<'_>,
    args: Vec<Arg>,
    values: &mut Map,
    errors: &mut Vec<CompileError>,
    out: &mut Unordered,
) {
    let mut function = None;
    values.clear();
    values.insert("name".into(), origin.id.clone().into());
    let mut names: Vec<Value> = Vec::new();
    for arg in args {
        let pairs = match arg.what {
            What::Pairs(pairs) => pairs,
            What::Function(name) => {
                function.get_or_insert(name);
                continue;
            }
        };
        for (key, value) in pairs {
            match key.as_str() {
                Some("names") => {
                    for name in value.as_list().unwrap_or_default() {
                        if !names.contains(name) {
                            names.push(name.clone());
                        }
                    }
                }
                Some("state") => {}
                // YAML read the name as a number or a boolean: the ID is what was meant.
                Some("name") if value.as_str().is_none() => {
                    values.insert("name".into(), origin.id.clone().into());
                }
                _ => {
                    values.insert(key, value);
                }
            }
        }
    }
    let Some(function) = function else { return };
    if names.is_empty() {
        finish(origin, function, values.drain(..), None, errors, out);
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
                own.insert("name".into(), name);
            }
        }
        finish(origin, function.clone(), own.into_iter(), Some(number), errors, out);
    }
}

/// Sorts a state's arguments into what they are for.
fn finish(
    origin: &Origin<'_>,
    function: Text,
    values: impl ExactSizeIterator<Item = (Value, Value)>,
    name_order: Option<u32>,
    errors: &mut Vec<CompileError>,
    out: &mut Unordered,
) {
    let declaration = origin.declaration;
    let mut order = None;
    let mut chunk = LowChunk {
        id: origin.id.clone(),
        state: origin.module.clone(),
        fun: function,
        name: Text::default(),
        sls: declaration.sls.clone(),
        env: declaration.env.clone(),
        included_from: declaration.included_from.clone(),
        order: 0.0,
        options: Options::default(),
        args: Map::new(),
        requisites: Vec::new(),
        listen: Vec::new(),
        listen_in: Vec::new(),
        problems: Vec::new(),
        at: declaration.at.clone(),
    };
    let mut left = values.len();
    for (key, value) in values {
        left -= 1;
        let word = key.as_str().unwrap_or_default();
        match word {
            "name" => chunk.name = name(value, &mut chunk.problems),
            "order" => order = Some(value),
            // An argument of that name is lost, as in Salt: the chunk's own function takes its place.
            "fun" => {}
            "listen" => chunk.listen = references(&chunk, word, value, errors),
            "listen_in" => chunk.listen_in = references(&chunk, word, value, errors),
            "require_in" | "watch_in" | "onfail_in" | "onchanges_in" | "prereq_in" | "use" | "use_in" => {}
            _ => match Requisite::parse(word) {
                Some(requisite) => {
                    let list = references(&chunk, word, value, errors);
                    chunk.requisites.push((requisite, list));
                }
                None => {
                    if chunk.args.is_empty() {
                        // What follows are arguments, too, up to the order, which is mostly the last.
                        chunk.args = Map::with_capacity(left.max(1));
                    }
                    chunk.args.insert(key, value);
                }
            },
        }
    }
    if let Some(umask) = chunk.args.get("umask") {
        let text = scalar_text(umask).unwrap_or_default();
        if u32::from_str_radix(text.trim(), 8).is_err() {
            chunk.problems.push(format!("invalid umask {umask}: write it as octal digits, '022'"));
        }
    }
    chunk.options = options(&chunk.args);
    chunk.requisites.sort_by_key(|(requisite, _)| *requisite);
    out.chunks.push(chunk);
    out.asked.push((order, name_order));
}

fn name(value: Value, problems: &mut Vec<String>) -> Text {
    let other = match value {
        Value::Str(name) => return name,
        other => other,
    };
    let text = scalar_text(&other).unwrap_or_else(|| other.to_string());
    problems.push(format!("the name {text} is read as {}, not as text: quote it", article(other.kind())));
    text.into()
}

fn references(chunk: &LowChunk, word: &str, value: Value, errors: &mut Vec<CompileError>) -> Vec<Reference> {
    let items = match value {
        // To listen to a text means each letter, to listen to a mapping means its keys, as IDs: mostly unknown ones, which
        // are ignored here.
        Value::Str(text) if word == "listen" => text.chars().map(|c| c.to_string().into()).collect(),
        Value::Map(map) if word == "listen" || word == "onfail" => {
            map.into_iter().map(|(key, _)| key).collect()
        }
        // No letters are nothing to wait for.
        Value::Str(text) if text.is_empty() && matches!(word, "onfail" | "listen_in") => Vec::new(),
        // Salt takes each letter for an ID; nothing is found, unless one letter is all there is.
        Value::Str(text) if text.chars().count() > 1 => {
            return vec![Reference { kind: "not a list".into(), value: text }];
        }
        Value::Null => Vec::new(),
        Value::List(items) => items,
        single => vec![single],
    };
    let mut out = Vec::with_capacity(items.len());
    // A mapping names one state by its first key; only who listens, listens to all that it names.
    let most = if word.starts_with("listen") { usize::MAX } else { 1 };
    let named = items.into_iter().flat_map(|item| match item {
        Value::Map(map) => map.into_iter().take(most).collect(),
        other => vec![(Value::from("id"), other)],
    });
    for (kind, target) in named {
        let mut kind: Text = match kind {
            Value::Str(kind) => kind,
            other => other.to_string().into(),
        };
        kind.truncate(kind.find('.').unwrap_or(kind.len()));
        match target {
            Value::Str(value) => out.push(Reference { kind, value }),
            Value::Null if word.starts_with("listen") && kind != "id" => {
                out.push(Reference { kind, value: "None".into() });
            }
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
    let boxed = |key: &str| values.get(key).cloned().map(Box::new);
    Options {
        failhard: values.get("failhard").map(Value::truthy),
        parallel: truthy("parallel"),
        retry: values.get("retry").map(retry),
        onlyif: boxed("onlyif"),
        unless: boxed("unless"),
        creates: boxed("creates"),
        check_cmd: boxed("check_cmd"),
        fire_event: boxed("fire_event").filter(|v| v.truthy()),
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
fn ordered(unordered: Unordered) -> Vec<LowChunk> {
    let Unordered { mut chunks, asked } = unordered;
    // What has no number comes after all that have one.
    let mut cap = 1.0;
    for (order, _) in &asked {
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
    for (chunk, (order, name_order)) in chunks.iter_mut().zip(&asked) {
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
    chunks.sort_by(|a, b| {
        a.order.partial_cmp(&b.order).unwrap_or(Ordering::Equal).then_with(|| key(a).cmp(key(b)))
    });
    chunks
}

fn key(chunk: &LowChunk) -> impl Iterator<Item = char> {
    chunk.state.chars().chain(chunk.name.chars()).chain(chunk.fun.chars())
}
