//! `grains.present` and `grains.absent`.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::map;
use super::store::{Store, colon, key_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// Has this value.
pub(in crate::functions) struct Present;

/// Has no value.
pub(in crate::functions) struct Absent;

pub(super) const DELIMITER: ArgDoc = ArgDoc::with_default(
    "delimiter",
    Kind::Text,
    "':'",
    "What separates the parts of a name that leads into mappings.",
);
const FORCE: ArgDoc =
    ArgDoc::with_default("force", Kind::Bool, "false", "Whether a list or mapping may be replaced.");

const PRESENT_ARGS: &[ArgDoc] = &[ArgDoc::required("value", Kind::Any, "The value."), DELIMITER, FORCE];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Keeps a grain of this site's own at a value, in the agent's grains file.",
    PRESENT_ARGS,
    "rack:\n  grains.present:\n    - value: a7\n",
);

const ABSENT_ARGS: &[ArgDoc] = &[
    ArgDoc::with_default(
        "destructive",
        Kind::Bool,
        "false",
        "Whether the grain is removed from the file; else it stays without a value.",
    ),
    DELIMITER,
    FORCE,
];

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Takes the value from a grain, or removes it from the agent's grains file.",
    ABSENT_ARGS,
    "retired:\n  grains.absent:\n    - destructive: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    value: Value,
    #[serde(default)]
    destructive: bool,
    #[serde(default = "colon")]
    delimiter: String,
    #[serde(default)]
    force: bool,
}

fn refuse_complex(name: &str, value: Option<&Value>, force: bool) -> Result<(), StateError> {
    if !force && matches!(value, Some(Value::List(_) | Value::Map(_))) {
        return Err(StateError::failed(format!(
            "grain {name} is a list or mapping and is not replaced (add force: True)"
        )));
    }
    Ok(())
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "grains.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let key = key_of(&call.name, &args.delimiter)?;
        let have = Store::open(ctx)?.get(&key);
        if have.as_ref() == Some(&args.value) {
            return Ok(Check::holds("grain is already set"));
        }
        refuse_complex(&call.name, have.as_ref(), args.force)?;
        let changes: Map = map([(call.name.as_str(), args.value)]);
        Ok(Check::differs(changes, format!("grain {} is set to be added or changed", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let mut store = Store::open(ctx)?;
        store.set(&key_of(&call.name, &args.delimiter)?, args.value.clone())?;
        store.save(ctx)?;
        Ok(Applied::new(check.changes.clone(), format!("set grain {} to {}", call.name, args.value)))
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "grains.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let key = key_of(&call.name, &args.delimiter)?;
        let store = Store::open(ctx)?;
        let name = &call.name;
        let have = store.get(&key);
        if args.destructive {
            if !store.is_own(&key) {
                return Ok(Check::holds(format!("grain {name} is not in the grains file")));
            }
            refuse_complex(name, have.as_ref(), args.force)?;
            let changes: Map = map([("deleted", name.as_str().into())]);
            return Ok(Check::differs(changes, format!("grain {name} is set to be deleted")));
        }
        match have {
            None => Ok(Check::holds(format!("grain {name} does not exist"))),
            Some(Value::Null) => Ok(Check::holds(format!("grain {name} has no value"))),
            found => {
                refuse_complex(name, found.as_ref(), args.force)?;
                let changes: Map = map([("grain", name.as_str().into()), ("value", Value::Null)]);
                Ok(Check::differs(changes, format!("value for grain {name} is set to be deleted")))
            }
        }
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let key = key_of(&call.name, &args.delimiter)?;
        let mut store = Store::open(ctx)?;
        if args.destructive {
            store.remove(&key);
        } else {
            store.set(&key, Value::Null)?;
        }
        store.save(ctx)?;
        Ok(Applied::new(check.changes.clone(), format!("grain {} was deleted", call.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    const FILE: &str = "/etc/lab/grains";

    #[test]
    fn a_grain_is_kept_in_the_file_and_taken_from_it() {
        let bench = Bench::new(SimHost::new().with_file(FILE, "roles: [kvm]\n"));
        let sls = "place:rack:\n  grains.present:\n    - value: a7\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text(FILE).as_deref(), Some("place:\n  rack: a7\nroles:\n- kvm\n"));
        assert!(!bench.run(sls).changed());
        assert!(!bench.run("os:\n  grains.present:\n    - value: Simulated\n").changed());
        let list = bench.run("roles:\n  grains.present:\n    - value: x\n");
        assert!(list.comment.contains("force: True"), "{}", list.comment);
        let absent = "place:rack:\n  grains.absent: []\n";
        assert!(bench.run(absent).changed());
        assert!(!bench.run(absent).changed());
        let gone = "place:\n  grains.absent:\n    - destructive: True\n    - force: True\n";
        assert!(bench.run(gone).changed());
        assert!(!bench.run(gone).changed());
        assert_eq!(bench.host.text(FILE).as_deref(), Some("roles:\n- kvm\n"));
    }

    #[test]
    fn a_malformed_file_is_an_error_and_left_alone() {
        let bench = Bench::new(SimHost::new().with_file(FILE, "- a\n"));
        let verdict = bench.run("rack:\n  grains.present:\n    - value: a7\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.contains("must hold a mapping"), "{}", verdict.comment);
        assert_eq!(bench.host.writes(), 0);
    }
}
