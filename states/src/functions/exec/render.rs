//! `slsutil.*` that read files: rendering one by hand, and looking for one in the state tree.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Call, Exec, failed};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind, Template};
use crate::functions::support::{absolute, text_list};
use crate::render::{shebang, yaml};

const RENDERER: &[ArgDoc] = &[
    ArgDoc::optional("path", Kind::Text, "Which file: salt://path, or a path of the machine."),
    ArgDoc::optional("string", Kind::Text, "The text itself, in place of a file."),
    ArgDoc::with_default(
        "default_renderer",
        Kind::Text,
        "jinja|yaml",
        "The renderers, unless the first line names them.",
    ),
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
];
const SERIALIZE: &[ArgDoc] = &[
    ArgDoc::required("serializer", Kind::Text, "json, yaml or python."),
    ArgDoc::required("obj", Kind::Any, "The data."),
];
const DESERIALIZE: &[ArgDoc] = &[
    ArgDoc::required("serializer", Kind::Text, "json or yaml."),
    ArgDoc::required("stream_or_string", Kind::Text, "The text."),
];
const PATH: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Text, "A path below the root of the state tree."),
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
];
const FINDUP: &[ArgDoc] = &[
    ArgDoc::required("startpath", Kind::Text, "The folder to begin in."),
    ArgDoc::required("filenames", Kind::Any, "The name, or a list of names."),
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "slsutil.renderer",
        doc: FunctionDoc::new(
            "Renders a file or a text, and returns the data that it gives; further named arguments are variables of the \
             template.",
            RENDERER,
            "lab-minion call --local slsutil.renderer string='a: {{ 1 + 1 }}'",
        )
        .open(),
        body: renderer,
    },
    Exec {
        name: "slsutil.serialize",
        doc: FunctionDoc::new(
            "Writes data as text.",
            SERIALIZE,
            "lab-minion call --local slsutil.serialize json '{a: 1}'",
        )
        .open(),
        body: serialize,
    },
    Exec {
        name: "slsutil.deserialize",
        doc: FunctionDoc::new(
            "Reads data from text.",
            DESERIALIZE,
            "lab-minion call --local slsutil.deserialize yaml '{a: 1}'",
        )
        .open(),
        body: deserialize,
    },
    Exec {
        name: "slsutil.file_exists",
        doc: FunctionDoc::new(
            "Tells whether the state tree has a file.",
            PATH,
            "lab-minion call --local slsutil.file_exists web/init.sls",
        ),
        body: |call| Ok(exists(call, true, false)?.into()),
    },
    Exec {
        name: "slsutil.dir_exists",
        doc: FunctionDoc::new(
            "Tells whether the state tree has a folder.",
            PATH,
            "lab-minion call --local slsutil.dir_exists web",
        ),
        body: |call| Ok(exists(call, false, true)?.into()),
    },
    Exec {
        name: "slsutil.path_exists",
        doc: FunctionDoc::new(
            "Tells whether the state tree has a file or folder.",
            PATH,
            "lab-minion call --local slsutil.path_exists web",
        ),
        body: |call| Ok(exists(call, true, true)?.into()),
    },
    Exec {
        name: "slsutil.findup",
        doc: FunctionDoc::new(
            "Looks for a file in a folder of the state tree and those above it; returns its path.",
            FINDUP,
            "lab-minion call --local slsutil.findup web/sub map.jinja",
        ),
        body: findup,
    },
];

fn base() -> String {
    "base".to_owned()
}

#[derive(Deserialize)]
struct Renderer {
    path: Option<String>,
    string: Option<String>,
    default_renderer: Option<String>,
    #[serde(default = "base")]
    saltenv: String,
}

fn renderer(call: &Call<'_>) -> Result<Value, CallError> {
    let Renderer { path, string, default_renderer, saltenv } = call.typed()?;
    let (name, text) = match (path, string) {
        (Some(path), None) => (path.clone(), source(&path, &saltenv, call)?),
        (None, Some(text)) => ("the argument string".to_owned(), text),
        _ => return Err(CallError::failed("exactly one of path and string must be given")),
    };
    let default = default_renderer.unwrap_or_else(|| "jinja|yaml".to_owned());
    let (renderers, mut text) =
        shebang(&text).unwrap_or_else(|| (default.split('|').map(str::trim).collect(), text.clone()));
    let own = |key: &Value| key.as_str().is_some_and(|k| call.doc.knows(k) || k.starts_with("__"));
    let context: Map =
        call.kwargs.iter().filter(|(k, _)| !own(k)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut data = None;
    for renderer in renderers {
        match renderer {
            "jinja" => {
                let template = Template { text: &text, name: &name, context: &context, saltenv: &saltenv };
                text = call.ctx.services.render(&template)?;
            }
            "yaml" | "json" => data = Some(read(renderer, &text, &name)?),
            other => {
                return Err(CallError::failed(format!(
                    "there is no renderer {other:?}; jinja, yaml and json are"
                )));
            }
        }
    }
    Ok(data.unwrap_or_else(|| text.into()))
}

fn source(path: &str, saltenv: &str, call: &Call<'_>) -> Result<String, CallError> {
    let bytes = match path.strip_prefix("salt://") {
        Some(path) => call.ctx.services.file(path, saltenv)?,
        None => call.ctx.host.read(&absolute(path, call.ctx.host).map_err(failed)?)?,
    };
    String::from_utf8(bytes).map_err(|_| CallError::failed(format!("{path} is no text in UTF-8")))
}

pub(super) fn read(format: &str, text: &str, name: &str) -> Result<Value, CallError> {
    let bad = |e: &dyn std::fmt::Display| CallError::failed(format!("{name} is no {format}: {e}"));
    match format {
        "json" => serde_json::from_str::<serde_json::Value>(text).map(Value::from).map_err(|e| bad(&e)),
        _ => yaml::parse(text).map(|node| node.to_value()).map_err(|e| bad(&e)),
    }
}

#[derive(Deserialize)]
struct Serialize {
    serializer: String,
    obj: Value,
}

fn serialize(call: &Call<'_>) -> Result<Value, CallError> {
    let Serialize { serializer, obj } = call.typed()?;
    let text = match serializer.as_str() {
        "json" => crate::render::json_line(&obj).map_err(failed)?,
        "yaml" => yaml::dump_mixed(&obj),
        "python" => crate::render::python_literal(&obj).map_err(failed)?,
        other => {
            return Err(CallError::failed(format!(
                "argument serializer: {other:?} is none of json, yaml, python"
            )));
        }
    };
    Ok(text.into())
}

#[derive(Deserialize)]
struct Deserialize_ {
    serializer: String,
    stream_or_string: String,
}

fn deserialize(call: &Call<'_>) -> Result<Value, CallError> {
    let Deserialize_ { serializer, stream_or_string } = call.typed()?;
    match serializer.as_str() {
        "json" | "yaml" => read(&serializer, &stream_or_string, "the text"),
        other => Err(CallError::failed(format!("argument serializer: {other:?} is neither json nor yaml"))),
    }
}

#[derive(Deserialize)]
struct Path {
    path: String,
    #[serde(default = "base")]
    saltenv: String,
}

fn exists(call: &Call<'_>, file: bool, dir: bool) -> Result<bool, CallError> {
    let Path { path, saltenv } = call.typed()?;
    let path = path.trim_matches('/');
    let below = format!("{path}/");
    let entries = call.ctx.services.list("", &saltenv)?;
    Ok(entries.iter().any(|e| file && e.path == path || dir && e.path.starts_with(&below)))
}

#[derive(Deserialize)]
struct FindUp {
    startpath: String,
    filenames: Value,
    #[serde(default = "base")]
    saltenv: String,
}

fn findup(call: &Call<'_>) -> Result<Value, CallError> {
    let FindUp { startpath, filenames, saltenv } = call.typed()?;
    let names = text_list(&filenames);
    let entries = call.ctx.services.list("", &saltenv)?;
    let mut folder = startpath.trim_matches('/');
    loop {
        for name in &names {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if entries.iter().any(|e| e.path == path) {
                return Ok(path.into());
            }
        }
        if folder.is_empty() {
            let names = names.join(", ");
            return Err(CallError::failed(format!("there is no {names} in {startpath} or above it")));
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn files_and_texts_are_rendered_to_data() {
        let bench = Bench::new(SimHost::new().with_file("/etc/d.yaml", "k: [1]\n"))
            .with_state_file("web/map.yaml", "a: {{ v }}\n")
            .with_state_file("web/t.txt", "#!jinja\nplain {{ v }}");
        let exec = |args: &[Value], kwargs: &[(&str, Value)]| {
            let kwargs: Map = kwargs.iter().map(|(k, v)| (Value::from(*k), v.clone())).collect();
            bench.exec("slsutil.renderer", args, &kwargs)
        };
        assert_eq!(exec(&["salt://web/map.yaml".into()], &[("v", 5.into())]), Ok(Value::from([("a", 5)])));
        assert_eq!(exec(&["salt://web/t.txt".into()], &[("v", 5.into())]), Ok(Value::from("\nplain 5")));
        assert_eq!(exec(&["/etc/d.yaml".into()], &[]).unwrap().get("k"), Some(&Value::from(vec![1])));
        assert!(exec(&[], &[]).is_err());
        assert!(exec(&["salt://none".into()], &[]).is_err());
    }

    #[test]
    fn the_tree_is_searched_upwards() {
        let bench = Bench::new(SimHost::new()).with_state_file("a/b/f", "").with_state_file("a/map", "");
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new())
        };
        assert_eq!(exec("slsutil.findup", &["a/b", "map"]), Ok("a/map".into()));
        assert!(exec("slsutil.findup", &["a/b", "none"]).is_err());
        assert_eq!(exec("slsutil.dir_exists", &["a/b"]), Ok(true.into()));
        assert_eq!(exec("slsutil.file_exists", &["a/b"]), Ok(false.into()));
        assert_eq!(exec("slsutil.path_exists", &["a/b/f"]), Ok(true.into()));
        assert_eq!(exec("slsutil.deserialize", &["json", "[1]"]), Ok(vec![1].into()));
        assert_eq!(exec("slsutil.serialize", &["json", "x"]), Ok("\"x\"".into()));
    }
}
