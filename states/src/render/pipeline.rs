//! From a file to a document: the renderers that its first line names, one after the other.

use lab_proto::Value;
use lab_proto::value::Map;

use super::document::RenderedSls;
use super::doors::RenderEnv;
use super::error::{Place, RenderError, RenderErrorKind, first_column};
use super::jinja::{self, LineMap};
use super::yaml::{self, Node, Span, YamlError};
use crate::sls::{self, SlsFile, SlsName};

/// Renders an SLS of the state tree.
///
/// # Errors
/// When the SLS does not exist or does not render to a mapping (or to nothing).
pub fn sls(env: &RenderEnv<'_>, name: &SlsName) -> Result<RenderedSls, RenderError> {
    found(env, name, Purpose::States)
}

fn found(env: &RenderEnv<'_>, name: &SlsName, purpose: Purpose) -> Result<RenderedSls, RenderError> {
    let found = sls::find(env.sources, name);
    let at = |file: String| Place { file, line: 0, column: 0 };
    match found {
        Ok(Some(file)) => file_of(env, file, purpose),
        Ok(None) => {
            let [path, init] = name.candidates();
            let names = sls::names(env.sources);
            let near = crate::nearest::nearest(name.as_str(), names.iter().map(SlsName::as_str));
            let message =
                format!("no matching sls found for '{name}': neither {path} nor {init} is in the tree");
            let mut error = RenderError::new(RenderErrorKind::MissingSls, at(path), message);
            error.suggestion = near.map(|n| format!("did you mean '{n}'?"));
            Err(error)
        }
        Err(error) => {
            Err(RenderError::new(RenderErrorKind::Source, at(error.path.clone()), error.to_string()))
        }
    }
}

/// Renders a pillar SLS; `env` has the pillar tree as its sources.
///
/// # Errors
/// As [`sls()`]; the kind tells the mistake, the caller reports it as a pillar error.
pub fn pillar_file(env: &RenderEnv<'_>, name: &SlsName) -> Result<RenderedSls, RenderError> {
    found(env, name, Purpose::Pillar)
}

/// What a file is rendered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// States: secrets have no place in them.
    States,
    /// Pillar.
    Pillar,
}

/// Renders the text of a template that is no SLS, as `file.managed` does: it sees `context` and the run's data, but
/// neither `sls` nor `tpldir`. `name` is the path that imports are relative to and that errors show.
///
/// # Errors
/// When the template does not parse or fails.
pub fn template(env: &RenderEnv<'_>, name: &str, text: &str, context: &Map) -> Result<String, RenderError> {
    Ok(jinja::render(env, name, text, &[], context)?.text)
}

/// Reads a YAML document.
///
/// # Errors
/// With the place, when the text is not YAML as Salt reads it.
pub fn yaml_document(name: &str, text: &str) -> Result<Node, RenderError> {
    yaml::parse(text).map_err(|e| yaml_error(&e, name, text, None))
}

fn file_of(env: &RenderEnv<'_>, file: SlsFile, purpose: Purpose) -> Result<RenderedSls, RenderError> {
    let SlsFile { name, path, content } = file;
    let text = String::from_utf8(content).map_err(|_| {
        let place = Place { file: path.clone(), line: 0, column: 0 };
        RenderError::new(RenderErrorKind::Source, place, "the file is not UTF-8 text")
    })?;
    let variables = sls_variables(&name, &path);
    let rendered = render_text(env, name, path, &text, &variables, purpose)?;
    if purpose == Purpose::States && text.contains("!") {
        refuse_secrets(&rendered.doc, &rendered, &text)?;
    }
    Ok(rendered)
}

/// Runs the renderers over the text of an SLS.
fn render_text(
    env: &RenderEnv<'_>,
    name: SlsName,
    path: String,
    text: &str,
    variables: &[(&str, Value)],
    purpose: Purpose,
) -> Result<RenderedSls, RenderError> {
    let (renderers, body) = shebang(text).unwrap_or_else(|| (vec!["jinja", "yaml"], text.to_owned()));
    let mut source = body;
    let mut lines: Option<LineMap> = None;
    let mut doc: Option<Node> = None;
    let document = |source: &str, lines: Option<&LineMap>| {
        yaml::parse(source).map_err(|e| {
            // Where the text was none of a template, only an error needs to know that its lines are the source's.
            let own = || jinja::render(env, &path, source, variables, &Map::new()).ok().map(|r| r.lines);
            let made = if lines.is_none() && renderers.contains(&"jinja") { own() } else { None };
            yaml_error(&e, &path, source, lines.or(made.as_ref()))
        })
    };
    for renderer in &renderers {
        match *renderer {
            "jinja" if doc.is_some() => {
                let place = Place { file: path.clone(), line: 1, column: 1 };
                let message = "the renderer jinja takes a text, and the one before it gives data";
                let error = RenderError::new(RenderErrorKind::Pipeline, place, message);
                return Err(error.suggest("write jinja first: #!jinja|yaml").with_line_of(text));
            }
            // Most files that are large have no tags at all.
            "jinja" if jinja::is_plain(&source, env.limits.output) => {}
            "jinja" => {
                let rendered = jinja::render(env, &path, &source, variables, &Map::new())?;
                source = rendered.text;
                lines = Some(rendered.lines);
            }
            "yaml" => {
                doc = Some(document(&source, lines.as_ref())?);
            }
            "json" => doc = Some(json_document(&path, &source)?),
            // Salt's: every text that is a PGP message is a secret.
            "gpg" if purpose == Purpose::Pillar => doc.iter_mut().for_each(mark_pgp),
            // Without a message in it, there is nothing to be opened.
            "gpg" if !source.contains("-----BEGIN PGP MESSAGE-----") => {}
            other => {
                let place = Place { file: path.clone(), line: 1, column: 1 };
                let message = format!("there is no renderer '{other}'");
                let error = RenderError::new(RenderErrorKind::Pipeline, place, message);
                let remedy = match other {
                    "gpg" => "secrets are opened on the master only: move the message into pillar",
                    _ => "the renderers are jinja, yaml and json, in pillar also gpg",
                };
                return Err(error.suggest(remedy).with_line_of(text));
            }
        }
    }
    // A pipeline that ends in text makes a text, which is no mapping of states.
    let text_only = || Node::scalar(source.as_str(), Span { file: 0, line: 1, column: 1 });
    let mut doc = doc.unwrap_or_else(text_only);
    let files = match &lines {
        Some(map) => {
            let places = Places::new(map, &source);
            doc.map_spans(&mut |span| places.original(span));
            map.files()
        }
        None => vec![path.clone()],
    };
    let files = if files.is_empty() { vec![path.clone()] } else { files };
    Ok(RenderedSls { name, path, doc, files })
}

fn mark_pgp(node: &mut Node) {
    match &mut node.data {
        yaml::Data::Scalar(Value::Str(text))
            if text.trim_start().starts_with("-----BEGIN PGP MESSAGE-----") =>
        {
            let body = Node { data: yaml::Data::Scalar(Value::from(text.as_str())), span: node.span };
            node.data =
                yaml::Data::Map(vec![(Node::scalar(crate::pillar::secret::ENCRYPTED, node.span), body)]);
        }
        yaml::Data::Scalar(_) => {}
        yaml::Data::List(items) => items.iter_mut().for_each(mark_pgp),
        yaml::Data::Map(entries) => entries.iter_mut().for_each(|(_, value)| mark_pgp(value)),
    }
}

/// Refuses secrets in states: they would be in the tree that every minion gets.
fn refuse_secrets(node: &Node, rendered: &RenderedSls, text: &str) -> Result<(), RenderError> {
    match &node.data {
        yaml::Data::Scalar(_) => Ok(()),
        yaml::Data::List(items) => items.iter().try_for_each(|n| refuse_secrets(n, rendered, text)),
        yaml::Data::Map(entries) => entries.iter().try_for_each(|(key, value)| {
            if matches!(key.as_str(), Some(crate::pillar::secret::SECRET | crate::pillar::secret::ENCRYPTED))
            {
                let message = "a secret in a state file, which every minion gets to see";
                let error = RenderError::new(RenderErrorKind::Yaml, rendered.place(value.span), message);
                let mut error = error
                    .suggest("put it into the pillar, and write {{ pillar['KEY'] }} here")
                    .with_line_of(text);
                error.source_line = error.source_line.map(|l| crate::pillar::secret::hide(&l).into());
                return Err(error);
            }
            refuse_secrets(value, rendered, text)
        }),
    }
}

/// Reads the renderers that a first line names; the line itself stays as an empty one, so that line numbers hold.
pub(crate) fn shebang(text: &str) -> Option<(Vec<&str>, String)> {
    let first = text.lines().next().unwrap_or("");
    // A path (`#!/usr/bin/…`) is no pipeline.
    let line = first.strip_prefix("#!").filter(|line| !line.trim_start().starts_with('/'))?;
    let renderers = line.split('|').filter_map(|r| r.split_whitespace().next()).collect::<Vec<_>>();
    (!renderers.is_empty()).then(|| (renderers, text[first.len()..].to_owned()))
}

/// The lines of a rendered text beside those of the sources that they came from.
struct Places<'a> {
    map: &'a LineMap,
    rendered: Vec<&'a str>,
    sources: Vec<Vec<&'a str>>,
}

impl<'a> Places<'a> {
    fn new(map: &'a LineMap, rendered: &'a str) -> Self {
        Self { map, rendered: rendered.lines().collect(), sources: map.source_lines() }
    }

    /// Translates a place in the rendered text to the source. The column holds only where the template left the line
    /// alone up to it.
    fn original(&self, span: Span) -> Span {
        let Some((file, line)) = self.map.origin(span.line) else { return span };
        let ours = self.rendered_line(span.line);
        let source = self.source_line(file, line).unwrap_or("");
        if ours == source {
            return Span { file, line, column: span.column };
        }
        let same = ours.chars().zip(source.chars()).take_while(|(a, b)| a == b).count();
        let column = if (span.column as usize) <= same + 1 { span.column } else { 0 };
        Span { file, line, column }
    }

    fn rendered_line(&self, line: u32) -> &'a str {
        self.rendered.get((line as usize).saturating_sub(1)).copied().unwrap_or("")
    }

    fn source_line(&self, file: u32, line: u32) -> Option<&'a str> {
        self.sources.get(file as usize)?.get((line as usize).checked_sub(1)?).copied()
    }
}

fn yaml_error(error: &YamlError, path: &str, text: &str, map: Option<&LineMap>) -> RenderError {
    let kind = if error.duplicate { RenderErrorKind::DuplicateKey } else { RenderErrorKind::Yaml };
    let span = Span { file: 0, line: error.line, column: error.column };
    let line_text = text.lines().nth((error.line as usize).saturating_sub(1)).unwrap_or("");
    let mut message = error.message.clone();
    let (place, source_line) = match map {
        Some(map) => {
            let places = Places::new(map, text);
            let at = places.original(span);
            let file = map.files().get(at.file as usize).cloned().unwrap_or_else(|| path.to_owned());
            if let (Some((line, column)), true) = (error.first, error.duplicate) {
                let first = places.original(Span { file: 0, line, column });
                message = duplicate_message(&message, first);
            }
            let source = places.source_line(at.file, at.line).unwrap_or(line_text).trim_end().to_owned();
            if source != line_text.trim_end() {
                message.push_str(&format!(" (the line rendered to: {})", line_text.trim()));
            }
            let column = if at.column == 0 { first_column(&source) } else { at.column };
            (Place { file, line: at.line, column }, source)
        }
        None => {
            let place = Place { file: path.to_owned(), line: span.line, column: span.column };
            if let Some((line, column)) = error.first {
                message = duplicate_message(&message, Span { file: 0, line, column });
            }
            (place, line_text.trim_end().to_owned())
        }
    };
    let mut out = RenderError::new(kind, place, message);
    out.source_line = Some(source_line.into());
    out.suggestion = error.suggestion.clone();
    out
}

fn duplicate_message(message: &str, first: Span) -> String {
    let head = message.split(": the key is at").next().unwrap_or(message);
    format!("{head}: the key is on line {} already", first.line)
}

fn json_document(path: &str, text: &str) -> Result<Node, RenderError> {
    // YAML reads JSON and knows places, but JSON is stricter: both must agree.
    let checked: Result<Value, _> = serde_json::from_str(text);
    match checked {
        Ok(value) => Ok(yaml::parse(text)
            .ok()
            .filter(|node| node.to_value() == value)
            .unwrap_or_else(|| Node::from_value(&value, Span { file: 0, line: 1, column: 1 }))),
        Err(error) => {
            let column = u32::try_from(error.column()).unwrap_or(0);
            let place =
                Place { file: path.to_owned(), line: u32::try_from(error.line()).unwrap_or(0), column };
            let remedy =
                "JSON is stricter than YAML: double quotes, no comments, no comma behind the last element";
            let error = RenderError::new(RenderErrorKind::Yaml, place, error.to_string());
            Err(error.suggest(remedy).with_line_of(text))
        }
    }
}

/// The variables that tell an SLS where it stands.
fn sls_variables(name: &SlsName, path: &str) -> Vec<(&'static str, Value)> {
    let directory = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    vec![
        ("sls", Value::from(name.as_str())),
        ("tplpath", Value::from(path)),
        ("tplfile", Value::from(path)),
        ("tpldir", Value::from(if directory.is_empty() { "." } else { directory })),
        ("tpldot", Value::from(directory.replace('/', "."))),
        ("slspath", Value::from(directory)),
        ("slsdotpath", Value::from(directory.replace('/', "."))),
        ("slscolonpath", Value::from(directory.replace('/', ":"))),
        ("sls_path", Value::from(directory.replace('/', "_"))),
    ]
}
