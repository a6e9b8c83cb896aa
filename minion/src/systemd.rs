//! Whether systemd manages this machine.

use std::path::Path;

/// Tells whether systemd is this machine's first process. Its directory alone does not say so: `netplan generate` makes it
/// anywhere.
pub(crate) fn runs() -> bool {
    let first = || std::fs::read_to_string("/proc/1/comm");
    Path::new("/run/systemd/system").is_dir() && first().is_ok_and(|name| name.trim() == "systemd")
}
