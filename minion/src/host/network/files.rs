//! Kernel parameters, and files of the network's configuration.

use std::path::{Component, Path, PathBuf};

use lab_states::host::{Cause, Files, HostError, WriteOptions};

use crate::host::LinuxHost;

/// Finds the file of a parameter. A link's name may have dots, which `sysctl` writes as slashes.
pub(super) fn sysctl_path(key: &str) -> Result<PathBuf, Cause> {
    let swapped: String = key
        .chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect();
    let relative = Path::new(&swapped);
    if swapped.is_empty() || relative.components().any(|c| !matches!(c, Component::Normal(_))) {
        return Err(Cause::Other(format!("{key:?} is not the name of a kernel parameter")));
    }
    Ok(Path::new("/proc/sys").join(relative))
}

pub(super) fn write(host: &LinuxHost, path: &str, content: Option<&str>) -> Result<(), HostError> {
    let path = Path::new(path);
    match content {
        Some(content) => Files::write(host, path, content.as_bytes(), WriteOptions::default()),
        None => host.remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_names_and_nothing_else_is() {
        let path = |key: &str| sysctl_path(key).map(|p| p.display().to_string());
        assert_eq!(path("net.ipv4.ip_forward").as_deref(), Ok("/proc/sys/net/ipv4/ip_forward"));
        assert_eq!(
            path("net.ipv4.conf.eth0/10.rp_filter").as_deref(),
            Ok("/proc/sys/net/ipv4/conf/eth0.10/rp_filter")
        );
        for bad in ["", "...etc.passwd", "net.//.x", ".etc"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }
}
