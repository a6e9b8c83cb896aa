//! `file.prepend`: these lines at the beginning of a file, unless they are in it.

use super::super::support::{Owner, join_lines, lines, make_parents, path_of};
use super::append::{Args, missing_lines};
use super::edit::{Edit, read_if_present};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// The function.
pub(in crate::functions) struct Prepend;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("text", Kind::Any, "A text, or a list of texts."),
    ArgDoc::optional("source", Kind::Text, "A file of the state tree that holds the text instead."),
    ArgDoc::optional("sources", Kind::List, "Several of them."),
    ArgDoc::with_default("template", Kind::Text, "jinja", "The template engine for sources."),
    ArgDoc::optional("context", Kind::Map, "Variables of the template."),
    ArgDoc::optional("defaults", Kind::Map, "Variables of the template where context has none."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
    ArgDoc::with_default("header", Kind::Bool, "false", "Whether the texts must be the very first lines."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Adds texts to the beginning of a file unless they are already somewhere in it (with `header`: exactly at its \
     beginning). Makes the file when it is missing.",
    ARGS,
    "/etc/issue:\n  file.prepend:\n    - text: Authorised use only\n",
);

impl StateFunction for Prepend {
    fn name(&self) -> &'static str {
        "file.prepend"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(plan(call, ctx)?.1.check())
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let (args, edit) = plan(call, ctx)?;
        if args.makedirs {
            make_parents(ctx.host, &edit.path, None, Owner::default())?;
        }
        edit.apply(ctx.host)
    }
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Args, Edit), StateError> {
    let args: Args = call.typed()?;
    let path = path_of(call, ctx.host)?;
    let old = read_if_present(ctx.host, &path)?;
    let have = old.clone().unwrap_or_default();
    let added = missing_lines(&args, &have, call, ctx)?;
    let already =
        args.header && lines(&have).into_iter().take(added.len()).eq(added.iter().map(String::as_str));
    let new = if already { have } else { join_lines(&added) + &have };
    Ok((args, Edit::new(path, old, new)))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_header_is_added_even_when_the_line_stands_elsewhere() {
        let bench = Bench::new(SimHost::new().with_file("/etc/f", "x\n# head\n"));
        let plain = "/etc/f:\n  file.prepend:\n    - text: '# head'\n";
        assert!(!bench.run(plain).changed());
        let header = format!("{plain}    - header: True\n");
        assert_eq!(bench.run(&header).kind, VerdictKind::Ok);
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("# head\nx\n# head\n"));
        assert!(!bench.run(&header).changed());
    }
}
