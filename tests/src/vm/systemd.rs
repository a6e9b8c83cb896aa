//! The disk of a machine with a whole Debian on it: systemd as the first process, networkd, netplan, udev.
//!
//! `mmdebstrap` makes a directory, `mke2fs -d` a disk of it; nothing is mounted. It is made once for its list of
//! packages. Binaries and cases are on the other image, which it mounts read-only at `/lab`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::image::{hex, run, write};
use super::kernel::cache;
use super::{Kernel, VmError};

const PACKAGES: &str =
    "systemd,systemd-sysv,systemd-resolved,udev,dbus,iproute2,kmod,netplan.io,iputils-ping,procps";
const REMEDY: &str = "`cargo xtask test --vm` as root installs it";
/// Runs the case once the machine is up. Not `oneshot`: while such a job runs, systemd says that it is still starting.
const UNIT: &str = "[Unit]\nDescription=The test case\nAfter=multi-user.target systemd-networkd.service\n\n[Service]\nType=simple\n\
     ExecStart=/bin/sh /lab/init-systemd.sh\nStandardInput=null\n";
const FSTAB: &str = "/dev/vda / ext4 rw,noatime 0 0\n/dev/vdb /lab ext4 ro 0 0\n";
/// What costs seconds under emulation and has no function here.
const MASKED: &[&str] = &[
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "serial-getty@ttyS0.service",
    "systemd-pstore.service",
    "systemd-hwdb-update.service",
    "systemd-journal-catalog-update.service",
    "systemd-firstboot.service",
    "systemd-binfmt.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "dev-hugepages.mount",
];

/// Makes the disk, or finds it made. The caller holds the images' lock.
pub(super) fn disk(kernel: &Kernel) -> Result<PathBuf, VmError> {
    let mut hash = Sha256::new();
    for part in [PACKAGES, UNIT, FSTAB, &kernel.version, &MASKED.join(" ")] {
        hash.update(part);
        hash.update([0]);
    }
    let disk = cache().join(format!("systemd-{}.img", hex(&hash.finalize()[..8])));
    if !disk.exists() {
        make(kernel, &disk)?;
    }
    Ok(disk)
}

fn make(kernel: &Kernel, disk: &Path) -> Result<(), VmError> {
    let dir = tempfile::tempdir_in(cache()).map_err(VmError::os("make a temporary directory"))?;
    let root = dir.path().join("root");
    bootstrap(&root)?;
    let units = root.join("etc/systemd/system");
    write(&units.join("lab-case.service"), UNIT, 0o644)?;
    let wants = units.join("multi-user.target.wants");
    for unit in MASKED {
        symlink("/dev/null", units.join(unit)).map_err(VmError::os(format!("mask {unit}")))?;
    }
    // After multi-user.target, not a part of it: the machine counts as up without the case.
    fs::create_dir_all(units.join("default.target.wants"))
        .map_err(VmError::os("make default.target.wants"))?;
    for (unit, at) in [
        ("/lib/systemd/system/systemd-networkd.service", &wants),
        ("/etc/systemd/system/lab-case.service", &units.join("default.target.wants")),
    ] {
        let name = Path::new(unit).file_name().unwrap_or_default();
        symlink(unit, at.join(name)).map_err(VmError::os(format!("enable {unit}")))?;
    }
    write(&root.join("etc/fstab"), FSTAB, 0o644)?;
    write(&root.join("etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n", 0o644)?;
    write(&root.join("etc/machine-id"), "uninitialized\n", 0o444)?;
    // mmdebstrap leaves this machine's own behind.
    let resolv_conf = root.join("etc/resolv.conf");
    let _ = fs::remove_file(&resolv_conf);
    symlink("../run/systemd/resolve/stub-resolv.conf", &resolv_conf)
        .map_err(VmError::os("link /etc/resolv.conf to systemd-resolved's"))?;
    fs::create_dir_all(root.join("lab")).map_err(VmError::os("make /lab"))?;
    let modules = root.join("usr/lib/modules");
    fs::create_dir_all(&modules).map_err(VmError::os("make lib/modules"))?;
    run(Command::new("cp").arg("-r").arg(&kernel.modules).arg(&modules))?;
    run(Command::new("depmod").arg("-b").arg(&root).arg(&kernel.version))?;
    let fresh = disk.with_extension("new");
    run(Command::new("mke2fs")
        .args([
            "-q",
            "-F",
            "-t",
            "ext4",
            "-m",
            "0",
            "-E",
            "lazy_itable_init=0,lazy_journal_init=0,discard",
            "-d",
        ])
        .args([&root, &fresh])
        .arg("2G"))?;
    fs::rename(&fresh, disk).map_err(VmError::os(format!("rename {}", disk.display())))
}

/// Puts Debian into a directory, from where this machine has its own packages from.
fn bootstrap(root: &Path) -> Result<(), VmError> {
    let (suite, sources) = sources()?;
    let mut command = Command::new("mmdebstrap");
    command
        .args(["--variant=minbase", "--format=directory", "--mode=root", "--quiet"])
        .args(["--aptopt=Acquire::Languages \"none\"", "--dpkgopt=path-exclude=/usr/share/doc/*"])
        .args(["--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*"])
        .arg(format!("--include={PACKAGES}"))
        .arg(&suite)
        .arg(root)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|_| VmError::Missing { what: "the program mmdebstrap".into(), remedy: REMEDY })?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(sources.as_bytes()).map_err(VmError::os("tell mmdebstrap its sources"))?;
    }
    let out = child.wait_with_output().map_err(VmError::os("wait for mmdebstrap"))?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr).trim_end().to_owned();
    Err(VmError::Program { command: "mmdebstrap".into(), said })
}

/// Returns the release of this machine's Debian and its sources as lines of a sources.list.
fn sources() -> Result<(String, String), VmError> {
    let listed = run(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Identifier: Packages",
        "Origin: Debian",
    ]))?;
    let (mut suite, mut lines) = (None, String::new());
    for line in listed.lines().collect::<BTreeSet<_>>() {
        let mut words = line.split_whitespace();
        let (Some(uri), Some(release), Some(component)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if !release.contains('-') {
            suite = Some(release.to_owned());
        }
        let _ = writeln!(lines, "deb {uri} {release} {component}");
    }
    let suite = suite.ok_or_else(|| VmError::Missing {
        what: "a Debian release among apt's sources".into(),
        remedy: "add one and run `apt-get update`",
    })?;
    Ok((suite, lines))
}
