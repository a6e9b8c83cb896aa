//! Values as templates see them: Python's, with shared lists and mappings that can be changed.

pub(super) mod data;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

use indexmap::{Equivalent, IndexMap};

use super::ast::{For, Macro, Template};
use super::drop::bury;
use super::error::{Fault, Res};
use super::scope::Scope;
use super::walk;
use crate::render::error::RenderErrorKind;

pub(super) type Text = Rc<str>;
pub(super) type Dict = IndexMap<Key, Val>;

/// A mapping that can be changed. `ordered` marks one that Salt holds as an `OrderedDict` (pillar, and what a state
/// gives to a template): it looks the same, but YAML keeps its order where other mappings are sorted.
#[derive(Debug)]
pub(super) struct DictCell {
    entries: RefCell<Dict>,
    pub(super) ordered: bool,
}

impl DictCell {
    pub(super) fn new(entries: Dict) -> Rc<Self> {
        Rc::new(Self { entries: RefCell::new(entries), ordered: false })
    }

    /// Returns a copy of the mapping, of the same kind.
    pub(super) fn copied(&self) -> Val {
        Val::Dict(Rc::new(Self { entries: self.entries.clone(), ordered: self.ordered }))
    }
}

impl Deref for DictCell {
    type Target = RefCell<Dict>;

    fn deref(&self) -> &RefCell<Dict> {
        &self.entries
    }
}

impl Drop for DictCell {
    fn drop(&mut self) {
        bury(std::mem::take(self.entries.get_mut()).into_iter().flat_map(|(key, value)| [key.0, value]));
    }
}

/// A list that can be changed.
#[derive(Debug)]
pub(super) struct ListCell(RefCell<Vec<Val>>);

impl Deref for ListCell {
    type Target = RefCell<Vec<Val>>;

    fn deref(&self) -> &RefCell<Vec<Val>> {
        &self.0
    }
}

impl Drop for ListCell {
    fn drop(&mut self) {
        bury(std::mem::take(self.0.get_mut()));
    }
}

/// A tuple; one that is named can also be asked for its items by their names.
#[derive(Debug)]
pub(super) struct Tuple {
    items: Vec<Val>,
    names: Option<&'static Names>,
}

/// What makes a tuple a named one.
#[derive(Debug)]
pub(super) struct Names {
    type_name: &'static str,
    fields: &'static [&'static str],
}

/// One group of `groupby`.
pub(super) const GROUP: Names = Names { type_name: "_GroupTuple", fields: &["grouper", "list"] };

impl Tuple {
    /// Returns the item that has a name.
    pub(super) fn named(&self, name: &str) -> Option<&Val> {
        let at = self.names?.fields.iter().position(|field| *field == name)?;
        self.items.get(at)
    }
}

impl Deref for Tuple {
    type Target = [Val];

    fn deref(&self) -> &[Val] {
        &self.items
    }
}

impl Drop for Tuple {
    fn drop(&mut self) {
        bury(std::mem::take(&mut self.items));
    }
}

/// What a generator has left.
#[derive(Debug)]
pub(super) struct IterCell(RefCell<VecDeque<Val>>);

impl Deref for IterCell {
    type Target = RefCell<VecDeque<Val>>;

    fn deref(&self) -> &RefCell<VecDeque<Val>> {
        &self.0
    }
}

impl Drop for IterCell {
    fn drop(&mut self) {
        bury(std::mem::take(self.0.get_mut()));
    }
}

/// A value. What holds others drops them without recursion ([`bury`]).
#[derive(Clone, Debug)]
pub(super) enum Val {
    Undefined(Rc<Undefined>),
    /// What a condition without `else` gives: not defined either, but it may be printed and asked for its truth.
    Nothing,
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Text),
    Bytes(Rc<[u8]>),
    List(Rc<ListCell>),
    Tuple(Rc<Tuple>),
    Dict(Rc<DictCell>),
    Set(Rc<DictCell>),
    Range(Rc<Range>),
    /// What `dict.items()` and its like return: can be iterated again and again.
    View(Rc<View>),
    /// A generator: can be iterated once.
    Iter(Rc<IterCell>),
    Object(Rc<Object>),
}

/// A name, attribute or element that is not there; using it is an error, asking whether it is defined is not.
#[derive(Debug)]
pub(super) struct Undefined {
    pub message: String,
    pub suggestion: Option<String>,
    /// What kind of mistake using it is.
    pub kind: RenderErrorKind,
}

#[derive(Debug)]
pub(super) struct Range {
    pub start: i128,
    pub stop: i128,
    pub step: i128,
}

#[derive(Debug)]
pub(super) struct View {
    pub kind: &'static str,
    pub items: Vec<Val>,
}

/// Things that are no data.
#[derive(Debug)]
pub(super) enum Object {
    Macro {
        def: Rc<Macro>,
        scope: Rc<Scope>,
        template: Rc<Template>,
    },
    Loop(Loop),
    Namespace(RefCell<IndexMap<Text, Val>>),
    Module {
        name: Text,
        vars: IndexMap<Text, Val>,
        text: Text,
    },
    /// A method of a value, not called yet.
    Method(Val, Text),
    /// A function of the engine.
    Builtin(&'static str),
    /// `salt`
    Salt,
    /// `salt.module`
    SaltModule(Text),
    /// `salt['module.function']`, which is also a value.
    SaltFunction(Text),
    Cycler {
        items: Vec<Val>,
        at: Cell<usize>,
    },
    Joiner {
        separator: Text,
        used: Cell<bool>,
    },
    /// `self.block`
    BlockRef(Text),
    SelfRef,
    /// `super()` at a depth of the chain of blocks.
    Super(Text, usize),
}

impl Drop for View {
    fn drop(&mut self) {
        bury(std::mem::take(&mut self.items));
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        match self {
            Self::Namespace(attributes) => bury(std::mem::take(attributes.get_mut()).into_values()),
            Self::Module { vars, .. } => bury(std::mem::take(vars).into_values()),
            Self::Method(of, _) => bury([std::mem::replace(of, Val::None)]),
            Self::Cycler { items, .. } => bury(std::mem::take(items)),
            Self::Loop(state) => bury(std::mem::take(&mut state.items)),
            _ => {}
        }
    }
}

/// The state of a `for` loop.
#[derive(Debug)]
pub(super) struct Loop {
    pub items: Vec<Val>,
    pub at: Cell<usize>,
    pub depth: usize,
    pub changed: RefCell<Option<Vec<Val>>>,
    /// What `loop(…)` runs again.
    pub recursive: Option<(Rc<For>, Rc<Scope>)>,
}

impl Range {
    pub(super) fn len(&self) -> usize {
        let span = if self.step > 0 { self.stop - self.start } else { self.start - self.stop };
        if span <= 0 {
            return 0;
        }
        usize::try_from((span - 1) / self.step.abs() + 1).unwrap_or(usize::MAX)
    }

    pub(super) fn get(&self, index: usize) -> Option<Val> {
        let index = (index < self.len()).then(|| i128::try_from(index).ok())??;
        Some(Val::Int(self.start + index * self.step))
    }
}

impl Val {
    pub(super) fn str(text: impl Into<Text>) -> Self {
        Self::Str(text.into())
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(ListCell(RefCell::new(items))))
    }

    pub(super) fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(Rc::new(Tuple { items, names: None }))
    }

    pub(super) fn named_tuple(names: &'static Names, items: Vec<Self>) -> Self {
        Self::Tuple(Rc::new(Tuple { items, names: Some(names) }))
    }

    pub(super) fn dict(entries: Dict) -> Self {
        Self::Dict(DictCell::new(entries))
    }

    pub(super) fn generator(items: Vec<Self>) -> Self {
        Self::Iter(Rc::new(IterCell(RefCell::new(items.into()))))
    }

    pub(super) fn object(object: Object) -> Self {
        Self::Object(Rc::new(object))
    }

    pub(super) fn undefined(message: impl Into<String>) -> Self {
        let kind = RenderErrorKind::JinjaUndefined;
        Self::Undefined(Rc::new(Undefined { message: message.into(), suggestion: None, kind }))
    }

    /// A parameter that no argument was given for.
    pub(super) fn not_given(message: impl Into<String>) -> Self {
        let kind = RenderErrorKind::NotGiven;
        Self::Undefined(Rc::new(Undefined { message: message.into(), suggestion: None, kind }))
    }

    pub(super) fn from_usize(n: usize) -> Self {
        Self::Int(i128::try_from(n).unwrap_or(i128::MAX))
    }

    /// Tells whether it may hold other values.
    pub(super) fn may_hold(&self) -> bool {
        match self {
            Self::List(_) | Self::Tuple(_) | Self::Dict(_) | Self::Set(_) => true,
            Self::View(_) | Self::Iter(_) | Self::Object(_) => true,
            Self::Undefined(_) | Self::Nothing | Self::None => false,
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => false,
            Self::Str(_) | Self::Bytes(_) | Self::Range(_) => false,
        }
    }

    pub(super) fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_) | Self::Nothing)
    }

    /// Refuses an undefined value, as every use of one does.
    pub(super) fn defined(&self) -> Res<&Self> {
        match self {
            Self::Undefined(u) => {
                Err(Fault::new(u.kind, u.message.clone()).suggest_opt(u.suggestion.clone()))
            }
            other => Ok(other),
        }
    }

    /// Names the type as Python does.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Undefined(_) => "StrictUndefined",
            Self::Nothing => "Undefined",
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(tuple) => tuple.names.map_or("tuple", |names| names.type_name),
            Self::Dict(_) => "dict",
            Self::Set(_) => "set",
            Self::Range(_) => "range",
            Self::View(view) => view.kind,
            Self::Iter(_) => "generator",
            Self::Object(object) => match &**object {
                Object::Macro { .. } => "Macro",
                Object::Loop(_) => "LoopContext",
                Object::Namespace(_) => "Namespace",
                Object::Module { .. } => "TemplateModule",
                Object::Method(..) => "builtin_function_or_method",
                Object::Builtin(_) | Object::SaltFunction(_) => "function",
                Object::Salt => "AliasedLoader",
                Object::SaltModule(_) => "AliasedModule",
                Object::Cycler { .. } => "Cycler",
                Object::Joiner { .. } => "Joiner",
                Object::BlockRef(_) | Object::Super(..) => "BlockReference",
                Object::SelfRef => "TemplateReference",
            },
        }
    }

    /// Tells whether Python takes the value as true.
    pub(super) fn truthy(&self) -> Res<bool> {
        Ok(match self.defined()? {
            Self::None => false,
            Self::Bool(b) => *b,
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::Str(s) => !s.is_empty(),
            Self::Bytes(b) => !b.is_empty(),
            Self::List(l) => !l.borrow().is_empty(),
            Self::Tuple(l) => !l.is_empty(),
            Self::Dict(d) | Self::Set(d) => !d.borrow().is_empty(),
            Self::Range(r) => r.len() > 0,
            Self::View(v) => !v.items.is_empty(),
            Self::Nothing => false,
            Self::Undefined(_) | Self::Iter(_) | Self::Object(_) => true,
        })
    }

    /// Returns the items that a `for` loop visits. A generator is used up.
    pub(super) fn iterate(&self) -> Res<Vec<Self>> {
        Ok(match self.defined()? {
            Self::Str(s) => s.chars().map(|c| Self::str(c.encode_utf8(&mut [0; 4]) as &str)).collect(),
            Self::Bytes(b) => b.iter().map(|b| Self::Int(i128::from(*b))).collect(),
            Self::List(l) => l.borrow().clone(),
            Self::Tuple(l) => l.to_vec(),
            Self::Dict(d) | Self::Set(d) => d.borrow().keys().map(|k| k.0.clone()).collect(),
            Self::Range(r) => {
                if r.len() > 1_000_000 {
                    return Err(Fault::bounds("a range of more than 1000000 numbers"));
                }
                (0..r.len()).filter_map(|i| r.get(i)).collect()
            }
            Self::View(v) => v.items.clone(),
            Self::Nothing => Vec::new(),
            Self::Iter(i) => i.borrow_mut().drain(..).collect(),
            Self::Object(object) if matches!(**object, Object::Loop(_)) => {
                let Object::Loop(state) = &**object else { return Ok(Vec::new()) };
                state.items[(state.at.get() + 1).min(state.items.len())..].to_vec()
            }
            other => return Err(Fault::failed(format!("'{}' object is not iterable", other.type_name()))),
        })
    }

    /// Returns the number of items.
    pub(super) fn len(&self) -> Res<usize> {
        Ok(match self.defined()? {
            Self::Str(s) => s.chars().count(),
            Self::Bytes(b) => b.len(),
            Self::List(l) => l.borrow().len(),
            Self::Tuple(l) => l.len(),
            Self::Dict(d) | Self::Set(d) => d.borrow().len(),
            Self::Range(r) => r.len(),
            Self::View(v) => v.items.len(),
            Self::Nothing => 0,
            Self::Object(object) if matches!(**object, Object::Loop(_)) => {
                let Object::Loop(state) = &**object else { return Ok(0) };
                state.items.len()
            }
            other => {
                return Err(Fault::failed(format!("object of type '{}' has no len()", other.type_name())));
            }
        })
    }
}

/// A value as a key of a mapping; 1, 1.0 and true are one key.
#[derive(Clone, Debug)]
pub(super) struct Key(pub Val);

impl Key {
    /// Makes a key.
    ///
    /// # Errors
    /// When the value can change, as lists and mappings can, and when it is nested too deeply.
    pub(super) fn new(value: Val) -> Res<Self> {
        Self::check(&value, 0)?;
        Ok(Self(value))
    }

    fn check(value: &Val, depth: usize) -> Res<()> {
        if depth > 100 {
            return Err(data::too_deep());
        }
        match value.defined()? {
            Val::List(_) | Val::Dict(_) | Val::Set(_) => {
                Err(Fault::failed(format!("unhashable type: '{}'", value.type_name())))
            }
            Val::Tuple(items) => {
                for item in items.iter() {
                    walk::see()?;
                    Self::check(item, depth + 1)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        super::ops::equal(&self.0, &other.0).unwrap_or(false)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            // As the bare `str`, so that lookups by `&str` find it.
            Val::Str(s) => s.hash(state),
            Val::Bool(b) => i128::from(*b).hash(state),
            Val::Int(i) => i.hash(state),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the guard holds only for whole numbers in range"
            )]
            Val::Float(f) if f.fract() == 0.0 && f.abs() < 1e30 => (*f as i128).hash(state),
            Val::Float(f) => f.to_bits().hash(state),
            Val::Tuple(items) => {
                for item in items.iter() {
                    // What is too much makes the next step fail.
                    if walk::see().is_err() {
                        return;
                    }
                    Self(item.clone()).hash(state);
                }
            }
            other => std::mem::discriminant(other).hash(state),
        }
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        matches!(&key.0, Val::Str(s) if **s == *self)
    }
}
