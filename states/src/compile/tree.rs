//! The SLS of one tree of files, rendered as they are asked for.

use super::SlsTree;
use crate::render::{self, Place, RenderEnv, RenderError, RenderErrorKind, RenderedSls};
use crate::sls::{self, SlsName};

/// A tree of files as the compiler asks for it; it has the one environment of its render context.
pub struct RenderedTree<'a> {
    env: RenderEnv<'a>,
    names: Vec<String>,
}

impl<'a> RenderedTree<'a> {
    /// Takes a tree with what its templates see.
    pub fn new(env: RenderEnv<'a>) -> Self {
        let names = sls::names(env.sources).iter().map(|n| n.as_str().to_owned()).collect();
        Self { env, names }
    }
}

impl SlsTree for RenderedTree<'_> {
    fn names(&self, env: &str) -> Option<&[String]> {
        (env == self.env.context.saltenv).then_some(&self.names)
    }

    fn render(&self, _env: &str, sls: &str) -> Result<RenderedSls, Box<RenderError>> {
        let name = SlsName::parse(sls).map_err(|e| {
            let place = Place { file: sls.to_owned(), line: 0, column: 0 };
            Box::new(RenderError::new(RenderErrorKind::MissingSls, place, e.to_string()))
        })?;
        render::sls(&self.env, &name).map_err(Box::new)
    }
}
