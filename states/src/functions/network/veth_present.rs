//! `veth.present`: a virtual cable, both ends switched on.
//!
//! ```yaml
//! veth-br0:
//!   veth.present:
//!     - peer: veth-tap0
//!     - port_of: br0
//! ```

use serde::Deserialize;

use super::desired::{Desired, Veth};
use super::transaction::{Transaction, check, run_one};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, Group, JobCtx, Kind, StateCall, StateError, StateFunction,
    Verdict,
};

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("peer", Kind::Text, "The name of the other end."),
    ArgDoc::optional("port_of", Kind::Text, "The bridge that this end is a port of."),
    ArgDoc::optional("peer_port_of", Kind::Text, "The bridge that the other end is a port of."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Makes a virtual cable, switches both ends on, and plugs them into bridges. Part of the run's one network change.",
    ARGS,
    "veth-a:\n  veth.present:\n    - peer: veth-b\n",
);

#[derive(Deserialize)]
struct Args {
    peer: String,
    port_of: Option<String>,
    peer_port_of: Option<String>,
}

/// The function.
pub(super) struct VethPresent;

/// Reads what a state asks for.
pub(super) fn desired(call: &StateCall) -> Result<Desired, StateError> {
    let Args { peer, port_of, peer_port_of } = call.typed()?;
    Ok(Desired::Veth(Veth { name: call.name.clone(), peer, master: port_of, peer_master: peer_port_of }))
}

impl StateFunction for VethPresent {
    fn name(&self) -> &'static str {
        "veth.present"
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
