//! `system.hostname`: what the machine is called, now and after a boot.

use std::path::Path;

use lab_proto::Map;

use super::super::support::map;
use crate::function::{Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction};
use crate::functions::file::read_if_present;
use crate::host::{Host, WriteOptions};

/// The function.
pub(in crate::functions) struct Hostname;

const FILE: &str = "/etc/hostname";

static DOC: FunctionDoc = FunctionDoc::new(
    "Names the machine, which the state's name says: the kernel's name now, and /etc/hostname for the next boot. Names in /etc/hosts are host.present's.",
    &[],
    "cplane.lab.example:\n  system.hostname: []\n",
);

/// Checks a name as hostname(7) has it.
fn fitting(name: &str) -> Result<&str, StateError> {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if name.len() <= 64 && name.split('.').all(label) {
        return Ok(name);
    }
    Err(StateError::failed(format!(
        "{name:?} is no host name: at most 64 letters, digits and hyphens, in parts with dots between them"
    )))
}

/// Tells what differs: the name now, the name at boot.
fn differences(name: &str, host: &dyn Host) -> Result<(bool, bool), StateError> {
    let text = read_if_present(host, Path::new(FILE))?.unwrap_or_default();
    let kept = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'));
    Ok((host.hostname()? != name, kept != Some(name)))
}

impl StateFunction for Hostname {
    fn name(&self) -> &'static str {
        "system.hostname"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let name = fitting(&call.name)?;
        if differences(name, ctx.host)? == (false, false) {
            return Ok(Check::holds(format!("hostname is already set to {name:?}")));
        }
        let changes: Map = map([("hostname", name.into())]);
        Ok(Check::differs(changes, format!("the machine will be called {name:?}")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let name = fitting(&call.name)?;
        let (now, boot) = differences(name, ctx.host)?;
        if boot {
            let options = WriteOptions { umask: Some(0o022), ..WriteOptions::default() };
            ctx.host.write(Path::new(FILE), format!("{name}\n").as_bytes(), options)?;
        }
        if now {
            ctx.host.set_hostname(name)?;
        }
        Ok(Applied::new(check.changes.clone(), format!("hostname set to {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::System;
    use crate::host::sim::SimHost;

    #[test]
    fn the_name_is_set_now_and_for_the_next_boot_once() {
        let bench = Bench::new(SimHost::new().with_file("/etc/hostname", "# x\nold\n"));
        assert!(bench.run("node-1.lab:\n  system.hostname: []\n").changed());
        assert_eq!(bench.host.hostname().as_deref(), Ok("node-1.lab"));
        assert_eq!(bench.host.text("/etc/hostname").as_deref(), Some("node-1.lab\n"));
        assert!(!bench.run("node-1.lab:\n  system.hostname: []\n").changed());
        for bad in ["a_b", "-a", "a..b", "a b"] {
            assert_eq!(
                bench.run(&format!("'{bad}':\n  system.hostname: []\n")).kind,
                VerdictKind::Failed,
                "{bad}"
            );
        }
    }
}
