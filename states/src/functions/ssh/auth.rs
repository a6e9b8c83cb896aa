//! `ssh_auth.present`, `ssh_auth.absent` and `ssh_auth.manage`: which keys may log in as a user.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::authorized::{Authorized, Entry, Set};
use super::{KeyFile, missing_user, user};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::support::lines;

/// May log in.
pub(in crate::functions) struct Present;

/// May not log in.
pub(in crate::functions) struct Absent;

/// These, and no others, may log in.
pub(in crate::functions) struct Manage;

const USER: ArgDoc = ArgDoc::required("user", Kind::Text, "Whose file it is.");
const ENC: ArgDoc = ArgDoc::optional("enc", Kind::Text, "Accepted; a key says itself which kind it is.");
const COMMENT: ArgDoc = ArgDoc::optional("comment", Kind::Text, "The comment behind a key that has none.");
const SOURCE: ArgDoc = ArgDoc::optional(
    "source",
    Kind::Text,
    "A file of the state tree, or of this machine, that holds the keys instead.",
);
const OPTIONS: ArgDoc =
    ArgDoc::optional("options", Kind::List, "Options in front of a key that has none: `no-pty`.");
const CONFIG: ArgDoc = ArgDoc::with_default(
    "config",
    Kind::Text,
    ".ssh/authorized_keys",
    "The file; `%h` stands for the home directory, `%u` for the user.",
);
const HASH: ArgDoc = ArgDoc::optional("fingerprint_hash_type", Kind::Text, "Accepted.");

const ARGS: &[ArgDoc] = &[USER, ENC, COMMENT, SOURCE, OPTIONS, CONFIG, HASH];
const MANAGE_ARGS: &[ArgDoc] =
    &[USER, ArgDoc::required("ssh_keys", Kind::List, "The keys."), ENC, COMMENT, OPTIONS, CONFIG, HASH];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Lets a key log in as a user. The name is the key: its base64, or a line of a .pub file.",
    ARGS,
    "AAAAC3NzaC1lZDI1NTE5AAAAIFRXgrctv+tIs8anh+9H/QNscCqmHVQf1AtD5HwBqdW4:\n  ssh_auth.present:\n    - user: root\n    \
     - comment: ann@example\n",
);

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Keeps a key from logging in as a user.",
    ARGS,
    "AAAAC3NzaC1lZDI1NTE5AAAAIFRXgrctv+tIs8anh+9H/QNscCqmHVQf1AtD5HwBqdW4:\n  ssh_auth.absent:\n    - user: root\n",
);

static MANAGE: FunctionDoc = FunctionDoc::new(
    "Lets these keys log in as a user, and no others. Comments in the file stay.",
    MANAGE_ARGS,
    "keys of root:\n  ssh_auth.manage:\n    - user: root\n    - ssh_keys:\n      \
     - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFRXgrctv+tIs8anh+9H/QNscCqmHVQf1AtD5HwBqdW4 ann@example\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    user: String,
    comment: Option<String>,
    source: Option<Value>,
    options: Option<Vec<String>>,
    #[serde(default = "authorized_keys")]
    config: String,
    #[serde(default)]
    ssh_keys: Vec<String>,
}

fn authorized_keys() -> String {
    ".ssh/authorized_keys".to_owned()
}

/// A file as it would be, and how that differs.
struct Edit {
    file: KeyFile,
    text: String,
    changes: Map,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Present,
    Absent,
    Exactly,
}

impl Args {
    fn entry(&self, text: &str) -> Result<Entry, StateError> {
        let mut entry = Entry::parse(text)?;
        if entry.comment.is_empty() {
            entry.comment = self.comment.clone().unwrap_or_default();
        }
        if entry.options.is_empty() {
            entry.options = self.options.as_ref().map(|o| o.join(",")).unwrap_or_default();
        }
        Ok(entry)
    }

    fn entries(&self, wish: Wish, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Vec<Entry>, StateError> {
        if wish == Wish::Exactly {
            return self.ssh_keys.iter().map(|k| self.entry(k)).collect();
        }
        let Some(source) = self.source.as_ref().filter(|s| s.truthy()) else {
            return Ok(vec![self.entry(&call.name)?]);
        };
        let text = crate::functions::file::fetch(source, None, (None, None), call, ctx)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let keys = lines(&text).into_iter().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        keys.map(|k| self.entry(k)).collect()
    }
}

fn edit(wish: Wish, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Edit, StateError> {
    let args: Args = call.typed()?;
    let entries = args.entries(wish, call, ctx)?;
    let Some(owner) = ctx.host.user(&args.user)? else {
        if !call.test {
            return Err(missing_user(&args.user));
        }
        // In a dry run a state before this one may be about to make the user.
        let file = KeyFile::of_machine("/nonexistent");
        let new = |e: &Entry| (Value::from(e.key.blob.as_str()), Value::from("New"));
        let changes = if wish == Wish::Absent { Map::new() } else { entries.iter().map(new).collect() };
        return Ok(Edit { file, text: String::new(), changes });
    };
    let file = KeyFile::of(&owner, &args.config);
    let mut keys = Authorized::parse(&file.read(ctx)?);
    let mut changes = Map::new();
    if wish == Wish::Exactly {
        let kept = |blob: &str| entries.iter().any(|e| e.key.blob == blob);
        let surplus: Vec<String> = keys.entries().map(|e| e.key.blob.clone()).filter(|b| !kept(b)).collect();
        for blob in surplus {
            keys.remove(&blob);
            changes.insert(blob.into(), "Removed".into());
        }
    }
    for entry in &entries {
        let blob = Value::from(entry.key.blob.as_str());
        if wish == Wish::Absent {
            if keys.remove(&entry.key.blob) {
                changes.insert(blob, "Removed".into());
            }
            continue;
        }
        match keys.set(entry) {
            Set::New => changes.insert(blob, "New".into()),
            Set::Updated => changes.insert(blob, "Updated".into()),
            Set::Same => None,
        };
    }
    Ok(Edit { file, text: keys.print(), changes })
}

fn check(wish: Wish, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
    let args: Args = call.typed()?;
    let Edit { changes, .. } = edit(wish, call, ctx)?;
    let what = if wish == Wish::Absent { "absent" } else { "present" };
    if changes.is_empty() {
        return Ok(Check::holds(format!("the keys of user {} are already {what}", args.user)));
    }
    Ok(Check::differs(changes, format!("the keys of user {} would be changed", args.user)))
}

fn apply(wish: Wish, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
    let args: Args = call.typed()?;
    user(&args.user, ctx)?;
    let Edit { file, text, changes } = edit(wish, call, ctx)?;
    file.write(&text, ctx)?;
    Ok(Applied::new(changes, format!("the keys of user {} were changed", args.user)))
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "ssh_auth.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(Wish::Present, call, ctx)
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(Wish::Present, call, ctx)
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "ssh_auth.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(Wish::Absent, call, ctx)
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(Wish::Absent, call, ctx)
    }
}

impl StateFunction for Manage {
    fn name(&self) -> &'static str {
        "ssh_auth.manage"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &MANAGE
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(Wish::Exactly, call, ctx)
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        apply(Wish::Exactly, call, ctx)
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::testing::{KEY, OTHER};
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use std::path::Path;

    fn bench() -> Bench {
        Bench::new(SimHost::new().with_user("ann", 1001).with_dir("/home/ann"))
            .with_state_file("keys.pub", &format!("# both\nssh-ed25519 {KEY} one\n\n{OTHER}\n"))
    }

    const FILE: &str = "/home/ann/.ssh/authorized_keys";

    #[test]
    fn a_key_is_let_in_once_in_a_file_of_the_user_alone() {
        let bench = bench();
        let sls = format!(
            "{KEY}:\n  ssh_auth.present:\n    - user: ann\n    - options: [no-pty]\n    - comment: me\n"
        );
        let dry = bench.dry(&sls);
        let made = bench.run(&sls);
        assert_eq!((made.kind, made.changes), (VerdictKind::Ok, dry.changes), "{}", made.comment);
        assert_eq!(bench.host.text(FILE), Some(format!("no-pty ssh-ed25519 {KEY} me\n")));
        let tree = bench.host.tree();
        assert!(tree[Path::new("/home/ann/.ssh")].starts_with("dir 0700 1001:1001"));
        assert!(tree[Path::new(FILE)].starts_with("file 0600 1001:1001"));
        assert!(!bench.run(&sls).changed());
        let other = format!("{KEY}:\n  ssh_auth.present:\n    - user: ann\n    - comment: you\n");
        assert!(bench.run(&other).changed(), "the comment is another one");
    }

    #[test]
    fn a_source_brings_several_keys_and_takes_them_away() {
        let bench = bench();
        let sls = "x:\n  ssh_auth.present:\n    - user: ann\n    - source: salt://keys.pub\n";
        assert_eq!(bench.run(sls).changes.len(), 2);
        assert!(!bench.run(sls).changed());
        let gone = format!("{KEY}:\n  ssh_auth.absent:\n    - user: ann\n");
        assert!(bench.run(&gone).changed());
        assert!(!bench.run(&gone).changed());
        assert_eq!(bench.host.text(FILE), Some(format!("ssh-ed25519 {OTHER}\n")));
    }

    #[test]
    fn manage_leaves_no_other_key() {
        let bench = bench();
        bench.run(&format!("{OTHER}:\n  ssh_auth.present:\n    - user: ann\n"));
        let sls =
            format!("x:\n  ssh_auth.manage:\n    - user: ann\n    - ssh_keys: ['ssh-ed25519 {KEY} a']\n");
        let verdict = bench.run(&sls);
        assert_eq!(verdict.changes.len(), 2, "{}", verdict.comment);
        assert_eq!(bench.host.text(FILE), Some(format!("ssh-ed25519 {KEY} a\n")));
        assert!(!bench.run(&sls).changed());
    }

    #[test]
    fn a_missing_user_fails_only_in_a_real_run_and_a_bad_key_always() {
        let bench = bench();
        let sls = format!("{KEY}:\n  ssh_auth.present:\n    - user: bob\n");
        assert_eq!(bench.dry(&sls).kind, VerdictKind::WouldChange);
        assert!(bench.run(&sls).comment.contains("user.present"));
        assert_eq!(bench.dry("hello:\n  ssh_auth.present:\n    - user: ann\n").kind, VerdictKind::Failed);
    }

    #[test]
    fn a_link_in_the_users_hands_is_not_followed() {
        let host = SimHost::new()
            .with_user("ann", 1001)
            .with_symlink(FILE, "/etc/shadow")
            .with_file("/etc/shadow", "");
        let bench = Bench::new(host);
        let verdict = bench.run(&format!("{KEY}:\n  ssh_auth.present:\n    - user: ann\n"));
        assert!(verdict.comment.contains("symbolic link"), "{}", verdict.comment);
        assert_eq!(bench.host.text("/etc/shadow").as_deref(), Some(""));
    }
}
