//! Filters of sequences.

use super::super::call::{CallArgs, required};
use super::super::engine::Engine;
use super::super::error::{Fault, Res};
use super::super::methods::make_set;
use super::super::ops::{self, Num};
use super::super::value::{Dict, Key, Val};
use super::super::walk;
use super::{count, flag};

pub(super) fn apply(name: &str, value: &Val, args: &CallArgs) -> Res<Option<Val>> {
    let args = args.clone();
    Ok(Some(match name {
        "list" => Val::list(value.iterate()?),
        "length" | "count" => Val::from_usize(value.len()?),
        "first" => value.iterate()?.into_iter().next().unwrap_or_else(|| empty("first")),
        "last" => value.iterate()?.pop().unwrap_or_else(|| empty("last")),
        "reverse" => match value {
            Val::Str(s) => Val::str(s.chars().rev().collect::<String>()),
            _ => Val::generator(value.iterate()?.into_iter().rev().collect()),
        },
        "batch" => batch(value, args)?,
        "slice" => slice(value, args)?,
        "min" | "max" => extreme(name, value, args)?,
        "items" => match value {
            Val::Dict(d) => Val::generator(
                d.borrow().iter().map(|(k, v)| Val::tuple(vec![k.0.clone(), v.clone()])).collect(),
            ),
            _ => return Err(Fault::failed("Can only get item pairs from a mapping.")),
        },
        "dictsort" => dictsort(value, args)?,
        "avg" => average(value)?,
        "union" => {
            let [other] = args.bind(name, ["lst2"])?;
            let other = required(other, name, "lst2")?;
            let both_lists = matches!((value, &other), (Val::List(_), Val::List(_)));
            if !(both_lists || hashable(value) && hashable(&other)) {
                let (mine, theirs) = (value.type_name(), other.type_name());
                let message = format!("cannot join '{mine}' and '{theirs}'");
                return Err(Fault::failed(message).suggest("make lists of both first: | list"));
            }
            let joined = value.iterate()?.into_iter().chain(other.iterate()?).collect();
            as_set_or_list(value, &other, joined)?
        }
        "intersect" | "difference" | "symmetric_difference" => set_operation(name, value, args)?,
        "flatten" => {
            let [levels, preserve] = args.bind(name, ["levels", "preserve_nulls"])?;
            let levels = match &levels {
                None | Some(Val::None) => usize::MAX,
                other => count(other.as_ref(), 0)?,
            };
            let mut out = Vec::new();
            flatten(&value.iterate()?, levels, flag(preserve, false)?, 0, &mut out)?;
            Val::list(out)
        }
        "sorted_ignorecase" => {
            let key = |v: &Val| Ok(Val::str(v.to_text()?.to_lowercase()));
            Val::list(ops::sort_by_key(value.iterate()?, key, false)?)
        }
        "zip" | "zip_longest" => zip(name, value, args)?,
        "combinations" | "permutations" | "combinations_with_replacement" => choices(name, value, args)?,
        "compress" => {
            let [selectors] = args.bind(name, ["selectors"])?;
            let mut out = Vec::new();
            for (item, keep) in
                value.iterate()?.into_iter().zip(required(selectors, name, "selectors")?.iterate()?)
            {
                if keep.truthy()? {
                    out.push(item);
                }
            }
            Val::generator(out)
        }
        _ => return Ok(None),
    }))
}

/// Every choice of one item from each list, the last list turning fastest.
pub(super) fn product(engine: &Engine<'_>, value: &Val, args: &CallArgs) -> Res<Val> {
    let repeat = args.keyword.iter().find(|(k, _)| &**k == "repeat").map(|(_, v)| v);
    if matches!(repeat, Some(Val::Int(..0))) {
        return Err(Fault::failed("repeat argument cannot be negative"));
    }
    let repeat = count(repeat, 1)?;
    let lists: Vec<Vec<Val>> =
        std::iter::once(value).chain(&args.positional).map(Val::iterate).collect::<Res<_>>()?;
    let width = lists.len().saturating_mul(repeat);
    limit(width)?;
    let columns: Vec<&Vec<Val>> = std::iter::repeat_n(&lists, repeat).flatten().collect();
    let rows = columns.iter().fold(1, |rows: usize, items| rows.saturating_mul(items.len()));
    let cells = rows.saturating_mul(width.max(1));
    limit(cells)?;
    engine.spend(cells as u64)?;
    let row = |mut number: usize| {
        let mut cells: Vec<Val> = Vec::with_capacity(width);
        for items in columns.iter().rev() {
            cells.push(items[number % items.len()].clone());
            number /= items.len();
        }
        cells.reverse();
        Val::tuple(cells)
    };
    Ok(Val::generator((0..rows).map(row).collect()))
}

fn empty(what: &str) -> Val {
    Val::undefined(format!("no {what} item, sequence was empty"))
}

fn limit(items: usize) -> Res<()> {
    if items > 1_000_000 { Err(Fault::bounds("more than 1000000 items")) } else { Ok(()) }
}

fn batch(value: &Val, args: CallArgs) -> Res<Val> {
    let [size, fill] = args.bind("batch", ["linecount", "fill_with"])?;
    let size = count(Some(&required(size, "batch", "linecount")?), 1)?;
    if size == 0 {
        return Err(Fault::failed("batch() needs a size above 0"));
    }
    let mut rows: Vec<Vec<Val>> = value.iterate()?.chunks(size).map(<[Val]>::to_vec).collect();
    if let (Some(fill), Some(last)) = (fill, rows.last_mut()) {
        limit(size)?;
        last.resize(size, fill);
    }
    Ok(Val::generator(rows.into_iter().map(Val::list).collect()))
}

fn slice(value: &Val, args: CallArgs) -> Res<Val> {
    let [slices, fill] = args.bind("slice", ["slices", "fill_with"])?;
    let slices = count(Some(&required(slices, "slice", "slices")?), 1)?;
    if slices == 0 {
        return Err(Fault::failed("integer division or modulo by zero"));
    }
    limit(slices)?;
    let items = value.iterate()?;
    let (per, extra) = (items.len() / slices, items.len() % slices);
    let mut rows = Vec::with_capacity(slices);
    let mut at = 0;
    for index in 0..slices {
        let size = per + usize::from(index < extra);
        let mut row = items[at..at + size].to_vec();
        at += size;
        if let Some(fill) = &fill
            && index >= extra
        {
            row.push(fill.clone());
        }
        rows.push(Val::list(row));
    }
    Ok(Val::generator(rows))
}

fn extreme(name: &str, value: &Val, args: CallArgs) -> Res<Val> {
    args.bind(name, [])?;
    let mut items = value.iterate()?.into_iter();
    let Some(mut best) = items.next() else {
        return Err(Fault::failed(format!("{name}() iterable argument is empty")));
    };
    for item in items {
        let better =
            if name == "min" { ops::order(&item, &best, "<")? } else { ops::order(&best, &item, ">")? };
        if better.is_some_and(std::cmp::Ordering::is_lt) {
            best = item;
        }
    }
    Ok(best)
}

fn dictsort(value: &Val, args: CallArgs) -> Res<Val> {
    let [case, by, reverse] = args.bind("dictsort", ["case_sensitive", "by", "reverse"])?;
    let case = flag(case, false)?;
    let at = match by {
        None => 0,
        Some(by) => match by.to_text()?.as_str() {
            "key" => 0,
            "value" => 1,
            _ => return Err(Fault::failed("You can only sort by either \"key\" or \"value\"")),
        },
    };
    let Val::Dict(dict) = value else {
        return Err(Fault::failed(format!("'{}' object has no attribute 'items'", value.type_name())));
    };
    let items = dict.borrow().iter().map(|(k, v)| Val::tuple(vec![k.0.clone(), v.clone()])).collect();
    let key = |pair: &Val| {
        let part = pair.iterate()?.swap_remove(at);
        Ok(match &part {
            Val::Str(s) if !case => Val::str(s.to_lowercase()),
            _ => part,
        })
    };
    Ok(Val::list(ops::sort_by_key(items, key, flag(reverse, false)?)?))
}

#[expect(clippy::cast_precision_loss, reason = "an average is a float")]
fn average(value: &Val) -> Res<Val> {
    let number = |v: &Val| Num::of(v).map(Num::float).ok_or_else(|| Fault::failed("avg needs numbers"));
    if !matches!(value, Val::List(_)) && Num::of(value).is_some() {
        return Ok(Val::Float(number(value)?));
    }
    let items = value.iterate()?;
    if items.is_empty() {
        return Err(Fault::failed("division by zero"));
    }
    let mut total = 0.0;
    for item in &items {
        total += number(item)?;
    }
    Ok(Val::Float(total / items.len() as f64))
}

fn hashable(value: &Val) -> bool {
    !matches!(value, Val::List(_) | Val::Dict(_) | Val::Set(_))
}

/// Drops repetitions; something immutable becomes a set.
pub(super) fn unique(value: &Val) -> Res<Val> {
    let items = value.iterate()?;
    if hashable(value) { make_set(items) } else { Ok(Val::list(without_repetitions(items)?)) }
}

fn without_repetitions(items: Vec<Val>) -> Res<Vec<Val>> {
    let mut seen = Dict::new();
    let mut out: Vec<Val> = Vec::new();
    for item in items {
        match Key::new(item.clone()) {
            Ok(key) => {
                if seen.insert(key, Val::None).is_none() {
                    out.push(item);
                }
            }
            // Lists and mappings have no hash: compare them one by one.
            Err(_) => {
                if !ops::among(&out, &item)? {
                    out.push(item);
                }
            }
        }
    }
    Ok(out)
}

fn as_set_or_list(a: &Val, b: &Val, items: Vec<Val>) -> Res<Val> {
    if hashable(a) && hashable(b) { make_set(items) } else { Ok(Val::list(without_repetitions(items)?)) }
}

fn set_operation(name: &str, value: &Val, args: CallArgs) -> Res<Val> {
    let [other] = args.bind(name, ["lst2"])?;
    let other = required(other, name, "lst2")?;
    let (mine, theirs) = (value.iterate()?, other.iterate()?);
    let keep = |from: &[Val], list: &[Val], present: bool| -> Res<Vec<Val>> {
        let mut out = Vec::new();
        for item in from {
            if ops::among(list, item)? == present {
                out.push(item.clone());
            }
        }
        Ok(out)
    };
    let items = match name {
        "intersect" => keep(&mine, &theirs, true)?,
        "difference" => keep(&mine, &theirs, false)?,
        _ => {
            let mut out = keep(&mine, &theirs, false)?;
            out.extend(keep(&theirs, &mine, false)?);
            out
        }
    };
    as_set_or_list(value, &other, items)
}

fn flatten(items: &[Val], levels: usize, nulls: bool, depth: usize, out: &mut Vec<Val>) -> Res<()> {
    if depth > 100 {
        return Err(Fault::failed("Reference cycle detected. Check input list."));
    }
    for item in items {
        walk::see()?;
        match item {
            Val::None if !nulls => {}
            Val::List(inner) if levels > depth => {
                let inner = inner.borrow().clone();
                flatten(&inner, levels, nulls, depth + 1, out)?;
            }
            Val::Str(s) if !nulls && matches!(&**s, "None" | "null") => {}
            Val::Tuple(inner) if levels > depth => flatten(inner, levels, nulls, depth + 1, out)?,
            other => out.push(other.clone()),
        }
        limit(out.len())?;
    }
    Ok(())
}

fn zip(name: &str, value: &Val, args: CallArgs) -> Res<Val> {
    let fill = args.keyword.iter().find(|(k, _)| &**k == "fillvalue").map_or(Val::None, |(_, v)| v.clone());
    let mut lists = vec![value.iterate()?];
    for list in &args.positional {
        lists.push(list.iterate()?);
    }
    let lengths = lists.iter().map(Vec::len);
    let rows = if name == "zip" { lengths.min() } else { lengths.max() }.unwrap_or(0);
    let row = |i: usize| Val::tuple(lists.iter().map(|l| l.get(i).unwrap_or(&fill).clone()).collect());
    Ok(Val::generator((0..rows).map(row).collect()))
}

fn choices(name: &str, value: &Val, args: CallArgs) -> Res<Val> {
    let items = value.iterate()?;
    let [r] = args.bind(name, ["r"])?;
    let r = count(r.as_ref(), items.len())?;
    let mut out = Vec::new();
    let mut chosen = Vec::new();
    if r <= 32 {
        choose(name, items.len(), r, &mut chosen, &mut out)?;
    }
    let rows = out.into_iter().map(|row| Val::tuple(row.into_iter().map(|i| items[i].clone()).collect()));
    Ok(Val::generator(rows.collect()))
}

fn choose(name: &str, n: usize, r: usize, chosen: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) -> Res<()> {
    if chosen.len() == r {
        out.push(chosen.clone());
        return limit(out.len());
    }
    let from = match name {
        "permutations" => 0,
        "combinations" => chosen.last().map_or(0, |l| l + 1),
        _ => chosen.last().copied().unwrap_or(0),
    };
    for index in from..n {
        if name == "permutations" && chosen.contains(&index) {
            continue;
        }
        chosen.push(index);
        choose(name, n, r, chosen, out)?;
        chosen.pop();
    }
    Ok(())
}
