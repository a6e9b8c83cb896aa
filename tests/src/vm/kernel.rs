//! Debian's kernel for virtual machines: unpacked, never installed.

use std::fs;
use std::path::{Path, PathBuf};

use super::VmError;

const REMEDY: &str = "`cargo xtask test vm` fetches it (Debian package linux-image-cloud-amd64)";

/// A kernel and its modules.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// The kernel's version, `6.1.0-56-cloud-amd64`.
    pub version: String,
    /// The compressed kernel.
    pub image: PathBuf,
    /// `lib/modules/VERSION`.
    pub modules: PathBuf,
}

/// Returns the directory that everything about virtual machines is kept in, beside the build's output.
pub(super) fn cache() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/vm")).to_path_buf()
}

impl Kernel {
    /// Finds the newest kernel that was unpacked.
    ///
    /// # Errors
    /// When there is none; says how to get one.
    pub fn find() -> Result<Self, VmError> {
        let tree = cache().join("kernel");
        let missing = || VmError::Missing { what: format!("a kernel in {}", tree.display()), remedy: REMEDY };
        let modules = tree.join("lib/modules");
        let entries = fs::read_dir(&modules).map_err(|_| missing())?;
        let mut versions: Vec<String> =
            entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
        versions.sort();
        let version = versions.pop().ok_or_else(missing)?;
        let image = tree.join(format!("boot/vmlinuz-{version}"));
        if !image.is_file() {
            return Err(missing());
        }
        Ok(Self { modules: modules.join(&version), image, version })
    }
}
