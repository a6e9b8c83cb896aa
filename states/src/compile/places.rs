//! Where the parts of a chunk were written: looked up in the rendered files when a message needs it, so that a run
//! without mistakes pays nothing for it.

use std::rc::Rc;

use super::{RenderedTree, SlsTree};
use crate::low::{At, LowChunk, Places, Reference, Requisite};
use crate::render::RenderedSls;
use crate::render::yaml::{Data, Node};

impl Places for RenderedTree<'_> {
    fn function(&self, chunk: &LowChunk) -> At {
        self.declarations(chunk)
            .iter()
            .find_map(|(doc, body)| function_key(body, chunk).map(|node| at(doc, &node)))
            .unwrap_or_else(|| chunk.at.clone())
    }

    fn argument(&self, chunk: &LowChunk, name: &str) -> At {
        self.argument_of(chunk, name).map_or_else(|| self.function(chunk), |(doc, key, _)| at(&doc, &key))
    }

    fn value(&self, chunk: &LowChunk, name: &str) -> At {
        self.argument_of(chunk, name).map_or_else(|| self.function(chunk), |(doc, _, value)| at(&doc, &value))
    }

    fn reference(&self, chunk: &LowChunk, requisite: Requisite, reference: &Reference) -> At {
        let word = requisite.as_str();
        let Some((doc, key, value)) = self.argument_of(chunk, word) else { return self.function(chunk) };
        let names = |node: &&Node| match &node.data {
            Data::Scalar(_) => node.to_value().to_string() == reference.value,
            Data::Map(entries) => entries.iter().any(|(_, v)| v.to_value().to_string() == reference.value),
            Data::List(_) => false,
        };
        let items = value.as_list().unwrap_or(std::slice::from_ref(&value));
        at(&doc, items.iter().find(names).unwrap_or(&key))
    }

    fn line(&self, at: &At) -> Option<String> {
        SlsTree::line(self, at)
    }
}

impl RenderedTree<'_> {
    /// Lists what is written about an ID: its declaration, and then the extensions of it.
    fn declarations(&self, chunk: &LowChunk) -> Vec<(Rc<RenderedSls>, Node)> {
        let own = self.known(&chunk.sls);
        let mut found: Vec<_> =
            own.and_then(|doc| doc.doc.get(&chunk.id).cloned().map(|body| (doc, body))).into_iter().collect();
        for doc in self.all_known() {
            if let Some(body) = doc.doc.get("extend").and_then(|e| e.get(&chunk.id)).cloned() {
                found.push((doc, body));
            }
        }
        found
    }

    /// Finds key and value of an argument.
    fn argument_of(&self, chunk: &LowChunk, name: &str) -> Option<(Rc<RenderedSls>, Node, Node)> {
        self.declarations(chunk).into_iter().find_map(|(doc, body)| {
            let entry = body
                .as_map()?
                .iter()
                .filter(|(key, _)| is_module(key, chunk))
                .flat_map(|(_, list)| list.as_list().unwrap_or_default())
                .find_map(|item| item.entry(name).map(|(k, v)| (k.clone(), v.clone())))?;
            Some((doc, entry.0, entry.1))
        })
    }
}

fn is_module(key: &Node, chunk: &LowChunk) -> bool {
    key.as_str().is_some_and(|k| k.split('.').next() == Some(chunk.state.as_str()))
}

/// Finds the node that names the function: the key `module.function`, the entry of a list, or the short form.
fn function_key(body: &Node, chunk: &LowChunk) -> Option<Node> {
    if let Data::Scalar(_) = body.data {
        return Some(body.clone());
    }
    let (key, list) = body.as_map()?.iter().find(|(key, _)| is_module(key, chunk))?;
    let named = |node: &&Node| node.as_str() == Some(chunk.fun.as_str());
    Some(list.as_list().and_then(|items| items.iter().find(named)).unwrap_or(key).clone())
}

fn at(doc: &RenderedSls, node: &Node) -> At {
    let place = doc.place(node.span);
    At::new(place.file, place.line, place.column)
}
