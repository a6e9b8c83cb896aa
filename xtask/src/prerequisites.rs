//! What the commands need beside the toolchain, and how to get it.
//!
//! As root and without `--no-install` it is installed, saying so first; else its absence is an error that names it.

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
];

/// What `test` needs beyond that.
pub(crate) const TEST: &[Need] = &[
    Need::Program { probe: ("strace", &["--version"]), package: "strace" },
    Need::Program { probe: ("systemd-analyze", &["--version"]), package: "systemd" },
    Need::CargoTool { name: "nextest", krate: "cargo-nextest", version: "^0.9" },
    Need::CargoTool { name: "deny", krate: "cargo-deny", version: "^0.19" },
];

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
    if !packages.is_empty() {
        shell::run(&mut shell::program("apt-get", &["update", "-q"]))?;
        let mut apt = Command::new("apt-get");
        apt.args(["install", "-q", "-y", "--no-install-recommends"]).args(&packages);
        shell::run(apt.env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    for need in missing {
        if let Need::CargoTool { krate, version, .. } = need {
            shell::run(shell::cargo().args(["install", "--locked", krate, "--version", version]))?;
        }
    }
    let still: Vec<String> = needs.iter().filter(|n| !n.present()).map(Need::describe).collect();
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!("still missing after the installation: {}", still.join(", ")))
    }
}

impl Need {
    fn present(&self) -> bool {
        match self {
            Self::Program { probe: (name, args), .. } => shell::works(name, args),
            Self::CargoTool { name, .. } => shell::works("cargo", &[name, "--version"]),
        }
    }

    fn package(&self) -> Option<&'static str> {
        match self {
            Self::Program { package, .. } => Some(package),
            Self::CargoTool { .. } => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Program { probe: (name, _), package } => format!("{name} (Debian package {package})"),
            Self::CargoTool { name, krate, version } => {
                format!("cargo {name} (cargo install --locked {krate} --version {version})")
            }
        }
    }
}
