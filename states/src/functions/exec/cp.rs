//! `cp.*`: the state tree.

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const FILE: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Text, "Which file: salt://path."),
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
];
const LIST: &[ArgDoc] = &[
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
    ArgDoc::with_default("prefix", Kind::Text, "''", "Below which folder."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "cp.cache_file",
        doc: FunctionDoc::new(
            "Puts a file of the state tree into the minion's cache, however large it is, and returns its path there; \
             false when the tree has no such file.",
            FILE,
            "lab-master run '*' cp.cache_file salt://images/node.qcow2",
        ),
        body: cache,
    },
    Exec {
        name: "cp.get_file_str",
        doc: FunctionDoc::new(
            "Returns the text of a file of the state tree, or false.",
            FILE,
            "lab-master run '*' cp.get_file_str salt://motd",
        )
        .open(),
        body: get,
    },
    Exec {
        name: "cp.list_master",
        doc: FunctionDoc::new(
            "Lists the files of the state tree.",
            LIST,
            "lab-master run '*' cp.list_master",
        ),
        body: list,
    },
];

fn base() -> String {
    "base".to_owned()
}

#[derive(Deserialize)]
struct Get {
    path: String,
    #[serde(default = "base")]
    saltenv: String,
}

fn get(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { path, saltenv } = call.typed()?;
    match call.ctx.services.file(path.trim_start_matches("salt://"), &saltenv) {
        Ok(bytes) => Ok(String::from_utf8(bytes).map_or_else(|e| Value::Bytes(e.into_bytes()), Value::from)),
        Err(e) if e.missing => Ok(false.into()),
        Err(e) => Err(e.into()),
    }
}

fn cache(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { path, saltenv } = call.typed()?;
    match call.ctx.services.cache_file(path.trim_start_matches("salt://"), &saltenv) {
        Ok(place) => Ok(place.into()),
        Err(e) if e.missing => Ok(false.into()),
        Err(e) => Err(e.into()),
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(default = "base")]
    saltenv: String,
    #[serde(default)]
    prefix: String,
}

fn list(call: &Call<'_>) -> Result<Value, CallError> {
    let List { saltenv, prefix } = call.typed()?;
    let entries = call.ctx.services.list(&prefix, &saltenv)?;
    Ok(entries.into_iter().filter(|e| !e.directory).map(|e| e.path).collect::<Vec<_>>().into())
}
