//! Runs statements.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::ast::{Expr, FilterCall, For, Format, Stmt, StmtKind, Target};
use super::convert;
use super::engine::{Engine, Frame};
use super::error::{Fault, Res};
use super::output::Out;
use super::scope::Scope;
use super::value::{Loop, Object, Text, Val};
use crate::render::error::RenderErrorKind;

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Normal,
    Break,
    Continue,
}

impl Frame {
    /// Returns a frame with a new scope inside this one's.
    pub(super) fn inner(&self) -> Self {
        Self { scope: Scope::inside(&self.scope), ..self.clone() }
    }
}

impl Engine<'_> {
    pub(super) fn exec(&self, frame: &Frame, out: &mut Out, body: &[Stmt]) -> Res<Flow> {
        for stmt in body {
            let flow = match &stmt.kind {
                StmtKind::Data(text) => {
                    out.data(text, &frame.template, stmt.pos.line).map_err(|f| f.at(stmt.pos))?;
                    Flow::Normal
                }
                StmtKind::Print(expr) => {
                    let value = self.eval(frame, expr)?;
                    self.print(frame, out, &value, expr)?;
                    Flow::Normal
                }
                _ => self.deeper(|| self.statement(frame, out, stmt)).map_err(|f| f.at(stmt.pos))?,
            };
            if flow != Flow::Normal {
                return Ok(flow);
            }
        }
        Ok(Flow::Normal)
    }

    fn print(&self, frame: &Frame, out: &mut Out, value: &Val, expr: &Expr) -> Res<()> {
        let place = |f: Fault| f.at(expr.pos);
        match value {
            Val::Str(text) => out.printed(text, &frame.template, expr.pos.line).map_err(place),
            other => {
                let text = other.to_text().map_err(place)?;
                out.printed(&text, &frame.template, expr.pos.line).map_err(place)
            }
        }
    }

    /// Renders a body to text.
    pub(super) fn capture(&self, frame: &Frame, body: &[Stmt]) -> Res<String> {
        let mut out = Out::capture(self.env.limits.output);
        self.exec(frame, &mut out, body)?;
        Ok(out.into_text())
    }

    fn statement(&self, frame: &Frame, out: &mut Out, stmt: &Stmt) -> Res<Flow> {
        match &stmt.kind {
            StmtKind::Data(_) | StmtKind::Print(_) => {}
            StmtKind::For(each) => return self.for_loop(frame, out, each),
            StmtKind::If { branches, otherwise } => return self.if_branches(frame, out, branches, otherwise),
            StmtKind::Set { target, value } => {
                let value = self.eval(frame, value)?;
                self.assign(frame, target, value)?;
            }
            StmtKind::SetBlock { target, filters, body } => {
                let text = self.capture(&frame.inner(), body)?;
                let value = self.filtered(frame, Val::str(text), filters)?;
                self.assign(frame, target, value)?;
            }
            StmtKind::Macro(def) => {
                self.hold(&frame.scope);
                let scope = Rc::clone(&frame.scope);
                let template = Rc::clone(&frame.template);
                frame
                    .scope
                    .set(&def.name, Val::object(Object::Macro { def: Rc::clone(def), scope, template }));
            }
            StmtKind::Call { call, caller } => {
                let scope = Rc::clone(&frame.scope);
                let template = Rc::clone(&frame.template);
                let caller = Val::object(Object::Macro { def: Rc::clone(caller), scope, template });
                let value = self.eval_call(frame, call, Some(caller))?;
                self.print(frame, out, &value, call)?;
            }
            StmtKind::FilterBlock { filters, body } => {
                let text = self.capture(&frame.inner(), body)?;
                let value = self.filtered(frame, Val::str(text), filters)?;
                out.printed(&value.to_text()?, &frame.template, stmt.pos.line)?;
            }
            StmtKind::With { bindings, body } => {
                let inner = frame.inner();
                for (target, value) in bindings {
                    // Jinja evaluates all values outside of the new scope.
                    let value = self.eval(frame, value)?;
                    self.assign(&inner, target, value)?;
                }
                return self.exec(&inner, out, body);
            }
            StmtKind::Do(expr) => {
                self.eval(frame, expr)?;
            }
            StmtKind::Break if frame.loops > 0 => return Ok(Flow::Break),
            StmtKind::Continue if frame.loops > 0 => return Ok(Flow::Continue),
            StmtKind::Break => return Err(Fault::syntax("'break' outside loop")),
            StmtKind::Continue => return Err(Fault::syntax("'continue' not properly in loop")),
            _ => return self.other_files(frame, out, stmt),
        }
        Ok(Flow::Normal)
    }

    /// Statements that bring in other templates or blocks.
    fn other_files(&self, frame: &Frame, out: &mut Out, stmt: &Stmt) -> Res<Flow> {
        match &stmt.kind {
            StmtKind::Include { name, ignore_missing, with_context } => {
                self.include(frame, out, name, *ignore_missing, *with_context)?;
            }
            StmtKind::Import { name, target, with_context } => {
                let module = self.import(frame, name, *with_context)?;
                frame.scope.set(target, module);
            }
            StmtKind::FromImport { name, names, with_context } => {
                let module = self.import(frame, name, *with_context)?;
                for (imported, alias) in names {
                    frame.scope.set(alias, imported_name(&module, imported));
                }
            }
            StmtKind::Block { name, .. } if !out.muted => return self.block(frame, out, name, 0),
            StmtKind::Extends(name) => {
                let name = self.eval(frame, name)?.to_text()?;
                let parent = self.load(&name, &frame.template)?;
                *frame.blocks.parent.borrow_mut() = Some(parent);
                out.muted = true;
            }
            StmtKind::Load { format, target, body } => {
                let text = self.capture(&frame.inner(), body)?;
                self.assign(frame, target, read(*format, &text)?)?;
            }
            StmtKind::ImportData { format, name, target, with_context } => {
                let module = self.import(frame, name, *with_context)?;
                let text = module.to_text()?;
                let value = read(*format, &text).map_err(|f| {
                    let path = if let Val::Object(o) = &module
                        && let Object::Module { name, .. } = &**o
                    {
                        name.to_string()
                    } else {
                        String::new()
                    };
                    Fault::new(f.kind(), format!("{path}: {}", f.message()))
                })?;
                frame.scope.set(target, value);
            }
            _ => {}
        }
        Ok(Flow::Normal)
    }

    fn if_branches(
        &self,
        frame: &Frame,
        out: &mut Out,
        branches: &[(Expr, Vec<Stmt>)],
        otherwise: &[Stmt],
    ) -> Res<Flow> {
        for (condition, body) in branches {
            if self.eval_truth(frame, condition)? {
                return self.exec(frame, out, body);
            }
        }
        self.exec(frame, out, otherwise)
    }

    fn for_loop(&self, frame: &Frame, out: &mut Out, each: &Rc<For>) -> Res<Flow> {
        let items = self.eval(frame, &each.items)?.iterate().map_err(|f| f.at(each.items.pos))?;
        self.run_loop(frame, out, each, items, 0)
    }

    /// Runs a loop over items; `depth` is how often it called itself already.
    pub(super) fn run_loop(
        &self,
        frame: &Frame,
        out: &mut Out,
        each: &Rc<For>,
        mut items: Vec<Val>,
        depth: usize,
    ) -> Res<Flow> {
        if let Some(condition) = &each.condition {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                let inner = frame.inner();
                self.assign(&inner, &each.target, item.clone())?;
                if self.eval_truth(&inner, condition)? {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            return self.exec(&frame.inner(), out, &each.otherwise);
        }
        let count = items.len();
        let recursive = each.recursive.then(|| (Rc::clone(each), Rc::clone(&frame.scope)));
        let state = Loop { items, at: Cell::new(0), depth, changed: RefCell::new(None), recursive };
        let object = Rc::new(Object::Loop(state));
        let Object::Loop(state) = &*object else { unreachable!("made as a loop just now") };
        let name: Text = "loop".into();
        for index in 0..count {
            self.tick()?;
            state.at.set(index);
            let inner = Frame { loops: frame.loops + 1, ..frame.inner() };
            inner.scope.set(&name, Val::Object(Rc::clone(&object)));
            self.assign(&inner, &each.target, state.items[index].clone())?;
            if self.exec(&inner, out, &each.body)? == Flow::Break {
                break;
            }
        }
        Ok(Flow::Normal)
    }

    pub(super) fn assign(&self, frame: &Frame, target: &Target, value: Val) -> Res<()> {
        match target {
            Target::Name(name) => frame.scope.set(name, value),
            Target::Attribute(name, attribute) => {
                let object = self.lookup(frame, name);
                let Val::Object(found) = &object else {
                    return Err(Fault::syntax("cannot assign attribute on non-namespace object")
                        .suggest("make it with namespace(), or change a mapping with 'do x.update({…})'"));
                };
                let Object::Namespace(attributes) = &**found else {
                    return Err(Fault::syntax("cannot assign attribute on non-namespace object"));
                };
                attributes.borrow_mut().insert(Rc::clone(attribute), value);
            }
            Target::Tuple(targets) => {
                let items = value.iterate().map_err(|f| {
                    if value.is_undefined() {
                        f
                    } else {
                        Fault::failed(format!("cannot unpack non-iterable {} object", value.type_name()))
                    }
                })?;
                if items.len() > targets.len() {
                    return Err(Fault::failed(format!(
                        "too many values to unpack (expected {})",
                        targets.len()
                    )));
                }
                if items.len() < targets.len() {
                    return Err(Fault::failed(format!(
                        "not enough values to unpack (expected {}, got {})",
                        targets.len(),
                        items.len()
                    )));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(frame, target, item)?;
                }
            }
        }
        Ok(())
    }

    fn filtered(&self, frame: &Frame, value: Val, filters: &[FilterCall]) -> Res<Val> {
        filters.iter().try_fold(value, |value, call| self.apply_filter(frame, value, call))
    }

    fn import(&self, frame: &Frame, name: &Expr, with_context: bool) -> Res<Val> {
        let value = self.eval(frame, name)?;
        let text = value.to_text().map_err(|f| f.at(name.pos))?;
        self.module(frame, &text, with_context, name.pos).map_err(|f| f.at(name.pos))
    }

    fn include(
        &self,
        frame: &Frame,
        out: &mut Out,
        name: &Expr,
        ignore_missing: bool,
        context: bool,
    ) -> Res<()> {
        let name_pos = name.pos;
        let value = self.eval(frame, name)?;
        let names = match &value {
            Val::List(_) | Val::Tuple(_) => value.iterate()?,
            _ => vec![value.clone()],
        };
        let mut missing = None;
        for name in &names {
            match self.load(&name.to_text()?, &frame.template) {
                Ok(template) => {
                    let base = if context { frame.scope.snapshot() } else { Scope::root() };
                    let scope = Scope::inside(&base);
                    self.hold(&scope);
                    return self
                        .calling(|| self.run_template(&template, &scope, out))
                        .map_err(|f| f.within(&template).called_from(&frame.template, name_pos));
                }
                Err(fault) if fault.message().ends_with("not found") && !fault.is_placed() => {
                    missing = Some(fault)
                }
                Err(fault) => return Err(fault),
            }
        }
        match missing {
            Some(fault) if !ignore_missing => Err(fault.at(name_pos)),
            _ => Ok(()),
        }
    }

    /// Runs the definition of a block that is `level` steps up its chain.
    pub(super) fn block(&self, frame: &Frame, out: &mut Out, name: &Text, level: usize) -> Res<Flow> {
        let found = frame.blocks.chains.borrow().get(name).and_then(|chain| chain.get(level)).cloned();
        let Some((body, template)) = found else {
            return Err(Fault::undefined(format!("there is no parent block called '{name}'")));
        };
        let inner = Frame { template: Rc::clone(&template), ..frame.inner() };
        inner.scope.set(&"super".into(), Val::object(Object::Super(Rc::clone(name), level + 1)));
        self.exec(&inner, out, &body).map_err(|f| f.within(&template))
    }
}

fn imported_name(module: &Val, name: &Text) -> Val {
    let Val::Object(object) = module else { return module.clone() };
    let Object::Module { name: file, vars, .. } = &**object else { return module.clone() };
    vars.get(name).cloned().unwrap_or_else(|| {
        let near = crate::nearest::nearest(name, vars.keys().map(|k| &**k));
        Val::Undefined(Rc::new(super::value::Undefined {
            message: format!("the template '{file}' does not export the requested name '{name}'"),
            suggestion: near.map(|n| format!("did you mean '{n}'?")),
            kind: RenderErrorKind::NotGiven,
        }))
    })
}

fn read(format: Format, text: &str) -> Res<Val> {
    match format {
        Format::Yaml => convert::from_yaml(text),
        Format::Json => convert::from_json(text),
        Format::Text => Ok(Val::str(text)),
    }
}
