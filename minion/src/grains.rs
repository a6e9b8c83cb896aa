//! What is to be known of this machine: the grains.
//!
//! Read once at start and on `saltutil.refresh_grains`. Reads files and the kernel's tables only; runs nothing, asks
//! nobody. What cannot be read is left out rather than guessed.

mod network;
mod os;

use std::path::Path;

use lab_proto::value::MAX_GIVEN;
use lab_proto::{Map, Value};
use lab_states::host::{Accounts, Files, Host, Network, System};
use lab_states::render::yaml;

use crate::host::read_line;

/// Why static grains could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GrainsError {
    /// The file could not be read.
    #[error("cannot read the grains file {path}")]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no YAML.
    #[error("the grains file {path} is malformed: {text}")]
    Yaml {
        /// Which file.
        path: String,
        /// What is wrong, and where.
        text: String,
    },
    /// The file is no mapping.
    #[error("the grains file {path} must hold a mapping, not a {kind}")]
    NotAMapping {
        /// Which file.
        path: String,
        /// What it holds.
        kind: &'static str,
    },
}

/// Reads the grains of this machine.
pub fn of_machine(id: &str, host: &dyn Host) -> Value {
    let mut grains = Map::new();
    put(&mut grains, "id", id);
    put(&mut grains, "labversion", env!("CARGO_PKG_VERSION"));
    os::add(&mut grains, &text("/etc/os-release"));
    kernel(&mut grains);
    hardware(&mut grains);
    names(&mut grains, host);
    network::add(&mut grains, &Network::net_links(host).unwrap_or_default());
    account(&mut grains, host);
    Value::Map(grains)
}

/// Lays the grains of a file over others; a missing file changes nothing.
///
/// # Errors
/// When the file cannot be read or is no mapping.
pub fn with_file(grains: Value, path: &Path) -> Result<Value, GrainsError> {
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(grains),
        Err(source) => return Err(GrainsError::Read { path: name, source }),
    };
    let mut all = grains.as_map().cloned().unwrap_or_default();
    let malformed = |e: yaml::YamlError| GrainsError::Yaml { path: name.clone(), text: e.to_string() };
    match yaml::parse(&text).map_err(malformed)?.to_value() {
        Value::Map(own) => all.extend(own),
        Value::Null => {}
        other => return Err(GrainsError::NotAMapping { path: name, kind: other.kind() }),
    }
    Ok(Value::Map(all))
}

/// Leaves out, and names, what is nested deeper than the master takes.
pub fn shallow(mut grains: Map) -> Value {
    grains.retain(|key, value| {
        // The mapping of all grains is a level too.
        let fits = !value.is_deeper_than(MAX_GIVEN - 1);
        if !fits {
            tracing::warn!(grain = %key, "nested deeper than {} levels; the grain is left out", MAX_GIVEN - 1);
        }
        fits
    });
    Value::Map(grains)
}

fn put(grains: &mut Map, key: &str, value: impl Into<Value>) {
    grains.insert(key.into(), value.into());
}

fn text(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn kernel(grains: &mut Map) {
    if let Ok(uname) = nix::sys::utsname::uname() {
        put(grains, "kernel", uname.sysname().to_string_lossy().into_owned());
        put(grains, "kernelrelease", uname.release().to_string_lossy().into_owned());
        put(grains, "kernelversion", uname.version().to_string_lossy().into_owned());
        put(grains, "cpuarch", uname.machine().to_string_lossy().into_owned());
        put(grains, "osarch", os::arch(&uname.machine().to_string_lossy()));
        put(grains, "nodename", uname.nodename().to_string_lossy().into_owned());
    }
    let systemd = crate::systemd::runs();
    let first = read_line("/proc/1/comm").unwrap_or_else(|_| "unknown".to_owned());
    put(grains, "init", if systemd { "systemd".to_owned() } else { first });
}

fn hardware(grains: &mut Map) {
    let cpuinfo = text("/proc/cpuinfo");
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|l| l.starts_with(name))?;
        line.split_once(':').map(|(_, v)| v.trim().to_owned())
    };
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    put(grains, "num_cpus", i128::try_from(cpus).unwrap_or(1));
    put(grains, "cpu_model", field("model name").unwrap_or_else(|| "Unknown".to_owned()));
    let flags: Vec<String> =
        field("flags").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    put(grains, "virtual", virtualisation(&flags));
    put(grains, "kvm", kvm());
    put(grains, "cpu_flags", flags);
    let total = text("/proc/meminfo")
        .lines()
        .find_map(|l| l.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok());
    put(grains, "mem_total", total.map(|kib| kib / 1024));
    put(grains, "efi", Path::new("/sys/firmware/efi").is_dir());
    for (grain, file) in [
        ("uuid", "product_uuid"),
        ("serialnumber", "product_serial"),
        ("manufacturer", "sys_vendor"),
        ("productname", "product_name"),
    ] {
        // The first two are readable by root alone.
        if let Ok(value) = read_line(Path::new("/sys/class/dmi/id").join(file)) {
            put(grains, grain, if grain == "uuid" { value.to_lowercase() } else { value });
        }
    }
    if let Ok(id) = read_line("/etc/machine-id") {
        put(grains, "machine_id", id);
    }
}

fn virtualisation(flags: &[String]) -> &'static str {
    let vendor = read_line("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let product = read_line("/sys/class/dmi/id/product_name").unwrap_or_default();
    match (vendor.as_str(), product.as_str()) {
        (_, p) if p.contains("KVM") => "kvm",
        ("QEMU", _) => "qemu",
        (v, _) if v.contains("VMware") => "VMware",
        (v, _) if v.contains("innotek") => "VirtualBox",
        (v, _) if v.contains("Amazon EC2") || v.contains("Google") => "kvm",
        _ if flags.iter().any(|f| f == "hypervisor") => "virtual",
        _ => "physical",
    }
}

/// Says whether virtual machines can run here, and others within those.
fn kvm() -> Value {
    let nested = ["kvm_intel", "kvm_amd"].iter().find_map(|module| {
        let value = read_line(format!("/sys/module/{module}/parameters/nested")).ok()?;
        Some(matches!(value.as_str(), "1" | "Y" | "y"))
    });
    Value::from([("device", Value::from(Path::new("/dev/kvm").exists())), ("nested", Value::from(nested))])
}

fn names(grains: &mut Map, host: &dyn Host) {
    let name = System::hostname(host).unwrap_or_default();
    let (short, domain) = match name.split_once('.') {
        Some((short, domain)) => (short.to_owned(), domain.to_owned()),
        None => (name.clone(), os::domain(&text("/etc/resolv.conf"))),
    };
    let fqdn = if domain.is_empty() { short.clone() } else { format!("{short}.{domain}") };
    put(grains, "host", short);
    put(grains, "localhost", name);
    put(grains, "domain", domain);
    put(grains, "fqdn", fqdn);
}

fn account(grains: &mut Map, host: &dyn Host) {
    let uid = nix::unistd::geteuid().as_raw();
    put(grains, "uid", uid);
    put(grains, "gid", nix::unistd::getegid().as_raw());
    if let Ok(Some(user)) = Accounts::user_by_id(host, uid) {
        put(grains, "username", user.name);
    }
    put(grains, "path", std::env::var("PATH").unwrap_or_default());
    let shell =
        std::env::var("SHELL").ok().filter(|s| Files::stat(host, Path::new(s)).is_ok_and(|m| m.is_some()));
    put(grains, "shell", shell.unwrap_or_else(|| "/bin/sh".to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::LinuxHost;

    #[test]
    fn this_machine_says_who_and_what_it_is() {
        let grains = of_machine("me", &LinuxHost::new());
        assert_eq!(grains.get("id"), Some(&Value::from("me")));
        assert_eq!(grains.get("kernel"), Some(&Value::from("Linux")));
        for key in
            ["os", "os_family", "cpuarch", "num_cpus", "mem_total", "host", "ip_interfaces", "kvm", "shell"]
        {
            assert!(grains.get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn a_file_is_laid_over_and_a_malformed_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grains");
        let base = Value::from([("os", "x"), ("id", "me")]);
        assert_eq!(with_file(base.clone(), &path).unwrap(), base);
        std::fs::write(&path, "os: mine\nroles: [kvm]\n").unwrap();
        let merged = with_file(base.clone(), &path).unwrap();
        assert_eq!(merged.get("os"), Some(&Value::from("mine")));
        assert_eq!(merged.get("id"), Some(&Value::from("me")));
        for bad in ["- a\n", "a: b: c\n"] {
            std::fs::write(&path, bad).unwrap();
            assert!(with_file(base.clone(), &path).is_err(), "{bad}");
        }
    }
}
