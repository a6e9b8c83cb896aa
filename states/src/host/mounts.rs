//! File systems in their places, and swap. What is mounted is read from `/proc/self/mountinfo` and `/proc/swaps`.

use std::path::{Path, PathBuf};

use super::HostError;

/// A file system to be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountRequest {
    /// What is mounted: a device, `UUID=…`, `LABEL=…`, `server:/export`, `tmpfs`.
    pub device: String,
    /// Where; the directory must be there.
    pub target: PathBuf,
    /// The kind of file system; found out from the device when not given.
    pub fstype: Option<String>,
    /// The options.
    pub options: Vec<String>,
    /// The account that mounts; the process's own when not given.
    pub user: Option<String>,
}

/// Mounts.
pub trait Mounts: Send + Sync {
    /// Mounts a file system; with the option `remount`, changes the options of one that is mounted.
    ///
    /// # Errors
    /// When the directory is absent, or the system refuses.
    fn mount(&self, request: &MountRequest) -> Result<(), HostError>;

    /// Unmounts what is mounted at a place; `lazy` takes it out of sight now and frees it once nobody uses it.
    ///
    /// # Errors
    /// When nothing is mounted there, or it is in use.
    fn unmount(&self, target: &Path, lazy: bool) -> Result<(), HostError>;

    /// Uses a device or file as swap.
    ///
    /// # Errors
    /// When it holds no swap space, or the kernel refuses.
    fn swap_on(&self, device: &Path) -> Result<(), HostError>;

    /// Stops using a device or file as swap.
    ///
    /// # Errors
    /// When it is not used, or memory is too short for what is in it.
    fn swap_off(&self, device: &Path) -> Result<(), HostError>;
}
