//! Salt's filters that change a mapping at a path of keys, query data, and read tables.

use std::rc::Rc;

use super::super::call::{CallArgs, required};
use super::super::convert::{self, JsonStyle};
use super::super::error::{Fault, Res};
use super::super::value::data::too_deep;
use super::super::value::{Dict, DictCell, Key, Val};
use super::data::{python_float, python_int};
use crate::render::error::RenderErrorKind;

pub(super) fn apply(name: &str, value: &Val, args: &CallArgs) -> Res<Option<Val>> {
    let args = args.clone();
    Ok(Some(match name {
        "set_dict_key_value"
        | "update_dict_key_value"
        | "append_dict_key_value"
        | "extend_dict_key_value" => change(name, value, args)?,
        "json_query" => {
            let [expression] = args.bind(name, ["expr"])?;
            query(value, &required(expression, name, "expr")?.to_text()?)?
        }
        "mysql_to_dict" => {
            let [key] = args.bind(name, ["key"])?;
            table(value, &required(key, name, "key")?)?
        }
        // Both pairs make bytes: Salt's decoding is that of Python 2.
        "json_encode_dict" | "json_encode_list" | "json_decode_dict" | "json_decode_list" => encoded(value)?,
        _ => return Ok(None),
    }))
}

/// Changes the mapping itself, as Salt does, and returns it.
fn change(name: &str, value: &Val, args: CallArgs) -> Res<Val> {
    let [keys, given, delimiter, _ordered] =
        args.bind(name, ["keys", "value", "delimiter", "ordered_dict"])?;
    let keys = required(keys, name, "keys")?.to_text()?;
    let given = required(given, name, "value")?;
    let delimiter = delimiter.map_or(Ok(":".to_owned()), |d| d.to_text())?;
    let mut at = dict_of(value).ok_or_else(|| {
        Fault::failed(format!("'{}' object does not support item assignment", value.type_name()))
    })?;
    let mut parts: Vec<&str> = keys.split(&delimiter).collect();
    let last = Key(Val::str(parts.pop().unwrap_or_default()));
    for part in parts {
        let key = Key(Val::str(part));
        let below = at.borrow().get(&key).and_then(dict_of);
        let below = below.unwrap_or_else(|| {
            let made = DictCell::new(Dict::new());
            at.borrow_mut().insert(key, Val::Dict(Rc::clone(&made)));
            made
        });
        at = below;
    }
    if name == "set_dict_key_value" {
        at.borrow_mut().insert(last, given);
        return Ok(value.clone());
    }
    let present = at.borrow().get(&last).filter(|v| !matches!(v, Val::None)).cloned();
    let target = present.unwrap_or_else(|| {
        let made =
            if name == "update_dict_key_value" { Val::dict(Dict::new()) } else { Val::list(Vec::new()) };
        at.borrow_mut().insert(last, made.clone());
        made
    });
    put(name, &target, &given)?;
    Ok(value.clone())
}

fn put(name: &str, target: &Val, given: &Val) -> Res<()> {
    let refused = |verb: &str| {
        let message =
            format!("The last key contains a <class '{}'>, which cannot {verb}.", target.type_name());
        Fault::new(RenderErrorKind::Function, message)
    };
    match (name, target) {
        ("update_dict_key_value", Val::Dict(dict)) => match given {
            Val::Dict(more) if Rc::ptr_eq(more, dict) => {}
            Val::Dict(more) => {
                dict.borrow_mut().extend(more.borrow().iter().map(|(k, v)| (k.clone(), v.clone())));
            }
            other => {
                let message = format!("Cannot update <class 'dict'> with a <class '{}'>.", other.type_name());
                return Err(Fault::new(RenderErrorKind::Function, message));
            }
        },
        ("update_dict_key_value", _) => return Err(refused("update")),
        ("append_dict_key_value", Val::List(list)) => list.borrow_mut().push(given.clone()),
        ("append_dict_key_value", _) => return Err(refused("append")),
        (_, Val::List(list)) => {
            let more = given.iterate().map_err(|_| {
                let message = format!("Cannot extend <class 'list'> with a <class '{}'>.", given.type_name());
                Fault::new(RenderErrorKind::Function, message)
            })?;
            list.borrow_mut().extend(more);
        }
        _ => return Err(refused("extend")),
    }
    Ok(())
}

fn dict_of(value: &Val) -> Option<Rc<DictCell>> {
    if let Val::Dict(dict) = value { Some(Rc::clone(dict)) } else { None }
}

/// Asks by JMESPath.
fn query(value: &Val, expression: &str) -> Res<Val> {
    if expression.len() > 4096 {
        return Err(Fault::bounds("a JMESPath expression of more than 4096 bytes"));
    }
    let compiled = jmespath::compile(expression)
        .map_err(|e| Fault::failed(format!("invalid jmespath expression: {}", first_line(&e.to_string()))))?;
    let style = JsonStyle::new(None, false, false);
    let json = convert::to_json(&value.to_data()?, style)?;
    let data = jmespath::Variable::from_json(&json).map_err(Fault::failed)?;
    let found = compiled
        .search(data)
        .map_err(|e| Fault::failed(format!("jmespath: {}", first_line(&e.to_string()))))?;
    convert::from_json(&found.to_string())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Reads the table that `mysql` prints: a mapping of rows by one of their columns.
fn table(value: &Val, key: &Val) -> Res<Val> {
    let mut out = Dict::new();
    let mut headers: Vec<String> = Vec::new();
    for line in value.iterate()? {
        let line = line.to_text()?;
        if line.is_empty() || line.starts_with('+') {
            continue;
        }
        let cells: Vec<String> = line.split('|').map(|c| c.trim().to_owned()).collect();
        if headers.len() <= 1 {
            headers = cells;
            continue;
        }
        let mut row = Dict::new();
        for (at, header) in headers.iter().enumerate().take(headers.len() - 1).skip(1) {
            let cell = cells.get(at).ok_or_else(|| Fault::failed("list index out of range"))?;
            row.insert(Key(Val::str(header.as_str())), to_number(cell));
        }
        let name = row.get(&Key::new(key.clone())?).cloned();
        let name = name.ok_or_else(|| Fault::failed(key.repr().unwrap_or_default()))?;
        out.insert(Key::new(name)?, Val::dict(row));
    }
    Ok(Val::dict(out))
}

fn to_number(text: &str) -> Val {
    match (python_int(text, 10), python_float(text)) {
        (Some(i), _) => Val::Int(i),
        (None, Some(f)) => Val::Float(f),
        (None, None) => Val::str(text),
    }
}

/// Makes bytes of all texts.
fn encoded(value: &Val) -> Res<Val> {
    value.refuse_large()?;
    mapped(value, 0)
}

fn mapped(value: &Val, depth: usize) -> Res<Val> {
    if depth > 100 {
        return Err(too_deep());
    }
    Ok(match value {
        Val::Str(text) => Val::Bytes(text.as_bytes().into()),
        Val::List(items) => {
            Val::list(items.borrow().iter().map(|v| mapped(v, depth + 1)).collect::<Res<_>>()?)
        }
        Val::Dict(dict) => {
            let entries = dict.borrow();
            let entry = |(k, v): (&Key, &Val)| Ok((Key(mapped(&k.0, depth + 1)?), mapped(v, depth + 1)?));
            Val::dict(entries.iter().map(entry).collect::<Res<_>>()?)
        }
        other => other.clone(),
    })
}
