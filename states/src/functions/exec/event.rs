//! `event.*`

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const SEND: &[ArgDoc] = &[
    ArgDoc::required("tag", Kind::Text, "Its tag."),
    ArgDoc::optional("data", Kind::Map, "Its data; further named arguments are added to it."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "event.send",
        doc: FunctionDoc::new(
            "Sends an event to the master.",
            SEND,
            "lab-master run '*' event.send my/tag a=1",
        )
        .open(),
        body: send,
    },
    Exec {
        name: "event.fire_master",
        doc: FunctionDoc::new(
            "Sends an event to the master.",
            SEND,
            "lab-master run '*' event.fire_master my/tag",
        )
        .open(),
        body: send,
    },
];

#[derive(Deserialize)]
struct Send {
    tag: String,
    data: Option<Map>,
}

fn send(call: &Call<'_>) -> Result<Value, CallError> {
    let Send { tag, data } = call.typed()?;
    let mut all = data.unwrap_or_default();
    for (key, value) in call.kwargs {
        if !key.as_str().is_some_and(|k| ["tag", "data"].contains(&k) || k.starts_with("__")) {
            all.insert(key.clone(), value.clone());
        }
    }
    call.ctx.services.send_event(&tag, Value::Map(all))?;
    Ok(true.into())
}
