//! Top files: which SLS a minion gets, of the state tree and of the pillar tree.
//!
//! The minion asks for its highstate, the master for a minion's pillar. Pure over the rendered `top.sls`.

use lab_proto::Value;

use crate::render::yaml::Node;
use crate::render::{self, Place, RenderEnv, RenderError, RenderErrorKind, RenderedSls};
use crate::sls::{self, SlsName};
use crate::target::{self, Matcher, Minion, TargetError};

/// Returns the SLS of the highstate of a minion, in the order of the top file, each once.
///
/// # Errors
/// When there is no top file, it cannot be rendered, has the wrong shape, or has nothing for this minion.
pub fn states(env: &RenderEnv<'_>, minion: &Minion<'_>) -> Result<Vec<SlsName>, Box<RenderError>> {
    let top = match render::sls(env, &top_name()) {
        Ok(top) => top,
        Err(error) if error.kind == RenderErrorKind::MissingSls => {
            let place = Place { file: "top.sls".to_owned(), line: 0, column: 0 };
            let error =
                RenderError::new(RenderErrorKind::NoTopMatch, place, "there is no top.sls in the state tree");
            return Err(Box::new(error.suggest("name the SLS to apply, or write a top.sls")));
        }
        // A top file that fails to render names nothing, so it is reported as such, with the cause.
        Err(mut error) => {
            error.message = format!("the top file cannot be rendered: {}", error.message);
            error.kind = RenderErrorKind::NoTopMatch;
            return Err(Box::new(error));
        }
    };
    let found = matching(&top, env, minion, Tree::States).map_err(|e| Box::new(with_line(*e, env)))?;
    if found.is_empty() {
        let place = Place { file: top.path.clone(), line: 0, column: 0 };
        let message = format!("no section of the top file is for minion '{}'", minion.id);
        return Err(Box::new(RenderError::new(RenderErrorKind::NoTopMatch, place, message)));
    }
    Ok(found)
}

/// Returns the pillar SLS of a minion; no top file means none. `env` has the pillar tree as its sources.
///
/// # Errors
/// When the top file cannot be rendered or has the wrong shape.
pub fn pillars(env: &RenderEnv<'_>, minion: &Minion<'_>) -> Result<Vec<SlsName>, Box<RenderError>> {
    match render::sls(env, &top_name()) {
        Ok(top) => matching(&top, env, minion, Tree::Pillar).map_err(|e| Box::new(with_line(*e, env))),
        Err(error) if error.kind == RenderErrorKind::MissingSls => Ok(Vec::new()),
        Err(error) => Err(Box::new(error)),
    }
}

fn top_name() -> SlsName {
    SlsName::parse("top").expect("'top' is a name")
}

/// The most top files that one may include.
const MAX_INCLUDED: usize = 100;

/// Which tree a top file is of; Salt reads the two a little differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tree {
    States,
    /// Its sections may say `order` and `ignore_missing`.
    Pillar,
}

/// A section of a top file: an expression and what its minions get.
struct Section<'n> {
    /// The file that holds it.
    top: &'n RenderedSls,
    saltenv: &'n str,
    target: &'n Node,
    items: &'n [Node],
    order: i128,
    ignore_missing: bool,
}

fn matching(
    top: &RenderedSls,
    env: &RenderEnv<'_>,
    minion: &Minion<'_>,
    tree: Tree,
) -> Result<Vec<SlsName>, Box<RenderError>> {
    let own = &*env.context.saltenv;
    let included = included(top, env)?;
    let mut all: Vec<Section<'_>> = Vec::new();
    for section in sections(top, tree)?.into_iter().chain(flattened(&included, tree)?) {
        // A target that an included top file names, too, stays in its place and has what is said last.
        let same =
            |s: &&mut Section<'_>| s.saltenv == section.saltenv && s.target.data == section.target.data;
        match all.iter_mut().find(same) {
            Some(earlier) => *earlier = section,
            None => all.push(section),
        }
    }
    // Sections keep their written order unless those of a pillar say `order`.
    if tree == Tree::Pillar {
        all.sort_by_key(|s| s.order);
    }
    let mut found: Vec<SlsName> = Vec::new();
    for section in all {
        let top = section.top;
        if own != "base" && section.saltenv != own || !is_for(top, &section, env, minion)? {
            continue;
        }
        if section.saltenv != own {
            return Err(foreign(&section, tree));
        }
        for item in section.items {
            let Some(text) = named(item, own) else { continue };
            let pattern = SlsName::parse(text).map_err(|e| malformed(top, item, e.to_string()))?;
            let expanded = sls::expand(env.sources, &pattern);
            if !pattern.is_pattern() && !exists(env, &pattern) {
                if section.ignore_missing {
                    continue;
                }
                return Err(missing(top, env, item, &pattern));
            }
            // A pattern that matches nothing stays, and is reported as a missing SLS.
            let names = if expanded.is_empty() { vec![pattern] } else { expanded };
            for name in names {
                if !found.contains(&name) {
                    found.push(name);
                }
            }
        }
    }
    Ok(found)
}

/// Renders the top files that a top file includes, each once.
fn included(top: &RenderedSls, env: &RenderEnv<'_>) -> Result<Vec<RenderedSls>, Box<RenderError>> {
    let mut found: Vec<RenderedSls> = Vec::new();
    let mut next = 0_usize;
    loop {
        let including = match next.checked_sub(1) {
            None => top,
            Some(index) => match found.get(index) {
                Some(including) => including,
                None => return Ok(found),
            },
        };
        let mut names = Vec::new();
        for item in including.doc.get("include").and_then(Node::as_list).unwrap_or_default() {
            let text = item.as_str().unwrap_or_default();
            let pattern = SlsName::parse(text).map_err(|e| malformed(including, item, e.to_string()))?;
            // As in Salt, a top file that is not there is not included.
            names.extend(sls::expand(env.sources, &pattern).into_iter().filter(|name| exists(env, name)));
        }
        next += 1;
        for name in names {
            if name != top.name && !found.iter().any(|f| f.name == name) && found.len() < MAX_INCLUDED {
                found.push(render::sls(env, &name)?);
            }
        }
    }
}

fn flattened<'n>(tops: &'n [RenderedSls], tree: Tree) -> Result<Vec<Section<'n>>, Box<RenderError>> {
    let mut found = Vec::new();
    for top in tops {
        found.extend(sections(top, tree)?);
    }
    Ok(found)
}

/// Returns the SLS that an entry names: a text, or a mapping of the environment to it.
fn named<'n>(item: &'n Node, saltenv: &str) -> Option<&'n str> {
    item.as_str().or_else(|| item.entry(saltenv).and_then(|(_, value)| value.as_str()))
}

/// A section of another environment that means this minion: there are no roots for it.
fn foreign(section: &Section<'_>, tree: Tree) -> Box<RenderError> {
    let name = section.saltenv;
    let kind = match tree {
        Tree::States => RenderErrorKind::MissingInclude,
        Tree::Pillar => RenderErrorKind::Pillar,
    };
    let message = format!("no matching environment for '{name}': this tree is the environment base");
    let remedy = format!("move what is below `{name}:` below `base:`, or take it out");
    Box::new(RenderError::new(kind, section.top.place(section.target.span), message).suggest(remedy))
}

fn exists(env: &RenderEnv<'_>, name: &SlsName) -> bool {
    name.candidates().iter().any(|path| env.sources.exists(path))
}

fn missing(top: &RenderedSls, env: &RenderEnv<'_>, item: &Node, name: &SlsName) -> Box<RenderError> {
    let [path, init] = name.candidates();
    let message = format!("the top file names the SLS {name}: neither {path} nor {init} is in the tree");
    let names = sls::names(env.sources);
    let near = crate::nearest::nearest(name.as_str(), names.iter().map(SlsName::as_str));
    let remedy = near
        .map_or_else(|| "write the file, or take the line out".to_owned(), |n| format!("did you mean {n}?"));
    let error = RenderError::new(RenderErrorKind::MissingSls, top.place(item.span), message).suggest(remedy);
    Box::new(with_line(error, env))
}

/// Adds the offending line of the top file.
fn with_line(error: RenderError, env: &RenderEnv<'_>) -> RenderError {
    match env.sources.read(&error.place.file) {
        Ok(Some(bytes)) => error.with_line_of(&String::from_utf8_lossy(&bytes)),
        _ => error,
    }
}

fn malformed(top: &RenderedSls, node: &Node, message: impl Into<String>) -> Box<RenderError> {
    let message = message.into();
    let remedies = [
        ("mapping of environments", "begin with `base:` and put the targets below it"),
        ("mapping of targets", "write each target as a key: `'web*':` and a list of SLS below it"),
        ("needs a list", "write each SLS on a line of its own: `- NAME`"),
        ("has no value", "give it a value, or take it out"),
        ("named by a text", "write the name of an SLS, quoted if it looks like a number"),
        (
            "no matcher",
            "the matchers are glob, list, pcre, grain, grain_pcre, pillar, compound, ipcidr and nodegroup",
        ),
        ("nodegroup", "define it under [node_groups] in the master's configuration"),
        ("compound expression", "close every parenthesis, and put and, or, not between the parts"),
    ];
    let remedy =
        remedies.iter().find(|(piece, _)| message.contains(piece)).map(|(_, remedy)| (*remedy).to_owned());
    let mut error = RenderError::new(RenderErrorKind::TopMalformed, top.place(node.span), message);
    error.suggestion = remedy;
    Box::new(error)
}

fn sections(top: &RenderedSls, tree: Tree) -> Result<Vec<Section<'_>>, Box<RenderError>> {
    if top.doc.is_null() {
        return Ok(Vec::new());
    }
    let Some(environments) = top.doc.as_map() else {
        let message =
            format!("malformed top file: it has to be a mapping of environments, not a {}", top.doc.kind());
        return Err(malformed(top, &top.doc, message));
    };
    let mut found = Vec::new();
    for (name, body) in environments {
        if name.as_str() == Some("include") {
            continue;
        }
        let Some(targets) = body.as_map() else {
            let shown = name.to_value();
            let message = format!(
                "malformed top file: environment '{shown}' has to be a mapping of targets, not a {}",
                body.kind()
            );
            return Err(malformed(top, body, message));
        };
        for (target, items) in targets {
            found.push(section(top, name.as_str().unwrap_or_default(), target, items, tree)?);
        }
    }
    Ok(found)
}

fn section<'n>(
    top: &'n RenderedSls,
    saltenv: &'n str,
    target: &'n Node,
    items: &'n Node,
    tree: Tree,
) -> Result<Section<'n>, Box<RenderError>> {
    let Some(list) = items.as_list() else {
        let shown = target.to_value();
        let message =
            format!("malformed top file: target '{shown}' needs a list of SLS names, not a {}", items.kind());
        return Err(malformed(top, items, message));
    };
    let (mut order, mut ignore_missing) = (0, false);
    for item in list {
        if let Some((key, value)) = item.as_map().and_then(<[(Node, Node)]>::first) {
            if tree == Tree::States && !value.to_value().truthy() || value.is_null() {
                let message = format!("malformed top file: '{}' has no value", key.to_value());
                return Err(malformed(top, key, message));
            }
            match key.as_str() {
                Some("order") => order = value.as_scalar().and_then(Value::as_int).unwrap_or(order),
                Some("ignore_missing") => ignore_missing = value.to_value().truthy(),
                _ => {}
            }
        } else if item.as_str().is_none_or(str::is_empty) {
            return Err(malformed(top, item, "malformed top file: an SLS has to be named by a text"));
        }
    }
    Ok(Section {
        top,
        saltenv,
        target,
        items: list,
        order,
        ignore_missing: ignore_missing && tree == Tree::Pillar,
    })
}

fn is_for(
    top: &RenderedSls,
    section: &Section<'_>,
    env: &RenderEnv<'_>,
    minion: &Minion<'_>,
) -> Result<bool, Box<RenderError>> {
    let option = section.items.iter().filter_map(|item| item.entry("match")).next_back();
    let expression = match section.target.as_scalar() {
        Some(Value::Str(text)) => text.to_string(),
        _ => section.target.to_value().to_string(),
    };
    let matcher = match option {
        // Salt's default is the compound matcher, of which a plain wildcard is the simplest case.
        None => Matcher::Compound,
        Some((_, value)) => {
            let name = value.as_str().unwrap_or("");
            Matcher::parse(name).map_err(|e| malformed(top, value, e.to_string()))?
        }
    };
    match target::matches(matcher, &expression, minion) {
        // A local run knows no groups, so that nobody is in one; the master knows which there are.
        Err(TargetError::Nodegroup(_)) if is_local(env) => Ok(false),
        found => found.map_err(|e| {
            let mut error = malformed(top, section.target, e.to_string());
            if let TargetError::Pattern { remedy, .. } | TargetError::Cost { remedy, .. } = e {
                error.suggestion = Some(format!("{remedy}; or use a glob"));
            }
            error
        }),
    }
}

fn is_local(env: &RenderEnv<'_>) -> bool {
    env.context.opts.get("file_client").and_then(Value::as_str) == Some("local")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::render::{MemorySources, NoFunctions, RenderContext};

    fn highstate(top: &str) -> Result<Vec<String>, Box<RenderError>> {
        let tree = MemorySources::new([("top.sls", top), ("a.sls", ""), ("b.sls", ""), ("net/x.sls", "")]);
        let context = RenderContext::default();
        let nodegroups = BTreeMap::new();
        let grains = Value::from([("role", Value::from("kvm-host"))]);
        let minion =
            Minion { id: "lab-minion", grains: &grains, pillar: &Value::Null, nodegroups: &nodegroups };
        let names = states(&RenderEnv::new(&tree, &NoFunctions, &context), &minion)?;
        Ok(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn sections_keep_their_order_and_each_sls_comes_once() {
        let top = "base:\n  '*': [b, a]\n  'lab-minion': [a, 'net.*', b]\n  'web*': [c]\n";
        assert_eq!(highstate(top).expect("matches"), ["b", "a", "net.x"]);
    }

    #[test]
    fn a_match_option_chooses_the_matcher() {
        let top = "base:\n  'role:kvm-(host|guest)':\n    - match: grain_pcre\n    - a\n  'minion':\n    - match: pcre\n    - b\n";
        assert_eq!(highstate(top).expect("matches"), ["a"]);
        assert_eq!(highstate("base:\n  'G@role:kvm* and not web*': [a]\n").expect("matches"), ["a"]);
    }

    #[test]
    fn included_top_files_say_the_last_word_about_a_target() {
        let tree = MemorySources::new([
            ("top.sls", "include: ['tops.*', ghost]\nbase:\n  '*': [a]\n"),
            ("tops/x.sls", "base:\n  'lab*': [b]\n  '*': [{base: net.x}]\n"),
            ("a.sls", ""),
            ("b.sls", ""),
            ("net/x.sls", ""),
        ]);
        let (context, nodegroups) = (RenderContext::default(), BTreeMap::new());
        let minion =
            Minion { id: "lab-minion", grains: &Value::Null, pillar: &Value::Null, nodegroups: &nodegroups };
        let names = states(&RenderEnv::new(&tree, &NoFunctions, &context), &minion).expect("matches");
        assert_eq!(names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["net.x", "b"]);
    }

    #[test]
    fn a_section_of_another_environment_is_refused_only_where_it_means_the_minion() {
        assert_eq!(highstate("base: {'*': [a]}\nprod: {'web*': [b]}\n").expect("matches"), ["a"]);
        let error = highstate("base: {'*': [a]}\nprod:\n  'lab*': [b]\n").expect_err("refused");
        assert_eq!((error.kind, error.place.line), (RenderErrorKind::MissingInclude, 3));
    }

    #[test]
    fn refusals_name_the_kind_and_the_place() {
        let kind = |top: &str| highstate(top).expect_err("refused").kind;
        assert_eq!(kind("base:\n  'web*': [a]\n"), RenderErrorKind::NoTopMatch);
        assert_eq!(kind("base: {'*': a}\n"), RenderErrorKind::TopMalformed);
        assert_eq!(kind("- a\n"), RenderErrorKind::TopMalformed);
        let error = highstate("base:\n  '*':\n    - match: garin\n    - a\n").expect_err("refused");
        assert_eq!(error.place.line, 3);
    }
}
