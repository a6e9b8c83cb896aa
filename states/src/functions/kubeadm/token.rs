//! `kubeadm.token_create`, `kubeadm.token_list`, `kubeadm.token_delete`, `kubeadm.join_params`.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Kubeadm, kubeadm};
use crate::function::{ArgDoc, CallError, FunctionDoc, JobCtx, Kind, bind};

pub(super) const ALL: &[Kubeadm] = &[
    Kubeadm { name: "kubeadm.join_params", doc: &PARAMS, call: join_params },
    Kubeadm { name: "kubeadm.token_create", doc: &CREATE, call: create },
    Kubeadm { name: "kubeadm.token_delete", doc: &DELETE, call: delete },
    Kubeadm { name: "kubeadm.token_list", doc: &LIST, call: list },
];

const PARAMS_ARGS: &[ArgDoc] = &[ArgDoc::with_default(
    "create_if_needed",
    Kind::Bool,
    "false",
    "Whether a token is made where there is none.",
)];
static PARAMS: FunctionDoc = FunctionDoc::new(
    "Returns what a machine needs to join this control plane: api-server-endpoint, token and \
     discovery-token-ca-cert-hash. The token is a secret.",
    PARAMS_ARGS,
    "lab-master run cplane kubeadm.join_params create_if_needed=True",
);
static CREATE: FunctionDoc = FunctionDoc::new(
    "Makes a bootstrap token and returns it.",
    &[],
    "lab-master run cplane kubeadm.token_create",
);
static LIST: FunctionDoc =
    FunctionDoc::new("Returns the bootstrap tokens.", &[], "lab-master run cplane kubeadm.token_list");
const DELETE_ARGS: &[ArgDoc] =
    &[ArgDoc::required("token", Kind::Text, "The token, or its part before the dot.")];
static DELETE: FunctionDoc = FunctionDoc::new(
    "Ends a bootstrap token.",
    DELETE_ARGS,
    "lab-master run cplane kubeadm.token_delete abcdef",
);

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    create_if_needed: bool,
}

fn join_params(this: &Kubeadm, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
    let Params { create_if_needed } = bind(this.doc, args, kwargs)?;
    if tokens(ctx)?.is_empty() && !create_if_needed {
        return Err(CallError::failed("there is no bootstrap token; say create_if_needed=True to make one"));
    }
    // kubeadm prints all three values in one line only when it makes a token, so the short-lived one is made here.
    let line = kubeadm(words(["token", "create", "--print-join-command"]), ctx)?;
    let params = parse_join(&line).ok_or_else(|| {
        CallError::failed("kubeadm token create printed no join command that is understood here")
    })?;
    if let Some(token) = params.get("token").and_then(Value::as_str) {
        ctx.secrets.register(token);
    }
    Ok(params)
}

fn create(_: &Kubeadm, _: &[Value], _: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
    kubeadm(words(["token", "create"]), ctx).map(|out| Value::from(out.trim()))
}

fn list(_: &Kubeadm, _: &[Value], _: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
    tokens(ctx).map(Value::from)
}

#[derive(Deserialize)]
struct Delete {
    token: String,
}

fn delete(this: &Kubeadm, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
    let Delete { token } = bind(this.doc, args, kwargs)?;
    kubeadm(words(["token", "delete", &token]), ctx).map(Value::from)
}

fn tokens(ctx: &JobCtx<'_>) -> Result<Vec<String>, CallError> {
    let table = kubeadm(words(["token", "list"]), ctx)?;
    let rows = table.lines().skip(1).filter_map(|l| l.split_whitespace().next());
    Ok(rows.map(str::to_owned).collect())
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// Reads `kubeadm join HOST:PORT --token T --discovery-token-ca-cert-hash H`.
fn parse_join(text: &str) -> Option<Value> {
    let line = text.lines().rfind(|l| l.contains("kubeadm join"))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |word: &str| words.iter().position(|w| *w == word).and_then(|i| words.get(i + 1)).copied();
    Some(Value::from([
        ("api-server-endpoint", after("join")?),
        ("token", after("--token")?),
        ("discovery-token-ca-cert-hash", after("--discovery-token-ca-cert-hash")?),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_join_command_is_read_whatever_stands_around_it() {
        let text = "W1121 a warning\nkubeadm join 10.0.3.101:6443 --token a.b --discovery-token-ca-cert-hash sha256:ff \n";
        let params = parse_join(text).expect("read");
        assert_eq!(params.get("api-server-endpoint"), Some(&Value::from("10.0.3.101:6443")));
        assert_eq!(params.get("token"), Some(&Value::from("a.b")));
        assert_eq!(params.get("discovery-token-ca-cert-hash"), Some(&Value::from("sha256:ff")));
        assert_eq!(parse_join("kubeadm join 10.0.3.101:6443 --token a.b"), None);
    }
}
