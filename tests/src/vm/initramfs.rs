//! What the kernel runs first: it loads the driver of the disk, mounts it and goes over to it.
//!
//! Debian's cloud kernel has NVMe built in and virtio as modules, so an NVMe disk would need none of this. But QEMU 7.2's NVMe
//! device stalls now and then under emulation: its commands time out, 30 s each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::image::{copy, find, run, write};
use super::{Kernel, VmError};

/// Drivers of the disk.
const DRIVERS: &[&str] = &["virtio_pci", "virtio_blk"];
/// Its shell is busybox's; `init=` names what runs on the disk.
pub(super) const INIT: &str = "#!/bin/busybox sh\n\
    b=/bin/busybox\n\
    $b mount -t proc proc /proc && $b mount -t devtmpfs dev /dev\n\
    exec </dev/null >/dev/console 2>&1\n\
    for word in $($b cat /proc/cmdline); do\n\
      case $word in init=*) init=${word#*=} ;; esac\n\
    done\n\
    for module in $($b cat /modules/order); do $b insmod /modules/$module; done\n\
    tries=0\n\
    until [ -b /dev/vda ]; do\n\
      tries=$((tries + 1))\n\
      [ $tries -lt 100 ] || { echo '@@ FAIL there is no disk'; $b poweroff -f; }\n\
      $b sleep 0.1\n\
    done\n\
    $b mount -t ext4 /dev/vda /root || { echo '@@ FAIL the disk cannot be mounted'; $b poweroff -f; }\n\
    $b umount -l /dev /proc\n\
    exec $b switch_root /root ${init:-/sbin/init}\n";

/// Makes the archive at `at`. `tree` has the kernel's modules below `lib/modules`, with their index.
pub(super) fn make(kernel: &Kernel, tree: &Path, at: &Path) -> Result<(), VmError> {
    let dir = tempfile::tempdir().map_err(VmError::os("make a temporary directory"))?;
    let root = dir.path();
    for name in ["bin", "dev", "proc", "root", "modules"] {
        fs::create_dir(root.join(name)).map_err(VmError::os(format!("create {name}")))?;
    }
    write(&root.join("init"), INIT, 0o755)?;
    copy(&tree.join("bin/busybox"), &root.join("bin/busybox"))?;
    let mut order = String::new();
    for module in modules(kernel, tree)? {
        let name = module.file_name().unwrap_or_default();
        if !order.lines().any(|known| known == name) {
            copy(&module, &root.join("modules").join(name))?;
            order.push_str(&format!("{}\n", name.to_string_lossy()));
        }
    }
    write(&root.join("modules/order"), &order, 0o644)?;
    let archive = fs::File::create(at).map_err(VmError::os(format!("create {}", at.display())))?;
    let list = "init\nbin\nbin/busybox\ndev\nproc\nroot\nmodules\nmodules/order\n".to_owned();
    let list = order.lines().fold(list, |list, module| format!("{list}modules/{module}\n"));
    let names = root.join("names");
    write(&names, &list, 0o644)?;
    let status = Command::new(tree.join("bin/busybox"))
        .args(["cpio", "-o", "-H", "newc"])
        .current_dir(root)
        .stdin(fs::File::open(&names).map_err(VmError::os("open the list of names"))?)
        .stdout(archive)
        .stderr(Stdio::null())
        .status()
        .map_err(VmError::os("run busybox cpio"))?;
    if status.success() {
        return Ok(());
    }
    Err(VmError::Program { command: "busybox cpio".into(), said: format!("it ended with {status}") })
}

/// Lists the files of the drivers and of what they need, in the order in which they are loaded.
fn modules(kernel: &Kernel, tree: &Path) -> Result<Vec<PathBuf>, VmError> {
    let missing = |what: &str| VmError::Missing { what: what.into(), remedy: "install Debian's kmod" };
    let modprobe = find("modprobe").ok_or_else(|| missing("the program modprobe"))?;
    let mut found = Vec::new();
    for driver in DRIVERS {
        let shown = run(Command::new(&modprobe)
            .args(["--show-depends", "--set-version", &kernel.version, "--dirname"])
            .arg(tree)
            .arg(driver))?;
        // A driver that is built in is a line `builtin NAME`.
        let files = shown.lines().filter_map(|line| line.strip_prefix("insmod "));
        found.extend(files.map(|line| PathBuf::from(line.trim_end())));
    }
    Ok(found)
}
