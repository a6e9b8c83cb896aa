//! Modules and parameters of the kernel that belong to the network, written down for the next boot: loaded and set by the
//! system's own services, before whoever configures links.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Edit, HEADER};

/// Where systemd-modules-load, modprobe and systemd-sysctl (and their like) read.
const LOAD: &str = "/etc/modules-load.d/lab-net.conf";
const OPTIONS: &str = "/etc/modprobe.d/lab-net.conf";
const SYSCTL: &str = "/etc/sysctl.d/90-lab-net.conf";

/// What the network needs of the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelWants {
    /// Modules with their options.
    pub modules: BTreeMap<String, BTreeMap<String, String>>,
    /// Parameters.
    pub sysctls: BTreeMap<String, String>,
}

impl KernelWants {
    /// Writes the files that differ from what `have` says of them.
    pub fn files(&self, have: impl Fn(&str) -> Option<String>) -> Vec<Edit> {
        let mut files = [(LOAD, String::new()), (OPTIONS, String::new()), (SYSCTL, String::new())];
        let [(_, load), (_, set), (_, sysctl)] = &mut files;
        for (module, options) in &self.modules {
            let _ = writeln!(load, "{module}");
            if !options.is_empty() {
                let words: Vec<String> = options.iter().map(|(k, v)| format!("{k}={v}")).collect();
                let _ = writeln!(set, "options {module} {}", words.join(" "));
            }
        }
        for (key, value) in &self.sysctls {
            let _ = writeln!(sysctl, "{key} = {value}");
        }
        let edit = |(path, lines): (&str, String)| {
            let text = (!lines.is_empty()).then(|| format!("{HEADER}{lines}"));
            (have(path) != text).then(|| Edit { path: path.to_owned(), text, mode: 0o644 })
        };
        files.into_iter().filter_map(edit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_options_and_parameters_have_a_file_each_and_one_without_lines_goes() {
        let options = BTreeMap::from([("max_bonds".to_owned(), "0".to_owned())]);
        let modules =
            BTreeMap::from([("bonding".to_owned(), options), ("br_netfilter".to_owned(), BTreeMap::new())]);
        let sysctls = BTreeMap::from([("net.ipv4.ip_forward".to_owned(), "1".to_owned())]);
        let wants = KernelWants { modules, sysctls };
        let files: BTreeMap<String, String> =
            wants.files(|_| None).into_iter().filter_map(|e| Some((e.path, e.text?))).collect();
        let lines = |path: &str| files[path].strip_prefix(HEADER).expect("says whose it is").to_owned();
        assert_eq!(lines(LOAD), "bonding\nbr_netfilter\n");
        assert_eq!(lines(OPTIONS), "options bonding max_bonds=0\n");
        assert_eq!(lines(SYSCTL), "net.ipv4.ip_forward = 1\n");
        assert_eq!(
            wants.files(|path| files.get(path).cloned()),
            [],
            "a second time there is nothing to write"
        );
        let gone = KernelWants::default().files(|path| files.get(path).cloned());
        assert!(gone.len() == 3 && gone.iter().all(|e| e.text.is_none()), "{gone:?}");
    }
}
