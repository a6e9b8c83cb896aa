//! Steps about modules, parameters and name servers.

use std::collections::BTreeMap;

use super::super::Wrong;
use super::super::document::{Dns, Document};
use super::Plan;
use crate::host::{NetStep, WITHOUT_FIRST_LINK};

impl Plan<'_> {
    pub(super) fn modules(&mut self, document: &Document) -> Result<(), Wrong> {
        for (name, wanted) in &document.modules {
            if let Some(have) = self.net.modules.get(name) {
                let differs = |(option, value): (&String, &String)| {
                    have.get(option).is_some_and(|h| !same_option(h, value))
                };
                if !wanted.what.iter().any(differs) {
                    continue;
                }
                self.push(wanted.owner, NetStep::UnloadModule { name: name.clone() })?;
            }
            let options = module_options(name, &wanted.what);
            self.push(wanted.owner, NetStep::LoadModule { name: name.clone(), options })?;
        }
        Ok(())
    }

    pub(super) fn early_sysctls(&mut self, document: &Document) -> Result<(), Wrong> {
        for (key, wanted) in &document.sysctls {
            match self.net.sysctls.get(key) {
                Some(now) if same(now, &wanted.what) => {}
                Some(_) => self.sysctl(wanted.owner, key, &wanted.what)?,
                None => self.deferred.push((wanted.owner, key.clone(), wanted.what.clone())),
            }
        }
        Ok(())
    }

    /// Sets what modules and links of this very plan bring.
    pub(super) fn late_sysctls(&mut self, _: &Document) -> Result<(), Wrong> {
        for (owner, key, value) in std::mem::take(&mut self.deferred) {
            self.sysctl(owner, &key, &value)?;
        }
        Ok(())
    }

    fn sysctl(&mut self, owner: usize, key: &str, value: &str) -> Result<(), Wrong> {
        self.push(owner, NetStep::SetSysctl { key: key.to_owned(), value: value.to_owned() })
    }

    pub(super) fn dns(&mut self, document: &Document) -> Result<(), Wrong> {
        let Some(wanted) = &document.dns else { return Ok(()) };
        let dns = &wanted.what;
        let content = if dns.resolved { resolved_conf(dns) } else { resolv_conf(dns) };
        if self.net.files.get(&dns.path) == Some(&content) {
            return Ok(());
        }
        self.push(wanted.owner, NetStep::WriteFile { path: dns.path.clone(), content: Some(content) })?;
        if dns.resolved {
            self.push(wanted.owner, NetStep::RestartService { name: "systemd-resolved".to_owned() })?;
        }
        Ok(())
    }
}

/// Completes the options that a module is loaded with.
pub fn module_options(module: &str, wanted: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut options = wanted.clone();
    for (_, option) in WITHOUT_FIRST_LINK.iter().filter(|(name, _)| *name == module) {
        options.entry((*option).to_owned()).or_insert_with(|| "0".to_owned());
    }
    options
}

/// Tells whether two values of a module's option are one: the kernel shows what is on as Y.
pub fn same_option(a: &str, b: &str) -> bool {
    let plain = |v: &str| match v {
        "Y" | "y" | "1" | "on" => "1".to_owned(),
        "N" | "n" | "0" | "off" => "0".to_owned(),
        other => other.to_owned(),
    };
    plain(a) == plain(b)
}

/// The kernel separates numbers by tabs.
fn same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

fn resolv_conf(dns: &Dns) -> String {
    let Dns { servers, search, options, path: _, resolved: _ } = dns;
    let mut text = "# Kept by lab (dns.config).\n".to_owned();
    if !search.is_empty() {
        text.push_str(&format!("search {}\n", search.join(" ")));
    }
    for server in servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    if !options.is_empty() {
        text.push_str(&format!("options {}\n", options.join(" ")));
    }
    text
}

fn resolved_conf(dns: &Dns) -> String {
    let servers: Vec<String> = dns.servers.iter().map(ToString::to_string).collect();
    let mut text = format!("# Kept by lab (dns.config).\n[Resolve]\nDNS={}\n", servers.join(" "));
    if !dns.search.is_empty() {
        text.push_str(&format!("Domains={}\n", dns.search.join(" ")));
    }
    text
}
