//! The kernel's settings, modules and name. What they are now is read from its files below /proc and /sys; the steps
//! here change them.

use std::path::Path;

use super::HostError;

/// The kernel.
pub trait Kernel: Send + Sync {
    /// Writes to a file of the kernel's, below /proc or /sys, as it stands: such files cannot be replaced.
    ///
    /// # Errors
    /// When there is no such file, or the kernel refuses the value.
    fn kernel_write(&self, path: &Path, value: &[u8]) -> Result<(), HostError>;

    /// Loads a module with all that it needs.
    ///
    /// # Errors
    /// When this kernel has no such module, or loads none at all.
    fn module_load(&self, name: &str, options: &[String]) -> Result<(), HostError>;

    /// Unloads a module.
    ///
    /// # Errors
    /// When it is in use, or part of the kernel itself.
    fn module_unload(&self, name: &str) -> Result<(), HostError>;

    /// Names the machine, until it boots again.
    ///
    /// # Errors
    /// When the name does not fit or this user may not do that.
    fn set_hostname(&self, name: &str) -> Result<(), HostError>;
}
