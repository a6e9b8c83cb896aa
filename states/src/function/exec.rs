//! Execution functions: asked by hand (`lab-master run '*' test.ping`), by templates (`salt['grains.get']('os')`),
//! by guards and by `module.run`.

use lab_proto::{Map, Value};
use serde::de::DeserializeOwned;

use super::args::{self, ArgsError};
use super::{FunctionDoc, JobCtx};

/// A function that returns a value.
pub trait ExecFunction: Send + Sync {
    /// Returns its name, `test.ping`.
    fn name(&self) -> &str;

    /// Returns its documentation.
    fn doc(&self) -> &FunctionDoc;

    /// Calls it.
    ///
    /// # Errors
    /// When the arguments do not fit, or the function cannot do what it is for.
    fn call(&self, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError>;
}

/// Why an execution function gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No such function here.
    #[error(transparent)]
    Unknown(#[from] super::UnknownFunction),
    /// An argument is missing, too many, or does not fit.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// The machine refused a step.
    #[error(transparent)]
    Host(#[from] crate::host::HostError),
    /// A service of the agent could not answer.
    #[error(transparent)]
    Service(#[from] super::ServiceError),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl CallError {
    /// Makes an error from a sentence.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

/// The named argument that tells a function that a template or a state calls it, and not a person.
pub(crate) const FROM_WITHIN: &str = "__from_within__";

/// Marks a call that a template or a state makes, where the function makes a difference of it: those that run commands do,
/// but for the one that is all about a shell.
pub fn from_within(name: &str, kwargs: &mut Map) {
    if name.starts_with("cmd.") && name != "cmd.shell" {
        kwargs.insert(FROM_WITHIN.into(), true.into());
    }
}

/// Looks whether a function has a place for every argument that is given to it. What takes further ones as data has.
///
/// # Errors
/// When there are too many, or a named one is none of the function's.
pub fn takes(doc: &FunctionDoc, args: &[Value], kwargs: &Map) -> Result<(), ArgsError> {
    if doc.open {
        return Ok(());
    }
    if args.len() > doc.args.len() {
        return Err(ArgsError::TooMany { given: args.len(), takes: doc.args.len() });
    }
    let Some(unknown) = own(kwargs).find(|k| !doc.knows(k)) else { return Ok(()) };
    let rest = doc.args.iter().skip(args.len());
    match rest.into_iter().find(|a| a.required && !kwargs.contains_key(a.name.as_ref())) {
        Some(missing) => Err(without(doc, &missing.name, kwargs)),
        None => {
            let takes = doc.args.iter().map(|a| a.name.clone().into_owned()).collect();
            Err(ArgsError::Unknown { arg: unknown.to_owned(), takes })
        }
    }
}

/// Names the arguments that are meant for a function: Salt's own words travel among them with two underscores.
fn own(kwargs: &Map) -> impl Iterator<Item = &str> {
    kwargs.keys().filter_map(Value::as_str).filter(|k| !k.starts_with("__"))
}

/// Reads positional and named arguments into the function's own type; `doc` gives the positions their names.
///
/// # Errors
/// When there are too many, one is given twice, is missing or none of the function's, or a value does not fit.
pub fn bind<T: DeserializeOwned>(doc: &FunctionDoc, args: &[Value], kwargs: &Map) -> Result<T, CallError> {
    takes(doc, args, kwargs)?;
    let mut all = Map::new();
    if args.len() > doc.args.len() {
        return Err(ArgsError::TooMany { given: args.len(), takes: doc.args.len() }.into());
    }
    for (arg, value) in doc.args.iter().zip(args) {
        all.insert(Value::from(arg.name.as_ref()), value.clone());
    }
    for (key, value) in kwargs {
        if key.as_str().is_some_and(|k| k.starts_with("__")) {
            continue;
        }
        if all.insert(key.clone(), value.clone()).is_some() {
            return Err(ArgsError::Twice { arg: key.to_string() }.into());
        }
    }
    if let Some(missing) = doc.args.iter().find(|a| a.required && !all.contains_key(a.name.as_ref())) {
        return Err(without(doc, &missing.name, kwargs).into());
    }
    Ok(args::from_map(&all)?)
}

/// Says that an argument is missing, or what was given in its place: a word with `=` in it is a named argument.
fn without(doc: &FunctionDoc, missing: &str, kwargs: &Map) -> ArgsError {
    let mut unknown = own(kwargs).filter(|k| !doc.open && !doc.knows(k));
    match unknown.next() {
        Some(unknown) => ArgsError::Bad {
            arg: unknown.to_owned(),
            reason: format!(
                "there is no such argument, and {missing} is missing; a text with `=` is given as {missing}=TEXT"
            ),
        },
        None => ArgsError::Missing { arg: missing.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::{ArgDoc, Kind};

    #[test]
    fn an_argument_that_is_none_is_named_where_another_is_missing() {
        const ARGS: &[ArgDoc] = &[ArgDoc::required("cmd", Kind::Text, "What to run.")];
        let doc = FunctionDoc::new("Runs.", ARGS, "test");
        let said = |doc: &FunctionDoc, kwargs: Map| match bind::<Value>(doc, &[], &kwargs) {
            Err(e) => e.to_string(),
            Ok(value) => panic!("{value}"),
        };
        let foo = Map::from_iter([(Value::from("FOO"), Value::from("bar env"))]);
        let want = "argument FOO: there is no such argument, and cmd is missing; a text with `=` is given as cmd=TEXT";
        assert_eq!(said(&doc, foo.clone()), want);
        assert_eq!(said(&doc, Map::new()), "argument cmd is missing");
        assert_eq!(said(&doc.open(), foo), "argument cmd is missing", "what it takes as data is no stranger");
    }

    #[test]
    fn an_argument_that_is_none_of_the_function_is_refused_and_the_known_ones_named() {
        const ARGS: &[ArgDoc] =
            &[ArgDoc::required("path", Kind::Text, "Where."), ArgDoc::optional("user", Kind::Text, "Whose.")];
        let named = |name: &str| Map::from_iter([(Value::from(name), Value::from(1))]);
        let (doc, none) = (FunctionDoc::new("Does.", ARGS, "test"), FunctionDoc::new("Is.", &[], "test"));
        let said = |doc: &FunctionDoc, args: &[Value], name: &str| {
            takes(doc, args, &named(name)).err().map(|e| e.to_string())
        };
        let path = [Value::from("/x")];
        let want = "there is no argument usr: it takes path, user (did you mean user?)";
        assert_eq!(said(&doc, &path, "usr").as_deref(), Some(want));
        assert_eq!(
            bind::<Value>(&doc, &path, &named("usr")).map_err(|e| e.to_string()),
            Err(want.to_owned())
        );
        assert_eq!(said(&none, &[], "badarg").as_deref(), Some("there is no argument badarg: it takes none"));
        assert!(said(&doc, &[], "badarg").is_some_and(|e| e.contains("path is missing")));
        assert_eq!(said(&doc, &path, "user"), None);
        assert_eq!(said(&none, &[], "__pub_jid"), None, "Salt's own words are not the function's");
        assert_eq!(said(&doc.clone().open(), &path, "usr"), None, "it takes any");
    }
}
