//! `ini.sections_present` and `ini.sections_absent`.

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

/// Keeps sections.
pub(in crate::functions) struct Present;

/// Removes sections with their options.
pub(in crate::functions) struct Absent;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("sections", Kind::List, "Their names."),
    ArgDoc::with_default("separator", Kind::Text, "'='", "What stands between key and value."),
    ArgDoc::optional("encoding", Kind::Text, "Accepted; content is UTF-8."),
];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Keeps sections in an ini file.",
    ARGS,
    "/etc/app.ini:\n  file.managed: []\n\nsections:\n  ini.sections_present:\n    - name: /etc/app.ini\n    - sections: [server]\n",
);

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Removes sections with their options from an ini file.",
    ARGS,
    "/etc/app.ini:\n  file.managed:\n    - contents: ['[old]', 'a = 1']\n    - replace: False\n\nsections:\n  ini.sections_absent:\n    - name: /etc/app.ini\n    - sections: [old]\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    sections: Value,
    #[serde(default = "equals")]
    separator: String,
}

impl Args {
    fn names(&self) -> Vec<String> {
        match &self.sections {
            Value::Map(map) => map.keys().map(text_of).collect(),
            Value::Null => Vec::new(),
            other => text_list(other),
        }
    }
}

type Plan = fn(&mut Document, &[String]) -> Map;

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "ini.sections_present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx, add)
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(call, ctx, add)
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "ini.sections_absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx, remove)
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(call, ctx, remove)
    }
}

fn add(document: &mut Document, names: &[String]) -> Map {
    let missing = names.iter().filter(|name| document.add_section(name));
    missing.map(|name| (Value::from(name.as_str()), Value::from("new"))).collect()
}

fn remove(document: &mut Document, names: &[String]) -> Map {
    let gone = |name: &String| Some((Value::from(name.as_str()), Value::Map(document.remove_section(name)?)));
    names.iter().filter_map(gone).collect()
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>, change: Plan) -> Result<(Map, String), StateError> {
    let args: Args = call.typed()?;
    let text = read_if_present(ctx.host, &path_of(call, ctx.host)?)?.unwrap_or_default();
    let mut document = Document::parse(&text, &args.separator, true)?;
    let changes = change(&mut document, &args.names());
    Ok((changes, document.print()))
}

fn check(call: &StateCall, ctx: &JobCtx<'_>, change: Plan) -> Result<Check, StateError> {
    let (changes, _) = plan(call, ctx, change)?;
    if changes.is_empty() {
        return Ok(Check::holds("no anomaly detected"));
    }
    Ok(Check::differs(changes, format!("sections of {} would be changed", call.name)))
}

fn apply(call: &StateCall, ctx: &JobCtx<'_>, change: Plan) -> Result<Applied, StateError> {
    let (changes, text) = plan(call, ctx, change)?;
    ctx.host.write(&path_of(call, ctx.host)?, text.as_bytes(), WriteOptions::default())?;
    Ok(Applied::new(changes, "changes take effect"))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn sections_come_and_go_once() {
        let bench = Bench::new(SimHost::new().with_file("/etc/a.ini", "[s]\na = 1\n"));
        let add = "/etc/a.ini:\n  ini.sections_present:\n    - sections: [s, t]\n";
        assert!(bench.run(add).changed() && !bench.run(add).changed());
        let remove = "/etc/a.ini:\n  ini.sections_absent:\n    - sections: [s]\n";
        assert!(bench.run(remove).changed() && !bench.run(remove).changed());
        assert_eq!(bench.host.text("/etc/a.ini").as_deref(), Some("[t]\n"));
    }
}
