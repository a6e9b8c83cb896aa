//! `slsutil.*` and `defaults.*`: helpers for templates.

use lab_proto::Value;
use serde::Deserialize;

use super::grains::laid_over;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const MERGE: &[ArgDoc] = &[
    ArgDoc::required("obj_a", Kind::Map, "What is laid over."),
    ArgDoc::required("obj_b", Kind::Map, "What lies above."),
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
}

fn merge(call: &Call<'_>) -> Result<Value, CallError> {
    let Merge { obj_a, obj_b } = call.typed()?;
    Ok(laid_over(obj_a, obj_b))
}
