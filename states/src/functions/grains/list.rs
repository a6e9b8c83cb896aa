//! `grains.list_present`, `grains.list_absent` and `grains.append`: grains that are lists.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::map;
use super::store::{Store, colon, key_of};
use super::value::DELIMITER;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// Has these values in it; made when it is not there.
pub(in crate::functions) struct ListPresent;

/// Has not these values in it.
pub(in crate::functions) struct ListAbsent;

/// Has this value in it; must be there.
pub(in crate::functions) struct Append;

const ARGS: &[ArgDoc] = &[ArgDoc::required("value", Kind::Any, "The value, or a list of them."), DELIMITER];

static LIST_PRESENT: FunctionDoc = FunctionDoc::new(
    "Keeps values in a grain that is a list.",
    ARGS,
    "roles:\n  grains.list_present:\n    - value: [kvm, gateway]\n",
);

static LIST_ABSENT: FunctionDoc = FunctionDoc::new(
    "Keeps values out of a grain that is a list.",
    ARGS,
    "old_roles:\n  grains.list_absent:\n    - value: kvm\n",
);

const APPEND_ARGS: &[ArgDoc] = &[
    ArgDoc::required("value", Kind::Any, "The value."),
    ArgDoc::with_default("convert", Kind::Bool, "false", "Whether a grain that is no list becomes one."),
    DELIMITER,
];

static APPEND: FunctionDoc = FunctionDoc::new(
    "Keeps a value in a grain that is a list and must be there.",
    APPEND_ARGS,
    "old_roles:\n  grains.append:\n    - value: gateway\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    value: Value,
    #[serde(default)]
    convert: bool,
    #[serde(default = "colon")]
    delimiter: String,
}

impl Args {
    fn values(&self) -> Vec<Value> {
        self.value.as_list().map_or_else(|| vec![self.value.clone()], <[Value]>::to_vec)
    }
}

fn items(name: &str, grain: Option<Value>) -> Result<Vec<Value>, StateError> {
    match grain {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(items)) => Ok(items),
        Some(Value::Str(text)) if text.is_empty() => Ok(Vec::new()),
        Some(_) => Err(StateError::failed(format!("grain {name} is not a valid list"))),
    }
}

fn save(call: &StateCall, args: &Args, items: Vec<Value>, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    let mut store = Store::open(ctx)?;
    store.set(&key_of(&call.name, &args.delimiter)?, Value::List(items))?;
    store.save(ctx)
}

fn have(call: &StateCall, args: &Args, ctx: &JobCtx<'_>) -> Result<Option<Value>, StateError> {
    Ok(Store::open(ctx)?.get(&key_of(&call.name, &args.delimiter)?))
}

impl StateFunction for ListPresent {
    fn name(&self) -> &'static str {
        "grains.list_present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &LIST_PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let have = items(&call.name, have(call, &args, ctx)?)?;
        let missing: Vec<Value> = args.values().into_iter().filter(|v| !have.contains(v)).collect();
        if missing.is_empty() {
            return Ok(Check::holds(format!("value {} is already in grain {}", args.value, call.name)));
        }
        let comment = format!("value {} is set to be appended to grain {}", args.value, call.name);
        Ok(Check::differs(map([("new", Value::List(missing))]), comment))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let mut all = items(&call.name, have(call, &args, ctx)?)?;
        for value in args.values() {
            if !all.contains(&value) {
                all.push(value);
            }
        }
        save(call, &args, all, ctx)?;
        Ok(Applied::new(check.changes.clone(), format!("append value {} to grain {}", args.value, call.name)))
    }
}

impl StateFunction for ListAbsent {
    fn name(&self) -> &'static str {
        "grains.list_absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &LIST_ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let have = items(&call.name, have(call, &args, ctx)?)?;
        let there: Vec<Value> = args.values().into_iter().filter(|v| have.contains(v)).collect();
        if there.is_empty() {
            return Ok(Check::holds(format!("value {} is absent from grain {}", args.value, call.name)));
        }
        let comment = format!("value {} in grain {} is set to be deleted", args.value, call.name);
        Ok(Check::differs(map([("deleted", Value::List(there))]), comment))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let mut all = items(&call.name, have(call, &args, ctx)?)?;
        let gone = args.values();
        all.retain(|v| !gone.contains(v));
        save(call, &args, all, ctx)?;
        Ok(Applied::new(
            check.changes.clone(),
            format!("value {} was deleted from grain {}", args.value, call.name),
        ))
    }
}

impl StateFunction for Append {
    fn name(&self) -> &'static str {
        "grains.append"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &APPEND
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let name = &call.name;
        let changes = || -> Map { map([("added", args.value.clone())]) };
        match have(call, &args, ctx)? {
            None => Err(StateError::failed(format!(
                "grain {name} does not exist (make it with grains.present, or use grains.list_present)"
            ))),
            Some(Value::List(items)) if items.contains(&args.value) => {
                Ok(Check::holds(format!("value {} is already in the list for grain {name}", args.value)))
            }
            Some(Value::List(_)) => Ok(Check::differs(
                changes(),
                format!("value {} in grain {name} is set to be added", args.value),
            )),
            Some(_) if args.convert => {
                Ok(Check::differs(changes(), format!("grain {name} is set to be converted to a list")))
            }
            Some(_) => {
                Err(StateError::failed(format!("grain {name} is not a valid list (add convert: True)")))
            }
        }
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let mut all = match have(call, &args, ctx)? {
            Some(Value::List(items)) => items,
            Some(Value::Null) | None => Vec::new(),
            Some(other) => vec![other],
        };
        all.push(args.value.clone());
        save(call, &args, all, ctx)?;
        Ok(Applied::new(
            check.changes.clone(),
            format!("value {} was added to grain {}", args.value, call.name),
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn lists_grow_and_shrink_once() {
        let bench = Bench::new(SimHost::new().with_file("/etc/lab/grains", "a: one\n"));
        let text = || bench.host.text("/etc/lab/grains").unwrap();
        let sls = "roles:\n  grains.list_present:\n    - value: [kvm, gateway]\n";
        assert!(bench.run(sls).changed());
        assert!(!bench.run(sls).changed());
        assert_eq!(text(), "a: one\nroles:\n- kvm\n- gateway\n");
        let sls = "roles:\n  grains.list_absent:\n    - value: kvm\n";
        assert!(bench.run(sls).changed());
        assert!(!bench.run(sls).changed());
        assert!(bench.run("a:\n  grains.append:\n    - value: two\n").comment.contains("convert: True"));
        assert!(bench.run("b:\n  grains.append:\n    - value: two\n").comment.contains("does not exist"));
        let sls = "a:\n  grains.append:\n    - value: two\n    - convert: True\n";
        assert!(bench.run(sls).changed());
        assert!(!bench.run(sls).changed());
        assert_eq!(text(), "a:\n- one\n- two\nroles:\n- gateway\n");
    }
}
