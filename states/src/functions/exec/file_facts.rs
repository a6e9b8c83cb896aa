//! `file.*`: what a file is, what is in it, and where others are.

use std::path::{Path, PathBuf};

use lab_proto::{Map, Value};
use md5::Md5;
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Call, Exec, failed};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::support::{Pattern, map, text_of};
use crate::host::{Command, FileKind, FileMeta};

const FOLLOW: ArgDoc = ArgDoc::with_default(
    "follow_symlinks",
    Kind::Bool,
    "true",
    "Whether what a link points to is looked at, and not the link.",
);
const OWNER: &[ArgDoc] = &[ArgDoc::required("path", Kind::Path, "Which path."), FOLLOW];
const STATS: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which path."),
    ArgDoc::optional("hash_type", Kind::Text, "By which algorithm a sum is added."),
    FOLLOW,
];
const HASH: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which file."),
    ArgDoc::with_default("form", Kind::Text, "sha256", "By which algorithm."),
];
const CHECK: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which file."),
    ArgDoc::required("file_hash", Kind::Text, "The sum, alone or as sha256=…."),
];
const REGEX: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which file."),
    ArgDoc::required("regex", Kind::Text, "The regular expression, as Python has them."),
];
const ACCESS: &[ArgDoc] = &[
    ArgDoc::required("path", Kind::Path, "Which path."),
    ArgDoc::required("mode", Kind::Text, "f: is it there; r, w, x: may it be read, written, run."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "file.access",
        doc: FunctionDoc::new(
            "Tells whether a path is there, or may be read, written or run.",
            ACCESS,
            "lab-master run '*' file.access /etc/motd r",
        ),
        body: access,
    },
    Exec {
        name: "file.stats",
        doc: FunctionDoc::new(
            "Returns owner, mode, kind, size and time of a path.",
            STATS,
            "lab-master run '*' file.stats /etc/passwd",
        ),
        body: stats,
    },
    Exec {
        name: "file.get_hash",
        doc: FunctionDoc::new("Returns the sum of a file.", HASH, "lab-master run '*' file.get_hash /etc/passwd"),
        body: get_hash,
    },
    Exec {
        name: "file.get_sum",
        doc: FunctionDoc::new("Returns the sum of a file.", HASH, "lab-master run '*' file.get_sum /etc/passwd"),
        body: get_hash,
    },
    Exec {
        name: "file.check_hash",
        doc: FunctionDoc::new(
            "Tells whether a file has a sum.",
            CHECK,
            "lab-master run '*' file.check_hash /etc/passwd sha256=3f…",
        ),
        body: check_hash,
    },
    Exec {
        name: "file.get_user",
        doc: FunctionDoc::new("Returns who owns a path.", OWNER, "lab-master run '*' file.get_user /etc/passwd"),
        body: |call| Ok(described(call)?.shift_remove("user").unwrap_or_default()),
    },
    Exec {
        name: "file.get_group",
        doc: FunctionDoc::new(
            "Returns the group of a path.",
            OWNER,
            "lab-master run '*' file.get_group /etc/passwd",
        ),
        body: |call| Ok(described(call)?.shift_remove("group").unwrap_or_default()),
    },
    Exec {
        name: "file.get_uid",
        doc: FunctionDoc::new(
            "Returns the number of who owns a path.",
            OWNER,
            "lab-master run '*' file.get_uid /etc/passwd",
        ),
        body: |call| Ok(described(call)?.shift_remove("uid").unwrap_or_default()),
    },
    Exec {
        name: "file.get_gid",
        doc: FunctionDoc::new(
            "Returns the number of the group of a path.",
            OWNER,
            "lab-master run '*' file.get_gid /etc/passwd",
        ),
        body: |call| Ok(described(call)?.shift_remove("gid").unwrap_or_default()),
    },
    Exec {
        name: "file.contains_regex",
        doc: FunctionDoc::new(
            "Tells whether a regular expression occurs in a line of a file.",
            REGEX,
            "lab-master run '*' file.contains_regex /etc/passwd '^root:'",
        )
        .open(),
        body: contains_regex,
    },
    Exec {
        name: "file.grep",
        doc: FunctionDoc::new(
            "Runs grep over a file: pattern, then its options; returns pid, retcode, stdout and stderr.",
            &[],
            "lab-master run '*' file.grep /etc/passwd root -- -i",
        )
        .open(),
        body: grep,
    },
    Exec {
        name: "file.find",
        doc: FunctionDoc::new(
            "Lists the paths at and below a path that fit: name, iname, regex, type, owner, group, mindepth, maxdepth.",
            &[],
            "lab-master run '*' file.find /etc name='*.conf' type=f maxdepth=2",
        )
        .open(),
        body: find,
    },
];

#[derive(Deserialize)]
struct Args {
    path: String,
    mode: Option<String>,
    #[serde(default = "sha256")]
    form: String,
    hash_type: Option<String>,
    file_hash: Option<String>,
    regex: Option<String>,
    #[serde(default = "yes")]
    follow_symlinks: bool,
}

fn sha256() -> String {
    "sha256".to_owned()
}

fn yes() -> bool {
    true
}

fn access(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { path, mode, .. } = call.typed()?;
    let flag = match mode.as_deref() {
        Some("f") => return Ok(call.ctx.host.stat(Path::new(&path))?.is_some().into()),
        Some("r") => "-r",
        Some("w") => "-w",
        Some("x") => "-x",
        _ => return Err(CallError::failed("argument mode: f, r, w or x")),
    };
    // Rights are the kernel's to decide: root may read what its bits forbid.
    let output = call.ctx.host.run(&Command::argv(["test", flag, &path]), call.ctx)?;
    Ok(output.exit.success().into())
}

fn described(call: &Call<'_>) -> Result<Map, CallError> {
    let Args { path, follow_symlinks, .. } = call.typed()?;
    let at = Path::new(&path);
    let meta = if follow_symlinks { call.ctx.host.stat(at)? } else { call.ctx.host.lstat(at)? };
    let Some(meta) = meta else { return Err(CallError::failed(format!("{path} is not there"))) };
    let FileMeta { kind, mode, uid, gid, size, mtime, inode: (_, inode) } = meta;
    let target = if call.ctx.host.lstat(at)?.is_some_and(|m| m.kind == FileKind::Symlink) {
        let link = call.ctx.host.read_link(at)?;
        at.parent().unwrap_or(Path::new("/")).join(link).display().to_string()
    } else {
        path.clone()
    };
    let kind = match kind {
        FileKind::File => "file",
        FileKind::Dir => "dir",
        FileKind::Symlink => "link",
        FileKind::Special => "special",
    };
    Ok(map([
        ("inode", i64::try_from(inode).unwrap_or(i64::MAX).into()),
        ("uid", uid.into()),
        ("gid", gid.into()),
        ("user", call.ctx.host.user_by_id(uid)?.map_or_else(|| uid.to_string(), |u| u.name).into()),
        ("group", call.ctx.host.group_by_id(gid)?.map_or_else(|| gid.to_string(), |g| g.name).into()),
        ("mtime", mtime.into()),
        ("size", i64::try_from(size).unwrap_or(i64::MAX).into()),
        ("mode", format!("{mode:04o}").into()),
        ("type", kind.into()),
        ("target", target.into()),
    ]))
}

fn stats(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { path, hash_type, .. } = call.typed()?;
    let mut about = described(call)?;
    if let Some(form) = hash_type {
        about.insert("sum".into(), sum(&call.ctx.host.read(Path::new(&path))?, &form)?.into());
    }
    Ok(Value::Map(about))
}

fn get_hash(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { path, form, .. } = call.typed()?;
    Ok(sum(&call.ctx.host.read(Path::new(&path))?, &form)?.into())
}

fn check_hash(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { path, file_hash, .. } = call.typed()?;
    let wanted = file_hash.unwrap_or_default();
    let (form, wanted) = match wanted.split_once(['=', ':']) {
        Some((form, sum)) => (form.to_owned(), sum.to_owned()),
        None => (form_of(&wanted)?.to_owned(), wanted),
    };
    let have = sum(&call.ctx.host.read(Path::new(&path))?, &form)?;
    Ok(have.eq_ignore_ascii_case(&wanted).into())
}

/// Tells by the length of a sum which algorithm made it.
fn form_of(sum: &str) -> Result<&'static str, CallError> {
    let forms = [(32, "md5"), (40, "sha1"), (56, "sha224"), (64, "sha256"), (96, "sha384"), (128, "sha512")];
    let found = forms.iter().find(|(length, _)| *length == sum.len()).map(|(_, form)| *form);
    found.ok_or_else(|| CallError::failed(format!("argument file_hash: {sum:?} is no sum")))
}

/// Returns the sum of some bytes in hex digits.
///
/// # Errors
/// When the algorithm is none that is known.
pub(in crate::functions) fn sum(bytes: &[u8], form: &str) -> Result<String, CallError> {
    let hex = |digest: &[u8]| digest.iter().map(|b| format!("{b:02x}")).collect::<String>();
    Ok(match form {
        "md5" => hex(&Md5::digest(bytes)),
        "sha1" => hex(&Sha1::digest(bytes)),
        "sha224" => hex(&Sha224::digest(bytes)),
        "sha256" => hex(&Sha256::digest(bytes)),
        "sha384" => hex(&Sha384::digest(bytes)),
        "sha512" => hex(&Sha512::digest(bytes)),
        other => return Err(CallError::failed(format!("there are no sums by {other:?} (sha256 is one)"))),
    })
}

fn contains_regex(call: &Call<'_>) -> Result<Value, CallError> {
    let Args { path, regex, .. } = call.typed()?;
    let path = Path::new(&path);
    if call.ctx.host.stat(path)?.is_none() {
        return Ok(false.into());
    }
    let text = String::from_utf8_lossy(&call.ctx.host.read(path)?).into_owned();
    let pattern = Pattern::multiline(&regex.unwrap_or_default()).map_err(failed)?;
    Ok(pattern.is_match(&text).map_err(failed)?.into())
}

fn grep(call: &Call<'_>) -> Result<Value, CallError> {
    let words: Vec<String> = call.args.iter().map(text_of).collect();
    let named = |name: &str| call.kwargs.get(name).map(text_of);
    let mut words = words.into_iter();
    let path = named("path").or_else(|| words.next());
    let pattern = named("pattern").or_else(|| words.next());
    let (Some(path), Some(pattern)) = (path, pattern) else {
        return Err(CallError::failed("file.grep takes a path and a pattern"));
    };
    let options = words.flat_map(|w| w.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let argv = ["grep".to_owned()].into_iter().chain(options).chain(["--".to_owned(), pattern, path]);
    let output = call.ctx.host.run(&Command::argv(argv), call.ctx)?;
    Ok(Value::Map(map([
        ("pid", output.pid.into()),
        ("retcode", output.exit.code().into()),
        ("stdout", output.stdout_text().into()),
        ("stderr", output.stderr_text().into()),
    ])))
}

/// What a path must be like to be listed.
struct Filter {
    name: Option<String>,
    iname: Option<String>,
    regex: Option<Pattern>,
    kinds: Option<String>,
    uid: Option<Vec<u32>>,
    gid: Option<Vec<u32>>,
    mindepth: usize,
    maxdepth: usize,
}

/// How many paths are looked at before a search is given up: a template must not walk a whole disk by mistake.
const FIND_LIMIT: usize = 200_000;

fn find(call: &Call<'_>) -> Result<Value, CallError> {
    let path = call.args.first().or_else(|| call.kwargs.get("path")).map(text_of);
    let path = path.ok_or_else(|| CallError::failed("file.find takes a path"))?;
    let filter = Filter::of(call)?;
    let (mut found, mut looked) = (Vec::new(), 0);
    let mut todo = vec![(PathBuf::from(&path), 0)];
    while let Some((path, depth)) = todo.pop() {
        looked += 1;
        if looked > FIND_LIMIT {
            return Err(CallError::failed(format!(
                "{} paths looked at; give maxdepth, or a smaller path",
                FIND_LIMIT
            )));
        }
        let Some(meta) = call.ctx.host.lstat(&path)? else { continue };
        if depth >= filter.mindepth && filter.fits(&path, &meta)? {
            found.push(path.display().to_string());
        }
        if meta.is_dir() && depth < filter.maxdepth {
            let names = call.ctx.host.list(&path)?;
            todo.extend(names.into_iter().map(|n| (path.join(n), depth + 1)));
        }
    }
    found.sort();
    Ok(found.into())
}

impl Filter {
    fn of(call: &Call<'_>) -> Result<Self, CallError> {
        const KNOWN: [&str; 11] = [
            "name", "iname", "regex", "type", "owner", "user", "group", "mindepth", "maxdepth", "path",
            "print",
        ];
        let mut names = call.kwargs.keys().filter_map(Value::as_str).filter(|k| !k.starts_with("__"));
        if let Some(name) = names.find(|k| !KNOWN.contains(k)) {
            let known = KNOWN.join(", ");
            return Err(CallError::failed(format!(
                "file.find: {name} is not supported (these are: {known})"
            )));
        }
        if call.kwargs.get("print").is_some_and(|p| text_of(p) != "path") {
            return Err(CallError::failed("file.find: print gives paths only"));
        }
        let text = |name: &str| call.kwargs.get(name).map(text_of);
        let depth = |name: &str, default: usize| match text(name) {
            None => Ok(default),
            Some(t) => t.parse().map_err(|_| CallError::failed(format!("file.find: {name} is a number"))),
        };
        let names = |name: Option<String>| -> Vec<String> {
            name.iter().flat_map(|n| n.split(',')).map(|n| n.trim().to_owned()).collect()
        };
        let (mut uid, mut gid) = (None, None);
        if let Some(owner) = text("owner").or_else(|| text("user")) {
            let mut ids = Vec::new();
            for name in names(Some(owner)) {
                ids.extend(call.ctx.host.user(&name)?.map(|u| u.uid).or_else(|| name.parse().ok()));
            }
            uid = Some(ids);
        }
        if let Some(group) = text("group") {
            let mut ids = Vec::new();
            for name in names(Some(group)) {
                ids.extend(call.ctx.host.group(&name)?.map(|g| g.gid).or_else(|| name.parse().ok()));
            }
            gid = Some(ids);
        }
        Ok(Self {
            name: text("name"),
            iname: text("iname").map(|n| n.to_lowercase()),
            regex: text("regex").map(|r| Pattern::multiline(&r)).transpose().map_err(failed)?,
            kinds: text("type"),
            uid,
            gid,
            mindepth: depth("mindepth", 0)?,
            maxdepth: depth("maxdepth", usize::MAX)?,
        })
    }

    fn fits(&self, path: &Path, meta: &FileMeta) -> Result<bool, CallError> {
        let Self { name, iname, regex, kinds, uid, gid, mindepth: _, maxdepth: _ } = self;
        let own = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let letter = match meta.kind {
            FileKind::File => 'f',
            FileKind::Dir => 'd',
            FileKind::Symlink => 'l',
            FileKind::Special => 's',
        };
        let fits = name.as_ref().is_none_or(|n| lab_proto::glob::matches(n, &own))
            && iname.as_ref().is_none_or(|n| lab_proto::glob::matches(n, &own.to_lowercase()))
            && kinds.as_ref().is_none_or(|k| k.contains(letter))
            && uid.as_ref().is_none_or(|ids| ids.contains(&meta.uid))
            && gid.as_ref().is_none_or(|ids| ids.contains(&meta.gid));
        match regex {
            Some(regex) if fits => regex.is_match(&path.display().to_string()).map_err(failed),
            _ => Ok(fits),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    fn bench() -> Bench {
        Bench::new(
            SimHost::new()
                .with_user("ann", 1001)
                .with_file("/srv/a.conf", "x = 1\n")
                .with_file("/srv/sub/b.conf", "")
                .with_file("/srv/sub/c.txt", "")
                .with_symlink("/srv/l", "a.conf"),
        )
    }

    fn named<const N: usize>(entries: [(&str, &str); N]) -> Map {
        entries.into_iter().map(|(k, v)| (Value::from(k), Value::from(v))).collect()
    }

    #[test]
    fn a_file_is_described_and_summed() {
        let bench = bench();
        let exec = |name: &str, args: &[&str]| {
            let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
            bench.exec(name, &args, &Map::new())
        };
        let about = exec("file.stats", &["/srv/a.conf"]).unwrap();
        assert_eq!((about.get("mode"), about.get("type")), (Some(&"0644".into()), Some(&"file".into())));
        assert_eq!(exec("file.get_user", &["/srv/a.conf"]), Ok("root".into()));
        assert_eq!(
            exec("file.get_hash", &["/srv/sub/b.conf", "md5"]),
            Ok("d41d8cd98f00b204e9800998ecf8427e".into())
        );
        let sum = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        assert_eq!(exec("file.check_hash", &["/srv/sub/b.conf", &format!("sha1={sum}")]), Ok(true.into()));
        assert_eq!(exec("file.check_hash", &["/srv/a.conf", sum]), Ok(false.into()));
        assert!(
            exec("file.get_hash", &["/srv/a.conf", "crc"]).is_err() && exec("file.stats", &["/no"]).is_err()
        );
        assert_eq!(exec("file.contains_regex", &["/srv/a.conf", r"^x\s*="]), Ok(true.into()));
        assert_eq!(exec("file.access", &["/srv/a.conf", "f"]), Ok(true.into()));
        assert!(exec("file.access", &["/srv/a.conf", "q"]).is_err());
    }

    #[test]
    fn files_are_found_by_what_they_are() {
        let bench = bench();
        let find = |kwargs: Map| bench.exec("file.find", &["/srv".into()], &kwargs).unwrap();
        assert_eq!(find(named([("name", "*.conf")])), Value::from(vec!["/srv/a.conf", "/srv/sub/b.conf"]));
        assert_eq!(
            find(named([("type", "f"), ("mindepth", "2")])),
            Value::from(vec!["/srv/sub/b.conf", "/srv/sub/c.txt"])
        );
        assert_eq!(find(named([("maxdepth", "0")])), Value::from(vec!["/srv"]));
        assert_eq!(find(named([("type", "l")])), Value::from(vec!["/srv/l"]));
        assert_eq!(find(named([("regex", r"c\.txt$")])), Value::from(vec!["/srv/sub/c.txt"]));
        assert_eq!(find(named([("owner", "ann")])), Value::List(vec![]));
        let bad = bench.exec("file.find", &["/srv".into()], &named([("delete", "f")])).unwrap_err();
        assert!(bad.to_string().contains("not supported"), "{bad}");
    }
}
