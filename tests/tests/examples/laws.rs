//! The laws of each class, tried on one example.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use lab_states::function::{Class, StateFunction};
use lab_tests::nshost::{Cmd, Host};
use serde_json::Value;

/// How many seconds one run of an example may take.
const LIMIT: &str = "30";
/// What is written below these is nobody's state: logs, and the agent's own files.
const NOT_STATE: [&str; 2] = ["var/log", "var/lib/lab"];

/// How the example's own state, the last of the run, ended.
struct Row {
    result: String,
    changed: bool,
    comment: String,
    keys: BTreeSet<String>,
}

/// The files of a host that are not the machine's: what stands there, by path.
type Files = BTreeMap<String, String>;

/// Tries one function; returns what breaks its laws, in sentences.
pub(crate) fn tried(host: &Host, function: &dyn StateFunction) -> Vec<String> {
    let mut broken = Vec::new();
    if let Err(why) = laws(host, function, &mut broken) {
        broken.push(why);
    }
    broken
}

fn laws(host: &Host, function: &dyn StateFunction, broken: &mut Vec<String>) -> Result<(), String> {
    let name = function.name();
    let mut hold = |ok: bool, law: &str, row: &Row| {
        if !ok {
            broken.push(format!("{law} ({}: {})", row.result, row.comment));
        }
    };
    if preparation(&function.doc().example).is_some() {
        run(host, &format!("{name}.before"), false)?;
    }
    let before = files(host);
    let dry = apply(host, name, true)?;
    let after = files(host);
    hold(before == after, &format!("a dry run wrote {:?}", difference(&before, &after)), &dry);
    let first = apply(host, name, false)?;
    match function.class() {
        Class::Declarative => {
            hold(matches!(first.result.as_str(), "ok" | "changed"), "the example does not apply", &first);
            let said = if first.changed { "would-change" } else { "ok" };
            hold(dry.result == said, "the dry run says something else than the run does", &dry);
            let second = apply(host, name, false)?;
            hold(second.result == "ok" && !second.changed, "it changes again the second time", &second);
            let named = format!("{:?} was changed and {:?} said", first.keys, dry.keys);
            hold(dry.keys == first.keys || !first.changed, &named, &first);
        }
        Class::Action => {
            let fails = name.starts_with("test.fail");
            hold(fails == (first.result == "failed"), "the example does not apply", &first);
        }
        Class::Probe => {
            let last = files(host);
            hold(first.result == "ok" && !first.changed, "a probe changed something", &first);
            hold(last == after, &format!("a probe wrote {:?}", difference(&after, &last)), &first);
        }
    }
    Ok(())
}

/// Returns what stands in an example before its last state: that prepares the way for it.
pub(crate) fn preparation(example: &str) -> Option<&str> {
    let mut starts = example.match_indices('\n').map(|(at, _)| at + 1);
    let last = starts.rfind(|at| example[*at..].starts_with(|c: char| !c.is_whitespace() && c != '#'))?;
    Some(&example[..last])
}

/// Applies an example; returns how its own state, the last, ended.
fn apply(host: &Host, name: &str, test: bool) -> Result<Row, String> {
    let run = run(host, name, test)?;
    let row = run["results"].as_array().and_then(|rows| rows.iter().rfind(|r| r["state"] == name));
    let row = row.ok_or_else(|| format!("it has no row: {run}"))?;
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Ok(Row {
        result: text("result"),
        changed: row["changed"] == true,
        comment: text("comment"),
        keys: row["changes"].as_object().map(|m| m.keys().cloned().collect()).unwrap_or_default(),
    })
}

/// Applies one of the SLS that were written for an example.
fn run(host: &Host, name: &str, test: bool) -> Result<Value, String> {
    let sls = format!("examples.{}", name.replace('.', "_"));
    let mut words = vec!["timeout", "--kill-after=2", LIMIT, "lab-minion", "apply", "--local"];
    words.extend(["--states", "/srv/lab-states", "--pillar", "/srv/lab-pillar", "--output", "json"]);
    if test {
        words.push("--test");
    }
    words.push(&sls);
    let output = host.exec(Cmd::new(words)).expect("the host runs it");
    // What timeout(1) says when it had to end a command.
    if matches!(output.status.code(), Some(124 | 137)) {
        return Err(format!("it did not end within {LIMIT} seconds (test={test})"));
    }
    serde_json::from_str(&output.stdout).map_err(|e| format!("{e}: {output:?}"))
}

/// Lists all that the host has written so far: the upper layers of its overlays, and its own /tmp.
fn files(host: &Host) -> Files {
    let mut found = Files::new();
    let root = host.upper("/");
    walk(&root, &root, &mut found);
    let tmp =
        host.exec(Cmd::sh("find /tmp -mindepth 1 -printf '%p\\t%y %s %m %T@ %l\\n'")).expect("runs").stdout;
    found.extend(tmp.lines().filter_map(|l| l.split_once('\t')).map(|(p, s)| (p.to_owned(), s.to_owned())));
    found
}

fn walk(root: &Path, dir: &Path, found: &mut Files) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let below = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        if NOT_STATE.contains(&below.as_str()) {
            continue;
        }
        if meta.is_dir() {
            walk(root, &path, found);
        }
        // A directory's own time tells of files that came and went.
        let (mode, owner) = (meta.permissions().mode(), (meta.uid(), meta.gid()));
        let what = format!("{mode:o} {owner:?} {} {}.{}", meta.len(), meta.mtime(), meta.mtime_nsec());
        found.insert(below, what);
    }
}

fn difference(a: &Files, b: &Files) -> BTreeSet<String> {
    a.keys().chain(b.keys()).filter(|k| a.get(*k) != b.get(*k)).cloned().collect()
}
