//! What `file.managed` may be told.

use lab_proto::{Map, Value};
use serde::Deserialize;

use crate::function::{ArgDoc, FunctionDoc, Kind};
use crate::functions::support::Mode;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional(
        "source",
        Kind::Any,
        "Where the content is: salt://path, an absolute path here, or a list of which the first that exists is taken. An \
         entry `- SOURCE: SUM` holds it to a sum of its own.",
    ),
    ArgDoc::optional(
        "source_hash",
        Kind::Text,
        "The sum that a source outside of the state tree must have: alone or as sha256=… (md5, sha1, the SHA-2 family), or \
         the path or URL of a file of sums.",
    ),
    ArgDoc::optional("source_hash_name", Kind::Text, "The name that the source has in a file of sums."),
    ArgDoc::optional("contents", Kind::Any, "The content itself: a text, or a list of lines."),
    ArgDoc::optional("contents_pillar", Kind::Any, "The pillar key (a:b) whose value is the content."),
    ArgDoc::optional("contents_grains", Kind::Any, "The grain whose value is the content."),
    ArgDoc::with_default("contents_delimiter", Kind::Text, "':'", "What separates the parts of such a key."),
    ArgDoc::with_default("contents_newline", Kind::Bool, "true", "Whether contents end with a newline."),
    ArgDoc::with_default("allow_empty", Kind::Bool, "true", "Whether empty contents are right."),
    ArgDoc::optional("template", Kind::Text, "The template engine: jinja."),
    ArgDoc::optional("context", Kind::Map, "Variables of the template."),
    ArgDoc::optional("defaults", Kind::Map, "Variables of the template where context has none."),
    ArgDoc::optional("mode", Kind::Mode, "Permissions, or keep for those of the source."),
    ArgDoc::optional("user", Kind::Text, "The owner."),
    ArgDoc::optional("group", Kind::Text, "The group."),
    ArgDoc::with_default("makedirs", Kind::Bool, "false", "Whether missing directories above are made."),
    ArgDoc::optional(
        "dir_mode",
        Kind::Mode,
        "Permissions of those; those of the file with the right to enter.",
    ),
    ArgDoc::with_default("replace", Kind::Bool, "true", "Whether an existing content is replaced."),
    ArgDoc::with_default("create", Kind::Bool, "true", "Whether a missing file is made."),
    ArgDoc::optional("backup", Kind::Text, "minion: keep the old content in the minion's cache."),
    ArgDoc::with_default("show_changes", Kind::Bool, "true", "Whether the diff is reported."),
    ArgDoc::optional(
        "check_cmd",
        Kind::Text,
        "A command that is given the new content's path and must succeed before the file is replaced.",
    ),
    ArgDoc::with_default("tmp_dir", Kind::Path, "/tmp", "Where that path is."),
    ArgDoc::optional("tmp_ext", Kind::Text, "How that path ends."),
    ArgDoc::optional("umask", Kind::Mode, "The umask for a new file without a mode."),
    ArgDoc::with_default("skip_verify", Kind::Bool, "false", "Whether source_hash is not looked at."),
    ArgDoc::with_default(
        "follow_symlinks",
        Kind::Bool,
        "true",
        "Whether a link in the file's place is followed, not replaced.",
    ),
    ArgDoc::with_default(
        "encoding",
        Kind::Text,
        "utf-8",
        "The encoding of contents and of what a template gives: latin-1, utf-16, …",
    ),
    ArgDoc::with_default(
        "encoding_errors",
        Kind::Text,
        "strict",
        "What becomes of characters that it does not have: strict, ignore, replace, …",
    ),
];

pub(super) static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a file with this content, mode and owner. The content comes from the state tree (`source`), from the SLS \
     (`contents`), or from pillar or grains; with `template: jinja` it is rendered first. Without any of these an \
     existing content is left alone.",
    ARGS,
    "/etc/motd:\n  file.managed:\n    - contents: Be nice.\n    - mode: '0644'\n",
);

#[derive(Debug, Deserialize)]
pub(super) struct Args {
    pub(super) source: Option<Value>,
    pub(super) source_hash: Option<String>,
    pub(super) source_hash_name: Option<String>,
    pub(super) contents: Option<Value>,
    pub(super) contents_pillar: Option<Value>,
    pub(super) contents_grains: Option<Value>,
    #[serde(default = "yes")]
    pub(super) contents_newline: bool,
    pub(super) contents_delimiter: Option<String>,
    #[serde(default = "yes")]
    pub(super) allow_empty: bool,
    pub(super) template: Option<String>,
    pub(super) context: Option<Map>,
    pub(super) defaults: Option<Map>,
    pub(super) mode: Option<String>,
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    #[serde(default)]
    pub(super) makedirs: bool,
    pub(super) dir_mode: Option<Mode>,
    #[serde(default = "yes")]
    pub(super) replace: bool,
    #[serde(default = "yes")]
    pub(super) create: bool,
    pub(super) backup: Option<Value>,
    #[serde(default = "yes")]
    pub(super) show_changes: bool,
    pub(super) check_cmd: Option<Value>,
    pub(super) tmp_dir: Option<String>,
    #[serde(default)]
    pub(super) tmp_ext: String,
    pub(super) umask: Option<Mode>,
    #[serde(default)]
    pub(super) skip_verify: bool,
    #[serde(default = "yes")]
    pub(super) follow_symlinks: bool,
    pub(super) encoding: Option<String>,
    #[serde(default = "strict")]
    pub(super) encoding_errors: String,
}

impl Args {
    /// Tells whether the file is to have the permissions of its source.
    pub(super) fn keeps_mode(&self) -> bool {
        self.mode.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("keep"))
    }
}

fn strict() -> String {
    "strict".to_owned()
}

fn yes() -> bool {
    true
}
