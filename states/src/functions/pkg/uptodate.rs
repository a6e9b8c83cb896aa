//! `pkg.uptodate`: everything that is installed is at its newest version.

use serde::Deserialize;

use super::wanted::{CACHE_VALID_TIME, wanted};
use super::{differences, find, install, planned, refresh_if_due, spec};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
};
use crate::host::{PackageAction, PackageJob, PackageOptions};

/// The function.
pub(in crate::functions) struct Uptodate;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("pkgs", Kind::List, "Only these packages; what is not installed is not installed now."),
    ArgDoc::with_default("refresh", Kind::Bool, "false", "Whether the repositories are read again first."),
    CACHE_VALID_TIME,
    ArgDoc::with_default(
        "dist_upgrade",
        Kind::Bool,
        "false",
        "Whether packages may be added and removed for the upgrade of others.",
    ),
    ArgDoc::with_default(
        "force_conf_new",
        Kind::Bool,
        "false",
        "Whether new configuration files replace those that were edited here.",
    ),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Brings everything that is installed to its newest version. The name is only a name.",
    ARGS,
    "machine is up to date:\n  pkg.uptodate:\n    - refresh: True\n    - cache_valid_time: 3600\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    refresh: bool,
    cache_valid_time: Option<u64>,
    #[serde(default)]
    dist_upgrade: bool,
    #[serde(default)]
    force_conf_new: bool,
}

impl StateFunction for Uptodate {
    fn name(&self) -> &'static str {
        "pkg.uptodate"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let plan = ctx.host.package_plan(&job(call, ctx)?)?;
        let changes = planned(&plan);
        if changes.is_empty() {
            return Ok(Check::holds("the system is already up-to-date"));
        }
        Ok(Check::differs(changes, "a system update would be performed"))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let before = ctx.host.packages()?;
        ctx.host.package_act(&job(call, ctx)?, ctx)?;
        Ok(Applied::new(differences(&before, &ctx.host.packages()?), "the upgrade ran successfully"))
    }

    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let fresh = || -> Result<Verdict, StateError> {
            let args: Args = call.typed()?;
            if args.refresh && !call.test {
                refresh_if_due(Some(true), args.cache_valid_time, ctx)?;
            }
            self.sequence(call, ctx)
        };
        fresh().unwrap_or_else(Verdict::from)
    }
}

fn job(call: &StateCall, ctx: &JobCtx<'_>) -> Result<PackageJob, StateError> {
    let args: Args = call.typed()?;
    let mut options = PackageOptions { new_conf: args.force_conf_new, ..PackageOptions::default() };
    if call.arg("pkgs").is_some() {
        options.only_upgrade = true;
        let list = ctx.host.packages()?;
        let names: Vec<_> = wanted(call)?.into_iter().filter(|w| find(&list, &w.name).is_some()).collect();
        return Ok(install(names.iter().map(|w| spec(&w.name)).collect(), &options));
    }
    Ok(PackageJob { action: PackageAction::Upgrade { dist: args.dist_upgrade }, options })
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn everything_or_what_is_named_is_upgraded_once() {
        let offers = |host: SimHost| {
            host.with_package("a", "1")
                .with_package("b", "1")
                .with_offer("a", &["2"], &[])
                .with_offer("b", &["2"], &[])
                .with_offer("c", &["2"], &[])
        };
        let bench = Bench::new(offers(SimHost::new()));
        let some = bench.run("x:\n  pkg.uptodate:\n    - pkgs: [a, c]\n");
        assert_eq!(
            some.changes.keys().map(ToString::to_string).collect::<Vec<_>>(),
            ["a"],
            "{}",
            some.comment
        );
        let dry = bench.dry("x:\n  pkg.uptodate: []\n");
        let rest = bench.run("x:\n  pkg.uptodate: []\n");
        assert_eq!((rest.changes.len(), rest.changes), (1, dry.changes));
        assert!(!bench.run("x:\n  pkg.uptodate: []\n").changed());
    }
}
