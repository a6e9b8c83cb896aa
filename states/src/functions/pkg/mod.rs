//! Packages: installed, removed, held, at which version.

mod exec;
mod held;
mod installed;
mod latest;
mod removed;
mod uptodate;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use lab_proto::{Map, Value};

pub(super) use exec::ALL as EXECS;

use super::support::map;
use crate::function::{JobCtx, Registry, StateError};
use crate::host::{
    Package, PackageAction, PackageChange, PackageJob, PackageOptions, PackagePlan, PackageSpec,
};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(held::Held));
    registry.add_state(Arc::new(held::Unheld));
    registry.add_state(Arc::new(installed::Installed));
    registry.add_state(Arc::new(latest::Latest));
    registry.add_state(Arc::new(removed::Purged));
    registry.add_state(Arc::new(removed::Removed));
    registry.add_state(Arc::new(uptodate::Uptodate));
}

/// How old the lists of the repositories may be before a function that is told nothing else reads them again. Within
/// one run that is once, as in Salt.
const FRESH: Duration = Duration::from_secs(300);

/// Tells whether the repositories are to be read again: on request, or when they were not read for long.
fn refresh_is_due(refresh: Option<bool>, cache_valid_time: Option<u64>, ctx: &JobCtx<'_>) -> bool {
    let limit = cache_valid_time.map_or(FRESH, Duration::from_secs);
    match refresh {
        Some(true) if cache_valid_time.is_none() => true,
        Some(false) => false,
        _ => ctx.host.package_lists_age().is_none_or(|age| age > limit),
    }
}

/// Reads the repositories again where that is due.
fn refresh_if_due(
    refresh: Option<bool>,
    cache_valid_time: Option<u64>,
    ctx: &JobCtx<'_>,
) -> Result<(), StateError> {
    if refresh_is_due(refresh, cache_valid_time, ctx) {
        ctx.say("reading the package repositories");
        ctx.host.package_refresh(ctx)?;
    }
    Ok(())
}

fn install(specs: Vec<PackageSpec>, options: &PackageOptions) -> PackageJob {
    PackageJob { action: PackageAction::Install(specs), options: options.clone() }
}

fn spec(name: &str) -> PackageSpec {
    PackageSpec { name: name.to_owned(), version: None }
}

/// Finds an installed package by the name that people use for it.
fn find<'a>(list: &'a [Package], name: &str) -> Option<&'a Package> {
    list.iter().find(|p| !p.removed && p.is_called(name))
}

/// Reports a plan: `{foo: {old: '1.0', new: '1.2'}}`.
fn planned(plan: &PackagePlan) -> Map {
    let text = |v: &Option<String>| Value::from(v.clone().unwrap_or_default());
    let entry = |c: &PackageChange| (Value::from(c.name.as_str()), change(text(&c.old), text(&c.new)));
    sorted(plan.changes.iter().map(entry).collect())
}

/// Reports what became of the packages between two looks at them.
fn differences(before: &[Package], after: &[Package]) -> Map {
    let version = |list: &[Package], name: &str| {
        list.iter().find(|p| p.name == name && !p.removed).map(|p| p.version.clone()).unwrap_or_default()
    };
    let gone = |p: &&Package| !after.iter().any(|a| a.name == p.name);
    let mut changes = Map::new();
    for package in after.iter().chain(before.iter().filter(gone)) {
        let (old, new) = (version(before, &package.name), version(after, &package.name));
        let purged = before.iter().any(|p| p.name == package.name && p.removed) && gone(&package);
        if old != new || purged {
            changes.insert(package.name.as_str().into(), change(old.into(), new.into()));
        }
    }
    sorted(changes)
}

/// Brings the changes of several packages into an order that does not depend on how they were found.
fn sorted(mut changes: Map) -> Map {
    changes.sort_by(|a, _, b, _| a.as_str().cmp(&b.as_str()));
    changes
}

fn change(old: Value, new: Value) -> Value {
    Value::Map(map([("old", old), ("new", new)]))
}

/// Says that no repository offers packages, and what to do about it.
fn not_offered(names: &[String]) -> StateError {
    StateError::failed(format!(
        "no repository that this machine has offers {} (add one with pkgrepo.managed and require it, or correct the name)",
        names.join(", ")
    ))
}
