//! `file.*` that change something: for `module.run`, and by hand. A state says the same better where there is one.

use std::path::{Path, PathBuf};

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec, failed};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::support::{Mode, Owner, absolute, make_parents, text_of};
use crate::host::{FileMeta, WriteOptions};

const NAME: &[ArgDoc] = &[ArgDoc::required("name", Kind::Path, "Which path.")];
const PATH: &[ArgDoc] = &[ArgDoc::required("path", Kind::Path, "Which path.")];
const MKDIR: &[ArgDoc] = &[
    ArgDoc::required("dir_path", Kind::Path, "Which directory."),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::optional("mode", Kind::Mode, "Permissions."),
];
const MAKEDIRS: &[ArgDoc] = &[
    ArgDoc::required(
        "path",
        Kind::Path,
        "The path whose directories are made: all above it, and it when it ends in /.",
    ),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::optional("mode", Kind::Mode, "Permissions."),
];
const TEXT: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which file."),
    ArgDoc::optional("args", Kind::Any, "The lines: a text, or a list."),
];
const MOVE: &[ArgDoc] = &[
    ArgDoc::required("src", Kind::Path, "The old place."),
    ArgDoc::required("dst", Kind::Path, "The new place."),
];
const LINK: &[ArgDoc] = &[
    ArgDoc::required("src", Kind::Path, "Where it points."),
    ArgDoc::required("path", Kind::Path, "Where it is."),
    ArgDoc::with_default("force", Kind::Bool, "false", "Whether a link or file in the place is replaced."),
];
const SET_MODE: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which path."),
    ArgDoc::required("mode", Kind::Mode, "Permissions."),
];
const CHOWN: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which path."),
    ArgDoc::required("user", Kind::Text, "The owner; the empty text leaves it."),
    ArgDoc::required("group", Kind::Text, "The group; the empty text leaves it."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "file.touch",
        doc: FunctionDoc::new(
            "Makes an empty file, or sets the time of one that is there.",
            NAME,
            "lab-master run '*' file.touch /var/tmp/mark",
        ),
        body: touch,
    },
    Exec {
        name: "file.remove",
        doc: FunctionDoc::new(
            "Removes a path with all below it; false when there is nothing.",
            PATH,
            "lab-master run '*' file.remove /var/tmp/mark",
        )
        .open(),
        body: remove,
    },
    Exec {
        name: "file.mkdir",
        doc: FunctionDoc::new(
            "Makes a directory and those above it.",
            MKDIR,
            "lab-master run '*' file.mkdir /srv/app/data",
        ),
        body: mkdir,
    },
    Exec {
        name: "file.makedirs",
        doc: FunctionDoc::new(
            "Makes the directories above a path.",
            MAKEDIRS,
            "lab-master run '*' file.makedirs /srv/app/data/",
        ),
        body: makedirs,
    },
    Exec {
        name: "file.write",
        doc: FunctionDoc::new(
            "Writes lines to a file, in place of what is in it.",
            TEXT,
            "lab-master run '*' file.write /etc/motd 'Be nice.'",
        )
        .open(),
        body: |call| lines(call, false),
    },
    Exec {
        name: "file.append",
        doc: FunctionDoc::new(
            "Adds lines to the end of a file.",
            TEXT,
            "lab-master run '*' file.append /etc/motd 'Be nice.'",
        )
        .open(),
        body: |call| lines(call, true),
    },
    Exec {
        name: "file.copy",
        doc: FunctionDoc::new(
            "Copies a file, in place of what is there, with its mode and owner.",
            MOVE,
            "lab-master run '*' file.copy /etc/hosts /etc/hosts.orig",
        ),
        body: copy,
    },
    Exec {
        name: "file.rename",
        doc: FunctionDoc::new(
            "Moves a file or directory.",
            MOVE,
            "lab-master run '*' file.rename /etc/a /etc/b",
        ),
        body: |call| rename(call).map(|()| true.into()),
    },
    Exec {
        name: "file.move",
        doc: FunctionDoc::new(
            "Moves a file or directory.",
            MOVE,
            "lab-master run '*' file.move /etc/a /etc/b",
        ),
        body: |call| {
            rename(call)?;
            let told = "the file or directory was moved";
            Ok(Value::from([("result", Value::from(true)), ("comment", told.into())]))
        },
    },
    Exec {
        name: "file.symlink",
        doc: FunctionDoc::new(
            "Makes a symbolic link.",
            LINK,
            "lab-master run '*' file.symlink /usr/share/zoneinfo/UTC /etc/localtime force=True",
        ),
        body: symlink,
    },
    Exec {
        name: "file.set_mode",
        doc: FunctionDoc::new(
            "Sets the permissions of a path, and returns them.",
            SET_MODE,
            "lab-master run '*' file.set_mode /etc/motd 0644",
        ),
        body: set_mode,
    },
    Exec {
        name: "file.chown",
        doc: FunctionDoc::new(
            "Sets owner and group of a path.",
            CHOWN,
            "lab-master run '*' file.chown /etc/motd root root",
        ),
        body: chown,
    },
];

fn path_at(text: &str, call: &Call<'_>) -> Result<PathBuf, CallError> {
    absolute(text, call.ctx.host).map_err(failed)
}

#[derive(Deserialize)]
struct Named {
    #[serde(alias = "path")]
    name: String,
}

fn touch(call: &Call<'_>) -> Result<Value, CallError> {
    let path = path_at(&call.typed::<Named>()?.name, call)?;
    let host = call.ctx.host;
    match host.stat(&path)? {
        None => host.write(&path, b"", WriteOptions::default())?,
        Some(_) => host.touch(&path, None)?,
    }
    Ok(true.into())
}

fn remove(call: &Call<'_>) -> Result<Value, CallError> {
    let path = path_at(&call.typed::<Named>()?.name, call)?;
    if path.parent().is_none() {
        return Err(CallError::failed("refusing to remove \"/\""));
    }
    match call.ctx.host.lstat(&path)? {
        None => return Ok(false.into()),
        Some(meta) if meta.is_dir() => call.ctx.host.remove_dir_all(&path)?,
        Some(_) => call.ctx.host.remove_file(&path)?,
    }
    Ok(true.into())
}

#[derive(Deserialize)]
struct Make {
    #[serde(alias = "path")]
    dir_path: String,
    user: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
}

impl Make {
    fn all_above(&self, path: &Path, call: &Call<'_>) -> Result<(), CallError> {
        let host = call.ctx.host;
        let owner = Owner::find(self.user.as_deref(), self.group.as_deref(), host).map_err(failed)?;
        make_parents(host, path, self.mode.map(|m| m.0), owner).map_err(failed).map(drop)
    }
}

fn mkdir(call: &Call<'_>) -> Result<Value, CallError> {
    let make: Make = call.typed()?;
    // What is above something in the directory is the directory and all above it.
    make.all_above(&path_at(&make.dir_path, call)?.join("x"), call)?;
    Ok(true.into())
}

fn makedirs(call: &Call<'_>) -> Result<Value, CallError> {
    let make: Make = call.typed()?;
    let path = path_at(&make.dir_path, call)?;
    make.all_above(&if make.dir_path.ends_with('/') { path.join("x") } else { path }, call)?;
    Ok(true.into())
}

fn lines(call: &Call<'_>, append: bool) -> Result<Value, CallError> {
    let given = |key: &str| call.kwargs.get(key);
    let path = match (call.args.first(), given("path")) {
        (Some(path), _) | (None, Some(path)) => path_at(&text_of(path), call)?,
        (None, None) => return Err(CallError::failed("argument path is missing: which file is meant")),
    };
    let added: Vec<String> = match given("args") {
        Some(Value::List(lines)) => lines.iter().map(text_of).collect(),
        Some(line) => vec![text_of(line)],
        None => call.args.iter().skip(1).map(text_of).collect(),
    };
    let host = call.ctx.host;
    let mut text = Vec::new();
    if append && let Some(meta) = host.stat(&path)? {
        regular(&path, &meta)?;
        text = host.read(&path)?;
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
    }
    for line in &added {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    host.write(&path, &text, WriteOptions::default())?;
    let verb = if append { "Appended" } else { "Wrote" };
    Ok(format!("{verb} {} lines to \"{}\"", added.len(), path.display()).into())
}

/// Refuses what is read without an end, or only once somebody writes to it.
fn regular(path: &Path, meta: &FileMeta) -> Result<(), CallError> {
    if meta.is_file() {
        return Ok(());
    }
    let what = if meta.is_dir() { "directory" } else { "socket, pipe or device" };
    Err(CallError::failed(format!(
        "\"{}\" is a {what}: only a regular file can be read whole",
        path.display()
    )))
}

#[derive(Deserialize)]
struct Move {
    src: String,
    dst: String,
}

fn copy(call: &Call<'_>) -> Result<Value, CallError> {
    let Move { src, dst } = call.typed()?;
    let (from, to) = (path_at(&src, call)?, path_at(&dst, call)?);
    let host = call.ctx.host;
    let meta =
        host.stat(&from)?.ok_or_else(|| CallError::failed(format!("no such file or directory {src}")))?;
    if meta.is_dir() || host.stat(&to)?.is_some_and(|m| m.is_dir()) {
        return Err(CallError::failed("directories are copied by the state file.copy"));
    }
    regular(&from, &meta)?;
    let options =
        WriteOptions { mode: Some(meta.mode), uid: Some(meta.uid), gid: Some(meta.gid), umask: None };
    host.copy(&from, &to, options, None)?;
    Ok(true.into())
}

fn rename(call: &Call<'_>) -> Result<(), CallError> {
    let Move { src, dst } = call.typed()?;
    Ok(call.ctx.host.rename(&path_at(&src, call)?, &path_at(&dst, call)?)?)
}

#[derive(Deserialize)]
struct LinkArgs {
    src: String,
    path: String,
    #[serde(default)]
    force: bool,
}

fn symlink(call: &Call<'_>) -> Result<Value, CallError> {
    let LinkArgs { src, path, force } = call.typed()?;
    let (host, at) = (call.ctx.host, path_at(&path, call)?);
    match host.lstat(&at)? {
        Some(meta) if force && !meta.is_dir() => host.remove_file(&at)?,
        Some(_) => {
            return Err(CallError::failed(format!(
                "{path} is in the way (force=True replaces a link or file)"
            )));
        }
        None => {}
    }
    host.symlink(Path::new(&src), &at)?;
    Ok(true.into())
}

#[derive(Deserialize)]
struct SetMode {
    path: String,
    mode: Mode,
}

fn set_mode(call: &Call<'_>) -> Result<Value, CallError> {
    let SetMode { path, mode } = call.typed()?;
    call.ctx.host.chmod(&path_at(&path, call)?, mode.0)?;
    Ok(mode.to_string().into())
}

#[derive(Deserialize)]
struct Chown {
    path: String,
    user: String,
    group: String,
}

fn chown(call: &Call<'_>) -> Result<Value, CallError> {
    let Chown { path, user, group } = call.typed()?;
    let owner = Owner::find(Some(&user), Some(&group), call.ctx.host).map_err(failed)?;
    call.ctx.host.chown(&path_at(&path, call)?, owner.uid, owner.gid)?;
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use crate::host::{Files, Node};
    use lab_proto::{Map, Value};

    #[test]
    fn files_are_made_changed_and_removed() {
        let bench = Bench::new(SimHost::new().with_dir("/srv"));
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new())
        };
        assert_eq!(exec("file.mkdir", &["/srv/a/b"]), Ok(true.into()));
        assert_eq!(exec("file.makedirs", &["/srv/c/d"]), Ok(true.into()));
        assert!(exec("file.touch", &["/srv/c/d"]).is_ok() && exec("file.touch", &["/srv/none/d"]).is_err());
        assert_eq!(exec("file.write", &["/srv/f", "1", "2"]), Ok("Wrote 2 lines to \"/srv/f\"".into()));
        assert!(exec("file.append", &["/srv/f", "3"]).is_ok());
        assert_eq!(bench.host.text("/srv/f").as_deref(), Some("1\n2\n3\n"));
        assert_eq!(exec("file.set_mode", &["/srv/f", "600"]), Ok("0600".into()));
        assert_eq!(exec("file.copy", &["/srv/f", "/srv/g"]), Ok(true.into()));
        assert_eq!(bench.host.tree()[Path::new("/srv/g")], "file 0600 0:0 \"1\\n2\\n3\\n\"");
        assert!(
            exec("file.rename", &["/srv/g", "/srv/h"]).is_ok()
                && exec("file.copy", &["/srv/g", "/srv/h"]).is_err()
        );
        assert!(exec("file.symlink", &["/srv/f", "/srv/h"]).is_err());
        assert!(exec("file.symlink", &["/srv/f", "/srv/l"]).is_ok());
        assert_eq!(exec("file.remove", &["/srv/a"]), Ok(true.into()));
        assert_eq!(exec("file.remove", &["/srv/a"]), Ok(false.into()));
        assert!(exec("file.remove", &["/"]).is_err());
    }

    #[test]
    fn what_has_no_end_is_neither_copied_nor_added_to() {
        let bench = Bench::new(SimHost::new().with_file("/srv/f", "1\n"));
        let device = Node::Char(1, 5);
        for (path, node) in [("/srv/zero", device), ("/srv/pipe", Node::Fifo)] {
            bench.host.mknod(Path::new(path), node, 0o600).expect("made");
            for (name, args) in [("file.copy", [path, "/srv/g"]), ("file.append", [path, "2"])] {
                let args: Vec<Value> = args.into_iter().map(Value::from).collect();
                let said = bench.exec(name, &args, &Map::new()).expect_err("refused").to_string();
                assert!(said.contains(path) && said.contains("only a regular file"), "{said}");
            }
        }
        assert!(!bench.host.tree().contains_key(Path::new("/srv/g")));
        assert_eq!(bench.host.tree()[Path::new("/srv/pipe")], "Fifo 0600 0:0");
    }
}
