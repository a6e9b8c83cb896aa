//! `ini.options_absent`: without these options.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{path_of, text_list, text_of};
use super::document::Document;
use super::options_present::equals;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::file::read_if_present;
use crate::host::WriteOptions;

/// The function.
pub(in crate::functions) struct OptionsAbsent;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("sections", Kind::Map, "Lists of options by section."),
    ArgDoc::with_default("separator", Kind::Text, "'='", "What stands between key and value."),
    ArgDoc::optional("encoding", Kind::Text, "Accepted; content is UTF-8."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Removes options from an ini file.",
    ARGS,
    "/etc/app.ini:\n  file.managed:\n    - contents: ['[server]', 'debug = 1']\n    - replace: False\n\nno debug:\n  ini.options_absent:\n    - name: /etc/app.ini\n    - sections:\n        server: [debug]\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    sections: Map,
    #[serde(default = "equals")]
    separator: String,
}

impl StateFunction for OptionsAbsent {
    fn name(&self) -> &'static str {
        "ini.options_absent"
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
        Ok(Check::differs(changes, format!("options of {} would be removed", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let (changes, text) = plan(call, ctx)?;
        ctx.host.write(&path_of(call, ctx.host)?, text.as_bytes(), WriteOptions::default())?;
        Ok(Applied::new(changes, "changes take effect"))
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Map, String), StateError> {
    let args: Args = call.typed()?;
    let text = read_if_present(ctx.host, &path_of(call, ctx.host)?)?.unwrap_or_default();
    let mut document = Document::parse(&text, &args.separator, true)?;
    let mut changes = Map::new();
    for (section, keys) in &args.sections {
        let section = text_of(section);
        let mut gone = Map::new();
        for key in text_list(keys) {
            if let Some(value) = document.remove(Some(&section), &key) {
                gone.insert(key.into(), value.into());
            }
        }
        if !gone.is_empty() {
            changes.insert(section.into(), Value::Map(gone));
        }
    }
    Ok((changes, document.print()))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn options_are_removed_once() {
        let bench = Bench::new(SimHost::new().with_file("/etc/a.ini", "[s]\na = 1\nb = 2\n"));
        let sls = "/etc/a.ini:\n  ini.options_absent:\n    - sections:\n        s: [a, c]\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/etc/a.ini").as_deref(), Some("[s]\nb = 2\n"));
        assert!(!bench.run(sls).changed());
    }
}
