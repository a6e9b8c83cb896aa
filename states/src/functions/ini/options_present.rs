//! `ini.options_present`: these options with these values.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{path_of, text_of};
use super::document::Document;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::file::read_if_present;
use crate::host::WriteOptions;

/// The function.
pub(in crate::functions) struct OptionsPresent;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("sections", Kind::Map, "Options by section; those outside of any directly."),
    ArgDoc::with_default("separator", Kind::Text, "'='", "What stands between key and value."),
    ArgDoc::with_default(
        "strict",
        Kind::Bool,
        "false",
        "Whether other options of these sections are removed.",
    ),
    ArgDoc::with_default("no_spaces", Kind::Bool, "false", "Whether no spaces are put around the separator."),
    ArgDoc::optional("encoding", Kind::Text, "Accepted; content is UTF-8."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps options in an ini file; comments and order are left as they are.",
    ARGS,
    "/etc/app.ini:\n  file.managed: []\n\napp options:\n  ini.options_present:\n    - name: /etc/app.ini\n    - sections:\n        server: {port: 80}\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    sections: Map,
    #[serde(default = "equals")]
    separator: String,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    no_spaces: bool,
}

pub(super) fn equals() -> String {
    "=".to_owned()
}

impl StateFunction for OptionsPresent {
    fn name(&self) -> &'static str {
        "ini.options_present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let (changes, _) = plan(call, ctx)?;
        if changes.is_empty() {
            return Ok(Check::holds("no anomaly detected"));
        }
        Ok(Check::differs(changes, format!("options of {} would be changed", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let (changes, text) = plan(call, ctx)?;
        ctx.host.write(&path_of(call, ctx.host)?, text.as_bytes(), WriteOptions::default())?;
        Ok(Applied::new(changes, "changes take effect"))
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Map, String), StateError> {
    let args: Args = call.typed()?;
    let path = path_of(call, ctx.host)?;
    let text = read_if_present(ctx.host, &path)?.unwrap_or_default();
    let mut document = Document::parse(&text, &args.separator, !args.no_spaces)?;
    let mut changes = Map::new();
    let mut top = Map::new();
    for (name, body) in &args.sections {
        let Some(options) = body.as_map() else {
            top.insert(name.clone(), body.clone());
            continue;
        };
        let name = text_of(name);
        if options.is_empty() && document.add_section(&name) {
            changes.insert(name.into(), "new".into());
            continue;
        }
        let changed = update(&mut document, Some(&name), options, args.strict);
        if !changed.is_empty() {
            changes.insert(name.into(), Value::Map(changed));
        }
    }
    if !top.is_empty() || args.strict {
        changes.extend(update(&mut document, None, &top, args.strict));
    }
    Ok((changes, document.print()))
}

fn update(document: &mut Document, section: Option<&str>, options: &Map, strict: bool) -> Map {
    let mut changes = Map::new();
    if strict {
        for key in document.keys(section) {
            if !options.keys().any(|k| text_of(k) == key) {
                let before = document.remove(section, &key);
                let change = Value::from([("before", Value::from(before)), ("after", Value::Null)]);
                changes.insert(key.into(), change);
            }
        }
    }
    for (key, value) in options {
        if let Some(change) = document.set(section, &text_of(key), value) {
            changes.insert(key.clone(), change);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_section_without_options_is_made() {
        let bench = Bench::new(SimHost::new().with_file("/etc/a.ini", "[a]\nx = 1\n"));
        let sls = "/etc/a.ini:\n  ini.options_present:\n    - sections: {a: {}, s: {}}\n";
        assert_eq!(bench.run(sls).changes.get("s"), Some(&"new".into()));
        assert_eq!(bench.host.text("/etc/a.ini").as_deref(), Some("[a]\nx = 1\n\n[s]\n"));
        assert!(!bench.run(sls).changed());
    }

    #[test]
    fn strict_removes_what_is_not_listed() {
        let bench = Bench::new(SimHost::new().with_file("/etc/a.ini", "[s]\na = 1\nb = 2\n"));
        let sls =
            "/etc/a.ini:\n  ini.options_present:\n    - strict: True\n    - sections:\n        s: {a: 1}\n";
        let verdict = bench.run(sls);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(bench.host.text("/etc/a.ini").as_deref(), Some("[s]\na = 1\n"));
        assert!(!bench.run(sls).changed());
    }
}
