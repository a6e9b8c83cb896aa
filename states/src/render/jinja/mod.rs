//! Jinja as SLS files use it: Jinja2's language with strict undefined values, Python's methods and printing, and
//! Salt's filters, tags and globals.
//!
//! An interpreter of our own rather than a library: see docs/decisions/0003-jinja.md.

mod ast;
mod call;
mod checks;
mod condition;
mod convert;
mod drop;
mod engine;
mod error;
mod eval;
mod exec;
mod expressions;
mod filters;
mod format;
mod lexer;
mod methods;
mod ops;
mod output;
mod parser;
mod print;
mod remedy;
mod scope;
mod value;
mod walk;

use lab_proto::Value;
use lab_proto::value::Map;

use super::doors::RenderEnv;
use super::error::RenderError;
pub(super) use condition::holds;
pub(crate) use convert::JsonStyle;
pub(super) use output::LineMap;

/// What a template rendered to.
#[derive(Debug)]
pub(super) struct Rendered {
    pub text: String,
    /// Where each line came from.
    pub lines: LineMap,
}

/// Writes data as a Python literal, as `pprint` does.
pub(super) fn literal(data: &Value) -> Result<String, String> {
    let written = filters::pretty::pretty(&value::Val::from_data(data)).and_then(|v| v.to_text());
    written.map_err(|fault| fault.message().to_owned())
}

/// Writes data as `json.dumps` does.
pub(super) fn json(data: &Value, style: JsonStyle<'_>) -> Result<String, String> {
    convert::to_json(data, style).map_err(|fault| fault.message().to_owned())
}

/// Renders a template with further variables; `name` is its path below the roots.
///
/// One final newline is kept when the source ends with one, as Salt does.
pub(super) fn render(
    env: &RenderEnv<'_>,
    name: &str,
    source: &str,
    variables: &[(&str, Value)],
    context: &Map,
) -> Result<Rendered, RenderError> {
    engine::Engine::new(env, variables, context).render(name, source)
}

/// Tells whether a template renders to its own text: it has no tag, and no line break that Jinja would change.
pub(super) fn is_plain(source: &str, most: usize) -> bool {
    source.len() <= most && !source.contains('\r') && lexer::first_tag(source).is_none()
}
