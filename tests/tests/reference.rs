//! docs/reference is what the functions say of themselves, and the JSON Schema takes what applies and refuses what does
//! not.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab_states::functions::builtin;
use lab_states::reference::{pages, schema};
use lab_states::render::yaml_document;
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_reference_is_up_to_date() {
    let dir = root().join("docs/reference");
    let wanted: BTreeMap<String, String> = pages(&builtin()).into_iter().map(|p| (p.file, p.text)).collect();
    if std::env::var_os("LAB_BLESS").is_some() {
        fs::create_dir_all(&dir).expect("docs can be written");
        for entry in fs::read_dir(&dir).expect("listed").flatten() {
            fs::remove_file(entry.path()).expect("old pages can go");
        }
        for (file, text) in &wanted {
            fs::write(dir.join(file), text).expect("docs can be written");
        }
        return;
    }
    let read = |e: fs::DirEntry| {
        let name = e.file_name().into_string().expect("names are text");
        (name, fs::read_to_string(e.path()).expect("pages are text"))
    };
    let there: BTreeMap<String, String> =
        fs::read_dir(&dir).expect("docs/reference is there").flatten().map(read).collect();
    let names = |m: &BTreeMap<String, String>| m.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&there), names(&wanted), "`cargo xtask reference` makes the pages");
    for (file, text) in &wanted {
        assert!(there[file] == *text, "{file} is not what the functions say: run `cargo xtask reference`");
    }
}

/// Asks Python's jsonschema about documents; returns for each the errors.
fn validate(schema: &Value, documents: &[Value]) -> Vec<Vec<String>> {
    const PROGRAM: &str = "
import json, sys
from jsonschema import Draft202012Validator
ask = json.load(sys.stdin)
Draft202012Validator.check_schema(ask['schema'])
validator = Draft202012Validator(ask['schema'])
print(json.dumps([[e.message[:300] for e in validator.iter_errors(d)] for d in ask['documents']]))
";
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 with jsonschema is there (Debian: python3-jsonschema)");
    let ask = json!({"schema": schema, "documents": documents}).to_string();
    child.stdin.take().expect("piped").write_all(ask.as_bytes()).expect("python3 reads");
    let output = child.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "python3 needs jsonschema (Debian: python3-jsonschema)");
    serde_json::from_slice(&output.stdout).expect("an answer")
}

fn document(name: &str, text: &str) -> Value {
    let node = yaml_document(name, text).unwrap_or_else(|e| panic!("{e}"));
    serde_json::to_value(node.to_value()).expect("YAML has a JSON form")
}

#[test]
fn the_schema_takes_the_example_of_every_function() {
    let registry = builtin();
    let schema = schema::sls(&registry, &[]);
    let examples: Vec<(String, Value)> =
        registry.states().map(|f| (f.name().to_owned(), document(f.name(), &f.doc().example))).collect();
    let documents: Vec<Value> = examples.iter().map(|(_, d)| d.clone()).collect();
    let mut wrong = Vec::new();
    for ((name, _), errors) in examples.iter().zip(validate(&schema, &documents)) {
        if !errors.is_empty() {
            wrong.push(format!("{name}: {errors:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(examples.len() > 50, "{}", examples.len());
}

#[test]
fn the_schema_takes_the_examples_trees() {
    let dir = root().join("examples/kubic/states");
    let schema = schema::sls(&builtin(), &["kubic".to_owned()]);
    let mut files = Vec::new();
    for part in ["kubic", "orch"] {
        files.extend(fs::read_dir(dir.join(part)).expect("listed").flatten().map(|e| e.path()));
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "sls"));
    // What has templates is no YAML before it is rendered.
    let plain = |f: &PathBuf| {
        let text = fs::read_to_string(f).expect("text");
        (!text.contains("{%") && !text.contains("{{")).then(|| document(&f.display().to_string(), &text))
    };
    let documents: Vec<Value> = files.iter().filter_map(plain).collect();
    assert!(!documents.is_empty());
    for errors in validate(&schema, &documents) {
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let wrong = [
        "web: {file.manged: [{contents: x}]}",
        "web: {fiel.managed: [{contents: x}]}",
        "web: test.npo",
        "web: {file.managed: [{contnets: x}]}",
        "web: {file.managed: {contents: x}}",
        "web: {file.replace: [{repl: x}]}",
        "web: {file.managed: [{makedirs: [1]}]}",
        "web: {file.managed: [{context: port}]}",
        "web: {test.nop: [{require: other}]}",
        "web: {test.nop: [{require: [{test.nop: other}]}]}",
        "web: [test.nop]",
        "include: common",
        "extend: [web]",
        "exclude: web",
        "web: {bridge.present: [{mtu: big}]}",
        "- web",
    ];
    let documents: Vec<Value> = wrong.iter().map(|text| document("wrong", text)).collect();
    let answers = validate(&schema::sls(&builtin(), &[]), &documents);
    for (text, errors) in wrong.iter().zip(answers) {
        assert!(!errors.is_empty(), "taken, but wrong: {text}");
    }
}
