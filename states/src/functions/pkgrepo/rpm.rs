//! `.repo` files of zypper and dnf.

use std::path::Path;

use lab_proto::{Map, Value};

use super::FileEdit;
use crate::function::{JobCtx, StateCall, StateError};
use crate::functions::file::read_if_present;
use crate::functions::ini::Document;
use crate::functions::support::{map, text_of};

/// Words that say how, not what; everything else is an option of the repository.
const NOT_OPTIONS: [&str; 18] = [
    "humanname",
    "enabled",
    "disabled",
    "refresh",
    "gpgautoimport",
    "key_url",
    "key_text",
    "keyid",
    "keyserver",
    "aptkey",
    "signedby",
    "allow_insecure_key",
    "file",
    "clean_file",
    "comps",
    "dist",
    "url",
    "name",
];

/// Compares a repository with its file.
pub(super) fn managed(
    call: &StateCall,
    enabled: bool,
    dir: &str,
    zypper: bool,
    ctx: &JobCtx<'_>,
) -> Result<(Map, Option<FileEdit>), StateError> {
    let id = id(&call.name)?;
    let path = Path::new(dir).join(format!("{id}.repo"));
    let old = read_if_present(ctx.host, &path)?.unwrap_or_default();
    let mut document = Document::parse(&old, "=", false)?;
    let new = !document.has(id);
    let mut changes = Map::new();
    let mut set = |key: &str, value: Value| {
        if let Some(change) = document.set(Some(id), key, &value) {
            changes.insert(key.into(), change);
        }
    };
    set("name", call.arg("humanname").map_or_else(|| id.into(), |n| text_of(n).into()));
    set("enabled", flag(&enabled.into()));
    if let Some(url) = call.arg("url") {
        set("baseurl", text_of(url).into());
    }
    if zypper && let Some(refresh) = call.arg("refresh") {
        set("autorefresh", flag(refresh));
    }
    for (key, value) in &call.args {
        let key = text_of(key);
        if !NOT_OPTIONS.contains(&key.as_str()) && !key.starts_with("__") {
            set(&key, flag(value));
        }
    }
    if changes.is_empty() {
        return Ok((changes, None));
    }
    let changes = if new { map([("repo", id.into())]) } else { changes };
    Ok((changes, Some(FileEdit { path, text: Some(document.print()) })))
}

/// Finds the file that holds a repository, and takes it out.
pub(super) fn absent(name: &str, dir: &str, ctx: &JobCtx<'_>) -> Result<Option<FileEdit>, StateError> {
    let id = id(name)?;
    for path in super::files::in_dir(dir, &["repo"], ctx)? {
        let text = read_if_present(ctx.host, &path)?.unwrap_or_default();
        let mut document = Document::parse(&text, "=", false)?;
        if document.remove_section(id).is_some() {
            let text = document.print();
            let empty = !text.lines().any(|l| l.trim_start().starts_with('['));
            return Ok(Some(FileEdit { path, text: (!empty).then_some(text) }));
        }
    }
    Ok(None)
}

fn id(name: &str) -> Result<&str, StateError> {
    let bad = name.is_empty() || name.contains(['/', '[', ']', '\n']) || name.starts_with('.');
    if bad { Err(StateError::failed(format!("{name:?} cannot be the id of a repository"))) } else { Ok(name) }
}

/// Truth values are 1 and 0 in these files.
fn flag(value: &Value) -> Value {
    match value {
        Value::Bool(b) => i64::from(*b).into(),
        other => text_of(other).into(),
    }
}
