//! Python's methods of text, lists, mappings and the like.

use std::cell::RefCell;
use std::rc::Rc;

use super::call::{CallArgs, extend_dict, required};
use super::engine::Engine;
use super::error::{Fault, Res};
use super::format;
use super::ops::{self, Num};
use super::value::{Dict, DictCell, Key, Object, Text, Val, View};

const STR: [&str; 45] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
];
const LIST: [&str; 11] =
    ["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];
const DICT: [&str; 11] =
    ["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];
const SET: [&str; 13] = [
    "add",
    "clear",
    "copy",
    "difference",
    "discard",
    "intersection",
    "issubset",
    "issuperset",
    "pop",
    "remove",
    "symmetric_difference",
    "union",
    "update",
];

/// Tells whether a value has a method.
pub(super) fn exists(value: &Val, name: &str) -> bool {
    match value {
        Val::Str(_) => STR.contains(&name) || matches!(name, "zfill"),
        Val::List(_) => LIST.contains(&name),
        Val::Tuple(_) => matches!(name, "count" | "index"),
        Val::Dict(_) => DICT.contains(&name),
        Val::Set(_) => SET.contains(&name),
        Val::Bytes(_) => matches!(name, "decode" | "hex"),
        Val::Int(_) | Val::Bool(_) => matches!(name, "bit_length"),
        Val::Float(_) => matches!(name, "is_integer"),
        _ => false,
    }
}

impl Engine<'_> {
    pub(super) fn method(&self, receiver: &Val, name: &str, args: CallArgs) -> Res<Val> {
        match receiver {
            Val::Str(text) => self.str_method(text, name, args),
            Val::List(items) => list_method(items, name, args),
            Val::Tuple(items) => sequence_method(items, name, args),
            Val::Dict(dict) => dict_method(dict, name, args),
            Val::Set(set) => set_method(set, name, args),
            Val::Bytes(bytes) if name == "hex" => {
                Ok(Val::str(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()))
            }
            Val::Bytes(bytes) => Ok(Val::str(String::from_utf8_lossy(bytes).into_owned())),
            Val::Int(i) => Ok(Val::Int(i128::from(128 - i.unsigned_abs().leading_zeros()))),
            Val::Bool(b) => Ok(Val::Int(i128::from(*b))),
            Val::Float(f) => Ok(Val::Bool(f.fract() == 0.0)),
            Val::Object(object) => object_method(object, name, args),
            other => Err(Fault::failed(format!("'{}' object has no method '{name}'", other.type_name()))),
        }
    }

    fn str_method(&self, text: &Text, name: &str, args: CallArgs) -> Res<Val> {
        match name {
            "format" => {
                let resolve = |value: &Val, key: &Val, _: bool| self.format_step(value, key);
                let out = format::format(text, &args, &resolve)?;
                self.refuse_long(out.len())?;
                Ok(Val::str(out))
            }
            "format_map" => {
                let [mapping] = args.bind("format_map", ["mapping"])?;
                let mut keyword = Vec::new();
                if let Some(Val::Dict(dict)) = mapping {
                    for (key, value) in dict.borrow().iter() {
                        keyword.push((key.0.to_text()?.into(), value.clone()));
                    }
                }
                let args = CallArgs { positional: Vec::new(), keyword };
                Ok(Val::str(format::format(text, &args, &|value, key, _| self.format_step(value, key))?))
            }
            "join" => {
                let [items] = args.bind("join", ["iterable"])?;
                let mut parts = Vec::new();
                for (index, item) in required(items, "join", "iterable")?.iterate()?.iter().enumerate() {
                    match item.defined()? {
                        Val::Str(s) => parts.push(Rc::clone(s)),
                        other => {
                            return Err(Fault::failed(format!(
                                "sequence item {index}: expected str instance, {} found",
                                other.type_name()
                            )));
                        }
                    }
                }
                let joined = parts.join(&**text);
                self.refuse_long(joined.len())?;
                Ok(Val::str(joined))
            }
            "center" | "ljust" | "rjust" | "zfill" => {
                let [width, fill] = args.bind(name, ["width", "fillchar"])?;
                let Some(Num::Int(width)) = width.as_ref().and_then(Num::of) else {
                    return Err(Fault::failed(format!("{name}() needs a width")));
                };
                let width = usize::try_from(width).unwrap_or(0);
                self.refuse_long(width)?;
                let fill = fill.map_or(Ok(" ".to_owned()), |f| f.to_text())?;
                Ok(Val::str(justify(text, name, width, &fill)))
            }
            "replace" => {
                let [old, new, count] = args.bind("replace", ["old", "new", "count"])?;
                let old = text_arg(old, "replace", "old")?;
                let new = text_arg(new, "replace", "new")?;
                let limit = match count.as_ref().and_then(Num::of) {
                    Some(Num::Int(n)) if n >= 0 => usize::try_from(n).unwrap_or(usize::MAX),
                    _ => usize::MAX,
                };
                let count = text.matches(&old).count().min(limit);
                self.refuse_long(text.len().saturating_add(count.saturating_mul(new.len())))?;
                Ok(Val::str(text.replacen(&old, &new, limit)))
            }
            _ => super::filters::text::str_method(text, name, args),
        }
    }

    fn format_step(&self, value: &Val, key: &Val) -> Res<Val> {
        let found = match (value, key) {
            (Val::Dict(dict), _) => dict.borrow().get(&Key::new(key.clone())?).cloned(),
            (Val::List(_) | Val::Tuple(_), Val::Int(i)) => {
                usize::try_from(*i).ok().and_then(|i| value.iterate().ok()?.get(i).cloned())
            }
            _ => None,
        };
        found.ok_or_else(|| {
            Fault::failed(format!(
                "'{}' object has no field {}",
                value.type_name(),
                key.repr().unwrap_or_default()
            ))
        })
    }
}

/// Takes a text argument.
pub(super) fn text_arg(value: Option<Val>, what: &str, name: &str) -> Res<String> {
    match required(value, what, name)?.defined()? {
        Val::Str(s) => Ok(s.to_string()),
        other => {
            Err(Fault::failed(format!("{what}() argument '{name}' must be str, not {}", other.type_name())))
        }
    }
}

fn justify(text: &str, name: &str, width: usize, fill: &str) -> String {
    let missing = width.saturating_sub(text.chars().count());
    match name {
        "ljust" => text.to_owned() + &fill.repeat(missing),
        "rjust" => fill.repeat(missing) + text,
        "zfill" => {
            let (sign, rest) = match text.chars().next() {
                Some('+' | '-') => text.split_at(1),
                _ => ("", text),
            };
            format!("{sign}{}{rest}", "0".repeat(missing))
        }
        _ => {
            // CPython puts the odd blank on the left when the width is odd.
            let left = missing / 2 + (missing & width & 1);
            fill.repeat(left) + text + &fill.repeat(missing - left)
        }
    }
}

fn sequence_method(items: &[Val], name: &str, args: CallArgs) -> Res<Val> {
    let [item, start, stop] = args.bind(name, ["value", "start", "stop"])?;
    let item = required(item, name, "value")?;
    let at = |value: Option<&Val>, default: usize| match value.and_then(Num::of) {
        Some(Num::Int(i)) if i < 0 => {
            items.len().saturating_sub(usize::try_from(i.unsigned_abs()).unwrap_or(usize::MAX))
        }
        Some(Num::Int(i)) => usize::try_from(i).unwrap_or(usize::MAX),
        _ => default,
    };
    let (start, stop) = (at(start.as_ref(), 0), at(stop.as_ref(), items.len()));
    let mut count = 0;
    for (index, each) in items.iter().enumerate().take(stop).skip(start) {
        if ops::equal(each, &item)? {
            if name == "index" {
                return Ok(Val::from_usize(index));
            }
            count += 1;
        }
    }
    if name == "index" {
        return Err(Fault::failed(format!("{} is not in list", item.repr()?)));
    }
    Ok(Val::from_usize(count))
}

fn list_method(list: &RefCell<Vec<Val>>, name: &str, args: CallArgs) -> Res<Val> {
    let index_in = |value: &Option<Val>, len: usize| -> Res<usize> {
        let Some(Num::Int(i)) = value.as_ref().and_then(Num::of) else {
            return Err(Fault::failed(format!("{name}() needs an index")));
        };
        let at = if i < 0 { i + i128::try_from(len).unwrap_or(i128::MAX) } else { i };
        Ok(usize::try_from(at.max(0)).unwrap_or(usize::MAX))
    };
    match name {
        "append" => {
            let [item] = args.bind(name, ["object"])?;
            let item = required(item, name, "object")?;
            list.borrow_mut().push(item);
        }
        "extend" => {
            let [items] = args.bind(name, ["iterable"])?;
            let items = required(items, name, "iterable")?.iterate()?;
            list.borrow_mut().extend(items);
        }
        "insert" => {
            let [index, item] = args.bind(name, ["index", "object"])?;
            let mut items = list.borrow_mut();
            let at = index_in(&index, items.len())?.min(items.len());
            items.insert(at, required(item, name, "object")?);
        }
        "pop" => {
            let [index] = args.bind(name, ["index"])?;
            let mut items = list.borrow_mut();
            if items.is_empty() {
                return Err(Fault::failed("pop from empty list"));
            }
            let at = if index.is_some() { index_in(&index, items.len())? } else { items.len() - 1 };
            if at >= items.len() {
                return Err(Fault::failed("pop index out of range"));
            }
            return Ok(items.remove(at));
        }
        "remove" => {
            let at = sequence_method(&list.borrow(), "index", args)
                .map_err(|_| Fault::failed("list.remove(x): x not in list"))?;
            if let Val::Int(at) = at {
                list.borrow_mut().remove(usize::try_from(at).unwrap_or(0));
            }
        }
        "reverse" => list.borrow_mut().reverse(),
        "sort" => {
            let [reverse] = args.bind(name, ["reverse"])?;
            let reverse = reverse.map_or(Ok(false), |r| r.truthy())?;
            let items = list.borrow().clone();
            let sorted = ops::sort_by_key(items, |v| Ok(v.clone()), reverse)?;
            *list.borrow_mut() = sorted;
        }
        "clear" => list.borrow_mut().clear(),
        "copy" => return Ok(Val::list(list.borrow().clone())),
        _ => return sequence_method(&list.borrow(), name, args),
    }
    Ok(Val::None)
}

fn view(kind: &'static str, items: Vec<Val>) -> Val {
    Val::View(Rc::new(View { kind, items }))
}

fn dict_method(dict: &DictCell, name: &str, args: CallArgs) -> Res<Val> {
    match name {
        "items" => {
            let items = dict.borrow().iter().map(|(k, v)| Val::tuple(vec![k.0.clone(), v.clone()])).collect();
            Ok(view("dict_items", items))
        }
        "keys" => Ok(view("dict_keys", dict.borrow().keys().map(|k| k.0.clone()).collect())),
        "values" => Ok(view("dict_values", dict.borrow().values().cloned().collect())),
        "copy" => Ok(dict.copied()),
        "fromkeys" => {
            let [keys, value] = args.bind(name, ["iterable", "value"])?;
            let value = value.unwrap_or(Val::None);
            let mut made = Dict::new();
            for key in required(keys, name, "iterable")?.iterate()? {
                made.insert(Key::new(key)?, value.clone());
            }
            Ok(Val::dict(made))
        }
        "clear" => {
            dict.borrow_mut().clear();
            Ok(Val::None)
        }
        "update" => {
            let mut more = Dict::new();
            for source in &args.positional {
                extend_dict(&mut more, source)?;
            }
            more.extend(args.keyword.into_iter().map(|(k, v)| (Key(Val::Str(k)), v)));
            dict.borrow_mut().extend(more);
            Ok(Val::None)
        }
        "popitem" => match dict.borrow_mut().pop() {
            Some((key, value)) => Ok(Val::tuple(vec![key.0, value])),
            None => Err(Fault::failed("popitem(): dictionary is empty")),
        },
        _ => {
            let [key, default] = args.bind(name, ["key", "default"])?;
            let key = Key::new(required(key, name, "key")?)?;
            match name {
                "get" => Ok(dict.borrow().get(&key).cloned().or(default).unwrap_or(Val::None)),
                "setdefault" => {
                    let default = default.unwrap_or(Val::None);
                    Ok(dict.borrow_mut().entry(key).or_insert(default).clone())
                }
                _ => match dict.borrow_mut().shift_remove(&key).or(default) {
                    Some(value) => Ok(value),
                    None => Err(Fault::failed(format!("key {} is not there", key.0.repr()?))),
                },
            }
        }
    }
}

/// Makes a set of items, in the order in which they came.
pub(super) fn make_set(items: Vec<Val>) -> Res<Val> {
    let mut set = Dict::new();
    for item in items {
        set.insert(Key::new(item)?, Val::None);
    }
    Ok(Val::Set(DictCell::new(set)))
}

fn set_method(set: &RefCell<Dict>, name: &str, args: CallArgs) -> Res<Val> {
    let items: Vec<Val> = set.borrow().keys().map(|k| k.0.clone()).collect();
    let [argument] = args.bind(name, ["value"])?;
    let other = || required(argument.clone(), name, "value")?.iterate();
    let has = |list: &[Val], item: &Val| ops::contains(&Val::list(list.to_vec()), item);
    let filtered = |from: &[Val], other: &[Val], keep: bool| -> Res<Vec<Val>> {
        let mut out = Vec::new();
        for item in from {
            if has(other, item)? == keep {
                out.push(item.clone());
            }
        }
        Ok(out)
    };
    match name {
        "copy" => make_set(items),
        "union" => make_set(items.into_iter().chain(other()?).collect()),
        "intersection" => make_set(filtered(&items, &other()?, true)?),
        "difference" => make_set(filtered(&items, &other()?, false)?),
        "symmetric_difference" => {
            let other = other()?;
            let mut out = filtered(&items, &other, false)?;
            out.extend(filtered(&other, &items, false)?);
            make_set(out)
        }
        "issubset" => Ok(Val::Bool(filtered(&items, &other()?, false)?.is_empty())),
        "issuperset" => Ok(Val::Bool(filtered(&other()?, &items, false)?.is_empty())),
        "clear" => {
            set.borrow_mut().clear();
            Ok(Val::None)
        }
        "pop" => match set.borrow_mut().shift_remove_index(0) {
            Some((key, _)) => Ok(key.0),
            None => Err(Fault::failed("pop from an empty set")),
        },
        "update" => {
            for item in other()? {
                set.borrow_mut().insert(Key::new(item)?, Val::None);
            }
            Ok(Val::None)
        }
        _ => {
            let key = Key::new(required(argument, name, "value")?)?;
            let mut set = set.borrow_mut();
            match name {
                "add" => {
                    set.insert(key, Val::None);
                }
                _ => {
                    let found = set.shift_remove(&key).is_some();
                    if name == "remove" && !found {
                        return Err(Fault::failed(format!("{} is not in the set", key.0.repr()?)));
                    }
                }
            }
            Ok(Val::None)
        }
    }
}

fn object_method(object: &Object, name: &str, args: CallArgs) -> Res<Val> {
    match (object, name) {
        (Object::Loop(state), "cycle") => {
            if args.positional.is_empty() {
                return Err(Fault::failed("no items for cycling given"));
            }
            Ok(args.positional[state.at.get() % args.positional.len()].clone())
        }
        (Object::Loop(state), "changed") => {
            let mut last = state.changed.borrow_mut();
            let same = match &*last {
                Some(old) => ops::equal(&Val::list(old.clone()), &Val::list(args.positional.clone()))?,
                None => false,
            };
            *last = Some(args.positional);
            Ok(Val::Bool(!same))
        }
        (Object::Cycler { items, at }, "next") => {
            let item = items[at.get() % items.len()].clone();
            at.set((at.get() + 1) % items.len());
            Ok(item)
        }
        (Object::Cycler { at, .. }, _) => {
            at.set(0);
            Ok(Val::None)
        }
        _ => Err(Fault::failed(format!("no method '{name}'"))),
    }
}
