//! `file.serialize`: data as a JSON or YAML file.

mod options;

use std::path::PathBuf;

use lab_proto::Value;
use serde::Deserialize;

use super::super::support::{Mode, Owner, make_parents, missing_parents, path_of, perms};
use super::edit::{Edit, read_if_present};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::lookup::traverse;
use crate::host::WriteOptions;
use crate::render::yaml;
use options::Options;

/// The function.
pub(in crate::functions) struct Serialize;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("dataset", Kind::Any, "The data."),
    ArgDoc::optional("dataset_pillar", Kind::Text, "The pillar key (a:b) whose value is the data."),
    ArgDoc::with_default(
        "formatter",
        Kind::Text,
        "yaml",
        "yaml, json, python or configparser; also called serializer.",
    ),
    ArgDoc::optional("serializer", Kind::Text, "yaml, json, python or configparser."),
    ArgDoc::optional(
        "serializer_opts",
        Kind::Any,
        "How it is written. JSON: indent, sort_keys, ensure_ascii, separators. YAML: indent, sort_keys, width, \
         default_flow_style, allow_unicode, explicit_start.",
    ),
    ArgDoc::optional(
        "encoding",
        Kind::Text,
        "utf-8 is the only one, and leaves letters in YAML as they are.",
    ),
    ArgDoc::with_default(
        "merge_if_exists",
        Kind::Bool,
        "false",
        "Whether what the file has besides is kept.",
    ),
    ArgDoc::optional("mode", Kind::Mode, "Permissions."),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
    ArgDoc::optional("dir_mode", Kind::Mode, "Permissions of those."),
    ArgDoc::with_default("create", Kind::Bool, "true", "Whether a missing file is made."),
    ArgDoc::with_default("show_changes", Kind::Bool, "true", "Whether the diff is reported."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a file that holds data as YAML, JSON, a Python literal or sections with options.",
    ARGS,
    "/etc/app.json:\n  file.serialize:\n    - formatter: json\n    - dataset: {port: 80, hosts: [a, b]}\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    dataset: Option<Value>,
    dataset_pillar: Option<String>,
    formatter: Option<String>,
    serializer: Option<String>,
    serializer_opts: Option<Value>,
    encoding: Option<String>,
    #[serde(default)]
    merge_if_exists: bool,
    mode: Option<Mode>,
    user: Option<String>,
    group: Option<String>,
    #[serde(default)]
    makedirs: bool,
    dir_mode: Option<Mode>,
    #[serde(default = "yes")]
    create: bool,
    #[serde(default = "yes")]
    show_changes: bool,
}

fn yes() -> bool {
    true
}

impl StateFunction for Serialize {
    fn name(&self) -> &'static str {
        "file.serialize"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let path = path_of(call, ctx.host)?;
        let owner = Owner::find(args.user.as_deref(), args.group.as_deref(), ctx.host)?;
        let edit = plan(&args, path, ctx)?;
        if edit.old.is_none() && !args.create {
            return Ok(Check::holds("the file is not present and is not set for creation"));
        }
        if edit.old.is_none()
            && !args.makedirs
            && !call.test
            && !missing_parents(ctx.host, &edit.path)?.is_empty()
        {
            return Err(StateError::failed(format!(
                "the directory of {} does not exist (add makedirs: True)",
                edit.path.display()
            )));
        }
        let mut check = edit.check();
        if let Some(have) = ctx.host.stat(&edit.path)? {
            check.changes.extend(perms(ctx.host, &edit.path, &have, args.mode, owner, false)?);
        }
        Ok(check)
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let path = path_of(call, ctx.host)?;
        let owner = Owner::find(args.user.as_deref(), args.group.as_deref(), ctx.host)?;
        let edit = plan(&args, path, ctx)?;
        if args.makedirs {
            let mode = args.dir_mode.or(args.mode.map(Mode::for_directory));
            make_parents(ctx.host, &edit.path, mode.map(|m| m.0), owner)?;
        }
        let options =
            WriteOptions { mode: args.mode.map(|m| m.0), umask: None, uid: owner.uid, gid: owner.gid };
        ctx.host.write(&edit.path, edit.new.as_bytes(), options)?;
        Ok(Applied::new(check.changes.clone(), format!("file {} updated", edit.path.display())))
    }
}

fn plan(args: &Args, path: PathBuf, ctx: &JobCtx<'_>) -> Result<Edit, StateError> {
    let mut data = match (&args.dataset, &args.dataset_pillar) {
        (Some(data), None) => data.clone(),
        (None, Some(key)) => traverse(&ctx.services.pillar(), key, ":")
            .cloned()
            .ok_or_else(|| StateError::failed(format!("pillar {key} does not exist")))?,
        _ => return Err(StateError::failed("exactly one of dataset and dataset_pillar must be given")),
    };
    if args.serializer.is_some() && args.formatter.is_some() {
        return Err(StateError::failed(
            "only one of serializer and formatter is permitted: they mean the same",
        ));
    }
    let format = args.serializer.as_deref().or(args.formatter.as_deref()).unwrap_or("yaml");
    let old = read_if_present(ctx.host, &path)?;
    if let (true, Some(text)) = (args.merge_if_exists, &old) {
        data = merged(read(format, text)?, data);
    }
    let options = Options::read(format, args.serializer_opts.as_ref(), args.encoding.as_deref())?;
    let mut edit = Edit::new(path, old, written(format, &data, &options)?);
    edit.show_changes = args.show_changes;
    Ok(edit)
}

fn unknown(format: &str) -> StateError {
    StateError::failed(format!(
        "argument formatter: {format:?} is not supported; yaml, json, python and configparser are"
    ))
}

fn read(format: &str, text: &str) -> Result<Value, StateError> {
    let bad = |e: &dyn std::fmt::Display| {
        StateError::failed(format!("the present content is no {format} to merge with: {e}"))
    };
    match format {
        "json" => serde_json::from_str::<serde_json::Value>(text).map(Value::from).map_err(|e| bad(&e)),
        "yaml" => yaml::parse(text).map(|node| node.to_value()).map_err(|e| bad(&e)),
        other => Err(unknown(other)),
    }
}

fn written(format: &str, data: &Value, options: &Options<'_>) -> Result<String, StateError> {
    match format {
        "json" => Ok(crate::render::json(data, options.json()?)? + "\n"),
        "yaml" => {
            let text = yaml::dump_file(data, &options.yaml()?);
            Ok(if text.ends_with('\n') { text } else { text + "\n" })
        }
        "python" => Ok(crate::render::python_literal(data)? + "\n"),
        "configparser" => sections(data),
        other => Err(unknown(other)),
    }
}

/// Writes sections with options, as Python's configparser does.
fn sections(data: &Value) -> Result<String, StateError> {
    let bad = || StateError::failed("configparser writes a mapping of sections, each a mapping of options");
    let mut out = String::new();
    // The defaults of all sections come first, wherever they were given.
    let (first, others): (Vec<_>, Vec<_>) =
        data.as_map().ok_or_else(bad)?.iter().partition(|(name, _)| name.as_str() == Some("DEFAULT"));
    for (section, options) in first.into_iter().chain(others) {
        out.push_str(&format!("[{section}]\n"));
        for (option, value) in options.as_map().ok_or_else(bad)? {
            let value = match value {
                Value::Str(text) => text.replace('\n', "\n\t"),
                other => crate::render::python_literal(other)?,
            };
            out.push_str(&format!("{} = {value}\n", option.to_string().to_lowercase()));
        }
        out.push('\n');
    }
    out.push('\n');
    Ok(out)
}

/// Lays one mapping over another, deeply; everything else is replaced.
fn merged(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Map(mut below), Value::Map(above)) => {
            for (key, value) in above {
                let old = below.shift_remove(&key).unwrap_or_default();
                below.insert(key, merged(old, value));
            }
            Value::Map(below)
        }
        (_, above) => above,
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn data_is_written_and_merged_with_what_is_there() {
        let bench = Bench::new(SimHost::new().with_file("/etc/a.json", "{\"keep\": 1, \"port\": 80}"));
        let sls = "/etc/a.json:\n  file.serialize:\n    - formatter: json\n    - dataset: {port: 81}\n    - merge_if_exists: True\n";
        assert_eq!(bench.run(sls).kind, VerdictKind::Ok);
        assert_eq!(bench.host.text("/etc/a.json").as_deref(), Some("{\n  \"keep\": 1,\n  \"port\": 81\n}\n"));
        assert!(!bench.run(sls).changed());
        let yaml = bench.run("/etc/a.yaml:\n  file.serialize:\n    - dataset: {a: [1, two]}\n");
        assert_eq!(yaml.kind, VerdictKind::Ok, "{}", yaml.comment);
    }

    #[test]
    fn options_say_how_it_is_written() {
        let bench = Bench::new(SimHost::new());
        let written = |format: &str, rest: &str| {
            let data = "{dataset: {b: [1, x], a: {k: ü}}}";
            let done =
                bench.run(&format!("/f: {{file.serialize: [{{formatter: {format}}}, {data}, {rest}]}}"));
            assert_eq!(done.kind, VerdictKind::Ok, "{}", done.comment);
            bench.host.text("/f").unwrap()
        };
        let json = |options: &str| written("json", &format!("serializer_opts: [{options}]"));
        assert_eq!(json("indent: null"), "{\"a\": {\"k\": \"ü\"},\"b\": [1,\"x\"]}\n");
        let pythons = "{indent: null}, {separators: null}";
        assert_eq!(json(pythons), "{\"a\": {\"k\": \"ü\"}, \"b\": [1, \"x\"]}\n");
        let tight = "sort_keys: no, {indent: null}, {separators: [',', ':']}, {ensure_ascii: yes}";
        assert_eq!(json(tight), "{\"b\":[1,\"x\"],\"a\":{\"k\":\"\\u00fc\"}}\n");
        let delete = "/f: {file.serialize: [{formatter: json}, {dataset: \"\\x7f\"}, {serializer_opts: [ensure_ascii: yes]}]}";
        assert_eq!(bench.run(delete).kind, VerdictKind::Ok);
        assert_eq!(bench.host.text("/f").as_deref(), Some("\"\\u007f\"\n"));
        let yaml = |options: &str| written("yaml", &format!("serializer_opts: [{options}]"));
        assert_eq!(
            yaml("default_flow_style: yes, explicit_start: yes"),
            "--- {a: {k: \"\\xFC\"}, b: [1, x]}\n"
        );
        assert_eq!(
            yaml("default_flow_style: null, {sort_keys: no}, {allow_unicode: yes}"),
            "b: [1, x]\na: {k: ü}\n"
        );
        assert_eq!(yaml("explicit_start: yes"), "---\na:\n  k: \"\\xFC\"\nb:\n- 1\n- x\n");
        assert_eq!(written("yaml", "encoding: UTF-8"), "a:\n  k: ü\nb:\n- 1\n- x\n");
    }

    #[test]
    fn an_option_that_is_none_is_told() {
        let bench = Bench::new(SimHost::new());
        for (format, rest, says) in [
            ("json", "serializer_opts: [skipkeys: yes]", "indent, sort_keys, ensure_ascii, separators"),
            ("yaml", "serializer_opts: [ensure_ascii: no]", "ensure_ascii"),
            ("json", "serializer_opts: [indent: two]", "number of spaces"),
            ("json", "serializer_opts: [separators: ',']", "two texts"),
            ("python", "serializer_opts: [width: 10]", "takes none"),
            ("json", "serializer_opts: [sort_keys, {indent: 4}]", "sort_keys is no mapping"),
            ("json", "serializer_opts: indent", "indent is no mapping"),
            ("yml", "serializer_opts: [indent: 4]", "\"yml\" is not supported"),
            ("json", "encoding: latin-1", "utf-8"),
        ] {
            let sls =
                format!("/f: {{file.serialize: [{{formatter: {format}}}, {{dataset: {{a: 1}}}}, {rest}]}}");
            let done = bench.run(&sls);
            assert_eq!(done.kind, VerdictKind::Failed, "{rest}");
            assert!(done.comment.contains(says), "{}", done.comment);
        }
        assert_eq!(bench.host.text("/f"), None);
    }

    #[test]
    fn json_is_what_python_writes() {
        let bench = Bench::new(SimHost::new());
        let json = |dataset: &str| {
            let sls = format!("/f: {{file.serialize: [{{formatter: json}}, {{dataset: {dataset}}}]}}");
            (bench.run(&sls), bench.host.text("/f").unwrap_or_default())
        };
        let (done, text) = json("{10: 1.0e+16, 9: {b: 1e-7, a: []}, true: ü}");
        assert_eq!(done.kind, VerdictKind::Ok, "{}", done.comment);
        let want = "{\n  \"true\": \"ü\",\n  \"9\": {\n    \"a\": [],\n    \"b\": \"1e-7\"\n  },\n  \"10\": 1e+16\n}\n";
        assert_eq!(text, want);
        let (done, _) = json("{1: a, b: c}");
        assert!(done.comment.contains("cannot be sorted"), "{}", done.comment);
    }
}
