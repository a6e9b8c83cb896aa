//! Packages: what is installed, what a change would bring, and the change itself, whatever manages them.
//!
//! [`Packages`] is the door that functions use. Behind it stands one [`BackEnd`] per package manager: pure functions that
//! make command lines and read what the tools print; whoever implements the door for a real machine runs them.

pub mod apt;
mod back_end;
pub mod dnf;
mod rpm;
pub mod transactional;
mod version;
pub mod zypper;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{HostError, Observer};

pub use back_end::{BackEnd, Refusal};
pub use version::VersionRules;

/// What manages packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageManager {
    /// dpkg with apt: Debian and its children.
    Apt,
    /// rpm with zypper: SUSE.
    Zypper,
    /// zypper in a new snapshot, used after the next boot: openSUSE MicroOS and Kubic.
    TransactionalUpdate,
    /// rpm with dnf: Fedora and its children.
    Dnf,
    /// A test's own.
    Simulation,
}

impl PackageManager {
    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Zypper => "zypper",
            Self::TransactionalUpdate => "transactional-update",
            Self::Dnf => "dnf",
            Self::Simulation => "simulation",
        }
    }

    /// Returns how it orders versions.
    pub fn versions(self) -> VersionRules {
        match self {
            Self::Apt | Self::Simulation => VersionRules::Debian,
            Self::Zypper | Self::TransactionalUpdate | Self::Dnf => VersionRules::Rpm,
        }
    }

    /// Returns its back end; `None` in a simulation, which runs no tools.
    pub fn back_end(self) -> Option<&'static dyn BackEnd> {
        match self {
            Self::Apt => Some(&apt::Apt),
            Self::Zypper => Some(&zypper::Zypper),
            Self::TransactionalUpdate => Some(&transactional::TransactionalUpdate),
            Self::Dnf => Some(&dnf::Dnf),
            Self::Simulation => None,
        }
    }
}

/// A package that is installed, or of which configuration files are left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name; with `:arch` where it is of a foreign architecture.
    pub name: String,
    /// Its architecture.
    pub arch: String,
    /// Its version, as the manager takes it.
    pub version: String,
    /// Whether it is kept at this version.
    pub held: bool,
    /// Whether only configuration files are left of it.
    pub removed: bool,
    /// What it provides besides itself, where the manager says so.
    pub provides: Vec<String>,
}

impl Package {
    /// Tells whether a name as people write it means this package: `foo`, `foo:amd64` or `foo.x86_64`.
    pub fn is_called(&self, name: &str) -> bool {
        if self.name == name {
            return true;
        }
        let base = self.name.split(':').next().unwrap_or(&self.name);
        let rest = name.strip_prefix(base).and_then(|rest| rest.strip_prefix([':', '.']));
        rest.is_some_and(|arch| arch == self.arch || (self.arch == "all" && self.name == base))
    }
}

/// A package that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageSpec {
    /// Its name, `foo` or `foo:arch`; or what a package provides.
    pub name: String,
    /// Exactly which version; the newest that the manager would take when not given.
    pub version: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackageAction {
    /// Install these, or bring them to these versions.
    Install(Vec<PackageSpec>),
    /// Remove these.
    Remove {
        /// Which.
        names: Vec<String>,
        /// Whether their configuration files go, too.
        purge: bool,
    },
    /// Bring everything that is installed to its newest version.
    Upgrade {
        /// Whether packages may be added and removed for that.
        dist: bool,
    },
}

/// How it is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageOptions {
    /// Whether recommended packages come along; as the manager is configured when not given.
    pub recommends: Option<bool>,
    /// From which repository (apt: release) alone.
    pub from_repo: Option<String>,
    /// Whether held packages may be changed.
    pub change_held: bool,
    /// Whether nothing that is not installed yet is installed.
    pub only_upgrade: bool,
    /// Whether packages without a valid signature are taken.
    pub skip_verify: bool,
    /// Whether a package's new configuration files replace those that were edited here.
    pub new_conf: bool,
}

/// A change to packages: what and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageJob {
    /// What.
    pub action: PackageAction,
    /// How.
    pub options: PackageOptions,
}

/// What one package would become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageChange {
    /// Its name, as [`Package::name`].
    pub name: String,
    /// The version before; `None` when it was not installed.
    pub old: Option<String>,
    /// The version after; `None` when it would be removed.
    pub new: Option<String>,
}

/// Everything that a job would change, dependencies included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackagePlan {
    /// The packages.
    pub changes: Vec<PackageChange>,
    /// Those names of the job that no repository offers; the changes are without them.
    pub missing: Vec<String>,
}

/// The packages of a machine.
pub trait Packages: Send + Sync {
    /// Names what manages packages here.
    ///
    /// # Errors
    /// When nothing that is known does.
    fn package_manager(&self) -> Result<PackageManager, HostError>;

    /// Lists what is installed, and what left configuration files, by name.
    ///
    /// # Errors
    /// When the manager does not answer.
    fn packages(&self) -> Result<Vec<Package>, HostError>;

    /// Names the installed packages that provide something under another name than their own.
    ///
    /// # Errors
    /// When the manager does not answer.
    fn package_providers(&self, capability: &str) -> Result<Vec<String>, HostError>;

    /// Lists the versions that repositories offer, newest first; a name that none offers is left out.
    ///
    /// # Errors
    /// When the manager does not answer.
    fn package_versions(&self, names: &[String]) -> Result<BTreeMap<String, Vec<String>>, HostError>;

    /// Says exactly what a job would change. Changes nothing, needs no lock.
    ///
    /// # Errors
    /// When the manager refuses the job for another reason than unknown names.
    fn package_plan(&self, job: &PackageJob) -> Result<PackagePlan, HostError>;

    /// Does a job. Waits while another process holds the manager's lock.
    ///
    /// # Errors
    /// When the manager refuses or fails, or its lock does not come free.
    fn package_act(&self, job: &PackageJob, observer: &dyn Observer) -> Result<(), HostError>;

    /// Holds packages at their versions, or lets them go.
    ///
    /// # Errors
    /// When the manager refuses.
    fn package_hold(&self, names: &[String], held: bool, observer: &dyn Observer) -> Result<(), HostError>;

    /// Reads what the repositories offer again.
    ///
    /// # Errors
    /// When a repository cannot be read.
    fn package_refresh(&self, observer: &dyn Observer) -> Result<(), HostError>;

    /// Returns how long ago this process read what the repositories offer; `None` when it did not.
    fn package_lists_age(&self) -> Option<Duration>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_answers_to_its_name_with_and_without_its_architecture() {
        let of = |name: &str, arch: &str| Package {
            name: name.to_owned(),
            arch: arch.to_owned(),
            ..Package::default()
        };
        assert!(of("foo", "amd64").is_called("foo") && of("foo", "amd64").is_called("foo:amd64"));
        assert!(of("foo", "x86_64").is_called("foo.x86_64") && !of("foo", "amd64").is_called("foo:i386"));
        assert!(of("foo:i386", "i386").is_called("foo:i386") && !of("foo:i386", "i386").is_called("foo"));
        assert!(of("foo", "all").is_called("foo:amd64"), "it fits every architecture");
        assert!(!of("foo", "amd64").is_called("foo-dev") && !of("foo", "amd64").is_called("foo.x"));
    }
}
