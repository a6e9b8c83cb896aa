//! The pillar of one minion: its files by the pillar's top file, rendered, with their includes, merged.
//!
//! The master calls this for each minion; `apply --local` calls it for itself. Any mistake refuses the whole pillar,
//! since states that run with half of their data do harm.

use indexmap::IndexMap;
use lab_proto::Value;
use lab_proto::value::Map;

use crate::render::yaml::{Data, Node};
use crate::render::{self, Place, RenderContext, RenderEnv, RenderError, RenderErrorKind, RenderedSls};
use crate::sls::{self, SlsName};
use crate::target::Minion;
use crate::top;

pub mod schema;
pub mod secret;

use schema::PillarSchema;

/// The deepest chain of includes; a chain that comes back to a file ends there by itself.
const MAX_INCLUDES: usize = 50;

/// A merged pillar, and what each file gave to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pillar {
    /// The data.
    pub data: Value,
    /// The files in the order of merging: a later one wins.
    pub layers: Vec<Layer>,
    /// Where the data is secret.
    pub secrets: Vec<secret::Path>,
}

/// What one file gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The name of the SLS.
    pub sls: SlsName,
    /// Its path below the pillar roots.
    pub path: String,
    /// Its own data, without what it includes; secrets are marks ([`secret`]).
    pub data: Value,
}

impl Pillar {
    /// Returns every layer that has a key (`a:b:c`), with its value there; the last one is what counts, except that
    /// mappings are merged.
    pub fn explain(&self, key: &str) -> Vec<(&Layer, &Value)> {
        let at = |layer: &'_ Layer| -> bool { lookup(&layer.data, key).is_some() };
        let having = self.layers.iter().filter(|layer| at(layer));
        having.filter_map(|layer| Some((layer, lookup(&layer.data, key)?))).collect()
    }
}

fn lookup<'v>(data: &'v Value, key: &str) -> Option<&'v Value> {
    key.split(':').try_fold(data, |value, part| value.get(part))
}

/// Renders and merges the pillar of a minion. `env` has the pillar tree as its sources; its context's pillar is what
/// templates of the pillar see as `pillar` (nothing, or what an operator adds for one run).
///
/// # Errors
/// Every mistake found, at least one, each of kind [`RenderErrorKind::Pillar`].
pub fn render(env: &RenderEnv<'_>, minion: &Minion<'_>) -> Result<Pillar, Vec<RenderError>> {
    render_with(env, minion, &secret::NoKeys)
}

/// Renders and merges the pillar of a minion with keys for its encrypted secrets.
///
/// # Errors
/// As [`render()`]; also every secret that cannot be opened. No error shows a secret.
pub fn render_with(
    env: &RenderEnv<'_>,
    minion: &Minion<'_>,
    keys: &dyn secret::Decrypt,
) -> Result<Pillar, Vec<RenderError>> {
    rendered(env, minion, keys).map_err(|errors| errors.into_iter().map(|e| hidden(e, env)).collect())
}

fn rendered(
    env: &RenderEnv<'_>,
    minion: &Minion<'_>,
    keys: &dyn secret::Decrypt,
) -> Result<Pillar, Vec<RenderError>> {
    let names = top::pillars(env, minion).map_err(|e| vec![as_pillar_error(*e)])?;
    let schema = own_schema(env).map_err(|e| vec![as_pillar_error(e)])?;
    let mut merger =
        Merger { env, rendered: IndexMap::new(), layers: Vec::new(), docs: Vec::new(), errors: Vec::new() };
    let mut data = schema.as_ref().map(PillarSchema::defaults).unwrap_or_default();
    if !data.is_empty() {
        let sls = SlsName::parse("schema").expect("'schema' is a name");
        let defaults = Value::Map(data.clone());
        merger.layers.push(Layer { sls, path: schema::FILE.to_owned(), data: defaults });
    }
    if let Value::Map(map) = &env.context.pillar {
        merge(&mut data, map.clone());
    }
    for name in names {
        if let Some(map) = merger.file(&name, &Map::new(), 0) {
            merge(&mut data, map);
        }
    }
    let mut data = Value::Map(data);
    let secrets = match secret::open(&mut data, keys) {
        Ok(paths) => paths,
        Err(closed) => {
            let told = closed.into_iter().map(|c| merger.closed(c)).collect::<Vec<_>>();
            merger.errors.extend(told);
            Vec::new()
        }
    };
    if let (Some(schema), true) = (&schema, merger.errors.is_empty()) {
        let place = |path: &[String]| merger.place(path);
        let is_secret = |path: &[String]| secret_at(&secrets, path);
        merger.errors = schema.check(&data, &place, &is_secret);
    }
    if merger.errors.is_empty() {
        return Ok(Pillar { data, layers: merger.layers, secrets });
    }
    Err(merger.errors.into_iter().map(|e| with_line(e, env)).collect())
}

/// Merges mappings deeply: lists and scalars of the later one replace, and so does its null.
pub fn merge(into: &mut Map, later: Map) {
    for (key, value) in later {
        match (into.get_mut(&key), value) {
            (Some(Value::Map(mine)), Value::Map(theirs))
                if !secret::is_mark(mine) && !secret::is_mark(&theirs) =>
            {
                merge(mine, theirs);
            }
            (Some(mine), value) => *mine = value,
            (None, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Takes secrets out of what an error shows of its file.
fn hidden(error: RenderError, env: &RenderEnv<'_>) -> RenderError {
    let text = env.sources.read(&error.place.file).ok().flatten().unwrap_or_default();
    hidden_in(error, &String::from_utf8_lossy(&text))
}

/// Takes secrets out of what an error shows of a pillar file with this text.
pub fn hidden_in(mut error: RenderError, text: &str) -> RenderError {
    let lines: Vec<&str> = text.lines().collect();
    let own = (error.place.line as usize).checked_sub(1).and_then(|i| lines.get(i).map(|l| (i, *l)));
    let secret_here = own.is_some_and(|(i, line)| {
        let indent = |l: &str| l.len() - l.trim_start().len();
        let above = lines[..i].iter().rev().find(|l| !l.trim().is_empty() && indent(l) < indent(line));
        let block = |l: &&str| [secret::SECRET, secret::ENCRYPTED].iter().any(|tag| l.contains(tag));
        above.is_some_and(block) || block(&line)
    });
    if secret_here {
        // What was said may quote the line.
        if let Some((what, _)) = error.message.split_once(" (the line rendered to") {
            error.message = what.to_owned();
        }
        error.source_line = own.map(|(_, line)| match secret::hide(line) {
            shown if shown != line || line.contains(secret::SECRET) || line.contains(secret::ENCRYPTED) => {
                shown.into()
            }
            _ => crate::redact::MASK.into(),
        });
    }
    error
}

/// Tells whether a value is a secret, a part of one, or holds one.
fn secret_at(secrets: &[secret::Path], path: &[String]) -> bool {
    secrets.iter().any(|s| s.iter().zip(path).all(|(own, word)| own.to_string() == *word))
}

/// Returns a path as texts.
fn words(path: &[Value]) -> Vec<String> {
    path.iter().map(ToString::to_string).collect()
}

/// Reads the lab's own schema, if the tree has one.
fn own_schema(env: &RenderEnv<'_>) -> Result<Option<PillarSchema>, RenderError> {
    let Ok(Some(bytes)) = env.sources.read(schema::FILE) else { return Ok(None) };
    PillarSchema::parse(schema::FILE, &String::from_utf8_lossy(&bytes)).map(Some)
}

/// Adds the offending line.
fn with_line(error: RenderError, env: &RenderEnv<'_>) -> RenderError {
    match env.sources.read(&error.place.file) {
        Ok(Some(bytes)) => error.with_line_of(&String::from_utf8_lossy(&bytes)),
        _ => error,
    }
}

fn as_pillar_error(mut error: RenderError) -> RenderError {
    error.kind = RenderErrorKind::Pillar;
    error
}

struct Merger<'e> {
    env: &'e RenderEnv<'e>,
    /// What each file gave without its includes: an include of a file that was rendered already takes it from here.
    rendered: IndexMap<SlsName, Map>,
    layers: Vec<Layer>,
    /// The documents of the layers, for the places of their keys.
    docs: Vec<RenderedSls>,
    errors: Vec<RenderError>,
}

/// One entry of an `include` list.
struct Include {
    name: String,
    defaults: Map,
    key: Option<String>,
}

impl Merger<'_> {
    /// Tells that a secret cannot be opened.
    fn closed(&self, closed: secret::Closed) -> RenderError {
        let path = words(&closed.path);
        let place = self.place(&path).unwrap_or_default();
        let message = format!("{}: {}", path.join(":"), closed.reason);
        let remedy = "encrypt it for the master's key, and name the key under [secrets] in its configuration";
        RenderError::new(RenderErrorKind::Pillar, place, message).suggest(remedy)
    }

    /// Finds where the value of a key was written: the last layer that has it counts.
    fn place(&self, path: &[String]) -> Option<Place> {
        self.docs.iter().rev().find_map(|doc| Some(doc.place(schema::span_of(&doc.doc, path)?)))
    }

    /// Renders a file with its includes; `None` after a mistake, which is noted.
    fn file(&mut self, name: &SlsName, defaults: &Map, depth: usize) -> Option<Map> {
        let rendered = match self.render(name, defaults) {
            Ok(rendered) => rendered,
            Err(error) => {
                self.errors.push(as_pillar_error(error));
                return None;
            }
        };
        if rendered.doc.is_null() {
            self.rendered.insert(name.clone(), Map::new());
            return Some(Map::new());
        }
        let Value::Map(mut own) = rendered.doc.to_value() else {
            let message =
                format!("pillar SLS '{name}' does not render to a mapping, but to a {}", rendered.doc.kind());
            self.fail(&rendered, &rendered.doc, message);
            return None;
        };
        own.shift_remove("include");
        self.rendered.insert(name.clone(), own.clone());
        let mut merged = Map::new();
        if let Some(list) = rendered.doc.get("include") {
            for (include, node) in self.includes(&rendered, list) {
                self.include(&rendered, &include, node, depth, &mut merged);
            }
        }
        let layer = Layer { sls: name.clone(), path: rendered.path.clone(), data: Value::Map(own.clone()) };
        self.layers.push(layer);
        self.docs.push(rendered);
        // The includer wins over what it includes.
        merge(&mut merged, own);
        Some(merged)
    }

    fn render(&self, name: &SlsName, defaults: &Map) -> Result<RenderedSls, RenderError> {
        if defaults.is_empty() {
            return render::pillar_file(self.env, name);
        }
        let mut context: RenderContext = self.env.context.clone();
        context.extra.extend(defaults.iter().map(|(k, v)| (k.clone(), v.clone())));
        render::pillar_file(&RenderEnv { context: &context, ..*self.env }, name)
    }

    fn fail(&mut self, rendered: &RenderedSls, node: &Node, message: String) {
        let remedy = if message.contains("include") {
            "write a list of pillar SLS: `- NAME`"
        } else {
            "begin with a key and a colon"
        };
        let error = RenderError::new(RenderErrorKind::Pillar, rendered.place(node.span), message);
        self.errors.push(error.suggest(remedy));
    }

    fn includes<'n>(&mut self, rendered: &RenderedSls, list: &'n Node) -> Vec<(Include, &'n Node)> {
        let Some(items) = list.as_list() else {
            let message = format!("the include of pillar SLS '{}' is not formed as a list", rendered.name);
            self.fail(rendered, list, message);
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in items {
            let include = match &item.data {
                Data::Scalar(Value::Str(name)) => {
                    Some(Include { name: name.to_string(), defaults: Map::new(), key: None })
                }
                Data::Map(entries) => entries.first().and_then(|(name, options)| {
                    let defaults = options.get("defaults").map(Node::to_value);
                    let defaults = if let Some(Value::Map(map)) = defaults { map } else { Map::new() };
                    let key = options.get("key").and_then(Node::as_str).map(str::to_owned);
                    Some(Include { name: name.as_str()?.to_owned(), defaults, key })
                }),
                _ => None,
            };
            match include {
                Some(include) => found.push((include, item)),
                None => {
                    let message = format!("an include has to name a pillar SLS, not to be a {}", item.kind());
                    self.fail(rendered, item, message);
                }
            }
        }
        found
    }

    fn include(
        &mut self,
        rendered: &RenderedSls,
        include: &Include,
        node: &Node,
        depth: usize,
        merged: &mut Map,
    ) {
        if depth >= MAX_INCLUDES {
            self.fail(rendered, node, format!("more than {MAX_INCLUDES} includes inside of one another"));
            return;
        }
        for name in self.resolve(rendered, &include.name) {
            let name = match name {
                Ok(name) => name,
                Err(message) => {
                    self.fail(rendered, node, message);
                    continue;
                }
            };
            let map = match self.rendered.get(&name) {
                Some(known) => Some(known.clone()),
                None => {
                    let errors = self.errors.len();
                    let map = self.file(&name, &include.defaults, depth + 1);
                    // A missing file is the mistake of the line that names it.
                    if let Some(error) = self.errors.get_mut(errors).filter(|e| e.place.line == 0) {
                        error.place = rendered.place(node.span);
                    }
                    map
                }
            };
            if let Some(map) = map {
                merge(merged, nest(map, include.key.as_deref()));
            }
        }
    }

    /// Resolves the name of an include. As in Salt, a relative name also finds a file of that name at the top.
    fn resolve(&self, rendered: &RenderedSls, text: &str) -> Vec<Result<SlsName, String>> {
        let stripped = text.trim_start_matches('.');
        let absolute = if let Some(rest) = text.strip_prefix('.') {
            let parent = rendered.name.as_str();
            let parent = if rendered.is_init() {
                parent
            } else {
                parent.rsplit_once('.').map_or("", |(head, _)| head)
            };
            format!("{parent}.{rest}").trim_start_matches('.').to_owned()
        } else {
            text.to_owned()
        };
        let all = sls::names(self.env.sources);
        let mut found = Vec::new();
        for pattern in [stripped.replace('/', "."), absolute.clone()] {
            for name in &all {
                if lab_proto::glob::matches(&pattern, name.as_str()) && !found.contains(name) {
                    found.push(name.clone());
                }
            }
        }
        if found.is_empty() {
            return vec![SlsName::parse(&absolute).map_err(|e| e.to_string())];
        }
        found.into_iter().map(Ok).collect()
    }
}

/// Puts data below a key path `a:b`.
fn nest(map: Map, key: Option<&str>) -> Map {
    let Some(key) = key else { return map };
    let nested = key.split(':').rev().fold(Value::Map(map), |value, part| Value::from([(part, value)]));
    if let Value::Map(map) = nested { map } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::render::{MemorySources, NoFunctions};

    fn pillar(files: &[(&str, &str)]) -> Result<Pillar, Vec<RenderError>> {
        let tree = MemorySources::new(files.iter().copied());
        let context = RenderContext::default();
        let nodegroups = BTreeMap::new();
        let minion =
            Minion { id: "lab-minion", grains: &Value::Null, pillar: &Value::Null, nodegroups: &nodegroups };
        render(&RenderEnv::new(&tree, &NoFunctions, &context), &minion)
    }

    fn json(files: &[(&str, &str)]) -> String {
        pillar(files).expect("merges").data.to_string()
    }

    #[test]
    fn mappings_merge_lists_are_replaced_and_a_later_null_wins() {
        assert_eq!(
            json(&[
                ("top.sls", "base: {'*': [a, b]}"),
                ("a.sls", "m: {x: 1, y: {z: 1}}\nl: [1, 2]\nn: v"),
                ("b.sls", "m: {y: {w: 2}}\nl: [3]\nn: null"),
            ]),
            r#"{"m":{"x":1,"y":{"z":1,"w":2}},"l":[3],"n":null}"#
        );
    }

    #[test]
    fn the_includer_wins_over_what_it_includes() {
        let files = [
            ("top.sls", "base: {'*': [app.main]}"),
            ("app/main.sls", "include: [.base, {app.keyed: {key: 'x:y', defaults: {d: 7}}}]\nwho: main"),
            ("app/base.sls", "who: base\nonly: base"),
            ("app/keyed.sls", "d: {{ d }}"),
        ];
        assert_eq!(json(&files), r#"{"who":"main","only":"base","x":{"y":{"d":7}}}"#);
        let pillar = pillar(&files).expect("merges");
        let explained: Vec<&str> =
            pillar.explain("who").iter().map(|(layer, _)| layer.path.as_str()).collect();
        assert_eq!(explained, ["app/base.sls", "app/main.sls"]);
    }

    #[test]
    fn include_cycles_end() {
        let files = [
            ("top.sls", "base: {'*': [a]}"),
            ("a.sls", "include: [b]\na: 1"),
            ("b.sls", "include: [a]\nb: 1"),
        ];
        assert_eq!(json(&files), r#"{"a":1,"b":1}"#);
    }

    #[test]
    fn every_mistake_refuses_the_pillar_with_its_place() {
        let top = ("top.sls", "base:\n  '*': [a]\n");
        for (content, line) in
            [("k: {{ nope }}", 1), ("a: 1\ninclude:\n  - ghost\n", 3), ("- x", 1), ("a: 1\ninclude: b", 2)]
        {
            let errors = pillar(&[top, ("a.sls", content)]).expect_err(content);
            assert_eq!(
                (errors[0].kind, errors[0].place.line),
                (RenderErrorKind::Pillar, line),
                "{content}: {}",
                errors[0]
            );
        }
        assert!(pillar(&[top]).is_err(), "a missing file is a mistake");
        assert_eq!(pillar(&[]).expect("no top file is no pillar").data, Value::map());
    }
}
