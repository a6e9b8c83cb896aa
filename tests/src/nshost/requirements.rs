//! What a machine needs to run labs, found out by trying.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::words::PATH;

/// Something that this machine lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What is missing, with what the system said.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.remedy)
    }
}

/// Returns what this machine lacks for namespaced hosts, each with its remedy; empty when labs work.
#[must_use]
pub fn requirements(helper: &Path) -> Vec<Requirement> {
    let lacking = |what: &str, remedy: &str| Requirement { what: what.to_owned(), remedy: remedy.to_owned() };
    let mut missing: Vec<_> = [("ip", "iproute2"), ("tc", "iproute2"), ("nft", "nftables")]
        .into_iter()
        .filter(|(program, _)| !in_path(program))
        .map(|(program, package)| {
            lacking(
                &format!("the program {program}"),
                &format!(
                    "install it (Debian, Ubuntu: apt install {package}; Fedora, openSUSE: the same name)"
                ),
            )
        })
        .collect();
    if !missing.is_empty() {
        return missing;
    }
    let probe = Command::new(helper).arg("probe").stdin(Stdio::null()).output();
    let output = match probe {
        Ok(output) => output,
        Err(error) => {
            return vec![lacking(&format!("the helper {} ({error})", helper.display()), "build lab-tests")];
        }
    };
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    missing.extend(
        lines
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(what, said)| Requirement { what: format!("{what} ({said})"), remedy: remedy(what) }),
    );
    if missing.is_empty() && !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        missing.push(lacking(
            &format!("a working probe ({said})"),
            "run `lab-nshost check` and look at its messages",
        ));
    }
    missing
}

fn in_path(program: &str) -> bool {
    PATH.split(':').any(|dir| Path::new(dir).join(program).is_file())
}

/// The way out for what the probe found, from the settings that commonly forbid it.
fn remedy(what: &str) -> String {
    let setting = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    if what == "user namespace" || what == "namespaces" || what == "private mounts" {
        for (file, bad, name) in [
            ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
            ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
            (
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1",
                "kernel.apparmor_restrict_unprivileged_userns=0",
            ),
        ] {
            if setting(file).as_deref() == Some(bad) {
                return format!("as root: sysctl -w {name} (or run as root)");
            }
        }
        return "run as root; in a container, give it CAP_SYS_ADMIN and CAP_NET_ADMIN".to_owned();
    }
    match what {
        "overlay" => "as root: modprobe overlay; unprivileged, this needs Linux 5.11 or newer",
        "proc" | "sysfs" => {
            "in a container, run it with an unmasked /sys and /proc (podman: --security-opt unmask=ALL)"
        }
        "bridge" => "as root: modprobe bridge",
        "veth" => "as root: modprobe veth",
        "nftables" => "as root: modprobe nf_tables nft_meta_bridge (only partitions need it)",
        "tbf" => "as root: modprobe sch_tbf (only slow links need it)",
        _ => "run as root",
    }
    .to_owned()
}
