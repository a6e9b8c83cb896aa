//! `pkg.held` and `pkg.unheld`: packages that upgrades leave alone.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::wanted::{PKGS, VERSION, wanted};
use super::{change, find};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::Package;

/// Kept at their versions.
pub(in crate::functions) struct Held;

/// Free to change.
pub(in crate::functions) struct Unheld;

const HELD_ARGS: &[ArgDoc] = &[
    PKGS,
    VERSION,
    ArgDoc::with_default("replace", Kind::Bool, "false", "Whether all other packages are let go."),
];

static HELD: FunctionDoc = FunctionDoc::new(
    "Holds packages at their versions: upgrades leave them alone.",
    HELD_ARGS,
    "curl:\n  pkg.held: []\n",
);

const UNHELD_ARGS: &[ArgDoc] =
    &[PKGS, VERSION, ArgDoc::with_default("all", Kind::Bool, "false", "Whether every package is let go.")];

static UNHELD: FunctionDoc =
    FunctionDoc::new("Lets packages go that were held.", UNHELD_ARGS, "curl:\n  pkg.unheld: []\n");

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    replace: bool,
    #[serde(default)]
    all: bool,
}

/// Names to hold and names to let go.
#[derive(Debug, Default)]
struct Found {
    hold: Vec<String>,
    free: Vec<String>,
}

impl StateFunction for Held {
    fn name(&self) -> &'static str {
        "pkg.held"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &HELD
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(report(&held(call, ctx)?))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        carry_out(&held(call, ctx)?, check, ctx)
    }
}

impl StateFunction for Unheld {
    fn name(&self) -> &'static str {
        "pkg.unheld"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &UNHELD
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(report(&unheld(call, ctx)?))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        carry_out(&unheld(call, ctx)?, check, ctx)
    }
}

fn held(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Found, StateError> {
    let args: Args = call.typed()?;
    let list = ctx.host.packages()?;
    let wanted = wanted(call)?;
    let mut found = Found::default();
    for one in &wanted {
        let package = find(&list, &one.name).ok_or_else(|| {
            StateError::failed(format!(
                "package {} is not installed, so it cannot be held (pkg.installed has hold: True)",
                one.name
            ))
        })?;
        if !package.held {
            found.hold.push(package.name.clone());
        }
    }
    if args.replace {
        let other = |p: &&Package| p.held && !wanted.iter().any(|w| p.is_called(&w.name));
        found.free = list.iter().filter(other).map(|p| p.name.clone()).collect();
    }
    Ok(found)
}

fn unheld(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Found, StateError> {
    let args: Args = call.typed()?;
    let list = ctx.host.packages()?;
    let wanted = wanted(call)?;
    let named = |p: &Package| args.all || wanted.iter().any(|w| p.is_called(&w.name));
    let free = list.iter().filter(|p| p.held && named(p)).map(|p| p.name.clone()).collect();
    Ok(Found { hold: Vec::new(), free })
}

fn report(found: &Found) -> Check {
    let entry =
        |old: &str, new: &str, name: &String| (Value::from(name.as_str()), change(old.into(), new.into()));
    let mut changes: Map = found.hold.iter().map(|n| entry("install", "hold", n)).collect();
    changes.extend(found.free.iter().map(|n| entry("hold", "install", n)));
    if changes.is_empty() {
        return Check::holds("no changes made");
    }
    let mut words = Vec::new();
    if !found.hold.is_empty() {
        words.push(format!("would be held: {}", found.hold.join(", ")));
    }
    if !found.free.is_empty() {
        words.push(format!("would be let go: {}", found.free.join(", ")));
    }
    Check::differs(changes, words.join("; "))
}

fn carry_out(found: &Found, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
    for (names, held) in [(&found.hold, true), (&found.free, false)] {
        if !names.is_empty() {
            ctx.host.package_hold(names, held, ctx)?;
        }
    }
    Ok(Applied::new(check.changes.clone(), check.comment.replace("would be ", "")))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn holds_come_and_go_once() {
        let bench = Bench::new(SimHost::new().with_package("a", "1").with_package("b", "1"));
        assert!(bench.run("a:\n  pkg.held: []\n").changed());
        assert!(!bench.run("a:\n  pkg.held: []\n").changed());
        let replaced = bench.run("b:\n  pkg.held:\n    - replace: True\n");
        assert_eq!(replaced.changes.len(), 2, "{}", replaced.comment);
        assert!(!bench.run("a:\n  pkg.unheld: []\n").changed());
        assert!(bench.run("a:\n  pkg.unheld:\n    - all: True\n").changed());
        assert_eq!(bench.run("none:\n  pkg.held: []\n").kind, VerdictKind::Failed);
    }
}
