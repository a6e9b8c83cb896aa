//! The disk of a virtual machine: one ext4 file system without partitions, made by `mke2fs -d` without mounting anything.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use super::kernel::cache;
use super::{Kernel, VmError, initramfs};

/// Programs of this machine that the virtual one has, beside busybox, with their packages.
const PROGRAMS: &[(&str, &str)] = &[
    ("ip", "install Debian's iproute2"),
    ("bridge", "install Debian's iproute2"),
    ("kmod", "install Debian's kmod"),
];
/// Names under which kmod works.
const KMOD: &[&str] = &["modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod"];
/// Room on the disk, in MiB; the file is sparse.
const DISK: u32 = 512;
/// What the machine runs as its first process.
const INIT: &str = include_str!("init.sh");
/// What a machine with systemd runs.
const INIT_SYSTEMD: &str = include_str!("init-systemd.sh");
/// What cases can call.
const PRELUDE: &str = include_str!("prelude.sh");

/// A disk image that machines start from; each works on a copy.
#[derive(Clone, Debug)]
pub struct Image {
    pub(super) disk: PathBuf,
    /// What the kernel starts from.
    pub(super) initramfs: PathBuf,
    pub(super) kernel: Kernel,
    /// The disk with systemd; `disk` is then the second one.
    pub(super) systemd: Option<PathBuf>,
}

impl Image {
    /// Makes the image of all cases with the binaries in `binaries`, or finds it made; also that with systemd if it is wanted.
    ///
    /// # Errors
    /// When a part of it is missing, with the remedy.
    pub fn build(binaries: &Path, cases: &Path, systemd: bool) -> Result<Self, VmError> {
        let kernel = Kernel::find()?;
        let dir = cache().join("images");
        fs::create_dir_all(&dir).map_err(VmError::os(format!("create {}", dir.display())))?;
        // Test processes run side by side: the first makes it, the others wait.
        let lock = fs::File::create(dir.join("lock")).map_err(VmError::os("open the images' lock"))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusive)
            .map_err(|(_, e)| VmError::os("take the images' lock")(e.into()))?;
        let disk = dir.join(format!("{}.img", stamp(&kernel, binaries, cases)?));
        if !disk.exists() {
            for old in fs::read_dir(&dir).map_err(VmError::os("list images"))?.flatten() {
                if old.path().extension().is_some_and(|e| e == "img" || e == "cpio") {
                    let _ = fs::remove_file(old.path());
                }
            }
            make(&kernel, binaries, cases, &disk)?;
        }
        let systemd = systemd.then(|| super::systemd::disk(&kernel)).transpose()?;
        drop(lock);
        Ok(Self { initramfs: disk.with_extension("cpio"), disk, kernel, systemd })
    }
}

/// Names a content: what goes in, by size and time of change for the large, by content for the small.
fn stamp(kernel: &Kernel, binaries: &Path, cases: &Path) -> Result<String, VmError> {
    let mut hash = Sha256::new();
    hash.update(kernel.version.as_bytes());
    hash.update(INIT);
    hash.update(INIT_SYSTEMD);
    hash.update(initramfs::INIT);
    hash.update(PRELUDE);
    for name in ["lab-master", "lab-minion"] {
        let path = binaries.join(name);
        let meta = fs::metadata(&path).map_err(|_| VmError::Missing {
            what: path.display().to_string(),
            remedy: "`cargo build --workspace --bins` makes it",
        })?;
        hash.update(format!("{} {:?}", meta.len(), meta.modified().ok()));
    }
    for path in files_below(cases)? {
        hash.update(path.to_string_lossy().as_bytes());
        hash.update(fs::read(&path).map_err(VmError::os(format!("read {}", path.display())))?);
    }
    Ok(hex(&hash.finalize()[..8]))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn files_below(dir: &Path) -> Result<Vec<PathBuf>, VmError> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        let entries = fs::read_dir(&dir).map_err(VmError::os(format!("list {}", dir.display())))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

fn make(kernel: &Kernel, binaries: &Path, cases: &Path, disk: &Path) -> Result<(), VmError> {
    let tree = tempfile::tempdir().map_err(VmError::os("make a temporary directory"))?;
    let root = tree.path();
    for dir in
        ["bin", "sbin", "dev", "proc", "sys", "run", "tmp", "etc", "root", "srv", "var/lib", "opt/lab", "usr"]
    {
        fs::create_dir_all(root.join(dir)).map_err(VmError::os(format!("create {dir}")))?;
    }
    for name in ["bin", "sbin"] {
        symlink(format!("../{name}"), root.join("usr").join(name)).map_err(VmError::os("link /usr"))?;
    }
    write(&root.join("init"), INIT, 0o755)?;
    write(&root.join("init-systemd.sh"), INIT_SYSTEMD, 0o644)?;
    write(&root.join("prelude.sh"), PRELUDE, 0o644)?;
    write(&root.join("etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n", 0o644)?;
    write(&root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n", 0o644)?;
    write(&root.join("etc/group"), "root:x:0:\n", 0o644)?;
    let mut libraries = BTreeSet::new();
    busybox(root)?;
    for (name, remedy) in PROGRAMS {
        let from =
            find(name).ok_or_else(|| VmError::Missing { what: format!("the program {name}"), remedy })?;
        copy(&from, &root.join("sbin").join(name))?;
        libraries.extend(needs(&from)?);
    }
    for name in KMOD {
        replace_link("/sbin/kmod", &root.join("sbin").join(name))?;
    }
    for name in ["lab-master", "lab-minion"] {
        let to = root.join("opt/lab").join(name);
        // Nine tenths of a debug binary are for debuggers.
        run(Command::new("strip").arg("-o").arg(&to).arg(binaries.join(name)))?;
        libraries.extend(needs(&to)?);
        replace_link(&format!("/opt/lab/{name}"), &root.join("bin").join(name))?;
    }
    for library in &libraries {
        let to = root.join(library.strip_prefix("/").unwrap_or(library));
        copy(library, &to)?;
    }
    let modules = root.join("lib/modules");
    fs::create_dir_all(&modules).map_err(VmError::os("create lib/modules"))?;
    run(Command::new("cp").arg("-r").arg(&kernel.modules).arg(&modules))?;
    run(Command::new("depmod").arg("-b").arg(root).arg(&kernel.version))?;
    initramfs::make(kernel, root, &disk.with_extension("cpio"))?;
    run(Command::new("cp").arg("-rL").arg(cases).arg(root.join("cases")))?;
    let packaging = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging");
    run(Command::new("cp").args(["-rL", packaging]).arg(root.join("packaging")))?;
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
        .args([root, &fresh])
        .arg(format!("{DISK}M")))?;
    fs::rename(&fresh, disk).map_err(VmError::os(format!("rename {}", disk.display())))
}

fn busybox(root: &Path) -> Result<(), VmError> {
    let remedy = "install Debian's busybox-static";
    let from = find("busybox").ok_or_else(|| VmError::Missing { what: "busybox".into(), remedy })?;
    if !needs(&from)?.is_empty() {
        return Err(VmError::Missing { what: "a static busybox".into(), remedy });
    }
    copy(&from, &root.join("bin/busybox"))?;
    let listed = run(Command::new(&from).arg("--list"))?;
    for applet in listed.lines().filter(|a| *a != "busybox") {
        replace_link("/bin/busybox", &root.join("bin").join(applet))?;
    }
    Ok(())
}

fn replace_link(to: &str, at: &Path) -> Result<(), VmError> {
    let _ = fs::remove_file(at);
    symlink(to, at).map_err(VmError::os(format!("link {}", at.display())))
}

pub(super) fn write(path: &Path, text: &str, mode: u32) -> Result<(), VmError> {
    let doing = format!("write {}", path.display());
    fs::write(path, text).map_err(VmError::os(&doing))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(VmError::os(doing))
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<(), VmError> {
    let doing = format!("copy {} to {}", from.display(), to.display());
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).map_err(VmError::os(&doing))?;
    }
    fs::copy(from, to).map(drop).map_err(VmError::os(doing))
}

/// Finds a program where Debian puts programs, also without `sbin` in the path.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().map(|d| Path::new(d).join(name)).find(|p| p.is_file())
}

/// Lists the libraries that a program is linked to, the loader among them.
fn needs(program: &Path) -> Result<Vec<PathBuf>, VmError> {
    let out = Command::new("ldd")
        .arg(program)
        .stdin(Stdio::null())
        .output()
        .map_err(VmError::os(format!("run ldd on {}", program.display())))?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let path = |line: &str| line.split_whitespace().find(|w| w.starts_with('/')).map(PathBuf::from);
    Ok(text.lines().filter_map(path).collect())
}

pub(super) fn run(command: &mut Command) -> Result<String, VmError> {
    let shown = format!("{command:?}");
    let out = command.stdin(Stdio::null()).output().map_err(VmError::os(format!("run {shown}")))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&out.stderr).trim_end().to_owned();
    Err(VmError::Program { command: shown, said })
}
