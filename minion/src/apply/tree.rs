//! The state tree as the compiler asks for it.

use lab_states::compile::SlsTree;
use lab_states::render::{self, Place, RenderEnv, RenderError, RenderErrorKind, RenderedSls};
use lab_states::sls::{self, SlsName};

/// One tree, the environment `base`.
pub(super) struct Tree<'a> {
    env: RenderEnv<'a>,
    base: String,
    names: Vec<String>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(env: RenderEnv<'a>) -> Self {
        let names = sls::names(env.sources).iter().map(|n| n.as_str().to_owned()).collect();
        Self { base: env.context.saltenv.clone(), env, names }
    }
}

impl SlsTree for Tree<'_> {
    fn names(&self, env: &str) -> Option<&[String]> {
        (env == self.base).then_some(&self.names)
    }

    fn render(&self, _env: &str, sls: &str) -> Result<RenderedSls, Box<RenderError>> {
        let name = SlsName::parse(sls).map_err(|e| {
            let place = Place { file: sls.to_owned(), line: 0, column: 0 };
            Box::new(RenderError::new(RenderErrorKind::MissingSls, place, e.to_string()))
        })?;
        render::sls(&self.env, &name).map_err(Box::new)
    }
}
