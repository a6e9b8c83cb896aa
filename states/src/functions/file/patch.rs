//! `file.patch`: a file that a patch has been applied to.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::path_of;
use super::edit::{Edit, read_text};
use super::fetch;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Patch;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "source",
        Kind::Any,
        "The patch: a unified diff of one file, salt://path or a path here.",
    ),
    ArgDoc::optional("template", Kind::Text, "The template engine that it is rendered with: jinja."),
    ArgDoc::optional("context", Kind::Map, "Variables of the template."),
    ArgDoc::optional("defaults", Kind::Map, "Variables of the template where context has none."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a patch applied to a file. A patch that fits nowhere and is not applied yet changes nothing and fails; what \
     stands in its head about file names is not looked at.",
    ARGS,
    "/etc/issue:\n  file.patch:\n    - source: salt://issue.patch\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    source: Value,
    template: Option<String>,
    context: Option<Map>,
    defaults: Option<Map>,
}

impl StateFunction for Patch {
    fn name(&self) -> &'static str {
        "file.patch"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let edit = plan(call, ctx)?;
        let check = edit.check();
        Ok(if check.is_empty() { Check::holds("the patch was already applied") } else { check })
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        plan(call, ctx)?.apply(ctx.host)
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Edit, StateError> {
    let args: Args = call.typed()?;
    let path = path_of(call, ctx.host)?;
    if ctx.host.stat(&path)?.is_some_and(|m| m.is_dir()) {
        return Err(StateError::failed(format!(
            "{} is a directory: a patch of several files is not supported (write a file.patch for each)",
            path.display()
        )));
    }
    let old = read_text(ctx.host, &path)?;
    let variables = (args.defaults.as_ref(), args.context.as_ref());
    let bytes = fetch(&args.source, args.template.as_deref(), variables, call, ctx)?;
    let bad = |why: String| StateError::About {
        argument: "source",
        text: format!("the patch cannot be read: {why}"),
    };
    let text = String::from_utf8(bytes).map_err(|e| bad(e.to_string()))?;
    let patch = diffy::Patch::from_str(&text).map_err(|e| bad(e.to_string()))?;
    if patch.hunks().is_empty() {
        return Err(bad("there is no hunk (`@@ -1 +1 @@`) in it".to_owned()));
    }
    // Asked backwards first: where it is applied already, it might fit a second time.
    if diffy::apply(&old, &patch.reverse()).is_ok() {
        return Ok(Edit::new(path, Some(old.clone()), old));
    }
    let new = diffy::apply(&old, &patch).map_err(|e| {
        StateError::failed(format!("the patch does not apply cleanly, nothing was changed: {e}"))
    })?;
    Ok(Edit::new(path, Some(old), new))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_patch_is_applied_once_and_one_that_does_not_fit_changes_nothing() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "one\ntwo\nthree\n"))
            .with_state_file("p.patch", "--- f\n+++ f\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n")
            .with_state_file("no.patch", "--- f\n+++ f\n@@ -1 +1 @@\n-nine\n+NINE\n")
            .with_state_file("bad.patch", "hello\n");
        let run =
            |source: &str| bench.run(&format!("/etc/f:\n  file.patch:\n    - source: salt://{source}\n"));
        assert!(run("p.patch").changed());
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("one\nTWO\nthree\n"));
        assert!(!run("p.patch").changed());
        assert_eq!(run("no.patch").kind, VerdictKind::Failed);
        assert_eq!(run("bad.patch").kind, VerdictKind::Failed);
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("one\nTWO\nthree\n"));
    }
}
