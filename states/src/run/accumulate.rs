//! Gathers texts for files: `file.accumulated` charges an accumulator, and the file states that wait for it find it in
//! their template (`accumulator`) or add it to their block.

use lab_proto::{Map, Value};

use super::StateRun;
use crate::function::StateCall;
use crate::low::{LowChunk, Requisite};

const FUNCTION: &str = "accumulated";

impl StateRun<'_> {
    /// Notes what a state has gathered.
    pub(super) fn accumulate(&mut self, node: usize) {
        let chunk = &self.chunks[node];
        if chunk.state != "file" || chunk.fun != FUNCTION {
            return;
        }
        let texts = match chunk.args.get("text") {
            Some(Value::List(texts)) => texts.clone(),
            Some(text) => vec![text.clone()],
            None => return,
        };
        let Some(file) = chunk.args.get("filename").and_then(Value::as_str) else { return };
        let of_file = self.accumulated.entry(file.to_owned()).or_default();
        let mut gathered = match of_file.shift_remove(&Value::from(chunk.name.as_str())) {
            Some(Value::List(gathered)) => gathered,
            _ => Vec::new(),
        };
        for text in texts {
            if !gathered.contains(&text) {
                gathered.push(text);
            }
        }
        of_file.insert(chunk.name.as_str().into(), Value::List(gathered));
    }

    /// Gives a file state what was gathered for it, and `file.accumulated` those that wait for it.
    pub(super) fn accumulation(&self, chunk: &LowChunk, call: &mut StateCall) {
        if chunk.state != "file" {
            return;
        }
        if chunk.fun == FUNCTION {
            let waits = |other: &&LowChunk| other.state == "file" && waits_for(other, chunk);
            call.awaited_by = self.chunks.iter().filter(waits).map(|c| c.name.to_string()).collect();
            return;
        }
        let Some(all) = self.accumulated.get(chunk.name.as_str()) else { return };
        let own = |name: &Value| {
            let charges = |c: &&LowChunk| {
                c.state == "file" && c.fun == FUNCTION && name == &Value::from(c.name.as_str())
            };
            self.chunks.iter().filter(charges).any(|c| waits_for(chunk, c))
        };
        // Several blocks of one file have each its own accumulator.
        let mine: Map =
            all.iter().filter(|(name, _)| own(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
        call.accumulated = if chunk.fun == "blockreplace" && !mine.is_empty() { mine } else { all.clone() };
    }
}

fn waits_for(chunk: &LowChunk, other: &LowChunk) -> bool {
    let names = |r: &crate::low::Reference| r.value == other.id || r.value == other.name;
    [Requisite::Require, Requisite::Watch].iter().any(|kind| chunk.references(*kind).iter().any(names))
}
