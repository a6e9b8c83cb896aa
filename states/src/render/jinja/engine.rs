//! One render: its bounds, its caches, its global variables, and how templates are found.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;
use lab_proto::Value;
use lab_proto::value::Map;

use super::Rendered;
use super::ast::{Pos, Stmt, StmtKind, Template};
use super::error::{Fault, Res};
use super::output::Out;
use super::parser;
use super::scope::Scope;
use super::value::{Object, Text, Val};
use super::walk;
use crate::python_regex::{Anchor, Failure, Flags, Pattern};
use crate::render::doors::RenderEnv;
use crate::render::error::{RenderError, RenderErrorKind};

/// How deep evaluation may recurse, in nodes of the syntax tree.
const MAX_LEVEL: u32 = 500;

pub(super) struct Engine<'e> {
    pub env: &'e RenderEnv<'e>,
    context: &'e Map,
    globals: RefCell<HashMap<Text, Val>>,
    templates: RefCell<HashMap<String, Rc<Template>>>,
    modules: RefCell<HashMap<String, Val>>,
    /// Scopes that macros hold on to; let go at the end.
    held: RefCell<Vec<Rc<Scope>>>,
    /// Regular expressions that were compiled, or cannot be.
    pub(super) patterns: RefCell<Patterns>,
    fuel: Cell<u64>,
    level: Cell<u32>,
    depth: Cell<u32>,
    random: Cell<u64>,
}

type Patterns = HashMap<(String, Flags, Anchor), Rc<Result<Pattern, Failure>>>;

/// Where execution is.
#[derive(Clone)]
pub(super) struct Frame {
    pub template: Rc<Template>,
    pub scope: Rc<Scope>,
    pub blocks: Rc<Blocks>,
    /// How many loops are around.
    pub loops: usize,
}

/// The blocks of a template and of those that it extends, the most derived first.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub chains: RefCell<IndexMap<Text, Vec<Definition>>>,
    pub parent: RefCell<Option<Rc<Template>>>,
}

pub(super) type Definition = (Rc<Vec<Stmt>>, Rc<Template>);

impl<'e> Engine<'e> {
    pub(super) fn new(env: &'e RenderEnv<'e>, variables: &[(&str, Value)], context: &'e Map) -> Self {
        walk::begin();
        let globals =
            variables.iter().map(|(name, value)| (Text::from(*name), Val::from_data(value))).collect();
        Self {
            env,
            context,
            globals: RefCell::new(globals),
            templates: RefCell::default(),
            modules: RefCell::default(),
            held: RefCell::default(),
            patterns: RefCell::default(),
            fuel: Cell::new(env.limits.fuel),
            level: Cell::new(0),
            depth: Cell::new(0),
            random: Cell::new(env.context.seed ^ 0x9e37_79b9_7f4a_7c15),
        }
    }

    pub(super) fn render(&self, name: &str, source: &str) -> Result<Rendered, RenderError> {
        let template = parser::parse(name, source).map_err(|e| e.0.into_error(&e.1))?;
        let mut out = Out::mapped(self.env.limits.output);
        let scope = Scope::root();
        self.held.borrow_mut().push(Rc::clone(&scope));
        let result = self.run_template(&template, &scope, &mut out).and_then(|()| self.spend(0));
        if source.ends_with('\n') {
            let last = u32::try_from(source.lines().count()).unwrap_or(u32::MAX);
            result.and_then(|()| out.data("\n", &template, last)).map_err(|f| f.into_error(&template))?;
        } else {
            result.map_err(|f| f.into_error(&template))?;
        }
        let (text, lines) = out.finish();
        Ok(Rendered { text, lines })
    }

    /// Runs a template with all that it extends.
    pub(super) fn run_template(&self, template: &Rc<Template>, scope: &Rc<Scope>, out: &mut Out) -> Res<()> {
        let blocks = Rc::new(Blocks::default());
        let mut current = Rc::clone(template);
        loop {
            let frame = Frame {
                template: Rc::clone(&current),
                scope: Rc::clone(scope),
                blocks: Rc::clone(&blocks),
                loops: 0,
            };
            register_blocks(&current.body, &current, &blocks);
            let result = self.exec(&frame, out, &current.body);
            out.muted = false;
            result.map_err(|f| f.within(&current))?;
            let Some(parent) = blocks.parent.borrow_mut().take() else { return Ok(()) };
            self.spend(100)?;
            current = parent;
        }
    }

    /// Counts one step.
    pub(super) fn tick(&self) -> Res<()> {
        self.spend(1)
    }

    /// Returns how many steps are left.
    pub(super) fn fuel(&self) -> u64 {
        self.fuel.get()
    }

    pub(super) fn spend(&self, steps: u64) -> Res<()> {
        let steps = steps.saturating_add(walk::settle()?);
        let left = self.fuel.get();
        if left < steps {
            return Err(Fault::bounds(format!(
                "the template takes more than {} steps",
                self.env.limits.fuel
            ))
            .suggest("look for a loop over a large range or a macro that calls itself"));
        }
        self.fuel.set(left - steps);
        Ok(())
    }

    /// Guards the stack while the tree is walked.
    pub(super) fn deeper<T>(&self, run: impl FnOnce() -> Res<T>) -> Res<T> {
        self.tick()?;
        if self.level.get() >= MAX_LEVEL {
            return Err(Fault::bounds("the template nests or recurses too deep")
                .suggest("look for a macro or an include that calls itself without end"));
        }
        self.level.set(self.level.get() + 1);
        let result = on_ample_stack(run);
        self.level.set(self.level.get() - 1);
        result
    }

    /// Guards calls of macros, includes and imports.
    pub(super) fn calling<T>(&self, run: impl FnOnce() -> Res<T>) -> Res<T> {
        let depth = self.depth.get();
        if depth >= self.env.limits.depth {
            return Err(Fault::bounds(format!("maximum recursion depth of {depth} exceeded"))
                .suggest("look for a macro or an include that calls itself without end"));
        }
        self.depth.set(depth + 1);
        let result = on_ample_stack(run);
        self.depth.set(depth);
        result
    }

    pub(super) fn hold(&self, scope: &Rc<Scope>) {
        self.held.borrow_mut().push(Rc::clone(scope));
    }

    /// Gives every template a further name.
    pub(super) fn define(&self, name: &str, value: Val) {
        self.globals.borrow_mut().insert(name.into(), value);
    }

    /// Returns the next number of the render's own random sequence (splitmix64).
    pub(super) fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Looks a name up: the scopes first, then what every template sees.
    pub(super) fn lookup(&self, frame: &Frame, name: &Text) -> Val {
        if let Some(value) = frame.scope.get(name).or_else(|| self.global(name)) {
            return value;
        }
        let known = frame.scope.names();
        let globals: Vec<Text> = self.globals.borrow().keys().cloned().collect();
        let mut candidates: Vec<&str> = known.iter().chain(&globals).map(|t| &**t).collect();
        candidates.extend(GLOBALS);
        candidates.extend(self.context.keys().chain(self.env.context.extra.keys()).filter_map(Value::as_str));
        candidates.sort_unstable();
        let suggestion = crate::nearest::nearest(name, candidates).map(|n| format!("did you mean '{n}'?"));
        let undefined = super::value::Undefined {
            message: format!("'{name}' is undefined"),
            suggestion,
            kind: RenderErrorKind::JinjaUndefined,
        };
        Val::Undefined(Rc::new(undefined))
    }

    /// Returns a variable that every template sees. Data is converted when a template first asks for it.
    fn global(&self, name: &Text) -> Option<Val> {
        if let Some(value) = self.globals.borrow().get(name) {
            return Some(value.clone());
        }
        let context = self.env.context;
        let data = |value: &Value| Some(Val::from_data(value));
        let found = match &**name {
            _ if self.context.contains_key(&**name) => Some(Val::from_ordered_data(&self.context[&**name])),
            "salt" => Some(Val::object(Object::Salt)),
            "grains" => data(&context.grains),
            "pillar" => Some(Val::from_ordered_data(&context.pillar)),
            "opts" => data(&context.opts),
            "saltenv" => Some(Val::str(context.saltenv.as_str())),
            _ if context.extra.contains_key(&**name) => data(&context.extra[&**name]),
            "range" => Some(Val::object(Object::Builtin("range"))),
            "dict" | "odict" => Some(Val::object(Object::Builtin("dict"))),
            "namespace" => Some(Val::object(Object::Builtin("namespace"))),
            "cycler" => Some(Val::object(Object::Builtin("cycler"))),
            "joiner" => Some(Val::object(Object::Builtin("joiner"))),
            "lipsum" => Some(Val::object(Object::Builtin("lipsum"))),
            "raise" => Some(Val::object(Object::Builtin("raise"))),
            "ifelse" => Some(Val::object(Object::SaltFunction("match.ifelse".into()))),
            "show_full_context" => Some(Val::object(Object::Builtin("show_full_context"))),
            "self" => Some(Val::object(Object::SelfRef)),
            _ => None,
        }?;
        self.globals.borrow_mut().insert(Rc::clone(name), found.clone());
        Some(found)
    }

    /// Finds a template by the name that a tag gives; `./` and `../` start at the directory of the asking template.
    pub(super) fn load(&self, name: &str, from: &Template) -> Res<Rc<Template>> {
        let path = resolve(name, &from.name)?;
        if let Some(found) = self.templates.borrow().get(&path) {
            return Ok(Rc::clone(found));
        }
        let bytes = self.env.sources.read(&path).map_err(|e| Fault::failed(e.to_string()))?;
        let Some(bytes) = bytes else {
            let list = self.env.sources.list();
            let near = crate::nearest::nearest(&path, list.iter().map(String::as_str));
            let hint = near.map_or_else(
                || "paths start at the state roots, or at this file's directory with ./".to_owned(),
                |n| format!("did you mean '{n}'?"),
            );
            return Err(Fault::failed(format!("template '{path}' not found")).suggest(hint));
        };
        let text =
            String::from_utf8(bytes).map_err(|_| Fault::failed(format!("'{path}' is not UTF-8 text")))?;
        let template = parser::parse(&path, &text).map_err(|e| e.0.within(&e.1))?;
        self.templates.borrow_mut().insert(path, Rc::clone(&template));
        Ok(template)
    }

    /// Imports a template; without context it runs once however often it is imported.
    pub(super) fn module(&self, frame: &Frame, name: &str, with_context: bool, pos: Pos) -> Res<Val> {
        let template = self.load(name, &frame.template)?;
        let key = template.name.to_string();
        if !with_context && let Some(module) = self.modules.borrow().get(&key) {
            return Ok(module.clone());
        }
        let base = if with_context { frame.scope.snapshot() } else { template_variables(&template) };
        let scope = Scope::inside(&base);
        self.hold(&scope);
        let mut out = Out::capture(self.env.limits.output);
        self.calling(|| self.run_template(&template, &scope, &mut out))
            .map_err(|f| f.within(&template).called_from(&frame.template, pos))?;
        // What begins with an underscore is the module's own.
        let vars = scope.own().into_iter().filter(|(name, _)| !name.starts_with('_')).collect();
        let module = Val::object(Object::Module {
            name: Rc::clone(&template.name),
            vars,
            text: out.into_text().into(),
        });
        if !with_context {
            self.modules.borrow_mut().insert(key, module.clone());
        }
        Ok(module)
    }
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        self.modules.borrow_mut().clear();
        for scope in self.held.borrow_mut().drain(..) {
            scope.clear();
        }
    }
}

/// Runs with room on the stack: renders happen on worker threads, whose stacks are small.
pub(super) fn on_ample_stack<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(256 << 10, 2 << 20, run)
}

/// The names that a typing error may have meant.
const GLOBALS: [&str; 16] = [
    "salt",
    "grains",
    "pillar",
    "opts",
    "saltenv",
    "range",
    "dict",
    "namespace",
    "cycler",
    "joiner",
    "raise",
    "sls",
    "slspath",
    "tpldir",
    "tplfile",
    "loop",
];

/// What an imported template knows of its own place.
fn template_variables(template: &Template) -> Rc<Scope> {
    let scope = Scope::root();
    let directory = template.name.rsplit_once('/').map_or("", |(dir, _)| dir);
    scope.set(&"tplfile".into(), Val::Str(Rc::clone(&template.name)));
    scope.set(&"tpldir".into(), Val::str(if directory.is_empty() { "." } else { directory }));
    scope.set(&"tpldot".into(), Val::str(directory.replace('/', ".")));
    scope
}

fn resolve(name: &str, from: &str) -> Res<String> {
    let name = name.strip_prefix("salt://").unwrap_or(name);
    let relative = matches!(name.split('/').next(), Some("." | ".."));
    let directory = from.rsplit_once('/').map_or("", |(dir, _)| dir);
    let joined = if relative { format!("{directory}/{name}") } else { name.to_owned() };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(Fault::failed(format!("template '{name}' is above the roots")));
                }
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

fn register_blocks(body: &[Stmt], template: &Rc<Template>, blocks: &Blocks) {
    for stmt in body {
        match &stmt.kind {
            StmtKind::Block { name, body } => {
                let mut chains = blocks.chains.borrow_mut();
                chains.entry(Rc::clone(name)).or_default().push((Rc::clone(body), Rc::clone(template)));
                drop(chains);
                register_blocks(body, template, blocks);
            }
            StmtKind::If { branches, otherwise } => {
                branches.iter().for_each(|(_, body)| register_blocks(body, template, blocks));
                register_blocks(otherwise, template, blocks);
            }
            StmtKind::For(each) => register_blocks(&each.body, template, blocks),
            StmtKind::With { body, .. } => register_blocks(body, template, blocks),
            _ => {}
        }
    }
}
