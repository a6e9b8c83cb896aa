//! What several functions share: paths, modes, owners, diffs, texts, regular expressions as Python has them.

mod encoding;
mod mode;
mod on_watch;
mod owner;
mod pattern;
mod source_sum;
mod text;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use lab_proto::{Map, Value};

use crate::function::{StateCall, StateError};
use crate::host::Host;

pub(crate) use encoding::encoded;
pub(super) use mode::Mode;
pub(super) use on_watch::OnWatch;
pub(super) use owner::{Owner, perms};
pub(super) use pattern::{Pattern, search};
pub(super) use source_sum::{SourceSum, SumNames};
pub(super) use text::{diff, join_lines, lines, lines_with_ends, text_list, text_of};

/// Makes a mapping with text keys.
pub(super) fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(k, v)| (Value::from(k), v)).collect()
}

/// Splits `salt://path?saltenv=env`; where the environment is not named it is `saltenv`.
pub(super) fn in_tree(source: &str, saltenv: &str) -> Option<(String, String)> {
    let rest = source.strip_prefix("salt://")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let saltenv = query.strip_prefix("saltenv=").unwrap_or(saltenv);
    Some((path.trim_start_matches('/').to_owned(), saltenv.to_owned()))
}

/// Returns the state's name as an absolute path without a slash at its end; `~` is the home of root.
pub(super) fn absolute(name: &str, host: &dyn Host) -> Result<PathBuf, StateError> {
    let expanded = match name.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = host.user_by_id(0)?.map_or_else(|| "/root".to_owned(), |u| u.home);
            Cow::Owned(format!("{home}{rest}"))
        }
        _ => Cow::Borrowed(name),
    };
    let path = Path::new(expanded.as_ref());
    if !path.is_absolute() {
        return Err(StateError::failed(format!("specified file {name} is not an absolute path")));
    }
    let plain = !expanded.contains("//") && !expanded.contains("/.") && !expanded.ends_with('/');
    // Collecting the components drops doubled and trailing slashes, and nothing else; most paths have none.
    Ok(if plain { path.to_owned() } else { path.components().collect() })
}

/// Returns the path that the state is about.
pub(super) fn path_of(call: &StateCall, host: &dyn Host) -> Result<PathBuf, StateError> {
    absolute(&call.name, host)
}

/// Makes the directories above a path that are missing, outermost first, and returns them.
pub(super) fn make_parents(
    host: &dyn Host,
    path: &Path,
    mode: Option<u32>,
    owner: Owner,
) -> Result<Vec<PathBuf>, StateError> {
    let missing = missing_parents(host, path)?;
    for dir in &missing {
        host.mkdir(dir, mode)?;
        if owner.is_given() {
            host.chown(dir, owner.uid, owner.gid)?;
        }
    }
    Ok(missing)
}

/// Lists the directories above a path that are missing, outermost first.
pub(super) fn missing_parents(host: &dyn Host, path: &Path) -> Result<Vec<PathBuf>, StateError> {
    let mut missing = Vec::new();
    for dir in path.ancestors().skip(1) {
        if host.stat(dir)?.is_some() {
            break;
        }
        missing.push(dir.to_owned());
    }
    missing.reverse();
    Ok(missing)
}
