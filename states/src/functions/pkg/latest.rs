//! `pkg.latest`: packages are installed at the newest version on offer.

use serde::Deserialize;

use super::wanted::{CACHE_VALID_TIME, PKGS, REFRESH, wanted};
use super::{differences, install, not_offered, planned, refresh_if_due, refresh_is_due, spec};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
};
use crate::host::{PackageJob, PackageOptions};

/// The function.
pub(in crate::functions) struct Latest;

const ARGS: &[ArgDoc] = &[
    PKGS,
    REFRESH,
    CACHE_VALID_TIME,
    ArgDoc::optional("install_recommends", Kind::Bool, "Whether recommended packages come along."),
    ArgDoc::optional("fromrepo", Kind::Text, "From which repository (apt: release) alone."),
    ArgDoc::with_default("update_holds", Kind::Bool, "false", "Whether held packages may be changed."),
    ArgDoc::with_default("only_upgrade", Kind::Bool, "false", "Whether only installed packages are changed."),
    ArgDoc::with_default(
        "skip_verify",
        Kind::Bool,
        "false",
        "Whether packages without a signature are taken.",
    ),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Installs packages, and brings those that are installed to the newest version that the repositories offer.",
    ARGS,
    "curl:\n  pkg.latest: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    refresh: Option<bool>,
    cache_valid_time: Option<u64>,
    install_recommends: Option<bool>,
    fromrepo: Option<String>,
    #[serde(default)]
    update_holds: bool,
    #[serde(default)]
    only_upgrade: bool,
    #[serde(default)]
    skip_verify: bool,
}

impl StateFunction for Latest {
    fn name(&self) -> &'static str {
        "pkg.latest"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let plan = ctx.host.package_plan(&job(call)?)?;
        if !plan.missing.is_empty() {
            return Err(not_offered(&plan.missing));
        }
        if plan.changes.is_empty() {
            let stale = call.test && is_due(call, ctx)?;
            let by = if stale { " by what the repositories offered when they were last read" } else { "" };
            return Ok(Check::holds(format!("all packages are up-to-date{by}")));
        }
        let changes = planned(&plan);
        let names: Vec<&str> = plan.changes.iter().map(|c| c.name.as_str()).collect();
        let comment = format!("the following packages would be installed/upgraded: {}", names.join(", "));
        Ok(Check::differs(changes, comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let before = ctx.host.packages()?;
        ctx.host.package_act(&job(call)?, ctx)?;
        Ok(Applied::new(differences(&before, &ctx.host.packages()?), "installed or upgraded"))
    }

    /// What is newest is known only after the repositories were read; a dry run goes by what was read last.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let fresh = || -> Result<Verdict, StateError> {
            if !call.test {
                let args: Args = call.typed()?;
                refresh_if_due(args.refresh, args.cache_valid_time, ctx)?;
            }
            self.sequence(call, ctx)
        };
        fresh().unwrap_or_else(Verdict::from)
    }
}

fn is_due(call: &StateCall, ctx: &JobCtx<'_>) -> Result<bool, StateError> {
    let args: Args = call.typed()?;
    Ok(refresh_is_due(args.refresh, args.cache_valid_time, ctx))
}

fn job(call: &StateCall) -> Result<PackageJob, StateError> {
    let args: Args = call.typed()?;
    let options = PackageOptions {
        recommends: args.install_recommends,
        from_repo: args.fromrepo,
        change_held: args.update_holds,
        only_upgrade: args.only_upgrade,
        skip_verify: args.skip_verify,
        new_conf: false,
    };
    Ok(install(wanted(call)?.iter().map(|w| spec(&w.name)).collect(), &options))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn it_upgrades_once_and_reads_the_repositories_first() {
        let host = SimHost::new().with_package("a", "1").with_unread_offer("a", &["1", "2"]);
        let bench = Bench::new(host);
        let first = bench.run("a:\n  pkg.latest: []\n");
        assert!(first.changed(), "{}", first.comment);
        assert!(!bench.run("a:\n  pkg.latest: []\n").changed());
        let dry = bench.dry("a:\n  pkg.latest:\n    - refresh: True\n");
        assert!(
            dry.comment.contains("last read"),
            "a dry run reads no repositories, and says so: {}",
            dry.comment
        );
        assert_eq!(bench.run("nosuch:\n  pkg.latest: []\n").kind, VerdictKind::Failed);
        assert!(!bench.run("nosuch:\n  pkg.latest:\n    - only_upgrade: True\n").changed());
    }
}
