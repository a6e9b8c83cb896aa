//! `mine.get`; `mine.send` and `mine.delete` are the agent's.

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const GET: &[ArgDoc] = &[
    ArgDoc::required("tgt", Kind::Text, "Of which minions."),
    ArgDoc::required("fun", Kind::Text, "What they gave: the name that they sent it under."),
    ArgDoc::with_default("tgt_type", Kind::Text, "glob", "How the target is read."),
];

pub(super) static ALL: &[Exec] = &[Exec {
    name: "mine.get",
    doc: FunctionDoc::new(
        "Returns by minion what those that the target names sent to the mine.",
        GET,
        "lab-master run worker mine.get cplane join_token",
    )
    .open(),
    body: get,
}];

#[derive(Deserialize)]
struct Get {
    tgt: String,
    fun: String,
    #[serde(default = "glob")]
    tgt_type: String,
}

fn glob() -> String {
    "glob".to_owned()
}

fn get(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { tgt, fun, tgt_type } = call.typed()?;
    Ok(call.ctx.services.mine(&tgt, &fun, &tgt_type)?)
}
