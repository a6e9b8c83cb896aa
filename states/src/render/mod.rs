//! Rendering: from a source file to a document with places.
//!
//! The compiler calls [`sls`] for each SLS, file states call [`template`], the pillar calls [`pillar_file`].
//! Nothing here reads a file, a clock or the machine: see [`doors`].

pub(crate) mod base64;
mod document;
pub mod doors;
pub mod error;
mod jinja;
mod pipeline;
mod python;
pub mod yaml;

pub use document::RenderedSls;
pub use doors::{
    CallError, Limits, MemorySources, NoFunctions, RenderContext, RenderEnv, RenderFunctions, SourceError,
    Sources,
};
pub use error::{Place, RenderError, RenderErrorKind, excerpt, first_column};
pub(crate) use jinja::JsonStyle;
pub(crate) use pipeline::shebang;
pub use pipeline::{pillar_file, sls, template, yaml_document};
pub(crate) use python::float as python_float;

/// Writes data as a Python literal, as Python's pprint does.
///
/// # Errors
/// When it is nested too deeply.
pub(crate) fn python_literal(data: &lab_proto::Value) -> Result<String, crate::function::StateError> {
    jinja::literal(data).map_err(crate::function::StateError::failed)
}

/// Writes data as one line of JSON, as Python does.
///
/// # Errors
/// When a key of a mapping is none that JSON knows.
pub(crate) fn json_line(data: &lab_proto::Value) -> Result<String, crate::function::StateError> {
    json(data, JsonStyle::new(None, false, false))
}

/// Writes data as JSON, as Python does.
///
/// # Errors
/// When a key of a mapping is none that JSON knows, or the keys are to be sorted and cannot be.
pub(crate) fn json(
    data: &lab_proto::Value,
    style: JsonStyle<'_>,
) -> Result<String, crate::function::StateError> {
    jinja::json(data, style).map_err(crate::function::StateError::failed)
}

/// Tells whether a Python expression over variables holds, as `loop.until` asks it.
///
/// # Errors
/// When it is no expression that can be evaluated here, or its evaluation fails.
pub(crate) fn condition(source: &str, variables: &[(&str, lab_proto::Value)]) -> Result<bool, String> {
    jinja::holds(source, variables)
}

#[cfg(test)]
mod tests;
