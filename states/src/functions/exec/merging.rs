//! `slsutil.merge` and its like, `defaults.merge` and `defaults.update`: one mapping laid over another.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::grains::laid_over;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const STRATEGY: ArgDoc = ArgDoc::with_default(
    "strategy",
    Kind::Text,
    "smart",
    "overwrite takes values whole, list puts both into a list, others go deep.",
);
const RENDERER: ArgDoc = ArgDoc::with_default(
    "renderer",
    Kind::Text,
    "yaml",
    "What the data was rendered with; with yamlex, smart does not join lists.",
);
const REPLACED: ArgDoc =
    ArgDoc::with_default("merge_lists", Kind::Bool, "false", "Whether lists are joined, not replaced.");
const JOINED: ArgDoc =
    ArgDoc::with_default("merge_lists", Kind::Bool, "true", "Whether lists are joined, not replaced.");
const IN_PLACE: ArgDoc =
    ArgDoc::with_default("in_place", Kind::Bool, "true", "Whether a template's `dest` is changed itself.");
const CONVERT_NONE: ArgDoc = ArgDoc::with_default(
    "convert_none",
    Kind::Bool,
    "true",
    "Whether null counts as an empty mapping; a `dest` that is changed itself must be one.",
);

const MERGE: &[ArgDoc] = &[
    ArgDoc::required("obj_a", Kind::Map, "What is laid over."),
    ArgDoc::required("obj_b", Kind::Map, "What lies above."),
    STRATEGY,
    RENDERER,
    REPLACED,
];
const MERGE_ALL: &[ArgDoc] =
    &[ArgDoc::required("lst", Kind::List, "The mappings."), STRATEGY, RENDERER, REPLACED];
const UPDATE: &[ArgDoc] = &[
    ArgDoc::required("dest", Kind::Map, "What is laid over; a template's mapping is changed itself."),
    ArgDoc::required("upd", Kind::Map, "What lies above."),
    ArgDoc::with_default("recursive_update", Kind::Bool, "true", "Whether mappings go deep."),
    REPLACED,
];
const MERGE_DEFAULTS: &[ArgDoc] = &[
    ArgDoc::required("dest", Kind::Map, "What is laid over."),
    ArgDoc::required("src", Kind::Map, "What lies above."),
    REPLACED,
    IN_PLACE,
    CONVERT_NONE,
];
const UPDATE_DEFAULTS: &[ArgDoc] = &[
    ArgDoc::required("dest", Kind::Map, "Mappings by name."),
    ArgDoc::required("defaults", Kind::Map, "What each of them has where it says nothing else."),
    JOINED,
    IN_PLACE,
    CONVERT_NONE,
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "slsutil.merge",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            MERGE,
            "lab-minion call --local slsutil.merge '{a: 1}' '{b: 2}'",
        ),
        body: merge,
    },
    Exec {
        name: "slsutil.merge_all",
        doc: FunctionDoc::new(
            "Lays all mappings of a list over one another, deeply; the last one is on top.",
            MERGE_ALL,
            "lab-minion call --local slsutil.merge_all '[{a: 1}, {b: 2}]'",
        ),
        body: merge_all,
    },
    Exec {
        name: "slsutil.update",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            UPDATE,
            "lab-minion call --local slsutil.update '{a: 1}' '{b: 2}'",
        ),
        body: update,
    },
    Exec {
        name: "defaults.merge",
        doc: FunctionDoc::new(
            "Lays one mapping over another, deeply.",
            MERGE_DEFAULTS,
            "lab-minion call --local defaults.merge '{a: 1}' '{b: 2}'",
        ),
        body: merge_defaults,
    },
    Exec {
        name: "defaults.update",
        doc: FunctionDoc::new(
            "Lays defaults below each value of a mapping.",
            UPDATE_DEFAULTS,
            "lab-minion call --local defaults.update '{web: {port: 81}}' '{port: 80, tls: true}'",
        ),
        body: update_defaults,
    },
];

/// How `slsutil.merge` and `slsutil.merge_all` lay one value over another.
#[derive(Deserialize)]
struct How {
    #[serde(default = "smart")]
    strategy: String,
    #[serde(default = "plain")]
    renderer: String,
    #[serde(default)]
    merge_lists: bool,
}

impl How {
    fn lay(&self, below: Value, above: Value) -> Value {
        let yamlex =
            self.renderer.starts_with("yamlex_") || self.renderer.rsplit('|').next() == Some("yamlex");
        match (self.strategy.as_str(), below, above) {
            ("overwrite", Value::Map(mut below), Value::Map(above)) => {
                below.extend(above);
                Value::Map(below)
            }
            ("list", Value::Map(mut below), Value::Map(above)) => {
                for (key, value) in &mut below {
                    if let Some(other) = above.get(key) {
                        *value = vec![std::mem::take(value), other.clone()].into();
                    }
                }
                Value::Map(below)
            }
            // Whatever else a strategy is called, mappings go deep; only the two that do so on purpose join lists.
            ("recurse", below, above) if self.merge_lists => joined(below, above),
            ("smart", below, above) if self.merge_lists && !yamlex => joined(below, above),
            (_, below, above) => laid_over(below, above),
        }
    }
}

fn smart() -> String {
    "smart".to_owned()
}

fn plain() -> String {
    "yaml".to_owned()
}

fn yes() -> bool {
    true
}

fn merge(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct Merge {
        obj_a: Value,
        obj_b: Value,
    }
    let (Merge { obj_a, obj_b }, how) = (call.typed()?, call.typed::<How>()?);
    Ok(how.lay(obj_a, obj_b))
}

fn merge_all(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct All {
        lst: Vec<Value>,
    }
    let (All { lst }, how) = (call.typed()?, call.typed::<How>()?);
    Ok(lst.into_iter().fold(Value::map(), |below, above| how.lay(below, above)))
}

fn update(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct Update {
        dest: Value,
        upd: Value,
        #[serde(default = "yes")]
        recursive_update: bool,
        #[serde(default)]
        merge_lists: bool,
    }
    match call.typed()? {
        Update { dest: Value::Map(mut dest), upd: Value::Map(upd), recursive_update: false, .. } => {
            dest.extend(upd);
            Ok(Value::Map(dest))
        }
        Update { dest, upd, merge_lists, .. } => updated(dest, upd, merge_lists),
    }
}

fn merge_defaults(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct Merge {
        dest: Value,
        src: Value,
        #[serde(default)]
        merge_lists: bool,
    }
    let (Merge { dest, src, merge_lists }, nothing) = (call.typed()?, call.typed::<Nothing>()?);
    updated(nothing.destination(dest)?, nothing.source(src), merge_lists)
}

fn update_defaults(call: &Call<'_>) -> Result<Value, CallError> {
    #[derive(Deserialize)]
    struct Update {
        dest: Value,
        defaults: Value,
        #[serde(default = "yes")]
        merge_lists: bool,
    }
    let (Update { dest, defaults, merge_lists }, nothing) = (call.typed()?, call.typed::<Nothing>()?);
    let Value::Map(dest) = nothing.destination(dest)? else {
        return Err(CallError::failed("dest is no mapping: write mappings by name"));
    };
    let defaults = nothing.source(defaults);
    let over = |(name, value)| Ok((name, updated(defaults.clone(), nothing.source(value), merge_lists)?));
    dest.into_iter().map(over).collect::<Result<Map, CallError>>().map(Value::Map)
}

/// What `defaults.merge` and `defaults.update` do with nothing at all.
#[derive(Deserialize)]
struct Nothing {
    #[serde(default = "yes")]
    in_place: bool,
    #[serde(default = "yes")]
    convert_none: bool,
}

impl Nothing {
    fn source(&self, value: Value) -> Value {
        if self.convert_none && value == Value::Null { Value::map() } else { value }
    }

    fn destination(&self, value: Value) -> Result<Value, CallError> {
        if self.in_place && value == Value::Null {
            return Err(CallError::failed("dest is null and cannot be changed itself: say in_place=False"));
        }
        Ok(self.source(value))
    }
}

fn updated(below: Value, above: Value, merge_lists: bool) -> Result<Value, CallError> {
    if let Some(other) = [&below, &above].into_iter().find(|v| v.as_map().is_none()) {
        return Err(CallError::failed(format!("cannot update with {other}: both must be mappings")));
    }
    Ok(if merge_lists { joined(below, above) } else { laid_over(below, above) })
}

/// Lays one value over another; lists are joined, without what the one below has already.
fn joined(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::List(mut below), Value::List(above)) => {
            let new: Vec<Value> = above.into_iter().filter(|item| !below.contains(item)).collect();
            below.extend(new);
            Value::List(below)
        }
        (Value::Map(mut below), Value::Map(above)) => {
            for (key, value) in above {
                let value = match below.get_mut(&key) {
                    Some(old) if value != Value::Null => joined(std::mem::take(old), value),
                    _ => value,
                };
                below.insert(key, value);
            }
            Value::Map(below)
        }
        (below, above) => laid_over(below, above),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn values_are_merged_by_the_strategy() {
        let bench = Bench::new(SimHost::new());
        let of = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let merged = |strategy: &str, lists: bool| {
            let args = [of("{\"l\": [1], \"m\": {\"x\": 1}}"), of("{\"l\": [2], \"m\": {\"y\": 2}}")];
            let kwargs = [("strategy".into(), strategy.into()), ("merge_lists".into(), lists.into())];
            bench.exec("slsutil.merge", &args, &kwargs.into_iter().collect()).expect("merges")
        };
        let deep = of("{\"l\": [2], \"m\": {\"x\": 1, \"y\": 2}}");
        let joined = of("{\"l\": [1, 2], \"m\": {\"x\": 1, \"y\": 2}}");
        for strategy in ["smart", "recurse", "none", "of its own"] {
            assert_eq!(merged(strategy, false), deep, "{strategy}");
        }
        assert_eq!((merged("smart", true), merged("recurse", true)), (joined.clone(), joined));
        assert_eq!(merged("none", true), deep);
        assert_eq!(merged("overwrite", false), of("{\"l\": [2], \"m\": {\"y\": 2}}"));
        assert_eq!(merged("list", false), of("{\"l\": [[1], [2]], \"m\": [{\"x\": 1}, {\"y\": 2}]}"));
    }

    #[test]
    fn the_arguments_of_each_merge_are_salts_in_order() {
        let bench = Bench::new(SimHost::new());
        let call = |name: &str, args: &str| {
            let args = serde_json::from_str::<Value>(args).expect("JSON");
            let said = bench.exec(name, args.as_list().expect("a list"), &Map::new());
            said.map_or_else(|e| format!("error: {e}"), |v| serde_json::to_string(&v).expect("JSON"))
        };
        for (name, args, want) in [
            ("defaults.merge", r#"[{"l": [1]}, {"l": [2, 2]}, true]"#, r#"{"l":[1,2,2]}"#),
            ("defaults.merge", r#"[null, {"a": 1}, false, false]"#, r#"{"a":1}"#),
            ("defaults.merge", r#"[null, {"a": 1}]"#, "error: dest is null"),
            ("defaults.merge", r#"[null, {"a": 1}, false, false, false]"#, "error: cannot update"),
            ("defaults.merge", r#"[{"a": 1}, null, false, true, false]"#, "error: cannot update"),
            ("defaults.update", r#"[{"x": null}, {"l": [1]}]"#, r#"{"x":{"l":[1]}}"#),
            ("defaults.update", r#"[{"x": {"l": [2]}}, {"l": [1]}, false]"#, r#"{"x":{"l":[2]}}"#),
            ("defaults.update", r#"[null, {"l": [1]}, true, false]"#, "{}"),
            ("slsutil.update", r#"[{"m": {"x": 1}}, {"m": {"y": 2}}, false]"#, r#"{"m":{"y":2}}"#),
            ("slsutil.update", r#"[{"l": [1]}, {"l": [2]}, true, true]"#, r#"{"l":[1,2]}"#),
            ("slsutil.merge", r#"[{"a": 1}, {"a": 2}, "list"]"#, r#"{"a":[1,2]}"#),
            ("slsutil.merge", r#"[{"l": [1]}, {"l": [2]}, "smart", "yaml", true]"#, r#"{"l":[1,2]}"#),
            ("slsutil.merge", r#"[{"l": [1]}, {"l": [2]}, "smart", "jinja|yamlex", true]"#, r#"{"l":[2]}"#),
            ("slsutil.merge_all", r#"[[{"a": 1}, {"a": 2}], "list"]"#, "{}"),
        ] {
            let said = call(name, args);
            assert!(said.starts_with(want), "{name} {args}: {said}");
        }
    }
}
