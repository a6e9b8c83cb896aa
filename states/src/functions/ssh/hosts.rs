//! `ssh_known_hosts.present` and `ssh_known_hosts.absent`: by which keys hosts are known.

use lab_proto::{Map, Value};
use serde::Deserialize;
use sha1::{Digest, Sha1};

use super::key::{Fingerprint, PublicKey};
use super::known::{KnownHosts, name_on_port};
use super::{KeyFile, missing_user};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::support::map;
use crate::host::Command;

/// Is known.
pub(in crate::functions) struct Present;

/// Is not known.
pub(in crate::functions) struct Absent;

const USER: ArgDoc =
    ArgDoc::optional("user", Kind::Text, "In whose file; in that of the whole machine when not given.");
const CONFIG: ArgDoc = ArgDoc::optional(
    "config",
    Kind::Text,
    "The file: `.ssh/known_hosts` of the user, or `/etc/ssh/ssh_known_hosts`.",
);
const PORT: ArgDoc = ArgDoc::with_default("port", Kind::Int, "22", "The port that the host is reached at.");

const PRESENT_ARGS: &[ArgDoc] = &[
    USER,
    CONFIG,
    PORT,
    ArgDoc::optional("key", Kind::Text, "The host's public key: its base64, or a line of a .pub file."),
    ArgDoc::optional(
        "fingerprint",
        Kind::Text,
        "The key's fingerprint instead: the key is then asked of the host, and kept only when it has this one.",
    ),
    ArgDoc::optional(
        "enc",
        Kind::Text,
        "Which kind of key is asked of the host; a given key says itself which it is.",
    ),
    ArgDoc::with_default(
        "hash_known_hosts",
        Kind::Bool,
        "true",
        "Whether the host's name is hidden in the file.",
    ),
    ArgDoc::with_default("timeout", Kind::Int, "5", "For how many seconds the host is asked."),
    ArgDoc::optional(
        "fingerprint_hash_type",
        Kind::Text,
        "Accepted; a fingerprint's length tells which it is.",
    ),
];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Knows a host by its key, in place of another key of the same kind. A key that nobody vouched for is never \
     taken from the network: give the key or its fingerprint.",
    PRESENT_ARGS,
    "git.example.net:\n  ssh_known_hosts.present:\n    \
     - key: AAAAC3NzaC1lZDI1NTE5AAAAIFRXgrctv+tIs8anh+9H/QNscCqmHVQf1AtD5HwBqdW4\n    - enc: ssh-ed25519\n",
);

const ABSENT_ARGS: &[ArgDoc] = &[USER, CONFIG, PORT];

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Forgets a host's keys.",
    ABSENT_ARGS,
    "git.example.net:\n  ssh_known_hosts.absent: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    user: Option<String>,
    config: Option<String>,
    port: Option<u16>,
    key: Option<String>,
    fingerprint: Option<String>,
    enc: Option<String>,
    #[serde(default = "yes")]
    hash_known_hosts: bool,
    #[serde(default = "five")]
    timeout: u32,
}

fn yes() -> bool {
    true
}

fn five() -> u32 {
    5
}

/// What a host should be known by.
enum Wanted {
    Key(PublicKey),
    Fingerprint(Fingerprint),
    Anything,
}

impl Args {
    /// Finds the file; `None` where its user is missing.
    fn file(&self, ctx: &JobCtx<'_>) -> Result<Option<KeyFile>, StateError> {
        let Some(name) = self.user.as_deref().filter(|u| !u.is_empty()) else {
            let path = self.config.as_deref().unwrap_or("/etc/ssh/ssh_known_hosts");
            if !path.starts_with('/') {
                return Err(StateError::failed("without a user, config must be an absolute path"));
            }
            return Ok(Some(KeyFile::of_machine(path)));
        };
        let config = self.config.as_deref().unwrap_or(".ssh/known_hosts");
        Ok(ctx.host.user(name)?.map(|user| KeyFile::of(&user, config)))
    }

    fn wanted(&self) -> Result<Wanted, StateError> {
        match (&self.key, &self.fingerprint) {
            (Some(_), Some(_)) => Err(StateError::failed("give either key or fingerprint, not both")),
            (Some(key), None) => {
                let blob = key.split_whitespace().find(|w| w.starts_with("AAAA")).unwrap_or(key);
                Ok(Wanted::Key(PublicKey::parse(blob)?))
            }
            (None, Some(fingerprint)) => Ok(Wanted::Fingerprint(Fingerprint::parse(fingerprint)?)),
            (None, None) => Ok(Wanted::Anything),
        }
    }
}

impl Wanted {
    fn is_met(&self, known: &KnownHosts, host: &str) -> bool {
        match self {
            Self::Key(key) => known.keys(host).any(|k| k == key),
            Self::Fingerprint(fingerprint) => known.keys(host).any(|k| k.has(fingerprint)),
            Self::Anything => known.keys(host).next().is_some(),
        }
    }
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "ssh_known_hosts.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let wanted = args.wanted()?;
        let host = name_on_port(&call.name, args.port);
        let known = match args.file(ctx)? {
            Some(file) => KnownHosts::parse(&file.read(ctx)?),
            None if call.test => KnownHosts::parse(""),
            None => return Err(missing_user(args.user.as_deref().unwrap_or_default())),
        };
        if wanted.is_met(&known, &host) {
            return Ok(Check::holds(format!("host {host} is already known")));
        }
        let new = match &wanted {
            Wanted::Key(key) => describe(&host, key),
            Wanted::Fingerprint(_) => Value::from([
                ("hostname", Value::from(host.as_str())),
                ("fingerprint", args.fingerprint.clone().unwrap_or_default().into()),
            ]),
            Wanted::Anything => return Err(unvouched(&call.name)),
        };
        Ok(Check::differs(changes(&known, &host, new), format!("the key of {host} is set to be added")))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let host = name_on_port(&call.name, args.port);
        let file = args.file(ctx)?.ok_or_else(|| missing_user(args.user.as_deref().unwrap_or_default()))?;
        let key = match args.wanted()? {
            Wanted::Key(key) => key,
            Wanted::Fingerprint(fingerprint) => ask(&call.name, &args, &fingerprint, ctx)?,
            Wanted::Anything => return Err(unvouched(&call.name)),
        };
        let mut known = KnownHosts::parse(&file.read(ctx)?);
        let changes = changes(&known, &host, describe(&host, &key));
        known.remove(&host, Some(&key.kind));
        let salt = args.hash_known_hosts.then(|| salt(&host, &key, ctx));
        known.add(&host, &key, salt.as_ref());
        file.write(&known.print(), ctx)?;
        Ok(Applied::new(changes, format!("the key of {host} was saved to {}", file.path.display())))
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "ssh_known_hosts.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let host = name_on_port(&call.name, args.port);
        let Some(file) = args.file(ctx)? else { return Ok(Check::holds("host is already absent")) };
        let known = KnownHosts::parse(&file.read(ctx)?);
        if known.keys(&host).next().is_none() {
            return Ok(Check::holds("host is already absent"));
        }
        Ok(Check::differs(
            changes(&known, &host, Value::Null),
            format!("the keys of {host} are set to be removed"),
        ))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let host = name_on_port(&call.name, args.port);
        let file = args.file(ctx)?.ok_or_else(|| missing_user(args.user.as_deref().unwrap_or_default()))?;
        let mut known = KnownHosts::parse(&file.read(ctx)?);
        known.remove(&host, None);
        file.write(&known.print(), ctx)?;
        Ok(Applied::new(check.changes.clone(), format!("the keys of {host} were removed")))
    }
}

fn unvouched(host: &str) -> StateError {
    StateError::failed(format!(
        "host {host} is not known, and nobody says which key is its: give key or fingerprint (ssh-keyscan {host} | \
         ssh-keygen -lf - shows what it offers; compare that with the host itself)"
    ))
}

fn describe(host: &str, key: &PublicKey) -> Value {
    Value::from([
        ("hostname", Value::from(host)),
        ("enc", key.kind.as_str().into()),
        ("key", key.blob.as_str().into()),
        ("fingerprint", key.fingerprint().into()),
    ])
}

fn changes(known: &KnownHosts, host: &str, new: Value) -> Map {
    let old: Vec<Value> = known.keys(host).map(|k| describe(host, k)).collect();
    let new = if matches!(new, Value::Null) { new } else { Value::List(vec![new]) };
    map([("old", Value::List(old)), ("new", new)])
}

/// Asks a host for its keys, and takes the one that has the fingerprint.
fn ask(
    host: &str,
    args: &Args,
    fingerprint: &Fingerprint,
    ctx: &JobCtx<'_>,
) -> Result<PublicKey, StateError> {
    let (timeout, port) = (args.timeout.to_string(), args.port.unwrap_or(22).to_string());
    let mut argv = vec!["ssh-keyscan", "-T", &timeout, "-p", &port];
    if let Some(kind) = &args.enc {
        argv.extend(["-t", kind]);
    }
    // A name that begins with a dash is no option.
    argv.extend(["--", host]);
    let mut command = Command::argv(argv);
    command.timeout = Some(std::time::Duration::from_secs(u64::from(args.timeout) + 30));
    let output = ctx.host.run(&command, ctx)?;
    let text = output.stdout_text();
    let offered: Vec<PublicKey> = text
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| PublicKey::parse(l.split_whitespace().nth(2)?).ok())
        .collect();
    if offered.is_empty() {
        return Err(StateError::failed(format!(
            "host {host} gave no key on port {port}: {}",
            output.stderr_text()
        )));
    }
    let shown: Vec<String> = offered.iter().map(|k| format!("{} {}", k.kind, k.fingerprint())).collect();
    offered.into_iter().find(|k| k.has(fingerprint)).ok_or_else(|| {
        StateError::failed(format!(
            "no key that {host} offers has the fingerprint {}; it offers {}. Nothing was saved.",
            args.fingerprint.as_deref().unwrap_or_default(),
            shown.join(", ")
        ))
    })
}

/// Makes the salt of a hashed name. It stands in the file beside the hash and only has to differ from others.
fn salt(host: &str, key: &PublicKey, ctx: &JobCtx<'_>) -> [u8; 20] {
    let now = ctx.now().as_micros().to_be_bytes();
    Sha1::new().chain_update(now).chain_update(host).chain_update(&key.blob).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::key::testing::{KEY, OTHER, SHA256};
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::{SimHost, SimReply};

    const FILE: &str = "/etc/ssh/ssh_known_hosts";

    fn bench() -> Bench {
        Bench::new(SimHost::new().with_dir("/etc/ssh").with_script(|c| {
            let scanned = format!("# h:22 SSH-2.0\nh ssh-ed25519 {OTHER}\nh ssh-ed25519 {KEY}\n");
            c.line().starts_with("ssh-keyscan").then(|| SimReply::ok(scanned))
        }))
    }

    #[test]
    fn a_key_is_known_once_hidden_or_not() {
        let bench = bench();
        let sls = format!("h:\n  ssh_known_hosts.present:\n    - key: {KEY}\n    - port: 2222\n");
        let dry = bench.dry(&sls);
        let real = bench.run(&sls);
        assert_eq!((real.kind, real.changes), (VerdictKind::Ok, dry.changes), "{}", real.comment);
        assert!(bench.host.text(FILE).unwrap().starts_with("|1|"));
        assert!(!bench.run(&sls).changed());
        let plain = format!(
            "h:\n  ssh_known_hosts.present:\n    - key: ssh-ed25519 {OTHER} x\n    - hash_known_hosts: False\n"
        );
        assert!(bench.run(&plain).changed());
        assert!(bench.host.text(FILE).unwrap().ends_with(&format!("\nh ssh-ed25519 {OTHER}\n")));
        assert!(bench.host.commands().is_empty(), "nobody was asked");
    }

    #[test]
    fn a_host_is_asked_only_for_a_key_with_the_fingerprint() {
        let bench = bench();
        let sls = format!(
            "h:\n  ssh_known_hosts.present:\n    - fingerprint: {SHA256}\n    - hash_known_hosts: False\n"
        );
        assert_eq!(bench.dry(&sls).kind, VerdictKind::WouldChange);
        assert!(bench.host.commands().is_empty());
        assert!(bench.run(&sls).changed());
        assert_eq!(bench.host.text(FILE), Some(format!("h ssh-ed25519 {KEY}\n")));
        assert!(!bench.run(&sls).changed());
        let wrong = SHA256.replace("tm3", "tm4");
        let refused = bench.run(&format!("g:\n  ssh_known_hosts.present:\n    - fingerprint: {wrong}\n"));
        assert!(refused.comment.contains("Nothing was saved"), "{}", refused.comment);
        assert_eq!(bench.host.text(FILE), Some(format!("h ssh-ed25519 {KEY}\n")));
    }

    #[test]
    fn nothing_is_taken_on_trust() {
        let bench = bench();
        let verdict = bench.run("h:\n  ssh_known_hosts.present: []\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.contains("give key or fingerprint"), "{}", verdict.comment);
        bench.run(&format!("h:\n  ssh_known_hosts.present:\n    - key: {KEY}\n"));
        assert!(!bench.run("h:\n  ssh_known_hosts.present: []\n").changed(), "it is known by now");
    }

    #[test]
    fn a_changed_key_takes_the_old_ones_place_and_absent_forgets_all() {
        let bench = bench();
        bench.run(&format!("h:\n  ssh_known_hosts.present:\n    - key: {KEY}\n"));
        bench.run(&format!("h:\n  ssh_known_hosts.present:\n    - key: {OTHER}\n"));
        assert_eq!(bench.host.text(FILE).unwrap().lines().count(), 1);
        assert!(bench.run("h:\n  ssh_known_hosts.absent: []\n").changed());
        assert!(!bench.run("h:\n  ssh_known_hosts.absent: []\n").changed());
        assert_eq!(bench.host.text(FILE).as_deref(), Some(""));
    }
}
