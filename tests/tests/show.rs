//! What is shown without being run: `lab-minion show --local`, and a pillar file held to the lab's schema.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use lab_tests::kubic::binaries;

/// A tree with a highstate of two SLS, of which one includes a third.
fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let web = format!(
        "include: [base]\n{}:\n  file.managed:\n    - contents: {{{{ pillar.text }}}}\n    - require: [{{test: b}}]\n",
        made(&dir)
    );
    for (path, text) in [
        ("states/top.sls", "base:\n  'web*': [web]\n  '*': [common]\n"),
        ("states/web.sls", web.as_str()),
        ("states/base.sls", "b: test.nop\n"),
        ("states/common.sls", "c: test.nop\n"),
        ("pillar/top.sls", "base: {'*': [p]}\n"),
        ("pillar/p.sls", "text: hello\n"),
        ("pillar/bad.sls", "text: [1]\nport: 99999\n"),
        ("pillar/schema.yaml", "keys:\n  text: {type: text}\n  port: {type: integer, range: [1, 65535]}\n"),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// What a run of the tree would make.
fn made(dir: &tempfile::TempDir) -> String {
    dir.path().join("made").display().to_string()
}

/// Runs a program in a directory; returns its status and what it printed.
fn run(dir: &Path, program: &str, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(binaries().unwrap().join(program));
    command.args(args).current_dir(dir).stdin(Stdio::null()).env("NO_COLOR", "1").env_remove("RUST_LOG");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &said)
}

fn show(dir: &Path, more: &[&str]) -> serde_json::Value {
    let fixed = ["show", "--local", "--states", "states", "--pillar", "pillar", "--id", "web1", "--json"];
    let (code, said) = run(dir, "lab-minion", &[&fixed, more].concat());
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"))
}

#[test]
fn the_minion_shows_what_it_would_run_and_runs_nothing() {
    let dir = tree();
    let top = show(dir.path(), &["--top"]);
    assert_eq!(top, serde_json::json!({"base": ["web", "common"]}));
    let taking_part = show(dir.path(), &["--sls", "web"]);
    assert_eq!(taking_part, serde_json::json!(["base", "web"]));
    let low = show(dir.path(), &["--lowstate", "web"]);
    let ids: Vec<&str> = low.as_array().unwrap().iter().map(|c| c["__id__"].as_str().unwrap()).collect();
    let made = made(&dir);
    assert_eq!(ids, ["b", made.as_str()]);
    assert_eq!(low[1]["contents"], "hello");
    let high = show(dir.path(), &[]);
    assert!(high.get("c").is_some() && high.get(&made).is_some(), "{high}");
    assert!(!Path::new(&made).exists());
}

#[test]
fn showing_what_does_not_render_says_where() {
    let dir = tree();
    fs::write(dir.path().join("states/base.sls"), "b: {{ nope }}\n").unwrap();
    let (code, said) = run(
        dir.path(),
        "lab-minion",
        &["show", "--local", "--states", "states", "--pillar", "pillar", "web"],
    );
    assert_eq!(code, Some(13), "{said}");
    assert!(said.contains("base.sls:1:7") && said.contains("nope"), "{said}");
}

#[test]
fn a_pillar_file_is_held_to_the_schema_beside_it() {
    let dir = tree();
    assert_eq!(
        run(dir.path(), "lab-master", &["schema", "--pillar", "pillar/p.sls"]),
        (Some(0), String::new())
    );
    let (code, said) = run(dir.path(), "lab-master", &["schema", "--pillar", "pillar/bad.sls"]);
    assert_eq!(code, Some(13), "{said}");
    assert!(said.contains("pillar/bad.sls:1:7") && said.contains("pillar/bad.sls:2:7"), "{said}");
    let (code, said) = run(dir.path(), "lab-master", &["schema", "--pillar", "states/web.sls"]);
    assert_eq!(code, Some(2), "{said}");
}
