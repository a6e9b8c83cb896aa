//! `bridge.present`: a bridge with its ports, addresses and options.
//!
//! ```yaml
//! br0:
//!   bridge.present:
//!     - ports: [eth0]
//!     - take_over: eth0      # the bridge takes eth0's addresses and routes, without losing a packet
//!     - stp: True
//!     - forward_delay: 4
//! ```

use lab_proto::Value;
use serde::Deserialize;

use super::desired::{Bridge, Desired, forward_delay};
use super::transaction::{Transaction, check, run_one};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, Group, JobCtx, Kind, StateCall, StateError, StateFunction,
    Verdict,
};

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("ports", Kind::List, "Links that are its ports."),
    ArgDoc::optional(
        "take_over",
        Kind::Text,
        "The port whose addresses, routes and neighbours the bridge takes over.",
    ),
    ArgDoc::optional("addresses", Kind::List, "Addresses with prefix length that it has, 192.168.1.1/24."),
    ArgDoc::optional("stp", Kind::Bool, "Whether the spanning tree protocol runs."),
    ArgDoc::optional(
        "forward_delay",
        Kind::Text,
        "How long a port waits before it forwards: 4, 4s (2 to 30 s with stp).",
    ),
    ArgDoc::optional("mac", Kind::Text, "Its hardware address; without it that of the port taken over."),
    ArgDoc::optional(
        "mtu",
        Kind::Int,
        "Its longest packet, in bytes; without it that of the port taken over.",
    ),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes a bridge and keeps its ports, addresses and options. Only what is named is touched: other ports and addresses \
     stay. All network states of a run are one change: when one step fails, the ones before it are undone.",
    ARGS,
    "br-lab:\n  bridge.present:\n    - addresses: [192.168.77.1/24]\n    - stp: False\n    - forward_delay: 4\n",
);

#[derive(Deserialize)]
struct Args {
    #[serde(default)]
    ports: Vec<String>,
    take_over: Option<String>,
    #[serde(default)]
    addresses: Vec<String>,
    stp: Option<bool>,
    mac: Option<String>,
    mtu: Option<u32>,
}

/// The function.
pub(super) struct BridgePresent;

/// Reads what a state asks for.
pub(super) fn desired(call: &StateCall) -> Result<Desired, StateError> {
    let Args { ports, take_over, addresses, stp, mac, mtu } = call.typed()?;
    let failed = |e: &dyn std::fmt::Display| StateError::failed(e.to_string());
    let delay = call.arg("forward_delay").filter(|v| **v != Value::Null);
    Ok(Desired::Bridge(Bridge {
        name: call.name.clone(),
        ports,
        take_over,
        addresses: addresses
            .iter()
            .map(|a| a.parse())
            .collect::<Result<_, String>>()
            .map_err(StateError::failed)?,
        stp,
        forward_delay: delay.map(|v| forward_delay(v, stp)).transpose().map_err(|e| failed(&e))?,
        mac: mac.map(|m| m.parse()).transpose().map_err(|e: crate::host::MacError| failed(&e))?,
        mtu,
    }))
}

impl StateFunction for BridgePresent {
    fn name(&self) -> &'static str {
        "bridge.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx)
    }

    fn apply(&self, call: &StateCall, _: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = run_one(call, ctx);
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    /// Plans, applies and reads back in one transaction.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        run_one(call, ctx)
    }

    fn group(&self) -> Option<&dyn Group> {
        Some(&Transaction)
    }
}
