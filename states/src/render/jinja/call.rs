//! Calls: macros, functions of the engine, execution functions, loops that call themselves.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use indexmap::IndexMap;
use lab_proto::{Map, Value};

use super::ast::{Expr, ExprKind, Macro, Pos, Template};
use super::engine::{Engine, Frame};
use super::error::{Fault, Res};
use super::output::Out;
use super::scope::Scope;
use super::value::{Dict, DictCell, Key, Object, Range, Text, Val};
use crate::render::error::RenderErrorKind;

/// Evaluated arguments.
#[derive(Clone, Debug, Default)]
pub(super) struct CallArgs {
    pub positional: Vec<Val>,
    pub keyword: Vec<(Text, Val)>,
}

impl CallArgs {
    /// Assigns the arguments to parameter names.
    pub(super) fn bind<const N: usize>(self, what: &str, names: [&str; N]) -> Res<[Option<Val>; N]> {
        let mut bound = [const { None }; N];
        if self.positional.len() > N {
            let message = format!("{what}() takes at most {N} arguments ({} given)", self.positional.len());
            return Err(Fault::failed(message));
        }
        for (slot, value) in bound.iter_mut().zip(self.positional) {
            *slot = Some(value);
        }
        for (name, value) in self.keyword {
            let Some(index) = names.iter().position(|n| *n == &*name) else {
                let near = crate::nearest::nearest(&name, names).map(|n| format!("did you mean '{n}'?"));
                let message = format!("{what}() got an unexpected keyword argument '{name}'");
                return Err(Fault::failed(message).suggest_opt(near));
            };
            if bound[index].replace(value).is_some() {
                return Err(Fault::failed(format!("{what}() got multiple values for argument '{name}'")));
            }
        }
        Ok(bound)
    }
}

/// Takes an argument that must be there.
pub(super) fn required(value: Option<Val>, what: &str, name: &str) -> Res<Val> {
    value.ok_or_else(|| Fault::failed(format!("{what}() missing 1 required positional argument: '{name}'")))
}

impl Engine<'_> {
    /// Evaluates a call expression; a call block adds its `caller`.
    pub(super) fn eval_call(&self, frame: &Frame, expr: &Expr, caller: Option<Val>) -> Res<Val> {
        let ExprKind::Call(function, args) = &expr.kind else {
            return Err(Fault::syntax("expected call").at(expr.pos));
        };
        let function_value = self.eval(frame, function)?;
        let mut args = self.call_args(frame, args)?;
        if let Some(caller) = caller {
            args.keyword.push(("caller".into(), caller));
        }
        self.call(frame, &function_value, args, expr.pos).map_err(|f| f.at(expr.pos))
    }

    pub(super) fn call(&self, frame: &Frame, function: &Val, args: CallArgs, pos: Pos) -> Res<Val> {
        self.tick()?;
        let Val::Object(object) = function.defined()? else {
            return Err(Fault::failed(format!("'{}' object is not callable", function.type_name())));
        };
        match &**object {
            Object::Macro { def, scope, template } => self
                .calling(|| self.call_macro(frame, def, scope, template, args))
                .map_err(|f| f.within(template).called_from(&frame.template, pos)),
            Object::Method(receiver, name) => self.method(receiver, name, args),
            Object::Builtin(name) => self.builtin(frame, name, args),
            Object::SaltFunction(name) => self.salt_call(name, args),
            // `salt` is a mapping, too: `salt.get('mod.fn', default)`.
            Object::SaltModule(module) if &**module == "get" => {
                let [name, default] = args.bind("get", ["key", "default"])?;
                let name: Text = required(name, "get", "key")?.to_text()?.into();
                if self.env.functions.knows(&name) {
                    return Ok(Val::object(Object::SaltFunction(name)));
                }
                Ok(default.unwrap_or(Val::None))
            }
            Object::Loop(state) => {
                let Some((each, scope)) = &state.recursive else {
                    return Err(Fault::failed(
                        "the loop must have the 'recursive' marker to be called recursively",
                    ));
                };
                let items = args.bind("loop", ["iterable"])?[0].clone();
                let items = required(items, "loop", "iterable")?.iterate()?;
                let inner = Frame { scope: Rc::clone(scope), ..frame.clone() };
                let mut out = Out::capture(self.env.limits.output);
                self.calling(|| self.run_loop(&inner, &mut out, each, items, state.depth + 1))?;
                Ok(Val::str(out.into_text()))
            }
            Object::BlockRef(name) => self.block_text(frame, name, 0),
            Object::Super(name, level) => self.block_text(frame, name, *level),
            Object::Joiner { separator, used } => {
                Ok(if used.replace(true) { Val::Str(Rc::clone(separator)) } else { Val::str("") })
            }
            _ => Err(Fault::failed(format!("'{}' object is not callable", function.type_name()))),
        }
    }

    fn block_text(&self, frame: &Frame, name: &Text, level: usize) -> Res<Val> {
        let mut out = Out::capture(self.env.limits.output);
        self.calling(|| self.block(frame, &mut out, name, level))?;
        Ok(Val::str(out.into_text()))
    }

    fn call_macro(
        &self,
        frame: &Frame,
        def: &Rc<Macro>,
        scope: &Rc<Scope>,
        template: &Rc<Template>,
        args: CallArgs,
    ) -> Res<Val> {
        let inner = Frame {
            template: Rc::clone(template),
            scope: Scope::inside(scope),
            blocks: Rc::clone(&frame.blocks),
            loops: 0,
        };
        bind_macro(def, &inner.scope, args)?;
        let first_default = def.params.len() - def.defaults.len();
        for (index, param) in def.params.iter().enumerate() {
            if inner.scope.has(param) {
                continue;
            }
            let value = match index.checked_sub(first_default) {
                Some(at) => self.eval(&inner, &def.defaults[at])?,
                None => Val::not_given(format!("parameter '{param}' was not provided")),
            };
            inner.scope.set(param, value);
        }
        let text = self.capture(&inner, &def.body)?;
        Ok(Val::str(text))
    }

    pub(super) fn salt_call(&self, name: &Text, args: CallArgs) -> Res<Val> {
        self.spend(100)?;
        let positional = args.positional.iter().map(Val::to_data).collect::<Res<Vec<_>>>()?;
        let mut keyword = Map::new();
        for (key, value) in &args.keyword {
            keyword.insert(Value::from(&**key), value.to_data()?);
        }
        match self.env.functions.call(name, &positional, &keyword) {
            // Pillar is ordered also where a function gives it, but for what it laid over a default.
            Ok(value) if matches!(&**name, "pillar.get" | "pillar.items" | "pillar.item") => {
                let found = Val::from_ordered_data(&value);
                let merged = keyword.get("merge").or(positional.get(2)).is_some_and(Value::truthy);
                match &found {
                    Val::Dict(dict) if merged => Ok(Val::dict(dict.borrow().clone())),
                    _ => Ok(found),
                }
            }
            Ok(value) => {
                let named = || args.keyword.iter().find(|(key, _)| &**key == "dest").map(|(_, value)| value);
                let dest = args.positional.first().or_else(named);
                match (changes_deeply(name, &positional, &keyword), dest) {
                    (Some(deep), Some(Val::Dict(dest))) => {
                        adopt(dest, &value, deep)?;
                        Ok(Val::Dict(Rc::clone(dest)))
                    }
                    _ => Ok(Val::from_data(&value)),
                }
            }
            Err(error) if error.refused => Err(Fault::new(
                RenderErrorKind::Function,
                format!("problem running salt function '{name}': {}", error.message),
            )),
            Err(error) => Err(Fault::failed(format!("salt function '{name}' failed: {}", error.message))),
        }
    }

    fn builtin(&self, frame: &Frame, name: &str, args: CallArgs) -> Res<Val> {
        match name {
            "range" => range(args),
            "dict" => make_dict(args),
            "namespace" => {
                let mut attributes = IndexMap::new();
                for source in &args.positional {
                    if let Val::Dict(dict) = source {
                        for (key, value) in dict.borrow().iter() {
                            attributes.insert(key.0.to_text()?.into(), value.clone());
                        }
                    }
                }
                attributes.extend(args.keyword);
                Ok(Val::object(Object::Namespace(RefCell::new(attributes))))
            }
            "cycler" if args.positional.is_empty() => {
                Err(Fault::failed("at least one item has to be provided"))
            }
            "cycler" => Ok(Val::object(Object::Cycler { items: args.positional, at: Cell::new(0) })),
            "joiner" => {
                let [separator] = args.bind("joiner", ["sep"])?;
                let separator = separator.map_or(Ok(", ".to_owned()), |s| s.to_text())?;
                Ok(Val::object(Object::Joiner { separator: separator.into(), used: Cell::new(false) }))
            }
            "raise" => {
                let [message] = args.bind("raise", ["msg"])?;
                Err(Fault::failed(required(message, "raise", "msg")?.to_text()?))
            }
            "lipsum" => Ok(Val::str("Lorem ipsum dolor sit amet, consectetur adipiscing elit.")),
            "show_full_context" => {
                let mut dict = Dict::new();
                for name in frame.scope.names() {
                    let value = self.lookup(frame, &name);
                    if !matches!(value, Val::Object(_)) {
                        dict.insert(Key(Val::Str(name)), value);
                    }
                }
                Ok(Val::dict(dict))
            }
            // Defined for conditions only.
            _ => self.python_function(frame, name, args),
        }
    }
}

fn bind_macro(def: &Macro, scope: &Scope, args: CallArgs) -> Res<()> {
    let mut positional = args.positional.into_iter();
    for param in &def.params {
        match positional.next() {
            Some(value) => scope.set(param, value),
            None => break,
        }
    }
    let rest: Vec<Val> = positional.collect();
    let mut keyword = Dict::new();
    let mut caller = None;
    for (name, value) in args.keyword {
        if def.params.contains(&name) {
            if scope.has(&name) {
                let message = format!("macro '{}' got multiple values for argument '{name}'", def.name);
                return Err(Fault::failed(message));
            }
            scope.set(&name, value);
        } else if &*name == "caller" && def.uses_caller {
            caller = Some(value);
        } else {
            keyword.insert(Key(Val::Str(name)), value);
        }
    }
    if def.uses_caller && !def.params.iter().any(|p| &**p == "caller") {
        scope.set(&"caller".into(), caller.unwrap_or_else(|| Val::undefined("no caller defined")));
    }
    if def.uses_kwargs {
        scope.set(&"kwargs".into(), Val::dict(keyword));
    } else if let Some((name, _)) = keyword.first() {
        let name = name.0.to_text()?;
        let near = crate::nearest::nearest(&name, def.params.iter().map(|p| &**p));
        return Err(Fault::failed(format!("macro '{}' takes no keyword argument '{name}'", def.name))
            .suggest_opt(near.map(|n| format!("did you mean '{n}'?"))));
    }
    if def.uses_varargs {
        scope.set(&"varargs".into(), Val::tuple(rest));
    } else if !rest.is_empty() {
        let message = format!("macro '{}' takes not more than {} argument(s)", def.name, def.params.len());
        return Err(Fault::failed(message));
    }
    Ok(())
}

/// Tells whether a function changes the mapping that it is given and returns it, and whether mappings in that one stay
/// what they are: `{% do salt['defaults.merge'](map, more) %}`.
fn changes_deeply(name: &str, positional: &[Value], keyword: &Map) -> Option<bool> {
    let says = |word: &str, at: usize| keyword.get(word).or(positional.get(at)).is_none_or(Value::truthy);
    match name {
        "defaults.merge" => says("in_place", 3).then_some(true),
        "defaults.update" => says("in_place", 3).then_some(false),
        "slsutil.update" => Some(says("recursive_update", 2)),
        _ => None,
    }
}

/// Gives a mapping the entries of its successor. What is the same stays the object that it is; so do mappings in it, if
/// the change goes deep.
fn adopt(dest: &DictCell, new: &Value, deep: bool) -> Res<()> {
    for (key, value) in new.as_map().into_iter().flatten() {
        let key = Key(Val::from_data(key));
        let old = dest.borrow().get(&key).cloned();
        match (old, value) {
            (Some(Val::Dict(inner)), Value::Map(_)) if deep => adopt(&inner, value, true)?,
            (Some(old), value) if old.to_data()? == *value => {}
            (_, value) => {
                dest.borrow_mut().insert(key, Val::from_data(value));
            }
        }
    }
    Ok(())
}

fn range(args: CallArgs) -> Res<Val> {
    let mut numbers = Vec::with_capacity(3);
    for value in &args.positional {
        match value.defined()? {
            Val::Int(i) => numbers.push(*i),
            Val::Bool(b) => numbers.push(i128::from(*b)),
            other => {
                let message = format!("'{}' object cannot be interpreted as an integer", other.type_name());
                return Err(Fault::failed(message));
            }
        }
    }
    let (start, stop, step) = match numbers[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] if step != 0 => (start, stop, step),
        [_, _, _] => return Err(Fault::failed("range() arg 3 must not be zero")),
        _ => return Err(Fault::failed("range expected 1 to 3 arguments")),
    };
    let bounded = |n: i128| n.abs() < 1 << 62;
    if !bounded(start) || !bounded(stop) || !bounded(step) {
        return Err(Fault::bounds("range() with numbers that large"));
    }
    let range = Range { start, stop, step };
    // The limit of Jinja's sandbox.
    if range.len() > 100_000 {
        return Err(Fault::failed("range too big: the sandbox blocks ranges larger than MAX_RANGE (100000)"));
    }
    Ok(Val::Range(Rc::new(range)))
}

/// `dict(…)` of a mapping or of pairs, and of keyword arguments.
pub(super) fn make_dict(args: CallArgs) -> Res<Val> {
    let mut dict = Dict::new();
    if let Some(source) = args.positional.first() {
        extend_dict(&mut dict, source)?;
    }
    for (name, value) in args.keyword {
        dict.insert(Key(Val::Str(name)), value);
    }
    Ok(Val::dict(dict))
}

/// Puts the entries of a mapping, or pairs, into a mapping.
pub(super) fn extend_dict(dict: &mut Dict, source: &Val) -> Res<()> {
    if let Val::Dict(other) = source {
        dict.extend(other.borrow().iter().map(|(k, v)| (k.clone(), v.clone())));
        return Ok(());
    }
    for (index, pair) in source.iterate()?.iter().enumerate() {
        match &pair.iterate()?[..] {
            [key, value] => dict.insert(Key::new(key.clone())?, value.clone()),
            other => {
                return Err(Fault::failed(format!(
                    "dictionary update sequence element #{index} has length {}; 2 is required",
                    other.len()
                )));
            }
        };
    }
    Ok(())
}
