//! From rendered SLS files to ordered low chunks.
//!
//! Called by the minion (its own states), the master (orchestrations, `check`) and tests. The steps are Salt's, in
//! its order, since that order decides what is an error: includes are rendered and merged, `extend` is applied,
//! shapes are verified, requisites that name their target are turned around, excludes are taken out, and what is
//! left becomes chunks. Nothing is executed and no name of a function is looked up: an unknown function fails its
//! own state when its turn comes.

mod chunks;
mod collect;
mod error;
mod extend;
pub mod high;
pub mod modules;
mod places;
mod requisite_in;
#[cfg(test)]
pub(crate) mod tests;
mod tree;
mod verify;

pub use collect::SlsTree;
pub use error::{CompileError, CompileErrors, ErrorKind};
use extend::Search;
pub use high::Exclude;
use high::HighState;
pub use tree::RenderedTree;

use crate::low::{At, LowChunk};
use crate::sls::SlsName;

/// What is to be compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The SLS names or patterns per environment, in order.
    pub wanted: Vec<(String, Vec<String>)>,
    /// What to leave out, as the `exclude` of an SLS does.
    pub exclude: Vec<Exclude>,
    /// Whether the list comes from a top file: then an empty one is an error.
    pub highstate: bool,
}

impl Request {
    /// Asks for some SLS of the environment `base`.
    pub fn sls<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self { wanted: vec![("base".to_owned(), names)], ..Self::default() }
    }
}

/// Works out the name of a relative include; `None` when it leads out of the tree.
pub(crate) fn absolute_include(name: &str, sls: &SlsName, is_init: bool) -> Option<String> {
    collect::absolute(name, sls.as_str(), is_init)
}

/// Compiles what is asked for.
///
/// # Errors
/// All mistakes of the step that found the first.
pub fn compile(tree: &dyn SlsTree, request: &Request) -> Result<Vec<LowChunk>, CompileErrors> {
    compile_tree(tree, request).map_err(|errors| errors.with_lines(|at| tree.line(at)))
}

fn compile_tree(tree: &dyn SlsTree, request: &Request) -> Result<Vec<LowChunk>, CompileErrors> {
    let nothing = || {
        CompileError::new(ErrorKind::NoTopMatch, &At::default(), "the top file has no states for this minion")
            .remedy("add a section to top.sls whose target matches this minion's id")
    };
    if request.highstate && request.wanted.is_empty() {
        return Err(nothing().into());
    }
    let mut errors = Vec::new();
    let mut high = collect::collect(tree, &request.wanted, &mut errors);
    CompileErrors::check(errors)?;
    if request.highstate && high.ids.is_empty() {
        return Err(nothing().into());
    }
    high.excludes.extend(request.exclude.iter().cloned());
    compile_high(high)
}

/// Compiles a high state.
///
/// # Errors
/// As [`compile`].
pub fn compile_high(mut high: HighState) -> Result<Vec<LowChunk>, CompileErrors> {
    let mut errors = Vec::new();
    let extends = std::mem::take(&mut high.extends);
    extend::apply(&mut high, extends, Search::Loose, &mut errors);
    verify::verify(&high, &mut errors);
    CompileErrors::check(std::mem::take(&mut errors))?;
    let extensions = requisite_in::extensions(&high, &mut errors);
    extend::apply(&mut high, extensions, Search::Strict, &mut errors);
    extend::exclude(&mut high);
    CompileErrors::check(std::mem::take(&mut errors))?;
    let chunks = chunks::chunks(high, &mut errors);
    CompileErrors::check(errors)?;
    Ok(chunks)
}
