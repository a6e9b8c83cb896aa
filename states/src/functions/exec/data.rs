//! `slsutil.*` and `defaults.*`: helpers for templates.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::grains::laid_over;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const MERGE: &[ArgDoc] = &[
    ArgDoc::required("obj_a", Kind::Map, "What is laid over."),
    ArgDoc::required("obj_b", Kind::Map, "What lies above."),
    ArgDoc::with_default("merge_lists", Kind::Bool, "false", "Whether lists are joined, not replaced."),
];

const UPDATE: &[ArgDoc] = &[
    ArgDoc::required("dest", Kind::Map, "Mappings by name."),
    ArgDoc::required("defaults", Kind::Map, "What each of them has where it says nothing else."),
    ArgDoc::with_default("merge_lists", Kind::Bool, "true", "Whether lists are joined, not replaced."),
];
const SOURCE: &[ArgDoc] = &[ArgDoc::required("source", Kind::Any, "What is copied.")];
const MERGE_ALL: &[ArgDoc] = &[
    ArgDoc::required("lst", Kind::List, "The mappings."),
    ArgDoc::with_default("merge_lists", Kind::Bool, "false", "Whether lists are joined, not replaced."),
];

const BOOLSTR: &[ArgDoc] = &[
    ArgDoc::required("value", Kind::Any, "What decides."),
    ArgDoc::with_default("true", Kind::Any, "true", "What stands for true."),
    ArgDoc::with_default("false", Kind::Any, "false", "What stands for false."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "slsutil.merge",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            MERGE,
            "lab-minion call --local slsutil.merge '{a: 1}' '{b: 2}'",
        )
        .open(),
        body: merge,
    },
    Exec {
        name: "slsutil.update",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            MERGE,
            "lab-minion call --local slsutil.update '{a: 1}' '{b: 2}'",
        )
        .open(),
        body: merge,
    },
    Exec {
        name: "defaults.update",
        doc: FunctionDoc::new(
            "Lays defaults below each value of a mapping.",
            UPDATE,
            "lab-minion call --local defaults.update '{web: {port: 81}}' '{port: 80, tls: true}'",
        ),
        body: defaults_update,
    },
    Exec {
        name: "defaults.deepcopy",
        doc: FunctionDoc::new(
            "Returns a copy, so that a change of it does not change the source.",
            SOURCE,
            "lab-minion call --local defaults.deepcopy '{a: 1}'",
        ),
        body: |call| Ok(call.typed::<Source>()?.source),
    },
    Exec {
        name: "slsutil.merge_all",
        doc: FunctionDoc::new(
            "Lays all mappings of a list over one another, deeply; the last one is on top.",
            MERGE_ALL,
            "lab-minion call --local slsutil.merge_all '[{a: 1}, {b: 2}]'",
        )
        .open(),
        body: merge_all,
    },
    Exec {
        name: "slsutil.boolstr",
        doc: FunctionDoc::new(
            "Returns one of two values by what a text, or anything else, says: yes, on, true and 1 are true.",
            BOOLSTR,
            "lab-minion call --local slsutil.boolstr yes up down",
        )
        .open(),
        body: boolstr,
    },
    Exec {
        name: "defaults.merge",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            MERGE,
            "lab-minion call --local defaults.merge '{a: 1}' '{b: 2}'",
        )
        .open(),
        body: merge,
    },
];

#[derive(Deserialize)]
struct Merge {
    obj_a: Value,
    obj_b: Value,
    #[serde(default)]
    merge_lists: bool,
}

#[derive(Deserialize)]
struct BoolStr {
    value: Value,
    #[serde(rename = "true")]
    yes: Option<Value>,
    #[serde(rename = "false")]
    no: Option<Value>,
}

fn merge(call: &Call<'_>) -> Result<Value, CallError> {
    let Merge { obj_a, obj_b, merge_lists } = call.typed()?;
    Ok(if merge_lists { joined(obj_a, obj_b) } else { laid_over(obj_a, obj_b) })
}

#[derive(Deserialize)]
struct Update {
    dest: Map,
    defaults: Value,
    #[serde(default = "yes")]
    merge_lists: bool,
}

fn yes() -> bool {
    true
}

fn defaults_update(call: &Call<'_>) -> Result<Value, CallError> {
    let Update { dest, defaults, merge_lists } = call.typed()?;
    let over = |value: Value| {
        let below = defaults.clone();
        if merge_lists { joined(below, value) } else { laid_over(below, value) }
    };
    Ok(Value::Map(dest.into_iter().map(|(key, value)| (key, over(value))).collect()))
}

#[derive(Deserialize)]
struct Source {
    source: Value,
}

#[derive(Deserialize)]
struct MergeAll {
    lst: Vec<Value>,
    #[serde(default)]
    merge_lists: bool,
}

fn merge_all(call: &Call<'_>) -> Result<Value, CallError> {
    let MergeAll { lst, merge_lists } = call.typed()?;
    let lay = |below, above| if merge_lists { joined(below, above) } else { laid_over(below, above) };
    Ok(lst.into_iter().fold(Value::map(), lay))
}

/// Lays one value over another; lists are joined, what both have comes once.
fn joined(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::List(mut below), Value::List(above)) => {
            for item in above {
                if !below.contains(&item) {
                    below.push(item);
                }
            }
            Value::List(below)
        }
        (Value::Map(mut below), Value::Map(above)) => {
            for (key, value) in above {
                let value = match below.get_mut(&key) {
                    Some(old) => joined(std::mem::take(old), value),
                    None => value,
                };
                below.insert(key, value);
            }
            Value::Map(below)
        }
        (below, above) => laid_over(below, above),
    }
}

fn boolstr(call: &Call<'_>) -> Result<Value, CallError> {
    let BoolStr { value, yes, no } = call.typed()?;
    let holds = match &value {
        Value::Str(text) => ["yes", "on", "true", "1"].contains(&text.trim().to_lowercase().as_str()),
        other => other.truthy(),
    };
    Ok(if holds { yes.unwrap_or(true.into()) } else { no.unwrap_or(false.into()) })
}
