//! `kubeadm.init`, `kubeadm.join`, `kubeadm.reset`, `kubeadm.version`.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::{Kubeadm, flags, kubeadm};
use crate::function::{ArgDoc, CallError, FunctionDoc, JobCtx, Kind, bind};

pub(super) const ALL: &[Kubeadm] = &[
    Kubeadm { name: "kubeadm.init", doc: &INIT, call: init },
    Kubeadm { name: "kubeadm.join", doc: &JOIN, call: join },
    Kubeadm { name: "kubeadm.reset", doc: &RESET, call: reset },
    Kubeadm { name: "kubeadm.version", doc: &VERSION, call: version },
];

const INIT_ARGS: &[ArgDoc] = &[
    ArgDoc::optional(
        "apiserver_advertise_address",
        Kind::Text,
        "The address that the API server names as its own.",
    ),
    ArgDoc::optional("apiserver_bind_port", Kind::Int, "The API server's port; 6443 without it."),
    ArgDoc::optional("config", Kind::Path, "A kubeadm configuration file."),
    ArgDoc::optional(
        "ignore_preflight_errors",
        Kind::Text,
        "Checks whose errors are warnings, joined by commas.",
    ),
    ArgDoc::optional("node_name", Kind::Text, "The node's name; the host name without it."),
    ArgDoc::optional("pod_network_cidr", Kind::Text, "The pods' addresses."),
    ArgDoc::optional("token", Kind::Text, "The bootstrap token; kubeadm makes one without it."),
];
static INIT: FunctionDoc = FunctionDoc::new(
    "Makes this machine the control plane of a new cluster; returns what kubeadm printed.",
    INIT_ARGS,
    "lab-master run cplane kubeadm.init apiserver_advertise_address=10.0.3.101",
);

const JOIN_ARGS: &[ArgDoc] = &[
    ArgDoc::required("api_server_endpoint", Kind::Text, "The control plane, HOST:PORT."),
    ArgDoc::required("token", Kind::Text, "A bootstrap token."),
    ArgDoc::required(
        "discovery_token_ca_cert_hash",
        Kind::Text,
        "The hash of the control plane's CA, sha256:…",
    ),
    ArgDoc::optional(
        "ignore_preflight_errors",
        Kind::Text,
        "Checks whose errors are warnings, joined by commas.",
    ),
    ArgDoc::optional("node_name", Kind::Text, "The node's name; the host name without it."),
];
static JOIN: FunctionDoc = FunctionDoc::new(
    "Joins this machine to a cluster; returns what kubeadm printed. `kubeadm.join_params` gives its arguments.",
    JOIN_ARGS,
    "lab-master run worker kubeadm.join 10.0.3.101:6443 TOKEN sha256:HASH",
);

static RESET: FunctionDoc =
    FunctionDoc::new("Undoes what init or join did.", &[], "lab-master run worker kubeadm.reset");
static VERSION: FunctionDoc =
    FunctionDoc::new("Returns kubeadm's version.", &[], "lab-master run worker kubeadm.version");

#[derive(Deserialize)]
struct Init {
    apiserver_advertise_address: Option<String>,
    apiserver_bind_port: Option<u16>,
    config: Option<String>,
    ignore_preflight_errors: Option<String>,
    node_name: Option<String>,
    pod_network_cidr: Option<String>,
    token: Option<String>,
}

fn init(this: &Kubeadm, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
    let a: Init = bind(this.doc, args, kwargs)?;
    let mut words = vec!["init".to_owned()];
    words.extend(flags([
        ("apiserver-advertise-address", a.apiserver_advertise_address),
        ("apiserver-bind-port", a.apiserver_bind_port.map(|p| p.to_string())),
        ("config", a.config),
        ("ignore-preflight-errors", a.ignore_preflight_errors),
        ("node-name", a.node_name),
        ("pod-network-cidr", a.pod_network_cidr),
        ("token", a.token),
    ]));
    kubeadm(words, ctx).map(Value::from)
}

#[derive(Deserialize)]
struct Join {
    api_server_endpoint: String,
    token: String,
    discovery_token_ca_cert_hash: String,
    ignore_preflight_errors: Option<String>,
    node_name: Option<String>,
}

fn join(this: &Kubeadm, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
    let a: Join = bind(this.doc, args, kwargs)?;
    // A bearer secret: it must not be in this job's return or log.
    ctx.secrets.register(&a.token);
    let mut words = vec!["join".to_owned(), a.api_server_endpoint];
    words.extend(flags([
        ("token", Some(a.token)),
        ("discovery-token-ca-cert-hash", Some(a.discovery_token_ca_cert_hash)),
        ("ignore-preflight-errors", a.ignore_preflight_errors),
        ("node-name", a.node_name),
    ]));
    kubeadm(words, ctx).map(Value::from)
}

fn reset(_: &Kubeadm, _: &[Value], _: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
    kubeadm(vec!["reset".to_owned(), "-f".to_owned()], ctx).map(Value::from)
}

fn version(_: &Kubeadm, _: &[Value], _: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
    kubeadm(vec!["version".to_owned(), "-o".to_owned(), "short".to_owned()], ctx).map(Value::from)
}
