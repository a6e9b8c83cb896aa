//! The compiled form of an orchestration: its steps in the order in which they run.
//!
//! Made once from low chunks; a resumed or replayed run makes the same plan from the chunks in its
//! `RunStarted`. Everything that can be wrong with a step is found here, before anything is sent out.

use std::time::Duration;

use lab_proto::facts::PLAN_INLINE;
use lab_proto::value::MAX_DEPTH;
use lab_proto::{Digest, MinionId, StepId, Value, codec, glob};
use thiserror::Error;

use super::action::{self, Action, FUNCTIONS};
use crate::low::{At, LowChunk, Places, Requisite};
use crate::nearest::nearest;
use crate::render::excerpt;
use crate::run::has_slot;

/// Something wrong with an orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: step {id}: {what}{}", line.as_deref().unwrap_or_default())]
pub struct PlanError {
    /// The ID declaration.
    pub id: String,
    /// Where it is declared, as file:line:column; the SLS when that is not known.
    pub place: String,
    /// What is wrong, and the way out.
    pub what: String,
    /// The offending line with a caret, laid out for the end of the message.
    pub line: Option<String>,
}

impl PlanError {
    fn new(id: &str, place: &str, what: impl Into<String>) -> Self {
        Self { id: id.to_owned(), place: place.to_owned(), what: what.into(), line: None }
    }
}

/// The steps of an orchestration.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    steps: Vec<Step>,
    chunks: Vec<Value>,
    digest: Digest,
    encoded: Vec<u8>,
    warnings: Vec<String>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name within the run: the ID declaration, made unique and fit for a tag.
    pub id: StepId,
    /// The ID declaration as written.
    pub label: String,
    /// The state's name.
    pub name: String,
    /// The SLS that holds it.
    pub sls: String,
    /// `salt.state` and the like.
    pub fun: String,
    /// What it does.
    pub action: Action,
    /// What it needs of other steps, by their places in the plan.
    pub requisites: Vec<(Requisite, Vec<usize>)>,
    /// For a wait: since when events count.
    pub since: SinceSpec,
    /// It gives up after so long.
    pub timeout: Option<Duration>,
    /// Its failure ends the run.
    pub failhard: bool,
    /// The next steps do not wait for it.
    pub parallel: bool,
}

/// Since when events count for a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinceSpec {
    /// Since the run began.
    Run,
    /// Since the first of these steps was entered.
    Steps(Vec<usize>),
}

/// The deepest that a step may be: the event that starts a run holds the steps two levels below its own.
const DEEPEST: u8 = MAX_DEPTH - 2;
/// Guards that would have to run on the master.
const REFUSED: [&str; 9] =
    ["unless", "onlyif", "creates", "prereq", "listen", "listen_in", "retry", "check_cmd", "fire_event"];
/// Keys of a low chunk that are no arguments.
const FRAME: [&str; 9] =
    ["state", "fun", "name", "order", "__id__", "__sls__", "__env__", "__at__", "__sls_included_from__"];

impl Plan {
    /// Compiles what an orchestration file compiled to.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn from_low(chunks: &[LowChunk]) -> Result<Self, Vec<PlanError>> {
        let problem = |c: &LowChunk, what: &String| PlanError::new(&c.id, &c.at.to_string(), what.as_str());
        let problems: Vec<PlanError> =
            chunks.iter().flat_map(|c| c.problems.iter().map(move |what| problem(c, what))).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let placed = |c: &LowChunk| {
            let mut value = c.to_value();
            if let Value::Map(map) = &mut value {
                map.insert(Value::from("__at__"), Value::from(c.at.to_string()));
            }
            value
        };
        Self::compile(chunks.iter().map(placed).collect())
    }

    /// Compiles what an orchestration file compiled to; errors show the lines that they are about.
    ///
    /// # Errors
    /// As [`Self::from_low`].
    pub fn placed(chunks: &[LowChunk], places: &dyn Places) -> Result<Self, Vec<PlanError>> {
        Self::from_low(chunks).map_err(|mut errors| {
            for error in &mut errors {
                let about = chunks.iter().find(|c| c.id == error.id && c.at.to_string() == error.place);
                let Some(chunk) = about else { continue };
                let at = blamed(chunk, &error.what, places);
                error.line = places.line(&at).map(|line| excerpt(&line, at.line, at.column));
                error.place = at.to_string();
            }
            errors
        })
    }

    /// Compiles low chunks as values: mappings with `state`, `fun`, `name`, `__id__`, `__sls__`, in the order in which
    /// they were declared, with arguments and requisites beside these keys as Salt's `show_low_sls` has them.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn compile(chunks: Vec<Value>) -> Result<Self, Vec<PlanError>> {
        let mut errors = Vec::new();
        let mut warnings = Vec::new();
        let mut drafts: Vec<Draft<'_>> = Vec::new();
        let whole = |what: String| PlanError::new("*", "the plan", what);
        for chunk in &chunks {
            match Draft::read(chunk, &drafts, &mut warnings) {
                Ok(draft) => drafts.push(draft),
                Err(mut e) => errors.append(&mut e),
            }
        }
        if chunks.iter().any(|c| c.is_deeper_than(DEEPEST)) {
            errors
                .push(whole(format!("a step is nested deeper than {DEEPEST} levels; flatten its arguments")));
        }
        let encoded = codec::encode(&Value::List(chunks.clone())).map_err(|e| vec![whole(e.to_string())])?;
        if !errors.is_empty() {
            return Err(errors);
        }
        let order = in_order(&drafts)?;
        let steps = link(&drafts, &order)?;
        Ok(Self { steps, digest: Digest::of(&encoded), encoded, chunks, warnings })
    }

    /// Reads a plan back from the bytes of its blob.
    ///
    /// # Errors
    /// When they do not decode or no longer compile.
    pub fn from_blob(bytes: &[u8]) -> Result<Self, Vec<PlanError>> {
        let whole = |what: String| vec![PlanError::new("*", "the stored plan", what)];
        match codec::decode::<Value>(bytes) {
            Ok(Value::List(chunks)) => Self::compile(chunks),
            Ok(other) => Err(whole(format!("it is {} and no list", other.kind()))),
            Err(e) => Err(whole(e.to_string())),
        }
    }

    /// Returns the steps in the order in which they run.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns a step's place.
    pub fn find(&self, id: &StepId) -> Option<usize> {
        self.steps.iter().position(|s| s.id == *id)
    }

    /// Returns what the plan was compiled from.
    pub fn chunks(&self) -> &[Value] {
        &self.chunks
    }

    /// Returns the hash of the plan.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns sentences about arguments that are ignored.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the plan's bytes when it is too large to travel inside `RunStarted`.
    pub fn blob(&self) -> Option<&[u8]> {
        (self.encoded.len() > PLAN_INLINE).then_some(self.encoded.as_slice())
    }

    /// Returns the minions whose boots matter to a wait, sorted.
    pub fn awaited(&self) -> Vec<MinionId> {
        let mut ids: Vec<MinionId> = self
            .steps
            .iter()
            .filter_map(|s| if let Action::Wait(w) = &s.action { Some(w) } else { None })
            .flat_map(|w| w.ids.iter().filter_map(|id| MinionId::new(id.as_str()).ok()))
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

/// Finds the part of a step that a message is about: it names the function, an argument, or what a requisite names.
fn blamed(chunk: &LowChunk, what: &str, places: &dyn Places) -> At {
    let first = what.split([' ', ':']).next().unwrap_or_default();
    let references = chunk.requisites.iter().flat_map(|(kind, list)| list.iter().map(move |r| (*kind, r)));
    for (kind, reference) in references {
        if what.contains(&format!("{:?}", reference.value)) {
            return places.reference(chunk, kind, reference);
        }
    }
    if first == "runner" {
        return places.value(chunk, "name");
    }
    if what.contains("requires itself")
        && let Some((kind, _)) = chunk.requisites.first()
    {
        return places.argument(chunk, kind.as_str());
    }
    let written =
        chunk.to_value().get(first).is_some() || what.starts_with(&format!("{first} is not supported"));
    if written { places.value(chunk, first) } else { places.function(chunk) }
}

/// A step whose requisites are still names.
struct Draft<'a> {
    step: Step,
    module: &'a str,
    place: &'a str,
    requisites: Vec<(Requisite, Vec<Wanted>)>,
    since: Option<String>,
}

/// A requisite as written: a module and an ID or name, or a bare ID.
struct Wanted {
    module: Option<String>,
    name: String,
}

impl<'a> Draft<'a> {
    fn read(chunk: &'a Value, before: &[Self], warnings: &mut Vec<String>) -> Result<Self, Vec<PlanError>> {
        let text = |key: &str| chunk.get(key).and_then(Value::as_str).unwrap_or_default();
        let (label, sls) = (text("__id__"), text("__sls__"));
        let place = if text("__at__").is_empty() { sls } else { text("__at__") };
        let wrong = |what: String| PlanError::new(label, place, what);
        let Some(map) = chunk.as_map() else { return Err(vec![wrong("it is no mapping".to_owned())]) };
        let module = text("state");
        let fun = format!("{module}.{}", text("fun"));
        if !FUNCTIONS.contains(&fun.as_str()) {
            let hint = match nearest(&fun, FUNCTIONS) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("steps are {}", FUNCTIONS[..8].join(", ")),
            };
            return Err(vec![wrong(format!("there is no function {fun} in an orchestration; {hint}"))]);
        }
        let mut errors = Vec::new();
        let mut requisites = Vec::new();
        let mut args = map.clone();
        args.retain(|k, _| !FRAME.contains(&k.as_str().unwrap_or_default()));
        // Ignoring a guard could do harm.
        for key in REFUSED {
            if args.shift_remove(key).is_some() {
                errors.push(wrong(format!("{key} is not supported on the steps of an orchestration; put it on the states that the step applies")));
            }
        }
        for kind in Requisite::ALL {
            if let Some(list) = args.shift_remove(kind.as_str()) {
                requisites.push((kind, wanted(&list)));
            }
        }
        // Sent out as text it would be a target, an SLS or an argument of that name.
        let slot = args.iter().find(|(_, value)| has_slot(value)).and_then(|(key, _)| key.as_str());
        if let Some(key) = chunk.get("name").filter(|name| has_slot(name)).map(|_| "name").or(slot) {
            errors.push(wrong(format!("{key} holds a slot, which no orchestration fills; put the slot into the states that the step applies")));
        }
        let mut told = Vec::new();
        let name = match chunk.get("name") {
            Some(Value::Str(s)) => s.as_str(),
            _ => label,
        };
        let parsed = action::parse(&fun, name, &args, &mut told);
        warnings.extend(told.into_iter().map(|w| wrong(w).to_string()));
        let flag = |key: &str| args.get(key).is_some_and(Value::truthy);
        match parsed {
            Ok(parsed) if errors.is_empty() => Ok(Self {
                step: Step {
                    id: unique(label, before),
                    label: label.to_owned(),
                    name: name.to_owned(),
                    sls: sls.to_owned(),
                    fun,
                    action: parsed.action,
                    requisites: Vec::new(),
                    since: SinceSpec::Run,
                    timeout: parsed.timeout,
                    failhard: flag("failhard"),
                    parallel: flag("parallel"),
                },
                module,
                place,
                requisites,
                since: args.get("since").filter(|v| **v != Value::Null).map(Value::to_string),
            }),
            Ok(_) => Err(errors),
            Err(what) => {
                errors.push(wrong(what));
                Err(errors)
            }
        }
    }

    fn is(&self, wanted: &Wanted) -> bool {
        let named =
            glob::matches(&wanted.name, &self.step.label) || glob::matches(&wanted.name, &self.step.name);
        match wanted.module.as_deref() {
            Some("sls") => wanted.name == self.step.sls,
            Some("id") => glob::matches(&wanted.name, &self.step.label),
            Some(module) => module == self.module && named,
            None => glob::matches(&wanted.name, &self.step.label),
        }
    }

    fn wrong(&self, what: String) -> PlanError {
        PlanError::new(&self.step.label, self.place, what)
    }
}

fn unique(label: &str, before: &[Draft<'_>]) -> StepId {
    let base = StepId::from_state_id(label);
    let taken = |id: &StepId| before.iter().any(|d| d.step.id == *id);
    if !taken(&base) {
        return base;
    }
    let short: String = base.as_str().chars().take(24).collect();
    (2..)
        .map(|n| StepId::from_state_id(&format!("{short}~{n}")))
        .find(|id| !taken(id))
        .expect("there are more numbers than steps")
}

fn wanted(list: &Value) -> Vec<Wanted> {
    let items: &[Value] = match list {
        Value::List(l) | Value::Tuple(l) => l,
        one => std::slice::from_ref(one),
    };
    let one = |item: &Value| match item {
        Value::Map(m) => m
            .iter()
            .map(|(module, name)| Wanted { module: Some(module.to_string()), name: name.to_string() })
            .collect(),
        bare => vec![Wanted { module: None, name: bare.to_string() }],
    };
    items.iter().flat_map(one).collect()
}

/// Orders the steps: as declared, but what a step needs comes first. Returns places in `drafts`.
fn in_order(drafts: &[Draft<'_>]) -> Result<Vec<usize>, Vec<PlanError>> {
    let mut order = Vec::new();
    let mut state = vec![Visit::New; drafts.len()];
    let mut errors = Vec::new();
    for at in 0..drafts.len() {
        visit(at, drafts, &mut state, &mut order, &mut errors);
    }
    if errors.is_empty() { Ok(order) } else { Err(errors) }
}

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    New,
    Open,
    Done,
}

fn visit(
    at: usize,
    drafts: &[Draft<'_>],
    state: &mut [Visit],
    order: &mut Vec<usize>,
    errors: &mut Vec<PlanError>,
) {
    match state[at] {
        Visit::Done => return,
        Visit::Open => {
            errors.push(drafts[at].wrong(
                "it requires itself by way of other steps; take one of the requisites out".to_owned(),
            ));
            return;
        }
        Visit::New => state[at] = Visit::Open,
    }
    for (kind, list) in &drafts[at].requisites {
        for wanted in list {
            let found: Vec<usize> = (0..drafts.len()).filter(|i| drafts[*i].is(wanted)).collect();
            if found.is_empty() {
                let known = drafts.iter().map(|d| d.step.label.as_str());
                let hint = nearest(&wanted.name, known).map(|n| format!("; did you mean {n:?}?"));
                errors.push(drafts[at].wrong(format!(
                    "its {} names {:?}, and there is no such step{}",
                    kind.as_str(),
                    wanted.name,
                    hint.unwrap_or_default()
                )));
            }
            // A state that an `sls:` requisite finds in its own file is not its own requirement.
            let own_file = wanted.module.as_deref() == Some("sls");
            for i in found.into_iter().filter(|i| !(own_file && *i == at)) {
                visit(i, drafts, state, order, errors);
            }
        }
    }
    state[at] = Visit::Done;
    order.push(at);
}

/// Turns names into places in the final order.
fn link(drafts: &[Draft<'_>], order: &[usize]) -> Result<Vec<Step>, Vec<PlanError>> {
    let find = |wanted: &Wanted, own: usize| -> Vec<usize> {
        (0..order.len()).filter(|i| *i != own && drafts[order[*i]].is(wanted)).collect()
    };
    let mut steps = Vec::new();
    let mut errors = Vec::new();
    for (place, at) in order.iter().enumerate() {
        let draft = &drafts[*at];
        let mut step = draft.step.clone();
        for (kind, list) in &draft.requisites {
            step.requisites.push((*kind, list.iter().flat_map(|w| find(w, place)).collect()));
        }
        let mut required: Vec<usize> = step.requisites.iter().flat_map(|(_, steps)| steps.clone()).collect();
        required.sort_unstable();
        required.dedup();
        step.since = match draft.since.as_deref() {
            Some("run") => SinceSpec::Run,
            Some(name) => {
                let found = find(&Wanted { module: None, name: name.to_owned() }, place);
                if found.is_empty() {
                    errors.push(draft.wrong(format!("since names {name:?}, and there is no such step")));
                } else if found.iter().all(|i| *i > place) {
                    errors
                        .push(draft.wrong(format!("since names {name:?}, which runs only after this step")));
                }
                SinceSpec::Steps(found)
            }
            None if !required.is_empty() => SinceSpec::Steps(required),
            None if place > 0 => SinceSpec::Steps(vec![place - 1]),
            None => SinceSpec::Run,
        };
        steps.push(step);
    }
    if errors.is_empty() { Ok(steps) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(id: &str, fun: &str, extra: &[(&str, Value)]) -> Value {
        let (state, fun) = fun.split_once('.').expect("module.function");
        let mut map = lab_proto::Map::new();
        for (k, v) in [("state", state), ("fun", fun), ("name", id), ("__id__", id), ("__sls__", "orch.x")] {
            map.insert(Value::from(k), Value::from(v));
        }
        map.extend(extra.iter().map(|(k, v)| (Value::from(*k), v.clone())));
        Value::Map(map)
    }

    fn tgt() -> (&'static str, Value) {
        ("tgt", Value::from("*"))
    }

    fn needs(id: &str) -> Value {
        Value::from(vec![Value::from([("salt", id)])])
    }

    #[test]
    fn steps_run_as_declared_but_what_a_step_needs_comes_first() {
        let plan = Plan::compile(vec![
            chunk("a", "salt.function", &[tgt(), ("require", needs("c"))]),
            chunk("b", "salt.function", &[tgt()]),
            chunk("c", "salt.function", &[tgt()]),
        ])
        .expect("compiles");
        let order: Vec<&str> = plan.steps().iter().map(|s| s.label.as_str()).collect();
        assert_eq!(order, ["c", "a", "b"]);
    }

    #[test]
    fn an_unknown_function_is_refused_with_the_nearest_one() {
        let errors = Plan::compile(vec![chunk("x", "salt.functoin", &[tgt()])]).expect_err("refused");
        assert_eq!(
            errors[0].to_string(),
            "orch.x: step x: there is no function salt.functoin in an orchestration; \
             did you mean salt.function?"
        );
    }

    #[test]
    fn every_error_is_told_and_a_dangling_requisite_and_a_cycle_are_errors() {
        let errors = Plan::compile(vec![
            chunk("x", "salt.teleport", &[]),
            chunk("y", "salt.function", &[]),
            chunk("z", "salt.function", &[tgt(), ("unless", Value::from("true"))]),
        ])
        .expect_err("refused");
        assert_eq!(errors.len(), 3, "{errors:?}");
        let dangling =
            Plan::compile(vec![chunk("a", "salt.function", &[tgt(), ("require", needs("instal"))])]);
        assert!(dangling.expect_err("refused")[0].what.contains("no such step"));
        let cycle = Plan::compile(vec![
            chunk("a", "salt.function", &[tgt(), ("require", needs("b"))]),
            chunk("b", "salt.function", &[tgt(), ("require", needs("a"))]),
        ]);
        assert!(cycle.expect_err("refused")[0].what.contains("requires itself"));
    }

    #[test]
    fn a_wait_counts_since_what_it_requires_else_since_the_step_before() {
        let ids = ("id_list", Value::from(vec!["n1"]));
        let plan = Plan::compile(vec![
            chunk("w0", "salt.wait_for_event", std::slice::from_ref(&ids)),
            chunk("a", "salt.function", &[tgt()]),
            chunk("b", "salt.function", &[tgt()]),
            chunk("w1", "salt.wait_for_event", &[ids.clone(), ("require", needs("a"))]),
            chunk("w2", "salt.wait_for_event", std::slice::from_ref(&ids)),
            chunk("w3", "salt.wait_for_event", &[ids.clone(), ("since", Value::from("run"))]),
            chunk("w4", "salt.wait_for_event", &[ids, ("since", Value::from("b"))]),
        ])
        .expect("compiles");
        let since: Vec<SinceSpec> = plan.steps().iter().map(|s| s.since.clone()).collect();
        assert_eq!(since[0], SinceSpec::Run);
        assert_eq!(since[3], SinceSpec::Steps(vec![1]));
        assert_eq!(since[4], SinceSpec::Steps(vec![3]));
        assert_eq!(since[5], SinceSpec::Run);
        assert_eq!(since[6], SinceSpec::Steps(vec![2]));
    }

    #[test]
    fn steps_with_the_same_id_get_names_of_their_own_and_a_plan_reads_back_from_its_blob() {
        let plan = Plan::compile(vec![
            chunk("a", "salt.function", &[tgt()]),
            chunk("a", "salt.function", &[tgt(), ("kwarg", Value::from([(5, 6)]))]),
        ])
        .expect("compiles");
        let ids: Vec<&str> = plan.steps().iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["a", "a~2"]);
        assert_eq!(Plan::from_blob(&plan.encoded).expect("reads"), plan);
    }

    proptest! {
        #[test]
        fn whatever_the_chunks_compiling_never_panics(
            keys in proptest::collection::vec(
                ("(state|fun|name|__id__|tgt|require|since|batch|timeout|id_list|kwarg|sls|runners)",
                 "(salt|function|state|wait_for_event|runner|a|b|run|5%|)"), 0..12),
            copies in 1..4usize,
        ) {
            let map: lab_proto::Map = keys.into_iter().map(|(k, v)| (Value::from(k), Value::from(v))).collect();
            let _ = Plan::compile(vec![Value::Map(map); copies]);
        }
    }
}
