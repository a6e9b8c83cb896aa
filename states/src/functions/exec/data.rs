//! Helpers of templates: a formula's defaults, copies, words for truth.

use lab_proto::Value;
use serde::Deserialize;

use super::grains::empty;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::lookup::traverse;

const DEFAULT: &[ArgDoc] = &[
    ArgDoc::required("key", Kind::Text, "FORMULA:KEY; more colons lead into mappings and lists."),
    ArgDoc::with_default("default", Kind::Any, "''", "What is returned without it."),
];
const SOURCE: &[ArgDoc] = &[ArgDoc::required("source", Kind::Any, "What is copied.")];

const BOOLSTR: &[ArgDoc] = &[
    ArgDoc::required("value", Kind::Any, "What decides."),
    ArgDoc::with_default("true", Kind::Any, "true", "What stands for true."),
    ArgDoc::with_default("false", Kind::Any, "false", "What stands for false."),
];

pub(super) static ALL: &[Exec] = &[
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
        name: "defaults.get",
        doc: FunctionDoc::new(
            "Returns a value of a formula's defaults.yaml or defaults.json in the state tree.",
            DEFAULT,
            "lab-minion call --local defaults.get web:port",
        ),
        body: defaults_get,
    },
];

#[derive(Deserialize)]
struct BoolStr {
    value: Value,
    #[serde(rename = "true")]
    yes: Option<Value>,
    #[serde(rename = "false")]
    no: Option<Value>,
}

#[derive(Deserialize)]
struct Source {
    source: Value,
}

#[derive(Deserialize)]
struct DefaultOf {
    key: String,
    #[serde(default = "empty")]
    default: Value,
}

fn defaults_get(call: &Call<'_>) -> Result<Value, CallError> {
    let DefaultOf { key, default } = call.typed()?;
    let (formula, rest) = key.split_once(':').map_or((key.as_str(), ""), |(formula, rest)| (formula, rest));
    let all = defaults_of(formula, call)?;
    if rest.is_empty() {
        return Ok(all.unwrap_or_default());
    }
    Ok(all.as_ref().and_then(|all| traverse(all, rest, ":")).cloned().unwrap_or(default))
}

/// Reads the first file of defaults that a formula has.
fn defaults_of(formula: &str, call: &Call<'_>) -> Result<Option<Value>, CallError> {
    for ending in ["yaml", "json"] {
        let path = format!("{}/defaults.{ending}", formula.trim_start_matches('/'));
        let bytes = match call.ctx.services.file(&path, "base") {
            Ok(bytes) => bytes,
            Err(e) if e.missing => continue,
            Err(e) => return Err(e.into()),
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| CallError::failed(format!("salt://{path} is no text in UTF-8")))?;
        let data = super::render::read(ending, &text, &format!("salt://{path}"))?;
        return Ok(Some(if data.truthy() { data } else { Value::map() }));
    }
    Ok(None)
}

fn boolstr(call: &Call<'_>) -> Result<Value, CallError> {
    let BoolStr { value, yes, no } = call.typed()?;
    let holds = match &value {
        Value::Str(text) => ["yes", "on", "true", "1"].contains(&text.trim().to_lowercase().as_str()),
        other => other.truthy(),
    };
    Ok(if holds { yes.unwrap_or(true.into()) } else { no.unwrap_or(false.into()) })
}

#[cfg(test)]
mod tests {
    use lab_proto::Map;

    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn defaults_are_those_of_the_formula() {
        let bench = Bench::new(SimHost::new()).with_state_file("web/defaults.json", "{\"port\": 80}");
        let get = |key: &str, more: &[Value]| {
            bench.exec("defaults.get", &[&[key.into()], more].concat(), &Map::new())
        };
        assert_eq!(get("web:port", &[]), Ok(80.into()));
        assert_eq!(get("web", &[]), Ok(Value::from([("port", 80)])));
        assert_eq!(get("web:none", &["x".into()]), Ok("x".into()));
        assert_eq!(get("none:port", &[]), Ok("".into()));
        assert_eq!(get("none", &[]), Ok(Value::Null));
        assert_eq!(get("/web:port", &[]), Ok(80.into()));
    }

    #[test]
    fn defaults_in_json_are_read_as_json() {
        let bench = Bench::new(SimHost::new())
            .with_state_file("a/defaults.json", "{\"on\": 1, \"on\": 2,\n\t\"off\": 1e3}")
            .with_state_file("b/defaults.json", "port: 80\n");
        let get = |key: &str| bench.exec("defaults.get", &[key.into()], &Map::new());
        assert_eq!(get("a:on"), Ok(2.into()));
        assert_eq!(get("a:off"), Ok(Value::Float(1000.0)));
        assert!(get("b:port").is_err());
    }
}
