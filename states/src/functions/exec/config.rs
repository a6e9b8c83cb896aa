//! `config.*`

use lab_proto::Value;
use serde::Deserialize;

use super::grains::{colon, empty};
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::lookup::traverse;

const GET: &[ArgDoc] = &[
    ArgDoc::required("key", Kind::Text, "Which; a path with colons leads into mappings and lists."),
    ArgDoc::with_default("default", Kind::Any, "''", "What is returned without it."),
    ArgDoc::with_default("delimiter", Kind::Text, "':'", "What separates the parts of the path."),
    ArgDoc::optional("merge", Kind::Any, "Accepted."),
];

const MERGE: &[ArgDoc] = &[
    ArgDoc::required("value", Kind::Text, "Which."),
    ArgDoc::with_default("default", Kind::Any, "''", "What is returned without it."),
    ArgDoc::with_default("omit_opts", Kind::Bool, "false", "Whether the agent's settings do not count."),
    ArgDoc::with_default("omit_master", Kind::Bool, "false", "Whether `master` in pillar does not count."),
    ArgDoc::with_default("omit_pillar", Kind::Bool, "false", "Whether pillar does not count."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "config.get",
        doc: FunctionDoc::new(
            "Returns a setting: of the agent, else a grain, else of pillar.",
            GET,
            "lab-master run '*' config.get id",
        )
        .open(),
        body: get,
    },
    Exec {
        name: "config.merge",
        doc: FunctionDoc::new(
            "Returns a setting put together from the agent's, from `master` in pillar, and from pillar.",
            MERGE,
            "lab-minion call --local config.merge id",
        ),
        body: merge,
    },
    Exec {
        name: "config.option",
        doc: FunctionDoc::new(
            "Returns a setting: of the agent, else a grain, else of pillar.",
            GET,
            "lab-master run '*' config.option id",
        )
        .open(),
        body: get,
    },
];

#[derive(Deserialize)]
struct Merge {
    value: String,
    #[serde(default = "empty")]
    default: Value,
    #[serde(default)]
    omit_opts: bool,
    #[serde(default)]
    omit_master: bool,
    #[serde(default)]
    omit_pillar: bool,
}

fn merge(call: &Call<'_>) -> Result<Value, CallError> {
    let Merge { value, default, omit_opts, omit_master, omit_pillar } = call.typed()?;
    let services = call.ctx.services;
    let (opts, pillar) = (services.opts(), services.pillar());
    let master = pillar.get("master").cloned().unwrap_or_default();
    let trees = [(omit_opts, &*opts), (omit_master, &master), (omit_pillar, &*pillar)];
    let mut found: Option<Value> = None;
    for below in trees.iter().filter(|(omit, _)| !omit).filter_map(|(_, tree)| tree.get(value.as_str())) {
        found = Some(match (found, below) {
            (None, below) => below.clone(),
            // What came first counts more, but for lists, which are joined.
            (Some(Value::Map(above)), Value::Map(below)) => {
                let mut all = below.clone();
                all.extend(above);
                Value::Map(all)
            }
            (Some(Value::List(mut first)), Value::List(more)) => {
                first.extend(more.iter().cloned());
                Value::List(first)
            }
            (Some(found), _) => found,
        });
        if matches!(found, Some(Value::Str(_))) {
            break;
        }
    }
    Ok(found.unwrap_or(default))
}

#[derive(Deserialize)]
struct Get {
    key: String,
    #[serde(default = "empty")]
    default: Value,
    #[serde(default = "colon")]
    delimiter: String,
}

fn get(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { key, default, delimiter } = call.typed()?;
    let services = call.ctx.services;
    let trees = [services.opts(), services.grains(), services.pillar()];
    Ok(trees.iter().find_map(|tree| traverse(tree, &key, &delimiter).cloned()).unwrap_or(default))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn settings_come_from_the_agent_grains_and_pillar() {
        let bench = Bench::new(SimHost::new());
        let get = |key: &str| bench.exec("config.get", &[key.into()], &Map::new()).unwrap();
        assert_eq!(get("id"), Value::from("sim"));
        assert_eq!(get("os"), Value::from("Simulated"));
        assert_eq!(get("example:key"), Value::from("value"));
        assert_eq!(get("none"), Value::from(""));
    }
}
