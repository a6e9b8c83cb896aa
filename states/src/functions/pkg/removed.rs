//! `pkg.removed` and `pkg.purged`: packages are not installed; purged, they left no configuration files either.

use super::wanted::{PKGS, VERSION, Wanted, wanted};
use super::{differences, find, planned};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::{PackageAction, PackageJob, PackageOptions};

/// Not installed.
pub(in crate::functions) struct Removed;

/// Not installed, and no configuration files left.
pub(in crate::functions) struct Purged;

const ARGS: &[ArgDoc] = &[
    PKGS,
    VERSION,
    ArgDoc::optional("normalize", Kind::Bool, "Accepted."),
    ArgDoc::optional("ignore_epoch", Kind::Bool, "Accepted."),
];

static REMOVED: FunctionDoc = FunctionDoc::new(
    "Removes packages, with what needs them. Configuration files stay where the package manager keeps them.",
    ARGS,
    "telnetd:\n  pkg.removed: []\n",
);

static PURGED: FunctionDoc = FunctionDoc::new(
    "Removes packages with their configuration files, also of those that were removed before.",
    ARGS,
    "telnetd:\n  pkg.purged: []\n",
);

impl StateFunction for Removed {
    fn name(&self) -> &'static str {
        "pkg.removed"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &REMOVED
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx, false)
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(call, ctx, false)
    }
}

impl StateFunction for Purged {
    fn name(&self) -> &'static str {
        "pkg.purged"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PURGED
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx, true)
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(call, ctx, true)
    }
}

fn check(call: &StateCall, ctx: &JobCtx<'_>, purge: bool) -> Result<Check, StateError> {
    let names = names(&wanted(call)?, ctx, purge)?;
    if names.is_empty() {
        return Ok(Check::holds("all specified packages are already absent"));
    }
    let plan = ctx.host.package_plan(&job(names.clone(), purge))?;
    let word = if purge { "purged" } else { "removed" };
    let changes = planned(&plan);
    Ok(Check::differs(changes, format!("the following packages would be {word}: {}", names.join(", "))))
}

fn apply(call: &StateCall, ctx: &JobCtx<'_>, purge: bool) -> Result<Applied, StateError> {
    let before = ctx.host.packages()?;
    let names = names(&wanted(call)?, ctx, purge)?;
    ctx.host.package_act(&job(names.clone(), purge), ctx)?;
    let word = if purge { "purged" } else { "removed" };
    Ok(Applied::new(differences(&before, &ctx.host.packages()?), format!("{word}: {}", names.join(", "))))
}

fn names(wanted: &[Wanted], ctx: &JobCtx<'_>, purge: bool) -> Result<Vec<String>, StateError> {
    let rules = ctx.host.package_manager()?.versions();
    let list = ctx.host.packages()?;
    let mut names = Vec::new();
    for one in wanted {
        let found = match find(&list, &one.name) {
            Some(package) => one.is_met_by(package, rules).then_some(package),
            None => list.iter().find(|p| purge && p.removed && p.is_called(&one.name)),
        };
        names.extend(found.map(|p| p.name.clone()));
    }
    Ok(names)
}

fn job(names: Vec<String>, purge: bool) -> PackageJob {
    let options = PackageOptions { change_held: true, ..PackageOptions::default() };
    PackageJob { action: PackageAction::Remove { names, purge }, options }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::Packages;
    use crate::host::sim::SimHost;

    #[test]
    fn what_needs_a_package_goes_with_it_and_a_dry_run_says_so() {
        let host = SimHost::new().with_package("lib", "1").with_package("app", "2").with_offer(
            "app",
            &["2"],
            &["lib"],
        );
        let bench = Bench::new(host);
        let dry = bench.dry("lib:\n  pkg.removed: []\n");
        let real = bench.run("lib:\n  pkg.removed: []\n");
        assert_eq!((real.changes.len(), real.changes), (2, dry.changes));
        assert!(!bench.run("lib:\n  pkg.removed: []\n").changed());
        assert!(!bench.run("never-heard-of:\n  pkg.removed: []\n").changed());
    }

    #[test]
    fn purging_takes_what_a_removal_left() {
        let bench = Bench::new(SimHost::new().with_package("a", "1").with_remains("b", "1"));
        let sls = "x:\n  pkg.purged:\n    - pkgs: [a, b]\n";
        let dry = bench.dry(sls);
        let real = bench.run(sls);
        assert_eq!((real.changes.len(), real.changes), (2, dry.changes));
        assert!(bench.host.packages().unwrap().is_empty());
        assert!(!bench.run(sls).changed());
    }

    #[test]
    fn another_version_stays() {
        let bench = Bench::new(SimHost::new().with_package("a", "2"));
        assert!(!bench.run("a:\n  pkg.removed:\n    - version: '<2'\n").changed());
        assert!(bench.run("a:\n  pkg.removed:\n    - version: '2'\n").changed());
    }
}
