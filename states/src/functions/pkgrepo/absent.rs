//! `pkgrepo.absent`: a package repository is not used.

use super::apt::Source;
use super::files::{AptFile, holder};
use super::managed::write;
use super::{FileEdit, Style, rpm, style};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::support::map;

/// The function.
pub(in crate::functions) struct Absent;

const ARGS: &[ArgDoc] = &[ArgDoc::with_default(
    "refresh",
    Kind::Bool,
    "true",
    "Whether the repositories are read after a change.",
)];

static DOC: FunctionDoc = FunctionDoc::new(
    "Removes a package repository: with apt the entry that the name is, with zypper and dnf the one of that id. A file \
     that holds nothing else goes, too.",
    ARGS,
    "deb http://old.example.net/debian bookworm main:\n  pkgrepo.absent: []\n",
);

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "pkgrepo.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let name = &call.name;
        if found(call, ctx)?.is_none() {
            return Ok(Check::holds(format!("package repo {name} is absent")));
        }
        let changes = map([("repo", name.as_str().into())]);
        Ok(Check::differs(changes, format!("package repo {name} would be removed")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        // The same entry may stand in several files.
        while let Some(edit) = found(call, ctx)? {
            write(&edit, ctx)?;
        }
        if call.arg("refresh").is_none_or(lab_proto::Value::truthy) {
            ctx.host.package_refresh(ctx)?;
        }
        Ok(Applied::new(check.changes.clone(), format!("removed package repo {}", call.name)))
    }
}

fn found(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<FileEdit>, StateError> {
    match style(ctx)? {
        Style::Rpm { dir, .. } => rpm::absent(&call.name, dir, ctx),
        Style::Apt => {
            let wanted = Source::of_name(&call.name)?;
            let Some((path, have)) = holder(&wanted, ctx)? else { return Ok(None) };
            let mut file = AptFile::read(&path, ctx)?;
            // An entry that is commented out is absent already.
            if have.disabled && matches!(file, AptFile::Lines(_)) {
                return Ok(None);
            }
            file.remove(&wanted);
            Ok(Some(file.edit(&path)))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn an_entry_goes_once_and_an_empty_file_with_it() {
        let host = SimHost::new()
            .with_file("/etc/apt/sources.list", "deb http://d s main\n# deb http://x s main\n")
            .with_file("/etc/apt/sources.list.d/x.list", "deb http://x/ s main\n");
        let bench = Bench::new(host);
        assert!(!bench.run("deb http://y s main:\n  pkgrepo.absent: []\n").changed());
        assert!(bench.run("deb http://d s main:\n  pkgrepo.absent: []\n").changed());
        assert!(bench.run("deb http://x s main:\n  pkgrepo.absent: []\n").changed());
        assert_eq!(bench.host.text("/etc/apt/sources.list.d/x.list"), None);
        assert_eq!(bench.host.text("/etc/apt/sources.list").as_deref(), Some("# deb http://x s main\n"));
        assert!(!bench.run("deb http://x s main:\n  pkgrepo.absent: []\n").changed(), "it is commented out");
    }
}
