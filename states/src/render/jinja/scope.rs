//! Scopes: what a name means at a place of a template.

use std::cell::RefCell;
use std::rc::Rc;

use indexmap::IndexMap;

use super::value::{Text, Val};

/// Variables of one block, and the scope around it. Macros share the scope that they were defined in.
#[derive(Debug, Default)]
pub(super) struct Scope {
    vars: RefCell<IndexMap<Text, Val>>,
    parent: Option<Rc<Self>>,
}

impl Scope {
    pub(super) fn root() -> Rc<Self> {
        Rc::new(Self::default())
    }

    pub(super) fn inside(parent: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { vars: RefCell::default(), parent: Some(Rc::clone(parent)) })
    }

    pub(super) fn get(&self, name: &str) -> Option<Val> {
        let mut scope = self;
        loop {
            if let Some(value) = scope.vars.borrow().get(name) {
                return Some(value.clone());
            }
            scope = scope.parent.as_deref()?;
        }
    }

    pub(super) fn set(&self, name: &Text, value: Val) {
        self.vars.borrow_mut().insert(Rc::clone(name), value);
    }

    /// Tells whether the name is set in this very scope.
    pub(super) fn has(&self, name: &str) -> bool {
        self.vars.borrow().contains_key(name)
    }

    /// Returns this scope's own variables.
    pub(super) fn own(&self) -> IndexMap<Text, Val> {
        self.vars.borrow().clone()
    }

    /// Returns everything visible from here as one scope of its own: what `with context` hands over. A loop belongs to the
    /// template that runs it.
    pub(super) fn snapshot(&self) -> Rc<Self> {
        let mut chain = vec![self];
        while let Some(parent) = chain.last().and_then(|s| s.parent.as_deref()) {
            chain.push(parent);
        }
        let mut vars = IndexMap::new();
        for scope in chain.into_iter().rev() {
            vars.extend(scope.vars.borrow().iter().map(|(k, v)| (Rc::clone(k), v.clone())));
        }
        vars.shift_remove("loop");
        Rc::new(Self { vars: RefCell::new(vars), parent: None })
    }

    /// Returns the names that are visible from here, for suggestions.
    pub(super) fn names(&self) -> Vec<Text> {
        let mut names: Vec<Text> = self.vars.borrow().keys().cloned().collect();
        if let Some(parent) = &self.parent {
            names.extend(parent.names());
        }
        names
    }

    /// Forgets the variables. A macro holds its scope and the scope the macro: at the end someone must let go.
    pub(super) fn clear(&self) {
        let vars = std::mem::take(&mut *self.vars.borrow_mut());
        drop(vars);
    }
}
