//! `file.absent`: nothing at this path.

use super::super::support::{map, path_of};
use crate::function::{Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction};

/// The function.
pub(in crate::functions) struct Absent;

static DOC: FunctionDoc = FunctionDoc::new(
    "Removes whatever is at the path: a file, a symbolic link (not what it points at), or a directory with all below it.",
    &[],
    "/etc/nologin:\n  file.absent: []\n",
);

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "file.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let path = path_of(call, ctx.host)?;
        if path.parent().is_none() {
            return Err(StateError::failed("refusing to make \"/\" absent"));
        }
        if ctx.host.lstat(&path)?.is_none() {
            return Ok(Check::holds(format!("file {} is not present", path.display())));
        }
        let name = path.display().to_string();
        Ok(Check::differs(map([("removed", name.clone().into())]), format!("{name} is set for removal")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let path = path_of(call, ctx.host)?;
        if ctx.host.lstat(&path)?.is_some_and(|m| m.is_dir()) {
            ctx.host.remove_dir_all(&path)?;
        } else {
            ctx.host.remove_file(&path)?;
        }
        Ok(Applied::new(check.changes.clone(), format!("removed {}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_link_goes_and_what_it_points_at_stays() {
        let bench = Bench::new(SimHost::new().with_file("/srv/d/f", "x").with_symlink("/srv/l", "/srv/d"));
        assert_eq!(bench.run("/srv/l:\n  file.absent: []\n").kind, VerdictKind::Ok);
        assert_eq!(bench.host.text("/srv/d/f").as_deref(), Some("x"));
        assert_eq!(bench.run("/srv/d:\n  file.absent: []\n").kind, VerdictKind::Ok);
        assert_eq!(bench.host.text("/srv/d/f"), None);
    }

    #[test]
    fn the_root_is_never_removed() {
        assert_eq!(Bench::new(SimHost::new()).run("/:\n  file.absent: []\n").kind, VerdictKind::Failed);
    }
}
