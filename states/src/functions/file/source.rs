//! Where the content of a file comes from: the state tree, this machine, or the SLS itself.

use std::path::PathBuf;

use lab_proto::{Map, Value};

use super::super::support::{absolute, in_tree, text_of};
use crate::function::{JobCtx, StateCall, StateError, Template};
use crate::nearest::nearest;

/// A content that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How it is named in messages: `salt://motd`.
    pub(super) name: String,
    pub(super) content: Vec<u8>,
    mode: SourceMode,
}

/// Where the permission bits of a source are known. Few ask for them, and the tree is listed to find them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SourceMode {
    Known(u32),
    InTree { path: String, saltenv: String },
}

impl Found {
    /// Returns the permission bits of the source.
    pub(super) fn mode(&self, ctx: &JobCtx<'_>) -> Option<u32> {
        self.mode.bits(ctx)
    }
}

impl SourceMode {
    fn bits(&self, ctx: &JobCtx<'_>) -> Option<u32> {
        match self {
            Self::Known(mode) => Some(*mode),
            Self::InTree { path, saltenv } => tree_mode(path, saltenv, ctx),
        }
    }
}

/// Returns the first source that exists; `argument` is one, or a list of them.
pub(super) fn first_source(
    argument: &Value,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Found, StateError> {
    let candidates = candidates(argument);
    for source in &candidates {
        if let Some(found) = one_source(source, call, ctx)? {
            return Ok(found);
        }
    }
    let what = candidates.join(", ");
    let mut text = match candidates.len() {
        1 => format!("source file {what} not found in the state tree (environment {})", call.saltenv),
        _ => format!("none of the sources exists: {what}"),
    };
    if let Some(near) = nearest_in_tree(&candidates, call, ctx) {
        text.push_str(&format!("\n  did you mean salt://{near}?"));
    }
    Err(StateError::About { argument: "source", text })
}

/// A source that is too large to be held in memory: where it lies on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Large {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) size: u64,
    mode: SourceMode,
}

impl Large {
    /// Returns the permission bits of the source.
    pub(super) fn mode(&self, ctx: &JobCtx<'_>) -> Option<u32> {
        self.mode.bits(ctx)
    }
}

/// What is larger is copied and compared piece by piece.
pub(super) const LARGE: u64 = 4 << 20;

/// Finds the first source that exists, if it is a large one; the others are for [`first_source`].
pub(super) fn large_source(
    argument: &Value,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Option<Large>, StateError> {
    for name in candidates(argument) {
        if let Some((path, saltenv)) = in_tree(&name, &call.saltenv) {
            let size = match ctx.services.size(&path, &saltenv) {
                Ok(Some(size)) if size > LARGE => size,
                Ok(_) => return Ok(None),
                Err(e) if e.missing => continue,
                Err(e) => return Err(e.into()),
            };
            let place = PathBuf::from(ctx.services.cache_file(&path, &saltenv)?);
            return Ok(Some(Large { name, path: place, size, mode: SourceMode::InTree { path, saltenv } }));
        }
        if name.contains("://") && !name.starts_with("file://") {
            return Ok(None);
        }
        let path = absolute(name.strip_prefix("file://").unwrap_or(&name), ctx.host)?;
        match ctx.host.stat(&path)? {
            Some(meta) if meta.is_file() => {
                let large = Large { name, path, size: meta.size, mode: SourceMode::Known(meta.mode) };
                return Ok(Some(large).filter(|l| l.size > LARGE));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Finds the file of the tree that a source was probably to name.
fn nearest_in_tree(candidates: &[String], call: &StateCall, ctx: &JobCtx<'_>) -> Option<String> {
    let wanted = candidates.first()?.strip_prefix("salt://")?;
    let files = ctx.services.list("", &call.saltenv).ok()?;
    nearest(wanted, files.iter().map(|f| f.path.as_str())).map(str::to_owned)
}

fn candidates(argument: &Value) -> Vec<String> {
    match argument {
        Value::List(items) => items.iter().map(candidate).collect(),
        single => vec![candidate(single)],
    }
}

/// An entry of a list of sources may be a mapping of the source to its hash.
fn candidate(item: &Value) -> String {
    match item.as_map().and_then(|m| m.keys().next()) {
        Some(source) => text_of(source),
        None => text_of(item),
    }
}

fn one_source(source: &str, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<Found>, StateError> {
    if let Some((path, saltenv)) = in_tree(source, &call.saltenv) {
        return match ctx.services.file(&path, &saltenv) {
            Ok(content) => {
                let mode = SourceMode::InTree { path, saltenv };
                Ok(Some(Found { name: source.to_owned(), content, mode }))
            }
            Err(e) if e.missing => Ok(None),
            Err(e) => Err(e.into()),
        };
    }
    if let Some((scheme, _)) = source.split_once("://").filter(|(scheme, _)| *scheme != "file") {
        return Err(StateError::failed(format!(
            "source {source}: the scheme {scheme} is not supported (put the file into the state tree and use salt://)"
        )));
    }
    let path = absolute(source.strip_prefix("file://").unwrap_or(source), ctx.host)?;
    match ctx.host.stat(&path)? {
        Some(meta) if meta.is_file() => {
            let content = ctx.host.read(&path)?;
            Ok(Some(Found { name: source.to_owned(), content, mode: SourceMode::Known(meta.mode) }))
        }
        _ => Ok(None),
    }
}

fn tree_mode(path: &str, saltenv: &str, ctx: &JobCtx<'_>) -> Option<u32> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let entries = ctx.services.list(folder, saltenv).ok()?;
    entries.into_iter().find(|e| e.path == path).map(|e| e.mode)
}

/// Renders a text with the template engine that a state names.
pub(super) fn render(
    engine: &str,
    text: &str,
    name: &str,
    defaults: Option<&Map>,
    context: Option<&Map>,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<String, StateError> {
    if engine != "jinja" {
        return Err(StateError::failed(format!("argument template: {engine:?} is not supported; jinja is")));
    }
    let mut variables = defaults.cloned().unwrap_or_default();
    variables.extend(context.cloned().unwrap_or_default());
    let template = Template { text, name, context: &variables, saltenv: &call.saltenv };
    Ok(ctx.services.render(&template)?)
}

/// Returns the texts that an editing function adds: its own `text`, or rendered sources instead.
pub(super) fn texts(
    text: Option<&Value>,
    sources: &[Value],
    template: Option<&str>,
    variables: (Option<&Map>, Option<&Map>),
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Vec<String>, StateError> {
    if sources.is_empty() {
        return Ok(text.map(super::super::support::text_list).unwrap_or_default());
    }
    let mut found = Vec::new();
    for source in sources {
        let Found { name, content, mode: _ } = first_source(source, call, ctx)?;
        let text = String::from_utf8(content)
            .map_err(|_| StateError::failed(format!("{name} is no text in UTF-8")))?;
        found.push(match template {
            Some(engine) => render(engine, &text, &name, variables.0, variables.1, call, ctx)?,
            None => text,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_large_source_after_one_that_is_not_there_is_found_without_being_read() {
        let large = "x".repeat(usize::try_from(LARGE).unwrap() + 1);
        let bench = Bench::new(SimHost::new()).with_state_file("large", &large).with_state_file("small", "x");
        let call = bench.call("/srv/x:\n  file.managed: []\n", false);
        let found = |names: &[&str]| {
            let names = Value::from(names.to_vec());
            bench.with_ctx(|ctx| large_source(&names, &call, ctx).unwrap().map(|l| (l.name, l.size)))
        };
        let whole = Some(("salt://large".to_owned(), LARGE + 1));
        assert_eq!(found(&["salt://none", "salt://large"]), whole);
        assert_eq!(found(&["salt://large", "salt://small"]), whole);
        assert_eq!(found(&["salt://small", "salt://large"]), None);
        assert_eq!(found(&["salt://none"]), None);
    }
}
