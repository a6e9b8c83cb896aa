//! Renders the wanted SLS files and all that they include, and merges what they declare.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::map::Entry;
use lab_proto::{Value, glob};

use super::error::{CompileError, ErrorKind};
use super::high::{Arg, HighState, Reader, article};
use crate::low::At;
use crate::nearest::nearest;
use crate::render::yaml::Data;
use crate::render::{RenderError, RenderErrorKind, RenderedSls};

/// Where SLS files come from: a tree per environment.
pub trait SlsTree {
    /// Tells whether there is an environment of that name.
    fn has(&self, env: &str) -> bool {
        self.names(env).is_some()
    }

    /// Returns the names of all SLS of an environment, sorted; `None` when there is no such environment.
    fn names(&self, env: &str) -> Option<&[String]>;

    /// Renders one SLS.
    ///
    /// # Errors
    /// With kind `MissingSls` when there is none of that name, else what went wrong in it.
    fn render(&self, env: &str, sls: &str) -> Result<Rc<RenderedSls>, Box<RenderError>>;

    /// Returns a line of a source, for the message about what stands there.
    fn line(&self, _at: &At) -> Option<String> {
        None
    }
}

/// Unnumbered states are numbered from here, in the order in which they are met.
const FIRST_ORDER: i64 = 10_000;

/// Renders everything that is asked for. The mistakes found on the way are added to `errors`.
pub(super) fn collect(
    tree: &dyn SlsTree,
    wanted: &[(String, Vec<String>)],
    errors: &mut Vec<CompileError>,
) -> HighState {
    let mut collector = Collector { tree, rendered: HashSet::new(), order: FIRST_ORDER, errors };
    let mut high = HighState::default();
    for (env, patterns) in wanted {
        let env: Arc<str> = Arc::from(env.as_str());
        if !tree.has(&env) {
            let error = CompileError::new(
                ErrorKind::MissingSls,
                &At::default(),
                format!("there is no environment {env}"),
            );
            collector.errors.push(error.remedy("name a configured one"));
            continue;
        }
        for pattern in patterns {
            for sls in matching(tree, &env, pattern) {
                if !collector.rendered.contains(&(env.clone(), Arc::from(sls.as_str()))) {
                    let part = collector.sls(&env, &Arc::from(sls.as_str()), None);
                    collector.merge(&mut high, part);
                }
            }
        }
    }
    high
}

/// Lists the SLS that a name or pattern means; a name that nothing matches stands for itself.
fn matching(tree: &dyn SlsTree, env: &str, pattern: &str) -> Vec<String> {
    if !glob::has_wildcard(pattern) {
        return vec![pattern.to_owned()];
    }
    let names = tree.names(env).unwrap_or_default();
    let found: Vec<String> = names.iter().filter(|n| glob::matches(pattern, n)).cloned().collect();
    if found.is_empty() { vec![pattern.to_owned()] } else { found }
}

struct Collector<'a> {
    tree: &'a dyn SlsTree,
    rendered: HashSet<(Arc<str>, Arc<str>)>,
    order: i64,
    errors: &'a mut Vec<CompileError>,
}

impl Collector<'_> {
    /// Reads one SLS with its includes; `from` is the include that asks for it.
    fn sls(&mut self, env: &Arc<str>, sls: &Arc<str>, from: Option<&At>) -> HighState {
        let rendered = self.tree.render(env, sls);
        self.rendered.insert((env.clone(), sls.clone()));
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(error) => {
                let error = self.refused(env, sls, from, &error);
                self.errors.push(error);
                return HighState::default();
            }
        };
        let entries = match &rendered.doc.data {
            Data::Map(entries) => entries,
            Data::Scalar(value) if !value.truthy() => return HighState::default(),
            Data::List(items) if items.is_empty() => return HighState::default(),
            _ => {
                let at = At::new(rendered.path.as_str(), rendered.doc.span.line, rendered.doc.span.column);
                let message =
                    format!("the SLS {sls} is {}, not a mapping of IDs", article(rendered.doc.kind()));
                let remedy = "begin with an ID and a colon, and indent the state below it";
                self.errors.push(CompileError::new(ErrorKind::SlsNotAMapping, &at, message).remedy(remedy));
                return HighState::default();
            }
        };
        let mut reader = Reader::new(&rendered, sls, env, self.errors);
        let mut high = reader.read(entries);
        let includes = Self::includes(&mut reader, &rendered, sls, env);
        for include in includes {
            self.include(&mut high, env, sls, include);
        }
        self.number(&mut high);
        high
    }

    fn refused(&self, env: &str, sls: &str, from: Option<&At>, error: &RenderError) -> CompileError {
        let kind = ErrorKind::from_word(error.kind.word());
        let here = At::new(error.place.file.as_str(), error.place.line, error.place.column);
        if error.kind != RenderErrorKind::MissingSls {
            let mut out = CompileError::new(kind, &here, error.message.clone());
            out.rendered = Some(error.to_string());
            out.cause = Some(Box::new(error.clone()));
            return out;
        }
        let near = self.tree.names(env).and_then(|names| nearest(sls, names.iter().map(String::as_str)));
        let plain = sls
            .strip_suffix(".sls")
            .filter(|s| self.tree.names(env).is_some_and(|names| names.iter().any(|n| n == s)));
        let remedy = match plain.or(near) {
            Some(near) if plain.is_some() => format!("write it without the file's ending: {near}"),
            Some(near) => format!("did you mean {near}?"),
            None => {
                let path = sls.replace('.', "/");
                format!("it would be {path}.sls or {path}/init.sls below a root of environment {env}")
            }
        };
        let (kind, at) = match from {
            Some(at) => (ErrorKind::MissingInclude, at.clone()),
            None => (ErrorKind::MissingSls, At::default()),
        };
        let mut out = CompileError::new(kind, &at, format!("there is no SLS {sls}")).remedy(remedy);
        if from.is_none() {
            out.rendered = Some(format!("{}\n  {}", out.message, out.remedy.clone().unwrap_or_default()));
        }
        out
    }

    /// Reads the include list, and works out relative names.
    fn includes(reader: &mut Reader<'_>, rendered: &RenderedSls, sls: &str, env: &Arc<str>) -> Vec<Include> {
        let Some((_, list)) = rendered.doc.entry("include") else { return Vec::new() };
        let Data::List(items) = &list.data else {
            let message = format!("include is {}", article(list.kind()));
            reader.fail(ErrorKind::IncludeNotAList, list.span, message, "write a list: `- NAME`");
            return Vec::new();
        };
        let mut out = Vec::new();
        for item in items {
            let (env, node) = match item.as_map().and_then(|m| m.last()) {
                Some((key, value)) => (Arc::from(key.to_value().to_string()), value),
                None => (env.clone(), item),
            };
            let Some(name) = node.as_str() else {
                let message = format!("an include is {}", article(node.kind()));
                reader.fail(ErrorKind::Other, item.span, message, "write the name of an SLS");
                continue;
            };
            match absolute(name, sls, rendered.is_init()) {
                Some(name) => out.push(Include { env, name, at: reader.at(item.span) }),
                None => {
                    let message = format!("the include {name} of SLS {sls} goes beyond the top of the tree");
                    reader.fail(ErrorKind::IncludeBeyondTop, item.span, message, "use fewer dots");
                }
            }
        }
        out
    }

    fn include(&mut self, high: &mut HighState, own_env: &Arc<str>, own: &Arc<str>, include: Include) {
        let Include { env, name, at } = include;
        // `_xenv` asks for whichever environment has it; with one environment in play that is this one.
        let env = if &*env == "_xenv" { own_env.clone() } else { env };
        if !self.tree.has(&env) {
            let message = format!("the include of {name} names the environment {env}, which does not exist");
            self.errors.push(CompileError::new(ErrorKind::Other, &at, message).remedy("write just the name"));
            return;
        }
        for target in matching(self.tree, &env, &name) {
            let target: Arc<str> = Arc::from(target.as_str());
            if self.rendered.contains(&(env.clone(), target.clone())) {
                continue;
            }
            let mut part = self.sls(&env, &target, Some(&at));
            for declaration in part.ids.values_mut() {
                declaration.included_from.push(own.clone());
            }
            self.merge(high, part);
        }
    }

    fn merge(&mut self, high: &mut HighState, part: HighState) {
        high.extends.extend(part.extends);
        high.excludes.extend(part.excludes);
        if high.ids.is_empty() {
            high.ids = part.ids;
            return;
        }
        for (id, declaration) in part.ids {
            let place = high.ids.entry(id);
            let id = place.key();
            if let Entry::Occupied(other) = &place {
                let other = other.get();
                let message = format!(
                    "the ID {id} is declared in SLS {} and, at {}, in SLS {}",
                    declaration.sls, other.at, other.sls
                );
                let error = CompileError::new(ErrorKind::ConflictingId, &declaration.at, message);
                self.errors
                    .push(error.remedy("IDs are unique over all SLS of a run: rename one, or use extend"));
                continue;
            }
            place.or_insert(declaration);
        }
    }

    /// Gives an order to each state that has none, so that states run in the order in which they are written.
    fn number(&mut self, high: &mut HighState) {
        for declaration in high.ids.values_mut() {
            for body in declaration.modules.values_mut() {
                let Some(args) = body.args_mut() else { continue };
                if !args.iter().any(|a| a.first().is_some_and(|(key, _)| key == "order")) {
                    args.push(Arg::made("order", Value::from(self.order), &declaration.at));
                    self.order += 1;
                }
            }
        }
    }
}

struct Include {
    env: Arc<str>,
    name: String,
    at: At,
}

/// Works out a relative include; `None` when it has more dots than the SLS has parents.
pub(super) fn absolute(name: &str, sls: &str, is_init: bool) -> Option<String> {
    let rest = name.trim_start_matches('.');
    let dots = name.len() - rest.len();
    if dots == 0 {
        return Some(name.to_owned());
    }
    let mut parts: Vec<&str> = sls.split('.').collect();
    if is_init {
        parts.push("init");
    }
    parts.truncate(parts.len().checked_sub(dots)?);
    // Dots alone mean the init.sls of the directory, which only at the top has a name of its own.
    match (rest, &parts[..]) {
        ("", []) => parts.push("init"),
        ("", _) => {}
        _ => parts.push(rest),
    }
    Some(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn dots_count_from_the_directory_of_the_file() {
        let cases = [
            (".leaf", "app.sub", false, Some("app.leaf")),
            (".sub", "app", true, Some("app.sub")),
            ("..x", "app.sub", false, Some("x")),
            (".x", "a", false, Some("x")),
            ("..x", "a", false, None),
            ("plain.name", "a", false, Some("plain.name")),
            (".", "app.sub", false, Some("app")),
            (".", "app", true, Some("app")),
            ("..", "app.sub.leaf", false, Some("app")),
            (".", "rootf", false, Some("init")),
            ("..", "app.y", false, Some("init")),
            ("..", "app", true, Some("init")),
            ("..", "rootf", false, None),
        ];
        for (name, sls, is_init, want) in cases {
            assert_eq!(absolute(name, sls, is_init).as_deref(), want, "{name} in {sls}");
        }
    }
}
