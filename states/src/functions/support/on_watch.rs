//! Functions that do nothing by themselves, only when a state that they watch changed: `cmd.wait` and its like.

use crate::function::{
    Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction, Verdict, Watch,
};

/// Such a function: its name, its documentation, and what it does then.
pub(in crate::functions) struct OnWatch {
    pub(in crate::functions) name: &'static str,
    pub(in crate::functions) doc: fn() -> &'static FunctionDoc,
    pub(in crate::functions) fire: fn(&StateCall, &JobCtx<'_>) -> Verdict,
}

impl StateFunction for OnWatch {
    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        (self.doc)()
    }

    fn check(&self, _call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(Check::holds("nothing that it watches changed"))
    }

    fn apply(&self, _: &StateCall, check: &Check, _: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(check.changes.clone(), check.comment.clone()))
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for OnWatch {
    fn fire(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        (self.fire)(call, ctx)
    }
}
