//! Where the content of a file comes from: the state tree, this machine, or the SLS itself.

use lab_proto::{Map, Value};

use super::super::support::{absolute, text_of};
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
        match &self.mode {
            SourceMode::Known(mode) => Some(*mode),
            SourceMode::InTree { path, saltenv } => tree_mode(path, saltenv, ctx),
        }
    }
}

/// Returns the first source that exists; `argument` is one, or a list of them.
pub(super) fn first_source(
    argument: &Value,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Found, StateError> {
    let candidates: Vec<String> = match argument {
        Value::List(items) => items.iter().map(candidate).collect(),
        single => vec![candidate(single)],
    };
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

/// Finds the file of the tree that a source was probably to name.
fn nearest_in_tree(candidates: &[String], call: &StateCall, ctx: &JobCtx<'_>) -> Option<String> {
    let wanted = candidates.first()?.strip_prefix("salt://")?;
    let files = ctx.services.list("", &call.saltenv).ok()?;
    nearest(wanted, files.iter().map(|f| f.path.as_str())).map(str::to_owned)
}

/// An entry of a list of sources may be a mapping of the source to its hash.
fn candidate(item: &Value) -> String {
    match item.as_map().and_then(|m| m.keys().next()) {
        Some(source) => text_of(source),
        None => text_of(item),
    }
}

fn one_source(source: &str, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<Found>, StateError> {
    if let Some(rest) = source.strip_prefix("salt://") {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let saltenv = query.strip_prefix("saltenv=").unwrap_or(&call.saltenv);
        return match ctx.services.file(path, saltenv) {
            Ok(content) => {
                let mode = SourceMode::InTree { path: path.to_owned(), saltenv: saltenv.to_owned() };
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
