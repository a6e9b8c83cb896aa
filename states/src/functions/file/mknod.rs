//! `file.mknod`: a device or a named pipe.

use std::path::Path;

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::{Mode, Owner, make_parents, map, path_of, perms};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::{FileMeta, Node};

/// The function.
pub(in crate::functions) struct Mknod;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("ntype", Kind::Text, "c: a character device; b: a block device; p: a named pipe."),
    ArgDoc::with_default("major", Kind::Int, "0", "The major number of a device."),
    ArgDoc::with_default("minor", Kind::Int, "0", "The minor number of a device."),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::with_default("mode", Kind::Mode, "'0600'", "Permissions."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a device or a named pipe with these permissions; directories above it are made. What else is in the place is \
     never replaced, nor is a device of other numbers.",
    ARGS,
    "/srv/control:\n  file.mknod:\n    - ntype: p\n    - mode: '0660'\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    ntype: String,
    #[serde(default)]
    major: u32,
    #[serde(default)]
    minor: u32,
    user: Option<String>,
    group: Option<String>,
    #[serde(default = "private")]
    mode: Mode,
}

fn private() -> Mode {
    Mode(0o600)
}

impl Args {
    fn node(&self) -> Result<Node, StateError> {
        match self.ntype.as_str() {
            "c" => Ok(Node::Char(self.major, self.minor)),
            "b" => Ok(Node::Block(self.major, self.minor)),
            "p" => Ok(Node::Fifo),
            other => Err(StateError::failed(format!(
                "argument ntype: {other:?} is none of c (character device), b (block device) and p (named pipe)"
            ))),
        }
    }
}

impl StateFunction for Mknod {
    fn name(&self) -> &'static str {
        "file.mknod"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let changes = go(call, ctx, false)?;
        if changes.is_empty() {
            return Ok(Check::holds(format!("{} is in the correct state", call.name)));
        }
        Ok(Check::differs(changes, format!("{} is set to be made", call.name)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        Ok(Applied::new(go(call, ctx, true)?, format!("{} was made", call.name)))
    }
}

fn go(call: &StateCall, ctx: &JobCtx<'_>, apply: bool) -> Result<Map, StateError> {
    let args: Args = call.typed()?;
    let (host, wanted) = (ctx.host, args.node()?);
    let path = path_of(call, host)?;
    let owner = Owner::foreseen(args.user.as_deref(), args.group.as_deref(), call.test, host)?;
    if let Some(have) = host.stat(&path)? {
        present(&path, &have, host.node(&path)?, wanted)?;
        return perms(host, &path, &have, Some(args.mode), owner, apply);
    }
    if apply {
        make_parents(host, &path, None, owner)?;
        host.mknod(&path, wanted, args.mode.0)?;
        if owner.is_given() {
            host.chown(&path, owner.uid, owner.gid)?;
            // Changing the owner clears setuid and setgid.
            host.chmod(&path, args.mode.0)?;
        }
    }
    Ok(map([("new", format!("{} {} created", name_of(wanted), path.display()).into())]))
}

/// Refuses what is in the place and something else.
fn present(path: &Path, have: &FileMeta, node: Option<Node>, wanted: Node) -> Result<(), StateError> {
    let (path, name) = (path.display(), name_of(wanted));
    match node {
        Some(node) if node == wanted => Ok(()),
        Some(node @ (Node::Char(major, minor) | Node::Block(major, minor))) if name_of(node) == name => {
            Err(StateError::failed(format!(
                "{path} exists and has the numbers {major}/{minor} (remove it first with file.absent)"
            )))
        }
        _ => {
            let what = if have.is_dir() { "directory" } else { "file" };
            Err(StateError::failed(format!(
                "{what} {path} exists and is no {name} (remove it first with file.absent)"
            )))
        }
    }
}

fn name_of(node: Node) -> &'static str {
    match node {
        Node::Fifo => "named pipe",
        Node::Char(..) => "character device",
        Node::Block(..) => "block device",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    fn sls(more: &str) -> String {
        format!("/srv/a/n:\n  file.mknod:\n{more}")
    }

    #[test]
    fn a_pipe_is_made_once_and_its_mode_is_kept() {
        let bench = Bench::new(SimHost::new().with_dir("/srv"));
        let pipe = sls("    - ntype: p\n    - mode: 660\n");
        assert_eq!((bench.dry(&pipe).kind, bench.host.writes()), (VerdictKind::WouldChange, 0));
        assert!(bench.run(&pipe).changed() && !bench.run(&pipe).changed());
        assert_eq!(bench.host.tree()[Path::new("/srv/a/n")], "Fifo 0660 0:0");
        assert!(bench.run(&sls("    - ntype: p\n")).changed());
        assert_eq!(bench.host.tree()[Path::new("/srv/a/n")], "Fifo 0600 0:0");
    }

    #[test]
    fn what_else_is_there_is_not_replaced() {
        let bench = Bench::new(SimHost::new().with_file("/srv/a/n", "x"));
        assert_eq!(bench.run(&sls("    - ntype: p\n")).kind, VerdictKind::Failed);
        let bench = Bench::new(SimHost::new().with_dir("/srv/a"));
        let device = |minor| sls(&format!("    - ntype: c\n    - major: 1\n    - minor: {minor}\n"));
        assert!(bench.run(&device(3)).changed());
        let other = bench.run(&device(5));
        assert!(other.kind == VerdictKind::Failed && other.comment.contains("1/3"), "{}", other.comment);
        assert_eq!(
            bench.run(&sls("    - ntype: b\n    - major: 1\n    - minor: 3\n")).kind,
            VerdictKind::Failed
        );
        assert_eq!(bench.run(&sls("    - ntype: q\n")).kind, VerdictKind::Failed);
    }
}
