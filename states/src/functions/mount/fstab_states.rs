//! `mount.fstab_present` and `mount.fstab_absent`: entries of the table, whatever is mounted now.

use std::path::PathBuf;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{absolute, map};
use super::device::named_by;
use super::fstab::{Entry, MatchOn, Put, Table};
use super::mounted::{fstab, write_table};
use super::options;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::file::read_if_present;
use crate::host::MountRequest;

/// Has an entry.
pub(in crate::functions) struct Present;

/// Has no entry.
pub(in crate::functions) struct Absent;

const MOUNT_BY: ArgDoc = ArgDoc::optional(
    "mount_by",
    Kind::Text,
    "How the table names the device: device, label, uuid, partlabel or partuuid; as the name says, when not given.",
);
const CONFIG: ArgDoc = ArgDoc::with_default("config", Kind::Path, "/etc/fstab", "The table of file systems.");
const FS_FILE: ArgDoc = ArgDoc::required("fs_file", Kind::Path, "Where it is mounted; none for swap.");

const PRESENT_ARGS: &[ArgDoc] = &[
    FS_FILE,
    ArgDoc::required("fs_vfstype", Kind::Text, "The kind of file system."),
    ArgDoc::with_default("fs_mntops", Kind::Any, "defaults", "The options: a list, or text with commas."),
    ArgDoc::with_default("fs_freq", Kind::Int, "0", "The fifth field of the table."),
    ArgDoc::with_default(
        "fs_passno",
        Kind::Int,
        "0",
        "The sixth field of the table: when it is checked at boot.",
    ),
    MOUNT_BY,
    CONFIG,
    ArgDoc::with_default("mount", Kind::Bool, "true", "Whether a new entry is mounted at once."),
    ArgDoc::with_default(
        "match_on",
        Kind::Any,
        "auto",
        "By which fields an entry counts as this one: device, name, fstype, opts, dump, pass_num.",
    ),
    ArgDoc::with_default(
        "not_change",
        Kind::Bool,
        "false",
        "Whether an entry that differs is left as it is.",
    ),
    ArgDoc::optional("fs_mount", Kind::Bool, "Accepted."),
];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Keeps an entry in the table of file systems. The name is the device.",
    PRESENT_ARGS,
    "/dev/sdb1:\n  mount.fstab_present:\n    - fs_file: /srv\n    - fs_vfstype: ext4\n    - fs_mntops: [noatime]\n    - mount: False\n",
);

const ABSENT_ARGS: &[ArgDoc] = &[FS_FILE, MOUNT_BY, CONFIG];

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Removes an entry from the table of file systems. The name is the device.",
    ABSENT_ARGS,
    "/dev/old:\n  mount.fstab_absent:\n    - fs_file: /mnt/old\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    fs_file: String,
    #[serde(default)]
    fs_vfstype: String,
    fs_mntops: Option<Value>,
    #[serde(default = "zero")]
    fs_freq: String,
    #[serde(default = "zero")]
    fs_passno: String,
    mount_by: Option<String>,
    #[serde(default = "fstab")]
    config: String,
    #[serde(default = "yes")]
    mount: bool,
    match_on: Option<Value>,
    #[serde(default)]
    not_change: bool,
}

fn zero() -> String {
    "0".to_owned()
}

fn yes() -> bool {
    true
}

impl Args {
    fn target(&self) -> String {
        let bare = self.fs_file.trim_end_matches('/');
        if bare.is_empty() { "/".to_owned() } else { bare.to_owned() }
    }

    fn table(&self, ctx: &JobCtx<'_>) -> Result<Table, StateError> {
        let text = read_if_present(ctx.host, &absolute(&self.config, ctx.host)?)?;
        Ok(Table::parse(&text.unwrap_or_default()))
    }

    fn put(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Put, Entry, Table), StateError> {
        if self.fs_vfstype.is_empty() {
            return Err(StateError::failed("argument fs_vfstype is missing"));
        }
        let entry = Entry {
            device: named_by(&call.name, self.mount_by.as_deref(), ctx)?,
            target: self.target(),
            fstype: self.fs_vfstype.clone(),
            options: options::list(self.fs_mntops.as_ref()),
            dump: self.fs_freq.clone(),
            pass: self.fs_passno.clone(),
        };
        let mut table = self.table(ctx)?;
        let put = table.put(&entry, &MatchOn::of(self.match_on.as_ref(), &self.fs_vfstype)?, self.not_change);
        Ok((put, entry, table))
    }

    fn without(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<Table>, StateError> {
        let (mut table, target) = (self.table(ctx)?, self.target());
        if !table.entries().any(|e| e.target == target) {
            return Ok(None);
        }
        let device = named_by(&call.name, self.mount_by.as_deref(), ctx)?;
        Ok(table.remove(|e| e.target == target && e.device == device).then_some(table))
    }
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "mount.fstab_present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let (put, entry, _) = args.put(call, ctx)?;
        let place = format!("{} entry", entry.target);
        Ok(match put {
            Put::Present => Check::holds(format!("{place} is already in {}", args.config)),
            Put::New => {
                let mount = if args.mount { ", and it would be mounted" } else { "" };
                let comment = format!("{place} will be written in {}{mount}", args.config);
                Check::differs(map([("persist", "new".into())]), comment)
            }
            Put::Changed => Check::differs(
                map([("persist", "change".into())]),
                format!("{place} will be updated in {}", args.config),
            ),
        })
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let (put, entry, table) = args.put(call, ctx)?;
        write_table(&args.config, &table, ctx)?;
        let mut comment = format!("{} entry written in {}", entry.target, args.config);
        if put == Put::New && args.mount && entry.fstype != "swap" {
            ctx.host.mount(&MountRequest {
                device: entry.device,
                target: PathBuf::from(&entry.target),
                fstype: Some(entry.fstype),
                options: entry.options,
                user: None,
            })?;
            comment.push_str(&format!(", {} mounted", call.name));
        }
        Ok(Applied::new(check.changes.clone(), comment))
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "mount.fstab_absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let place = format!("{} entry", args.target());
        if args.without(call, ctx)?.is_none() {
            return Ok(Check::holds(format!("{place} is already missing in {}", args.config)));
        }
        let changes: Map = map([("persist", "removed".into())]);
        Ok(Check::differs(changes, format!("{place} will be removed from {}", args.config)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        if let Some(table) = args.without(call, ctx)? {
            write_table(&args.config, &table, ctx)?;
        }
        Ok(Applied::new(
            check.changes.clone(),
            format!("{} entry removed from {}", args.target(), args.config),
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};

    fn bench() -> Bench {
        let host = SimHost::new()
            .with_file("/etc/fstab", "# mine\nUUID=1\t/\tbtrfs\tdefaults 0 0\n")
            .with_dir("/srv")
            .with_command("blkid -o value -s UUID /dev/sda2", SimReply::ok("1\n"));
        Bench::new(host)
    }

    #[test]
    fn subvolumes_of_one_device_each_have_their_entry() {
        let bench = bench();
        let sls = |place: &str| {
            format!(
                "{place}:\n  mount.fstab_present:\n    - name: /dev/sda2\n    - fs_file: {place}\n    - fs_vfstype: btrfs\n    - fs_mntops: subvol=@{place}\n    - mount_by: uuid\n    - mount: False\n    - not_change: True\n"
            )
        };
        for place in ["/srv", "/opt"] {
            let verdict = bench.run(&sls(place));
            assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
            assert!(!bench.run(&sls(place)).changed());
        }
        assert!(!bench.run(&sls("/")).changed(), "not_change leaves what is there");
        assert_eq!(
            bench.host.text("/etc/fstab").as_deref(),
            Some(
                "# mine\nUUID=1\t/\tbtrfs\tdefaults 0 0\nUUID=1\t\t/srv\tbtrfs\tsubvol=@/srv\t0 0\nUUID=1\t\t/opt\tbtrfs\tsubvol=@/opt\t0 0\n"
            )
        );
        let absent =
            "x:\n  mount.fstab_absent:\n    - name: /dev/sda2\n    - fs_file: /opt/\n    - mount_by: uuid\n";
        assert!(bench.run(absent).changed());
        assert!(!bench.run(absent).changed());
    }

    #[test]
    fn a_new_entry_is_mounted_and_a_device_without_a_name_is_an_error() {
        let bench = bench();
        let sls = "/dev/sdb1:\n  mount.fstab_present:\n    - fs_file: /srv\n    - fs_vfstype: ext4\n";
        assert!(bench.run(sls).changed());
        assert!(bench.host.text("/proc/self/mountinfo").is_some_and(|t| t.contains("/srv")));
        let bad = bench.run(&format!("{sls}    - mount_by: label\n"));
        assert!(bad.comment.contains("cannot be named by label"), "{}", bad.comment);
        assert!(bench.run(&format!("{sls}    - mount_by: x\n")).comment.contains("is not one of"));
    }
}
