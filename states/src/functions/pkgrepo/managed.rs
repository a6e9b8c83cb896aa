//! `pkgrepo.managed`: a package repository is known.

use std::path::{Path, PathBuf};

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::apt::Source;
use super::files::{AptFile, holder};
use super::key::Key;
use super::{APT_FILE, FileEdit, Style, rpm, style};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::support::{Owner, make_parents, map, text_list};
use crate::host::{Command, WriteOptions};

/// The function.
pub(in crate::functions) struct Managed;

const ARGS: &[ArgDoc] = &[
    ArgDoc::with_default("enabled", Kind::Bool, "true", "Whether it is used."),
    ArgDoc::optional("disabled", Kind::Bool, "The opposite."),
    ArgDoc::with_default(
        "refresh",
        Kind::Bool,
        "true",
        "Whether the repositories are read after a change (zypper: always).",
    ),
    ArgDoc::optional(
        "file",
        Kind::Path,
        "apt: the file for a new entry, `/etc/apt/sources.list` when not given; one that ends in .sources is in that form.",
    ),
    ArgDoc::with_default("clean_file", Kind::Bool, "false", "apt: whether the file holds this entry alone."),
    ArgDoc::optional("comps", Kind::Any, "apt: components, in place of those in the name."),
    ArgDoc::optional("dist", Kind::Text, "apt: the suite, in place of that in the name."),
    ArgDoc::optional("architectures", Kind::List, "apt: for which architectures it is used."),
    ArgDoc::optional("signedby", Kind::Path, "apt: the file of the key that it is signed by."),
    ArgDoc::optional(
        "key_url",
        Kind::Text,
        "Where the key comes from: the state tree, a file, or the web, from which it is fetched once.",
    ),
    ArgDoc::optional("key_text", Kind::Text, "The key itself."),
    ArgDoc::with_default(
        "allow_insecure_key",
        Kind::Bool,
        "false",
        "Whether the key may come over plain http.",
    ),
    ArgDoc::with_default("aptkey", Kind::Bool, "false", "Accepted; apt-key is never used."),
    ArgDoc::optional("humanname", Kind::Text, "zypper, dnf: what it is called; the name is its id."),
    ArgDoc::optional("baseurl", Kind::Text, "zypper, dnf: where it is."),
    ArgDoc::optional("url", Kind::Text, "The same."),
    ArgDoc::optional("mirrorlist", Kind::Text, "zypper, dnf: where the list of its mirrors is."),
    ArgDoc::optional("gpgcheck", Kind::Bool, "zypper, dnf: whether packages must be signed."),
    ArgDoc::optional("gpgkey", Kind::Text, "zypper, dnf: where the key is."),
    ArgDoc::with_default("gpgautoimport", Kind::Bool, "false", "zypper: whether its key is trusted at once."),
    ArgDoc::optional("priority", Kind::Int, "zypper, dnf: its priority."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes a package repository known. With apt the name is the entry; with zypper and dnf it is the id, and every \
     further argument is an option of the repository.",
    ARGS,
    "deb http://deb.example.net/debian bookworm main:\n  pkgrepo.managed:\n    - file: \
     /etc/apt/sources.list.d/example.list\n    - signedby: /etc/apt/keyrings/example.asc\n    - key_text: |\n        \
     -----BEGIN PGP PUBLIC KEY BLOCK-----\n\n        aGVsbG8=\n        -----END PGP PUBLIC KEY BLOCK-----\n",
)
.open();

#[derive(Debug, Deserialize)]
struct Args {
    enabled: Option<bool>,
    disabled: Option<bool>,
    refresh: Option<bool>,
    file: Option<String>,
    #[serde(default)]
    clean_file: bool,
    comps: Option<Value>,
    dist: Option<String>,
    architectures: Option<Vec<String>>,
    signedby: Option<String>,
    key_url: Option<String>,
    key_text: Option<String>,
    #[serde(default)]
    allow_insecure_key: bool,
    #[serde(default)]
    gpgautoimport: bool,
    keyid: Option<Value>,
    ppa: Option<Value>,
    copr: Option<Value>,
}

/// What is to be done.
struct Plan {
    changes: Map,
    file: Option<FileEdit>,
    key: Option<Key>,
}

impl Args {
    fn enabled(&self) -> Result<bool, StateError> {
        match (self.enabled, self.disabled) {
            (Some(_), Some(_)) => Err(StateError::failed("give either enabled or disabled, not both")),
            (Some(enabled), None) => Ok(enabled),
            (None, Some(disabled)) => Ok(!disabled),
            (None, None) => Ok(true),
        }
    }

    fn sensible(&self) -> Result<(), StateError> {
        let no = |what: &str, instead: &str| {
            Err(StateError::failed(format!("{what} is not supported: {instead}")))
        };
        match self {
            Self { keyid: Some(_), .. } => {
                no("a key from a key server", "give key_url or key_text, and signedby")
            }
            Self { ppa: Some(_), .. } => {
                no("ppa", "write the entry out: deb https://ppa.launchpadcontent.net/…")
            }
            Self { copr: Some(_), .. } => no("copr", "give its baseurl and gpgkey"),
            _ => Ok(()),
        }
    }

    fn source(&self, name: &str) -> Result<Source, StateError> {
        let mut source = Source::of_name(name)?;
        source.disabled = !self.enabled()?;
        if let Some(suite) = &self.dist {
            source.suite.clone_from(suite);
        }
        if let Some(comps) = &self.comps {
            let words = text_list(comps);
            source.components = words
                .iter()
                .flat_map(|w| w.split([',', ' ']))
                .filter(|w| !w.is_empty())
                .map(str::to_owned)
                .collect();
        }
        if let Some(architectures) = self.architectures.as_ref().filter(|a| !a.is_empty()) {
            source.set_option("arch", &architectures.join(","));
        }
        if let Some(path) = &self.signedby {
            source.set_option("signed-by", path);
        }
        Ok(source)
    }

    fn key(&self, source: &Source) -> Result<Option<Key>, StateError> {
        let stem = self.file.as_deref().map(Path::new).and_then(Path::file_stem).and_then(|s| s.to_str());
        // apt trusts a key there for every repository, as apt-key did.
        let everywhere = format!("/etc/apt/trusted.gpg.d/{}.asc", stem.unwrap_or("lab"));
        let path = source.option("signed-by").unwrap_or(&everywhere);
        Key::new(path, self.key_url.as_deref(), self.key_text.as_deref(), self.allow_insecure_key)
    }
}

impl StateFunction for Managed {
    fn name(&self) -> &'static str {
        "pkgrepo.managed"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let Plan { changes, .. } = plan(call, ctx)?;
        if changes.is_empty() {
            return Ok(Check::holds(format!("package repo '{}' already configured", call.name)));
        }
        Ok(Check::differs(
            changes,
            format!(
                "package repo '{}' would be configured; package states after it may then find other versions than this \
                 dry run says",
                call.name
            ),
        ))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let Plan { changes, file, key } = plan(call, ctx)?;
        // The key first: a repository whose key is missing breaks every refresh.
        if let Some(key) = key {
            key.write(call, ctx)?;
        }
        if let Some(edit) = file {
            write(&edit, ctx)?;
        }
        let zypper = matches!(style(ctx)?, Style::Rpm { zypper: true, .. });
        if zypper && args.gpgautoimport {
            let command = Command::argv([
                "zypper",
                "--non-interactive",
                "--gpg-auto-import-keys",
                "refresh",
                "--",
                &call.name,
            ]);
            let output = ctx.host.run(&command, ctx)?;
            if !output.exit.success() {
                return Err(StateError::failed(format!(
                    "cannot read {}: {}",
                    call.name,
                    output.stderr_text()
                )));
            }
        }
        if args.enabled()? && (zypper || args.refresh != Some(false)) {
            ctx.host.package_refresh(ctx)?;
        }
        Ok(Applied::new(changes, format!("configured package repo '{}'", call.name)))
    }
}

/// Writes or removes a file of repositories.
pub(super) fn write(edit: &FileEdit, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    let FileEdit { path, text } = edit;
    let Some(text) = text else { return Ok(ctx.host.remove_file(path)?) };
    make_parents(ctx.host, path, Some(0o755), Owner::default())?;
    let mode = if ctx.host.stat(path)?.is_none() { Some(0o644) } else { None };
    ctx.host.write(path, text.as_bytes(), WriteOptions { mode, ..WriteOptions::default() })?;
    Ok(())
}

fn plan(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Plan, StateError> {
    let args: Args = call.typed()?;
    args.sensible()?;
    let enabled = args.enabled()?;
    match style(ctx)? {
        Style::Rpm { dir, zypper } => {
            let (changes, file) = rpm::managed(call, enabled, dir, zypper, ctx)?;
            Ok(Plan { changes, file, key: None })
        }
        Style::Apt => apt(&args, call, ctx),
    }
}

fn apt(args: &Args, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Plan, StateError> {
    let wanted = args.source(&call.name)?;
    let mut changes = Map::new();
    let key = match args.key(&wanted)? {
        Some(key) if key.differs(call, ctx)? => {
            changes.insert("key".into(), key.path.display().to_string().into());
            Some(key)
        }
        _ => None,
    };
    let found = holder(&wanted, ctx)?;
    let own = PathBuf::from(args.file.as_deref().unwrap_or(APT_FILE));
    let path = found.as_ref().map_or_else(|| own.clone(), |(path, _)| path.clone());
    let mut file = AptFile::read(&path, ctx)?;
    let before = file.edit(&path);
    if args.clean_file && path == own {
        file = AptFile::parse(&path, "");
        file.set(&wanted);
    } else if !found.as_ref().is_some_and(|(_, have)| have.says(&wanted)) {
        file.set(&wanted);
    }
    let edit = file.edit(&path);
    let same = edit == before
        || (args.clean_file && found.as_ref().is_some_and(|(_, have)| have.says(&wanted)) && alone(&before));
    if !same {
        let new = Value::from(wanted.print());
        changes.insert(
            "repo".into(),
            match &found {
                Some((_, have)) => Value::Map(map([("old", have.print().into()), ("new", new)])),
                None => call.name.as_str().into(),
            },
        );
    }
    Ok(Plan { changes, file: (!same).then_some(edit), key })
}

/// Tells whether a file holds one entry and nothing else.
fn alone(edit: &FileEdit) -> bool {
    let text = edit.text.as_deref().unwrap_or_default();
    let stanzas = edit.path.extension().is_some_and(|e| e == "sources");
    if stanzas { !text.trim().contains("\n\n") } else { text.trim().lines().count() == 1 }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    const LIST: &str = "/etc/apt/sources.list.d/x.list";

    fn bench() -> Bench {
        let host = SimHost::new()
            .with_file("/etc/apt/sources.list", "# Debian\ndeb http://d/debian bookworm main\n");
        Bench::new(host).with_state_file(
            "x.asc",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\naGk=\n-----END PGP PUBLIC KEY BLOCK-----\n",
        )
    }

    #[test]
    fn an_entry_is_added_once_with_its_key() {
        let bench = bench();
        let sls = format!(
            "deb https://x/apt stable main:\n  pkgrepo.managed:\n    - file: {LIST}\n    - signedby: /etc/apt/keyrings/x.gpg\n    \
             - key_url: salt://x.asc\n"
        );
        let dry = bench.dry(&sls);
        let real = bench.run(&sls);
        assert_eq!((real.kind, real.changes), (VerdictKind::Ok, dry.changes), "{}", real.comment);
        let line = "deb [signed-by=/etc/apt/keyrings/x.gpg] https://x/apt stable main\n";
        assert_eq!(bench.host.text(LIST).as_deref(), Some(line));
        assert_eq!(bench.host.text("/etc/apt/keyrings/x.gpg").as_deref(), Some("hi"));
        let writes = bench.host.writes();
        assert!(!bench.run(&sls).changed());
        assert_eq!(bench.host.writes(), writes);
    }

    #[test]
    fn an_entry_is_changed_where_it_stands() {
        let bench = bench();
        let sls = format!(
            "deb http://d/debian/ bookworm main:\n  pkgrepo.managed:\n    - file: {LIST}\n    - comps: main,contrib\n"
        );
        assert!(bench.run(&sls).changed());
        assert_eq!(
            bench.host.text("/etc/apt/sources.list").as_deref(),
            Some("# Debian\ndeb http://d/debian/ bookworm main contrib\n")
        );
        assert_eq!(bench.host.text(LIST), None);
        assert!(
            bench
                .run("deb http://d/debian bookworm main contrib:\n  pkgrepo.managed:\n    - disabled: True\n")
                .changed()
        );
        assert!(bench.host.text("/etc/apt/sources.list").unwrap().contains("\n# deb http://d/debian"));
    }

    #[test]
    fn a_file_of_stanzas_is_written_in_that_form_and_cleaned_on_request() {
        let bench = bench();
        let file = "/etc/apt/sources.list.d/x.sources";
        bench.host.put_file(file, "Types: deb\nURIs: http://old\nSuites: a\n", 0o644);
        let sls = format!(
            "deb [arch=amd64] https://x/apt stable main:\n  pkgrepo.managed:\n    - file: {file}\n    - clean_file: True\n"
        );
        assert!(bench.run(&sls).changed());
        assert_eq!(
            bench.host.text(file).as_deref(),
            Some("Types: deb\nURIs: https://x/apt\nSuites: stable\nComponents: main\nArchitectures: amd64\n")
        );
        assert!(!bench.run(&sls).changed());
    }

    #[test]
    fn what_cannot_be_done_is_said_with_what_can() {
        for (args, word) in
            [("keyid: ABCD", "key_url"), ("ppa: x/y", "launchpad"), ("key_url: http://h/k", "https")]
        {
            let verdict = bench().dry(&format!("deb http://x s main:\n  pkgrepo.managed:\n    - {args}\n"));
            assert_eq!(verdict.kind, VerdictKind::Failed);
            assert!(verdict.comment.contains(word), "{}", verdict.comment);
        }
        assert_eq!(bench().dry("example:\n  pkgrepo.managed: []\n").kind, VerdictKind::Failed);
    }
}
