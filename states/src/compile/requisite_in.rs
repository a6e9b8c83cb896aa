//! Turns requisites that name their target (`require_in`, `prereq`, `use`, …) into extensions of the target.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use lab_proto::{Text, Value};

use super::error::{CompileError, ErrorKind};
use super::extend::Finder;
use super::high::{Arg, Body, Declaration, HighState, What};
use super::modules::Modules;

const KEYS: [&str; 8] =
    ["require_in", "watch_in", "onfail_in", "onchanges_in", "use", "use_in", "prereq", "prereq_in"];

/// What `use` never copies, besides what the target has itself.
const NOT_USED: [&str; 15] = [
    "require_in",
    "watch_in",
    "onfail_in",
    "onchanges_in",
    "use",
    "use_in",
    "prereq",
    "prereq_in",
    "require",
    "watch",
    "onfail",
    "onfail_stop",
    "onchanges",
    "name",
    "names",
];

/// Lists the extensions that the high state asks for.
pub(super) fn extensions(high: &HighState, errors: &mut Vec<CompileError>) -> Vec<(Text, Declaration)> {
    let mut work = Work { high, out: IndexMap::default(), finder: None, nowhere: Arc::from(""), errors };
    for (id, declaration) in &high.ids {
        for (module, body) in declaration.modules.iter() {
            for arg in body.args() {
                if let Some((key, value)) = arg.first().filter(|(key, _)| KEYS.contains(key)) {
                    work.argument(&Origin { id, module, declaration, arg }, key, value);
                }
            }
        }
    }
    work.out.into_iter().collect()
}

/// The state that a requisite is written in.
struct Origin<'a> {
    id: &'a Text,
    module: &'a Text,
    declaration: &'a Declaration,
    arg: &'a Arg,
}

struct Work<'a> {
    high: &'a HighState,
    out: IndexMap<Text, Declaration, RandomState>,
    finder: Option<Finder>,
    /// The name of no SLS.
    nowhere: Arc<str>,
    errors: &'a mut Vec<CompileError>,
}

impl Work<'_> {
    fn argument(&mut self, origin: &Origin<'_>, key: &str, value: &Value) {
        let items: Cow<'_, [Value]> = match value {
            Value::List(items) => Cow::Borrowed(items),
            // One mapping in place of a list; Salt knows it for the `_in` forms only.
            Value::Map(map) if key.ends_with("_in") => {
                map.iter().map(|(k, v)| Value::Map([(k.clone(), v.clone())].into_iter().collect())).collect()
            }
            _ => return,
        };
        if let [item] = &*items
            && let [(target, module)] = &self.targets(origin, key, item)[..]
        {
            self.target(origin, key, target, module);
            return;
        }
        let mut seen = HashSet::new();
        for item in items.iter() {
            for (target, module) in self.targets(origin, key, item) {
                if seen.insert((target.clone(), module.clone())) {
                    self.target(origin, key, &target, &module);
                }
            }
        }
    }

    /// Works out which IDs and modules one entry means.
    fn targets(&mut self, origin: &Origin<'_>, key: &str, item: &Value) -> Vec<(Text, Text)> {
        let (module, name) = match item {
            Value::Map(map) => match map.first() {
                Some((Value::Str(module), Value::Str(name))) => (module.clone(), name.clone()),
                // What is no text names no state either: it is refused as an unknown one.
                Some((
                    Value::Str(module),
                    name @ (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_)),
                )) if key.ends_with("_in") && key != "use_in" => {
                    (module.clone(), crate::render::python_literal(name).unwrap_or_default().into())
                }
                _ => return Vec::new(),
            },
            Value::Str(bare) => match self.bare(bare) {
                Some(found) => found,
                // Salt says nothing about an unknown bare ID, and trees rely on that.
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        if module == "sls" {
            return self.of_sls(&name);
        }
        if let Some((short, _)) = module.split_once('.') {
            let message =
                format!("{key} of ID {} names {module}; a requisite names the module only", origin.id);
            let error = CompileError::new(ErrorKind::RequisiteWithDot, &origin.arg.at, message);
            self.errors.push(error.remedy(format!("write `- {short}: {name}`")));
        }
        vec![(name, module)]
    }

    /// Finds module and ID of what a bare ID means: the first module of that ID, else the state of that name.
    fn bare(&mut self, bare: &str) -> Option<(Text, Text)> {
        if let Some(declaration) = self.high.ids.get(bare) {
            return declaration.modules.first().map(|(module, _)| (module.clone(), bare.into()));
        }
        self.high.ids.iter().find_map(|(id, declaration)| {
            declaration.modules.iter().find_map(|(module, body)| {
                let named = |a: &Arg| match &a.what {
                    What::Pairs(pairs) => {
                        pairs.iter().any(|(k, v)| k.as_str() == Some("name") && v.as_str() == Some(bare))
                    }
                    What::Function(_) => false,
                };
                body.args().iter().any(named).then(|| (module.clone(), id.clone()))
            })
        })
    }

    fn of_sls(&self, sls: &str) -> Vec<(Text, Text)> {
        let of = self.high.ids.iter().filter(|(_, d)| *d.sls == *sls);
        of.flat_map(|(id, d)| d.modules.keys().map(move |m| (id.clone(), m.clone()))).collect()
    }

    fn target(&mut self, origin: &Origin<'_>, key: &str, target: &Text, module: &Text) {
        match key {
            "use" => {
                for id in self.found(target, module) {
                    let args = self.usable(&id, module, origin.id, origin.module);
                    self.entry(origin, origin.id, origin.module).extend(args);
                }
            }
            "use_in" => {
                for id in self.found(target, module) {
                    let args = self.usable(origin.id, origin.module, &id, module);
                    self.entry(origin, &id, module).extend(args);
                }
            }
            "prereq" => {
                for id in self.found(target, module) {
                    self.require(origin, "prerequired", (&id, module), (origin.id, origin.module));
                }
            }
            "prereq_in" => {
                self.require(origin, "prerequired", (origin.id, origin.module), (target, module));
                self.require(origin, "prereq", (target, module), (origin.id, origin.module));
                self.stamp(origin, target);
            }
            other => {
                let requisite = other.strip_suffix("_in").unwrap_or(other);
                self.require(origin, requisite, (target, module), (origin.id, origin.module));
                self.stamp(origin, target);
            }
        }
    }

    /// Notes which SLS the additions to a state come from: the last that asked. All of them are dropped when that
    /// one is excluded.
    fn stamp(&mut self, origin: &Origin<'_>, id: &Text) {
        if let Some(additions) = self.out.get_mut(id) {
            additions.sls = origin.declaration.sls.clone();
        }
    }

    /// Lets `of` ask for `what`.
    fn require(&mut self, origin: &Origin<'_>, requisite: &str, of: (&Text, &Text), what: (&Text, &Text)) {
        let reference = Value::from([(what.1.clone(), what.0.clone())]);
        let at = &origin.arg.at;
        let args = self.entry(origin, of.0, of.1);

        let list = args.iter_mut().find_map(|a| match &mut a.what {
            What::Pairs(pairs) => match pairs.first_mut() {
                Some((key, Value::List(list))) if key.as_str() == Some(requisite) => Some(list),
                _ => None,
            },
            What::Function(_) => None,
        });
        match list {
            Some(list) => list.push(reference),
            None => args.push(Arg::made(requisite, Value::List(vec![reference]), at)),
        }
    }

    /// Returns the list of additions to a state.
    fn entry(&mut self, origin: &Origin<'_>, id: &Text, module: &Text) -> &mut Vec<Arg> {
        let declaration = self.out.entry(id.clone()).or_insert_with(|| Declaration {
            sls: self.nowhere.clone(),
            env: origin.declaration.env.clone(),
            included_from: Vec::new(),
            modules: Modules::default(),
            at: origin.arg.at.clone(),
        });
        let body = declaration.modules.get_or_insert_with(module, || Body::List(Vec::with_capacity(1)));
        body.args_mut().expect("only lists are put into additions")
    }

    /// Finds the IDs that a typed reference means.
    fn found(&mut self, target: &Text, module: &Text) -> Vec<Text> {
        if self.high.ids.get(target).is_some_and(|d| d.modules.contains_key(module)) {
            return vec![target.clone()];
        }
        let high = self.high;
        let found = self.finder.get_or_insert_with(|| Finder::new(high)).find(module, target);
        found.iter().filter_map(|at| high.ids.get_index(*at)).map(|(id, _)| id.clone()).collect()
    }

    /// Lists the arguments of one state that another may use.
    fn usable(&self, from: &str, from_module: &str, to: &str, to_module: &str) -> Vec<Arg> {
        let args = |id: &str, module: &str| {
            self.high.ids.get(id).and_then(|d| d.modules.get(module)).map_or(&[][..], Body::args)
        };
        let own: HashSet<&str> = args(to, to_module).iter().filter_map(Arg::single).map(|(k, _)| k).collect();
        let free = |a: &&Arg| a.single().is_some_and(|(k, _)| !own.contains(k) && !NOT_USED.contains(&k));
        args(from, from_module).iter().filter(free).cloned().collect()
    }
}
