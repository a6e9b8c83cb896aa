//! The SLS of one tree of files, rendered as they are asked for, each once.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::SlsTree;
use crate::low::At;
use crate::render::{self, Place, RenderEnv, RenderError, RenderErrorKind, RenderedSls};
use crate::sls::{self, SlsName};

type Rendered = Result<Rc<RenderedSls>, Box<RenderError>>;

/// A tree of files as the compiler asks for it; it has the one environment of its render context.
///
/// It keeps what it rendered: a message about a chunk can then say where its parts were written ([`crate::low::Places`]).
pub struct RenderedTree<'a> {
    env: RenderEnv<'a>,
    /// Listed when they are first asked for: most runs name their SLS in full.
    names: OnceCell<Vec<String>>,
    rendered: RefCell<BTreeMap<String, Rendered>>,
}

impl<'a> RenderedTree<'a> {
    /// Takes a tree with what its templates see.
    pub fn new(env: RenderEnv<'a>) -> Self {
        Self { env, names: OnceCell::new(), rendered: RefCell::default() }
    }

    /// Returns an SLS that was rendered.
    pub fn known(&self, sls: &str) -> Option<Rc<RenderedSls>> {
        self.rendered.borrow().get(sls).and_then(|r| r.as_ref().ok().cloned())
    }

    /// Returns all SLS that were rendered, by name.
    pub fn all_known(&self) -> Vec<Rc<RenderedSls>> {
        self.rendered.borrow().values().filter_map(|r| r.as_ref().ok().cloned()).collect()
    }
}

impl SlsTree for RenderedTree<'_> {
    fn has(&self, env: &str) -> bool {
        env == self.env.context.saltenv
    }

    fn names(&self, env: &str) -> Option<&[String]> {
        let list = || sls::names(self.env.sources).iter().map(|n| n.as_str().to_owned()).collect();
        self.has(env).then(|| self.names.get_or_init(list).as_slice())
    }

    fn render(&self, _env: &str, sls: &str) -> Rendered {
        if let Some(known) = self.rendered.borrow().get(sls) {
            return known.clone();
        }
        let name = SlsName::parse(sls).map_err(|e| {
            let place = Place { file: sls.to_owned(), line: 0, column: 0 };
            Box::new(RenderError::new(RenderErrorKind::MissingSls, place, e.to_string()))
        })?;
        let rendered = render::sls(&self.env, &name).map(Rc::new).map_err(Box::new);
        self.rendered.borrow_mut().insert(sls.to_owned(), rendered.clone());
        rendered
    }

    fn line(&self, at: &At) -> Option<String> {
        let bytes = self.env.sources.read(&at.file).ok().flatten()?;
        let text = String::from_utf8_lossy(&bytes);
        text.lines().nth((at.line as usize).checked_sub(1)?).map(|l| l.trim_end().to_owned())
    }
}
