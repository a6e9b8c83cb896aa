//! `cp.*`: the state tree.

use std::path::Path;

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, Cached, CallError, FunctionDoc, Kind};

const FILE: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Text, "Which file: salt://path."),
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
];
const LIST: &[ArgDoc] = &[
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
    ArgDoc::with_default("prefix", Kind::Text, "''", "Below which folder."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "cp.cache_file",
        doc: FunctionDoc::new(
            "Puts a file of the state tree into the minion's cache, however large it is, and returns its path there; \
             false when the tree has no such file.",
            FILE,
            "lab-master run '*' cp.cache_file salt://images/node.qcow2",
        ),
        body: cache,
    },
    Exec {
        name: "cp.get_file_str",
        doc: FunctionDoc::new(
            "Returns the text of a file of the state tree, or false.",
            FILE,
            "lab-master run '*' cp.get_file_str salt://motd",
        )
        .open(),
        body: get,
    },
    Exec {
        name: "cp.is_cached",
        doc: FunctionDoc::new(
            "Returns where a file of the state tree lies in the minion's cache, or the empty text.",
            FILE,
            "lab-master run '*' cp.is_cached salt://motd",
        ),
        body: is_cached,
    },
    Exec {
        name: "cp.hash_file",
        doc: FunctionDoc::new(
            "Returns the SHA-256 of a file of the state tree or of the machine, or false.",
            PATH,
            "lab-master run '*' cp.hash_file salt://motd",
        ),
        body: hash_file,
    },
    Exec {
        name: "cp.list_states",
        doc: FunctionDoc::new("Lists the SLS of the state tree.", ENV, "lab-master run '*' cp.list_states"),
        body: list_states,
    },
    Exec {
        name: "cp.list_master_dirs",
        doc: FunctionDoc::new(
            "Lists the folders of the state tree.",
            LIST,
            "lab-master run '*' cp.list_master_dirs",
        ),
        body: list_dirs,
    },
    Exec {
        name: "cp.list_master",
        doc: FunctionDoc::new(
            "Lists the files of the state tree.",
            LIST,
            "lab-master run '*' cp.list_master",
        ),
        body: list,
    },
];

const PATH: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Text, "Which file: salt://path, or a path of the machine."),
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
];
const ENV: &[ArgDoc] = &[ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment.")];

fn base() -> String {
    "base".to_owned()
}

#[derive(Deserialize)]
struct Get {
    path: String,
    #[serde(default = "base")]
    saltenv: String,
}

fn get(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { path, saltenv } = call.typed()?;
    // A path of this machine is read where it lies.
    if path.starts_with('/') {
        let place = Path::new(&path);
        if !call.ctx.host.stat(place)?.is_some_and(|m| m.is_file()) {
            return Ok(false.into());
        }
        let bytes = call.ctx.host.read(place)?;
        return Ok(Value::text_or_bytes(bytes));
    }
    match call.ctx.services.file(path.trim_start_matches("salt://"), &saltenv) {
        Ok(bytes) => Ok(Value::text_or_bytes(bytes)),
        Err(e) if e.missing => Ok(false.into()),
        Err(e) => Err(e.into()),
    }
}

fn cache(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { path, saltenv } = call.typed()?;
    match call.ctx.services.cache_file(path.trim_start_matches("salt://"), &saltenv) {
        Ok(place) => Ok(place.into()),
        Err(e) if e.missing => Ok(false.into()),
        Err(e) => Err(e.into()),
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(default = "base")]
    saltenv: String,
    #[serde(default)]
    prefix: String,
}

fn list(call: &Call<'_>) -> Result<Value, CallError> {
    let List { saltenv, prefix } = call.typed()?;
    let entries = call.ctx.services.list(&prefix, &saltenv)?;
    Ok(entries.into_iter().filter(|e| !e.directory).map(|e| e.path).collect::<Vec<_>>().into())
}

fn is_cached(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { path, saltenv } = call.typed()?;
    let path = path.trim_start_matches("salt://");
    match call.ctx.services.cached(path, &saltenv) {
        Ok(Cached::No) => Ok("".into()),
        Ok(_) => Ok(call.ctx.services.cache_file(path, &saltenv)?.into()),
        Err(e) if e.missing => Ok("".into()),
        Err(e) => Err(e.into()),
    }
}

fn hash_file(call: &Call<'_>) -> Result<Value, CallError> {
    let Get { path, saltenv } = call.typed()?;
    let place = match path.strip_prefix("salt://") {
        Some(path) => match call.ctx.services.cache_file(path, &saltenv) {
            Err(e) if e.missing => return Ok(false.into()),
            place => place?,
        },
        None => path,
    };
    let place = Path::new(&place);
    if !call.ctx.host.stat(place)?.is_some_and(|m| m.is_file()) {
        return Ok(false.into());
    }
    let sum = call.ctx.host.digest(place)?.to_string();
    Ok(Value::from([("hash_type", "sha256"), ("hsum", sum.as_str())]))
}

fn list_states(call: &Call<'_>) -> Result<Value, CallError> {
    let List { saltenv, .. } = call.typed()?;
    let entries = call.ctx.services.list("", &saltenv)?;
    let name = |path: &str| {
        let stem = path.strip_suffix(".sls")?;
        let stem = stem.strip_suffix("/init").unwrap_or(stem);
        (!stem.contains('.')).then(|| stem.replace('/', "."))
    };
    let mut names: Vec<String> = entries.iter().filter_map(|e| name(&e.path)).collect();
    names.sort();
    Ok(names.into())
}

fn list_dirs(call: &Call<'_>) -> Result<Value, CallError> {
    let List { saltenv, prefix } = call.typed()?;
    let entries = call.ctx.services.list(&prefix, &saltenv)?;
    let above =
        |path: &str| Path::new(path).ancestors().skip(1).map(|p| p.display().to_string()).collect::<Vec<_>>();
    let mut folders: Vec<String> =
        entries.iter().flat_map(|e| above(&e.path)).filter(|p| !p.is_empty()).collect();
    folders.sort();
    folders.dedup();
    Ok(folders.into())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn the_tree_and_the_cache_are_listed() {
        let bench = Bench::new(SimHost::new())
            .with_state_file("web/init.sls", "")
            .with_state_file("web/sub/x.sls", "")
            .with_state_file("motd", "hi");
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new()).unwrap()
        };
        assert_eq!(exec("cp.list_states", &[]), vec!["web", "web.sub.x"].into());
        assert_eq!(exec("cp.list_master_dirs", &[]), vec!["web", "web/sub"].into());
        assert_eq!(exec("cp.is_cached", &["salt://motd"]), "".into());
        exec("cp.cache_file", &["salt://motd"]);
        assert_eq!(exec("cp.is_cached", &["salt://motd"]), "/var/cache/simulated/motd".into());
        assert_eq!(exec("cp.hash_file", &["salt://none"]), false.into());
    }
}
