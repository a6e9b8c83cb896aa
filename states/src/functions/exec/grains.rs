//! `grains.*`

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::lookup::traverse;
use crate::functions::support::text_of;

const GET: &[ArgDoc] = &[
    ArgDoc::required("key", Kind::Text, "Which; a path with colons leads into mappings and lists."),
    ArgDoc::with_default("default", Kind::Any, "''", "What is returned without it."),
    ArgDoc::with_default("delimiter", Kind::Text, "':'", "What separates the parts of the path."),
];
const HAS: &[ArgDoc] = &[ArgDoc::required("key", Kind::Text, "Which.")];
const FILTER: &[ArgDoc] = &[
    ArgDoc::required("lookup_dict", Kind::Map, "Values by what the grain may be; patterns are allowed."),
    ArgDoc::with_default("grain", Kind::Text, "os_family", "The grain that decides."),
    ArgDoc::optional("merge", Kind::Map, "What is laid over the value."),
    ArgDoc::with_default("default", Kind::Text, "default", "The entry that is taken when none fits."),
    ArgDoc::optional("base", Kind::Text, "The entry that the chosen one is laid over."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "grains.get",
        doc: FunctionDoc::new("Returns one grain.", GET, "lab-master run '*' grains.get os"),
        body: get,
    },
    Exec {
        name: "grains.items",
        doc: FunctionDoc::new("Returns all grains.", &[], "lab-master run '*' grains.items").open(),
        body: |call| Ok(Value::clone(&call.ctx.services.grains())),
    },
    Exec {
        name: "grains.item",
        doc: FunctionDoc::new(
            "Returns some grains by name.",
            &[],
            "lab-master run '*' grains.item os osrelease",
        )
        .open(),
        body: item,
    },
    Exec {
        name: "grains.ls",
        doc: FunctionDoc::new("Lists the names of all grains.", &[], "lab-master run '*' grains.ls"),
        body: ls,
    },
    Exec {
        name: "grains.has_value",
        doc: FunctionDoc::new(
            "Tells whether a grain has a value.",
            HAS,
            "lab-master run '*' grains.has_value roles",
        ),
        body: has_value,
    },
    Exec {
        name: "grains.filter_by",
        doc: FunctionDoc::new(
            "Chooses a value by a grain.",
            FILTER,
            "lab-minion call --local grains.filter_by '{Debian: apt, default: none}'",
        ),
        body: filter_by,
    },
];

#[derive(Deserialize)]
struct Get {
    key: String,
    #[serde(default = "empty")]
    default: Value,
    #[serde(default = "colon")]
    delimiter: String,
}

pub(super) fn empty() -> Value {
    Value::from("")
}

pub(super) fn colon() -> String {
    ":".to_owned()
}

fn get(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { key, default, delimiter } = call.typed()?;
    Ok(traverse(&call.ctx.services.grains(), &key, &delimiter).cloned().unwrap_or(default))
}

fn item(call: &Call<'_>) -> Result<Value, CallError> {
    let grains = call.ctx.services.grains();
    let found = |key: &Value| {
        let text = text_of(key);
        (key.clone(), traverse(&grains, &text, ":").cloned().unwrap_or_else(empty))
    };
    if call.args.is_empty() {
        return Err(CallError::failed("name at least one grain"));
    }
    Ok(Value::Map(call.args.iter().map(found).collect()))
}

#[expect(clippy::unnecessary_wraps, reason = "all bodies have one shape")]
fn ls(call: &Call<'_>) -> Result<Value, CallError> {
    let grains = call.ctx.services.grains();
    let mut names: Vec<String> = grains.as_map().into_iter().flat_map(Map::keys).map(text_of).collect();
    names.sort();
    Ok(names.into())
}

#[derive(Deserialize)]
struct Has {
    key: String,
}

fn has_value(call: &Call<'_>) -> Result<Value, CallError> {
    let Has { key } = call.typed()?;
    Ok(traverse(&call.ctx.services.grains(), &key, ":").is_some_and(Value::truthy).into())
}

#[derive(Deserialize)]
struct FilterBy {
    lookup_dict: Map,
    #[serde(default = "os_family")]
    grain: String,
    merge: Option<Map>,
    #[serde(default = "default_entry")]
    default: String,
    base: Option<String>,
}

fn os_family() -> String {
    "os_family".to_owned()
}

fn default_entry() -> String {
    "default".to_owned()
}

fn filter_by(call: &Call<'_>) -> Result<Value, CallError> {
    let FilterBy { lookup_dict, grain, merge, default, base } = call.typed()?;
    let grains = call.ctx.services.grains();
    let have: Vec<String> = match traverse(&grains, &grain, ":") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(items)) => items.iter().map(text_of).collect(),
        Some(one) => vec![text_of(one)],
    };
    let fits = |key: &Value| {
        let pattern = text_of(key);
        have.iter().any(|h| lab_proto::glob::matches(&pattern, h))
    };
    let exact = have.iter().find_map(|h| lookup_dict.get(h.as_str()));
    let mut chosen = exact
        .or_else(|| lookup_dict.iter().find(|(key, _)| fits(key)).map(|(_, value)| value))
        .or_else(|| lookup_dict.get(default.as_str()))
        .cloned()
        .unwrap_or_default();
    if let Some(below) = base.and_then(|b| lookup_dict.get(b.as_str()).cloned()) {
        chosen = laid_over(below, chosen);
    }
    if let Some(above) = merge {
        chosen = laid_over(chosen, Value::Map(above));
    }
    Ok(chosen)
}

/// Lays one mapping over another, deeply; everything else is replaced.
pub(super) fn laid_over(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Map(mut below), Value::Map(above)) => {
            for (key, value) in above {
                let value = match below.get(&key) {
                    Some(old) => laid_over(old.clone(), value),
                    None => value,
                };
                below.insert(key, value);
            }
            Value::Map(below)
        }
        (below, Value::Null) => below,
        (_, above) => above,
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn grains_are_found_and_decide() {
        let bench = Bench::new(SimHost::new());
        let exec = |name: &str, args: &[Value]| bench.exec(name, args, &Map::new()).unwrap();
        assert_eq!(exec("grains.get", &["os".into()]), Value::from("Simulated"));
        assert_eq!(exec("grains.get", &["no".into(), "d".into()]), Value::from("d"));
        assert_eq!(exec("grains.item", &["os".into()]), Value::from([("os", "Simulated")]));
        let choice = Value::from([("Sim*", Value::from([("a", 1)])), ("default", Value::from([("b", 2)]))]);
        assert_eq!(exec("grains.filter_by", &[choice]), Value::from([("a", 1)]));
        let choice = Value::from([("RedHat", 1), ("default", 2)]);
        assert_eq!(exec("grains.filter_by", &[choice]), Value::from(2));
    }
}
