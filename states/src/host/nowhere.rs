//! No machine at all: every question is refused, and that it was asked is remembered. [`crate::check`] calls the
//! functions of templates with it: those that need no machine answer, the others are recognised.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lab_proto::BootId;

use super::{
    AccountStep, Accounts, ArchiveEntry, ArchiveFormat, ArchiveSource, Archives, Cause, Command, Commands,
    DiskUsage, Extraction, FileMeta, Files, Group, HostError, HttpReply, HttpRequest, Kernel, MountRequest,
    Mounts, NetSession, Network, Node, Observer, Output, Package, PackageJob, PackageManager, PackagePlan,
    Packages, PowerRequest, Remote, ServiceAction, ServiceStatus, Services, Shadow, System, User,
    WriteOptions,
};

/// The machine that is not there.
#[derive(Debug, Default)]
pub struct Nowhere {
    asked: AtomicBool,
}

impl Nowhere {
    /// Tells whether something was asked since the last call of this.
    pub fn was_asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }

    fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    fn no<T>(&self, action: &'static str, place: &str) -> Result<T, HostError> {
        self.ask();
        Err(HostError::new(action, place, Cause::Unsupported("there is no machine in a check".to_owned())))
    }

    fn no_file<T>(&self, action: &'static str, path: &Path) -> Result<T, HostError> {
        self.no(action, &path.display().to_string())
    }
}

impl Files for Nowhere {
    fn stat(&self, path: &Path) -> Result<Option<FileMeta>, HostError> {
        self.no_file("look at", path)
    }
    fn lstat(&self, path: &Path) -> Result<Option<FileMeta>, HostError> {
        self.no_file("look at", path)
    }
    fn read(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        self.no_file("read", path)
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        self.no_file("read", path)
    }
    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, HostError> {
        self.no_file("list", path)
    }
    fn write(&self, path: &Path, _: &[u8], _: WriteOptions) -> Result<(), HostError> {
        self.no_file("write", path)
    }
    fn mkdir(&self, path: &Path, _: Option<u32>) -> Result<(), HostError> {
        self.no_file("make", path)
    }
    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        self.no_file("remove", path)
    }
    fn remove_dir_all(&self, path: &Path) -> Result<(), HostError> {
        self.no_file("remove", path)
    }
    fn rename(&self, from: &Path, _: &Path) -> Result<(), HostError> {
        self.no_file("rename", from)
    }
    fn symlink(&self, _: &Path, path: &Path) -> Result<(), HostError> {
        self.no_file("link", path)
    }
    fn hard_link(&self, _: &Path, path: &Path) -> Result<(), HostError> {
        self.no_file("link", path)
    }
    fn node(&self, path: &Path) -> Result<Option<Node>, HostError> {
        self.no_file("look at", path)
    }
    fn mknod(&self, path: &Path, _: Node, _: u32) -> Result<(), HostError> {
        self.no_file("make", path)
    }
    fn chmod(&self, path: &Path, _: u32) -> Result<(), HostError> {
        self.no_file("change the mode of", path)
    }
    fn chown(&self, path: &Path, _: Option<u32>, _: Option<u32>) -> Result<(), HostError> {
        self.no_file("change the owner of", path)
    }
    fn touch(&self, path: &Path, _: Option<i64>) -> Result<(), HostError> {
        self.no_file("touch", path)
    }
}

impl Commands for Nowhere {
    fn run(&self, command: &Command, _: &dyn Observer) -> Result<Output, HostError> {
        self.no("run", &command.line())
    }
    fn which(&self, _: &str) -> Option<PathBuf> {
        self.ask();
        None
    }
    fn sleep(&self, _: Duration, _: &dyn Observer) -> bool {
        self.ask();
        true
    }
}

impl Services for Nowhere {
    fn service_manager(&self) -> &'static str {
        self.ask();
        "none"
    }
    fn service(&self, name: &str) -> Result<Option<ServiceStatus>, HostError> {
        self.no("look at", name)
    }
    fn service_list(&self) -> Result<Vec<String>, HostError> {
        self.no("list", "services")
    }
    fn service_act(&self, name: &str, action: ServiceAction) -> Result<(), HostError> {
        self.no(action.as_str(), name)
    }
    fn service_definitions_changed(&self) -> Result<(), HostError> {
        self.no("read again", "the definitions of services")
    }
}

impl Network for Nowhere {
    fn net_session(&self) -> Result<Box<dyn NetSession + '_>, HostError> {
        self.no("ask", "the network")
    }
}

impl Accounts for Nowhere {
    fn user(&self, name: &str) -> Result<Option<User>, HostError> {
        self.no("look up", name)
    }
    fn user_by_id(&self, uid: u32) -> Result<Option<User>, HostError> {
        self.no("look up", &uid.to_string())
    }
    fn group(&self, name: &str) -> Result<Option<Group>, HostError> {
        self.no("look up", name)
    }
    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, HostError> {
        self.no("look up", &gid.to_string())
    }
    fn users(&self) -> Result<Vec<User>, HostError> {
        self.no("list", "users")
    }
    fn groups(&self) -> Result<Vec<Group>, HostError> {
        self.no("list", "groups")
    }
    fn shadow(&self, name: &str) -> Result<Option<Shadow>, HostError> {
        self.no("look up", name)
    }
    fn account_step(&self, step: &AccountStep) -> Result<(), HostError> {
        self.no(step.verb(), step.subject())
    }
}

impl Packages for Nowhere {
    fn package_manager(&self) -> Result<PackageManager, HostError> {
        self.no("manage", "packages")
    }
    fn packages(&self) -> Result<Vec<Package>, HostError> {
        self.no("list", "packages")
    }
    fn package_providers(&self, capability: &str) -> Result<Vec<String>, HostError> {
        self.no("look up", capability)
    }
    fn package_versions(&self, names: &[String]) -> Result<BTreeMap<String, Vec<String>>, HostError> {
        self.no("list versions of", &names.join(", "))
    }
    fn package_plan(&self, _: &PackageJob) -> Result<PackagePlan, HostError> {
        self.no("plan", "packages")
    }
    fn package_act(&self, _: &PackageJob, _: &dyn Observer) -> Result<(), HostError> {
        self.no("change", "packages")
    }
    fn package_hold(&self, names: &[String], _: bool, _: &dyn Observer) -> Result<(), HostError> {
        self.no("hold", &names.join(", "))
    }
    fn package_refresh(&self, _: &dyn Observer) -> Result<(), HostError> {
        self.no("read", "package repositories")
    }
    fn package_lists_age(&self) -> Option<Duration> {
        self.ask();
        None
    }
}

impl System for Nowhere {
    fn boot_id(&self) -> Result<BootId, HostError> {
        self.no("read", "the boot id")
    }
    fn hostname(&self) -> Result<String, HostError> {
        self.no("read", "the host name")
    }
    fn uptime(&self) -> Result<Duration, HostError> {
        self.no("read", "the uptime")
    }
    fn disk_usage(&self, path: &Path) -> Result<DiskUsage, HostError> {
        self.no_file("look at the disk of", path)
    }
    fn env(&self, _: &str) -> Option<String> {
        self.ask();
        None
    }
    fn set_env(&self, _: &str, _: Option<&str>) {
        self.ask();
    }
    fn umask(&self) -> u32 {
        0o022
    }
    fn request_power(&self, _: PowerRequest) -> Result<(), HostError> {
        self.no("turn off", "the machine")
    }
    fn power_request(&self) -> Option<PowerRequest> {
        None
    }
}

impl Kernel for Nowhere {
    fn kernel_write(&self, path: &Path, _: &[u8]) -> Result<(), HostError> {
        self.no_file("write", path)
    }
    fn module_load(&self, name: &str, _: &[String]) -> Result<(), HostError> {
        self.no("load", name)
    }
    fn module_unload(&self, name: &str) -> Result<(), HostError> {
        self.no("unload", name)
    }
    fn set_hostname(&self, name: &str) -> Result<(), HostError> {
        self.no("set the host name", name)
    }
}

impl Mounts for Nowhere {
    fn mount(&self, request: &MountRequest) -> Result<(), HostError> {
        self.no_file("mount", &request.target)
    }
    fn unmount(&self, target: &Path, _: bool) -> Result<(), HostError> {
        self.no_file("unmount", target)
    }
    fn swap_on(&self, device: &Path) -> Result<(), HostError> {
        self.no_file("swap on", device)
    }
    fn swap_off(&self, device: &Path) -> Result<(), HostError> {
        self.no_file("swap off", device)
    }
}

impl Remote for Nowhere {
    fn http(&self, request: &HttpRequest, _: &dyn Observer) -> Result<HttpReply, HostError> {
        self.no("ask", &request.url)
    }
    fn connect(&self, host: &str, _: u16, _: Duration) -> Result<(), HostError> {
        self.no("connect to", host)
    }
}

impl Archives for Nowhere {
    fn archive_list(&self, _: ArchiveSource<'_>, _: ArchiveFormat) -> Result<Vec<ArchiveEntry>, HostError> {
        self.no("list", "an archive")
    }
    fn archive_extract(
        &self,
        _: ArchiveSource<'_>,
        _: ArchiveFormat,
        _: &Extraction,
    ) -> Result<(), HostError> {
        self.no("unpack", "an archive")
    }
}
