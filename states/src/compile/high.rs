//! The high state: what the SLS files declare, by ID, before it is worked out.
//!
//! Shapes that are wrong are kept as far as they can be and reported by [`super::verify`], so that one run of the
//! compiler names every mistake.

use std::sync::Arc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use lab_proto::{Text, Value};

use super::error::{CompileError, ErrorKind};
use super::modules::Modules;
use crate::low::At;
use crate::render::RenderedSls;
use crate::render::yaml::{Data, Node, Span};

/// Everything that a set of SLS files declares.
#[derive(Clone, Debug, Default)]
pub struct HighState {
    /// The declarations by ID, in Salt's order: an SLS before what it includes.
    pub ids: IndexMap<Text, Declaration, RandomState>,
    /// The `extend` entries, in order.
    pub extends: Vec<(Text, Declaration)>,
    /// The `exclude` entries.
    pub excludes: Vec<Exclude>,
}

/// One ID.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The SLS that holds it.
    pub sls: Arc<str>,
    /// Its environment.
    pub env: Arc<str>,
    /// The SLS that included its SLS, nearest first.
    pub included_from: Vec<Arc<str>>,
    /// Its state modules.
    pub modules: Modules,
    /// Where it stands.
    pub at: At,
}

/// What stands under a state module.
#[derive(Clone, Debug)]
pub enum Body {
    /// A list of arguments and the function's name.
    List(Vec<Arg>),
    /// Nothing.
    Nothing(At),
    /// Something that is no list.
    Other(At, &'static str),
}

/// One entry of a state's list.
#[derive(Clone, Debug)]
pub struct Arg {
    /// What it is.
    pub what: What,
    /// Where it stands.
    pub at: At,
}

/// What an entry of a state's list is.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The function's name.
    Function(Text),
    /// An argument; several where the indentation made one mapping of them. Never empty.
    Pairs(Vec<(Value, Value)>),
}

impl Arg {
    /// Makes an argument that was written nowhere.
    pub fn made(key: &str, value: Value, at: &At) -> Self {
        Self { what: What::Pairs(vec![(Value::from(key), value)]), at: at.clone() }
    }

    /// Returns the first key and its value; Salt looks at no other where it looks for a certain argument.
    pub fn first(&self) -> Option<(&str, &Value)> {
        match &self.what {
            What::Pairs(pairs) => pairs.first().and_then(|(k, v)| Some((k.as_str()?, v))),
            What::Function(_) => None,
        }
    }

    /// Returns key and value of an entry that has only one.
    pub fn single(&self) -> Option<(&str, &Value)> {
        match &self.what {
            What::Pairs(pairs) if pairs.len() == 1 => self.first(),
            _ => None,
        }
    }

    /// Returns the function's name.
    pub fn function(&self) -> Option<&str> {
        if let What::Function(name) = &self.what { Some(name) } else { None }
    }
}

impl Body {
    /// Returns the entries; none for a body of the wrong shape.
    pub fn args(&self) -> &[Arg] {
        if let Self::List(args) = self { args } else { &[] }
    }

    /// Returns the entries, to be changed.
    pub fn args_mut(&mut self) -> Option<&mut Vec<Arg>> {
        if let Self::List(args) = self { Some(args) } else { None }
    }
}

/// What is left out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exclude {
    /// Every ID of an SLS; wildcards allowed.
    Sls(String),
    /// One ID.
    Id(String),
}

/// Reads the declarations of one SLS, without its includes.
pub(super) struct Reader<'a> {
    sls: Arc<str>,
    env: Arc<str>,
    files: Vec<Arc<str>>,
    errors: &'a mut Vec<CompileError>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        rendered: &RenderedSls,
        sls: &Arc<str>,
        env: &Arc<str>,
        errors: &'a mut Vec<CompileError>,
    ) -> Self {
        let mut files: Vec<Arc<str>> = rendered.files.iter().map(|f| Arc::from(f.as_str())).collect();
        if files.is_empty() {
            files.push(Arc::from(rendered.path.as_str()));
        }
        Self { sls: sls.clone(), env: env.clone(), files, errors }
    }

    pub(super) fn at(&self, span: Span) -> At {
        let file = self.files.get(span.file as usize).unwrap_or(&self.files[0]);
        At { file: file.clone(), line: span.line, column: span.column }
    }

    pub(super) fn fail(&mut self, kind: ErrorKind, span: Span, message: String, remedy: &str) {
        let error = CompileError::new(kind, &self.at(span), message).remedy(remedy);
        self.errors.push(error);
    }

    pub(super) fn read(&mut self, document: &[(Node, Node)]) -> HighState {
        let mut high = HighState::default();
        high.ids.reserve(document.len());
        for (key, value) in document {
            match key.as_str() {
                Some("include") => {}
                Some("extend") => self.extends(value, &mut high),
                Some("exclude") => self.excludes(value, &mut high),
                Some(id) => {
                    if let Some(declaration) = self.declaration(id, key, value) {
                        high.ids.insert(id.into(), declaration);
                    }
                }
                None => {
                    let text = key.to_value().to_string();
                    let message = format!("the ID {text} is read as {}, not as text", article(key.kind()));
                    self.fail(ErrorKind::IdNotAString, key.span, message, &format!("quote it: '{text}':"));
                }
            }
        }
        high
    }

    fn empty(&self, span: Span) -> Declaration {
        Declaration {
            sls: self.sls.clone(),
            env: self.env.clone(),
            included_from: Vec::new(),
            modules: Modules::default(),
            at: self.at(span),
        }
    }

    fn declaration(&mut self, id: &str, key: &Node, value: &Node) -> Option<Declaration> {
        let mut declaration = self.empty(key.span);
        match &value.data {
            Data::Map(entries) => self.modules(id, entries, &mut declaration),
            Data::Scalar(Value::Str(short)) if short.contains('.') => {
                let mut parts = short.split('.');
                let (module, function) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
                let function = Arg { what: What::Function(function.into()), at: self.at(value.span) };
                declaration.modules.insert(module.into(), Body::List(vec![function]));
            }
            _ => {
                let message = format!("the ID {id} has {} as its body", article(value.kind()));
                let remedy = "write a state below it: `module.function:` and its arguments as a list";
                self.fail(ErrorKind::IdNotAMapping, key.span, message, remedy);
                return None;
            }
        }
        Some(declaration)
    }

    /// Reads the modules of an ID. As in Salt, those written `module.function` come after those written `module`.
    fn modules(&mut self, id: &str, entries: &[(Node, Node)], into: &mut Declaration) {
        let mut dotted = Vec::new();
        for (key, value) in entries {
            let Some(name) = key.as_str() else {
                let message =
                    format!("under ID {id} stands {} where a state is expected", article(key.kind()));
                self.fail(ErrorKind::Other, key.span, message, "write `module.function:`");
                continue;
            };
            if name.starts_with('_') {
                continue;
            }
            let (module, function) = match (name.split_once('.'), &value.data) {
                (Some((module, rest)), Data::List(_)) => {
                    (module, Some(rest.split('.').next().unwrap_or(rest)))
                }
                _ => (name, None),
            };
            // Salt overlooks `file:` behind `file.managed:` and keeps the latter; trees rely on stranger things.
            if function.is_none() && dotted.iter().any(|(m, _)| m == module) {
                continue;
            }
            let seen = into.modules.contains_key(module) || dotted.iter().any(|(m, _)| m == module);
            if seen {
                let message = format!("the ID {id} uses the state module {module} twice");
                let remedy = "give the second one an ID of its own; an ID can use each module once";
                self.fail(ErrorKind::SameTypeTwice, key.span, message, remedy);
                continue;
            }
            let mut body = self.body(key, value);
            match (function, body.args_mut()) {
                (Some(function), Some(args)) => {
                    args.push(Arg { what: What::Function(function.into()), at: self.at(key.span) });
                    dotted.push((Text::from(module), body));
                }
                _ => {
                    into.modules.insert(name.into(), body);
                }
            }
        }
        into.modules.extend(dotted);
    }

    fn body(&self, key: &Node, value: &Node) -> Body {
        match &value.data {
            Data::List(items) => {
                // The function's name and the order come behind them.
                let mut args = Vec::with_capacity(items.len() + 2);
                args.extend(items.iter().filter_map(|i| self.arg(i)));
                Body::List(args)
            }
            Data::Scalar(Value::Null) => Body::Nothing(self.at(key.span)),
            _ => Body::Other(self.at(key.span), value.kind()),
        }
    }

    fn arg(&self, item: &Node) -> Option<Arg> {
        let what = match &item.data {
            Data::Scalar(Value::Str(function)) => What::Function(function.clone()),
            Data::Map(entries) if !entries.is_empty() => {
                What::Pairs(entries.iter().map(|(k, v)| (k.to_value(), v.to_value())).collect())
            }
            // Salt looks at nothing else.
            _ => return None,
        };
        Some(Arg { what, at: self.at(item.span) })
    }

    fn extends(&mut self, value: &Node, high: &mut HighState) {
        let remedy = "write the IDs below `extend:` as a mapping, each with its state module and arguments";
        let Data::Map(entries) = &value.data else {
            let message = format!("extend is {}", article(value.kind()));
            self.fail(ErrorKind::ExtendNotAMapping, value.span, message, remedy);
            return;
        };
        for (key, body) in entries {
            let id = key.to_value().to_string();
            let Data::Map(modules) = &body.data else {
                let message = format!("the entry {id} of extend is {}", article(body.kind()));
                self.fail(ErrorKind::ExtendNotAMapping, key.span, message, remedy);
                continue;
            };
            let mut declaration = self.empty(key.span);
            self.modules(&id, modules, &mut declaration);
            high.extends.push((id.into(), declaration));
        }
    }

    fn excludes(&mut self, value: &Node, high: &mut HighState) {
        let Data::List(items) = &value.data else {
            let message = format!("exclude is {}", article(value.kind()));
            let remedy = "write a list: `- sls: NAME` or `- id: ID`";
            self.fail(ErrorKind::ExcludeNotAList, value.span, message, remedy);
            return;
        };
        for item in items {
            let text = |name: &str| item.get(name).and_then(Node::as_str).map(str::to_owned);
            high.excludes.extend(match &item.data {
                Data::Scalar(Value::Str(sls)) => Some(Exclude::Sls(sls.to_string())),
                Data::Map(entries) if entries.len() == 1 => {
                    text("sls").map(Exclude::Sls).or_else(|| text("id").map(Exclude::Id))
                }
                _ => None,
            });
        }
    }
}

pub(crate) fn article(kind: &str) -> String {
    let an = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    if kind == "null" { "nothing".to_owned() } else { format!("{} {kind}", if an { "an" } else { "a" }) }
}
