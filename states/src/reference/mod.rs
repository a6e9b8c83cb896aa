//! The documentation that functions carry, laid out for readers: `lab-master doc`, `sys.doc`, the pages of
//! docs/reference and the JSON Schema are all made here, from the same [`FunctionDoc`]s that calls are read by.

mod pages;
pub mod schema;

pub use pages::{Page, pages};

use lab_proto::Value;

use crate::function::{ArgDoc, Class, FunctionDoc, Registry};
use crate::nearest::nearest;

/// A function as its documentation has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `module.function`
    pub name: String,
    /// The class of a state function; none for an execution function.
    pub class: Option<Class>,
    /// Its documentation.
    pub doc: FunctionDoc,
}

impl Entry {
    /// Says what kind of function it is.
    pub fn kind(&self) -> &'static str {
        if self.class.is_some() { "state" } else { "execution" }
    }

    /// Lays the documentation out for a terminal.
    pub fn text(&self) -> String {
        let Self { name, class, doc } = self;
        let class = class.map(|c| format!(", {}", class_word(c))).unwrap_or_default();
        format!("{name}  ({} function{class})\n{}", self.kind(), text(doc))
    }

    /// Returns the documentation as data.
    pub fn to_value(&self) -> Value {
        let Self { name, class, doc } = self;
        let FunctionDoc { summary, args, example, open } = doc;
        let arg = |a: &ArgDoc| {
            let ArgDoc { name, kind, required, default, help } = a;
            Value::from([
                ("name", Value::from(name.as_ref())),
                ("type", Value::from(kind.as_str())),
                ("required", Value::from(*required)),
                ("default", default.as_deref().into()),
                ("help", Value::from(help.as_ref())),
            ])
        };
        Value::from([
            ("name", Value::from(name.as_str())),
            ("kind", Value::from(self.kind())),
            ("class", class.map(class_word).into()),
            ("summary", Value::from(summary.as_ref())),
            ("arguments", Value::List(args.iter().map(arg).collect())),
            ("further_arguments", Value::from(*open)),
            ("example", Value::from(example.as_ref())),
        ])
    }
}

/// Lays the documentation of a function out, without its name.
pub fn text(doc: &FunctionDoc) -> String {
    let mut text = doc.summary.to_string();
    if doc.open || !doc.args.is_empty() {
        text.push('\n');
    }
    for arg in doc.args.iter() {
        text.push_str(&format!("\n{} ({}): {}", arg.name, manner(arg), arg.help));
    }
    if doc.open {
        text.push_str("\nFurther arguments are data for the function.");
    }
    text.push_str(&format!("\n\n{}", doc.example.trim_end()));
    text
}

/// Says what an argument takes: its type, whether it is required, its default.
fn manner(arg: &ArgDoc) -> String {
    let default = arg.default.as_ref().map(|d| format!(", {d} when not given")).unwrap_or_default();
    let required = if arg.required { ", required" } else { "" };
    format!("{}{required}{default}", arg.kind.as_str())
}

fn class_word(class: Class) -> &'static str {
    match class {
        Class::Declarative => "declarative",
        Class::Action => "action",
        Class::Probe => "probe",
    }
}

/// Lists all functions: the state functions by name, then the execution functions.
pub fn entries(registry: &Registry) -> Vec<Entry> {
    let states = registry.states().map(|f| Entry {
        name: f.name().to_owned(),
        class: Some(f.class()),
        doc: f.doc().clone(),
    });
    let execs =
        registry.execs().map(|f| Entry { name: f.name().to_owned(), class: None, doc: f.doc().clone() });
    states.chain(execs).collect()
}

/// Finds the functions of a name or a module; the error is the nearest name, if one is near.
///
/// # Errors
/// When there is no such function and no such module.
pub fn find(registry: &Registry, name: &str) -> Result<Vec<Entry>, Option<String>> {
    let all = entries(registry);
    let module = |e: &Entry| e.name.split('.').next().unwrap_or_default().to_owned();
    let found: Vec<Entry> = all.iter().filter(|e| e.name == name || module(e) == name).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let modules: Vec<String> = all.iter().map(module).collect();
    let known = all.iter().map(|e| e.name.as_str()).chain(modules.iter().map(String::as_str));
    Err(nearest(name, known).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_by_name_and_by_module_and_a_misspelt_one_is_suggested() {
        let registry = crate::functions::builtin();
        let names = |n: &str| find(&registry, n).map(|l| l.len());
        assert_eq!(names("file.managed"), Ok(1));
        assert!(names("file").is_ok_and(|n| n > 10));
        assert_eq!(names("file.manged"), Err(Some("file.managed".to_owned())));
        assert_eq!(names("fiel"), Err(Some("file".to_owned())));
    }

    #[test]
    fn text_and_data_tell_the_same() {
        let registry = crate::functions::builtin();
        for entry in entries(&registry) {
            let (text, value) = (entry.text(), entry.to_value());
            for arg in value.get("arguments").and_then(Value::as_list).unwrap_or_default() {
                let name = arg.get("name").and_then(Value::as_str).unwrap_or_default();
                assert!(text.contains(&format!("\n{name} (")), "{}: {name}", entry.name);
            }
            assert!(text.contains(entry.doc.example.trim_end()), "{}", entry.name);
            let own = entry.doc.example.contains("\n\n\n");
            assert!(own || !text.contains("\n\n\n"), "{}: a run of blank lines", entry.name);
        }
    }
}
