//! The layers of a host, made once when the lab starts and kept across its reboots.

use std::fs;
use std::io::Read;
use std::path::Path;

use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, statfs};

use super::super::NsError;
use super::super::error::Doing;
use super::super::words::{HostSpec, LabSpec, MASTER_ADDRESS, OUTSIDE_ADDRESS, io_dir};
use super::rootfs::{OVERLAID, make_dir, same_mode, tmpfs};

/// What a host of an unprivileged lab can write to, and how many levels down its existing directories are made again.
const SHADOWED: [(&str, u8); 6] =
    [("etc", 6), ("var", 3), ("srv", 2), ("opt", 2), ("root", 1), ("usr/local", 2)];
/// Larger files of /etc are not copied.
const FILE_BYTES: u64 = 1 << 20;

/// Prepares the directory under which all hosts keep their layers.
pub(super) fn prepare_hosts(spec: &LabSpec) -> Result<(), NsError> {
    let hosts = spec.dir.join("hosts");
    make_dir(&hosts)?;
    let kind = statfs(&hosts).doing(|| format!("look at the file system of {}", hosts.display()))?;
    if kind.filesystem_type() == OVERLAYFS_SUPER_MAGIC {
        // An overlay cannot lie on an overlay (as in most containers): these layers live in memory.
        tmpfs(&hosts, "mode=0755")?;
    }
    let names = fs::read_to_string("/etc/hosts").unwrap_or_else(|_| "127.0.0.1 localhost\n".to_owned());
    let mut text = names;
    text.push_str(&format!("{MASTER_ADDRESS} master\n"));
    if spec.outside {
        text.push_str(&format!("{OUTSIDE_ADDRESS} outside\n"));
    }
    for host in &spec.hosts {
        text.push_str(&format!("{} {}\n", host.address, host.name));
    }
    let file = spec.dir.join("hosts.txt");
    fs::write(&file, text).doing(|| format!("write {}", file.display()))
}

/// Makes the layers of one host, its io directory and its size-limited state directory.
pub(super) fn prepare_host(spec: &LabSpec, host: &HostSpec) -> Result<(), NsError> {
    let base = spec.dir.join("hosts").join(&host.name);
    make_dir(&io_dir(&spec.dir, &host.name).join("log"))?;
    for name in OVERLAID {
        let lower = Path::new("/").join(name);
        let writable = matches!(name, "etc" | "var" | "srv" | "opt" | "root");
        if lower.is_symlink() || !(lower.is_dir() || writable) {
            continue;
        }
        let upper = base.join("upper").join(name);
        make_dir(&upper)?;
        make_dir(&base.join("work").join(name))?;
        if lower.is_dir() {
            same_mode(&lower, &upper).doing(|| format!("set the mode of {}", upper.display()))?;
        }
    }
    if spec.user_namespace {
        for (name, depth) in SHADOWED {
            let upper = base.join("upper").join(name);
            make_dir(&upper)?;
            shadow(&Path::new("/").join(name), &upper, depth, name == "etc");
        }
    }
    identity(&spec.dir, &base.join("upper/etc"), host)?;
    if let Some(state) = &host.state_dir {
        let target = base.join("state");
        make_dir(&target)?;
        tmpfs(&target, &format!("mode=0755,size={}", state.bytes))?;
        make_dir(&target.join("data"))?;
    }
    Ok(())
}

/// Makes directories (and for /etc small files) of the lower layer again, owned by the one uid that an
/// unprivileged lab has; the kernel lets nobody write to, or copy up, what belongs to an unmapped uid.
/// What cannot be read stays as it is: this is best effort by nature.
fn shadow(lower: &Path, upper: &Path, depth: u8, files: bool) {
    for entry in fs::read_dir(lower).into_iter().flatten().flatten() {
        let (from, to) = (entry.path(), upper.join(entry.file_name()));
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 && fs::read_dir(&from).is_ok() {
            if fs::create_dir_all(&to).is_ok() {
                let _ = same_mode(&from, &to);
                shadow(&from, &to, depth - 1, files);
            }
        } else if kind.is_file() && files && entry.metadata().is_ok_and(|m| m.len() <= FILE_BYTES) {
            let _ = fs::copy(&from, &to);
        }
    }
}

fn identity(dir: &Path, etc: &Path, host: &HostSpec) -> Result<(), NsError> {
    let write = |name: &str, text: String| {
        let path = etc.join(name);
        fs::write(&path, text).doing(|| format!("write {}", path.display()))
    };
    write("hostname", format!("{}\n", host.name))?;
    write("machine-id", format!("{}\n", random_uuid()?.replace('-', "")))?;
    write("resolv.conf", "# A namespaced host has no name server; see hosts.\n".to_owned())?;
    let mut names = String::new();
    let shared = dir.join("hosts.txt");
    fs::File::open(&shared)
        .and_then(|mut file| file.read_to_string(&mut names))
        .doing(|| format!("read {}", shared.display()))?;
    write("hosts", names)
}

/// A fresh random uuid from the kernel.
pub(super) fn random_uuid() -> Result<String, NsError> {
    let text = fs::read_to_string("/proc/sys/kernel/random/uuid").doing(|| "get a random uuid".to_owned())?;
    Ok(text.trim().to_owned())
}
