//! Rendering: from a source file to a document with places.
//!
//! The compiler calls `sls(&RenderEnv, &SlsName) -> Result<RenderedSls, RenderError>` for each SLS.
//! Nothing here reads a file, a clock or the machine: see [`doors`].

mod base64;
mod document;
pub mod doors;
pub mod error;
mod python;
pub mod yaml;

pub use document::RenderedSls;
pub use doors::{
    CallError, Limits, MemorySources, NoFunctions, RenderContext, RenderEnv, RenderFunctions, SourceError,
    Sources,
};
pub use error::{Place, RenderError, RenderErrorKind};
