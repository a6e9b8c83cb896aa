//! Where the content of a file comes from: the state tree, this machine, or the SLS itself.

use std::path::PathBuf;

use lab_proto::{Map, Value};

use super::super::support::{SourceSum, SumNames, absolute, in_tree, text_of};
use crate::function::{JobCtx, StateCall, StateError, Template};
use crate::nearest::nearest;

/// A content that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How it is named in messages: `salt://motd`.
    pub(super) name: String,
    pub(super) content: Vec<u8>,
    mode: SourceMode,
    /// Whether it was held to a sum that is written beside it.
    pub(super) held: bool,
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
    for candidate in &candidates {
        if let Some(mut found) = one_source(&candidate.name, call, ctx)? {
            if let Some(sum) = candidate.sum(call, ctx)? {
                sum.verify(&found.name, &found.content)?;
                found.held = true;
            }
            return Ok(found);
        }
    }
    let what = candidates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
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
    /// The sum that is written beside it.
    pub(super) sum: Option<SourceSum>,
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
    for candidate in candidates(argument) {
        let name = candidate.name.clone();
        if let Some((path, saltenv)) = in_tree(&name, &call.saltenv) {
            let size = match ctx.services.size(&path, &saltenv) {
                Ok(Some(size)) if size > LARGE => size,
                Ok(_) => return Ok(None),
                Err(e) if e.missing => continue,
                Err(e) => return Err(e.into()),
            };
            let place = PathBuf::from(ctx.services.cache_file(&path, &saltenv)?);
            let sum = candidate.sum(call, ctx)?;
            return Ok(Some(Large {
                name,
                path: place,
                size,
                mode: SourceMode::InTree { path, saltenv },
                sum,
            }));
        }
        if name.contains("://") && !name.starts_with("file://") {
            return Ok(None);
        }
        let path = absolute(name.strip_prefix("file://").unwrap_or(&name), ctx.host)?;
        match ctx.host.stat(&path)? {
            Some(meta) if meta.is_file() && meta.size > LARGE => {
                let sum = candidate.sum(call, ctx)?;
                let mode = SourceMode::Known(meta.mode);
                return Ok(Some(Large { name, path, size: meta.size, mode, sum }));
            }
            Some(meta) if meta.is_file() => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

/// Finds the file of the tree that a source was probably to name.
fn nearest_in_tree(candidates: &[Candidate], call: &StateCall, ctx: &JobCtx<'_>) -> Option<String> {
    let wanted = candidates.first()?.name.strip_prefix("salt://")?;
    let files = ctx.services.list("", &call.saltenv).ok()?;
    nearest(wanted, files.iter().map(|f| f.path.as_str())).map(str::to_owned)
}

/// A source that may exist.
struct Candidate {
    name: String,
    hash: Option<String>,
}

fn candidates(argument: &Value) -> Vec<Candidate> {
    match argument {
        Value::List(items) => items.iter().map(Candidate::new).collect(),
        single => vec![Candidate::new(single)],
    }
}

impl Candidate {
    /// Reads an entry of a list of sources: the source, or a mapping of it to its sum.
    fn new(item: &Value) -> Self {
        match item.as_map().and_then(|m| m.first()) {
            Some((source, hash)) => {
                Self { name: text_of(source), hash: Some(hash).filter(|h| h.truthy()).map(text_of) }
            }
            None => Self { name: text_of(item), hash: None },
        }
    }

    /// Returns the sum that is written beside the source, which counts wherever the source is.
    fn sum(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<SourceSum>, StateError> {
        let names = SumNames { given: None, file: &call.name, source: &self.name };
        self.hash.as_deref().map(|hash| SourceSum::find(hash, &names, &call.saltenv, ctx)).transpose()
    }
}

fn one_source(source: &str, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<Found>, StateError> {
    if let Some((path, saltenv)) = in_tree(source, &call.saltenv) {
        return match ctx.services.file(&path, &saltenv) {
            Ok(content) => {
                let mode = SourceMode::InTree { path, saltenv };
                Ok(Some(Found { name: source.to_owned(), content, mode, held: false }))
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
            let mode = SourceMode::Known(meta.mode);
            Ok(Some(Found { name: source.to_owned(), content, mode, held: false }))
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
        let Found { name, content, .. } = first_source(source, call, ctx)?;
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

    #[test]
    fn a_source_is_held_to_the_sum_that_is_written_beside_it() {
        use crate::function::VerdictKind;
        let large = "x".repeat(usize::try_from(LARGE).unwrap() + 1);
        let host = SimHost::new().with_dir("/srv").with_file("/here", "x").with_file("/large", large.clone());
        let bench = Bench::new(host).with_state_file("x", "x").with_state_file("sums", "no sum\n");
        let kind = |entry: &str, more: &str| {
            let sls = format!(
                "/srv/f:\n  file.managed:\n    - source:\n      - salt://none: zz\n      - {entry}\n{more}"
            );
            bench.dry(&sls).kind
        };
        let (right, wrong) = (lab_proto::Digest::of(b"x").to_string(), "f".repeat(64));
        let of_large = lab_proto::Digest::of(large.as_bytes()).to_string();
        for (entry, want) in [
            (format!("salt://x: sha256={right}"), VerdictKind::WouldChange),
            (format!("salt://x: sha256={wrong}"), VerdictKind::Failed),
            (format!("/here: {right}"), VerdictKind::WouldChange),
            (format!("file:///here: {wrong}"), VerdictKind::Failed),
            (format!("/large: {of_large}"), VerdictKind::WouldChange),
            (format!("/large: {wrong}"), VerdictKind::Failed),
            ("salt://x: salt://sums".to_owned(), VerdictKind::Failed),
            ("salt://x: null".to_owned(), VerdictKind::WouldChange),
        ] {
            assert_eq!(kind(&entry, ""), want, "{entry}");
        }
        // It stands in for the sum of the whole list.
        let other = format!("    - source_hash: '{wrong}'\n");
        assert_eq!(kind(&format!("/here: {right}"), &other), VerdictKind::WouldChange);
        assert_eq!(kind(&format!("/large: {of_large}"), &other), VerdictKind::WouldChange);
        assert_eq!(kind("/here", &other), VerdictKind::Failed);
    }
}
