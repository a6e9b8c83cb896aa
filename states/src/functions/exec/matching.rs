//! `match.*`: whether a target means this minion.

use std::collections::BTreeMap;

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::target::{self, Matcher, Minion};

const TGT: &[ArgDoc] = &[ArgDoc::required("tgt", Kind::Text, "The target.")];

macro_rules! matcher {
    ($name:literal, $summary:literal, $example:literal, $kind:ident) => {
        Exec {
            name: $name,
            doc: FunctionDoc::new($summary, TGT, $example).open(),
            body: |call| means_us(call, Matcher::$kind),
        }
    };
}

pub(super) static ALL: &[Exec] = &[
    matcher!(
        "match.glob",
        "Tells whether a pattern means this minion.",
        "lab-minion call --local match.glob 'web*'",
        Glob
    ),
    matcher!(
        "match.list",
        "Tells whether a list names this minion.",
        "lab-minion call --local match.list a,b",
        List
    ),
    matcher!(
        "match.pcre",
        "Tells whether a regular expression means this minion.",
        "lab-minion call --local match.pcre 'web.*'",
        Pcre
    ),
    matcher!(
        "match.grain",
        "Tells whether a grain has a value.",
        "lab-minion call --local match.grain os:Debian",
        Grain
    ),
    matcher!(
        "match.grain_pcre",
        "Tells whether a grain fits a regular expression.",
        "lab-minion call --local match.grain_pcre 'os:Deb.*'",
        GrainPcre
    ),
    matcher!(
        "match.pillar",
        "Tells whether pillar has a value.",
        "lab-minion call --local match.pillar role:kvm",
        Pillar
    ),
    matcher!(
        "match.compound",
        "Tells whether a compound target means this minion.",
        "lab-minion call --local match.compound 'G@os:Debian'",
        Compound
    ),
];

#[derive(Deserialize)]
struct Args {
    tgt: String,
}

fn means_us(call: &Call<'_>, kind: Matcher) -> Result<Value, CallError> {
    let Args { tgt } = call.typed()?;
    let services = call.ctx.services;
    let (grains, pillar) = (services.grains(), services.pillar());
    let minion = Minion { id: services.id(), grains: &grains, pillar: &pillar, nodegroups: &BTreeMap::new() };
    let met = target::matches(kind, &tgt, &minion).map_err(|e| CallError::failed(e.to_string()))?;
    Ok(met.into())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::Map;

    #[test]
    fn targets_are_matched_against_this_minion() {
        let bench = Bench::new(SimHost::new());
        let met = |function: &str, tgt: &str| bench.exec(function, &[tgt.into()], &Map::new());
        assert_eq!(met("match.glob", "s*"), Ok(true.into()));
        assert_eq!(met("match.list", "a,b"), Ok(false.into()));
        assert_eq!(met("match.grain", "os:Sim*"), Ok(true.into()));
        assert_eq!(met("match.compound", "G@os:Sim* and not web*"), Ok(true.into()));
    }
}
