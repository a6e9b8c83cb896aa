//! `pkg.installed`: packages are installed, at versions that will do.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::map;
use super::wanted::{CACHE_VALID_TIME, PKGS, REFRESH, VERSION, Wanted, wanted};
use super::{change, differences, find, install, not_offered, planned, refresh_if_due, sorted};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::{Package, PackageOptions, PackageSpec};

/// The function.
pub(in crate::functions) struct Installed;

const ARGS: &[ArgDoc] = &[
    PKGS,
    VERSION,
    REFRESH,
    CACHE_VALID_TIME,
    ArgDoc::optional("install_recommends", Kind::Bool, "Whether recommended packages come along."),
    ArgDoc::optional("no_recommends", Kind::Bool, "The opposite, as SUSE's users know it."),
    ArgDoc::optional("fromrepo", Kind::Text, "From which repository (apt: release) alone."),
    ArgDoc::optional("hold", Kind::Bool, "Whether the packages are held at their versions, or let go."),
    ArgDoc::with_default("update_holds", Kind::Bool, "false", "Whether held packages may be changed."),
    ArgDoc::with_default("only_upgrade", Kind::Bool, "false", "Whether only installed packages are changed."),
    ArgDoc::with_default(
        "skip_verify",
        Kind::Bool,
        "false",
        "Whether packages without a signature are taken.",
    ),
    ArgDoc::with_default(
        "force_conf_new",
        Kind::Bool,
        "false",
        "Whether new configuration files replace those that were edited here.",
    ),
    ArgDoc::with_default(
        "allow_updates",
        Kind::Bool,
        "false",
        "Whether a newer version than the one named will do.",
    ),
    ArgDoc::optional("sources", Kind::List, "Not supported: put the packages into a repository."),
    ArgDoc::optional("skip_suggestions", Kind::Bool, "Accepted; unknown names are always said."),
    ArgDoc::optional("resolve_capabilities", Kind::Bool, "Accepted; what a package provides always counts."),
    ArgDoc::optional("normalize", Kind::Bool, "Accepted."),
    ArgDoc::optional("ignore_epoch", Kind::Bool, "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Installs packages, at the named versions where versions are named. What another package provides under the name \
     will do. Configuration files that were edited here stay.",
    ARGS,
    "web:\n  pkg.installed:\n    - pkgs:\n      - nginx\n      - curl: '>=7.88'\n    - install_recommends: False\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    refresh: Option<bool>,
    cache_valid_time: Option<u64>,
    install_recommends: Option<bool>,
    no_recommends: Option<bool>,
    fromrepo: Option<String>,
    hold: Option<bool>,
    #[serde(default)]
    update_holds: bool,
    #[serde(default)]
    only_upgrade: bool,
    #[serde(default)]
    skip_verify: bool,
    #[serde(default)]
    force_conf_new: bool,
    #[serde(default)]
    allow_updates: bool,
}

impl Args {
    fn options(&self) -> PackageOptions {
        PackageOptions {
            recommends: self.install_recommends.or(self.no_recommends.map(|no| !no)),
            from_repo: self.fromrepo.clone(),
            change_held: self.update_holds,
            only_upgrade: self.only_upgrade,
            skip_verify: self.skip_verify,
            new_conf: self.force_conf_new,
        }
    }
}

/// What differs: packages to install or change, and holds to set.
#[derive(Debug, Default)]
struct Found {
    specs: Vec<PackageSpec>,
    hold: Vec<String>,
}

impl StateFunction for Installed {
    fn name(&self) -> &'static str {
        "pkg.installed"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let wanted = wanted(call)?;
        let found = look(&args, &wanted, ctx)?;
        let mut changes = Map::new();
        let mut comment = String::new();
        if !found.specs.is_empty() {
            let plan = ctx.host.package_plan(&install(found.specs.clone(), &args.options()))?;
            changes = planned(&plan);
            for name in &plan.missing {
                // The repositories may be older than what is on offer, or a state of this run may add one.
                changes.insert(name.as_str().into(), change("".into(), "unknown".into()));
            }
            if !plan.missing.is_empty() {
                let names = plan.missing.join(", ");
                comment = format!("; no repository as they were last read offers {names}");
            }
        }
        report_holds(&mut changes, &found.hold, args.hold == Some(true));
        if changes.is_empty() {
            return Ok(Check::holds(match &wanted[..] {
                [one] => format!("package {} is already installed", one.name),
                _ => "all specified packages are already installed".to_owned(),
            }));
        }
        let changes = sorted(changes);
        let names: Vec<&str> = found.specs.iter().map(|s| s.name.as_str()).collect();
        let what = if names.is_empty() {
            "holds would be changed".to_owned()
        } else {
            format!("the following packages would be installed/updated: {}", names.join(", "))
        };
        Ok(Check::differs(changes, format!("{what}{comment}")))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let wanted = wanted(call)?;
        let before = ctx.host.packages()?;
        if !look(&args, &wanted, ctx)?.specs.is_empty() {
            refresh_if_due(args.refresh, args.cache_valid_time, ctx)?;
            let specs = look(&args, &wanted, ctx)?.specs;
            if !specs.is_empty() {
                let job = install(specs, &args.options());
                let plan = ctx.host.package_plan(&job)?;
                if !plan.missing.is_empty() {
                    return Err(not_offered(&plan.missing));
                }
                ctx.host.package_act(&job, ctx)?;
            }
        }
        let hold = look(&args, &wanted, ctx)?.hold;
        if !hold.is_empty() {
            ctx.host.package_hold(&hold, args.hold == Some(true), ctx)?;
        }
        let mut changes = differences(&before, &ctx.host.packages()?);
        report_holds(&mut changes, &hold, args.hold == Some(true));
        let changes = sorted(changes);
        let names: Vec<&str> = wanted.iter().map(|w| w.name.as_str()).collect();
        Ok(Applied::new(changes, format!("installed: {}", names.join(", "))))
    }
}

/// Compares what is installed with what is wanted.
fn look(args: &Args, wanted: &[Wanted], ctx: &JobCtx<'_>) -> Result<Found, StateError> {
    let rules = ctx.host.package_manager()?.versions();
    let list = ctx.host.packages()?;
    let mut found = Found::default();
    for one in wanted {
        let package = match find(&list, &one.name) {
            None if provided(&list, one, ctx)? => continue,
            package => package,
        };
        let met =
            package.is_some_and(|p| one.is_met_by(p, rules) || (args.allow_updates && newer(one, p, rules)));
        if one.latest() || !(met || (package.is_none() && args.only_upgrade)) {
            found.specs.push(one.resolve(ctx)?);
        }
        if let Some(hold) = args.hold {
            let name = package.map_or(&one.name, |p| &p.name);
            if package.is_none_or(|p| p.held != hold) && (hold || package.is_some()) {
                found.hold.push(name.clone());
            }
        }
    }
    Ok(found)
}

/// Tells whether a package is installed that provides the name; a version can only be asked of the package itself.
fn provided(list: &[Package], wanted: &Wanted, ctx: &JobCtx<'_>) -> Result<bool, StateError> {
    if wanted.version.is_some() {
        return Ok(false);
    }
    let provides = |p: &Package| !p.removed && p.provides.contains(&wanted.name);
    Ok(list.iter().any(provides) || !ctx.host.package_providers(&wanted.name)?.is_empty())
}

fn newer(wanted: &Wanted, have: &Package, rules: crate::host::VersionRules) -> bool {
    use super::wanted::{Operator, Version};
    match &wanted.version {
        Some(Version::Conditions(all)) => all.iter().all(|(operator, version)| match operator {
            Operator::Is => rules.compare(&have.version, version).is_ge(),
            _ => false,
        }),
        _ => false,
    }
}

fn report_holds(changes: &mut Map, names: &[String], hold: bool) {
    let (old, new) = if hold { ("install", "hold") } else { ("hold", "install") };
    for name in names {
        let entry = changes.entry(name.as_str().into()).or_insert_with(|| Value::Map(Map::new()));
        if let Value::Map(entry) = entry {
            entry.insert("hold".into(), Value::Map(map([("old", old.into()), ("new", new.into())])));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use crate::host::{Packages, Silent};

    fn bench() -> Bench {
        Bench::new(
            SimHost::new()
                .with_package("curl", "7.70")
                .with_offer("curl", &["7.70", "7.88", "8.1"], &[])
                .with_offer("nginx", &["1.22"], &["libssl"])
                .with_offer("libssl", &["3.0"], &[]),
        )
    }

    fn version(bench: &Bench, name: &str) -> Option<String> {
        bench.host.packages().unwrap().into_iter().find(|p| p.name == name && !p.removed).map(|p| p.version)
    }

    #[test]
    fn a_dry_run_names_exactly_what_the_real_one_changes_and_the_second_changes_nothing() {
        let bench = bench();
        let sls = "web:\n  pkg.installed:\n    - pkgs: [nginx, {curl: '>=7.88,<8'}]\n    - hold: True\n";
        let dry = bench.dry(sls);
        assert_eq!(dry.kind, VerdictKind::WouldChange, "{}", dry.comment);
        let real = bench.run(sls);
        assert_eq!(real.kind, VerdictKind::Ok, "{}", real.comment);
        assert_eq!(real.changes, dry.changes);
        assert_eq!(version(&bench, "libssl").as_deref(), Some("3.0"), "what it needs came along");
        assert_eq!(version(&bench, "curl").as_deref(), Some("7.88"));
        let writes = bench.host.writes();
        assert!(!bench.run(sls).changed());
        assert_eq!(bench.host.writes(), writes);
    }

    #[test]
    fn what_is_installed_at_any_version_will_do_where_none_is_named() {
        let bench = bench();
        assert!(!bench.run("curl:\n  pkg.installed: []\n").changed());
        assert!(
            !bench
                .run("curl:\n  pkg.installed:\n    - version: '7.60'\n    - allow_updates: True\n")
                .changed()
        );
        assert!(bench.run("curl:\n  pkg.installed:\n    - version: latest\n").changed());
        assert_eq!(version(&bench, "curl").as_deref(), Some("8.1"));
        assert!(bench.run("curl:\n  pkg.installed:\n    - version: '7.70'\n").changed(), "also an older one");
        let no = bench.run("curl:\n  pkg.installed:\n    - version: '>9'\n");
        assert!(no.comment.contains("there is 8.1, 7.88, 7.70"), "{}", no.comment);
    }

    #[test]
    fn the_repositories_are_read_before_something_is_said_to_be_missing() {
        let bench = Bench::new(SimHost::new().with_unread_offer("new", &["1"]));
        let dry = bench.dry("new:\n  pkg.installed: []\n");
        assert_eq!((dry.kind, bench.host.writes()), (VerdictKind::WouldChange, 0), "{}", dry.comment);
        assert!(bench.run("new:\n  pkg.installed: []\n").changed());
        let missing = bench.run("nosuch:\n  pkg.installed: []\n");
        assert_eq!(missing.kind, VerdictKind::Failed);
        assert!(missing.comment.contains("pkgrepo.managed"), "{}", missing.comment);
        let stale = Bench::new(SimHost::new().with_unread_offer("new", &["1"]));
        assert_eq!(stale.run("new:\n  pkg.installed:\n    - refresh: False\n").kind, VerdictKind::Failed);
    }

    #[test]
    fn a_held_package_changes_only_on_request() {
        let bench = bench();
        bench.host.package_hold(&["curl".to_owned()], true, &Silent).unwrap();
        let refused = bench.run("curl:\n  pkg.installed:\n    - version: '7.88'\n");
        assert_eq!(refused.kind, VerdictKind::Failed, "{}", refused.comment);
        let sls = "curl:\n  pkg.installed:\n    - version: '7.88'\n    - update_holds: True\n";
        assert!(bench.run(sls).changed());
    }
}
