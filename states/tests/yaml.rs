//! Documents with the answers that Salt's own YAML loader gave, replayed on our reader.
//!
//! `tests/yaml/probes.json` holds triples: the document, `ok` or `error KIND`, and the value (mappings as lists of
//! pairs, floats as text, so that kinds and order show) or PyYAML's message.

use std::path::Path;

use lab_proto::Value;
use lab_states::render;

#[test]
fn documents_are_read_as_by_salt() {
    let probes = probes();
    let mut differences = Vec::new();
    for [document, verdict, detail] in &probes {
        let (ours, shown) = match render::yaml_document("probe.yaml", document) {
            Ok(node) => ("ok".to_owned(), spelt(&node.to_value()).to_string()),
            Err(error) => (format!("error {}", error.kind.word()), error.to_string()),
        };
        let theirs = if verdict == "ok" {
            serde_json::from_str::<serde_json::Value>(detail).expect("json").to_string()
        } else {
            detail.clone()
        };
        if ours != *verdict || (ours == "ok" && shown != theirs) {
            differences.push(format!("{document}--- salt: {verdict} {theirs}\n--- ours: {ours} {shown}\n"));
        }
    }
    assert!(probes.len() > 100, "only {} probes", probes.len());
    assert!(
        differences.is_empty(),
        "{} of {} differ\n{}",
        differences.len(),
        probes.len(),
        differences.join("\n")
    );
}

fn spelt(value: &Value) -> serde_json::Value {
    match value {
        Value::Map(map) => {
            let pairs = map.iter().map(|(k, v)| serde_json::json!([spelt(k), spelt(v)])).collect::<Vec<_>>();
            serde_json::json!({ "__map__": pairs })
        }
        Value::List(items) | Value::Tuple(items) => items.iter().map(spelt).collect(),
        Value::Float(f) if f.is_infinite() => if *f > 0.0 { "inff" } else { "-inff" }.into(),
        Value::Float(f) if f.is_nan() => "nanf".into(),
        Value::Float(f) => format!("{f:?}f").into(),
        Value::Bytes(b) => format!("bytes:{}", String::from_utf8_lossy(b)).into(),
        scalar => serde_json::to_value(scalar).expect("json"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the probes are a file")]
fn probes() -> Vec<[String; 3]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml/probes.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("probes")
}
