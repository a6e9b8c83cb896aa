//! Templates with the answers that real Jinja2 gave, with Salt's extension and filters, replayed on our engine.
//!
//! A file in `tests/jinja/` is a sequence of blocks: `=== file NAME` (a template that others import),
//! `=== template`, and after it `=== ok` with the output or `=== error KIND` with Jinja's own message. Every template
//! of a file sees all of its `file` blocks, and `context.json`.

use std::path::Path;

use lab_proto::{Map, Value};
use lab_states::render::{self, CallError, MemorySources, RenderContext, RenderEnv, RenderFunctions};

#[test]
fn templates_render_as_in_real_jinja() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jinja");
    let context: Value = read(&directory.join("context.json")).parse_json();
    let mut differences = Vec::new();
    let mut count = 0;
    for name in ["filters", "methods", "names", "operators", "printing", "salt", "statements", "whitespace"] {
        let text = read(&directory.join(format!("{name}.txt")));
        let blocks = blocks(&text);
        let files =
            blocks.iter().filter_map(|(head, body)| Some((head.strip_prefix("file ")?.to_owned(), *body)));
        let sources = MemorySources::new(files);
        let mut template = "";
        for (head, body) in &blocks {
            match head.split_once(' ').map_or(*head, |(first, _)| first) {
                "template" => template = body,
                "ok" | "error" => {
                    count += 1;
                    let ours = answer(&sources, &context, template);
                    let theirs = if *head == "ok" { format!("ok\n{body}") } else { (*head).to_owned() };
                    let same =
                        if *head == "ok" { ours == theirs } else { ours.split('\n').next() == Some(*head) };
                    if !same {
                        differences.push(format!(
                            "{name}: {template}\n--- jinja: {theirs}\n{body}\n--- ours: {ours}\n"
                        ));
                    }
                }
                _ => {}
            }
        }
    }
    assert!(count >= 150, "only {count} probes were found");
    assert!(differences.is_empty(), "{} of {count} differ\n{}", differences.len(), differences.join("\n"));
}

fn answer(sources: &MemorySources, context: &Value, template: &str) -> String {
    let mut rest = context.as_map().cloned().unwrap_or_default();
    let mut take = |name: &str| rest.shift_remove(name).unwrap_or_default();
    let mut run = RenderContext {
        grains: take("grains"),
        pillar: take("pillar"),
        opts: take("opts"),
        ..RenderContext::default()
    };
    // What a state gives to a template is ordered, as Salt reads it; the probes' variables are plain mappings.
    run.extra = rest;
    let env = RenderEnv::new(sources, &EchoDouble, &run);
    match render::template(&env, "probe.jinja", template, &Map::new()) {
        Ok(text) => format!("ok\n{text}"),
        Err(error) => format!("error {}\n{error}", error.kind.word()),
    }
}

/// A test double: `test.args` returns its arguments.
struct EchoDouble;

impl RenderFunctions for EchoDouble {
    fn call(&self, _: &str, args: &[Value], kwargs: &Map) -> Result<Value, CallError> {
        Ok(Value::List(vec![Value::List(args.to_vec()), Value::Map(kwargs.clone())]))
    }

    fn knows(&self, name: &str) -> bool {
        name == "test.args"
    }

    fn has_module(&self, module: &str) -> bool {
        module == "test"
    }
}

#[expect(clippy::disallowed_methods, reason = "the probes are files")]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("=== ").skip(1);
    parts
        .filter_map(|p| p.split_once('\n'))
        .map(|(head, body)| (head, body.strip_suffix('\n').unwrap_or(body)))
        .collect()
}

trait ParseJson {
    fn parse_json(&self) -> Value;
}

impl ParseJson for String {
    fn parse_json(&self) -> Value {
        serde_json::from_str(self).unwrap_or_else(|e| panic!("context.json: {e}"))
    }
}
