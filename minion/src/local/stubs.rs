//! Stubs: execution functions whose answers stand in a file, so that a tree which needs functions or machines that
//! are not here can be compiled and looked at. They are doubles, and every use of them says so.
//!
//! ```yaml
//! filters.is_lvm: [{return: false}]
//! mine.get:
//!   - kwargs: {tgt: master, fun: join_params}
//!     return: {master: {token: abc}}
//!   - error: no such entry
//! ```
//!
//! Of a function's answers the first whose `args` and `kwargs` are those of the call is given; one that names
//! neither fits every call.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lab_proto::{Map, Value};
use lab_states::function::{CallError, ExecFunction, FunctionDoc, JobCtx, Registry};
use lab_states::render;

/// Why a file of stubs could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StubError {
    /// The file could not be read.
    #[error("cannot read the stubs {}", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// It is no YAML.
    #[error("{0}")]
    Yaml(#[from] render::RenderError),
    /// It has another shape.
    #[error("{path}: {function}: {what}; write `module.function: [{{args: […], kwargs: {{…}}, return: …}}]`")]
    Shape {
        /// The file.
        path: String,
        /// The entry.
        function: String,
        /// What is wrong with it.
        what: String,
    },
}

/// One answer of a function.
#[derive(Clone, Debug)]
struct Stub {
    args: Option<Vec<Value>>,
    kwargs: Option<Map>,
    answer: Result<Value, String>,
}

/// A function that answers from a file.
struct Stubbed {
    name: String,
    doc: FunctionDoc,
    answers: Vec<Stub>,
}

/// Puts the functions of a file in the place of those of the registry; returns their names.
///
/// # Errors
/// When the file cannot be read or has another shape.
pub fn load(path: &Path, registry: &mut Registry) -> Result<Vec<String>, StubError> {
    const DOC: FunctionDoc = FunctionDoc::new("A stub: its answers stand in a file.", &[], "").open();
    let text = std::fs::read_to_string(path).map_err(|e| StubError::Read(path.to_owned(), e))?;
    let shown = path.display().to_string();
    let shape = |function: &dyn fmt::Display, what: &str| StubError::Shape {
        path: shown.clone(),
        function: function.to_string(),
        what: what.to_owned(),
    };
    let document = render::yaml_document(&shown, &text)?.to_value();
    let entries = document.as_map().ok_or_else(|| shape(&"the file", "is no mapping"))?;
    let mut names = Vec::new();
    for (name, answers) in entries {
        let list = answers.as_list().ok_or_else(|| shape(name, "is no list of answers"))?;
        let answers =
            list.iter().map(|a| answer(a).map_err(|what| shape(name, what))).collect::<Result<_, _>>()?;
        let name = name.to_string();
        names.push(name.clone());
        registry.add_exec(Arc::new(Stubbed { name, doc: DOC, answers }));
    }
    Ok(names)
}

fn answer(entry: &Value) -> Result<Stub, &'static str> {
    let entry = entry.as_map().ok_or("an answer is no mapping")?;
    if entry.keys().any(|k| !matches!(k.as_str(), Some("args" | "kwargs" | "return" | "error"))) {
        return Err("an answer knows args, kwargs, return and error only");
    }
    let args =
        entry.get("args").map(|v| v.as_list().map(<[Value]>::to_vec).ok_or("args is no list")).transpose()?;
    let kwargs =
        entry.get("kwargs").map(|v| v.as_map().cloned().ok_or("kwargs is no mapping")).transpose()?;
    let answer = match (entry.get("return"), entry.get("error")) {
        (Some(value), None) => Ok(value.clone()),
        (None, Some(error)) => Err(error.to_string()),
        _ => return Err("an answer has either return or error"),
    };
    Ok(Stub { args, kwargs, answer })
}

impl ExecFunction for Stubbed {
    fn name(&self) -> &str {
        &self.name
    }

    fn doc(&self) -> &FunctionDoc {
        &self.doc
    }

    fn call(&self, args: &[Value], kwargs: &Map, _: &JobCtx<'_>) -> Result<Value, CallError> {
        let fits = |stub: &&Stub| {
            stub.args.as_ref().is_none_or(|a| a == args) && stub.kwargs.as_ref().is_none_or(|k| k == kwargs)
        };
        let Some(found) = self.answers.iter().find(fits) else {
            let text = format!("the stub of {} has no answer for these arguments: add one", self.name);
            return Err(CallError::failed(text));
        };
        found.answer.clone().map_err(|e| CallError::failed(format!("{e} (a stub says so)")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Result<Vec<String>, StubError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stubs.yaml");
        std::fs::write(&path, text).unwrap();
        load(&path, &mut Registry::default())
    }

    #[test]
    fn a_file_of_another_shape_is_refused_with_the_entry_named() {
        assert_eq!(loaded("a.b: [{return: 1}]\nc.d: [{args: [x], error: no}]\n").unwrap(), ["a.b", "c.d"]);
        for (text, word) in [
            ("- a", "the file"),
            ("a.b: 1", "a.b"),
            ("a.b: [1]", "no mapping"),
            ("a.b: [{returns: 1}]", "only"),
            ("a.b: [{return: 1, error: 2}]", "either"),
        ] {
            let error = loaded(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
