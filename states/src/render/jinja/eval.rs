//! Evaluates expressions.

use std::rc::Rc;

use super::ast::{Args, CompareOp, Expr, ExprKind, FilterCall};
use super::call::CallArgs;
use super::engine::{Engine, Frame};
use super::error::{Fault, Res};
use super::ops::{self, Num};
use super::value::{Dict, Key, Object, Text, Undefined, Val};
use crate::render::error::RenderErrorKind;

impl Engine<'_> {
    pub(super) fn eval(&self, frame: &Frame, expr: &Expr) -> Res<Val> {
        match &expr.kind {
            ExprKind::None => Ok(Val::None),
            ExprKind::Bool(b) => Ok(Val::Bool(*b)),
            ExprKind::Int(i) => Ok(Val::Int(*i)),
            ExprKind::Float(f) => Ok(Val::Float(*f)),
            ExprKind::Str(s) => Ok(Val::Str(Rc::clone(s))),
            ExprKind::Name(name) => Ok(self.lookup(frame, name)),
            _ => self.deeper(|| self.compound(frame, expr)).map_err(|f| f.at(expr.pos)),
        }
    }

    pub(super) fn eval_truth(&self, frame: &Frame, expr: &Expr) -> Res<bool> {
        self.eval(frame, expr)?.truthy().map_err(|f| f.at(expr.pos))
    }

    fn compound(&self, frame: &Frame, expr: &Expr) -> Res<Val> {
        match &expr.kind {
            ExprKind::List(items) => Ok(Val::list(self.eval_all(frame, items)?)),
            ExprKind::Tuple(items) => Ok(Val::tuple(self.eval_all(frame, items)?)),
            ExprKind::Dict(entries) => self.dict(frame, entries),
            ExprKind::Attribute(object, name) => {
                let value = self.eval(frame, object)?;
                value.defined().map_err(|f| f.at(object.pos))?;
                self.attribute(frame, &value, name)
            }
            ExprKind::Item(object, key) => {
                let value = self.eval(frame, object)?;
                value.defined().map_err(|f| f.at(object.pos))?;
                let key = self.eval(frame, key)?;
                self.item(frame, &value, &key)
            }
            ExprKind::Slice(object, parts) => self.slice(frame, object, parts),
            ExprKind::Call(..) => self.eval_call(frame, expr, None),
            ExprKind::Filter(value, call) => {
                let value = self.eval(frame, value)?;
                self.apply_filter(frame, value, call)
            }
            ExprKind::Test { value, name, args, negated } => {
                let value = self.eval(frame, value)?;
                let args = self.call_args(frame, args)?;
                Ok(Val::Bool(self.check(name, &value, args)? != *negated))
            }
            _ => self.operation(frame, expr),
        }
    }

    fn operation(&self, frame: &Frame, expr: &Expr) -> Res<Val> {
        match &expr.kind {
            ExprKind::Not(value) => Ok(Val::Bool(!self.eval_truth(frame, value)?)),
            ExprKind::Negative(value) => match Num::of(self.eval(frame, value)?.defined()?) {
                Some(Num::Int(i)) => Ok(Val::Int(i.checked_neg().unwrap_or(i128::MAX))),
                Some(Num::Float(f)) => Ok(Val::Float(-f)),
                None => Err(Fault::failed("bad operand type for unary -")),
            },
            ExprKind::Positive(value) => Num::of(self.eval(frame, value)?.defined()?)
                .map(Num::val)
                .ok_or_else(|| Fault::failed("bad operand type for unary +")),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (self.eval(frame, a)?, self.eval(frame, b)?);
                ops::binary(*op, &a, &b)
            }
            ExprKind::Compare(first, rest) => self.compare_chain(frame, first, rest),
            ExprKind::And(a, b) => {
                let left = self.eval(frame, a)?;
                if left.truthy().map_err(|f| f.at(a.pos))? { self.eval(frame, b) } else { Ok(left) }
            }
            ExprKind::Or(a, b) => {
                let left = self.eval(frame, a)?;
                if left.truthy().map_err(|f| f.at(a.pos))? { Ok(left) } else { self.eval(frame, b) }
            }
            ExprKind::Concat(items) => {
                let mut text = String::new();
                for item in items {
                    let part = self.eval(frame, item)?.to_text().map_err(|f| f.at(item.pos))?;
                    text.push_str(&part);
                    self.refuse_long(text.len())?;
                }
                Ok(Val::str(text))
            }
            ExprKind::If { condition, then, otherwise } => {
                if self.eval_truth(frame, condition)? {
                    return self.eval(frame, then);
                }
                match otherwise {
                    Some(otherwise) => self.eval(frame, otherwise),
                    // Jinja prints nothing here even with strict undefined values.
                    None => Ok(Val::Nothing),
                }
            }
            _ => Ok(Val::None),
        }
    }

    pub(super) fn refuse_long(&self, len: usize) -> Res<()> {
        if len > self.env.limits.output {
            return Err(Fault::bounds(format!("a text is larger than {} bytes", self.env.limits.output)));
        }
        Ok(())
    }

    fn eval_all(&self, frame: &Frame, items: &[Expr]) -> Res<Vec<Val>> {
        items.iter().map(|item| self.eval(frame, item)).collect()
    }

    fn dict(&self, frame: &Frame, entries: &[(Expr, Expr)]) -> Res<Val> {
        let mut dict = Dict::with_capacity(entries.len());
        for (key, value) in entries {
            let key = Key::new(self.eval(frame, key)?).map_err(|f| f.at(key.pos))?;
            dict.insert(key, self.eval(frame, value)?);
        }
        Ok(Val::dict(dict))
    }

    fn compare_chain(&self, frame: &Frame, first: &Expr, rest: &[(CompareOp, Expr)]) -> Res<Val> {
        let mut left = self.eval(frame, first)?;
        for (op, right) in rest {
            let right = self.eval(frame, right)?;
            let salt = matches!(&right, Val::Object(o) if matches!(**o, Object::Salt));
            let holds = match op {
                CompareOp::In | CompareOp::NotIn if salt => {
                    let known = self.env.functions.knows(&left.to_text()?);
                    known == (*op == CompareOp::In)
                }
                _ => ops::compare(*op, &left, &right)?,
            };
            if !holds {
                return Ok(Val::Bool(false));
            }
            left = right;
        }
        Ok(Val::Bool(true))
    }

    pub(super) fn call_args(&self, frame: &Frame, args: &Args) -> Res<CallArgs> {
        let mut positional = self.eval_all(frame, &args.positional)?;
        if let Some(star) = &args.star {
            positional.extend(self.eval(frame, star)?.iterate().map_err(|f| f.at(star.pos))?);
        }
        let mut keyword: Vec<(Text, Val)> = Vec::with_capacity(args.keyword.len());
        for (name, value) in &args.keyword {
            keyword.push((Rc::clone(name), self.eval(frame, value)?));
        }
        if let Some(double) = &args.double_star {
            match self.eval(frame, double)?.defined()? {
                Val::Dict(dict) => {
                    for (key, value) in dict.borrow().iter() {
                        keyword.push((key.0.to_text()?.into(), value.clone()));
                    }
                }
                other => {
                    let message = format!("argument after ** must be a mapping, not {}", other.type_name());
                    return Err(Fault::failed(message));
                }
            }
        }
        Ok(CallArgs { positional, keyword })
    }

    pub(super) fn apply_filter(&self, frame: &Frame, value: Val, call: &FilterCall) -> Res<Val> {
        let args = self.call_args(frame, &call.args)?;
        self.filter(frame, &call.name, value, args).map_err(|f| f.at(call.pos))
    }

    /// `object.name`: an attribute, else an item.
    pub(super) fn attribute(&self, frame: &Frame, object: &Val, name: &Text) -> Res<Val> {
        object.defined()?;
        if name.starts_with("__") {
            let message =
                format!("access to attribute '{name}' of '{}' object is unsafe", object.type_name());
            return Err(Fault::syntax(message));
        }
        if let Some(found) = self.python_attribute(object, name)? {
            return Ok(found);
        }
        if let Some(found) = self.plain_item(frame, object, &Val::Str(Rc::clone(name)))? {
            return Ok(found);
        }
        Ok(self.missing(object, &Val::Str(Rc::clone(name))))
    }

    /// `object[key]`: an item, else an attribute.
    pub(super) fn item(&self, frame: &Frame, object: &Val, key: &Val) -> Res<Val> {
        object.defined()?;
        key.defined()?;
        if let Some(found) = self.plain_item(frame, object, key)? {
            return Ok(found);
        }
        if let Val::Str(name) = key
            && !name.starts_with('_')
            && let Some(found) = self.python_attribute(object, name)?
        {
            return Ok(found);
        }
        Ok(self.missing(object, key))
    }

    fn plain_item(&self, _: &Frame, object: &Val, key: &Val) -> Res<Option<Val>> {
        let index = |len: usize| -> Option<usize> {
            let Some(Num::Int(i)) = Num::of(key) else { return None };
            let len = i128::try_from(len).ok()?;
            let at = if i < 0 { i + len } else { i };
            usize::try_from(at).ok().filter(|_| at < len)
        };
        Ok(match object {
            Val::Dict(dict) => match Key::new(key.clone()) {
                Ok(key) => dict.borrow().get(&key).cloned(),
                Err(_) => None,
            },
            Val::List(items) => index(items.borrow().len()).map(|i| items.borrow()[i].clone()),
            Val::Tuple(items) => index(items.len()).map(|i| items[i].clone()),
            Val::Range(range) => index(range.len()).and_then(|i| range.get(i)),
            Val::Str(text) => {
                let found = index(text.chars().count()).and_then(|i| text.chars().nth(i));
                found.map(|c| Val::str(c.encode_utf8(&mut [0; 4]) as &str))
            }
            Val::Object(object) => match (&**object, key) {
                (Object::Salt, Val::Str(name)) => self.salt_item(name),
                (Object::Module { vars, .. }, Val::Str(name)) => vars.get(name).cloned(),
                (Object::Namespace(attributes), Val::Str(name)) => attributes.borrow().get(name).cloned(),
                _ => None,
            },
            _ => None,
        })
    }

    fn salt_item(&self, name: &Text) -> Option<Val> {
        if !name.contains('.') {
            // `salt.get` is the mapping's own method.
            let there = &**name == "get" || self.env.functions.has_module(name);
            return there.then(|| Val::object(Object::SaltModule(Rc::clone(name))));
        }
        self.env.functions.knows(name).then(|| Val::object(Object::SaltFunction(Rc::clone(name))))
    }

    /// What Python has as an attribute: methods of data, fields of our objects.
    pub(super) fn python_attribute(&self, object: &Val, name: &Text) -> Res<Option<Val>> {
        if let Val::Object(inner) = object {
            return self.object_attribute(inner, name);
        }
        if let Val::Tuple(tuple) = object
            && let Some(item) = tuple.named(name)
        {
            return Ok(Some(item.clone()));
        }
        let method = super::methods::exists(object, name);
        Ok(method.then(|| Val::object(Object::Method(object.clone(), Rc::clone(name)))))
    }

    fn object_attribute(&self, object: &Rc<Object>, name: &Text) -> Res<Option<Val>> {
        let method = || Some(Val::object(Object::Method(Val::Object(Rc::clone(object)), Rc::clone(name))));
        Ok(match &**object {
            Object::Loop(state) => {
                let (at, count) = (state.at.get(), state.items.len());
                let number = |n: usize| Some(Val::from_usize(n));
                match &**name {
                    "index" => number(at + 1),
                    "index0" => number(at),
                    "revindex" => number(count - at),
                    "revindex0" => number(count - at - 1),
                    "length" => number(count),
                    "depth" => number(state.depth + 1),
                    "depth0" => number(state.depth),
                    "first" => Some(Val::Bool(at == 0)),
                    "last" => Some(Val::Bool(at + 1 == count)),
                    "previtem" if at == 0 => Some(Val::undefined("there is no previous item")),
                    "previtem" => Some(state.items[at - 1].clone()),
                    "nextitem" => {
                        let none = || Val::undefined("there is no next item");
                        Some(state.items.get(at + 1).cloned().unwrap_or_else(none))
                    }
                    "cycle" | "changed" => method(),
                    _ => None,
                }
            }
            Object::Namespace(attributes) => attributes.borrow().get(name).cloned(),
            Object::Module { vars, .. } => vars.get(name).cloned(),
            Object::Salt => self.salt_item(name),
            Object::SaltModule(module) => {
                let full: Text = format!("{module}.{name}").into();
                self.env.functions.knows(&full).then(|| Val::object(Object::SaltFunction(full)))
            }
            Object::Macro { def, .. } => match &**name {
                "name" => Some(Val::Str(Rc::clone(&def.name))),
                "arguments" => Some(Val::tuple(def.params.iter().map(|p| Val::Str(Rc::clone(p))).collect())),
                "caller" => Some(Val::Bool(def.uses_caller)),
                "catch_kwargs" => Some(Val::Bool(def.uses_kwargs)),
                "catch_varargs" => Some(Val::Bool(def.uses_varargs)),
                _ => None,
            },
            Object::Cycler { items, at } => match &**name {
                "current" => items.get(at.get() % items.len().max(1)).cloned(),
                "next" | "reset" => method(),
                _ => None,
            },
            Object::SelfRef => Some(Val::object(Object::BlockRef(Rc::clone(name)))),
            _ => None,
        })
    }

    /// Says what is not there, and what is near it.
    pub(super) fn missing(&self, object: &Val, key: &Val) -> Val {
        let kind = match object {
            Val::None => "None".to_owned(),
            other => format!("'{} object'", other.type_name()),
        };
        let Val::Str(name) = key else {
            let shown = key.repr().unwrap_or_default();
            return Val::undefined(format!("{} has no element {shown}", kind.trim_matches('\'')));
        };
        let message = match object {
            Val::Object(o) if matches!(**o, Object::SaltModule(_)) => {
                let Object::SaltModule(module) = &**o else { return Val::None };
                format!("'salt.{module}' has no attribute '{name}'")
            }
            _ => format!("{kind} has no attribute '{name}'"),
        };
        let near = match object {
            Val::Dict(dict) => {
                let dict = dict.borrow();
                let keys = dict.keys().filter_map(|k| if let Val::Str(s) = &k.0 { Some(&**s) } else { None });
                crate::nearest::nearest(name, keys).map(str::to_owned)
            }
            Val::Object(o) => {
                let full = match &**o {
                    Object::Salt => Some(name.to_string()),
                    Object::SaltModule(module) => Some(format!("{module}.{name}")),
                    _ => None,
                };
                full.and_then(|full| {
                    let names = self.env.functions.names();
                    let of_kind = |name: &str| match name.split_once('.') {
                        Some((module, _)) if !full.contains('.') => module.to_owned(),
                        _ => name.to_owned(),
                    };
                    let names: Vec<String> = names.iter().map(|name| of_kind(name)).collect();
                    crate::nearest::nearest(&full, names.iter().map(String::as_str)).map(str::to_owned)
                })
            }
            _ => None,
        };
        let suggestion = near.map(|n| format!("did you mean '{n}'?"));
        Val::Undefined(Rc::new(Undefined { message, suggestion, kind: RenderErrorKind::JinjaUndefined }))
    }

    fn slice(&self, frame: &Frame, object: &Expr, parts: &[Option<Box<Expr>>; 3]) -> Res<Val> {
        let object = self.eval(frame, object)?;
        let mut bounds = [None; 3];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            if let Some(part) = part {
                *bound = match self.eval(frame, part)?.defined()? {
                    Val::None => None,
                    value => match Num::of(value) {
                        Some(Num::Int(i)) => Some(i),
                        _ => return Err(Fault::failed("slice indices must be integers or None")),
                    },
                };
            }
        }
        let indices = |len: usize| slice_indices(len, bounds);
        Ok(match object.defined()? {
            Val::Str(text) => {
                let chars: Vec<char> = text.chars().collect();
                Val::str(indices(chars.len())?.into_iter().map(|i| chars[i]).collect::<String>())
            }
            Val::List(items) => {
                let items = items.borrow();
                Val::list(indices(items.len())?.into_iter().map(|i| items[i].clone()).collect())
            }
            Val::Tuple(items) => {
                Val::tuple(indices(items.len())?.into_iter().map(|i| items[i].clone()).collect())
            }
            Val::Range(_) => {
                let items = object.iterate()?;
                Val::list(indices(items.len())?.into_iter().map(|i| items[i].clone()).collect())
            }
            // Jinja turns the failed lookup into an undefined value.
            other => Val::undefined(format!("'{} object' has no element of a slice", other.type_name())),
        })
    }
}

/// Returns the indices that a slice selects.
fn slice_indices(len: usize, [start, stop, step]: [Option<i128>; 3]) -> Res<Vec<usize>> {
    let len = i128::try_from(len).unwrap_or(i128::MAX);
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Fault::failed("slice step cannot be zero"));
    }
    let clamp = |value: i128, low: i128, high: i128| {
        (if value < 0 { value.saturating_add(len) } else { value }).clamp(low, high)
    };
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let mut at = start.map_or(if step > 0 { 0 } else { len - 1 }, |s| clamp(s, low, high));
    let end = stop.map_or(if step > 0 { len } else { -1 }, |s| clamp(s, low, high));
    let mut out = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        out.extend(usize::try_from(at).ok());
        at = at.saturating_add(step);
    }
    Ok(out)
}
