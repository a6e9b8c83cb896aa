//! The state modules of an ID, in the order in which they are written.

use lab_proto::Text;

use super::high::Body;

/// What stands under an ID, by state module. There is one, or a few: a list is faster than a table, and a run has
/// thousands of these.
#[derive(Clone, Debug, Default)]
pub struct Modules(Vec<(Text, Body)>);

impl Modules {
    /// Returns the body of a module.
    pub fn get(&self, module: &str) -> Option<&Body> {
        self.iter().find_map(|(m, body)| (m == module).then_some(body))
    }

    /// Returns the body of a module, to be changed.
    pub fn get_mut(&mut self, module: &str) -> Option<&mut Body> {
        self.0.iter_mut().find_map(|(m, body)| (m == module).then_some(body))
    }

    /// Returns the body of a module, which is made when there is none.
    pub fn get_or_insert_with(&mut self, module: &str, make: impl FnOnce() -> Body) -> &mut Body {
        let at = self.0.iter().position(|(m, _)| m == module).unwrap_or_else(|| {
            self.put(module.into(), make());
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Tells whether there is a module of that name.
    pub fn contains_key(&self, module: &str) -> bool {
        self.get(module).is_some()
    }

    /// Puts a body in; it takes the place of one that is there.
    pub fn insert(&mut self, module: Text, body: Body) {
        match self.get_mut(&module) {
            Some(present) => *present = body,
            None => self.put(module, body),
        }
    }

    /// Adds a module. The first one gets just the room that it needs: most IDs have no second.
    fn put(&mut self, module: Text, body: Body) {
        if self.0.is_empty() {
            self.0.reserve_exact(1);
        }
        self.0.push((module, body));
    }

    /// Returns the first module.
    pub fn first(&self) -> Option<(&Text, &Body)> {
        self.iter().next()
    }

    /// Lists the names.
    pub fn keys(&self) -> impl Iterator<Item = &Text> {
        self.iter().map(|(module, _)| module)
    }

    /// Lists the bodies, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Body> {
        self.0.iter_mut().map(|(_, body)| body)
    }

    /// Lists modules and bodies.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Body)> {
        self.0.iter().map(|(module, body)| (module, body))
    }
}

impl IntoIterator for Modules {
    type Item = (Text, Body);
    type IntoIter = std::vec::IntoIter<(Text, Body)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<(Text, Body)> for Modules {
    fn extend<T: IntoIterator<Item = (Text, Body)>>(&mut self, more: T) {
        more.into_iter().for_each(|(module, body)| self.insert(module, body));
    }
}
