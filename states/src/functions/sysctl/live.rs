//! The live values.

use std::fmt;
use std::path::PathBuf;

use crate::function::StateError;
use crate::host::Host;

/// The name of a setting: parts with dots between them; a slash stands for a dot within a part
/// (`net.ipv4.conf.eth0/100.forwarding`), or the two are the other way round throughout, as sysctl.d(5) has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::functions) struct Key(Vec<String>);

impl Key {
    pub(in crate::functions) fn parse(text: &str) -> Result<Self, StateError> {
        let text = text.trim();
        let slashes = text.find(['.', '/']).is_some_and(|at| text[at..].starts_with('/'));
        let (between, within) = if slashes { ('/', "") } else { ('.', "/") };
        let parts: Vec<String> = text
            .split(between)
            .map(|p| if within.is_empty() { p.to_owned() } else { p.replace(within, ".") })
            .collect();
        // What climbs out of /proc/sys is no setting.
        if parts.len() < 2
            || parts.iter().any(|p| p.is_empty() || p == "." || p == ".." || p.contains(['/', '\0']))
        {
            return Err(StateError::failed(format!(
                "{text:?} is no name of a kernel setting like net.ipv4.ip_forward"
            )));
        }
        Ok(Self(parts))
    }

    /// Returns the kernel's file for it.
    pub(in crate::functions) fn path(&self) -> PathBuf {
        let mut path = PathBuf::from("/proc/sys");
        path.extend(&self.0);
        path
    }

    /// Says what makes a setting exist that does not yet.
    fn remedy(&self) -> String {
        let parts: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let module = match parts[..] {
            ["net", "bridge", ..] => Some("br_netfilter"),
            ["net", "netfilter", key, ..] if key.starts_with("nf_conntrack") => Some("nf_conntrack"),
            ["net", "nf_conntrack_max"] => Some("nf_conntrack"),
            ["net", "ipv4", "vs", ..] => Some("ip_vs"),
            ["net", "sctp", ..] => Some("sctp"),
            ["net", "mpls", ..] => Some("mpls_router"),
            ["net", "ipv6", ..] => Some("ipv6"),
            ["sunrpc", ..] => Some("sunrpc"),
            ["fs", "nfs", ..] => Some("nfs"),
            ["dev", "raid", ..] => Some("md_mod"),
            _ => None,
        };
        match (module, &parts[..]) {
            (_, ["net", "ipv4" | "ipv6", "conf" | "neigh", link, ..])
                if !["all", "default"].contains(link) =>
            {
                format!("there is no link {link}: make it first, and require the state that does")
            }
            (Some(module), _) => {
                format!("load the module {module} first: a kmod.present state for it that this one requires")
            }
            (None, _) => "the name is wrong, or a module must be loaded first with kmod.present".to_owned(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|p| p.replace('.', "/")).collect();
        f.write_str(&parts.join("."))
    }
}

/// Returns the live value; `None` where this kernel has no such setting (yet).
pub(in crate::functions) fn read(host: &dyn Host, key: &Key) -> Result<Option<String>, StateError> {
    let path = key.path();
    match host.stat(&path)? {
        Some(meta) if meta.is_file() => {
            Ok(Some(String::from_utf8_lossy(&host.read(&path)?).trim_end_matches('\n').to_owned()))
        }
        _ => Ok(None),
    }
}

/// Sets the live value, and looks whether the kernel took it.
pub(in crate::functions) fn set(host: &dyn Host, key: &Key, value: &str) -> Result<(), StateError> {
    if read(host, key)?.is_none() {
        return Err(missing(key));
    }
    host.kernel_write(&key.path(), value.as_bytes())?;
    let now = read(host, key)?.unwrap_or_default();
    if same(&now, value) {
        return Ok(());
    }
    Err(StateError::failed(format!(
        "the kernel made {now:?} of {key} = {value:?} (write the value as the kernel shows it)"
    )))
}

/// The error that this kernel has no such setting.
pub(in crate::functions) fn missing(key: &Key) -> StateError {
    StateError::failed(format!("this kernel has no setting {key} ({})", key.remedy()))
}

/// Tells whether two values are one to the kernel, which separates numbers by tabs.
pub(in crate::functions) fn same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn dots_and_slashes_may_change_places() {
        for text in ["net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"] {
            let key = Key::parse(text).unwrap();
            assert_eq!(key.path(), Path::new("/proc/sys/net/ipv4/conf/eth0.100/forwarding"), "{text}");
            assert_eq!(key.to_string(), "net.ipv4.conf.eth0/100.forwarding");
        }
        for bad in ["", "net", "net..x", "../../etc/passwd", "net/../../x", "net.//.//.etc"] {
            assert!(Key::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_error_names_the_module_that_brings_the_setting() {
        let said = |key: &str| missing(&Key::parse(key).unwrap()).to_string();
        assert!(said("net.bridge.bridge-nf-call-iptables").contains("br_netfilter"));
        assert!(said("net.netfilter.nf_conntrack_max").contains("module nf_conntrack"));
        assert!(said("net.ipv4.conf.br0.forwarding").contains("no link br0"));
        assert!(said("vm.swapines").contains("the name is wrong"));
    }
}
