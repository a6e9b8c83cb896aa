//! `file.*`

use std::path::{Path, PathBuf};

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::support::Pattern;
use crate::host::{FileKind, FileMeta};

const PATH: &[ArgDoc] = &[ArgDoc::required("path", Kind::Path, "Which path.")];

const CONTAINS: &[ArgDoc] =
    &[ArgDoc::required("path", Kind::Path, "Which file."), ArgDoc::required("text", Kind::Text, "The text.")];
const SEARCH: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which file."),
    ArgDoc::required("pattern", Kind::Text, "The regular expression, as Python has them."),
    ArgDoc::with_default("flags", Kind::Any, "['MULTILINE']", "Flags of the expression."),
    ArgDoc::with_default(
        "ignore_if_missing",
        Kind::Bool,
        "false",
        "Whether a missing file is false, not an error.",
    ),
];
pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "file.file_exists",
        doc: FunctionDoc::new(
            "Tells whether a file is there.",
            PATH,
            "lab-master run '*' file.file_exists /etc/motd",
        ),
        body: |call| Ok(stat(call)?.is_some_and(|m| m.is_file()).into()),
    },
    Exec {
        name: "file.directory_exists",
        doc: FunctionDoc::new(
            "Tells whether a directory is there.",
            PATH,
            "lab-master run '*' file.directory_exists /etc",
        ),
        body: |call| Ok(stat(call)?.is_some_and(|m| m.is_dir()).into()),
    },
    Exec {
        name: "file.path_exists_glob",
        doc: FunctionDoc::new(
            "Tells whether a path matches a pattern in its last part.",
            PATH,
            "lab-master run '*' file.path_exists_glob '/etc/host*'",
        ),
        body: exists_glob,
    },
    Exec {
        name: "file.contains",
        doc: FunctionDoc::new(
            "Tells whether a file contains a text.",
            CONTAINS,
            "lab-master run '*' file.contains /etc/motd welcome",
        ),
        body: contains,
    },
    Exec {
        name: "file.search",
        doc: FunctionDoc::new(
            "Tells whether a regular expression occurs in a file.",
            SEARCH,
            "lab-master run '*' file.search /etc/motd '^wel'",
        )
        .open(),
        body: search,
    },
    Exec {
        name: "file.is_link",
        doc: FunctionDoc::new(
            "Tells whether the path is a symbolic link.",
            PATH,
            "lab-master run '*' file.is_link /etc/localtime",
        ),
        body: is_link,
    },
    Exec {
        name: "file.readlink",
        doc: FunctionDoc::new(
            "Returns where a symbolic link points.",
            PATH,
            "lab-master run '*' file.readlink /etc/localtime",
        ),
        body: readlink,
    },
    Exec {
        name: "file.read",
        doc: FunctionDoc::new(
            "Returns the text of a file.",
            PATH,
            "lab-master run '*' file.read /etc/hostname",
        ),
        body: read,
    },
    Exec {
        name: "file.readdir",
        doc: FunctionDoc::new(
            "Lists the names in a directory.",
            PATH,
            "lab-master run '*' file.readdir /etc",
        ),
        body: readdir,
    },
    Exec {
        name: "file.get_mode",
        doc: FunctionDoc::new(
            "Returns the permissions of a path.",
            PATH,
            "lab-master run '*' file.get_mode /etc/shadow",
        ),
        body: mode,
    },
    Exec {
        name: "file.basename",
        doc: FunctionDoc::new(
            "Returns the last part of a path.",
            PATH,
            "lab-minion call --local file.basename /etc/motd",
        ),
        body: |call| {
            Ok(path(call)?.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default().into())
        },
    },
    Exec {
        name: "file.dirname",
        doc: FunctionDoc::new(
            "Returns a path without its last part.",
            PATH,
            "lab-minion call --local file.dirname /etc/motd",
        ),
        body: |call| Ok(path(call)?.parent().map(|p| p.display().to_string()).unwrap_or_default().into()),
    },
    Exec {
        name: "file.join",
        doc: FunctionDoc::new(
            "Joins the parts of a path.",
            &[],
            "lab-minion call --local file.join /etc motd",
        )
        .open(),
        body: join,
    },
];

#[derive(Deserialize)]
struct Args {
    path: String,
}

fn path(call: &Call<'_>) -> Result<PathBuf, CallError> {
    Ok(PathBuf::from(call.typed::<Args>()?.path))
}

fn stat(call: &Call<'_>) -> Result<Option<FileMeta>, CallError> {
    Ok(call.ctx.host.stat(&path(call)?)?)
}

fn exists_glob(call: &Call<'_>) -> Result<Value, CallError> {
    let path = path(call)?;
    let (Some(parent), Some(pattern)) = (path.parent(), path.file_name()) else { return Ok(true.into()) };
    if !call.ctx.host.stat(parent)?.is_some_and(|m| m.is_dir()) {
        return Ok(false.into());
    }
    let pattern = pattern.to_string_lossy();
    let fits = |name: &PathBuf| lab_proto::glob::matches(&pattern, &name.to_string_lossy());
    Ok(call.ctx.host.list(parent)?.iter().any(fits).into())
}

fn is_link(call: &Call<'_>) -> Result<Value, CallError> {
    let meta = call.ctx.host.lstat(&path(call)?)?;
    Ok(meta.is_some_and(|m| m.kind == FileKind::Symlink).into())
}

#[derive(Deserialize)]
struct Find {
    path: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    pattern: String,
    flags: Option<Value>,
    #[serde(default)]
    ignore_if_missing: bool,
}

fn contains(call: &Call<'_>) -> Result<Value, CallError> {
    let Find { path, text, .. } = call.typed()?;
    let path = Path::new(&path);
    if call.ctx.host.stat(path)?.is_none() {
        return Ok(false.into());
    }
    Ok(String::from_utf8_lossy(&call.ctx.host.read(path)?).contains(text.trim()).into())
}

fn search(call: &Call<'_>) -> Result<Value, CallError> {
    let Find { path, pattern, flags, ignore_if_missing, .. } = call.typed()?;
    let path = Path::new(&path);
    if ignore_if_missing && call.ctx.host.stat(path)?.is_none() {
        return Ok(false.into());
    }
    let text = String::from_utf8_lossy(&call.ctx.host.read(path)?).into_owned();
    let pattern = Pattern::flagged(&pattern, flags.as_ref()).map_err(super::failed)?;
    Ok(pattern.is_match(&text).map_err(super::failed)?.into())
}

fn readlink(call: &Call<'_>) -> Result<Value, CallError> {
    Ok(call.ctx.host.read_link(&path(call)?)?.display().to_string().into())
}

fn read(call: &Call<'_>) -> Result<Value, CallError> {
    let bytes = call.ctx.host.read(&path(call)?)?;
    Ok(Value::text_or_bytes(bytes))
}

fn readdir(call: &Call<'_>) -> Result<Value, CallError> {
    let names = call.ctx.host.list(&path(call)?)?;
    // As Salt has it, with the directory itself and the one above.
    let dots = [".", ".."].map(str::to_owned).into_iter();
    Ok(dots.chain(names.iter().map(|n| n.display().to_string())).collect::<Vec<_>>().into())
}

fn mode(call: &Call<'_>) -> Result<Value, CallError> {
    Ok(stat(call)?.map(|m| format!("{:04o}", m.mode)).into())
}

#[expect(clippy::unnecessary_wraps, reason = "all bodies have one shape")]
fn join(call: &Call<'_>) -> Result<Value, CallError> {
    let parts = call.args.iter().map(crate::functions::support::text_of);
    Ok(parts.fold(PathBuf::new(), |path, part| path.join(Path::new(&part))).display().to_string().into())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn paths_are_looked_at() {
        let bench = Bench::new(SimHost::new().with_file("/etc/motd", "hi\n").with_symlink("/etc/l", "motd"));
        let exec = |name: &str, path: &str| bench.exec(name, &[path.into()], &Map::new());
        assert_eq!(exec("file.file_exists", "/etc/motd"), Ok(true.into()));
        assert_eq!(exec("file.file_exists", "/etc"), Ok(false.into()));
        assert_eq!(exec("file.directory_exists", "/etc"), Ok(true.into()));
        assert_eq!(exec("file.path_exists_glob", "/etc/mo*"), Ok(true.into()));
        assert_eq!(exec("file.readlink", "/etc/l"), Ok("motd".into()));
        assert_eq!(exec("file.read", "/etc/l"), Ok("hi\n".into()));
        assert!(exec("file.read", "/etc/none").is_err());
        assert_eq!(exec("file.readdir", "/etc"), Ok(Value::from(vec![".", "..", "l", "motd"])));
        let join = bench.exec("file.join", &["/a".into(), "b".into()], &Map::new());
        assert_eq!(join, Ok(Value::from("/a/b")));
    }
}
