//! Packages of this machine: runs the commands that the back end of its package manager makes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use lab_states::host::packages::BackEnd;
use lab_states::host::{
    Cause, Command, Commands, HostError, Observer, Output, Package, PackageAction, PackageJob,
    PackageManager, PackagePlan, Packages, Silent,
};

use super::LinuxHost;

/// How long a lock of the package manager is waited for, and how often it is tried.
const LOCK_PATIENCE: Duration = Duration::from_secs(600);
const LOCK_INTERVAL: Duration = Duration::from_millis(500);
/// Bounds a hung question; changes are bounded by their job alone.
const QUESTION: Duration = Duration::from_secs(300);

impl Packages for LinuxHost {
    fn package_manager(&self) -> Result<PackageManager, HostError> {
        let there = |program: &str| self.which(program).is_some();
        // The tool may be installed on a machine that is changed in place all the same.
        let read_only = || there("transactional-update") && there("zypper") && is_read_only(Path::new("/"));
        let order: [(PackageManager, &dyn Fn() -> bool); 4] = [
            (PackageManager::TransactionalUpdate, &read_only),
            (PackageManager::Zypper, &|| there("zypper")),
            (PackageManager::Dnf, &|| there("dnf")),
            (PackageManager::Apt, &|| there("apt-get") && there("dpkg-query")),
        ];
        // A Debian may have rpm's tools installed; its packages are dpkg's all the same.
        if order[3].1() && Path::new("/var/lib/dpkg/status").is_file() {
            return Ok(PackageManager::Apt);
        }
        let found = order.iter().find(|(_, is_there)| is_there()).map(|(manager, _)| *manager);
        found.ok_or_else(|| {
            let text = "no package manager that is known is installed (apt-get, zypper, dnf)";
            HostError::new("manage", "packages", Cause::Unsupported(text.to_owned()))
        })
    }

    fn packages(&self) -> Result<Vec<Package>, HostError> {
        let (back, name) = self.back_end()?;
        let output = self.question("list", name, &back.list())?;
        let mut list = back.read_list(&output).map_err(|text| HostError::other("list", "packages", text))?;
        if let Some(command) = back.holds() {
            let held = back.read_holds(&self.question("list", name, &command)?);
            list.iter_mut().for_each(|p| p.held = held.iter().any(|h| p.is_called(h)));
        }
        list.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(list)
    }

    fn package_providers(&self, capability: &str) -> Result<Vec<String>, HostError> {
        let (back, name) = self.back_end()?;
        match back.providers(capability) {
            Some(command) => Ok(back.read_providers(&self.question("ask", name, &command)?)),
            None => Ok(Vec::new()),
        }
    }

    fn package_versions(&self, names: &[String]) -> Result<BTreeMap<String, Vec<String>>, HostError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (back, name) = self.back_end()?;
        let output = self.question("ask", name, &back.versions(names))?;
        back.read_versions(&output)
            .map_err(|text| HostError::other("list versions of", names.join(", "), text))
    }

    fn package_plan(&self, job: &PackageJob) -> Result<PackagePlan, HostError> {
        let (back, name) = self.back_end()?;
        let installed = self.packages()?;
        let mut job = job.clone();
        let mut missing: Vec<String> = Vec::new();
        loop {
            if matches!(&job.action, PackageAction::Install(specs) if specs.is_empty()) {
                return Ok(PackagePlan { changes: Vec::new(), missing });
            }
            let output = self.patient("plan", name, back, &back.plan(&job), &Silent)?;
            match back.read_plan(&job, &output, &installed) {
                Ok(changes) => return Ok(PackagePlan { changes, missing }),
                Err(refusal) => {
                    let before = missing.len();
                    if let PackageAction::Install(specs) = &mut job.action {
                        let unknown = |name: &str| refusal.missing.iter().any(|m| m == name);
                        missing.extend(specs.iter().filter(|s| unknown(&s.name)).map(|s| s.name.clone()));
                        specs.retain(|s| !unknown(&s.name));
                    }
                    if missing.len() == before {
                        return Err(HostError::other("change packages with", name, refusal.text));
                    }
                }
            }
        }
    }

    fn package_act(&self, job: &PackageJob, observer: &dyn Observer) -> Result<(), HostError> {
        let (back, name) = self.back_end()?;
        let output = self.patient("change packages with", name, back, &back.act(job), observer)?;
        verdict("change packages with", name, back, &output)
    }

    fn package_hold(&self, names: &[String], held: bool, observer: &dyn Observer) -> Result<(), HostError> {
        let (back, name) = self.back_end()?;
        let output = self.patient("hold packages with", name, back, &back.hold(names, held), observer)?;
        verdict("hold packages with", name, back, &output)
    }

    fn package_refresh(&self, observer: &dyn Observer) -> Result<(), HostError> {
        let (back, name) = self.back_end()?;
        let output = self.patient("read the repositories with", name, back, &back.refresh(), observer)?;
        verdict("read the repositories with", name, back, &output)?;
        *self.lists_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }

    fn package_lists_age(&self) -> Option<Duration> {
        let read = *self.lists_read.lock().unwrap_or_else(PoisonError::into_inner);
        read.map(|at| at.elapsed())
    }
}

impl LinuxHost {
    fn back_end(&self) -> Result<(&'static dyn BackEnd, &'static str), HostError> {
        let manager = self.package_manager()?;
        let back = manager.back_end().ok_or_else(|| {
            HostError::other("manage", "packages", format!("{} runs no tools", manager.as_str()))
        })?;
        Ok((back, manager.as_str()))
    }

    fn question(&self, action: &'static str, manager: &str, command: &Command) -> Result<Output, HostError> {
        let mut command = command.clone();
        command.timeout = Some(QUESTION);
        self.run(&command, &Silent).map_err(|e| HostError::new(action, manager, e.cause))
    }

    /// Runs a command, again and again while another process holds the manager's lock.
    fn patient(
        &self,
        action: &'static str,
        manager: &str,
        back: &dyn BackEnd,
        command: &Command,
        observer: &dyn Observer,
    ) -> Result<Output, HostError> {
        let start = Instant::now();
        loop {
            let output = self.run(command, observer).map_err(|e| HostError::new(action, manager, e.cause))?;
            if !back.is_locked(&output) {
                return Ok(output);
            }
            if start.elapsed() > LOCK_PATIENCE {
                let said = back.complaint(&output);
                let text = format!("its lock did not come free in {} s: {said}", LOCK_PATIENCE.as_secs());
                return Err(HostError::other(action, manager, text));
            }
            if !self.sleep(LOCK_INTERVAL, observer) {
                return Err(HostError::new(action, manager, Cause::Cancelled));
            }
        }
    }
}

fn is_read_only(path: &Path) -> bool {
    use nix::sys::statvfs::{FsFlags, statvfs};
    statvfs(path).is_ok_and(|about| about.flags().contains(FsFlags::ST_RDONLY))
}

fn verdict(
    action: &'static str,
    manager: &str,
    back: &dyn BackEnd,
    output: &Output,
) -> Result<(), HostError> {
    use lab_states::host::Exit;
    match output.exit {
        Exit::Cancelled => Err(HostError::new(action, manager, Cause::Cancelled)),
        Exit::TimedOut => Err(HostError::new(action, manager, Cause::TimedOut)),
        _ if back.succeeded(output) => Ok(()),
        _ => Err(HostError::other(action, manager, back.complaint(output))),
    }
}
