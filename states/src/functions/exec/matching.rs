//! `match.*`: whether a target means this minion.

use std::collections::BTreeMap;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::text_of;
use super::grains::laid_over;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::target::{self, Matcher, Minion};

const TGT: &[ArgDoc] = &[ArgDoc::required("tgt", Kind::Text, "The target.")];

const LIKE: &[ArgDoc] = &[
    ArgDoc::required("tgt", Kind::Any, "The target; of match.list, a list of IDs, too."),
    ArgDoc::optional("minion_id", Kind::Text, "The ID that is asked about; this minion's when not given."),
];

const LOOKUP: &[ArgDoc] = &[
    ArgDoc::required("lookup", Kind::Map, "Targets, and what they stand for."),
    ArgDoc::optional("merge", Kind::Map, "What is laid over it."),
    ArgDoc::with_default("default", Kind::Text, "default", "The key that counts when none does."),
];

const SEARCH: &[ArgDoc] =
    &[ArgDoc::required("lookup", Kind::Map, "Lists of targets, and what they stand for.")];

macro_rules! matcher {
    ($name:literal, $args:ident, $summary:literal, $example:literal, $kind:ident) => {
        Exec {
            name: $name,
            doc: FunctionDoc::new($summary, $args, $example).open(),
            body: |call| means_us(call, Matcher::$kind),
        }
    };
}

pub(super) static ALL: &[Exec] = &[
    matcher!(
        "match.glob",
        LIKE,
        "Tells whether a pattern means this minion.",
        "lab-minion call --local match.glob 'web*'",
        Glob
    ),
    matcher!(
        "match.list",
        LIKE,
        "Tells whether a list names this minion.",
        "lab-minion call --local match.list a,b",
        List
    ),
    matcher!(
        "match.pcre",
        LIKE,
        "Tells whether a regular expression means this minion.",
        "lab-minion call --local match.pcre 'web.*'",
        Pcre
    ),
    matcher!(
        "match.grain",
        TGT,
        "Tells whether a grain has a value.",
        "lab-minion call --local match.grain os:Debian",
        Grain
    ),
    matcher!(
        "match.grain_pcre",
        TGT,
        "Tells whether a grain fits a regular expression.",
        "lab-minion call --local match.grain_pcre 'os:Deb.*'",
        GrainPcre
    ),
    matcher!(
        "match.pillar",
        TGT,
        "Tells whether pillar has a value.",
        "lab-minion call --local match.pillar role:kvm",
        Pillar
    ),
    matcher!(
        "match.compound",
        TGT,
        "Tells whether a compound target means this minion.",
        "lab-minion call --local match.compound 'G@os:Debian'",
        Compound
    ),
    matcher!(
        "match.pillar_pcre",
        TGT,
        "Tells whether a pillar value fits a regular expression.",
        "lab-minion call --local match.pillar_pcre 'role:k.*'",
        PillarPcre
    ),
    matcher!(
        "match.ipcidr",
        TGT,
        "Tells whether the minion has an address, or one in a network.",
        "lab-minion call --local match.ipcidr 10.0.0.0/8",
        IpCidr
    ),
    Exec {
        name: "match.search_by",
        doc: FunctionDoc::new(
            "Lists the keys of a mapping whose lists have a compound target that means this minion; none when there is \
             no such key.",
            SEARCH,
            "lab-minion call --local match.search_by \"{web: ['web*'], db: ['G@role:db']}\"",
        ),
        body: search_by,
    },
    Exec {
        name: "match.filter_by",
        doc: FunctionDoc::new(
            "Returns the value of the first key of a mapping that, as a compound target, means this minion.",
            LOOKUP,
            "lab-minion call --local match.filter_by \"{'web*': 1, default: 2}\"",
        )
        .open(),
        body: filter_by,
    },
    Exec {
        name: "match.ifelse",
        doc: FunctionDoc::new(
            "Takes targets with a value each, and a last value: returns that of the first target that means this \
             minion, or the last.",
            &[],
            "lab-minion call --local match.ifelse 'web*' Web 'db*' Database Other",
        )
        .open(),
        body: ifelse,
    },
];

#[derive(Deserialize)]
struct Args {
    tgt: Value,
    minion_id: Option<String>,
}

#[derive(Deserialize)]
struct FilterBy {
    lookup: Map,
    merge: Option<Map>,
    #[serde(default = "by_default")]
    default: String,
}

fn by_default() -> String {
    "default".to_owned()
}

fn means_us(call: &Call<'_>, kind: Matcher) -> Result<Value, CallError> {
    let Args { tgt, minion_id } = call.typed()?;
    let tgt = match &tgt {
        Value::List(ids) => ids.iter().map(text_of).collect::<Vec<_>>().join(","),
        other => text_of(other),
    };
    let id = minion_id.as_deref().unwrap_or_else(|| call.ctx.services.id());
    Ok(is_meant(call, kind, &tgt, id)?.into())
}

fn filter_by(call: &Call<'_>) -> Result<Value, CallError> {
    let FilterBy { lookup, merge, default } = call.typed()?;
    let mut chosen = lookup.get(default.as_str()).cloned().unwrap_or_default();
    for (target, value) in &lookup {
        if means(call, Matcher::Compound, &text_of(target))? {
            chosen = value.clone();
            break;
        }
    }
    Ok(match merge {
        Some(above) => laid_over(chosen, Value::Map(above)),
        None => chosen,
    })
}

#[derive(Deserialize)]
struct SearchBy {
    lookup: Map,
}

fn search_by(call: &Call<'_>) -> Result<Value, CallError> {
    let mut found = Vec::new();
    for (key, targets) in &call.typed::<SearchBy>()?.lookup {
        for target in targets.as_list().unwrap_or_default() {
            if means(call, Matcher::Compound, &text_of(target))? {
                found.push(key.clone());
            }
        }
    }
    Ok(if found.is_empty() { Value::Null } else { Value::List(found) })
}

fn ifelse(call: &Call<'_>) -> Result<Value, CallError> {
    let Some((otherwise, pairs)) = call.args.split_last().filter(|(_, pairs)| pairs.len() % 2 == 0) else {
        return Err(CallError::failed("match.ifelse must have an odd number of arguments"));
    };
    for pair in pairs.chunks(2) {
        let holds = match &pair[0] {
            Value::Bool(holds) => *holds,
            target => means(call, Matcher::Compound, &text_of(target))?,
        };
        if holds {
            return Ok(pair[1].clone());
        }
    }
    Ok(otherwise.clone())
}

fn means(call: &Call<'_>, kind: Matcher, tgt: &str) -> Result<bool, CallError> {
    is_meant(call, kind, tgt, call.ctx.services.id())
}

fn is_meant(call: &Call<'_>, kind: Matcher, tgt: &str, id: &str) -> Result<bool, CallError> {
    let services = call.ctx.services;
    let (grains, pillar) = (services.grains(), services.pillar());
    let minion = Minion { id, grains: &grains, pillar: &pillar, nodegroups: &BTreeMap::new() };
    target::matches(kind, tgt, &minion).map_err(|e| CallError::failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn targets_are_matched_against_this_minion() {
        let bench = Bench::new(SimHost::new());
        let met = |function: &str, tgt: &str| bench.exec(function, &[tgt.into()], &Map::new());
        assert_eq!(met("match.glob", "s*"), Ok(true.into()));
        assert_eq!(met("match.list", "a,b"), Ok(false.into()));
        assert_eq!(met("match.grain", "os:Sim*"), Ok(true.into()));
        assert_eq!(met("match.compound", "G@os:Sim* and not web*"), Ok(true.into()));
        let lookup = Value::from([("web*", 1), ("G@os:Sim*", 2), ("default", 3)]);
        assert_eq!(bench.exec("match.filter_by", &[lookup], &Map::new()), Ok(2.into()));
        let search = Value::from([("web", vec!["web*"]), ("sim", vec!["web*", "s*"])]);
        assert_eq!(bench.exec("match.search_by", &[search], &Map::new()), Ok(vec!["sim"].into()));
        let ifelse = |args: &[Value]| bench.exec("match.ifelse", args, &Map::new());
        assert_eq!(ifelse(&["web*".into(), 1.into(), true.into(), 2.into(), 3.into()]), Ok(2.into()));
        assert_eq!(ifelse(&["web*".into(), 1.into(), 3.into()]), Ok(3.into()));
        assert!(ifelse(&["web*".into(), 1.into()]).is_err());
    }
}
