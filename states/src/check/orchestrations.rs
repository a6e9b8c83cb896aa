//! Orchestrations: rendered and compiled as the master does it, and what their steps name must exist.

use lab_proto::Value;

use super::collector::{self, Collector};
use super::{Finding, Input, Level, is_orchestration};
use crate::compile::{self, RenderedTree, Request};
use crate::low::LowChunk;
use crate::nearest::nearest;
use crate::orchestrate::Plan;
use crate::pillar;
use crate::render::{NoFunctions, RenderContext, RenderEnv};
use crate::run::{Part, Problem};
use crate::sls::{self, SlsName};
use crate::target::Minion;

/// The id that an orchestration's own pillar is rendered for.
const MASTER: &str = "master";

pub(super) fn check(input: &Input<'_>, c: &mut Collector<'_>) {
    let names: Vec<String> = sls::names(input.states).iter().map(|n| n.as_str().to_owned()).collect();
    let plans: Vec<String> =
        names.iter().filter(|n| is_orchestration(n) || c.plans.contains(*n)).cloned().collect();
    if plans.is_empty() {
        return;
    }
    let context = RenderContext {
        pillar: master_pillar(input),
        opts: Value::from([("id", MASTER), ("saltenv", "base")]),
        ..RenderContext::default()
    };
    let tree = RenderedTree::new(RenderEnv::new(input.states, &NoFunctions, &context));
    for name in plans {
        c.orchestrations += 1;
        match compile::compile(&tree, &Request::sls([name])) {
            Ok(chunks) => plan(input, &chunks, &tree, c),
            Err(errors) => errors.iter().for_each(|error| c.add(judged(Finding::from(error)), "")),
        }
    }
}

/// What the pillar of an orchestration's start may bring is not known here.
fn judged(mut finding: Finding) -> Finding {
    let of_pillar = finding.line.as_deref().is_some_and(|l| l.contains("pillar"));
    if of_pillar && finding.code == "jinja-undefined" {
        finding.level = Level::Note;
        finding.message.push_str(" (whoever starts the orchestration may give it)");
    }
    finding
}

fn master_pillar(input: &Input<'_>) -> Value {
    let Some(sources) = input.pillar else { return Value::map() };
    let grains = Value::from([("id", MASTER)]);
    let context = RenderContext { grains: grains.clone(), ..RenderContext::default() };
    let env = RenderEnv::new(sources, &NoFunctions, &context);
    let minion = Minion { id: MASTER, grains: &grains, pillar: &Value::Null, nodegroups: input.node_groups };
    // Its mistakes are told with the minions' pillar.
    pillar::render_with(&env, &minion, &pillar::secret::Masked).map_or_else(|_| Value::map(), |p| p.data)
}

fn plan(input: &Input<'_>, chunks: &[LowChunk], tree: &RenderedTree<'_>, c: &mut Collector<'_>) {
    if let Err(errors) = Plan::placed(chunks, tree) {
        for error in &errors {
            let mut finding = Finding::from(error);
            finding.line = collector::line_of(input.states, &mut finding.place);
            finding.remedy = finding.remedy.or_else(|| take_remedy(&mut finding.message));
            c.add(finding, "");
        }
    }
    let known: Vec<String> = sls::names(input.states).iter().map(|n| n.as_str().to_owned()).collect();
    for chunk in chunks {
        let problem = match chunk.function().as_str() {
            "salt.state" => missing_sls(chunk, &known),
            "salt.function" => unknown_function(chunk, input),
            _ => None,
        };
        if let Some(problem) = problem {
            c.add(Finding::from(&problem.placed(chunk, tree)), "");
        }
    }
}

/// The plan's own messages end with the way out, behind a semicolon.
fn take_remedy(message: &mut String) -> Option<String> {
    let (what, remedy) = message.rsplit_once("; ")?;
    let (what, remedy) = (what.to_owned(), remedy.to_owned());
    *message = what;
    Some(remedy)
}

fn missing_sls(chunk: &LowChunk, known: &[String]) -> Option<Problem> {
    let list = match chunk.args.get("sls")? {
        Value::List(items) => items.clone(),
        one => vec![one.clone()],
    };
    let names = list.iter().filter_map(Value::as_str).flat_map(|t| t.split(',')).map(str::trim);
    let lost = names.filter(|n| !n.contains(['*', '?', '['])).find(|n| {
        let name = SlsName::parse(n).map(|n| n.as_str().to_owned());
        !name.is_ok_and(|n| known.contains(&n))
    })?;
    let remedy = match nearest(lost, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("it would be {}.sls in the state tree", lost.replace('.', "/")),
    };
    let message = format!("step {} applies the SLS {lost}, which is not in the tree", chunk.id);
    Some(Problem::new("missing-sls", Part::Value("sls".to_owned()), chunk, message).remedy(remedy))
}

fn unknown_function(chunk: &LowChunk, input: &Input<'_>) -> Option<Problem> {
    let unknown = input.registry.exec(&chunk.name).err()?;
    // The agent's own functions are not in this registry.
    if ["saltutil.", "mine."].iter().any(|m| chunk.name.starts_with(m)) {
        return None;
    }
    let remedy = match unknown.suggestion {
        Some(near) => format!("did you mean {near}?"),
        None => "`lab-master doc` lists all functions; modules of your own go into _modules/".to_owned(),
    };
    let message = format!("step {} calls {}, and there is no such function", chunk.id, chunk.name);
    Some(Problem::new("unknown-function", Part::Value("name".to_owned()), chunk, message).remedy(remedy))
}
