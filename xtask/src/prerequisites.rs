//! What the commands need beside the toolchain, and how to get it.
//!
//! As root and without `--no-install` it is installed, saying so first; else its absence is an error that names it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Result};

/// Something that a command needs.
pub(crate) enum Need {
    /// A program that a Debian package brings.
    Program {
        /// The program and arguments with which it answers successfully.
        probe: (&'static str, &'static [&'static str]),
        /// The package.
        package: &'static str,
    },
    /// A file that a Debian package has, unpacked into `target/` and never installed.
    Unpacked {
        /// The directory below `target/`.
        dir: &'static str,
        /// A directory in it that is there once the package was unpacked.
        probe: &'static str,
        /// The package.
        package: &'static str,
        /// How the name begins of the package that it stands for, if it has no files of its own.
        stands_for: &'static str,
    },
    /// A cargo subcommand.
    CargoTool {
        /// The subcommand's name, `deny`.
        name: &'static str,
        /// The crate and version to install.
        krate: &'static str,
        /// Its version, as a requirement that `cargo install` takes: `^0.19`.
        version: &'static str,
    },
}

/// Everything that the namespaced hosts need.
pub(crate) const HOSTS: &[Need] = &[
    Need::Program { probe: ("ip", &["-V"]), package: "iproute2" },
    Need::Program { probe: ("nft", &["--version"]), package: "nftables" },
    Need::Program { probe: ("unshare", &["--version"]), package: "util-linux" },
    Need::Program { probe: ("cc", &["--version"]), package: "gcc" },
    Need::Program { probe: ("make", &["--version"]), package: "make" },
];

/// What `test` needs beyond that.
pub(crate) const TEST: &[Need] = &[
    Need::Program { probe: ("strace", &["--version"]), package: "strace" },
    // Debian's own interpreter: another one in the path does not see Debian's packages.
    Need::Program {
        probe: ("/usr/bin/python3", &["-c", "import jsonschema"]),
        package: "python3-jsonschema",
    },
    Need::Program { probe: ("netplan", &["info"]), package: "netplan.io" },
    Need::Program { probe: ("gpg", &["--version"]), package: "gnupg" },
    Need::Program { probe: ("git", &["--version"]), package: "git" },
    Need::Program { probe: ("ssh", &["-V"]), package: "openssh-client" },
    // These have no question that they answer with success; the first lies where only the administrator's path leads.
    Need::Program {
        probe: ("sh", &["-c", "PATH=$PATH:/usr/sbin; command -v sshd"]),
        package: "openssh-server",
    },
    Need::Program { probe: ("sh", &["-c", "command -v crontab"]), package: "cron" },
    Need::Program { probe: ("systemd-analyze", &["--version"]), package: "systemd" },
    Need::CargoTool { name: "nextest", krate: "cargo-nextest", version: "^0.9" },
    Need::CargoTool { name: "deny", krate: "cargo-deny", version: "^0.19" },
];

/// What the virtual machines need.
pub(crate) const MACHINES: &[Need] = &[
    Need::Program { probe: ("qemu-system-x86_64", &["--version"]), package: "qemu-system-x86" },
    Need::Program { probe: ("busybox", &["true"]), package: "busybox-static" },
    Need::Program { probe: ("mke2fs", &["-V"]), package: "e2fsprogs" },
    Need::Program { probe: ("kmod", &["--version"]), package: "kmod" },
    Need::Program { probe: ("strip", &["--version"]), package: "binutils" },
    Need::Unpacked {
        dir: "vm/kernel",
        probe: "lib/modules",
        package: "linux-image-cloud-amd64",
        stands_for: "linux-image-",
    },
];

/// What the virtual machines with a whole Debian need beyond that.
pub(crate) const DEBIAN: &[Need] =
    &[Need::Program { probe: ("mmdebstrap", &["--version"]), package: "mmdebstrap" }];

/// Makes sure that everything is there.
pub(crate) fn ensure(needs: &[Need], no_install: bool) -> Result {
    let missing: Vec<&Need> = needs.iter().filter(|n| !n.present()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|n| n.describe()).collect();
    let packages: Vec<&str> = missing.iter().filter_map(|n| n.package()).collect();
    if no_install || (!packages.is_empty() && !shell::is_root()) {
        return Err(format!(
            "missing: {}. Install it yourself, or run this as root without --no-install",
            names.join(", ")
        ));
    }
    println!("installing what is missing: {}", names.join(", "));
    if shell::is_root() && missing.iter().any(|n| !matches!(n, Need::CargoTool { .. })) {
        shell::run(&mut shell::program("apt-get", &["update", "-q"]))?;
    }
    if !packages.is_empty() {
        let mut apt = Command::new("apt-get");
        apt.args(["install", "-q", "-y", "--no-install-recommends"]).args(&packages);
        shell::run(apt.env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    for need in missing {
        match need {
            Need::CargoTool { krate, version, .. } => {
                shell::run(shell::cargo().args(["install", "--locked", krate, "--version", version]))?;
            }
            Need::Unpacked { dir, package, stands_for, .. } => unpack(package, stands_for, &target(dir))?,
            Need::Program { .. } => {}
        }
    }
    let still: Vec<String> = needs.iter().filter(|n| !n.present()).map(Need::describe).collect();
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!("still missing after the installation: {}", still.join(", ")))
    }
}

fn target(dir: &str) -> PathBuf {
    shell::root().join("target").join(dir)
}

/// Downloads a package, or the one that it depends on whose name begins with `stands_for`, and unpacks it.
fn unpack(package: &str, stands_for: &str, dir: &Path) -> Result {
    let depends = shell::output(&mut shell::program("apt-cache", &["depends", package]))?;
    let real = depends
        .lines()
        .filter_map(|l| l.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with(stands_for))
        .unwrap_or(package);
    let fail = |e: std::io::Error| format!("cannot prepare {}: {e}", dir.display());
    let fresh = dir.with_extension("new");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).map_err(fail)?;
    // As root apt would drop to a user that may not write here.
    let mut apt = Command::new("apt-get");
    apt.args(["-q", "-o", "APT::Sandbox::User=root", "download", real]).current_dir(&fresh);
    shell::run(&mut apt)?;
    let files = fs::read_dir(&fresh).map_err(fail)?.flatten().map(|e| e.path());
    let deb = files
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "deb"))
        .ok_or_else(|| format!("apt-get downloaded no package {real}"))?;
    shell::run(Command::new("dpkg-deb").arg("-x").args([&deb, &fresh]))?;
    fs::remove_file(&deb).map_err(fail)?;
    let _ = fs::remove_dir_all(dir);
    fs::rename(&fresh, dir).map_err(fail)
}

impl Need {
    fn present(&self) -> bool {
        match self {
            Self::Program { probe: (name, args), .. } => shell::works(name, args),
            Self::CargoTool { name, .. } => shell::works("cargo", &[name, "--version"]),
            Self::Unpacked { dir, probe, .. } => target(dir).join(probe).is_dir(),
        }
    }

    fn package(&self) -> Option<&'static str> {
        match self {
            Self::Program { package, .. } => Some(package),
            Self::CargoTool { .. } | Self::Unpacked { .. } => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Program { probe: (name, _), package } => format!("{name} (Debian package {package})"),
            Self::Unpacked { dir, package, .. } => {
                format!("target/{dir} (Debian package {package}, unpacked)")
            }
            Self::CargoTool { name, krate, version } => {
                format!("cargo {name} (cargo install --locked {krate} --version {version})")
            }
        }
    }
}
