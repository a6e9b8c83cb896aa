//! Applies `extend` and `exclude` to the high state.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use lab_proto::{Text, Value, glob};

use super::error::{CompileError, ErrorKind};
use super::high::{Arg, Body, Declaration, Exclude, HighState, What};
use crate::low::Requisite;
use crate::nearest::nearest;

/// How an ID that an extension names is looked for when it is not declared with that module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// An `extend` of the user: an ID without that module gets it.
    Loose,
    /// A requisite_in: the module must be there.
    Strict,
}

/// Applies extensions in order.
pub(super) fn apply(
    high: &mut HighState,
    extends: Vec<(Text, Declaration)>,
    search: Search,
    errors: &mut Vec<CompileError>,
) {
    let mut finder = None;
    for (name, extension) in extends {
        let Some((module, _)) = extension.modules.first() else {
            let message = format!("the extension of {name} names no state module");
            let error = CompileError::new(ErrorKind::Other, &extension.at, message);
            errors.push(error.remedy("write the module below it, and the arguments below that"));
            continue;
        };
        let direct = high.ids.get_full(&name).filter(|(_, _, declaration)| {
            search == Search::Loose || declaration.modules.contains_key(module)
        });
        let at = match direct {
            Some((at, _, _)) => at,
            None => {
                let finder = finder.get_or_insert_with(|| Finder::new(high));
                match finder.find(module, &name) {
                    [at] => *at,
                    _ => {
                        errors.push(unknown(high, &name, module, &extension, search));
                        continue;
                    }
                }
            }
        };
        if excluded(high, &extension) {
            continue;
        }
        let Some((_, target)) = high.ids.get_index_mut(at) else { continue };
        for (module, body) in extension.modules {
            let Body::List(args) = body else { continue };
            match target.modules.get_mut(&module).and_then(Body::args_mut) {
                Some(present) => args.into_iter().for_each(|arg| merge(present, arg)),
                None => {
                    target.modules.insert(module, Body::List(args));
                }
            }
        }
    }
}

/// Finds the IDs by the values of their arguments: `extend` and requisite_in may name a state by its name.
pub(super) struct Finder {
    /// The places of the IDs, by module and value.
    by_value: HashMap<(Text, Text), Vec<usize>, RandomState>,
}

impl Finder {
    pub(super) fn new(high: &HighState) -> Self {
        let mut by_value: HashMap<(Text, Text), Vec<usize>, RandomState> = HashMap::default();
        for (at, declaration) in high.ids.values().enumerate() {
            for (module, body) in declaration.modules.iter() {
                for arg in body.args() {
                    if let Some((_, Value::Str(value))) = arg.single() {
                        by_value.entry((module.clone(), value.clone())).or_default().push(at);
                    }
                }
            }
        }
        Self { by_value }
    }

    /// Lists the places of the IDs that have an argument of this value.
    pub(super) fn find(&self, module: &str, value: &str) -> &[usize] {
        self.by_value.get(&(module.into(), value.into())).map_or(&[], Vec::as_slice)
    }
}

fn unknown(
    high: &HighState,
    name: &str,
    module: &str,
    extension: &Declaration,
    search: Search,
) -> CompileError {
    let message = match high.ids.get(name) {
        Some(other) => format!(
            "the ID {name}, declared at {}, has no state of the module {module} that could be extended",
            other.at
        ),
        None if search == Search::Strict => {
            format!("a requisite of this list names {module}: {name}, and there is no such state")
        }
        None => format!("there is no ID {name} with the state module {module} to extend"),
    };
    let remedy = match nearest(name, high.ids.keys().map(Text::as_str).filter(|id| *id != name)) {
        Some(near) => format!("did you mean {near}? Otherwise include the SLS that declares it"),
        None => "include the SLS that declares it".to_owned(),
    };
    CompileError::new(ErrorKind::ExtendUnknownId, &extension.at, message).remedy(remedy)
}

fn excluded(high: &HighState, extension: &Declaration) -> bool {
    high.excludes.iter().any(|e| matches!(e, Exclude::Sls(sls) if **sls == *extension.sls))
}

/// Puts one entry of an extension into a state's list: a function replaces the function, requisites are appended
/// to requisites of that kind, any other argument replaces its namesake.
fn merge(present: &mut Vec<Arg>, mut arg: Arg) {
    if let What::Pairs(new) = &mut arg.what
        && let [(key, Value::List(more)), ..] = &mut new[..]
        && is_requisite(key)
    {
        // A requisite, which is most of what is merged: into the one list of its kind.
        let mut lists = present.iter_mut().filter_map(|old| match &mut old.what {
            What::Pairs(pairs) => pairs.first_mut().filter(|(k, _)| *k == *key).map(|(_, value)| value),
            What::Function(_) => None,
        });
        if let (Some(Value::List(list)), None) = (lists.next(), lists.next()) {
            list.append(more);
            return;
        }
    }
    let mut done = false;
    for old in present.iter_mut() {
        match (&arg.what, &mut old.what) {
            (What::Function(_), What::Function(_)) => {
                *old = arg.clone();
                done = true;
            }
            (What::Pairs(new), What::Pairs(pairs)) => {
                let (Some((key, value)), Some((old_key, old_value))) = (new.first(), pairs.first_mut())
                else {
                    continue;
                };
                if key == old_key {
                    match (is_requisite(key), &mut *old_value, value) {
                        (true, Value::List(list), Value::List(more)) => list.extend(more.iter().cloned()),
                        _ => *old = arg.clone(),
                    }
                    done = true;
                } else if key.as_str() == Some("name") && old_key.as_str() == Some("names") {
                    // One name takes the place of many; it is appended as well, as any new argument.
                    *old = arg.clone();
                }
            }
            _ => {}
        }
    }
    if !done {
        present.push(arg);
    }
}

fn is_requisite(key: &Value) -> bool {
    key.as_str().is_some_and(|k| k == "listen" || k == "onfail_stop" || Requisite::parse(k).is_some())
}

/// Leaves out what is excluded.
pub(super) fn exclude(high: &mut HighState) {
    let excludes = std::mem::take(&mut high.excludes);
    if excludes.is_empty() {
        return;
    }
    high.ids.retain(|id, declaration| {
        !excludes.iter().any(|exclude| match exclude {
            Exclude::Sls(pattern) => glob::matches(pattern, &declaration.sls),
            Exclude::Id(excluded) => excluded == id,
        })
    });
}
