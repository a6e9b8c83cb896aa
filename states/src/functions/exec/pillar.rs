//! `pillar.*`

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::grains::{Choice, chosen, colon, empty, laid_over};
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::lookup::traverse;
use crate::functions::support::text_of;

const GET: &[ArgDoc] = &[
    ArgDoc::required("key", Kind::Text, "Which; a path with colons leads into mappings and lists."),
    ArgDoc::with_default("default", Kind::Any, "''", "What is returned without it."),
    ArgDoc::with_default(
        "merge",
        Kind::Bool,
        "false",
        "Whether the value is laid over the default, or a list joined to it.",
    ),
    ArgDoc::optional("merge_nested_lists", Kind::Bool, "Accepted."),
    ArgDoc::with_default("delimiter", Kind::Text, "':'", "What separates the parts of the path."),
];
const FILTER: &[ArgDoc] = &[
    ArgDoc::required(
        "lookup_dict",
        Kind::Map,
        "Values by what the pillar value may be; patterns are allowed.",
    ),
    ArgDoc::required(
        "pillar",
        Kind::Text,
        "The pillar value that decides; a path with colons leads into mappings.",
    ),
    ArgDoc::optional("merge", Kind::Map, "What is laid over the value."),
    ArgDoc::with_default("default", Kind::Text, "default", "The entry that is taken when none fits."),
    ArgDoc::optional("base", Kind::Text, "The entry that the chosen one is laid over."),
];
const KEY: &[ArgDoc] = &[ArgDoc::required("key", Kind::Text, "Which.")];

const RAW: &[ArgDoc] = &[ArgDoc::optional("key", Kind::Text, "Which; all, when not given.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "pillar.get",
        doc: FunctionDoc::new("Returns one value of pillar.", GET, "lab-master run '*' pillar.get nets:mgmt")
            .open(),
        body: get,
    },
    Exec {
        name: "pillar.items",
        doc: FunctionDoc::new(
            "Returns the whole pillar, or the values that are named.",
            &[],
            "lab-master run '*' pillar.items",
        )
        .open(),
        body: items,
    },
    Exec {
        name: "pillar.raw",
        doc: FunctionDoc::new(
            "Returns the whole pillar, or what is at its top under a key.",
            RAW,
            "lab-master run '*' pillar.raw",
        )
        .open(),
        body: raw,
    },
    Exec {
        name: "pillar.data",
        doc: FunctionDoc::new("As pillar.items.", &[], "lab-master run '*' pillar.data").open(),
        body: items,
    },
    Exec {
        name: "pillar.item",
        doc: FunctionDoc::new("Returns some values of pillar.", &[], "lab-master run '*' pillar.item nets")
            .open(),
        body: item,
    },
    Exec {
        name: "pillar.filter_by",
        doc: FunctionDoc::new(
            "Chooses a value by a pillar value.",
            FILTER,
            "lab-minion call --local pillar.filter_by '{web: nginx, default: none}' role",
        ),
        body: filter_by,
    },
    Exec {
        name: "pillar.keys",
        doc: FunctionDoc::new(
            "Lists the keys of a mapping in pillar.",
            KEY,
            "lab-master run '*' pillar.keys nets",
        ),
        body: keys,
    },
    Exec {
        name: "pillar.ls",
        doc: FunctionDoc::new("Lists the names at the top of pillar.", &[], "lab-master run '*' pillar.ls"),
        body: ls,
    },
    Exec {
        name: "pillar.fetch",
        doc: FunctionDoc::new(
            "Returns one value of pillar.",
            GET,
            "lab-master run '*' pillar.fetch nets:mgmt",
        )
        .open(),
        body: get,
    },
];

#[derive(Deserialize)]
struct Get {
    key: String,
    #[serde(default = "empty")]
    default: Value,
    #[serde(default)]
    merge: bool,
    #[serde(default = "colon")]
    delimiter: String,
}

fn get(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { key, default, merge, delimiter } = call.typed()?;
    let pillar = call.ctx.services.pillar();
    Ok(match (traverse(&pillar, &key, &delimiter), default) {
        (Some(value @ Value::Map(_)), default @ Value::Map(_)) if merge => laid_over(default, value.clone()),
        (Some(Value::List(above)), Value::List(mut list)) if merge => {
            let more: Vec<Value> = above.iter().filter(|item| !list.contains(item)).cloned().collect();
            list.extend(more);
            Value::List(list)
        }
        (Some(value), _) => value.clone(),
        (None, default) => default,
    })
}

fn items(call: &Call<'_>) -> Result<Value, CallError> {
    if call.args.is_empty() { Ok(Value::clone(&call.ctx.services.pillar())) } else { item(call) }
}

#[derive(Deserialize)]
struct Raw {
    key: Option<String>,
}

fn raw(call: &Call<'_>) -> Result<Value, CallError> {
    let Raw { key } = call.typed()?;
    let pillar = call.ctx.services.pillar();
    Ok(match key.filter(|key| !key.is_empty()) {
        Some(key) => pillar.get(&key).cloned().unwrap_or_else(Value::map),
        None => Value::clone(&pillar),
    })
}

fn item(call: &Call<'_>) -> Result<Value, CallError> {
    let pillar = call.ctx.services.pillar();
    if call.args.is_empty() {
        return Err(CallError::failed("name at least one key"));
    }
    let default =
        call.kwargs.get("default").filter(|d| !matches!(d, Value::Null)).cloned().unwrap_or_else(empty);
    let delimiter = call.kwargs.get("delimiter").map_or_else(colon, text_of);
    let found = |key: &Value| {
        let value = traverse(&pillar, &text_of(key), &delimiter).unwrap_or(&default);
        (key.clone(), value.clone())
    };
    Ok(Value::Map(call.args.iter().map(found).collect()))
}

#[derive(Deserialize)]
struct FilterBy {
    lookup_dict: Map,
    pillar: String,
    merge: Option<Map>,
    default: Option<String>,
    base: Option<String>,
}

fn filter_by(call: &Call<'_>) -> Result<Value, CallError> {
    let FilterBy { lookup_dict, pillar, merge, default, base } = call.typed()?;
    let default = default.as_deref().unwrap_or("default");
    let by = Choice { merge, default, base: base.as_deref() };
    Ok(chosen(&lookup_dict, &call.ctx.services.pillar(), &pillar, by))
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

fn keys(call: &Call<'_>) -> Result<Value, CallError> {
    let Key { key } = call.typed()?;
    match traverse(&call.ctx.services.pillar(), &key, ":") {
        None => Err(CallError::failed(format!("pillar key not found: {key}"))),
        Some(Value::Map(map)) => Ok(Value::List(map.keys().cloned().collect())),
        Some(other) => Err(CallError::failed(format!("pillar key {key} is a {}, no mapping", other.kind()))),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "all bodies have one shape")]
fn ls(call: &Call<'_>) -> Result<Value, CallError> {
    let pillar = call.ctx.services.pillar();
    Ok(Value::List(pillar.as_map().into_iter().flat_map(Map::keys).cloned().collect()))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn values_are_found_and_laid_over_the_default() {
        let bench = Bench::new(SimHost::new());
        let exec = |name: &str, args: &[Value]| bench.exec(name, args, &Map::new());
        assert_eq!(exec("pillar.get", &["example:key".into()]), Ok("value".into()));
        assert_eq!(exec("pillar.get", &["no".into()]), Ok("".into()));
        let default = Value::from([("more", 1)]);
        let merged = exec("pillar.get", &["example".into(), default, true.into()]).unwrap();
        assert_eq!(merged, Value::from([("more", Value::from(1)), ("key", Value::from("value"))]));
        assert_eq!(
            exec("pillar.items", &["example:key".into()]),
            Ok(Value::from([("example:key", "value")]))
        );
        assert_eq!(exec("pillar.raw", &["example".into()]), Ok(Value::from([("key", "value")])));
        assert_eq!(exec("pillar.keys", &["example".into()]), Ok(vec!["key"].into()));
        assert!(exec("pillar.keys", &["example:key".into()]).is_err());
        let lookup = Value::from([("val*", 1), ("default", 2)]);
        assert_eq!(exec("pillar.filter_by", &[lookup.clone(), "example:key".into()]), Ok(1.into()));
        assert_eq!(exec("pillar.filter_by", &[lookup, "none".into()]), Ok(2.into()));
    }
}
