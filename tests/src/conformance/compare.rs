//! Compares what we did with what Salt did, strictly.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use lab_proto::Value;

use super::{Entry, Golden, GoldenRow, OurRow, Ours, Sandbox};

const BLOCKED: [&str; 3] = ["requisite_failed", "requisite_missing", "recursive"];

/// Lists every difference; none at all means that the case agrees.
pub fn differences(
    golden: &Golden,
    ours: &Ours,
    files: &IndexMap<String, Entry>,
    sandbox: &Sandbox,
) -> Vec<String> {
    match (&golden.error, &ours.error) {
        (Some(theirs), None) => {
            return vec![format!(
                "Salt refuses this run ({}), ours ran {} states",
                theirs.kind,
                ours.results.len()
            )];
        }
        (None, Some(own)) => return vec![format!("ours refuses this run: {}", sandbox.neutral(&own.text))],
        _ => {}
    }
    let mut bad = rows(&golden.results, &ours.results, sandbox);
    if let (Some(theirs), Some(own)) = (&golden.error, &ours.error)
        && own.kind.as_deref() != Some(&theirs.kind)
    {
        bad.push(format!("kind of refusal: Salt {}, ours {:?}: {}", theirs.kind, own.kind, own.text));
    }
    bad.extend(paths(&golden.files, files));
    bad
}

fn rows(golden: &[GoldenRow], ours: &[OurRow], sandbox: &Sandbox) -> Vec<String> {
    let mut bad = Vec::new();
    for i in 0..golden.len().max(ours.len()) {
        let salt = golden.get(i).map(|g| {
            let name = printed(&g.name);
            row(&g.id, &g.state, &name, theirs(g), g.skipped_because.as_deref(), g.changed)
        });
        let own = ours.get(i).map(|o| {
            let (id, name) = (sandbox.neutral(&o.id), sandbox.neutral(&o.name));
            row(&id, &o.state, &name, verdict(o), o.reason.as_deref(), o.changed)
        });
        if salt != own {
            let say = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
            bad.push(format!("step {i}: Salt: {}; ours: {}", say(&salt), say(&own)));
        }
    }
    bad
}

/// Prints a name as Python does: that of a `module.run` is a list.
fn printed(name: &Value) -> String {
    match name {
        Value::List(items) => {
            let quoted: Vec<String> = items.iter().map(|item| format!("'{item}'")).collect();
            format!("[{}]", quoted.join(", "))
        }
        other => other.to_string(),
    }
}

/// Writes a row in one way for both sides; a dry run's would-change says nothing about changes.
fn row(id: &str, state: &str, name: &str, verdict: &str, reason: Option<&str>, changed: bool) -> String {
    let changed = match verdict {
        "failed" if changed => " with changes",
        _ => "",
    };
    let reason = reason.map(|r| format!(" ({r})")).unwrap_or_default();
    format!("{id} [{state}] {} = {verdict}{changed}{reason}", name.trim())
}

fn theirs(row: &GoldenRow) -> &'static str {
    let reason = row.skipped_because.as_deref();
    match row.result {
        None => "would-change",
        _ if reason.is_some_and(|r| BLOCKED.contains(&r)) => "blocked",
        Some(false) => "failed",
        Some(true) if reason.is_some() => "skipped",
        Some(true) if row.changed => "changed",
        Some(true) => "ok",
    }
}

fn verdict(row: &OurRow) -> &str {
    let blocked = row.reason.as_deref().is_some_and(|r| BLOCKED.contains(&r));
    match row.result.as_str() {
        "failed" | "skipped" if blocked => "blocked",
        other => other,
    }
}

fn paths(golden: &IndexMap<String, Entry>, ours: &IndexMap<String, Entry>) -> Vec<String> {
    let all: BTreeSet<&String> = golden.keys().chain(ours.keys()).collect();
    let mut bad = Vec::new();
    for path in all {
        match (golden.get(path), ours.get(path)) {
            (Some(theirs), None) => {
                bad.push(format!("file {path}: Salt left a {}, ours nothing", theirs.kind))
            }
            (None, Some(own)) => {
                bad.push(format!("file {path}: not there after Salt, ours left a {}", own.kind))
            }
            (Some(theirs), Some(own)) => {
                let said = |e: &Entry| Entry { text: None, ..e.clone() };
                if said(theirs) != said(own) {
                    bad.push(format!("file {path}: Salt {theirs:?}, ours {own:?}"));
                }
            }
            (None, None) => {}
        }
    }
    bad
}
