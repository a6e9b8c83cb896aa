//! `user.*` and `group.*`: accounts.

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const NAME: &[ArgDoc] = &[ArgDoc::required("name", Kind::Text, "Which.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "user.info",
        doc: FunctionDoc::new(
            "Returns what is known of a user; empty when there is none.",
            NAME,
            "lab-master run '*' user.info root",
        ),
        body: user,
    },
    Exec {
        name: "group.info",
        doc: FunctionDoc::new(
            "Returns what is known of a group; empty when there is none.",
            NAME,
            "lab-master run '*' group.info root",
        ),
        body: group,
    },
];

#[derive(Deserialize)]
struct Args {
    name: String,
}

fn user(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { name } = call.typed()?;
    Ok(call.ctx.host.user(&name)?.map_or_else(Value::map, |u| {
        Value::from([
            ("name", Value::from(u.name)),
            ("uid", Value::from(u.uid)),
            ("gid", Value::from(u.gid)),
            ("home", Value::from(u.home)),
            ("shell", Value::from(u.shell)),
        ])
    }))
}

fn group(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { name } = call.typed()?;
    Ok(call.ctx.host.group(&name)?.map_or_else(Value::map, |g| {
        Value::from([("name", Value::from(g.name)), ("gid", Value::from(g.gid))])
    }))
}
