//! `archive.*`, `git.*`, `http.*`, `environ.*`, `hashutil.*`, `random.*`: one or two functions of each.

use std::path::{Path, PathBuf};

use lab_proto::{Map, Value};
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};

use super::kernel::call_error;
use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::archive::format_of;
use crate::functions::git::Repo;
use crate::functions::support::{text_list, text_of};
use crate::host::{ArchiveKind, ArchiveSource, Command, Commands, HttpRequest};
use crate::render::base64;

const ARCHIVE: &[ArgDoc] = &[
    ArgDoc::required("name", Kind::Text, "The archive: a path, or salt://…"),
    ArgDoc::optional("archive_format", Kind::Text, "tar or zip, where the name does not tell."),
    ArgDoc::with_default("verbose", Kind::Bool, "false", "Whether files, dirs and links are told apart."),
];
const REVISION: &[ArgDoc] = &[
    ArgDoc::required("cwd", Kind::Path, "The working tree."),
    ArgDoc::with_default("rev", Kind::Text, "HEAD", "Which revision."),
    ArgDoc::with_default("short", Kind::Bool, "false", "Whether its short id is returned."),
    ArgDoc::optional("user", Kind::Text, "The account that asks."),
];
const QUERY: &[ArgDoc] = &[
    ArgDoc::required("url", Kind::Text, "Which URL."),
    ArgDoc::with_default("method", Kind::Text, "GET", "The method."),
    ArgDoc::optional("data", Kind::Text, "What is sent."),
    ArgDoc::optional("header_dict", Kind::Map, "Header lines."),
    ArgDoc::with_default(
        "verify_ssl",
        Kind::Bool,
        "true",
        "Whether the server's certificate must be trusted.",
    ),
    ArgDoc::with_default("decode", Kind::Bool, "false", "Whether a body in JSON comes as data, too."),
];
const KEY: &[ArgDoc] = &[
    ArgDoc::required("key", Kind::Text, "Which variable."),
    ArgDoc::with_default("default", Kind::Text, "''", "What is returned without it."),
];
const KEYS: &[ArgDoc] = &[
    ArgDoc::required("keys", Kind::Any, "Which variable, or a list of them."),
    ArgDoc::with_default("default", Kind::Text, "''", "What stands for one that is not set."),
];
const TEXT: &[ArgDoc] = &[ArgDoc::required("instr", Kind::Text, "The text.")];
const DIGEST: &[ArgDoc] = &[
    ArgDoc::required("instr", Kind::Text, "The text."),
    ArgDoc::with_default("checksum", Kind::Text, "md5", "md5, sha1, sha256 or sha512."),
];
const HASH: &[ArgDoc] = &[
    ArgDoc::required("value", Kind::Text, "The text."),
    ArgDoc::with_default("algorithm", Kind::Text, "sha512", "md5, sha1, sha256 or sha512."),
];
const LENGTH: &[ArgDoc] = &[
    ArgDoc::with_default("length", Kind::Int, "20", "How many characters."),
    ArgDoc::optional("chars", Kind::Text, "Which characters; letters and digits, when not given."),
];
const RANGE: &[ArgDoc] = &[
    ArgDoc::with_default("start", Kind::Int, "1", "The smallest."),
    ArgDoc::with_default("end", Kind::Int, "10", "The largest."),
];
const SEED: &[ArgDoc] = &[
    ArgDoc::with_default("range", Kind::Int, "10", "How many numbers there are."),
    ArgDoc::optional("hash", Kind::Text, "What decides; the minion's id, when not given."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "archive.list",
        doc: FunctionDoc::new(
            "Lists what is in an archive.",
            ARCHIVE,
            "lab-master run '*' archive.list /tmp/app.tar.gz",
        ),
        body: archive_list,
    },
    Exec {
        name: "git.revision",
        doc: FunctionDoc::new(
            "Returns the id of a revision.",
            REVISION,
            "lab-master run '*' git.revision /opt/tools",
        ),
        body: git_revision,
    },
    Exec {
        name: "git.version",
        doc: FunctionDoc::new("Returns the version of git.", &[], "lab-master run '*' git.version"),
        body: git_version,
    },
    Exec {
        name: "http.query",
        doc: FunctionDoc::new(
            "Asks a web server.",
            QUERY,
            "lab-master run '*' http.query http://10.0.0.1/healthz",
        ),
        body: http_query,
    },
    Exec {
        name: "environ.get",
        doc: FunctionDoc::new(
            "Returns a variable of the environment.",
            KEY,
            "lab-master run '*' environ.get PATH",
        ),
        body: |call| {
            let Key { key, default } = call.typed()?;
            Ok(call.ctx.host.env(&key).unwrap_or(default).into())
        },
    },
    Exec {
        name: "environ.item",
        doc: FunctionDoc::new(
            "Returns some variables of the environment.",
            KEYS,
            "lab-master run '*' environ.item '[PATH, LANG]'",
        ),
        body: |call| {
            let Keys { keys, default } = call.typed()?;
            let keys = text_list(&keys);
            let found = |key: String| {
                let value = call.ctx.host.env(&key).unwrap_or_else(|| default.clone());
                (Value::from(key), Value::from(value))
            };
            Ok(Value::Map(keys.into_iter().map(found).collect()))
        },
    },
    Exec {
        name: "environ.has_value",
        doc: FunctionDoc::new(
            "Tells whether a variable is set.",
            KEY,
            "lab-master run '*' environ.has_value PATH",
        ),
        body: |call| Ok(call.ctx.host.env(&call.typed::<Key>()?.key).is_some().into()),
    },
    Exec {
        name: "hashutil.digest",
        doc: FunctionDoc::new(
            "Returns the hash of a text.",
            DIGEST,
            "lab-minion call --local hashutil.digest text sha256",
        ),
        body: |call| {
            let Text { instr, checksum } = call.typed()?;
            digest(&instr, checksum.as_deref().unwrap_or("md5"))
        },
    },
    Exec {
        name: "hashutil.md5_digest",
        doc: FunctionDoc::new(
            "Returns the MD5 of a text.",
            TEXT,
            "lab-minion call --local hashutil.md5_digest text",
        ),
        body: |call| digest(&call.typed::<Text>()?.instr, "md5"),
    },
    Exec {
        name: "hashutil.sha256_digest",
        doc: FunctionDoc::new(
            "Returns the SHA-256 of a text.",
            TEXT,
            "lab-minion call --local hashutil.sha256_digest text",
        ),
        body: |call| digest(&call.typed::<Text>()?.instr, "sha256"),
    },
    Exec {
        name: "hashutil.sha512_digest",
        doc: FunctionDoc::new(
            "Returns the SHA-512 of a text.",
            TEXT,
            "lab-minion call --local hashutil.sha512_digest text",
        ),
        body: |call| digest(&call.typed::<Text>()?.instr, "sha512"),
    },
    Exec {
        name: "hashutil.base64_b64encode",
        doc: FunctionDoc::new(
            "Returns a text in Base64.",
            TEXT,
            "lab-minion call --local hashutil.base64_b64encode text",
        ),
        body: |call| Ok(base64::encode(call.typed::<Text>()?.instr.as_bytes()).into()),
    },
    Exec {
        name: "hashutil.base64_b64decode",
        doc: FunctionDoc::new(
            "Returns a text from Base64.",
            TEXT,
            "lab-minion call --local hashutil.base64_b64decode dGV4dA==",
        ),
        body: base64_decode,
    },
    Exec {
        name: "random.hash",
        doc: FunctionDoc::new(
            "Returns the hash of a text.",
            HASH,
            "lab-minion call --local random.hash text sha256",
        ),
        body: |call| {
            let Hash { value, algorithm } = call.typed()?;
            digest(&value, algorithm.as_deref().unwrap_or("sha512"))
        },
    },
    Exec {
        name: "random.get_str",
        doc: FunctionDoc::new("Returns a random text.", LENGTH, "lab-minion call --local random.get_str 32"),
        body: random_text,
    },
    Exec {
        name: "random.rand_int",
        doc: FunctionDoc::new(
            "Returns a random number.",
            RANGE,
            "lab-minion call --local random.rand_int 1 6",
        ),
        body: random_number,
    },
    Exec {
        name: "random.seed",
        doc: FunctionDoc::new(
            "Returns a number that is always the same on this minion.",
            SEED,
            "lab-minion call --local random.seed 60",
        ),
        body: random_seed,
    },
];

#[derive(Deserialize)]
struct Hash {
    value: String,
    algorithm: Option<String>,
}

#[derive(Deserialize)]
struct Archive {
    name: String,
    archive_format: Option<String>,
    #[serde(default)]
    verbose: bool,
}

fn archive_list(call: &Call<'_>) -> Result<Value, CallError> {
    let Archive { name, archive_format, verbose } = call.typed()?;
    let format = format_of(archive_format.as_deref(), &name).map_err(call_error)?;
    let entries = match name.strip_prefix("salt://") {
        Some(path) => {
            let content = call.ctx.services.file(path, "base")?;
            call.ctx.host.archive_list(ArchiveSource::Bytes(&content), format)?
        }
        None => call.ctx.host.archive_list(ArchiveSource::File(Path::new(&name)), format)?,
    };
    if !verbose {
        return Ok(entries.into_iter().map(|e| e.path).collect::<Vec<_>>().into());
    }
    let of = |which: fn(&ArchiveKind) -> bool| -> Value {
        entries.iter().filter(|e| which(&e.kind)).map(|e| e.path.clone()).collect::<Vec<_>>().into()
    };
    Ok(Value::from([
        ("dirs", of(|k| *k == ArchiveKind::Dir)),
        ("files", of(|k| matches!(k, ArchiveKind::File | ArchiveKind::Hardlink(_)))),
        ("links", of(|k| matches!(k, ArchiveKind::Symlink(_)))),
    ]))
}

#[derive(Deserialize)]
struct Revision {
    cwd: String,
    #[serde(default = "head")]
    rev: String,
    #[serde(default)]
    short: bool,
    user: Option<String>,
}

fn head() -> String {
    "HEAD".to_owned()
}

fn git_revision(call: &Call<'_>) -> Result<Value, CallError> {
    let Revision { cwd, rev, short, user } = call.typed()?;
    let repo = Repo::new(PathBuf::from(&cwd), user, call.ctx);
    let length = if short { "--short" } else { "--verify" };
    let found = repo.ask(&["rev-parse", length, "--end-of-options", &rev]).map_err(call_error)?;
    // Git repeats the option that it was to stop at.
    let found = found.map(|text| text.lines().last().unwrap_or_default().to_owned());
    found.map(Value::from).ok_or_else(|| CallError::failed(format!("there is no revision {rev} in {cwd}")))
}

fn git_version(call: &Call<'_>) -> Result<Value, CallError> {
    let output = Commands::run(call.ctx.host, &Command::look(["git", "--version"]), call.ctx)?;
    let text = output.stdout_text();
    let number = text.split_whitespace().nth(2);
    number.map(Value::from).ok_or_else(|| CallError::failed(format!("git --version says {text:?}")))
}

#[derive(Deserialize)]
struct Query {
    url: String,
    #[serde(default = "get")]
    method: String,
    data: Option<Value>,
    header_dict: Option<Map>,
    #[serde(default = "yes")]
    verify_ssl: bool,
    #[serde(default)]
    decode: bool,
}

fn get() -> String {
    "GET".to_owned()
}

fn yes() -> bool {
    true
}

fn http_query(call: &Call<'_>) -> Result<Value, CallError> {
    let Query { url, method, data, header_dict, verify_ssl, decode } = call.typed()?;
    let mut request = HttpRequest::get(url.as_str());
    request.method = method;
    request.body = data.map(|d| text_of(&d).into_bytes());
    request.headers = header_dict.iter().flatten().map(|(k, v)| (text_of(k), text_of(v))).collect();
    request.verify_tls = verify_ssl;
    let reply = call.ctx.host.http(&request, call.ctx)?;
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    let mut found = Map::new();
    if decode {
        let data: serde_json::Value = serde_json::from_str(&body)
            .map_err(|e| CallError::failed(format!("what {url} answered is no JSON: {e}")))?;
        found.insert("dict".into(), data.into());
    }
    let headers = reply.headers.into_iter().map(|(k, v)| (Value::from(k), Value::from(v)));
    found.insert("status".into(), reply.status.into());
    found.insert("headers".into(), Value::Map(headers.collect()));
    found.insert("body".into(), body.into());
    Ok(Value::Map(found))
}

#[derive(Deserialize)]
struct Key {
    key: String,
    #[serde(default)]
    default: String,
}

#[derive(Deserialize)]
struct Keys {
    keys: Value,
    #[serde(default)]
    default: String,
}

#[derive(Deserialize)]
struct Text {
    instr: String,
    checksum: Option<String>,
}

fn hex(bytes: &[u8]) -> Value {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into()
}

fn digest(text: &str, kind: &str) -> Result<Value, CallError> {
    let bytes = text.as_bytes();
    Ok(match kind {
        "md5" => hex(&md5::Md5::digest(bytes)),
        "sha1" => hex(&sha1::Sha1::digest(bytes)),
        "sha256" => hex(&Sha256::digest(bytes)),
        "sha512" => hex(&Sha512::digest(bytes)),
        other => {
            return Err(CallError::failed(format!(
                "argument checksum: {other:?} is not one of md5, sha1, sha256, sha512"
            )));
        }
    })
}

fn base64_decode(call: &Call<'_>) -> Result<Value, CallError> {
    let bytes = base64::decode(&call.typed::<Text>()?.instr)
        .ok_or_else(|| CallError::failed("argument instr: it is no Base64"))?;
    String::from_utf8(bytes)
        .map(Value::from)
        .map_err(|_| CallError::failed("what it decodes to is no text in UTF-8"))
}

/// Returns random bytes. The kernel gives a random UUID to each reader of its file; 122 bits of two of them are hashed.
fn random_bytes(call: &Call<'_>, how_many: usize) -> Result<Vec<u8>, CallError> {
    let source = Path::new("/proc/sys/kernel/random/uuid");
    let mut out = Vec::with_capacity(how_many + 32);
    while out.len() < how_many {
        let mut seed = call.ctx.host.read(source)?;
        seed.extend(call.ctx.host.read(source)?);
        out.extend(Sha256::digest(&seed));
    }
    out.truncate(how_many);
    Ok(out)
}

#[derive(Deserialize)]
struct Length {
    #[serde(default = "twenty")]
    length: usize,
    chars: Option<String>,
}

fn twenty() -> usize {
    20
}

fn random_text(call: &Call<'_>) -> Result<Value, CallError> {
    let Length { length, chars } = call.typed()?;
    if length == 0 || length > 8192 {
        return Err(CallError::failed("argument length: it must be from 1 to 8192"));
    }
    let all: Vec<char> =
        chars.unwrap_or_else(|| ('a'..='z').chain('A'..='Z').chain('0'..='9').collect()).chars().collect();
    if all.is_empty() {
        return Err(CallError::failed("argument chars: it is empty"));
    }
    // Eight bytes for each character make the first of them more likely by a part in 2^56 at most.
    let bytes = random_bytes(call, length * 8)?;
    let pick = |chunk: &[u8]| {
        let number = chunk.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        all[usize::try_from(number % all.len() as u64).unwrap_or(0)]
    };
    Ok(bytes.chunks(8).map(pick).collect::<String>().into())
}

#[derive(Deserialize)]
struct Range {
    #[serde(default = "one")]
    start: i64,
    #[serde(default = "ten")]
    end: i64,
}

fn one() -> i64 {
    1
}

fn ten() -> i64 {
    10
}

fn random_number(call: &Call<'_>) -> Result<Value, CallError> {
    let Range { start, end } = call.typed()?;
    let width = i128::from(end) - i128::from(start) + 1;
    if width < 1 {
        return Err(CallError::failed(format!("there is no number from {start} to {end}")));
    }
    let number = random_bytes(call, 12)?.iter().fold(0i128, |n, b| n << 8 | i128::from(*b));
    Ok((i128::from(start) + number % width).into())
}

#[derive(Deserialize)]
struct Seed {
    #[serde(default = "ten")]
    range: i64,
    hash: Option<String>,
}

fn random_seed(call: &Call<'_>) -> Result<Value, CallError> {
    let Seed { range, hash } = call.typed()?;
    if range < 1 {
        return Err(CallError::failed("argument range: it must be 1 or more"));
    }
    let decides = hash.unwrap_or_else(|| call.ctx.services.id().to_owned());
    let number =
        Sha256::digest(decides.as_bytes()).iter().take(8).fold(0i128, |n, b| n << 8 | i128::from(*b));
    Ok((number % i128::from(range)).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};

    fn exec(bench: &Bench, name: &str, args: &[&str]) -> Result<Value, CallError> {
        let args: Vec<Value> = args.iter().map(|a| Value::from(*a)).collect();
        bench.exec(name, &args, &Map::new())
    }

    #[test]
    fn archives_servers_and_git_are_asked() {
        let git = "git -c safe.directory=/opt/t rev-parse --verify --end-of-options HEAD";
        let host = SimHost::new()
            .with_file("/a.tar", "simulated archive\ndir d\nfile d/f x\nlink d/l f\n")
            .with_url("http://h/", 200, "{\"a\": 1}", 0)
            .with_command("git --version", SimReply::ok("git version 2.47.3\n"))
            .with_command(git, SimReply::ok("--end-of-options\nc0ffee\n"));
        let bench = Bench::new(host);
        assert_eq!(exec(&bench, "archive.list", &["/a.tar"]), Ok(Value::from(vec!["d", "d/f", "d/l"])));
        let told = exec(&bench, "archive.list", &["/a.tar", "tar", "true"]).unwrap();
        assert_eq!(told.get("links"), Some(&Value::from(vec!["d/l"])));
        assert_eq!(exec(&bench, "git.version", &[]), Ok("2.47.3".into()));
        assert_eq!(exec(&bench, "git.revision", &["/opt/t"]), Ok("c0ffee".into()));
        let kwargs = [("decode".into(), true.into())].into_iter().collect();
        let reply = bench.exec("http.query", &["http://h/".into()], &kwargs).unwrap();
        assert_eq!(reply.get("dict"), Some(&Value::from([("a", 1)])));
        assert_eq!(reply.get("status"), Some(&200.into()));
        assert!(exec(&bench, "http.query", &["http://none/"]).is_err());
    }

    #[test]
    fn hashes_are_the_known_ones_and_random_texts_fit() {
        let bench = Bench::new(SimHost::new().with_file("/proc/sys/kernel/random/uuid", "1f0e\n"));
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(exec(&bench, "hashutil.sha256_digest", &["abc"]), Ok(sha256.into()));
        assert_eq!(exec(&bench, "hashutil.digest", &["abc"]), Ok("900150983cd24fb0d6963f7d28e17f72".into()));
        assert_eq!(exec(&bench, "hashutil.base64_b64encode", &["text"]), Ok("dGV4dA==".into()));
        assert_eq!(exec(&bench, "hashutil.base64_b64decode", &["dGV4dA=="]), Ok("text".into()));
        assert!(exec(&bench, "hashutil.digest", &["abc", "crc"]).is_err());
        let text = exec(&bench, "random.get_str", &["9", "ab"]).unwrap().to_string();
        assert!(text.len() == 9 && text.chars().all(|c| "ab".contains(c)), "{text}");
        assert_eq!(exec(&bench, "random.rand_int", &["4", "4"]), Ok(4.into()));
        assert!(exec(&bench, "random.rand_int", &["4", "3"]).is_err());
        assert_eq!(exec(&bench, "random.seed", &["1"]), Ok(0.into()));
        assert_eq!(exec(&bench, "environ.get", &["NONE", "x"]), Ok("x".into()));
    }
}
