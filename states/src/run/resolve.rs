//! Works out which chunks each requisite means, and what the functions of a run say about themselves.

use std::cell::OnceCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use lab_proto::glob;

use super::problem::{Part, Problem};
use crate::function::{FunctionDoc, Registry, UnknownFunction};
use crate::low::{LowChunk, Reference, Requisite};
use crate::nearest::nearest;
use crate::schedule::Node;

/// What a run needs to know about the function of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Why it cannot be called: it does not exist, or an argument is missing.
    pub problem: Option<Problem>,
    /// Whether it has a watch action; without one `watch` is a plain `require`.
    pub watches: bool,
    /// Whether `check_cmd` is an argument of its own.
    pub own_check_cmd: bool,
    /// The family whose states are applied together.
    pub family: Option<&'static str>,
    /// What people should know about the call.
    pub warnings: Vec<Problem>,
}

/// Tells whether an argument of a state is for the engine and not for a function.
pub(crate) fn is_engine_word(name: &str) -> bool {
    ENGINE_WORDS.contains(&name)
}

/// Words that the engine takes out of a state's arguments; no function has to know them.
const ENGINE_WORDS: [&str; 24] = [
    "check_cmd",
    "cmd_opts_exclude",
    "creates",
    "failhard",
    "fire_event",
    "listen",
    "name",
    "onlyif",
    "order",
    "parallel",
    "provider",
    "reload_grains",
    "reload_modules",
    "reload_pillar",
    "force_reload_modules",
    "retry",
    "runas",
    "runas_password",
    "saltenv",
    "skip_watch",
    "timeout",
    "umask",
    "unless",
    "onfail_stop",
];

/// Requisites that are written at the other end.
const REQUISITES_IN: [&str; 8] =
    ["require_in", "watch_in", "onfail_in", "onchanges_in", "prereq_in", "use", "use_in", "listen_in"];

impl Traits {
    /// Asks the registry about the function of a chunk.
    pub fn of(chunk: &LowChunk, registry: &Registry) -> Self {
        let mut out = Self::default();
        if !chunk.problems.is_empty() {
            let text = chunk.problems.join("; ");
            let part = Part::Value(if text.contains("umask") { "umask" } else { "name" }.to_owned());
            let (what, remedy) = text.split_once(": ").unwrap_or((&text, "quote it"));
            out.problem = Some(Problem::new("bad-argument", part, chunk, what).remedy(remedy));
        }
        let name = chunk.function();
        let function = match registry.state(&name) {
            Ok(function) => function,
            Err(unknown) => {
                let message = format!("there is no state function {name}");
                let problem = Problem::new("unknown-function", Part::Function, chunk, message);
                out.problem = Some(problem.remedy(known_instead(chunk, &unknown, registry)));
                return out;
            }
        };
        let doc = function.doc();
        out.watches = function.watch().is_some();
        out.own_check_cmd = doc.knows("check_cmd");
        // What is asked when its turn comes cannot be known to a group.
        let late = super::slots::any(&chunk.name, &chunk.args);
        out.family = function.group().map(|g| g.family()).filter(|_| !late);
        let missing = |a: &&crate::function::ArgDoc| {
            a.required && a.name != "name" && !chunk.args.contains_key(a.name.as_ref())
        };
        if let (None, Some(arg)) = (&out.problem, doc.args.iter().find(missing)) {
            let message = format!("missing parameter {} for state {name}", arg.name);
            let remedy = format!("add `- {}: …`: {}", arg.name, arg.help);
            out.problem =
                Some(Problem::new("missing-argument", Part::Function, chunk, message).remedy(remedy));
        }
        out.warnings = unknown_arguments(chunk, doc);
        out
    }
}

/// Says what there is in place of a function that there is not.
fn known_instead(chunk: &LowChunk, unknown: &UnknownFunction, registry: &Registry) -> String {
    if let Some(near) = &unknown.suggestion {
        return format!("did you mean {near}?");
    }
    if registry.exec(&unknown.name).is_ok() {
        return format!("{} is an execution function: call it with `module.run`", unknown.name);
    }
    let module = format!("{}.", chunk.state);
    let of_module: Vec<&str> =
        registry.states().filter_map(|f| f.name().strip_prefix(module.as_str()).map(|_| f.name())).collect();
    if !of_module.is_empty() {
        return format!("there are {}", of_module.join(", "));
    }
    let modules: BTreeSet<&str> = registry.states().filter_map(|f| f.name().split('.').next()).collect();
    match nearest(&chunk.state, modules.iter().copied()) {
        Some(near) => format!("did you mean the module {near}? `lab-master doc {near}` lists its functions"),
        None => "`lab-master doc` lists all functions; a module of your own goes into _states/".to_owned(),
    }
}

fn unknown_arguments(chunk: &LowChunk, doc: &FunctionDoc) -> Vec<Problem> {
    if doc.open {
        return Vec::new();
    }
    let names = chunk.args.keys().filter_map(|k| k.as_str());
    let strange = names.filter(|k| !doc.knows(k) && !is_engine_word(k) && !k.starts_with("__"));
    strange
        .map(|k| {
            let mut known: Vec<&str> = doc.args.iter().map(|a| a.name.as_ref()).collect();
            known.extend(ENGINE_WORDS);
            known.extend(Requisite::ALL.map(Requisite::as_str));
            known.extend(REQUISITES_IN);
            let function = chunk.function();
            let remedy = match nearest(k, known) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("`lab-master doc {function}` lists its arguments"),
            };
            let message = format!("{function} does not know the argument {k}");
            Problem::new("unknown-argument", Part::Argument(k.to_owned()), chunk, message).remedy(remedy)
        })
        .collect()
}

/// The chunks of a run by all that a requisite can name.
pub(super) struct Index<'a> {
    chunks: &'a [LowChunk],
    /// Made when they are first asked: many runs have no requisite at all, and few one that names an SLS.
    words: OnceCell<Words<'a>>,
    sls: OnceCell<HashMap<Arc<str>, Vec<usize>, RandomState>>,
}

/// The chunks by ID and by name. Most words mean one chunk, which stands in place.
type Words<'a> = HashMap<&'a str, Named, RandomState>;

enum Named {
    One(usize),
    More(Vec<usize>),
}

impl Named {
    fn push(&mut self, chunk: usize) {
        match self {
            Self::One(one) => *self = Self::More(vec![*one, chunk]),
            Self::More(all) => all.push(chunk),
        }
    }

    fn all(&self) -> &[usize] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(all) => all,
        }
    }
}

impl<'a> Index<'a> {
    pub(super) fn new(chunks: &'a [LowChunk]) -> Self {
        Self { chunks, words: OnceCell::new(), sls: OnceCell::new() }
    }

    fn by_word(&self, word: &str) -> &[usize] {
        let words = self.words.get_or_init(|| {
            let mut words: Words<'a> =
                HashMap::with_capacity_and_hasher(self.chunks.len(), RandomState::default());
            let mut note = |word: &'a str, chunk: usize| match words.entry(word) {
                Entry::Vacant(free) => {
                    free.insert(Named::One(chunk));
                }
                Entry::Occupied(mut present) => {
                    present.get_mut().push(chunk);
                }
            };
            for (i, chunk) in self.chunks.iter().enumerate() {
                note(&chunk.id, i);
                if chunk.name != chunk.id {
                    note(&chunk.name, i);
                }
            }
            words
        });
        words.get(word).map_or(&[], Named::all)
    }

    fn by_sls(&self, sls: &str) -> &[usize] {
        let all = self.sls.get_or_init(|| {
            let mut all: HashMap<Arc<str>, Vec<usize>, RandomState> = HashMap::default();
            for (i, chunk) in self.chunks.iter().enumerate() {
                let above = chunk.included_from.iter().filter(|s| **s != chunk.sls);
                for sls in std::iter::once(&chunk.sls).chain(above) {
                    all.entry(sls.clone()).or_default().push(i);
                }
            }
            all
        });
        all.get(sls).map_or(&[], Vec::as_slice)
    }

    /// Lists the chunks that a reference means, in the order of the run.
    pub(super) fn find(&self, reference: &Reference) -> Vec<usize> {
        let Reference { kind, value } = reference;
        let plain = !glob::has_wildcard(value);
        if kind == "sls" {
            let exact = self.by_sls(value);
            if plain {
                return exact.to_vec();
            }
            let matching = |i: &usize| glob::matches(value, &self.chunks[*i].sls);
            let all: BTreeSet<usize> =
                exact.iter().copied().chain((0..self.chunks.len()).filter(matching)).collect();
            return all.into_iter().collect();
        }
        let of_kind = |i: &usize| kind == "id" || self.chunks[*i].state == *kind;
        if plain {
            return self.by_word(value).iter().copied().filter(of_kind).collect();
        }
        let matching = |i: &usize| {
            let chunk = &self.chunks[*i];
            glob::matches(value, &chunk.name) || glob::matches(value, &chunk.id)
        };
        (0..self.chunks.len()).filter(of_kind).filter(matching).collect()
    }
}

/// Lists the requisites of all chunks that name no chunk, with the index of the chunk that has them.
pub(crate) fn lost_requisites(chunks: &[LowChunk]) -> Vec<(usize, Requisite, Reference)> {
    let index = Index::new(chunks);
    let mut lost = Vec::new();
    for (i, chunk) in chunks.iter().enumerate() {
        for (requisite, references) in &chunk.requisites {
            let missing = references.iter().filter(|r| index.find(r).is_empty());
            lost.extend(missing.map(|r| (i, *requisite, r.clone())));
        }
    }
    lost
}

/// Lists what each chunk waits for, by index: one entry per requisite that finds something.
pub(crate) fn edges(chunks: &[LowChunk]) -> Vec<Vec<(Requisite, usize)>> {
    let index = Index::new(chunks);
    let mut edges = vec![Vec::new(); chunks.len()];
    for (i, chunk) in chunks.iter().enumerate() {
        for (requisite, references) in &chunk.requisites {
            for target in references.iter().flat_map(|r| index.find(r)) {
                match requisite {
                    // A prereq runs before what it names.
                    Requisite::Prereq => edges[target].push((*requisite, i)),
                    Requisite::Prerequired => {}
                    _ => edges[i].push((*requisite, target)),
                }
            }
        }
    }
    edges
}

/// What the scheduler is told about a chunk, and which of its references mean nothing.
pub(super) fn node(
    chunk: &LowChunk,
    traits: &Traits,
    index: &Index<'_>,
    failhard: bool,
) -> (Node, Vec<(Requisite, Reference)>) {
    let mut lost = Vec::new();
    let mut needs: Vec<(Requisite, Vec<usize>)> = Vec::new();
    for (requisite, references) in &chunk.requisites {
        let counts_as = match requisite {
            Requisite::Watch if !traits.watches => Requisite::Require,
            Requisite::WatchAny if !traits.watches => Requisite::RequireAny,
            other => *other,
        };
        let mut targets = Vec::new();
        for reference in references {
            let found = index.find(reference);
            if found.is_empty() {
                lost.push((*requisite, reference.clone()));
            }
            targets.extend(found);
        }
        match needs.iter_mut().find(|(r, _)| *r == counts_as) {
            Some((_, present)) => present.extend(targets),
            None => needs.push((counts_as, targets)),
        }
    }
    needs.sort_by_key(|(requisite, _)| *requisite);
    let failhard = chunk.options.failhard.unwrap_or(failhard);
    let node = Node { needs, missing: !lost.is_empty(), failhard, parallel: chunk.options.parallel };
    (node, lost)
}
