//! `sysctl.*` and `kmod.*`

use std::path::Path;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind, StateError};
use crate::functions::file::read_if_present;
use crate::functions::{kmod, sysctl};
use crate::host::Host;

const NAME: &[ArgDoc] = &[ArgDoc::required("name", Kind::Text, "Which setting.")];
const ASSIGN: &[ArgDoc] = &[
    ArgDoc::required("name", Kind::Text, "Which setting."),
    ArgDoc::required("value", Kind::Text, "The value."),
];
const SHOW: &[ArgDoc] = &[ArgDoc::optional(
    "config_file",
    Kind::Path,
    "A file whose settings are returned, in place of the live ones.",
)];
const MOD: &[ArgDoc] = &[ArgDoc::required("mod", Kind::Text, "Which module.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "sysctl.get",
        doc: FunctionDoc::new(
            "Returns the value of a kernel setting.",
            NAME,
            "lab-master run '*' sysctl.get net.ipv4.ip_forward",
        ),
        body: get,
    },
    Exec {
        name: "sysctl.assign",
        doc: FunctionDoc::new(
            "Sets a kernel setting until the next boot.",
            ASSIGN,
            "lab-master run '*' sysctl.assign net.ipv4.ip_forward 1",
        ),
        body: assign,
    },
    Exec {
        name: "sysctl.show",
        doc: FunctionDoc::new("Returns all kernel settings.", SHOW, "lab-master run '*' sysctl.show"),
        body: show,
    },
    Exec {
        name: "sysctl.default_config",
        doc: FunctionDoc::new(
            "Returns the file that sysctl.present writes when none is named.",
            &[],
            "lab-master run '*' sysctl.default_config",
        ),
        body: |_| Ok(sysctl::DEFAULT.into()),
    },
    Exec {
        name: "kmod.lsmod",
        doc: FunctionDoc::new("Lists the loaded modules.", &[], "lab-master run '*' kmod.lsmod"),
        body: lsmod,
    },
    Exec {
        name: "kmod.mod_list",
        doc: FunctionDoc::new(
            "Lists the names of the loaded modules.",
            &[],
            "lab-master run '*' kmod.mod_list",
        ),
        body: mod_list,
    },
    Exec {
        name: "kmod.available",
        doc: FunctionDoc::new(
            "Lists the modules that this kernel has.",
            &[],
            "lab-master run '*' kmod.available",
        ),
        body: |call| Ok(kmod::available(call.ctx.host).map_err(call_error)?.into()),
    },
    Exec {
        name: "kmod.check_available",
        doc: FunctionDoc::new(
            "Tells whether this kernel has a module.",
            MOD,
            "lab-master run '*' kmod.check_available br_netfilter",
        ),
        body: check_available,
    },
    Exec {
        name: "kmod.load",
        doc: FunctionDoc::new("Loads a module.", MOD, "lab-master run '*' kmod.load br_netfilter"),
        body: load,
    },
    Exec {
        name: "kmod.remove",
        doc: FunctionDoc::new("Unloads a module.", MOD, "lab-master run '*' kmod.remove floppy"),
        body: remove,
    },
];

/// States and execution functions share their reads; only the kinds of their errors differ.
pub(super) fn call_error(e: StateError) -> CallError {
    match e {
        StateError::Args(e) => e.into(),
        StateError::Host(e) => e.into(),
        StateError::Service(e) => e.into(),
        StateError::Call(e) => e,
        StateError::About { text, .. } | StateError::Failed(text) => CallError::Failed(text),
    }
}

#[derive(Deserialize)]
struct Setting {
    name: String,
    #[serde(default)]
    value: String,
}

fn get(call: &Call<'_>) -> Result<Value, CallError> {
    let Setting { name, .. } = call.typed()?;
    let key = sysctl::Key::parse(&name).map_err(call_error)?;
    let value = sysctl::read(call.ctx.host, &key).map_err(call_error)?;
    value.map(Value::from).ok_or_else(|| call_error(sysctl::missing(&key)))
}

fn assign(call: &Call<'_>) -> Result<Value, CallError> {
    let Setting { name, value } = call.typed()?;
    let key = sysctl::Key::parse(&name).map_err(call_error)?;
    sysctl::set(call.ctx.host, &key, &value).map_err(call_error)?;
    Ok(Value::from([(name, value)]))
}

#[derive(Deserialize)]
struct Show {
    config_file: Option<String>,
}

fn show(call: &Call<'_>) -> Result<Value, CallError> {
    let mut found = Map::new();
    if let Some(file) = call.typed::<Show>()?.config_file {
        let text = read_if_present(call.ctx.host, Path::new(&file)).map_err(call_error)?.unwrap_or_default();
        for (key, value) in sysctl::entries(&text) {
            found.insert(key.to_string().into(), value.into());
        }
        return Ok(Value::Map(found));
    }
    below(call.ctx.host, Path::new("/proc/sys"), "", &mut found)?;
    Ok(Value::Map(found))
}

/// Collects what is readable below a directory of settings; some can only be written.
fn below(host: &dyn Host, dir: &Path, prefix: &str, found: &mut Map) -> Result<(), CallError> {
    for name in host.list(dir)? {
        let path = dir.join(&name);
        let key = format!("{prefix}{}", name.display().to_string().replace('.', "/"));
        match host.lstat(&path)? {
            Some(meta) if meta.is_dir() => below(host, &path, &format!("{key}."), found)?,
            Some(meta) if meta.is_file() => {
                if let Ok(value) = host.read(&path) {
                    found.insert(key.into(), String::from_utf8_lossy(&value).trim_end_matches('\n').into());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn lsmod(call: &Call<'_>) -> Result<Value, CallError> {
    let entry = |(name, size, users): (String, u64, Vec<String>)| {
        Value::from([
            ("module", Value::from(name)),
            ("size", Value::from(size)),
            ("depcount", Value::from(users.len() as u64)),
            ("deps", Value::from(users)),
        ])
    };
    let loaded = kmod::loaded(call.ctx.host).map_err(call_error)?;
    Ok(Value::List(loaded.into_iter().map(entry).collect()))
}

fn mod_list(call: &Call<'_>) -> Result<Value, CallError> {
    let loaded = kmod::loaded(call.ctx.host).map_err(call_error)?;
    let mut names: Vec<String> = loaded.into_iter().map(|(name, ..)| name).collect();
    names.sort();
    Ok(names.into())
}

#[derive(Deserialize)]
struct Module {
    r#mod: String,
}

fn check_available(call: &Call<'_>) -> Result<Value, CallError> {
    let Module { r#mod } = call.typed()?;
    let available = kmod::available(call.ctx.host).map_err(call_error)?;
    Ok(available.contains(&kmod::plain(&r#mod)).into())
}

fn load(call: &Call<'_>) -> Result<Value, CallError> {
    let Module { r#mod } = call.typed()?;
    call.ctx.host.module_load(&kmod::plain(&r#mod), &[])?;
    Ok(Value::from(vec![kmod::plain(&r#mod)]))
}

fn remove(call: &Call<'_>) -> Result<Value, CallError> {
    let Module { r#mod } = call.typed()?;
    call.ctx.host.module_unload(&kmod::plain(&r#mod))?;
    Ok(Value::from(vec![kmod::plain(&r#mod)]))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn settings_and_modules_are_listed_and_set() {
        let host = SimHost::new()
            .with_sysctl("net.ipv4.ip_forward", "0")
            .with_file("/proc/sys/net/ipv4/conf/eth0.100/forwarding", "1\n")
            .with_file("/etc/sysctl.conf", "# x\na.b = 1\n")
            .with_module("kvm-intel");
        let bench = Bench::new(host);
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new())
        };
        assert_eq!(exec("sysctl.get", &["net.ipv4.ip_forward"]), Ok("0".into()));
        exec("sysctl.assign", &["net.ipv4.ip_forward", "1"]).unwrap();
        let all = exec("sysctl.show", &[]).unwrap();
        assert_eq!(all.get("net.ipv4.ip_forward"), Some(&"1".into()));
        assert_eq!(all.get("net.ipv4.conf.eth0/100.forwarding"), Some(&"1".into()));
        assert_eq!(exec("sysctl.show", &["/etc/sysctl.conf"]), Ok(Value::from([("a.b", "1")])));
        assert!(exec("sysctl.get", &["net.bridge.x"]).unwrap_err().to_string().contains("br_netfilter"));
        assert_eq!(exec("kmod.mod_list", &[]), Ok(Value::from(vec!["kvm_intel"])));
        exec("kmod.load", &["br_netfilter"]).unwrap();
        exec("kmod.remove", &["kvm-intel"]).unwrap();
        assert_eq!(exec("kmod.mod_list", &[]), Ok(Value::from(vec!["br_netfilter"])));
        assert_eq!(exec("kmod.check_available", &["x"]), Ok(false.into()));
    }
}
