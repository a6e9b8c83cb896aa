//! `pkg.*` execution functions.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::exec::{Call, Exec, failed};
use super::wanted::{Wanted, wanted};
use super::{differences, find, install, not_offered, planned, refresh_if_due, spec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind, StateCall};
use crate::functions::support::text_of;
use crate::host::{PackageAction, PackageJob, PackageOptions};

const NAME: ArgDoc = ArgDoc::optional("name", Kind::Text, "Which package.");
const PKGS: ArgDoc = ArgDoc::optional("pkgs", Kind::List, "Several packages.");
const ONE: &[ArgDoc] = &[ArgDoc::required("name", Kind::Text, "Which package.")];
const SOME: &[ArgDoc] = &[NAME, PKGS];
const REMOVED: &[ArgDoc] = &[ArgDoc::with_default(
    "removed",
    Kind::Bool,
    "false",
    "Whether to return those of which only configuration files are left, instead.",
)];
const DIST: &[ArgDoc] =
    &[ArgDoc::optional("dist_upgrade", Kind::Bool, "Whether packages may be added and removed for that.")];
const CHANGE: &[ArgDoc] = &[
    NAME,
    PKGS,
    ArgDoc::optional("version", Kind::Text, "Which version."),
    ArgDoc::with_default("refresh", Kind::Bool, "false", "Whether the repositories are read again first."),
];

const VERSIONS: &[ArgDoc] = &[
    ArgDoc::required("pkg1", Kind::Text, "One version."),
    ArgDoc::required("pkg2", Kind::Text, "The other."),
];

pub(in crate::functions) static ALL: &[Exec] = &[
    Exec {
        name: "pkg.version_cmp",
        doc: FunctionDoc::new(
            "Compares two versions by the rules of the machine's packages: -1, 0 or 1.",
            VERSIONS,
            "lab-master run '*' pkg.version_cmp 1.2~rc1 1.2",
        )
        .open(),
        body: version_cmp,
    },
    Exec {
        name: "pkg.version",
        doc: FunctionDoc::new(
            "Returns the installed version of a package, or nothing; of several, a mapping.",
            &[],
            "lab-master run '*' pkg.version openssh-server",
        )
        .open(),
        body: version,
    },
    Exec {
        name: "pkg.latest_version",
        doc: FunctionDoc::new(
            "Returns the version that an upgrade would bring, or nothing where the newest is installed.",
            &[],
            "lab-master run '*' pkg.latest_version openssh-server",
        )
        .open(),
        body: latest_version,
    },
    Exec {
        name: "pkg.upgrade_available",
        doc: FunctionDoc::new(
            "Tells whether a newer version of a package is on offer.",
            ONE,
            "lab-master run '*' pkg.upgrade_available openssh-server",
        ),
        body: upgrade_available,
    },
    Exec {
        name: "pkg.list_pkgs",
        doc: FunctionDoc::new(
            "Returns the installed packages with their versions.",
            REMOVED,
            "lab-master run '*' pkg.list_pkgs",
        )
        .open(),
        body: list_pkgs,
    },
    Exec {
        name: "pkg.list_upgrades",
        doc: FunctionDoc::new(
            "Returns the packages that an upgrade would change, with their new versions.",
            DIST,
            "lab-master run '*' pkg.list_upgrades",
        )
        .open(),
        body: list_upgrades,
    },
    Exec {
        name: "pkg.list_repo_pkgs",
        doc: FunctionDoc::new(
            "Returns the versions of packages that the repositories offer, newest first.",
            &[],
            "lab-master run '*' pkg.list_repo_pkgs nginx",
        )
        .open(),
        body: list_repo_pkgs,
    },
    Exec {
        name: "pkg.is_installed",
        doc: FunctionDoc::new(
            "Tells whether a package is installed.",
            ONE,
            "lab-master run '*' pkg.is_installed nginx",
        ),
        body: is_installed,
    },
    Exec {
        name: "pkg.install",
        doc: FunctionDoc::new(
            "Installs packages, and returns what changed.",
            CHANGE,
            "lab-master run '*' pkg.install nginx refresh=True",
        )
        .open(),
        body: do_install,
    },
    Exec {
        name: "pkg.remove",
        doc: FunctionDoc::new(
            "Removes packages, and returns what changed.",
            CHANGE,
            "lab-master run '*' pkg.remove telnetd",
        )
        .open(),
        body: |call| do_remove(call, false),
    },
    Exec {
        name: "pkg.purge",
        doc: FunctionDoc::new(
            "Removes packages with their configuration files, and returns what changed.",
            CHANGE,
            "lab-master run '*' pkg.purge telnetd",
        )
        .open(),
        body: |call| do_remove(call, true),
    },
    Exec {
        name: "pkg.upgrade",
        doc: FunctionDoc::new(
            "Brings everything to its newest version, and returns what changed.",
            DIST,
            "lab-master run '*' pkg.upgrade",
        )
        .open(),
        body: do_upgrade,
    },
    Exec {
        name: "pkg.refresh_db",
        doc: FunctionDoc::new(
            "Reads what the repositories offer again.",
            &[],
            "lab-master run '*' pkg.refresh_db",
        )
        .open(),
        body: |call| {
            call.ctx.host.package_refresh(call.ctx)?;
            Ok(true.into())
        },
    },
    Exec {
        name: "pkg.hold",
        doc: FunctionDoc::new("Holds packages at their versions.", SOME, "lab-master run '*' pkg.hold curl"),
        body: |call| hold(call, true),
    },
    Exec {
        name: "pkg.unhold",
        doc: FunctionDoc::new("Lets packages go that were held.", SOME, "lab-master run '*' pkg.unhold curl"),
        body: |call| hold(call, false),
    },
];

#[derive(Deserialize)]
struct Versions {
    pkg1: String,
    pkg2: String,
}

fn version_cmp(call: &Call<'_>) -> Result<Value, CallError> {
    let Versions { pkg1, pkg2 } = call.typed()?;
    let rules = call.ctx.host.package_manager()?.versions();
    Ok(i64::from(rules.compare(&pkg1, &pkg2) as i8).into())
}

#[derive(Deserialize)]
struct Args {
    name: Option<String>,
    pkgs: Option<Value>,
    version: Option<String>,
    #[serde(default)]
    refresh: bool,
    #[serde(default)]
    removed: bool,
    dist_upgrade: Option<bool>,
}

/// Reads the packages that a call names.
fn named(call: &Call<'_>) -> Result<(Args, Vec<Wanted>), CallError> {
    let args: Args = call.typed()?;
    let mut given = Map::new();
    given.extend(args.pkgs.clone().map(|pkgs| ("pkgs".into(), pkgs)));
    given.extend(args.version.clone().map(|version| ("version".into(), version.into())));
    if args.name.is_none() && args.pkgs.is_none() {
        return Err(CallError::failed("argument name is missing"));
    }
    let state = StateCall::new("pkg", args.name.clone().unwrap_or_default(), given);
    Ok((args, wanted(&state).map_err(failed)?))
}

/// One name gives its own answer, several give a mapping.
fn each(call: &Call<'_>, answer: impl Fn(&str) -> Result<Value, CallError>) -> Result<Value, CallError> {
    let names: Vec<String> = call.args.iter().map(text_of).collect();
    match &names[..] {
        [] => Err(CallError::failed("name at least one package")),
        [one] => answer(one),
        _ => {
            let all: Result<Map, CallError> =
                names.iter().map(|n| Ok((Value::from(n.as_str()), answer(n)?))).collect();
            all.map(Value::Map)
        }
    }
}

fn version(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.ctx.host.packages()?;
    each(call, |name| Ok(find(&list, name).map(|p| p.version.clone()).unwrap_or_default().into()))
}

fn latest_version(call: &Call<'_>) -> Result<Value, CallError> {
    each(call, |name| newest(call, name).map(Value::from))
}

fn newest(call: &Call<'_>, name: &str) -> Result<String, CallError> {
    let plan = call.ctx.host.package_plan(&install(vec![spec(name)], &held_too()))?;
    let found = plan.changes.into_iter().find(|c| c.name.split(':').next() == name.split(':').next());
    Ok(found.and_then(|c| c.new).unwrap_or_default())
}

fn held_too() -> PackageOptions {
    PackageOptions { change_held: true, ..PackageOptions::default() }
}

fn upgrade_available(call: &Call<'_>) -> Result<Value, CallError> {
    let name = named(call)?.0.name.unwrap_or_default();
    Ok((!newest(call, &name)?.is_empty()).into())
}

fn is_installed(call: &Call<'_>) -> Result<Value, CallError> {
    let name = named(call)?.0.name.unwrap_or_default();
    Ok(find(&call.ctx.host.packages()?, &name).is_some().into())
}

fn list_pkgs(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { removed, .. } = call.typed()?;
    let list = call.ctx.host.packages()?;
    let shown = list.into_iter().filter(|p| p.removed == removed);
    Ok(Value::Map(shown.map(|p| (Value::from(p.name), Value::from(p.version))).collect()))
}

fn list_upgrades(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { dist_upgrade, .. } = call.typed()?;
    let action = PackageAction::Upgrade { dist: dist_upgrade.unwrap_or(true) };
    let plan = call.ctx.host.package_plan(&PackageJob { action, options: PackageOptions::default() })?;
    let new = plan.changes.into_iter().filter_map(|c| Some((Value::from(c.name), Value::from(c.new?))));
    Ok(Value::Map(new.collect()))
}

fn list_repo_pkgs(call: &Call<'_>) -> Result<Value, CallError> {
    let names: Vec<String> = call.args.iter().map(text_of).collect();
    let found = call.ctx.host.package_versions(&names)?;
    Ok(Value::Map(found.into_iter().map(|(name, versions)| (name.into(), versions.into())).collect()))
}

fn do_install(call: &Call<'_>) -> Result<Value, CallError> {
    let (args, wanted) = named(call)?;
    if args.refresh {
        refresh_if_due(Some(true), None, call.ctx).map_err(failed)?;
    }
    let specs: Result<Vec<_>, _> = wanted.iter().map(|w| w.resolve(call.ctx)).collect();
    change(call, &install(specs.map_err(failed)?, &PackageOptions::default()))
}

fn do_remove(call: &Call<'_>, purge: bool) -> Result<Value, CallError> {
    let list = call.ctx.host.packages()?;
    let there = |w: &Wanted| list.iter().any(|p| p.is_called(&w.name) && (purge || !p.removed));
    let names: Vec<String> = named(call)?.1.into_iter().filter(there).map(|w| w.name).collect();
    if names.is_empty() {
        return Ok(Value::map());
    }
    change(call, &PackageJob { action: PackageAction::Remove { names, purge }, options: held_too() })
}

fn do_upgrade(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { dist_upgrade, .. } = call.typed()?;
    let action = PackageAction::Upgrade { dist: dist_upgrade.unwrap_or(false) };
    change(call, &PackageJob { action, options: PackageOptions::default() })
}

fn change(call: &Call<'_>, job: &PackageJob) -> Result<Value, CallError> {
    let host = call.ctx.host;
    let plan = host.package_plan(job)?;
    if !plan.missing.is_empty() {
        return Err(failed(not_offered(&plan.missing)));
    }
    if planned(&plan).is_empty() {
        return Ok(Value::map());
    }
    let before = host.packages()?;
    host.package_act(job, call.ctx)?;
    Ok(Value::Map(differences(&before, &host.packages()?)))
}

fn hold(call: &Call<'_>, held: bool) -> Result<Value, CallError> {
    let names: Vec<String> = named(call)?.1.into_iter().map(|w| w.name).collect();
    call.ctx.host.package_hold(&names, held, call.ctx)?;
    Ok(true.into())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn packages_are_asked_about_and_changed() {
        let host = SimHost::new()
            .with_package("a", "1")
            .with_offer("a", &["1", "2"], &[])
            .with_offer("b", &["3"], &["c"])
            .with_offer("c", &["1"], &[]);
        let bench = Bench::new(host);
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new()).map(|v| v.to_string())
        };
        assert_eq!(exec("pkg.version", &["a"]).unwrap(), "1");
        assert_eq!(
            exec("pkg.version", &["a", "b"]).unwrap(),
            Value::from([("a", "1"), ("b", "")]).to_string()
        );
        assert_eq!(exec("pkg.latest_version", &["a"]).unwrap(), "2");
        assert_eq!(exec("pkg.upgrade_available", &["a"]).unwrap(), Value::from(true).to_string());
        let installed = exec("pkg.install", &["b"]).unwrap();
        assert!(installed.contains('b') && installed.contains('c'), "{installed}");
        assert_eq!(exec("pkg.install", &["b"]).unwrap(), Value::map().to_string());
        assert_eq!(exec("pkg.list_upgrades", &[]).unwrap(), Value::from([("a", "2")]).to_string());
        exec("pkg.remove", &["c"]).unwrap();
        assert_eq!(exec("pkg.list_pkgs", &[]).unwrap(), Value::from([("a", "1")]).to_string());
        assert!(exec("pkg.install", &["nosuch"]).unwrap_err().to_string().contains("no repository"));
    }
}
