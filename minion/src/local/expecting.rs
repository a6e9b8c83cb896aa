//! A state tree that notices when it is likely that the network will be planned, so that the kernel is asked while the states are
//! read and compiled.

use lab_states::function::Registry;
use lab_states::render::{SourceError, Sources};

use super::DirSources;

/// A state tree that says when a file of it names a function that is applied as one of a group: those of the network.
pub(super) struct Expecting<'a, F> {
    tree: &'a DirSources,
    /// Sorted.
    functions: Vec<&'a str>,
    /// Whether one of them begins with this byte.
    begins: [bool; 256],
    expect: F,
}

impl<'a, F: Fn()> Expecting<'a, F> {
    pub(super) fn new(tree: &'a DirSources, registry: &'a Registry, expect: F) -> Self {
        let grouped = registry.states().filter(|state| state.group().is_some());
        let mut functions: Vec<&str> = grouped.map(|state| state.name()).collect();
        functions.sort_unstable();
        let mut begins = [false; 256];
        for first in functions.iter().filter_map(|function| function.bytes().next()) {
            begins[usize::from(first)] = true;
        }
        Self { tree, functions, begins, expect }
    }

    /// Tells whether a line begins with such a function. A template may still make something else of it, and a state may be
    /// written in another way: then something was read for nothing, or later.
    fn is_expected(&self, text: &[u8]) -> bool {
        text.split(|byte| *byte == b'\n').any(|line| {
            let line = line.trim_ascii_start();
            // Most lines end here.
            if !line.first().is_some_and(|first| self.begins[usize::from(*first)]) {
                return false;
            }
            let word = line.split(|byte| *byte == b':').next().unwrap_or_default();
            self.functions.binary_search_by(|function| function.as_bytes().cmp(word)).is_ok()
        })
    }
}

impl<F: Fn()> Sources for Expecting<'_, F> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let found = self.tree.read(path)?;
        if found.as_deref().is_some_and(|text| self.is_expected(text)) {
            (self.expect)();
        }
        Ok(found)
    }

    fn list(&self) -> Vec<String> {
        self.tree.list()
    }

    fn exists(&self, path: &str) -> bool {
        self.tree.exists(path)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_file_that_names_a_network_state_is_noticed_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, registry, noticed) =
            (DirSources::new(dir.path().to_owned()), lab_states::functions::builtin(), Cell::new(0));
        let expecting = Expecting::new(&tree, &registry, || noticed.set(noticed.get() + 1));
        for (text, times) in [
            ("a:\n  net.config:\n    - routes: []\n", 1),
            ("a:\n  cmd.run: []\nbr0:\n  bridge.present: []", 1),
            ("a:\n  file.managed:\n    - name: /etc/net.config\n# net.config\n", 0),
            ("a:\n  net.configured: []\n", 0),
            ("", 0),
        ] {
            std::fs::write(dir.path().join("a.sls"), text).unwrap();
            noticed.set(0);
            assert_eq!(expecting.read("a.sls").unwrap().as_deref(), Some(text.as_bytes()));
            assert_eq!(noticed.get(), times, "{text}");
        }
        assert_eq!(expecting.read("b.sls").unwrap(), None);
    }
}
