//! What state runs and functions print: for people as they go, or as JSON at the end.

use std::io::{BufWriter, Write};
use std::sync::OnceLock;

use lab_proto::{Map, StateOutcome, StateReturn, Value};
use lab_states::function::Progress;
use serde::{Serialize, Serializer};
use serde_json::json;

/// Why standard output did not take something, the first time.
static UNPRINTED: OnceLock<String> = OnceLock::new();

/// Notes what became of a write to standard output. Neither a reader that leaves nor a full disk ends a run half-way; the first
/// is no trouble, the other is told at the end, because the report is not whole.
pub(super) fn printed(result: std::io::Result<()>) {
    if let Err(e) = result
        && e.kind() != std::io::ErrorKind::BrokenPipe
    {
        let _ = UNPRINTED.set(e.to_string());
    }
}

/// Returns why the output is not whole.
pub(super) fn unprinted() -> Option<&'static str> {
    UNPRINTED.get().map(String::as_str)
}

/// Prints a line.
pub(super) fn line(text: std::fmt::Arguments<'_>) {
    printed(writeln!(std::io::stdout().lock(), "{text}"));
}

macro_rules! say {
    ($($text:tt)*) => {
        line(format_args!($($text)*))
    };
}

/// Prints what happens in a run.
pub(super) fn progress(what: &Progress) {
    match what {
        Progress::StateDone(result) => state(result),
        Progress::Message(text) => eprintln!("lab-minion: {text}"),
        Progress::StateStarted { .. } | Progress::Output { .. } => {}
    }
}

/// Says for people how a state ended, in the master's words.
fn said(result: &StateReturn) -> &'static str {
    match result.outcome {
        StateOutcome::WouldChange => "would change",
        _ => verdict(result),
    }
}

/// Says in one word how a state ended, for programs.
fn verdict(result: &StateReturn) -> &'static str {
    match result.outcome {
        StateOutcome::Ok if result.changed() => "changed",
        StateOutcome::Ok => "ok",
        StateOutcome::WouldChange => "would-change",
        StateOutcome::Failed => "failed",
        StateOutcome::Skipped => "skipped",
    }
}

fn state(result: &StateReturn) {
    let name = if result.name == result.id { String::new() } else { format!("  {}", result.name) };
    say!("{:<12}  {}  {}{name}", said(result), result.state, result.id);
    let quiet = result.outcome == StateOutcome::Ok && !result.changed();
    if !quiet && !result.comment.is_empty() {
        say!("{}", indented(&result.comment, 4));
    } else if let Some((_, warnings)) = result.comment.split_once("\nwarning: ") {
        say!("{}", indented(&format!("warning: {warnings}"), 4));
    }
    changes(&result.changes, 4);
}

fn changes(changes: &Map, depth: usize) {
    for (key, value) in changes {
        match value {
            Value::Map(inner) if !inner.is_empty() => {
                say!("{:depth$}{key}:", "");
                self::changes(inner, depth + 2);
            }
            Value::Str(text) if text.contains('\n') => {
                say!("{:depth$}{key}:\n{}", "", indented(text, depth + 2));
            }
            other => say!("{:depth$}{key}: {other}", ""),
        }
    }
}

fn indented(text: &str, depth: usize) -> String {
    text.lines().map(|l| format!("{:depth$}{l}", "")).collect::<Vec<_>>().join("\n")
}

/// Prints how many states ended how.
pub(super) fn summary(results: &[StateReturn]) {
    say!("{}", summed(results));
}

fn summed(results: &[StateReturn]) -> String {
    let count = |word: &str| results.iter().filter(|r| said(r) == word).count();
    let micros: u64 = results.iter().map(|r| r.duration_micros).sum();
    let parts: Vec<String> = ["ok", "changed", "would change", "skipped", "failed"]
        .into_iter()
        .filter_map(|word| match count(word) {
            0 => None,
            n => Some(format!("{n} {word}")),
        })
        .collect();
    let seconds = std::time::Duration::from_micros(micros).as_secs_f64();
    let states = if results.len() == 1 { "state" } else { "states" };
    format!("{} {states} in {seconds:.3} s: {}", results.len(), parts.join(", "))
}

/// Prints a run as one JSON object; one that a signal ended has what was done, and says so.
pub(super) fn json(results: &[StateReturn], interrupted: bool) {
    let error = interrupted.then(|| json!({ "text": "a signal ended the run", "kind": "interrupted" }));
    let all = Run { results, error };
    // In pieces that fill a pipe, whose reader works on one while the next is made; without this buffer they would be small.
    let mut out = BufWriter::with_capacity(PIPE, std::io::stdout().lock());
    let written = serde_json::to_writer(&mut out, &all).map_err(std::io::Error::from);
    printed(written.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()));
}

/// What a pipe takes at once.
const PIPE: usize = 64 << 10;

#[derive(Serialize)]
struct Run<'a> {
    #[serde(serialize_with = "rows")]
    results: &'a [StateReturn],
    error: Option<serde_json::Value>,
}

fn rows<S: Serializer>(results: &&[StateReturn], s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(results.iter().map(Row::of))
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    state: &'a str,
    name: &'a str,
    sls: &'a str,
    result: &'static str,
    changed: bool,
    reason: Option<&'a str>,
    comment: &'a str,
    #[serde(serialize_with = "by_text")]
    changes: &'a Map,
    duration_micros: u64,
}

impl<'a> Row<'a> {
    fn of(r: &'a StateReturn) -> Self {
        Self {
            id: &r.id,
            state: &r.state,
            name: &r.name,
            sls: &r.sls,
            result: verdict(r),
            changed: r.changed(),
            reason: r.reason.as_deref(),
            comment: &r.comment,
            changes: &r.changes,
            duration_micros: r.duration_micros,
        }
    }
}

/// Writes a mapping whose keys need not be texts.
fn by_text<S: Serializer>(map: &&Map, s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(map.iter().map(|(key, value)| (key.to_string(), value)))
}

/// Prints a refusal as one JSON object.
pub(super) fn json_error(text: &str, kind: &str) {
    let error = json!({ "text": text, "kind": kind });
    say!("{}", json!({ "results": [], "error": error }));
}

/// Prints the return of a function.
pub(super) fn value(value: &Value, json: bool) {
    match value {
        Value::Str(text) if !json => say!("{text}"),
        other if json => say!("{}", serde_json::to_string(other).unwrap_or_default()),
        other => say!("{}", serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_the_words_of_the_master_and_programs_the_stable_ones() {
        let would = StateReturn {
            id: "a".to_owned(),
            state: "test.nop".to_owned(),
            name: "a".to_owned(),
            sls: "s".to_owned(),
            outcome: StateOutcome::WouldChange,
            reason: None,
            changes: Map::new(),
            comment: String::new(),
            run_num: 0,
            started: lab_proto::Timestamp::default(),
            duration_micros: 0,
        };
        assert_eq!((said(&would), verdict(&would)), ("would change", "would-change"));
        let one = summed(std::slice::from_ref(&would));
        assert_eq!(one, "1 state in 0.000 s: 1 would change");
        assert!(summed(&[would.clone(), would]).starts_with("2 states in "));
    }
}
