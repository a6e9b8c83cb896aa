//! `event.send`: an event to the master.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::map;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
    Watch,
};

/// The function.
pub(in crate::functions) struct Send;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("data", Kind::Map, "Its data."),
    ArgDoc::optional("preload", Kind::Map, "Accepted; merged into the data."),
    ArgDoc::with_default(
        "with_grains",
        Kind::Any,
        "false",
        "Whether the grains are sent along: all, or a list of their names.",
    ),
    ArgDoc::with_default(
        "with_pillar",
        Kind::Any,
        "false",
        "Not supported: pillar holds secrets, and the log is permanent.",
    ),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Sends an event to the master. The name is its tag; arguments that are not listed become part of its data.",
    ARGS,
    "lab/app/deployed:\n  event.send:\n    - data: {version: 3}\n",
)
.open();

#[derive(Debug, Deserialize)]
struct Args {
    data: Option<Map>,
    preload: Option<Map>,
    #[serde(default)]
    with_grains: Value,
    #[serde(default)]
    with_pillar: Value,
}

impl StateFunction for Send {
    fn name(&self) -> &'static str {
        "event.send"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let data = data(call, ctx)?;
        let changes = map([("tag", call.name.as_str().into()), ("data", data)]);
        Ok(Check::differs(changes, "event would have been fired"))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        ctx.services.send_event(&call.name, data(call, ctx)?)?;
        Ok(Applied::new(check.changes.clone(), "event fired"))
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Send {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        self.run(call, ctx)
    }
}

fn data(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Value, StateError> {
    let args: Args = call.typed()?;
    if args.with_pillar.truthy() {
        return Err(StateError::failed(
            "argument with_pillar: not supported, since pillar holds secrets and the event log is permanent \
             (name what is needed in data)",
        ));
    }
    let mut data = args.preload.unwrap_or_default();
    for (key, value) in &call.args {
        if !key.as_str().is_some_and(|k| DOC.knows(k)) {
            data.insert(key.clone(), value.clone());
        }
    }
    data.extend(args.data.unwrap_or_default());
    if args.with_grains.truthy() {
        let grains = ctx.services.grains();
        let chosen = match &args.with_grains {
            Value::List(names) => {
                names.iter().filter_map(|n| Some((n.clone(), grains.get(n.as_str()?)?.clone()))).collect()
            }
            _ => grains.as_map().cloned().unwrap_or_default(),
        };
        data.insert("grains".into(), Value::Map(chosen));
    }
    Ok(Value::Map(data))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::Value;

    #[test]
    fn an_event_is_sent_in_a_real_run_only() {
        let bench = Bench::new(SimHost::new());
        let sls = "my/tag:\n  event.send:\n    - data: {a: 1}\n    - b: 2\n    - with_grains: [os]\n";
        assert_eq!(bench.dry(sls).kind, VerdictKind::WouldChange);
        assert!(bench.services.events.lock().unwrap().is_empty());
        assert_eq!(bench.run(sls).kind, VerdictKind::Ok);
        let sent = bench.services.events.lock().unwrap().remove(0);
        let grains = Value::from([("os", "Simulated")]);
        let data = Value::from([("b", Value::from(2)), ("a", Value::from(1)), ("grains", grains)]);
        assert_eq!(sent, ("my/tag".to_owned(), data));
    }
}
