//! The file tree of one boot of a host: the machine's system directories under overlays whose upper layers belong
//! to the host, fresh /proc, /sys, /dev, /run and /tmp, and nothing else of the machine.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::pivot_root;

use super::super::NsError;
use super::super::error::Doing;
use super::super::words::{BootPlan, HELPER_INSIDE, io_dir};

/// Directories of the machine that a host sees through an overlay. Others do not exist in a host.
pub(super) const OVERLAID: [&str; 12] =
    ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var", "srv", "opt", "root"];
/// Shown read-only where they exist: systems that keep their programs there.
const STORES: [&str; 2] = ["nix", "gnu"];
const EMPTY: [&str; 4] = ["home", "mnt", "media", "boot"];
const DEVICES: [&str; 9] = ["null", "zero", "full", "random", "urandom", "tty", "net/tun", "kvm", "fuse"];

/// Builds the tree and makes it the root of the calling process's mount namespace.
pub(super) fn build(plan: &BootPlan) -> Result<(), NsError> {
    let host = plan.dir.join("hosts").join(&plan.host.name);
    let root = host.join("root");
    make_dir(&root)?;
    tmpfs(&root, "mode=0755")?;
    for name in OVERLAID {
        system_directory(plan, &host, name)?;
    }
    forget_the_machines_agents(&host, &root)?;
    for name in STORES {
        let source = Path::new("/").join(name);
        if source.is_dir() {
            bind_read_only(&source, &root.join(name))?;
        }
    }
    for name in EMPTY {
        make_dir(&root.join(name))?;
    }
    kernel_file_systems(&root, &plan.boot_id)?;
    devices(&root)?;
    for (name, options) in [("run", "mode=0755"), ("tmp", "mode=1777")] {
        make_dir(&root.join(name))?;
        tmpfs(&root.join(name), options)?;
    }
    lab_files(plan, &host, &root)?;
    turn_into_root(&root)
}

/// Cuts the mount namespace off from the one that it was copied from.
pub(super) fn make_private() -> Result<(), NsError> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .doing(|| "make the mounts private".to_owned())
}

pub(super) fn mount_proc(target: &Path) -> Result<(), NsError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), target, Some("proc"), flags, None::<&str>)
        .doing(|| format!("mount proc at {}", target.display()))
}

/// Mounts the sysfs of the calling process's network namespace, read-only.
pub(super) fn mount_sys(target: &Path) -> Result<(), NsError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    mount(Some("sysfs"), target, Some("sysfs"), flags, None::<&str>)
        .doing(|| format!("mount sysfs at {}", target.display()))
}

pub(super) fn tmpfs(target: &Path, options: &str) -> Result<(), NsError> {
    mount(Some("tmpfs"), target, Some("tmpfs"), MsFlags::MS_NOSUID, Some(options))
        .doing(|| format!("mount a tmpfs at {}", target.display()))
}

/// Shows that an overlay with a writable upper layer can be mounted here.
pub(super) fn probe_overlay() -> Result<(), NsError> {
    let base = Path::new("/tmp");
    tmpfs(base, "mode=0755")?;
    for name in ["upper", "work", "merged"] {
        make_dir(&base.join(name))?;
    }
    overlay(Path::new("/usr"), &base.join("upper"), &base.join("work"), &base.join("merged"))
}

fn system_directory(plan: &BootPlan, host: &Path, name: &str) -> Result<(), NsError> {
    let (lower, target) = (Path::new("/").join(name), host.join("root").join(name));
    let (upper, work) = (host.join("upper").join(name), host.join("work").join(name));
    if let Ok(link) = fs::read_link(&lower) {
        return symlink(&link, &target).doing(|| format!("link {}", target.display()));
    }
    if !upper.is_dir() {
        return Ok(());
    }
    make_dir(&target)?;
    let readable = fs::read_dir(&lower).is_ok();
    let mounted = readable.then(|| overlay(&lower, &upper, &work, &target));
    match mounted {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) if !plan.user_namespace => Err(error),
        // A user namespace may not overlay a directory in which others have mounted something.
        Some(Err(_)) if matches!(name, "etc" | "var" | "srv" | "opt" | "root") => bind(&upper, &target),
        Some(Err(_)) => {
            bind_read_only(&lower, &target)?;
            if name == "usr" { bind(&upper.join("local"), &target.join("local")) } else { Ok(()) }
        }
        None => bind(&upper, &target),
    }
}

/// Removes, before the first boot, what the machine starts at its own boots and what its own agent knows: a host is
/// another machine with the same programs.
fn forget_the_machines_agents(host: &Path, root: &Path) -> Result<(), NsError> {
    let done = host.join("fresh");
    if done.exists() {
        return Ok(());
    }
    for dir in ["init.d", "rc0.d", "rc1.d", "rc2.d", "rc3.d", "rc4.d", "rc5.d", "rc6.d", "rcS.d"] {
        for entry in fs::read_dir(root.join("etc").join(dir)).into_iter().flatten().flatten() {
            remove(&entry.path())?;
        }
    }
    let own = ["lab", "lab-master", "lab-minion"];
    let trees = own.iter().flat_map(|name| [root.join("etc").join(name), root.join("var/lib").join(name)]);
    for path in trees.chain([root.join("etc/rc.local")]) {
        remove(&path)?;
    }
    fs::write(&done, "").doing(|| format!("write {}", done.display()))
}

fn remove(path: &Path) -> Result<(), NsError> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let removed = if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.doing(|| format!("remove the machine's {}", path.display()))
}

fn overlay(lower: &Path, upper: &Path, work: &Path, target: &Path) -> Result<(), NsError> {
    let user = in_user_namespace();
    let options = format!(
        "lowerdir={},upperdir={},workdir={}{}",
        lower.display(),
        upper.display(),
        work.display(),
        if user { ",userxattr" } else { "" }
    );
    mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .doing(|| format!("mount an overlay at {} ({options})", target.display()))
}

/// Whether this is any but the machine's first user namespace (also in a rootless container): there an overlay has
/// to keep its notes in `user.*` attributes.
fn in_user_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    !map.split_whitespace().eq(["0", "0", "4294967295"])
}

fn kernel_file_systems(root: &Path, boot_id: &str) -> Result<(), NsError> {
    let (proc, sys) = (root.join("proc"), root.join("sys"));
    make_dir(&proc)?;
    make_dir(&sys)?;
    mount_proc(&proc)?;
    mount_sys(&sys)?;
    // Only net.* belongs to the host's namespaces; the other settings are the machine's.
    let aside = root.join(".net");
    make_dir(&aside)?;
    bind(&proc.join("sys/net"), &aside)?;
    bind_read_only(&proc.join("sys"), &proc.join("sys"))?;
    bind(&aside, &proc.join("sys/net"))?;
    detach(&aside)?;
    let sysrq = proc.join("sysrq-trigger");
    if sysrq.exists() {
        bind(Path::new("/dev/null"), &sysrq)?;
    }
    let file = root.join(".boot_id");
    fs::write(&file, format!("{boot_id}\n")).doing(|| "write the boot id".to_owned())?;
    bind_read_only(&file, &proc.join("sys/kernel/random/boot_id"))
}

fn devices(root: &Path) -> Result<(), NsError> {
    let dev = root.join("dev");
    make_dir(&dev)?;
    tmpfs(&dev, "mode=0755")?;
    for name in DEVICES {
        let source = Path::new("/dev").join(name);
        if source.exists() {
            bind_file(&source, &dev.join(name))?;
        }
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        symlink(target, dev.join(name)).doing(|| format!("link /dev/{name}"))?;
    }
    let (pts, shm) = (dev.join("pts"), dev.join("shm"));
    make_dir(&pts)?;
    mount(
        Some("devpts"),
        &pts,
        Some("devpts"),
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        Some("newinstance,ptmxmode=0666,mode=620"),
    )
    .doing(|| "mount devpts".to_owned())?;
    make_dir(&shm)?;
    tmpfs(&shm, "mode=1777")
}

/// Shows the helper, the built binaries, the host's own io directory and what the host's description asks for.
fn lab_files(plan: &BootPlan, host: &Path, root: &Path) -> Result<(), NsError> {
    let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    let helper = inside(Path::new(HELPER_INSIDE));
    bind_file(&plan.helper, &helper)?;
    make_dir(&root.join("opt/lab/sbin"))?;
    for name in ["reboot", "poweroff", "halt", "shutdown"] {
        let link = root.join("opt/lab/sbin").join(name);
        if link.symlink_metadata().is_err() {
            symlink("../nshost", &link).doing(|| format!("link {}", link.display()))?;
        }
    }
    if let Some(binaries) = &plan.binaries {
        let target = root.join("opt/lab/bin");
        make_dir(&target)?;
        bind_read_only(binaries, &target)?;
    }
    let io = root.join("run/lab-nshost");
    make_dir(&io)?;
    bind(&io_dir(&plan.dir, &plan.host.name), &io)?;
    if let Some(state) = &plan.host.state_dir {
        let target = inside(&state.path);
        make_dir(&target)?;
        bind(&host.join("state/data"), &target)?;
    }
    for extra in &plan.host.binds {
        let target = inside(&extra.target);
        if extra.source.is_dir() {
            make_dir(&target)?;
        } else {
            make_file(&target)?;
        }
        bind_read_only(&extra.source, &target)?;
    }
    Ok(())
}

fn turn_into_root(root: &Path) -> Result<(), NsError> {
    let old = root.join(".machine");
    make_dir(&old)?;
    pivot_root(root, &old).doing(|| format!("make {} the root", root.display()))?;
    std::env::set_current_dir("/").doing(|| "go to the new root".to_owned())?;
    detach(Path::new("/.machine"))?;
    fs::remove_dir("/.machine").doing(|| "remove the old root's mount point".to_owned())
}

fn bind(source: &Path, target: &Path) -> Result<(), NsError> {
    // Recursive: a user namespace may not reveal what is under the mounts of others.
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .doing(|| format!("show {} at {}", source.display(), target.display()))
}

fn bind_read_only(source: &Path, target: &Path) -> Result<(), NsError> {
    if source.is_dir() {
        make_dir(target)?;
    }
    bind(source, target)?;
    let doing = || format!("make {} read-only", target.display());
    // Flags of the machine's mount have to be repeated, or a user namespace is refused.
    let had = statvfs(target).doing(doing)?.flags();
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    for (one, other) in [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        if had.contains(one) {
            flags |= other;
        }
    }
    mount(None::<&str>, target, None::<&str>, flags, None::<&str>).doing(doing)
}

fn bind_file(source: &Path, target: &Path) -> Result<(), NsError> {
    make_file(target)?;
    bind(source, target)
}

fn make_file(target: &Path) -> Result<(), NsError> {
    if let Some(parent) = target.parent() {
        make_dir(parent)?;
    }
    let made = fs::File::options().create(true).append(true).open(target);
    made.map(drop).doing(|| format!("make {}", target.display()))
}

fn detach(target: &Path) -> Result<(), NsError> {
    umount2(target, MntFlags::MNT_DETACH).doing(|| format!("unmount {}", target.display()))
}

pub(super) fn make_dir(path: &Path) -> Result<(), NsError> {
    fs::create_dir_all(path).doing(|| format!("make directory {}", path.display()))
}

/// Gives `to` the permission bits of `from`.
pub(super) fn same_mode(from: &Path, to: &PathBuf) -> io::Result<()> {
    fs::set_permissions(to, Permissions::from_mode(fs::metadata(from)?.permissions().mode() & 0o7777))
}
