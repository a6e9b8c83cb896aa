//! Finds out, at the end of a run, whose watch action must be fired because something that it listens to changed.

use std::collections::{HashMap, HashSet};

use crate::low::LowChunk;

/// A `listen` that names a state that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lost {
    pub(super) kind: String,
    pub(super) value: String,
}

/// The chunks by module and by ID or name. Listening knows no wildcards.
struct Index<'a> {
    by_word: HashMap<&'a str, HashMap<&'a str, Vec<usize>>>,
}

impl<'a> Index<'a> {
    fn new(chunks: &'a [LowChunk]) -> Self {
        let mut by_word: HashMap<&str, HashMap<&str, Vec<usize>>> = HashMap::new();
        for (i, chunk) in chunks.iter().enumerate() {
            let of_module = by_word.entry(&chunk.state).or_default();
            of_module.entry(&chunk.id).or_default().push(i);
            if chunk.name != chunk.id {
                of_module.entry(&chunk.name).or_default().push(i);
            }
        }
        Self { by_word }
    }

    fn find(&self, kind: &str, value: &str) -> &[usize] {
        self.by_word.get(kind).and_then(|m| m.get(value)).map_or(&[], Vec::as_slice)
    }
}

/// Lists the chunks that must be fired, each once, in the order of those that hold the `listen` or `listen_in`; and
/// the references that mean nothing.
pub(super) fn due(chunks: &[LowChunk], changed: impl Fn(usize) -> bool) -> (Vec<usize>, Vec<Lost>) {
    let index = Index::new(chunks);
    let (mut due, mut seen, mut lost) = (Vec::new(), HashSet::new(), Vec::new());
    let mut miss = |kind: &str, value: &str| {
        let entry = Lost { kind: kind.to_owned(), value: value.to_owned() };
        if !lost.contains(&entry) {
            lost.push(entry);
        }
    };
    let mut fire = |listeners: &[usize]| due.extend(listeners.iter().copied().filter(|l| seen.insert(*l)));
    for chunk in chunks {
        for reference in &chunk.listen {
            let sources = match reference.kind.as_str() {
                // A bare ID means the first state of that ID or name; an unknown one is ignored, as in Salt.
                "id" => match chunks.iter().find(|c| c.id == reference.value || c.name == reference.value) {
                    Some(first) => index.find(&first.state, &first.id),
                    None => continue,
                },
                kind => index.find(kind, &reference.value),
            };
            if sources.is_empty() {
                miss(&reference.kind, &reference.value);
            }
            if sources.iter().any(|s| changed(*s)) {
                fire(index.find(&chunk.state, &chunk.id));
            }
        }
        for reference in &chunk.listen_in {
            let sources = index.find(&chunk.state, &chunk.id);
            if !sources.iter().any(|s| changed(*s)) {
                continue;
            }
            let listeners = index.find(&reference.kind, &reference.value);
            if listeners.is_empty() {
                miss(&reference.kind, &reference.value);
            }
            fire(listeners);
        }
    }
    (due, lost)
}
