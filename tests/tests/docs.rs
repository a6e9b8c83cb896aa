//! The documents say what is there: every event has its row, every link leads somewhere, every command parses.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::ErrorKind;
use lab_proto::facts::Fact;
use lab_proto::{EventTag, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All files below a folder with one of the endings; what cargo and git make is left out.
fn files(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("listed").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("names are text").to_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// The documents that people are told to read.
fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut found = vec![root.join("README.md"), root.join("CHANGELOG.md"), root.join("CONTRIBUTING.md")];
    files(&root.join("docs"), ".md", &mut found);
    files(&root.join("examples"), ".md", &mut found);
    found
}

/// One row of a table in docs/events.md.
struct Row {
    tag: String,
    text: String,
}

fn rows() -> Vec<Row> {
    let text = read(&root().join("docs/events.md"));
    let rows: Vec<Row> = text
        .lines()
        .filter_map(|line| {
            let tag = line.strip_prefix("| `")?.split('`').next()?;
            (tag.starts_with("salt/") || tag.starts_with("lab/"))
                .then(|| Row { tag: tag.to_owned(), text: line.to_owned() })
        })
        .collect();
    assert!(rows.len() > 25, "only {} rows found: has the table's shape changed?", rows.len());
    rows
}

/// Finds the row of a tag. `<…>` in a row and `{…}` in a tag of the source stand for one part.
fn row_of<'a>(rows: &'a [Row], tag: &str) -> Option<&'a Row> {
    let open = |part: &str| (part.starts_with('<') && part.ends_with('>')) || part.contains('{');
    rows.iter().find(|row| {
        let (of_row, of_tag): (Vec<&str>, Vec<&str>) =
            (row.tag.split('/').collect(), tag.split('/').collect());
        of_row.len() == of_tag.len() && of_row.iter().zip(&of_tag).all(|(r, t)| r == t || open(r) || open(t))
    })
}

macro_rules! facts {
    ($($kind:ident),* $(,)?) => {
        /// Every kind of fact; a new one does not compile until it is here, and fails until it has a sample.
        const KINDS: &[&str] = &[$(stringify!($kind)),*];

        fn kind_and_data(fact: &Fact) -> (&'static str, EventTag, Value) {
            match fact {
                $(Fact::$kind(f) => (stringify!($kind), f.tag(), f.data()),)*
            }
        }
    };
}
facts!(
    RunStarted,
    RunResumed,
    RunEnded,
    StepEntered,
    StepMet,
    NearMiss,
    StepEnded,
    JobNew,
    JobReturn,
    JobEnd,
    MinionStart,
    MinionReady,
    MinionReboot,
    MinionConnected,
    MinionDisconnected,
    MinionLost,
    MinionFound,
    NetPending,
    NetCommitted,
    NetRolledBack,
    NetRefused,
    NetDrift,
    NetLink,
);

const ID: &str = "20261121051940000042_000000000000abcd";
const UUID: &str = "00000000-0000-0000-0000-000000000007";
const AT: &str = "2026-11-21T05:19:40.000042Z";

/// A sample of every kind of fact, as tag and data.
fn samples() -> Vec<(String, serde_json::Value)> {
    let digest = "0".repeat(64);
    let place = format!("{UUID}:42");
    let step = |what: &str| format!("lab/run/{ID}/step/a/{what}");
    vec![
        (
            format!("lab/run/{ID}/started"),
            serde_json::json!({"run": ID, "name": "n", "plan": digest, "tree": null, "test": false, "failhard": false,
                "user": "root", "parent": null, "minions": []}),
        ),
        (format!("lab/run/{ID}/resumed"), serde_json::json!({"run": ID})),
        (
            format!("lab/run/{ID}/ended"),
            serde_json::json!({"run": ID, "outcome": "failed", "succeeded": 1, "changed": 1, "failed": 1, "skipped": 0}),
        ),
        (
            step("entered"),
            serde_json::json!({"run": ID, "step": "a", "fun": "salt.state", "jid": ID, "nested": [], "targets": [],
                "minions": [], "more": false, "since": place, "timeout_micros": null}),
        ),
        (step("met"), serde_json::json!({"run": ID, "step": "a", "id": "web1", "by": place, "event": "a/b"})),
        (
            step("near"),
            serde_json::json!({"run": ID, "step": "a", "id": "web1", "by": place, "event": "a/b",
                "reason": "same_boot"}),
        ),
        (
            step("ended"),
            serde_json::json!({"run": ID, "step": "a", "outcome": "changed", "reason": null, "comment": "",
                "seen": null, "duration_micros": 1, "addressed": 1, "succeeded": 1, "rows": []}),
        ),
        (
            format!("salt/job/{ID}/new"),
            serde_json::json!({"jid": ID, "fun": "test.ping", "tgt": "*", "tgt_type": "glob", "count": 1, "user": "root"}),
        ),
        (
            format!("salt/job/{ID}/ret/web1"),
            serde_json::json!({"jid": ID, "id": "web1", "fun": "test.ping", "state": "returned", "success": true,
                "retcode": 0, "return": true, "duration_micros": 1}),
        ),
        (
            format!("lab/job/{ID}/end/web1"),
            serde_json::json!({"jid": ID, "id": "web1", "state": "lost", "reason": "r"}),
        ),
        (
            "salt/minion/web1/start".to_owned(),
            serde_json::json!({"id": "web1", "boot_id": UUID, "old_boot_id": null, "cause": "boot"}),
        ),
        (
            "lab/minion/web1/ready".to_owned(),
            serde_json::json!({"id": "web1", "boot_id": UUID, "checks": "agent"}),
        ),
        ("lab/minion/web1/reboot".to_owned(), serde_json::json!({"id": "web1", "old": UUID, "new": UUID})),
        (
            "lab/minion/web1/connected".to_owned(),
            serde_json::json!({"id": "web1", "address": "a", "boot_id": UUID, "boot": 1, "process": UUID,
                "machine_id": UUID, "version": "0.1.0", "agent_restarted": false}),
        ),
        (
            "lab/minion/web1/disconnected".to_owned(),
            serde_json::json!({"id": "web1", "boot_id": UUID, "reason": "shutdown"}),
        ),
        ("lab/minion/web1/lost".to_owned(), serde_json::json!({"id": "web1", "last_heard": AT})),
        ("lab/minion/web1/found".to_owned(), serde_json::json!({"id": "web1"})),
        (
            "lab/net/web1/pending".to_owned(),
            serde_json::json!({"id": "web1", "change": ID, "until": AT, "steps": [], "risk": null, "confirm": "master"}),
        ),
        (
            "lab/net/web1/committed".to_owned(),
            serde_json::json!({"id": "web1", "change": ID, "steps": [], "files": [], "reverts": null, "duration_micros": 1}),
        ),
        (
            "lab/net/web1/rolled-back".to_owned(),
            serde_json::json!({"id": "web1", "change": ID, "by": "guard", "reason": "r", "step": null, "error": null,
                "undone": [], "left": [], "reachable": true}),
        ),
        ("lab/net/web1/refused".to_owned(), serde_json::json!({"id": "web1", "reason": "r", "steps": []})),
        (
            "lab/net/web1/drift".to_owned(),
            serde_json::json!({"id": "web1", "healing": [], "action": "reported", "reason": null}),
        ),
        (
            "lab/net/web1/link/brq0".to_owned(),
            serde_json::json!({"id": "web1", "name": "brq0", "what": "appeared", "kind": "bridge", "master": null,
                "up": true}),
        ),
    ]
}

#[test]
fn every_fact_has_a_row_that_names_all_its_fields() {
    let rows = rows();
    let mut kinds = Vec::new();
    for (tag, data) in samples() {
        let tag = EventTag::new(tag).expect("valid");
        let fact = Fact::parse(&tag, &Value::from(data)).expect("the sample fits").expect("is a fact");
        let (kind, own_tag, data) = kind_and_data(&fact);
        assert_eq!(own_tag, tag);
        kinds.push(kind);
        let row =
            row_of(&rows, tag.as_str()).unwrap_or_else(|| panic!("docs/events.md has no row for {tag}"));
        for field in data.as_map().expect("facts are mappings").keys() {
            assert!(
                row.text.contains(&format!("`{field}`")),
                "the row of {} does not name `{field}`",
                row.tag
            );
        }
    }
    assert_eq!(kinds, KINDS, "every kind of fact has one sample");
}

#[test]
fn every_tag_in_the_source_has_a_row() {
    let rows = rows();
    let mut sources = Vec::new();
    for part in ["proto/src/facts", "master/src", "minion/src"] {
        files(&root().join(part), ".rs", &mut sources);
    }
    let mut seen = 0;
    for path in sources.iter().filter(|p| !p.ends_with("tests.rs") && !p.ends_with("contract.rs")) {
        let text = read(path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in code
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .flat_map(|l| l.split('"').skip(1).step_by(2))
        {
            let is_tag = literal.starts_with("lab/") || literal.starts_with("salt/");
            let is_prefix = literal.ends_with('/') || literal.contains('*') || literal.contains(' ');
            if is_tag && !is_prefix {
                seen += 1;
                let found = row_of(&rows, literal).is_some();
                assert!(found, "{}: docs/events.md has no row for {literal:?}", path.display());
            }
        }
    }
    assert!(seen > 20, "only {seen} tags found in the source: has their shape changed?");
}

#[test]
fn every_link_in_the_documents_leads_to_a_file() {
    let mut links = 0;
    for document in documents() {
        let text = read(&document);
        // What stands in backticks is no link.
        let prose: String = text.split('`').step_by(2).collect();
        for rest in prose.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            let to = document.parent().expect("a file has a folder").join(path);
            assert!(to.exists(), "{}: {target} leads nowhere", document.display());
        }
    }
    assert!(links > 20, "only {links} links found: has their shape changed?");
}

/// Takes out what is written as a command of ours: lines after a prompt or an indent, and spans in backticks.
/// Whole are the lines: a span may leave out what a command needs.
fn commands(text: &str) -> Vec<(String, bool)> {
    let is_ours = |c: &str| c.starts_with("lab-master ") || c.starts_with("lab-minion ");
    let lines = text.lines().filter_map(|line| {
        ["$ ", "# ", "    "].iter().find_map(|prompt| line.strip_prefix(prompt)).filter(|c| is_ours(c))
    });
    let spans = text.split('\n').flat_map(|line| line.split('`').skip(1).step_by(2)).filter(|c| is_ours(c));
    lines.map(|c| (c.to_owned(), true)).chain(spans.map(|c| (c.to_owned(), false))).collect()
}

/// Splits a command as a shell does, as far as documents use shells: quotes and comments.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in command.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (quote, open) = (Some(c), true),
            (None, '#') if word.is_empty() && !open => break,
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() || open {
                    words.push(std::mem::take(&mut word));
                    open = false;
                }
            }
            (None, c) => word.push(c),
        }
    }
    if !word.is_empty() || open {
        words.push(word);
    }
    words
}

/// Puts something in place of what a document leaves to its reader.
fn filled_in(word: &str) -> Option<String> {
    Some(match word {
        "…" | "..." => return None,
        "JID" => ID.to_owned(),
        "F" | "FINGERPRINT" => "0".repeat(64),
        "TAG" => "a/b".to_owned(),
        "K=V" => "k=v".to_owned(),
        // What a message puts in at run time.
        "{id}" => "web1".to_owned(),
        other if other.contains('{') && !other.starts_with('{') => "x".to_owned(),
        other => other.to_owned(),
    })
}

#[test]
fn each_command_keeps_its_text_when_its_options_are_made() {
    for mut program in [lab_master::cli::Cli::command(), lab_minion::cli::Cli::command()] {
        let texts = |program: &clap::Command| -> Vec<[String; 3]> {
            let text =
                |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
            let one =
                |c: &clap::Command| [c.get_name().to_owned(), text(c.get_about()), text(c.get_long_about())];
            program.get_subcommands().filter(|c| c.get_name() != "help").map(one).collect()
        };
        let before = texts(&program);
        program.build();
        assert!(!before.is_empty() && before.iter().all(|[_, about, _]| !about.is_empty()), "{before:?}");
        assert_eq!(texts(&program), before);
    }
}

/// Parses a command with the program's own definition; `Err` says what it does not take.
fn parse(command: &str, whole: bool) -> Result<(), String> {
    let words: Vec<String> = words(command).iter().filter_map(|w| filled_in(w)).collect();
    let program = match words.first().map(String::as_str) {
        Some("lab-master") => lab_master::cli::Cli::command(),
        _ => lab_minion::cli::Cli::command(),
    };
    match program.try_get_matches_from(&words) {
        Ok(_) => Ok(()),
        // A span in running text may name a command without what it needs.
        Err(e) => match e.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(()),
            ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                if !whole =>
            {
                Ok(())
            }
            _ => Err(e.to_string()),
        },
    }
}

#[test]
fn every_command_in_the_documents_is_one() {
    let mut seen = 0;
    for document in documents() {
        for (command, whole) in commands(&read(&document)) {
            seen += 1;
            if let Err(e) = parse(&command, whole) {
                panic!("{}: {command}: {e}", document.display());
            }
        }
    }
    assert!(seen > 25, "only {seen} commands found: has their shape changed?");
}

#[test]
fn every_command_that_a_message_or_a_comment_names_is_one() {
    let mut sources =
        vec![root().join("master/src/config/default.toml"), root().join("minion/src/config/default.toml")];
    for part in ["proto/src", "states/src", "master/src", "minion/src"] {
        files(&root().join(part), ".rs", &mut sources);
    }
    let mut seen = 0;
    for path in sources {
        let text = read(&path);
        let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        for command in spans.filter(|s| s.starts_with("lab-master ") || s.starts_with("lab-minion ")) {
            seen += 1;
            if let Err(e) = parse(command, false) {
                panic!("{}: {command}: {e}", path.display());
            }
        }
    }
    assert!(seen > 20, "only {seen} commands found: has their shape changed?");
}

#[test]
fn commands_that_do_not_exist_are_found_out() {
    assert_eq!(words("lab-master run 'kvm*' test.ping  # all"), ["lab-master", "run", "kvm*", "test.ping"]);
    assert!(parse("lab-master run '*' test.ping", true).is_ok());
    assert!(parse("lab-master frobnicate", false).is_err());
    assert!(parse("lab-master events --folow", false).is_err());
    assert!(parse("lab-master run", true).is_err(), "a whole command has what it needs");
    let found = commands("$ lab-master status\nsee `lab-minion finger` and `ls`");
    assert_eq!(found, [("lab-master status".to_owned(), true), ("lab-minion finger".to_owned(), false)]);
}

#[test]
fn the_bytes_in_the_protocols_description_are_the_frozen_ones() {
    let text = read(&root().join("docs/protocol.md"));
    let mut seen = 0;
    for line in text.lines() {
        let cells: Vec<&str> = line.split('`').collect();
        let ["| ", name, " | ", bytes, ..] = cells.as_slice() else { continue };
        let path = root().join(format!("proto/fixtures/v1/{name}.hex"));
        if !path.exists() && !bytes.starts_with("0000") {
            continue;
        }
        seen += 1;
        assert_eq!(bytes.replace(' ', ""), read(&path).trim(), "{name}");
    }
    assert!(seen > 5, "only {seen} fixtures found: has the table's shape changed?");
}
