//! `grains.*`

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::kernel::call_error;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::grains::Store;
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

const EQUALS: &[ArgDoc] =
    &[ArgDoc::required("key", Kind::Text, "Which."), ArgDoc::required("value", Kind::Text, "The value.")];
const SET: &[ArgDoc] = &[
    ArgDoc::required("key", Kind::Text, "Which; a path with colons leads into mappings."),
    ArgDoc::required("val", Kind::Any, "The value."),
    ArgDoc::with_default("force", Kind::Bool, "false", "Whether a list or mapping may be replaced."),
];
const SETVAL: &[ArgDoc] =
    &[ArgDoc::required("key", Kind::Text, "Which."), ArgDoc::required("val", Kind::Any, "The value.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "grains.get",
        doc: FunctionDoc::new("Returns one grain.", GET, "lab-master run '*' grains.get os"),
        body: get,
    },
    Exec {
        name: "grains.fetch",
        doc: FunctionDoc::new("Returns one grain.", GET, "lab-master run '*' grains.fetch os"),
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
        name: "grains.equals",
        doc: FunctionDoc::new(
            "Tells whether a grain has this value.",
            EQUALS,
            "lab-master run '*' grains.equals os Debian",
        ),
        body: equals,
    },
    Exec {
        name: "grains.set",
        doc: FunctionDoc::new(
            "Sets a grain of this site's own, in the agent's grains file.",
            SET,
            "lab-master run worker grains.set place:rack a7",
        ),
        body: set,
    },
    Exec {
        name: "grains.setval",
        doc: FunctionDoc::new(
            "Sets a grain of this site's own, in the agent's grains file.",
            SETVAL,
            "lab-master run worker grains.setval rack a7",
        ),
        body: set,
    },
    Exec {
        name: "grains.append",
        doc: FunctionDoc::new(
            "Adds a value to a grain that is a list, in the agent's grains file.",
            SETVAL,
            "lab-master run worker grains.append roles kvm",
        ),
        body: append,
    },
    Exec {
        name: "grains.delkey",
        doc: FunctionDoc::new(
            "Removes a grain from the agent's grains file.",
            HAS,
            "lab-master run worker grains.delkey rack",
        ),
        body: delkey,
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
struct Equals {
    key: String,
    value: String,
}

fn equals(call: &Call<'_>) -> Result<Value, CallError> {
    let Equals { key, value } = call.typed()?;
    let grains = call.ctx.services.grains();
    Ok(traverse(&grains, &key, ":").is_some_and(|have| text_of(have).eq_ignore_ascii_case(&value)).into())
}

#[derive(Deserialize)]
struct Set {
    key: String,
    val: Value,
    #[serde(default)]
    force: bool,
}

fn parts(key: &str) -> Vec<String> {
    key.split(':').map(str::to_owned).collect()
}

fn set(call: &Call<'_>) -> Result<Value, CallError> {
    let Set { key, val, force } = call.typed()?;
    let mut store = Store::open(call.ctx).map_err(call_error)?;
    let have = store.get(&parts(&key));
    // `grains.setval` has no such argument, and replaces.
    let asks = call.doc.knows("force");
    if asks && !force && have != Some(val.clone()) && matches!(have, Some(Value::List(_) | Value::Map(_))) {
        return Err(CallError::failed(format!(
            "grain {key} is a list or mapping and is not replaced (add force=True)"
        )));
    }
    store.set(&parts(&key), val.clone()).map_err(call_error)?;
    store.save(call.ctx).map_err(call_error)?;
    Ok(Value::from([(key, val)]))
}

fn append(call: &Call<'_>) -> Result<Value, CallError> {
    let Set { key, val, .. } = call.typed()?;
    let mut store = Store::open(call.ctx).map_err(call_error)?;
    let mut list = match store.get(&parts(&key)) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(list)) => list,
        Some(_) => return Err(CallError::failed(format!("grain {key} is not a valid list"))),
    };
    if !list.contains(&val) {
        list.push(val);
        store.set(&parts(&key), Value::List(list.clone())).map_err(call_error)?;
        store.save(call.ctx).map_err(call_error)?;
    }
    Ok(Value::from([(key, Value::List(list))]))
}

fn delkey(call: &Call<'_>) -> Result<Value, CallError> {
    let Has { key } = call.typed()?;
    let mut store = Store::open(call.ctx).map_err(call_error)?;
    let there = store.is_own(&parts(&key));
    if there {
        store.remove(&parts(&key));
        store.save(call.ctx).map_err(call_error)?;
    }
    Ok(there.into())
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
    let by = Choice { merge, default: &default, base: base.as_deref() };
    Ok(chosen(&lookup_dict, &call.ctx.services.grains(), &grain, by))
}

/// What goes around the entry that is chosen.
pub(super) struct Choice<'a> {
    pub(super) merge: Option<Map>,
    pub(super) default: &'a str,
    pub(super) base: Option<&'a str>,
}

/// Chooses the entry of a mapping whose key, which may be a pattern, fits what stands at a path.
pub(super) fn chosen(lookup_dict: &Map, tree: &Value, path: &str, by: Choice<'_>) -> Value {
    let Choice { merge, default, base } = by;
    let have: Vec<String> = match traverse(tree, path, ":") {
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
        .or_else(|| lookup_dict.get(default))
        .cloned()
        .unwrap_or_default();
    if let Some(below) = base.and_then(|b| lookup_dict.get(b).cloned()) {
        chosen = laid_over(below, chosen);
    }
    if let Some(above) = merge {
        chosen = laid_over(chosen, Value::Map(above));
    }
    chosen
}

/// Lays one mapping over another, deeply; everything else is replaced, by nothing, too. Nothing in the place of the
/// upper mapping leaves the lower one.
pub(super) fn laid_over(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Map(mut below), Value::Map(above)) => {
            for (key, value) in above {
                let value = match below.get(&key) {
                    Some(old) if value != Value::Null => laid_over(old.clone(), value),
                    _ => value,
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
        assert_eq!(exec("grains.equals", &["os".into(), "simulated".into()]), true.into());
        exec("grains.set", &["place:rack".into(), "a7".into()]);
        exec("grains.append", &["roles".into(), "kvm".into()]);
        exec("grains.append", &["roles".into(), "kvm".into()]);
        assert_eq!(
            bench.host.text("/etc/lab/grains").as_deref(),
            Some("place:\n  rack: a7\nroles:\n- kvm\n")
        );
        assert_eq!(exec("grains.delkey", &["roles".into()]), true.into());
        assert_eq!(exec("grains.delkey", &["roles".into()]), false.into());
        let choice = Value::from([("Sim*", Value::from([("a", 1)])), ("default", Value::from([("b", 2)]))]);
        assert_eq!(exec("grains.filter_by", &[choice]), Value::from([("a", 1)]));
        let choice = Value::from([("RedHat", 1), ("default", 2)]);
        assert_eq!(exec("grains.filter_by", &[choice]), Value::from(2));
    }
}
