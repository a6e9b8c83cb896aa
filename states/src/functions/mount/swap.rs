//! `mount.swap`: a swap space in use, now and after a boot.

use std::path::Path;

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::absolute;
use super::active::swaps;
use super::device::canonical;
use super::fstab::{Entry, MatchOn, Put, Table};
use super::mounted::{fstab, write_table};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::file::read_if_present;

/// The function.
pub(in crate::functions) struct Swap;

const ARGS: &[ArgDoc] = &[
    ArgDoc::with_default("persist", Kind::Bool, "true", "Whether the table turns it on at boot."),
    ArgDoc::with_default("config", Kind::Path, "/etc/fstab", "The table of file systems."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Uses a device or file, which must hold swap space (mkswap), as swap.",
    ARGS,
    "/var/swapfile:\n  mount.swap: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default = "yes")]
    persist: bool,
    #[serde(default = "fstab")]
    config: String,
}

fn yes() -> bool {
    true
}

fn is_on(call: &StateCall, ctx: &JobCtx<'_>) -> Result<bool, StateError> {
    let wanted = canonical(ctx.host, &absolute(&call.name, ctx.host)?)?;
    for space in swaps(ctx.host)? {
        if canonical(ctx.host, Path::new(&space.device))? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn kept(args: &Args, call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Option<Put>, Table), StateError> {
    let config = absolute(&args.config, ctx.host)?;
    let mut table = Table::parse(&read_if_present(ctx.host, &config)?.unwrap_or_default());
    if !args.persist || table.entries().any(|e| e.fstype == "swap" && e.device == call.name) {
        return Ok((None, table));
    }
    let entry = Entry {
        device: call.name.clone(),
        target: "none".to_owned(),
        fstype: "swap".to_owned(),
        options: vec!["defaults".to_owned()],
        dump: "0".to_owned(),
        pass: "0".to_owned(),
    };
    let put = table.put(&entry, &MatchOn::of(None, "swap")?, false);
    Ok((Some(put), table))
}

impl StateFunction for Swap {
    fn name(&self) -> &'static str {
        "mount.swap"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let mut changes = Map::new();
        if !is_on(call, ctx)? {
            changes.insert("swap".into(), "on".into());
        }
        match kept(&args, call, ctx)?.0 {
            Some(Put::New) => changes.insert("persist".into(), "new".into()),
            Some(Put::Changed) => changes.insert("persist".into(), "update".into()),
            Some(Put::Present) | None => None,
        };
        if changes.is_empty() {
            return Ok(Check::holds(format!("swap {} already active", call.name)));
        }
        Ok(Check::differs(changes, format!("swap {} is set to be activated", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        if !is_on(call, ctx)? {
            ctx.host.swap_on(&absolute(&call.name, ctx.host)?)?;
        }
        if let (Some(Put::New | Put::Changed), table) = kept(&args, call, ctx)? {
            write_table(&args.config, &table, ctx)?;
        }
        Ok(Applied::new(check.changes.clone(), format!("swap {} activated", call.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn it_is_on_and_kept_once() {
        let bench =
            Bench::new(SimHost::new().with_file("/var/swapfile", "").with_symlink("/swap", "var/swapfile"));
        assert!(bench.run("/var/swapfile:\n  mount.swap: []\n").changed());
        assert_eq!(
            bench.host.text("/etc/fstab").as_deref(),
            Some("/var/swapfile\t\tnone\tswap\tdefaults\t0 0\n")
        );
        assert!(!bench.run("/var/swapfile:\n  mount.swap: []\n").changed());
        assert!(!bench.run("/swap:\n  mount.swap:\n    - persist: False\n").changed());
    }
}
