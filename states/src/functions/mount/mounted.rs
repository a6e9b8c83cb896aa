//! `mount.mounted`: a file system in its place, now and after a boot.

use std::path::{Path, PathBuf};

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Owner, Pattern, absolute, make_parents, map, path_of, text_list};
use super::active::{Mounted as Active, active_at};
use super::device::{canonical, is_same};
use super::fstab::{Entry, MatchOn, Put, Table};
use super::options::{self, Extra};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
    Watch,
};
use crate::functions::file::read_if_present;
use crate::host::{MountRequest, WriteOptions};

/// The function.
pub(in crate::functions) struct Mounted;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "device",
        Kind::Text,
        "What is mounted: /dev/sdb1, UUID=…, LABEL=…, server:/export, tmpfs.",
    ),
    ArgDoc::required("fstype", Kind::Text, "The kind of file system."),
    ArgDoc::with_default("mkmnt", Kind::Bool, "false", "Whether a missing directory is made."),
    ArgDoc::with_default("opts", Kind::Any, "defaults", "The options: a list, or text with commas."),
    ArgDoc::with_default("dump", Kind::Int, "0", "The fifth field of the table."),
    ArgDoc::with_default(
        "pass_num",
        Kind::Int,
        "0",
        "The sixth field of the table: when it is checked at boot.",
    ),
    ArgDoc::with_default("config", Kind::Path, "/etc/fstab", "The table of file systems."),
    ArgDoc::with_default("persist", Kind::Bool, "true", "Whether the table mounts it at boot."),
    ArgDoc::with_default("mount", Kind::Bool, "true", "Whether it is mounted now."),
    ArgDoc::optional("user", Kind::Text, "The account that mounts."),
    ArgDoc::with_default(
        "match_on",
        Kind::Any,
        "auto",
        "By which fields an entry of the table counts as this one: device, name, fstype, opts, dump, pass_num.",
    ),
    ArgDoc::optional(
        "device_name_regex",
        Kind::Any,
        "Regular expressions of other devices that are right, too, where something is mounted already.",
    ),
    ArgDoc::optional(
        "extra_mount_invisible_options",
        Kind::Any,
        "Further options that the kernel does not show.",
    ),
    ArgDoc::optional("extra_mount_invisible_keys", Kind::Any, "Further keys of such options."),
    ArgDoc::optional(
        "extra_mount_ignore_fs_keys",
        Kind::Map,
        "Keys of options by kind of file system that force no remount.",
    ),
    ArgDoc::optional(
        "extra_mount_translate_options",
        Kind::Map,
        "What the kernel shows in place of an option.",
    ),
    ArgDoc::optional("hidden_opts", Kind::Any, "Options that force no remount."),
    ArgDoc::with_default("bind_mount_copy_active_opts", Kind::Bool, "true", "Accepted."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a file system mounted at a place, with these options, now and after a boot.",
    ARGS,
    "/mnt/scratch:\n  mount.mounted:\n    - device: tmpfs\n    - fstype: tmpfs\n    - opts: [noatime, size=64m]\n    - mkmnt: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    device: String,
    fstype: String,
    #[serde(default)]
    mkmnt: bool,
    opts: Option<Value>,
    #[serde(default = "zero")]
    dump: String,
    #[serde(default = "zero")]
    pass_num: String,
    #[serde(default = "fstab")]
    config: String,
    #[serde(default = "yes")]
    persist: bool,
    #[serde(default = "yes")]
    mount: bool,
    user: Option<String>,
    match_on: Option<Value>,
    device_name_regex: Option<Value>,
    extra_mount_invisible_options: Option<Value>,
    extra_mount_invisible_keys: Option<Value>,
    extra_mount_ignore_fs_keys: Option<Map>,
    extra_mount_translate_options: Option<Map>,
    hidden_opts: Option<Value>,
}

fn zero() -> String {
    "0".to_owned()
}

pub(super) fn fstab() -> String {
    "/etc/fstab".to_owned()
}

fn yes() -> bool {
    true
}

/// What has to be done to the mount.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Work {
    Nothing,
    /// Nothing is mounted there.
    Mount,
    /// These options are not in force.
    Remount(Vec<String>),
    /// Something else is mounted there.
    Replace(String),
}

/// Everything about one state.
struct Plan {
    args: Args,
    target: PathBuf,
    options: Vec<String>,
    work: Work,
    directory_missing: bool,
    table: Table,
    put: Option<Put>,
}

impl Plan {
    fn make(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Self, StateError> {
        let args: Args = call.typed()?;
        let target = path_of(call, ctx.host)?;
        let mut options = options::list(args.opts.as_ref());
        let work = if args.mount { work(&args, &target, &options, ctx)? } else { Work::Nothing };
        // Only the kernel is told to remount; the table never is.
        options.retain(|o| o != "remount");
        let directory_missing = ctx.host.stat(&target)?.is_none();
        let config = absolute(&args.config, ctx.host)?;
        let mut table = Table::parse(&read_if_present(ctx.host, &config)?.unwrap_or_default());
        let put = args.persist.then(|| -> Result<Put, StateError> {
            let entry = Entry {
                device: args.device.clone(),
                target: target.display().to_string(),
                fstype: args.fstype.clone(),
                options: options.clone(),
                dump: args.dump.clone(),
                pass: args.pass_num.clone(),
            };
            Ok(table.put(&entry, &MatchOn::of(args.match_on.as_ref(), &args.fstype)?, false))
        });
        let put = put.transpose()?;
        Ok(Self { args, target, options, work, directory_missing, table, put })
    }

    fn changes(&self) -> Map {
        let mut changes = Map::new();
        match &self.work {
            Work::Nothing => {
                if self.directory_missing && self.args.mkmnt {
                    changes.insert("mkmnt".into(), self.target.display().to_string().into());
                }
            }
            Work::Mount => {
                changes.insert("mount".into(), true.into());
            }
            Work::Remount(missing) => {
                let how = if self.by_unmounting() { "unmount and mount" } else { "remount" };
                let text = format!("forced {how} because options ({}) changed", missing.join(","));
                changes.insert("umount".into(), text.into());
            }
            Work::Replace(current) => {
                let wanted = &self.args.device;
                let text =
                    format!("forced unmount because devices differ: wanted {wanted}, current {current}");
                changes.insert("umount".into(), text.into());
                changes.insert("mount".into(), true.into());
            }
        }
        match self.put {
            Some(Put::New) => changes.insert("persist".into(), "new".into()),
            Some(Put::Changed) => changes.insert("persist".into(), "update".into()),
            Some(Put::Present) | None => None,
        };
        changes
    }

    /// Some file systems take other options only when they are mounted anew.
    fn by_unmounting(&self) -> bool {
        ["nfs", "nfs4", "cvfs"].contains(&self.args.fstype.as_str()) || self.args.fstype.starts_with("fuse")
    }

    fn comment(&self) -> String {
        let place = self.target.display();
        let mount = match &self.work {
            Work::Nothing if !self.args.mount => format!("{place} would not be mounted"),
            Work::Nothing => format!("{place} is mounted"),
            Work::Mount if !self.directory_missing => format!("{place} would be mounted"),
            Work::Mount if self.args.mkmnt => format!("{place} would be created and mounted"),
            Work::Mount => format!("{place} does not exist and would not be created"),
            Work::Remount(missing) => format!("{place} would be remounted with {}", missing.join(",")),
            Work::Replace(current) => format!("{current} would be unmounted from {place} first"),
        };
        let table = match self.put {
            Some(Put::New) => format!("; it would be written to {}", self.args.config),
            Some(Put::Changed) => format!("; its entry in {} would be updated", self.args.config),
            Some(Put::Present) | None => String::new(),
        };
        mount + &table
    }

    fn request(&self, options: Vec<String>) -> MountRequest {
        MountRequest {
            device: self.args.device.clone(),
            target: self.target.clone(),
            fstype: (self.args.fstype != "none" && self.args.fstype != "auto")
                .then(|| self.args.fstype.clone()),
            options,
            user: self.args.user.clone(),
        }
    }

    fn carry_out(&self, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        let host = ctx.host;
        if self.directory_missing && (self.args.mount || self.args.mkmnt) {
            if !self.args.mkmnt {
                return Err(StateError::failed(format!(
                    "mount directory {} is not present (add mkmnt: True)",
                    self.target.display()
                )));
            }
            make_parents(host, &self.target, None, Owner::default())?;
            host.mkdir(&self.target, None)?;
        }
        // Symbolic links on the way do not matter to mount(8), but to what the kernel says afterwards.
        let place = canonical(host, &self.target)?;
        match &self.work {
            Work::Nothing => {}
            Work::Mount => host.mount(&self.request(self.options.clone()))?,
            Work::Remount(_) if self.by_unmounting() => {
                host.unmount(&place, false).or_else(|_| host.unmount(&place, true))?;
                host.mount(&self.request(self.options.clone()))?;
            }
            Work::Remount(_) => {
                let again = std::iter::once("remount".to_owned()).chain(self.options.iter().cloned());
                host.mount(&self.request(again.collect()))?;
            }
            Work::Replace(_) => {
                host.unmount(&place, false)?;
                host.mount(&self.request(self.options.clone()))?;
            }
        }
        if matches!(self.put, Some(Put::New | Put::Changed)) {
            write_table(&self.args.config, &self.table, ctx)?;
        }
        Ok(())
    }
}

pub(super) fn write_table(config: &str, table: &Table, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    let options = WriteOptions { umask: Some(0o022), ..WriteOptions::default() };
    Ok(ctx.host.write(&absolute(config, ctx.host)?, table.print().as_bytes(), options)?)
}

fn work(args: &Args, target: &Path, options: &[String], ctx: &JobCtx<'_>) -> Result<Work, StateError> {
    let Some(have) = active_at(ctx.host, &canonical(ctx.host, target)?)? else { return Ok(Work::Mount) };
    let bind = options.iter().any(|o| o == "bind" || o == "rbind");
    if !is_same(&have, &args.device, bind, ctx)? && !excused(args, &have)? {
        return Ok(Work::Replace(have.device));
    }
    let all = |one: &Option<Value>| one.as_ref().map(text_list).unwrap_or_default();
    let hidden =
        all(&args.hidden_opts).iter().flat_map(|o| o.split(',').map(str::to_owned)).collect::<Vec<_>>();
    let extra = Extra {
        invisible: [all(&args.extra_mount_invisible_options), hidden].concat(),
        keys: all(&args.extra_mount_invisible_keys),
        ignored_by_fstype: args.extra_mount_ignore_fs_keys.clone(),
        translated: args.extra_mount_translate_options.clone(),
    };
    let missing = options::missing(options, &have, &args.fstype, &extra, ctx.host)?;
    Ok(if missing.is_empty() { Work::Nothing } else { Work::Remount(missing) })
}

fn excused(args: &Args, have: &Active) -> Result<bool, StateError> {
    for regex in args.device_name_regex.as_ref().map(text_list).unwrap_or_default() {
        if Pattern::flagged(&regex, Some(&Value::from(0)))?.is_prefix(&have.device)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl StateFunction for Mounted {
    fn name(&self) -> &'static str {
        "mount.mounted"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let plan = Plan::make(call, ctx)?;
        Ok(Check::differs(plan.changes(), plan.comment()))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let plan = Plan::make(call, ctx)?;
        plan.carry_out(ctx)?;
        let place = plan.target.display();
        let comment = match plan.work {
            Work::Nothing => format!("{place} is as it should be in {}", plan.args.config),
            Work::Mount | Work::Replace(_) => format!("{} was mounted at {place}", plan.args.device),
            Work::Remount(missing) => format!("{place} was remounted with {}", missing.join(",")),
        };
        Ok(Applied::new(check.changes.clone(), comment))
    }

    /// An option that the kernel takes but does not show cannot be read back: that is said, and is no failure.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let verdict = self.sequence(call, ctx).unwrap_or_else(Verdict::from);
        if call.test || verdict.kind != crate::function::VerdictKind::Failed || !verdict.changed() {
            return verdict;
        }
        match Plan::make(call, ctx) {
            Ok(Plan { work: Work::Remount(missing), put: None | Some(Put::Present), .. }) => {
                let options = missing.join(", ");
                let comment = format!(
                    "mounted, but the kernel does not show {options}, so each run will mount again (list them in \
                     hidden_opts if they are in force)"
                );
                Verdict::ok(verdict.changes, comment)
            }
            _ => verdict,
        }
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Mounted {
    /// Mounts again with the present options.
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let again = || -> Result<Verdict, StateError> {
            let plan = Plan::make(call, ctx)?;
            let changes = map([("remount", plan.target.display().to_string().into())]);
            let comment = format!("{} remounted", plan.target.display());
            if call.test {
                return Ok(Verdict::would_change(changes, comment));
            }
            let options = std::iter::once("remount".to_owned()).chain(plan.options.iter().cloned());
            ctx.host.mount(&plan.request(options.collect()))?;
            Ok(Verdict::ok(changes, comment))
        };
        again().unwrap_or_else(Verdict::from)
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    const SLS: &str = "/mnt/data/:\n  mount.mounted:\n    - device: /dev/sdb1\n    - fstype: ext4\n    - opts: noatime,nofail\n    - mkmnt: True\n";

    fn bench() -> Bench {
        let host = SimHost::new()
            .with_file("/etc/fstab", "# mine\nUUID=1 / ext4 defaults 0 1\n")
            .with_file("/dev/sdb1", "")
            .with_symlink("/dev/disk/by-uuid/ab-cd", "../../sdb1");
        Bench::new(host)
    }

    #[test]
    fn it_is_mounted_and_kept_once_whatever_the_device_is_called() {
        let bench = bench();
        let verdict = bench.run(SLS);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(
            bench.host.text("/etc/fstab").as_deref(),
            Some("# mine\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1\t\t/mnt/data\text4\tnoatime,nofail\t0 0\n")
        );
        let writes = bench.host.writes();
        assert!(!bench.run(SLS).changed());
        assert!(
            !bench
                .run(
                    &SLS.replace("/dev/sdb1", "UUID=AB-CD")
                        .replace("    - mkmnt", "    - persist: False\n    - mkmnt")
                )
                .changed()
        );
        assert_eq!(bench.host.writes(), writes);
    }

    #[test]
    fn other_options_remount_and_another_device_replaces() {
        let bench = bench();
        bench.run(SLS);
        let verdict = bench.run(&SLS.replace("noatime", "ro,nosuid"));
        let text = verdict.changes["umount"].to_string();
        assert_eq!(text, "forced remount because options (nosuid,ro) changed", "{}", verdict.comment);
        assert_eq!(verdict.changes["persist"], "update".into());
        let other = SLS.replace("/dev/sdb1", "/dev/sdc1");
        let dry = bench.dry(&other);
        let verdict = bench.run(&other);
        assert_eq!(dry.changes, verdict.changes);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert!(!bench.run(&other).changed());
        let excused = SLS.replace("    - mkmnt", "    - device_name_regex: ['/dev/sd.1']\n    - mkmnt");
        assert!(!bench.run(&excused.replace("    - mkmnt", "    - persist: False\n    - mkmnt")).changed());
    }

    #[test]
    fn a_bind_mount_is_known_by_the_directory_that_it_shows() {
        let host = SimHost::new().with_file(
            "/proc/self/mountinfo",
            "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 8:2 /vol /srv rw - ext4 /dev/sda2 rw\n22 20 8:2 /vol/www /var/www rw - ext4 /dev/sda2 rw\n",
        );
        let bench = Bench::new(host.with_dir("/var/www").with_dir("/srv/www"));
        let sls = "/var/www:\n  mount.mounted:\n    - device: /srv/www\n    - fstype: none\n    - opts: bind\n    - persist: False\n";
        let verdict = bench.run(sls);
        assert!(!verdict.changed() && verdict.kind == VerdictKind::Ok, "{}", verdict.comment);
        assert!(bench.dry(&sls.replace("/srv/www", "/srv/other")).changed());
    }

    #[test]
    fn a_missing_directory_is_an_error_with_the_remedy() {
        let bench = bench();
        let sls = SLS.replace("    - mkmnt: True\n", "");
        assert_eq!(bench.dry(&sls).kind, VerdictKind::WouldChange);
        let verdict = bench.run(&sls);
        assert!(verdict.comment.contains("mkmnt: True"), "{}", verdict.comment);
        assert_eq!(bench.host.writes(), 0);
    }
}
