//! The states of one minion: its pillar, its highstate, and each SLS by itself.

use std::collections::{BTreeMap, BTreeSet};

use lab_proto::Value;

use super::collector::{self, Collector};
use super::functions::Functions;
use super::{Finding, Input, Level, Subject, lints, network, values};
use crate::compile::{self, CompileErrors, ErrorKind, RenderedTree, Request, SlsTree};
use crate::low::{LowChunk, Places};
use crate::orchestrate::STEP_FUNCTIONS;
use crate::pillar;
use crate::render::{NoFunctions, Place, RenderContext, RenderEnv, RenderErrorKind, Sources};
use crate::run::{Problem, Traits, resolve};
use crate::target::Minion;
use crate::top;

/// Kinds of errors that may be right for another minion, or with what a function would answer.
const OF_DATA: [&str; 3] = ["jinja-undefined", "jinja-error", "yaml-error"];

/// One compilation: the highstate, or an SLS by itself.
struct Unit {
    sls: Option<String>,
    result: Result<Vec<LowChunk>, CompileErrors>,
}

/// Checks everything for one minion.
pub(super) fn check(input: &Input<'_>, subject: &Subject, c: &mut Collector<'_>) {
    let Some(pillar) = pillar(input, subject, c) else { return };
    let opts = Value::from([("id", subject.id.as_str()), ("saltenv", "base")]);
    let functions = Functions::new(input.registry, &subject.id, &subject.grains, &pillar, &opts);
    let context = RenderContext {
        grains: subject.grains.clone(),
        pillar: pillar.clone(),
        opts,
        ..RenderContext::default()
    };
    let env = RenderEnv::new(input.states, &functions, &context);
    let tree = RenderedTree::new(env);
    let mut sight = Sight { input, subject, tree: &tree, unknown: BTreeMap::new(), held: BTreeSet::new() };
    sight.render_all(&functions, c);
    let mut units = Vec::new();
    if input.states.exists("top.sls") || input.states.exists("top/init.sls") {
        let minion = Minion {
            id: &subject.id,
            grains: &subject.grains,
            pillar: &pillar,
            nodegroups: input.node_groups,
        };
        functions.take_unknown();
        match top::states(&env, &minion) {
            Ok(names) => {
                let names: Vec<String> = names.iter().map(|n| n.as_str().to_owned()).collect();
                sight.held.extend(names.iter().cloned());
                let request = Request { highstate: true, ..Request::sls(names) };
                let result = compile::compile(&tree, &request);
                sight.held.extend(result.iter().flatten().map(|chunk| chunk.sls.to_string()));
                units.push(Unit { sls: None, result });
            }
            Err(error) => {
                let mut finding = Finding::from(&*error);
                if error.kind == RenderErrorKind::NoTopMatch && error.message.starts_with("no section") {
                    finding.level = Level::Note;
                }
                c.add(finding, &subject.id);
            }
        }
    }
    for name in sight.alone(c) {
        let result = compile::compile(&tree, &Request::sls([name.clone()]));
        c.sls.insert(name.clone());
        units.push(Unit { sls: Some(name), result });
    }
    sight.judge(&units, c);
}

/// Renders the pillar; `None` when it is wrong, since states that see half of their data prove nothing.
fn pillar(input: &Input<'_>, subject: &Subject, c: &mut Collector<'_>) -> Option<Value> {
    let Some(sources) = input.pillar else { return Some(Value::map()) };
    let context = RenderContext {
        grains: subject.grains.clone(),
        opts: Value::from([("id", subject.id.as_str()), ("saltenv", "base")]),
        ..RenderContext::default()
    };
    let env = RenderEnv::new(sources, &NoFunctions, &context);
    let minion = Minion {
        id: &subject.id,
        grains: &subject.grains,
        pillar: &Value::Null,
        nodegroups: input.node_groups,
    };
    match pillar::render_with(&env, &minion, &pillar::secret::Masked) {
        Ok(found) => {
            let values = found.secrets.iter().filter_map(|path| pillar::secret::at(&found.data, path));
            values.for_each(|value| c.secrets.register_value(value));
            Some(found.data)
        }
        Err(errors) => {
            for error in errors {
                c.add(
                    Finding { code: "pillar-error".to_owned(), pillar: true, ..Finding::from(&error) },
                    &subject.id,
                );
            }
            let message = "the states are not checked: the pillar does not render".to_owned();
            c.add(collector::note("not-checked", Place::default(), message), &subject.id);
            None
        }
    }
}

struct Sight<'a> {
    input: &'a Input<'a>,
    subject: &'a Subject,
    tree: &'a RenderedTree<'a>,
    /// By path, the functions that a file would have called.
    unknown: BTreeMap<String, Vec<String>>,
    /// The SLS of the highstate.
    held: BTreeSet<String>,
}

impl Sight<'_> {
    fn names(&self) -> Vec<String> {
        let all = self.tree.names("base").unwrap_or_default();
        let own = |n: &&String| !super::is_orchestration(n) && *n != "top" && !n.starts_with('_');
        all.iter().filter(own).cloned().collect()
    }

    /// Renders every SLS once, to learn which of them depend on functions that a check does not call.
    fn render_all(&mut self, functions: &Functions<'_>, c: &mut Collector<'_>) {
        for name in self.names() {
            functions.take_unknown();
            let rendered = self.tree.render("base", &name);
            let unknown = functions.take_unknown();
            if !unknown.is_empty() {
                let path = match &rendered {
                    Ok(doc) => doc.path.clone(),
                    Err(error) => error.trace.last().unwrap_or(&error.place).file.clone(),
                };
                self.unknown.insert(path, unknown);
            }
        }
        for doc in self.tree.all_known() {
            let brings = |sls: &str| {
                let rendered = self.tree.known(sls)?;
                Some(rendered.doc.as_map().is_some_and(|m| !m.is_empty()))
            };
            lints::includes(&doc, &brings, c, &self.subject.id);
        }
    }

    /// Lists the SLS to compile by themselves: those of this minion's highstate, and those of nobody's.
    fn alone(&self, c: &mut Collector<'_>) -> Vec<String> {
        c.held.entry(self.subject.id.clone()).or_default().extend(self.held.iter().cloned());
        self.names().into_iter().filter(|n| self.held.contains(n) || !c.is_held(self.input, n)).collect()
    }

    fn judge(&self, units: &[Unit], c: &mut Collector<'_>) {
        let mut requisites = Requisites::default();
        let together: BTreeSet<String> =
            units.iter().flat_map(|u| u.result.iter().flatten()).map(|chunk| chunk.sls.to_string()).collect();
        for unit in units {
            match &unit.result {
                Ok(chunks) if is_plan(chunks) => {
                    c.plans.extend(unit.sls.clone());
                }
                Ok(chunks) => self.chunks(unit, chunks, &mut requisites, c),
                Err(errors) => errors.iter().for_each(|error| {
                    if error.kind == ErrorKind::ExtendUnknownId
                        && unit.sls.as_ref().is_some_and(|sls| together.contains(sls))
                    {
                        let message = format!("{}, unless another SLS of the run declares it", error.message);
                        let remedy = "include the SLS that declares it";
                        c.lint("requisite-elsewhere", &error.at, message, remedy, &self.subject.id);
                    } else {
                        self.add(Finding::from(error), unit, c);
                    }
                }),
            }
        }
        for finding in requisites.findings() {
            c.add(finding, &self.subject.id);
        }
    }

    /// Adds an error as what it counts for: one that may come of what is not known here is a note.
    fn add(&self, mut finding: Finding, unit: &Unit, c: &mut Collector<'_>) {
        let of_data = OF_DATA.contains(&finding.code.as_str());
        let files = std::iter::once(&finding.place).chain(&finding.trace).map(|p| &p.file);
        let unknown: Vec<&String> = files.filter_map(|f| self.unknown.get(f)).flatten().collect();
        if of_data && !unknown.is_empty() && finding.code != "yaml-error" {
            finding.level = Level::Note;
            let names = unknown.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
            finding.message =
                format!("{} (it may come of {names}, which a check does not call)", finding.message);
        }
        let held = unit.sls.as_ref().is_none_or(|sls| self.held.contains(sls));
        if of_data && !held && finding.level == Level::Error {
            let key = format!("{} {} {}", finding.code, finding.place, finding.message);
            c.unheld.entry(key).or_default().push((finding, self.subject.id.clone()));
            return;
        }
        c.add(finding, &self.subject.id);
    }

    fn chunks(&self, unit: &Unit, chunks: &[LowChunk], requisites: &mut Requisites, c: &mut Collector<'_>) {
        let (id, registry, tree) = (&self.subject.id, self.input.registry, self.tree);
        for chunk in chunks {
            let traits = Traits::of(chunk, registry);
            let found =
                traits.problem.into_iter().chain(traits.warnings).chain(values::misfits(chunk, registry));
            for problem in found {
                c.add(Finding::from(&problem.placed(chunk, tree)), id);
            }
        }
        let edges = resolve::edges(chunks);
        for cycle in cycles(&edges) {
            c.add(self.cycle(chunks, &cycle), id);
        }
        requisites.note(chunks, tree);
        lints::no_effect(chunks, &edges, registry, tree, id, c);
        network::within(chunks, tree, id, unit.sls.is_none(), c);
    }

    fn cycle(&self, chunks: &[LowChunk], cycle: &[usize]) -> Finding {
        let first = &chunks[cycle[0]];
        let next = &chunks[cycle.get(1).copied().unwrap_or(cycle[0])];
        let to_next = first.requisites.iter().find_map(|(requisite, references)| {
            let meant = references.iter().find(|r| r.value == next.id || r.value == next.name)?;
            Some(self.tree.reference(first, *requisite, meant))
        });
        let at = to_next.unwrap_or_else(|| self.tree.function(first));
        let message = format!("recursive requisite: {}", crate::run::cycle_text(chunks, cycle));
        let mut finding = collector::error("recursive-requisite", collector::place(&at), message);
        finding.line = Places::line(self.tree, &at);
        finding.remedy = Some("take one of these requisites out".to_owned());
        finding
    }
}

/// Tells whether chunks are the steps of an orchestration.
fn is_plan(chunks: &[LowChunk]) -> bool {
    let step = |c: &LowChunk| STEP_FUNCTIONS.contains(&c.function().as_str());
    !chunks.is_empty() && chunks.iter().all(step) && chunks.iter().any(|c| c.state != "test")
}

/// Requisites over all units: what finds its state in one and not in another depends on what else is in the run.
#[derive(Default)]
struct Requisites {
    lost: BTreeMap<String, Problem>,
    found: BTreeSet<String>,
}

impl Requisites {
    fn note(&mut self, chunks: &[LowChunk], places: &dyn Places) {
        let key = |chunk: &LowChunk, requisite: crate::low::Requisite, reference: &crate::low::Reference| {
            format!("{} {} {} {} {reference}", chunk.sls, chunk.id, chunk.state, requisite.as_str())
        };
        let lost = resolve::lost_requisites(chunks);
        let is_lost: BTreeSet<String> =
            lost.iter().map(|(i, requisite, reference)| key(&chunks[*i], *requisite, reference)).collect();
        for chunk in chunks {
            for (requisite, references) in &chunk.requisites {
                let keys = references.iter().map(|r| key(chunk, *requisite, r));
                self.found.extend(keys.filter(|k| !is_lost.contains(k)));
            }
        }
        for (i, requisite, reference) in lost {
            let chunk = &chunks[i];
            let problem =
                || crate::run::lost_requisite(chunks, chunk, requisite, &reference).placed(chunk, places);
            self.lost.entry(key(chunk, requisite, &reference)).or_insert_with(problem);
        }
    }

    fn findings(self) -> Vec<Finding> {
        let Self { lost, found } = self;
        let judged = |(key, problem): (String, Problem)| {
            let mut finding = Finding::from(&problem);
            if found.contains(&key) {
                finding.level = Level::Lint;
                finding.code = "requisite-elsewhere".to_owned();
                finding.message.push_str(" unless another SLS of the run declares it");
                finding.remedy = Some("include the SLS that declares it".to_owned());
            }
            finding
        };
        lost.into_iter().map(judged).collect()
    }
}

/// Finds cycles, each once and beginning with its first chunk.
fn cycles(edges: &[Vec<(crate::low::Requisite, usize)>]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; edges.len()];
    let mut found: Vec<Vec<usize>> = Vec::new();
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        // Depth first with a stack of our own: a chain of requisites may be as long as the run.
        let mut path = vec![(start, 0)];
        marks[start] = Mark::Open;
        while let Some((node, next)) = path.last_mut() {
            let Some((_, target)) = edges[*node].get(*next).copied() else {
                marks[*node] = Mark::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match marks[target] {
                Mark::Done => {}
                Mark::New => {
                    marks[target] = Mark::Open;
                    path.push((target, 0));
                }
                Mark::Open => {
                    let from = path.iter().position(|(n, _)| *n == target).unwrap_or(0);
                    let mut cycle: Vec<usize> = path[from..].iter().map(|(n, _)| *n).collect();
                    let least = cycle.iter().enumerate().min_by_key(|(_, n)| **n).map_or(0, |(i, _)| i);
                    cycle.rotate_left(least);
                    if !found.contains(&cycle) {
                        found.push(cycle);
                    }
                }
            }
        }
    }
    found
}

/// Lists the SLS of a minion's highstate without judging it.
pub(super) fn held_by(input: &Input<'_>, subject: &Subject) -> BTreeSet<String> {
    let quiet = |sources: &dyn Sources, pillar: &Value| -> Option<BTreeSet<String>> {
        let opts = Value::from([("id", subject.id.as_str()), ("saltenv", "base")]);
        let functions = Functions::new(input.registry, &subject.id, &subject.grains, pillar, &opts);
        let context = RenderContext {
            grains: subject.grains.clone(),
            pillar: pillar.clone(),
            opts,
            ..RenderContext::default()
        };
        let env = RenderEnv::new(sources, &functions, &context);
        let nodegroups = input.node_groups;
        let minion = Minion { id: &subject.id, grains: &subject.grains, pillar, nodegroups };
        let names = top::states(&env, &minion).ok()?;
        let names: Vec<String> = names.iter().map(|n| n.as_str().to_owned()).collect();
        let tree = RenderedTree::new(env);
        let chunks = compile::compile(&tree, &Request::sls(names.clone())).unwrap_or_default();
        Some(names.into_iter().chain(chunks.iter().map(|c| c.sls.to_string())).collect())
    };
    let pillar = match input.pillar {
        None => Value::map(),
        Some(sources) => {
            let context = RenderContext { grains: subject.grains.clone(), ..RenderContext::default() };
            let env = RenderEnv::new(sources, &NoFunctions, &context);
            let nodegroups = input.node_groups;
            let minion =
                Minion { id: &subject.id, grains: &subject.grains, pillar: &Value::Null, nodegroups };
            match pillar::render_with(&env, &minion, &pillar::secret::Masked) {
                Ok(found) => found.data,
                Err(_) => return BTreeSet::new(),
            }
        }
    };
    quiet(input.states, &pillar).unwrap_or_default()
}
