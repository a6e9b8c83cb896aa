//! Packages of the simulated machine: what is installed, what is on offer, and what needs what.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{
    Cause, HostError, Observer, Package, PackageAction, PackageChange, PackageJob, PackageManager,
    PackagePlan, PackageSpec, Packages, VersionRules,
};
use super::{SimHost, State};

/// The packages of a simulated machine and of the repositories that it knows.
#[derive(Clone, Debug, Default)]
pub(super) struct SimPackages {
    installed: Vec<Package>,
    /// What repositories offer, by name; a package appears there once the lists are read.
    offered: BTreeMap<String, Offer>,
    unread: BTreeMap<String, Offer>,
    age: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
struct Offer {
    /// Newest first.
    versions: Vec<String>,
    needs: Vec<String>,
}

impl SimHost {
    /// Installs a package.
    #[must_use]
    pub fn with_package(self, name: &str, version: &str) -> Self {
        self.lock().packages.set(name, version);
        self
    }

    /// Lets a repository offer a package in these versions; it needs other packages.
    #[must_use]
    pub fn with_offer(self, name: &str, versions: &[&str], needs: &[&str]) -> Self {
        self.lock().packages.offered.insert(name.to_owned(), offer(versions, needs));
        self
    }

    /// Lets a repository offer a package that this machine sees only after it read the lists again.
    #[must_use]
    pub fn with_unread_offer(self, name: &str, versions: &[&str]) -> Self {
        self.lock().packages.unread.insert(name.to_owned(), offer(versions, &[]));
        self
    }

    /// Leaves configuration files of a removed package.
    #[must_use]
    pub fn with_remains(self, name: &str, version: &str) -> Self {
        {
            let packages = &mut self.lock().packages;
            packages.set(name, version);
            packages.installed.iter_mut().filter(|p| p.name == name).for_each(|p| p.removed = true);
        }
        self
    }
}

fn offer(versions: &[&str], needs: &[&str]) -> Offer {
    let mut versions: Vec<String> = versions.iter().map(|v| (*v).to_owned()).collect();
    versions.sort_by(|a, b| VersionRules::Debian.compare(b, a));
    Offer { versions, needs: needs.iter().map(|n| (*n).to_owned()).collect() }
}

impl SimPackages {
    fn get(&self, name: &str) -> Option<&Package> {
        self.installed.iter().find(|p| p.is_called(name) && !p.removed)
    }

    fn set(&mut self, name: &str, version: &str) {
        let held = self.get(name).is_some_and(|p| p.held);
        self.installed.retain(|p| p.name != name);
        self.installed.push(Package {
            name: name.to_owned(),
            arch: "amd64".to_owned(),
            version: version.to_owned(),
            held,
            ..Package::default()
        });
        self.installed.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn plan(&self, job: &PackageJob) -> Result<PackagePlan, Cause> {
        let mut plan = PackagePlan::default();
        match &job.action {
            PackageAction::Install(specs) => {
                for spec in specs {
                    if job.options.only_upgrade && self.get(&spec.name).is_none() {
                        continue;
                    }
                    self.plan_install(spec, job.options.change_held, &mut plan)?;
                }
            }
            PackageAction::Remove { names, purge } => {
                for name in names {
                    self.plan_removal(name, *purge, &mut plan);
                }
            }
            PackageAction::Upgrade { .. } => {
                for package in self.installed.iter().filter(|p| !p.removed && !p.held) {
                    if self.offered.contains_key(&package.name) {
                        let spec = PackageSpec { name: package.name.clone(), version: None };
                        self.plan_install(&spec, false, &mut plan)?;
                    }
                }
            }
        }
        Ok(plan)
    }

    fn plan_install(
        &self,
        spec: &PackageSpec,
        change_held: bool,
        plan: &mut PackagePlan,
    ) -> Result<(), Cause> {
        let have = self.get(&spec.name);
        let Some(offer) = self.offered.get(&spec.name) else {
            if have.is_none() || spec.version.is_some() {
                plan.missing.push(spec.name.clone());
            }
            return Ok(());
        };
        let new = match &spec.version {
            Some(wanted) if !offer.versions.contains(wanted) => {
                return Err(Cause::Other(format!("version {wanted} of {} was not found", spec.name)));
            }
            Some(wanted) => wanted.clone(),
            None => {
                let newest = offer.versions.first().cloned().unwrap_or_default();
                let newer = |p: &&Package| VersionRules::Debian.compare(&p.version, &newest).is_ge();
                have.filter(newer).map_or(newest, |p| p.version.clone())
            }
        };
        if have.is_some_and(|p| p.version == new) || plan.changes.iter().any(|c| c.name == spec.name) {
            return Ok(());
        }
        if have.is_some_and(|p| p.held) && !change_held {
            return Err(Cause::Other(format!("package {} is held", spec.name)));
        }
        plan.changes.push(PackageChange {
            name: spec.name.clone(),
            old: have.map(|p| p.version.clone()),
            new: Some(new),
        });
        for name in offer.needs.iter().filter(|n| self.get(n).is_none()) {
            self.plan_install(&PackageSpec { name: name.clone(), version: None }, change_held, plan)?;
        }
        Ok(())
    }

    fn plan_removal(&self, name: &str, purge: bool, plan: &mut PackagePlan) {
        let Some(package) = self.installed.iter().find(|p| p.is_called(name) && (purge || !p.removed)) else {
            return;
        };
        if plan.changes.iter().any(|c| c.name == package.name) {
            return;
        }
        let old = (!package.removed).then(|| package.version.clone());
        plan.changes.push(PackageChange { name: package.name.clone(), old, new: None });
        for (other, offer) in &self.offered {
            if offer.needs.contains(&package.name) && self.get(other).is_some() {
                self.plan_removal(other, purge, plan);
            }
        }
    }

    fn carry_out(&mut self, plan: &PackagePlan, purge: bool) {
        for change in &plan.changes {
            match &change.new {
                Some(version) => self.set(&change.name, version),
                None if purge => self.installed.retain(|p| p.name != change.name),
                None => {
                    self.installed.iter_mut().filter(|p| p.name == change.name).for_each(|p| p.removed = true)
                }
            }
        }
    }
}

impl State {
    fn change_packages(&mut self, job: &PackageJob) -> Result<(), HostError> {
        let bad = |cause| HostError::new("change packages", "simulation", cause);
        let plan = self.packages.plan(job).map_err(bad)?;
        if let Some(name) = plan.missing.first() {
            return Err(bad(Cause::Other(format!("no repository offers {name}"))));
        }
        self.write("change packages", "simulation")?;
        self.packages.carry_out(&plan, matches!(job.action, PackageAction::Remove { purge: true, .. }));
        Ok(())
    }
}

impl Packages for SimHost {
    fn package_manager(&self) -> Result<PackageManager, HostError> {
        Ok(PackageManager::Simulation)
    }

    fn packages(&self) -> Result<Vec<Package>, HostError> {
        Ok(self.lock().packages.installed.clone())
    }

    fn package_providers(&self, _capability: &str) -> Result<Vec<String>, HostError> {
        Ok(Vec::new())
    }

    fn package_versions(&self, names: &[String]) -> Result<BTreeMap<String, Vec<String>>, HostError> {
        let state = self.lock();
        let offered = state.packages.offered.iter().filter(|(name, _)| names.contains(name));
        Ok(offered.map(|(name, offer)| (name.clone(), offer.versions.clone())).collect())
    }

    fn package_plan(&self, job: &PackageJob) -> Result<PackagePlan, HostError> {
        self.lock().packages.plan(job).map_err(|cause| HostError::new("plan packages", "simulation", cause))
    }

    fn package_act(&self, job: &PackageJob, _observer: &dyn Observer) -> Result<(), HostError> {
        self.lock().change_packages(job)
    }

    fn package_hold(&self, names: &[String], held: bool, _observer: &dyn Observer) -> Result<(), HostError> {
        let mut state = self.lock();
        for name in names {
            state.write("hold package", name)?;
            let package = state.packages.installed.iter_mut().find(|p| p.is_called(name));
            let package =
                package.ok_or_else(|| HostError::new("hold package", name.clone(), Cause::NotFound))?;
            package.held = held;
        }
        Ok(())
    }

    fn package_refresh(&self, _observer: &dyn Observer) -> Result<(), HostError> {
        let mut state = self.lock();
        state.write("refresh packages", "simulation")?;
        let unread = std::mem::take(&mut state.packages.unread);
        state.packages.offered.extend(unread);
        state.packages.age = Some(Duration::ZERO);
        Ok(())
    }

    fn package_lists_age(&self) -> Option<Duration> {
        self.lock().packages.age
    }
}
