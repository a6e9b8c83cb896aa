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
