//! `mount.unmounted`: nothing mounted at a place.

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::{absolute, path_of};
use super::active::active_at;
use super::device::{canonical, is_same};
use super::fstab::Table;
use super::mounted::{fstab, write_table};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::file::read_if_present;

/// The function.
pub(in crate::functions) struct Unmounted;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("device", Kind::Text, "Only when this is what is mounted there."),
    ArgDoc::with_default("config", Kind::Path, "/etc/fstab", "The table of file systems."),
    ArgDoc::with_default("persist", Kind::Bool, "false", "Whether its entry goes from the table, too."),
    ArgDoc::with_default(
        "lazy",
        Kind::Bool,
        "false",
        "Whether it may still be in use: it goes out of sight at once.",
    ),
    ArgDoc::optional("user", Kind::Text, "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Unmounts what is mounted at a place.",
    ARGS,
    "/mnt/old:\n  mount.unmounted:\n    - persist: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    device: Option<String>,
    #[serde(default = "fstab")]
    config: String,
    #[serde(default)]
    persist: bool,
    #[serde(default)]
    lazy: bool,
}

/// What there is to do: whether something is mounted, and the table when it changes.
struct Plan {
    args: Args,
    mounted: bool,
    table: Option<Table>,
}

impl Plan {
    fn make(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Self, StateError> {
        let args: Args = call.typed()?;
        let target = path_of(call, ctx.host)?;
        let mounted = match (active_at(ctx.host, &canonical(ctx.host, &target)?)?, &args.device) {
            (Some(have), Some(device)) => is_same(&have, device, false, ctx)?,
            (found, _) => found.is_some(),
        };
        let mut table = None;
        if args.persist {
            let config = absolute(&args.config, ctx.host)?;
            let mut all = Table::parse(&read_if_present(ctx.host, &config)?.unwrap_or_default());
            let place = target.display().to_string();
            let ours = |device: &str| args.device.as_deref().is_none_or(|d| d == device);
            if all
                .remove(|e| e.target.trim_end_matches('/') == place.trim_end_matches('/') && ours(&e.device))
            {
                table = Some(all);
            }
        }
        Ok(Self { args, mounted, table })
    }
}

impl StateFunction for Unmounted {
    fn name(&self) -> &'static str {
        "mount.unmounted"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let plan = Plan::make(call, ctx)?;
        let mut changes = Map::new();
        if plan.mounted {
            changes.insert("umount".into(), true.into());
        }
        if plan.table.is_some() {
            changes.insert("persist".into(), "purged".into());
        }
        if changes.is_empty() {
            return Ok(Check::holds("target was already unmounted"));
        }
        Ok(Check::differs(changes, format!("mount point {} is mounted or kept but should not be", call.name)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let plan = Plan::make(call, ctx)?;
        if plan.mounted {
            let place = canonical(ctx.host, &path_of(call, ctx.host)?)?;
            ctx.host.unmount(&place, plan.args.lazy)?;
        }
        if let Some(table) = &plan.table {
            write_table(&plan.args.config, table, ctx)?;
        }
        Ok(Applied::new(check.changes.clone(), "target was successfully unmounted"))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn it_goes_from_its_place_and_the_table_once() {
        let host = SimHost::new()
            .with_mount("/dev/sdb1", "/mnt/old", "ext4", "rw")
            .with_file("/etc/fstab", "a / ext4 defaults\n/dev/sdb1 /mnt/old/ ext4 defaults\n");
        let bench = Bench::new(host);
        let other = bench.run("/mnt/old:\n  mount.unmounted:\n    - device: /dev/sdz\n    - persist: True\n");
        assert!(!other.changed() && other.kind == VerdictKind::Ok);
        let sls = "/mnt/old:\n  mount.unmounted:\n    - persist: True\n";
        let verdict = bench.run(sls);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(bench.host.text("/etc/fstab").as_deref(), Some("a / ext4 defaults\n"));
        assert!(!bench.run(sls).changed());
    }
}
