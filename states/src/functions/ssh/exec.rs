//! `ssh.*` execution functions.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::exec::{Call, Exec, failed};
use super::authorized::Authorized;
use super::known::KnownHosts;
use super::{KeyFile, user};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::functions::support::map;

const CONFIG: ArgDoc = ArgDoc::optional("config", Kind::Text, "Which file, in place of the usual one.");
const AUTH: &[ArgDoc] = &[ArgDoc::required("user", Kind::Text, "Whose file."), CONFIG];
const KNOWN: &[ArgDoc] = &[
    ArgDoc::optional("user", Kind::Text, "Whose file; that of the whole machine when not given."),
    ArgDoc::required("hostname", Kind::Text, "Which host."),
    CONFIG,
];

pub(in crate::functions) static ALL: &[Exec] = &[
    Exec {
        name: "ssh.auth_keys",
        doc: FunctionDoc::new(
            "Returns the keys that may log in as a user.",
            AUTH,
            "lab-master run '*' ssh.auth_keys root",
        ),
        body: auth_keys,
    },
    Exec {
        name: "ssh.get_known_host_entries",
        doc: FunctionDoc::new(
            "Returns the keys that a host is known by.",
            KNOWN,
            "lab-master run '*' ssh.get_known_host_entries user=root hostname=git.example.net",
        ),
        body: known_host,
    },
    Exec {
        name: "ssh.host_keys",
        doc: FunctionDoc::new(
            "Returns the public keys of this host.",
            &[],
            "lab-master run '*' ssh.host_keys",
        )
        .open(),
        body: host_keys,
    },
];

#[derive(Deserialize)]
struct Args {
    user: Option<String>,
    hostname: Option<String>,
    config: Option<String>,
}

fn auth_keys(call: &Call<'_>) -> Result<Value, CallError> {
    let args: Args = call.typed()?;
    let user = user(args.user.as_deref().unwrap_or_default(), call.ctx).map_err(failed)?;
    let file = KeyFile::of(&user, args.config.as_deref().unwrap_or(".ssh/authorized_keys"));
    let keys = Authorized::parse(&file.read(call.ctx).map_err(failed)?);
    let shown = keys.entries().map(|entry| {
        let options: Vec<&str> = entry.options.split(',').filter(|o| !o.is_empty()).collect();
        let about = map([
            ("enc", entry.key.kind.as_str().into()),
            ("comment", entry.comment.as_str().into()),
            ("options", options.into()),
            ("fingerprint", entry.key.fingerprint().into()),
        ]);
        (Value::from(entry.key.blob.as_str()), Value::Map(about))
    });
    Ok(Value::Map(shown.collect()))
}

fn known_host(call: &Call<'_>) -> Result<Value, CallError> {
    let args: Args = call.typed()?;
    let file = match args.user.as_deref().filter(|u| !u.is_empty()) {
        Some(name) => {
            let user = user(name, call.ctx).map_err(failed)?;
            KeyFile::of(&user, args.config.as_deref().unwrap_or(".ssh/known_hosts"))
        }
        None => KeyFile::of_machine(args.config.as_deref().unwrap_or("/etc/ssh/ssh_known_hosts")),
    };
    let host = args.hostname.unwrap_or_default();
    let known = KnownHosts::parse(&file.read(call.ctx).map_err(failed)?);
    let shown = known.keys(&host).map(|key| {
        Value::Map(map([
            ("hostname", host.as_str().into()),
            ("enc", key.kind.as_str().into()),
            ("key", key.blob.as_str().into()),
            ("fingerprint", key.fingerprint().into()),
        ]))
    });
    Ok(Value::List(shown.collect()))
}

/// `{rsa.pub: 'ssh-rsa AAAA…', …}`, from the files beside the daemon's own keys; the private halves are not read.
fn host_keys(call: &Call<'_>) -> Result<Value, CallError> {
    let dir = std::path::Path::new("/etc/ssh");
    let mut keys = Map::new();
    if !call.ctx.host.stat(dir)?.is_some_and(|m| m.is_dir()) {
        return Ok(Value::Map(keys));
    }
    for name in call.ctx.host.list(dir)? {
        let text = name.to_string_lossy().into_owned();
        let kind = text.strip_prefix("ssh_host_").and_then(|n| n.strip_suffix("_key.pub"));
        if let Some(kind) = kind {
            let line = call.ctx.host.read(&dir.join(&name))?;
            keys.insert(format!("{kind}.pub").into(), String::from_utf8_lossy(&line).trim().into());
        }
    }
    Ok(Value::Map(keys))
}

#[cfg(test)]
mod tests {
    use super::super::key::testing::{KEY, SHA256};
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn keys_are_shown_with_their_fingerprints_and_private_ones_are_not() {
        let host = SimHost::new()
            .with_user("ann", 1001)
            .with_file("/home/ann/.ssh/authorized_keys", format!("no-pty ssh-ed25519 {KEY} me\n"))
            .with_file("/etc/ssh/ssh_known_hosts", format!("h ssh-ed25519 {KEY}\n"))
            .with_file("/etc/ssh/ssh_host_ed25519_key.pub", format!("ssh-ed25519 {KEY} root\n"))
            .with_file("/etc/ssh/ssh_host_ed25519_key", "PRIVATE");
        let bench = Bench::new(host);
        let keys = bench.exec("ssh.auth_keys", &["ann".into()], &Map::new()).unwrap();
        assert_eq!(keys.get(KEY).and_then(|k| k.get("fingerprint")), Some(&Value::from(SHA256)));
        let about = [("hostname".into(), "h".into())].into_iter().collect();
        let known = bench.exec("ssh.get_known_host_entries", &[], &about).unwrap();
        assert_eq!(known.as_list().map(<[Value]>::len), Some(1));
        let own = bench.exec("ssh.host_keys", &[], &Map::new()).unwrap().to_string();
        assert!(own.contains("ed25519.pub") && !own.contains("PRIVATE"), "{own}");
    }
}
