//! The grains file, and what is in force.

use std::path::PathBuf;
use std::sync::Arc;

use lab_proto::{Map, Value};

use super::super::support::{Owner, make_parents};
use crate::function::{JobCtx, StateError};
use crate::functions::file::read_if_present;
use crate::functions::lookup::traverse;
use crate::host::WriteOptions;
use crate::render::yaml;
use crate::run::Refresh;

/// Where an agent has its configuration when it says nothing else.
const CONFIG_DIR: &str = "/etc/lab";

/// The grains of the file, over those of the machine.
pub(in crate::functions) struct Store {
    path: PathBuf,
    own: Map,
    machine: Arc<Value>,
}

impl Store {
    pub(in crate::functions) fn open(ctx: &JobCtx<'_>) -> Result<Self, StateError> {
        let opts = ctx.services.opts();
        let dir = opts.get("config_dir").and_then(Value::as_str).unwrap_or(CONFIG_DIR);
        let path = PathBuf::from(dir).join("grains");
        let text = read_if_present(ctx.host, &path)?.unwrap_or_default();
        let malformed =
            |what: String| StateError::failed(format!("the grains file {} {what}", path.display()));
        let own = match yaml::parse(&text).map_err(|e| malformed(format!("is malformed: {e}")))?.to_value() {
            Value::Map(own) => own,
            Value::Null => Map::new(),
            other => return Err(malformed(format!("must hold a mapping, not a {}", other.kind()))),
        };
        Ok(Self { path, own, machine: ctx.services.grains() })
    }

    /// Returns the grain that is in force.
    pub(in crate::functions) fn get(&self, key: &[String]) -> Option<Value> {
        let path = key.join(":");
        let own = Value::Map(self.own.clone());
        // A mapping in the file replaces the machine's whole.
        match self.own.contains_key(key[0].as_str()) {
            true => traverse(&own, &path, ":").cloned(),
            false => traverse(&self.machine, &path, ":").cloned(),
        }
    }

    /// Tells whether the file has the grain.
    pub(in crate::functions) fn is_own(&self, key: &[String]) -> bool {
        traverse(&Value::Map(self.own.clone()), &key.join(":"), ":").is_some()
    }

    /// Sets a grain; mappings on the way are made.
    pub(in crate::functions) fn set(&mut self, key: &[String], value: Value) -> Result<(), StateError> {
        if !self.own.contains_key(key[0].as_str())
            && let Some(machine @ Value::Map(_)) = self.machine.get(key[0].as_str())
            && key.len() > 1
        {
            self.own.insert(key[0].as_str().into(), machine.clone());
        }
        set_in(&mut self.own, key, value).map_err(|at| {
            StateError::failed(format!("grain {at} is no mapping, so nothing can be set below it"))
        })
    }

    /// Removes a grain from the file.
    pub(in crate::functions) fn remove(&mut self, key: &[String]) {
        remove_in(&mut self.own, key);
    }

    /// Writes the file, and has the agent read it.
    pub(in crate::functions) fn save(&self, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        make_parents(ctx.host, &self.path, None, Owner::default())?;
        let mut text = yaml::dump_block(&Value::Map(self.own.clone()));
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let options = WriteOptions { umask: Some(0o022), ..WriteOptions::default() };
        ctx.host.write(&self.path, text.as_bytes(), options)?;
        ctx.services.refresh(Refresh { grains: true, ..Refresh::default() })?;
        Ok(())
    }
}

fn set_in(map: &mut Map, key: &[String], value: Value) -> Result<(), String> {
    let [first, rest @ ..] = key else { return Ok(()) };
    if rest.is_empty() {
        map.insert(first.as_str().into(), value);
        return Ok(());
    }
    let slot = map.entry(first.as_str().into()).or_insert_with(Value::map);
    if matches!(slot, Value::Null) {
        *slot = Value::map();
    }
    match slot {
        Value::Map(inner) => set_in(inner, rest, value),
        _ => Err(first.clone()),
    }
}

fn remove_in(map: &mut Map, key: &[String]) {
    match key {
        [last] => {
            map.shift_remove(last.as_str());
        }
        [first, rest @ ..] => {
            if let Some(Value::Map(inner)) = map.get_mut(first.as_str()) {
                remove_in(inner, rest);
            }
        }
        [] => {}
    }
}

/// Reads a grain's name: parts with the delimiter between them.
pub(super) fn key_of(name: &str, delimiter: &str) -> Result<Vec<String>, StateError> {
    let parts: Vec<String> = name.split(delimiter).map(str::to_owned).collect();
    if delimiter.is_empty() || parts.iter().any(String::is_empty) {
        return Err(StateError::failed(format!("{name:?} is no name of a grain")));
    }
    Ok(parts)
}

pub(super) fn colon() -> String {
    ":".to_owned()
}
