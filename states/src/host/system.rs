//! The machine as a whole.

use std::path::Path;
use std::time::Duration;

use lab_proto::BootId;

use super::HostError;

/// What was asked of the machine's power; recorded only, the agent carries it out after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerRequest {
    /// Boot again.
    Reboot,
    /// Switch off.
    PowerOff,
}

/// How full a file system is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskUsage {
    /// Its size.
    pub total: u64,
    /// What is free.
    pub free: u64,
    /// What an ordinary user may still take.
    pub available: u64,
}

/// The machine.
pub trait System: Send + Sync {
    /// Returns the kernel's id of this boot.
    ///
    /// # Errors
    /// When the kernel does not say.
    fn boot_id(&self) -> Result<BootId, HostError>;

    /// Returns the machine's name.
    ///
    /// # Errors
    /// When the kernel does not say.
    fn hostname(&self) -> Result<String, HostError>;

    /// Returns for how long the machine has been up.
    ///
    /// # Errors
    /// When the kernel does not say.
    fn uptime(&self) -> Result<Duration, HostError>;

    /// Returns how full the file system below a path is.
    ///
    /// # Errors
    /// When the path is absent.
    fn disk_usage(&self, path: &Path) -> Result<DiskUsage, HostError>;

    /// Returns a variable of the environment that commands are started with.
    fn env(&self, name: &str) -> Option<String>;

    /// Sets a variable for the commands that are started from now on; `None` removes it.
    fn set_env(&self, name: &str, value: Option<&str>);

    /// Returns the umask that new files are made with.
    fn umask(&self) -> u32;

    /// Sets the umask of what the calling thread makes from now on; `None` is the process's own again. A host that has
    /// nothing of that kind keeps its own.
    fn mask(&self, _umask: Option<u32>) {}

    /// Records that the machine should reboot or switch off once the present run is over. Nothing happens yet.
    ///
    /// # Errors
    /// When the other request is already recorded.
    fn request_power(&self, request: PowerRequest) -> Result<(), HostError>;

    /// Returns what was recorded.
    fn power_request(&self) -> Option<PowerRequest>;
}
