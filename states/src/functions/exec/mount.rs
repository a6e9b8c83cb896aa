//! `mount.*` and `disk.*`

use std::path::Path;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::kernel::call_error;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::file::read_if_present;
use crate::functions::mount;
use crate::host::MountRequest;

const ACTIVE: &[ArgDoc] = &[ArgDoc::with_default(
    "extended",
    Kind::Bool,
    "false",
    "Whether root and options of the file system come, too.",
)];
const CONFIG: &[ArgDoc] =
    &[ArgDoc::with_default("config", Kind::Path, "/etc/fstab", "The table of file systems.")];
const PLACE: &[ArgDoc] = &[ArgDoc::required("name", Kind::Path, "The place.")];
const MOUNT: &[ArgDoc] = &[
    ArgDoc::required("name", Kind::Path, "The place."),
    ArgDoc::required("device", Kind::Text, "What is mounted."),
    ArgDoc::with_default("mkmnt", Kind::Bool, "false", "Whether a missing directory is made."),
    ArgDoc::optional("fstype", Kind::Text, "The kind of file system."),
    ArgDoc::with_default("opts", Kind::Any, "defaults", "The options: a list, or text with commas."),
];
const USAGE: &[ArgDoc] =
    &[ArgDoc::optional("args", Kind::Path, "One place; all that is mounted, when not given.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "mount.active",
        doc: FunctionDoc::new(
            "Returns what is mounted, by place.",
            ACTIVE,
            "lab-master run '*' mount.active",
        ),
        body: active,
    },
    Exec {
        name: "mount.fstab",
        doc: FunctionDoc::new(
            "Returns the table of file systems, by place.",
            CONFIG,
            "lab-master run '*' mount.fstab",
        ),
        body: fstab,
    },
    Exec {
        name: "mount.is_mounted",
        doc: FunctionDoc::new(
            "Tells whether something is mounted at a place.",
            PLACE,
            "lab-master run '*' mount.is_mounted /srv",
        ),
        body: is_mounted,
    },
    Exec {
        name: "mount.mount",
        doc: FunctionDoc::new(
            "Mounts a file system.",
            MOUNT,
            "lab-master run '*' mount.mount /mnt/x /dev/sdb1",
        ),
        body: do_mount,
    },
    Exec {
        name: "mount.umount",
        doc: FunctionDoc::new(
            "Unmounts what is at a place.",
            PLACE,
            "lab-master run '*' mount.umount /mnt/x",
        ),
        body: umount,
    },
    Exec {
        name: "mount.swaps",
        doc: FunctionDoc::new("Returns the swap spaces in use.", &[], "lab-master run '*' mount.swaps"),
        body: swaps,
    },
    Exec {
        name: "disk.usage",
        doc: FunctionDoc::new(
            "Returns how full the mounted file systems are, in blocks of 1 KiB.",
            USAGE,
            "lab-master run '*' disk.usage",
        ),
        body: usage,
    },
];

#[derive(Deserialize)]
struct Active {
    #[serde(default)]
    extended: bool,
}

fn active(call: &Call<'_>) -> Result<Value, CallError> {
    let Active { extended } = call.typed()?;
    let mut found = Map::new();
    for mounted in mount::active(call.ctx.host).map_err(call_error)? {
        let mut entry = Map::new();
        let mut put = |key: &str, value: Value| entry.insert(key.into(), value);
        put("device", mounted.device.into());
        put("fstype", mounted.fstype.into());
        put("opts", mounted.options.into());
        if extended {
            put("root", mounted.root.into());
            put("superopts", mounted.super_options.into());
        }
        found.insert(mounted.target.display().to_string().into(), Value::Map(entry));
    }
    Ok(Value::Map(found))
}

#[derive(Deserialize)]
struct Config {
    #[serde(default = "etc_fstab")]
    config: String,
}

fn etc_fstab() -> String {
    "/etc/fstab".to_owned()
}

fn fstab(call: &Call<'_>) -> Result<Value, CallError> {
    let Config { config } = call.typed()?;
    let text = read_if_present(call.ctx.host, Path::new(&config)).map_err(call_error)?.unwrap_or_default();
    let mut found = Map::new();
    for entry in mount::Table::parse(&text).entries() {
        let mut place = entry.target.clone();
        // Several entries at one place (none, for swap) are told apart as in Salt.
        while found.contains_key(place.as_str()) {
            place.push('_');
        }
        let fields = Value::from([
            ("device", Value::from(entry.device.as_str())),
            ("fstype", Value::from(entry.fstype.as_str())),
            ("opts", Value::from(entry.options.clone())),
            ("dump", Value::from(entry.dump.as_str())),
            ("pass", Value::from(entry.pass.as_str())),
        ]);
        found.insert(place.into(), fields);
    }
    Ok(Value::Map(found))
}

#[derive(Deserialize)]
struct Place {
    name: String,
}

fn is_mounted(call: &Call<'_>) -> Result<Value, CallError> {
    let Place { name } = call.typed()?;
    let all = mount::active(call.ctx.host).map_err(call_error)?;
    Ok(all.iter().any(|m| m.target == Path::new(&name)).into())
}

#[derive(Deserialize)]
struct Mount {
    name: String,
    device: String,
    #[serde(default)]
    mkmnt: bool,
    fstype: Option<String>,
    opts: Option<Value>,
}

fn do_mount(call: &Call<'_>) -> Result<Value, CallError> {
    let Mount { name, device, mkmnt, fstype, opts } = call.typed()?;
    let (host, target) = (call.ctx.host, Path::new(&name).to_owned());
    if mkmnt && host.stat(&target)?.is_none() {
        let owner = crate::functions::support::Owner::default();
        crate::functions::support::make_parents(host, &target, None, owner).map_err(call_error)?;
        host.mkdir(&target, None)?;
    }
    host.mount(&MountRequest { device, target, fstype, options: mount::options(opts.as_ref()), user: None })?;
    Ok(true.into())
}

fn umount(call: &Call<'_>) -> Result<Value, CallError> {
    let Place { name } = call.typed()?;
    call.ctx.host.unmount(Path::new(&name), false)?;
    Ok(true.into())
}

fn swaps(call: &Call<'_>) -> Result<Value, CallError> {
    let entry = |space: mount::SwapSpace| {
        let fields = Value::from([
            ("type", Value::from(space.kind)),
            ("size", Value::from(space.size)),
            ("used", Value::from(space.used)),
            ("priority", Value::from(space.priority)),
        ]);
        (Value::from(space.device), fields)
    };
    Ok(Value::Map(mount::swaps(call.ctx.host).map_err(call_error)?.into_iter().map(entry).collect()))
}

#[derive(Deserialize)]
struct Usage {
    args: Option<String>,
}

fn usage(call: &Call<'_>) -> Result<Value, CallError> {
    let Usage { args } = call.typed()?;
    let all = mount::active(call.ctx.host).map_err(call_error)?;
    let mut found = Map::new();
    for mounted in &all {
        let place = mounted.target.display().to_string();
        if args.as_ref().is_some_and(|a| *a != place) {
            continue;
        }
        // What is hidden or not ours to look at has no figures.
        let Ok(usage) = call.ctx.host.disk_usage(&mounted.target) else { continue };
        if usage.total == 0 {
            continue;
        }
        let (total, available, used) =
            (usage.total >> 10, usage.available >> 10, (usage.total - usage.free) >> 10);
        // As df rounds: up, and of what users can have.
        let capacity = (used * 100).div_ceil((used + available).max(1));
        let fields = Value::from([
            ("filesystem", Value::from(mounted.device.as_str())),
            ("1K-blocks", Value::from(total.to_string())),
            ("used", Value::from(used.to_string())),
            ("available", Value::from(available.to_string())),
            ("capacity", Value::from(format!("{capacity}%"))),
        ]);
        found.insert(place.into(), fields);
    }
    Ok(Value::Map(found))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn tables_are_returned_by_place() {
        let host = SimHost::new()
            .with_file("/etc/fstab", "UUID=1 / ext4 rw,noatime 0 1\n/a none swap sw\n/b none swap sw\n")
            .with_mount("/dev/sda1", "/srv", "ext4", "ro");
        let bench = Bench::new(host);
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new()).unwrap()
        };
        let table = exec("mount.fstab", &[]);
        assert_eq!(table.get("none_").and_then(|e| e.get("device")), Some(&"/b".into()));
        assert_eq!(exec("mount.active", &[]).get("/srv").and_then(|e| e.get("fstype")), Some(&"ext4".into()));
        assert_eq!(exec("mount.is_mounted", &["/srv"]), true.into());
        exec("mount.umount", &["/srv"]);
        assert_eq!(exec("mount.is_mounted", &["/srv"]), false.into());
        exec("mount.mount", &["/srv", "/dev/sda1"]);
        let usage = exec("disk.usage", &["/srv"]);
        assert_eq!(usage.get("/srv").and_then(|e| e.get("capacity")), Some(&"50%".into()));
        assert_eq!(exec("mount.swaps", &[]), Value::map());
    }
}
