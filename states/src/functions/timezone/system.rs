//! `timezone.system`: the zone of the machine.

use lab_proto::Map;
use serde::Deserialize;

use super::zone::{clock_is_local, is_in, set, set_clock_to_utc};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct System;

const ARGS: &[ArgDoc] = &[ArgDoc::with_default(
    "utc",
    Kind::Bool,
    "true",
    "Whether the hardware clock is to show UTC; with false it is left as it is.",
)];

static DOC: FunctionDoc = FunctionDoc::new(
    "Puts the machine into a time zone, which the name says.",
    ARGS,
    "Europe/Berlin:\n  timezone.system:\n    - utc: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default = "yes")]
    utc: bool,
}

fn yes() -> bool {
    true
}

impl StateFunction for System {
    fn name(&self) -> &'static str {
        "timezone.system"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let mut changes = Map::new();
        if !is_in(ctx.host, &call.name)? {
            changes.insert("timezone".into(), call.name.as_str().into());
        }
        if args.utc && clock_is_local(ctx.host)? {
            changes.insert("utc".into(), true.into());
        }
        if changes.is_empty() {
            return Ok(Check::holds(format!("timezone {} already set", call.name)));
        }
        Ok(Check::differs(changes, format!("timezone {} needs to be set", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        if check.changes.contains_key("timezone") {
            set(ctx.host, &call.name)?;
        }
        if check.changes.contains_key("utc") {
            set_clock_to_utc(ctx.host)?;
        }
        Ok(Applied::new(check.changes.clone(), format!("set timezone {}", call.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    fn host() -> SimHost {
        SimHost::new()
            .with_file("/usr/share/zoneinfo/Europe/Berlin", "B")
            .with_file("/usr/share/zoneinfo/UTC", "U")
    }

    #[test]
    fn link_note_and_clock_are_set_once() {
        let host = host()
            .with_symlink("/etc/localtime", "/usr/share/zoneinfo/UTC")
            .with_file("/etc/timezone", "Etc/UTC\n")
            .with_file("/etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n");
        let bench = Bench::new(host);
        let verdict = bench.run("Europe/Berlin:\n  timezone.system: []\n");
        assert_eq!(verdict.changes.len(), 2, "{}", verdict.comment);
        assert_eq!(bench.host.text("/etc/timezone").as_deref(), Some("Europe/Berlin\n"));
        assert_eq!(bench.host.text("/etc/adjtime").as_deref(), Some("0.0 0 0.0\n0\nUTC\n"));
        assert!(!bench.run("Europe/Berlin:\n  timezone.system: []\n").changed());
    }

    #[test]
    fn a_copy_of_the_zones_file_is_right_and_unknown_zones_are_refused() {
        let bench = Bench::new(host().with_file("/etc/localtime", "B"));
        assert!(!bench.run("Europe/Berlin:\n  timezone.system: []\n").changed());
        for bad in ["Europe/Berln", "../../etc/passwd", "/etc/passwd", "Europe"] {
            let verdict = bench.run(&format!("{bad}:\n  timezone.system: []\n"));
            assert!(verdict.comment.contains("there is no time zone"), "{bad}: {}", verdict.comment);
        }
    }
}
