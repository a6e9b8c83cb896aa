//! `file.touch`: a file whose time of change is now.

use lab_proto::Value;
use serde::Deserialize;

use super::super::support::{Owner, make_parents, map, missing_parents, path_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::WriteOptions;

/// The function.
pub(in crate::functions) struct Touch;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("mtime", Kind::Int, "The time, in seconds since 1970; now, when not given."),
    ArgDoc::optional("atime", Kind::Int, "Accepted."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes an empty file, or sets the time of change of what is there. Does so on every run, unless `mtime` is given.",
    ARGS,
    "/var/lib/stamp:\n  file.touch: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    mtime: Option<Value>,
    #[serde(default)]
    makedirs: bool,
}

impl Args {
    /// Returns the wanted time: whole seconds, as Python's `int` makes them of a number or of digits.
    fn seconds(&self) -> Result<Option<i64>, StateError> {
        let whole = match &self.mtime {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Bool(b)) => Some(i64::from(*b)),
            Some(Value::Int(i)) => i64::try_from(*i).ok(),
            #[expect(clippy::cast_possible_truncation, reason = "the part behind the point is dropped")]
            Some(Value::Float(f)) if f.abs() < 9e15 => Some(*f as i64),
            Some(Value::Str(digits)) => digits.trim().parse().ok(),
            Some(_) => None,
        };
        whole.map(Some).ok_or_else(|| StateError::About {
            argument: "mtime",
            text: "must be seconds since 1970\n  write a whole number, or leave it out for now".to_owned(),
        })
    }
}

impl StateFunction for Touch {
    fn name(&self) -> &'static str {
        "file.touch"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let mtime = args.seconds()?;
        let path = path_of(call, ctx.host)?;
        let name = path.display().to_string();
        let Some(meta) = ctx.host.stat(&path)? else {
            if !args.makedirs && !call.test && !missing_parents(ctx.host, &path)?.is_empty() {
                return Err(StateError::failed(format!("directory not present to touch file {name}")));
            }
            return Ok(Check::differs(
                map([("new", name.clone().into())]),
                format!("file {name} is set to be created"),
            ));
        };
        if mtime == Some(meta.mtime) {
            return Ok(Check::holds(format!("file {name} exists and has the correct times")));
        }
        Ok(Check::differs(
            map([("touched", name.clone().into())]),
            format!("times set to be updated on {name}"),
        ))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let mtime = args.seconds()?;
        let path = path_of(call, ctx.host)?;
        if ctx.host.stat(&path)?.is_none() {
            if args.makedirs {
                make_parents(ctx.host, &path, None, Owner::default())?;
            }
            ctx.host.write(&path, b"", WriteOptions::default())?;
            if mtime.is_none() {
                return Ok(Applied::new(
                    check.changes.clone(),
                    format!("created empty file {}", path.display()),
                ));
            }
        }
        ctx.host.touch(&path, mtime)?;
        Ok(Applied::new(check.changes.clone(), format!("updated times on {}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_given_time_is_set_once() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "x"));
        let sls = "/etc/f:\n  file.touch:\n    - mtime: 42\n";
        assert!(bench.run(sls).changed());
        assert!(!bench.run(sls).changed());
    }
}
