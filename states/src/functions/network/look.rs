//! What the planner must know of a machine besides its links: parameters, modules, files, and whose links are whose.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::function::{JobCtx, StateError};
use crate::functions::kmod;
use crate::functions::sysctl::{self, Key};
use crate::host::{Host, NetSnapshot};
use crate::netdoc::{Document, Surroundings, Wrong, same_option};

/// Where libvirt keeps its networks: those defined, and those that run.
const LIBVIRT: [&str; 2] = ["/etc/libvirt/qemu/networks", "/run/libvirt/network"];
/// The file by which systemd-resolved is told.
const RESOLVED: &str = "/etc/systemd/resolved.conf.d/90-lab.conf";

/// Adds to a snapshot what a document asks about.
pub(super) fn look(net: &mut NetSnapshot, document: &mut Document, host: &dyn Host) -> Result<(), Wrong> {
    for (key, wanted) in &document.sysctls {
        let wrong = |e: StateError| Wrong::new(wanted.owner, e.to_string());
        let parsed = Key::parse(key).map_err(wrong)?;
        if let Some(value) = sysctl::read(host, &parsed).map_err(wrong)? {
            net.sysctls.insert(key.clone(), value);
        }
    }
    for (name, wanted) in &document.modules {
        let there = kmod::is_there(host, name).map_err(|e| Wrong::new(wanted.owner, e.to_string()))?;
        if there {
            let options = module_parameters(host, name, &wanted.what);
            can_be_loaded_anew(host, name, &wanted.what, &options)
                .map_err(|text| Wrong::new(wanted.owner, text))?;
            net.modules.insert(name.clone(), options);
        }
    }
    if let Some(wanted) = &mut document.dns {
        let path = Path::new(&wanted.what.path);
        let target = host.read_link(path).ok().map(|t| t.display().to_string()).unwrap_or_default();
        if target.contains("systemd/resolve") {
            wanted.what.resolved = true;
            RESOLVED.clone_into(&mut wanted.what.path);
        }
        if let Ok(text) = host.read(Path::new(&wanted.what.path)) {
            net.files.insert(wanted.what.path.clone(), String::from_utf8_lossy(&text).into_owned());
        }
    }
    Ok(())
}

/// Reads those options of a loaded module that were asked for and can be read.
fn module_parameters(
    host: &dyn Host,
    name: &str,
    wanted: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let dir = module_dir(name).join("parameters");
    let one = |option: &String| {
        let text = host.read(&dir.join(option)).ok()?;
        Some((option.clone(), String::from_utf8_lossy(&text).trim().to_owned()))
    };
    wanted.keys().filter_map(one).collect()
}

fn module_dir(name: &str) -> PathBuf {
    Path::new("/sys/module").join(kmod::plain(name))
}

/// Refuses an option of a module that could only take it if it were loaded anew, and cannot be: whoever uses it, virtual
/// machines as a rule, must go first, and that is not for a network change to do.
fn can_be_loaded_anew(
    host: &dyn Host,
    name: &str,
    wanted: &BTreeMap<String, String>,
    have: &BTreeMap<String, String>,
) -> Result<(), String> {
    let differs =
        |(option, value): &(&String, &String)| have.get(*option).is_some_and(|h| !same_option(h, value));
    let Some((option, value)) = wanted.iter().find(differs) else { return Ok(()) };
    let is = format!("module {name} is loaded with {option}={}", have.get(option).map_or("", String::as_str));
    let users = host.read(&module_dir(name).join("refcnt")).ok();
    let users = users.and_then(|text| String::from_utf8_lossy(&text).trim().parse::<u32>().ok());
    match users {
        Some(0) => Ok(()),
        Some(users) => Err(format!(
            "{is} and is in use ({users}), so that it cannot be loaded anew with {option}={value}: shut down what uses it first \
             (virtual machines, for kvm_intel and kvm_amd)"
        )),
        None => Err(format!(
            "{is} and is a part of the kernel itself: {name}.{option}={value} belongs on the kernel's command line"
        )),
    }
}

/// Finds out by which address the master is reached and which links belong to others.
pub(super) fn surroundings(ctx: &JobCtx<'_>) -> Surroundings {
    Surroundings { session: ctx.services.session_address(), owners: libvirt(ctx.host) }
}

/// Lists the bridges that libvirt makes. A network that only uses a bridge of the host (`forward mode='bridge'`) does not own it.
fn libvirt(host: &dyn Host) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for dir in LIBVIRT.map(Path::new) {
        // No libvirt, no networks.
        let files: Vec<PathBuf> = host.list(dir).unwrap_or_default();
        for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "xml")) {
            let text = host.read(&dir.join(file)).unwrap_or_default();
            owners.extend(owned(&String::from_utf8_lossy(&text)));
        }
    }
    owners
}

fn owned(xml: &str) -> Option<(String, String)> {
    let find = |pattern: &str| {
        let pattern = Regex::new(pattern).ok()?;
        Some(pattern.captures(xml)?.get(1)?.as_str().to_owned())
    };
    if find(r#"<forward\s[^>]*mode=['"](bridge)['"]"#).is_some() {
        return None;
    }
    let bridge = find(r#"<bridge\s[^>]*name=['"]([^'"]+)['"]"#)?;
    let name = find(r"<name>([^<]+)</name>").unwrap_or_else(|| "without a name".to_owned());
    Some((bridge, format!("libvirt (network {name})")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::sim::SimHost;

    #[test]
    fn a_module_takes_another_option_only_when_nobody_uses_it() {
        let host = SimHost::new();
        let options = |v: &str| BTreeMap::from([("nested".to_owned(), v.to_owned())]);
        host.put_file("/sys/module/kvm_intel/parameters/nested", "N\n", 0o444);
        let have = module_parameters(&host, "kvm-intel", &options("1"));
        assert_eq!(have, options("N"));
        let ask = |wanted: &str| can_be_loaded_anew(&host, "kvm_intel", &options(wanted), &have);
        assert_eq!(ask("0"), Ok(()), "it is so already");
        assert!(ask("1").is_err_and(|e| e.contains("kernel's command line")));
        host.put_file("/sys/module/kvm_intel/refcnt", "2\n", 0o444);
        assert!(ask("1").is_err_and(|e| e.contains("in use (2)") && e.contains("virtual machines")));
        host.put_file("/sys/module/kvm_intel/refcnt", "0\n", 0o444);
        assert_eq!(ask("1"), Ok(()));
    }

    #[test]
    fn a_bridge_that_libvirt_makes_is_its_own_and_one_that_it_uses_is_not() {
        let own = "<network>\n<name>default</name>\n<forward mode='nat'/>\n<bridge name='virbr0' stp='on' delay='0'/></network>";
        assert_eq!(owned(own), Some(("virbr0".to_owned(), "libvirt (network default)".to_owned())));
        let used = "<network><name>host</name><forward mode=\"bridge\"/><bridge name=\"br0\"/></network>";
        assert_eq!(owned(used), None);
        assert_eq!(owned("<network/>"), None);
    }
}
